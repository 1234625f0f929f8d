"""The process: it says where it listens, and ends when it should, at once."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from plasma_watch.sandbox.__main__ import settings_of
from plasma_watch.sandbox.mischief.script import parse
from plasma_watch.sandbox.settings import Settings

from .graphs import plain_picture, text_to_image
from .listening import Listener
from .process import PATIENCE_SECONDS, ROOT, TICK_SECONDS, Sandbox, end, running, start

COMMAND = [sys.executable, "-m", "plasma_watch.sandbox"]


def test_first_line_says_where_it_listens(tmp_path: Path) -> None:
    """With its process id, as JSON; by then it answers, and has models to answer with."""
    process = start(tmp_path / "base")
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())

        assert said["pid"] == process.pid
        models = requests.get(f"{said['url']}/models/loras", timeout=PATIENCE_SECONDS)
        assert models.json() == ["spyke.safetensors"]
    finally:
        end(process)


def sampling(sandbox: Sandbox) -> Listener:
    """Ask for a picture that takes long, and wait until it is begun."""
    listener = Listener(sandbox.url, "c1")
    sandbox.post("/prompt", {"prompt": text_to_image(steps=9999), "client_id": "c1"})
    listener.wait_for("progress")
    return listener


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 0)]
)
def test_signal_ends_it_in_the_middle_of_a_run(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    """Sockets are cut without a word."""
    with running(tmp_path / "base") as sandbox:
        listener = sampling(sandbox)
        sandbox.process.send_signal(number)

        assert sandbox.process.wait(PATIENCE_SECONDS) == status
        listener.wait(lambda _: not listener.is_open)
        listener.close()


def test_nothing_is_left_after_a_restart(tmp_path: Path) -> None:
    """Neither queue nor history, and numbers begin anew; only files stay."""
    with running(tmp_path / "base") as sandbox:
        sampling(sandbox).cut()
        (sandbox.base / "output" / "made.png").touch()
        (sandbox.base / "temp" / "seen.png").touch()
    with running(tmp_path / "base") as sandbox:
        assert sandbox.json("/queue") == {"queue_running": [], "queue_pending": []}
        assert sandbox.json("/history") == {}
        answer = sandbox.post("/prompt", {"prompt": text_to_image()}).json()
        assert answer["number"] == 0
        assert (sandbox.base / "output" / "made.png").exists()
        assert list((sandbox.base / "temp").iterdir()) == []


def test_worker_that_stumbles_never_runs_again(tmp_path: Path) -> None:
    """The engine's zombie: it answers everything, and does nothing any more."""
    with running(tmp_path / "base") as sandbox:
        sandbox.post("/prompt", {"prompt": plain_picture(), "extra_data": 5})
        sandbox.post("/prompt", {"prompt": plain_picture()})
        while not (queue := sandbox.json("/queue"))["queue_running"]:
            time.sleep(TICK_SECONDS)

        assert [len(queue[name]) for name in ("queue_running", "queue_pending")] == [1, 1]
        assert sandbox.json("/prompt") == {"exec_info": {"queue_remaining": 2}}
        log = "".join(entry["m"] for entry in sandbox.json("/internal/logs/raw")["entries"])
        assert "Exception in thread Thread-1 (prompt_worker):\nTraceback" in log


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """However the parent dies, its end of the pipe is closed."""
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)\n"
        "time.sleep(60)\n"
    )
    command = [*COMMAND, "--base", str(tmp_path / "base"), "--with-parent"]
    with subprocess.Popen(
        [sys.executable, "-c", script, *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as parent:
        assert parent.stdout is not None
        said = json.loads(parent.stdout.readline())
        parent.kill()

        # Both hold the other end of this pipe: it closes when the last of them is gone.
        assert parent.stdout.read() == b""
    assert said["pid"] != parent.pid


def test_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """With status 1, and nothing on standard output."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [*COMMAND, "--base", str(tmp_path / "base"), "--port", port]
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
        )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr


def test_command_line_is_read() -> None:
    """Everything has a default but the place."""
    assert settings_of(["--base", "here"]) == Settings(Path("here"))
    full = ["--host", "::1", "--port", "8188", "--seconds-per-step", "0", "--with-parent"]
    assert settings_of(["--base", "here", *full, "--previews"]) == Settings(
        Path("here"), "::1", 8188, 0.0, with_parent=True, previews=True
    )
    faults = ["--fault", "die@3", "--fault", "slow=0.5"]
    assert settings_of(["--base", "here", *faults]) == Settings(
        Path("here"), faults=(parse("die@3"), parse("slow=0.5"))
    )
