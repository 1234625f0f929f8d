"""What is sent through the line by a command: a daemon that is missing is told of, in time."""

from __future__ import annotations

import os
import signal
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from plasma_watch import errand, toml_text
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.job import Ending, Job, State
from plasma_watch.line import Ongoing
from plasma_watch.status import read_status
from plasma_watch.system.locks import Lock
from tests.doctor.test_examination import configure
from tests.fakes.engine import closed_port
from tests.fakes.home import NOON

REQUEST = {"kind": "generate", "workflow": "txt2img", "prompt": "a cat"}


@pytest.fixture
def held(home: Home) -> Iterator[Lock]:
    """The home's lock, as a daemon holds it."""
    lock = Lock(home.lock)
    lock.acquire()
    yield lock
    lock.release()


def daemon(home: Home, state: str, pid: int = 0) -> None:
    """Tell of a daemon: of this process, which holds the home, or of another."""
    table = {"state": state, "pid": pid or os.getpid(), "why": "nonsense", "hint": "Mend it."}
    (home.status / "daemon.toml").write_text(toml_text.dumps(table), "utf-8")


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


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("state", ["degraded", "paused"])
def test_a_daemon_that_runs_nothing_is_refused(home: Home, state: str) -> None:
    """It waits for its config to be mended, or for somebody who lets the line go on."""
    daemon(home, state)

    with pytest.raises(PlasmaError, match="nonsense") as caught, errand.daemon_of(home):
        pass

    assert caught.value.hint == "Mend it."


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("state", ["degraded", "paused"])
def test_one_that_comes_to_run_nothing_is_told_of(home: Home, state: str) -> None:
    """It had begun well."""
    daemon(home, "idle")
    with errand.daemon_of(home):
        sent = errand.send(home, "lonely", REQUEST)
        daemon(home, state)

        with pytest.raises(PlasmaError, match="nonsense"):
            errand.await_end(home, sent, 60)

    assert (home.inbox / "lonely.cancel").is_file()


@pytest.mark.usefixtures("held")
def test_what_an_earlier_daemon_said_is_not_the_word_of_one_that_starts(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the home, and has not told of itself yet."""
    monkeypatch.setattr(errand, "UP_SECONDS", errand.LOOK_SECONDS)
    daemon(home, "idle", os.getpid() + 1)

    with pytest.raises(PlasmaError, match="does not come up"), errand.daemon_of(home):
        pass


def test_a_daemon_that_ends_meanwhile_is_told_of(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its job waits for an engine; nobody waits for a job that nobody runs."""
    configure(home, closed_port())
    with errand.daemon_of(home):
        monkeypatch.setattr(errand, "UP_SECONDS", errand.LOOK_SECONDS)
        sent = errand.send(home, "lonely", REQUEST)
        os.kill(read_status(home.status / "daemon.toml")["pid"], signal.SIGKILL)

        with pytest.raises(PlasmaError, match="ended before lonely did") as caught:
            errand.await_end(home, sent, 60)

    assert caught.value.code == Code.DAEMON_SERVICE
    assert (home.inbox / "lonely.cancel").is_file()


# Whose status is it?


def tell(home: Home, job: str, state: str, sent: errand.Drop | None = None, **told: Any) -> None:
    """Tell of a job in the status of the name."""
    dropped = sent.at if sent else NOON
    table = {"name": "lonely", "job": job, "state": state, "dropped": dropped, "why": job} | told
    (home.status / "lonely.toml").write_text(toml_text.dumps(table), "utf-8")


def look(home: Home, sent: errand.Drop) -> str:
    """Return which job is taken for that of a drop."""
    return str(errand.Awaited(home, sent).look().get("job", ""))


def test_an_earlier_end_of_the_same_request_is_not_this_one(home: Home) -> None:
    """The same bytes were dropped before; the daemon has not looked yet."""
    digest = errand.send(home, "lonely", REQUEST).sha256
    tell(home, "1-lonely", "done", sha256=digest)

    sent = errand.send(home, "lonely", REQUEST)

    assert look(home, sent) == ""
    tell(home, "2-lonely", "done", sent, sha256=digest)
    assert look(home, sent) == "2-lonely"


def test_one_that_waits_may_be_this_one(home: Home) -> None:
    """The same bytes in its place keep it in the line."""
    digest = errand.send(home, "lonely", REQUEST).sha256
    tell(home, "1-lonely", "waiting", sha256=digest)

    sent = errand.send(home, "lonely", REQUEST)

    assert look(home, sent) == "1-lonely"


def test_what_could_not_be_read_has_no_digest(home: Home) -> None:
    """It was refused for its size."""
    sent = errand.send(home, "lonely", REQUEST)

    tell(home, "1-lonely", "failed")
    assert look(home, sent) == ""

    tell(home, "2-lonely", "failed", sent)
    assert look(home, sent) == "2-lonely"


def test_one_that_was_replaced_before_it_began_is_told_of(home: Home) -> None:
    """Somebody dropped another request under its name."""
    tell(home, "1-lonely", "waiting", sha256="0")
    sent = errand.send(home, "lonely", REQUEST)
    awaited = errand.Awaited(home, sent)
    assert awaited.look() == {}

    tell(home, "2-lonely", "waiting", sent, sha256="1")

    assert awaited.look()["why"] == "another request was dropped under its name before it began"


def test_one_that_ends_under_a_newer_drop_is_found(home: Home) -> None:
    """The status belongs to the newer one; its own folder tells of it."""
    sent = errand.send(home, "lonely", REQUEST)
    awaited = errand.Awaited(home, sent)
    tell(home, "20261122T120000-lonely", "running", sent, sha256=sent.sha256)
    assert awaited.look()["state"] == "running"
    tell(home, "20261122T120001-lonely", "waiting", sent, sha256="1")
    assert awaited.look() == {}
    job = Job("20261122T120000-lonely", "lonely", "lonely.toml", "generate", NOON, sent.sha256)
    folder = home.done / job.id
    folder.mkdir(parents=True)
    Ongoing(folder, job).keep(replace(job, ending=Ending(State.DONE, "output/p_v1.png")))

    status = awaited.look()

    assert (status["state"], status["why"]) == ("done", "output/p_v1.png")


def test_a_name_is_told_in_nfc(home: Home) -> None:
    """A Mac writes letters with their marks apart."""
    sent = errand.drop(home, unicodedata.normalize("NFD", "Königin.toml"), b"")

    assert sent.name == unicodedata.normalize("NFC", "Königin")
