"""The ComfyUI that this home works with: where it is, whether it is fit, what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.facts import Facts, check_fit
from plasma_watch.config import Comfyui
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system import platform
from plasma_watch.words import without_userinfo

AUTO_URLS = ("http://127.0.0.1:8188", "http://127.0.0.1:8000")
"""ComfyUI's own port, and that of ComfyUI Desktop."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is told of the engine in `status/daemon.toml`."""

    url: str
    facts: Facts | None
    reachable_since: datetime | None
    deaf_sockets: int


class Engine:
    """Finds the engine and remembers it. Its state: the client in use, what the engine holds."""

    def __init__(self, config: Comfyui) -> None:
        self._urls = AUTO_URLS if config.url == "auto" else (config.url,)
        device = config.required_device
        self._required_device = platform.DEFAULT_DEVICE if device == "auto" else device
        self._client: Client | None = None
        self._facts: Facts | None = None
        self._since: datetime | None = None
        self._deaf = 0
        self._hanging = ""
        """The prompt that it hangs in, when it did not heed an interrupt."""
        self.checkpoint = ""
        """The checkpoint that the engine holds in memory, as far as we know."""

    def ready(self, now: datetime) -> tuple[Client, Facts]:
        """Return a client for an engine that answers and is fit.

        Raises PlasmaError with an `engine.*` code that says what to wait for.
        """
        try:
            client, facts = self._answering()
        except PlasmaError:
            self.forget()
            raise
        self._since = self._since or now
        self._facts = facts
        check_fit(facts, self._required_device)
        return client, facts

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
        if self._client:
            self._client.close()
        self._client = self._facts = self._since = None
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
        return False

    def heard_nothing(self) -> None:
        """Count a socket that stayed open and told nothing of the end."""
        self._deaf += 1

    def seen(self) -> Seen:
        """Return what is told of the engine."""
        url = self._client.url if self._client else self._urls[0]
        return Seen(without_userinfo(url), self._facts, self._since, self._deaf)
