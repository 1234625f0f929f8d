"""How is sampled: the seed, the steps, CFG, method and schedule, wherever they are held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plasma_watch.generate.adopt.findings import SEEDS, Findings, guider_of, name_of, where
from plasma_watch.generate.adopt.trace import Spot, chain, inputs_of, source, upstream, with_input
from plasma_watch.generate.template import Graph


def first_of(graph: Graph, samplers: list[str]) -> str:
    """Return the sampler that begins: no other works on its latent before it."""

    def begins(node: str) -> bool:
        latent = source(graph, node, "latent_image")
        behind = upstream(graph, latent.node) if latent else []
        return not set(behind) & (set(samplers) - {node})

    return next(filter(begins, samplers), samplers[-1])


def place_noise(graph: Graph, samplers: list[str], found: Findings) -> None:
    """Give the seed to every sampler, so that one seed fixes the picture."""
    spots = [spot for sampler in reversed(samplers) for spot in _seeds(graph, sampler)]
    found.place("seed", *dict.fromkeys(spots))
    if not spots:
        found.unplaced.append("seed: no noise with a seed was found")


def _seeds(graph: Graph, sampler: str) -> Iterator[Spot]:
    noise = source(graph, sampler, "noise")
    holder = noise.node if noise else sampler
    for name in SEEDS:
        if name in inputs_of(graph, holder):
            yield Spot(holder, name)


def place_steps(graph: Graph, first: str, samplers: list[str], found: Findings) -> None:
    """Place what says how is sampled: where the first sampler has it, or what feeds that."""
    guider = guider_of(graph, first)
    found.place("cfg", *where(graph, [guider, first], "cfg"))
    method = source(graph, first, "sampler")
    found.place("sampler", *where(graph, [first, method.node if method else ""], "sampler_name"))
    sigmas = list(chain(graph, source(graph, first, "sigmas"), ("sigmas",)))
    schedule = with_input(graph, iter(sigmas), "steps") or first
    found.place("scheduler", *where(graph, [schedule], "scheduler"))
    for slot in ("cfg", "sampler", "scheduler"):
        if slot not in found.slots:
            found.unplaced.append(f"{slot}: {name_of(graph, first)} has none")
    if why := _shared(graph, samplers, [giver.node for giver in sigmas]):
        found.unplaced.append(f"steps: {why}")
    else:
        found.place("steps", *where(graph, [schedule], "steps"))
    found.place("denoise", *where(graph, [schedule, first], "denoise"))


def _shared(graph: Graph, samplers: list[str], schedule: list[str]) -> str:
    """Return why the number of steps may not be changed, or an empty string."""
    for node in schedule:
        if graph[node]["class_type"].startswith("SplitSigmas"):
            return f"{name_of(graph, node)} splits them at a fixed step"
    for node in samplers:
        if _takes_a_share(inputs_of(graph, node)):
            return f"{name_of(graph, node)} takes a fixed share of them"
    return ""


def _takes_a_share(inputs: dict[str, Any]) -> bool:
    """Tell whether a sampler begins later or ends earlier than all its steps, or may do so."""
    steps, end = inputs.get("steps"), inputs.get("end_at_step")
    ends_early = end is not None and not (
        isinstance(end, int) and isinstance(steps, int) and end >= steps
    )
    return inputs.get("start_at_step", 0) != 0 or ends_early
