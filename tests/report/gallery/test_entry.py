"""What the gallery keeps of one picture, from its manifest."""

from __future__ import annotations

import json
import tomllib
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.report.gallery.entry import Entry, entry_of, lora_name
from plasma_watch.request import GenerateRequest
from tests.fakes.book import manifest

PAGE = PurePosixPath("ch-01/raw/ch01_p003_v2.png")


def entry(path: PurePosixPath = PAGE, **keys: Any) -> Entry:
    """Return the entry of a picture; keys given are its request's."""
    return entry_of(path, manifest(path.name, b"", 7, **keys).to_toml(), "seen", "thumb")


def test_a_row_finds_and_shows_a_picture() -> None:
    """Place, version, size, when it was made, and the request's own words."""
    row = entry(chapter=1, page=3, lora={"name": "spyke-1f2e3d4c.safetensors", "strength": 0.8}).row

    assert row["id"] == "ch-01/raw/ch01_p003_v2"
    assert row["picture"] == "ch-01/raw/ch01_p003_v2.png"
    assert (row["stem"], row["version"]) == ("ch-01/raw/ch01_p003", 2)
    assert (row["width"], row["height"]) == (64, 96)
    assert (row["made"], row["approved"]) == ("2026-11-22T12:07:00Z", "")
    assert (row["chapter"], row["page"], row["lora"]) == (1, 3, "spyke")
    assert row["told"]["seed"] == "1007"
    assert row["told"]["lora.strength"] == "0.8"
    assert (row["seen"], row["thumb"]) == ("seen", "thumb")


def test_a_picture_of_no_chapter_has_no_page() -> None:
    """It is called by its name."""
    row = entry(PurePosixPath("studies/cloak_v1.png")).row

    assert (row["chapter"], row["page"], row["stem"]) == (-1, -1, "studies/cloak")


def test_a_seed_stays_exact() -> None:
    """A page's script would round a number as large."""
    assert entry(seed=2**64 - 1).row["told"]["seed"] == "18446744073709551615"


def test_marks_are_told() -> None:
    """Approved, made by the sandbox, a sheet."""
    row = entry(result={"approved": _time("approved"), "sandbox": True, "sheet": True}).row

    assert (row["approved"], row["sandbox"], row["sheet"]) == ("2026-11-23T08:00:00Z", True, True)


def _time(key: str) -> Any:
    return tomllib.loads(f"{key} = 2026-11-23T08:00:00Z")[key]


def test_the_request_can_be_dropped_again() -> None:
    """It is the manifest without its facts, as TOML."""
    more = entry(chapter=1, page=3, note='say "hi"').more

    request = GenerateRequest.model_validate(tomllib.loads(more["request"]))
    assert (request.chapter, request.page, request.seed) == (1, 3, 1007)
    assert request.note == 'say "hi"'
    assert "result" not in more["request"]


def test_facts_and_graph_are_kept_apart() -> None:
    """A graph is long, and for the few."""
    more = entry().more

    assert tomllib.loads(more["facts"])["engine"]["version"] == "0.3.64"
    assert "graph" not in tomllib.loads(more["facts"])
    assert json.loads(more["graph"])["3"]["class_type"] == "KSampler"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("spyke-1f2e3d4c.safetensors", "spyke"),
        ("spyke.safetensors", "spyke"),
        ("spyke", "spyke"),
        ("a-hero-of-old.safetensors", "a-hero-of-old"),
        ("", ""),
    ],
)
def test_a_lora_is_called_as_people_do(file: str, name: str) -> None:
    """Whatever version of it is installed."""
    assert lora_name(file) == name


@pytest.mark.parametrize("text", ["", "x = 1", "result = 3", "not toml [", "[result"])
def test_what_is_no_manifest_is_no_entry(text: str) -> None:
    """Other TOML files lie beside other pictures."""
    with pytest.raises(ValueError, match=r"manifest|TOML|Expected|Invalid|at end|line"):
        entry_of(PAGE, text, "", "")


@given(
    st.dictionaries(
        st.sampled_from(["chapter", "page", "prompt", "seed", "note", "lora", "steps", "cfg"]),
        st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.lists(st.integers())),
    ),
    st.dictionaries(
        st.sampled_from(["width", "height", "made", "approved", "sandbox"]),
        st.one_of(st.text(max_size=5), st.integers(), st.dates()),
    ),
)
def test_a_manifest_that_a_person_wrote_is_an_entry(
    request: dict[str, Any], result: dict[str, Any]
) -> None:
    """Values of any kind; its data is JSON in ASCII, and numbers in it are small."""
    text = manifest(PAGE.name, b"", 1, **request, result=result).to_toml()

    row = entry_of(PAGE, text, "", "").row

    assert json.loads(json.dumps(row)) == row
    assert all(abs(row[key]) < 2**53 for key in ("width", "height", "chapter", "page"))
