"""docs/reliability.md and the tests tell of the same failures: each is shown, or says why not."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[2]
ALL = range(1, 76)
_ROW = re.compile(r"^\| (F\d+(?:, F\d+)*) \| (.+) \| (.+) \|$", re.MULTILINE)
_NUMBER = re.compile(r"\bF(\d+)\b")


def numbers(text: str) -> list[int]:
    """Return the numbers of failures in a text."""
    return [int(found) for found in _NUMBER.findall(text)]


def shown_and_not() -> tuple[Counter[int], Counter[int]]:
    """Return the rows of the two tables, and how often each is there."""
    text = (TOP / "docs" / "reliability.md").read_text("utf-8")
    parts = text.split("## Rows that no test here shows")
    shown, missing = (
        Counter(n for row in _ROW.finditer(part) for n in numbers(row[1])) for part in parts
    )
    return shown, missing


def named_by_tests() -> Iterator[int]:
    """Yield every number in the docstring of a test."""
    for path in (TOP / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield from numbers(ast.get_docstring(node) or "")


def test_every_failure_is_in_exactly_one_table() -> None:
    """None is forgotten, and none is told twice."""
    shown, missing = shown_and_not()

    assert shown + missing == Counter(ALL)


def test_every_failure_that_is_shown_is_named_by_its_test() -> None:
    """Both ways: a test that shows another one moves it into the first table."""
    shown, _ = shown_and_not()

    assert set(named_by_tests()) == set(shown)


def test_sandbox_page_names_rows_that_there_are() -> None:
    """The faults say which failures they are for."""
    text = (TOP / "docs" / "sandbox.md").read_text("utf-8")

    assert set(numbers(text)) <= set(ALL)
