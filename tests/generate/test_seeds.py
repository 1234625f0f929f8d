"""A seed that was asked for is the seed that was used, whichever node samples."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.blueprints import Blueprint, node, plain
from tests.fakes.studio import Studio

SEED = 2**53 - 7
SIGMAS = {"scheduler": "normal", "steps": 2, "denoise": 1.0, "model": ["4", 0]}
SIDES = {"positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}


def ksampler(made: Blueprint) -> None:
    """Leave the usual one."""


def advanced(made: Blueprint) -> None:
    """Sample with the node that calls its seed `noise_seed`."""
    inputs = made.graph["3"]["inputs"]
    del inputs["denoise"]
    inputs |= {"add_noise": "enable", "noise_seed": inputs.pop("seed"), "start_at_step": 0}
    inputs |= {"end_at_step": 10000, "return_with_leftover_noise": "disable"}
    made.graph["3"] = node("KSamplerAdvanced", **inputs)
    made.map["slots"]["seed"] = "3.noise_seed"


def custom(made: Blueprint) -> None:
    """Sample with method and schedule from other nodes."""
    made.graph["20"] = node("KSamplerSelect", sampler_name="euler")
    made.graph["21"] = node("BasicScheduler", **SIGMAS)
    chosen = {"sampler": ["20", 0], "sigmas": ["21", 0], "model": ["4", 0]}
    made.graph["3"] = node(
        "SamplerCustom", add_noise=True, noise_seed=0, cfg=7.0, **chosen, **SIDES
    )
    made.map["slots"] |= {"seed": "3.noise_seed", "sampler": "20.sampler_name"}
    made.map["slots"] |= {"steps": "21.steps", "scheduler": "21.scheduler"}


def guided_by_noise(made: Blueprint) -> None:
    """Sample with noise from a node of its own."""
    custom(made)
    made.graph["22"] = node("RandomNoise", noise_seed=0)
    made.graph["23"] = node(
        "CFGGuider", model=["4", 0], positive=["6", 0], negative=["7", 0], cfg=7.0
    )
    parts = {"noise": ["22", 0], "guider": ["23", 0], "sampler": ["20", 0], "sigmas": ["21", 0]}
    made.graph["3"] = node("SamplerCustomAdvanced", latent_image=["5", 0], **parts)
    made.map["slots"] |= {"seed": "22.noise_seed", "cfg": "23.cfg"}


@pytest.mark.parametrize("sampling", [ksampler, advanced, custom, guided_by_noise])
def test_seed_is_that_of_the_request(studio: Studio, sampling: Callable[[Blueprint], None]) -> None:
    """F72: in the graph as executed, read back from the engine; the next picture has the next."""
    blueprint = plain().changed(sampling)
    blueprint.write(studio.home.root / "workflows", "sampled")
    slot = str(blueprint.map["slots"]["seed"])
    number, _, name = slot.partition(".")

    studio.make(workflow="sampled", seed=SEED, count=2)

    used = [studio.manifest(f"p003_v{n}").graph[number]["inputs"][name] for n in (1, 2)]
    assert used == [SEED, SEED + 1]
    assert [studio.manifest(f"p003_v{n}").request["seed"] for n in (1, 2)] == used
