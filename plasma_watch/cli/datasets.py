"""What people do with datasets: prepare, add, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from plasma_watch.cli import dataset_lines
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
from plasma_watch.dataset.wishes import MOST_ENLARGED, Fit, Mirror, Wish
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home

if TYPE_CHECKING:
    from PIL import Image

    from plasma_watch.config import Config
    from plasma_watch.dataset.adding import Skipped
    from plasma_watch.dataset.boxes import HandBox
    from plasma_watch.dataset.buckets import Buckets
    from plasma_watch.dataset.record import Record
    from plasma_watch.dataset.report import Asked
    from plasma_watch.request import TrainRequest
    from plasma_watch.train.reading import Folder

SHEET = Path("report", "contact-sheet.png")
"""Where the contact sheet goes, below the dataset: a folder in it is no picture of it."""
_T = TypeVar("_T")

FolderOption = Annotated[
    Path, typer.Option("--to", help="The dataset, as a request names it: a folder of the home.")
]
TriggerOption = Annotated[
    str, typer.Option("--trigger", help="The word that calls the LoRA: it begins every caption.")
]
CaptionOption = Annotated[str, typer.Option("--caption", help="What captions say besides.")]
KeptCaptionOption = Annotated[
    str | None,
    typer.Option("--caption", help="What captions say besides; else what the dataset has."),
]
ResolutionOption = Annotated[int, typer.Option("--resolution", help="What is trained at.")]
FitOption = Annotated[
    Fit, typer.Option("--fit", help="buckets: the trainer's nearest shape. square: one for all.")
]
EnlargedOption = Annotated[
    float, typer.Option("--most-enlarged", help="What would be enlarged more is left out.")
]
MirrorOption = Annotated[
    Mirror,
    typer.Option(
        "--mirror",
        help="Mirrored copies of: none, some (those whose box says mirror = true), all. None is "
        "the default, because a mirrored copy teaches that left and right do not matter: a "
        "character with two different gloves, a scar or a parting would lose them.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    family = typer.Typer(help="Datasets for training.", no_args_is_help=True)
    for command in (prepare, add, report):
        family.command()(command)
    app.add_typer(family, name="dataset")


def prepare(
    sheets: Annotated[list[Path], typer.Argument(help="Reference sheets of any size and mode.")],
    *,
    to: FolderOption,
    trigger: TriggerOption = "",
    caption: KeptCaptionOption = None,
    boxes: Annotated[
        Path | None, typer.Option("--boxes", help="A TOML file that says where the figures are.")
    ] = None,
    boxes_to: Annotated[
        Path | None, typer.Option("--boxes-to", help="Write the boxes found here; make nothing.")
    ] = None,
    heads: Annotated[
        float, typer.Option("--heads", min=0, help="How many heads tall the figures are.")
    ] = 0,
    resolution: ResolutionOption = 512,
    most_enlarged: EnlargedOption = MOST_ENLARGED,
    fit: FitOption = Fit.BUCKETS,
    mirror: MirrorOption = Mirror.NONE,
    augment: Annotated[
        bool,
        typer.Option("--augment", help="Also a copy of each, turned by 1 to 3 degrees, 5 % off."),
    ] = False,
    home: HomeOption = None,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Make a dataset of reference sheets: face, bust and full-body crops, each with a caption."""
    from plasma_watch.dataset import prepare as making  # noqa: PLC0415 - start-up time

    where = home_if_any(home)
    sheets = [file_of(sheet, where) for sheet in sheets]
    boxes = boxes and file_of(boxes, where)
    given = _boxes(boxes)
    if mirror is Mirror.SOME and not any(each.mirror for each in given):
        raise typer.BadParameter(
            "some needs --boxes with `mirror = true` for those it is meant for"
        )
    if boxes_to:
        may_write(boxes_to, [*sheets, *([boxes] if boxes else [])], force=force)
        _write_boxes(sheets, given, heads, boxes_to)
        return
    place = _Place.of(home, to)
    said = place.trigger(trigger)
    if not said:
        raise typer.BadParameter("a new dataset needs --trigger: the word that calls the LoRA")
    besides = place.caption(caption)
    wish = Wish(
        place.buckets(resolution), said, besides, heads, most_enlarged, fit, mirror, augment
    )
    outcome = _on_disk(to, lambda: making.prepare(sheets, place.folder, wish, given))
    if json:
        say_json(dataset_lines.made_facts(outcome, place.folder))
        return
    for line in dataset_lines.made_lines(outcome, to):
        say(line)


def add(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures: pages of ours, photographs, …")],
    *,
    to: FolderOption,
    caption: CaptionOption = "",
    trigger: TriggerOption = "",
    resolution: ResolutionOption = 512,
    most_enlarged: EnlargedOption = MOST_ENLARGED,
    fit: FitOption = Fit.BUCKETS,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Make pictures members of a dataset; exit 1 when one of them could not be taken."""
    from plasma_watch.dataset import adding  # noqa: PLC0415 - start-up time

    place = _Place.of(home, to)
    wish = Wish(
        place.buckets(resolution),
        place.trigger(trigger),
        caption,
        most_enlarged=most_enlarged,
        fit=fit,
    )
    there, missing = _found(pictures, place.home)
    added = _on_disk(to, lambda: adding.add(there, place.folder, wish))
    added = replace(added, skipped=(*missing, *added.skipped))
    if json:
        say_json(dataset_lines.added_facts(added, place.folder))
    for line in () if json else dataset_lines.added_lines(added, to):
        say(line)
    if any(skipped.code for skipped in added.skipped):
        raise typer.Exit(EXIT_FAILED)


def report(
    folder: Annotated[Path, typer.Argument(help="The dataset, as a request names it.")],
    *,
    request: Annotated[
        Path | None, typer.Option("--request", help="A request to train, for its recipe.")
    ] = None,
    trigger: TriggerOption = "",
    resolution: ResolutionOption = 512,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", callback=png_name, help="The contact sheet; else in its folder report/."
        ),
    ] = None,
    home: HomeOption = None,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Say what the gate will say, before a request is written; exit 1 if it would refuse."""
    from plasma_watch.dataset import contact  # noqa: PLC0415 - start-up time
    from plasma_watch.dataset import report as reporting  # noqa: PLC0415 - the same

    place = _Place.of(home, folder)
    if out:
        may_write(out, place.folder.glob("*"), force=force)
    asked = place.asked(request and file_of(request, place.home), trigger, resolution)
    pace = reporting.measured_pace(place.loras, asked.request.resolution)
    told = reporting.report(place.read(), asked, place.config, pace)
    sheet = out or place.folder / SHEET
    drawn = contact.contact_sheet(dataset_lines.title(told, folder), told.looks)
    _on_disk(sheet, lambda: _write_png(drawn, sheet))
    if json:
        say_json(dataset_lines.report_facts(told, sheet))
    for line in () if json else dataset_lines.report_lines(told, folder, sheet):
        say(line)
    if told.problems:
        raise typer.Exit(EXIT_FAILED)


@dataclass(frozen=True, slots=True)
class _Place:
    """A dataset's folder, and the home that it belongs to, if there is one."""

    named: Path
    folder: Path
    home: Home | None
    config: Config

    @classmethod
    def of(cls, home: Path | None, named: Path) -> _Place:
        """Find a dataset as a request names it: below the home, or below here without one."""
        from plasma_watch.config import Config, load_config  # noqa: PLC0415 - start-up time

        found = home_if_any(home)
        if found is None:
            return cls(named, named.expanduser().absolute(), None, Config())
        config = load_config(found.config, os.environ)
        return cls(named, found.at(str(named)), found, config)

    @property
    def loras(self) -> Path:
        """Where what was trained before tells of its pace."""
        return self.home.at(self.config.paths.loras) if self.home else self.folder / "no-loras"

    def buckets(self, resolution: int) -> Buckets:
        """Return the trainer's buckets at a resolution."""
        from plasma_watch.dataset.report import buckets_of  # noqa: PLC0415 - start-up time

        return buckets_of(self.request("any", resolution))

    def trigger(self, said: str) -> str:
        """Return the trigger: as it was said, or as the dataset has it."""
        return said.strip() or self._record().trigger

    def caption(self, said: str | None) -> str:
        """Return what captions say besides: as it was said, nothing too, or as the dataset has."""
        return self._record().caption if said is None else said.strip()

    def _record(self) -> Record:
        from plasma_watch.dataset.record import RECORD, read_record  # noqa: PLC0415 - the same

        file = self.folder / RECORD
        return read_record(file.read_bytes() if file.exists() else None)

    def request(self, trigger: str, resolution: int) -> TrainRequest:
        """Return a request to train this dataset with what else is the default."""
        from plasma_watch.request import TrainRequest, check_request  # noqa: PLC0415 - the same

        table = {
            "kind": "train",
            "lora": "any",
            "dataset": str(self.named),
            "trigger": trigger,
            "resolution": resolution,
        }
        found = check_request(table, self.config.limits, "the options", {})
        assert isinstance(found, TrainRequest)  # noqa: S101 - its kind says so
        return found

    def asked(self, file: Path | None, trigger: str, resolution: int) -> Asked:
        """Return what the dataset is looked at for: a request's file, or the options."""
        from plasma_watch.dataset.report import Asked  # noqa: PLC0415 - start-up time
        from plasma_watch.request import TrainRequest, read_request  # noqa: PLC0415 - the same

        if file is None:
            said = self.trigger(trigger)
            return Asked(self.request(said or "any", resolution), has_trigger=bool(said))
        found, _ = read_request(_read(file), self.config.limits, file.name)
        if isinstance(found, TrainRequest):
            return Asked(found)
        raise typer.BadParameter(f"{file} is no request to train")

    def read(self) -> Folder:
        """Return the folder as the gate opens it."""
        from plasma_watch.train.reading import Folder  # noqa: PLC0415 - start-up time
        from plasma_watch.train.shop import dataset_folder  # noqa: PLC0415 - the same

        if self.home:
            return dataset_folder(self.home, self.config, str(self.named))
        most = self.config.intake.max_picture_mb * 1_000_000
        return Folder(str(self.folder), (self.folder,), most)


def _found(pictures: Sequence[Path], home: Home | None) -> tuple[list[Path], list[Skipped]]:
    """Return where pictures lie, and what is not there at all."""
    from plasma_watch.dataset.adding import Skipped  # noqa: PLC0415 - start-up time

    there, missing = list[Path](), list[Skipped]()
    for picture in pictures:
        try:
            there.append(file_of(picture, home))
        except PlasmaError as exc:
            missing.append(Skipped(str(picture), exc.message.removeprefix(f"{picture} "), exc.code))
    return there, missing


def _boxes(file: Path | None) -> tuple[HandBox, ...]:
    from plasma_watch.dataset.boxes import read_boxes  # noqa: PLC0415 - start-up time

    return read_boxes(_read(file), file.name) if file else ()


def _write_boxes(sheets: Sequence[Path], boxes: Sequence[HandBox], heads: float, to: Path) -> None:
    from plasma_watch.dataset.boxes import boxes_text  # noqa: PLC0415 - start-up time
    from plasma_watch.dataset.prepare import find  # noqa: PLC0415 - the same
    from plasma_watch.system import files  # noqa: PLC0415 - the same

    seen = find(sheets, boxes)
    text = boxes_text([(each.name, each.subjects) for each in seen], heads)
    _on_disk(to, lambda: files.write_whole(to, text.encode()))
    for line in (line for each in seen for line in dataset_lines.seen_lines(each)):
        say(line)
    say(f"boxes written to {to}: mend them, and prepare with --boxes {quote(str(to))}")


def _write_png(image: Image.Image, path: Path) -> None:
    from plasma_watch.dataset.prepare import png  # noqa: PLC0415 - start-up time
    from plasma_watch.system import files  # noqa: PLC0415 - the same

    path.parent.mkdir(exist_ok=True)
    files.write_whole(path, png(image))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        said = f"{file} cannot be read: {exc.strerror}"
        raise PlasmaError(Code.REQUEST_MISSING_FILE, said, "Mend the path.") from exc


def _on_disk(what: Path, done: Callable[[], _T]) -> _T:
    """Do something on the disk; what the disk refuses is told as such."""
    try:
        return done()
    except OSError as exc:
        said = f"{what} cannot be written: {exc.strerror or exc}"
        raise PlasmaError(Code.DISK_ERROR, said, "Make room; look at the folder's rights.") from exc
