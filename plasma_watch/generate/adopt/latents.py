"""What a picture begins with: a size, or a picture to start from."""

from __future__ import annotations

import re

from plasma_watch.generate.adopt.findings import IMAGES, Findings, loaded, where
from plasma_watch.generate.adopt.trace import (
    Spot,
    chain,
    first_source,
    inputs_of,
    source,
    upstream,
    value_at,
)
from plasma_watch.generate.template import Graph, is_link

_SCALES = re.compile(r"scale|resize|crop|pad|outpaint", re.IGNORECASE)
_EMPTY = re.compile(r"^Empty.*Latent")
_LATENTS = ("samples", "samples_to", "latent", "latent_image")


def place_latent(graph: Graph, first: str, found: Findings) -> None:
    """Place the size or the picture that the first sampler begins with."""
    givers = list(chain(graph, source(graph, first, "latent_image"), _LATENTS))
    last = givers[-1].node if givers else ""
    if last and any(is_link(inputs_of(graph, last).get(name)) for name in IMAGES):
        _picture(graph, last, found)
    elif last and {"width", "height"} <= inputs_of(graph, last).keys():
        _size_alone(graph, last, found)
    else:
        found.unplaced.append("width, height: nothing was found that decides the size")
    if "image" not in found.slots:
        found.slots.pop("denoise", None)
    begin = found.slots["width"][0].node if "width" in found.slots else last
    found.resizes = _is_scaled(graph, begin, found.output)


def _size_alone(graph: Graph, node: str, found: Findings) -> None:
    """Place the size of an empty latent, unless it is put together with others."""
    others = [n for n in upstream(graph, found.output) if _EMPTY.search(graph[n]["class_type"])]
    if set(others) - {node}:
        said = "width, height: several empty latents are put together to one picture"
        found.unplaced.append(said)
    else:
        _size(graph, node, found)


def _picture(graph: Graph, encoder: str, found: Findings) -> None:
    """Place the picture that is started from, and the size that it is brought to."""
    givers = list(chain(graph, first_source(graph, encoder, IMAGES), IMAGES))
    scaler = next((g.node for g in givers if _is_scaler(graph, g.node)), None)
    if scaler:
        _size(graph, scaler, found)
    else:
        found.unplaced.append("width, height: the picture that it starts from decides the size")
    found.place("image", loaded(graph, givers))
    if "image" not in found.slots:
        found.unplaced.append("input: it starts from a picture that no Load Image node loads")


def _is_scaler(graph: Graph, node: str) -> bool:
    inputs = inputs_of(graph, node)
    sides = [value_at(graph, Spot(node, side), (int, float)) for side in ("width", "height")]
    is_named = bool(_SCALES.search(graph[node]["class_type"]))
    return is_named and {"width", "height"} <= inputs.keys() and all(sides)


def _size(graph: Graph, node: str, found: Findings) -> None:
    found.place("width", *where(graph, [node], "width"))
    found.place("height", *where(graph, [node], "height"))


def _is_scaled(graph: Graph, begin: str, output: str) -> bool:
    """Tell whether what a node makes is brought to another size before it is saved."""
    way = (node for node in upstream(graph, output) if node != begin)
    scalers = (node for node in way if _SCALES.search(graph[node]["class_type"]))
    return any(begin in upstream(graph, node) for node in scalers)
