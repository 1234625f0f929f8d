"""`python -m benchmarks`: runs them all against the sandbox, which makes a step at no cost.

Where COMFYUI_URL is set, what a page costs is measured against that engine too. What a run came to
is kept in the state folder, so that one benchmark can be run again by itself; `--write` puts all
that is kept there into docs/performance.md. A quick run is neither kept nor written.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import folders, kept
from benchmarks.kept import Kept
from benchmarks.results import Result, tell
from benchmarks.running import BENCHMARKS, Benchmark, measured
from plasma_watch import __version__

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_FIGURES = re.compile(r"<!-- figures -->.*<!-- end of figures -->", re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return 1 if a goal was missed, or a benchmark came to nothing."""
    asked = _asked(arguments)
    is_met = True
    with folders.of_a_run():
        for benchmark, url in _chosen(asked.only):
            run = _run(benchmark, url, is_quick=asked.quick)
            is_met &= run.is_met
            if not asked.quick:
                asked.state.mkdir(parents=True, exist_ok=True)
                _file(asked.state, benchmark, url).write_text(run.to_json(), "utf-8")
    if asked.write:
        write(PAGE, list(_all_kept(asked.state)))
    return 0 if is_met else 1


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser.add_argument("--only", action="append", choices=names, help="may be given again")
    parser.add_argument("--quick", action="store_true", help="small numbers that mean nothing")
    parser.add_argument("--state", type=Path, default=Path(".bench"))
    parser.add_argument("--write", action="store_true", help="write docs/performance.md's figures")
    asked = parser.parse_args(arguments)
    if asked.quick and asked.write:
        parser.error("a quick run means nothing and is not written")
    asked.only = asked.only or names
    return asked


def _chosen(names: Sequence[str]) -> Iterator[tuple[Benchmark, str]]:
    """Yield what to run, and against which engine; without an address it is the sandbox."""
    real = os.environ.get("COMFYUI_URL", "")
    for benchmark in BENCHMARKS:
        if benchmark.name in names:
            yield benchmark, ""
            if real and benchmark.knows_real:
                yield benchmark, real


def _run(benchmark: Benchmark, url: str, *, is_quick: bool) -> Kept:
    """Run one, and tell of it; what goes wrong with it spoils no other."""
    numbers = benchmark.quick if is_quick else benchmark.full
    against = kept.engine(url) if benchmark.uses_engine else ""
    print(f"\n{benchmark.name}{against and f', {against}'}", flush=True)
    failed, results = "", list[Result]()
    try:
        results = measured(benchmark.name, numbers, url)
    except Exception as exc:  # noqa: BLE001 - the docstring says why
        failed = f"{type(exc).__name__}: {exc}"
        print(f"came to nothing: {failed}")
    tell(results)
    return Kept(
        name=benchmark.name,
        numbers=numbers,
        engine=against,
        version=__version__,
        machine=kept.machine(),
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        results=tuple(results),
        failed=failed,
    )


def _file(state: Path, benchmark: Benchmark, url: str) -> Path:
    return state / f"{benchmark.name}{'-real' if url else ''}.json"


def _all_kept(state: Path) -> Iterator[Kept]:
    for benchmark in BENCHMARKS:
        for url in ("", "real"):
            if (file := _file(state, benchmark, url)).exists():
                yield Kept.of_json(file.read_text("utf-8"))


def write(page: Path, runs: Sequence[Kept]) -> None:
    """Put what is kept between the marks of a page."""
    said = f"<!-- figures -->\n{kept.table(runs)}<!-- end of figures -->"
    page.write_text(_FIGURES.sub(lambda _: said, page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
