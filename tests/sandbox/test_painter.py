"""Drawings follow from what was asked: the same twice, another for anything else."""

import io
from dataclasses import replace
from itertools import islice

import pytest
from PIL import Image, ImageChops, ImageStat

from plasma_watch.sandbox.painter import GLIMPSE_SIDE, glimpse, paint, rolls
from plasma_watch.sandbox.picture import Picture, plain
from plasma_watch.sandbox.values import (
    Clip,
    Conditioning,
    Control,
    ControlNet,
    Guider,
    Latent,
    Lora,
    Model,
    Noise,
    Pass,
    Sampler,
    Sigmas,
    Weights,
)

WEIGHTS = Weights("any.safetensors", "aa")
SPYKE = Weights("spyke.safetensors", "bb")
RED = plain(128, 128, 0xFF0000)


def asked(text: str = "a cat", seed: int | None = 1, **settings: object) -> Pass:
    """Ask for a picture."""
    clip = Clip(WEIGHTS)
    wanted, unwanted = Conditioning((text,), clip), Conditioning(("bad",), clip)
    guider = Guider(Model(WEIGHTS), wanted, unwanted, 7.0)
    one = Pass(guider, Noise(seed), Sampler("euler"), Sigmas("normal", 20))
    return replace(one, **settings)  # type: ignore[arg-type]


def guided(**changes: object) -> Pass:
    """Ask for a picture by another guide."""
    return asked(guider=replace(asked().guider, **changes))  # type: ignore[arg-type]


def drawn(*passes: Pass, side: int = 128, origins: tuple[Picture, ...] = ()) -> Picture:
    """Make one picture."""
    return paint(Latent(side, side, 1, origins, passes))[0]


def apart(one: Picture, other: Picture) -> float:
    """Tell how far two pictures are from each other, from 0 to 255."""
    difference = ImageChops.difference(one.image(), other.image())
    return sum(ImageStat.Stat(difference).mean) / 3


def test_same_question_gets_the_same_picture() -> None:
    """Pixel for pixel."""
    assert drawn(asked()) == drawn(asked())


def test_other_seed_gets_a_picture_that_is_plainly_another() -> None:
    """Not only in a pixel or two."""
    assert apart(drawn(asked(seed=1)), drawn(asked(seed=2))) > 10


LAID = Model(WEIGHTS, (Lora(SPYKE, 0.8),))
LIGHTLY_LAID = Model(WEIGHTS, (Lora(SPYKE, 0.3),))
POSED = Control(ControlNet(SPYKE), RED, 0.7, 0.0, 1.0)
WANTED = asked().guider.positive


@pytest.mark.parametrize(
    "other",
    [
        asked(text="a dog"),
        asked(sigmas=Sigmas("normal", 21)),
        asked(sigmas=Sigmas("karras", 20)),
        asked(sampler=Sampler("heun")),
        guided(cfg=8.0),
        guided(model=LAID),
        guided(model=LIGHTLY_LAID),
        guided(model=Model(Weights("any.safetensors", "cc"))),
        guided(negative=Conditioning(("worse",), Clip(WEIGHTS))),
        guided(negative=None),
        guided(positive=replace(WANTED, clip=Clip(WEIGHTS, last_layer=-2))),
        guided(positive=replace(WANTED, controls=(POSED,))),
        guided(positive=replace(WANTED, controls=(replace(POSED, strength=0.9),))),
        asked(seed=None),
    ],
)
def test_everything_that_was_asked_counts(other: Pass) -> None:
    """Text, steps, schedule, sampler, cfg, LoRA, model, ControlNet and the rest."""
    assert drawn(other) != drawn(asked())


def test_strength_of_a_lora_counts() -> None:
    """Between the light and the strong there is a difference one can see."""
    assert apart(drawn(guided(model=LAID)), drawn(guided(model=LIGHTLY_LAID))) > 3


def test_vae_counts() -> None:
    """A little."""
    latent = Latent(128, 128, 1, (), (asked(),))

    assert paint(latent, "one") != paint(latent, "other")


def test_pictures_of_a_batch_differ() -> None:
    """One question, two answers."""
    one, other = paint(Latent(128, 128, 2, (), (asked(),)))

    assert apart(one, other) > 10


@pytest.mark.parametrize("side", [16, 64, 128, 512])
def test_picture_is_never_of_one_colour(side: int) -> None:
    """At any size."""
    picture = drawn(asked(), side=side)

    assert all(low < high for low, high in ImageStat.Stat(picture.image()).extrema)


def test_picture_of_nothing_is_not_of_one_colour_either() -> None:
    """It still says what it is."""
    assert len(drawn().image().getcolors() or ()) > 1


def test_picture_to_start_from_shines_through() -> None:
    """The more, the less was made anew."""
    faint = drawn(asked(sigmas=Sigmas("normal", 20, 0.3)), origins=(RED,))
    strong = drawn(asked(sigmas=Sigmas("normal", 20, 0.8)), origins=(RED,))

    assert apart(faint, RED) < apart(strong, RED)


def test_full_denoising_leaves_nothing_of_it() -> None:
    """As if there had been none."""
    assert drawn(asked(), origins=(RED,)) == drawn(asked())


def test_second_pass_lies_over_the_first() -> None:
    """Which is still seen below."""
    again = asked(seed=2, sigmas=Sigmas("normal", 20, 0.5))

    assert drawn(asked(seed=1), again) != drawn(asked(seed=3), again)


def test_picture_of_another_size_is_stretched() -> None:
    """To the size of the latent."""
    assert drawn(side=64, origins=(RED,)).width == 64


def test_glimpse_is_a_jpeg_that_fills_its_frame() -> None:
    """Small pictures are scaled up, as in the engine."""
    with Image.open(io.BytesIO(glimpse(drawn(asked(), side=64), 0.5))) as image:
        assert (image.format, image.size) == ("JPEG", (GLIMPSE_SIDE, GLIMPSE_SIDE))


def test_numbers_follow_from_what_they_are_about() -> None:
    """However many are drawn, and none leaves its range."""
    numbers = list(islice(rolls("seed", 1), 200))

    assert numbers == list(islice(rolls("seed", 1), 200))
    assert numbers != list(islice(rolls("seed", 2), 200))
    assert all(0 <= number < 1 for number in numbers)
    assert len(set(numbers)) > 190
