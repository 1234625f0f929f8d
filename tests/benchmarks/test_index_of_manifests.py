"""The benchmark of the index does what it says; how fast it is is not asked here."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.index_of_manifests import QUESTIONS, main, make_tree
from plasma_watch.report.index import Index

COUNT = 450
FOUND = {
    "by character": 20,
    "by page": 0,
    "by two words of the prompt": 20,
    "by words that none has": 0,
    "by seed": 0,
    "by model and date": 0,
}


def test_benchmark_tells_every_question(capsys: pytest.CaptureFixture[str]) -> None:
    """With its ratio to a floor of the same run."""
    main(COUNT)

    lines = capsys.readouterr().out.splitlines()
    assert {what for what in QUESTIONS if any(line.startswith(what) for line in lines)} == set(
        QUESTIONS
    )
    assert all(" x the floor of " in line for line in lines[:-1])


def test_every_manifest_of_many_is_found(tmp_path: Path) -> None:
    """In several chapters."""
    make_tree(tmp_path / "output", COUNT)

    with Index(tmp_path / "index.sqlite", tmp_path / "output") as index:
        found = {what: len(index.find(asked, 20)) for what, asked in QUESTIONS.items()}
        known = [len(index.of_content(f"{n:064x}")) for n in range(COUNT)]

    assert found == FOUND
    assert known == [1] * COUNT
