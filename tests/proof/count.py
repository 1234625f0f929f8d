"""Looks at a home after a round: what is lost, doubled, torn, or ended as it must not."""

from __future__ import annotations

import hashlib
import io
import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from plasma_watch.job import Job, prompt_id
from plasma_watch.outputs.manifest import Manifest
from tests.proof.plan import Deed
from tests.proof.play import Round

_FOLDERS = ("inbox", "running", "done", "failed", "cancelled")
_OURS = frozenset({"job.toml"})


@dataclass(slots=True)
class Count:
    """What was found after one round, or after many."""

    rounds: int = 0
    requests: int = 0
    pictures: int = 0
    daemon_kills: int = 0
    daemon_stops: int = 0
    engine_kills: int = 0
    asked_again: int = 0
    """How often a picture was asked for anew: the engine had lost the prompt, or never got it."""
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Ended in a folder, or told as something, that it must not."""

    def faults(self) -> list[str]:
        """Return everything that must not be."""
        return [*self.lost, *self.doubled, *self.torn, *self.wrong]


def counted(played: Round, is_known: Callable[[str], bool]) -> Count:
    """Count one round; `is_known` tells whether the engine got a prompt since it was started."""
    count = Count(
        rounds=1,
        requests=played.dropped.total(),
        daemon_kills=played.daemon_kills,
        daemon_stops=played.daemon_stops,
        engine_kills=played.engine_kills,
    )
    _requests(played, count)
    _jobs(played, count, is_known)
    _outputs(played.home, count)
    _litter(played.home, count)
    return count


def _requests(played: Round, count: Count) -> None:
    """Find every request in exactly one folder, and the right one."""
    ends: dict[bytes, list[str]] = {}
    for folder in _FOLDERS:
        for path in (played.home / folder).rglob("*.toml"):
            if path.name not in _OURS:
                end = "gave way" if folder == "cancelled" and _gave_way(path, played) else folder
                ends.setdefault(path.read_bytes(), []).append(end)
    good = {act.content: act.name for act in played.plan.acts if act.is_good}
    for content, times in played.dropped.items():
        found = ends.get(content, [])
        if len(found) < times - played.overwritten[content]:
            count.lost.append(f"round {played.plan.number}: {content!r}")
        if len(found) > times:
            count.doubled.append(f"round {played.plan.number}: {content!r} in {found}")
        allowed = {"done", "gave way"} if content in good else {"failed"}
        if good.get(content) in played.cancelled or content not in good:
            allowed |= {"cancelled"}
        if set(found) - allowed:
            count.wrong.append(f"round {played.plan.number}: {content!r} in {found}")


def _gave_way(path: Path, played: Round) -> bool:
    """Tell whether a job stepped back into the line, and a later drop had its name by then."""
    drops = [act for act in played.plan.acts if act.deed is Deed.DROP]
    contents = [act.content for act in drops]
    content = path.read_bytes()
    later = drops[contents.index(content) + 1 :] if content in contents else []
    job = Job.from_toml((path.parent / "job.toml").read_text("utf-8"))
    why = job.ending.why if job.ending else ""
    is_said = why.startswith("a newer file of the same name took its place")
    return is_said and path.stem in {act.name for act in later}


def _jobs(played: Round, count: Count, is_known: Callable[[str], bool]) -> None:
    """Find every done job whole, and the engine asked once; one that was killed has forgotten."""
    for folder in (played.home / "done").iterdir():
        job = Job.from_toml((folder / "job.toml").read_text("utf-8"))
        for picture in job.pictures:
            if not picture.is_whole:
                count.wrong.append(f"{folder.name} is done without picture {picture.number}")
            count.asked_again += picture.asked - 1
            attempts = range(1, picture.asked + 1)
            got = sum(is_known(prompt_id(job, picture.number, attempt)) for attempt in attempts)
            if got > 1 or (got != 1 and not played.engine_kills):
                count.doubled.append(f"{folder.name}: the engine was asked {got} times")
        told = tomllib.loads((played.home / "status" / f"{job.name}.toml").read_text("utf-8"))
        if told["job"] == job.id and told["state"] != "done":
            count.wrong.append(f"{folder.name} is told as {told['state']}")


def _outputs(home: Path, count: Count) -> None:
    """Find each output once, whole, with its manifest, its job and its entry in the log."""
    made = Counter(_made(home))
    lying = {str(path.relative_to(home)) for path in (home / "output").rglob("*.png")}
    count.pictures += len(lying)
    count.doubled += [f"{path} is of {made[path]} jobs" for path in lying if made[path] != 1]
    count.lost += [f"{path} is not there" for path in made.keys() - lying]
    jobs: Counter[tuple[str, int]] = Counter()
    for path in sorted(lying):
        for said in _whole(home / path, jobs):
            count.torn.append(f"{path}: {said}")
    count.doubled += [f"{job} was made {times} times" for job, times in jobs.items() if times > 1]
    logged = Counter(_logged(home))
    if logged != Counter(lying):
        count.wrong.append(f"the generation log differs by {logged.keys() ^ lying}")


def _made(home: Path) -> Iterator[str]:
    for state in ("done", "failed", "cancelled"):
        for journal in (home / state).glob("*/job.toml"):
            job = Job.from_toml(journal.read_text("utf-8"))
            yield from (made.path for picture in job.pictures for made in picture.made)


def _whole(picture: Path, jobs: Counter[tuple[str, int]]) -> Iterator[str]:
    content = picture.read_bytes()
    try:
        Image.open(io.BytesIO(content)).load()
        manifest = Manifest.from_toml(picture.with_suffix(".toml").read_text("utf-8"))
    except (OSError, ValueError) as exc:
        yield str(exc)
        return
    jobs[str(manifest.daemon["job"]), int(manifest.daemon["picture"])] += 1
    if manifest.result["sha256"] != hashlib.sha256(content).hexdigest():
        yield "is not the picture of its manifest"


def _logged(home: Path) -> Iterator[str]:
    for path in (home / "output").rglob("generation-log.json"):
        for entry in json.loads(path.read_text("utf-8")):
            yield str((path.parent / entry["file"]).relative_to(home))


def _litter(home: Path, count: Count) -> None:
    count.torn += [f"{path} was left" for path in home.rglob("*.tmp")]
    count.torn += [f"{path} has no picture" for path in _alone(home / "output")]
    left = [*home.glob("running/*"), *home.glob("inbox/*.toml"), *home.glob("inbox/*.cancel")]
    count.lost += [f"{path} was not ended" for path in left]


def _alone(output: Path) -> Iterator[Path]:
    for manifest in output.rglob("*.toml"):
        if not manifest.with_suffix(".png").exists():
            yield manifest
