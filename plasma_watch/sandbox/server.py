"""The process: it opens the port, says where, runs until it is ended, and ends with its parent."""

import asyncio
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from plasma_watch import __version__
from plasma_watch.sandbox.engine import ENGINE, Engine, build
from plasma_watch.sandbox.folders import Folders, clear_temp, prepare
from plasma_watch.sandbox.logbook import Logbook
from plasma_watch.sandbox.mischief.answers import misbehave
from plasma_watch.sandbox.origin import is_foreign
from plasma_watch.sandbox.routes import facts, faults, pictures, prompts
from plasma_watch.sandbox.settings import Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)
LOGGERS = ("plasma_watch.sandbox", "aiohttp.server")


def serve(settings: Settings) -> None:
    """Serve until the process is ended."""
    folders = Folders(settings.base.absolute())
    prepare(folders)
    if settings.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(settings))
    clear_temp(folders)


@web.middleware
async def on_the_way_out(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let every answer pass here; other people's web pages get none."""
    headers = request.headers
    if is_foreign(headers.get("Host"), headers.get("Origin")):
        return web.Response(status=403)
    if request.method == "OPTIONS":
        return web.Response()
    return await handler(request)


def application(engine: Engine, logbook: Logbook) -> web.Application:
    """Open the doors: all but the internal ones also below `/api`."""
    app = web.Application(
        client_max_size=facts.MOST_UPLOADED, middlewares=[on_the_way_out, misbehave]
    )
    app[ENGINE] = engine
    app[facts.LOGBOOK] = logbook
    for route in (*prompts.routes, *pictures.routes, *facts.routes, *facts.fixed()):
        if isinstance(route, web.RouteDef):
            below = web.RouteDef(route.method, f"/api{route.path}", route.handler, route.kwargs)
            app.add_routes([route, below])
    app.add_routes([*facts.internal, *faults.routes])
    # The engine looks here for the files of its editor, so GET never meets a 405.
    app.router.add_get("/{path:.*}", _nothing)
    return app


async def _serve(settings: Settings) -> None:
    logbook = _start_log()
    log.info("Plasma Watch %s, sandbox in the place of ComfyUI %s", __version__, facts.IMITATED)
    engine = build(settings)
    runner = web.AppRunner(application(engine, logbook), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as exc:
        raise SystemExit(f"cannot listen on {settings.host}:{settings.port}: {exc}") from exc
    engine.worker.start()
    port = runner.addresses[0][1]
    print(json.dumps({"url": f"http://{settings.host}:{port}", "pid": os.getpid()}), flush=True)  # noqa: T201
    await engine.sockets.pump()


async def _nothing(_request: web.Request) -> web.Response:
    return web.Response(status=404, content_type="application/octet-stream")


def _start_log() -> Logbook:
    logbook = Logbook()
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.handlers = [logbook, logging.StreamHandler(sys.stderr)]
        logger.propagate = False
    threading.excepthook = _log_death
    return logbook


def _log_death(death: threading.ExceptHookArgs) -> None:
    """Say in the log that a thread died: the engine's goes there with all of standard error."""
    words = "".join(
        traceback.format_exception(death.exc_type, death.exc_value, death.exc_traceback)
    )
    name = death.thread.name if death.thread else "unknown"
    log.error("Exception in thread Thread-1 (prompt_%s):\n%s", name, words)


def _end_with_parent() -> None:
    """Wait for the end of standard input, which no kind of death can keep from coming."""
    # Not through sys.stdin: its lock would be held when the interpreter shuts down.
    while os.read(sys.stdin.fileno(), 1 << 16):
        pass
    os._exit(0)
