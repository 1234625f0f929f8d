"""An export becomes a template: untouched, with its values as defaults, and over nothing."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.config import Limits
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate import library
from plasma_watch.generate.adopt.export import read_export
from plasma_watch.generate.adopt.write import Adopted, adopt, put
from plasma_watch.generate.template import Graph
from plasma_watch.job import State
from plasma_watch.request import GenerateRequest
from tests.fakes.blueprints import node, shipped
from tests.fakes.exports import SAMPLERS, enlarged, exported, ksampler
from tests.fakes.studio import Studio

_seeds = itertools.count(2**40)


def adopted(graph: Graph, name: str = "hero") -> Adopted:
    """Adopt a graph."""
    return adopt(read_export(exported(graph), f"{name}.json"), name, Limits())


def changed(graph: Graph, node_id: str, **inputs: Any) -> Graph:
    """Return a graph with other inputs in one node."""
    graph[node_id]["inputs"] |= inputs
    return graph


# What it means where a request is silent.


def test_exported_values_are_the_defaults() -> None:
    """They win over the config's: the artist chose them."""
    graph = changed(ksampler(), "3", steps=33, cfg=4, sampler_name="heun", scheduler="karras")

    assert adopted(graph).template.map.defaults == {
        "negative": ksampler()["7"]["inputs"]["text"],
        "steps": 33,
        "cfg": 4.0,
        "sampler": "heun",
        "scheduler": "karras",
        "width": 512,
        "height": 768,
        "checkpoint": "anything-v5-PrtRE.safetensors",
    }


def test_value_behind_a_link_is_a_default_too() -> None:
    """A primitive node holds it; the slot still leads to who uses it."""
    graph = changed(ksampler(), "3", steps=["30", 0])
    graph["30"] = node("PrimitiveInt", value=17)

    found = adopted(graph).template

    assert found.map.defaults["steps"] == 17
    assert found.map.slots["steps"] == ["3.steps"]


@pytest.mark.parametrize(
    ("node_id", "inputs", "told"),
    [
        ("4", {"ckpt_name": "old.ckpt"}, "checkpoint = 'old.ckpt'"),
        ("5", {"width": 1024}, "width = 1024"),
        ("3", {"steps": 500}, "steps = 500"),
        ("5", {"height": 100}, "height = 100"),
    ],
)
def test_value_that_no_request_may_have_is_no_default(
    node_id: str, inputs: dict[str, Any], told: str
) -> None:
    """It is said; the config's takes its place, for both sides of a size."""
    found = adopted(changed(ksampler(), node_id, **inputs))

    assert any(line.startswith(told) for line in found.kept)
    assert told.partition(" ")[0] not in found.template.map.defaults


def test_size_over_the_limits_leaves_no_half() -> None:
    """A width without its height is another shape."""
    assert (
        not {"width", "height"}
        & adopted(changed(ksampler(), "5", width=1024)).template.map.defaults.keys()
    )


def test_value_that_is_computed_is_no_default() -> None:
    """Nobody knows it."""
    graph = changed(ksampler(), "3", steps=["30", 0])
    graph["30"] = node("MagicNumber", a=1, b=2)

    assert "steps" not in adopted(graph).template.map.defaults


# What is said and written.


def test_what_was_found_is_said_by_title() -> None:
    """In the order of the keys."""
    graph = shipped("txt2img-lora").graph

    found = adopted(graph)

    assert found.placed[0] == "prompt: node 6 'Positive Prompt' (text)"
    assert "lora.name: node 10 'Load LoRA' (lora_name); can be left out" in found.placed
    assert not any("filename_prefix" in line for line in found.placed)


def test_slot_map_is_the_whole_truth() -> None:
    """Packs of unknown nodes and the change of size too."""
    graph = enlarged()
    graph["20"]["class_type"] = "CR Latent Upscale"

    table = tomllib.loads(adopted(graph).slot_map)

    assert table["resizes"] is True
    assert table["requires"]["nodes"] == {"CR Latent Upscale": "ComfyUI_Comfyroll_CustomNodes"}


def test_both_files_are_written(tmp_path: Path) -> None:
    """The workflow as it was exported; a request finds the template."""
    content = exported(ksampler())

    put(adopted(ksampler()), tmp_path / "workflows")

    assert (tmp_path / "workflows" / "hero.json").read_bytes() == content
    assert library.load(tmp_path / "workflows", "hero").map.output == "9"
    assert sorted(p.name for p in (tmp_path / "workflows").iterdir()) == ["hero.json", "hero.toml"]


@pytest.mark.parametrize("there", ["hero.json", "hero.toml"])
def test_nothing_is_replaced(tmp_path: Path, there: str) -> None:
    """Whichever of the two is there."""
    (tmp_path / there).write_text("theirs")

    with pytest.raises(PlasmaError) as caught:
        put(adopted(ksampler()), tmp_path)

    assert caught.value.code is Code.WORKFLOW_TAKEN
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(there, "theirs")]


# That it works.


def asked(name: str, adopted: Adopted, seed: int) -> dict[str, Any]:
    """Return a request that says all that the template has a place for."""
    slots = adopted.template.map.slots
    own = {"negative": "blurry", "steps": 3, "cfg": 4.5, "sampler": "heun", "scheduler": "karras"}
    size = {"width": 64, "height": 128} if "width" in slots else {}
    plain = {key: value for key, value in own.items() if key in slots}
    return {"workflow": name, "prompt": "spyke runs", "seed": seed} | plain | size


@pytest.mark.parametrize("kind", SAMPLERS)
def test_adopted_graph_runs_and_differs_in_its_slots_only(studio: Studio, kind: str) -> None:
    """For every kind of sampler: the seed given is the seed executed, read back from the engine."""
    export = SAMPLERS[kind]()
    found = adopted(export)
    put(found, studio.home.root / "workflows")
    seed = next(_seeds)

    ending = studio.make(**asked("hero", found, seed))

    executed = studio.manifest().graph
    filled = {target for targets in found.template.map.slots.values() for target in targets}
    differ = {
        f"{node_id}.{name}"
        for node_id, made in executed.items()
        for name, value in made["inputs"].items()
        if export[node_id]["inputs"][name] != value
    }
    assert ending.state is State.DONE
    assert executed.keys() == export.keys()
    assert differ <= filled
    seeds = found.template.map.slots["seed"]
    assert seeds
    for target in seeds:
        node_id, _, name = target.partition(".")
        assert executed[node_id]["inputs"][name] == seed
    assert studio.manifest().request["seed"] == seed


def test_adopted_template_makes_what_was_exported(studio: Studio) -> None:
    """When a request says nothing but its prompt."""
    export = changed(ksampler(), "3", steps=3, cfg=4.5, sampler_name="heun")
    changed(export, "5", width=64, height=64)
    put(adopted(export), studio.home.root / "workflows")

    studio.make(workflow="hero", prompt="spyke", seed=next(_seeds))

    executed = studio.manifest().graph
    own = {"6.text", "3.seed", "9.filename_prefix"}
    assert {
        f"{n}.{name}"
        for n, made in executed.items()
        for name, value in made["inputs"].items()
        if export[n]["inputs"][name] != value
    } == own


def test_every_default_is_one_that_a_request_may_have() -> None:
    """Else every request would be refused."""
    for make in SAMPLERS.values():
        defaults = adopted(make()).template.map.defaults
        assert GenerateRequest.model_validate({"kind": "generate", "prompt": "x"} | defaults).prompt
