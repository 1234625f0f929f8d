"""How a ComfyUI of our own is started."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plasma_watch.comfyui import launch
from plasma_watch.config import Comfyui


def test_the_command_is_what_the_config_says() -> None:
    """Interpreter, main.py, arguments, and the port of the address."""
    config = Comfyui(url="http://127.0.0.1:8199", dir="/opt/ComfyUI", python="/opt/x/bin/python")

    assert launch.command(config) == (
        *("/opt/x/bin/python", "/opt/ComfyUI/main.py", "--listen", "127.0.0.1", "--force-fp16"),
        *("--fp32-vae", "--preview-method", "latent2rgb", "--port", "8199"),
    )


@pytest.mark.parametrize(("url", "port"), [("auto", 8188), ("http://localhost", 80)])
def test_the_port_follows_from_the_address(url: str, port: int) -> None:
    """Its own, where none is said."""
    assert launch.port(Comfyui(url=url)) == port


@pytest.mark.parametrize("place", ["venv", ".venv"])
def test_the_usual_environment_is_found(tmp_path: Path, place: str) -> None:
    """By its path, whatever it links to."""
    python = tmp_path / place / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)

    assert launch.interpreter(Comfyui(dir=str(tmp_path))) == python


def test_an_environment_that_is_not_there_is_named(tmp_path: Path) -> None:
    """As it was looked for first."""
    assert launch.interpreter(Comfyui(dir=str(tmp_path))) == tmp_path / "venv/bin/python"


def test_the_environment_is_the_users_without_ours() -> None:
    """What Metal cannot do runs on the processor; our own Python is none of its business."""
    given = {"HOME": "/Users/ada", "PYTHONPATH": "/x", "VIRTUAL_ENV": "/y", "PLASMA_HOME": "/z"}

    assert launch.environment(given, {"PYTORCH_MPS_LOW_WATERMARK_RATIO": "1.0"}) == {
        "PYTORCH_MPS_LOW_WATERMARK_RATIO": "1.0",
        "HOME": "/Users/ada",
        "PYTORCH_ENABLE_MPS_FALLBACK": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }


@pytest.mark.parametrize(
    ("script", "code"), [("exec sleep 600", 0), ("exit 3", 3), ("kill -9 $$", 128 + 9)]
)
def test_as_an_agent_it_ends_well_when_asked_and_badly_by_itself(script: str, code: int) -> None:
    """SIGTERM is a good end; every other keeps its code, so that launchd brings it back."""
    command = launch.as_agent(("/bin/sh", "-c", f"echo up; {script}"))
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"up\n"

    if code == 0:
        process.send_signal(signal.SIGTERM)

    assert process.wait(30) == code
    process.stdout.close()
