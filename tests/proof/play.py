"""Lets one round happen: a hand that drops and takes, daemons that live and die, and the end."""

from __future__ import annotations

import contextlib
import errno
import io
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from plasma_watch.system import platform
from tests.crash.process import Forks, a_home
from tests.door.process import EngineProcess
from tests.proof.plan import Act, Deed, Plan

ATTEMPTS = 1000
"""The limit that a round raises: an engine that is killed again and again sets no job aside."""
_GONE = frozenset({errno.ENOENT, errno.EEXIST})


@dataclass(slots=True)
class Round:
    """What happened. Its state grows while the round is played."""

    plan: Plan
    home: Path
    dropped: Counter[bytes] = field(default_factory=Counter)
    overwritten: Counter[bytes] = field(default_factory=Counter)
    """What may have been written over before it was claimed."""
    cancelled: set[str] = field(default_factory=set)
    """The names of which a cancel was asked for."""
    daemon_kills: int = 0
    daemon_stops: int = 0
    engine_kills: int = 0


def play(plan: Plan, forks: Forks, engine: EngineProcess, folder: Path) -> Round:
    """Play a round to its end."""
    played = Round(plan, _home(folder))
    hand = threading.Thread(target=_act_all, args=(played, engine))
    hand.start()
    for life in plan.lives:
        code = forks.live(played.home, life.seconds, is_asked=life.is_asked)
        played.daemon_kills += code < 0
        played.daemon_stops += code >= 0
    hand.join()
    for pause in played.home.glob("inbox/PAUSE"):
        pause.unlink()
    forks.drain(played.home)
    return played


def _home(folder: Path) -> Path:
    folder.mkdir()
    with contextlib.redirect_stdout(io.StringIO()):
        home = a_home(folder).home
    config = (home / "config.toml").read_text("utf-8")
    (home / "config.toml").write_text(config.replace("attempts = 3", f"attempts = {ATTEMPTS}"))
    return home


def _act_all(played: Round, engine: EngineProcess) -> None:
    began = time.monotonic()
    for act in played.plan.acts:
        time.sleep(max(0.0, began + act.at - time.monotonic()))
        _act(played, act, engine)


def _act(played: Round, act: Act, engine: EngineProcess) -> None:
    inbox = played.home / "inbox"
    match act.deed:
        case Deed.DROP:
            _drop(played, act, inbox)
        case Deed.CANCEL:
            played.cancelled.add(act.name)
            (inbox / f"{act.name}.cancel").touch()
        case Deed.PAUSE:
            (inbox / "PAUSE").touch()
        case Deed.RESUME:
            (inbox / "PAUSE").unlink(missing_ok=True)
        case Deed.URGENT:
            _move(inbox / f"{act.name}.toml", inbox / "urgent")
        case Deed.RETRY:
            for path in sorted(played.home.glob(f"failed/*/{act.name}.toml"))[:1]:
                _move(path, inbox)
        case Deed.KILL_ENGINE:
            engine.kill()
            played.engine_kills += 1
            engine.start()


def _drop(played: Round, act: Act, inbox: Path) -> None:
    """Rename a request in, over whatever waits under its name."""
    temporary = inbox / f".{act.name}.tmp"
    temporary.write_bytes(act.content)
    target = inbox / f"{act.name}.toml"
    _will_be_overwritten(played, target)
    played.dropped[act.content] += 1
    temporary.replace(target)


def _will_be_overwritten(played: Round, target: Path) -> None:
    """Note what may go now: the daemon may claim it first, so it may be there or not."""
    with contextlib.suppress(FileNotFoundError):
        played.overwritten[target.read_bytes()] += 1


def _move(source: Path, folder: Path) -> None:
    """Move a request as a careful person does: never over another."""
    folder.mkdir(exist_ok=True)
    try:
        platform.rename_exclusive(source, folder / source.name)
    except OSError as exc:
        if exc.errno not in _GONE:
            raise
