"""`dataset.toml`: how every picture of a dataset came about, so that it can be made again. Pure.

It lies beside the pictures and is ours: commands read and rewrite it; gate and trainer never look,
and a dataset without one is as good. What its captions say is what was written once; a caption file
that says something else was edited by hand, and is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from plasma_watch import __version__, toml_check, toml_text
from plasma_watch.dataset.boxes import bad_file
from plasma_watch.dataset.figures import Box
from plasma_watch.dataset.framing import Framing
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.words import counted

RECORD = "dataset.toml"


class Member(BaseModel):
    """One picture: its file, where it came from, and what was done to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    sha256: str
    """Of the file as it was written: another one was edited by hand."""
    pixels: str
    """Of its pixels alone: the same picture in another file is found by it."""
    caption: str
    """As it was written."""
    source: str
    source_sha256: str
    framing: Framing | None = None
    guessed: bool = False
    view: str = ""
    ground: str = ""
    figure: int = 0
    box: Box | None = None
    """The figure's box on its sheet."""
    area: tuple[float, float, float, float] | None = None
    """What was cut, in the source's pixels; it may reach beyond the edges."""
    enlarged: float = 1
    mirrored: bool = False
    turned: float = 0
    nearer: float = 1
    lighter: float = 1
    removed: bool = False
    """Taken out by hand: it is not made again until this line is deleted."""
    made: dict[str, Any] = {}
    """For a finished output: its manifest, seed and checkpoint; whether it is the sandbox's."""


class Record(BaseModel):
    """A dataset's record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trigger: str = ""
    caption: str = ""
    """What the captions of its sheets say besides."""
    made_by: str = ""
    picture: tuple[Member, ...] = ()

    def by_file(self) -> dict[str, Member]:
        """Return its pictures by their files' names."""
        return {member.file: member for member in self.picture}

    def owners(self) -> dict[str, str]:
        """Return which source each picture's name, without suffix, belongs to."""
        return {member.file.rpartition(".")[0]: member.source for member in self.picture}

    def with_members(self, members: Iterable[Member], trigger: str) -> Record:
        """Return it with these pictures, in the order of their names."""
        ordered = sorted(members, key=lambda member: member.file)
        return Record(
            trigger=trigger or self.trigger,
            caption=self.caption,
            made_by=_BY,
            picture=tuple(ordered),
        )

    def saying(self, caption: str) -> Record:
        """Return it with what the captions of its sheets say besides."""
        return self.model_copy(update={"caption": caption})

    def to_toml(self) -> str:
        """Return its text; what is as it mostly is goes without saying."""
        return _HEAD + toml_text.dumps(self.model_dump(mode="json", exclude_defaults=True))


_BY = f"plasma-watch {__version__}"
_HEAD = (
    "# How every picture came about. `plasma-watch dataset prepare` and `add` keep it; captions\n"
    "# are edited in the .txt files, which are never overwritten once they were.\n"
)


def read_record(raw: bytes | None) -> Record:
    """Read a record; where there is none yet it is empty.

    Raises PlasmaError `dataset.bad-file` with every problem and its line.
    """
    if raw is None:
        return Record()
    try:
        text = toml_check.decode(raw, RECORD)
        return Record.model_validate(toml_check.parse(text, RECORD))
    except PlasmaError as exc:
        raise PlasmaError(Code.DATASET_BAD_FILE, exc.message, _HINT) from exc
    except ValidationError as exc:
        problems = toml_check.problems_of(exc, Record, toml_check.line_numbers(text))
        raise bad_file(RECORD, problems) from exc


def drawn_by_sandbox(members: Iterable[Member]) -> str:
    """Return what is said of pictures that the stand-in engine drew; nothing if there are none."""
    drawn = sum(bool(member.made.get("sandbox")) and not member.removed for member in members)
    by = "drawn by the stand-in engine, which teaches a LoRA nothing"
    return f"{counted(drawn, 'picture')} {by}" if drawn else ""


_HINT = "Mend it, or move it away: then nothing is known of the pictures that lie there."
