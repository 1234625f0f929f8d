"""What a picture is made with: the checkpoint, a LoRA over it, a pose to follow."""

from __future__ import annotations

from plasma_watch.generate.adopt.findings import (
    IMAGES,
    Findings,
    guider_of,
    let_out,
    loaded,
    name_of,
    where,
)
from plasma_watch.generate.adopt.trace import (
    Spot,
    chain,
    first_source,
    inputs_of,
    source,
    upstream,
    with_input,
)
from plasma_watch.generate.template import Graph, is_link

_MODELS = ("model", "model1", "basic_pipe")


def place_models(graph: Graph, first: str, found: Findings) -> None:
    """Place the checkpoint, and the LoRA that is nearest to the sampler; others stay."""
    start = first_source(graph, guider_of(graph, first), _MODELS)
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
    let_out(graph, "lora", node, ("model", "clip"), found)


def place_controlnet(graph: Graph, first: str, found: Findings) -> None:
    """Place the pose that is followed last before the sampler; others stay."""
    wanted = first_source(graph, guider_of(graph, first), ("positive", "conditioning", "cond1"))
    behind = upstream(graph, wanted.node) if wanted else []
    guides = [n for n in behind if {"control_net", "image"} <= inputs_of(graph, n).keys()]
    for other in guides[1:]:
        found.kept.append(f"the ControlNet of {name_of(graph, other)}: only one is a request's")
    if guides:
        _guide(graph, guides[0], found)


def _guide(graph: Graph, node: str, found: Findings) -> None:
    nets = chain(graph, source(graph, node, "control_net"), ("control_net",))
    loader = with_input(graph, nets, "control_net_name")
    picture = loaded(graph, list(chain(graph, source(graph, node, "image"), IMAGES)))
    if loader is None or picture is None:
        why = "loads no picture" if loader else "has no loader that is known"
        found.unplaced.append(f"controlnet: what {name_of(graph, node)} follows {why}")
    elif picture in found.slots.get("image", ()):
        found.unplaced.append("controlnet: it follows the picture that is started from")
    else:
        found.place("controlnet", Spot(loader, "control_net_name"))
        found.place("controlnet_image", picture)
        found.place("controlnet_strength", *where(graph, [node], "strength"))
        pair = (
            ("positive", "negative") if "positive" in graph[node]["inputs"] else ("conditioning",)
        )
        let_out(graph, "controlnet", node, pair, found)
