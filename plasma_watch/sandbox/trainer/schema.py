"""Is a dataset configuration of the right form? Here, unlike in the options, nothing is let pass.

It knows the keys of pictures with captions beside them; those of metadata files are not imitated.
The words are those of the library with which the real trainer checks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from plasma_watch.sandbox.trainer.refusals import MultipleInvalid

Kinds = Mapping[str, tuple[type, ...]]

SUBSET: Kinds = {
    "color_aug": (bool,),
    "face_crop_aug_range": (float,),
    "flip_aug": (bool,),
    "num_repeats": (int,),
    "random_crop": (bool,),
    "shuffle_caption": (bool,),
    "keep_tokens": (int,),
    "keep_tokens_separator": (str,),
    "secondary_separator": (str,),
    "caption_separator": (str,),
    "enable_wildcard": (bool,),
    "token_warmup_min": (int,),
    "token_warmup_step": (float, int),
    "caption_prefix": (str,),
    "caption_suffix": (str,),
    "custom_attributes": (dict,),
    "resize_interpolation": (str,),
    "caption_extension": (str,),
    "class_tokens": (str,),
    "cache_info": (bool,),
    "caption_dropout_every_n_epochs": (int,),
    "caption_dropout_rate": (float, int),
    "caption_tag_dropout_rate": (float, int),
}
ONLY_SUBSET: Kinds = {"image_dir": (str,), "is_reg": (bool,), "alpha_mask": (bool,)}
DATASET: Kinds = {
    "batch_size": (int,),
    "bucket_no_upscale": (bool,),
    "bucket_reso_steps": (int,),
    "enable_bucket": (bool,),
    "max_bucket_reso": (int,),
    "min_bucket_reso": (int,),
    "validation_seed": (int,),
    "validation_split": (float,),
    "resolution": (int,),
    "network_multiplier": (float,),
    "resize_interpolation": (str,),
}
PAIRS = frozenset({"resolution", "face_crop_aug_range"})
"""Keys that take two values, or one for both."""


def check(config: Mapping[str, Any]) -> None:
    """Raise the first thing that is wrong."""
    for why in _of_all(config):
        raise MultipleInvalid(why)


def _of_all(config: Mapping[str, Any]) -> Iterator[str]:
    for key, value in config.items():
        at = f"data['{key}']"
        if key == "general":
            yield from _of_table(value, {**DATASET, **SUBSET}, at)
        elif key != "datasets":
            yield f"extra keys not allowed @ {at}"
        elif not isinstance(value, list):
            yield f"expected a list for dictionary value @ {at}"
        else:
            for index, dataset in enumerate(value):
                yield from _of_dataset(dataset, f"{at}[{index}]")


def _of_dataset(dataset: Mapping[str, Any], at: str) -> Iterator[str]:
    kinds = {**DATASET, **SUBSET}
    for key, value in dataset.items():
        if key != "subsets":
            yield from _of_entry(key, value, kinds, at)
            continue
        for index, subset in enumerate(value):
            yield from _of_subset(subset, f"{at}['subsets'][{index}]")


def _of_subset(subset: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _of_table(subset, {**SUBSET, **ONLY_SUBSET}, at)
    if "image_dir" not in subset:
        yield f"required key not provided @ {at}['image_dir']"


def _of_table(table: object, kinds: Kinds, at: str) -> Iterator[str]:
    if not isinstance(table, dict):
        yield f"expected a dictionary for dictionary value @ {at}"
        return
    for key, value in table.items():
        yield from _of_entry(key, value, kinds, at)


def _of_entry(key: str, value: object, kinds: Kinds, at: str) -> Iterator[str]:
    if key not in kinds:
        yield f"extra keys not allowed @ {at}['{key}']"
    elif not _fits(key, value, kinds[key]):
        yield f"expected {kinds[key][0].__name__} for dictionary value @ {at}['{key}']"


def _fits(key: str, value: object, kinds: tuple[type, ...]) -> bool:
    if key in PAIRS and isinstance(value, list):
        return len(value) == 2 and all(isinstance(one, kinds) for one in value)  # noqa: PLR2004
    return isinstance(value, kinds)
