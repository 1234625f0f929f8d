"""One folder of pictures: which of them count, and what stands beside each.

What is odd is said and let pass, as the real trainer does; only what that one dies of is raised.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tqdm import tqdm

from plasma_watch.sandbox.trainer.blueprint import Subset
from plasma_watch.sandbox.trainer.console import Console
from plasma_watch.sandbox.trainer.refusals import insist

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
"""In lower or in upper case; nothing between the two."""
MISSING_SHOWN = 5


def pictures(subset: Subset, tags: dict[str, Counter[str]], console: Console) -> list[str]:
    """Find the pictures of a folder, and count the words of their captions."""
    folder = Path(subset.image_dir)
    if not folder.is_dir():
        console.warning("train_util.py:1974", f"not directory: {subset.image_dir}")
        return []
    paths = sorted(os.path.join(subset.image_dir, path.name) for path in _pictures_in(folder))  # noqa: PTH118 - shown as it was written
    console.info("train_util.py:2005", "get image size from name of cache files")
    for _ in tqdm(paths):
        pass
    console.info("train_util.py:2035", f"set image size from cache files: 0/{len(paths)}")
    console.info(
        "train_util.py:2059",
        f"found directory {subset.image_dir} contains {len(paths)} image files",
    )
    captions, missing = _captions(paths, subset, console)
    _count(tags.setdefault(folder.name, Counter()), captions)
    _tell_missing(missing, console)
    return paths


def _pictures_in(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        suffix = path.suffix.lower()
        counts = suffix in SUFFIXES and path.suffix in {suffix, suffix.upper()}
        if counts and not path.name.startswith("."):
            yield path


def _captions(paths: list[str], subset: Subset, console: Console) -> tuple[list[str], list[str]]:
    captions, missing = [], []
    for path in tqdm(paths, desc="read caption"):
        caption = _caption(path, subset.caption_extension, console)
        if caption is None:
            missing.append(path)
            if subset.class_tokens is None:
                console.warning(
                    "train_util.py:2071",
                    "neither caption file nor class tokens are found. use empty caption for "
                    f"{path} / キャプションファイルもclass tokenも見つかりませんでした。"
                    f"空のキャプションを使用します: {path}",
                )
        captions.append(caption if caption is not None else subset.class_tokens or "")
    return captions, missing


def _caption(picture: str, extension: str, console: Console) -> str | None:
    path = Path(os.path.splitext(picture)[0] + extension)  # noqa: PTH122 - it need not begin with a dot
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as file:
        try:
            lines = file.readlines()
        except UnicodeDecodeError:
            console.error(
                "train_util.py:1962",
                f"illegal char in file (not UTF-8) / ファイルにUTF-8以外の文字があります: {path}",
            )
            raise
    insist(lines, f"caption file is empty / キャプションファイルが空です: {path}")
    return lines[0].strip()


def _count(tags: Counter[str], captions: Iterable[str]) -> None:
    for caption in captions:
        tags.update(tag for part in caption.split(",") if (tag := part.strip().lower()))


def _tell_missing(missing: list[str], console: Console) -> None:
    if not missing:
        return
    console.warning(
        "train_util.py:2090",
        f"No caption file found for {len(missing)} images. Training will continue without captions"
        " for these images. If class token exists, it will be used. / "
        f"{len(missing)}枚の画像にキャプションファイルが見つかりませんでした。これらの画像については"
        "キャプションなしで学習を続行します。class tokenが存在する場合はそれを使います。",
    )
    for path in missing[:MISSING_SHOWN]:
        console.warning("train_util.py:2097", path)
    if len(missing) > MISSING_SHOWN:
        more = len(missing) - MISSING_SHOWN
        console.warning("train_util.py:2095", f"{missing[MISSING_SHOWN]}... and {more} more")
