"""A graph is judged as the engine judges it, good outputs beside bad ones."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.sandbox.catalog import Catalog
from plasma_watch.sandbox.folders import Folders, prepare
from plasma_watch.sandbox.graph import Graph
from plasma_watch.sandbox.validate import Verdict, validate

from .graphs import node, plain_picture, text_to_image, with_lora

Judge = Callable[..., Verdict]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Judge by the nodes of a base directory that was just made."""
    folders = Folders(tmp_path)
    prepare(folders)
    (folders.input / "ref.png").touch()
    catalog = Catalog(folders)
    return lambda graph, targets=None: validate(graph, catalog, folders.has_picture, targets)


def changed(node_id: str, graph: Graph | None = None, **inputs: Any) -> Graph:
    """Change a node of a good graph."""
    copy = deepcopy(graph or with_lora(text_to_image()))
    copy[node_id]["inputs"].update(inputs)
    return copy


def without(node_id: str, name: str) -> Graph:
    """Take an input away from a good graph."""
    copy = with_lora(text_to_image())
    del copy[node_id]["inputs"][name]
    return copy


def kinds(verdict: Verdict, node_id: str) -> list[str]:
    """List what is wrong with a node."""
    return [reason["type"] for reason in verdict.node_errors[node_id]["errors"]]


def test_good_graph_may_run(judge: Judge) -> None:
    """All its outputs, and nothing is said against it."""
    verdict = judge(with_lora(text_to_image()))

    assert verdict.outputs == ("9",)
    assert (verdict.error, verdict.node_errors) == (None, {})


@pytest.mark.parametrize(
    ("graph", "node_id", "kind"),
    [
        (changed("4", ckpt_name="nope.safetensors"), "4", "value_not_in_list"),
        (changed("4", ckpt_name=None), "4", "value_not_in_list"),
        (changed("10", lora_name="nope.safetensors"), "10", "value_not_in_list"),
        (changed("3", sampler_name="eulerr"), "3", "value_not_in_list"),
        (changed("5", width=0), "5", "value_smaller_than_min"),
        (changed("5", width=16392), "5", "value_bigger_than_max"),
        (changed("3", seed=-1), "3", "value_smaller_than_min"),
        (changed("3", seed=2**64), "3", "value_bigger_than_max"),
        (changed("3", seed="abc"), "3", "invalid_input_type"),
        (changed("3", cfg=None), "3", "invalid_input_type"),
        (changed("8", samples=["4", 0]), "8", "return_type_mismatch"),
        (changed("4", ckpt_name=["6", 0]), "4", "return_type_mismatch"),
        (changed("8", samples=["3"]), "8", "bad_linked_input"),
        (changed("8", samples=["99", 0]), "8", "exception_during_inner_validation"),
        (changed("8", samples=["3", 7]), "8", "exception_during_inner_validation"),
        (changed("8", samples=[3, 0]), "8", "exception_during_inner_validation"),
        (changed("9", images=["99", 0]), "9", "exception_during_validation"),
        (without("3", "seed"), "3", "required_input_missing"),
    ],
)
def test_fault_is_found_where_the_engine_finds_it(
    judge: Judge, graph: Graph, node_id: str, kind: str
) -> None:
    """Of this kind, at this node, and no output may run."""
    verdict = judge(graph)

    assert kinds(verdict, node_id) == [kind]
    assert verdict.node_errors[node_id]["dependent_outputs"] == ["9"]
    assert verdict.outputs == ()
    assert verdict.error is not None
    assert verdict.error["type"] == "prompt_outputs_failed_validation"


def test_all_faults_of_a_node_are_told(judge: Judge) -> None:
    """Not only the first."""
    verdict = judge(changed("3", seed=-1, steps=0))

    assert kinds(verdict, "3") == ["value_smaller_than_min", "value_smaller_than_min"]


def test_reason_for_the_whole_is_told_only_for_outputs(judge: Judge) -> None:
    """What is wrong further up stands with its node alone."""
    above = judge(changed("3", seed=-1)).error
    at_the_end = judge(changed("9", images=["99", 0])).error

    assert above is not None
    assert above["details"] == ""
    assert at_the_end is not None
    assert at_the_end["details"] == "Exception when validating node: '99'"


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ({"seed": 1.9}, {"seed": 1}),
        ({"seed": "12"}, {"seed": 12}),
        ({"seed": True}, {"seed": 1}),
        ({"seed": {"__value__": 9}}, {"seed": 9}),
        ({"cfg": 5}, {"cfg": 5.0}),
    ],
)
def test_value_is_made_what_it_must_be(
    judge: Judge, sent: dict[str, Any], taken: dict[str, Any]
) -> None:
    """The graph that runs holds the made one, the graph that was sent stays as it was."""
    graph = changed("3", **sent)
    verdict = judge(graph)

    assert {name: verdict.graph["3"]["inputs"][name] for name in taken} == taken
    assert {name: graph["3"]["inputs"][name] for name in sent} == sent


@pytest.mark.parametrize(("sent", "taken"), [(None, "None"), (5, "5")])
def test_anything_can_be_a_text(judge: Judge, sent: object, taken: str) -> None:
    """Even nothing."""
    assert judge(changed("6", text=sent)).graph["6"]["inputs"]["text"] == taken


@pytest.mark.parametrize("extra", [{"width": 17}, {"nonsense": 1}])
def test_some_nonsense_is_let_through(judge: Judge, extra: dict[str, Any]) -> None:
    """Steps of eight and unknown names are not checked."""
    assert judge(changed("5", **extra)).outputs == ("9",)


def test_text_in_the_place_of_a_link_is_let_through(judge: Judge) -> None:
    """It fails when it runs."""
    assert judge(changed("8", samples="3")).outputs == ("9",)


@pytest.mark.parametrize(
    ("graph", "kind", "message"),
    [
        ({}, "prompt_no_outputs", "Prompt has no outputs"),
        ({"1": node("EmptyImage")}, "prompt_no_outputs", "Prompt has no outputs"),
        ({"1": node("Nope")}, "invalid_prompt", "node Nope does not exist."),
        ({"1": {"inputs": {}}}, "invalid_prompt", "missing the class_type property."),
        ({"1": "text"}, "invalid_prompt", "missing the class_type property."),
    ],
)
def test_whole_graph_is_refused(judge: Judge, graph: Graph, kind: str, message: str) -> None:
    """Before any node is checked."""
    error = judge(graph).error

    assert error is not None
    assert error["type"] == kind
    assert error["message"].endswith(message)


@pytest.mark.parametrize("graph", [None, "x", 5, {"1": None}, {"1": {"class_type": []}}])
def test_what_is_no_graph_trips_the_judge(judge: Judge, graph: Any) -> None:
    """As it trips the engine, which answers with a 500."""
    with pytest.raises(TypeError):
        judge(graph)


def test_good_output_runs_beside_a_bad_one(judge: Judge) -> None:
    """The answer is a yes that carries errors: the trap of partial acceptance."""
    graph = changed("3", steps=0) | {
        "20": node("EmptyImage", width=64, height=64, batch_size=1, color=5),
        "21": node("SaveImage", filename_prefix="x", images=["20", 0]),
    }
    verdict = judge(graph)

    assert verdict.outputs == ("21",)
    assert verdict.error is None
    assert verdict.node_errors["3"]["dependent_outputs"] == ["9"]


def test_only_targets_are_outputs(judge: Judge) -> None:
    """Those that were asked for."""
    graph = plain_picture() | {"3": node("PreviewImage", images=["1", 0])}

    assert judge(graph).outputs == ("2", "3")
    assert judge(graph, ["3"]).outputs == ("3",)
    assert judge(graph, []).error is not None


def test_node_without_inputs_blames_who_needs_it(judge: Judge) -> None:
    """By the text of the exception."""
    graph = with_lora(text_to_image())
    del graph["3"]["inputs"]

    assert judge(graph).node_errors["3"]["errors"][0]["details"] == "'inputs'"


def test_circle_is_bad_without_a_reason(judge: Judge) -> None:
    """The engine runs out of stack there and forgets why."""
    verdict = judge(changed("3", latent_image=["3", 0]))

    assert verdict.outputs == ()
    assert verdict.node_errors == {}


def test_later_output_is_judged_after_a_crash(judge: Judge) -> None:
    """The path to the crash is forgotten."""
    graph = plain_picture() | {"0": node("SaveImage", filename_prefix="x", images=["99", 0])}

    assert judge(graph).outputs == ("2",)


class TestLoadedPicture:
    """A picture has a rule of its own in the place of the list."""

    @staticmethod
    def graph(**inputs: Any) -> Graph:
        """Load a picture and save it."""
        return {
            "1": node("LoadImage", **inputs),
            "2": node("SaveImage", filename_prefix="x", images=["1", 0]),
        }

    def test_picture_need_not_be_listed(self, judge: Judge, tmp_path: Path) -> None:
        """It only must be there."""
        (tmp_path / "input/noext").touch()

        assert judge(self.graph(image="noext")).outputs == ("2",)
        assert judge(self.graph(image="ref.png [input]")).outputs == ("2",)

    def test_missing_picture_is_named(self, judge: Judge) -> None:
        """By the name that was sent."""
        verdict = judge(self.graph(image="nope.png"))

        assert verdict.node_errors["1"]["errors"][0]["details"] == (
            "image - Invalid image file: nope.png"
        )

    @pytest.mark.parametrize("inputs", [{}, {"image": 5}, {"image": ["9", 0]}, {"image": ["1", 1]}])
    def test_rule_breaks_down_over_what_is_no_name(
        self, judge: Judge, inputs: dict[str, Any]
    ) -> None:
        """None, a number, or a link that has no value yet."""
        assert kinds(judge(self.graph(**inputs)), "1") == ["exception_during_inner_validation"]
