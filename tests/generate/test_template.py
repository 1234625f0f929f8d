"""A workflow with slots: what is refused, and what filling changes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.template import SLOTS, Graph, Template, fill, is_link, read_template
from tests.fakes.blueprints import Blueprint, from_picture, guided, node, plain, with_lora

NOTHING: frozenset[str] = frozenset()
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "prompt": st.text(),
    "negative": st.text(),
    "seed": st.integers(0, 2**64 - 1),
    "steps": st.integers(1, 150),
    "cfg": st.floats(0, 100),
    "sampler": st.text(min_size=1),
    "scheduler": st.text(min_size=1),
    "width": st.integers(2, 64).map(lambda n: n * 8),
    "height": st.integers(2, 64).map(lambda n: n * 8),
    "checkpoint": st.text(min_size=1),
    "lora": st.text(min_size=1),
    "lora_strength": st.floats(-10, 10),
    "filename_prefix": st.text(min_size=1),
}


def refused(workflow: bytes, slot_map: bytes) -> PlasmaError:
    """Return the error that a pair of files is refused with."""
    with pytest.raises(PlasmaError) as caught:
        read_template("made", workflow, slot_map)
    assert caught.value.code is Code.WORKFLOW_BROKEN
    return caught.value


def inputs(graph: Graph) -> dict[str, Any]:
    """Return every input of a graph by `node.input`."""
    return {f"{n}.{name}": v for n, each in graph.items() for name, v in each["inputs"].items()}


def links(graph: Graph) -> Iterator[str]:
    """Yield the nodes that are linked to."""
    yield from (value[0] for value in inputs(graph).values() if is_link(value))


# What is read.


@pytest.mark.parametrize("blueprint", [plain(), with_lora(), guided(), from_picture()])
def test_whole_templates_are_read(blueprint: Blueprint) -> None:
    """A slot is there when the map names it; a single target counts as a list of one."""
    template = blueprint.template("mine")

    assert template.name == "mine"
    assert template.graph == blueprint.graph
    assert template.map.slots["seed"] == ["3.seed"]
    assert template.has("prompt")
    assert not template.has("motion")


def test_value_of_the_export_is_known() -> None:
    """The first target tells it."""
    template = with_lora().template()

    assert template.exported("steps") == 20
    assert template.exported("lora_strength") == 0.8


def test_hash_tells_apart_what_was_changed() -> None:
    """Either file counts."""
    one = plain().template()
    other_map = plain().changed(lambda made: made.map.update(description="Another."))
    other_graph = plain().changed(lambda made: made.graph["3"]["inputs"].update(steps=21))

    hashes = {one.sha256, other_map.template().sha256, other_graph.template().sha256}

    assert len(hashes) == 3
    assert plain().template("renamed").sha256 == one.sha256


# What is refused.


@pytest.mark.parametrize(
    ("workflow", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe{}", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"{}", "is not a workflow in API format"),
        (b"[]", "is not a workflow in API format"),
        (b'{"3": null}', "is not a workflow in API format"),
        (b'{"3": {"class_type": "KSampler"}}', "is not a workflow in API format"),
        (b'{"3": {"class_type": 3, "inputs": {}}}', "is not a workflow in API format"),
        (b'{"nodes": "none"}', "is not a workflow in API format"),
    ],
)
def test_what_is_no_workflow_is_refused(workflow: bytes, said: str) -> None:
    """The file is named with what is wrong."""
    _, slot_map = plain().files()

    error = refused(workflow, slot_map)

    assert error.message.startswith(f"workflows/made.json: {said}")
    assert "docs/workflows.md" in error.hint


def test_export_of_the_editor_is_told_apart() -> None:
    """The usual mistake has its own way out."""
    editor = json.dumps({"nodes": [], "links": [], "version": 0.4}).encode()

    error = refused(editor, plain().files()[1])

    assert "the editor's format" in error.message
    assert "Export (API)" in error.hint


@pytest.mark.parametrize(
    ("slot_map", "said"),
    [
        (b"output = ", "made.toml"),
        (b"\xff", "made.toml"),
        (b'output = "9"\n', "slots is missing"),
        (b'output = "9"\n[slots]\n', "slots"),
        (b'output = "9"\nslot = 3\n[slots]\nprompt = "6.text"\n', "line 2: slot"),
        (b'output = "9"\n[slots]\nprompt = 6\n', "line 3: slots.prompt"),
        (b'output = "9"\n[slots]\na = "6.text"\n[optional.lora]\nnode = "1"\n', "bypass"),
    ],
)
def test_what_is_no_slot_map_is_refused(slot_map: bytes, said: str) -> None:
    """With the line where there is one."""
    error = refused(plain().files()[0], slot_map)

    assert "workflows/made.toml: " in error.message
    assert said in error.message


def _no_output(made: Blueprint) -> None:
    made.map["output"] = "99"


def _no_linked_input(made: Blueprint) -> None:
    made.map["optional"]["lora"]["bypass"]["0"] = "lora_name"


def _no_bypass(made: Blueprint) -> None:
    del made.map["optional"]["lora"]["bypass"]["1"]


def _no_such_part(made: Blueprint) -> None:
    made.map["optional"]["hero"] = made.map["optional"].pop("lora")


def _no_such_node(made: Blueprint) -> None:
    made.map["optional"]["lora"] = {"node": "99", "bypass": {}}


def _output_is_optional(made: Blueprint) -> None:
    made.map["optional"]["lora"] = {"node": "9", "bypass": {}}


def _no_target(made: Blueprint) -> None:
    made.map["slots"]["seed"] = []


def _default(slot: str) -> Callable[[Blueprint], object]:
    return lambda made: made.map.update(defaults={slot: 1})


@pytest.mark.parametrize(
    ("blueprint", "said"),
    [
        (plain().with_slot("promt", "6.text"), "no slot is called 'promt'; there are prompt, neg"),
        (plain().with_slot("seed", "3.sed"), "slot seed: there is no 3.sed"),
        (plain().with_slot("seed", "99.seed"), "slot seed: there is no 99.seed"),
        (plain().with_slot("seed", "3.seed", "3"), "slot seed: there is no 3"),
        (plain().with_slot("filename_prefix"), "the slot filename_prefix is missing"),
        (plain().changed(_no_output), "the output node 99 is not in the workflow"),
        (with_lora().changed(_no_linked_input), "node 10 has no linked input lora_name"),
        (with_lora().changed(_no_bypass), "output 1 of node 10 has no bypass"),
        (with_lora().changed(_no_such_part), "no part is called 'hero'; there are lora, contr"),
        (with_lora().changed(_no_such_node), "optional lora: node 99 is not in the workflow"),
        (with_lora().changed(_output_is_optional), "optional lora: node 9 is the output node"),
        (with_lora().changed(_no_target), "slots.seed"),
        (with_lora().changed(_default("promt")), "default promt: only a slot of the workflow"),
        (with_lora().changed(_default("denoise")), "default denoise: only a slot of the workflow"),
        (with_lora().changed(_default("lora_strength")), "default lora_strength: only a slot of"),
        (with_lora().changed(_default("filename_prefix")), "default filename_prefix: only a slot"),
    ],
)
def test_map_that_does_not_fit_its_workflow_is_refused(blueprint: Blueprint, said: str) -> None:
    """Whatever it names must be there."""
    assert said in refused(*blueprint.files()).message


def test_everything_that_does_not_fit_is_told_at_once() -> None:
    """So that a map is mended once."""
    made = plain().with_slot("seed", "3.sed").with_slot("steps", "3.step").changed(_no_output)

    message = refused(*made.files()).message

    assert all(part in message for part in ("3.sed", "3.step", "output node 99"))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_a_template_or_refused(workflow: bytes, slot_map: bytes) -> None:
    """Never another error."""
    refused(workflow, slot_map)


# What filling changes.


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_filling_changes_the_slots_and_nothing_else(values: dict[str, Any]) -> None:
    """Whatever is filled in: every target has its value, every other input its own."""
    template = with_lora().template()
    before = copy.deepcopy(template.graph)

    graph = fill(template, values, NOTHING)

    targets = {t: values[slot] for slot in values for t in template.map.slots[slot]}
    assert inputs(graph) == inputs(before) | targets
    assert template.graph == before
    assert {n: each["class_type"] for n, each in graph.items()} == {
        n: each["class_type"] for n, each in before.items()
    }


def test_a_slot_may_have_several_targets() -> None:
    """A LoRA's strength goes into both of its inputs."""
    graph = fill(with_lora().template(), {"lora_strength": 0.25}, NOTHING)

    assert graph["10"]["inputs"]["strength_model"] == 0.25
    assert graph["10"]["inputs"]["strength_clip"] == 0.25


def test_lora_left_out_is_as_if_it_had_never_been_there() -> None:
    """What is left is the workflow without it, link by link."""
    graph = fill(with_lora().template(), {}, frozenset({"lora"}))

    assert graph == plain().graph


def test_guide_left_out_takes_along_what_fed_it_alone() -> None:
    """Its picture and its model are not loaded for nothing."""
    graph = fill(guided().template(), {}, frozenset({"controlnet"}))

    assert graph == plain().graph


def test_what_feeds_something_else_too_stays() -> None:
    """The picture of the pose is the picture to start from as well."""

    def share(made: Blueprint) -> None:
        made.graph["14"] = node("VAEEncode", pixels=["11", 0], vae=["4", 2])
        made.graph["3"]["inputs"]["latent_image"] = ["14", 0]

    graph = fill(guided().changed(share).template(), {}, frozenset({"controlnet"}))

    assert graph["11"]["class_type"] == "LoadImage"
    assert "12" not in graph


def test_what_feeds_a_part_twice_goes_once() -> None:
    """Two links lead from the node that goes to the same loader."""

    def twice(made: Blueprint) -> None:
        made.graph["13"]["inputs"]["mask"] = ["11", 1]

    graph = fill(guided().changed(twice).template(), {}, frozenset({"controlnet"}))

    assert graph == plain().graph


def _both(order: Callable[[list[str]], list[str]]) -> Template:
    """Return a template with a LoRA and a guide that can be left out, one named first."""
    made = guided()
    lora = with_lora()
    made.graph["10"] = lora.graph["10"]
    for other in ("6", "7"):
        made.graph[other]["inputs"]["clip"] = ["10", 1]
    made.graph["3"]["inputs"]["model"] = ["10", 0]
    for slot in ("lora", "lora_strength"):
        made.map["slots"][slot] = lora.map["slots"][slot]
    parts = lora.map["optional"] | made.map["optional"]
    made.map["optional"] = {name: parts[name] for name in order(sorted(parts))}
    return made.template()


@pytest.mark.parametrize("order", [list, lambda names: list(reversed(names))])
def test_several_parts_may_be_left_out(order: Callable[[list[str]], list[str]]) -> None:
    """Their order in the map does not matter."""
    graph = fill(_both(order), {}, frozenset({"lora", "controlnet"}))

    assert graph == plain().graph


@given(st.sets(st.sampled_from(["lora", "controlnet"])))
def test_no_link_leads_to_what_went(left_out: set[str]) -> None:
    """Whatever is left out."""
    graph = fill(_both(list), {}, frozenset(left_out))

    assert set(links(graph)) <= graph.keys()


def test_every_slot_has_a_strategy_here_or_belongs_to_a_picture() -> None:
    """So that a new slot is met by the test above."""
    pictures = {"controlnet", "controlnet_image", "controlnet_strength", "image", "denoise"}

    assert set(SLOTS) == set(VALUES) | pictures


# Titles and keys.


def test_node_is_called_as_in_the_editor() -> None:
    """Else by its class; a node that is not there by its id."""
    made = plain()
    del made.graph["3"]["_meta"]
    template = made.template()

    assert [template.title(node) for node in ("4", "3", "77")] == [
        "Load Checkpoint",
        "KSampler",
        "77",
    ]


def test_keys_that_fill_a_node_are_known() -> None:
    """All of them, or those of one input."""
    template = with_lora().template()

    assert template.keys_of("10") == ["lora.name", "lora.strength", "lora.strength"]
    assert template.keys_of("10", "lora_name") == ["lora.name"]
    assert template.keys_of("9") == []
