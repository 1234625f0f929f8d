"""The nodes that say what a picture shall show."""

from dataclasses import replace

from plasma_watch.sandbox.bench import Bench, Made
from plasma_watch.sandbox.picture import Picture
from plasma_watch.sandbox.values import Clip, Conditioning, Control, ControlNet, Vae


def encode_text(_bench: Bench, *, text: str, clip: Clip) -> Made:
    """Encode a text."""
    return Made((Conditioning((text,), replace(clip)),))


def set_last_layer(_bench: Bench, *, clip: Clip, stop_at_clip_layer: int) -> Made:
    """Leave out the last layers of the text encoder."""
    return Made((replace(clip, last_layer=stop_at_clip_layer),))


def combine(_bench: Bench, *, conditioning_1: Conditioning, conditioning_2: Conditioning) -> Made:
    """Follow two at once."""
    both = replace(
        conditioning_1,
        texts=conditioning_1.texts + conditioning_2.texts,
        controls=conditioning_1.controls + conditioning_2.controls,
    )
    return Made((both,))


def apply_control(
    _bench: Bench,
    *,
    conditioning: Conditioning,
    control_net: ControlNet,
    image: tuple[Picture, ...],
    strength: float,
) -> Made:
    """Follow a picture from start to end."""
    control = Control(control_net, image[0], strength, 0.0, 1.0)
    return Made((_following(conditioning, control),))


def apply_control_to_both(
    _bench: Bench,
    *,
    positive: Conditioning,
    negative: Conditioning,
    control_net: ControlNet,
    image: tuple[Picture, ...],
    strength: float,
    start_percent: float,
    end_percent: float,
    vae: Vae | None = None,  # noqa: ARG001 - only newer models than SD 1.5 use it
) -> Made:
    """Follow a picture for a part of the way, in what is wanted and in what is not."""
    control = Control(control_net, image[0], strength, start_percent, end_percent)
    return Made((_following(positive, control), _following(negative, control)))


def _following(conditioning: Conditioning, control: Control) -> Conditioning:
    if control.strength == 0:
        return conditioning
    return replace(conditioning, controls=(*conditioning.controls, control))
