"""What is told of a picture while the engine works: one plain sentence, progress, time to go."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from plasma_watch.comfyui.protocol import Conversation, Entered, Fact, Freed, Previewed, Stepped
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.outlook import steps_of
from plasma_watch.job import Job
from plasma_watch.outputs.picture import as_jpeg
from plasma_watch.report import durations
from plasma_watch.status import Board, of_running
from plasma_watch.words import counted

SHOW_SECONDS = 0.1
"""The status shows at most one node or step in this time, and always the last step."""
LOG_SECONDS = 1.0
"""The log gets at most one line of progress in this time; the status file shows every step."""


class Teller:
    """Tells the status of one picture. Its state: the last step, the pace, and what it told when.

    That it was begun is told before: the nodes that the engine passes in a moment are not.
    """

    def __init__(
        self, board: Board, job: Job, number: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._board = board
        self._job = job
        self._number = number
        self._clock = clock
        self._first: tuple[int, float] | None = None
        self._step = 0
        self._node = ""
        """The node that the engine is in, until the status says so or shows a step."""
        self._began = clock()
        self._logged = self._shown = float("-inf")

    def tell(self, news: Fact | Conversation | PlasmaError) -> None:
        """Tell one piece of news."""
        match news:
            case Stepped():
                self._stepped(news)
            case Entered():
                self._node = news.node
                self._show_node()
            case Previewed():
                self._preview(news.picture)
            case PlasmaError():
                self._say(f"{news.message}; it is looked for when ComfyUI is back", news.code)
            case Conversation():
                self._queued(news)
                self._show_node()
            case Freed():
                pass

    def _show_node(self) -> None:
        now = self._clock()
        if self._node and now - self._began >= SHOW_SECONDS and self._is_due(now):
            self._say(f"{self._which()}ComfyUI works (node {self._node})")
            self._node = ""

    def _preview(self, picture: bytes) -> None:
        """Show what the engine sent; what is no picture is no news."""
        with contextlib.suppress(PlasmaError):
            self._board.preview(self._job.name, self._job.id, as_jpeg(picture))

    def _queued(self, news: Conversation) -> None:
        if news.is_stuck:
            of = f" of {news.last_words}" if news.last_words else ""
            why = f"ComfyUI takes prompts and runs none: its worker has died{of}; restart ComfyUI"
            self._say(why, Code.ENGINE_STUCK)
        elif news.ahead:
            why = f"{self._which()}behind {counted(news.ahead, 'other prompt')} in ComfyUI"
            self._say(why, Code.ENGINE_BUSY)

    def _is_due(self, now: float) -> bool:
        """Tell whether the status may be shown anew, and take it that it is."""
        is_due = now - self._shown >= SHOW_SECONDS
        self._shown = now if is_due else self._shown
        return is_due

    def _say(self, why: str, code: Code | None = None) -> None:
        self._board.show(of_running(self._job, why, waiting_for=code))

    def _which(self) -> str:
        total = len(self._job.pictures)
        return f"picture {self._number} of {total}: " if total > 1 else ""

    def _stepped(self, news: Stepped) -> None:
        now, self._node = self._clock(), ""
        if self._first is None or news.step <= self._step:  # another sampler began
            self._first = (news.step, now)
        self._step = news.step
        pace = seconds_per_step(self._first, (news.step, now))
        total = len(self._job.pictures)
        progress = (self._number - 1 + news.step / max(news.steps, 1)) / total
        to_go = (news.steps - news.step) + self._after(news.steps)
        status = of_running(
            self._job,
            f"{self._which()}step {news.step} of {news.steps}",
            step=news.step,
            steps=news.steps,
            progress=progress,
            eta_seconds=None if pace is None else pace * to_go,
            seconds_per_step=pace,
        )
        if self._is_due(now) or news.step == news.steps:
            self._board.show(status)
        if now - self._logged >= LOG_SECONDS or news.step == news.steps:
            self._logged = now
            self._log(news, progress, pace, to_go)

    def _after(self, steps: int) -> int:
        """Return the steps of the pictures to come; as many as now where the request is silent."""
        asked, left = self._job.request or {}, self._job.pictures[self._number :]
        return sum(steps_of(asked, picture) or steps for picture in left)

    def _log(self, news: Stepped, progress: float, pace: float | None, to_go: int) -> None:
        eta = f" eta {pace * to_go:.0f}s {durations.pace(pace)}s/step" if pace is not None else ""
        text = f"running {self._which()}step {news.step}/{news.steps} {progress:.0%}{eta}"
        self._board.say(self._job.name, self._job.id, text)


def seconds_per_step(first: tuple[int, float], last: tuple[int, float]) -> float | None:
    """Return the pace between two (step, time) marks; None before the second step.

    The first step is left out: it pays for what the engine loads.
    """
    steps = last[0] - first[0]
    return (last[1] - first[1]) / steps if steps > 0 else None
