"""BENCHMARK.md for people and BENCHMARK.json for programs. Text in, text out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from plasma_watch.benchmark.reference import REQUEST
from plasma_watch.benchmark.verdict import Again, Run, Verdict
from plasma_watch.gate.memory import gb


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about one benchmark."""

    date: str
    version: str
    machine: str
    system: str
    engine: Mapping[str, Any]
    stats: Mapping[str, Any]
    """`/system_stats`, raw."""
    runs: Sequence[Run]
    verdicts: Sequence[Verdict]
    again: Sequence[Again] = ()
    """The pictures of one seed, if they were asked for."""
    training: str = ""
    """What a calibration of the trainer came to, if it was asked for."""

    def to_json(self) -> str:
        """Return all of it for programs."""
        return json.dumps({"request": REQUEST} | asdict(self), indent=2) + "\n"

    def to_markdown(self) -> str:
        """Return all of it for people."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        size = f"{REQUEST['width']}x{REQUEST['height']}"
        yield "# Benchmark"
        yield ""
        yield f"{size}, {REQUEST['steps']} steps, {REQUEST['sampler']}, {REQUEST['scheduler']}, "
        yield f"CFG {REQUEST['cfg']}, {REQUEST['checkpoint']}: “{REQUEST['prompt']}”."
        yield ""
        yield "| claim | verdict | by |"
        yield "|---|---|---|"
        yield from (f"| {v.claim} | **{v.mark}** | {v.why} |" for v in self.verdicts)
        yield from ("", "| | |", "|---|---|")
        yield from (f"| {name} | {value} |" for name, value in self._facts().items())
        yield from self._runs()
        yield from self._again()
        if self.training:
            yield from ("", "## The trainer, fifty steps", "", self.training)
        yield from ("", "## What ComfyUI said of itself", "", "```json")
        yield json.dumps(self.stats, indent=2)
        yield "```"

    def _facts(self) -> dict[str, str]:
        engine = self.engine
        return {
            "date": self.date,
            "machine": self.machine,
            "system": self.system,
            "Plasma Watch": self.version,
            "ComfyUI": f"{engine.get('version')} on {engine.get('device')}",
            "PyTorch, Python": f"{engine.get('torch')}, {engine.get('python')}",
            "launch flags": " ".join(engine.get("arguments", ())),
        }

    def _again(self) -> Iterator[str]:
        if not self.again:
            return
        yield from ("", "## One seed, made again with the engine's memory freed between", "")
        yield "| picture | held against the first | bits of 64 | structure | levels of 255 |"
        yield "|---|---|---|---|---|"
        for each in self.again:
            if (like := each.likeness) is None:
                yield f"| {each.picture or each.why} | | | | |"
                continue
            numbers = f"{like.perceptual} | {like.structure:.3f} | {like.difference:.2f}"
            yield f"| {each.picture} | {like.verdict} | {numbers} |"

    def _runs(self) -> Iterator[str]:
        names = [run.name for run in self.runs]
        yield ""
        yield f"| | {' | '.join(names)} |"
        yield "|---" * (len(names) + 1) + "|"
        for what, of in _ROWS.items():
            yield f"| {what} | {' | '.join(of(run) for run in self.runs)} |"


def _size(value: int | None) -> str:
    return "unknown" if value is None else gb(value)


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f} s"


_ROWS: dict[str, Callable[[Run], str]] = {
    "ended": lambda run: f"{run.state}: {run.why}",
    "start": lambda run: run.started,
    "end": lambda run: run.ended,
    "elapsed, from drop to done": lambda run: _seconds(run.elapsed_seconds),
    "made in": lambda run: _seconds(run.seconds),
    "a step": lambda run: _seconds(run.seconds_per_step),
    "free memory before": lambda run: _size(run.seen.available_before),
    "free memory at least": lambda run: _size(run.seen.available_least),
    "free memory after": lambda run: _size(run.seen.available_after),
    "ComfyUI before": lambda run: _size(run.seen.engine_before),
    "ComfyUI at its peak": lambda run: _size(run.seen.engine_peak),
    "swap grew by": lambda run: _size(run.seen.swap_growth),
    "pressure at most": lambda run: run.seen.pressure_most,
    "GPU at most": lambda run: "unknown" if run.seen.gpu_most is None else f"{run.seen.gpu_most} %",
}
