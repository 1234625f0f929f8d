"""Steps are counted as the engine counts them."""

import pytest

from plasma_watch.sandbox.bench import Bench
from plasma_watch.sandbox.nodes import sampling
from plasma_watch.sandbox.values import (
    Clip,
    Conditioning,
    Guider,
    Latent,
    Model,
    Noise,
    Sampler,
    Sigmas,
    Weights,
)

WEIGHTS = Weights("any.safetensors", "aa")
MODEL, CLIP = Model(WEIGHTS), Clip(WEIGHTS)
WANTED, UNWANTED = Conditioning(("a cat",), CLIP), Conditioning(("bad",), CLIP)
EMPTY = Latent(64, 64, 1)


def test_ksampler_takes_its_steps(bench: Bench, steps: list[tuple[int, int]]) -> None:
    """One after the other, and notes what was asked."""
    latent = ksampler(bench, denoise=0.5)

    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert latent.passes[0].sigmas == Sigmas("normal", 3, 0.5)
    assert latent.passes[0].noise == Noise(7)


def test_ksampler_without_denoising_does_nothing(
    bench: Bench, steps: list[tuple[int, int]]
) -> None:
    """Not even a step."""
    assert ksampler(bench, denoise=0.0) == EMPTY
    assert steps == []


@pytest.mark.parametrize(
    ("start", "end", "taken"),
    [(0, 10000, 6), (2, 10000, 4), (0, 4, 4), (2, 4, 2), (6, 10000, 0), (4, 2, 0)],
)
def test_advanced_sampler_takes_some_steps(
    bench: Bench, steps: list[tuple[int, int]], start: int, end: int, taken: int
) -> None:
    """From one to another, as far as there are any."""
    (made,) = sampling.ksampler_advanced(
        bench,
        model=MODEL,
        add_noise="disable",
        noise_seed=7,
        steps=6,
        cfg=7.0,
        sampler_name="euler",
        scheduler="normal",
        positive=WANTED,
        negative=UNWANTED,
        latent_image=EMPTY,
        start_at_step=start,
        end_at_step=end,
        return_with_leftover_noise="disable",
    ).outputs
    assert isinstance(made, Latent)
    assert steps == [(step, taken) for step in range(1, taken + 1)]
    assert [one.noise for one in made.passes] == [Noise(None)] * (taken > 0)


@pytest.mark.parametrize(
    ("sampler", "steps", "counted"),
    [
        ("euler", 3, [1, 2, 3]),
        ("dpm_fast", 20, [1, 2, 3, 4, 5, 6, 7]),
        ("dpm_fast", 1, [1]),
        ("dpm_adaptive", 2, [1, *[2] * 11]),
        ("dpm_adaptive", 1, []),
    ],
)
def test_two_samplers_do_not_end_at_their_last_step(
    sampler: str, steps: int, counted: list[int]
) -> None:
    """One stops early, one decides by itself."""
    assert list(sampling.counted(sampler, steps)) == counted


def test_parts_make_the_same_as_the_whole(bench: Bench) -> None:
    """The newer nodes ask for one thing each."""
    (noise,) = sampling.random_noise(bench, noise_seed=7).outputs
    (sampler,) = sampling.select_sampler(bench, sampler_name="euler").outputs
    (sigmas,) = sampling.basic_scheduler(
        bench, model=MODEL, scheduler="normal", steps=3, denoise=1.0
    ).outputs
    (guider,) = sampling.cfg_guider(
        bench, model=MODEL, positive=WANTED, negative=UNWANTED, cfg=7.0
    ).outputs
    assert isinstance(noise, Noise)
    assert isinstance(sampler, Sampler)
    assert isinstance(sigmas, Sigmas)
    assert isinstance(guider, Guider)
    made = sampling.sample_guided(
        bench, noise=noise, guider=guider, sampler=sampler, sigmas=sigmas, latent_image=EMPTY
    ).outputs
    custom = sampling.sample_custom(
        bench,
        model=MODEL,
        add_noise=True,
        noise_seed=7,
        cfg=7.0,
        positive=WANTED,
        negative=UNWANTED,
        sampler=sampler,
        sigmas=sigmas,
        latent_image=EMPTY,
    ).outputs

    assert made == custom == (ksampler(bench),) * 2


def test_other_parts(bench: Bench) -> None:
    """No noise, a guide without refusals, a schedule by its curve, one that is empty."""
    assert sampling.no_noise(bench).outputs == (Noise(None),)
    assert sampling.basic_guider(bench, model=MODEL, conditioning=WANTED).outputs == (
        Guider(MODEL, WANTED, None, 1.0),
    )
    assert sampling.karras_scheduler(
        bench, steps=4, sigma_max=14.6, sigma_min=0.03, rho=7.0
    ).outputs == (Sigmas("karras 14.6 0.03 7.0", 4),)
    assert sampling.basic_scheduler(
        bench, model=MODEL, scheduler="normal", steps=3, denoise=0.0
    ).outputs == (Sigmas("normal", 0, 0.0),)


def ksampler(bench: Bench, denoise: float = 1.0) -> Latent:
    """Sample three steps."""
    (made,) = sampling.ksampler(
        bench,
        model=MODEL,
        seed=7,
        steps=3,
        cfg=7.0,
        sampler_name="euler",
        scheduler="normal",
        positive=WANTED,
        negative=UNWANTED,
        latent_image=EMPTY,
        denoise=denoise,
    ).outputs
    assert isinstance(made, Latent)
    return made
