"""Slots are found by following the graph; what is not found is said."""

from __future__ import annotations

from typing import Any

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.adopt.find import find
from plasma_watch.generate.adopt.findings import Findings
from plasma_watch.generate.template import Graph
from tests.fakes.blueprints import node, shipped
from tests.fakes.exports import (
    advanced,
    basic_guided,
    cfg_guided,
    custom,
    enlarged,
    guided_by,
    in_two_stages,
    ksampler,
)


def slots(graph: Graph) -> dict[str, list[str]]:
    """Return slot to targets."""
    return {slot: [s.target for s in spots] for slot, spots in find(graph).slots.items()}


def refused(graph: Graph) -> str:
    """Return why a graph cannot be adopted."""
    with pytest.raises(PlasmaError) as caught:
        find(graph)
    assert caught.value.code is Code.WORKFLOW_NOT_ADOPTABLE
    return caught.value.message


@pytest.mark.parametrize(
    "name",
    [
        "txt2img",
        "txt2img-lora",
        "txt2img-lora-controlnet",
        "img2img-lora",
        "img2img-lora-controlnet",
    ],
)
def test_slots_of_a_shipped_workflow_are_found_as_they_were_written(name: str) -> None:
    """By hand, for every part of it."""
    blueprint = shipped(name)
    written = {
        slot: [targets] if isinstance(targets, str) else targets
        for slot, targets in blueprint.map["slots"].items()
    }

    found = find(blueprint.graph)

    assert slots(blueprint.graph) == written
    assert found.optional == blueprint.map.get("optional", {})
    assert (found.output, found.resizes) == ("9", False)
    assert found.unplaced == []


# Samplers.


def test_plain_sampler_holds_everything() -> None:
    """Seed, steps, CFG, method and schedule."""
    found = slots(ksampler())

    for slot, name in {"seed": "seed", "sampler": "sampler_name", "cfg": "cfg"}.items():
        assert found[slot] == [f"3.{name}"]


def test_advanced_sampler_calls_its_seed_otherwise() -> None:
    """And has no denoise."""
    found = slots(advanced())

    assert found["seed"] == ["3.noise_seed"]
    assert found["steps"] == ["3.steps"]


def test_samplers_that_share_the_steps_keep_them() -> None:
    """Another number would end in the middle of the noise; the seed goes to both."""
    found = find(in_two_stages())

    assert "steps" not in found.slots
    assert any(told.startswith("steps: node 13 ") for told in found.unplaced)
    assert slots(in_two_stages())["seed"] == ["3.noise_seed", "13.noise_seed"]
    assert "steps, CFG and the like of node 13 'KSamplerAdvanced'" in found.kept


def test_custom_sampler_takes_method_and_schedule_from_outside() -> None:
    """They are found there."""
    found = slots(custom())

    assert found["sampler"] == ["20.sampler_name"]
    assert (found["scheduler"], found["steps"]) == (["21.scheduler"], ["21.steps"])
    assert (found["seed"], found["cfg"]) == (["3.noise_seed"], ["3.cfg"])


def test_guider_holds_texts_and_cfg() -> None:
    """And the noise the seed."""
    found = slots(cfg_guided())

    assert (found["seed"], found["cfg"]) == (["22.noise_seed"], ["23.cfg"])
    assert (found["prompt"], found["negative"]) == (["6.text"], ["7.text"])
    assert found["checkpoint"] == ["4.ckpt_name"]


def test_basic_guider_knows_nothing_unwanted() -> None:
    """So a request with `negative` or `cfg` is refused, and that is said."""
    found = find(basic_guided())

    assert {"negative", "cfg"} & found.slots.keys() == set()
    assert [told.split(":")[0] for told in found.unplaced] == ["negative", "cfg"]


def test_schedule_that_is_split_keeps_its_steps() -> None:
    """It is split at a fixed one."""
    made = custom()
    made["24"] = node("SplitSigmas", sigmas=["21", 0], step=5)
    made["3"]["inputs"]["sigmas"] = ["24", 0]

    found = find(made)

    assert "steps" not in found.slots
    assert found.slots["scheduler"][0].target == "21.scheduler"


def test_schedule_without_a_name_has_no_slot() -> None:
    """Its curve is its own."""
    made = custom()
    made["21"] = node("KarrasScheduler", steps=12, sigma_max=14.6, sigma_min=0.03, rho=7.0)

    found = find(made)

    assert found.slots["steps"][0].target == "21.steps"
    assert any(told.startswith("scheduler: ") for told in found.unplaced)


def test_sampler_without_noise_has_no_seed() -> None:
    """That is said."""
    made = guided_by(node("BasicGuider", model=["4", 0], conditioning=["6", 0]))
    made["22"] = node("DisableNoise")

    assert "seed: no noise with a seed was found" in find(made).unplaced


def test_first_of_two_passes_is_what_a_request_means() -> None:
    """The second keeps its own; the seed goes to both, and the size is another in the end."""
    found = find(enlarged())

    assert slots(enlarged())["steps"] == ["3.steps"]
    assert slots(enlarged())["seed"] == ["3.seed", "21.seed"]
    assert found.resizes
    assert "denoise" not in found.slots


# Texts.


def encoded(graph: Graph, node_id: str, text: str) -> list[Any]:
    """Add a text encoder, and return the link to it."""
    graph[node_id] = node("CLIPTextEncode", text=text, clip=["4", 1])
    return [node_id, 0]


def test_first_of_several_texts_is_the_prompt() -> None:
    """The others stay, and are named."""
    made = ksampler()
    link = encoded(made, "30", "a roof")
    made["31"] = node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=link)
    made["3"]["inputs"]["positive"] = ["31", 0]

    found = find(made)

    assert found.slots["prompt"][0].target == "6.text"
    assert any("the text of node 30 " in told for told in found.kept)


def test_text_for_the_whole_comes_before_one_for_a_part() -> None:
    """Also when the part comes first."""
    made = ksampler()
    made["30"] = node("ConditioningSetArea", conditioning=encoded(made, "29", "left"), width=64)
    made["31"] = node("ConditioningCombine", conditioning_1=["30", 0], conditioning_2=["6", 0])
    made["3"]["inputs"]["positive"] = ["31", 0]

    assert find(made).slots["prompt"][0].target == "6.text"


def test_encoder_of_two_texts_is_given_both() -> None:
    """They are two ears of one model."""
    made = ksampler()
    made["6"] = node("CLIPTextEncodeSDXL", text_g="a", text_l="a", width=1024, clip=["4", 1])

    assert slots(made)["prompt"] == ["6.text_g", "6.text_l"]


def test_text_from_another_node_gives_way() -> None:
    """The slot leads to the encoder; the link is replaced by the prompt."""
    made = ksampler()
    made["30"] = node("PrimitiveString", value="spyke")
    made["6"]["inputs"]["text"] = ["30", 0]

    assert slots(made)["prompt"] == ["6.text"]


def test_pair_is_followed_on_its_own_side() -> None:
    """What both sides pass through gives each its own."""
    made = shipped("txt2img-lora-controlnet").graph

    found = slots(made)

    assert (found["prompt"], found["negative"]) == (["6.text"], ["7.text"])


def test_zeroed_text_is_no_negative() -> None:
    """It has none."""
    made = ksampler()
    made["7"] = node("ConditioningZeroOut", conditioning=["6", 0])

    found = find(made)

    assert "negative" not in found.slots
    assert any(told.startswith("negative: ") for told in found.unplaced)


def test_one_text_for_both_sides_is_the_prompt() -> None:
    """A request could not say two things with it."""
    made = ksampler()
    made["3"]["inputs"]["negative"] = ["6", 0]

    assert "negative" not in find(made).slots


def test_several_unwanted_texts_are_told_too() -> None:
    """The first is the slot."""
    made = ksampler()
    link = encoded(made, "30", "blurry")
    made["31"] = node("ConditioningConcat", conditioning_to=["7", 0], conditioning_from=link)
    made["3"]["inputs"]["negative"] = ["31", 0]

    found = find(made)

    assert found.slots["negative"][0].target == "7.text"
    assert any("the text of node 30 " in told for told in found.kept)


def test_graph_that_hangs_in_circles_ends() -> None:
    """Somebody edited it."""
    made = ksampler()
    made["31"] = node("ConditioningCombine", conditioning_1=["31", 0], conditioning_2=["6", 0])
    made["40"] = node("Reroute", value=["41", 0])
    made["41"] = node("Reroute", value=["40", 0])
    made["3"]["inputs"] |= {"positive": ["31", 0], "model": ["40", 0], "latent_image": ["77", 0]}

    found = find(made)

    assert found.slots["prompt"][0].target == "6.text"
    assert "checkpoint" not in found.slots


# Sizes and pictures.


def from_picture() -> Graph:
    """Return picture to picture, without a size."""
    made = ksampler()
    made["5"] = node("LoadImage", image="before.png")
    made["11"] = node("VAEEncode", pixels=["5", 0], vae=["4", 2])
    made["3"]["inputs"]["latent_image"] = ["11", 0]
    return made


def test_picture_to_start_from_decides_the_size() -> None:
    """Unless it is scaled."""
    found = find(from_picture())

    assert found.slots["image"][0].target == "5.image"
    assert found.slots["denoise"][0].target == "3.denoise"
    assert any(told.startswith("width, height: ") for told in found.unplaced)


def test_scaled_picture_has_the_size_of_the_scale() -> None:
    """Where it has one: 0 means as the other side."""
    made = from_picture()
    made["12"] = node(
        "ImageScale", image=["5", 0], upscale_method="area", width=64, height=96, crop="disabled"
    )
    made["11"]["inputs"]["pixels"] = ["12", 0]
    assert slots(made)["width"] == ["12.width"]

    made["12"]["inputs"]["height"] = 0

    assert "width" not in slots(made)


def test_picture_that_is_padded_is_of_another_size() -> None:
    """For outpainting; its mask goes another way."""
    made = from_picture()
    made["12"] = node("ImagePadForOutpaint", image=["5", 0], left=64, top=0, right=0, bottom=0)
    made["11"] = node("VAEEncodeForInpaint", pixels=["12", 0], vae=["4", 2], mask=["12", 1])

    found = find(made)

    assert found.slots["image"][0].target == "5.image"
    assert "width" not in found.slots


def test_latent_is_followed_through_its_masks() -> None:
    """And through what repeats it."""
    made = from_picture()
    made["12"] = node("SetLatentNoiseMask", samples=["11", 0], mask=["5", 1])
    made["13"] = node("RepeatLatentBatch", samples=["12", 0], amount=2)
    made["3"]["inputs"]["latent_image"] = ["13", 0]

    assert find(made).slots["image"][0].target == "5.image"


def test_picture_that_nothing_loads_is_said() -> None:
    """It is made on the way."""
    made = from_picture()
    made["5"] = node("EmptyImage", width=64, height=64, batch_size=1, color=0)

    found = find(made)

    assert "image" not in found.slots
    assert "denoise" not in found.slots
    assert any(told.startswith("input: ") for told in found.unplaced)


def test_size_that_nobody_decides_is_said() -> None:
    """Some node that is not known makes the latent."""
    made = ksampler()
    made["5"] = node("MagicLatent", ratio="2:3")

    assert any(told.startswith("width, height: ") for told in find(made).unplaced)


def test_latents_that_are_put_together_have_no_one_size() -> None:
    """The picture is as large as the one that the others are laid on."""
    made = ksampler()
    made["30"] = node("EmptyLatentImage", width=64, height=64, batch_size=1)
    made["31"] = node("LatentComposite", samples_to=["30", 0], samples_from=["3", 0], x=0, y=0)
    made["8"]["inputs"]["samples"] = ["31", 0]

    found = find(made)

    assert not {"width", "height"} & found.slots.keys()
    assert any(told.startswith("width, height: several ") for told in found.unplaced)


# Models.


def test_lora_nearest_to_the_sampler_is_the_requests() -> None:
    """Others stay, and are named."""
    made = shipped("txt2img-lora").graph
    made["12"] = node(
        "LoraLoader",
        model=["4", 0],
        clip=["4", 1],
        lora_name="style.safetensors",
        strength_model=1.0,
        strength_clip=1.0,
    )
    made["10"]["inputs"] |= {"model": ["12", 0], "clip": ["12", 1]}

    found = find(made)

    assert found.slots["lora"][0].target == "10.lora_name"
    assert any("'style.safetensors'" in told for told in found.kept)


def test_lora_of_the_model_alone_has_one_strength() -> None:
    """And one way around it."""
    made = ksampler()
    made["10"] = node(
        "LoraLoaderModelOnly", model=["4", 0], lora_name="a.safetensors", strength_model=1.0
    )
    made["3"]["inputs"]["model"] = ["10", 0]

    found = find(made)

    assert [spot.target for spot in found.slots["lora_strength"]] == ["10.strength_model"]
    assert found.optional["lora"] == {"node": "10", "bypass": {"0": "model"}}


def test_part_that_cannot_be_gone_around_stays() -> None:
    """Something hangs on an output that nothing stands in for."""
    made = shipped("txt2img-lora").graph
    made["20"] = node("ShowText", text=["10", 2])

    found = find(made)

    assert "lora" not in found.optional
    assert any("when a request leaves [lora] out" in told for told in found.kept)


def test_models_are_followed_through_what_changes_them() -> None:
    """And past what only hands them on."""
    made = ksampler()
    made["20"] = node("ModelSamplingDiscrete", model=["4", 0], sampling="lcm", zsnr=False)
    made["21"] = {"class_type": "Reroute", "inputs": {"": ["20", 0]}}
    made["3"]["inputs"]["model"] = ["21", 0]

    assert slots(made)["checkpoint"] == ["4.ckpt_name"]


def test_model_without_a_checkpoint_is_said() -> None:
    """It is loaded in parts."""
    made = ksampler()
    made["20"] = node("UNETLoader", unet_name="a.safetensors", weight_dtype="default")
    made["3"]["inputs"]["model"] = ["20", 0]

    found = find(made)

    assert "checkpoint" not in found.slots
    assert any(told.startswith("checkpoint: ") for told in found.unplaced)


# Poses.


def posed() -> Graph:
    """Return text to picture along a pose."""
    return shipped("txt2img-lora-controlnet").graph


def test_pose_may_pass_through_a_preprocessor() -> None:
    """The slot is where the picture is loaded."""
    made = posed()
    made["20"] = node("Canny", image=["11", 0], low_threshold=0.4, high_threshold=0.8)
    made["13"]["inputs"]["image"] = ["20", 0]

    assert slots(made)["controlnet_image"] == ["11.image"]


def test_older_controlnet_guides_one_side() -> None:
    """There is one way around it."""
    made = ksampler()
    made["11"] = node("LoadImage", image="pose.png")
    made["12"] = node("ControlNetLoader", control_net_name="a.pth")
    made["13"] = node(
        "ControlNetApply",
        conditioning=["6", 0],
        control_net=["12", 0],
        image=["11", 0],
        strength=1.0,
    )
    made["3"]["inputs"]["positive"] = ["13", 0]

    found = find(made)

    assert found.optional["controlnet"] == {"node": "13", "bypass": {"0": "conditioning"}}
    assert found.slots["prompt"][0].target == "6.text"


def test_second_controlnet_stays() -> None:
    """A request has one; the nearest to the sampler is it."""
    made = posed()
    made["20"] = node("LoadImage", image="depth.png")
    made["21"] = node("ControlNetLoader", control_net_name="depth.pth")
    made["22"] = node(
        "ControlNetApplyAdvanced",
        **made["13"]["inputs"]
        | {
            "positive": ["13", 0],
            "negative": ["13", 1],
            "control_net": ["21", 0],
            "image": ["20", 0],
        },
    )
    made["3"]["inputs"] |= {"positive": ["22", 0], "negative": ["22", 1]}

    found = find(made)

    assert found.slots["controlnet"][0].target == "21.control_net_name"
    assert any("the ControlNet of node 13" in told for told in found.kept)
    assert any("'example.png'" in told for told in found.kept)


def test_pose_that_is_the_picture_to_start_from_is_no_slot() -> None:
    """A request could not name two."""
    made = shipped("img2img-lora-controlnet").graph
    made["13"]["inputs"]["image"] = ["14", 0]

    found = find(made)

    assert "controlnet" not in found.slots
    assert any(told.startswith("controlnet: ") for told in found.unplaced)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("12", node("MagicNetLoader", file="a")),
        ("11", node("EmptyImage", width=8, height=8, batch_size=1, color=0)),
    ],
)
def test_pose_of_unknown_making_is_said(name: str, made: dict[str, Any]) -> None:
    """No loader that is known, or no picture that is loaded."""
    graph = posed()
    graph[name] = made

    found = find(graph)

    assert "controlnet" not in found.slots
    assert any(told.startswith("controlnet: ") for told in found.unplaced)


# The picture, and what else there is.


def test_saver_with_most_work_behind_it_is_the_output() -> None:
    """The others do not run, and are named; a preview is no saver."""
    made = enlarged()
    made["30"] = node("VAEDecode", samples=["3", 0], vae=["4", 2])
    made["31"] = node("SaveImage", filename_prefix="first", images=["30", 0])
    made["32"] = node("PreviewImage", images=["30", 0])

    found = find(made)

    assert found.output == "9"
    assert any(told.startswith("node 31 ") for told in found.kept)


def test_what_stays_though_it_looks_filled_is_said() -> None:
    """A seed of another node, a picture that no slot names."""
    made = ksampler()
    made["20"] = node("LoadImageMask", image="mask.png", channel="red")
    made["21"] = node("AddNoise", samples=["5", 0], seed=5, mask=["20", 0])
    made["3"]["inputs"]["latent_image"] = ["21", 0]

    found = find(made)

    assert "the seed of node 21 'AddNoise'" in found.kept
    assert any("'mask.png' must lie in ComfyUI's input folder" in told for told in found.kept)


def test_parallel_samplers_have_one_that_is_meant() -> None:
    """None begins before the other: the nearest does."""
    made = ksampler()
    made["20"] = node("KSampler", **made["3"]["inputs"])
    made["21"] = node(
        "LatentComposite", samples_to=["3", 0], samples_from=["20", 0], x=0, y=0, feather=0
    )
    made["8"]["inputs"]["samples"] = ["21", 0]

    assert slots(made)["steps"] == ["3.steps"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"9": node("PreviewImage", images=["8", 0])}, "it only shows its picture"),
        ({"9": node("ShowText", text="a")}, "nothing saves a picture"),
        ({"9": node("VHS_VideoCombine", filename_prefix="a", images=["8", 0])}, "nothing saves"),
        ({"8": node("LoadImage", image="a.png")}, "no sampler leads to the picture"),
        ({"6": node("MagicText", words="a")}, "no text was found behind node 3 'KSampler'"),
        ({"6": node("unCLIPText", clip=["4", 1])}, "no text was found"),
    ],
)
def test_what_no_request_could_fill_is_refused(change: Graph, why: str) -> None:
    """With the reason."""
    assert refused(ksampler() | change).startswith(why)


def test_findings_begin_empty() -> None:
    """A slot without a place is none."""
    found = Findings("9")
    found.place("seed", None)

    assert found.slots == {}
