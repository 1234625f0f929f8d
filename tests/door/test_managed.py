"""The whole daemon with an engine that it looks after itself."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from plasma_watch.train.trainer import STAND_IN
from tests.door.process import DaemonProcess, eventually, make_home
from tests.fakes import plotting
from tests.fakes.comfyui import FakeComfyui
from tests.fakes.datasets import fill


class Managing(DaemonProcess):
    """A home whose daemon looks after its engine."""

    def __init__(self, home: Path, comfyui: FakeComfyui) -> None:
        super().__init__(home, None)
        self.comfyui = comfyui
        self.configure()

    def configure(self, **keys: object) -> None:
        """Write what differs under [comfyui]."""
        config = self.comfyui.config(recycle_gb=0.0).model_dump() | keys
        text = (self.home / "config.toml").read_text("utf-8")
        before, _, rest = text.partition("[comfyui]")
        section = "".join(f"{key} = {json.dumps(value)}\n" for key, value in config.items())
        after = rest[rest.index("\n[kohya]") :]
        (self.home / "config.toml").write_text(f"{before}[comfyui]\n{section}{after}", "utf-8")

    def running(self) -> list[str]:
        """Return the prompts that the engine works on; none while it does not answer."""
        try:
            queue: Any = requests.get(f"{self.comfyui.url}/queue", timeout=10).json()
        except requests.RequestException:
            return []
        return [item[1] for item in queue["queue_running"]]

    def finished(self) -> list[str]:
        """Return the prompts that the engine finished since it started."""
        return list(requests.get(f"{self.comfyui.url}/history", timeout=10).json())


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Managing]:
    """A home with a folder that looks like ComfyUI's; nothing is started."""
    daemon = Managing(make_home(tmp_path / "home"), FakeComfyui(tmp_path / "ComfyUI"))
    yield daemon
    if daemon.process and daemon.process.poll() is None:
        daemon.kill()
    daemon.comfyui.kill()


def test_a_page_starts_the_engine_and_a_stop_ends_it(daemon: Managing) -> None:
    """Nothing runs before the first page, and nothing after the stop."""
    daemon.start()
    assert daemon.comfyui.processes() == []
    daemon.drop("page")

    daemon.until("page", "done")

    (process,) = daemon.comfyui.processes()
    eventually(lambda: daemon.told("daemon")["engine"].get("pid") == process.pid)
    assert daemon.stop() == 0
    assert daemon.comfyui.processes() == []


def test_a_stop_while_it_works_leaves_it_to_the_next_start(daemon: Managing) -> None:
    """The prompt runs on, and is collected: asked for once, made once."""
    daemon.comfyui.works(seconds_per_step=0.1)
    daemon.start()
    daemon.drop("page", steps=40)
    eventually(daemon.running)

    assert daemon.stop() == 0

    (process,) = daemon.comfyui.processes()
    daemon.start()
    told = daemon.until("page", "done")
    assert told["attempt"] == 1
    assert [p.pid for p in daemon.comfyui.processes()] == [process.pid]
    assert len(daemon.finished()) == 1
    assert daemon.stop() == 0
    assert daemon.comfyui.processes() == []


def test_a_killed_daemon_finds_its_engine_again(daemon: Managing) -> None:
    """It is taken over and not started twice."""
    daemon.comfyui.works(seconds_per_step=0.1)
    daemon.start()
    daemon.drop("page", steps=40)
    eventually(daemon.running)
    (process,) = daemon.comfyui.processes()
    daemon.kill()
    daemon.start()

    daemon.until("page", "done")

    assert [p.pid for p in daemon.comfyui.processes()] == [process.pid]
    assert len(daemon.finished()) == 1
    assert daemon.stop() == 0


def test_an_engine_killed_at_work_is_started_anew(daemon: Managing) -> None:
    """By the one who waits for its prompt; the page is made in a second attempt."""
    daemon.comfyui.works(seconds_per_step=0.1)
    daemon.start()
    daemon.drop("page", steps=40)
    eventually(daemon.running)
    (process,) = daemon.comfyui.processes()

    process.send_signal(signal.SIGKILL)

    daemon.until("page", "done")
    assert process.pid not in [p.pid for p in daemon.comfyui.processes()]
    assert [name for name in daemon.outputs() if name.endswith(".png")] == ["page_v1.png"]
    assert "is gone: it was killed" in (daemon.home / "status" / "daemon.log").read_text("utf-8")
    assert daemon.stop() == 0


def test_a_training_gets_the_memory_of_an_engine_of_our_own(daemon: Managing) -> None:
    """It is ended before the trainer starts, and started again by the next page."""
    text = (daemon.home / "config.toml").read_text("utf-8")
    text = text.replace("min_images = 15", "min_images = 4")
    (daemon.home / "config.toml").write_text(text, "utf-8")
    fill(daemon.home / "datasets" / "spyke", 4)
    daemon.environ |= {
        "KOHYA_SCRIPT": str(STAND_IN),
        "KOHYA_PYTHON": sys.executable,
        "PYTHONPATH": str(plotting.FOLDER),
    }
    daemon.environ |= {"PLASMA_SANDBOX_SECONDS_PER_STEP": "0.05"}
    daemon.start()
    daemon.drop("page")
    daemon.until("page", "done")
    assert daemon.comfyui.processes()

    daemon.drop("spyke", TRAINING)

    eventually(lambda: "epoch" in str(daemon.told("spyke").get("why", "")))
    assert daemon.comfyui.processes() == []
    daemon.until("spyke", "done")
    assert daemon.comfyui.processes() == []
    daemon.drop("after")
    daemon.until("after", "done")
    assert daemon.stop() == 0


TRAINING = """kind = "train"
lora = "spyke"
dataset = "datasets/spyke"
trigger = "spyke"
steps = 8
save_every = 4
resolution = 64
dim = 2
alpha = 2
"""


def test_an_engine_that_will_not_start_is_told(daemon: Managing) -> None:
    """In plain words, in the status of the page that waits; a stop leaves nothing."""
    daemon.configure(restarts=1)
    daemon.comfyui.does("import no_such_module_anywhere")
    daemon.start()
    daemon.drop("page")

    eventually(lambda: daemon.told("page").get("waiting_for") == "engine.will-not-start")

    assert "its Python has no module no_such_module_anywhere" in daemon.told("page")["why"]
    assert daemon.stop() == 0
    assert daemon.comfyui.processes() == []


def test_a_stop_while_the_engine_starts_leaves_nothing(daemon: Managing) -> None:
    """It has nothing to do yet."""
    daemon.comfyui.works(delay=30)
    daemon.start()
    daemon.drop("page")
    eventually(lambda: daemon.told("page").get("waiting_for") == "engine.starting")

    assert daemon.stop() == 0

    assert daemon.comfyui.processes() == []
    assert [p.name for p in (daemon.home / "inbox").glob("*.toml")] == ["page.toml"]


def test_an_engine_without_a_folder_is_refused(daemon: Managing) -> None:
    """Before anything starts, with the line."""
    daemon.configure(dir="")

    answer = daemon.run("run")

    assert answer.returncode == 2
    assert "comfyui.manage needs comfyui.dir" in answer.stderr
