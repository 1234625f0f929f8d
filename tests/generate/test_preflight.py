"""Could the engine run a graph? Asked of what the sandbox tells of its nodes, and of odder ones."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import plasma_watch.sandbox
from plasma_watch.errors import Code, Problem
from plasma_watch.generate.preflight import model_names, node_classes, problems
from plasma_watch.generate.template import fill
from tests.fakes.blueprints import POSE, Blueprint, from_picture, guided, node, plain, with_lora

RECORDED = json.loads(
    (Path(plasma_watch.sandbox.__file__).parent / "object_info.json").read_text("utf-8")
)
CHOICES: dict[tuple[str, str], list[str]] = {
    ("CheckpointLoaderSimple", "ckpt_name"): ["anything-v5-PrtRE.safetensors"],
    ("LoraLoader", "lora_name"): ["spyke.safetensors"],
    ("ControlNetLoader", "control_net_name"): [POSE],
    ("KSampler", "sampler_name"): ["euler", "euler_ancestral", "dpmpp_2m"],
    ("KSampler", "scheduler"): ["normal", "karras"],
}


def infos() -> dict[str, dict[str, Any]]:
    """Return what an engine says of its nodes, with a few models and samplers."""
    found: dict[str, dict[str, Any]] = copy.deepcopy(RECORDED)
    for (node_class, name), choices in CHOICES.items():
        found[node_class]["input"]["required"][name][0] = choices
    return found


def told(
    blueprint: Blueprint, known: dict[str, dict[str, Any]] | None = None, **slots: Any
) -> list[Problem]:
    """Return what is wrong with a filled template."""
    template = blueprint.template()
    graph = fill(template, slots, frozenset())
    return list(problems(template, graph, infos() if known is None else known))


def the_one(blueprint: Blueprint, **slots: Any) -> Problem:
    """Return the one thing that is wrong."""
    (found,) = told(blueprint, **slots)
    return found


@pytest.mark.parametrize("blueprint", [plain(), with_lora(), guided(), from_picture()])
def test_good_graphs_are_good(blueprint: Blueprint) -> None:
    """A picture that is not in the list may be there all the same."""
    assert told(blueprint) == []


# What a graph names.


def test_node_classes_are_named_once() -> None:
    """Two nodes of a class are one question."""
    assert node_classes(plain().graph) == [
        "CLIPTextEncode",
        "CheckpointLoaderSimple",
        "EmptyLatentImage",
        "KSampler",
        "SaveImage",
        "VAEDecode",
    ]


def test_models_are_named_once_with_their_folder() -> None:
    """A name that comes over a link is none."""
    made = with_lora()
    made.graph["20"] = made.graph["4"]
    made.graph["21"] = node("VAELoader", vae_name=["4", 0])

    assert model_names(made.graph) == [
        ("checkpoints", "anything-v5-PrtRE.safetensors"),
        ("loras", "spyke.safetensors"),
    ]


# Nodes.


def test_missing_node_is_named_with_the_pack_that_brings_it() -> None:
    """Where the slot map knows it."""
    made = plain()
    made.graph["20"] = node("FaceDetailer", strength=3)
    made.map["requires"] = {"nodes": {"FaceDetailer": "ComfyUI-Impact-Pack"}}

    (found,) = told(made, infos() | {"FaceDetailer": {}})

    assert found.code is Code.ENGINE_MISSING_NODE
    assert found.field == "workflow"
    assert "'FaceDetailer'" in found.message
    assert found.hint == "It comes with ComfyUI-Impact-Pack. Install it and restart it."


def test_missing_node_of_an_unknown_pack_says_what_brings_nodes() -> None:
    """A pack, or a newer version."""
    made = plain()
    made.graph["20"] = node("FaceDetailer")

    (found,) = told(made, infos() | {"FaceDetailer": {}})

    assert found.hint.startswith("A custom node pack brings it, or a newer ComfyUI.")


def test_nodes_that_tell_nothing_of_their_inputs_are_taken() -> None:
    """The engine will say more."""
    made = plain()
    made.graph["20"] = node("Odd", strength=3)

    odd: list[Any] = [None, {"required": []}, {"required": {}}]
    for said in odd:
        assert told(made, infos() | {"Odd": {"input": said}}) == []


# Models.


def test_missing_checkpoint_is_told_with_the_nearest() -> None:
    """By the key of the request, and where it would have to lie."""
    found = the_one(plain(), checkpoint="anything-v5.safetensors")

    assert found.code is Code.ENGINE_MISSING_MODEL
    assert found.field == "checkpoint"
    assert "'anything-v5.safetensors', which is not in ComfyUI's models/checkpoints" in str(found)
    assert found.hint.startswith("Did you mean 'anything-v5-PrtRE.safetensors'? Or put the file")


def test_missing_lora_that_is_like_none_lists_what_there_is() -> None:
    """A few of them."""
    found = the_one(with_lora(), lora="xyz")

    assert (found.code, found.field) == (Code.ENGINE_MISSING_MODEL, "lora.name")
    assert found.hint.startswith("There are: spyke.safetensors. Or put the file into models/loras")


def test_missing_model_in_an_empty_folder_says_that_there_is_none() -> None:
    """A fresh ComfyUI has no LoRA."""
    known = infos()
    known["LoraLoader"]["input"]["required"]["lora_name"][0] = []

    (found,) = told(with_lora(), known)

    assert found.hint.startswith("There are none. Or put")


def test_model_that_no_slot_fills_is_told_by_its_node() -> None:
    """The workflow names it, not the request."""
    known = infos()
    known["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0] = ["other.safetensors"]

    (found,) = told(plain().with_slot("checkpoint"), known)

    assert found.field == "CheckpointLoaderSimple.ckpt_name"


# Values.


@pytest.mark.parametrize(
    ("slot", "value", "near"),
    [("sampler", "euler_ancestrl", "euler_ancestral"), ("scheduler", "karas", "karras")],
)
def test_unknown_choice_is_told_with_the_nearest(slot: str, value: str, near: str) -> None:
    """By the key of the request."""
    found = the_one(plain(), **{slot: value})

    assert (found.code, found.field) == (Code.ENGINE_BAD_VALUE, slot)
    assert str(found) == f"{slot} is '{value}', which ComfyUI does not know"
    assert found.hint == f"Did you mean '{near}'?"


def test_unknown_choice_that_is_like_none_lists_what_there_is() -> None:
    """So that one can be chosen."""
    assert the_one(plain(), sampler="xyz").hint == "There are: euler, euler_ancestral, dpmpp_2m."


def test_a_long_list_is_cut() -> None:
    """There are more samplers than a person wants to read."""
    known = infos()
    known["KSampler"]["input"]["required"]["sampler_name"][0] = [f"s{n:02d}" for n in range(13)]

    (found,) = told(plain(), known, sampler="xyz")

    assert found.hint == (
        "There are: s00, s01, s02, s03, s04, s05, s06, s07, s08, s09, s10, s11, …."
    )


def test_newer_lists_are_read_too() -> None:
    """Newer versions write a combo otherwise."""
    known = infos()
    required = known["KSampler"]["input"]["required"]
    required["sampler_name"] = ["COMBO", {"options": ["euler"]}]

    assert told(plain(), known, sampler="euler") == []
    assert [p.field for p in told(plain(), known, sampler="heun")] == ["sampler"]


def test_optional_inputs_are_held_to_the_same() -> None:
    """Where the engine lists them apart."""
    known = infos()
    inputs = known["KSampler"]["input"]
    inputs["optional"] = {"scheduler": inputs["required"].pop("scheduler")}

    assert [p.field for p in told(plain(), known, scheduler="xyz")] == ["scheduler"]


@pytest.mark.parametrize(
    ("slot", "value", "said"),
    [
        ("cfg", 100.5, "is 100.5; ComfyUI takes 0.0 to 100.0"),
        ("steps", 0, "is 0; ComfyUI takes 1 to 10000"),
        ("width", 16_392, "is 16392; ComfyUI takes 16 to 16384"),
    ],
)
def test_number_out_of_range_is_told(slot: str, value: float, said: str) -> None:
    """With what the engine takes."""
    found = the_one(plain(), **{slot: value})

    assert (found.code, found.field, found.message) == (Code.ENGINE_BAD_VALUE, slot, said)


@pytest.mark.parametrize("limits", [["INT"], ["INT", None], ["INT", {}], ["INT", {"min": 1}], []])
def test_what_has_no_limit_is_taken(limits: list[Any]) -> None:
    """In that direction."""
    known = infos()
    known["KSampler"]["input"]["required"]["steps"] = limits

    assert told(plain(), known, steps=10**9) == []


def test_truth_is_no_number() -> None:
    """A switch has no range."""
    known = infos()
    known["KSampler"]["input"]["required"]["steps"] = ["BOOLEAN", {"min": 5}]

    assert told(plain(), known, steps=True) == []


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """So that a request is mended once."""
    found = told(with_lora(), sampler="xyz", scheduler="abc", lora="gone", cfg=101.0)

    fields = {"sampler", "scheduler", "lora.name", "cfg"}
    assert {problem.field for problem in found} == fields


# Outputs.


def test_second_output_is_refused() -> None:
    """ComfyUI may run a part of the outputs and call it good."""
    made = plain()
    made.graph["20"] = node("PreviewImage", images=["8", 0])

    found = the_one(made)

    assert (found.code, found.field) == (Code.WORKFLOW_BROKEN, "workflow")
    assert found.message == "has more output nodes than 9: 20"
