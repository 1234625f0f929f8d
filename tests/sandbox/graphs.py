"""Graphs to send."""

from copy import deepcopy
from typing import Any

from plasma_watch.sandbox.graph import Graph

CHECKPOINT = "anything-v5-PrtRE.safetensors"


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """Make a node."""
    return {"class_type": class_type, "inputs": inputs}


def text_to_image(**settings: Any) -> Graph:
    """Make a picture from a text."""
    asked = {"seed": 1, "steps": 2, "width": 64, "height": 64, "text": "a cat", **settings}
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name=asked.get("checkpoint", CHECKPOINT)),
        "5": node(
            "EmptyLatentImage",
            width=asked["width"],
            height=asked["height"],
            batch_size=asked.get("batch", 1),
        ),
        "6": node("CLIPTextEncode", text=asked["text"], clip=["4", 1]),
        "7": node("CLIPTextEncode", text="bad", clip=["4", 1]),
        "3": node(
            "KSampler",
            seed=asked["seed"],
            steps=asked["steps"],
            cfg=7.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=asked.get("denoise", 1.0),
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
        ),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix=asked.get("prefix", "made/cat"), images=["8", 0]),
    }


def with_lora(graph: Graph, name: str = "spyke.safetensors", strength: float = 0.8) -> Graph:
    """Lay a LoRA over the model of a graph."""
    laid = deepcopy(graph)
    laid["10"] = node(
        "LoraLoader",
        lora_name=name,
        strength_model=strength,
        strength_clip=strength,
        model=["4", 0],
        clip=["4", 1],
    )
    laid["6"]["inputs"]["clip"] = laid["7"]["inputs"]["clip"] = ["10", 1]
    laid["3"]["inputs"]["model"] = ["10", 0]
    return laid


def plain_picture(color: int = 5, prefix: str = "made/plain", **settings: Any) -> Graph:
    """Make a picture of one colour: the least that can be asked for."""
    size = {"width": 64, "height": 64, "batch_size": 1, **settings}
    return {
        "1": node("EmptyImage", color=color, **size),
        "2": node("SaveImage", filename_prefix=prefix, images=["1", 0]),
    }
