"""What is claimed of a run that is watched, with a trainer that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plasma_watch.control import CancelAsked, Control, Running, SetAside, Stopping
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.job import Job, Training
from plasma_watch.status import Board
from plasma_watch.train.attempt import SAMPLE_SECONDS, Rules, Run
from plasma_watch.train.history import History
from plasma_watch.train.progress import Course
from plasma_watch.train.telling import Teller
from plasma_watch.train.trainer import Heard, Process
from tests.fakes.home import NOON
from tests.fakes.kind import PatientEvent

JOB = Job("20261122T120000-spyke", "spyke", "spyke.toml", "train", NOON, "0a", training=Training(1))
SAVED = "INFO     model saved."


class ScriptedProcess(Process):
    """A trainer that says one segment a second. Its state: what is left of its words."""

    def __init__(self, segments: list[str], code: int = 0, last: str = "") -> None:
        self.pid = 2**22 + 1  # over the highest number that a process may have
        self.now = 0.0
        self.ended = 0
        self._segments: Iterator[str] = iter(segments)
        self._code = code
        self._last = last
        self._over = False

    def exit_code(self) -> int | None:
        """Run until every word is said."""
        return self._code if self._over else None

    def hear(self, seconds: float) -> list[Heard]:  # noqa: ARG002 - a process's shape
        """Say the next word; an empty one is a second of silence."""
        self.now += 1.0
        try:
            segment = next(self._segments)
        except StopIteration:
            self._over = True
            return []
        return [("stderr", [segment])] if segment else []

    def end(self) -> list[Heard]:
        """Say the last word."""
        self.ended += 1
        return [("stderr", [self._last])] if self._last else []


class Watch:
    """A run with everything around it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.request = folder / "request.toml"
        self.request.write_text("x")
        self.control = Control()
        self.control.stopping = PatientEvent()
        self.control.begin(Running(JOB.id, JOB.name))
        self.history = History(folder / "history.jsonl")
        self.board = Board(folder)
        self.epochs = 0
        self.rules = Rules(
            required_device="any",
            quiet_seconds=30.0,
            epoch_bytes=0,
            request=self.request,
            output=folder,
            yields=lambda: False,
            on_epoch=self._on_epoch,
        )

    def _on_epoch(self) -> None:
        self.epochs += 1

    def follow(self, process: ScriptedProcess) -> Course:
        """Watch a trainer to its end."""
        course = Course(0.0, steps_an_epoch=100, epochs=3)
        teller = Teller(self.board, JOB, lambda: process.now)
        surroundings = (self.rules, self.control, self.history, teller)
        Run(process, course, *surroundings, lambda: process.now).follow()
        return course

    def code(self, process: ScriptedProcess) -> Code:
        """Return why a run ended badly; all of it was ended then."""
        with pytest.raises(PlasmaError) as caught:
            self.follow(process)
        assert process.ended == 1
        return caught.value.code

    def log(self) -> str:
        """Return the job's log."""
        return (self.folder / "spyke.log").read_text("utf-8")


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """A run that has not begun."""
    return Watch(tmp_path)


def bar(step: int, loss: str = "0.5") -> str:
    """Return the bar after a step."""
    return f"steps:  29%|██▊       | {step}/300 [00:12<00:30,  3.09s/it, avr_loss={loss}]"


def test_a_good_end_is_one_that_was_said(watch: Watch) -> None:
    """Also when it was the last word of all."""
    process = ScriptedProcess([bar(1)], last=SAVED)

    assert watch.follow(process).was_saved
    assert process.ended == 1


def test_what_happens_is_written_into_the_history(watch: Watch) -> None:
    """Each step once, with its own loss; the first ones are not timed."""
    told = ["accelerator device: cpu", *(bar(n // 2, f"0.{n}") for n in range(2, 12)), SAVED]
    watch.follow(ScriptedProcess(told))

    summary = watch.history.summary()
    assert summary.devices == ("cpu",)
    assert summary.losses == {1: 0.3, 2: 0.5, 3: 0.7, 4: 0.9, 5: 0.11}
    assert summary.seconds_per_step == 2.0
    assert summary.least_available_bytes > 0


def test_samples_are_taken_every_few_seconds(watch: Watch) -> None:
    """Not with every word."""
    watch.follow(ScriptedProcess([*[""] * int(3 * SAMPLE_SECONDS), SAVED]))

    text = (watch.folder / "history.jsonl").read_text("utf-8")
    assert text.count("footprint") == 4


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([bar(1, "nan")], Code.TRAINER_NAN),
        ([bar(1, "inf")], Code.TRAINER_NAN),
        (["No caption file found for 3 images."], Code.DATASET_NO_CAPTION),
        (["NaN found in latents, replacing with zeros"], Code.TRAINER_NAN),
        ([""] * 40, Code.TRAINER_STALLED),
    ],
)
def test_what_must_not_go_on_is_ended(watch: Watch, words: list[str], code: Code) -> None:
    """All of it, before anything else is done."""
    process = ScriptedProcess([*words, bar(2), SAVED])

    assert watch.code(process) is code


def test_nan_in_the_last_word_is_heard(watch: Watch) -> None:
    """It ended before anybody could end it."""
    assert watch.code(ScriptedProcess([SAVED], last=bar(2, "nan"))) is Code.TRAINER_NAN


def test_another_device_ends_it(watch: Watch) -> None:
    """At its first word."""
    watch.rules = replace(watch.rules, required_device="mps")

    code = watch.code(ScriptedProcess(["accelerator device: cpu", SAVED]))

    assert code is Code.TRAINER_CPU_FALLBACK


def test_slow_steps_are_told_and_stop_nothing(watch: Watch) -> None:
    """The log says when it began, and when it was over."""
    slow = [word for step in range(31, 36) for word in ("", "", "", "", "", bar(step))]
    fast = [bar(step) for step in range(36, 60)]

    watch.follow(ScriptedProcess([*(bar(n) for n in range(1, 31)), *slow, *fast, SAVED]))

    assert "warning: a step takes 6.0 s, 1.0 s in the beginning (trainer 0.0 GB" in watch.log()
    assert "all is well (trainer" in watch.log()


def test_between_two_epochs_it_may_step_aside(watch: Watch) -> None:
    """And only there."""
    watch.rules = replace(watch.rules, yields=lambda: True)
    process = ScriptedProcess(["epoch 1/3", bar(100), "epoch 2/3", bar(101)])

    with pytest.raises(SetAside):
        watch.follow(process)

    assert (process.ended, watch.epochs) == (1, 1)
    assert watch.history.summary().losses.keys() == {100}


def test_between_two_epochs_the_disk_is_looked_at(watch: Watch) -> None:
    """The next one must fit."""
    watch.rules = replace(watch.rules, epoch_bytes=10**18)

    code = watch.code(ScriptedProcess(["epoch 1/3", bar(100), "epoch 2/3", bar(101)]))

    assert code is Code.DISK_SHORT


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda watch: watch.control.stopping.set(), Stopping),
        (lambda watch: watch.control.cancel(JOB.id), CancelAsked),
        (lambda watch: watch.request.unlink(), FileNotFoundError),
    ],
)
def test_what_is_asked_of_it_is_heard_at_once(
    watch: Watch, ask: Callable[[Watch], object], told: type[BaseException]
) -> None:
    """A stop, a cancel, a request that is taken away."""
    ask(watch)
    process = ScriptedProcess([bar(1), bar(2)])

    with pytest.raises(told):
        watch.follow(process)

    assert process.ended == 1


@pytest.mark.parametrize(
    ("code", "last", "why"),
    [
        (-9, "", Code.TRAINER_KILLED),
        (1, "RuntimeError: MPS backend out of memory", Code.TRAINER_OUT_OF_MEMORY),
        (0, "ERROR    No data found. Please verify arguments", Code.TRAINER_NO_DATA),
        (0, "INFO     bye", Code.TRAINER_NO_RESULT),
    ],
)
def test_a_bad_end_is_understood(watch: Watch, code: int, last: str, why: Code) -> None:
    """By exit code and last words together."""
    assert watch.code(ScriptedProcess([bar(1)], code, last)) is why
