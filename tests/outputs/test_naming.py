"""Which name an output gets."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.outputs.naming import (
    Place,
    next_version,
    place_of,
    versions,
    without_version,
)

NFC, NFD = "\u304c", "\u304b\u3099"


@pytest.mark.parametrize(
    ("request_", "name", "folder", "stem"),
    [
        ({"chapter": 1, "page": 3}, "p003", "ch-01/raw", "ch01_p003"),
        ({"chapter": 0, "page": 0}, "p003", "ch-00/raw", "ch00_p000"),
        ({"chapter": 123, "page": 4567}, "p003", "ch-123/raw", "ch123_p4567"),
        ({"output": "studies/spyke-cloak"}, "p003", "studies", "spyke-cloak"),
        ({"output": "spyke"}, "p003", ".", "spyke"),
        ({}, "p003", ".", "p003"),
        ({}, "p003_v7", ".", "p003"),
        ({"output": ""}, "p003", ".", "p003"),
    ],
)
def test_a_request_says_where_its_pictures_go(
    request_: dict[str, Any], name: str, folder: str, stem: str
) -> None:
    """Chapter with page comes first, then the output, then the request's own name."""
    assert Place(PurePosixPath(folder), stem) == place_of(request_, name)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("p003", "p003"),
        ("p003_v1", "p003"),
        ("p003_v12", "p003"),
        ("a_v1_v2", "a_v1"),
        ("_v1", "_v1"),
        ("p003_v", "p003_v"),
        ("p003_vx", "p003_vx"),
        ("p003_V3", "p003"),
        ("line\nbreak_v3", "line\nbreak"),
    ],
)
def test_a_manifest_dropped_again_makes_the_next_version(name: str, stem: str) -> None:
    """`ch01_p003_v1.toml` asks for `ch01_p003_v2`, not for `ch01_p003_v1_v1`."""
    assert stem == without_version(name)


@pytest.mark.parametrize(
    ("there", "version"),
    [
        ([], 1),
        (["p_v1.png"], 2),
        (["p_v1.toml"], 2),
        (["p_v1.png", "p_v3.png"], 4),
        (["p_v9.png", "p_v10.png"], 11),
        (["p_v007.png"], 8),
        (["P_v4.PNG"], 5),
        (["q_v5.png", "pp_v6.png", "p.png", "p_v7.jpg", "p_vx.png", "_v8.png"], 1),
        ([".p_v5.png", ".p_v5.png.tmp"], 1),
        (["p_v1_v9.png"], 1),
        (["p_v0.png"], 1),
        (["p_v9999999999.png"], 1),
    ],
)
def test_the_next_version_is_the_highest_plus_one(there: list[str], version: int) -> None:
    """A gap is not filled: a version that was taken away is not given out again below a higher."""
    assert version == next_version("p", there)


@pytest.mark.parametrize(("stem", "there"), [(NFC, NFD), (NFD, NFC), ("Page", "pAGE"), ("ß", "SS")])
def test_names_that_a_mac_holds_for_one_count_as_one(stem: str, there: str) -> None:
    """Unicode form and case do not tell two pictures apart."""
    assert next_version(stem, [f"{there}_v3.png"]) == 4


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1), st.integers(1, 999_999_998))
def test_every_version_is_found_again(stem: str, number: int) -> None:
    """Whatever a stem holds, its own file names lead back to it."""
    file = f"{Place(PurePosixPath(), stem).version(number)}.png"

    assert [number] == list(versions(stem, [file]))
    assert number + 1 == next_version(stem, [file])
    assert stem == without_version(file.removesuffix(".png"))
