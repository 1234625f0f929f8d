"""The job behind the running one: when it may be begun, and how it is carried then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from plasma_watch.control import Running, SetAside
from plasma_watch.gate.memory import Start
from plasma_watch.job import Ending, Picture, State
from plasma_watch.line import Ongoing
from plasma_watch.system.locks import is_held
from tests.fakes.floor import Floor
from tests.fakes.home import REQUEST
from tests.fakes.kind import DONE

TRAIN = b'kind = "train"\nlora = "spyke"\ndataset = "datasets/spyke"\ntrigger = "spyke"\n'
ASKED = (Picture(1, 7, attempt=1, asked=1),)
"""One picture that the engine was asked for."""


@pytest.fixture
def floor(tmp_path: Path) -> Floor:
    """A worker with two pages in its line."""
    floor = Floor(tmp_path)
    floor.admit("p1.toml", "p2.toml")
    return floor


def meanwhile(floor: Floor, do: Callable[[], object], name: str = "p1") -> None:
    """Let something happen while a page is made."""

    def work(_: Ongoing) -> Ending:
        do()
        return DONE

    floor.pages.work[name] = work


def begin_next(floor: Floor) -> Ongoing | None:
    """Begin the head of the line, as a page does that needs the engine no more."""
    waiting = floor.worker.first()
    return floor.worker.begin_next(waiting, waiting.job()) if waiting else None


def test_the_next_is_begun_while_one_runs_and_carried_after_it(floor: Floor) -> None:
    """Both lie in running/ then; neither is carried twice."""
    where: list[object] = []

    def begin() -> None:
        assert begin_next(floor)
        where.append(floor.where())

    meanwhile(floor, begin)
    floor.run_until_idle()

    assert where == [{"running": ["p1.toml", "p2.toml"]}]
    assert floor.pages.ran == ["p1", "p2"]
    assert floor.where() == {"done": ["p1.toml", "p2.toml"]}


def test_what_is_urgent_comes_first(floor: Floor) -> None:
    """It was dropped while the first was made."""
    names: list[str] = []

    def look() -> None:
        floor.admit("urgent/p9.toml")
        first = floor.worker.first()
        names.append(first.name if first else "")

    meanwhile(floor, look)
    floor.run_until_idle()

    assert names == ["p9"]


def test_only_one_is_begun_ahead(floor: Floor) -> None:
    """What is begun is begun; the line behind it may still change."""
    floor.admit("p3.toml")
    begun: list[bool] = []
    meanwhile(floor, lambda: begun.extend(bool(begin_next(floor)) for _ in range(2)))

    floor.run_until_idle()

    assert begun == [True, False]
    assert floor.pages.ran == ["p1", "p2", "p3"]


def test_nothing_is_begun_ahead_while_the_line_is_paused(floor: Floor) -> None:
    """PAUSE lets the running job end, and nothing begin."""
    found: list[object] = []

    def pause() -> None:
        (floor.desk.home.inbox / "PAUSE").touch()
        floor.look()
        found.append(begin_next(floor))

    meanwhile(floor, pause)
    floor.run_until_idle()

    assert found == [None]
    assert floor.where()["inbox"] == ["PAUSE", "p2.toml"]


def test_nothing_is_begun_ahead_when_the_daemon_stops(floor: Floor) -> None:
    """It would only be left behind."""
    found: list[object] = []

    def stop() -> None:
        floor.stop()
        found.append(begin_next(floor))

    meanwhile(floor, stop)
    floor.worker.run()

    assert found == [None]


def test_nothing_is_begun_ahead_while_a_job_is_left_from_before(tmp_path: Path) -> None:
    """What was begun by an earlier daemon comes before what waits."""
    floor = Floor(tmp_path)
    floor.leave("p1.toml")
    floor.leave("p2.toml")
    left = floor.desk.line.unfinished()
    floor.desk.control.will_go_on(Running(each.job.id, each.job.name) for each in left)
    floor.admit("p3.toml")
    found: list[object] = []
    meanwhile(floor, lambda: found.append(begin_next(floor)))

    floor.run_until_idle()

    assert found == [None]
    assert floor.pages.ran == ["p1", "p2", "p3"]


def test_what_was_rewritten_since_it_was_looked_at_is_not_begun(floor: Floor) -> None:
    """It asks for something else now."""
    found: list[object] = []

    def rewrite() -> None:
        waiting = floor.worker.first()
        assert waiting
        floor.admit("p2.toml", content=REQUEST + b"# changed\n")
        found.append(floor.worker.begin_next(waiting, waiting.job()))

    meanwhile(floor, rewrite)
    floor.step()

    assert found == [None]
    assert floor.where() == {"done": ["p1.toml"], "inbox": ["p2.toml"]}


def test_what_was_begun_ahead_can_be_cancelled(floor: Floor) -> None:
    """The wish is kept until its turn."""

    def cancel() -> None:
        begin_next(floor)
        (floor.desk.home.inbox / "p2.cancel").touch()
        floor.look()

    def heed(_: Ongoing) -> Ending:
        floor.desk.control.check()
        return DONE

    meanwhile(floor, cancel)
    floor.pages.work["p2"] = heed
    floor.run_until_idle()

    assert floor.where()["cancelled"] == ["p2.toml"]


def test_the_machine_is_not_let_go_between_the_two(floor: Floor, tmp_path: Path) -> None:
    """Another home would find the engine at work."""
    floor.pages.verdict, floor.pages.heavy = Start(is_heavy=True), True
    meanwhile(floor, lambda: begin_next(floor))

    floor.step()
    between = is_held(tmp_path / "heavy.lock")
    floor.step()

    assert between
    assert not is_held(tmp_path / "heavy.lock")


def test_a_job_knows_whether_the_engine_may_hold_another_ones_prompt(floor: Floor) -> None:
    """It stands in that one's journal, until it is collected or over."""
    out: list[bool] = []

    def begin() -> None:
        out.append(floor.worker.others_are_out())
        ongoing = begin_next(floor)
        assert ongoing
        out.append(floor.worker.others_are_out())
        ongoing.keep(replace(ongoing.job, pictures=ASKED))
        out.append(floor.worker.others_are_out())
        over = tuple(replace(picture, is_over=True) for picture in ASKED)
        ongoing.keep(replace(ongoing.job, pictures=over))
        out.append(floor.worker.others_are_out())

    meanwhile(floor, begin)
    floor.run_until_idle()

    assert out == [False, False, True, False]


def test_after_a_crash_the_one_that_is_out_there_comes_first(tmp_path: Path) -> None:
    """The older one has to ask again, and lets it pass: never two of ours in the engine."""
    floor = Floor(tmp_path)
    floor.leave("p1.toml")
    floor.leave("p2.toml", pictures=ASKED)

    def ask_again(_: Ongoing) -> Ending:
        if floor.worker.others_are_out():
            raise SetAside("lets a job pass")
        return DONE

    floor.pages.work["p1"] = ask_again
    floor.run_until_idle()

    assert floor.pages.ran == ["p1", "p2", "p1"]
    assert floor.where() == {"done": ["p1.toml", "p2.toml"]}


def test_an_urgent_training_does_not_pass_what_waits_for_one_page(tmp_path: Path) -> None:
    """It would take hours; only what is begun goes on before the page that stepped aside."""
    floor = Floor(tmp_path)
    floor.leave("p1.toml")
    floor.leave("p2.toml", pictures=ASKED)
    floor.admit("urgent/spyke.toml", content=TRAIN)

    def ask_again(_: Ongoing) -> Ending:
        if floor.worker.others_are_out():
            raise SetAside("lets a job pass", lets_urgent_pass=False)
        return DONE

    floor.pages.work["p1"] = ask_again
    before: list[str] = []

    def train(_: Ongoing) -> Ending:
        before.extend(floor.pages.ran)
        return DONE

    floor.trainings.work["spyke"] = train
    floor.run_until_idle()

    assert before == ["p1", "p2", "p1"]


def test_a_page_begun_behind_another_is_told_as_begun(
    floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    """It was asked for already when its turn comes, and that is no crash made good."""

    def begin() -> None:
        ongoing = begin_next(floor)
        assert ongoing
        ongoing.keep(replace(ongoing.job, pictures=ASKED))

    meanwhile(floor, begin)
    with caplog.at_level("INFO"):
        floor.run_until_idle()

    assert "p2 begins" in caplog.text
    assert "goes on" not in caplog.text


def test_a_bug_in_tidying_up_ends_no_worker(floor: Floor) -> None:
    """The job is filed away all the same, and the next one runs."""

    def fall() -> None:
        raise RuntimeError("a bug")

    floor.pages.on_abandon = fall
    floor.pages.work["p1"] = lambda _: Ending(State.FAILED, "no good")

    floor.run_until_idle()

    assert floor.where() == {"failed": ["p1.toml"], "done": ["p2.toml"]}
