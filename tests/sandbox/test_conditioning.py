"""Texts, and pictures to follow."""

from plasma_watch.sandbox.bench import Bench
from plasma_watch.sandbox.nodes import conditioning
from plasma_watch.sandbox.picture import plain
from plasma_watch.sandbox.values import (
    Clip,
    Conditioning,
    Control,
    ControlNet,
    Weights,
)

WEIGHTS = Weights("any.safetensors", "aa")
CLIP = Clip(WEIGHTS)
WANTED, UNWANTED = Conditioning(("a cat",), CLIP), Conditioning(("bad",), CLIP)
GREY = plain(100, 70, 0x808080)


def test_text_is_encoded_by_the_clip_as_set(bench: Bench) -> None:
    """Its last layer counts."""
    (clip,) = conditioning.set_last_layer(bench, clip=CLIP, stop_at_clip_layer=-2).outputs
    assert isinstance(clip, Clip)
    (made,) = conditioning.encode_text(bench, text="a cat", clip=clip).outputs

    assert made == Conditioning(("a cat",), Clip(WEIGHTS, last_layer=-2))


def test_two_are_combined(bench: Bench) -> None:
    """Their texts stand one after the other."""
    (made,) = conditioning.combine(bench, conditioning_1=WANTED, conditioning_2=UNWANTED).outputs
    assert isinstance(made, Conditioning)
    assert made.texts == ("a cat", "bad")


def test_picture_is_followed(bench: Bench) -> None:
    """By one, or by both for a part of the way."""
    net = ControlNet(WEIGHTS)
    (one,) = conditioning.apply_control(
        bench, conditioning=WANTED, control_net=net, image=(GREY,), strength=0.5
    ).outputs
    wanted, unwanted = both(bench, 0.5)

    assert [(c.start, c.end) for c in controls(one)] == [(0.0, 1.0)]
    assert [(c.start, c.end) for c in controls(wanted)] == [(0.1, 0.9)]
    assert controls(wanted) == controls(unwanted)


def test_picture_of_no_strength_is_not_followed(bench: Bench) -> None:
    """All stays as it was."""
    assert both(bench, 0) == (WANTED, UNWANTED)


def both(bench: Bench, strength: float) -> tuple[object, ...]:
    """Let both follow a picture."""
    return conditioning.apply_control_to_both(
        bench,
        positive=WANTED,
        negative=UNWANTED,
        control_net=ControlNet(WEIGHTS),
        image=(GREY,),
        strength=strength,
        start_percent=0.1,
        end_percent=0.9,
    ).outputs


def controls(made: object) -> tuple[Control, ...]:
    """List what is followed."""
    assert isinstance(made, Conditioning)
    return made.controls
