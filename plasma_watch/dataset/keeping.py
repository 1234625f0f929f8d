"""What of a dataset is written anew, and what is a person's and stays? Pure.

Ours is what is still as it was written. A picture or a caption that somebody changed is kept; one
that somebody took out stays out; a file that we never wrote is never overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from plasma_watch.dataset.record import Member, Record
from plasma_watch.job import same_name


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies in a dataset's folder, by name: pictures' sha256, and captions' texts."""

    pictures: Mapping[str, str]
    captions: Mapping[str, str]
    """By the picture's name without suffix."""


@dataclass(slots=True)
class Verdict:
    """What is done. Its state: what was decided so far."""

    members: dict[str, Member] = field(default_factory=dict)
    write_pictures: list[str] = field(default_factory=list)
    write_captions: list[str] = field(default_factory=list)
    edited_pictures: list[str] = field(default_factory=list)
    edited_captions: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)


def judge(record: Record, made: Sequence[Member], lying: Lying) -> Verdict:
    """Return what becomes of pictures that were made."""
    known = record.by_file()
    verdict = Verdict(members=dict(known))
    for member in made:
        before = known.get(member.file)
        if before and member.file not in lying.pictures:
            verdict.members[member.file] = before.model_copy(update={"removed": True})
            verdict.removed.append(member.file)
            continue
        kept = _picture(before, member, lying, verdict)
        verdict.members[member.file] = _caption(before, kept, lying, verdict)
    return verdict


def _picture(before: Member | None, member: Member, lying: Lying, verdict: Verdict) -> Member:
    """Decide on a picture's file; return what is now true of it."""
    there = lying.pictures.get(member.file)
    if there == member.sha256:
        verdict.same.append(member.file)
        return member
    if before and there is not None and there != before.sha256:
        verdict.edited_pictures.append(member.file)
        return before
    verdict.write_pictures.append(member.file)
    return member


def _caption(before: Member | None, member: Member, lying: Lying, verdict: Verdict) -> Member:
    """Decide on a caption's file; somebody who edited it has looked, so nothing is guessed then."""
    there = lying.captions.get(stem(member.file))
    if there is None:
        verdict.write_captions.append(member.file)
    elif there.strip() not in {member.caption, before.caption if before else member.caption}:
        verdict.edited_captions.append(member.file)
        return member.model_copy(update={"guessed": False})
    elif there.strip() != member.caption:
        verdict.write_captions.append(member.file)
    return member


def free_name(name: str, source: str, owners: Mapping[str, str], lying: Lying) -> str:
    """Return a name that is this source's own, or free: others' pictures are never touched.

    Names are compared as a Mac's disk does, and without suffix: a caption is shared.
    """
    owned = {same_name(own): theirs for own, theirs in owners.items()}
    taken = {same_name(stem(file)) for file in lying.pictures}
    tries = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(
        tried
        for tried in tries
        if (
            owned[folded] == source
            if (folded := same_name(tried)) in owned
            else folded not in taken
        )
    )


def stem(file: str) -> str:
    """Return a picture's name without its suffix."""
    return file.rpartition(".")[0]
