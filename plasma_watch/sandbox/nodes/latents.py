"""The nodes between pixels and latents. A latent's sides are counted in pixels here, by eights."""

import math
from dataclasses import replace
from functools import partial

from plasma_watch.sandbox import memory, painter
from plasma_watch.sandbox.bench import Bench, Made
from plasma_watch.sandbox.picture import Picture, picture_of
from plasma_watch.sandbox.values import Latent, Vae

GRID = 8
CHANNELS = 4
SMALLEST_SIDE = 64


def empty(_bench: Bench, *, width: int, height: int, batch_size: int = 1) -> Made:
    """Begin with nothing."""
    memory.claim(batch_size * CHANNELS * (height // GRID) * (width // GRID))
    return Made((Latent(_whole(width), _whole(height), batch_size),))


def encode(_bench: Bench, *, pixels: tuple[Picture, ...], vae: Vae) -> Made:  # noqa: ARG001
    """Begin with pictures, cut to whole eights around the middle."""
    origins = tuple(_cut(picture) for picture in pixels)
    first = origins[0]
    return Made((Latent(first.width, first.height, len(origins), origins),))


def decode(_bench: Bench, *, samples: Latent, vae: Vae) -> Made:
    """Make the pictures."""
    return Made((painter.paint(samples, vae.weights.name),))


def decode_tiled(
    bench: Bench,
    *,
    samples: Latent,
    vae: Vae,
    tile_size: int,
    overlap: int = 64,
    temporal_size: int = 64,  # noqa: ARG001 - there are no moving pictures here
    temporal_overlap: int = 8,  # noqa: ARG001
) -> Made:
    """Make the pictures piece by piece, counting the pieces."""
    sides = (samples.width // GRID, samples.height // GRID)
    overlap = tile_size // 4 if tile_size < overlap * 4 else overlap
    count = samples.count * tiles(sides, tile_size // GRID, overlap // GRID)
    for value in range(1, count + 1):
        bench.step(value, count, None)
    return decode(bench, samples=samples, vae=vae)


def upscale(
    _bench: Bench,
    *,
    samples: Latent,
    upscale_method: str,  # noqa: ARG001 - what is not drawn yet has no pixels to scale
    width: int,
    height: int,
    crop: str,  # noqa: ARG001
) -> Made:
    """Change the size to the one given; a side that is 0 follows the other."""
    if width == 0 and height == 0:
        return Made((samples,))
    wide = width or round(samples.width * height / samples.height)
    high = height or round(samples.height * width / samples.width)
    return Made((_resized(samples, max(SMALLEST_SIDE, wide), max(SMALLEST_SIDE, high)),))


def upscale_by(
    _bench: Bench,
    *,
    samples: Latent,
    upscale_method: str,  # noqa: ARG001
    scale_by: float,
) -> Made:
    """Change the size by a factor."""
    wide = round(samples.width // GRID * scale_by) * GRID
    high = round(samples.height // GRID * scale_by) * GRID
    return Made((_resized(samples, wide, high),))


def tiles(sides: tuple[int, int], tile: int, overlap: int) -> int:
    """Count the pieces of three rounds: high ones, wide ones, square ones."""
    rounds = ((tile // 2, tile * 2), (tile * 2, tile // 2), (tile, tile))
    return sum(math.prod(map(partial(_pieces, overlap), sides, shape)) for shape in rounds)


def _pieces(overlap: int, side: int, tile: int) -> int:
    return 1 if side <= tile else math.ceil((side - overlap) / (tile - overlap))


def _resized(latent: Latent, width: int, height: int) -> Latent:
    return replace(latent, width=_whole(width), height=_whole(height))


def _whole(side: int) -> int:
    return side // GRID * GRID


def _cut(picture: Picture) -> Picture:
    width, height = _whole(picture.width), _whole(picture.height)
    if (width, height) == (picture.width, picture.height):
        return picture
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture_of(picture.image().crop((left, top, left + width, top + height)))
