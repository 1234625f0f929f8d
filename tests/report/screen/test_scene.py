"""What is seen of a real home, from its files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.home import Home
from plasma_watch.report.screen.scene import Eye
from plasma_watch.system.locks import Lock
from plasma_watch.toml_text import dumps
from tests.fakes.home import a_home
from tests.fakes.scenes import DAEMON, PAGE, TRAINING, waiting


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which a page runs and two wait."""
    home = a_home(tmp_path)
    tell(home, "daemon", DAEMON | {"running": "p003"})
    tell(home, "p003", PAGE)
    tell(home, "p004", waiting(1))
    tell(home, "p005", waiting(2))
    return home


def tell(home: Home, name: str, table: dict[str, Any]) -> None:
    """Write a status file."""
    (home.status / f"{name}.toml").write_text(dumps(table))


def test_everything_is_read_from_the_files(home: Home) -> None:
    """The lock says whether somebody looks after them."""
    assert not Eye(home).look().is_up
    lock = Lock(home.lock)
    assert lock.acquire()

    scene = Eye(home).look()

    lock.release()
    assert scene.is_up
    assert scene.daemon["why"] == "p003 runs; 2 in line"
    assert scene.job["why"] == "step 9 of 20"
    assert [told["name"] for told in scene.line] == ["p004", "p005"]
    assert not scene.is_one


def test_the_word_of_an_earlier_daemon_is_not_that_of_the_holder(home: Home) -> None:
    """One that starts has not told of itself yet; no job runs, and no line is known."""
    tell(home, "daemon", DAEMON | {"running": "p003", "pid": 1})
    lock = Lock(home.lock)
    assert lock.acquire()

    scene = Eye(home).look()

    lock.release()
    assert scene.daemon["state"] == "starting"
    assert (scene.job, scene.line) == ({}, [])


def test_what_is_no_more_in_line_is_not_shown_there(home: Home) -> None:
    """The daemon's file is a moment older than the job's."""
    tell(home, "p004", waiting(1) | {"state": "running"})

    assert [told["name"] for told in Eye(home).look().line] == ["p005"]


def test_a_home_without_files_is_empty(tmp_path: Path) -> None:
    """Nothing is missing that was never there."""
    scene = Eye(a_home(tmp_path)).look()

    assert (scene.daemon, scene.job, scene.line, scene.ends) == ({}, {}, [], [])


def test_losses_are_read_as_the_training_goes_on(home: Home) -> None:
    """Of the training that runs now, and of no other."""
    tell(home, "p003", TRAINING)
    folder = home.running / str(TRAINING["job"])
    folder.mkdir()
    eye = Eye(home)
    assert eye.look().losses == []

    with (folder / "history.jsonl").open("a") as file:
        for step in (1, 2):
            file.write(json.dumps({"step": step, "loss": 0.3 / step}) + "\n")
            file.flush()
            eye.look()

    assert eye.look().losses == [(1, 0.3), (2, 0.15)]
    tell(home, "p003", TRAINING | {"job": "20261122T130000-other"})
    assert eye.look().losses == []


def test_a_job_cannot_name_a_folder_elsewhere(home: Home) -> None:
    """People edit files."""
    (home.root / "history.jsonl").write_text('{"step": 1, "loss": 0.3}\n')
    tell(home, "p003", TRAINING | {"job": "../"})

    assert Eye(home).look().losses == []


def test_one_job_alone_comes_with_its_log(home: Home) -> None:
    """Its end: a log may be long."""
    (home.status / "p004.log").write_text("".join(f"line {n:05d}\n" for n in range(5000)))

    scene = Eye(home, "p004").look()

    assert scene.is_one
    assert scene.job["name"] == "p004"
    assert scene.line == ()
    assert scene.log[-1] == "line 04999"
    assert all(len(line) == 10 for line in scene.log)
    assert Eye(home, "nobody").look().log == []
