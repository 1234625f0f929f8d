"""`status --watch`: in real terminals of two sizes, without colours, and where there is none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.system.locks import Lock
from plasma_watch.toml_text import dumps
from tests.cli.conftest import Run
from tests.fakes.home import NOON
from tests.fakes.scenes import DAEMON, LOSSES, PAGE, TRAINING, waiting
from tests.fakes.terminal import Terminal, needs_tmux

WATCH = (sys.executable, "-m", "plasma_watch", "status", "--watch")
Open = Callable[..., Terminal]


@pytest.fixture
def busy(home: Path, held: Lock) -> Iterator[Path]:
    """A home in which a page runs, two wait, and one has failed."""
    told = PAGE | {"dropped": NOON, "sha256": "ab"}
    tell(home, "daemon", DAEMON | {"running": "p003"})
    tell(home, "p003", told)
    for number in (1, 2):
        tell(home, waiting(number)["name"], waiting(number))
    folder = home / "failed" / "20261122T110000-bad"
    folder.mkdir()
    ending = {"state": "failed", "why": "line 3: stpes is not a known key"}
    (folder / "job.toml").write_text(dumps({"name": "bad", "ending": ending}))
    yield home
    held.release()


def tell(home: Path, name: str, table: dict[str, Any]) -> None:
    """Replace a status file whole, as the daemon does."""
    temporary = home / "status" / f".{name}.tmp"
    temporary.write_text(dumps(table))
    temporary.replace(home / "status" / f"{name}.toml")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Open]:
    """Open terminals in which a home is watched."""
    opened: list[Terminal] = []

    def open_one(home: Path, width: int, height: int, *more: str, **environ: str) -> Terminal:
        settings = [f"{key}={value}" for key, value in environ.items()]
        # The size is the terminal's; readline, which pytest loads, leaves another one behind.
        command = [
            "env",
            "-u",
            "COLUMNS",
            "-u",
            "LINES",
            *settings,
            *WATCH,
            "--home",
            str(home),
            *more,
        ]
        name = f"plasma-{os.getpid()}-{tmp_path.name[-12:]}-{len(opened)}"
        opened.append(Terminal(name, width, height, command))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def is_whole(shown: str) -> bool:
    """Tell whether a screen is drawn to its end; a terminal is sent it piece by piece."""
    return "failed     bad" in shown


@needs_tmux
@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60)])
def test_a_terminal_shows_everything_and_follows(
    busy: Path, terminal: Open, width: int, height: int
) -> None:
    """At both sizes, until Ctrl-C; the screen before comes back then."""
    one = terminal(busy, width, height)

    screen = one.until(is_whole)
    for part in (
        "Plasma Watch  running",
        "p003 runs; 2 in line",
        "ComfyUI 0.3.64 on mps",
        "5.3 of 16.0 GB free, pressure normal",
        "45%",
        "2.10 s/step · 23 s to go",
        "In line: 2",
        "2  p005  in line: 2 before it",
        "failed     bad  line 3: stpes is not a known key",
    ):
        assert part in screen
    assert all(len(line) <= width for line in screen.splitlines())

    tell(busy, "p003", PAGE | {"why": "step 10 of 20", "progress": 0.5})
    one.until(lambda shown: "step 10 of 20" in shown and "50%" in shown)
    one.press("C-c")
    screen = one.until(lambda shown: "exit=0" in shown)
    assert "Traceback" not in screen
    assert "step 10 of 20" not in screen


@needs_tmux
@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60)])
def test_a_terminal_shows_a_training(busy: Path, terminal: Open, width: int, height: int) -> None:
    """Phase, epoch and the curve of its losses, from the files that it writes."""
    tell(busy, "p003", TRAINING | {"name": "p003"})
    folder = busy / "running" / str(TRAINING["job"])
    folder.mkdir()
    rows = [json.dumps({"step": step, "loss": loss}) + "\n" for step, loss in LOSSES]
    (folder / "history.jsonl").write_text("".join(rows))

    screen = terminal(busy, width, height).until(
        lambda shown: "loss, smoothed, steps 1 to 412" in shown and is_whole(shown)
    )

    assert "epoch 3 of 5, step 412 of 975, loss 0.0912" in screen
    assert "▁" in screen or "▂" in screen
    assert "█" * 10 in screen
    assert "In line: 2" in screen
    assert "failed     bad" in screen


@needs_tmux
def test_a_terminal_that_becomes_smaller_is_followed(busy: Path, terminal: Open) -> None:
    """Nothing is wrapped."""
    one = terminal(busy, 120, 40)
    one.until(is_whole)

    one.resize(50, 12)

    screen = one.until(lambda shown: len(shown.splitlines()) <= 12 and "step 9 of 20" in shown)
    assert all(len(line) <= 50 for line in screen.splitlines())


@needs_tmux
def test_without_colour_none_is_sent(busy: Path, terminal: Open) -> None:
    """NO_COLOR is obeyed; with colours the same words are shown."""
    plain, coloured = terminal(busy, 80, 24, NO_COLOR="1"), terminal(busy, 80, 24)
    for one in (plain, coloured):
        one.until(is_whole)

    def colours(one: Terminal) -> bool:
        return any(f"\x1b[{code}m" in one.screen(with_colours=True) for code in range(31, 37))

    assert not colours(plain)
    assert colours(coloured)


@needs_tmux
def test_a_terminal_without_unicode_gets_ascii(busy: Path, terminal: Open) -> None:
    """Bars too."""
    one = terminal(busy, 80, 24, PYTHONIOENCODING="ascii")

    screen = one.until(is_whole)

    assert screen.isascii()
    assert "#" * 27 + "." * 33 in screen


@needs_tmux
def test_a_dumb_terminal_gets_plain_lines(busy: Path, terminal: Open) -> None:
    """One for each thing that changes."""
    one = terminal(busy, 80, 24, TERM="dumb")
    one.until(lambda shown: "running p003: step 9 of 20, 45%" in shown)

    tell(busy, "p003", PAGE | {"why": "ComfyUI does not answer"})

    one.until(lambda shown: "running p003: ComfyUI does not answer" in shown)


def test_where_there_is_no_terminal_plain_lines_are_printed(busy: Path) -> None:
    """Each with its time; Ctrl-C is a good end."""
    command = [*WATCH, "--home", str(busy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]

    assert lines[0].endswith("failed bad: line 3: stpes is not a known key\n")
    assert lines[1].endswith("running: p003 runs; 2 in line\n")
    assert lines[2].endswith("running p003: step 9 of 20, 45%, 23 s to go, 2.10 s/step\n")
    assert "\x1b" not in "".join(lines) + rest
    assert process.returncode == 0


def test_a_reader_that_goes_away_ends_it(busy: Path) -> None:
    """`status --watch | head -1` says nothing of broken pipes."""
    command = f"{' '.join(WATCH)} --home {busy} | head -1"

    answer = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, check=True, timeout=60
    )

    assert answer.stdout.count("\n") == 1
    assert answer.stderr == ""


@pytest.mark.parametrize(("state", "code"), [("done", 0), ("failed", 1), ("cancelled", 1)])
def test_one_job_is_watched_until_it_has_ended(run: Run, busy: Path, state: str, code: int) -> None:
    """The exit code says how."""
    tell(busy, "p003", PAGE | {"state": state, "why": "it ended"})

    answer = run("status", "p003", "--watch")

    assert answer.code == code
    assert f"{state} p003: it ended" in answer.out


def test_what_nobody_knows_cannot_be_watched(run: Run) -> None:
    """As `status NAME` says it."""
    answer = run("status", "nobody", "--watch")

    assert answer.code == 1
    assert "nothing is known of 'nobody'" in answer.out


def test_watching_and_json_are_two_things(run: Run) -> None:
    """Exit code 2."""
    assert run("status", "--watch", "--json").code == 2
