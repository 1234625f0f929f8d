"""From a dropped file to a LoRA in ComfyUI: a real daemon, a real engine, a trainer's process."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from plasma_watch.train.trainer import STAND_IN
from tests.door.process import DaemonProcess, EngineProcess, eventually, make_home
from tests.fakes import plotting
from tests.fakes.datasets import fill
from tests.fakes.forge import trainers

FAULT = "PLASMA_SANDBOX_TRAINER_FAULT"
PACE = "PLASMA_SANDBOX_SECONDS_PER_STEP"
PHASES: dict[str, Callable[[TrainingHome], bool]] = {
    "dataset": lambda home: home.told("spyke").get("state") == "running",
    "start": lambda home: home.has_said("the trainer starts") or home.step() >= 1,
    "first epoch": lambda home: home.step() >= 3,
    "second epoch": lambda home: home.step() >= 6,
    "save": lambda home: home.has_said("the trainer saves") or home.has_said("is whole"),
}
"""How each phase of a training is known; on a busy machine it may be over by then."""
in_every_phase = pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)


class TrainingHome(DaemonProcess):
    """A home that trains with the stand-in; its LoRAs go to an engine that runs beside it."""

    def __init__(self, home: Path, engine: EngineProcess, state: Path) -> None:
        super().__init__(make_home(home), engine)
        config = (home / "config.toml").read_text("utf-8")
        for before, after in (
            ("min_images = 15", "min_images = 4"),
            ("train_gb = 9.0", "train_gb = 0.1"),
            ("reserve_gb = 1.5", "reserve_gb = 0.1"),
        ):
            assert before in config
            config = config.replace(before, after)
        (home / "config.toml").write_text(config, "utf-8")
        self.environ |= {
            "KOHYA_SCRIPT": str(STAND_IN),
            "KOHYA_PYTHON": sys.executable,
            "XDG_STATE_HOME": str(state),
            PACE: "0.1",
            "PYTHONPATH": str(plotting.FOLDER),
        }
        self.dataset = fill(home / "datasets" / "spyke", 4)

    def train(self, name: str = "spyke", **keys: Any) -> None:
        """Drop a request to train: three epochs of four steps."""
        fields = {
            "kind": "train",
            "lora": "spyke",
            "dataset": "datasets/spyke",
            "trigger": "spyke",
            "steps": 12,
            "save_every": 4,
            "resolution": 64,
            "dim": 2,
            "alpha": 2,
        } | keys
        self.drop(name, "".join(f"{k} = {json.dumps(v)}\n" for k, v in fields.items()))

    def start_to_stand_still(self, step: int) -> None:
        """Start the daemon; its trainer stands still before a step, until somebody ends it."""
        self.environ[FAULT] = f"stall@{step}"
        self.start()
        del self.environ[FAULT]

    def trainers(self) -> list[psutil.Process]:
        """Return the trainers of this home that live."""
        return list(trainers(self.home / "running"))

    def step(self) -> int:
        """Return the step that the training is told to be at; of one that ended, any."""
        told = self.told("spyke")
        return sys.maxsize if told.get("state") == "done" else int(told.get("step", 0))

    def has_said(self, words: str) -> bool:
        """Tell whether the training's log says something."""
        log = self.home / "status" / "spyke.log"
        return log.exists() and words in log.read_text("utf-8")

    def until_step(self, step: int) -> None:
        """Wait until the training has come to a step."""
        eventually(lambda: self.step() >= step, f"step {step}")

    def manifest(self) -> dict[str, Any]:
        """Return the LoRA's manifest."""
        return tomllib.loads((self.home / "loras/spyke/manifest.toml").read_text("utf-8"))


@pytest.fixture
def smithy(tmp_path: Path, engine: EngineProcess) -> Iterator[TrainingHome]:
    """A home that trains; the daemon is not started, and no trainer outlives the test."""
    smithy = TrainingHome(tmp_path / "home", engine, tmp_path / "state")
    yield smithy
    if smithy.process and smithy.process.poll() is None:
        smithy.kill()
    left = smithy.trainers()
    for process in left:
        process.kill()
    assert left == []


def is_finished_once(smithy: TrainingHome) -> None:
    """Hold a training to its promise: done, once, with every step counted."""
    told = smithy.until("spyke", "done")
    manifest = smithy.manifest()
    assert [version["steps"] for version in manifest["versions"]] == [4, 8, 12]
    ended = [folder.name for folder in smithy.folders("done")]
    assert sum(name.endswith("-spyke") for name in ended) == 1
    assert smithy.folders("running") == []
    assert told["outputs"][0] == f"loras/spyke/{manifest['chosen']['file']}"
    installed = manifest["chosen"]["installed"]
    comfyui = Path(smithy.environ["COMFYUI_DIR"])
    assert (comfyui / "models" / "loras" / installed).is_file()


def test_a_lora_and_the_page_that_needs_it_are_dropped_together(smithy: TrainingHome) -> None:
    """The page waits its turn, means the LoRA by its name, and ComfyUI knows it at once."""
    smithy.start()
    smithy.train()
    smithy.drop("page", PAGE_WITH_LORA)

    smithy.until("page", "done")
    is_finished_once(smithy)

    made = tomllib.loads((smithy.home / "output" / "page_v1.toml").read_text("utf-8"))
    assert made["lora"]["name"] == smithy.manifest()["chosen"]["installed"]


PAGE_WITH_LORA = """
kind = "generate"
workflow = "txt2img-lora"
prompt = "spyke"
steps = 2
width = 64
height = 64
[lora]
name = "spyke"
"""


@in_every_phase
def test_a_daemon_that_is_killed_finishes_the_training_once(
    smithy: TrainingHome, phase: Callable[[TrainingHome], bool]
) -> None:
    """In every phase: the next start ends the orphan, and goes on from the last whole epoch."""
    smithy.start_to_stand_still(8)
    smithy.train()
    eventually(lambda: phase(smithy), "the phase")
    smithy.kill()
    smithy.start()

    is_finished_once(smithy)

    assert smithy.trainers() == []


@in_every_phase
def test_a_cancel_in_every_phase_leaves_nobody(
    smithy: TrainingHome, phase: Callable[[TrainingHome], bool]
) -> None:
    """Neither trainer nor LoRA."""
    smithy.start_to_stand_still(8)
    smithy.train()
    eventually(lambda: phase(smithy), "the phase")
    (smithy.home / "inbox" / "spyke.cancel").touch()

    smithy.until("spyke", "cancelled")

    assert smithy.trainers() == []
    assert not (smithy.home / "loras" / "spyke").exists()


def test_a_stop_ends_daemon_and_trainer_and_keeps_the_job(smithy: TrainingHome) -> None:
    """Exit 0; the training goes on with the next start."""
    smithy.start_to_stand_still(6)
    smithy.train()
    smithy.until_step(5)

    assert smithy.stop() == 0
    assert smithy.trainers() == []
    assert len(smithy.folders("running")) == 1
    smithy.start()

    is_finished_once(smithy)


def test_a_daemon_that_is_killed_again_and_again(smithy: TrainingHome) -> None:
    """Every life brings an epoch; the counts stay right."""
    smithy.train()
    for step, its_own in ((2, 2), (6, 6), (10, 6)):
        smithy.start_to_stand_still(its_own + 1)
        smithy.until_step(step)
        smithy.kill()
    smithy.start()

    is_finished_once(smithy)

    assert smithy.told("spyke")["attempt"] == 1


def test_an_urgent_page_passes_a_training_that_yields(smithy: TrainingHome) -> None:
    """It is made before the training's end, which loses nothing."""
    smithy.environ[PACE] = "0.3"
    smithy.start()
    smithy.train(yield_to_urgent=True)
    smithy.until_step(1)
    smithy.drop("page", folder="inbox/urgent")

    smithy.until("page", "done")

    assert smithy.told("spyke")["state"] == "running"
    is_finished_once(smithy)


@pytest.mark.parametrize(
    ("fault", "code"), [("nan@6", "trainer.nan"), ("no-data", "trainer.no-data")]
)
def test_a_training_that_fails_says_why(smithy: TrainingHome, fault: str, code: str) -> None:
    """In its status and in why.txt; the daemon goes on."""
    smithy.environ[FAULT] = fault
    smithy.start()
    smithy.train()

    told = smithy.until("spyke", "failed")

    assert told["error"]["code"] == code
    (folder,) = smithy.folders("failed")
    assert code in (folder / "why.txt").read_text("utf-8")
    assert (folder / "attempt-1" / "trainer.log").stat().st_size
    smithy.drop("page")
    smithy.until("page", "done")


def test_a_bad_dataset_is_refused_on_arrival(smithy: TrainingHome) -> None:
    """Everything wrong at once, with the line that names it, before anything starts."""
    (smithy.dataset / "p1.png").write_bytes(b"\x89PNG")
    (smithy.dataset / "p2.txt").write_text("a girl")
    (smithy.dataset / "p3.txt").unlink()
    (smithy.dataset / "p4.txt").write_bytes(b"")
    smithy.start()
    smithy.train()

    told = smithy.until("spyke", "failed")

    assert told["error"]["code"].startswith("dataset.")
    assert len(told["error"]["problems"]) == 5
    assert all(text.startswith("line 3: dataset has ") for text in told["error"]["problems"])


def test_without_a_trainer_a_training_is_refused_at_the_drop(smithy: TrainingHome) -> None:
    """With the keys to set."""
    for variable in ("KOHYA_SCRIPT", "KOHYA_PYTHON", "COMFYUI_DIR"):
        del smithy.environ[variable]
    smithy.start()
    smithy.train()

    told = smithy.until("spyke", "failed")

    assert told["error"]["code"] == "trainer.not-configured"
    assert "KOHYA_PYTHON" in " ".join(told["error"]["problems"])


def test_samples_end_with_a_sheet_of_every_epoch(smithy: TrainingHome) -> None:
    """Made by ComfyUI as one sweep; the losers leave it again."""
    smithy.start()
    smithy.train(samples=["spyke, portrait", "spyke, running"])
    smithy.until("spyke", "done")

    told = smithy.until("spyke-samples", "done")

    assert len([path for path in told["outputs"] if path.endswith(".png")]) == 3 * 2 + 1
    eventually((smithy.home / "loras/spyke/sheet.png").exists, "the sheet")
    manifest = smithy.manifest()
    losers = [f"spyke-{v['sha256'][:8]}.safetensors" for v in manifest["versions"]][:-1]
    folder = Path(smithy.environ["COMFYUI_DIR"]) / "models" / "loras"
    eventually(lambda: not any((folder / name).exists() for name in losers), "the losers' end")
    assert (folder / manifest["chosen"]["installed"]).is_file()


def test_a_calibration_says_how_long_it_will_take(smithy: TrainingHome) -> None:
    """And makes nothing."""
    smithy.start()
    smithy.train(calibrate=8)

    told = smithy.until("spyke", "done")

    assert "12 steps take about" in told["why"]
    assert told["outputs"] == []


def test_the_sandbox_trains_too(tmp_path: Path) -> None:
    """`run --sandbox` needs neither ComfyUI nor a trainer."""
    home = make_home(tmp_path / "home")
    config = (home / "config.toml").read_text("utf-8")
    quick = config.replace("seconds_per_step = 0.05", "seconds_per_step = 0.001")
    assert quick != config
    (home / "config.toml").write_text(quick, "utf-8")
    fill(home / "datasets" / "spyke", 15)
    daemon = DaemonProcess(home, None)
    daemon.environ["XDG_STATE_HOME"] = str(tmp_path / "state")
    daemon.start("--sandbox")
    try:
        example = (home / "examples" / "train-spyke.toml").read_text("utf-8")
        daemon.drop("spyke", example.replace("steps = 1000", "steps = 400"))
        daemon.drop("page", PAGE_WITH_LORA)
        daemon.until("spyke", "done")
        daemon.until("page", "done")

        manifest = tomllib.loads((home / "loras/spyke/manifest.toml").read_text("utf-8"))
        assert manifest["result"]["sandbox"] is True
        assert not (home / ".plasma" / "needs.json").exists()  # a real training takes more
        assert not (home / ".plasma" / "paces.json").exists()
        with Image.open(home / "loras/spyke/loss.png") as drawn:
            assert drawn.size == (800, 500)
    finally:
        assert daemon.stop() == 0
