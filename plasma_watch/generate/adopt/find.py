"""Which input of which node each request key fills, found by following the graph. Pure.

From the picture back: the node that saves it, the samplers behind that, and behind the first of
these its texts, its latent, its noise, its model. A slot always leads to the node that uses the
value; a link that stood there (from a node that holds a text or a number) gives way to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.adopt.trace import (
    Source,
    Spot,
    chain,
    first_source,
    inputs_of,
    source,
    upstream,
    value_at,
    with_input,
)
from plasma_watch.generate.template import Graph, is_link

_NOT_PICTURES = re.compile(
    r"video|anim|gif|audio|latent|mesh|glb|webm|webp|checkpoint", re.IGNORECASE
)
_SCALES = re.compile(r"scale|resize|crop|pad|outpaint", re.IGNORECASE)
_SEEDS = ("seed", "noise_seed")
_TEXTS = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt")
_CONDITIONINGS = re.compile(r"conditioning|^cond|^positive$|^base_positive$")
_REGIONS = re.compile(r"SetArea|SetMask|Regional")
_LATENTS = ("samples", "samples_to", "latent", "latent_image")
_IMAGES = ("pixels", "image", "images")
_MODELS = ("model", "model1", "basic_pipe")


@dataclass(slots=True)
class Findings:
    """What is found, as it is found: it grows while one graph is followed, and is then read."""

    output: str
    slots: dict[str, list[Spot]] = field(default_factory=dict)
    optional: dict[str, dict[str, Any]] = field(default_factory=dict)
    resizes: bool = False
    unplaced: list[str] = field(default_factory=list)
    """What has no slot though a request could want one, and why."""
    kept: list[str] = field(default_factory=list)
    """What stays as it was exported though it looks like something that a slot fills."""

    def place(self, slot: str, *spots: Spot | None) -> None:
        """Give a slot its places, if there are any."""
        if found := [spot for spot in spots if spot]:
            self.slots[slot] = found


def find(graph: Graph) -> Findings:
    """Find everything that there is to be filled.

    Raises PlasmaError `workflow.not-adoptable` when no request could be made with the graph.
    """
    found = Findings(_output(graph))
    found.place("filename_prefix", Spot(found.output, "filename_prefix"))
    samplers = [n for n in upstream(graph, found.output) if _samples(graph, n)]
    if not samplers:
        raise _none("no sampler leads to the picture", "A workflow here begins with a prompt.")
    first = _first(graph, samplers)
    _texts(graph, first, found)
    _noise(graph, samplers, found)
    _steps(graph, first, samplers, found)
    _latent(graph, first, found)
    _models(graph, first, found)
    _controlnet(graph, first, found)
    _rest(graph, samplers, first, found)
    return found


def name_of(graph: Graph, node: str) -> str:
    """Return how a node is called in what people are told: its id and its title."""
    about = graph[node].get("_meta")
    title = about.get("title") if isinstance(about, dict) else None
    return f"node {node} '{title or graph[node]['class_type']}'"


def _none(why: str, hint: str) -> PlasmaError:
    return PlasmaError(Code.WORKFLOW_NOT_ADOPTABLE, why, hint)


# The picture.


def _output(graph: Graph) -> str:
    """Return the node that saves the picture; of several the one with most work behind it."""
    savers = [n for n in graph if _saves(graph, n)]
    if not savers:
        shown = [n for n in graph if graph[n]["class_type"] == "PreviewImage"]
        said = "it only shows its picture (PreviewImage)" if shown else "nothing saves a picture"
        raise _none(said, "Put a Save Image node at its end in ComfyUI, and export it again.")
    return max(savers, key=lambda node: _work_behind(graph, node))


def _saves(graph: Graph, node: str) -> bool:
    inputs = inputs_of(graph, node)
    is_saver = "filename_prefix" in inputs and any(is_link(inputs.get(n)) for n in _IMAGES)
    return is_saver and not _NOT_PICTURES.search(graph[node]["class_type"])


def _work_behind(graph: Graph, node: str) -> tuple[int, bool, int]:
    behind = upstream(graph, node)
    is_plain = graph[node]["class_type"] == "SaveImage"
    return sum(_samples(graph, n) for n in behind), is_plain, len(behind)


# The samplers.


def _samples(graph: Graph, node: str) -> bool:
    inputs = inputs_of(graph, node)
    return "latent_image" in inputs and any(name in inputs for name in (*_SEEDS, "noise"))


def _first(graph: Graph, samplers: list[str]) -> str:
    """Return the sampler that begins: no other works on its latent before it."""

    def begins(node: str) -> bool:
        latent = source(graph, node, "latent_image")
        behind = upstream(graph, latent.node) if latent else []
        return not set(behind) & (set(samplers) - {node})

    return next(filter(begins, samplers), samplers[-1])


def _guider(graph: Graph, sampler: str) -> str:
    """Return the node that holds what guides a sampler: a guider, or the sampler itself."""
    guider = source(graph, sampler, "guider")
    return guider.node if guider else sampler


def _noise(graph: Graph, samplers: list[str], found: Findings) -> None:
    """Give the seed to every sampler, so that one seed fixes the picture."""
    spots = [spot for sampler in reversed(samplers) for spot in _seeds(graph, sampler)]
    found.place("seed", *dict.fromkeys(spots))
    if not spots:
        found.unplaced.append("seed: no noise with a seed was found")


def _seeds(graph: Graph, sampler: str) -> Iterator[Spot]:
    noise = source(graph, sampler, "noise")
    holder = noise.node if noise else sampler
    for name in _SEEDS:
        if name in inputs_of(graph, holder):
            yield Spot(holder, name)


def _steps(graph: Graph, first: str, samplers: list[str], found: Findings) -> None:
    """Place what says how is sampled: where the first sampler has it, or what feeds that."""
    guider = _guider(graph, first)
    found.place("cfg", *_where(graph, [guider, first], "cfg"))
    method = source(graph, first, "sampler")
    found.place("sampler", *_where(graph, [first, method.node if method else ""], "sampler_name"))
    sigmas = list(chain(graph, source(graph, first, "sigmas"), ("sigmas",)))
    schedule = with_input(graph, iter(sigmas), "steps") or first
    found.place("scheduler", *_where(graph, [schedule], "scheduler"))
    for slot in ("cfg", "sampler", "scheduler"):
        if slot not in found.slots:
            found.unplaced.append(f"{slot}: {name_of(graph, first)} has none")
    if why := _shared(graph, samplers, [giver.node for giver in sigmas]):
        found.unplaced.append(f"steps: {why}")
    else:
        found.place("steps", *_where(graph, [schedule], "steps"))
    found.place("denoise", *_where(graph, [schedule, first], "denoise"))


def _where(graph: Graph, nodes: list[str], name: str) -> Iterator[Spot]:
    """Yield the input of the first of some nodes that has it."""
    has = (node for node in nodes if node in graph and name in inputs_of(graph, node))
    yield from (Spot(node, name) for node in list(has)[:1])


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


# The texts.


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that is encoded: where, and whether only for a part of the picture."""

    spots: tuple[Spot, ...]
    is_regional: bool


def _texts(graph: Graph, first: str, found: Findings) -> None:
    guider = _guider(graph, first)
    wanted = first_source(graph, guider, ("positive", "conditioning", "cond1"))
    positive = list(_encoded(graph, wanted, regional=False, seen=set()))
    if not positive:
        said = f"no text was found behind {name_of(graph, guider)}"
        raise _none(said, "Its text comes from nodes that are not known here.")
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


# The latent: a size, or a picture to start from.


def _latent(graph: Graph, first: str, found: Findings) -> None:
    givers = list(chain(graph, source(graph, first, "latent_image"), _LATENTS))
    last = givers[-1].node if givers else ""
    if last and any(is_link(inputs_of(graph, last).get(name)) for name in _IMAGES):
        _picture(graph, last, found)
    elif last and {"width", "height"} <= inputs_of(graph, last).keys():
        _size(graph, last, found)
    else:
        found.unplaced.append("width, height: nothing was found that decides the size")
    if "image" not in found.slots:
        found.slots.pop("denoise", None)
    begin = found.slots["width"][0].node if "width" in found.slots else last
    found.resizes = _is_scaled(graph, begin, found.output)


def _picture(graph: Graph, encoder: str, found: Findings) -> None:
    """Place the picture that is started from, and the size that it is brought to."""
    givers = list(chain(graph, first_source(graph, encoder, _IMAGES), _IMAGES))
    scaler = next((g.node for g in givers if _is_scaler(graph, g.node)), None)
    if scaler:
        _size(graph, scaler, found)
    else:
        found.unplaced.append("width, height: the picture that it starts from decides the size")
    found.place("image", _loaded(graph, givers))
    if "image" not in found.slots:
        found.unplaced.append("input: it starts from a picture that no Load Image node loads")


def _loaded(graph: Graph, givers: list[Source]) -> Spot | None:
    """Return where a Load Image node names its picture, if the last giver is one."""
    last = givers[-1].node if givers else ""
    is_loader = last and isinstance(inputs_of(graph, last).get("image"), str)
    return Spot(last, "image") if is_loader else None


def _is_scaler(graph: Graph, node: str) -> bool:
    inputs = inputs_of(graph, node)
    sides = [value_at(graph, Spot(node, side), (int, float)) for side in ("width", "height")]
    is_named = bool(_SCALES.search(graph[node]["class_type"]))
    return is_named and {"width", "height"} <= inputs.keys() and all(sides)


def _size(graph: Graph, node: str, found: Findings) -> None:
    found.place("width", *_where(graph, [node], "width"))
    found.place("height", *_where(graph, [node], "height"))


def _is_scaled(graph: Graph, begin: str, output: str) -> bool:
    """Tell whether what a node makes is brought to another size before it is saved."""
    way = (node for node in upstream(graph, output) if node != begin)
    scalers = (node for node in way if _SCALES.search(graph[node]["class_type"]))
    return any(begin in upstream(graph, node) for node in scalers)


# The models.


def _models(graph: Graph, first: str, found: Findings) -> None:
    start = first_source(graph, _guider(graph, first), _MODELS)
    givers = list(chain(graph, start or first_source(graph, first, _MODELS), _MODELS))
    checkpoint = with_input(graph, iter(givers), "ckpt_name")
    if checkpoint:
        found.place("checkpoint", Spot(checkpoint, "ckpt_name"))
    else:
        found.unplaced.append("checkpoint: no checkpoint loader was found behind the sampler")
    loras = [g.node for g in givers if _lays_a_lora(graph, g.node)]
    if loras:
        _lora(graph, loras[0], found)
    for other in loras[1:]:
        name = inputs_of(graph, other)["lora_name"]
        found.kept.append(f"the LoRA '{name}' of {name_of(graph, other)}: only one is a request's")


def _lays_a_lora(graph: Graph, node: str) -> bool:
    inputs = inputs_of(graph, node)
    return isinstance(inputs.get("lora_name"), str) and is_link(inputs.get("model"))


def _lora(graph: Graph, node: str, found: Findings) -> None:
    found.place("lora", Spot(node, "lora_name"))
    strengths = [
        name for name in ("strength_model", "strength_clip") if name in graph[node]["inputs"]
    ]
    found.place("lora_strength", *(Spot(node, name) for name in strengths))
    _optional(graph, "lora", node, ("model", "clip"), found)


def _optional(graph: Graph, part: str, node: str, inputs: tuple[str, ...], found: Findings) -> None:
    """Let a part be left out, if every output of its node that is used has an input to stand in."""
    linked = [name for name in inputs if is_link(inputs_of(graph, node).get(name))]
    bypass = {str(output): name for output, name in enumerate(linked)}
    used = {
        str(value[1])
        for other in graph.values()
        for value in other["inputs"].values()
        if is_link(value) and value[0] == node
    }
    if used <= bypass.keys():
        found.optional[part] = {"node": node, "bypass": bypass}
    else:
        found.kept.append(f"{name_of(graph, node)}, also when a request leaves [{part}] out")


# The pose.


def _controlnet(graph: Graph, first: str, found: Findings) -> None:
    wanted = first_source(graph, _guider(graph, first), ("positive", "conditioning", "cond1"))
    behind = upstream(graph, wanted.node) if wanted else []
    guides = [n for n in behind if {"control_net", "image"} <= inputs_of(graph, n).keys()]
    for other in guides[1:]:
        found.kept.append(f"the ControlNet of {name_of(graph, other)}: only one is a request's")
    if guides:
        _guide(graph, guides[0], found)


def _guide(graph: Graph, node: str, found: Findings) -> None:
    nets = chain(graph, source(graph, node, "control_net"), ("control_net",))
    loader = with_input(graph, nets, "control_net_name")
    picture = _loaded(graph, list(chain(graph, source(graph, node, "image"), _IMAGES)))
    if loader is None or picture is None:
        why = "loads no picture" if loader else "has no loader that is known"
        found.unplaced.append(f"controlnet: what {name_of(graph, node)} follows {why}")
    elif picture in found.slots.get("image", ()):
        found.unplaced.append("controlnet: it follows the picture that is started from")
    else:
        found.place("controlnet", Spot(loader, "control_net_name"))
        found.place("controlnet_image", picture)
        found.place("controlnet_strength", *_where(graph, [node], "strength"))
        pair = (
            ("positive", "negative") if "positive" in graph[node]["inputs"] else ("conditioning",)
        )
        _optional(graph, "controlnet", node, pair, found)


# What is left.


def _rest(graph: Graph, samplers: list[str], first: str, found: Findings) -> None:
    """Say what else is on the way that a person might take for filled."""
    filled = {spot.target for spots in found.slots.values() for spot in spots}
    for sampler in samplers:
        if sampler != first:
            found.kept.append(f"steps, CFG and the like of {name_of(graph, sampler)}")
    for node in upstream(graph, found.output):
        inputs = inputs_of(graph, node)
        for name in _SEEDS:
            if isinstance(inputs.get(name), int) and f"{node}.{name}" not in filled:
                found.kept.append(f"the seed of {name_of(graph, node)}")
        if graph[node]["class_type"].startswith("LoadImage") and f"{node}.image" not in filled:
            told = f"the picture of {name_of(graph, node)}: {inputs.get('image')!r} must lie in"
            found.kept.append(f"{told} ComfyUI's input folder")
    others = [n for n in graph if n != found.output and _saves(graph, n)]
    found.kept += [
        f"{name_of(graph, n)}: only one picture is saved, it does not run" for n in others
    ]
