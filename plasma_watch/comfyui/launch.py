"""How a ComfyUI of our own is started: the interpreter, the command line, the environment. Pure.

Only `interpreter` looks at the disk, to see which of the usual places there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from plasma_watch.config import Comfyui

PORT = 8188
_PYTHONS = ("venv/bin/python", ".venv/bin/python")

_STOPS_WELL = """trap 'kill $!; wait $!; exit 0' TERM INT; "$@" & wait $!"""
"""ComfyUI dies of SIGTERM, which launchd takes for a crash: a shell makes a good end of it.

A signal may come as soon as ComfyUI runs: the shell itself knows by then whom it started last, and
a variable may not.
"""

_NOT_HANDED_ON = frozenset({"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "XPC_SERVICE_NAME"})


def folder(config: Comfyui) -> Path:
    """Return ComfyUI's folder."""
    return Path(config.dir).expanduser()


def port(config: Comfyui) -> int:
    """Return the port that it is to listen on."""
    return PORT if config.url == "auto" else urlsplit(config.url).port or 80


def interpreter(config: Comfyui) -> Path:
    """Return the Python that runs it: the one named, or the first of the usual ones.

    A link is not followed: the environment is known by the path that it is called by.
    """
    if config.python:
        return Path(config.python).expanduser()
    usual = [folder(config) / python for python in _PYTHONS]
    return next((python for python in usual if python.exists()), usual[0])


def command(config: Comfyui) -> tuple[str, ...]:
    """Return the command line."""
    main = folder(config) / "main.py"
    there = ("--port", str(port(config)))
    return (str(interpreter(config)), str(main), *config.arguments, *there)


def as_agent(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command line that ends well, with exit code 0, when it is asked to end."""
    return ("/bin/sh", "-c", _STOPS_WELL, "comfyui", *command)


def environment(environ: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Return the environment: the user's, without what is about our own Python and about us.

    What is added by the config comes last.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _NOT_HANDED_ON and not name.startswith("PLASMA_")
    }
    own = {"PYTORCH_ENABLE_MPS_FALLBACK": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    return {**kept, **own, **added}
