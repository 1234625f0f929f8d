"""`gallery`, and what `approve` does to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.fakes.book import page


@pytest.fixture
def output(home: Path) -> Path:
    """An output folder with a page of two versions."""
    for version in (1, 2):
        page(home / "output", 1, 3, version)
    return home / "output"


def row(output: Path, name: str) -> dict[str, Any]:
    """Return what the gallery's data says of a picture."""
    text = (output / ".gallery" / "data" / "ch-01-0001.js").read_text()
    rows = [json.loads(line.rstrip(",")) for line in text.splitlines() if line.startswith("{")]
    return next(row for row in rows if row["id"].endswith(name))


def test_it_says_where_the_page_is(run: Run, output: Path) -> None:
    """And how many pictures are new to it."""
    answer = run("gallery")

    assert answer.code == 0
    assert answer.out == f"{output}/index.html: 2 pictures were new; open it in a browser\n"
    assert "0 pictures were new" in run("gallery").out


def test_it_speaks_json(run: Run, output: Path) -> None:
    """An address that a browser takes."""
    told = json.loads(run("gallery", "--json").out)

    assert told == {"page": (output / "index.html").as_uri(), "new": 2}


def test_it_never_replaces_a_page_of_somebody_else(run: Run, output: Path) -> None:
    """Exit code 2: the config says where the output goes."""
    (output / "index.html").write_text("mine")

    answer = run("gallery")

    assert answer.code == 2
    assert "is no page of ours" in answer.err


def test_an_approved_picture_is_shown_as_such(run: Run, output: Path) -> None:
    """At once, also when no daemon runs; and no more when that is taken back."""
    run("gallery")
    picture = output / "ch-01" / "raw" / "ch01_p003_v2.png"

    assert run("approve", str(picture)).code == 0
    assert row(output, "_v2")["approved"]
    assert not row(output, "_v1")["approved"]

    run("approve", "--undo", str(picture))
    assert not row(output, "_v2")["approved"]


def test_a_picture_is_approved_whatever_becomes_of_the_gallery(run: Run, output: Path) -> None:
    """The manifest is the truth; a program that reads JSON reads nothing else."""
    run("gallery")
    (output / "index.html").write_text("mine")
    picture = output / "ch-01" / "raw" / "ch01_p003_v2.png"

    answer = run("approve", "--json", str(picture))

    assert answer.code == 0
    assert json.loads(answer.out)["approved"] is True
    assert "the gallery does not show it yet" in answer.err


def test_without_a_gallery_none_is_made(run: Run, output: Path) -> None:
    """Who wants one asks for it."""
    run("approve", str(output / "ch-01" / "raw" / "ch01_p003_v2.png"))

    assert not (output / ".gallery").exists()
