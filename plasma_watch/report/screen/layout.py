"""A scene as lines of a terminal: as many and as long as it has room for. Pure.

From top to bottom: what the daemon does, or the one sentence on why nothing happens; the job that
runs; the line; what ended. Where room is short, the end of a list is left out, never a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from plasma_watch.job import ENDS
from plasma_watch.report.durations import duration, pace
from plasma_watch.report.ends import End
from plasma_watch.report.screen.glyphs import Glyphs
from plasma_watch.report.screen.plot import plot
from plasma_watch.report.screen.scene import Scene, Told
from plasma_watch.report.spoken import of_silence

QUIET_SECONDS = 60
"""When it is told how long the daemon has said nothing."""
LEAST_LINE = 3
"""So many of the line are shown before room is given to what ended."""
_MOST_SENTENCE = 3
"""On how many lines a sentence may stand."""
_MOST_OUTPUTS = 3
_LONGEST_PLOT = 12
_LONGEST_BAR = 60
_STYLES = {
    "running": "green",
    "done": "green",
    "waiting": "yellow",
    "paused": "yellow",
    "starting": "yellow",
    "failed": "red",
    "degraded": "red",
    "stopped": "red",
}
_RULER = Console(width=80, color_system=None, force_terminal=False)


@dataclass(frozen=True, slots=True)
class Room:
    """How much there is, and what it can show."""

    width: int
    height: int
    glyphs: Glyphs


def draw(scene: Scene, room: Room) -> list[Text]:
    """Return the lines of a scene, none longer and not more than there is room for."""
    above = [*_head(scene, room), Text(), *_job(scene, room)]
    lines = above + list(_below(scene, room, room.height - len(above)))
    for line in lines:
        line.truncate(
            room.width, overflow="crop" if room.glyphs.encoding == "ascii" else "ellipsis"
        )
    return lines[: room.height]


def _below(scene: Scene, room: Room, free: int) -> Iterator[Text]:
    if scene.is_one:
        yield from _log(scene.log, room, free)
        return
    line, ends = shares(free, len(scene.line), len(scene.ends))
    yield from _line(scene, line, room.glyphs)
    yield from _ends(scene.ends[len(scene.ends) - ends :], room.glyphs)


def shares(free: int, line: int, ends: int) -> tuple[int, int]:
    """Return how many of the line and of the ends there is room for, their titles counted."""
    free -= 2 * bool(line) + 2 * bool(ends)
    first = min(line, max(LEAST_LINE, free - ends))
    first = max(0, min(first, free))
    return first, max(0, min(ends, free - first))


# What the daemon does.


def _head(scene: Scene, room: Room) -> Iterator[Text]:
    state = str(scene.daemon.get("state", "unknown")) if scene.is_up else "stopped"
    clock = f"{scene.now:%H:%M:%S} UTC"
    title = Text.assemble(
        ("Plasma Watch", "bold"), "  ", _in_style(room.glyphs.plain(state), state)
    )
    title.append(clock.rjust(max(room.width - title.cell_len, len(clock) + 2)), "dim")
    yield title
    yield from _sentence(_why(scene), room, "bold")
    yield Text(f" {room.glyphs.dot} ".join(map(room.glyphs.plain, _facts(scene))), "dim")
    for note in _notes(scene):
        yield Text(room.glyphs.plain(note), "yellow")


def _why(scene: Scene) -> str:
    if not scene.is_up:
        return "no daemon looks after this home; `plasma-watch run` starts one"
    return str(scene.daemon.get("why", "the daemon has not told anything yet"))


def _facts(scene: Scene) -> Iterator[str]:
    told = scene.daemon if scene.is_up else {}  # what was true of the last daemon may not be now
    if engine := _table(told, "engine"):
        yield _engine(engine) if engine.get("reachable") else of_silence(told, scene.job)
    if memory := _table(told, "memory"):
        free, total = (_number(memory, f"{key}_bytes") / 1e9 for key in ("available", "total"))
        yield f"{free:.1f} of {total:.1f} GB free, pressure {memory.get('pressure', 'unknown')}"
    yield str(scene.root)


def _engine(engine: Told) -> str:
    name = "the sandbox" if engine.get("sandbox") else "ComfyUI"
    return f"{name} {engine.get('version', '')} on {engine.get('device', 'an unknown device')}"


def _notes(scene: Scene) -> Iterator[str]:
    heartbeat = scene.daemon.get("heartbeat")
    if scene.is_up and isinstance(heartbeat, datetime) and heartbeat.tzinfo:
        quiet = (scene.now - heartbeat).total_seconds()
        if quiet > QUIET_SECONDS:
            yield f"the daemon has told nothing for {duration(quiet)}"
    if scene.daemon.get("restart_due"):
        yield "config.toml has changed: restart the daemon to use it"
    if ignored := _table(scene.daemon, "ignored"):
        file, reason = next(iter(ignored.items()))
        more = f" (and {len(ignored) - 1} more)" if len(ignored) > 1 else ""
        yield f"left alone: {file}: {reason}{more}"


# The job.


def _job(scene: Scene, room: Room) -> Iterator[Text]:
    job = scene.job
    if not job:
        return
    name = room.glyphs.plain(job.get("name", "?"))
    yield Text.assemble(
        (name, "bold"), "  ", _in_style(room.glyphs.plain(job.get("state")), job.get("state"))
    )
    yield from _sentence(str(job.get("why", "")), room)
    if job.get("state") not in ENDS and "progress" in job:
        yield _bar(_number(job, "progress"), room)
    if facts := list(_pace(job)):
        yield Text(f" {room.glyphs.dot} ".join(facts), "dim")
    yield from _plot(scene, room)
    yield from (Text(f"  {room.glyphs.plain(line)}") for line in _end_of(job))


def _bar(progress: float, room: Room) -> Text:
    share = min(max(progress, 0.0), 1.0)
    cells = max(min(room.width - 8, _LONGEST_BAR), 1)
    full = round(share * cells)
    return Text.assemble(
        (room.glyphs.full * full, "green"),
        (room.glyphs.empty * (cells - full), "dim"),
        f" {share:>4.0%}",
    )


def _pace(job: Told) -> Iterator[str]:
    if "seconds_per_step" in job:
        yield f"{pace(_number(job, 'seconds_per_step'))} s/step"
    if "eta_seconds" in job:
        yield f"{duration(_number(job, 'eta_seconds'))} to go"
    if _number(job, "attempt") > 1:
        yield f"attempt {job['attempt']}"


def _plot(scene: Scene, room: Room) -> Iterator[Text]:
    height = min(room.height // 4 - 1, _LONGEST_PLOT)
    lines = plot(scene.losses, room.width, height, room.glyphs)
    if lines:
        steps = f"{scene.losses[0][0]} to {max(step for step, _ in scene.losses)}"
        yield Text(f"loss, smoothed, steps {steps}", "dim")
    yield from (Text(line, "cyan") for line in lines)


def _end_of(job: Told) -> Iterator[str]:
    outputs = job.get("outputs")
    yield from map(str, (outputs if isinstance(outputs, list) else [])[:_MOST_OUTPUTS])
    if error := _table(job, "error"):
        yield f"{error.get('code', '')}: {error.get('hint', '')}"


# The line, and what ended.


def _line(scene: Scene, many: int, glyphs: Glyphs) -> Iterator[Text]:
    if not many:
        return
    yield from _title(f"In line: {_table(scene.daemon, 'line').get('length', len(scene.line))}")
    shown = scene.line[:many]
    names = _column([glyphs.plain(told.get("name", "?")) for told in shown])
    for told, name in zip(shown, names, strict=True):
        place = glyphs.plain(told.get("position", ""))
        yield Text.assemble((f"{place:>3}  ", "dim"), name, "  ", glyphs.plain(told.get("why", "")))


def _ends(ends: Sequence[End], glyphs: Glyphs) -> Iterator[Text]:
    if not ends:
        return
    yield from _title("Ended, the newest first")
    names = _column([glyphs.plain(end.name) for end in ends])
    for end, name in reversed(list(zip(ends, names, strict=True))):
        when, state = (f"{end.ended:%m-%d %H:%M}  ", "dim"), _in_style(f"{end.state:<9}", end.state)
        yield Text.assemble(when, state, "  ", name, "  ", glyphs.plain(end.why))


def _log(log: Sequence[str], room: Room, free: int) -> Iterator[Text]:
    if log and free > 2:  # noqa: PLR2004 - a title, and a line of it at least
        yield from _title("Log")
        yield from (Text(room.glyphs.plain(line)) for line in log[-(free - 2) :])


def _title(text: str) -> Iterator[Text]:
    yield Text()
    yield Text(text, "bold dim")


_WIDEST_NAME = 24


def _column(names: Sequence[str]) -> list[Text]:
    texts = [Text(name) for name in names]
    width = min(max(text.cell_len for text in texts), _WIDEST_NAME)
    for text in texts:
        text.truncate(width, overflow="crop", pad=True)
    return texts


# Words and numbers.


def _sentence(text: str, room: Room, style: str = "") -> Iterator[Text]:
    """Yield a sentence on as many lines as it needs, within reason."""
    words = Text(room.glyphs.plain(text), style)
    yield from list(words.wrap(_RULER, room.width))[:_MOST_SENTENCE]


def _in_style(text: str, state: object) -> tuple[str, str]:
    return text, _STYLES.get(str(state), "dim")


def _table(told: Told, key: str) -> Told:
    found = told.get(key)
    return found if isinstance(found, dict) else {}


def _number(told: Told, key: str) -> float:
    found: Any = told.get(key)
    return float(found) if isinstance(found, int | float) else 0.0
