"""The package is replaced while a daemon of it runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import plasma_watch
from tests.door.process import DaemonProcess, EngineProcess, eventually

PACKAGE = Path(plasma_watch.__file__).parent
TOP = PACKAGE.parent
BESIDE = ("config.toml", "workflows", "launchd", "examples")
"""What a checkout has beside the package, and the package reads."""

OWN = "0.0.67"
"""The version of the copy, which tells that it is the copy that runs."""


def test_a_daemon_outlives_its_own_files(
    own_daemon: DaemonProcess,
    slow_engine: EngineProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F67: what it needs is loaded by then; it makes one page to the end, and a second one."""
    copy = tmp_path / "copy"
    shutil.copytree(PACKAGE, copy / "plasma_watch")
    for name in BESIDE:
        path = TOP / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, copy / name)
    front = copy / "plasma_watch" / "__init__.py"
    front.write_text(front.read_text("utf-8").replace(plasma_watch.__version__, OWN), "utf-8")
    own_daemon.environ["PYTHONPATH"] = str(copy)
    own_daemon.is_forked = False
    monkeypatch.chdir(tmp_path)  # else the checkout itself would come first
    own_daemon.start()
    assert own_daemon.told("daemon")["version"] == OWN
    own_daemon.drop("first", steps=40)
    eventually(slow_engine.running)

    copy.rename(tmp_path / "gone")
    own_daemon.drop("second", steps=1)
    own_daemon.drop("bad", 'kind = "generate"\n')

    own_daemon.until("first", "done")
    own_daemon.until("second", "done")
    own_daemon.until("bad", "failed")
    assert own_daemon.stop() == 0
