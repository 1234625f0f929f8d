"""What Finder and iCloud leave on a file, by numbers put in by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from plasma_watch.system.finder import Mark, is_alias, mark, mark_of, stands_for

BORN = 1_795_000_000.0
LOCKED, DATALESS, HIDDEN = 0x2, 0x40000000, 0x8000


@pytest.mark.parametrize("born", [-2_082_844_800.0, -753_578_704.0, -753_600_304.0, 443_779_200.0])
def test_what_finder_copies_has_an_impossible_birth(born: float) -> None:
    """1904, 1946 (whatever the time zone), and 1984 for folders."""
    assert mark(born, 0) is Mark.COPYING


@pytest.mark.parametrize("born", [None, BORN, 0.0, -1.0, 473_385_600.0])
def test_other_births_are_believed(born: float | None) -> None:
    """Also where a volume knows of none."""
    assert mark(born, 0) is None


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (LOCKED, Mark.LOCKED),
        (DATALESS, Mark.IN_CLOUD),
        (DATALESS | LOCKED | HIDDEN, Mark.IN_CLOUD),
        (HIDDEN, None),
        (0, None),
    ],
)
def test_flags_tell_what_is_locked_and_what_is_elsewhere(flags: int, found: Mark | None) -> None:
    """What is not on this disk must not be opened, whatever else it is."""
    assert mark(BORN, flags) is found


def test_an_ordinary_file_has_no_mark(tmp_path: Path) -> None:
    """Nor has one on a system that knows none of this."""
    (tmp_path / "a.toml").touch()

    assert mark_of((tmp_path / "a.toml").stat()) is None


def test_an_alias_is_known_by_its_first_bytes() -> None:
    """It is a file like any other to everybody but Finder."""
    assert is_alias(b"book\0\0\0\0mark\0\0\0\0")
    assert not is_alias(b'kind = "generate"')


@pytest.mark.parametrize(
    ("name", "real"),
    [
        (".p003.toml.icloud", "p003.toml"),
        (".a.b.icloud", "a.b"),
        ("p003.toml.icloud", ""),
        (".icloud", ""),
        (".p003.toml", ""),
    ],
)
def test_a_stub_stands_for_a_file(name: str, real: str) -> None:
    """Under a hidden name with a suffix of its own."""
    assert stands_for(name) == real
