"""The list of what was found, as it is logged: datasets, and the folders in each."""

from collections.abc import Iterator

from plasma_watch.sandbox.trainer.blueprint import Subset
from plasma_watch.sandbox.trainer.gathered import Gathered


def listed(index: int, one: Gathered) -> str:
    """List one dataset."""
    plan = one.plan
    lines = [
        f"[Dataset {index}]",
        f"  batch_size: {plan.batch_size}",
        f"  resolution: {plan.resolution}",
        f"  resize_interpolation: {plan.resize_interpolation}",
        f"  enable_bucket: {plan.enable_bucket}",
    ]
    if plan.enable_bucket:
        lines += [
            f"  min_bucket_reso: {one.rules.smallest}",
            f"  max_bucket_reso: {one.rules.largest}",
            f"  bucket_reso_steps: {plan.bucket_reso_steps}",
            f"  bucket_no_upscale: {plan.bucket_no_upscale}",
        ]
    lines.append("")
    for number, (subset, count) in enumerate(one.subsets):
        lines += [f"  [Subset {number} of Dataset {index}]", *_subset_lines(subset, count), ""]
    return "\n".join([*lines, ""])


def _subset_lines(subset: Subset, count: int) -> Iterator[str]:
    yield f'    image_dir: "{subset.image_dir}"'
    yield f"    image_count: {count}"
    yield f"    num_repeats: {subset.num_repeats}"
    for key, value in subset.shown.items():
        comma = "," if key.startswith("token_warmup") else ""
        yield f"    {key}: {value}{comma}"
    yield f"    is_reg: {subset.is_reg}"
    yield f"    class_tokens: {subset.class_tokens}"
    yield f"    caption_extension: {subset.caption_extension}"
