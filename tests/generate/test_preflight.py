"""Could the engine run a graph? Asked of what the sandbox tells of its nodes, and of odder ones."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import plasma_watch.sandbox
from plasma_watch.errors import Code, Problem
from plasma_watch.generate.packs import PACKS, pack_of
from plasma_watch.generate.preflight import (
    model_folder,
    model_names,
    needed,
    node_classes,
    packs,
    problems,
)
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
    made.graph["20"] = node("MangaMagic")

    (found,) = told(made, infos() | {"MangaMagic": {}})

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

    assert found.field == "'Load Checkpoint'.ckpt_name"


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


def test_second_output_is_no_matter() -> None:
    """The engine is asked for one alone, and looks at nothing that does not lead to it."""
    made = plain()
    made.graph["20"] = node("PreviewImage", images=["8", 0])
    made.graph["21"] = node("VAELoader", vae_name="gone.safetensors")

    assert told(made) == []
    assert needed(made.graph, "9") == {"3", "4", "5", "6", "7", "8", "9"}


def test_output_that_saves_nothing_is_refused() -> None:
    """The engine would have nothing to do."""
    made = plain().changed(lambda made: made.map.update(output="8"))

    found = the_one(made)

    assert (found.code, found.field) == (Code.WORKFLOW_BROKEN, "workflow")
    assert found.message == "has the output 'VAE Decode', which saves nothing"


def test_input_that_a_newer_engine_needs_is_told() -> None:
    """By the title of its node."""
    known = infos()
    known["KSampler"]["input"]["required"]["mode"] = [["new", "old"]]

    (found,) = told(plain(), known)

    assert (found.code, found.field) == (Code.WORKFLOW_BROKEN, "'KSampler'.mode")


# Where things come from.


def test_missing_model_says_where_it_is_found() -> None:
    """If the slot map knows it."""
    made = guided()
    made.map["requires"] = {"models": {"pose.pth": "a friend"}}

    found = the_one(made, controlnet="pose.pth")

    assert found.code is Code.ENGINE_MISSING_MODEL
    assert found.hint.endswith("It is found at a friend.")


def test_missing_model_is_told_with_the_nearest_few() -> None:
    """A person knows which was meant."""
    known = infos()
    names = ["spyke-0a1b2c3d.safetensors", "spyke-4e5f6a7b.safetensors", "mara.safetensors"]
    known["LoraLoader"]["input"]["required"]["lora_name"][0] = names

    (found,) = told(with_lora(), known, lora="spyke-0a1b.safetensors")

    assert found.hint.startswith(f"Did you mean '{names[0]}' or '{names[1]}'?")
    assert "models/loras" in found.hint


@pytest.mark.parametrize(
    ("node_class", "pack"),
    [
        ("DWPreprocessor", "comfyui_controlnet_aux"),
        ("ImpactWildcardEncode", "ComfyUI-Impact-Pack"),
        ("Power Lora Loader (rgthree)", "rgthree-comfy"),
        ("WD14Tagger|pysssss", "ComfyUI-WD14-Tagger"),
        ("ShowText|pysssss", "ComfyUI-Custom-Scripts"),
        ("ImageResize+", "ComfyUI_essentials"),
        ("KSampler", ""),
    ],
)
def test_well_known_packs_are_known(node_class: str, pack: str) -> None:
    """By the class, by how it begins, or by how it ends."""
    assert pack_of(node_class) == pack


def test_what_the_engine_brings_is_in_no_pack() -> None:
    """Else its lack would be told wrongly."""
    assert not set(RECORDED) & set(PACKS)
    assert [name for name in RECORDED if pack_of(name)] == []


def test_packs_that_were_used_are_named_as_the_engine_names_them() -> None:
    """It tells the module that a node comes from."""
    known = {
        "KSampler": {"python_module": "nodes"},
        "A": {"python_module": "custom_nodes.comfyui_controlnet_aux"},
        "B": {"python_module": "custom_nodes.comfyui_controlnet_aux"},
        "C": {},
    }

    assert packs(known) == ["comfyui_controlnet_aux"]


@pytest.mark.parametrize(
    ("node_class", "name", "folder"),
    [
        ("CLIPLoader", "clip_name", "text_encoders"),
        ("CLIPVisionLoader", "clip_name", "clip_vision"),
        ("UpscaleModelLoader", "model_name", "upscale_models"),
        ("Odd", "model_name", ""),
    ],
)
def test_folder_of_a_model_may_hang_on_the_class(node_class: str, name: str, folder: str) -> None:
    """The same input means another folder in another node."""
    assert model_folder(node_class, name) == folder
