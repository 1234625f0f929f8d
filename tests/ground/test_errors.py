"""What is claimed of codes, fates and problems."""

from __future__ import annotations

import re

import pytest

from plasma_watch.errors import FATES, Code, Fate, PlasmaError, Problem, gathered

AREAS = {
    "request",
    "workflow",
    "engine",
    "memory",
    "disk",
    "image",
    "dataset",
    "trainer",
    "config",
    "daemon",
}


@pytest.mark.parametrize("code", Code)
def test_a_code_is_area_and_reason(code: Code) -> None:
    """Whoever reads a code finds its area before the first point."""
    area, _, reason = code.partition(".")

    assert area in AREAS
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", reason)


@pytest.mark.parametrize("code", Code)
def test_a_code_is_named_as_it_reads(code: Code) -> None:
    """The name in the code and the word in the files never drift apart."""
    assert code.name == re.sub(r"[.-]", "_", code.value).upper()


def test_a_fate_is_listed_only_where_it_is_not_failing() -> None:
    """The table of fates holds exceptions alone."""
    assert Fate.FAIL not in FATES.values()


@pytest.mark.parametrize(
    ("code", "fate"),
    [
        (Code.REQUEST_BAD_VALUE, Fate.FAIL),
        (Code.ENGINE_UNREACHABLE, Fate.WAIT),
        (Code.ENGINE_OUT_OF_MEMORY, Fate.RETRY),
    ],
)
def test_an_error_knows_its_fate(code: Code, fate: Fate) -> None:
    """Nobody has to switch on codes to know what becomes of a job."""
    assert PlasmaError(code, "said").fate is fate


@pytest.mark.parametrize("code", [code for code in Code if code.startswith("config.")])
def test_a_broken_config_never_blames_a_job(code: Code) -> None:
    """A config error is met at the start, before any job could be tried again."""
    assert PlasmaError(code, "said").fate is Fate.FAIL


def test_an_error_says_its_message() -> None:
    """When it is logged or raised to the top, the message stands there, not the code."""
    error = PlasmaError(Code.DISK_SHORT, "3 GB are free", "Free some.")

    assert str(error) == "3 GB are free"
    assert (error.code, error.hint, error.problems) == (Code.DISK_SHORT, "Free some.", ())


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem(Code.REQUEST_BAD_VALUE, "steps", "is 0", line=3), "line 3: steps is 0"),
        (Problem(Code.REQUEST_BAD_VALUE, "steps", "is 0"), "steps is 0"),
        (Problem(Code.REQUEST_BAD_VALUE, "", "there is none", line=3), "line 3: there is none"),
        (Problem(Code.REQUEST_BAD_VALUE, "", "there is none"), "there is none"),
    ],
    ids=["line and field", "field", "line", "neither"],
)
def test_a_problem_says_where_it_is_known_to_be(problem: Problem, said: str) -> None:
    """Line and field are told when there are any."""
    assert str(problem) == said


def test_gathered_problems_stand_in_line_order() -> None:
    """When problems were found in another order than the file has them."""
    last = Problem(Code.REQUEST_OVER_LIMIT, "steps", "is 151", line=9)
    first = Problem(Code.REQUEST_BAD_VALUE, "seed", "is -1", line=2)
    beside = Problem(Code.REQUEST_BAD_VALUE, "page", "is -1", line=2)

    error = gathered("p003.toml", [last, first, beside])

    assert error.problems == (beside, first, last)
    assert (
        error.message == "p003.toml: line 2: page is -1; line 2: seed is -1; line 9: steps is 151"
    )


def test_gathered_problems_have_the_code_of_the_first() -> None:
    """One file gets one code: that of its first wrong line. What has no line stands last."""
    missing = Problem(Code.REQUEST_MISSING_KEY, "prompt", "is missing")
    unknown = Problem(Code.REQUEST_UNKNOWN_KEY, "promt", "is not a known key", line=1)

    error = gathered("p003.toml", [missing, unknown])

    assert error.code is Code.REQUEST_UNKNOWN_KEY
    assert error.problems == (unknown, missing)


def test_the_hint_of_a_single_problem_stands_bare() -> None:
    """The message names the field already."""
    problem = Problem(Code.REQUEST_BAD_VALUE, "seed", "is -1", "Take a larger number.")

    assert gathered("p003.toml", [problem]).hint == "Take a larger number."


def test_hints_of_several_problems_name_their_fields_once() -> None:
    """Where one way out is for two fields it is not told twice."""
    problems = [
        Problem(Code.REQUEST_BAD_VALUE, "page", "is -1", "Take a larger number.", 1),
        Problem(Code.REQUEST_BAD_VALUE, "seed", "is -1", "Take a larger number.", 2),
        Problem(Code.WORKFLOW_UNKNOWN, "", "is not there", "Look.", 3),
        Problem(Code.REQUEST_BAD_VALUE, "cfg", "is odd", "", 4),
    ]

    assert gathered("p003.toml", problems).hint == "page, seed: Take a larger number. Look."
