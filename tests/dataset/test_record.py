"""A record is written and read as it was; what is wrong in it is said with its line."""

from __future__ import annotations

import tomllib

import pytest

from plasma_watch.dataset.record import Member, Record, drawn_by_sandbox, read_record
from plasma_watch.errors import Code, PlasmaError
from tests.dataset.test_keeping import member

FULL = member(
    box=(1, 2, 3, 4), area=(-1.5, 2, 3, 4.25), view="back", mirrored=True, turned=-2.5, figure=3
)


def test_a_record_is_read_as_it_was_written() -> None:
    """Every field, sorted by file; a finished page's facts too."""
    page = member("page.png", made={"seed": 7, "sandbox": True})

    text = Record().with_members([page, FULL], "spyke").to_toml()

    again = read_record(text.encode())
    assert again.picture == (FULL, page)
    assert again.trigger == "spyke"
    assert again.made_by.startswith("plasma-watch ")


def test_what_the_stand_in_drew_is_counted() -> None:
    """But for what was taken out; of none nothing is said."""
    drawn = [member(f"{n}.png", made={"sandbox": True}) for n in range(3)]
    others = [member("a.png", made={"sandbox": False}), member("b.png"), drawn[0]]

    assert drawn_by_sandbox(drawn).startswith("3 pictures drawn by the stand-in engine")
    assert drawn_by_sandbox(others).startswith("1 picture drawn")
    assert drawn_by_sandbox([member("c.png", made={"sandbox": True}, removed=True)]) == ""


def test_what_goes_without_saying_is_not_said() -> None:
    """A person reads it."""
    text = Record().with_members([member()], "spyke").to_toml()

    table = tomllib.loads(text)["picture"][0]
    assert "mirrored" not in table
    assert "turned" not in table
    assert text.startswith("# How every picture came about.")


def test_no_record_is_an_empty_one() -> None:
    """A dataset that was made by hand."""
    assert read_record(None) == Record()


def test_what_is_not_said_again_is_kept() -> None:
    """By the next run."""
    kept = Record(trigger="spyke", caption="ginger hair").with_members([], "")

    assert (kept.trigger, kept.caption) == ("spyke", "ginger hair")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"trigger = 'spyke'\n[[picture]]\nfile = 7\n", "line 3"),
        (b"tigger = 'spyke'\n", "tigger"),
        (b"trigger = spyke\n", "not valid TOML"),
    ],
)
def test_a_broken_record_is_refused(raw: bytes, said: str) -> None:
    """Nothing is thrown away because of a slip of the pen."""
    with pytest.raises(PlasmaError) as caught:
        read_record(raw)

    assert caught.value.code is Code.DATASET_BAD_FILE
    assert said in caught.value.message


def test_members_know_their_owners() -> None:
    """By the picture's name without suffix."""
    assert Record(picture=(member("a.b.png"),)).owners() == {"a.b": "/sheet.png"}
    assert Member.model_config["frozen"]
