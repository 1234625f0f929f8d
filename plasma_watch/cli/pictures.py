"""What people do with pictures: compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plasma_watch.cli.common import JsonOption, say, say_json
from plasma_watch.cli.requests import EXIT_FAILED
from plasma_watch.errors import Code, PlasmaError

if TYPE_CHECKING:
    from PIL import Image

    from plasma_watch.outputs.likeness import Likeness


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(compare)


OutOption = Annotated[Path | None, typer.Option("--out", help="Write a PNG here.")]


def compare(
    a: Annotated[Path, typer.Argument(help="A picture.")],
    b: Annotated[Path, typer.Argument(help="Another.")],
    out: OutOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Say how far apart two pictures are; exit 1 when they are different."""
    from plasma_watch.outputs.likeness import Alike, likeness  # noqa: PLC0415 - start-up time

    one, other = opened(a), opened(b)
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
    """Write a picture whole, as PNG; what lay there under that name is replaced."""
    import io  # noqa: PLC0415 - start-up time

    from plasma_watch.system import files  # noqa: PLC0415 - the same

    content = io.BytesIO()
    image.save(content, "PNG")
    try:
        files.write_whole(out, content.getvalue())
    except OSError as exc:
        said = f"{out} cannot be written: {exc.strerror}"
        raise PlasmaError(Code.DISK_ERROR, said, "Name a folder that is there.") from exc
