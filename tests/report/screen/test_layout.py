"""A scene as lines of a terminal, of whatever size and whatever it can show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from plasma_watch.report.screen.glyphs import ASCII, BLOCKS, Glyphs
from plasma_watch.report.screen.layout import Room, draw, shares
from plasma_watch.report.screen.scene import Scene
from tests.fakes.home import NOON
from tests.fakes.scenes import DAEMON, LOSSES, PAGE, TRAINING, end, scene, waiting

SMALL, LARGE = (80, 24), (200, 60)


def lines(shown: Scene, size: tuple[int, int] = SMALL, glyphs: Glyphs = BLOCKS) -> list[str]:
    """Return the lines without their colours."""
    return [line.plain for line in draw(shown, Room(*size, glyphs))]


def text(shown: Scene, size: tuple[int, int] = SMALL, glyphs: Glyphs = BLOCKS) -> str:
    """Return everything that is shown."""
    return "\n".join(lines(shown, size, glyphs))


def test_a_running_page_is_shown_with_all_that_is_known_of_it() -> None:
    """Bar, step, pace, time to go, memory, engine; then the line and the last ten ends."""
    shown = lines(scene())

    assert shown[0].startswith("Plasma Watch  running")
    assert shown[0].endswith("12:00:00 UTC")
    assert shown[1:4] == [
        "p003 runs; 2 in line",
        "ComfyUI 0.3.64 on mps · 5.3 of 16.0 GB free, pressure normal · /Users/artist/Pl…",
        "",
    ]
    assert shown[4:8] == [
        "p003  running",
        "step 9 of 20",
        "█" * 27 + "░" * 33 + "  45%",
        "2.10 s/step · 23 s to go",
    ]
    assert shown[9:12] == [
        "In line: 2",
        "  1  p004  in line: 1 before it",
        "  2  p005  in line: 2 before it",
    ]
    assert shown[13:15] == [
        "Ended, the newest first",
        "11-22 10:29  done       e009  output/e009_v1.png",
    ]
    assert len(shown) == 24
    assert shown[-1].startswith("11-22 10:20  done       e000")


def test_why_nothing_happens_is_one_sentence_at_the_top() -> None:
    """It is never cut: it is what people look for."""
    why = (
        "waits since 04:15:12 UTC: needs 9.0 GB of free memory, there are 5.3 GB; most is held by "
        "Safari (4.1 GB), Photoshop (2.0 GB); it starts when that has changed"
    )

    shown = lines(scene(daemon=DAEMON | {"state": "waiting", "why": why}, job={}))

    assert " ".join(line.strip() for line in shown[1:3]) == why


def test_without_a_daemon_the_way_out_is_told() -> None:
    """What it told last is no more true."""
    shown = lines(scene(is_up=False, job={}))

    assert shown[0].startswith("Plasma Watch  stopped")
    assert shown[1] == "no daemon looks after this home; `plasma-watch run` starts one"


def test_a_home_that_was_never_run_is_shown_all_the_same() -> None:
    """No file is there yet."""
    shown = lines(scene(is_up=True, daemon={}, job={}, line=[], ends=[]))

    assert shown[0].startswith("Plasma Watch  unknown")
    assert shown[1] == "the daemon has not told anything yet"


def test_what_needs_a_person_is_noted() -> None:
    """A silent daemon, a changed config, a file that is no request."""
    ignored = {"x.toml.txt": "looks like a mistake", "y.json": "not a request"}
    daemon = DAEMON | {"restart_due": True, "ignored": ignored}

    shown = text(scene(daemon=daemon, now=NOON + timedelta(seconds=95)))

    assert "the daemon has told nothing for 1 min 35 s" in shown
    assert "config.toml has changed: restart the daemon to use it" in shown
    assert "left alone: x.toml.txt: looks like a mistake (and 1 more)" in shown


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ({"reachable": False, "url": "http://x"}, "ComfyUI does not answer at http://x"),
        ({"reachable": True, "sandbox": True, "version": "1", "device": "cpu"}, "the sandbox 1 on"),
    ],
)
def test_the_engine_is_named(engine: dict[str, Any], said: str) -> None:
    """Also when it does not answer."""
    assert said in text(scene(daemon=DAEMON | {"engine": engine}))


def test_nothing_is_told_of_an_engine_that_nobody_asks() -> None:
    """When a training runs, when there is nothing to do, and when no daemon is up."""
    daemon = DAEMON | {"engine": {"reachable": False, "url": "http://x"}}

    training = text(scene(daemon=daemon, job=TRAINING))
    idle = text(scene(daemon=daemon | {"state": "idle"}, job={}))

    assert "a training runs; ComfyUI is not asked meanwhile" in training
    assert "ComfyUI is asked at http://x when a page is due" in idle
    assert "does not answer" not in training + idle + text(scene(is_up=False))
    assert "GB free" not in text(scene(is_up=False))


def test_a_training_has_its_losses_as_a_curve() -> None:
    """Phase, epoch and step are its sentence; hours are told as hours."""
    shown = lines(scene(job=TRAINING, losses=LOSSES))

    assert "epoch 3 of 5, step 412 of 975, loss 0.0912" in shown
    assert "12 s/step · 2 h 03 min to go" in shown
    at = shown.index("loss, smoothed, steps 1 to 412")
    plot = shown[at + 1 : at + 6]
    assert all(set(line[10:]) <= set(BLOCKS.levels) for line in plot)
    assert plot[0][10] != " "
    assert plot[0][-1] == " "
    assert "Ended, the newest first" in shown


def test_a_retry_says_which_attempt_it_is() -> None:
    """The first says nothing."""
    assert "attempt" not in text(scene())
    assert "attempt 2" in text(scene(job=PAGE | {"attempt": 2}))


def test_one_job_alone_is_shown_with_the_end_of_its_log() -> None:
    """As much of it as there is room for."""
    log = [f"line {number}" for number in range(50)]

    shown = lines(scene(is_one=True, log=log, line=[], ends=[]))

    assert shown[-1] == "line 49"
    assert len(shown) == 24
    assert "Log" in shown


def test_one_job_that_failed_says_what_to_do() -> None:
    """No bar any more."""
    error = {"code": "engine.node-error", "hint": "Look there."}
    job = PAGE | {"state": "failed", "why": "it broke", "error": error}

    shown = text(scene(is_one=True, job=job))

    assert "engine.node-error: Look there." in shown
    assert "█" not in shown


def test_one_job_that_is_done_names_its_pictures() -> None:
    """The first of them."""
    job = PAGE | {"state": "done", "why": "x", "outputs": ["output/p003_v1.png"]}

    assert "  output/p003_v1.png" in lines(scene(is_one=True, job=job))


def test_a_terminal_without_blocks_gets_what_it_can_show() -> None:
    """Not one character of a name or a picture is sent that it has not."""
    shown = text(scene(job=TRAINING | {"name": "白い"}, losses=LOSSES), glyphs=ASCII)

    assert shown.isascii()
    assert "#" * 25 + "." * 35 in shown
    assert "??  running" in shown


def test_nothing_that_is_told_steers_the_terminal() -> None:
    """Names and sentences come from requests."""
    bad = "\x1b[2J\x07[bold]x\r\n\u202e"

    shown = text(
        scene(
            daemon=DAEMON | {"why": bad, "ignored": {bad: bad}},
            job=PAGE | {"name": bad, "why": bad},
            line=[waiting(1) | {"name": bad, "why": bad}],
            ends=[end(1, why=bad, name=bad)],
        )
    )

    assert all(char.isprintable() or char == "\n" for char in shown)
    assert "[2J\ufffd[bold]x" in shown


def test_a_status_that_a_person_wrote_breaks_nothing() -> None:
    """Any value may be of any kind."""
    odd = dict.fromkeys([*PAGE, "error", "outputs"], "odd")
    daemon = dict.fromkeys([*DAEMON, "restart_due"], "odd")

    assert "odd" in text(scene(daemon=daemon, job=odd, line=[odd], is_one=True))


@given(
    width=st.integers(1, 220),
    height=st.integers(1, 70),
    many=st.integers(0, 20),
    ended=st.integers(0, 10),
    is_training=st.booleans(),
)
def test_no_line_is_too_long_and_none_too_many(
    *, width: int, height: int, many: int, ended: int, is_training: bool
) -> None:
    """However small the terminal is."""
    shown = scene(
        job=TRAINING if is_training else PAGE,
        losses=LOSSES if is_training else (),
        line=[waiting(number + 1) | {"why": "待つ " * 40} for number in range(many)],
        ends=[end(number) for number in range(ended)],
    )

    drawn = lines(shown, (width, height))

    assert len(drawn) <= height
    assert all(cell_len(line) <= width for line in drawn)


def test_a_large_terminal_shows_all_of_the_line() -> None:
    """And the ends still."""
    shown = lines(scene(line=[waiting(number) for number in range(1, 21)]), LARGE)

    assert any(line.startswith(" 20  p023") for line in shown)
    assert sum(" done " in line for line in shown) == 10


@given(free=st.integers(-5, 60), line=st.integers(0, 20), ends=st.integers(0, 10))
def test_room_is_shared_fairly(free: int, line: int, ends: int) -> None:
    """Nothing is shown that there is no room for, and no room is left while something waits."""
    shown_line, shown_ends = shares(free, line, ends)

    titles = 2 * bool(line) + 2 * bool(ends)
    assert 0 <= shown_line <= line
    assert 0 <= shown_ends <= ends
    assert shown_line + shown_ends == max(0, min(line + ends, free - titles))
    assert shown_line >= min(line, 3, max(0, free - titles))
