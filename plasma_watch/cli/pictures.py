"""What people do with pictures: compare them, lay them out on a sheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plasma_watch.cli.common import (
    ForceOption,
    HomeOption,
    JsonOption,
    file_of,
    home_if_any,
    may_write,
    png_name,
    say,
    say_json,
)
from plasma_watch.cli.requests import EXIT_FAILED
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.words import counted

if TYPE_CHECKING:
    from PIL import Image

    from plasma_watch.outputs.likeness import Likeness


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    for command in (compare, sheet):
        app.command()(command)


OutOption = Annotated[
    Path | None, typer.Option("--out", callback=png_name, help="Write a PNG here.")
]


def compare(
    a: Annotated[Path, typer.Argument(help="A picture.")],
    b: Annotated[Path, typer.Argument(help="Another.")],
    out: OutOption = None,
    home: HomeOption = None,
    *,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Say how far apart two pictures are; exit 1 when they are different."""
    from plasma_watch.outputs.likeness import Alike, likeness  # noqa: PLC0415 - start-up time

    where = home_if_any(home)
    files = file_of(a, where), file_of(b, where)
    if out:
        may_write(out, files, force=force)
    one, other = (opened(file) for file in files)
    found = likeness(one, other)
    times = _shown(one, other, out) if out else None
    if json:
        say_json(found.table() | ({"out": str(out), "magnified": times} if out else {}))
    else:
        _print(found)
        if times:
            say(f"  written     {out}: both, and their difference {times:.3g} times as bright")
    if found.verdict is Alike.DIFFERENT:
        raise typer.Exit(EXIT_FAILED)


def _print(found: Likeness) -> None:
    say(found.verdict)
    say(f"  perceptual  {found.perceptual} of 64 bits differ")
    say(f"  structure   {found.structure:.4f} shared")
    say(f"  difference  {found.difference:.3f} of 255 on average")


def _shown(a: Image.Image, b: Image.Image, out: Path) -> float:
    from plasma_watch.report.difference import difference_picture  # noqa: PLC0415 - start-up time

    row, times = difference_picture(a, b)
    written(row, out)
    return round(times, 2)


def sheet(
    files: Annotated[list[Path], typer.Argument(help="Pictures; made here or elsewhere.")],
    out: Annotated[Path, typer.Option("--out", callback=png_name, help="Write the sheet here.")],
    columns: Annotated[int, typer.Option(min=0, help="How many in a row; 0 looks good.")] = 0,
    home: HomeOption = None,
    *,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Lay pictures out on a sheet, each with what makes it another than its neighbours."""
    from plasma_watch.report import sheet as sheets  # noqa: PLC0415 - start-up time

    where = home_if_any(home)
    there = [file_of(file, where) for file in files]
    may_write(out, there, force=force)
    tiles = [
        sheets.Tile(sheets.thumbnail(opened(file)), file.name, _request_of(file)) for file in there
    ]
    written(sheets.draw(counted(len(tiles), "picture"), tiles, columns), out)
    if json:
        say_json({"out": str(out), "pictures": len(tiles)})
    else:
        say(f"{out}: {counted(len(tiles), 'picture')}")


def _request_of(picture: Path) -> dict[str, Any]:
    """Return the request that made a picture: from its manifest, else from the picture itself."""
    from plasma_watch.outputs.manifest import Manifest  # noqa: PLC0415 - start-up time
    from plasma_watch.outputs.picture import request_in  # noqa: PLC0415 - the same

    try:
        text = picture.with_suffix(".toml").read_text(encoding="utf-8")
        return dict(Manifest.from_toml(text).request)
    except (OSError, ValueError):
        pass
    try:
        return request_in(picture.read_bytes(), str(picture))
    except PlasmaError:
        return {}


def opened(path: Path) -> Image.Image:
    """Return a picture, decoded whole.

    Raises PlasmaError `request.missing-file` or `image.unreadable`.
    """
    from plasma_watch.outputs.picture import decode  # noqa: PLC0415 - start-up time

    try:
        content = path.read_bytes()
    except OSError as exc:
        said = f"{path} cannot be read: {exc.strerror}"
        raise PlasmaError(Code.REQUEST_MISSING_FILE, said, "Mend the path.") from exc
    return decode(content, str(path))


def written(image: Image.Image, out: Path) -> None:
    """Write a picture whole, as PNG."""
    import io  # noqa: PLC0415 - start-up time

    from plasma_watch.system import files  # noqa: PLC0415 - the same

    content = io.BytesIO()
    image.save(content, "PNG")
    try:
        files.write_whole(out, content.getvalue())
    except OSError as exc:
        said = f"{out} cannot be written: {exc.strerror}"
        raise PlasmaError(Code.DISK_ERROR, said, "Name a folder that is there.") from exc
