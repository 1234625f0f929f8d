"""From what was asked to what will be made, and back again from what was made."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch import toml_text
from plasma_watch.config import Defaults, Limits
from plasma_watch.errors import Code
from plasma_watch.generate.resolve import (
    Plan,
    draw_limit,
    lora_file,
    of_picture,
    pictures,
    resolve,
    slot_problems,
    with_loras,
)
from plasma_watch.generate.template import Template
from plasma_watch.job import Picture
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.request import MAX_DRAWN_SEED, GenerateRequest, Lora, Request, read_request
from plasma_watch.rules import MAX_SEED
from tests.fakes.blueprints import POSE, Blueprint, from_picture, guided, plain, with_lora

DEFAULTS = Defaults()
DRAWN = 4711
POSE_TABLE = {"name": POSE, "image": "pose.png"}


def asked(**keys: Any) -> GenerateRequest:
    """Return a request with a prompt and the keys given."""
    return GenerateRequest.model_validate({"kind": "generate", "prompt": "spyke"} | keys)


def planned(blueprint: Blueprint, **keys: Any) -> Plan:
    """Resolve a request for a template."""
    return resolve(asked(**keys), blueprint.template(), DEFAULTS, DRAWN)


# Which value comes first.


def test_own_word_comes_first() -> None:
    """Whatever template and config say."""
    made = with_lora().changed(lambda made: made.map.update(defaults={"steps": 30}))

    assert planned(made, steps=7).slots["steps"] == 7
    assert planned(made, steps=7).request["steps"] == 7


def test_default_of_the_template_comes_before_that_of_the_config() -> None:
    """The template knows what suits it."""
    made = with_lora().changed(lambda made: made.map.update(defaults={"steps": 30}))

    assert planned(made).request["steps"] == 30


def test_default_of_the_config_comes_before_the_export() -> None:
    """What it was exported with is somebody's experiment."""
    made = plain().changed(lambda made: made.graph["3"]["inputs"].update(steps=99))

    assert planned(made).request["steps"] == DEFAULTS.steps


def test_nothing_is_a_word_too() -> None:
    """An empty text or a zero was asked for: no default takes its place."""
    assert planned(plain(), negative="").slots["negative"] == ""
    assert planned(plain(), cfg=0.0).slots["cfg"] == 0.0


def test_every_default_is_in_the_resolved_request() -> None:
    """In the order in which a request is written."""
    found = planned(with_lora()).request

    assert found == {
        "kind": "generate",
        "workflow": "made",
        "prompt": "spyke",
        "negative": DEFAULTS.negative,
        "seed": DRAWN,
        "steps": DEFAULTS.steps,
        "cfg": DEFAULTS.cfg,
        "sampler": DEFAULTS.sampler,
        "scheduler": DEFAULTS.scheduler,
        "width": DEFAULTS.width,
        "height": DEFAULTS.height,
        "checkpoint": DEFAULTS.checkpoint,
        "count": 1,
        "once": False,
        "note": "",
        "allow_changed_models": False,
    }
    assert list(found) == [key for key in GenerateRequest.model_fields if key in found]


def test_tables_come_after_the_rest() -> None:
    """So that it can be written as TOML."""
    found = planned(with_lora(), lora={"name": "spyke"}).request

    assert list(found)[-1] == "lora"


def test_seed_of_the_request_is_not_drawn() -> None:
    """Also when it is zero."""
    assert planned(plain(), seed=0).request["seed"] == 0


def test_template_without_a_seed_gets_none() -> None:
    """None is drawn for it."""
    assert "seed" not in planned(plain().with_slot("seed")).request


def test_prefix_is_not_for_requests_to_fill() -> None:
    """Each attempt has its own."""
    assert "filename_prefix" not in planned(plain()).slots


# Parts.


def test_part_that_is_not_asked_for_is_left_out() -> None:
    """If it can be."""
    assert planned(with_lora()).left_out == {"lora"}
    assert planned(with_lora(), lora={"name": "spyke"}).left_out == frozenset()
    assert planned(plain()).left_out == frozenset()


def test_part_fills_its_slots() -> None:
    """Its strength has a default of its own."""
    found = planned(guided(), controlnet=POSE_TABLE)

    assert found.slots["controlnet"] == POSE
    assert found.slots["controlnet_image"] == "pose.png"
    assert found.slots["controlnet_strength"] == 0.7
    assert found.request["controlnet"] == {"name": POSE, "image": "pose.png", "strength": 0.7}


def test_part_without_all_its_slots_fills_those_there_are() -> None:
    """A template may fix the strength."""
    made = with_lora().with_slot("lora_strength")

    assert "lora_strength" not in planned(made, lora={"name": "spyke"}).slots


@pytest.mark.parametrize("name", ["spyke", "spyke.safetensors"])
def test_lora_is_resolved_to_its_file(name: str) -> None:
    """In the slot and in the request that makes the same picture again."""
    found = planned(with_lora(), lora={"name": name})

    assert found.slots["lora"] == lora_file(name) == "spyke.safetensors"
    assert found.request["lora"] == {"name": "spyke.safetensors", "strength": 0.8}


# What a template has no place for, and what it must have.


def problems(request: GenerateRequest, template: Template) -> list[tuple[Code, str, int]]:
    """Return code, field and line of each problem."""
    lines = {("steps",): 4, ("lora",): 6, ("lora", "name"): 7}
    return [(p.code, p.field, p.line) for p in slot_problems(request, template, lines)]


def test_key_without_a_slot_is_refused() -> None:
    """With its line, and with what the template has."""
    template = plain().with_slot("steps").template()

    found = list(slot_problems(asked(steps=9), template, {("steps",): 4}))

    assert problems(asked(steps=9), template) == [(Code.WORKFLOW_NO_SLOT, "steps", 4)]
    assert "has no place in the workflow 'made'" in found[0].message
    assert "It has: prompt, negative, seed, cfg" in found[0].hint
    assert "filename_prefix" not in found[0].hint


def test_key_of_a_part_without_a_slot_is_refused() -> None:
    """Each key that was written, and none that is a default."""
    found = problems(asked(lora={"name": "spyke"}), plain().template())

    assert found == [(Code.WORKFLOW_NO_SLOT, "lora.name", 7)]


def test_every_key_without_a_slot_is_told() -> None:
    """At once."""
    request = asked(lora={"name": "spyke", "strength": 0.5}, controlnet=POSE_TABLE)

    fields = [field for _, field, _ in problems(request, plain().template())]

    assert fields == ["lora.name", "lora.strength", "controlnet.name", "controlnet.image"]


def test_keys_with_a_place_are_good() -> None:
    """Those that fill no slot are no concern of the template."""
    request = asked(seed=1, count=2, note="x", chapter=1, page=2, lora={"name": "spyke"})

    assert problems(request, with_lora().template()) == []


@pytest.mark.parametrize(
    ("blueprint", "part"), [(from_picture(), "input"), (guided(), "controlnet")]
)
def test_picture_that_a_template_needs_must_be_given(blueprint: Blueprint, part: str) -> None:
    """If its part cannot be left out; else the export's own picture would be used."""
    fixed = blueprint.changed(lambda made: made.map.pop("optional", None))

    assert problems(asked(), fixed.template()) == [(Code.WORKFLOW_SLOT_EMPTY, part, 0)]
    (found,) = slot_problems(asked(), fixed.template(), {})
    assert found.hint == f"Add a table [{part}]."


def test_picture_that_can_be_left_out_or_was_given_is_not_missed() -> None:
    """Only a fixed one is."""
    assert problems(asked(), guided().template()) == []
    assert problems(asked(input={"image": "a.png"}), from_picture().template()) == []


# Pictures.


def test_count_makes_pictures_with_one_seed_after_another() -> None:
    """Numbered from one."""
    found = pictures(planned(plain(), seed=7, count=3).request)

    assert found == (Picture(1, 7), Picture(2, 8), Picture(3, 9))


def test_template_without_seeds_makes_pictures_all_the_same() -> None:
    """Its pictures are numbered."""
    found = pictures(planned(plain().with_slot("seed"), count=2).request)

    assert found == (Picture(1, 0), Picture(2, 1))


@given(st.integers(1, 10_000))
def test_last_picture_of_a_drawn_seed_is_exact_too(count: int) -> None:
    """In every program that reads JSON."""
    last_drawn = draw_limit(asked(count=count)) - 1

    assert last_drawn + count - 1 < MAX_DRAWN_SEED


def test_request_of_a_picture_makes_it_alone() -> None:
    """With its own seed; what was said about this making is not said again."""
    resolved = planned(plain(), seed=7, count=3, once=True, allow_changed_models=True).request

    found = of_picture(resolved, pictures(resolved)[1])

    assert (found["seed"], found["count"]) == (8, 1)
    assert {"once", "allow_changed_models"} & found.keys() == set()


def test_request_of_a_picture_without_a_seed_has_none() -> None:
    """A template without the slot would refuse it."""
    resolved = planned(plain().with_slot("seed")).request

    assert "seed" not in of_picture(resolved, Picture(1, 0))


# There and back.

LINE = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1).filter(
    str.strip
)
TEXT = st.text(st.characters(codec="utf-8"))
SIDE = st.integers(2, 64).map(lambda n: n * 8)
PLACES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"chapter": st.integers(0, 9999), "page": st.integers(0, 9999)}),
    st.just({"output": "studies/spyke-cloak"}),
)
REQUESTS = st.builds(
    lambda keys, place: asked(**keys, **place),
    st.fixed_dictionaries(
        {"prompt": TEXT},
        optional={
            "negative": TEXT,
            "seed": st.integers(0, MAX_SEED - 200),
            "steps": st.integers(1, 150),
            "cfg": st.floats(0, 100),
            "sampler": LINE,
            "scheduler": LINE,
            "width": SIDE,
            "height": SIDE.map(lambda n: min(n, 512)),
            "checkpoint": st.just("other/model.safetensors"),
            "count": st.integers(1, 200),
            "once": st.booleans(),
            "allow_changed_models": st.booleans(),
            "note": TEXT,
            "lora": st.fixed_dictionaries(
                {"name": st.sampled_from(["spyke", "hero/spyke.safetensors"])},
                optional={"strength": st.floats(-10, 10)},
            ),
        },
    ),
    PLACES,
)


def written(request: dict[str, Any]) -> str:
    """Return the manifest of a resolved request."""
    manifest = Manifest(
        request=request,
        result={"file": "p003_v1.png"},
        engine={"version": "0.3.64"},
        models=[{"name": "a.safetensors", "sha256": "unknown"}],
        inputs=[],
        daemon={"job": "20261122T120000-p003"},
        graph={"3": {"class_type": "KSampler", "inputs": {}}},
        template_sha256="00",
    )
    return manifest.to_toml()


def read(text: str) -> Request:
    """Read a text as it is read when it is dropped."""
    return read_request(text.encode(), Limits(), "p003_v1.toml")[0]


@given(REQUESTS, st.integers(0, MAX_DRAWN_SEED))
def test_request_resolved_written_and_dropped_again_is_the_same(
    request: GenerateRequest, drawn: int
) -> None:
    """Through the manifest of its picture: it resolves to itself, whatever is drawn then."""
    template = with_lora().template()
    resolved = resolve(request, template, DEFAULTS, drawn).request
    own = of_picture(resolved, pictures(resolved)[0])

    again = read(written(own))

    assert isinstance(again, GenerateRequest)
    second = resolve(again, template, Defaults(steps=149, negative="other"), drawn + 1).request
    assert of_picture(second, pictures(second)[0]) == own
    assert list(slot_problems(again, template, {})) == []


@given(REQUESTS)
def test_resolved_request_is_one_whose_fields_were_all_said(request: GenerateRequest) -> None:
    """Nothing that was asked for is lost in it."""
    resolved = resolve(request, with_lora().template(), DEFAULTS, DRAWN).request

    again = GenerateRequest.model_validate(tomllib.loads(toml_text.dumps(resolved)))

    said = request.model_dump(exclude_unset=True, exclude={"workflow", "lora"})
    assert {key: getattr(again, key) for key in said} == said
    assert (again.lora is None) == (request.lora is None)


# Sweeps.


def swept(**sweep: Any) -> dict[str, Any]:
    """Resolve a request that sweeps, for a template with a LoRA."""
    return planned(with_lora(), seed=5, sweep=sweep).request


def test_sweep_makes_every_combination() -> None:
    """The last key changes fastest; each picture knows what it changes."""
    found = pictures(swept(seed=[1, 2], cfg=[5.0, 7.0]))

    assert [(p.number, p.seed, p.changes) for p in found] == [
        (1, 1, {"cfg": 5.0}),
        (2, 2, {"cfg": 5.0}),
        (3, 1, {"cfg": 7.0}),
        (4, 2, {"cfg": 7.0}),
    ]


def test_what_is_dear_to_change_changes_least_often() -> None:
    """A checkpoint is loaded once, whatever the order in the file."""
    names = ["a.safetensors", "b.safetensors"]

    found = pictures(swept(seed=[1, 2, 3], checkpoint=names))

    assert [p.changes["checkpoint"][0] for p in found] == ["a"] * 3 + ["b"] * 3


def test_sweep_without_seeds_has_one_for_all() -> None:
    """So that only what is tried makes a difference."""
    assert {p.seed for p in pictures(swept(steps=[10, 20, 30]))} == {5}


def test_picture_of_a_sweep_has_a_request_of_its_own() -> None:
    """Which makes it again: its values in their places, and no sweep."""
    resolved = swept(lora=["spyke", "mara.safetensors"], lora_strength=[0.4, 0.9], seed=[8])

    found = [of_picture(resolved, picture) for picture in pictures(resolved)]

    assert [request["lora"] for request in found] == [
        {"name": "spyke.safetensors", "strength": 0.4},
        {"name": "spyke.safetensors", "strength": 0.9},
        {"name": "mara.safetensors", "strength": 0.4},
        {"name": "mara.safetensors", "strength": 0.9},
    ]
    assert {request["seed"] for request in found} == {8}
    assert not any("sweep" in request for request in found)
    assert GenerateRequest.model_validate(found[0]).sweep is None


def test_sweep_of_loras_needs_no_lora_beside_it() -> None:
    """Its strength is the usual one; the part is not left out."""
    found = planned(with_lora(), sweep={"lora": ["spyke"]})

    assert found.request["lora"] == {"name": "spyke.safetensors", "strength": 0.8}
    assert found.left_out == frozenset()


def test_sweep_of_prompts_needs_no_prompt_beside_it() -> None:
    """What is swept over stands in place of the key itself."""
    sweep = {"prompt": ["spyke, day", "spyke, night"]}
    request = GenerateRequest.model_validate({"kind": "generate", "sweep": sweep})

    found = pictures(resolve(request, plain().template(), DEFAULTS, DRAWN).request)

    assert [picture.changes["prompt"] for picture in found] == sweep["prompt"]


def test_resolved_sweep_is_a_request_again() -> None:
    """The journal holds it, and the sheet's manifest is it."""
    resolved = swept(cfg=[5.0, 7.0])

    assert resolved["sweep"] == {"cfg": [5.0, 7.0]}
    assert (
        resolve(
            GenerateRequest.model_validate(resolved), with_lora().template(), DEFAULTS, DRAWN
        ).request
        == resolved
    )


def test_sweep_over_what_the_template_has_no_place_for_is_refused() -> None:
    """At its line, as the key itself would be."""
    request = asked(sweep={"lora": ["spyke"], "cfg": [5.0]})

    found = slot_problems(request, plain().template(), {("sweep", "lora"): 9})

    assert [(p.code, p.field, p.line) for p in found] == [
        (Code.WORKFLOW_NO_SLOT, "sweep.lora", 9),
    ]


# LoRAs that were trained here.


def test_the_name_of_a_lora_becomes_its_file() -> None:
    """Its strength stays as it was asked for."""
    request = asked(lora={"name": "spyke", "strength": 0.5})

    found = with_loras(request, {"spyke": "spyke-1f2e3d4c.safetensors"}.__getitem__)

    assert found.lora == Lora(name="spyke-1f2e3d4c.safetensors", strength=0.5)


def test_without_a_lora_nothing_is_asked_for() -> None:
    """Nor installed."""
    request = asked()

    assert with_loras(request, str.upper) is request


def test_the_loras_of_a_sweep_become_their_files_too() -> None:
    """Each version that is to be looked at."""
    request = asked(sweep={"lora": ["spyke", "mara"]})

    found = with_loras(request, lambda name: f"{name}-1.safetensors")

    assert found.sweep
    assert found.sweep.lora == ["spyke-1.safetensors", "mara-1.safetensors"]
    assert found.lora is None
