"""What changed, as plain lines."""

from __future__ import annotations

from dataclasses import replace

from plasma_watch.report.screen.glyphs import ASCII, BLOCKS
from plasma_watch.report.screen.news import news
from tests.fakes.scenes import DAEMON, PAGE, end, scene

FIRST = scene(ends=[end(1)])


def test_the_first_look_tells_everything() -> None:
    """What ended carries its own time."""
    assert news(None, FIRST, BLOCKS) == [
        "2026-11-22T10:21:00Z done e001: output/e001_v1.png",
        "2026-11-22T12:00:00Z running: p003 runs; 2 in line",
        "2026-11-22T12:00:00Z running p003: step 9 of 20, 45%, 23 s to go, 2.10 s/step",
    ]


def test_what_is_the_same_is_not_told_again() -> None:
    """Nor is every step: a tenth of the whole is."""
    one_more = replace(FIRST, job=PAGE | {"why": "step 10 of 20", "progress": 0.49})
    tenth = replace(FIRST, job=PAGE | {"why": "step 11 of 20", "progress": 0.55})

    assert news(FIRST, FIRST, BLOCKS) == []
    assert news(FIRST, one_more, BLOCKS) == []
    assert news(FIRST, tenth, BLOCKS)[0].endswith("step 11 of 20, 55%, 23 s to go, 2.10 s/step")


def test_another_sentence_is_told() -> None:
    """And another job, and another state of the daemon."""
    waits = replace(FIRST, job=PAGE | {"why": "ComfyUI does not answer"})
    stopped = replace(FIRST, is_up=False)
    paused = replace(FIRST, daemon=DAEMON | {"state": "paused", "why": "by PAUSE"}, job={})

    assert news(FIRST, waits, BLOCKS)[0].endswith(
        "running p003: ComfyUI does not answer, 45%, 23 s to go, 2.10 s/step"
    )
    assert news(FIRST, stopped, BLOCKS)[0].endswith("stopped: no daemon looks after this home")
    assert [line[21:] for line in news(FIRST, paused, BLOCKS)] == ["paused: by PAUSE"]


def test_each_end_is_told_once() -> None:
    """The older first."""
    now = replace(FIRST, ends=[end(1), end(2, "failed", why="it broke"), end(3)])

    assert [line[21:] for line in news(FIRST, now, BLOCKS)] == [
        "failed e002: it broke",
        "done e003: output/e003_v1.png",
    ]


def test_a_job_that_is_over_has_no_progress() -> None:
    """Its sentence stands alone."""
    over = replace(FIRST, job=PAGE | {"state": "done", "why": "output/p003_v1.png"})

    assert news(FIRST, over, BLOCKS)[0].endswith("done p003: output/p003_v1.png")


def test_lines_hold_nothing_that_steers_a_terminal() -> None:
    """Nor what the output cannot show."""
    bad = replace(FIRST, job=PAGE | {"name": "\x1b[2J白", "why": "x"})

    (line,) = news(FIRST, bad, ASCII)

    assert "?[2J?" in line
