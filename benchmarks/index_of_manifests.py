"""How fast are 100,000 manifests found? `python -m benchmarks.index_of_manifests [COUNT]`.

Makes a tree of manifests as the daemon writes them, in chapters, and asks the index of it. Machines
differ, so each time stands beside a floor measured in the same run: reading the same files for the
index, and one bare pass over the same rows of text for a question.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.folders import a_folder
from benchmarks.results import Goal, Result, tell
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.report.index import Index
from plasma_watch.report.question import Question

COUNT = 100_000
PAGES_A_CHAPTER = 200
WORDS = ("rooftop", "rain", "alley", "dawn", "sword", "mask", "crowd", "river", "snow", "lantern")


def manifest(number: int, graph: dict[str, object]) -> str:
    """Return a manifest as a page has one."""
    chapter, page = divmod(number, PAGES_A_CHAPTER)
    hero = ("spyke-0a1b2c3d", "mara-4e5f6a7b")[number % 2]
    words = ", ".join(WORDS[(number // 7**n) % len(WORDS)] for n in range(4))
    made = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    return Manifest(
        request={
            "kind": "generate",
            "workflow": "txt2img-lora",
            "chapter": chapter,
            "page": page,
            "prompt": f"{hero[:5]}, ginger hair, white cloak, {words}",
            "negative": "lowres, bad anatomy, bad hands, extra digits, text, watermark",
            "seed": number * 7919,
            "steps": 20,
            "cfg": 7.0,
            "sampler": "euler_ancestral",
            "scheduler": "normal",
            "width": 512,
            "height": 768,
            "checkpoint": "anything-v5-PrtRE.safetensors",
            "count": 1,
            "lora": {"name": f"{hero}.safetensors", "strength": 0.8},
        },
        result={
            "file": f"ch{chapter:02d}_p{page:03d}_v1.png",
            "sha256": f"{number:064x}",
            "width": 512,
            "height": 768,
            "phash": f"{number * 2654435761 % 2**64:016x}",
            "seconds": 41.2,
            "made": made,
            "attempts": 1,
            "sandbox": False,
        },
        engine={"version": "0.3.64", "device": "mps", "arguments": ["main.py", "--force-fp16"]},
        models=[
            {"name": f"{n}.safetensors", "folder": f, "sha256": "0" * 64}
            for n, f in (("anything-v5-PrtRE", "checkpoints"), (hero, "loras"))
        ],
        inputs=[],
        daemon={"version": "0.1.0", "host": "studio", "job": f"20260101T000000-{number}"},
        graph=graph,
        template_sha256="0" * 64,
    ).to_toml()


def make_tree(output: Path, count: int) -> None:
    """Write the manifests, chapter by chapter."""
    graph: dict[str, object] = {
        str(n): {"class_type": "KSampler", "inputs": {"text": "x" * 60, "model": ["4", 0]}}
        for n in range(10)
    }
    for number in range(count):
        chapter, page = divmod(number, PAGES_A_CHAPTER)
        folder = output / f"ch-{chapter:02d}" / "raw"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"ch{chapter:02d}_p{page:03d}_v1.toml"
        path.write_text(manifest(number, graph), encoding="utf-8")


def timed(act: Callable[[], object]) -> float:
    """Return how many seconds something took."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def best(act: Callable[[], object], tries: int = 5) -> float:
    """Return the shortest of some times."""
    return min(timed(act) for _ in range(tries))


def answered(what: str, seconds: float, floor: float, most_ms: float = 100) -> Result:
    """Return how long a question took."""
    return Result(what, seconds * 1000, "ms", floor * 1000, Goal(most=most_ms))


QUESTIONS = {
    "by character": Question(character="spyke"),
    "by page": Question(chapter=3, page=17),
    "by two words of the prompt": Question(prompt="lantern snow"),
    "by words that none has": Question(prompt="dragon"),
    "by seed": Question(seed=7919 * 4711),
    "by model and date": Question(
        model="anything",
        since=datetime(2026, 2, 1, tzinfo=UTC).date(),
        until=datetime(2026, 2, 2, tzinfo=UTC).date(),
    ),
}


def measure(count: int = COUNT) -> list[Result]:
    """Make the tree, and ask."""
    with a_folder() as folder:
        output, path = folder / "output", folder / "index.sqlite"
        make_tree(output, count)
        files = sorted(output.rglob("*.toml"))
        texts = [file.read_text(encoding="utf-8")[:400] for file in files]
        reading = timed(lambda: [file.read_bytes() for file in files])
        first = timed(lambda: Index(path, output).__enter__())
        time.sleep(2.1)
        with Index(path, output):
            pass  # what was new at the first time counts as settled now
        passing = best(lambda: [text for text in texts if "dragon" in text])
        again = answered("open, nothing changed", best(lambda: _opened(path, output)), passing)
        asked = list(_asked(path, output, passing))
        size = path.stat().st_size / 1e6
    return [
        Result("first index", first, "s", reading, Goal(most=60)),
        again,
        *asked,
        Result(f"size of the index of {count:,} manifests", size, "MB"),
    ]


def _asked(path: Path, output: Path, passing: float) -> Iterator[Result]:
    with Index(path, output) as index:
        for what, question in QUESTIONS.items():
            seconds = best(lambda asked=question: index.find(asked, 20))  # type: ignore[misc]
            yield answered(what, seconds, passing)
        yield answered("by content", best(lambda: index.of_content(f"{4711:064x}")), passing)
        seconds = best(lambda: index.like(f"{4711:016x}", 6, 5))
        yield answered("by what looks alike", seconds, passing, most_ms=1000)


def _opened(path: Path, output: Path) -> None:
    with Index(path, output):
        pass


def main(count: int) -> int:
    """Make the tree, ask, print, and return 1 if a goal was missed."""
    return tell(measure(count))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT))
