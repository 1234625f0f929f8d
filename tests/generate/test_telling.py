"""What is told of a picture while the engine works, step by step on a clock of numbers."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from plasma_watch.comfyui.protocol import (
    ASK_SECONDS,
    STUCK_SECONDS,
    Conversation,
    Entered,
    Fact,
    Previewed,
    Queue,
    Stepped,
)
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.telling import LOG_SECONDS, SHOW_SECONDS, Teller, seconds_per_step
from plasma_watch.job import Job, Picture, State
from plasma_watch.status import Board
from tests.fakes.home import NOON

PROMPT = "5a1f3c3e-0000-5000-8000-000000000001"


class Told:
    """A teller with its board on the disk. Its state: what its clock says."""

    def __init__(self, folder: Path, number: int = 1, pictures: int = 1) -> None:
        job = Job(
            id="20261122T120000-p003",
            name="p003",
            file="p003.toml",
            kind="generate",
            dropped=NOON,
            sha256="",
            pictures=tuple(Picture(n + 1, n) for n in range(pictures)),
        )
        self.now = 100.0
        self.folder = folder
        self.board = Board(folder)
        self.teller = Teller(self.board, job, number, lambda: self.now)

    def tell(self, news: Fact | Conversation | PlasmaError) -> dict[str, Any]:
        """Tell news, and return what the status says then."""
        self.teller.tell(news)
        return self.board.read("p003")

    def step(self, step: int, steps: int = 20, seconds: float = 0) -> dict[str, Any]:
        """Tell of a step that took so long."""
        self.now += seconds
        return self.tell(Stepped(step, steps, "3"))

    def log(self) -> list[str]:
        """Return the lines of the log, without times and jobs."""
        path = self.folder / "p003.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.split(" ", 2)[2] for line in lines]


Telling = Callable[..., Told]


@pytest.fixture
def told(tmp_path: Path) -> Telling:
    """Make tellers of one folder."""
    return lambda number=1, pictures=1: Told(tmp_path, number, pictures)


def waiting_behind(queue: Queue, seconds: float = 0) -> Conversation:
    """Return a conversation that heard of a queue, for so long."""
    conversation = Conversation(PROMPT)
    for now in (0, seconds):
        conversation.answered(queue, None, now)
    return conversation


# Steps.


def test_first_step_has_no_pace_yet(told: Telling) -> None:
    """It pays for what the engine loads."""
    status = told().step(1)

    assert status["state"] == State.RUNNING
    assert status["why"] == "step 1 of 20"
    assert (status["step"], status["steps"], status["progress"]) == (1, 20, 0.05)
    assert "eta_seconds" not in status


def test_pace_and_time_to_go_follow_from_the_steps(told: Telling) -> None:
    """Measured from the first step on."""
    one = told()
    one.step(1, seconds=60)

    status = one.step(3, seconds=4)

    assert status["eta_seconds"] == 2 * 17
    assert one.log()[-1] == "running step 3/20 15% eta 34s 2.00s/step"


def test_time_to_go_counts_the_pictures_to_come(told: Telling) -> None:
    """And progress those that were made."""
    one = told(number=2, pictures=4)
    one.step(1)

    status = one.step(2, seconds=1)

    assert status["why"] == "picture 2 of 4: step 2 of 20"
    assert status["eta_seconds"] == 18 + 2 * 20
    assert status["progress"] == round((1 + 2 / 20) / 4, 3)


def test_steps_that_begin_anew_have_a_new_pace(told: Telling) -> None:
    """A second sampler follows one of which the first steps were not heard."""
    one = told()
    one.step(5)
    one.step(20, seconds=19)

    assert "eta_seconds" not in one.step(1, seconds=50)
    assert one.step(2, seconds=3)["eta_seconds"] == 3 * 18


def test_second_sampler_has_a_pace_of_its_own(told: Telling) -> None:
    """What lay between the two is no step."""
    one = told()
    for step in range(1, 21):
        one.step(step, seconds=1)

    assert "eta_seconds" not in one.step(1, seconds=50)
    assert one.step(2, seconds=3)["eta_seconds"] == 3 * 18


def test_no_steps_at_all_do_no_harm(told: Telling) -> None:
    """Somebody's node counts from nothing to nothing."""
    assert told().step(0, steps=0)["progress"] == 0.0


def test_log_has_a_line_a_second_and_the_last_step(told: Telling) -> None:
    """The status has every step."""
    one = told()
    for step in range(1, 21):
        one.step(step, seconds=LOG_SECONDS / 4)

    steps = [line.split(" ")[2] for line in one.log()]
    assert steps == ["1/20", "5/20", "9/20", "13/20", "17/20", "20/20"]
    assert one.log()[0] == "running step 1/20 5%"


@pytest.mark.parametrize(
    ("first", "last", "pace"),
    [((1, 10.0), (1, 10.0), None), ((1, 10.0), (2, 12.0), 2.0), ((1, 10.0), (5, 12.0), 0.5)],
)
def test_pace_is_time_by_steps(
    first: tuple[int, float], last: tuple[int, float], pace: float | None
) -> None:
    """Between two marks; one mark has none."""
    assert seconds_per_step(first, last) == pace


# What else is heard.


def test_node_at_work_is_told(told: Telling) -> None:
    """A checkpoint takes its time before the first step."""
    for one, why in (
        (told(), "ComfyUI works (node 4)"),
        (told(2, 3), "picture 2 of 3: ComfyUI works (node 4)"),
    ):
        one.now += 2 * SHOW_SECONDS
        assert one.tell(Entered("4"))["why"] == why


def test_node_at_work_from_the_start_is_told_when_it_takes_longer(told: Telling) -> None:
    """It was begun a moment before; ComfyUI is asked every two seconds."""
    one = told()
    assert one.tell(Entered("4")) == {}

    one.now += ASK_SECONDS

    assert one.tell(waiting_behind(Queue((PROMPT,), ())))["why"] == "ComfyUI works (node 4)"


def test_node_that_steps_is_not_told_again(told: Telling) -> None:
    """What ComfyUI is asked meanwhile says nothing new."""
    one = told()
    one.tell(Entered("4"))
    one.step(1)
    one.now += ASK_SECONDS

    assert one.tell(waiting_behind(Queue((PROMPT,), ())))["why"] == "step 1 of 20"


def test_preview_lies_beside_the_status(told: Telling) -> None:
    """A JPEG as it came; it is not decoded."""
    one = told()
    one.step(1)

    one.tell(Previewed(b"\xff\xd8\xff\xe0 a JPEG"))

    assert (one.folder / "p003.preview.jpg").read_bytes() == b"\xff\xd8\xff\xe0 a JPEG"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.3, "0.30"), (2.13, "2.13"), (31.4, "31"), (124.0, "124")]
)
def test_pace_in_the_log_is_a_number_that_people_read(
    told: Telling, seconds: float, shown: str
) -> None:
    """As the screen shows it; also on a machine that swaps."""
    one = told()
    one.step(19)
    one.step(20, seconds=seconds)

    assert f" {shown}s/step" in one.log()[-1]


def test_preview_is_a_jpeg_whatever_the_engine_sends(told: Telling) -> None:
    """ComfyUI may send PNG; its name would lie."""
    one = told()
    one.step(1)
    png = io.BytesIO()
    Image.new("RGBA", (8, 8), "orange").save(png, "PNG")

    one.tell(Previewed(png.getvalue()))

    with Image.open(one.folder / "p003.preview.jpg") as shown:
        assert shown.format == "JPEG"


def test_preview_that_is_no_picture_is_no_news(told: Telling) -> None:
    """The job goes on; the one before stays."""
    one = told()
    one.step(1)
    one.tell(Previewed(b"\xff\xd8\xff\xe0 a JPEG"))

    one.tell(Previewed(b"\x89PNG cut short"))

    assert (one.folder / "p003.preview.jpg").read_bytes() == b"\xff\xd8\xff\xe0 a JPEG"


def test_engine_that_is_gone_is_told(told: Telling) -> None:
    """With its code, and what happens next."""
    error = PlasmaError(Code.ENGINE_UNREACHABLE, "ComfyUI does not answer")

    status = told().tell(error)

    assert status["waiting_for"] == Code.ENGINE_UNREACHABLE
    assert status["why"] == "ComfyUI does not answer; it is looked for when ComfyUI is back"


def test_prompts_of_others_before_ours_are_told(told: Telling) -> None:
    """Their number is."""
    queue = Queue(("one",), ("two", PROMPT))

    status = told().tell(waiting_behind(queue))

    assert status["waiting_for"] == Code.ENGINE_BUSY
    assert status["why"] == "behind 2 other prompts in ComfyUI"


def test_engine_that_runs_nothing_is_told(told: Telling) -> None:
    """It takes prompts: only a restart helps."""
    status = told().tell(waiting_behind(Queue((), (PROMPT,)), STUCK_SECONDS))

    assert status["waiting_for"] == Code.ENGINE_STUCK
    assert "restart ComfyUI" in status["why"]


def test_prompt_at_work_is_no_news(told: Telling) -> None:
    """Its steps tell more."""
    assert told().tell(waiting_behind(Queue((PROMPT,), ()))) == {}


def test_a_quick_engine_does_not_keep_the_disk_busy(told: Callable[..., Told]) -> None:
    """Of the steps within a tenth of a second the first is shown, and always the last."""
    stand = told()
    shown = [stand.step(step, seconds=SHOW_SECONDS / 4)["step"] for step in range(1, 21)]

    assert shown == [1, 1, 1, 1, 5, 5, 5, 5, 9, 9, 9, 9, 13, 13, 13, 13, 17, 17, 17, 20]


def test_a_node_right_behind_a_step_is_not_shown(told: Callable[..., Told]) -> None:
    """Which node works is told when it works for longer than a moment."""
    stand = told()
    stand.step(1)

    assert stand.tell(Entered("8"))["why"] == "step 1 of 20"
    stand.now += 2 * SHOW_SECONDS
    assert stand.tell(Entered("9"))["why"] == "ComfyUI works (node 9)"
