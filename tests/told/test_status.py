"""Words for people and programs: the status of each name, its log, and the daemon's own."""

from __future__ import annotations

import itertools
import logging
import re
import shutil
import threading
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.errors import Code
from plasma_watch.job import Ending, Job, Made, Picture, State
from plasma_watch.status import (
    Board,
    Drop,
    JobStatus,
    of_ended,
    of_running,
    read_status,
    stamp,
)

DROPPED = datetime(2026, 11, 22, 4, 15, 12, tzinfo=UTC)
JOB = Job("20261122T041512-p003", "p003", "p003.toml", "generate", DROPPED, "ab" * 32)
WAITING = JobStatus(
    name="p003",
    job=JOB.id,
    kind="generate",
    dropped=DROPPED,
    sha256=JOB.sha256,
    state=State.WAITING,
    why="in line",
    outputs=(),
)
NEWER = replace(
    WAITING,
    job="20261122T041600-p003",
    dropped=DROPPED + timedelta(seconds=48),
    why="a newer drop",
)
RUNNING = of_running(JOB, "step 9 of 20")
DONE = Ending(State.DONE, "output/p003_v1.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that the board writes into."""
    return tmp_path


@pytest.fixture
def board(folder: Path) -> Board:
    """Return a board over that folder, as at a start."""
    return Board(folder)


def told(folder: Path, name: str = "p003") -> dict[str, Any]:
    """Return what the file of a name says."""
    return tomllib.loads((folder / f"{name}.toml").read_text())


# What a status says.


def test_a_waiting_request_is_told_as_the_contract_has_it() -> None:
    """What is not known is left out; what was made so far is an empty list."""
    now = datetime(2026, 11, 22, 4, 15, 30, 999_999, tzinfo=UTC)

    assert replace(WAITING, position=3, waiting_for="memory.short").to_toml(now) == (
        'name = "p003"\n'
        'job = "20261122T041512-p003"\n'
        'kind = "generate"\n'
        "dropped = 2026-11-22T04:15:12Z\n"
        f'sha256 = "{JOB.sha256}"\n'
        'state = "waiting"\n'
        'why = "in line"\n'
        'waiting_for = "memory.short"\n'
        "position = 3\n"
        "outputs = []\n"
        "updated = 2026-11-22T04:15:30Z\n"
    )


def test_what_has_no_outputs_yet_tells_none() -> None:
    """The key is left out rather than empty."""
    assert "outputs" not in replace(WAITING, outputs=None).to_toml(DROPPED)


def test_a_running_job_tells_how_far_it_is() -> None:
    """In whole seconds and thousandths: numbers for people."""
    job = replace(JOB, failures=1, pictures=(Picture(1, 7, attempt=2),))

    status = of_running(job, "step 9 of 20", step=9, steps=20, progress=0.45678, eta_seconds=14.4)

    assert (status.state, status.position, status.attempt) == (State.RUNNING, 0, 2)
    assert (status.step, status.steps, status.progress, status.eta_seconds) == (9, 20, 0.457, 14)


def test_a_running_job_tells_what_holds_it_up() -> None:
    """By its code; before it asked for anything it has no attempt."""
    status = of_running(JOB, "ComfyUI does not answer", waiting_for=Code.ENGINE_UNREACHABLE)

    assert status.waiting_for == "engine.unreachable"
    assert status.attempt is None
    assert status.progress is None


def test_a_finished_job_tells_its_outputs_pictures_first() -> None:
    """Each manifest is beside its picture."""
    made = (Made("output/p003_v1.png", "cd"),)
    job = replace(JOB, pictures=(Picture(1, 7, attempt=1, images=1, made=made),))

    table = tomllib.loads(of_ended(job, DONE).to_toml(DROPPED))

    assert table["state"] == "done"
    assert table["outputs"] == ["output/p003_v1.png", "output/p003_v1.toml"]
    assert table["progress"] == 1.0
    assert "error" not in table


def test_a_failed_job_tells_code_message_and_hint() -> None:
    """In a table of its own, with every problem if there are several."""
    ending = Ending(State.FAILED, "two things", "request.bad-value", "Mend both.", ("one", "two"))

    table = tomllib.loads(of_ended(JOB, ending).to_toml(DROPPED))

    assert table["error"] == {
        "code": "request.bad-value",
        "message": "two things",
        "hint": "Mend both.",
        "problems": ["one", "two"],
    }
    assert "progress" not in table


def test_a_cancelled_job_has_no_error() -> None:
    """Somebody wanted it so."""
    table = tomllib.loads(of_ended(JOB, Ending(State.CANCELLED, "cancelled")).to_toml(DROPPED))

    assert (table["state"], table["why"]) == ("cancelled", "cancelled")
    assert "error" not in table


def test_times_are_told_in_utc() -> None:
    """Whatever zone they come in."""
    tokyo = DROPPED.astimezone(timezone(timedelta(hours=9)))

    assert stamp(tokyo) == "2026-11-22T04:15:12Z"
    assert "dropped = 2026-11-22T04:15:12Z\n" in replace(WAITING, dropped=tokyo).to_toml(tokyo)


# Whose the files of a name are.


def test_the_files_of_a_name_belong_to_its_newest_drop(board: Board, folder: Path) -> None:
    """The older job runs on, and tells no more of it there."""
    board.own(WAITING)
    board.own(NEWER)
    board.show(of_running(JOB, "step 9 of 20"))
    board.show(of_ended(JOB, DONE))

    assert told(folder)["job"] == NEWER.job
    assert told(folder)["why"] == "a newer drop"


def test_after_its_end_a_job_can_be_followed_by_the_next_drop(board: Board, folder: Path) -> None:
    """Which then owns the files."""
    board.own(WAITING)
    board.show(of_ended(JOB, DONE))
    board.own(NEWER)

    assert told(folder)["state"] == "waiting"
    assert told(folder)["job"] == NEWER.job


@pytest.mark.parametrize(("older", "newer"), [(WAITING, NEWER)])
def test_after_a_restart_the_file_says_whose_it_is(
    folder: Path, older: JobStatus, newer: JobStatus
) -> None:
    """An older job that goes on finds the newer drop's status and leaves it alone."""
    Board(folder).own(newer)

    Board(folder).show(older)

    assert told(folder)["job"] == newer.job


def test_after_a_restart_a_job_goes_on_telling_of_itself(folder: Path) -> None:
    """Also when the file is of an older drop."""
    Board(folder).own(WAITING)
    Board(folder).show(NEWER)
    Board(folder).show(replace(NEWER, why="again"))

    assert told(folder)["why"] == "again"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 300,
        b'job = "20261122',
        b"dropped = 'long ago'\njob = 5\n",
        b"dropped = 2099-01-01T00:00:00\njob = 'no zone'\n",
        b"dropped = 2099-01-01\n",
        b"dropped = 2099-01-01T00:00:00Z\n",
        b"\xff\xfe",
    ],
)
def test_a_damaged_status_is_replaced(board: Board, folder: Path, content: bytes) -> None:
    """Power went while it was written, or somebody edited it: the job's word counts."""
    (folder / "p003.toml").write_bytes(content)

    board.show(WAITING)

    assert told(folder)["job"] == WAITING.job


def test_names_that_differ_in_case_have_their_own_files(board: Board, folder: Path) -> None:
    """Where the disk tells them apart; where it does not, they are one name."""
    board.own(WAITING)
    board.own(replace(NEWER, name="P003"))
    board.show(replace(WAITING, why="again"))

    is_one = (folder / "P003.toml").samefile(folder / "p003.toml")
    assert told(folder)["why"] == ("a newer drop" if is_one else "again")


def test_of_a_long_line_little_is_remembered(board: Board, folder: Path) -> None:
    """What is forgotten the files tell: they stay with the newer drop, and a job's end is told."""
    board.own(WAITING)
    board.own(NEWER)
    for n in range(1_500):
        board.own(replace(WAITING, name=f"other-{n}"))

    board.show(replace(WAITING, why="again"))
    assert told(folder)["job"] == NEWER.job
    board.show(replace(WAITING, name="other-0", state=State.DONE, why="made"))
    assert told(folder, "other-0")["state"] == "done"
    assert len(board._owners) <= 1_000
    assert len(board._told) <= 1_000


def test_what_was_told_already_is_not_written_again(board: Board, folder: Path) -> None:
    """A status that says the same keeps its time."""
    board.own(WAITING)
    before = (folder / "p003.toml").stat().st_ino
    board.show(WAITING)

    assert (folder / "p003.toml").stat().st_ino == before


def test_the_daemons_own_files_are_never_a_jobs(board: Board, folder: Path) -> None:
    """A request of that name is refused, and told of nowhere."""
    board.daemon({"state": "idle"})
    status = replace(WAITING, name="daemon")
    board.own(status)
    board.show(replace(status, why="again"))
    board.say("daemon", JOB.id, "waiting")

    assert [path.name for path in folder.iterdir()] == ["daemon.toml"]
    assert told(folder, "daemon") == {"state": "idle"}


# What a restart finds.


def test_a_place_in_the_line_is_remembered(folder: Path) -> None:
    """To the microsecond, so that the order is the same after a restart."""
    seen = DROPPED + timedelta(microseconds=123_456)
    Board(folder).own(replace(WAITING, dropped=seen))

    assert Board(folder).waiting_before("p003") == Drop(JOB.id, seen, JOB.sha256)


def test_a_job_that_does_not_wait_has_no_place(folder: Path) -> None:
    """Nor has a name that nobody heard of."""
    board = Board(folder)
    assert board.waiting_before("p003") is None

    for status in (of_running(JOB, "begun"), of_ended(JOB, DONE)):
        board.show(status)
        assert board.waiting_before("p003") is None


@pytest.mark.parametrize(
    "line",
    [
        'job = ""',
        'job = "../../elsewhere"',
        'job = "20261122T041512-../../elsewhere"',
        "job = 5",
        "dropped = 'long ago'",
        "dropped = 2026-11-22T04:15:12",
        "dropped = 2026-11-22",
    ],
)
def test_a_place_that_somebody_made_up_is_not_believed(folder: Path, line: str) -> None:
    """An id names a folder, and a place is compared with others."""
    Board(folder).own(WAITING)
    path = folder / "p003.toml"
    key = line.partition(" ")[0]
    path.write_text(re.sub(f"(?m)^{key} = .*$", line, path.read_text()))

    assert Board(folder).waiting_before("p003") is None


def test_a_status_without_a_digest_is_of_a_file_that_was_arriving(folder: Path) -> None:
    """Any content may be what was meant."""
    Board(folder).own(replace(WAITING, sha256=""))

    assert Board(folder).waiting_before("p003") == Drop(JOB.id, DROPPED, "")


def test_a_status_that_is_not_there_is_empty(folder: Path) -> None:
    """The reader need not ask first."""
    assert read_status(folder / "p003.toml") == {}


# How it is written.


def test_a_log_line_is_time_job_and_text(board: Board, folder: Path) -> None:
    """One line an event, whatever the text holds; older lines stay."""
    board.say("p003", JOB.id, "waiting")
    board.say("p003", JOB.id, "failed: two\n  lines\tof text ")

    lines = (folder / "p003.log").read_text().splitlines()
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(f"{time} 20261122T041512-p003 waiting", lines[0])
    assert re.fullmatch(f"{time} 20261122T041512-p003 failed: two lines of text", lines[1])


def test_a_log_line_does_not_steer_the_terminal(board: Board, folder: Path) -> None:
    """What a request holds may be told in it; no escape sequence gets through."""
    board.say("p003", JOB.id, "failed: \x1b[31m白い\x07 is not a known key")

    text = (folder / "p003.log").read_text()
    assert text.endswith("failed: \ufffd[31m白い\ufffd is not a known key\n")


def test_a_preview_lies_beside_the_status(board: Board, folder: Path) -> None:
    """It is replaced whole, as often as there is a better one."""
    board.own(RUNNING)
    board.preview("p003", JOB.id, b"first")
    board.preview("p003", JOB.id, b"second")

    assert sorted(path.name for path in folder.iterdir()) == ["p003.preview.jpg", "p003.toml"]
    assert (folder / "p003.preview.jpg").read_bytes() == b"second"


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.CANCELLED])
def test_a_preview_goes_when_its_job_has_ended(board: Board, folder: Path, state: State) -> None:
    """What was made lies in its place then; also one that a crash left is gone."""
    board.own(RUNNING)
    board.preview("p003", JOB.id, b"so far")

    Board(folder).show(of_ended(JOB, Ending(state, "it ended")))

    assert [path.name for path in folder.iterdir()] == ["p003.toml"]


def test_a_preview_is_of_the_newest_drop(board: Board, folder: Path) -> None:
    """While the older job of that name still runs, nothing of it is shown under the name."""
    board.own(RUNNING)
    board.preview("p003", JOB.id, b"of the older")

    board.own(NEWER)
    board.preview("p003", JOB.id, b"of the older")

    assert [path.name for path in folder.iterdir()] == ["p003.toml"]


def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing here is needed to run a job: it is logged and forgotten."""
    board = Board(tmp_path / "gone")

    with caplog.at_level(logging.WARNING):
        board.own(WAITING)
        board.say("p003", JOB.id, "waiting")
        board.preview("p003", JOB.id, b"picture")
        board.daemon({"state": "idle"})
        board.show(of_ended(JOB, DONE))

    assert all("cannot write status/" in record.getMessage() for record in caplog.records)
    assert len(caplog.records) == 5


def test_a_reader_never_sees_half_a_status(board: Board, folder: Path) -> None:
    """F47: it reads as fast as it can while the file is replaced, some thousand times."""
    board.own(WAITING)
    path, torn, reads = folder / "p003.toml", [], 0
    stop = threading.Event()

    def read() -> None:
        nonlocal reads
        while not stop.is_set():
            text = path.read_text()
            reads += 1
            if "updated" not in tomllib.loads(text) or not text.endswith("\n"):
                torn.append(text)

    reader = threading.Thread(target=read)
    reader.start()
    for step in itertools.takewhile(lambda _: reads < 3000, itertools.count()):
        board.show(of_running(JOB, f"step {step} {'of very many ' * (step % 50)}"))
    stop.set()
    reader.join()

    assert torn == []


def test_two_writers_do_not_disturb_each_other(
    board: Board, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One thread shows a job that runs, the other one a newer drop of its name."""
    path, torn = folder / "p003.toml", []

    def write(status: JobStatus) -> None:
        for step in range(400):
            board.own(replace(status, why=f"{step} {'very ' * (step % 97)}"))
            text = path.read_text()
            if not text.endswith("Z\n"):
                torn.append(text)

    writers = [threading.Thread(target=write, args=(status,)) for status in (WAITING, NEWER)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert torn == []
    assert caplog.records == []


def test_a_folder_that_was_taken_away_is_made_again_and_told_anew(tmp_path: Path) -> None:
    """All of it, once the daemon tells of itself: what has not changed since too."""
    (tmp_path / "config.toml").touch()
    (tmp_path / "inbox").mkdir()
    board = Board(tmp_path / "status")
    board.daemon({"state": "idle"})
    board.own(WAITING)
    shutil.rmtree(tmp_path / "status")

    board.say("p003", JOB.id, "in line")
    board.daemon({"state": "idle"})
    board.show(WAITING)

    there = {path.name for path in (tmp_path / "status").iterdir()}
    assert there == {"daemon.toml", "p003.toml", "p003.log"}


def test_nothing_is_made_where_the_home_is_gone(tmp_path: Path) -> None:
    """A mount point whose volume is gone would hide what lies there when it is back."""
    board = Board(tmp_path / "status")

    board.daemon({"state": "idle"})
    board.say("p003", JOB.id, "in line")

    assert list(tmp_path.iterdir()) == []
