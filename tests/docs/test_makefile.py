"""What `make` says on a machine that lacks something."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PYTHON = """#!/bin/sh
if [ "$1" = -m ] && [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
for tool in ruff mypy pytest; do
  [ -d .venv/bin ] && printf '#!/bin/sh\\n' > .venv/bin/$tool && chmod +x .venv/bin/$tool
done
exit 0
"""
APT = """#!/bin/sh
echo "$*" >> {told}
case "$*" in *update*) touch {told}.updated; exit 0;; *chromium) exit 100;; esac
[ -e {told}.updated ] || exit 100
printf '#!/bin/sh\\n' > {tools}/tmux && chmod +x {tools}/tmux
"""
OLD_PYTHON = """#!/bin/sh
case "$1" in --version) echo "Python 3.9.6";; *) exit 1;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Path:
    """Return a folder with what `make` looks at, and nothing made yet."""
    for file in ("Makefile", "pyproject.toml", "tests/constraints.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(repository / file, tmp_path / file)
    return tmp_path


def with_tools(checkout: Path, *real: str, **written: str) -> Path:
    """Make a folder of tools, some real, some written here, that are all there is."""
    tools = checkout / "tools"
    tools.mkdir()
    for tool in real:
        found = shutil.which(tool)
        assert found
        (tools / tool).symlink_to(found)
    for tool, text in written.items():
        (tools / tool).write_text(text)
        (tools / tool).chmod(0o755)
    return tools


def make(tools: Path, target: str) -> subprocess.CompletedProcess[str]:
    """Run `make` with those tools alone."""
    return subprocess.run(
        [str(tools / "make"), target],
        cwd=tools.parent,
        env=dict(os.environ) | {"PATH": str(tools), "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", ["demo", "test"])
def test_an_old_python_is_told_what_to_install(checkout: Path, target: str) -> None:
    """The Python that macOS brings is 3.9."""
    tools = with_tools(checkout, "make", "sh", python3=OLD_PYTHON)

    answer = make(tools, target)

    assert answer.returncode != 0
    assert "needs Python 3.11 or newer; this machine has: Python 3.9.6" in answer.stdout
    assert f"run 'make {target}' again" in answer.stdout
    assert not (checkout / ".venv").exists()


BARE = ("make", "sh", "mkdir", "cp", "chmod", "touch", "cat")


def test_what_tests_look_through_is_installed_where_it_may_be(checkout: Path) -> None:
    """As root on Debian, with its list of packages renewed; what cannot be had is skipped."""
    told = checkout / "told"
    apt = APT.format(told=told, tools=checkout / "tools")
    tools = with_tools(checkout, *BARE, python3=PYTHON, id="#!/bin/sh\necho 0\n")
    (tools / "apt-get").write_text(apt)
    (tools / "apt-get").chmod(0o755)

    answer = make(tools, "test")

    assert answer.returncode == 0, answer.stderr
    assert "Installing tmux" in answer.stdout
    assert "There is no tmux" not in answer.stdout
    assert "There is no chromium here: what is looked at through it is skipped" in answer.stdout
    assert all("Retries" in line for line in told.read_text().splitlines())


def test_nothing_is_installed_by_who_is_not_root(checkout: Path) -> None:
    """It is said how, and everything else is tested."""
    tools = with_tools(checkout, *BARE, python3=PYTHON, id="#!/bin/sh\necho 1000\n")
    (tools / "apt-get").write_text("#!/bin/sh\ntouch called\n")
    (tools / "apt-get").chmod(0o755)

    answer = make(tools, "test")

    assert answer.returncode == 0, answer.stderr
    assert "(Debian: 'apt install chromium')" in answer.stdout
    assert "(Debian: 'apt install tmux')" in answer.stdout
    assert not (checkout / "called").exists()
