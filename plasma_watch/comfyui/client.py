"""ComfyUI over HTTP: one method a route, answers as values, library errors translated here.

It decides nothing. A lost or odd answer to `POST /prompt` proves nothing either way, so it has a
value of its own: `Unclear`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import certifi
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from plasma_watch.comfyui import facts
from plasma_watch.comfyui.address import credentials
from plasma_watch.comfyui.patience import LogLine
from plasma_watch.comfyui.protocol import Image, Queue, read_queue
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.words import without_userinfo

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
"""Its HTTP stays quick while it works (0.5 s at worst); longer silence means trouble."""
_NOT_FOUND = 404
_KEPT_CONNECTIONS = 4
MAX_PICTURE_BYTES = 256_000_000
_PIECE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """The prompt is in the engine's queue."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The engine will not run the graph, and says why: in words, and by node id."""

    message: str
    node_errors: Mapping[str, Any]
    was_queued: bool
    """A part of the graph was taken all the same (a 200 with node errors); remove it."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """No usable answer: the prompt may be queued or not. Ask the queue and the history."""

    why: str


Posted = Accepted | Refused | Unclear


class Client:
    """One ComfyUI at one address. Its state is a pool of kept connections."""

    def __init__(
        self,
        url: str,
        read_seconds: float = READ_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        self.url = url.rstrip("/")
        self.shown = without_userinfo(self.url)
        """The address as people are told it: whoever reads a log need not know the password."""
        # It reads no proxy from the environment, and asks once: what is asked again we decide.
        self._pool = urllib3.PoolManager(
            maxsize=_KEPT_CONNECTIONS,
            timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            retries=False,
            headers=credentials(self.url),
            ca_certs=certifi.where(),
        )

    def close(self) -> None:
        """Let go of the kept connections."""
        self._pool.clear()

    # What it knows.

    def system_stats(self) -> facts.Facts:
        """Return what the engine says about itself; raise what else seems to answer there."""
        try:
            answer = self._json("/system_stats")
        except PlasmaError as exc:
            if exc.code is Code.ENGINE_BAD_ANSWER:
                raise facts.not_comfyui(self.shown) from exc
            raise
        return facts.read_facts(answer, self.shown)

    def object_info(self, node_class: str) -> dict[str, Any]:
        """Return what the engine knows about a node class; an empty table for an unknown one."""
        answer = self._json(f"/object_info/{quote(node_class, safe='')}")
        info = answer.get(node_class) if isinstance(answer, dict) else None
        return info if isinstance(info, dict) else {}

    def raw_stats(self) -> dict[str, Any]:
        """Return `/system_stats` as it is."""
        answer = self._json("/system_stats")
        return answer if isinstance(answer, dict) else {}

    def models(self, folder: str) -> list[str]:
        """Return the names of the model files in a folder; none where it knows no such folder."""
        answer = self._get(f"/models/{quote(folder, safe='')}")
        if answer.status == _NOT_FOUND:
            return []
        found = self._decoded(answer, "/models")
        return [str(name) for name in found] if isinstance(found, list) else []

    def queue(self) -> Queue:
        """Return what runs and what waits."""
        try:
            return read_queue(self._json("/queue"))
        except ValueError as exc:
            raise self._odd("/queue") from exc

    def history(self, prompt: str) -> dict[str, Any] | None:
        """Return a prompt's history entry; None means unknown, pending, running or forgotten."""
        answer = self._json(f"/history/{prompt}")
        entry = answer.get(prompt) if isinstance(answer, dict) else None
        return entry if isinstance(entry, dict) else None

    def view(self, image: Image) -> bytes | None:
        """Return the bytes of a file that the engine wrote, or None when it is not there."""
        named = {"filename": image.filename, "subfolder": image.subfolder, "type": image.type}
        answer = self._send("GET", "/view", fields=named, preload_content=False)
        try:
            if answer.status in (400, 403, 404):
                return None
            return self._read(self._good(answer, "/view"))
        finally:
            answer.close()  # what is left of a bad answer must not be read as the next one
            answer.release_conn()

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        """Return the bytes of a picture, and of one that is far too large only a part."""
        content = bytearray()
        try:
            for piece in answer.stream(_PIECE_BYTES):
                content += piece
                if len(content) > MAX_PICTURE_BYTES:
                    break
        except HTTPError as exc:
            raise self._unreachable(exc) from exc
        return bytes(content)

    def log(self) -> list[LogLine]:
        """Return the engine's last log lines; none where this ComfyUI does not show them."""
        answer = self._get("/internal/logs/raw")
        entries = self._decoded(answer, "/internal/logs/raw") if _is_ok(answer) else {}
        match entries:
            case {"entries": list(lines)}:
                return [
                    LogLine(str(line.get("t")), str(line.get("m")))
                    for line in lines
                    if isinstance(line, dict)
                ]
            case _:
                return []

    # What it is asked to do.

    def post_prompt(
        self,
        graph: Mapping[str, Any],
        prompt: str,
        client_id: str,
        extra_data: Mapping[str, Any],
        output: str = "",
    ) -> Posted:
        """Ask for a graph under our prompt id, or for what leads to one of its outputs alone.

        Of several outputs the engine may run a part and call it good; asked for one it cannot.
        Raises PlasmaError `engine.unreachable` only when the request certainly never arrived.
        """
        body: dict[str, Any] = {
            "prompt": graph,
            "prompt_id": prompt,
            "client_id": client_id,
            "extra_data": extra_data,
        }
        body |= {"partial_execution_targets": [output]} if output else {}
        content = json.dumps(body).encode()  # not urllib3's: half a character would stop it
        try:
            answer = self._pool.request("POST", f"{self.url}/prompt", body=content)
        except (NewConnectionError, ConnectTimeoutError) as exc:  # nobody took the connection
            raise self._unreachable(exc) from exc
        except HTTPError as exc:
            return Unclear(type(exc).__name__)
        return _posted(answer.status, answer.data)

    def delete(self, prompt: str) -> None:
        """Take a pending prompt out of the queue; a running one is left alone."""
        self._post("/queue", {"delete": [prompt]})

    def interrupt(self, prompt: str) -> None:
        """Interrupt a prompt if it is the one that runs, and no other."""
        self._post("/interrupt", {"prompt_id": prompt})

    def free(self) -> None:
        """Ask the engine to unload its models and drop its cache; it does so when it is idle."""
        self._post("/free", {"unload_models": True, "free_memory": True})

    def upload(self, name: str, content: bytes) -> str:
        """Upload an input picture and return the name to load it by.

        The engine keeps what is there: same name and bytes are answered without a second copy.
        """
        form = {"image": (name, content, "image/png"), "subfolder": "plasma", "type": "input"}
        answer = self._send("POST", "/upload/image", fields=form)
        match self._decoded(answer, "/upload/image"):
            case {"name": str(given), "subfolder": str(subfolder)}:
                return f"{subfolder}/{given}" if subfolder else given
            case _:
                raise self._odd("/upload/image")

    # How it is carried.

    def _json(self, route: str) -> Any:  # noqa: ANN401 - whatever the engine says
        return self._decoded(self._get(route), route)

    def _decoded(self, answer: urllib3.BaseHTTPResponse, route: str) -> Any:  # noqa: ANN401 - the same
        try:
            return json.loads(self._good(answer, route).data)
        except (ValueError, RecursionError) as exc:
            raise self._odd(route) from exc

    def _get(self, route: str) -> urllib3.BaseHTTPResponse:
        return self._send("GET", route)

    def _post(self, route: str, body: Mapping[str, Any]) -> None:
        self._good(self._send("POST", route, json=body), route)

    def _send(self, method: str, route: str, **content: Any) -> urllib3.BaseHTTPResponse:  # noqa: ANN401 - urllib3's own
        try:
            return self._pool.request(method, f"{self.url}{route}", **content)
        except HTTPError as exc:
            raise self._unreachable(exc) from exc

    def _good(self, answer: urllib3.BaseHTTPResponse, route: str) -> urllib3.BaseHTTPResponse:
        if answer.status in (502, 503, 504):
            raise self._unreachable(f"{route} answered {answer.status}")
        if not _is_ok(answer):
            raise self._odd(f"{route} ({answer.status})")
        return answer

    def _unreachable(self, why: object) -> PlasmaError:
        said = type(why).__name__ if isinstance(why, Exception) else str(why)
        return PlasmaError(
            Code.ENGINE_UNREACHABLE,
            f"ComfyUI does not answer at {self.shown} ({said})",
            "Start ComfyUI, or set comfyui.url; the job waits.",
        )

    def _odd(self, route: str) -> PlasmaError:
        return PlasmaError(
            Code.ENGINE_BAD_ANSWER,
            f"ComfyUI at {self.shown} gave an answer that makes no sense to {route}",
            "Its log may say more.",
        )


def nobody_listens(error: PlasmaError) -> bool:
    """Tell whether a client's error means that its connection was refused: nobody can be late."""
    why = error.__cause__
    return isinstance(why, NewConnectionError) and isinstance(why.__cause__, ConnectionRefusedError)


def _is_ok(answer: urllib3.BaseHTTPResponse) -> bool:
    return answer.status in range(200, 300)


def _words(error: Mapping[str, Any]) -> str:
    words = (str(error.get(key) or "").strip() for key in ("message", "details"))
    return " ".join(word for word in words if word)


def _posted(status: int, content: bytes) -> Posted:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    match status, answer:
        case 200, {"node_errors": dict(errors)} if errors:
            return Refused("parts of the graph are not valid", errors, was_queued=True)
        case 200, {"prompt_id": str()}:
            return Accepted()
        case 400, {"error": dict(error), "node_errors": dict(errors)}:
            return Refused(_words(error), errors, was_queued=False)
        case 400, {"error": dict(error)}:
            return Refused(_words(error), {}, was_queued=False)
        case 413, _:
            return Refused("the request is larger than ComfyUI takes", {}, was_queued=False)
        case _:
            return Unclear(f"POST /prompt answered {status}")
