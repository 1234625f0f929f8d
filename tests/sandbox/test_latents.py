"""Sizes are whole eights."""

import pytest

from plasma_watch.sandbox.bench import Bench
from plasma_watch.sandbox.nodes import latents
from plasma_watch.sandbox.picture import plain
from plasma_watch.sandbox.values import (
    Latent,
    Vae,
    Weights,
)

WEIGHTS = Weights("any.safetensors", "aa")
VAE = Vae(WEIGHTS)
EMPTY = Latent(64, 64, 1)
GREY = plain(100, 70, 0x808080)


def test_empty_latent_is_cut_to_eights(bench: Bench) -> None:
    """Down, and without a word."""
    assert latents.empty(bench, width=70, height=66, batch_size=2).outputs == (Latent(64, 64, 2),)


def test_latent_too_big_for_the_machine_fails(bench: Bench) -> None:
    """Before anything is made."""
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        latents.empty(bench, width=1 << 24, height=1 << 24)


def test_encoded_picture_is_cut_around_its_middle(bench: Bench) -> None:
    """What is whole stays whole."""
    whole = plain(64, 64, 5)
    (cut,) = latents.encode(bench, pixels=(GREY,), vae=VAE).outputs
    (same,) = latents.encode(bench, pixels=(whole,), vae=VAE).outputs

    assert isinstance(cut, Latent)
    assert (cut.width, cut.height, cut.count) == (96, 64, 1)
    assert isinstance(same, Latent)
    assert same.origins == (whole,)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(128, 128, (128, 128)), (0, 0, (64, 96)), (128, 0, (128, 192)), (0, 40, (64, 64))],
)
def test_latent_is_scaled_to_a_size(
    bench: Bench, width: int, height: int, size: tuple[int, int]
) -> None:
    """A side that is 0 follows the other; 64 is the least."""
    (made,) = latents.upscale(
        bench,
        samples=Latent(64, 96, 1),
        upscale_method="area",
        width=width,
        height=height,
        crop="disabled",
    ).outputs
    assert isinstance(made, Latent)
    assert (made.width, made.height) == size


def test_latent_is_scaled_by_a_factor(bench: Bench) -> None:
    """Counted in eights."""
    (made,) = latents.upscale_by(bench, samples=EMPTY, upscale_method="area", scale_by=1.3).outputs
    assert isinstance(made, Latent)
    assert made.width == 80


def test_latent_becomes_pictures(bench: Bench, steps: list[tuple[int, int]]) -> None:
    """In one piece without a word, or piece by piece."""
    at_once = latents.decode(bench, samples=Latent(64, 64, 2), vae=VAE)
    assert steps == []
    in_pieces = latents.decode_tiled(
        bench, samples=Latent(64, 64, 2), vae=VAE, tile_size=512, overlap=64
    )

    assert at_once == in_pieces
    assert steps == [(step, 6) for step in range(1, 7)]


@pytest.mark.parametrize(
    ("sides", "tile", "overlap", "pieces"),
    [((8, 8), 8, 0, 5), ((16, 8), 8, 0, 8), ((16, 16), 8, 2, 23), ((32, 24), 8, 2, 83)],
)
def test_pieces_are_counted_as_the_engine_counts(
    sides: tuple[int, int], tile: int, overlap: int, pieces: int
) -> None:
    """Three rounds of tiles of three shapes; measured on the real one."""
    assert latents.tiles(sides, tile, overlap) == pieces
