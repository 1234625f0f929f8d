"""What is claimed of datasets, from what was read of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plasma_watch.errors import Code
from plasma_watch.train.dataset import (
    ALIKE_BITS,
    Contents,
    Shot,
    Want,
    alike_pairs,
    holds,
    problems,
    warnings,
)

GOOD = Shot("p1.png", width=512, height=768, phash="0" * 16, caption="spyke, standing")
WANT = Want("dataset", line=3, least=2, trigger="spyke")


def several(*shots: Shot) -> Contents:
    """Return a dataset of pictures that are all good but those given."""
    good = tuple(replace(GOOD, name=f"g{n}.png", phash=f"{n:x}" * 16) for n in range(1, 4))
    return Contents((*good, *shots))


def refused(contents: Contents, want: Want = WANT) -> dict[Code, str]:
    """Return code and words of every problem."""
    return {problem.code: problem.message for problem in problems(contents, want)}


def test_a_good_dataset_is_not_refused() -> None:
    """Nor is anything said of it."""
    assert refused(several()) == {}
    assert list(warnings(several(), 512)) == []


@pytest.mark.parametrize(
    ("shot", "code", "said"),
    [
        (
            replace(GOOD, name="p9.png", problem="is animated"),
            Code.DATASET_BAD_PICTURE,
            "has 1 picture that cannot be used: p9.png (is animated)",
        ),
        (
            replace(GOOD, caption=None),
            Code.DATASET_NO_CAPTION,
            "has 1 picture without a caption: p1.png",
        ),
        (
            replace(GOOD, caption_problem="p1.txt is not UTF-8 text"),
            Code.DATASET_BAD_CAPTION,
            "has 1 picture whose caption is empty or not UTF-8 text: p1.png",
        ),
        (
            replace(GOOD, caption="a girl, standing"),
            Code.DATASET_NO_TRIGGER,
            "has 1 picture whose caption does not hold the trigger: p1.png",
        ),
    ],
)
def test_a_picture_that_is_not_fit_is_named(shot: Shot, code: Code, said: str) -> None:
    """F54, F55: one bad one among good ones is enough."""
    assert refused(several(shot)) == {code: said}


def test_everything_wrong_is_told_at_once() -> None:
    """Nobody mends one thing after the other, with a training's wait in between."""
    contents = Contents(
        (
            replace(GOOD, name="a.png", problem="is not a picture"),
            replace(GOOD, name="b.png", caption=None),
            replace(GOOD, name="c.png", caption="a girl"),
            replace(GOOD, name="d.png", caption_problem="d.txt has no first line"),
        ),
        foreign=("e.heic",),
    )

    found = list(problems(contents, replace(WANT, least=15)))

    assert [problem.code for problem in found] == [
        Code.DATASET_BAD_PICTURE,
        Code.DATASET_BAD_PICTURE,
        Code.DATASET_NO_CAPTION,
        Code.DATASET_BAD_CAPTION,
        Code.DATASET_NO_TRIGGER,
        Code.DATASET_TOO_FEW,
    ]
    assert {(problem.field, problem.line) for problem in found} == {("dataset", 3)}
    assert all(problem.hint for problem in found)


@pytest.mark.parametrize(("count", "is_refused"), [(14, True), (15, False)])
def test_too_few_pictures_are_refused(*, count: int, is_refused: bool) -> None:
    """At the very number."""
    contents = Contents((GOOD,) * count)

    assert (Code.DATASET_TOO_FEW in refused(contents, replace(WANT, least=15))) is is_refused


def test_a_picture_that_cannot_be_used_does_not_count() -> None:
    """Two files are one picture when the other cannot be read."""
    contents = Contents((GOOD, replace(GOOD, problem="is not a picture")))

    assert refused(contents)[Code.DATASET_TOO_FEW] == (
        "has 1 picture that can be read; at least 2 are needed"
    )


def test_an_empty_folder_is_refused() -> None:
    """The trainer itself would call it a good end."""
    assert refused(Contents())[Code.DATASET_TOO_FEW] == (
        "has 0 pictures that can be read; at least 2 are needed"
    )


def test_foreign_formats_are_named() -> None:
    """Nobody counts on pictures that are never trained on."""
    contents = replace(several(), foreign=("a.heic", "b.psd"))

    assert refused(contents) == {
        Code.DATASET_BAD_PICTURE: "has 2 pictures in a format that is not read: a.heic, b.psd"
    }


def test_regularization_needs_captions_and_no_trigger() -> None:
    """They show what the character is not."""
    want = Want("regularization", line=0, least=1)

    assert refused(Contents((replace(GOOD, caption="a girl"),)), want) == {}
    assert refused(Contents((replace(GOOD, caption=None),)), want).keys() == {
        Code.DATASET_NO_CAPTION
    }


def test_many_names_are_cut_short() -> None:
    """A report of thousands is no report."""
    contents = Contents(tuple(replace(GOOD, name=f"p{n}.png", caption=None) for n in range(100)))

    said = refused(contents)[Code.DATASET_NO_CAPTION]

    assert said.startswith("has 100 pictures without a caption: p0.png, ")
    assert said.endswith("p39.png and 60 more")


@pytest.mark.parametrize(
    ("caption", "trigger", "is_held"),
    [
        ("spyke, standing", "spyke", True),
        ("Spyke standing", "spyke", True),
        ("a girl (spyke)", " spyke ", True),
        ("spykes", "spyke", False),
        ("a girl", "spyke", False),
        ("", "spyke", False),
        ("spyke the cat, hat", "spyke the cat", True),
        ("Straße", "STRASSE", True),
        ("c++ girl", "c++", True),
    ],
)
def test_the_trigger_is_words_of_its_own(caption: str, trigger: str, *, is_held: bool) -> None:
    """A part of another word calls nothing."""
    assert holds(caption, trigger) is is_held


@pytest.mark.parametrize(
    ("shot", "said"),
    [
        (
            replace(GOOD, oddity="CMYK"),
            "1 picture put right in the copy that is trained on: p1.png (CMYK)",
        ),
        (
            replace(GOOD, width=255),
            "1 picture blown up to 512, which blurs them: p1.png (255x768)",
        ),
        (
            replace(GOOD, more_lines=True),
            "1 picture whose caption has several lines: only the first is read: p1.png",
        ),
    ],
)
def test_what_stops_nothing_is_worth_a_warning(shot: Shot, said: str) -> None:
    """A training goes on with them."""
    assert list(warnings(several(shot), 512)) == [said]


def test_captions_without_a_picture_are_named() -> None:
    """The picture may have been forgotten."""
    assert list(warnings(replace(several(), lonely=("p7.txt",)), 512)) == [
        "captions without a picture: p7.txt"
    ]


@pytest.mark.parametrize(("bits", "is_alike"), [(ALIKE_BITS, True), (ALIKE_BITS + 1, False)])
def test_nearly_the_same_pictures_are_named(*, bits: int, is_alike: bool) -> None:
    """They teach one thing twice."""
    other = replace(GOOD, name="p2.png", phash=f"{2**bits - 1:016x}")

    assert (alike_pairs([GOOD, other]) == [("p1.png", "p2.png")]) is is_alike
    assert (
        any("nearly the same" in said for said in warnings(Contents((GOOD, other)), 64)) is is_alike
    )


def test_many_alike_pictures_are_told_shortly() -> None:
    """A sheet of like figures has hundreds of pairs; each picture is in one group."""
    shots = [replace(GOOD, name=f"p{n}.png", phash=f"{n // 4 * 0xFFFFFF:016x}") for n in range(6)]

    (said,) = [said for said in warnings(Contents(tuple(shots)), 64) if "nearly" in said]

    assert said == "nearly the same: p0.png and 3 more, p4.png and p5.png"


def test_pictures_that_were_not_decoded_are_like_none() -> None:
    """On arrival nothing is known of their pixels."""
    assert alike_pairs([replace(GOOD, phash=""), replace(GOOD, phash="")]) == []
