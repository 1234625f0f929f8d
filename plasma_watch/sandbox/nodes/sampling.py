"""The nodes that sample: they take their time step by step and note what was asked for."""

from collections.abc import Iterable
from dataclasses import replace

from plasma_watch.sandbox import painter
from plasma_watch.sandbox.bench import Bench, Made
from plasma_watch.sandbox.values import (
    Conditioning,
    Guider,
    Latent,
    Model,
    Noise,
    Pass,
    Sampler,
    Sigmas,
)

ADAPTIVE_STEPS = 12
"""What dpm_adaptive took where it was measured; it decides by itself."""


def ksampler(
    bench: Bench,
    *,
    model: Model,
    seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    denoise: float = 1.0,
) -> Made:
    """Sample in one go."""
    sigmas = Sigmas(scheduler, steps if denoise > 0 else 0, denoise)
    guider = Guider(model, positive, negative, cfg)
    one = Pass(guider, Noise(seed), Sampler(sampler_name), sigmas)
    return Made((_sample(bench, latent_image, one),))


def ksampler_advanced(
    bench: Bench,
    *,
    model: Model,
    add_noise: str,
    noise_seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    start_at_step: int,
    end_at_step: int,
    return_with_leftover_noise: str,  # noqa: ARG001 - nothing is left over in a drawing
) -> Made:
    """Sample some of the steps."""
    taken = max(0, min(end_at_step, steps) - start_at_step)
    noise = Noise(noise_seed if add_noise == "enable" else None)
    sigmas = Sigmas(scheduler, taken, taken / steps)
    guider = Guider(model, positive, negative, cfg)
    return Made((_sample(bench, latent_image, Pass(guider, noise, Sampler(sampler_name), sigmas)),))


def sample_custom(
    bench: Bench,
    *,
    model: Model,
    add_noise: bool,
    noise_seed: int,
    cfg: float,
    positive: Conditioning,
    negative: Conditioning,
    sampler: Sampler,
    sigmas: Sigmas,
    latent_image: Latent,
) -> Made:
    """Sample with method and schedule from outside."""
    noise = Noise(noise_seed if add_noise else None)
    one = Pass(Guider(model, positive, negative, cfg), noise, sampler, sigmas)
    sampled = _sample(bench, latent_image, one)
    return Made((sampled, sampled))


def sample_guided(
    bench: Bench,
    *,
    noise: Noise,
    guider: Guider,
    sampler: Sampler,
    sigmas: Sigmas,
    latent_image: Latent,
) -> Made:
    """Sample with all parts from outside."""
    sampled = _sample(bench, latent_image, Pass(guider, noise, sampler, sigmas))
    return Made((sampled, sampled))


def select_sampler(_bench: Bench, *, sampler_name: str) -> Made:
    """Choose a method."""
    return Made((Sampler(sampler_name),))


def basic_scheduler(
    _bench: Bench,
    *,
    model: Model,  # noqa: ARG001 - every model here has the same noise
    scheduler: str,
    steps: int,
    denoise: float,
) -> Made:
    """Choose a schedule by name."""
    return Made((Sigmas(scheduler, steps if denoise > 0 else 0, denoise),))


def karras_scheduler(
    _bench: Bench, *, steps: int, sigma_max: float, sigma_min: float, rho: float
) -> Made:
    """Choose a schedule by its curve."""
    return Made((Sigmas(f"karras {sigma_max} {sigma_min} {rho}", steps),))


def random_noise(_bench: Bench, *, noise_seed: int) -> Made:
    """Start from noise."""
    return Made((Noise(noise_seed),))


def no_noise(_bench: Bench) -> Made:
    """Start from the latent as it is."""
    return Made((Noise(None),))


def basic_guider(_bench: Bench, *, model: Model, conditioning: Conditioning) -> Made:
    """Guide by what is wanted alone."""
    return Made((Guider(model, conditioning, None, 1.0),))


def cfg_guider(
    _bench: Bench, *, model: Model, positive: Conditioning, negative: Conditioning, cfg: float
) -> Made:
    """Guide by what is wanted and what is not."""
    return Made((Guider(model, positive, negative, cfg),))


def _sample(bench: Bench, latent: Latent, one: Pass) -> Latent:
    if one.sigmas.steps == 0:
        return latent
    sampled = replace(latent, passes=(*latent.passes, one))
    for value in counted(one.sampler.name, one.sigmas.steps):
        bench.step(value, one.sigmas.steps, lambda: painter.paint(sampled)[0])
    return sampled


def counted(sampler: str, steps: int) -> Iterable[int]:
    """Count as the sampler counts: two of them do not end where the others do."""
    if sampler == "dpm_fast":
        return range(1, steps // 3 + 2)
    if sampler == "dpm_adaptive":
        if steps == 1:
            return ()
        return (min(value, steps) for value in range(1, ADAPTIVE_STEPS + 1))
    return range(1, steps + 1)
