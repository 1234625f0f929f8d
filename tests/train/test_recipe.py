"""What is claimed of the trainer's settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.config import Defaults
from plasma_watch.request import TrainRequest
from plasma_watch.train import recipe
from plasma_watch.train.recipe import Places, Plan, calibration, dataset_table, training_table

PLACES = Places(Path("/base"), Path("/dataset.toml"), Path("/out"))


def asked(**keys: Any) -> TrainRequest:
    """Return a request with the keys given."""
    least = {"kind": "train", "lora": "spyke", "dataset": "datasets/spyke", "trigger": "spyke"}
    return TrainRequest.model_validate(least | keys)


def planned(images: int, *, reg: bool = False, **keys: Any) -> Plan:
    """Return the plan of a request with the keys given."""
    return recipe.plan(asked(**keys), images, with_regularization=reg)


@pytest.mark.parametrize(
    ("images", "keys", "repeats", "epochs", "steps"),
    [
        (20, {}, 10, 5, 1000),  # 1000 steps, epochs of about 200
        (15, {}, 13, 5, 975),
        (18, {}, 11, 5, 990),
        (300, {}, 1, 3, 900),
        (15, {"steps": 100}, 7, 1, 105),  # an epoch is no longer than the whole
        (15, {"steps": 1}, 1, 1, 15),
        (20, {"steps": 1000, "save_every": 100}, 5, 10, 1000),
        (20, {"epochs": 3}, 10, 3, 600),
        (20, {"epochs": 3, "save_every": 20}, 1, 3, 60),
    ],
)
def test_steps_become_epochs_and_repeats(
    images: int, keys: dict[str, Any], repeats: int, epochs: int, steps: int
) -> None:
    """As near to what was asked as whole epochs come."""
    plan = planned(images, **keys)

    assert (plan.repeats, plan.epochs, plan.steps) == (repeats, epochs, steps)


def test_regularization_doubles_the_steps_of_an_epoch() -> None:
    """The trainer shows one picture of it for each of the dataset's own."""
    plan = planned(20, reg=True)

    assert (plan.repeats, plan.steps_an_epoch, plan.epochs, plan.steps) == (5, 200, 5, 1000)


@given(
    images=st.integers(1, 500),
    steps=st.integers(1, 20_000),
    save_every=st.integers(1, 20_000),
    reg=st.booleans(),
)
def test_a_plan_misses_by_no_more_than_half_an_epoch(
    images: int, steps: int, save_every: int, *, reg: bool
) -> None:
    """Or is one epoch of the shortest kind; and it always trains something."""
    plan = planned(images, reg=reg, steps=steps, save_every=save_every)

    assert plan.repeats >= 1
    assert plan.epochs >= 1
    assert plan.epochs == 1 or abs(plan.steps - steps) <= plan.steps_an_epoch / 2


@pytest.mark.parametrize(("steps", "runs"), [(50, 50), (5000, 1000)])
def test_a_calibration_runs_its_steps_and_no_more(steps: int, runs: int) -> None:
    """And never more than the whole."""
    plan = calibration(planned(20), steps)

    assert (plan.epochs, plan.steps) == (1, runs)


def test_every_default_is_filled_in_once() -> None:
    """What the journal and the manifest hold says all of it, and is a request itself."""
    table = recipe.resolve(asked(), Defaults(checkpoint="x.safetensors"))

    assert table["base"] == "x.safetensors"
    assert table["steps"] == 1000
    assert recipe.resolve(TrainRequest.model_validate(table), Defaults()) == table


def test_epochs_leave_steps_out() -> None:
    """They say the same thing, so only one stands there."""
    table = recipe.resolve(asked(epochs=4, base="b.safetensors"), Defaults())

    assert "steps" not in table
    assert (table["epochs"], table["base"]) == (4, "b.safetensors")


def test_a_manifests_tables_are_no_part_of_the_request() -> None:
    """When a manifest was dropped to train it again."""
    table = recipe.resolve(asked(result={"state": "done"}, versions=[{"epoch": 1}]), Defaults())

    assert not {"result", "versions"} & set(table)


def options(repository: Path) -> dict[str, Any]:
    """Return the trainer's real options, as they were read off it."""
    path = repository / "plasma_watch" / "sandbox" / "trainer" / "options.json"
    return dict(json.loads(path.read_text("utf-8")))


_TYPES = {
    "str": (str,),
    "Path": (str,),
    "int": (int,),
    "float": (float,),
    "int_or_float": (int, float),
    "flag": (bool,),
}


@pytest.mark.parametrize(
    ("request_", "places"),
    [
        (asked(), PLACES),
        (asked(calibrate=50), PLACES),
        (
            asked(alpha=8, learning_rate=1),
            Places(*(Path("/x"),) * 3, tokenizer=Path("/t"), resume=Path("/s"), done_epochs=3),
        ),
    ],
)
def test_every_setting_is_an_option_of_the_trainer(
    repository: Path, request_: TrainRequest, places: Places
) -> None:
    """It takes unknown keys without a word, and wrong types until the model is loaded."""
    known = options(repository)
    plan = recipe.plan(request_, 20, with_regularization=False)

    for key, value in training_table(request_, plan, places, "job").items():
        assert key in known, key
        assert type(value) in _TYPES[known[key]["type"]], key
        assert value in (known[key].get("choices") or [value]), key


def test_dangerous_defaults_are_all_set() -> None:
    """Each of them ruins a training on a Mac, or without a word."""
    table = training_table(asked(), planned(20), PLACES, "20261122T041512-spyke")

    assert (
        table
        | {
            "mixed_precision": "no",
            "optimizer_type": "AdamW",
            "max_data_loader_n_workers": 0,
            "learning_rate": 1e-4,
            "network_dim": 16,
            "network_alpha": 8.0,
            "network_train_unet_only": True,
            "sdpa": True,
            "gradient_checkpointing": True,
            "cache_latents": True,
            "save_every_n_epochs": 1,
            "save_state": True,
            "max_train_epochs": 5,
            "seed": 42,
            "training_comment": "plasma-watch 20261122T041512-spyke",
        }
        == table
    )


def test_a_training_goes_on_from_an_epoch_in_the_one_right_way() -> None:
    """With the state and the number of the next epoch; steps are never named."""
    places = Places(*(Path("/x"),) * 3, resume=Path("/spyke-000002-state"), done_epochs=2)

    table = training_table(asked(), planned(20), places, "job")

    assert (table["resume"], table["initial_epoch"]) == ("/spyke-000002-state", 3)
    assert "max_train_steps" not in table


def test_a_calibration_saves_no_state() -> None:
    """It is thrown away."""
    table = training_table(asked(calibrate=50), calibration(planned(20), 50), PLACES, "job")

    assert table["max_train_steps"] == 50
    assert not {"save_state", "max_train_epochs", "save_every_n_epochs"} & set(table)


@pytest.mark.parametrize(
    ("resolution", "least", "most"),
    [(64, 64, 256), (128, 64, 512), (384, 192, 1024), (512, 256, 1024), (1536, 768, 1536)],
)
def test_buckets_are_of_sizes_that_the_trainer_takes(
    resolution: int, least: int, most: int
) -> None:
    """Multiples of 64, the smallest no larger than the resolution."""
    table = dataset_table(
        asked(resolution=resolution), planned(20), Path("/copy"), {"train": False}
    )

    (dataset,) = table["datasets"]
    assert (dataset["min_bucket_reso"], dataset["max_bucket_reso"]) == (least, most)
    assert table["general"]["caption_extension"] == ".txt"


def test_regularization_is_a_subset_that_is_not_repeated() -> None:
    """The trainer repeats it by itself until it is as long as the dataset."""
    parts = {"train": False, "reg": True}

    table = dataset_table(asked(), planned(20, reg=True), Path("/copy"), parts)

    assert table["datasets"][0]["subsets"] == [
        {"image_dir": "/copy/train", "num_repeats": 5, "is_reg": False},
        {"image_dir": "/copy/reg", "num_repeats": 1, "is_reg": True},
    ]


def test_a_training_tells_how_much_disk_it_fills() -> None:
    """A checkpoint of each epoch in half precision, and the states that are kept."""
    request = asked(dim=4)

    assert recipe.checkpoint_bytes(request) == pytest.approx(3.48e6, rel=0.01)
    assert recipe.state_bytes(request) == pytest.approx(20.9e6, rel=0.01)
    assert recipe.room_bytes(request, 5) == pytest.approx(5 * 3.48e6 + 3 * 20.9e6, rel=0.01)
