"""The door through which tests give faults to a running sandbox; the real engine has none."""

from aiohttp import web

from plasma_watch.sandbox.engine import ENGINE
from plasma_watch.sandbox.mischief.script import parse

routes = web.RouteTableDef()
PATH = "/internal/plasma/faults"


@routes.get(PATH)
async def get_faults(request: web.Request) -> web.Response:
    """List the faults that are given, and how many occasions each has had."""
    return web.json_response(request.app[ENGINE].script.given())


@routes.post(PATH)
async def post_faults(request: web.Request) -> web.Response:
    """Give more faults: a JSON list of them, each as it is written on the command line."""
    try:
        faults = [parse(text) for text in await request.json()]
    except ValueError as exc:
        return web.json_response({"error": str(exc)}, status=400)
    request.app[ENGINE].script.add(faults)
    return web.Response()


@routes.delete(PATH)
async def delete_faults(request: web.Request) -> web.Response:
    """Give none any more."""
    request.app[ENGINE].script.clear()
    return web.Response()
