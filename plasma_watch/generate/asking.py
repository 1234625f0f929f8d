"""Gets one picture out of the engine: asks for it, follows it, judges how it ended.

Before the engine is asked, the attempt stands in the journal, and its prompt id follows from it. So
after a crash the first question is always whether an attempt of ours is still out there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from plasma_watch.comfyui.client import Accepted, Client, Refused, Unclear
from plasma_watch.comfyui.follow import Listener, Tell, follow
from plasma_watch.comfyui.protocol import (
    Conversation,
    Hung,
    Image,
    Interrupted,
    Lost,
    NodeFailed,
    Succeeded,
    Verdict,
)
from plasma_watch.control import CancelAsked, Control
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.order import prefix
from plasma_watch.generate.piece import Piece
from plasma_watch.generate.template import Template
from plasma_watch.job import Job, Picture, prompt_id
from plasma_watch.outputs import picture as pictures

log = logging.getLogger(__name__)

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "Invalid buffer size")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine made: the files' bytes, and the graph as executed."""

    contents: tuple[bytes, ...]
    graph: dict[str, Any]


def rejoin(piece: Piece, tell: Tell, *, was_taken: bool = False) -> Answer | None:
    """Return what an earlier attempt made, if the engine still knows of it or kept its file.

    One that `was_taken` a moment ago is followed without a question.
    """
    if not piece.picture.attempt:
        return None
    if not was_taken and (attempt := _held_by_queue(piece)):
        piece.keep(replace(piece.picture, attempt=attempt, is_over=False))
    if piece.picture.is_over:
        return None
    if not was_taken:
        log.info("%s: ComfyUI is asked for attempt %d", piece.job.id, piece.picture.attempt)
    verdict = _followed(piece, tell, was_taken=was_taken)
    if not isinstance(verdict, Lost):
        return _answer(piece, verdict)
    salvaged = _salvaged(piece)
    if salvaged is None:  # so that no other job lets it pass
        piece.keep(replace(piece.picture, is_over=True))
    return salvaged


def _held_by_queue(piece: Piece) -> int:
    """Return the attempt that the engine's queue holds, or 0.

    Of several one is left: what runs, else the newest; never two of ours.
    """
    queue = piece.bench.client.queue()
    newest_first = range(piece.picture.asked, 0, -1)
    held = [attempt for attempt in newest_first if piece.prompt_of(attempt) in queue]
    kept = next((a for a in held if piece.prompt_of(a) in queue.running), max(held, default=0))
    for attempt in held:
        if attempt != kept:
            piece.bench.client.delete(piece.prompt_of(attempt))
    return kept


def withdraw(client: Client, job: Job) -> None:
    """Take a job out of the engine that ends while an attempt of it may be out there."""
    for picture in job.pictures:
        if picture.attempt and not (picture.is_over or picture.is_whole):
            prompt = prompt_id(job, picture.number, picture.attempt)
            client.delete(prompt)
            client.interrupt(prompt)


def ask(piece: Piece, tell: Tell) -> Answer:
    """Ask the engine under a new attempt's id, and return what it made.

    Raises PlasmaError whose fate says what becomes of the job, Stopping, or CancelAsked.
    """
    verdict = _followed(piece, tell, was_taken=send(piece), is_new=True)
    if isinstance(verdict, Lost) and (salvaged := _salvaged(piece)):
        return salvaged
    return _answer(piece, verdict)


def send(piece: Piece) -> bool:
    """Send a new attempt, which stands in the journal first; tell whether the engine took it.

    The socket is open before. When it is not clear whether the prompt arrived, its id tells.
    """
    piece.keep(next_attempt(piece.picture), durable=True)
    return post(piece)


def next_attempt(picture: Picture) -> Picture:
    """Return a picture with a new attempt."""
    asked = picture.asked + 1
    return replace(picture, asked=asked, attempt=asked, is_over=False, images=0)


def _followed(
    piece: Piece, tell: Tell, *, was_taken: bool = False, is_new: bool = False
) -> Verdict:
    """Follow the present attempt to its verdict; the end of a new one must be heard."""
    listener = piece.bench.listener()
    conversation = Conversation(piece.prompt)
    if was_taken:
        conversation.was_accepted(time.monotonic())
    verdict = follow(
        piece.bench.client,
        listener,
        conversation,
        piece.bench.control,
        tell,
        patience=piece.bench.patience(time.monotonic()),
        rescue=piece.bench.rescue,
    )
    if is_new and verdict != Lost() and _is_deaf(listener, conversation, piece.bench.control):
        piece.bench.deaf()
        listener.close()
    return verdict


def _is_deaf(listener: Listener, conversation: Conversation, control: Control) -> bool:
    """Tell whether an open socket told nothing of the end, also not in what is still unread."""
    while not conversation.end_was_heard and (frame := listener.frame(control)):
        conversation.hear(frame)
    return listener.is_open and not conversation.end_was_heard


def post(piece: Piece) -> bool:
    """Send the attempt that stands in the journal; tell whether the engine said that it has it."""
    client_id = piece.bench.listener().client_id
    with piece.bench.tripwire.step(piece.job.id, "fill"):
        graph = piece.order.graph(piece.job, piece.picture)
    extra = {"extra_pnginfo": {pictures.TEXT_KEY: piece.carried(graph)}, "plasma_job": piece.job.id}
    output = piece.order.template.map.output
    match posted := piece.bench.client.post_prompt(graph, piece.prompt, client_id, extra, output):
        case Accepted():
            log.info("%s: ComfyUI took attempt %d", piece.job.id, piece.picture.attempt)
            return True
        case Unclear():
            log.warning("%s: %s; queue and history are asked", piece.job.id, posted.why)
            return False
        case Refused():
            if posted.was_queued:
                piece.bench.client.delete(piece.prompt)
                piece.bench.client.interrupt(piece.prompt)
            raise _refusal(posted, piece.order.template)


# How it ended.


def _answer(piece: Piece, verdict: Verdict) -> Answer:
    match verdict:
        case Succeeded():
            return Answer(tuple(_fetched(piece, verdict)), dict(verdict.graph))
        case NodeFailed():
            raise _node_error(verdict, piece.order.template)
        case Interrupted() | Lost() | Hung() if piece.bench.control.is_cancelled():
            raise CancelAsked
        case Hung():
            raise _hang(piece, verdict)
        case Interrupted():
            raise PlasmaError(
                Code.ENGINE_INTERRUPTED,
                "the job was interrupted in ComfyUI by somebody else",
                "To cancel it for good, use `plasma-watch cancel`.",
            )
        case Lost():
            raise PlasmaError(
                Code.ENGINE_LOST_JOB,
                "ComfyUI no longer knows the job: it was restarted, or its queue was cleared",
                "Look at ComfyUI's log for why it ended.",
            )


def _hang(piece: Piece, verdict: Hung) -> PlasmaError:
    if verdict.has_stopped:
        return PlasmaError(
            Code.ENGINE_STALLED,
            "ComfyUI made no progress for too long and was interrupted",
            "comfyui.hang_seconds in config.toml says how long is too long.",
        )
    piece.bench.hung(piece.prompt)
    return PlasmaError(
        Code.ENGINE_HUNG,
        "ComfyUI makes no progress and does not heed an interrupt",
        "Restart ComfyUI; its log may say why. Then `plasma-watch retry` makes the page.",
    )


def _fetched(piece: Piece, verdict: Succeeded) -> Iterator[bytes]:
    images = verdict.images.get(piece.order.template.map.output, ())
    if not images:
        raise _no_output("reported success without a picture")
    for image in images:
        content = piece.bench.client.view(image)
        if content is None:
            raise _no_output(f"reported {image.filename}, which is not there")
        yield content


def _salvaged(piece: Piece) -> Answer | None:
    """Return the attempt's file from the engine's output, if it lies there whole.

    An engine that was killed has forgotten the prompt, but may have written its picture.
    """
    folder, _, name = prefix(piece.job, piece.picture).rpartition("/")
    content = piece.bench.client.view(Image(f"{name}_00001_.png", folder, "output"))
    if content is None:
        return None
    try:
        pictures.examine(content, piece.order.size())
    except PlasmaError:
        return None
    return Answer((content,), piece.order.graph(piece.job, piece.picture))


def _no_output(what: str) -> PlasmaError:
    return PlasmaError(
        Code.ENGINE_NO_OUTPUT,
        f"ComfyUI {what}",
        "Something cleared its output folder, or answered from its cache.",
    )


def _refusal(refused: Refused, template: Template) -> PlasmaError:
    reasons = "; ".join(_node_reasons(refused, template)) or refused.message
    return PlasmaError(
        Code.ENGINE_REFUSED,
        f"ComfyUI refused the graph: {reasons}",
        "The workflow may want a newer ComfyUI; open it in ComfyUI's editor to see.",
    )


def _node_reasons(refused: Refused, template: Template) -> Iterator[str]:
    for node, found in refused.node_errors.items():
        errors = found.get("errors") if isinstance(found, dict) else None
        for error in errors if isinstance(errors, list) else ():
            if isinstance(error, dict):
                said = f"{error.get('message', '')} {error.get('details', '')}".strip()
                about = error.get("extra_info")
                name = str(about.get("input_name") or "") if isinstance(about, dict) else ""
                setter = _set_by(template.keys_of(node, name)) if name else ""
                yield f"'{template.title(node)}': {said or 'no reason given'}{setter}"


def _set_by(keys: list[str]) -> str:
    return f" (from the request: {', '.join(dict.fromkeys(keys))})" if keys else ""


def _node_error(failed: NodeFailed, template: Template) -> PlasmaError:
    title = template.title(failed.node) if failed.node in template.graph else failed.node_type
    said = f"ComfyUI failed in '{title}': {failed.exception}: {failed.message}"
    said += _set_by(template.keys_of(failed.node))
    if any(text in failed.message for text in _OUT_OF_MEMORY):
        hint = "Close other programs, or make a smaller picture."
        return PlasmaError(Code.ENGINE_OUT_OF_MEMORY, said, hint)
    return PlasmaError(Code.ENGINE_NODE_ERROR, said, "ComfyUI's log holds the whole trace.")
