"""What happens over and over, or all at once: nothing gets stuck, lost, doubled or left open."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.door.nursery import Fork
from tests.door.process import DaemonProcess, EngineProcess, eventually, make_home, request

DEAF = """
from plasma_watch.cli import main
from plasma_watch.intake.watch import Watch

Watch.dispatch = lambda *_: None
main()
"""
"""A daemon to which no event is ever delivered, as on a network volume."""


def rescanning(daemon: DaemonProcess) -> DaemonProcess:
    """Let a home be looked at every second."""
    config = daemon.home / "config.toml"
    often = config.read_text("utf-8").replace("rescan_seconds = 15", "rescan_seconds = 1")
    config.write_text(often, "utf-8")
    return daemon


def test_events_that_never_come_cost_time_only(own_daemon: DaemonProcess) -> None:
    """F5, F7: what is dropped, cancelled and taken away is found by the rescan."""
    daemon = rescanning(own_daemon)
    command = [sys.executable, "-c", DEAF, "run", "--home", str(daemon.home)]
    with (daemon.home / "stderr.log").open("ab") as log:
        daemon.process = subprocess.Popen(command, env=daemon.environ, stdout=log, stderr=log)
    eventually(daemon.is_up, "the daemon")
    daemon.drop("page", steps=1)

    assert daemon.until("page", "done")

    daemon.drop("long", steps=100)
    daemon.until("long", "running")
    (daemon.home / "inbox" / "long.cancel").touch()

    assert daemon.until("long", "cancelled")


def test_line_that_ran_empty_goes_on_with_the_next_drop(daemon: DaemonProcess) -> None:
    """F59: again and again."""
    for name in ("first", "second", "third"):
        daemon.drop(name)
        daemon.until(name, "done")
        eventually(lambda: daemon.told("daemon")["state"] == "idle", "rest")


def test_request_edited_while_it_runs_is_made_in_both_forms(own_daemon: DaemonProcess) -> None:
    """F62: the running job ends with the old one; the new one is a job of its own."""
    own_daemon.start()
    own_daemon.drop("page", prompt="the old word", steps=30)
    own_daemon.until("page", "running")
    own_daemon.drop("page", prompt="the new word", steps=1)

    eventually(lambda: len(own_daemon.folders("done")) == 2, "both")

    made = [own_daemon.home / "output" / f"page_v{n}.toml" for n in (1, 2)]
    manifests = [tomllib.loads(path.read_text("utf-8")) for path in made]
    assert [manifest["prompt"] for manifest in manifests] == ["the old word", "the new word"]


def test_same_request_a_hundred_times_is_made_once(
    daemon: DaemonProcess, engine: EngineProcess
) -> None:
    """F65, F70: all others are answered with that picture, and nothing is left open."""
    before = len(engine.prompts())
    keys: dict[str, Any] = {"once": True, "output": "studies/same", "prompt": "one of a hundred"}
    daemon.drop("first", **keys)
    first = daemon.until("first", "done")
    opened = _open_files(daemon)
    for number in range(100):
        daemon.drop(f"again-{number}", **keys)

    eventually(lambda: len(daemon.folders("done")) == 101, "all of them")

    assert len(engine.prompts()) == before + 1
    assert daemon.until("again-99", "done")["outputs"] == first["outputs"]
    assert len([name for name in daemon.outputs() if name.endswith(".png")]) == 1
    assert _open_files(daemon) <= opened + 2


def _open_files(daemon: DaemonProcess) -> int:
    assert daemon.process is not None
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))  # noqa: PTH208 - names are enough


def test_two_hundred_wishes_at_once_leave_everything_in_one_place(daemon: DaemonProcess) -> None:
    """F60: paused, resumed, cancelled, dropped again and made urgent in no order at all."""
    chance = random.Random(1)  # noqa: S311 - always the same
    inbox = daemon.home / "inbox"
    names = [f"p{number}" for number in range(6)]
    for _ in range(200):
        name = chance.choice(names)
        match chance.randrange(5):
            case 0:
                (inbox / "PAUSE").touch()
            case 1:
                (inbox / "PAUSE").unlink(missing_ok=True)
            case 2:
                (inbox / f"{name}.cancel").touch()
            case 3:
                daemon.drop(name, steps=chance.randrange(1, 4))
            case _:
                _hurry(inbox / f"{name}.toml")
    (inbox / "PAUSE").unlink(missing_ok=True)
    daemon.drop("last")

    eventually(lambda: _is_at_rest(daemon), "rest")

    daemon.until("last", "done")
    eventually(lambda: _have_ended(daemon, names), "the last word on each")
    assert daemon.folders("failed") == []
    assert len(_pictures(daemon)) == len(daemon.folders("done"))


def _is_at_rest(daemon: DaemonProcess) -> bool:
    """Tell whether no file waits and none runs, in the order in which it would go."""
    waiting = [path for path in (daemon.home / "inbox").rglob("*") if path.is_file()]
    return waiting == [] and daemon.folders("running") == []


def _have_ended(daemon: DaemonProcess, names: list[str]) -> bool:
    """Tell whether each name that is known is told to be done or cancelled."""
    told = {daemon.told(name).get("state", "done") for name in names}
    return told <= {"done", "cancelled"}


def _hurry(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.rename(path.parent / "urgent" / path.name)


def _pictures(daemon: DaemonProcess) -> list[str]:
    return [name for name in daemon.outputs() if name.endswith(".png")]


def test_burst_is_found_whole_and_none_of_it_twice(tmp_path: Path, engine: EngineProcess) -> None:
    """F6: more at once than one look takes, half of it before the start; the line says so."""
    daemon = DaemonProcess(make_home(tmp_path / "home", settle_seconds=0.05), engine)
    inbox = daemon.home / "inbox"
    (inbox / "PAUSE").touch()
    for number in range(800):
        (inbox / f"p{number:04}.toml").write_text(request(seed=number), "utf-8")
    daemon.start()
    for number in range(800, 1600):
        (inbox / f"p{number:04}.toml").write_text(request(seed=number), "utf-8")
    try:
        eventually(lambda: daemon.told("daemon")["line"]["length"] == 1600, "the whole line")

        log = (daemon.home / "status" / "daemon.log").read_text("utf-8")
        assert log.count(" waits (generate)") == 1600
        assert daemon.told("daemon")["line"]["first"][:2] == ["p0000", "p0001"]
    finally:
        daemon.kill()


def test_private_folder_may_be_thrown_away(own_daemon: DaemonProcess) -> None:
    """It is made anew, the lock is held again, and nobody else gets in."""
    daemon = rescanning(own_daemon)
    daemon.start()
    thrown = (daemon.home / ".plasma").rename(daemon.home / "thrown")
    shutil.rmtree(thrown)  # the daemon puts nothing new into it meanwhile

    eventually((daemon.home / ".plasma" / "lock").exists, "the lock")
    eventually(lambda: "it is held again" in (daemon.home / "stderr.log").read_text("utf-8"))

    assert daemon.run("run").returncode == 4
    daemon.drop("page", steps=1)
    assert daemon.until("page", "done")


def test_home_made_anew_is_looked_after(own_daemon: DaemonProcess) -> None:
    """By the daemon that looked after the one before, which says so in the new log."""
    daemon = rescanning(own_daemon)
    daemon.start()
    config = (daemon.home / "config.toml").read_text("utf-8")
    daemon.home.rename(daemon.home.with_name("before"))
    make_home(daemon.home)
    (daemon.home / "config.toml").write_text(config, "utf-8")

    daemon.drop("page", steps=1)

    assert daemon.until("page", "done")
    assert "it is held again" in (daemon.home / "status" / "daemon.log").read_text("utf-8")


def test_home_made_anew_has_one_daemon(own_daemon: DaemonProcess, tmp_path: Path) -> None:
    """The one that was there first; the daemon of the home before ends, and says why."""
    daemon = rescanning(own_daemon)
    daemon.start()
    first = daemon.process
    assert first is not None
    _stopped(first)
    daemon.home.rename(tmp_path / "before")
    make_home(daemon.home)
    daemon.start()
    _going_on(first)

    assert first.wait(60) == 4
    assert "another daemon looks after" in (tmp_path / "before" / "stderr.log").read_text("utf-8")
    daemon.drop("page", steps=1)
    assert daemon.until("page", "done")
    assert daemon.is_up()


def _stopped(process: subprocess.Popen[bytes] | Fork) -> None:
    process.send_signal(signal.SIGSTOP)


def _going_on(process: subprocess.Popen[bytes] | Fork) -> None:
    process.send_signal(signal.SIGCONT)


def test_names_that_change_while_they_wait_are_each_made_once(daemon: DaemonProcess) -> None:
    """F73: another case, over another file, and two that swap their names."""
    inbox = daemon.home / "inbox"
    (inbox / "PAUSE").touch()
    eventually(lambda: daemon.told("daemon")["state"] == "paused")
    for name in ("case", "over", "under", "left", "right"):
        daemon.drop(name, prompt=f"words of {name}")
    eventually(lambda: daemon.told("daemon")["line"]["length"] == 5, "all of them")
    (inbox / "case.toml").rename(inbox / "Case.toml")
    (inbox / "over.toml").replace(inbox / "under.toml")
    (inbox / "left.toml").rename(inbox / ".swap.tmp")
    (inbox / "right.toml").rename(inbox / "left.toml")
    (inbox / ".swap.tmp").rename(inbox / "right.toml")
    (inbox / "PAUSE").unlink()

    eventually(lambda: _is_at_rest(daemon), "rest")

    assert _prompts(daemon) == {
        "case_v1.toml": "words of case",
        "under_v1.toml": "words of over",
        "left_v1.toml": "words of right",
        "right_v1.toml": "words of left",
    }


def _prompts(daemon: DaemonProcess) -> dict[str, str]:
    """Return what each picture was made of, by its manifest's name."""
    manifests = (daemon.home / "output").glob("*.toml")
    return {path.name: tomllib.loads(path.read_text("utf-8"))["prompt"] for path in manifests}
