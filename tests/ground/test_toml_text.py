"""What is claimed of the TOML that we write."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch import toml_text

TOKYO = timezone(timedelta(hours=9))
NOON = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
EARLIEST = datetime(1000, 1, 1)  # noqa: DTZ001 - hypothesis wants it without a zone

SCALARS: st.SearchStrategy[Any] = (
    st.text()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.dates()
    | st.datetimes(min_value=EARLIEST)
    | st.datetimes(min_value=EARLIEST, timezones=st.just(UTC))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_what_is_written_is_read_back(table: dict[str, Any]) -> None:
    """Whatever TOML can hold: any key, any text, times with and without a zone."""
    assert tomllib.loads(toml_text.dumps(table)) == table


@pytest.mark.parametrize(
    ("when", "written"),
    [
        (NOON, "2026-11-22T12:00:30Z"),
        (NOON.astimezone(TOKYO), "2026-11-22T12:00:30Z"),
        (NOON.replace(microsecond=250), "2026-11-22T12:00:30.000250Z"),
        (NOON.replace(tzinfo=None), "2026-11-22 12:00:30"),
        (date(2026, 11, 22), "2026-11-22"),
        (time(12, 0, 30), "12:00:30"),
    ],
    ids=["utc", "tokyo", "microseconds", "without zone", "date", "time"],
)
def test_times_are_written_in_utc(when: datetime | date | time, written: str) -> None:
    """With a T and a Z, as RFC 3339 has it; what has no zone is nobody's to shift."""
    assert toml_text.dumps({"when": when}) == f"when = {written}\n"


def test_times_inside_tables_and_lists_are_written_in_utc_too() -> None:
    """A table in a list in a table is no hiding place."""
    text = toml_text.dumps({"a": {"b": [{"c": NOON.astimezone(TOKYO)}]}})

    assert "2026-11-22T12:00:30Z" in text


def test_a_tuple_is_written_as_a_list() -> None:
    """Frozen values hold tuples; TOML has only lists."""
    assert tomllib.loads(toml_text.dumps({"outputs": ("a", "b")})) == {"outputs": ["a", "b"]}


def test_none_is_not_written() -> None:
    """TOML has no word for it, so whoever means nothing leaves the key out."""
    with pytest.raises(TypeError):
        toml_text.dumps({"seed": None})
