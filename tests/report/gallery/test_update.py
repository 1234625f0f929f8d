"""Everything of a gallery, once."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.report.gallery.update import Place, update
from plasma_watch.system.locks import Lock
from plasma_watch.toml_text import dumps
from tests.fakes.book import page, place
from tests.fakes.home import a_home

JOB = "20261122T120000-p001"


@pytest.fixture
def here(tmp_path: Path) -> Place:
    """A home, and its outputs."""
    home = a_home(tmp_path)
    return Place(home, home.root / "output", home.root / "loras")


def journal(home: Home, folder: str, **table: Any) -> None:
    """Write the journal of a job."""
    (home.root / folder / JOB).mkdir()
    (home.root / folder / JOB / "job.toml").write_text(dumps(table))


def told(here: Place) -> dict[str, Any]:
    """Return what all pages are told."""
    text = (here.output / ".gallery" / "data" / "groups.js").read_text()
    found: dict[str, Any] = json.loads(text.splitlines()[1])
    return found


def test_pages_are_told_everything_they_show(here: Place) -> None:
    """When it was built, how request keys are called, failures, LoRAs."""
    page(here.output, 1, 1)

    assert update(here) == 1

    about = told(here)["about"]
    assert about["names"]["lora.strength"] == "LoRA strength"
    assert (about["failures"], about["loras"]) == (0, [])
    assert list(told(here)["groups"]) == ["ch-01"]
    assert here.is_there
    assert here.index.is_file()


@pytest.mark.parametrize("folder", ["running", "done", "failed", "cancelled"])
def test_what_a_job_made_is_found_wherever_its_folder_is(here: Place, folder: str) -> None:
    """Pictures and their sheet, as the journal tells them."""
    for name in ("a_v1", "b_v1", "a_sheet_v1"):
        place(here.output, name, 1)
    made = [{"path": "output/a_v1.png"}, {"path": str(here.output / "b_v1.png")}]
    sheet = {"made": {"path": "output/a_sheet_v1.png"}}
    journal(here.home, folder, pictures=[{"made": made}, {"number": 2}], sheet=sheet)

    assert update(here, [JOB]) == 3


@pytest.mark.parametrize("table", [{}, {"pictures": "odd"}, {"sheet": {"placing": "x"}}])
def test_a_job_that_made_nothing_adds_nothing(here: Place, table: dict[str, Any]) -> None:
    """Its failure is told all the same."""
    journal(here.home, "failed", **table)

    assert update(here, [JOB, "20261122T120000-unknown", "../x"]) == 0


def test_two_never_work_on_it_at_once(here: Place) -> None:
    """The second waits for a while, then says who is at work."""
    lock = Lock(here.home.private / "gallery.lock")
    assert lock.acquire()

    with pytest.raises(PlasmaError) as caught:
        update(here, wait_seconds=0.05)
    assert caught.value.code is Code.DAEMON_HELD

    timer = threading.Timer(0.05, lock.release)
    timer.start()
    assert update(here) == 0
    timer.join()


def test_an_error_lets_go_of_the_lock(here: Place) -> None:
    """The next one can work."""
    here.index.write_text("somebody else's")
    with pytest.raises(PlasmaError):
        update(here)
    here.index.unlink()

    assert update(here) == 0
