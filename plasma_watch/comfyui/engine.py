"""The ComfyUI that this home works with: where it is, whether it is fit, what it holds.

With `manage = true` it is a process of our own, which a call for it starts; `server` knows how.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from plasma_watch.comfyui.catalog import Catalog
from plasma_watch.comfyui.client import Client, nobody_listens
from plasma_watch.comfyui.facts import Facts, check_fit
from plasma_watch.comfyui.follow import Listener
from plasma_watch.comfyui.server import Server
from plasma_watch.config import Comfyui, is_loopback
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system import platform, processes
from plasma_watch.words import without_userinfo

AUTO_URLS = ("http://127.0.0.1:8188", "http://127.0.0.1:8000")
"""ComfyUI's own port, and that of ComfyUI Desktop."""
FRESH_SECONDS = 2.0
"""How long what the engine said of itself counts before it is asked again."""
_PART_SECONDS = 0.5
"""How long a stop waits for its answer: one that is slower works, as far as we know."""
FREE_PAUSE_SECONDS = 1.5
"""A wish to free memory can get lost right behind a prompt, so it is said twice."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is told of the engine in `status/daemon.toml`."""

    url: str
    facts: Facts | None
    reachable_since: datetime | None
    deaf_sockets: int
    pid: int | None = None
    """The process, if it is ours."""


class Engine:
    """Finds the engine and remembers it. Its state: the client in use, what the engine holds."""

    def __init__(
        self,
        config: Comfyui,
        server: Server | None = None,
        fresh_seconds: float = FRESH_SECONDS,
        client_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._server = server
        self._fresh_seconds = fresh_seconds
        self._client_id = client_id
        """Returns the name of a new socket. A name is used once: where two sockets had one, the end
        of the older would make the engine forget the newer."""
        self._urls = AUTO_URLS if config.url == "auto" else (config.url,)
        if server:
            self._urls = (server.url,)
        device = config.required_device
        self._required_device = platform.DEFAULT_DEVICE if device == "auto" else device
        self._client: Client | None = None
        self._facts: Facts | None = None
        self._since: datetime | None = None
        self._deaf = 0
        self._hanging = ""
        """The prompt that it hangs in, when it did not heed an interrupt."""
        self._asked_at = float("-inf")
        self._listener: Listener | None = None
        self.catalog: Catalog | None = None
        """What it says of its node classes, while it is known."""
        self._process: int | None = None
        self.checkpoint = ""
        """The checkpoint that the engine holds in memory, as far as we know."""

    def ready(self, now: datetime) -> tuple[Client, Facts]:
        """Return a client for an engine that answers and is fit.

        What it said of itself a moment ago counts; one that died since is found out by what it is
        asked next. Raises PlasmaError with an `engine.*` code that says what to wait for.
        """
        if self._server:
            self._server.raise_up()
        if self._client and self._facts and time.monotonic() - self._asked_at < self._fresh_seconds:
            check_fit(self._facts, self._required_device)
            return self._client, self._facts
        try:
            client, facts = self._answering()
        except PlasmaError as exc:
            self.forget()
            if self._server and exc.code is Code.ENGINE_UNREACHABLE:
                raise self._server.silent() from exc
            raise
        if self._server:
            self._server.answered()
        self._since = self._since or now
        self._facts, self._asked_at = facts, time.monotonic()
        self.catalog = self.catalog or Catalog(client.object_info)
        check_fit(facts, self._required_device)
        return client, facts

    def listener(self) -> Listener:
        """Return the socket for all prompts of a line; a new one would cost each page its opening.

        Raises nothing: where it cannot be opened, queue and history tell all the same.
        """
        if self._listener is None:
            url = self._client.url if self._client else self._urls[0]
            self._listener = Listener(url, self._client_id())
        self._listener.connect()
        return self._listener

    def rest(self) -> None:
        """Close the socket: a client that does not read would hold up all others of the engine."""
        if self._listener:
            self._listener.close()
        self._listener = None

    # An engine of our own.

    def wants_renewal(self) -> bool:
        """Tell whether an engine of our own is to be started anew when it is idle."""
        return bool(self._server and self._server.wants_renewal())

    def renew(self, client: Client) -> None:
        """Between two prompts, end an engine of our own that has grown too large.

        Raises PlasmaError `engine.starting` then: the next call starts it anew.
        """
        why = self._server.wants_renewal() if self._server else ""
        if not self._server or not why or _is_busy(client):
            return
        self._server.end(why)
        self.forget()
        raise PlasmaError(
            Code.ENGINE_STARTING,
            f"ComfyUI is started anew: {why}",
            "Nothing; the job goes on when it answers.",
        )

    def look_after(self, news: object) -> None:
        """Hear what is heard while a prompt is followed: an engine of ours that died is started."""
        if not self._server:
            return
        if isinstance(news, PlasmaError) and news.code is Code.ENGINE_UNREACHABLE:
            if self._server.pid is None:
                self.forget()
            with contextlib.suppress(PlasmaError):  # the status says what was heard itself
                self._server.raise_up()
                self._server.silent()

    def make_room(self, pause: Callable[[float], None]) -> bool:
        """Leave the machine to a training: an engine of ours ends, another's models are unloaded.

        Returns whether another's was asked, which takes it a moment. Raises PlasmaError
        `engine.busy` while it works for somebody.
        """
        client = self.reached()
        if client and _is_busy(client):
            said = "ComfyUI still works; a training starts when it has nothing to do"
            raise PlasmaError(Code.ENGINE_BUSY, said, "Nothing; its turn comes.")
        if self._server:
            self._server.end("a training needs the memory")
        elif client:
            with contextlib.suppress(PlasmaError):
                client.free()
                pause(FREE_PAUSE_SECONDS)
                client.free()
        self.forget()
        return client is not None and self._server is None

    def reached(self) -> Client | None:
        """Return a client if an engine answers; none is started for that."""
        with contextlib.suppress(PlasmaError):
            return self._answering()[0]
        return None

    def part(self) -> None:
        """Hear that the daemon ends: an engine of ours ends too, unless it works."""
        if not self._server:
            return
        client = Client(self._server.url, _PART_SECONDS, _PART_SECONDS)
        try:
            is_busy = _is_busy(client)
        except PlasmaError as exc:
            is_busy = not nobody_listens(exc)  # one that only starts does not listen yet
        finally:
            client.close()
        self._server.part(is_busy=is_busy)

    # Looking.

    def _answering(self) -> tuple[Client, Facts]:
        if self._client:
            return self._client, self._client.system_stats()
        errors: list[PlasmaError] = []
        for url in self._urls:
            client = Client(url)
            try:
                facts = client.system_stats()
            except PlasmaError as exc:
                client.close()
                errors.append(exc)
            else:
                self._client = client
                return client, facts
        raise errors[0] if len(errors) == 1 else self._nowhere()

    def _nowhere(self) -> PlasmaError:
        return PlasmaError(
            Code.ENGINE_UNREACHABLE,
            f"ComfyUI does not answer at {without_userinfo(' or '.join(self._urls))}",
            "Start ComfyUI, or set comfyui.url; the job waits.",
        )

    def forget(self) -> None:
        """Take it that the engine is gone: nothing it held counts any more."""
        self.rest()
        if self._client:
            self._client.close()
        self._client = self._facts = self._since = self._process = self.catalog = None
        self.checkpoint = ""

    def hangs_in(self, prompt: str) -> None:
        """Remember a prompt that cannot be stopped."""
        self._hanging = prompt

    def still_hangs(self) -> bool:
        """Tell whether the engine runs a prompt that could not be stopped."""
        if self._hanging and self._client and self._hanging not in self._client.queue().running:
            self._hanging = ""
        return bool(self._hanging)

    def restart(self) -> bool:
        """Restart an engine that is ours; tell whether it could be done."""
        if not self._server or not self._server.end("it hangs, or its worker has died"):
            return False
        self.forget()
        with contextlib.suppress(PlasmaError):  # the status says why it does not start
            self._server.raise_up()
        return True

    def process(self) -> int | None:
        """Return the process of the engine that answers, if it is of this machine and this user."""
        if self._server:
            return self._server.pid
        if self._process is None and self._client:
            self._process = _listener(self._client.url)
        return self._process

    def heard_nothing(self) -> None:
        """Count a socket that stayed open and told nothing of the end."""
        self._deaf += 1

    def seen(self) -> Seen:
        """Return what is told of the engine."""
        url = self._client.url if self._client else self._urls[0]
        pid = self._server.pid if self._server else None
        return Seen(without_userinfo(url), self._facts, self._since, self._deaf, pid)


def _listener(url: str) -> int | None:
    """Return the process that listens at an address of this machine."""
    where = urlsplit(url)
    if not is_loopback(where.hostname or ""):
        return None
    found = processes.listener(where.port or 80)
    return found.pid if found else None


def _is_busy(client: Client) -> bool:
    queue = client.queue()
    return bool(queue.running or queue.pending)
