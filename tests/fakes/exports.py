"""Graphs as ComfyUI exports them, one for each way in which a picture can be sampled."""

from __future__ import annotations

import json
from typing import Any

from plasma_watch.generate.template import Graph
from tests.fakes.blueprints import node, shipped

CHECKPOINT = "anything-v5-PrtRE.safetensors"


def exported(graph: Graph) -> bytes:
    """Return the bytes of an export."""
    return json.dumps(graph).encode()


def titled(title: str, made: dict[str, Any]) -> dict[str, Any]:
    """Return a node with a title."""
    return made | {"_meta": {"title": title}}


def ksampler() -> Graph:
    """Return the graph that ComfyUI opens with."""
    return shipped("txt2img").graph


def advanced() -> Graph:
    """Return the same with the advanced sampler, all its steps taken."""
    made = ksampler()
    plain = made["3"]["inputs"]
    keys = (
        "model",
        "positive",
        "negative",
        "latent_image",
        "steps",
        "cfg",
        "sampler_name",
        "scheduler",
    )
    made["3"] = node(
        "KSamplerAdvanced",
        **{key: plain[key] for key in keys},
        add_noise="enable",
        noise_seed=7,
        start_at_step=0,
        end_at_step=10_000,
        return_with_leftover_noise="disable",
    )
    return made


def in_two_stages() -> Graph:
    """Return two advanced samplers that share the steps."""
    made = advanced()
    made["3"]["inputs"] |= {"end_at_step": 12, "return_with_leftover_noise": "enable"}
    made["13"] = node(
        "KSamplerAdvanced",
        **made["3"]["inputs"]
        | {
            "latent_image": ["3", 0],
            "start_at_step": 12,
            "end_at_step": 10_000,
            "add_noise": "disable",
        },
    )
    made["8"]["inputs"]["samples"] = ["13", 0]
    return made


def custom() -> Graph:
    """Return the sampler that takes its method and schedule from outside."""
    made = ksampler()
    plain = made["3"]["inputs"]
    keys = ("model", "positive", "negative", "latent_image", "cfg")
    made["3"] = node(
        "SamplerCustom",
        **{key: plain[key] for key in keys},
        add_noise=True,
        noise_seed=7,
        sampler=["20", 0],
        sigmas=["21", 0],
    )
    made["20"] = node("KSamplerSelect", sampler_name="euler")
    made["21"] = node("BasicScheduler", model=["4", 0], scheduler="karras", steps=12, denoise=1.0)
    return made


def guided_by(guider: dict[str, Any]) -> Graph:
    """Return the sampler that takes everything from outside, with a guider."""
    made = custom()
    made["3"] = node(
        "SamplerCustomAdvanced",
        noise=["22", 0],
        guider=["23", 0],
        sampler=["20", 0],
        sigmas=["21", 0],
        latent_image=["5", 0],
    )
    made["22"] = node("RandomNoise", noise_seed=7)
    made["23"] = guider
    return made


def cfg_guided() -> Graph:
    """Return it guided by what is wanted and what is not."""
    return guided_by(
        node("CFGGuider", model=["4", 0], positive=["6", 0], negative=["7", 0], cfg=5.5)
    )


def basic_guided() -> Graph:
    """Return it guided by what is wanted alone."""
    return guided_by(node("BasicGuider", model=["4", 0], conditioning=["6", 0]))


def enlarged() -> Graph:
    """Return a picture that is made small, and made anew from there in double size."""
    made = ksampler()
    made["20"] = node("LatentUpscaleBy", samples=["3", 0], upscale_method="bicubic", scale_by=2.0)
    made["21"] = node(
        "KSampler", **made["3"]["inputs"] | {"latent_image": ["20", 0], "denoise": 0.5, "seed": 8}
    )
    made["8"]["inputs"]["samples"] = ["21", 0]
    return made


SAMPLERS = {
    "KSampler": ksampler,
    "KSamplerAdvanced": advanced,
    "two stages": in_two_stages,
    "SamplerCustom": custom,
    "CFGGuider": cfg_guided,
    "BasicGuider": basic_guided,
    "two passes": enlarged,
}
"""One graph for every kind of sampler."""
