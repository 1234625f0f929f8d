"""What a person did to a dataset stays; what is ours is made again."""

from __future__ import annotations

import pytest

from plasma_watch.dataset.framing import Framing
from plasma_watch.dataset.keeping import Lying, free_name, judge
from plasma_watch.dataset.record import Member, Record


def member(file: str = "a.png", **changes: object) -> Member:
    """Return a picture as it was made."""
    facts = {
        "file": file,
        "sha256": "old",
        "pixels": "p",
        "caption": "spyke, portrait",
        "source": "/sheet.png",
        "source_sha256": "s",
        "framing": Framing.FACE,
        "guessed": True,
    }
    return Member.model_validate(facts | changes)


BEFORE = Record(picture=(member(),))


def test_a_new_picture_is_written_with_its_caption() -> None:
    """Where nothing lies."""
    verdict = judge(Record(), [member()], Lying({}, {}))

    assert verdict.write_pictures == verdict.write_captions == ["a.png"]


def test_a_second_run_changes_nothing() -> None:
    """When everything lies as it was written."""
    lying = Lying({"a.png": "old"}, {"a": "spyke, portrait\n"})

    verdict = judge(BEFORE, [member()], lying)

    assert verdict.same == ["a.png"]
    assert verdict.write_captions == verdict.write_pictures == []


def test_a_caption_edited_by_hand_is_kept_for_ever() -> None:
    """Also when what would be written changes; and its framing is guessed no more."""
    lying = Lying({"a.png": "old"}, {"a": "spyke, grinning, portrait"})

    once = judge(BEFORE, [member(caption="spyke, portrait, white background")], lying)
    twice = judge(Record(picture=tuple(once.members.values())), [member()], lying)

    for verdict in (once, twice):
        assert verdict.edited_captions == ["a.png"]
        assert verdict.write_captions == []
        assert not verdict.members["a.png"].guessed


def test_a_caption_that_nobody_edited_is_renewed() -> None:
    """When the next run says more."""
    lying = Lying({"a.png": "old"}, {"a": "spyke, portrait"})

    verdict = judge(BEFORE, [member(caption="spyke, white cloak, portrait")], lying)

    assert verdict.write_captions == ["a.png"]


def test_a_caption_that_was_there_before_its_picture_is_kept() -> None:
    """Somebody wrote it."""
    verdict = judge(Record(), [member()], Lying({}, {"a": "by hand"}))

    assert verdict.write_pictures == ["a.png"]
    assert verdict.write_captions == []


def test_a_lost_caption_is_written_again() -> None:
    """As long as its picture is there."""
    verdict = judge(BEFORE, [member()], Lying({"a.png": "old"}, {}))

    assert verdict.write_captions == ["a.png"]


def test_a_changed_sheet_makes_the_picture_anew() -> None:
    """When the one that lies there is as it was written."""
    lying = Lying({"a.png": "old"}, {"a": "spyke, portrait"})

    verdict = judge(BEFORE, [member(sha256="new")], lying)

    assert verdict.write_pictures == ["a.png"]
    assert verdict.members["a.png"].sha256 == "new"


def test_a_picture_edited_by_hand_is_kept() -> None:
    """Whatever would be made now."""
    lying = Lying({"a.png": "retouched"}, {"a": "spyke, portrait"})

    verdict = judge(BEFORE, [member(sha256="new")], lying)

    assert verdict.edited_pictures == ["a.png"]
    assert verdict.members["a.png"].sha256 == "old"


def test_a_picture_taken_out_by_hand_stays_out() -> None:
    """And is remembered, so that it stays out next time as well."""
    once = judge(BEFORE, [member()], Lying({}, {"a": "spyke, portrait"}))
    twice = judge(Record(picture=tuple(once.members.values())), [member()], Lying({}, {}))

    for verdict in (once, twice):
        assert verdict.removed == ["a.png"]
        assert verdict.write_pictures == verdict.write_captions == []
        assert verdict.members["a.png"].removed


def test_others_members_stay_as_they_are() -> None:
    """Pictures of other sheets, and what was added."""
    verdict = judge(BEFORE, [member("b.png")], Lying({"a.png": "old"}, {}))

    assert set(verdict.members) == {"a.png", "b.png"}


@pytest.mark.parametrize(
    ("owners", "lying", "name"),
    [
        ({}, {}, "a"),
        ({"a": "/sheet.png"}, {"a.png": ""}, "a"),
        ({"a": "/other.png"}, {"a.png": ""}, "a-2"),
        ({}, {"a.jpg": ""}, "a-2"),
        ({"a": "/other.png", "a-2": "/sheet.png"}, {}, "a-2"),
        ({"a": "/other.png"}, {"a-2.png": ""}, "a-3"),
        ({}, {"A.PNG": ""}, "a-2"),
        ({"A": "/other.png"}, {}, "a-2"),
    ],
)
def test_a_name_is_ones_own_or_free(
    owners: dict[str, str], lying: dict[str, str], name: str
) -> None:
    """What others made, and what nobody of us made, is never written over."""
    assert free_name("a", "/sheet.png", owners, Lying(lying, {})) == name
