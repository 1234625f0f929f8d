"""What the daemon does around a job: whom it tells, and what it does after a sleep."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from plasma_watch.config import Comfyui, Config
from plasma_watch.daemon import Daemon, Options
from plasma_watch.starts import Starts
from plasma_watch.system.locks import Lock
from tests.door.process import DaemonProcess, eventually
from tests.fakes.engine import closed_port
from tests.fakes.home import a_home


@pytest.mark.skipif(sys.platform == "darwin", reason="notify-send is not for a Mac")
def test_a_page_and_a_failure_are_notified(own_daemon: DaemonProcess, tmp_path: Path) -> None:
    """By the platform's tool; the second with its reason."""
    tool = tmp_path / "bin" / "notify-send"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/told\n')
    tool.chmod(0o755)
    own_daemon.environ["PATH"] = f"{tool.parent}:{os.environ['PATH']}"
    own_daemon.start()
    own_daemon.drop("bad", "kind = 'nothing'")

    told = tmp_path / "told"
    eventually(lambda: told.exists() and "bad failed: " in told.read_text("utf-8"))


def test_after_a_sleep_the_inbox_is_watched_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The observer is started again, and the worker looks."""
    caplog.set_level(logging.INFO)
    home = a_home(tmp_path)
    home.config.touch()
    config = Config(comfyui=Comfyui(url=closed_port()))
    lock = Lock(home.lock)
    assert lock.acquire()
    daemon = Daemon(home, config, Options(), Starts(home.private / "starts.json", "1"), lock)
    daemon._round()
    first = daemon._watch._observer
    daemon._worker.wake.clear()
    daemon._round()
    assert daemon._watch._observer is first
    around = daemon._around
    around._instant = replace(around._instant, wall=around._instant.wall - 3600)

    daemon._round()

    assert daemon._watch._observer is not first
    assert daemon._worker.wake.is_set()
    assert any("the machine slept" in record.message for record in caplog.records)
    daemon._watch.stop()
    for tripwire in (daemon._tripwire, daemon._inbox._tripwire):
        tripwire.close()
    daemon._engine.forget()
    lock.release()


def test_a_home_that_is_moved_away_is_waited_for(own_daemon: DaemonProcess) -> None:
    """Its volume is gone, or somebody renamed it: nothing is made in its place."""
    own_daemon.start()
    home, elsewhere = own_daemon.home, own_daemon.home.with_name("elsewhere")
    home.rename(elsewhere)
    log = elsewhere / "stderr.log"
    eventually(lambda: "is not there: it was moved" in log.read_text("utf-8"))
    assert not home.exists()

    elsewhere.rename(home)

    eventually(lambda: "is back" in (home / "status" / "daemon.log").read_text("utf-8"))
    own_daemon.drop("page", steps=1)
    own_daemon.until("page", "done")
    assert own_daemon.stop() == 0


def test_a_status_folder_that_is_taken_away_is_made_again(own_daemon: DaemonProcess) -> None:
    """What is told goes on, in the log as well, and the console gets lines and no tracebacks."""
    own_daemon.start()
    own_daemon.drop("page", steps=20)
    own_daemon.drop("next", steps=1)
    own_daemon.until("page", "running")
    own_daemon.until("next", "waiting")
    take_away(own_daemon.home / "status")

    own_daemon.until("next", "waiting")
    own_daemon.until("page", "done")
    own_daemon.until("next", "done")

    log = (own_daemon.home / "status" / "daemon.log").read_text("utf-8")
    assert "status was taken away; it is made again" in log
    assert own_daemon.log("page")
    assert own_daemon.is_up()
    assert own_daemon.stop() == 0
    console = (own_daemon.home / "stderr.log").read_text("utf-8")
    assert "Traceback" not in console
    assert "Logging error" not in console


def test_a_job_whose_running_folder_is_taken_away_has_ended(own_daemon: DaemonProcess) -> None:
    """The folder of all jobs, not of this one: it is made again, private, and the line goes on."""
    own_daemon.start()
    own_daemon.drop("page", steps=50)
    own_daemon.until("page", "running")
    running = own_daemon.home / "running"
    take_away(running)

    told = own_daemon.until("page", "cancelled")

    assert told["why"] == "its file was taken out of running/"
    assert running.stat().st_mode & 0o777 == 0o700
    own_daemon.drop("next", steps=1)
    own_daemon.until("next", "done")
    assert own_daemon.stop() == 0


def take_away(folder: Path) -> None:
    """Remove a folder that a daemon writes into, in one step."""
    gone = folder.with_name("gone")
    folder.rename(gone)
    shutil.rmtree(gone)
