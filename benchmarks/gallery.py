"""What does a picture more cost a large gallery? `python -m benchmarks.gallery [COUNT]`.

Makes an output folder as the daemon fills it, in chapters, and a gallery of it. Machines differ, so
each time stands beside a floor measured in the same run: the thumbnails alone, one after another.
"""

from __future__ import annotations

import struct
import sys
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image

from benchmarks.folders import a_folder
from benchmarks.index_of_manifests import PAGES_A_CHAPTER, manifest, timed
from benchmarks.results import Result, tell
from plasma_watch.report.gallery.build import Gallery
from plasma_watch.report.gallery.thumbs import thumbnail

COUNT = 10_000
SAMPLE = 50
_SIZE = (512, 768)
_END = 12
"""How many bytes the last chunk of a PNG has: what tells pictures apart goes before it."""


def drawing() -> bytes:
    """Return a picture as large as a page is."""
    across, down = Image.linear_gradient("L").resize(_SIZE), Image.radial_gradient("L")
    bands = (across, down.resize(_SIZE), across.rotate(180))
    out = BytesIO()
    Image.merge("RGB", bands).save(out, "PNG")
    return out.getvalue()


def numbered(picture: bytes, number: int) -> bytes:
    """Return a picture of another content that looks the same."""
    body = b"tEXtnumber\0" + str(number).encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return picture[:-_END] + chunk + picture[-_END:]


def make_output(output: Path, count: int) -> bytes:
    """Write pictures with their manifests; return what they look like."""
    look = drawing()
    graph: dict[str, object] = {str(n): {"class_type": "KSampler", "inputs": {}} for n in range(10)}
    for number in range(count):
        path = path_of(output, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".toml").write_text(manifest(number, graph))
        path.write_bytes(numbered(look, number))
    return look


def path_of(output: Path, number: int) -> Path:
    """Return where a page lies."""
    chapter, page = divmod(number, PAGES_A_CHAPTER)
    return output / f"ch-{chapter:02d}" / "raw" / f"ch{chapter:02d}_p{page:03d}_v1.png"


def measured(output: Path, count: int, sample: int) -> list[Result]:
    """Return how long each thing takes in a folder, beside the thumbnails it makes at least."""
    look = make_output(output, count + 1)
    last = path_of(output, count)
    aside = last.rename(last.with_suffix(".aside"))
    floor = timed(lambda: [thumbnail(look, "x") for _ in range(sample)]) / sample
    gallery = Gallery(output)
    gallery.prepare()
    whole = timed(lambda: gallery.refresh({}))
    nothing = timed(lambda: gallery.refresh({}))
    aside.rename(last)
    more = timed(lambda: gallery.add([last], {}))
    return [
        Result(f"a gallery of {count:,}", whole, "s", count * floor),
        Result("looking for what is new, nothing is", nothing * 1000, "ms", floor * 1000),
        Result("one picture more", more * 1000, "ms", floor * 1000),
    ]


def measure(count: int = COUNT, sample: int = SAMPLE) -> list[Result]:
    """Make an output folder, and a gallery of it."""
    with a_folder() as folder:
        return measured(folder, count, sample)


def main(count: int, sample: int = SAMPLE) -> int:
    """Tell every time beside its floor."""
    return tell(measure(count, sample))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT))
