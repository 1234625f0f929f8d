"""The thread that works: what it starts, holds, carries and files away."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from plasma_watch.control import CancelAsked, Control, SetAside, Stopping
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.gate.memory import Never, Start, Wait
from plasma_watch.job import Ending, Made, Picture, State
from plasma_watch.line import Line, Ongoing
from plasma_watch.status import utc_now
from plasma_watch.system.locks import Lock, is_held
from plasma_watch.tripwire import POISON_DEATHS, Tripped
from plasma_watch.worker import LOOK_SECONDS, Hold
from tests.fakes.floor import Floor
from tests.fakes.home import REQUEST, drop, whereabouts
from tests.fakes.kind import DONE

TRAIN = b'kind = "train"\nlora = "spyke"\ndataset = "datasets/spyke"\ntrigger = "spyke"\n'
SHORT = Wait(Code.MEMORY_SHORT, "needs 7.5 GB of free memory, there is 3.2 GB")
UNREACHABLE = PlasmaError(Code.ENGINE_UNREACHABLE, "ComfyUI does not answer", "Start it.")


def raising(error: BaseException) -> Callable[[Ongoing], Ending]:
    """Return work that ends in an error."""

    def work(_: Ongoing) -> Ending:
        raise error

    return work


@pytest.fixture
def floor(tmp_path: Path) -> Floor:
    """Return a worker with everything around it."""
    return Floor(tmp_path)


# In which order.


def test_jobs_run_one_after_another_in_the_order_of_the_line(floor: Floor) -> None:
    """Urgent ones first."""
    floor.admit("p2.toml", "p1.toml", "urgent/p3.toml")

    floor.run_until_idle()

    assert floor.pages.ran == ["p3", "p2", "p1"]
    assert floor.where() == {"done": ["p2.toml", "p1.toml", "p3.toml"]}


def test_what_a_crash_left_goes_on_first(floor: Floor) -> None:
    """Before anything of the line, and whether the line is paused or not."""
    floor.leave("p9.toml")
    floor.admit("urgent/p1.toml")
    (floor.desk.home.inbox / "PAUSE").touch()
    floor.look()

    floor.run_until_idle()

    assert floor.pages.ran == ["p9"]
    assert floor.where() == {"inbox": ["PAUSE", "p1.toml"], "done": ["p9.toml"]}


def test_a_held_kind_lets_the_other_pass(floor: Floor) -> None:
    """A page whose engine is away does not keep a training waiting; pages keep their order."""
    floor.admit("p1.toml", "p2.toml")
    floor.admit("lora.toml", content=TRAIN)
    floor.pages.verdict = Wait(Code.ENGINE_UNREACHABLE, "ComfyUI does not answer")

    assert floor.step()
    assert not floor.step()
    assert floor.trainings.ran == ["lora"]

    floor.pages.verdict = Start(is_heavy=False)
    while floor.step():
        pass

    assert floor.pages.ran == ["p1", "p2"]


def test_what_came_with_a_pause_is_not_begun(floor: Floor) -> None:
    """Also when both are found just after the worker has asked for a pause."""

    def pause_and_drop() -> None:
        (floor.desk.home.inbox / "PAUSE").touch()
        floor.admit("p003.toml")

    floor.once_asked = pause_and_drop

    assert not floor.step()
    assert not floor.step()
    assert len(floor.desk.line) == 1


def test_what_came_with_a_pause_is_not_begun_ahead(floor: Floor) -> None:
    """The same for what comes after the running job."""

    def pause_and_drop() -> None:
        (floor.desk.home.inbox / "PAUSE").touch()
        floor.admit("p003.toml")

    floor.once_asked = pause_and_drop

    assert floor.worker.first() is None
    assert floor.worker.first() is None
    assert len(floor.desk.line) == 1


def test_a_pause_holds_the_line(floor: Floor) -> None:
    """Nobody is even asked whether it may start."""
    floor.admit("p003.toml")
    (floor.desk.home.inbox / "PAUSE").touch()
    floor.look()

    assert not floor.step()
    assert floor.pages.gates == []

    (floor.desk.home.inbox / "PAUSE").unlink()
    floor.look()

    assert floor.step()


# What holds it up.


def test_what_must_wait_says_why_once(floor: Floor) -> None:
    """F58: it is looked at again and again; the log has one line, the hold keeps its time."""
    floor.admit("p003.toml")
    floor.pages.verdict = SHORT

    for _ in range(5):
        assert not floor.step()

    hold = floor.worker.holds["generate"]
    assert hold.wait == SHORT
    assert floor.pages.gates == [False, True, True, True, True]
    assert floor.desk.logged()[-1] == f"waiting: {SHORT.why} (memory.short)"
    assert len([line for line in floor.desk.logged() if "memory.short" in line]) == 1
    assert floor.where() == {"inbox": ["p003.toml"]}


def test_a_hold_ends_when_its_job_starts(floor: Floor) -> None:
    """The next one is not told that it waits."""
    floor.admit("p003.toml")
    floor.pages.verdict = SHORT
    floor.step()
    floor.pages.verdict = Start(is_heavy=False)

    assert floor.step()
    assert floor.worker.holds == {}


def test_a_hold_is_of_one_job(floor: Floor) -> None:
    """The first was cancelled after long: the next one's wait begins with it."""
    floor.admit("p1.toml", "p2.toml")
    floor.pages.verdict = SHORT
    floor.step()
    long_ago = utc_now() - timedelta(minutes=29)
    floor.worker.holds["generate"] = replace(floor.worker.holds["generate"], since=long_ago)
    (floor.desk.home.inbox / "p1.toml").unlink()
    floor.look()

    floor.step()

    assert floor.worker.holds["generate"].since > long_ago
    assert "memory.short" in floor.desk.logged("p2")[-1]


@pytest.mark.parametrize(
    ("wait_minutes", "waited", "code", "ends"),
    [
        (30, 31, Code.MEMORY_SHORT, True),
        (30, 29, Code.MEMORY_SHORT, False),
        (0, 100_000, Code.MEMORY_SHORT, False),
        (30, 31, Code.ENGINE_UNREACHABLE, False),
        (30, 31, Code.DISK_SHORT, False),
    ],
)
def test_memory_is_waited_for_as_long_as_the_config_says(
    tmp_path: Path,
    wait_minutes: float,
    waited: int,
    code: Code,
    ends: bool,  # noqa: FBT001 - a table's column
) -> None:
    """For 0 as long as it takes; for anything else as long as that takes."""
    floor = Floor(tmp_path, wait_minutes=wait_minutes)
    floor.admit("p003.toml")
    floor.pages.verdict = Wait(code, "needs something")
    began = time.monotonic() - waited * 60
    job = floor.desk.the_only().id
    floor.worker.holds["generate"] = Hold(floor.pages.verdict, utc_now(), job, began)

    floor.step()

    assert floor.where() == ({"failed": ["p003.toml"]} if ends else {"inbox": ["p003.toml"]})
    if ends:
        assert floor.desk.told()["error"]["code"] == "memory.waited"
        assert "waited 31 minutes: it needs something" in floor.desk.told()["why"]
        assert floor.worker.holds == {}


@pytest.mark.parametrize("days", [-400, 400])
def test_clock_that_is_set_ends_no_wait(tmp_path: Path, days: int) -> None:
    """F44: nothing times out because the hour is another one; waits are measured without it."""
    floor = Floor(tmp_path, wait_minutes=30)
    floor.admit("p003.toml")
    floor.pages.verdict = SHORT
    then = utc_now() + timedelta(days=days)
    floor.worker.holds["generate"] = Hold(SHORT, then, floor.desk.the_only().id)

    floor.step()

    assert floor.where() == {"inbox": ["p003.toml"]}


def test_only_the_wait_for_memory_counts(tmp_path: Path) -> None:
    """The engine was away for long; since it answers, memory is short for the first time."""
    floor = Floor(tmp_path, wait_minutes=30)
    floor.admit("p003.toml")
    away = Wait(Code.ENGINE_UNREACHABLE, "ComfyUI does not answer")
    since, began = utc_now() - timedelta(minutes=31), time.monotonic() - 31 * 60
    floor.worker.holds["generate"] = Hold(away, since, floor.desk.the_only().id, began)
    floor.pages.verdict = SHORT

    floor.step()

    assert floor.where() == {"inbox": ["p003.toml"]}
    assert floor.worker.holds["generate"].since > since
    assert floor.desk.logged()[-1] == f"waiting: {SHORT.why} (memory.short)"


def test_what_never_fits_is_refused(floor: Floor) -> None:
    """With the reason and the way out; the other kind goes on."""
    floor.admit("p003.toml")
    floor.admit("lora.toml", content=TRAIN)
    floor.pages.verdict = Never(Code.MEMORY_NEVER_FITS, "needs 60.0 GB", "Lower the need.")

    assert floor.step()

    assert floor.where() == {"failed": ["p003.toml"], "done": ["lora.toml"]}
    assert floor.desk.told()["error"] == {
        "code": "memory.never-fits",
        "message": "p003 needs 60.0 GB",
        "hint": "Lower the need.",
    }


def test_a_disk_that_lets_nothing_be_claimed_holds_the_kind(
    floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    """F68: told once, asked again at every look, and taken when it is mended."""
    floor.admit("p003.toml")
    running = floor.desk.home.running
    running.rmdir()
    running.write_text("in the way")

    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert not floor.step()

    assert floor.worker.holds["generate"].wait.code is Code.DISK_ERROR
    assert len([r for r in caplog.records if "cannot be moved out" in r.getMessage()]) == 1

    running.unlink()

    assert floor.step()
    assert floor.worker.holds == {}
    assert floor.where() == {"done": ["p003.toml"]}


def test_a_refusal_that_the_disk_stops_does_not_stop_the_worker(
    floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and tried again with the next look."""
    floor.admit("p003.toml")
    floor.pages.verdict = Never(Code.MEMORY_NEVER_FITS, "needs 60.0 GB", "Lower the need.")
    floor.desk.home.running.rmdir()
    floor.desk.home.running.write_text("in the way")

    assert not floor.step()
    assert "the disk refused to move a job" in caplog.text
    assert floor.where()["inbox"] == ["p003.toml"]


def test_a_file_that_is_gone_is_left_to_the_inbox(floor: Floor) -> None:
    """The inbox is asked to look, and tells what became of it."""
    floor.admit("p003.toml")
    (floor.desk.home.inbox / "p003.toml").unlink()
    before = floor.changes

    assert not floor.step()
    assert floor.changes == before + 1

    floor.look()

    assert floor.desk.told()["state"] == "cancelled"
    assert floor.pages.ran == []


def test_a_file_that_was_rewritten_meanwhile_is_not_begun(floor: Floor) -> None:
    """The gate took its time; what was asked for then stands otherwise in the line now."""
    floor.admit("p003.toml")
    before = floor.desk.the_only()
    floor.admit("p003.toml", content=REQUEST + b"# changed\n")

    assert floor.worker._claimed(before, None, floor.desk.control.begin) is None
    assert floor.where() == {"inbox": ["p003.toml"]}


# How it ends.


def test_a_job_that_ends_well_is_filed_away(floor: Floor) -> None:
    """Nothing is tidied up behind it: what it made stays."""
    floor.admit("p003.toml")

    assert floor.step()

    assert floor.where() == {"done": ["p003.toml"]}
    assert floor.desk.told()["state"] == "done"
    assert floor.desk.logged() == [
        "arriving",
        "waiting",
        "running",
        "done: output/p003_v1.png",
    ]
    assert floor.pages.abandoned == []
    assert floor.desk.inbox.failures == 0


def test_a_job_that_is_worked_on_is_told_as_running(floor: Floor) -> None:
    """From the claim on, to people and to whoever asks the control."""
    floor.admit("p003.toml")
    item = floor.desk.the_only()
    seen: list[object] = []

    def work(ongoing: Ongoing) -> Ending:
        seen.extend((floor.desk.told()["state"], floor.desk.control.running))
        seen.append(ongoing.request.read_bytes())
        return DONE

    floor.pages.work["p003"] = work
    floor.step()

    running = seen[1]
    assert seen == ["running", running, REQUEST]
    assert (running.id, running.name, running.changed_ns) == (  # type: ignore[attr-defined]
        item.id,
        "p003",
        item.changed_ns,
    )
    assert floor.desk.control.running is None


@pytest.mark.parametrize("code", [Code.ENGINE_REFUSED, Code.IMAGE_BLANK, Code.ENGINE_LOST_JOB])
def test_an_error_ends_its_job_and_no_other(floor: Floor, code: Code) -> None:
    """Whatever could be tried again was tried by the kind already."""
    floor.admit("p1.toml", "p2.toml")
    floor.pages.work["p1"] = raising(PlasmaError(code, "p1.toml: no", "Do this."))

    floor.run_until_idle()

    assert floor.where() == {"failed": ["p1.toml"], "done": ["p2.toml"]}
    assert floor.desk.told("p1")["error"]["code"] == str(code)
    assert floor.pages.abandoned == ["p1"]
    assert floor.desk.inbox.failures == 1


@pytest.mark.parametrize(
    "bug", [ZeroDivisionError("division by zero"), FileNotFoundError(2, "No such file", "x.png")]
)
def test_a_bug_of_ours_fails_its_job_and_not_the_daemon(
    floor: Floor, bug: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The traceback is in the log, the next job begins."""
    floor.admit("p1.toml", "p2.toml")
    floor.pages.work["p1"] = raising(bug)

    floor.run_until_idle()

    assert floor.where() == {"failed": ["p1.toml"], "done": ["p2.toml"]}
    assert floor.desk.told("p1")["error"]["code"] == "daemon.bug"
    assert type(bug).__name__ in floor.desk.told("p1")["why"]
    assert "Traceback" in caplog.text


def test_a_cancel_ends_the_job_that_runs(floor: Floor) -> None:
    """What it made so far stays, and is told."""
    floor.admit("p003.toml")

    def work(ongoing: Ongoing) -> Ending:
        made = Picture(1, 7, attempt=1, images=1, made=(Made("output/p003_v1.png", "ab"),))
        ongoing.keep(replace(ongoing.job, pictures=(made, Picture(2, 8))))
        drop(floor.desk.home, "p003.cancel", b"")
        floor.look()
        floor.desk.control.check()
        return DONE

    floor.pages.work["p003"] = work
    floor.step()

    assert floor.where() == {"cancelled": ["p003.toml"], "inbox": ["p003.cancel"]}
    assert floor.desk.told()["why"] == "cancelled while it ran; 1 of 2 pictures were made and stay"
    assert floor.desk.told()["outputs"] == ["output/p003_v1.png", "output/p003_v1.toml"]
    assert floor.pages.abandoned == ["p003"]

    floor.look()

    assert floor.where() == {"cancelled": ["p003.toml"]}


def test_a_cancel_that_comes_too_late_changes_nothing(floor: Floor) -> None:
    """The picture was placed: it wins."""
    floor.admit("p003.toml")

    def work(ongoing: Ongoing) -> Ending:
        floor.desk.control.cancel(ongoing.job.id)
        return DONE

    floor.pages.work["p003"] = work
    floor.step()

    assert floor.where() == {"done": ["p003.toml"]}
    assert not floor.desk.control.is_cancelled()


def test_a_stop_leaves_the_job_for_the_next_start(floor: Floor) -> None:
    """With its journal, in running/; nothing is told as ended, the machine is let go."""
    floor.admit("p003.toml", "p004.toml")
    floor.pages.verdict = Start(is_heavy=True)
    floor.pages.work["p003"] = raising(Stopping())

    floor.worker.run()

    assert floor.where() == {"running": ["p003.toml"], "inbox": ["p004.toml"]}
    assert floor.desk.told()["state"] == "running"
    assert floor.desk.control.running is None
    assert not is_held(floor.heavy._path)
    assert [ongoing.job.name for ongoing in Line(floor.desk.home).unfinished()] == ["p003"]


class StoppedAfterCheck(Control):
    """A control that is asked to stop just after it was looked at."""

    stop: Callable[[], None]

    def check(self) -> None:
        """Look, then be asked."""
        super().check()
        self.stop()


def test_a_stop_is_heard_at_once_while_nothing_is_to_do(tmp_path: Path) -> None:
    """Also when it comes between the last look at it and the wait."""
    control = StoppedAfterCheck()
    floor = Floor(tmp_path, control=control)
    floor.worker.wake = threading.Event()
    control.stop = floor.stop

    thread = threading.Thread(target=floor.worker.run, daemon=True)
    thread.start()
    thread.join(timeout=20)

    assert not thread.is_alive()


def test_the_daemon_is_told_when_the_work_is_done(floor: Floor) -> None:
    """It may wait for that to end; nothing is held any more."""
    floor.worker.holds["train"] = Hold(SHORT, utc_now())
    assert not floor.worker.is_idle

    floor.run_until_idle()

    assert floor.worker.is_idle
    assert floor.changes == 1
    assert floor.worker.holds == {}


def test_while_something_is_held_the_worker_looks_again_soon(floor: Floor) -> None:
    """It is not idle: the world may change without an event."""
    floor.admit("p003.toml")
    floor.pages.verdict = SHORT

    floor.run_until_idle()

    assert not floor.worker.is_idle
    assert floor.worker.wake.waits == [LOOK_SECONDS]  # type: ignore[attr-defined]


# When it steps back.


def test_a_job_that_cannot_begin_yet_goes_back_into_its_place(floor: Floor) -> None:
    """The engine went away after the gate: it waits, under its id, before those behind it."""
    floor.admit("p1.toml", "p2.toml")
    before = floor.desk.line.waiting()
    floor.pages.work["p1"] = raising(UNREACHABLE)

    assert floor.step()

    assert floor.where() == {"inbox": ["p1.toml", "p2.toml"]}
    told = floor.desk.told("p1")
    assert (told["state"], told["waiting_for"]) == ("waiting", "engine.unreachable")
    assert "position" not in told
    assert floor.worker.holds["generate"].wait.why == "ComfyUI does not answer"
    assert floor.desk.inbox.failures == 0

    floor.look()

    after = floor.desk.line.waiting()
    assert [(item.id, item.seen) for item in after] == [(item.id, item.seen) for item in before]


def test_who_steps_back_pauses_before_the_next_try(floor: Floor) -> None:
    """An engine that says yes to the gate and no to the job is not asked without a rest."""
    floor.admit("p003.toml")
    floor.pages.work["p003"] = raising(UNREACHABLE)

    floor.step()

    assert floor.stopping.waits == [LOOK_SECONDS]


def test_an_urgent_job_steps_back_among_the_urgent(floor: Floor) -> None:
    """It keeps its right of way."""
    floor.admit("urgent/p003.toml")
    floor.pages.work["p003"] = raising(UNREACHABLE)

    floor.step()

    assert whereabouts(floor.desk.home)["inbox"] == ["urgent/p003.toml"]


def test_a_newer_drop_ends_the_job_that_steps_back(floor: Floor) -> None:
    """It is told in the log; the status is the newer drop's by then."""
    floor.admit("p003.toml")

    def work(_: Ongoing) -> Ending:
        floor.admit("p003.toml", content=REQUEST + b"# newer\n")
        raise UNREACHABLE

    floor.pages.work["p003"] = work
    floor.step()

    assert floor.where() == {"inbox": ["p003.toml"], "cancelled": ["p003.toml"]}
    assert floor.desk.logged()[-1].startswith("cancelled: a newer file of the same name")
    assert floor.desk.told()["state"] == "waiting"


def test_a_cancel_while_it_steps_back_ends_it(floor: Floor) -> None:
    """It was asked for before the job had to wait."""
    floor.admit("p003.toml")

    def work(ongoing: Ongoing) -> Ending:
        floor.desk.control.cancel(ongoing.job.id)
        raise UNREACHABLE

    floor.pages.work["p003"] = work
    floor.step()

    assert floor.where() == {"cancelled": ["p003.toml"]}


def test_a_cancel_after_it_stepped_back_does_not_end_the_worker(floor: Floor) -> None:
    """It comes while the worker rests; the job waits by then, and is cancelled as such."""
    floor.admit("p003.toml")
    floor.pages.work["p003"] = raising(UNREACHABLE)

    def cancel() -> None:
        running = floor.desk.control.running
        assert running
        floor.desk.control.cancel(running.id)

    floor.stopping.on_wait = cancel

    assert floor.step()
    assert floor.where() == {"inbox": ["p003.toml"]}
    assert floor.desk.control.running is None


# What a crash left.


def test_an_ending_in_the_journal_is_only_filed_away(floor: Floor) -> None:
    """The work was done; it is not begun again."""
    floor.leave(ending=DONE)

    floor.run_until_idle()

    assert floor.where() == {"done": ["p003.toml"]}
    assert floor.pages.ran == []
    assert floor.desk.told()["state"] == "done"


@pytest.mark.parametrize("ending", [None, Ending(State.FAILED, "no", "request.bad-value")])
def test_a_refusal_that_a_crash_cut_short_is_finished(floor: Floor, ending: Ending | None) -> None:
    """Its kind is not known: it ends as was decided, or the inbox looks at it again."""
    floor.leave(kind="unknown", ending=ending)
    floor.admit("p004.toml")

    floor.run_until_idle()

    where = {"failed": ["p003.toml"]} if ending else {"inbox": ["p003.toml"]}
    assert floor.where() == where | {"done": ["p004.toml"]}
    assert floor.pages.ran == ["p004"]


def test_content_that_killed_the_daemon_three_times_is_not_touched_again(floor: Floor) -> None:
    """F41: the job fails as poison, the next one begins."""
    poison = floor.leave()
    floor.admit("p004.toml")
    floor.tripwire.tripped = Tripped(poison.job.id, "decode", POISON_DEATHS)

    floor.run_until_idle()

    assert floor.pages.ran == ["p004"]
    assert floor.desk.told()["error"]["code"] == "daemon.poison"


def test_a_request_that_was_taken_out_of_running_is_cancelled(floor: Floor) -> None:
    """Somebody wanted it back."""
    floor.admit("p003.toml")
    floor.pages.work["p003"] = raising(UNREACHABLE)

    def take_out(ongoing: Ongoing) -> Ending:
        ongoing.request.unlink()
        raise UNREACHABLE

    floor.pages.work["p003"] = take_out
    floor.step()

    assert floor.desk.told()["state"] == "cancelled"
    assert floor.desk.told()["why"] == "its file was taken out of running/"
    assert list(floor.desk.home.running.iterdir()) == []


def test_a_request_that_is_gone_before_it_begins_is_cancelled(floor: Floor) -> None:
    """Between the claim and the first look at it."""
    ongoing = floor.leave()
    floor.pages.heavy = True
    other = Lock(floor.heavy._path)
    assert other.acquire()

    def take_out() -> None:
        ongoing.request.unlink(missing_ok=True)
        other.release()

    floor.stopping.on_wait = take_out
    floor.worker._carry(ongoing)

    assert floor.desk.told()["state"] == "cancelled"
    assert floor.pages.ran == []


@pytest.mark.parametrize("ending", [DONE, Ending(State.FAILED, "no", "engine.refused")])
def test_a_job_whose_folder_was_taken_away_is_told_and_forgotten(
    floor: Floor, ending: Ending
) -> None:
    """There is nothing to file away; the worker goes on with the next."""
    floor.admit("p003.toml", "p004.toml")

    def work(ongoing: Ongoing) -> Ending:
        shutil.rmtree(ongoing.folder)
        return ending

    floor.pages.work["p003"] = work
    floor.run_until_idle()

    assert floor.desk.told()["state"] == ending.state.value
    assert floor.where() == {"done": ["p004.toml"]}


# When the disk refuses.


def test_a_disk_that_refuses_to_file_away_is_asked_again(floor: Floor) -> None:
    """The work is done; it only has to be put where it belongs."""
    floor.admit("p003.toml")
    done = floor.desk.home.done
    done.rmdir()
    done.write_text("in the way")
    floor.stopping.on_wait = done.unlink

    assert floor.step()

    assert floor.where() == {"done": ["p003.toml"]}
    assert floor.stopping.waits == [LOOK_SECONDS]
    assert floor.pages.ran == ["p003"]


def test_a_stop_while_the_disk_refuses_leaves_the_ending_in_the_journal(floor: Floor) -> None:
    """The next start files it away."""
    floor.admit("p003.toml")
    floor.desk.home.done.rmdir()
    floor.desk.home.done.write_text("in the way")
    floor.stopping.on_wait = floor.stop

    floor.worker.run()

    (ongoing,) = Line(floor.desk.home).unfinished()
    assert ongoing.job.ending == DONE


def test_what_cannot_be_tidied_up_does_not_keep_a_job_from_ending(
    floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    """The output volume is read-only by now, for instance."""
    floor.admit("p003.toml")
    floor.pages.work["p003"] = raising(CancelAsked())

    def refuse() -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    floor.pages.on_abandon = refuse
    floor.step()

    assert floor.where() == {"cancelled": ["p003.toml"]}
    assert "left something lying about" in caplog.text


# One heavy thing at a time.


def test_two_homes_share_the_machine(tmp_path: Path) -> None:
    """While a job of one is at work, the other's waits and says who is."""
    one, other = Floor(tmp_path, "one"), Floor(tmp_path, "other")
    for floor in (one, other):
        floor.admit("p003.toml")
        floor.pages.verdict = Start(is_heavy=True)

    def work(_: Ongoing) -> Ending:
        assert not other.step()
        return DONE

    one.pages.work["p003"] = work

    assert one.step()
    assert other.pages.ran == []
    hold = other.worker.holds["generate"]
    assert hold.wait.code is Code.ENGINE_BUSY
    assert f"(pid {os.getpid()})" in hold.wait.why

    assert other.step()
    assert other.where() == {"done": ["p003.toml"]}


def test_the_sandbox_does_not_take_the_machine(floor: Floor) -> None:
    """Another home's job is no reason to wait for it."""
    other = Lock(floor.heavy._path)
    assert other.acquire()
    floor.admit("p003.toml")

    assert floor.step()

    other.release()


def test_a_job_that_goes_on_waits_for_the_machine(floor: Floor) -> None:
    """It was claimed before the crash: its status says for whom it waits."""
    floor.leave()
    floor.pages.heavy = True
    other = Lock(floor.heavy._path)
    assert other.acquire()
    told = []

    def let_go() -> None:
        told.append(floor.desk.told())
        other.release()

    floor.stopping.on_wait = let_go
    floor.run_until_idle()

    assert (told[0]["state"], told[0]["waiting_for"]) == ("running", "engine.busy")
    assert "another home" in told[0]["why"]
    assert floor.where() == {"done": ["p003.toml"]}


@pytest.mark.parametrize("wish", ["cancel", "stop"])
def test_a_wait_for_the_machine_can_be_ended(floor: Floor, wish: str) -> None:
    """By a cancel, or by a stop, which keeps the job."""
    job = floor.leave().job.id
    floor.pages.heavy = True
    other = Lock(floor.heavy._path)
    assert other.acquire()
    floor.stopping.on_wait = {
        "cancel": lambda: floor.desk.control.cancel(job),
        "stop": floor.stop,
    }[wish]

    floor.run_until_idle()

    assert floor.where() == {"cancelled" if wish == "cancel" else "running": ["p003.toml"]}
    assert floor.pages.ran == []
    other.release()


@pytest.mark.parametrize("why_not", ["gone", "refused by the disk"])
def test_the_machine_is_let_go_when_nothing_was_begun(floor: Floor, why_not: str) -> None:
    """Else every other home would wait for a job that is not there."""
    floor.admit("p003.toml")
    floor.pages.verdict = Start(is_heavy=True)
    if why_not == "gone":
        (floor.desk.home.inbox / "p003.toml").unlink()
    else:
        floor.desk.home.running.rmdir()
        floor.desk.home.running.write_text("in the way")

    assert not floor.step()
    assert not is_held(floor.heavy._path)


@pytest.mark.parametrize("error", [None, UNREACHABLE, ZeroDivisionError(), Stopping()])
def test_the_machine_is_let_go_after_every_job(floor: Floor, error: BaseException | None) -> None:
    """However it ends."""
    floor.admit("p003.toml")
    floor.pages.verdict = Start(is_heavy=True)
    held = []

    def work(_: Ongoing) -> Ending:
        held.append(is_held(floor.heavy._path))
        if error:
            raise error
        return DONE

    floor.pages.work["p003"] = work
    with contextlib.suppress(Stopping):
        floor.step()

    assert held == [True]
    assert not is_held(floor.heavy._path)


# The machine around it.


def test_the_machine_is_kept_awake_while_a_job_runs(tmp_path: Path) -> None:
    """And no longer: not while something waits, nor for the filing away."""
    seen: list[str] = []

    @contextlib.contextmanager
    def awake() -> Iterator[None]:
        seen.append("awake")
        yield
        seen.append("may sleep")

    def works(_: Ongoing) -> Ending:
        seen.append("works")
        return DONE

    floor = Floor(tmp_path, awake=awake)
    floor.pages.verdict = SHORT
    floor.admit("p003.toml")
    floor.step()
    assert seen == []
    floor.pages.verdict = Start(is_heavy=False)
    floor.pages.work["p003"] = works

    floor.step()

    assert seen == ["awake", "works", "may sleep"]


# Stepping aside for urgent ones.


class Training:
    """Work that lets urgent jobs pass. Its state: the worker that it asks, and how often it did."""

    def __init__(self, floor: Floor, most: int = 10) -> None:
        self.floor = floor
        self.most = most
        self.turns = 0
        self.before: Callable[[], object] = lambda: None

    def __call__(self, _: Ongoing) -> Ending:
        """Work for one epoch; then step aside if somebody urgent waits."""
        self.turns += 1
        self.before()
        if self.turns <= self.most and self.floor.worker.lets_pass("train"):
            raise SetAside("lets an urgent request pass; goes on after it")
        return DONE


@pytest.fixture
def training(floor: Floor) -> Training:
    """A training that is in the line, and yields."""
    floor.admit("spyke.toml", content=TRAIN)
    work = Training(floor)
    floor.trainings.work["spyke"] = work
    return work


def drop_urgent(floor: Floor) -> None:
    """Drop an urgent page, once."""
    if not floor.desk.line.named("p1") and "p1" not in floor.pages.ran:
        floor.admit("urgent/p1.toml")


def test_a_training_lets_an_urgent_page_pass(floor: Floor, training: Training) -> None:
    """It is made at once, and the training goes on after it."""
    training.before = lambda: drop_urgent(floor)

    floor.run_until_idle()

    assert (floor.trainings.ran, floor.pages.ran) == (["spyke", "spyke"], ["p1"])
    assert floor.where() == {"done": ["spyke.toml", "p1.toml"]}


def test_what_stepped_aside_stays_in_running_and_says_so(floor: Floor, training: Training) -> None:
    """It has begun, and it goes on."""
    seen: dict[str, object] = {}

    def look(_: Ongoing) -> Ending:
        seen.update(floor.desk.told("spyke"), where=floor.where())
        return DONE

    floor.pages.work["p1"] = look
    training.before = lambda: drop_urgent(floor)
    floor.run_until_idle()

    assert seen["state"] == "running"
    assert seen["why"] == "lets an urgent request pass; goes on after it"
    assert seen["where"] == {"running": ["spyke.toml", "p1.toml"]}


def test_a_page_that_is_not_urgent_waits(floor: Floor, training: Training) -> None:
    """One heavy thing after the other."""
    training.before = lambda: floor.admit("p1.toml") if training.turns == 1 else None

    floor.run_until_idle()

    assert floor.trainings.ran == ["spyke"]
    assert floor.pages.ran == ["p1"]


def test_a_paused_line_lets_nobody_pass(floor: Floor, training: Training) -> None:
    """The running job ends first."""

    def drop_and_pause() -> None:
        drop_urgent(floor)
        (floor.desk.home.inbox / "PAUSE").touch()
        floor.look()

    training.before = drop_and_pause
    floor.run_until_idle()

    assert floor.trainings.ran == ["spyke"]
    assert floor.pages.ran == []


def test_a_page_that_cannot_start_is_let_pass_once(floor: Floor, training: Training) -> None:
    """A training that stopped for it each time would never end."""
    floor.pages.verdict = SHORT
    training.before = lambda: drop_urgent(floor)

    floor.run_until_idle()

    assert floor.trainings.ran == ["spyke", "spyke"]
    assert floor.pages.ran == []
    assert floor.where()["done"] == ["spyke.toml"]


def test_two_urgent_pages_pass_one_after_the_other(floor: Floor, training: Training) -> None:
    """Both before the training goes on."""
    training.before = lambda: (
        floor.admit("urgent/p1.toml", "urgent/p2.toml") if training.turns == 1 else None
    )

    floor.run_until_idle()

    assert floor.pages.ran == ["p1", "p2"]
    assert floor.trainings.ran == ["spyke", "spyke"]


def test_a_training_can_be_cancelled_while_it_steps_aside(floor: Floor, training: Training) -> None:
    """The wish is kept until its turn comes again."""

    def cancel(_: Ongoing) -> Ending:
        (floor.desk.home.inbox / "spyke.cancel").touch()
        floor.look()
        return DONE

    def heed() -> None:
        drop_urgent(floor)
        floor.desk.control.check()

    floor.pages.work["p1"] = cancel
    training.before = heed
    floor.run_until_idle()

    assert floor.trainings.ran == ["spyke", "spyke"]
    assert floor.where()["cancelled"] == ["spyke.toml"]


def test_a_daemon_that_stops_leaves_what_stepped_aside(floor: Floor, training: Training) -> None:
    """The next start finds it in running/."""
    floor.pages.work["p1"] = raising(Stopping())
    training.before = lambda: drop_urgent(floor)

    floor.run_until_idle()

    assert floor.where() == {"running": ["spyke.toml", "p1.toml"]}
    assert {ongoing.job.name for ongoing in floor.desk.line.unfinished()} == {"p1", "spyke"}


def test_the_machine_is_let_go_by_what_steps_aside(floor: Floor, training: Training) -> None:
    """Or the page could never have it."""
    held: list[bool] = []

    def look(_: Ongoing) -> Ending:
        held.append(is_held(floor.heavy._path))
        return DONE

    floor.trainings.heavy = True
    floor.trainings.verdict = Start()
    floor.pages.work["p1"] = look
    training.before = lambda: drop_urgent(floor)
    floor.run_until_idle()

    assert held == [False]
