"""What people do with requests: submit, check, cancel, retry, pause, resume."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plasma_watch.cli.common import (
    HomeOption,
    JsonOption,
    NameArgument,
    file_of,
    home_of,
    is_daemon_up,
    say,
    say_json,
)
from plasma_watch.cli.whereabouts import jobs_in, named, unfinished
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home

if TYPE_CHECKING:
    from plasma_watch.errand import Drop

POLL_SECONDS = 0.2
EXIT_FAILED = 1
EXIT_UNREACHABLE = 3


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    for command in (submit, check, cancel, retry, pause, resume):
        app.command()(command)


def submit(
    files: Annotated[list[Path], typer.Argument(help="Requests, manifests, or pictures of ours.")],
    home: HomeOption = None,
    *,
    urgent: Annotated[bool, typer.Option("--urgent", help="Go first.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; exit 1 if bad.")] = False,
    json: JsonOption = False,
) -> None:
    """Drop requests into the inbox, whole."""
    from plasma_watch import errand  # noqa: PLC0415 - start-up time

    found = home_of(home)
    there = [file_of(file, found) for file in files]
    _check_names(there)
    dropped = [errand.drop(found, file.name, _read(file), urgent=urgent) for file in there]
    told = [_awaited(found, drop) for drop in dropped] if wait else []
    if json:
        say_json(told or [{"name": drop.name, "sha256": drop.sha256} for drop in dropped])
    for drop in () if json else dropped:
        say(f"{drop.name}: in the inbox" + ("" if is_daemon_up(found) else "; no daemon runs"))
    for status in () if json else told:
        say(f"{status['name']}: {status['state']}: {status['why']}")
    if any(_ended_badly(status) for status in told):
        raise typer.Exit(EXIT_FAILED)


def _ended_badly(status: Mapping[str, Any]) -> bool:
    from plasma_watch.job import State  # noqa: PLC0415 - start-up time

    return bool(status["state"] != State.DONE)


def _check_names(files: Sequence[Path]) -> None:
    """Refuse names that the inbox would leave alone, and two files of one name."""
    from plasma_watch.errand import check_name  # noqa: PLC0415 - start-up time
    from plasma_watch.job import same_name  # noqa: PLC0415 - the same

    seen: dict[str, Path] = {}
    for file in files:
        check_name(file.name)
        before = seen.setdefault(same_name(file.stem), file)
        if before is not file:
            raise PlasmaError(
                Code.REQUEST_CONFLICT,
                f"{before} and {file} would have one name in the inbox",
                "Submit them one after the other, or rename one.",
            )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise PlasmaError(
            Code.REQUEST_UNREADABLE, f"{file} cannot be read: {exc.strerror}", "Mend the path."
        ) from exc


def _awaited(home: Home, drop: Drop) -> dict[str, Any]:
    """Wait until a drop has ended, and return its status."""
    from plasma_watch.errand import ENDS, Awaited  # noqa: PLC0415 - start-up time

    awaited = Awaited(home, drop)
    while True:
        is_up = is_daemon_up(home)  # before the look: who ends tells of the job first
        status = awaited.look()
        if status.get("state") in ENDS:
            return status
        if not is_up:
            raise no_daemon(home)
        refuse_degraded(home)
        time.sleep(POLL_SECONDS)


def refuse_degraded(home: Home) -> None:
    """End a wait for a daemon that runs nothing until somebody mends what it says."""
    from plasma_watch.holder import told_by_holder  # noqa: PLC0415 - start-up time

    told = told_by_holder(home)
    if told.get("state") == "degraded":
        say(f"the daemon of {home.root} runs nothing: {told.get('why', '')}")
        raise typer.Exit(EXIT_UNREACHABLE)


def no_daemon(home: Home) -> typer.Exit:
    """Return the exit for what needs a daemon where none runs."""
    say(f"no daemon looks after {home.root}; start it with `plasma-watch run`")
    return typer.Exit(EXIT_UNREACHABLE)


def check(
    files: Annotated[list[Path], typer.Argument(help="Request files.")],
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Check requests as the daemon will when they arrive; nothing is dropped."""
    found = home_of(home)
    looked = {str(file): _looked_at(found, file) for file in files}
    errors = [error for error, _ in looked.values() if error]
    if json:
        say_json({file: _told(error, ahead) for file, (error, ahead) in looked.items()})
    for file, (error, ahead) in () if json else looked.items():
        good = ": ".join(filter(None, ("good", ahead)))
        say(f"{file}: {error.code if error else good}")
        for problem in error.problems if error else ():
            say(f"  {problem}" + (f"  [{problem.hint}]" if problem.hint else ""))
        if error and not error.problems:
            say(f"  {error.message}  [{error.hint}]")
    if errors:
        raise typer.Exit(EXIT_FAILED)


def _looked_at(home: Home, file: Path) -> tuple[PlasmaError | None, str]:
    """Return what is wrong with a request, and what a good one comes to."""
    from plasma_watch.checker import check_file, look_ahead  # noqa: PLC0415 - start-up time

    try:
        there = file_of(file, home)
    except PlasmaError as exc:
        return exc, ""
    error = check_file(home, there, os.environ)
    return error, "" if error else look_ahead(home, there, os.environ)


def _told(error: PlasmaError | None, ahead: str) -> dict[str, Any]:
    if error is None:
        return {"good": True} | ({"ahead": ahead} if ahead else {})
    problems = [
        {"code": p.code, "field": p.field, "line": p.line, "message": p.message, "hint": p.hint}
        for p in error.problems
    ]
    told = {"code": error.code, "message": error.message, "hint": error.hint}
    return {"good": False, **told, "problems": problems}


def cancel(name: NameArgument, home: HomeOption = None) -> None:
    """Cancel every waiting or running job of a name."""
    found = home_of(home)
    if unfinished(found, name) is None:
        raise nobody(name)
    (found.inbox / f"{name}.cancel").touch()
    say(f"{name}: will be cancelled" + ("" if is_daemon_up(found) else " when a daemon runs"))


def nobody(name: str) -> PlasmaError:
    """Return the error for a name that nothing has which waits or runs."""
    return PlasmaError(
        Code.REQUEST_MISSING_FILE,
        f"no waiting or running request is called '{name}'",
        "`plasma-watch status` says what waits, `plasma-watch history` what ended.",
    )


def retry(name: NameArgument, home: HomeOption = None) -> None:
    """Move the newest failed or cancelled request of a name back into the inbox."""
    from plasma_watch.system import platform  # noqa: PLC0415 - start-up time

    found = home_of(home)
    request = _newest_ended(found, name)
    try:
        platform.rename_exclusive(request, found.inbox / request.name)
    except FileExistsError as exc:
        raise PlasmaError(
            Code.REQUEST_CONFLICT,
            f"a request called {request.name} waits already",
            "Cancel it first, or let it run.",
        ) from exc
    say(f"{name}: back in the inbox (from {request.parent.relative_to(found.root)})")


def _newest_ended(home: Home, name: str) -> Path:
    """Return the newest request of a name in `failed/` or `cancelled/`; job ids sort by time."""
    found = [
        path for folder in (home.failed, home.cancelled) for path in named(name, jobs_in(folder))
    ]
    if not found:
        raise PlasmaError(
            Code.REQUEST_MISSING_FILE,
            f"no failed or cancelled request is called '{name}'",
            "`plasma-watch history` lists what ended.",
        )
    return max(found, key=lambda path: path.parent.name)


def pause(home: HomeOption = None) -> None:
    """Hold the line; the running job ends first."""
    (home_of(home).inbox / "PAUSE").touch()
    say("paused: `plasma-watch resume` goes on")


def resume(home: HomeOption = None) -> None:
    """Let the line go on."""
    for path in home_of(home).inbox.iterdir():
        if path.name.casefold() == "pause":
            path.rmdir() if path.is_dir() else path.unlink()
    say("the line goes on")
