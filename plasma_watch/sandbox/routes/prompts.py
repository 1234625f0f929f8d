"""Sending graphs, and what becomes of them: prompt, queue, history, interrupt, free, frames.

A body that makes no sense is not refused with words: the engine stumbles over it, and aiohttp
answers 500. So it is here, which is why nothing below checks what it was sent.
"""

import json
import logging
import uuid
from typing import Any

import aiohttp
from aiohttp import web

from plasma_watch.sandbox import reasons
from plasma_watch.sandbox.engine import ENGINE, Engine, queue_info
from plasma_watch.sandbox.frames import told
from plasma_watch.sandbox.graph import Json, said
from plasma_watch.sandbox.routes.facts import FEATURES
from plasma_watch.sandbox.tickets import Ticket
from plasma_watch.sandbox.validate import Verdict, validate

log = logging.getLogger(__name__)
routes = web.RouteTableDef()


@routes.get("/prompt")
async def get_prompt(request: web.Request) -> web.Response:
    """Tell how much there is to do."""
    return web.json_response(queue_info(request.app[ENGINE].tickets.remaining()))


@routes.post("/prompt")
async def post_prompt(request: web.Request) -> web.Response:
    """Take a graph, if any output of it may run."""
    engine = request.app[ENGINE]
    body = await request.json()
    log.info("got prompt")
    number = _number(engine, body)
    if "prompt" not in body:
        told_why = reasons.refusal("no_prompt", "No prompt provided", "No prompt provided")
        return _refused(told_why, {})
    prompt_id = str(body.get("prompt_id", uuid.uuid4()))
    verdict = _judged(engine, body)
    extra = _extra_data(body)
    if verdict.error:
        log.warning("invalid prompt: %s", verdict.error)
        return _refused(verdict.error, verdict.node_errors)
    engine.tickets.put(Ticket(number, prompt_id, verdict.graph, extra, verdict.outputs))
    answer = {"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors}
    return web.json_response(answer)


@routes.get("/queue")
async def get_queue(request: web.Request) -> web.Response:
    """Show what runs and what waits."""
    return web.json_response(request.app[ENGINE].tickets.queue())


@routes.post("/queue")
async def post_queue(request: web.Request) -> web.Response:
    """Throw away some or all of what waits."""
    tickets = request.app[ENGINE].tickets
    body = await request.json()
    if said(body, "clear"):
        tickets.clear()
    for prompt_id in said(body, "delete", ()):
        tickets.delete(prompt_id)
    return web.Response()


@routes.get("/history")
async def get_history(request: web.Request) -> web.Response:
    """Show what is done."""
    asked = request.query
    max_items = int(asked["max_items"]) if "max_items" in asked else None
    offset = int(asked.get("offset", -1))
    return web.json_response(request.app[ENGINE].tickets.history(max_items, offset))


@routes.get("/history/{prompt_id}")
async def get_history_entry(request: web.Request) -> web.Response:
    """Show one that is done, or nothing."""
    return web.json_response(request.app[ENGINE].tickets.entry(request.match_info["prompt_id"]))


@routes.post("/history")
async def post_history(request: web.Request) -> web.Response:
    """Forget some or all of what is done."""
    tickets = request.app[ENGINE].tickets
    body = await request.json()
    if said(body, "clear"):
        tickets.clear_history()
    for prompt_id in said(body, "delete", ()):
        tickets.forget(prompt_id)
    return web.Response()


@routes.post("/interrupt")
async def post_interrupt(request: web.Request) -> web.Response:
    """Stop what runs; with an id only if it is the one that runs."""
    engine = request.app[ENGINE]
    prompt_id = (await _body_or_nothing(request)).get("prompt_id")
    if not prompt_id or engine.tickets.is_running(prompt_id):
        log.info("Interrupting prompt %s", prompt_id or "(whichever runs)")
        engine.interrupt.ask()
    return web.Response()


@routes.post("/free")
async def post_free(request: web.Request) -> web.Response:
    """Leave word that memory is to be freed."""
    tickets = request.app[ENGINE].tickets
    body = await request.json()
    for wish in ("unload_models", "free_memory"):
        if body.get(wish, False):
            tickets.wish(wish, body[wish])
    return web.Response()


@routes.get("/ws")
async def get_socket(request: web.Request) -> web.WebSocketResponse:
    """Send frames for as long as the client stays."""
    engine = request.app[ENGINE]
    client = request.query.get("clientId") or uuid.uuid4().hex
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    engine.sockets.attach(client, socket)
    try:
        await _greet(engine, client)
        await _listen(engine, client, socket)
    finally:
        engine.sockets.detach(client)
    return socket


def _number(engine: Engine, body: Any) -> float:  # noqa: ANN401 - whatever the client sent
    if "number" in body:
        return float(body["number"])
    return engine.tickets.next_number(front=bool(said(body, "front")))


def _judged(engine: Engine, body: Json) -> Verdict:
    targets = body.get("partial_execution_targets")
    return validate(body["prompt"], engine.catalog, engine.folders.has_picture, targets)


def _extra_data(body: Json) -> Any:  # noqa: ANN401 - whatever the client sent
    extra = body.get("extra_data", {})
    if "client_id" in body:
        extra["client_id"] = body["client_id"]
    return extra


def _refused(error: Json, node_errors: Json) -> web.Response:
    return web.json_response({"error": error, "node_errors": node_errors}, status=400)


async def _body_or_nothing(request: web.Request) -> Json:
    try:
        body: Json = await request.json()
    except json.JSONDecodeError:
        return {}
    return body


async def _greet(engine: Engine, client: str) -> None:
    status = {"status": queue_info(engine.tickets.remaining()), "sid": client}
    await engine.sockets.deliver(told("status", status, client))
    if engine.stage.client == client and engine.stage.node is not None:
        await engine.sockets.deliver(told("executing", {"node": engine.stage.node}, client))


async def _listen(engine: Engine, client: str, socket: web.WebSocketResponse) -> None:
    """Listen until the client goes; only its first sensible message may say what it understands."""
    first = True
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.TEXT or not first:
            continue
        wish = _object_or_nothing(message.data)
        if wish is None:
            continue
        first = False
        if wish.get("type") == "feature_flags":
            engine.sockets.note_features(client, wish.get("data", {}))
            await engine.sockets.deliver(told("feature_flags", FEATURES, client))


def _object_or_nothing(text: str) -> Json | None:
    try:
        sent = json.loads(text)
    except json.JSONDecodeError:
        return None
    return sent if isinstance(sent, dict) else None
