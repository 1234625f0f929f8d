"""The sizes that the trainer sorts pictures into, and which of them a picture gets. Pure.

It takes them as the trainer does (sd-scripts, `make_bucket_resolutions` and `select_bucket` with
upscaling): the nearest shape, whatever the size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Buckets:
    """All buckets of a training: no side under `least` or over `most`, each in whole steps."""

    resolution: int
    least: int
    most: int
    step: int

    def sizes(self) -> list[Size]:
        """Return every bucket, in order."""
        return sorted({self.square(), *self._oblong()})

    def _oblong(self) -> Iterator[Size]:
        area = self.resolution**2
        for side in range(self.least, self.most + 1, self.step):
            other = min(self.most, area // side // self.step * self.step)
            if other >= self.least:
                yield from ((side, other), (other, side))

    def of(self, width: float, height: float) -> Size:
        """Return the bucket of a picture: its own size, or else the nearest in shape."""
        sizes = self.sizes()
        if (width, height) in sizes:
            return (round(width), round(height))
        return min(sizes, key=lambda size: abs(size[0] / size[1] - width / height))

    def square(self) -> Size:
        """Return the bucket with equal sides."""
        side = self.resolution // self.step * self.step
        return (side, side)


def trimmed(size: Size, bucket: Size) -> Size:
    """Return how many pixels of a picture, across and down, the trainer cuts off for a bucket."""
    scale = max(bucket[0] / size[0], bucket[1] / size[1])
    return (
        max(0, round(size[0] - bucket[0] / scale)),
        max(0, round(size[1] - bucket[1] / scale)),
    )
