"""The parts of the engine, put together once for a process."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

from plasma_watch.sandbox.catalog import Catalog
from plasma_watch.sandbox.folders import Folders
from plasma_watch.sandbox.frames import told
from plasma_watch.sandbox.graph import Json
from plasma_watch.sandbox.interrupt import Interrupt
from plasma_watch.sandbox.mischief.script import Script
from plasma_watch.sandbox.settings import Settings
from plasma_watch.sandbox.sockets import Sockets
from plasma_watch.sandbox.surroundings import Stage, Surroundings
from plasma_watch.sandbox.tickets import Tickets
from plasma_watch.sandbox.worker import Worker


@dataclass(frozen=True, slots=True)
class Engine:
    """What the doors lead to."""

    catalog: Catalog
    sockets: Sockets
    tickets: Tickets
    interrupt: Interrupt
    stage: Stage
    worker: Worker
    script: Script

    @property
    def folders(self) -> Folders:
        """Give the places of files."""
        return self.catalog.folders


ENGINE = web.AppKey("engine", Engine)


def build(settings: Settings) -> Engine:
    """Put the parts together; it needs the event loop that will deliver the frames."""
    catalog = Catalog(Folders(Path(settings.base).absolute()))
    script = Script(settings.faults)
    sockets = Sockets(script)
    send = sockets.sender()
    interrupt, stage = Interrupt(), Stage()
    tickets = Tickets(lambda remaining: send(told("status", {"status": queue_info(remaining)})))
    around = Surroundings(
        catalog,
        interrupt,
        stage,
        send,
        sockets.wants_metadata,
        settings.seconds_per_step,
        settings.previews,
        script,
        partial(_forget, tickets, sockets.cutter()),
    )
    return Engine(catalog, sockets, tickets, interrupt, stage, Worker(tickets, around), script)


def _forget(tickets: Tickets, cut_all: Callable[[], None]) -> None:
    tickets.forget_all()
    cut_all()


def queue_info(remaining: int) -> Json:
    """Say how many tickets wait or run, as the engine says it."""
    return {"exec_info": {"queue_remaining": remaining}}
