"""Which input of which node each request key fills, found by following the graph. Pure.

From the picture back: the node that saves it, the samplers behind that, and behind the first of
these its texts, its latent, its noise, its model. A slot always leads to the node that uses the
value; a link that stood there (from a node that holds a text or a number) gives way to it.
"""

from __future__ import annotations

import re

from plasma_watch.generate.adopt.findings import (
    IMAGES,
    SEEDS,
    Findings,
    is_sampler,
    name_of,
    not_adoptable,
)
from plasma_watch.generate.adopt.latents import place_latent
from plasma_watch.generate.adopt.models import place_controlnet, place_models
from plasma_watch.generate.adopt.sampling import first_of, place_noise, place_steps
from plasma_watch.generate.adopt.texts import place_texts
from plasma_watch.generate.adopt.trace import Spot, inputs_of, upstream
from plasma_watch.generate.template import Graph, is_link

_NOT_PICTURES = re.compile(
    r"video|anim|gif|audio|latent|mesh|glb|webm|webp|checkpoint", re.IGNORECASE
)


def find(graph: Graph) -> Findings:
    """Find everything that there is to be filled.

    Raises PlasmaError `workflow.not-adoptable` when no request could be made with the graph.
    """
    found = Findings(_output(graph))
    found.place("filename_prefix", Spot(found.output, "filename_prefix"))
    samplers = [n for n in upstream(graph, found.output) if is_sampler(graph, n)]
    if not samplers:
        raise not_adoptable(
            "no sampler leads to the picture", "A workflow here begins with a prompt."
        )
    first = first_of(graph, samplers)
    place_texts(graph, first, found)
    place_noise(graph, samplers, found)
    place_steps(graph, first, samplers, found)
    place_latent(graph, first, found)
    place_models(graph, first, found)
    place_controlnet(graph, first, found)
    _rest(graph, samplers, first, found)
    return found


def _output(graph: Graph) -> str:
    """Return the node that saves the picture; of several the one with most work behind it."""
    savers = [n for n in graph if _saves(graph, n)]
    if not savers:
        shown = [n for n in graph if graph[n]["class_type"] == "PreviewImage"]
        said = "it only shows its picture (PreviewImage)" if shown else "nothing saves a picture"
        raise not_adoptable(
            said, "Put a Save Image node at its end in ComfyUI, and export it again."
        )
    return max(savers, key=lambda node: _work_behind(graph, node))


def _saves(graph: Graph, node: str) -> bool:
    inputs = inputs_of(graph, node)
    is_saver = "filename_prefix" in inputs and any(is_link(inputs.get(n)) for n in IMAGES)
    return is_saver and not _NOT_PICTURES.search(graph[node]["class_type"])


def _work_behind(graph: Graph, node: str) -> tuple[int, bool, int]:
    behind = upstream(graph, node)
    is_plain = graph[node]["class_type"] == "SaveImage"
    return sum(is_sampler(graph, n) for n in behind), is_plain, len(behind)


def _rest(graph: Graph, samplers: list[str], first: str, found: Findings) -> None:
    """Say what else is on the way that a person might take for filled."""
    filled = {spot.target for spots in found.slots.values() for spot in spots}
    for sampler in samplers:
        if sampler != first:
            found.kept.append(f"steps, CFG and the like of {name_of(graph, sampler)}")
    for node in upstream(graph, found.output):
        inputs = inputs_of(graph, node)
        for name in SEEDS:
            if isinstance(inputs.get(name), int) and f"{node}.{name}" not in filled:
                found.kept.append(f"the seed of {name_of(graph, node)}")
        if graph[node]["class_type"].startswith("LoadImage") and f"{node}.image" not in filled:
            told = f"the picture of {name_of(graph, node)}: {inputs.get('image')!r} must lie in"
            found.kept.append(f"{told} ComfyUI's input folder")
    others = [n for n in graph if n != found.output and _saves(graph, n)]
    found.kept += [
        f"{name_of(graph, n)}: only one picture is saved, it does not run" for n in others
    ]
