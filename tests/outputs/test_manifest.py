"""How an output was made, as text and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.config import Limits
from plasma_watch.outputs.manifest import UNKNOWN, Manifest, changed
from plasma_watch.request import GenerateRequest, read_request

MADE = datetime(2026, 11, 22, 4, 15, 30, tzinfo=UTC)
REQUEST: dict[str, Any] = {
    "kind": "generate",
    "workflow": "txt2img-lora",
    "chapter": 1,
    "page": 3,
    "prompt": 'spyke, "ginger" hair \\ 白い',
    "seed": 2**53 - 1,
    "cfg": 7.0,
    "count": 1,
    "lora": {"name": "spyke-0a1b2c3d.safetensors", "strength": 0.8},
}
GRAPH = {"3": {"class_type": "KSampler", "inputs": {"seed": 2**64 - 1, "model": ["4", 0]}}}


def a_manifest(**changes: Any) -> Manifest:
    """Return a manifest with everything in it."""
    fields: dict[str, Any] = {
        "request": REQUEST,
        "result": {"file": "ch01_p003_v1.png", "sha256": "ab", "made": MADE, "sandbox": False},
        "engine": {"version": "0.3.64", "arguments": ["--force-fp16"]},
        "models": [{"name": "anything.safetensors", "sha256": UNKNOWN}],
        "inputs": [{"name": "poses/p003.png", "sha256": "cd"}],
        "daemon": {"version": "0.1.0", "job": "20261122T041512-p003", "picture": 1},
        "graph": GRAPH,
        "template_sha256": "ef",
    }
    return Manifest(**fields | changes)


def test_a_manifest_comes_back_as_it_was_written() -> None:
    """Nothing is lost on the way through the file, the largest seed included."""
    manifest = a_manifest()

    assert manifest == Manifest.from_toml(manifest.to_toml())


def test_a_manifest_starts_with_the_request() -> None:
    """Who opens it reads what was asked first; the facts come behind."""
    text = a_manifest().to_toml()

    assert text.startswith('kind = "generate"\n')
    assert text.index("[lora]") < text.index("[result]")


def test_a_manifest_is_a_request_that_asks_for_the_same() -> None:
    """Dropped as it is, it makes the picture again: the tables are facts, not instructions."""
    request, _ = read_request(a_manifest().to_toml().encode(), Limits(), "ch01_p003_v1.toml")

    assert isinstance(request, GenerateRequest)
    asked = request.model_dump(include=set(REQUEST))
    assert asked == REQUEST


def test_without_models_and_inputs_the_tables_are_left_out() -> None:
    """An empty list says nothing, and is read back as an empty list."""
    manifest = a_manifest(models=[], inputs=[])

    assert "[[models]]" not in manifest.to_toml()
    assert manifest == Manifest.from_toml(manifest.to_toml())


def test_times_are_written_in_utc_with_a_z() -> None:
    """Whatever zone a time comes in, a reader of TOML and a reader of text see the same."""
    tokyo = MADE.astimezone(timezone(timedelta(hours=9)))

    assert "made = 2026-11-22T04:15:30Z\n" in a_manifest(result={"made": tokyo}).to_toml()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS
TABLES = st.dictionaries(TEXTS, SCALARS | st.lists(SCALARS, max_size=3), max_size=4)
NAMED = st.lists(st.fixed_dictionaries({"name": TEXTS, "sha256": TEXTS}), max_size=3)
TAKEN = ("result", "engine", "models", "inputs", "daemon", "graph")


@given(
    request=st.dictionaries(TEXTS.filter(lambda key: key not in TAKEN), SCALARS | TABLES),
    tables=st.fixed_dictionaries(dict.fromkeys(("result", "engine", "daemon"), TABLES)),
    models=NAMED,
    inputs=NAMED,
    graph=st.dictionaries(TEXTS, TABLES, max_size=3),
)
def test_every_manifest_makes_the_round_trip(
    request: dict[str, Any],
    tables: dict[str, dict[str, Any]],
    models: list[dict[str, str]],
    inputs: list[dict[str, str]],
    graph: dict[str, Any],
) -> None:
    """Any text, number and nesting that TOML can hold is read back as it was written."""
    facts = {name: table | {"known": True} for name, table in tables.items()}
    manifest = a_manifest(request=request, models=models, inputs=inputs, graph=graph, **facts)

    assert manifest == Manifest.from_toml(manifest.to_toml())


EMPTY = "result = {}\nengine = {}\ndaemon = {}\n[graph]\njson = '{}'\ntemplate_sha256 = 'a'\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        'kind = "generate"',
        "not toml",
        "result = {}\nengine = {}\ndaemon = {}\n",
        'result = {}\nengine = {}\ndaemon = {}\ngraph = "text"\n',
        "result = {}\nengine = {}\ndaemon = {}\n[graph]\ntemplate_sha256 = 'a'\n",
        "result = {}\nengine = {}\ndaemon = {}\n[graph]\njson = '{'\ntemplate_sha256 = 'a'\n",
        "result = {}\nengine = {}\ndaemon = {}\n[graph]\njson = 5\ntemplate_sha256 = 'a'\n",
        "result = 5\nengine = {}\ndaemon = {}\n[graph]\njson = '{}'\ntemplate_sha256 = 'a'\n",
        "result = {}\nengine = {}\ndaemon = 'x'\n[graph]\njson = '{}'\ntemplate_sha256 = 'a'\n",
        "result = {}\nengine = {}\ndaemon = {}\n[graph]\njson = '[]'\ntemplate_sha256 = 'a'\n",
        "models = 5\n" + EMPTY,
        "inputs = ['a']\n" + EMPTY,
    ],
)
def test_what_is_no_manifest_is_told_as_such(text: str) -> None:
    """People put other TOML files beside pictures; none of them makes us stumble."""
    with pytest.raises(ValueError, match=r"."):
        Manifest.from_toml(text)


def test_a_manifest_that_people_shortened_is_read() -> None:
    """A result without a digest is still a result."""
    manifest = a_manifest(result={"file": "a.png"}, models=[], inputs=[])

    assert manifest.result == Manifest.from_toml(manifest.to_toml()).result


@pytest.mark.parametrize(
    ("before", "now", "names"),
    [
        ([("a", "1")], [("a", "1")], []),
        ([("a", "1")], [("a", "2")], ["a"]),
        ([("a", "1"), ("b", "1")], [("b", "2"), ("a", "2")], ["a", "b"]),
        ([("a", UNKNOWN)], [("a", "2")], []),
        ([("a", "1")], [("a", UNKNOWN)], []),
        ([("a", "1")], [("b", "2")], []),
        ([("a", "1")], [], []),
        ([], [("a", "1")], []),
    ],
)
def test_only_what_is_known_both_times_can_have_changed(
    before: list[tuple[str, str]], now: list[tuple[str, str]], names: list[str]
) -> None:
    """A model that cannot be hashed here is no proof of a change."""
    assert names == changed(_named(before), _named(now))


def _named(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "sha256": sha256} for name, sha256 in pairs]


def test_what_a_person_took_out_of_a_manifest_proves_nothing() -> None:
    """An entry without its digest or without its name is passed over."""
    now = _named([("a", "1")])

    assert changed([{"name": "a"}, {"sha256": "2"}, {}], now) == []


@pytest.mark.parametrize("odd", [{"name": 7, "sha256": "2"}, {"name": "a", "sha256": ["2"]}])
def test_what_a_person_wrote_into_a_manifest_proves_nothing(odd: dict[str, Any]) -> None:
    """Names and digests are text."""
    assert changed([odd], _named([("a", "1")])) == []


MODEL = {"name": "spyke.safetensors", "folder": "loras", "sha256": "1"}
TWIN = MODEL | {"folder": "checkpoints", "sha256": "2"}


def test_models_of_one_name_are_told_apart_by_their_folders() -> None:
    """A checkpoint and a LoRA may share it."""
    assert changed([MODEL, TWIN], [TWIN, MODEL]) == []
    assert changed([MODEL], [TWIN, MODEL | {"sha256": "3"}]) == ["spyke.safetensors"]


def test_model_without_a_folder_is_any_of_its_name() -> None:
    """As in a manifest that was written by hand."""
    without = {"name": MODEL["name"], "sha256": "1"}

    assert changed([without], [TWIN, MODEL]) == []
    assert changed([without], [TWIN]) == ["spyke.safetensors"]
