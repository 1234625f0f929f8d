"""What the picture shall show, and what not: the texts behind a sampler's conditioning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plasma_watch.generate.adopt.findings import Findings, guider_of, name_of, not_adoptable
from plasma_watch.generate.adopt.trace import Source, Spot, first_source, inputs_of, source
from plasma_watch.generate.template import Graph, is_link

_TEXTS = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt")
_CONDITIONINGS = re.compile(r"conditioning|^cond|^positive$|^base_positive$")
_REGIONS = re.compile(r"SetArea|SetMask|Regional")


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that is encoded: where, and whether only for a part of the picture."""

    spots: tuple[Spot, ...]
    is_regional: bool


def place_texts(graph: Graph, first: str, found: Findings) -> None:
    """Place the prompt and, where there is one, the negative; without a text nothing is made."""
    guider = guider_of(graph, first)
    wanted = first_source(graph, guider, ("positive", "conditioning", "cond1"))
    positive = list(_encoded(graph, wanted, regional=False, seen=set()))
    if not positive:
        said = f"no text was found behind {name_of(graph, guider)}"
        raise not_adoptable(said, "Its text comes from nodes that are not known here.")
    chosen = next((text for text in positive if not text.is_regional), positive[0])
    found.place("prompt", *chosen.spots)
    _other_texts(graph, positive, chosen, found)
    unwanted = source(graph, guider, "negative")
    negative = [t for t in _encoded(graph, unwanted, regional=False, seen=set()) if t != chosen]
    if negative and not set(negative) & set(positive):
        found.place("negative", *negative[0].spots)
        _other_texts(graph, negative, negative[0], found)
    else:
        found.unplaced.append(f"negative: {name_of(graph, guider)} has none of its own")


def _other_texts(graph: Graph, texts: list[_Text], chosen: _Text, found: Findings) -> None:
    for text in texts:
        if text != chosen:
            told = f"the text of {name_of(graph, text.spots[0].node)}"
            found.kept.append(f"{told}, beside that of {name_of(graph, chosen.spots[0].node)}")


def _encoded(
    graph: Graph, giver: Source | None, *, regional: bool, seen: set[Source]
) -> Iterator[_Text]:
    """Yield the texts behind a conditioning, in the order in which they are combined."""
    if giver is None or giver in seen:
        return
    seen.add(giver)
    inputs = inputs_of(graph, giver.node)
    class_type = graph[giver.node]["class_type"]
    spots = tuple(Spot(giver.node, name) for name in _TEXTS if name in inputs)
    sources = list(_conditionings(graph, giver))
    if spots and not sources:
        yield _Text(spots, regional)
        return
    if class_type == "ConditioningZeroOut":
        return
    regional = regional or bool(_REGIONS.search(class_type))
    for behind in sources:
        yield from _encoded(graph, behind, regional=regional, seen=seen)


def _conditionings(graph: Graph, giver: Source) -> Iterator[Source]:
    """Yield the conditionings that a node makes its own of: of a pair, the one that belongs."""
    inputs = inputs_of(graph, giver.node)
    if is_link(inputs.get("positive")) and is_link(inputs.get("negative")):
        names = ["negative" if giver.output == 1 else "positive"]
    else:
        names = [name for name, value in inputs.items() if _is_conditioning(name, value)]
    found = (source(graph, giver.node, name) for name in names)
    yield from (behind for behind in found if behind)


def _is_conditioning(name: str, value: object) -> bool:
    return is_link(value) and bool(_CONDITIONINGS.search(name))
