"""What becomes of requests and of the answers to them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from plasma_watch.sandbox.engine import ENGINE, Engine
from plasma_watch.sandbox.graph import Graph
from plasma_watch.sandbox.tickets import Ticket

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OURS = "/internal/plasma/"
"""What lies below it is never disturbed: through it faults are given and taken back."""


@web.middleware
async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer late, not at all, or with something else, if it was told to."""
    script, path = request.app[ENGINE].script, request.path.removeprefix("/api")
    if path.startswith(OURS):
        return await handler(request)
    if fault := script.strikes("slow"):
        await asyncio.sleep(fault.number)
    if path.startswith("/history/") and (fault := script.strikes("slow-history")):
        await asyncio.sleep(fault.number)
    if script.strikes("refuse-503"):
        return web.Response(status=503)
    match request.method, path:
        case "POST", "/prompt":
            return await _prompt(request, handler)
        case "POST", "/interrupt":
            return await _interrupt(request, handler)
        case _:
            return await handler(request)


async def _prompt(request: web.Request, handler: Handler) -> web.StreamResponse:
    engine = request.app[ENGINE]
    if engine.script.strikes("drop-request"):
        return _dropped(request)
    if fault := engine.script.strikes("foreign-prompt"):
        _put_foreign(engine, int(fault.number))
    answer = await handler(request)
    if engine.script.strikes("drop-reply"):
        return _dropped(request)
    if engine.script.strikes("fail-500-queued"):
        return web.Response(status=500, text="Server got itself in trouble")
    return _of_another(answer) if engine.script.strikes("wrong-ids") else answer


async def _interrupt(request: web.Request, handler: Handler) -> web.StreamResponse:
    script = request.app[ENGINE].script
    if script.strikes("lost-interrupt"):
        return web.Response()
    if fault := script.strikes("late-interrupt"):
        await asyncio.sleep(fault.number)
    return await handler(request)


def _dropped(request: web.Request) -> web.StreamResponse:
    """Cut the connection; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _of_another(answer: web.StreamResponse) -> web.StreamResponse:
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
        return answer
    return web.json_response(json.loads(answer.body) | {"prompt_id": str(uuid.uuid4())})


def _put_foreign(engine: Engine, steps: int) -> None:
    """Put somebody else's prompt into the queue."""
    number, prompt = engine.tickets.next_number(), str(uuid.uuid4())
    engine.tickets.put(Ticket(number, prompt, _foreign(steps), {}, ("6",)))


def _foreign(steps: int) -> Graph:
    sampler = {"seed": 0, "steps": steps, "cfg": 7.0, "sampler_name": "euler"}
    links = {
        "model": ["1", 0],
        "positive": ["3", 0],
        "negative": ["3", 0],
        "latent_image": ["2", 0],
    }
    inputs = {
        "CheckpointLoaderSimple": {"ckpt_name": "anything-v5-PrtRE.safetensors"},
        "EmptyLatentImage": {"width": 64, "height": 64, "batch_size": 1},
        "CLIPTextEncode": {"text": "somebody else's", "clip": ["1", 1]},
        "KSampler": {**sampler, "scheduler": "normal", "denoise": 1.0, **links},
        "VAEDecode": {"samples": ["4", 0], "vae": ["1", 2]},
        "SaveImage": {"filename_prefix": "foreign/picture", "images": ["5", 0]},
    }
    nodes = enumerate(inputs.items(), 1)
    return {str(n): {"class_type": name, "inputs": given} for n, (name, given) in nodes}
