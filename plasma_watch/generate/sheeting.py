"""The sheet that a sweep ends with: all its pictures, each with what was changed for it.

It is placed as every picture is, whole and exclusively, under a name that the journal was told
before. Its manifest is the sweep itself: dropped, it makes the whole sweep again.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from plasma_watch.errors import PlasmaError
from plasma_watch.generate import again, resolve
from plasma_watch.generate.order import Order
from plasma_watch.generate.piece import Bench
from plasma_watch.generate.placing import draft_of, engine_table
from plasma_watch.job import Job, Made, Picture, Sheet
from plasma_watch.line import Ongoing
from plasma_watch.outputs import picture as pictures
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.outputs.naming import Place
from plasma_watch.outputs.place import place, was_placed
from plasma_watch.report import sheet
from plasma_watch.status import utc_now

NUMBER = 0
"""What a sheet is called where the pictures of its job have numbers."""
_MOST_COLUMNS = 10


@dataclass(frozen=True, slots=True)
class Sheeting:
    """One sweep whose pictures are all made, and what its sheet is made with."""

    bench: Bench
    ongoing: Ongoing
    order: Order
    home: Path
    """What the paths in the journal are told against."""

    @property
    def job(self) -> Job:
        """The job, as its journal has it now."""
        return self.ongoing.job

    def keep(self, made: Sheet, *, durable: bool = False) -> None:
        """Write into the journal where the sheet stands."""
        self.ongoing.keep(replace(self.job, sheet=made), durable=durable)


def make(work: Sheeting) -> None:
    """Draw and place the sheet, or go on where a crash left off; one that is placed stays."""
    if work.job.sheet.placing:
        _settle(work)
    if work.job.sheet.made is None:
        _place(work)


def sheet_place(order_place: Place) -> Place:
    """Return where the sheets of a sweep go: beside its pictures."""
    return Place(order_place.folder, f"{order_place.stem}_sheet")


def _place(work: Sheeting) -> None:
    asked = work.job.request or {}
    inputs = [item.told() for item in work.order.inputs]
    carried = json.dumps(again.carried(asked, list(work.order.models), inputs))
    content = pictures.with_text(_drawn(work), pictures.TEXT_KEY, carried)
    digest = hashlib.sha256(content).hexdigest()
    good = pictures.examine(content)

    def manifest_for(file: str) -> str:
        size = {"width": good.width, "height": good.height, "phash": good.phash}
        return _manifest(work, {"file": file, "sheet": True, "sha256": digest, **size}).to_toml()

    def announce(final: Path) -> None:
        work.keep(replace(work.job.sheet, placing=str(final)), durable=True)

    draft = draft_of(work.job, NUMBER, work.bench.output / work.order.place.folder)
    final = place(draft, sheet_place(work.order.place), content, manifest_for, announce)
    work.keep(Sheet(made=Made(work.bench.told(final), digest)))


def _settle(work: Sheeting) -> None:
    """After a crash while placing: find out whether it was done, and clear away what was not."""
    final = Path(work.job.sheet.placing)
    draft_of(work.job, NUMBER, work.bench.output / work.order.place.folder).discard()
    digest = was_placed(final, lambda text: _digest_of_ours(work.job, text))
    work.keep(Sheet(made=Made(work.bench.told(final), digest) if digest else None))


def _digest_of_ours(job: Job, text: str) -> str | None:
    try:
        manifest = Manifest.from_toml(text)
    except ValueError:
        return None
    is_ours = (manifest.daemon.get("job"), manifest.daemon.get("picture")) == (job.id, NUMBER)
    return str(manifest.result.get("sha256")) if is_ours else None


def _drawn(work: Sheeting) -> bytes:
    sweep = (work.job.request or {}).get("sweep", {})
    tiles = list(_tiles(work))
    by = " by ".join(f"{len(sweep[key])} {key}" for key in resolve.SWEPT if key in sweep)
    title = f"{work.order.place.stem}: {by}"
    file = io.BytesIO()
    sheet.draw(title, tiles, _columns(sweep, len(tiles))).save(file, "PNG")
    return file.getvalue()


def _columns(sweep: dict[str, list[Any]], tiles: int) -> int:
    """Return how many columns make a row of what changes fastest; 0 where that is no good shape."""
    fastest = next((sweep[key] for key in reversed(resolve.SWEPT) if key in sweep), ())
    fits = 1 < len(fastest) <= _MOST_COLUMNS and len(fastest) < tiles
    return len(fastest) if fits else 0


def _tiles(work: Sheeting) -> Iterator[sheet.Tile]:
    for picture in work.job.pictures:
        for made in picture.made:
            path = work.home / made.path
            yield sheet.Tile(_thumbnail(work, path), path.name, _asked(work, picture))


def _asked(work: Sheeting, picture: Picture) -> dict[str, Any]:
    return resolve.of_picture(work.job.request or {}, picture)


def _thumbnail(work: Sheeting, path: Path) -> Image.Image | None:
    """Return a picture as the sheet shows it; None when somebody took it away meanwhile."""
    with work.bench.tripwire.step(work.job.id, "decode"):
        try:
            return sheet.thumbnail(pictures.decode(path.read_bytes(), path.name))
        except (OSError, PlasmaError):
            return None


def _manifest(work: Sheeting, result: dict[str, Any]) -> Manifest:
    made = [item.path for picture in work.job.pictures for item in picture.made]
    about = {"made": utc_now(), "sandbox": work.order.facts.is_sandbox, "pictures": made}
    bench = work.bench
    return Manifest(
        request=work.job.request or {},
        result=result | about,
        engine=engine_table(work.order.facts, work.order.packs),
        models=work.order.models,
        inputs=[item.told() for item in work.order.inputs],
        daemon={
            "version": bench.version,
            "host": bench.host,
            "job": work.job.id,
            "picture": NUMBER,
        },
        graph={},
        template_sha256=work.order.template.sha256,
    )
