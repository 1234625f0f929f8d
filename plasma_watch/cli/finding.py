"""What people look for among all that was made: find, history, approve."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plasma_watch.cli.common import HomeOption, JsonOption, file_of, home_of, say, say_json, say_of
from plasma_watch.cli.requests import EXIT_FAILED
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home

if TYPE_CHECKING:
    from plasma_watch.report.index import Found, Index

LIKE_BITS = 6
"""How many bits of the hash a picture may differ by that was saved anew or lost its texts."""
_MOST_ALIKE = 5
_DAYS_AGO = {"today": 0, "yesterday": 1}
_LONGEST_PROMPT = 60


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    for command in (find, approve):
        app.command()(command)


def day(text: str) -> date:
    """Return the day that somebody means; days are those of UTC, as everywhere here.

    Raises BadParameter.
    """
    if text in _DAYS_AGO:
        return datetime.now(UTC).date() - timedelta(days=_DAYS_AGO[text])
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        said = f"{text!r} is no day; expected today, yesterday or one like 2026-11-22"
        raise typer.BadParameter(said) from exc


Day = Annotated[
    date | None,
    typer.Option(parser=day, metavar="DAY", help="today, yesterday or one like 2026-11-22."),
]


def find(  # noqa: PLR0917 - one option for each thing that is asked
    home: HomeOption = None,
    character: Annotated[str | None, typer.Option(help="A LoRA's name, any version.")] = None,
    chapter: Annotated[int | None, typer.Option()] = None,
    page: Annotated[int | None, typer.Option()] = None,
    prompt: Annotated[str | None, typer.Option(help="Words that the prompt holds.")] = None,
    seed: Annotated[int | None, typer.Option()] = None,
    model: Annotated[str | None, typer.Option(help="A part of the checkpoint's name.")] = None,
    workflow: Annotated[str | None, typer.Option()] = None,
    since: Day = None,
    until: Day = None,
    picture: Annotated[
        Path | None, typer.Option(help="A picture, whatever it is called or where it lies now.")
    ] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="How many, the newest.")] = 20,
    *,
    approved: Annotated[bool, typer.Option("--approved", help="Only what was approved.")] = False,
    json: JsonOption = False,
) -> None:
    """Find pictures by what made them; exit 1 when there are none."""
    from plasma_watch.report.question import Question  # noqa: PLC0415 - start-up time

    found = home_of(home)
    if picture is not None:
        _of_picture(found, picture, json=json)
        return
    question = Question(
        character=character,
        chapter=chapter,
        page=page,
        prompt=prompt,
        seed=seed,
        model=model,
        workflow=workflow,
        since=since,
        until=until,
        approved=approved,
    )
    with index_of(found) as index:
        newest, many = index.find(question, last), index.count(question)
    _tell(found, newest, json=json)
    if not json:
        say_of(len(newest), many)


def index_of(home: Home) -> Index:
    """Return the index of a home's output folder; entering it brings it up to date."""
    from plasma_watch.config import load_config  # noqa: PLC0415 - start-up time
    from plasma_watch.report.index import Index  # noqa: PLC0415 - the same

    config = load_config(home.config, os.environ)
    return Index(home.private / "index.sqlite", home.at(config.paths.output))


def _of_picture(home: Home, picture: Path, *, json: bool) -> None:
    """Tell the manifest of a picture's content; of what only looks alike, by how much."""
    content = _content(file_of(picture, home))
    with index_of(home) as index:
        found = index.of_content(hashlib.sha256(content).hexdigest())
        alike = [] if found else index.like(_hash(content, picture), LIKE_BITS, _MOST_ALIKE)
    if found or not alike:
        _tell(home, found, json=json)
        return
    rows = [_row(home, one) | {"perceptual": distance} for distance, one in alike]
    if json:
        say_json(rows)
    else:
        say(f"{picture} itself is not known; these look alike:")
        for row in rows:
            say(f"  {row['perceptual']} of 64 bits differ: {_line(row)}")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        said = f"{path} cannot be read: {exc.strerror}"
        raise PlasmaError(Code.REQUEST_MISSING_FILE, said, "Mend the path.") from exc


def _hash(content: bytes, path: Path) -> str:
    from plasma_watch.outputs.picture import decode, phash  # noqa: PLC0415 - start-up time

    return phash(decode(content, str(path)).convert("RGB"))


def _tell(home: Home, found: Sequence[Found], *, json: bool) -> None:
    rows = [_row(home, one) for one in found]
    if json:
        say_json(rows)
    for row in () if json else rows:
        say(_line(row))
    if not rows:
        if not json:
            say("nothing was found")
        raise typer.Exit(EXIT_FAILED)


def _row(home: Home, found: Found) -> dict[str, Any]:
    result, lora = found.table["result"], found.table.get("lora", {})
    return {
        "picture": _shown(home, found.picture),
        "there": found.picture.is_file(),
        "manifest": _shown(home, found.manifest),
        "made": result.get("made"),
        "approved": result.get("approved"),
        "prompt": found.table.get("prompt"),
        "seed": found.table.get("seed"),
        "workflow": found.table.get("workflow"),
        "checkpoint": found.table.get("checkpoint"),
        "lora": lora.get("name") if isinstance(lora, dict) else None,
        "sha256": result.get("sha256"),
    }


def _shown(home: Home, path: Path) -> str:
    return str(path.relative_to(home.root) if path.is_relative_to(home.root) else path)


def _line(row: Mapping[str, Any]) -> str:
    made = row["made"]
    when = f"{made.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if isinstance(made, datetime) else "?"
    prompt = " ".join(str(row["prompt"]).split())
    short = prompt if len(prompt) <= _LONGEST_PROMPT else f"{prompt[:_LONGEST_PROMPT]}…"
    marks = " approved" * bool(row["approved"]) + " (moved away)" * (not row["there"])
    return f"{when}  {row['picture']}{marks}  seed {row['seed']}  {short}"


def versions(home: Home, name: str, *, json: bool) -> None:
    """Tell the story of one picture: all its versions, and what each has otherwise."""
    from plasma_watch.outputs.naming import split_version  # noqa: PLC0415 - start-up time

    file = Path(name).name
    stem = split_version(file if Path(file).suffix in (".png", ".toml") else f"{file}.toml")[0]
    with index_of(home) as index:
        found = index.versions(stem)
    if json or not found:
        _tell(home, found, json=json)
        return
    for one, otherwise in zip(found, _otherwise(found), strict=True):
        say(_line(_row(home, one) | {"prompt": otherwise}))


def _otherwise(found: Sequence[Found]) -> Iterator[str]:
    """Yield what each version has that the one before had not; of the first its prompt."""
    from plasma_watch.report.sheet import told  # noqa: PLC0415 - start-up time

    for before, one in zip([None, *found], found, strict=False):
        if before is None:
            yield str(one.table.get("prompt", ""))
        else:
            yield told([before.table, one.table])[1][1] or "the same request"


def approve(
    picture: Annotated[Path, typer.Argument(help="A picture made here; moved or renamed too.")],
    home: HomeOption = None,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Take the mark back.")] = False,
    json: JsonOption = False,
) -> None:
    """Mark a picture as approved, in its manifest; its job is kept from the retention."""
    from plasma_watch.outputs.approval import approve as mark  # noqa: PLC0415 - start-up time

    found = home_of(home)
    manifest = _manifest_of(found, file_of(picture, found))
    mark(manifest, found, None if undo else datetime.now(UTC))
    _let_see(found, manifest)
    said = "no longer approved" if undo else "approved"
    if json:
        say_json({"manifest": _shown(found, manifest), "approved": not undo})
    else:
        say(f"{picture}: {said}, says {_shown(found, manifest)}")


def _let_see(home: Home, manifest: Path) -> None:
    """Let the gallery show it, where there is one; the mark stands whatever becomes of that."""
    from plasma_watch.cli.galleries import place_of  # noqa: PLC0415 - start-up time

    place = place_of(home)
    if place.is_there:
        from plasma_watch.report.gallery.update import update  # noqa: PLC0415 - start-up time

        try:
            update(place, (), [manifest.with_suffix(".png")])
        except (OSError, PlasmaError) as exc:
            typer.echo(f"the gallery does not show it yet: {exc}", err=True)


def _manifest_of(home: Home, picture: Path) -> Path:
    """Return the manifest beside a picture, if it is of its content; else the one that is."""
    from plasma_watch.report.heads import read_head  # noqa: PLC0415 - start-up time

    digest = hashlib.sha256(_content(picture)).hexdigest()
    beside = picture.absolute().with_suffix(".toml")
    if read_head(beside).get("result", {}).get("sha256") == digest:
        return beside
    with index_of(home) as index:
        found = index.of_content(digest)
    if not found:
        raise PlasmaError(
            Code.REQUEST_MISSING_FILE,
            f"no manifest is of the picture {picture}",
            "It was not made here, or was changed since; `plasma-watch find --picture` may help.",
        )
    return found[-1].manifest
