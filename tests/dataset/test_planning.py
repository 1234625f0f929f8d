"""Which pictures a figure gives: as large as they may be, mirrored where that is wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plasma_watch.dataset.background import Ground, Kind
from plasma_watch.dataset.boxes import HandBox
from plasma_watch.dataset.buckets import Buckets
from plasma_watch.dataset.figures import Figure, Outline
from plasma_watch.dataset.framing import Framing, Subject
from plasma_watch.dataset.planning import LeftOut, Model, Planned, models, planned
from plasma_watch.dataset.sighting import Sighting
from plasma_watch.dataset.wishes import Fit, Mirror, Wish

WISH = Wish(Buckets(512, 256, 1024, 64), "spyke")
PAPER = Ground(Kind.WHITE, (255, 255, 255), ((255.0,),) * 3, 0)
BOX = (100, 100, 700, 1900)
OF = Subject(BOX, Framing.FULL, 400)
FIGURE = Figure(BOX, Outline(100, (100,), (699,), (600,)))
SEEN = Sighting((2000, 2000), PAPER, (FIGURE,), (), 1)


def model(of: Subject = OF, hand: HandBox | None = None, seen: Sighting = SEEN) -> Model:
    """Return a figure of a sheet."""
    return Model("sheet", 1, of, hand, seen)


def pictures(of: Model, wish: Wish = WISH) -> list[Planned]:
    """Return the pictures that are planned."""
    return [each for each in planned(of, wish) if isinstance(each, Planned)]


def test_a_figure_gives_three_pictures() -> None:
    """Named after sheet, figure and framing, each in the size of its bucket."""
    face, bust, full = pictures(model())

    assert [each.name for each in (face, bust, full)] == [
        "sheet-01-face",
        "sheet-01-bust",
        "sheet-01-full",
    ]
    assert [each.cut.size for each in (face, bust, full)] == [(512, 512), (448, 576), (320, 768)]
    assert face.caption == "spyke, portrait, simple background, white background"
    assert all(each.guessed for each in (face, bust, full))


def test_what_would_be_enlarged_too_much_is_left_out() -> None:
    """With the number, and the limit; another limit lets it pass."""
    small = replace(OF, box=(100, 100, 300, 700))

    out = [each for each in planned(model(small), WISH) if isinstance(each, LeftOut)]

    assert [each.framing for each in out] == [Framing.FACE]
    assert out[0].why == "would be enlarged 3.70 times; at most 2"
    assert len(pictures(model(small), replace(WISH, most_enlarged=4))) == 3


def test_a_square_is_padded_to() -> None:
    """All in one size."""
    made = pictures(model(), replace(WISH, fit=Fit.SQUARE))

    assert {each.cut.size for each in made} == {(512, 512)}
    assert made[-1].cut.area.width >= 1800


@pytest.mark.parametrize(
    ("mirror", "may", "count"),
    [
        (Mirror.NONE, True, 3),
        (Mirror.SOME, False, 3),
        (Mirror.SOME, True, 6),
        (Mirror.ALL, False, 6),
    ],
)
def test_copies_are_mirrored_only_where_wanted(mirror: Mirror, may: bool, count: int) -> None:  # noqa: FBT001 - a case
    """Never by themselves: two gloves may differ."""
    hand = HandBox(box=BOX, mirror=may)

    made = pictures(model(hand=hand), replace(WISH, mirror=mirror))

    assert len(made) == count
    assert sum(each.cut.is_mirrored for each in made) == count - 3


def test_touched_copies_stay_themselves() -> None:
    """Turned by three degrees at most, and the same each time they are made."""
    wish = replace(WISH, is_touched=True)

    made = pictures(model(), wish)

    touches = [each.cut.touch for each in made if not each.cut.touch.is_none]
    assert len(touches) == 3
    assert all(1 <= abs(touch.turned) <= 3 for touch in touches)
    assert all(abs(touch.nearer - 1) <= 0.05 >= abs(touch.lighter - 1) for touch in touches)
    assert [each.cut.touch for each in pictures(model(), wish)] == [each.cut.touch for each in made]


def test_a_bust_is_not_touched() -> None:
    """Turned, its lower edge would show."""
    bust = replace(OF, shows=Framing.BUST, box=(100, 100, 700, 800))

    made = pictures(model(bust), replace(WISH, is_touched=True))

    assert [each.name for each in made] == ["sheet-01-face", "sheet-01-face-t", "sheet-01-bust"]


def test_what_is_said_by_hand_comes_into_the_caption() -> None:
    """View and words, behind what is said of all."""
    hand = HandBox(box=BOX, view="back", caption="arms crossed")

    made = pictures(model(hand=hand), replace(WISH, said="white cloak"))

    assert made[-1].caption == (
        "spyke, white cloak, arms crossed, full body, from behind, "
        "simple background, white background"
    )
    assert not made[-1].guessed


def test_without_a_plain_ground_nothing_is_painted_on() -> None:
    """A crop stays inside the picture, and nothing is painted over."""
    nowhere = replace(PAPER, kind=Kind.NONE)
    seen = replace(SEEN, ground=nowhere, figures=(), size=(700, 1000))
    (panel,) = pictures(model(Subject((0, 0, 700, 1000), Framing.PANEL, 350), seen=seen))
    full = pictures(model(replace(OF, box=(10, 10, 690, 990)), seen=seen))[-1]

    assert panel.cut.figure is None
    for each in (panel, full):
        assert each.cut.area.left >= 0
        assert each.cut.area.top >= 0
        assert each.cut.area.right <= 700
        assert each.cut.area.bottom <= 1000


def test_every_subject_has_its_box_or_none_has() -> None:
    """Numbered from one."""
    assert [each.number for each in models("s", SEEN, [OF, OF], [])] == [1, 2]
    with pytest.raises(ValueError, match="zip"):
        models("s", SEEN, [OF, OF], [HandBox(box=BOX)])
