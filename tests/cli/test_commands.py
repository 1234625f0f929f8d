"""Contract §6: every command, its exit codes, its words for people and its JSON for programs."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import threading
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plasma_watch import __version__
from plasma_watch.cli.front import FAMILIES, brought_by, commands
from plasma_watch.system.locks import Lock
from plasma_watch.toml_text import dumps
from tests.cli.conftest import Run
from tests.door.process import eventually
from tests.fakes.scenes import PAGE, TRAINING

GOOD = 'kind = "generate"\nworkflow = "txt2img"\nprompt = "x"\n'


def test_init_makes_a_home_and_keeps_what_is_there(run: Run, tmp_path: Path) -> None:
    """A second init adds what is missing and changes nothing."""
    other = tmp_path / "other"
    run("init", str(other))
    (other / "config.toml").write_text("# mine\n", "utf-8")
    (other / "workflows" / "txt2img.json").unlink()

    answer = run("init", str(other))

    assert answer.code == 0
    assert (other / "config.toml").read_text("utf-8") == "# mine\n"
    assert (other / "workflows" / "txt2img.json").is_file()
    assert (other / "inbox" / "urgent").is_dir()
    assert (other / "examples" / "first-page.toml").is_file()


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("file", "file is no folder"),
        ("file/home", "Not a directory"),
        ("odd", "inbox is no folder"),
    ],
)
def test_init_where_no_home_can_be_is_told(run: Run, tmp_path: Path, named: str, said: str) -> None:
    """A file lies where the home was to be, above it, or in it."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "inbox").write_text("mine")

    answer = run("init", str(tmp_path / named))

    assert answer.code == 2
    assert f"{tmp_path / named} cannot be made a home: " in answer.err
    assert said in answer.err
    assert "(config.layout)" in answer.err
    assert (tmp_path / "file").read_text() == "mine"


def test_what_init_prints_can_be_pasted(run: Run, tmp_path: Path) -> None:
    """Also with spaces in the home's path: the shell's own reader finds one word there."""
    other = tmp_path / "My Manga"

    lines = run("init", str(other)).out.splitlines()

    submit, start = (shlex.split(line.removeprefix("  try it:")) for line in lines[1:])
    assert submit == [
        "plasma-watch",
        "submit",
        "--home",
        str(other),
        f"{other}/examples/first-page.toml",
    ]
    assert start == ["plasma-watch", "run", "--home", str(other), "--sandbox", "--drain"]


def test_submit_drops_a_file_whole(run: Run, home: Path, tmp_path: Path) -> None:
    """The bytes are the same, no temporary file stays, and urgent has its own folder."""
    file = tmp_path / "p003.toml"
    file.write_text(GOOD, "utf-8")

    answer = run("submit", str(file), "--urgent")

    assert answer.code == 0
    assert "p003: in the inbox; no daemon runs" in answer.out
    assert (home / "inbox" / "urgent" / "p003.toml").read_text("utf-8") == GOOD
    assert [p.name for p in (home / "inbox" / "urgent").iterdir()] == ["p003.toml"]


def test_submit_of_a_missing_file_says_where_it_was_sought(run: Run, home: Path) -> None:
    """Nothing is dropped, of the others neither."""
    answer = run("submit", "examples/first-page.toml", "nowhere.toml")

    assert answer.code == 1
    sought = f"neither in {Path.cwd()} nor in the home, {home}"
    assert f"nowhere.toml is not there: {sought} (request.missing-file)" in answer.err
    assert not list((home / "inbox").glob("*.toml"))


def test_a_path_is_taken_as_given_or_below_the_home(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands print paths as they are below the home; the shell may stand elsewhere."""
    monkeypatch.chdir(tmp_path)
    (home / "mine.toml").write_text(GOOD, "utf-8")

    assert run("submit", "examples/first-page.toml").code == 0
    assert "mine.toml: good" in run("check", "mine.toml").out
    assert (home / "inbox" / "first-page.toml").is_file()

    (tmp_path / "mine.toml").write_text("", "utf-8")
    assert "mine.toml: request." in run("check", "mine.toml").out


def test_submit_wait_without_a_daemon_ends_with_three(run: Run, tmp_path: Path) -> None:
    """Nobody would ever make it."""
    file = tmp_path / "p.toml"
    file.write_text(GOOD, "utf-8")

    assert run("submit", "--wait", str(file)).code == 3


@pytest.mark.parametrize(("state", "code"), [("done", 0), ("failed", 1), ("cancelled", 1)])
def test_submit_wait_ends_as_the_job_does(  # noqa: PLR0917 - four fixtures and a case
    run: Run, home: Path, held: Lock, tmp_path: Path, state: str, code: int
) -> None:
    """A status of an earlier drop of the same name is not taken for this one's."""
    file = tmp_path / "p.toml"
    file.write_text(GOOD, "utf-8")
    path = home / "status" / "p.toml"
    told = {"name": "p", "sha256": hashlib.sha256(GOOD.encode()).hexdigest()}
    path.write_text(dumps(told | {"job": "1-p", "state": "done", "why": "old"}), "utf-8")
    final = told | {"job": "2-p", "state": state, "why": "new"}

    def end() -> None:
        eventually((home / "inbox" / "p.toml").exists)
        path.write_text(dumps(final), "utf-8")

    daemon = threading.Thread(target=end)
    daemon.start()

    answer = run("submit", "--wait", str(file))

    daemon.join()
    held.release()
    assert answer.code == code
    assert f"p: {state}: new" in answer.out


def test_nobody_waits_for_a_daemon_that_runs_nothing(run: Run, home: Path, held: Lock) -> None:
    """It says what it waits for itself."""
    table = {"state": "degraded", "why": "config.toml: nonsense", "pid": os.getpid()}
    (home / "status" / "daemon.toml").write_text(dumps(table), "utf-8")
    (home / "p.toml").write_text(GOOD, "utf-8")

    for command in (("submit", "--wait", "p.toml"), ("follow", "p")):
        answer = run(*command)
        assert answer.code == 3
        assert "runs nothing: config.toml: nonsense" in answer.out
    held.release()


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("page.json", "request.bad-name"),
        (".page.toml", "request.bad-name"),
        ("page.cancel", "request.bad-name"),
        (f"{'p' * 121}.toml", "request.bad-name"),
        ("Daemon.toml", "request.name-taken"),
    ],
)
def test_submit_refuses_a_name_that_the_inbox_would_leave(
    run: Run, home: Path, file: str, code: str
) -> None:
    """And drops nothing of what was named beside it."""
    for name in (file, "good.toml"):
        (home / name).write_text(GOOD, "utf-8")

    answer = run("submit", "good.toml", file)

    assert answer.code == 1
    assert code in answer.err
    assert list((home / "inbox").glob("*.*")) == []


def test_submit_refuses_two_files_of_one_name(run: Run, home: Path) -> None:
    """The second would take the place of the first."""
    for folder in ("a", "b"):
        (home / folder).mkdir()
        (home / folder / "p.toml").write_text(GOOD, "utf-8")

    answer = run("submit", "a/p.toml", "b/p.toml")

    assert answer.code == 1
    assert "would have one name" in answer.err
    assert list((home / "inbox").glob("*.toml")) == []


def test_check_says_what_the_daemon_would(run: Run, tmp_path: Path) -> None:
    """Every problem with its line and its way out; good files are called good."""
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(GOOD, "utf-8")
    bad.write_text(GOOD + "stpes = 3\nwidth = 513\n", "utf-8")

    answer = run("check", str(good), str(bad))

    assert answer.code == 1
    assert f"{good}: good" in answer.out
    assert "line 4: stpes is not a known key  [Did you mean `steps`?]" in answer.out
    assert "line 5: width is 513; expected a multiple of 8" in answer.out


def test_check_speaks_json(run: Run, tmp_path: Path) -> None:
    """For programs: code, field, line, message, hint of every problem."""
    bad = tmp_path / "bad.toml"
    bad.write_text(GOOD + "steps = 1000\n", "utf-8")

    told = json.loads(run("check", "--json", str(bad)).out)[str(bad)]

    assert told["code"] == "request.over-limit"
    assert told["problems"][0]["field"] == "steps"
    assert told["problems"][0]["line"] == 4


def test_check_knows_the_template_and_a_missing_file(run: Run, tmp_path: Path) -> None:
    """What the template has no slot for is refused here as it is at the drop."""
    file = tmp_path / "lora.toml"
    file.write_text(GOOD + '[lora]\nname = "spyke"\n', "utf-8")

    answer = run("check", str(file), str(tmp_path / "no.toml"))

    assert "workflow.no-slot" in answer.out
    assert "request.missing-file" in answer.out


def test_training_without_a_trainer_is_told_what_to_set(run: Run, tmp_path: Path) -> None:
    """A good request to train is refused where nothing can train it, with the keys to set."""
    file = tmp_path / "t.toml"
    text = 'kind = "train"\nlora = "spyke"\ndataset = "datasets/spyke"\ntrigger = "spyke"\n'
    file.write_text(text, "utf-8")

    answer = run("check", str(file))

    assert answer.code == 1
    assert "trainer.not-configured" in answer.out
    assert "KOHYA_SCRIPT" in answer.out
    assert "COMFYUI_DIR" in answer.out


def test_status_without_a_daemon_says_so(run: Run) -> None:
    """Exit code 3."""
    answer = run("status")

    assert answer.code == 3
    assert "stopped: no daemon looks after this home" in answer.out


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("before", [{}, {"state": "idle", "why": "the inbox is empty", "pid": 1}])
def test_a_daemon_that_has_told_nothing_yet_is_starting(
    run: Run, home: Path, before: dict[str, Any]
) -> None:
    """It holds the home before it has read its config; what an earlier one told is not its word."""
    if before:
        _write(home, "daemon", before)

    answer = run("status")

    assert answer.code == 0
    assert answer.out.startswith("starting: a daemon holds this home")
    told = json.loads(run("status", "--json").out)
    assert (told["up"], told["state"]) == (True, "starting")


def test_status_shows_line_engine_and_what_was_ignored(run: Run, home: Path, held: Lock) -> None:
    """Plain lines where nobody looks at a terminal."""
    _write(home, "daemon", _DAEMON)
    _write(home, "p003", _JOB | {"state": "waiting", "why": "in line: next", "position": 1})

    answer = run("status")

    held.release()
    assert answer.code == 0
    assert "running: p002 runs; 1 in line" in answer.out
    assert "ComfyUI 0.3.64 on mps at http://127.0.0.1:8188" in answer.out
    assert "4.2 of 16.0 GB free, pressure warn" in answer.out
    assert "left alone: x.json: not a request" in answer.out
    assert "1 p003: in line: next" in answer.out
    assert "restart the daemon" in answer.out


def test_status_shows_how_the_running_job_is_getting_on(run: Run, home: Path, held: Lock) -> None:
    """Step, share and time to go, also for programs; nothing is told of what a dead daemon ran."""
    _write(home, "daemon", _DAEMON | {"running": "p002"})
    _write(home, "p002", PAGE | {"name": "p002"})

    assert "running p002: step 9 of 20, 45%, 23 s to go, 2.10 s/step" in run("status").out
    assert json.loads(run("status", "--json").out)["job"]["steps"] == 20
    assert "progress  45%, 23 s to go, 2.10 s/step" in run("status", "p002").out
    held.release()
    assert "step 9 of 20" not in run("status").out


@pytest.mark.usefixtures("held")
def test_status_takes_no_newer_drop_for_the_running_job(run: Run, home: Path) -> None:
    """It has the file of that name; the daemon says that one runs."""
    _write(home, "daemon", _DAEMON | {"running": "p003"})
    _write(home, "p003", _JOB | {"state": "waiting", "why": "in line: next"})

    assert "running p003" not in run("status").out
    assert json.loads(run("status", "--json").out)["job"] == {}


def test_status_says_nothing_untrue_of_an_engine(run: Run, home: Path, held: Lock) -> None:
    """While a training runs it is not asked; what a dead daemon knew of it is not told."""
    engine = {"url": "http://127.0.0.1:8188", "reachable": False}
    _write(home, "daemon", _DAEMON | {"running": "spyke", "engine": engine})
    _write(home, "spyke", TRAINING)

    assert "engine  a training runs; ComfyUI is not asked meanwhile" in run("status").out
    _write(home, "spyke", PAGE)
    assert "engine  ComfyUI does not answer at http://127.0.0.1:8188" in run("status").out
    held.release()
    assert "engine" not in run("status").out


def test_status_shows_what_failed_of_late(run: Run, home: Path) -> None:
    """The last of them with the reason, unless somebody took it up; the daemon may be down."""
    for number in range(1, 6):
        _fail(home, f"p{number}", f"why {number}")
    (home / "failed" / "20260101T000000-p5" / "p5.toml").unlink()

    shown = run("status").out
    told = json.loads(run("status", "--json").out)

    assert [row["name"] for row in told["failures"]] == ["p2", "p3", "p4"]
    assert told["failed"] == 4
    assert "UTC): why 4\n" in shown
    assert f"more: plasma-watch status --home {home} p4; and 1 more: plasma-watch history" in shown
    assert "why 1" not in shown
    assert "why 5" not in shown


def test_failures_beyond_a_hundred_are_not_counted(run: Run, home: Path) -> None:
    """It would take the longer the more there are."""
    for number in range(101):
        _fail(home, f"p{number:03d}", "why")

    assert "and 97 more at least: plasma-watch history" in run("status").out


def test_status_tells_no_failure_of_another_day(run: Run, home: Path) -> None:
    """The history does."""
    _fail(home, "p1", "why 1")
    for path in (home / "failed" / "20260101T000000-p1" / "job.toml", home / "failed"):
        os.utime(path, (1_700_000_000, 1_700_000_000))

    assert "why 1" not in run("status").out
    assert "why 1" in run("history").out


def test_without_a_daemon_what_lies_there_is_counted(run: Run, home: Path) -> None:
    """The files are the truth: urgent ones too, and a pause; litter and folders are none."""
    files = ("a.toml", "b.PNG", "urgent/c.toml", "x.cancel", ".d.toml", "d.json", "PAUSE")
    for file in files:
        (home / "inbox" / file).touch()
    (home / "inbox" / "folder.toml").mkdir()
    (home / "running" / "20260101T000000-e").mkdir()

    answer = run("status")
    told = json.loads(run("status", "--json").out)

    assert "3 requests lie in the inbox, 1 was begun; `plasma-watch run` takes them" in answer.out
    assert "PAUSE lies in the inbox; `plasma-watch resume` takes it out" in answer.out
    assert (told["lies"], told["paused"]) == ({"inbox": 3, "running": 1}, True)


def test_of_an_empty_home_nothing_is_counted(run: Run, held: Lock) -> None:
    """Nor where a daemon tells of its line."""
    assert "lies" not in json.loads(run("status", "--json").out)
    held.release()
    assert "  files  " not in run("status").out


@pytest.mark.parametrize(
    ("file", "state"),
    [
        ("inbox/new.toml", "waiting"),
        ("inbox/urgent/new.png", "waiting"),
        ("running/20260101T000000-new/New.toml", "running"),
    ],
)
def test_a_name_that_nobody_told_of_is_found_where_it_lies(
    run: Run, home: Path, file: str, state: str
) -> None:
    """It was dropped while no daemon ran, or its status was taken away."""
    (home / file).parent.mkdir(exist_ok=True)
    (home / file).touch()

    answer = run("status", "new")
    told = json.loads(run("status", "new", "--json").out)

    assert answer.code == 0
    assert f"new  {state}  no daemon has told of it yet\n  file      {file}\n" in answer.out
    assert "no daemon looks after this home" in answer.out
    assert (told["state"], told["file"]) == (state, file)


@pytest.mark.usefixtures("held")
def test_of_two_files_of_one_name_the_one_is_told_that_the_status_is_of(
    run: Run, home: Path
) -> None:
    """An older job of the name may run while the newer drop waits."""
    folder = home / "running" / "20260101T000000-p003"
    folder.mkdir()
    for file in (folder / "p003.toml", home / "inbox" / "p003.toml"):
        file.touch()
    _write(home, "p003", _JOB | {"state": "waiting", "why": "in line: next"})

    assert json.loads(run("status", "p003", "--json").out)["file"] == "inbox/p003.toml"
    _write(home, "p003", _JOB | {"state": "running", "why": "step 9 of 20"})
    assert json.loads(run("status", "p003", "--json").out)["file"].startswith("running/")


def test_a_name_that_was_dropped_again_is_told_so(run: Run, home: Path, held: Lock) -> None:
    """Without a daemon its status is still that of the drop before."""
    _write(home, "p003", _JOB | {"state": "done", "why": "output/p003_v1.png"})
    (home / "inbox" / "p003.toml").touch()

    assert "dropped again" not in run("status", "p003").out
    held.release()
    answer = run("status", "p003").out

    assert "p003  done" in answer
    assert "dropped again: inbox/p003.toml; it is taken up when a daemon runs" in answer


def test_a_failure_says_where_to_mend_it_and_how_to_try_again(run: Run, home: Path) -> None:
    """Unless its file was moved back already; people edit files, so no job leads elsewhere."""
    _fail(home, "p003", "m")
    _write(home, "p003", _JOB | {"state": "failed", "why": "m"})

    answer = run("status", "p003").out

    assert "  file      failed/20260101T000000-p003/p003.toml\n" in answer
    assert f"  again     plasma-watch retry --home {home} p003\n" in answer
    assert "p003; what failed before: plasma-watch history" in run("status").out
    _write(home, "p003", _JOB | {"state": "failed", "why": "m", "job": "../inbox"})
    assert "again" not in run("status", "p003").out
    _write(home, "p003", _JOB | {"state": "failed", "why": "m"})
    (home / "failed" / "20260101T000000-p003" / "p003.toml").unlink()
    assert "again" not in run("status", "p003").out


def test_status_of_a_name(run: Run, home: Path) -> None:
    """What it is, how far, what went wrong and what to do; control characters stay visible."""
    error = {"code": "engine.node-error", "message": "m", "hint": "look \x1b[2Jthere"}
    _write(home, "p003", _JOB | {"state": "failed", "why": "m", "error": error})

    answer = run("status", "p003")

    assert "p003  failed  m" in answer.out
    assert "engine.node-error" in answer.out
    assert "\x1b" not in answer.out
    assert json.loads(run("status", "p003", "--json").out)["error"]["code"] == "engine.node-error"
    assert run("status", "nobody").code == 1


def test_status_speaks_json(run: Run, home: Path, held: Lock) -> None:
    """The daemon's own table, and whether it is up."""
    _write(home, "daemon", _DAEMON)

    told = json.loads(run("status", "--json").out)

    held.release()
    assert told["up"] is True
    assert told["line"]["first"] == ["p003"]


@pytest.mark.parametrize(("state", "code"), [("done", 0), ("failed", 1)])
def test_follow_prints_the_log_to_its_end(run: Run, home: Path, state: str, code: int) -> None:
    """Exit 0 or 1 as the job ended."""
    (home / "status" / "p003.log").write_text("one\ntwo\n", "utf-8")
    _write(home, "p003", _JOB | {"state": state, "why": "m"})

    answer = run("follow", "p003")

    assert answer.code == code
    assert answer.out == "one\ntwo\n"


def test_follow_without_a_daemon_ends_with_three(run: Run, home: Path) -> None:
    """A log that nobody writes any more is not followed for ever."""
    _write(home, "p003", _JOB | {"state": "running", "why": "m"})

    assert run("follow", "p003").code == 3


def test_cancel_pause_and_resume_are_files(run: Run, home: Path) -> None:
    """A comfort over the same files."""
    (home / "inbox" / "p003.toml").touch()
    run("cancel", "p003")
    run("pause")
    there = {path.name for path in (home / "inbox").iterdir()}
    run("resume")

    assert there == {"p003.toml", "p003.cancel", "PAUSE", "urgent"}
    assert not (home / "inbox" / "PAUSE").exists()


def test_a_name_that_nothing_has_cannot_be_cancelled(run: Run, home: Path) -> None:
    """A slip of the finger is told; what runs, or is urgent, is found."""
    answer = run("cancel", "p003")

    assert answer.code == 1
    assert "no waiting or running request is called 'p003'" in answer.err
    assert list((home / "inbox").glob("*.cancel")) == []
    for place in ("inbox/urgent/p004.toml", "running/20261122T041512-p005/P005.toml"):
        path = home / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        assert run("cancel", path.stem.lower()).code == 0


def test_a_job_that_no_daemon_looks_after_says_so(run: Run, home: Path) -> None:
    """It looked alive: its status is what the last daemon told."""
    _write(home, "p003", _JOB | {"state": "running", "why": "step 3 of 20"})
    _write(home, "p004", _JOB | {"state": "done", "why": "output/p004_v1.png"})

    assert "no daemon looks after this home" in run("status", "p003").out
    assert "no daemon" not in run("status", "p004").out


def test_retry_moves_the_newest_back(run: Run, home: Path) -> None:
    """By job id; a waiting request of that name is never replaced."""
    for job, text in (("20260101T000000-p", "old"), ("20260102T000000-p", "new")):
        (home / "failed" / job).mkdir()
        (home / "failed" / job / "p.toml").write_text(text, "utf-8")
        (home / "failed" / job / "job.toml").write_text("", "utf-8")

    assert run("retry", "P").code == 0
    assert (home / "inbox" / "p.toml").read_text("utf-8") == "new"
    again = run("retry", "p")
    assert again.code == 1
    assert "waits already" in again.err
    assert (home / "inbox" / "p.toml").read_text("utf-8") == "new"
    assert run("retry", "nobody").code == 1


def test_history_lists_what_ended(run: Run, home: Path) -> None:
    """The newest last, as many as asked for."""
    for number, state in ((1, "done"), (2, "failed"), (3, "cancelled")):
        folder = home / state / f"2026010{number}T000000-p{number}"
        folder.mkdir()
        job = {"name": f"p{number}", "ending": {"why": f"why {number}", "code": ""}}
        (folder / "job.toml").write_text(dumps(job), "utf-8")

    folder = home / "cancelled" / "20260103T000000-p3"
    os.utime(folder / "job.toml", (1_900_000_000, 1_900_000_000))

    told = json.loads(run("history", "--json", "--last", "2").out)

    assert [row["name"] for row in told] == ["p2", "p3"]
    whole, part = run("history"), run("history", "--last", "2")
    assert told[-1]["ended"] == "2030-03-17T17:46:40Z"
    assert "2030-03-17 17:46:40 UTC  cancelled  p3  why 3\n" in whole.out
    assert "failed     p2  why 2" in whole.out
    assert whole.err == ""
    assert part.err == "2 of 3 shown, the newest; --last 3 shows all\n"


@pytest.mark.parametrize("kind", ["generate", "train", "config"])
def test_schema_is_json_schema(run: Run, kind: str) -> None:
    """For editors; the limits of the home's config are in it."""
    told = json.loads(run("schema", kind).out)

    assert told["type"] == "object"
    assert told["additionalProperties"] is False


def test_schema_of_nothing_is_wrong_use(run: Run) -> None:
    """Exit code 2."""
    assert run("schema", "pages").code == 2


@pytest.mark.parametrize("broken", ["[limits]\nmax_foo = 1\n", "[limits\n"])
def test_the_way_out_of_a_broken_config_is_one(run: Run, home: Path, broken: str) -> None:
    """`config show` cannot show it, and `init` keeps it: it is moved away first."""
    (home / "config.toml").write_text(broken)

    answer = run("config", "show")
    (home / "config.toml").rename(home / "config.old.toml")
    made = run("init", str(home))

    assert answer.code == 2
    assert "config show" not in answer.err
    assert "move config.toml away: then `plasma-watch init` with the home's folder" in answer.err
    assert made.code == run("config", "show").code == 0


@pytest.mark.parametrize("minutes", ["-5", "0"])
def test_a_benchmark_without_time_is_refused(run: Run, home: Path, minutes: str) -> None:
    """It would be given up before it began."""
    answer = run("benchmark", "--sandbox", "--minutes", minutes)

    assert answer.code == 2
    assert "--minutes" in answer.err
    assert not (home / "BENCHMARK.md").exists()


def test_config_show_is_what_is_used(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, defaults and environment together."""
    monkeypatch.setenv("COMFYUI_URL", "http://127.0.0.1:9999")

    shown = tomllib.loads(run("config", "show").out)

    assert shown["comfyui"]["url"] == "http://127.0.0.1:9999"
    assert shown["limits"]["attempts"] == 3
    assert json.loads(run("config", "show", "--json").out) == shown


@pytest.mark.parametrize("json_", [(), ("--json",)])
def test_config_show_says_no_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, json_: tuple[str, ...]
) -> None:
    """It is what people paste when they ask for help."""
    monkeypatch.setenv("COMFYUI_URL", "http://me:hunter2@127.0.0.1:9999")

    shown = run("config", "show", *json_).out

    assert "http://127.0.0.1:9999" in shown
    assert "hunter2" not in shown
    assert "me:" not in shown


def test_folder_that_is_no_home_is_wrong_use(run: Run, tmp_path: Path) -> None:
    """Exit code 2, and the command that makes it one."""
    answer = run("status", "--home", str(tmp_path))

    assert answer.code == 2
    assert f"plasma-watch init {tmp_path}" in answer.err


def test_errors_are_json_where_json_was_asked_for(run: Run, tmp_path: Path) -> None:
    """A program never has to read prose."""
    answer = run("status", "--json", "--home", str(tmp_path))

    assert json.loads(answer.out)["error"]["code"] == "config.layout"


def test_version_is_told(run: Run) -> None:
    """Without a command, and without a home."""
    answer = run("--version")

    assert answer.code == 0
    assert answer.out == f"plasma-watch {__version__}\n"


def test_unknown_command_is_wrong_use(run: Run) -> None:
    """Exit code 2."""
    assert run("make-me-a-manga").code == 2


def test_a_command_that_nearly_is_one_is_named(run: Run) -> None:
    """Though none was imported for it."""
    answer = run("stats")

    assert answer.code == 2
    assert "Did you mean 'status'?" in answer.err


@pytest.mark.parametrize("module", FAMILIES)
def test_a_module_brings_what_the_front_door_says(module: str) -> None:
    """No command is hidden, none is promised."""
    assert sorted(brought_by(module)) == sorted(FAMILIES[module])


def test_sandbox_is_told_of_no_fault_that_there_is_not(run: Run) -> None:
    """Exit code 2, before anything is started."""
    answer = run("sandbox", "--fault", "die@3", "--fault", "burn")

    assert answer.code == 2
    assert "is no fault" in answer.err


def test_every_command_explains_itself() -> None:
    """Each has a help text."""
    for name, command in commands().items():
        assert command.help, name


_JOB = {"name": "p003", "job": "20260101T000000-p003", "kind": "generate"}
_DAEMON = {
    "state": "running",
    "why": "p002 runs; 1 in line",
    "pid": os.getpid(),
    "restart_due": True,
    "line": {"length": 1, "first": ["p003"]},
    "ignored": {"x.json": "not a request; requests are .toml files"},
    "engine": {
        "url": "http://127.0.0.1:8188",
        "reachable": True,
        "version": "0.3.64",
        "device": "mps",
        "sandbox": False,
    },
    "memory": {
        "available_bytes": 4_200_000_000,
        "total_bytes": 16_000_000_000,
        "pressure": "warn",
    },
}


def _fail(home: Path, name: str, why: str) -> None:
    folder = home / "failed" / f"20260101T000000-{name}"
    folder.mkdir()
    (folder / f"{name}.toml").touch()
    job = {"name": name, "file": f"{name}.toml", "ending": {"why": why}}
    (folder / "job.toml").write_text(dumps(job), "utf-8")


def _write(home: Path, name: str, table: Mapping[str, Any]) -> None:
    whole = {"dropped": datetime(2026, 1, 1, tzinfo=UTC), **table}
    (home / "status" / f"{name}.toml").write_text(dumps(whole), "utf-8")
