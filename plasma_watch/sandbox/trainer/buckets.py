"""Which size a picture is trained at: those of like shape share a bucket, a batch has but one.

Pure arithmetic over sizes, as the real trainer does it; no picture is opened here.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Size = tuple[int, int]

TOO_SMALL = (
    "min_bucket_reso must be equal or less than resolution"
    " / min_bucket_resoは最小解像度より大きくできません。"
    "解像度を大きくするかmin_bucket_resoを小さくしてください"
)
TOO_LARGE = (
    "max_bucket_reso must be equal or greater than resolution"
    " / max_bucket_resoは最大解像度より小さくできません。"
    "解像度を小さくするかmin_bucket_resoを大きくしてください"
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What buckets there may be."""

    resolution: Size
    smallest: int
    largest: int
    step: int
    no_upscale: bool = False

    def sizes(self) -> list[Size]:
        """List the buckets that there are before any picture is seen."""
        area = self.resolution[0] * self.resolution[1]
        square = int(math.sqrt(area) // self.step) * self.step
        found = {(square, square)}
        for width in range(self.smallest, self.largest + 1, self.step):
            height = min(self.largest, int((area // width) // self.step) * self.step)
            if height >= self.smallest:
                found |= {(width, height), (height, width)}
        return sorted(found)

    def bucket(self, picture: Size) -> Size:
        """Choose the bucket of a picture; one without a size divides by zero, as it does there."""
        ratio = picture[0] / picture[1]
        if self.no_upscale:
            return self._below(picture, ratio)
        sizes = self.sizes()
        if picture in sizes:
            return picture
        return min(sizes, key=lambda size: abs(size[0] / size[1] - ratio))

    def _below(self, picture: Size, ratio: float) -> Size:
        area = self.resolution[0] * self.resolution[1]
        width, height = picture
        if width * height > area:
            width, height = self._shrunk(math.sqrt(area * ratio), area, ratio)
        return width - width % self.step, height - height % self.step

    def _shrunk(self, wide: float, area: int, ratio: float) -> Size:
        width = self._rounded(wide)
        across = width / (self._rounded(width / ratio) or 1)
        height = self._rounded(area / wide)
        upright = self._rounded(height * ratio) / (height or 1)
        if abs(across - ratio) < abs(upright - ratio):
            return width, int(width / ratio + 0.5)
        return int(height * ratio + 0.5), height

    def _rounded(self, side: float) -> int:
        whole = int(side + 0.5)
        return whole - whole % self.step


def filled(repeated: Iterable[tuple[Size, int]]) -> list[tuple[Size, int]]:
    """Count how many pictures, with their repeats, lie in each bucket."""
    counts: Counter[Size] = Counter()
    for bucket, repeats in repeated:
        counts[bucket] += repeats
    return sorted(counts.items())


def batches(buckets: Iterable[tuple[Size, int]], batch_size: int) -> int:
    """Count the batches: a batch never mixes buckets."""
    return sum(math.ceil(count / batch_size) for _, count in buckets)


def mean_error(pairs: Iterable[tuple[Size, Size]]) -> float:
    """Tell how far pictures and their buckets differ in shape, on the average."""
    errors = list(_errors(pairs))
    return math.fsum(errors) / len(errors) if errors else 0


def _errors(pairs: Iterable[tuple[Size, Size]]) -> Iterator[float]:
    for picture, bucket in pairs:
        yield abs(bucket[0] / bucket[1] - picture[0] / picture[1])
