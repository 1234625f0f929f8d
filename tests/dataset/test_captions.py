"""A caption says what is known of a picture, and no more."""

from __future__ import annotations

import pytest

from plasma_watch.dataset.background import Colour, Ground, Kind
from plasma_watch.dataset.captions import Known, caption, colour_name
from plasma_watch.dataset.framing import Framing


def ground(kind: Kind, colour: Colour = (255, 255, 255)) -> Ground:
    """Return a ground of a kind."""
    return Ground(kind, colour, ((255.0,),) * 3, 0)


def test_the_trigger_stands_first() -> None:
    """Then what was said, the framing, the view, and what is behind."""
    known = Known(Framing.FULL, ground(Kind.WHITE), "back", "white cloak")

    assert caption("spyke", known) == (
        "spyke, white cloak, full body, from behind, simple background, white background"
    )


@pytest.mark.parametrize(
    ("framing", "words"),
    [
        (Framing.FACE, "spyke, portrait"),
        (Framing.BUST, "spyke, upper body"),
        (Framing.FULL, "spyke, full body"),
        (Framing.PANEL, "spyke"),
    ],
)
def test_framings_have_words(framing: Framing, words: str) -> None:
    """A panel's is not known; nor is the ground of a picture without one."""
    assert caption("spyke", Known(framing, ground(Kind.NONE))) == words


@pytest.mark.parametrize(
    ("kind", "colour", "words"),
    [
        (Kind.TRANSPARENT, (255, 255, 255), "white background"),
        (Kind.GRADIENT, (200, 210, 240), "gradient background"),
        (Kind.TINTED, (206, 222, 214), "green background"),
        (Kind.TINTED, (60, 60, 62), "grey background"),
    ],
)
def test_grounds_have_words(kind: Kind, colour: Colour, words: str) -> None:
    """What is transparent becomes white in training."""
    said = caption("spyke", Known(Framing.FACE, ground(kind, colour)))

    assert said == f"spyke, portrait, simple background, {words}"


def test_a_view_of_ones_own_is_taken_as_it_is() -> None:
    """And stray commas are not."""
    known = Known(Framing.FACE, ground(Kind.NONE), "from above", ", angry, ")

    assert caption(" spyke ", known) == "spyke, angry, portrait, from above"


def test_without_a_trigger_only_the_rest_is_said() -> None:
    """As for regularization."""
    assert caption("", Known(Framing.BUST, ground(Kind.NONE))) == "upper body"


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((255, 255, 255), "white"),
        ((250, 248, 246), "white"),
        ((128, 128, 128), "grey"),
        ((10, 10, 12), "black"),
        ((250, 40, 40), "red"),
        ((240, 140, 40), "orange"),
        ((240, 230, 90), "yellow"),
        ((60, 200, 80), "green"),
        ((80, 220, 220), "aqua"),
        ((180, 200, 250), "blue"),
        ((150, 80, 220), "purple"),
        ((250, 160, 210), "pink"),
        ((230, 40, 60), "red"),
    ],
)
def test_colours_have_the_names_that_people_use(colour: Colour, name: str) -> None:
    """A dozen is enough."""
    assert colour_name(colour) == name
