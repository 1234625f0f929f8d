"""What a training is made of, as it was asked for: datasets, and the folders in each.

A value is looked for in the subset, its dataset, `[general]`, and then in the options. Without a
dataset configuration the folders below `train_data_dir` are subsets, by their names: `10_spyke`.
"""

import tomllib
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch.sandbox.trainer import schema
from plasma_watch.sandbox.trainer.console import Console
from plasma_watch.sandbox.trainer.refusals import MultipleInvalid, TomlDecodeError

IGNORED = ("train_data_dir", "reg_data_dir", "in_json")
OTHER_NAMES = {"batch_size": "train_batch_size", "num_repeats": "dataset_repeats"}
"""What the options call otherwise than a configuration."""

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subset:
    """One folder, and how its pictures are used."""

    image_dir: str
    num_repeats: int
    is_reg: bool
    class_tokens: str | None
    caption_extension: str
    shown: Table
    """All else, as it is listed."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Folders that share a resolution."""

    resolution: tuple[int, int] | None
    batch_size: int
    enable_bucket: bool
    min_bucket_reso: int
    max_bucket_reso: int
    bucket_reso_steps: int
    bucket_no_upscale: bool
    resize_interpolation: str | None
    subsets: tuple[Subset, ...]


def plan(options: Namespace, console: Console) -> tuple[Dataset, ...]:
    """Read what is to be trained on."""
    config = _configured(options, console)
    general = config.get("general", {})
    given = _from_options(options)
    return tuple(
        _dataset(dataset, (dataset, general, given)) for dataset in config.get("datasets", [])
    )


def _configured(options: Namespace, console: Console) -> dict[str, Any]:
    if options.dataset_config is None:
        console.info("train_network.py:530", "Using DreamBooth method.")
        subsets = [
            *_folders(options.train_data_dir, console, is_reg=False),
            *_folders(options.reg_data_dir, console, is_reg=True),
        ]
        return {"datasets": [{"subsets": subsets}]}
    console.info("train_network.py:519", f"Loading dataset config from {options.dataset_config}")
    config = _load(Path(options.dataset_config), console)
    if any(getattr(options, name) is not None for name in IGNORED):
        names = ", ".join(IGNORED)
        console.warning(
            "train_network.py:523",
            f"ignoring the following options because config file is found: {names}"
            f" / 設定ファイルが利用されるため以下のオプションは無視されます: {names}",
        )
    try:
        schema.check(config)
    except MultipleInvalid:
        console.error(
            "config_util.py:375", "Invalid user config / ユーザ設定の形式が正しくないようです"
        )
        raise
    return config


def _load(path: Path, console: Console) -> dict[str, Any]:
    if not path.is_file():
        raise ValueError(f"file not found / ファイルが見つかりません: {path}")
    if path.suffix.lower() != ".toml":
        raise ValueError(
            f"not supported config file format / 対応していない設定ファイルの形式です: {path}"
        )
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as exc:
        console.error(
            "config_util.py:693",
            "Error on parsing TOML config file. Please check the format. / TOML 形式の設定"
            f"ファイルの読み込みに失敗しました。文法が正しいか確認してください。: {path}",
        )
        raise TomlDecodeError(str(exc)) from None


def _folders(base: str | None, console: Console, *, is_reg: bool) -> Iterator[dict[str, Any]]:
    if base is None or not Path(base).is_dir():
        return
    for folder in Path(base).iterdir():
        repeats, _, tokens = folder.name.partition("_")
        if folder.is_dir() and _repeats(repeats, folder.name, console) >= 1:
            yield {
                "image_dir": str(folder),
                "num_repeats": int(repeats),
                "is_reg": is_reg,
                "class_tokens": tokens,
            }


def _repeats(text: str, name: str, console: Console) -> int:
    try:
        return int(text)
    except ValueError:
        console.warning(
            "config_util.py:613",
            "ignore directory without repeats"
            f" / 繰り返し回数のないディレクトリを無視します: {name}",
        )
        return 0


def _from_options(options: Namespace) -> dict[str, Any]:
    given = {**vars(options)}
    given.update({name: given[other] for name, other in OTHER_NAMES.items()})
    if (resolution := given["resolution"]) is not None:
        given["resolution"] = [int(side) for side in str(resolution).split(",")]
    if given["caption_extention"] is not None:  # spelt so, and still taken
        given["caption_extension"] = given["caption_extention"]
    return given


def _dataset(own: Table, places: Sequence[Table]) -> Dataset:
    return Dataset(
        resolution=_sides(_value("resolution", places, otherwise=None)),
        batch_size=_value("batch_size", places, otherwise=1),
        enable_bucket=_value("enable_bucket", places, otherwise=False),
        min_bucket_reso=_value("min_bucket_reso", places, otherwise=256),
        max_bucket_reso=_value("max_bucket_reso", places, otherwise=1024),
        bucket_reso_steps=_value("bucket_reso_steps", places, otherwise=64),
        bucket_no_upscale=_value("bucket_no_upscale", places, otherwise=False),
        resize_interpolation=_value("resize_interpolation", places, otherwise=None),
        subsets=tuple(_subset((subset, *places)) for subset in own.get("subsets", [])),
    )


def _sides(resolution: list[int] | int | None) -> tuple[int, int] | None:
    if isinstance(resolution, list):
        return resolution[0], resolution[-1]
    return None if resolution is None else (resolution, resolution)


SHOWN: Table = {
    "shuffle_caption": False,
    "keep_tokens": 0,
    "caption_dropout_rate": 0.0,
    "caption_dropout_every_n_epochs": 0,
    "caption_tag_dropout_rate": 0.0,
    "caption_prefix": None,
    "caption_suffix": None,
    "color_aug": False,
    "flip_aug": False,
    "face_crop_aug_range": None,
    "random_crop": False,
    "token_warmup_min": 1,
    "token_warmup_step": 0,
    "alpha_mask": False,
    "resize_interpolation": None,
    "custom_attributes": {},
}
"""What is listed of every subset, with what is taken where nothing is said."""


def _subset(places: Sequence[Table]) -> Subset:
    return Subset(
        image_dir=_value("image_dir", places, otherwise=""),
        num_repeats=_value("num_repeats", places, otherwise=1),
        is_reg=_value("is_reg", places, otherwise=False),
        class_tokens=_value("class_tokens", places, otherwise=None),
        caption_extension=_value("caption_extension", places, otherwise=".caption"),
        shown={key: _value(key, places, otherwise=other) for key, other in SHOWN.items()},
    )


def _value(key: str, places: Sequence[Table], *, otherwise: object) -> Any:  # noqa: ANN401
    found = (place.get(key) for place in places)
    return next((value for value in found if value is not None), otherwise)
