"""What a trainer says on its two streams, as events; and where two of them say different things.

A recording is two files, each a stream byte by byte. Not compared: time, and what hangs on it
(how fast, how long, how often a bar was drawn that is drawn by time), losses, the frames of
tracebacks, what the launcher says behind them, and how a line of the log is broken.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import ndiff
from itertools import groupby
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "recordings" / "kohya"
LAB = "/srv/lab"
"""Below it lay all that a recorded trainer read and wrote."""

LINE = re.compile(
    r" ?(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d| {19}) (?P<level>INFO|WARNING|ERROR) {1,4}"
    r"(?P<text>.*?) *(?P<place>\w+\.py:\d+) *$"
)
LEVELS = frozenset({"INFO", "WARNING", "ERROR"})
MORE = re.compile(r" {29}(?! *[~^]+$)")
"""A line of the log goes on; what a traceback underlines is none."""
BAR = re.compile(
    r"(?:(?P<name>[a-z ]+): +)?(?:(?P<percent> *\d+)%\|.{10}\| *)?(?P<count>\d+(?:/\d+)?)(?:it)? "
    r"\[(?P<time>[\d:]+(?:<[\d:?]+)?), +(?P<rate>[\d.]+|\?) ?(?:s/it|it/s)"
    r"(?:, (?P<postfix>[^\]]*))?\]"
)
ERROR = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Invalid)(?::|$)|\w+\.py: error:")
LAUNCHER = re.compile(
    r'Traceback \(most recent call last\):\n  File "[^"]*/bin/accelerate".*', re.DOTALL
)
NUMBER = re.compile(r"-?[\d.]+(?:e[+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Said:
    """One event: a line of the log, a bar as it stands, or the end of a traceback."""

    kind: str
    text: str
    where: str = ""


def read(name: str, lab: Path) -> tuple[str, list[Said]]:
    """Read a recording as if it had been made in this lab: what was printed, what was logged."""
    printed, logged = (
        (FOLDER / f"{name}.{stream}.txt").read_bytes().decode().replace(LAB, str(lab))
        for stream in ("stdout", "stderr")
    )
    return printed, list(events(logged))


def events(stream: str) -> Iterator[Said]:
    """Split standard error into events, as whoever reads a pipe has to."""
    lines: list[Said] = []
    for piece in re.split(r"[\r\n]", LAUNCHER.sub("", stream)):
        bar = BAR.match(piece)
        if bar:
            lines.append(_bar(bar))
            piece = piece[bar.end() :]  # noqa: PLW2901 - a line of the log may follow at once
        lines = _with_line(lines, piece)
    yield from _without_repeats(lines)


def differences(recorded: Iterable[Said], heard: Iterable[Said]) -> list[str]:
    """List where two trainers said different things: `-` what was recorded, `+` what was heard."""
    lines = ndiff([str(one) for one in recorded], [str(one) for one in heard])
    return [line for line in lines if not line.startswith("  ")]


def _bar(found: re.Match[str]) -> Said:
    postfix = NUMBER.sub("#", found["postfix"] or "")
    return Said("bar", f"{found['count']} {postfix}".strip(), found["name"] or "")


def _with_line(lines: list[Said], piece: str) -> list[Said]:
    if line := LINE.match(piece):
        return [*lines, Said(line["level"], _dense(line["text"]), line["place"])]
    if MORE.match(piece) and lines and lines[-1].kind in LEVELS:
        last = lines[-1]
        return [*lines[:-1], Said(last.kind, last.text + _dense(piece), last.where)]
    if ERROR.match(piece):
        return [*lines, Said("died", piece.strip())]
    return lines


def _dense(text: str) -> str:
    """Leave out all blanks: where a line is broken, there may have been one, or none."""
    return re.sub(r"\s", "", text)


def _without_repeats(lines: list[Said]) -> Iterator[Said]:
    """Leave out how often a bar was drawn, where time decides that; steps are drawn twice each."""
    for (kind, name), group in groupby(lines, key=lambda said: (said.kind, said.where)):
        drawn = list(group)
        if kind == "bar" and name != "steps":
            drawn = list(dict.fromkeys((drawn[0], drawn[-1])))
        yield from drawn
