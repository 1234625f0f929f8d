"""What the commands about datasets say: lines for people, facts for programs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from plasma_watch.words import counted

if TYPE_CHECKING:
    from plasma_watch.dataset.adding import Added
    from plasma_watch.dataset.keeping import Verdict
    from plasma_watch.dataset.prepare import Outcome, Seen
    from plasma_watch.dataset.remarks import Look
    from plasma_watch.dataset.report import Length, Report


# Preparing and adding.


def made_lines(outcome: Outcome, to: Path) -> Iterator[str]:
    """Yield what was seen on each sheet, what it gave, and what became of the files."""
    for seen in outcome.seen:
        yield from seen_lines(seen)
    yield from _verdict_lines(outcome.verdict, to)
    members = outcome.verdict.members.values()
    if guessed := sum(member.guessed and not member.removed for member in members):
        said = f"{counted(guessed, 'framing')} {'is' if guessed == 1 else 'are'} guessed"
        yield f"  {said}; look: plasma-watch dataset report {quote(str(to))}"


def seen_lines(seen: Seen) -> Iterator[str]:
    """Yield what was seen on a sheet, and what it gave."""
    wide, high = seen.size
    ground = "no plain ground" if seen.ground == "none" else f"{seen.ground} ground"
    found = counted(len(seen.subjects), "figure")
    beside = ", ".join(f"{n} {why}" for why, n in sorted(Counter(seen.dropped).items()))
    yield f"{seen.name}: {wide}x{high}, {ground}, {found}" + (f"; beside: {beside}" * bool(beside))
    for number, of in enumerate(seen.subjects, 1):
        made = Counter(str(each.framing) for each in seen.pictures if each.figure == number)
        given = ", ".join(f"{name} x{n}" if n > 1 else name for name, n in made.items())
        box = "{}, {} to {}, {}".format(*of.box)
        yield f"  {number:>2} {of.shows:<5} at {box}" + (f": {given}" if given else "")
    for out in seen.left_out:
        yield f"  {out.figure:>2} {out.framing} left out: it {out.why}"


def _verdict_lines(verdict: Verdict, to: Path) -> Iterator[str]:
    written = counted(len(verdict.write_pictures), "picture")
    captions = counted(len(verdict.write_captions), "caption")
    yield f"{to}: {written} and {captions} written, {len(verdict.same)} as they were"
    for names, what, said in (
        (verdict.edited_captions, "caption", "kept as edited by hand"),
        (verdict.edited_pictures, "picture", "kept as edited by hand"),
        (verdict.removed, "picture", "not made again, taken out by hand (dataset.toml names them)"),
    ):
        if names:
            yield f"  {counted(len(names), what)} {said}: {_listed(names)}"


def added_lines(added: Added, to: Path) -> Iterator[str]:
    """Yield what was taken and what was not."""
    from plasma_watch.dataset.record import drawn_by_sandbox  # noqa: PLC0415 - start-up time

    for skipped in added.skipped:
        mark = f" ({skipped.code})" if skipped.code else ""
        yield f"skipped: {skipped.name} {skipped.why}{mark}"
    yield from _verdict_lines(added.verdict, to)
    if said := drawn_by_sandbox(added.verdict.members.values()):
        yield f"  note: {said}"


def made_facts(outcome: Outcome, folder: Path) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "folder": str(folder),
        "sheets": [_seen_facts(seen) for seen in outcome.seen],
        **_verdict_facts(outcome.verdict),
    }


def _seen_facts(seen: Seen) -> dict[str, Any]:
    return {
        "name": seen.name,
        "size": list(seen.size),
        "ground": seen.ground,
        "figures": [{"box": list(of.box), "shows": str(of.shows)} for of in seen.subjects],
        "dropped": {str(why): count for why, count in Counter(seen.dropped).items()},
        "left_out": [
            {"figure": out.figure, "framing": str(out.framing), "why": out.why}
            for out in seen.left_out
        ],
    }


def _verdict_facts(verdict: Verdict) -> dict[str, Any]:
    return {
        "written": verdict.write_pictures,
        "captions_written": verdict.write_captions,
        "same": verdict.same,
        "edited_captions": verdict.edited_captions,
        "edited_pictures": verdict.edited_pictures,
        "removed": verdict.removed,
        "pictures": [
            member.model_dump(mode="json", exclude_defaults=True)
            for member in verdict.members.values()
        ],
    }


def added_facts(added: Added, folder: Path) -> dict[str, Any]:
    """Return the same for programs."""
    skipped = [{"name": each.name, "why": each.why, "code": each.code} for each in added.skipped]
    return {"folder": str(folder), "skipped": skipped, **_verdict_facts(added.verdict)}


# Reporting.


def title(report: Report, folder: Path) -> str:
    """Return what a dataset is in one line."""
    count = counted(len(report.looks), "picture")
    trigger = f"trigger '{report.trigger}'" if report.trigger else "no trigger: as regularization"
    word = "the gate refuses it" if report.problems else "the gate lets it pass"
    return f"{folder}: {count}, {trigger}: {word}"


def report_lines(report: Report, folder: Path, sheet: Path) -> Iterator[str]:
    """Yield a report for people: what is refused, what is worth a word, then every picture."""
    yield title(report, folder)
    for problem in report.problems:
        yield f"  refused   {problem.message} ({problem.code})"
        yield f"            {problem.hint}"
    yield f"  buckets   {_shares(report.buckets())}"
    yield f"  framing   {_shares(report.framings())}"
    if report.length:
        yield f"  length    {_length(report.length)}"
    for warning in report.warnings:
        yield f"  note      {warning}"
    yield from _table([_row(look) for look in report.looks])
    if any(look.is_guessed for look in report.looks):
        yield "  A framing with a question mark is guessed; edit the caption, or say --boxes."
    yield f"  contact sheet: {sheet}"


def _row(look: Look) -> tuple[str, ...]:
    size = f"{look.shot.width}x{look.shot.height}"
    bucket = "{}x{}".format(*look.seen.bucket) if look.seen else "-"
    framing = f"{look.framing or '-'}{'?' * look.is_guessed}"
    notes = f"[{'; '.join(look.notes)}]" if look.notes else ""
    return look.shot.name, size, bucket, framing, f"{look.shot.caption or '-'} {notes}".strip()


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    head = ("picture", "size", "bucket", "framing", "caption")
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head) - 1)]
    for row in (head, *rows) if rows else ():
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield f"  {'  '.join((*cells, row[-1]))}"


def _length(length: Length) -> str:
    from plasma_watch.train.telling import duration  # noqa: PLC0415 - start-up time

    plan = length.plan
    epochs = f"{counted(plan.epochs, 'epoch')} of {plan.steps_an_epoch}"
    steps = f"{counted(plan.steps, 'step')}: {epochs}"
    least, most = (duration(seconds) for seconds in length.seconds())
    if length.measured_by:
        return (
            f"{steps}; about {least} at {length.pace[0]:.2f} s a step, as {length.measured_by} took"
        )
    return (
        f"{steps}; {least} to {most} at {length.pace[0]:g} to {length.pace[1]:g} s a step, as "
        "others report of an M1 Pro at 512 pixels; `calibrate = 50` measures it here"
    )


def report_facts(report: Report, sheet: Path) -> dict[str, Any]:
    """Return a report for programs."""
    return {
        "good": not report.problems,
        "problems": [
            {"code": p.code, "field": p.field, "message": p.message, "hint": p.hint}
            for p in report.problems
        ],
        "warnings": list(report.warnings),
        "trigger": report.trigger,
        "resolution": report.resolution,
        "buckets": report.buckets(),
        "framing": report.framings(),
        "repeated_captions": {said: list(names) for said, names in report.repeated.items()},
        "length": _length_facts(report.length),
        "pictures": [_look_facts(look) for look in report.looks],
        "contact_sheet": str(sheet),
    }


def _length_facts(length: Length | None) -> dict[str, Any] | None:
    if length is None:
        return None
    return {
        "steps": length.plan.steps,
        "epochs": length.plan.epochs,
        "repeats": length.plan.repeats,
        "seconds_per_step": list(length.pace),
        "seconds": list(length.seconds()),
        "measured_by": length.measured_by or None,
    }


def _look_facts(look: Look) -> dict[str, Any]:
    shot, seen = look.shot, look.seen
    return {
        "name": shot.name,
        "size": [shot.width, shot.height],
        "bucket": list(seen.bucket) if seen else None,
        "framing": str(look.framing) if look.framing else None,
        "guessed": look.is_guessed,
        "caption": shot.caption,
        "sharpness": round(seen.measure.sharpness, 2) if seen else None,
        "contrast": round(seen.measure.contrast, 2) if seen else None,
        "notes": list(look.notes),
    }


def _listed(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _shares(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "none"
