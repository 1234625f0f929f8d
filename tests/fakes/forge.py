"""A home that trains: the train kind with everything around it, and the stand-in for a trainer."""

from __future__ import annotations

import hashlib
import sys
import tomllib
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from plasma_watch import toml_text
from plasma_watch.comfyui.engine import Engine
from plasma_watch.config import Comfyui, Config, Disk, Kohya, Limits, Memory, Sandbox
from plasma_watch.control import Control, Running
from plasma_watch.gate.needs import Needs
from plasma_watch.job import Ending, Job
from plasma_watch.line import Ongoing
from plasma_watch.loras import Loras
from plasma_watch.outputs.hashes import Hashes
from plasma_watch.request import TrainRequest
from plasma_watch.train.job import Train
from plasma_watch.train.samples import Samples
from plasma_watch.train.shop import Workshop
from plasma_watch.train.trainer import STAND_IN
from plasma_watch.tripwire import Tripwire
from tests.fakes.datasets import fill
from tests.fakes.home import NOON, a_home
from tests.fakes.kind import PatientEvent
from tests.fakes.studio import ToldBoard
from tests.fakes.weights import packed, weights

NOWHERE = "http://127.0.0.1:9"
BASE = "anything-v5-PrtRE.safetensors"
SMALL = {
    "kind": "train",
    "lora": "spyke",
    "dataset": "datasets/spyke",
    "trigger": "spyke",
    "steps": 12,
    "save_every": 4,
    "resolution": 64,
    "dim": 2,
    "alpha": 2,
}
"""Three epochs of four steps, on four pictures."""


class Forge:
    """A home with a trainer. Its state: what it told, and who is let pass."""

    def __init__(self, root: Path, url: str = NOWHERE, **config: Any) -> None:
        self.home = a_home(root)
        self.comfyui = root / "comfyui"
        base = self.comfyui / "models" / "checkpoints" / BASE
        base.parent.mkdir(parents=True)
        base.write_bytes(weights({"model.diffusion_model.out.2.bias": ("F16", packed("F16", 1.0))}))
        self.dataset = fill(self.home.root / "datasets" / "spyke", 4)
        sections = {
            "comfyui": Comfyui(url=url, dir=str(self.comfyui), required_device="any"),
            "kohya": Kohya(script=str(STAND_IN), python=sys.executable, required_device="any"),
            "limits": Limits(min_images=2),
            "memory": Memory(train_gb=0, reserve_gb=0),
            "disk": Disk(reserve_gb=0),
            "sandbox": Sandbox(seconds_per_step=0.001),
        }
        self.config = Config(**(sections | config))
        self.board = ToldBoard(self.home.status)
        self.control = Control()
        self.patience = self.control.stopping = PatientEvent()
        self.engine = Engine(self.config.comfyui)
        weakref.finalize(self, self.engine.forget)
        self.tripwire = Tripwire(self.home.private / "tripwire-work.json")
        weakref.finalize(self, self.tripwire.close)
        self.loras = Loras(self.home.root / "loras", self.comfyui)
        self.needs = Needs(self.home.private / "needs.json")
        self.urgent_waits = False
        self.kind = self.made_kind()

    def made_kind(self) -> Train:
        """Return the kind as a daemon that starts makes it."""
        self.shop = Workshop(
            home=self.home,
            config=self.config,
            board=self.board,
            engine=self.engine,
            control=self.control,
            tripwire=self.tripwire,
            hashes=Hashes(self.home.private / "hashes.json"),
            loras=self.loras,
            needs=self.needs,
            samples=Samples(self.home, self.loras, self.config.limits),
            urgent_waits=lambda: self.urgent_waits,
            version="0.1.0",
            host="forge",
        )
        return Train(self.shop)

    # Jobs.

    def claim(self, name: str = "spyke", second: int = 0, **keys: Any) -> Ongoing:
        """Return a job that was just claimed; keys given are its request's."""
        dropped = NOON.replace(second=second)
        job = f"{dropped:%Y%m%dT%H%M%S}-{name}"
        folder = self.home.running / job
        folder.mkdir()
        content = toml_text.dumps(SMALL | keys).encode()
        (folder / f"{name}.toml").write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        ongoing = Ongoing(folder, Job(job, name, f"{name}.toml", "train", dropped, sha256))
        ongoing.keep(ongoing.job)
        self.begin(ongoing)
        return ongoing

    def begin(self, ongoing: Ongoing) -> None:
        """Say that a job is worked on now."""
        self.control.begin(Running(ongoing.job.id, ongoing.job.name))

    def again(self, ongoing: Ongoing) -> Ongoing:
        """Return the job as another daemon finds it."""
        text = (ongoing.folder / "job.toml").read_text("utf-8")
        self.patience.clear()
        self.kind = self.made_kind()
        found = Ongoing(ongoing.folder, Job.from_toml(text))
        self.begin(found)
        return found

    def run(self, ongoing: Ongoing) -> Ending:
        """Run a job from wherever its journal stands."""
        asked = tomllib.loads(ongoing.request.read_text("utf-8"))
        return self.kind.run(ongoing, TrainRequest.model_validate(asked))

    def train(self, name: str = "spyke", second: int = 0, **keys: Any) -> Ending:
        """Claim a job and run it."""
        return self.run(self.claim(name, second, **keys))

    def change(self, ongoing: Ongoing, **training: Any) -> None:
        """Change what the journal says of a training."""
        assert ongoing.job.training
        job = replace(ongoing.job, training=replace(ongoing.job.training, **training))
        ongoing.keep(job)

    # What came of it.

    def manifest(self, name: str = "spyke") -> dict[str, Any]:
        """Return the manifest of a LoRA."""
        return self.loras.manifest(name)

    def files(self, name: str = "spyke") -> list[str]:
        """Return what lies in a LoRA's folder, hidden files too."""
        folder = self.home.root / "loras" / name
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def installed(self) -> list[str]:
        """Return the LoRAs that ComfyUI has, hidden files too."""
        folder = self.comfyui / "models" / "loras"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def log(self, name: str = "spyke") -> list[str]:
        """Return the lines of a log, without times and jobs."""
        path = self.home.status / f"{name}.log"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [line.split(" ", 2)[2] for line in lines]

    def trainers(self) -> list[psutil.Process]:
        """Return the trainers of this home that live."""
        return list(trainers(self.home.running))


def trainers(below: Path) -> Iterator[psutil.Process]:
    """Yield the living processes that were started with settings below a folder.

    Whoever draws a loss below it is none.
    """
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            is_below = any(part.startswith(f"{below}/") for part in command)
            is_one = is_below and "--config_file" in command
            if is_one and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:
            continue
