"""Pictures in and out: upload, view, and what a model file says of itself."""

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from aiohttp import web
from PIL import Image

from plasma_watch.sandbox import naming, weights
from plasma_watch.sandbox.catalog import content_type
from plasma_watch.sandbox.engine import ENGINE
from plasma_watch.sandbox.faults import ReportedError
from plasma_watch.sandbox.folders import Folders

if TYPE_CHECKING:
    from aiohttp.web_request import FileField

routes = web.RouteTableDef()
OVERWRITE = ("true", "1")
PREVIEW_FORMATS = ("webp", "jpeg")
PREVIEW_QUALITY = 90
BINARY = "application/octet-stream"
NOT_IN_A_BROWSER = ("text/html", "application/xhtml+xml", "text/javascript", "text/css")


@routes.post("/upload/image")
async def post_picture(request: web.Request) -> web.Response:
    """Take a file under its name, or under a numbered one if that holds something else."""
    form = await request.post()
    if not form.get("image"):
        return web.Response(status=400)
    sent = cast("FileField", form["image"])
    kind, subfolder = str(form.get("type", "input")), str(form.get("subfolder", ""))
    root = request.app[ENGINE].folders.by_type(kind)
    if root is None:
        raise KeyError(kind)  # the engine stumbles over it: 500
    folder = naming.below(root, subfolder)
    if not sent.filename or not naming.inside(root, folder / sent.filename):
        return web.Response(status=400)
    overwrite = form.get("overwrite") in OVERWRITE
    name = _place(folder, sent.filename, sent.file.read(), overwrite=overwrite)
    return web.json_response({"name": name, "subfolder": subfolder, "type": kind})


@routes.get("/view")
async def get_picture(request: web.Request) -> web.StreamResponse:
    """Show a file, or a picture of it in another format or channel."""
    asked = request.query
    if "filename" not in asked:
        return web.Response(status=404)
    folders = request.app[ENGINE].folders
    name, place = folders.annotated(asked["filename"])
    if not name or not naming.is_bare(name):
        return web.Response(status=400)
    place = place or folders.by_type(asked.get("type", "output"))
    if place is None:
        return web.Response(status=400)
    folder = place / asked.get("subfolder", "")
    if not naming.inside(place, folder):
        return web.Response(status=403)
    return _view(folder / Path(name).name, request)


@routes.get("/view_metadata/{folder}")
async def get_metadata(request: web.Request) -> web.Response:
    """Show what the header of a model file says besides its tensors."""
    name = request.query.get("filename", "")
    path = _safetensors(request.app[ENGINE].folders, request.match_info["folder"], name)
    metadata = _metadata(path) if path else None
    return web.Response(status=404) if metadata is None else web.json_response(metadata)


def _place(folder: Path, filename: str, content: bytes, *, overwrite: bool) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    name, already = filename, False
    if not overwrite:
        name, already = naming.upload_name(filename, lambda taken: _same(folder / taken, content))
    if not already:
        (folder / name).write_bytes(content)
    return name


def _same(path: Path, content: bytes) -> bool | None:
    return path.read_bytes() == content if path.exists() else None


def _view(path: Path, request: web.Request) -> web.StreamResponse:
    if not path.is_file():
        return web.Response(status=404)
    asked = request.query
    shown = {"Content-Disposition": f'filename="{path.name}"'}
    if "preview" in asked:
        body, kind = _preview(path, asked["preview"], asked.get("channel", ""))
        return web.Response(body=body, content_type=kind, headers=shown)
    if asked.get("channel") in ("rgb", "a"):
        body = _channel(path, asked["channel"])
        return web.Response(body=body, content_type="image/png", headers=shown)
    kind = content_type(path.name) or BINARY
    safe = BINARY if kind in NOT_IN_A_BROWSER else kind
    return web.FileResponse(path, headers={**shown, "Content-Type": safe})


def _preview(path: Path, asked: str, channel: str) -> tuple[bytes, str]:
    wanted = asked.split(";")
    kind = wanted[0] if wanted[0] in PREVIEW_FORMATS and "a" not in channel else "webp"
    quality = int(wanted[-1]) if wanted[-1].isdigit() else PREVIEW_QUALITY
    out = io.BytesIO()
    with Image.open(path) as image:
        shown = image.convert("RGB") if kind == "jpeg" or channel == "rgb" else image
        shown.save(out, format=kind, quality=quality)
    return out.getvalue(), f"image/{kind}"


def _channel(path: Path, channel: str) -> bytes:
    out = io.BytesIO()
    with Image.open(path) as image:
        if channel == "rgb":
            shown = image.convert("RGB")
        else:
            opaque = Image.new("L", image.size, 255)
            shown = Image.new("RGBA", image.size)
            shown.putalpha(image.getchannel("A") if image.mode == "RGBA" else opaque)
        shown.save(out, format="PNG")
    return out.getvalue()


def _safetensors(folders: Folders, shelf: str, name: str) -> Path | None:
    return folders.model_file(shelf, name) if name.endswith(".safetensors") else None


def _metadata(path: Path) -> dict[str, str] | None:
    try:
        header = weights.read_header(path)
    except (ReportedError, json.JSONDecodeError):
        return None
    found: dict[str, str] | None = header.get("__metadata__")
    return found
