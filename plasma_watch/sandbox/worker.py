"""The thread that runs tickets one by one.

Nothing in its loop is caught, as in the engine: what escapes a ticket ends the thread, and the
server goes on answering without ever running anything again.
"""

import logging
import threading
import time

from plasma_watch.sandbox.cache import Kept
from plasma_watch.sandbox.executor import Run
from plasma_watch.sandbox.frames import told
from plasma_watch.sandbox.mischief import running as mischief
from plasma_watch.sandbox.surroundings import Surroundings
from plasma_watch.sandbox.tickets import Ticket, Tickets

log = logging.getLogger(__name__)


class Worker(threading.Thread):
    """Runs what waits, and between two tickets does what was asked for."""

    def __init__(self, tickets: Tickets, around: Surroundings) -> None:
        super().__init__(name="worker", daemon=True)
        self._tickets = tickets
        self._around = around
        self._kept = Kept()

    def run(self) -> None:
        """Work for as long as the process lives."""
        while True:
            ticket = self._tickets.take()
            if ticket:
                mischief.on_ticket(self._around.script, self._tickets)
                self._work(ticket)
            if self._tickets.take_wishes().get("free_memory"):
                self._kept = Kept()

    def _work(self, ticket: Ticket) -> None:
        began = time.perf_counter()
        run = Run(ticket, self._around, self._kept)
        self._tickets.file(run.to_end())
        client = self._around.stage.client
        if client is not None:
            end = {"node": None, "prompt_id": ticket.prompt_id}
            self._around.send(told("executing", end, client))
        log.info("Prompt executed in %.2f seconds", time.perf_counter() - began)
