"""What the engine says of itself: nodes, models, machine, features, log."""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import Any

import psutil
from aiohttp import web

from plasma_watch.sandbox.engine import ENGINE
from plasma_watch.sandbox.folders import SHELVES
from plasma_watch.sandbox.graph import Json
from plasma_watch.sandbox.logbook import Logbook

IMITATED = "0.3.64"
FRONTEND, TEMPLATES = "1.27.10", "0.1.95"
"""The versions that ComfyUI 0.3.64 asks for."""
ARGUMENTS = ("plasma-watch-sandbox", "--force-fp16", "--fp32-vae")
"""How a client knows that it talks to a sandbox: by the first of these."""
MOST_UPLOADED = 100 * 1024 * 1024
FEATURES: Json = {"supports_preview_metadata": True, "max_upload_size": MOST_UPLOADED}
TERMINAL = {"cols": 80, "rows": 24}
NOT_SHOWN = ("configs", "custom_nodes")
HOME = "<!doctype html><title>Plasma Watch sandbox</title><p>This is a sandbox, not ComfyUI."

FIXED: dict[str, object] = {
    "/features": FEATURES,
    "/extensions": [],
    "/i18n": {},
    "/settings": {},
    "/users": {"storage": "server", "migrated": True},
    "/workflow_templates": {},
}
"""Answers that never change; most only an editor in a browser asks for."""

LOGBOOK = web.AppKey("logbook", Logbook)
routes = web.RouteTableDef()
internal = web.RouteTableDef()


def fixed() -> web.RouteTableDef:
    """Give a door to each answer that never changes."""
    table = web.RouteTableDef()
    for path, answer in FIXED.items():
        table.get(path)(_always(answer))
    return table


@routes.get("/")
async def get_home(_request: web.Request) -> web.Response:
    """Tell a person with a browser where they are."""
    return web.Response(text=HOME, content_type="text/html")


@routes.get("/system_stats")
async def get_system_stats(_request: web.Request) -> web.Response:
    """Tell what this runs on, and with which arguments."""
    memory = psutil.virtual_memory()
    return web.json_response(system_stats(memory.total, memory.available))


@routes.get("/object_info")
async def get_object_info(request: web.Request) -> web.Response:
    """Show all nodes."""
    return web.json_response(request.app[ENGINE].catalog.faces())


@routes.get("/object_info/{node_class}")
async def get_node_info(request: web.Request) -> web.Response:
    """Show one node, or nothing."""
    catalog, name = request.app[ENGINE].catalog, request.match_info["node_class"]
    return web.json_response({name: catalog.face(name)} if name in catalog else {})


@routes.get("/models")
async def get_model_kinds(_request: web.Request) -> web.Response:
    """List the kinds of models."""
    return web.json_response(list(SHELVES))


@routes.get("/models/{folder}")
async def get_models(request: web.Request) -> web.Response:
    """List the models of a kind."""
    folder = request.match_info["folder"]
    if folder not in SHELVES:
        return web.Response(status=404)
    return web.json_response(request.app[ENGINE].folders.model_names(folder))


@routes.get("/experiment/models")
async def get_model_folders(request: web.Request) -> web.Response:
    """List the kinds of models with their folders."""
    places = _places(request)
    shown = [{"name": k, "folders": v} for k, v in places.items() if k not in NOT_SHOWN]
    return web.json_response(shown)


@routes.get("/embeddings")
async def get_embeddings(request: web.Request) -> web.Response:
    """List the embeddings without their suffixes."""
    names = request.app[ENGINE].folders.model_names("embeddings")
    return web.json_response([str(PurePosixPath(name).with_suffix("")) for name in names])


@internal.get("/internal/logs")
async def get_log(request: web.Request) -> web.Response:
    """Show the last lines of the log as one text."""
    lines = request.app[LOGBOOK].lines()
    return web.json_response("".join(f"{line['t']} - {line['m']}" for line in lines))


@internal.get("/internal/logs/raw")
async def get_log_lines(request: web.Request) -> web.Response:
    """Show the last lines of the log."""
    return web.json_response({"entries": request.app[LOGBOOK].lines(), "size": TERMINAL})


@internal.get("/internal/folder_paths")
async def get_folder_paths(request: web.Request) -> web.Response:
    """List the folders of every kind of model."""
    return web.json_response(_places(request))


@internal.get("/internal/files/{kind}")
async def get_files(request: web.Request) -> web.Response:
    """List the files directly in a folder, newest first."""
    folder = request.app[ENGINE].folders.by_type(request.match_info["kind"])
    if folder is None:
        return web.json_response({"error": "Invalid directory type"}, status=400)
    files = [file for file in folder.iterdir() if file.is_file()]
    newest_first = sorted(files, key=lambda file: -file.stat().st_mtime)
    return web.json_response([file.name for file in newest_first])


def system_stats(total_bytes: int, free_bytes: int) -> dict[str, Any]:
    """Describe engine and machine; the memory of the device is that of the machine."""
    return {
        "system": {
            "os": os.name,
            "ram_total": total_bytes,
            "ram_free": free_bytes,
            "comfyui_version": IMITATED,
            "required_frontend_version": FRONTEND,
            "installed_templates_version": TEMPLATES,
            "required_templates_version": TEMPLATES,
            "python_version": sys.version,
            "pytorch_version": "none (sandbox)",
            "embedded_python": False,
            "argv": list(ARGUMENTS),
        },
        "devices": [
            {
                "name": "sandbox",
                "type": "cpu",
                "index": None,
                "vram_total": total_bytes,
                "vram_free": free_bytes,
                "torch_vram_total": total_bytes,
                "torch_vram_free": free_bytes,
            }
        ],
    }


def _places(request: web.Request) -> dict[str, list[str]]:
    folders = request.app[ENGINE].folders
    return {shelf: [str(place) for place in folders.model_places(shelf)] for shelf in SHELVES}


def _always(answer: object) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.json_response(answer)

    return handle
