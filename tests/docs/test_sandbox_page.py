"""docs/sandbox.md and the sandbox know the same faults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plasma_watch.sandbox.mischief.script import FAULTS, FOREVER, parse

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
_ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (.+?) \| (.+?) \| (.*?) ?\| (.+?) \|", re.MULTILINE)


def rows() -> dict[str, tuple[str, str, str]]:
    """Return occasion, times and value of every fault in the table."""
    return {row[1]: (row[2], row[3], row[4]) for row in _ROW.finditer(PAGE.read_text("utf-8"))}


def test_page_lists_every_fault_and_no_other() -> None:
    """In the order of the code."""
    assert list(rows()) == list(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_page_says_when_how_often_and_with_what_a_fault_strikes(name: str) -> None:
    """What is said of a fault is what is meant where nothing else is given."""
    known, (occasion, times, value) = FAULTS[name], rows()[name]

    assert occasion == known.occasion
    assert times == ("for ever" if known.times == FOREVER else str(known.times))
    if known.value is None:
        assert value == ""
    else:
        assert (f"`{known.value}`" if known.value else "any") in value


def test_faults_that_are_shown_are_faults() -> None:
    """In the examples of the page."""
    shown = re.findall(r"--fault (\S+)", PAGE.read_text("utf-8"))

    assert [parse(text).name for text in shown] == ["cut-socket-before", "refuse-503", "slow"]
