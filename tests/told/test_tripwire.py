"""The request whose own content kills the daemon is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.tripwire import POISON_DEATHS, Tripped, Tripwire

DIES = """
import os, pathlib, sys
from plasma_watch.tripwire import Tripwire
with Tripwire(pathlib.Path(sys.argv[1])).step(sys.argv[2], sys.argv[3]):
    os._exit(9)
"""


def died(path: Path, subject: str = "p003", step: str = "decode", deaths: int = 1) -> None:
    """Leave what a daemon leaves that died in a step, so many times in a row."""
    path.write_text(json.dumps({"subject": subject, "step": step, "deaths": deaths}))


def start(path: Path) -> Tripwire:
    """Return the tripwire of a new start; its file is let go of when nobody holds it any more."""
    tripwire = Tripwire(path)
    weakref.finalize(tripwire, os.close, tripwire._fd)
    return tripwire


def tripped(path: Path) -> Tripped | None:
    """Return what a start finds."""
    return start(path).tripped


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a tripwire."""
    return tmp_path / "tripwire.json"


def test_three_real_deaths_in_a_row_make_a_poison(path: Path) -> None:
    """Three processes die in the same step; the fourth leaves the subject alone."""
    for death in range(1, POISON_DEATHS + 1):
        assert start(path).poisoned("p003") is None

        ended = subprocess.run(  # the daemon, as short as it can be
            [sys.executable, "-c", DIES, str(path), "p003", "decode"], check=False
        )

        assert ended.returncode == 9
        assert tripped(path) == Tripped("p003", "decode", death)

    assert start(path).poisoned("p003") == Tripped("p003", "decode", POISON_DEATHS)
    assert start(path).poisoned("p004") is None


def test_a_first_start_finds_nothing(path: Path) -> None:
    """The file is made."""
    assert tripped(path) is None
    assert path.exists()


@pytest.mark.parametrize("error", [None, ValueError("bad picture")])
def test_a_step_that_ends_leaves_nothing(path: Path, error: Exception | None) -> None:
    """Well or with an error: the daemon lived to see it."""
    tripwire = start(path)

    try:
        with tripwire.step("p003", "decode"):
            if error:
                raise error
    except ValueError:
        pass

    assert tripped(path) is None


def test_a_survived_step_begins_the_count_anew(path: Path) -> None:
    """Two deaths were chance: the third try went well."""
    died(path, deaths=2)
    tripwire = start(path)

    with tripwire.step("p003", "decode"):
        pass

    assert tripwire.tripped is None
    assert tripwire.poisoned("p003") is None


def test_other_steps_in_between_do_not_hide_a_death(path: Path) -> None:
    """After the start other content is worked on first, and well."""
    died(path, deaths=2)
    tripwire = start(path)

    with tripwire.step("p004", "decode"):
        pass
    with tripwire.step("p003", "read"):
        pass
    with tripwire.step("p003", "decode"):
        assert tripped(path) == Tripped("p003", "decode", POISON_DEATHS)


@pytest.mark.parametrize(("subject", "step"), [("p004", "decode"), ("p003", "read")])
def test_a_death_elsewhere_does_not_add_up(path: Path, subject: str, step: str) -> None:
    """Other content, or another step on the same: the count begins with one."""
    died(path, subject, step, deaths=2)

    with start(path).step("p003", "decode"):
        assert tripped(path) == Tripped("p003", "decode", 1)


def test_a_death_outside_every_step_never_counts(path: Path) -> None:
    """A kill or a power cut anywhere else finds the file clear."""
    for _ in range(POISON_DEATHS + 1):
        tripwire = start(path)
        with tripwire.step("p003", "decode"):
            pass

        assert tripwire.poisoned("p003") is None


def test_a_file_that_was_thrown_away_is_begun_anew(tmp_path: Path) -> None:
    """`.plasma` may be removed at any time."""
    path = tmp_path / "private" / "tripwire.json"
    path.parent.mkdir()
    tripwire = Tripwire(path)
    path.unlink()

    with tripwire.step("p003.toml", "parse"):
        assert json.loads(path.read_text())["step"] == "parse"

    tripwire.close()


def test_two_deaths_are_not_enough(path: Path) -> None:
    """Somebody may have pulled the plug twice."""
    died(path, deaths=POISON_DEATHS - 1)

    assert start(path).poisoned("p003") is None


def test_the_longest_subject_fits(path: Path) -> None:
    """A name of 120 bytes is written in escapes."""
    subject = "\N{GRINNING FACE}" * 30 + ".toml:18446744073709551615:262144:1763812512000000000"

    with start(path).step(subject, "parse"):
        assert tripped(path) == Tripped(subject, "parse", 1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 1024,
        b"{}",
        b"[]",
        b"5",
        b"null",
        b'{"subject": "p003", "step": "decode"}',
        b'{"subject": "p003", "step": "decode", "deaths": "many"}',
        b'{"subject": "p003", "step": "decode", "deaths": null}',
        b'{"subject": "p003", "step": "decode", "deaths": Infinity}',
        b'{"subject": "p003", "step": "decode", "dea',
        b"[" * 1024,
        b"\xff\xfe",
    ],
)
def test_a_damaged_file_means_nothing(path: Path, content: bytes) -> None:
    """It survives a dead process, not a power cut."""
    path.write_bytes(content)

    assert tripped(path) is None


@given(st.binary(max_size=1100))
def test_any_bytes_start(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever lies there, the daemon starts, and the next step is noted."""
    path = tmp_path_factory.getbasetemp() / "any-tripwire.json"
    path.write_bytes(content)

    with start(path).step("p003", "decode"):
        assert tripped(path) == Tripped("p003", "decode", 1)
