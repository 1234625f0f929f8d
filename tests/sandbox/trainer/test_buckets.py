"""Pictures fall into the buckets that the real trainer chooses."""

import pytest

from plasma_watch.sandbox.trainer import buckets
from plasma_watch.sandbox.trainer.buckets import Rules, Size

USUAL = Rules((512, 512), 256, 1024, 64)


@pytest.mark.parametrize(
    ("rules", "count", "first", "last"),
    [
        (USUAL, 17, (256, 832), (1024, 256)),
        (Rules((64, 64), 64, 256, 64), 1, (64, 64), (64, 64)),
        (Rules((448, 448), 256, 1024, 64), 11, (256, 640), (768, 256)),
        (Rules((512, 768), 256, 1024, 64), 19, (256, 1024), (1024, 384)),
    ],
)
def test_sizes_are_those_of_the_real_trainer(
    rules: Rules, count: int, first: Size, last: Size
) -> None:
    """As its own function gave them."""
    sizes = rules.sizes()

    assert (len(sizes), sizes[0], sizes[-1]) == (count, first, last)


@pytest.mark.parametrize(
    ("picture", "bucket"),
    [
        ((512, 512), (512, 512)),
        ((1024, 768), (576, 448)),
        ((300, 900), (256, 832)),
        ((2000, 400), (1024, 256)),
        ((100, 101), (512, 512)),
        ((640, 384), (640, 384)),
        ((3, 4000), (256, 1024)),
    ],
)
def test_picture_goes_where_its_shape_is_nearest(picture: Size, bucket: Size) -> None:
    """Larger or smaller, it is resized."""
    assert USUAL.bucket(picture) == bucket


@pytest.mark.parametrize(
    ("picture", "bucket"),
    [
        ((512, 512), (512, 512)),
        ((1024, 768), (512, 384)),
        ((300, 900), (256, 768)),
        ((2000, 400), (960, 192)),
        ((100, 101), (64, 64)),
        ((511, 513), (448, 512)),
        ((1000, 1100), (448, 512)),
        ((4000, 3000), (512, 384)),
    ],
)
def test_picture_is_never_made_larger_where_that_is_not_wanted(picture: Size, bucket: Size) -> None:
    """Then any size may be a bucket."""
    assert Rules((512, 512), 256, 1024, 64, no_upscale=True).bucket(picture) == bucket


def test_batches_do_not_mix_buckets() -> None:
    """So two pictures of different shapes make two batches, whatever their size."""
    filled = buckets.filled([((64, 64), 3), ((64, 128), 1), ((64, 64), 2)])

    assert filled == [((64, 64), 5), ((64, 128), 1)]
    assert [buckets.batches(filled, size) for size in (1, 2, 5, 9)] == [6, 4, 2, 2]


def test_error_is_none_where_there_is_no_picture() -> None:
    """And the average of the differences in shape otherwise."""
    assert buckets.mean_error([]) == 0
    assert buckets.mean_error([((64, 64), (64, 64)), ((96, 64), (64, 64))]) == 0.25
