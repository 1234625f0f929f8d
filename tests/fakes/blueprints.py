"""Workflows with their slot maps, still open to be changed before they are read as templates."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch import toml_text
from plasma_watch.generate.template import Graph, Template, read_template

SHIPPED = Path(__file__).parents[2] / "workflows"
POSE = "control_v11p_sd15_openpose.pth"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A workflow and its slot map, as tables."""

    graph: Graph
    map: dict[str, Any]

    def files(self) -> tuple[bytes, bytes]:
        """Return the bytes of the two files."""
        return json.dumps(self.graph).encode(), toml_text.dumps(self.map).encode()

    def template(self, name: str = "made") -> Template:
        """Read it as a template."""
        return read_template(name, *self.files())

    def write(self, folder: Path, name: str) -> None:
        """Put it into a folder of workflows."""
        workflow, slot_map = self.files()
        (folder / f"{name}.json").write_bytes(workflow)
        (folder / f"{name}.toml").write_bytes(slot_map)

    def changed(self, change: Callable[[Blueprint], object]) -> Blueprint:
        """Return a copy with a change made in it."""
        made = copy.deepcopy(self)
        change(made)
        return made

    def with_slot(self, slot: str, *targets: str) -> Blueprint:
        """Return a copy with a slot that leads there; without targets it has none."""

        def change(made: Blueprint) -> None:
            made.map["slots"].pop(slot, None)
            if targets:
                made.map["slots"][slot] = list(targets)

        return self.changed(change)


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """Return a node."""
    return {"class_type": class_type, "inputs": inputs}


def shipped(name: str) -> Blueprint:
    """Return a workflow that is shipped."""
    graph = json.loads((SHIPPED / f"{name}.json").read_bytes())
    return Blueprint(graph, tomllib.loads((SHIPPED / f"{name}.toml").read_text("utf-8")))


def plain() -> Blueprint:
    """Return text to picture, with nothing that can be left out."""
    return shipped("txt2img")


def with_lora() -> Blueprint:
    """Return text to picture with a LoRA that can be left out."""
    return shipped("txt2img-lora")


def guided() -> Blueprint:
    """Return text to picture along a pose that can be left out."""
    made = plain()
    made.graph["11"] = node("LoadImage", image="pose.png")
    made.graph["12"] = node("ControlNetLoader", control_net_name=POSE)
    made.graph["13"] = node(
        "ControlNetApplyAdvanced",
        positive=["6", 0],
        negative=["7", 0],
        control_net=["12", 0],
        image=["11", 0],
        strength=1.0,
        start_percent=0.0,
        end_percent=1.0,
    )
    made.graph["3"]["inputs"] |= {"positive": ["13", 0], "negative": ["13", 1]}
    made.map["slots"] |= {
        "controlnet": "12.control_net_name",
        "controlnet_image": "11.image",
        "controlnet_strength": "13.strength",
    }
    made.map["optional"] = {
        "controlnet": {"node": "13", "bypass": {"0": "positive", "1": "negative"}}
    }
    return made


def from_picture() -> Blueprint:
    """Return picture to picture: the picture is needed, and decides the size."""
    made = plain()
    made.graph["5"] = node("LoadImage", image="before.png")
    made.graph["11"] = node("VAEEncode", pixels=["5", 0], vae=["4", 2])
    made.graph["3"]["inputs"]["latent_image"] = ["11", 0]
    for slot in ("width", "height"):
        del made.map["slots"][slot]
    made.map["slots"] |= {"image": "5.image", "denoise": "3.denoise"}
    return made


def of_one_colour(count: int = 1) -> Blueprint:
    """Return what makes black pictures, without a model."""
    graph = {
        "1": node("EmptyImage", width=512, height=768, batch_size=count, color=0),
        "9": node("SaveImage", filename_prefix="plasma", images=["1", 0]),
    }
    slots = {"width": "1.width", "height": "1.height", "filename_prefix": "9.filename_prefix"}
    return Blueprint(graph, {"output": "9", "slots": slots})
