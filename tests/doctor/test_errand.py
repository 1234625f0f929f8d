"""What is sent through the line by a command: a daemon that is missing is told of, in time."""

from __future__ import annotations

import os
import signal

import pytest

from plasma_watch import errand
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.status import read_status
from plasma_watch.system.locks import Lock
from tests.doctor.test_examination import configure
from tests.fakes.engine import closed_port


def degraded(home: Home, pid: int) -> None:
    """Tell of a daemon that waits."""
    table = f'state = "degraded"\npid = {pid}\nwhy = "config.toml: nonsense"\nhint = "Mend it."\n'
    (home.status / "daemon.toml").write_text(table, "utf-8")


def test_a_daemon_that_holds_the_home_is_not_up_yet(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the home first, and reads a broken config then."""
    home.config.write_text("[nonsense]\n", "utf-8")
    looks = iter([False])
    monkeypatch.setattr(errand, "is_held", lambda _: next(looks, True))

    with pytest.raises(PlasmaError, match="does not come up") as caught, errand.daemon_of(home):
        pass

    assert caught.value.code == Code.DAEMON_SERVICE


def test_a_daemon_that_runs_nothing_is_refused(home: Home) -> None:
    """As one that waits for its config to be mended."""
    degraded(home, os.getpid())
    lock = Lock(home.lock)
    lock.acquire()

    with pytest.raises(PlasmaError, match="nonsense") as caught, errand.daemon_of(home):
        pass

    lock.release()
    assert caught.value.hint == "Mend it."


def test_what_an_earlier_daemon_said_is_not_the_word_of_one_that_starts(home: Home) -> None:
    """It holds the home, and has not told of itself yet."""
    degraded(home, os.getpid() + 1)
    lock = Lock(home.lock)
    lock.acquire()

    with errand.daemon_of(home):
        pass

    lock.release()


def test_a_daemon_that_ends_meanwhile_is_told_of(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its job waits for an engine; nobody waits for a job that nobody runs."""
    configure(home, closed_port())

    def kill(_: dict[str, object]) -> None:
        monkeypatch.setattr(errand, "UP_SECONDS", errand.LOOK_SECONDS)
        os.kill(read_status(home.status / "daemon.toml")["pid"], signal.SIGKILL)

    request = {"kind": "generate", "workflow": "txt2img", "prompt": "a cat"}
    with errand.daemon_of(home):
        sent = errand.send(home, "lonely", request)
        with pytest.raises(PlasmaError, match="ended before lonely did") as caught:
            errand.await_end(home, "lonely", sent, 60, kill)

    assert caught.value.code == Code.DAEMON_SERVICE
    assert (home.inbox / "lonely.cancel").is_file()
