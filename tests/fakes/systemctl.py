"""A stand-in for `systemctl --user`: it does nothing, says what it is told, and remembers."""

from __future__ import annotations

from pathlib import Path

RUNNING = """LoadState=loaded
ActiveState=active
SubState=running
MainPID=4711
NRestarts=0
Result=success
ExecMainStatus=0
UnitFileState=enabled
"""
STOPPED = """LoadState=loaded
ActiveState=failed
SubState=failed
MainPID=0
NRestarts=2
Result=exit-code
ExecMainStatus=78
UnitFileState=disabled
"""


class FakeSystemctl:
    """`systemctl` in a folder for PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "systemd-bin"
        self.folder.mkdir()
        self._asked = folder / "asked"
        self.shows(RUNNING)

    def shows(self, said: str) -> None:
        """Let `show` say something, and every other verb succeed."""
        answer = f"case $2 in show) cat <<'EOF'\n{said}EOF\n;; esac"
        self._write(f'echo "$@" >> {self._asked}\n{answer}\n')

    def fails(self, said: str) -> None:
        """Let every verb fail."""
        self._write(f"echo {said!r} >&2\nexit 1\n")

    def refuses(self, verb: str, said: str) -> None:
        """Let one verb fail, and every other succeed."""
        answer = f"case $2 in {verb}) echo {said!r} >&2; exit 1 ;; esac"
        self._write(f'echo "$@" >> {self._asked}\n{answer}\n')

    def _write(self, script: str) -> None:
        tool = self.folder / "systemctl"
        tool.write_text(f"#!/bin/sh\n{script}")
        tool.chmod(0o755)

    def asked(self) -> list[str]:
        """Return what was asked, without looking."""
        lines = self._asked.read_text().splitlines() if self._asked.exists() else []
        return [line.removeprefix("--user ") for line in lines if " show " not in f" {line} "]
