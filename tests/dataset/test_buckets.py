"""Buckets are the trainer's own: held to what sd-scripts 0.10.1 answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.dataset.buckets import Buckets, Size, trimmed

OURS = Buckets(512, 256, 1024, 64)
SMALL = Buckets(384, 192, 1024, 64)


def test_the_buckets_are_the_trainers() -> None:
    """All of them, at 512 pixels."""
    tall = [(256, n) for n in (832, 896, 960, 1024)] + [(320, 704), (320, 768), (384, 640)]
    tall.append((448, 576))

    assert OURS.sizes() == sorted([*tall, *((h, w) for w, h in tall), (512, 512)])
    assert Buckets(64, 64, 256, 64).sizes() == [(64, 64)]
    assert OURS.square() == (512, 512)


@pytest.mark.parametrize(
    ("buckets", "size", "bucket"),
    [
        (OURS, (500, 500), (512, 512)),
        (OURS, (832, 256), (832, 256)),
        (OURS, (768, 1024), (448, 576)),
        (OURS, (1000, 333), (832, 256)),
        (OURS, (64, 64), (512, 512)),
        (OURS, (90, 400), (256, 1024)),
        (OURS, (3000, 2000), (640, 384)),
        (OURS, (511, 769), (384, 640)),
        (OURS, (1339, 587), (704, 320)),
        (OURS, (1952, 1149), (640, 384)),
        (OURS, (1692, 1478), (576, 448)),
        (SMALL, (1024, 1842), (256, 512)),
        (SMALL, (568, 843), (320, 448)),
        (SMALL, (90, 1561), (192, 768)),
        (SMALL, (1177, 272), (768, 192)),
    ],
)
def test_a_picture_gets_the_bucket_that_the_trainer_gives_it(
    buckets: Buckets, size: Size, bucket: Size
) -> None:
    """Recorded from its own code."""
    assert buckets.of(*size) == bucket


@given(st.integers(64, 4000), st.integers(64, 4000))
def test_a_picture_of_a_bucket_stays_in_it(wide: int, high: int) -> None:
    """What was fitted once is cut no more."""
    bucket = OURS.of(wide, high)

    assert OURS.of(*bucket) == bucket
    assert trimmed(bucket, bucket) == (0, 0)


def test_what_the_trainer_cuts_off_is_told() -> None:
    """In the picture's own pixels; never on both sides."""
    assert trimmed((1000, 500), (512, 512)) == (500, 0)
    assert trimmed((448, 597), (448, 576)) == (0, 21)
