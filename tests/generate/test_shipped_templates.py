"""Every template that is shipped makes a picture, whole and with each of its parts left out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from plasma_watch.generate.template import PARTS
from plasma_watch.job import State
from tests.fakes.blueprints import POSE, SHIPPED, shipped
from tests.fakes.drawings import drawn
from tests.fakes.studio import Studio

NAMES = sorted(path.stem for path in SHIPPED.glob("*.json"))
TABLES: dict[str, dict[str, Any]] = {
    "lora": {"name": "spyke", "strength": 0.5},
    "controlnet": {"name": POSE, "image": "pose.png", "strength": 0.6},
    "input": {"image": "before.png", "denoise": 0.4},
}
CLASSES = {
    "lora": {"LoraLoader"},
    "controlnet": {"ControlNetLoader", "ControlNetApplyAdvanced"},
}


def cases() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every template with every choice of what is left out."""
    for name in NAMES:
        optional = sorted(shipped(name).map.get("optional", {}))
        for count in range(len(optional) + 1):
            yield from ((name, out) for out in itertools.combinations(optional, count))


def asked(name: str, left_out: tuple[str, ...]) -> dict[str, Any]:
    """Return what a request for a template says."""
    slots = shipped(name).map["slots"]
    parts = [part for part in PARTS if PARTS[part][0] in slots and part not in left_out]
    return {"workflow": name, **{part: TABLES[part] for part in parts}}


@pytest.fixture
def posed(studio: Studio) -> Studio:
    """A home with a pose and a picture to start from, of another size than is asked for."""
    drawn(80, 120).save(studio.home.root / "pose.png")
    drawn(200, 100).save(studio.home.root / "before.png")
    for path in SHIPPED.iterdir():
        (studio.home.root / "workflows" / path.name).write_bytes(path.read_bytes())
    return studio


@pytest.mark.parametrize(
    ("name", "left_out"),
    list(cases()),
    ids=lambda case: "-".join([case] if isinstance(case, str) else case),
)
def test_shipped_template_makes_a_picture(
    posed: Studio, name: str, left_out: tuple[str, ...]
) -> None:
    """What is left out is taken out of the graph with all that fed only it."""
    ending = posed.make(**asked(name, left_out))

    graph = posed.manifest().graph
    classes = {node["class_type"] for node in graph.values()}
    assert ending.state is State.DONE
    for part in left_out:
        assert not classes & CLASSES[part]
    there = set(CLASSES) & set(asked(name, left_out))
    assert {node for part in there for node in CLASSES[part]} <= classes
    assert (posed.manifest().result["width"], posed.manifest().result["height"]) == (64, 64)


def test_pose_is_taken_out_with_its_picture(posed: Studio) -> None:
    """And the picture to start from stays, though it is loaded by a node of the same class."""
    posed.make(**asked("img2img-lora-controlnet", ("controlnet",)))

    graph = posed.manifest().graph
    assert [
        node["_meta"]["title"] for node in graph.values() if node["class_type"] == "LoadImage"
    ] == ["Picture to start from"]


def test_values_of_the_parts_are_where_they_belong(posed: Studio) -> None:
    """As the engine executed them."""
    posed.make(**asked("img2img-lora-controlnet", ()))

    graph = posed.manifest().graph
    assert graph["13"]["inputs"]["strength"] == 0.6
    assert graph["12"]["inputs"]["control_net_name"] == POSE
    assert graph["3"]["inputs"]["denoise"] == 0.4
    assert graph["11"]["inputs"]["image"] != graph["14"]["inputs"]["image"]
    assert [item["name"] for item in posed.manifest().inputs] == ["pose.png", "before.png"]


def test_what_a_shipped_template_needs_is_said() -> None:
    """Also where it is found."""
    for name in NAMES:
        blueprint = shipped(name)
        assert blueprint.map["description"]
        if "controlnet" in blueprint.map["slots"]:
            assert POSE in blueprint.map["requires"]["models"]
