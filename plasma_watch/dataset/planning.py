"""Which pictures does a sheet give? Pure: what is seen on it in, pictures to cut out, one by one.

A crop that would have to be enlarged too much is left out and named: a blurred face teaches blur.
Copies are mirrored only where somebody wants it, and touched up only by so much that a character
stays itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from plasma_watch.dataset.boxes import HandBox, boxed_crops
from plasma_watch.dataset.buckets import Size
from plasma_watch.dataset.captions import Known, caption
from plasma_watch.dataset.cutting import Cut, Touch
from plasma_watch.dataset.figures import Box
from plasma_watch.dataset.framing import (
    Area,
    Crop,
    Framing,
    Subject,
    covered,
    crops,
    enlarged,
    fitted,
    kept_inside,
)
from plasma_watch.dataset.sighting import Sighting
from plasma_watch.dataset.wishes import Fit, Mirror, Wish

_TURN, _NEAR, _LIGHT = 3.0, 0.05, 0.05
"""A touched copy is turned by so many degrees at most, and so much nearer, farther, or lighter."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One picture to cut."""

    name: str
    """Its file's name, without suffix."""
    figure: int
    """The figure's number on its sheet, from 1."""
    box: Box
    framing: Framing
    guessed: bool
    view: str
    cut: Cut
    enlarged: float
    caption: str
    may_mirror: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A crop that is not made, and why."""

    figure: int
    framing: Framing
    why: str


@dataclass(frozen=True, slots=True)
class Model:
    """One figure of a sheet: who is to be drawn, and what somebody said of it by hand."""

    stem: str
    number: int
    of: Subject
    hand: HandBox | None
    sighting: Sighting

    def crops(self, heads: float) -> Iterable[Crop]:
        """Return the crops that it gives."""
        return boxed_crops(self.hand, self.of, heads) if self.hand else crops(self.of, heads)

    def known(self, crop: Crop, said: str) -> Known:
        """Return what is known of one of them."""
        own, view = (self.hand.caption, self.hand.view) if self.hand else ("", "")
        words = ", ".join(word for word in (said, own) if word)
        return Known(crop.framing, self.sighting.ground, view, words)


def models(
    stem: str, sighting: Sighting, subjects: Sequence[Subject], hands: Sequence[HandBox]
) -> list[Model]:
    """Return the figures of a sheet; `hands` are the boxes of its subjects, or none at all."""
    given: Sequence[HandBox | None] = hands or [None] * len(subjects)
    pairs = zip(subjects, given, strict=True)
    return [Model(stem, n, of, hand, sighting) for n, (of, hand) in enumerate(pairs, 1)]


def planned(model: Model, wish: Wish) -> Iterator[Planned | LeftOut]:
    """Yield the pictures that a figure gives, and the crops that are left out."""
    for crop in model.crops(wish.heads):
        area, size = _fitted(crop, model.sighting, wish)
        times = enlarged(area, size)
        if times > wish.most_enlarged:
            said = f"would be enlarged {times:.2f} times; at most {wish.most_enlarged:g}"
            yield LeftOut(model.number, crop.framing, said)
        else:
            yield from _copies(_picture(model, crop, Fitted(area, size, times), wish), crop, wish)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A crop's area in the shape of its bucket, the bucket, and how much it is enlarged."""

    area: Area
    size: Size
    times: float


def _fitted(crop: Crop, sighting: Sighting, wish: Wish) -> tuple[Area, Size]:
    """Return the area that a crop becomes; where no ground can be painted on, it stays inside."""
    size = wish.buckets.square()
    if wish.fit is Fit.BUCKETS:
        size = wish.buckets.of(crop.area.width, crop.area.height)
    shaped = covered if crop.framing is Framing.PANEL else fitted
    area = shaped(crop, size)
    return area if sighting.ground.is_plain else kept_inside(area, sighting.size), size


def _picture(model: Model, crop: Crop, fit: Fitted, wish: Wish) -> Planned:
    is_alone = not model.sighting.figures or not model.sighting.ground.is_plain
    known = model.known(crop, wish.said)
    return Planned(
        name=f"{model.stem}-{model.number:02d}-{crop.framing}",
        figure=model.number,
        box=model.of.box,
        framing=crop.framing,
        guessed=crop.guessed,
        view=known.view,
        cut=Cut(fit.area, fit.size, None if is_alone else model.number - 1),
        enlarged=fit.times,
        caption=caption(wish.trigger, known),
        may_mirror=bool(model.hand and model.hand.mirror),
    )


def _copies(picture: Planned, crop: Crop, wish: Wish) -> Iterator[Planned]:
    """Yield a picture and the copies that are wanted of it."""
    yield picture
    if wish.mirror is Mirror.ALL or (wish.mirror is Mirror.SOME and picture.may_mirror):
        yield _copy(picture, "m", replace(picture.cut, is_mirrored=True))
    if wish.is_touched and not crop.is_cut_below:  # turned, its lower edge would show
        yield _copy(picture, "t", replace(picture.cut, touch=_touch(picture.name)))


def _copy(picture: Planned, mark: str, cut: Cut) -> Planned:
    return replace(picture, name=f"{picture.name}-{mark}", cut=cut)


def _touch(name: str) -> Touch:
    """Return a touch that is the same whenever the picture is made again."""
    draw = Random(hashlib.sha256(name.encode()).digest())  # noqa: S311 - no secret
    turned = draw.uniform(_TURN / 3, _TURN) * draw.choice((-1, 1))
    return Touch(
        round(turned, 2),
        round(1 + draw.uniform(-_NEAR, _NEAR), 3),
        round(1 + draw.uniform(-_LIGHT, _LIGHT), 3),
    )
