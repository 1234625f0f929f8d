"""What people look at: status, follow, history."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plasma_watch.cli.common import (
    HomeOption,
    JsonOption,
    NameArgument,
    home_of,
    is_daemon_up,
    is_terminal,
    names_of,
    say,
    say_json,
    say_of,
)
from plasma_watch.cli.requests import (
    EXIT_FAILED,
    EXIT_UNREACHABLE,
    POLL_SECONDS,
    no_daemon,
    nobody,
    refuse_degraded,
)
from plasma_watch.cli.whereabouts import Lying, ended, lying, unfinished
from plasma_watch.holder import last_told
from plasma_watch.home import Home
from plasma_watch.words import counted, one_line, pasted, visible

if TYPE_CHECKING:
    from plasma_watch.report.ends import End

_ENDS = ("done", "failed", "cancelled")
_BADLY = ("failed", "cancelled")
LATELY_SECONDS = 86_400
"""What failed no longer ago is told by `status`."""
FAILURES_SHOWN = 3


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    for command in (status, follow, history):
        app.command()(command)


def status(
    name: Annotated[str | None, typer.Argument(autocompletion=names_of)] = None,
    home: HomeOption = None,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on looking until Ctrl-C, or until NAME has ended.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Say what the daemon does, or how one request is getting on."""
    found = home_of(home)
    if watch:
        from plasma_watch.cli import watching  # noqa: PLC0415 - start-up time

        if json:
            raise typer.BadParameter("--json says everything once; leave one of the two out")
        _known(found, name)
        raise typer.Exit(watching.watch(found, name))
    if name is not None:
        _one(found, name, json=json)
        return
    is_up, told = last_told(found)
    lies = None if is_up else lying(found)
    if lies:
        told |= {"state": "stopped", "why": "no daemon looks after this home"}
        told |= {"paused": lies.is_paused, "lies": lies.told()}
    job = _running(found, told) if is_up else {}
    failures = _failures(found)
    if json:
        newest = failures[-FAILURES_SHOWN:]
        more = {"job": job, "failed": len(failures), "failures": [_row(end) for end in newest]}
        say_json(told | {"up": is_up, "home": str(found.root)} | more)
    else:
        _print_daemon(found, told, job)
        _print_lying(lies)
        _print_failures(found, failures)
    if not is_up:
        raise typer.Exit(EXIT_UNREACHABLE)


def _print_lying(lies: Lying | None) -> None:
    if lies and (words := lies.words()):
        say(f"  files   {words}")
    if lies and lies.is_paused:
        say("  paused  PAUSE lies in the inbox; `plasma-watch resume` takes it out")


def _running(home: Home, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of the running job; nothing where its name was dropped again since."""
    job = _read(home.status / f"{told['running']}.toml") if told.get("running") else {}
    return job if job.get("state") == "running" else {}


def _known(home: Home, name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    told = _read(home.status / f"{name}.toml") or _untold(home, name)
    if not told:
        say(f"nothing is known of '{name}'")
        raise typer.Exit(EXIT_FAILED)
    return told


def _untold(home: Home, name: str) -> dict[str, Any]:
    """Return what the files say of a name that nobody has told of; nothing where none has it."""
    file = unfinished(home, name)
    if file is None:
        return {}
    state = "running" if file.is_relative_to(home.running) else "waiting"
    return {"name": name, "state": state, "why": "no daemon has told of it yet"}


def _one(home: Home, name: str, *, json: bool) -> None:
    told = _known(home, name)
    is_up = is_daemon_up(home)
    told |= _whereabouts(home, name, told, is_up=is_up)
    if json:
        say_json(told)
        return
    for line in _lines(told):
        say(line)
    if told["state"] in _BADLY and "file" in told:
        say(f"  again     {pasted('retry', home.root, name)}")
    if "dropped_again" in told:
        say(f"  dropped again: {told['dropped_again']}; it is taken up when a daemon runs")
    elif told["state"] not in _ENDS and not is_up:
        say("  no daemon looks after this home: it goes on when one runs")


def _whereabouts(home: Home, name: str, told: Mapping[str, Any], *, is_up: bool) -> dict[str, str]:
    """Return where its file lies, and without a daemon what was dropped of its name since."""
    state = str(told.get("state"))
    if state not in _ENDS:
        places = {"file": unfinished(home, name, state)}
    else:
        again = None if is_up else unfinished(home, name, state)
        old = ended(home, state, str(told.get("job")), name)
        places = {"file": old, "dropped_again": again}
    return {key: str(path.relative_to(home.root)) for key, path in places.items() if path}


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    from plasma_watch.report.spoken import of_pace  # noqa: PLC0415 - start-up time

    yield f"{told['name']}  {told['state']}  {told['why']}"
    if "job" in told:
        yield f"  job       {told['job']}"
        yield f"  dropped   {told['dropped']:%Y-%m-%d %H:%M:%S} UTC"
    if "file" in told:
        yield f"  file      {told['file']}"
    if pace := ", ".join(of_pace(told)):
        yield f"  progress  {pace}"
    for output in told.get("outputs", ()):
        yield f"  output    {output}"
    if error := told.get("error"):
        yield f"  error     {error['code']}"
        yield from (f"    - {problem}" for problem in error.get("problems", ()))
        if error.get("hint") and "problems" not in error:
            yield f"  to do     {error['hint']}"


def _failures(home: Home) -> list[End]:
    """Return what failed of late; where nothing came in, nothing is looked at, nor loaded."""
    oldest = time.time() - LATELY_SECONDS
    try:
        if home.failed.stat().st_mtime < oldest or not any(home.failed.iterdir()):
            return []
    except OSError:
        return []
    from plasma_watch.report.ends import (  # noqa: PLC0415 - start-up time
        FAILURES_LOOKED_AT,
        failed_since,
    )

    return failed_since(home, oldest, FAILURES_LOOKED_AT)


def _print_failures(home: Home, failures: Sequence[End]) -> None:
    for end in failures[-FAILURES_SHOWN:]:
        say(f"  failed  {end.name} ({end.ended:%H:%M} UTC): {one_line(end.why)}")
    if failures:
        before = _rest(len(failures)) or "what failed before"
        more = pasted("status", home.root, failures[-1].name)
        say(f"          more: {more}; {before}: plasma-watch history")


def _rest(failures: int) -> str:
    """Return how many failures are not shown; beyond a hundred nobody counts them."""
    from plasma_watch.report.ends import FAILURES_LOOKED_AT  # noqa: PLC0415 - start-up time

    rest = failures - FAILURES_SHOWN
    least = " at least" if failures == FAILURES_LOOKED_AT else ""
    return f"and {rest} more{least}" if rest > 0 else ""


def _print_daemon(home: Home, told: Mapping[str, Any], job: Mapping[str, Any]) -> None:
    from plasma_watch.report.spoken import of_job, of_silence  # noqa: PLC0415 - start-up time

    is_up = told["state"] != "stopped"
    say(f"{told['state']}: {told['why']}")
    if job:
        say(f"  {of_job(job)}")
    say(f"  home    {home.root}")
    for folder, why in told.get("refused", {}).items():
        say(f"  refused {folder}: {why}")
    if told.get("watching") == "polling":
        say("  inbox   no events come from its volume: it is read every 2 s")
    if is_up and (engine := told.get("engine")):
        reached = _engine(engine) if engine.get("reachable") else of_silence(told, job)
        say(f"  engine  {reached}")
    if is_up and (memory := told.get("memory")):
        free, total = memory["available_bytes"] / 1e9, memory["total_bytes"] / 1e9
        say(f"  memory  {free:.1f} of {total:.1f} GB free, pressure {memory['pressure']}")
        for recipe, need in memory.get("needs", {}).items():
            by = counted(need["runs"], "run")
            say(f"  need    {recipe}: {need['bytes'] / 1e9:.1f} GB more, by {by}")
    if told.get("restart_due"):
        say("  config.toml has changed: restart the daemon to use it")
    for file, reason in told.get("ignored", {}).items():
        say(f"  left alone: {file}: {reason}")
    _print_line(home, told.get("line", {}))


def _engine(engine: Mapping[str, Any]) -> str:
    kind = "the sandbox, as ComfyUI" if engine.get("sandbox") else "ComfyUI"
    return f"{kind} {engine['version']} on {engine['device']} at {engine['url']}"


def _print_line(home: Home, line: Mapping[str, Any]) -> None:
    names = line.get("first", [])
    rows = [told for name in names if (told := _read(home.status / f"{name}.toml"))]
    if not rows:
        return
    if not is_terminal():
        for told in rows:
            say(f"  {told.get('position', '')} {told['name']}: {told['why']}")
        return
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.markup import escape  # noqa: PLC0415 - the same
    from rich.table import Table  # noqa: PLC0415 - the same

    table = Table("", "name", "kind", "why", title=f"{line.get('length', len(rows))} in line")
    for told in rows:
        cells = (str(told.get("position", "")), told["name"], told["kind"], told["why"])
        table.add_row(*(escape(visible(cell)) for cell in cells))
    Console().print(table)


def follow(name: NameArgument, home: HomeOption = None) -> None:
    """Print a request's log as it grows, until it has ended; exit 1 if badly."""
    found = home_of(home)
    log, at = found.status / f"{name}.log", 0
    while True:
        is_up = is_daemon_up(found)  # before the look: who ends tells of the job first
        is_there = unfinished(found, name) is not None  # likewise
        told = _read(found.status / f"{name}.toml")
        at = _print_from(log, at)
        if not told and not is_there:
            raise nobody(name)
        if told.get("state") in _ENDS and not is_there:
            _print_from(log, at)
            raise typer.Exit(0 if told["state"] == "done" else EXIT_FAILED)
        if not is_up:
            raise no_daemon(found)
        refuse_degraded(found)
        time.sleep(POLL_SECONDS)


def _print_from(log: Path, at: int) -> int:
    """Print what a log has behind an offset; return the new offset."""
    try:
        with log.open("rb") as file:
            file.seek(at)
            new = file.read()
    except OSError:
        return at
    for line in new.decode(errors="replace").splitlines():
        say(line)
    return at + len(new)


def history(
    picture: Annotated[
        str | None, typer.Argument(help="A picture, as ch01_p003: then its versions are listed.")
    ] = None,
    home: HomeOption = None,
    *,
    last: Annotated[int, typer.Option("--last", min=1, help="How many.")] = 20,
    json: JsonOption = False,
) -> None:
    """List the jobs that ended, the newest last; or the versions of one picture."""
    found = home_of(home)
    if picture is not None:
        from plasma_watch.cli.finding import versions  # noqa: PLC0415 - start-up time

        versions(found, picture, json=json)
        return
    from plasma_watch.report.ends import Ends  # noqa: PLC0415 - start-up time

    ends = Ends(found)
    rows = [_row(end) for end in ends.newest(last)]
    if json:
        say_json(rows)
        return
    for row in rows:
        say(f"{row['ended']:%Y-%m-%d %H:%M:%S} UTC  {row['state']:<9}  {row['name']}  {row['why']}")
    say_of(len(rows), len(ends))


def _row(end: End) -> dict[str, Any]:
    pictures = end.journal.get("pictures", ())
    return {
        "name": end.name,
        "job": end.folder.name,
        "state": end.state,
        "why": end.why,
        "code": end.code,
        "ended": end.ended.replace(microsecond=0),
        "outputs": [made["path"] for p in pictures for made in p.get("made", ())],
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
