"""What changed between two scenes, as plain lines for where nobody looks at a terminal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from plasma_watch.report.ends import End
from plasma_watch.report.screen.glyphs import Glyphs
from plasma_watch.report.screen.scene import Scene, Told
from plasma_watch.report.spoken import of_job, progress
from plasma_watch.status import stamp

SHARE = 10
"""Progress is told in so many parts of the whole."""
_NUMBERS = re.compile(r"[\d.]+")


def news(before: Scene | None, now: Scene, glyphs: Glyphs) -> list[str]:
    """Return the lines that tell what is another than before; of the first scene, everything."""
    ends = (f"{stamp(end.ended)} {_end(end)}" for end in _ends(before, now))
    rest = (f"{stamp(now.now)} {line}" for line in chain(_daemon(before, now), _job(before, now)))
    return [glyphs.plain(line) for line in chain(ends, rest)]


def _daemon(before: Scene | None, now: Scene) -> Iterator[str]:
    if before is None or _state(before) != _state(now):
        yield _state(now)


def _state(scene: Scene) -> str:
    if not scene.is_up:
        return "stopped: no daemon looks after this home"
    return f"{scene.daemon.get('state', 'unknown')}: {scene.daemon.get('why', '')}"


def _ends(before: Scene | None, now: Scene) -> list[End]:
    known = {end.folder for end in before.ends} if before else set()
    return [end for end in now.ends if end.folder not in known]


def _end(end: End) -> str:
    return f"{end.state} {end.name}: {end.why}"


def _job(before: Scene | None, now: Scene) -> Iterator[str]:
    if now.job and (before is None or _mark(before.job) != _mark(now.job)):
        yield of_job(now.job)


def _mark(job: Told) -> tuple[object, ...]:
    """Return what makes a job's status another one: not every step does."""
    sentence = _NUMBERS.sub("", str(job.get("why", "")))
    return job.get("job"), job.get("state"), sentence, int(progress(job) * SHARE)
