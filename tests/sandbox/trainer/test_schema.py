"""A dataset configuration is checked as strictly as the real trainer checks it."""

from typing import Any

import pytest

from plasma_watch.sandbox.trainer import schema
from plasma_watch.sandbox.trainer.refusals import MultipleInvalid

SUBSET = {"image_dir": "x"}


def with_subset(**more: Any) -> dict[str, Any]:
    """Give a configuration whose only subset has this too."""
    return {"datasets": [{"subsets": [SUBSET | more]}]}


def with_dataset(**more: Any) -> dict[str, Any]:
    """Give a configuration whose only dataset has this too."""
    return {"datasets": [{**more, "subsets": [SUBSET]}]}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"datasets": []},
        {"datasets": [{}]},
        {"datasets": [{"subsets": []}]},
        {"general": {"caption_extension": ".txt", "resolution": 512}},
        with_dataset(resolution=512),
        with_dataset(resolution=[512, 768]),
        with_dataset(batch_size=True),
        with_dataset(class_tokens="x", num_repeats=3),
        with_subset(caption_dropout_rate=1, face_crop_aug_range=[1.0, 2.0]),
    ],
)
def test_good_configuration_passes(config: dict[str, Any]) -> None:
    """Found so with the library that the real one checks with."""
    schema.check(config)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"generall": {}}, "extra keys not allowed @ data['generall']"),
        ({"datasets": {}}, "expected a list for dictionary value @ data['datasets']"),
        ({"general": 3}, "expected a dictionary for dictionary value @ data['general']"),
        (
            {"general": {"image_dir": "x"}},
            "extra keys not allowed @ data['general']['image_dir']",
        ),
        (
            with_dataset(resolution="512"),
            "expected int for dictionary value @ data['datasets'][0]['resolution']",
        ),
        (
            with_dataset(resolution=[512]),
            "expected int for dictionary value @ data['datasets'][0]['resolution']",
        ),
        (
            with_dataset(enable_bucket=1),
            "expected bool for dictionary value @ data['datasets'][0]['enable_bucket']",
        ),
        (
            with_dataset(network_multiplier=1),
            "expected float for dictionary value @ data['datasets'][0]['network_multiplier']",
        ),
        (with_dataset(is_reg=True), "extra keys not allowed @ data['datasets'][0]['is_reg']"),
        (
            with_subset(resolution=64),
            "extra keys not allowed @ data['datasets'][0]['subsets'][0]['resolution']",
        ),
        (
            with_subset(num_repeats=1.5),
            "expected int for dictionary value @ data['datasets'][0]['subsets'][0]['num_repeats']",
        ),
        (
            {"datasets": [{"a": 1, "batch_size": "x", "subsets": [{"b": 1}]}]},
            "extra keys not allowed @ data['datasets'][0]['a']",
        ),
        (
            {"datasets": [{"subsets": [{}]}]},
            "required key not provided @ data['datasets'][0]['subsets'][0]['image_dir']",
        ),
    ],
)
def test_bad_configuration_is_refused(config: dict[str, Any], why: str) -> None:
    """With the first thing that is wrong, in the words of that library."""
    with pytest.raises(MultipleInvalid) as refused:
        schema.check(config)

    assert str(refused.value) == why
