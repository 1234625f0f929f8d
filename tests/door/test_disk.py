"""A real disk that fills up and is freed again: the daemon lives, says what it waits for, goes on.

The disk is a small tmpfs; where a test may not mount one it is skipped.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.door.process import DaemonProcess, EngineProcess, eventually, make_home

Mount = Callable[[str, str], Path]
BLOCK = 4096


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mount small disks, and take them away in the end."""
    mounted: list[Path] = []

    def mount(name: str, size: str) -> Path:
        tool = shutil.which("mount")
        if sys.platform != "linux" or tool is None:
            pytest.skip("only Linux mounts a tmpfs")
        folder = tmp_path / name
        folder.mkdir()
        command = [tool, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this test may not mount: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607 - where mount is


def fill(folder: Path) -> Path:
    """Fill a disk to its last block; return the file that does."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(BLOCK)) == BLOCK:
            pass
    return ballast


def started(daemon: DaemonProcess, log: Path) -> Path:
    """Start a daemon whose standard error lies on another disk; return that log."""
    command = [sys.executable, "-m", "plasma_watch", "run", "--home", str(daemon.home)]
    with log.open("ab") as file:
        daemon.process = subprocess.Popen(command, env=daemon.environ, stdout=file, stderr=file)
    return log


def test_full_output_is_waited_for(tmp_path: Path, mount: Mount, engine: EngineProcess) -> None:
    """F36: nothing half is to be seen there; when there is room again the page is placed."""
    disk = mount("disk", "2m")
    daemon = DaemonProcess(make_home(tmp_path / "home"), engine)
    config = daemon.home / "config.toml"
    elsewhere = config.read_text("utf-8").replace('output = "output"', f'output = "{disk}"')
    config.write_text(elsewhere, "utf-8")
    ballast = fill(disk)
    daemon.start()
    try:
        daemon.drop("page", steps=1, width=256, height=256)
        eventually(lambda: daemon.told("page").get("waiting_for") == "disk.error", "the wait")

        assert daemon.told("page")["state"] == "running"
        assert "No space left" in daemon.told("page")["why"]
        assert [path.name for path in disk.iterdir()] == ["ballast"]
        ballast.unlink()

        told = daemon.until("page", "done")
        assert told["attempt"] == 1
        assert sorted(path.name for path in disk.iterdir()) == [
            "generation-log.json",
            "page_v1.png",
            "page_v1.toml",
        ]
    finally:
        daemon.kill()


def test_full_home_is_waited_for(mount: Mount, engine: EngineProcess) -> None:
    """F37: no journal can be written, no status and no log; nothing is lost, and it goes on."""
    disk = mount("disk", "4m")
    daemon = DaemonProcess(make_home(disk / "home"), engine)
    (daemon.home / "inbox" / "PAUSE").touch()
    log = started(daemon, disk.parent / "log")
    before = len(engine.prompts())
    try:
        for name in ("first", "second"):
            daemon.drop(name, steps=1)
            daemon.until(name, "waiting")
        daemon.drop("bad", "kind = 3\n")
        daemon.until("bad", "failed")
        ballast = fill(disk)
        (daemon.home / "inbox" / "PAUSE").unlink()
        eventually(lambda: "disk.error" in log.read_text("utf-8"), "a word")

        assert daemon.process is not None
        assert daemon.process.poll() is None
        assert sorted(p.name for p in (daemon.home / "inbox").glob("*.toml")) == [
            "first.toml",
            "second.toml",
        ]
        ballast.unlink()

        for name in ("first", "second"):
            daemon.until(name, "done")
        assert len(engine.prompts()) == before + 2
        assert daemon.folders("running") == []
        assert list(daemon.home.rglob("*.tmp")) == []
    finally:
        daemon.kill()


def test_daemon_starts_on_a_full_disk(mount: Mount, engine: EngineProcess) -> None:
    """F37: it is there to say so, and to go on when somebody makes room."""
    disk = mount("disk", "4m")
    daemon = DaemonProcess(make_home(disk / "home"), engine)
    daemon.drop("page", steps=1)
    ballast = fill(disk)
    log = started(daemon, disk.parent / "log")
    try:
        eventually(lambda: "cannot" in log.read_text("utf-8"), "a word")
        assert daemon.process is not None
        assert daemon.process.poll() is None
        ballast.unlink()

        assert daemon.until("page", "done")
    finally:
        daemon.kill()
