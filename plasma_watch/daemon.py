"""The daemon of one home: it looks after the inbox and tells the status, while the worker works.

Two threads share the line. This one, the main one, hears signals and never does anything long; the
worker carries one job at a time. What else they share is in `control`.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch import __version__, catching_up, retention
from plasma_watch.bulletin import SHOWN, Bulletin
from plasma_watch.comfyui.engine import Engine
from plasma_watch.comfyui.server import Server
from plasma_watch.config import Config
from plasma_watch.control import Control, Running
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.gate.meter import Meter
from plasma_watch.gate.needs import Needs
from plasma_watch.generate.job import Generate
from plasma_watch.generate.outlook import Paces
from plasma_watch.generate.shop import Workshop
from plasma_watch.home import Home, is_home
from plasma_watch.intake import accept
from plasma_watch.intake.fetching import Fetching
from plasma_watch.intake.inbox import Inbox, Moment
from plasma_watch.intake.watch import Watch
from plasma_watch.job import Job
from plasma_watch.line import Line, Ongoing, Waiting
from plasma_watch.loras import Loras
from plasma_watch.notices import Notices, sender
from plasma_watch.others import Others
from plasma_watch.outputs.hashes import Hashes
from plasma_watch.report.gallery import Keeper, shown_of
from plasma_watch.request import GenerateRequest, Request, TrainRequest
from plasma_watch.starts import Starts
from plasma_watch.status import Board, utc_now
from plasma_watch.surroundings import LOST_SECONDS, Place, Surroundings
from plasma_watch.system import files, platform
from plasma_watch.system.awake import Awake
from plasma_watch.system.locks import Lock
from plasma_watch.toml_check import KeyPath
from plasma_watch.train.job import Train
from plasma_watch.train.samples import Samples
from plasma_watch.train.shop import Workshop as TrainWorkshop
from plasma_watch.tripwire import Tripwire
from plasma_watch.worker import Worker

log = logging.getLogger(__name__)

STOP_SECONDS = 3.5
"""How long the worker is given to stop; the job is safe wherever it stands."""
TELL_SECONDS = 0.5
"""The line as a whole is told once in this time: each job that begins moves every place in it."""
SWITCH_SECONDS = 0.0005
"""How long one thread may keep the other from what it waited for: an answer of the engine, or a
drop. Python's own 5 ms would be most of what a page costs."""
POLL_SECONDS = 2.0
"""How often an inbox is read from which no events come."""
SURVEY_SHARE = 0.02
"""How much of the time goes at most into looks at a whole inbox, which may hold thousands."""
_SWEEP_SECONDS = 86_400.0
_ALWAYS_NEW = frozenset({"heartbeat", "memory"})


@dataclass(frozen=True, slots=True)
class Options:
    """How this daemon was started."""

    is_sandbox: bool = False
    drain: bool = False


class Daemon:
    """One home's daemon. Its state: the threads, and when it last looked, told and swept."""

    def __init__(
        self, home: Home, config: Config, options: Options, starts: Starts, lock: Lock
    ) -> None:
        self._home = home
        self._lock = lock
        self._config = config
        self._options = options
        self._starts = starts
        self._is_ready = False
        self._started = utc_now()
        self._config_stamp = _stamp(home.config)
        self._swept = float("-inf")
        self._survey_at = float("-inf")
        """When the whole inbox is looked at next."""
        self._seen = (-1, False)
        self._told: dict[str, Any] = {}
        self._told_at = float("-inf")
        """When `daemon.toml` was written last."""
        self._wake = threading.Event()
        self._control = Control()
        self._board = Board(home.status)
        self._line = Line(home)
        worked = (config.paths.output, config.paths.loras)
        self._around = Surroundings(home, (home.at(path) for path in worked))
        self._notices = Notices(config.notify, sender(platform.notification))
        self._meter = Meter()
        self._learned = home.learned(is_sandbox=options.is_sandbox)
        self._needs = Needs(self._learned / "needs.json")
        self._engine = Engine(config.comfyui, self._made_server())
        canary = home.private / "events" / "canary"
        self._watch = Watch((home.inbox, home.urgent), self._wake, canary)
        self._tripwire = Tripwire(home.private / "tripwire-work.json")
        self._hashes = Hashes(home.private / "hashes.json")
        self._comfyui = Path(config.comfyui.dir).expanduser() if config.comfyui.dir else None
        self._loras = Loras(home.at(config.paths.loras), self._comfyui)
        self._generate = self._made_generate()
        self._train = self._made_train()
        self._inbox = self._made_inbox()
        self._left = self._line.unfinished()
        self._control.will_go_on(Running(each.job.id, each.job.name) for each in self._left)
        self._worker = self._made_worker()
        self._gallery = self._made_gallery()

    def _made_server(self) -> Server | None:
        """Return the ComfyUI of our own, if we look after it."""
        if not self._config.comfyui.manage:
            return None
        return Server(
            self._config.comfyui,
            self._home.private,
            os.environ,
            was_short=self._meter.was_short,
        )

    def _made_generate(self) -> Generate:
        shop = Workshop(
            home=self._home,
            config=self._config,
            board=self._board,
            engine=self._engine,
            control=self._control,
            tripwire=self._tripwire,
            hashes=self._hashes,
            loras=self._loras,
            paces=Paces(self._learned / "paces.json"),
            meter=self._meter,
            needs=self._needs,
            others=Others(
                first=lambda: self._worker.first(),  # noqa: PLW0108 - it is made after the kinds
                asked=self._asked_by,
                begin=lambda waiting, job: self._worker.begin_next(waiting, job),  # noqa: PLW0108
                are_out=lambda: self._worker.others_are_out(),  # noqa: PLW0108
            ),
            comfyui=self._comfyui,
            version=__version__,
            host=socket.gethostname(),
        )
        return Generate(shop)

    def _made_train(self) -> Train:
        shop = TrainWorkshop(
            home=self._home,
            config=self._config,
            board=self._board,
            engine=self._engine,
            control=self._control,
            tripwire=self._tripwire,
            hashes=self._hashes,
            loras=self._loras,
            needs=self._needs,
            samples=Samples(self._home, self._loras, self._config.limits),
            urgent_waits=lambda: self._worker.lets_pass("train"),
            version=__version__,
            host=socket.gethostname(),
        )
        return Train(shop)

    def _made_inbox(self) -> Inbox:
        return Inbox(
            home=self._home,
            config=self._config,
            line=self._line,
            board=self._board,
            control=self._control,
            tripwire=Tripwire(self._home.private / "tripwire-inbox.json"),
            check=self._check,
            ended=self._heard_end,
            fetch=Fetching().ask,
        )

    def _made_worker(self) -> Worker:
        return Worker(
            line=self._line,
            left=self._recovered,
            board=self._board,
            control=self._control,
            tripwire=self._tripwire,
            kinds={"generate": self._generate, "train": self._train},
            heavy=Lock(platform.user_state(os.environ) / "heavy.lock"),
            asked=self._asked,
            announce=self._announce,
            is_paused=self._is_paused,
            changed=self._hear_worker,
            wait_minutes=self._config.memory.wait_minutes,
            awake=Awake(platform.stay_awake(os.getpid())).held,
        )

    def _made_gallery(self) -> Keeper | None:
        if not self._config.gallery.enabled:
            return None
        home, paths = self._home, self._config.paths
        told = home.private / "gallery.log"
        return Keeper(home.root, home.at(paths.output), home.at(paths.loras), told)

    def _is_paused(self) -> bool:
        """Tell whether nothing may be started: somebody said so, or the home is not ours now."""
        return self._inbox.is_paused or bool(self._around.lost) or not self._lock.is_ours()

    def _recovered(self) -> list[Ongoing]:
        """Return the jobs that an earlier daemon left begun, when no trainer of theirs lives."""
        for ongoing in self._left:
            self._train.end_orphan(ongoing.job)
        self._train.tidy_up()
        return self._left

    def _announce(self, job: Job) -> None:
        """Tell of a job that ended, and let what waited for it know."""
        self._inbox.announce(job)
        self._train.ended(job)

    def _heard_end(self, job: Job) -> None:
        """Tell a person and the gallery of a job that ended, whoever ended it."""
        self._notices.ended(job)
        if self._gallery:
            self._gallery.note(job.id)

    def _check(self, request: Request, lines: Mapping[KeyPath, int], subject: str) -> None:
        if isinstance(request, GenerateRequest):
            self._generate.check(request, lines, subject)
        else:
            self._train.check(request, lines, subject)

    def _asked(self, ongoing: Ongoing) -> Request:
        """Read a begun job's request again; once it was resolved, the journal's word stands."""
        if ongoing.job.request is not None:
            model = TrainRequest if ongoing.job.kind == "train" else GenerateRequest
            return model.model_validate(ongoing.job.request)
        return self._read(ongoing.request)

    def _asked_by(self, waiting: Waiting) -> Request:
        """Read a waiting request; what is begun of it is compared with what was checked."""
        return self._read(waiting.path)

    def _read(self, path: Path) -> Request:
        return accept.parse(accept.open_dropped(path, self._config), self._config, self._check)

    # The loop.

    def stop(self) -> None:
        """Ask the daemon to end; callable from a signal handler."""
        self._control.stopping.set()
        self._worker.wake.set()
        self._wake.set()

    def run(self) -> int:
        """Work until asked to stop, or until the line is drained; return the exit code.

        Raises PlasmaError `daemon.held` when another one took the home meanwhile.
        """
        sys.setswitchinterval(SWITCH_SECONDS)
        worker = threading.Thread(target=self._worker.run, name="worker", daemon=True)
        self._watch.revive()
        self._look()
        worker.start()
        self._start("meter", self._meter.run)
        catching_up.tell_ends(self._board, self._line, self._is_known, self._announce)
        while not self._control.stopping.is_set():
            if not worker.is_alive():
                return self._without_worker()
            self._keep_hold()
            wait = self._round()
            self._note_ready()
            if self._options.drain and self._is_drained() and self._is_shown():
                self.stop()
            self._wake.wait(wait)
        self._watch.stop()
        worker.join(STOP_SECONDS)
        self._engine.part()
        if self._gallery:
            self._gallery.stop()
        stopped = {"state": "stopped", "why": "the daemon was stopped; jobs are kept"}
        self._write(self._bulletin().table(utc_now()) | stopped)
        log.info("stopped")
        return 1 if self._options.drain and self._inbox.failures else 0

    def _keep_hold(self) -> None:
        """Take the lock again when its file was taken away, if there is a home to look after."""
        if self._lock.is_ours() or not is_home(self._home.root):
            return
        if not self._lock.retake():
            self.stop()
            self._watch.stop()
            raise held(self._lock, self._home)
        log.warning("the lock of %s was taken away; it is held again", self._home.root)

    def _note_ready(self) -> None:
        """Say once that this start went well: the worker works, or rests."""
        if self._worker.is_up and not self._is_ready:
            self._is_ready = True
            self._starts.ready()

    def _without_worker(self) -> int:
        log.critical("the worker has died; see above")
        if not self._is_ready:
            self._starts.failed("the worker died, status/daemon.log tells of what")
        return os.EX_SOFTWARE

    def _start(self, name: str, run: Callable[[threading.Event], None]) -> None:
        threading.Thread(target=run, args=(self._control.stopping,), name=name, daemon=True).start()

    def _round(self) -> float:
        """Look after everything once; return how long nothing needs it."""
        self._wake.clear()
        self._watch_time()
        if self._is_lost():
            return LOST_SECONDS
        self._keep_running()
        self._watch.revive()
        due = self._look()
        self._wake_worker()
        self._around.try_folders()
        self._notice()
        self._sweep()
        waits = (due, self._tell(), self._tend_gallery(), self._rescan_seconds())
        return min(wait for wait in waits if wait is not None)

    def _rescan_seconds(self) -> float:
        rescan = self._config.intake.rescan_seconds
        return min(rescan, POLL_SECONDS) if self._watch.is_polling else rescan

    def _is_lost(self) -> bool:
        """Tell whether the home is not in its place; begin anew with what died when it is back."""
        place = self._around.place()
        if place is Place.LOST:
            self._notice()
        elif place is Place.BACK:
            self._watch.stop()
            self._worker.wake.set()
        return bool(self._around.lost)

    def _keep_running(self) -> None:
        """Make `running/` again when it was taken away: what was begun is found to be gone then."""
        running = self._home.running
        if not running.is_dir() and files.make_again(running):
            files.make_private(running)

    def _watch_time(self) -> None:
        """Begin anew with what may have died unheard while the machine slept."""
        if self._around.slept():
            self._watch.stop()
            self._worker.wake.set()

    def _notice(self) -> None:
        around = self._around
        trouble = around.lost or self._inbox.trouble or around.trouble()
        self._notices.flush(self._worker.holds, time.monotonic(), trouble)

    def _wake_worker(self) -> None:
        """Wake the worker when the line is another one than it last saw."""
        seen = (self._line.changes, self._inbox.is_paused)
        if seen != self._seen:
            self._seen = seen
            self._worker.wake.set()

    def _look(self) -> float | None:
        """Look at what events named, and now and then at everything, in case some were missed."""
        now = time.monotonic()
        news = self._watch.news()
        touched = None if now >= self._survey_at else news.touched
        due = self._inbox.look(Moment(now, utc_now(), news.moved_whole, touched))
        if touched is None:
            took = time.monotonic() - now
            self._survey_at = now + max(self._config.intake.rescan_seconds, took / SURVEY_SHARE)
        return due

    def _is_known(self, job: str) -> bool:
        """Tell whether a job arrives, waits or is begun, so that its status is kept up to date."""
        begun = any(each.id == job for each in self._control.begun())
        return begun or self._line.is_waiting(job) or self._inbox.is_arriving(job)

    def _is_drained(self) -> bool:
        with self._line.lock:  # a claim takes out of the line and begins in one step
            is_empty = not len(self._line) and self._line.is_settled
            inbox = self._inbox
            is_known = not (inbox.arriving or inbox.is_behind or inbox.trouble)
            return is_empty and is_known and self._worker.is_idle and self._control.running is None

    # What is looked at.

    def _tend_gallery(self) -> float | None:
        """Have the gallery brought up to date where it is due; return when to look again."""
        if self._gallery is None:
            return None
        running = self._control.running
        told = self._board.read(running.name) if running else {}
        return self._gallery.tend(time.monotonic(), shown_of(told))

    def _is_shown(self) -> bool:
        """Tell whether the gallery shows everything, or cannot."""
        return self._gallery is None or self._gallery.is_settled

    # What is told.

    def _hear_worker(self) -> None:
        """Hear that the worker is otherwise: at once, or when news may be told again.

        A round between two pages of a quick line would make the worker wait for it.
        """
        if self._options.drain or time.monotonic() - self._told_at >= TELL_SECONDS:
            self._wake.set()

    def _tell(self) -> float | None:
        """Tell of the line and of ourselves; return in how long to look for more news.

        After news there is always another look: what the worker said until then waits for it.
        """
        wait = self._told_at + TELL_SECONDS - time.monotonic()
        if wait > 0:
            return wait
        bulletin = self._bulletin()
        for status in bulletin.positions():
            with self._line.lock:
                if self._line.is_waiting(status.job):
                    self._board.show(status)
        return TELL_SECONDS if self._write(bulletin.table(utc_now())) else None

    def _write(self, table: dict[str, Any]) -> bool:
        """Write `daemon.toml` when it says something new, or its heartbeat is due; tell whether."""
        news = {key: value for key, value in table.items() if key not in _ALWAYS_NEW}
        is_late = time.monotonic() - self._told_at >= self._config.intake.rescan_seconds
        if news == self._told and not is_late:
            return False
        self._told, self._told_at = news, time.monotonic()
        self._board.daemon(table)
        return True

    def _bulletin(self) -> Bulletin:
        return Bulletin(
            pid=os.getpid(),
            version=__version__,
            started=self._started,
            is_sandbox=self._options.is_sandbox,
            first=self._line.first(SHOWN),
            length=len(self._line),
            arriving=self._inbox.arriving,
            running=self._control.running,
            is_paused=self._inbox.is_paused,
            holds=dict(self._worker.holds),
            ignored=self._inbox.ignored,
            engine=self._engine.seen(),
            memory=self._meter.read(with_holders=bool(self._worker.holds)),
            needs=self._needs.told(),
            trouble=self._inbox.trouble,
            is_polling=self._watch.is_polling,
            refused=self._around.refused,
            restart_due=_stamp(self._home.config) != self._config_stamp,
        )

    def _sweep(self) -> None:
        """Once a day, remove what is old enough."""
        now = time.monotonic()
        if now - self._swept < _SWEEP_SECONDS:
            return
        self._swept = now
        active = {waiting.name for waiting in self._line.waiting()}
        if running := self._control.running:
            active.add(running.name)
        retention.sweep(self._home, self._config.retention, frozenset(active), time.time())


def held(lock: Lock, home: Home) -> PlasmaError:
    """Return the error of a home that another daemon looks after."""
    return PlasmaError(
        Code.DAEMON_HELD,
        f"another daemon looks after {home.root} (pid {lock.holder()})",
        "Stop it first; two would do every job twice.",
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def check_layout(home: Home, config: Config) -> None:
    """Make the folders of a home, and refuse a layout that cannot keep the promises.

    Raises PlasmaError `config.layout`.
    """
    for folder in home.folders(config.paths):
        _make(folder)
    for folder in home.closed():
        files.make_private(folder)
    volumes = {folder.stat().st_dev for folder in (*home.spool(), home.status, home.private)}
    if len(volumes) > 1:
        raise PlasmaError(
            Code.CONFIG_LAYOUT,
            f"the folders of {home.root} lie on {len(volumes)} volumes",
            "inbox, running, done, failed, cancelled, status and .plasma must share one: "
            "jobs move between them by rename.",
        )
    output = home.at(config.paths.output).resolve()
    own = (*home.spool(), home.status, home.private)
    if any(output.is_relative_to(folder.resolve()) for folder in own):
        raise PlasmaError(
            Code.CONFIG_LAYOUT,
            f"the output folder {output} lies inside a folder that jobs move through",
            "Set paths.output to a folder beside them.",
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise PlasmaError(
            Code.CONFIG_LAYOUT,
            f"the folder {folder} cannot be made: {exc.strerror}",
            "Make it, or change [paths] in config.toml.",
        ) from exc
