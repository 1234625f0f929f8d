"""The pictures of a training, as they are found in its folders, counted and put into buckets."""

from collections.abc import Iterable
from operator import le

from PIL import Image
from tqdm import tqdm

from plasma_watch.sandbox.trainer import buckets, folder, listing
from plasma_watch.sandbox.trainer.blueprint import Dataset, Subset
from plasma_watch.sandbox.trainer.buckets import Rules, Size
from plasma_watch.sandbox.trainer.console import Console
from plasma_watch.sandbox.trainer.gathered import Gathered, Picture
from plasma_watch.sandbox.trainer.refusals import insist


def gather(plans: Iterable[Dataset], console: Console) -> list[Gathered]:
    """Find all pictures, list what was found, and fill the buckets."""
    found = [_gathered(plan, console) for plan in plans]
    console.info(
        "config_util.py:580", "".join(listing.listed(i, one) for i, one in enumerate(found))
    )
    for index, one in enumerate(found):
        console.info("config_util.py:592", f"[Prepare dataset {index}]")
        _fill(one, console)
    return found


def check_steps(found: Iterable[Gathered]) -> None:
    """Refuse buckets that the model cannot take."""
    for one in found:
        step = one.plan.bucket_reso_steps
        insist(
            not one.plan.enable_bucket or step % 64 == 0,
            f"bucket_reso_steps is {step}. it must be divisible by 64.\n"
            f"bucket_reso_stepsが{step}です。64で割り切れる必要があります",
        )


def check_sizes(found: Iterable[Gathered]) -> None:
    """Refuse what is larger than it may be, where nothing makes it smaller."""
    for one in found:
        for picture in one.pictures.values():
            fits = all(map(le, picture.size, one.rules.resolution))
            insist(
                fits or one.plan.enable_bucket,
                "image too large, but cropping and bucketing are disabled / 画像サイズが大きいので"
                "face_crop_aug_rangeかrandom_crop、またはbucketを有効にしてください: "
                f"{picture.path}",
            )


def decode(found: Iterable[Gathered], console: Console) -> None:
    """Read every picture, as it is done before its latents are kept."""
    for index, one in enumerate(found):
        console.info("train_util.py:2627", f"[Dataset {index}]")
        console.info("train_util.py:1120", "caching latents with caching strategy.")
        console.info("train_util.py:1170", "caching latents...")
        for picture in tqdm(_by_area(one.pictures.values())):
            _decode(picture.path, console)


def _decode(path: str, console: Console) -> None:
    try:
        with Image.open(path) as image:
            image.convert("RGB")
    except OSError:
        console.error("train_util.py:2960", f"Error loading file: {path}")
        raise


def _by_area(pictures: Iterable[Picture]) -> list[Picture]:
    return sorted(pictures, key=lambda one: one.bucket[0] * one.bucket[1])


def _gathered(plan: Dataset, console: Console) -> Gathered:
    one = Gathered(plan, _rules(plan, console))
    console.info("train_util.py:2112", "prepare images.")
    regular: list[Picture] = []
    for subset in plan.subsets:
        _add(one, subset, regular, console)
    console.info("train_util.py:2158", f"{one.train_images} train images with repeats.")
    console.info("train_util.py:2162", f"{one.reg_images} reg images with repeats.")
    if one.train_images < one.reg_images:
        console.warning(
            "train_util.py:2164",
            "some of reg images are not used"
            " / 正則化画像の数が多いので、一部使用されない正則化画像があります",
        )
    if not regular:
        console.warning(
            "train_util.py:2167", "no regularization images / 正則化画像が見つかりませんでした"
        )
    _use_up(regular, one)
    return one


def _rules(plan: Dataset, console: Console) -> Rules:
    if plan.resolution is None:
        raise AssertionError("resolution is required / resolution（解像度）指定は必須です")
    step = plan.bucket_reso_steps
    smallest = plan.min_bucket_reso - plan.min_bucket_reso % step
    largest = plan.max_bucket_reso + -plan.max_bucket_reso % step
    if plan.enable_bucket:
        _adjusted("min", plan.min_bucket_reso, smallest, "753", console)
        _adjusted("max", plan.max_bucket_reso, largest, "760", console)
        insist(min(plan.resolution) >= smallest, buckets.TOO_SMALL)
        insist(max(plan.resolution) <= largest, buckets.TOO_LARGE)
    return Rules(plan.resolution, smallest, largest, step, plan.bucket_no_upscale)


def _adjusted(which: str, asked: int, taken: int, line: str, console: Console) -> None:
    if asked != taken:
        console.warning(
            f"train_util.py:{line}",
            f"{which}_bucket_reso is adjusted to be multiple of bucket_reso_steps / {which}"
            "_bucket_resoがbucket_reso_stepsの倍数になるように調整されました: "
            f"{asked} -> {taken}",
        )


def _add(one: Gathered, subset: Subset, regular: list[Picture], console: Console) -> None:
    paths = _usable(one, subset, console)
    pictures = [Picture(path, subset.num_repeats, subset.is_reg) for path in paths]
    repeated = subset.num_repeats * len(paths)
    if subset.is_reg:
        one.reg_images += repeated
        regular.extend(pictures)
    else:
        one.train_images += repeated
        one.pictures.update({picture.path: picture for picture in pictures})
    if paths:
        one.subsets.append((subset, len(paths)))


def _usable(one: Gathered, subset: Subset, console: Console) -> list[str]:
    if subset.num_repeats < 1:
        why = f"num_repeatsが1を下回っているためサブセットを無視します: {subset.num_repeats}"
        _ignore(subset, f"num_repeats is less than 1 / {why}", "2119", console)
    elif any(subset.image_dir == other.image_dir for other, _ in one.subsets):
        why = "既にサブセットが登録されているため、重複した後発のサブセットを無視します"
        _ignore(subset, f"use the first one / {why}", "2125", console, kind="duplicated subset")
    elif paths := folder.pictures(subset, one.tags, console):
        return paths
    else:
        why = "画像が見つからないためサブセットを無視します"
        _ignore(subset, f"no images found / {why}", "2132", console)
    return []


def _ignore(subset: Subset, why: str, line: str, console: Console, *, kind: str = "subset") -> None:
    where = f"train_util.py:{line}"
    console.warning(where, f"ignore {kind} with image_dir='{subset.image_dir}': {why}")


def _use_up(regular: list[Picture], one: Gathered) -> None:
    """Repeat regularization pictures until there are as many as others: that doubles the steps."""
    used = 0
    first = True
    while regular and used < one.train_images:
        for picture in regular:
            if first:
                one.pictures[picture.path] = picture
                used += picture.repeats
            else:
                picture.repeats += 1
                used += 1
            if used >= one.train_images:
                break
        first = False


def _fill(one: Gathered, console: Console) -> None:
    console.info("train_util.py:992", "loading image sizes.")
    for picture in tqdm(one.pictures.values()):
        picture.size = _size(picture.path, console)
    if one.plan.enable_bucket:
        console.info("train_util.py:1015", "make buckets")
        if one.plan.bucket_no_upscale:
            console.warning(
                "train_util.py:1032",
                "min_bucket_reso and max_bucket_reso are ignored if bucket_no_upscale is set, "
                "because bucket reso is defined by image size automatically / bucket_no_upscaleが"
                "指定された場合は、bucketの解像度は画像サイズから自動計算されるため、"
                "min_bucket_resoとmax_bucket_resoは無視されます",
            )
    else:
        console.info("train_util.py:1017", "prepare dataset")
    for picture in one.pictures.values():
        picture.bucket = _bucket(one, picture.size)
    one.buckets = buckets.filled((each.bucket, each.repeats) for each in one.pictures.values())
    if one.plan.enable_bucket:
        _tell_buckets(one, console)


def _size(path: str, console: Console) -> Size:
    try:
        with Image.open(path) as image:
            return image.size
    except OSError as exc:
        console.warning("train_util.py:1489", f"failed to get image size: {path}, error: {exc}")
        return 0, 0


def _bucket(one: Gathered, size: Size) -> Size:
    if one.plan.enable_bucket:
        return one.rules.bucket(size)
    _ = size[0] / size[1]  # what has no size fails here too
    return one.rules.resolution


def _tell_buckets(one: Gathered, console: Console) -> None:
    console.info(
        "train_util.py:1061",
        "number of images (including repeats) / 各bucketの画像枚数（繰り返し回数を含む）",
    )
    for index, (size, count) in enumerate(one.buckets):
        console.info("train_util.py:1066", f"bucket {index}: resolution {size}, count: {count}")
    one.mean_error = buckets.mean_error((each.size, each.bucket) for each in one.pictures.values())
    console.info("train_util.py:1074", f"mean ar error (without repeats): {one.mean_error}")
