"""Writes TOML as all our files have it: times in UTC, with a T and a Z, nothing that steers.

A character without a face is written as an escape, so that a file can be looked at in a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import tomli_w

from plasma_watch import words


class _Stamp(datetime):
    """A time that tomli-w, which writes `str(time)`, writes as RFC 3339 has it."""

    def __str__(self) -> str:
        return self.isoformat().replace("+00:00", "Z")


def dumps(table: Mapping[str, Any]) -> str:
    """Return a table as TOML text; a time without a zone stays as it is."""
    text = tomli_w.dumps({key: _stamped(value) for key, value in table.items()})
    return words.escaped(text)


def _stamped(value: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
    match value:
        case datetime() if value.tzinfo:
            utc = value.astimezone(UTC)
            return _Stamp(*utc.timetuple()[:6], utc.microsecond, tzinfo=UTC)
        case dict():
            return {key: _stamped(item) for key, item in value.items()}
        case list() | tuple():
            return [_stamped(item) for item in value]
        case _:
            return value
