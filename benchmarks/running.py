"""Which benchmarks there are, with which numbers; and one run, in a process of its own.

So none finds what another left behind: memory that was taken once, modules, threads.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from benchmarks.results import Result

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One of the modules beside this one."""

    name: str
    full: Numbers
    quick: Numbers
    """Enough to see that it works; what it finds means nothing."""
    uses_engine: bool = True
    knows_real: bool = False
    """Whether it also runs against the engine at COMFYUI_URL."""


BENCHMARKS = (
    Benchmark("pages", (200,), (6,), knows_real=True),
    Benchmark("drops", (200,), (3,)),
    Benchmark("line", (100_000,), (20, 1)),
    Benchmark("idle", (10, 10_000), (0.02, 10)),
    Benchmark("cold", (15,), (2,), uses_engine=False),
    Benchmark("trainer_log", (100,), (1,), uses_engine=False),
    Benchmark("index_of_manifests", (100_000,), (50,), uses_engine=False),
    Benchmark("gallery", (10_000,), (5, 2), uses_engine=False),
)


def measured(name: str, numbers: Numbers, url: str = "") -> list[Result]:
    """Run a benchmark in a new process: against the engine at an address, else the sandbox."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as pool:
        return pool.submit(_measure, name, numbers, url).result()


def _measure(name: str, numbers: Numbers, url: str) -> list[Result]:
    os.environ.pop("COMFYUI_URL", None)
    if url:
        os.environ["COMFYUI_URL"] = url
    whole = [int(number) if number == int(number) else number for number in numbers]
    found: list[Result] = importlib.import_module(f"benchmarks.{name}").measure(*whole)
    return found
