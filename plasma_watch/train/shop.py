"""What the train kind works with, and where each of its files lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.comfyui.engine import Engine
from plasma_watch.config import Config
from plasma_watch.control import Control
from plasma_watch.gate.needs import Needs
from plasma_watch.home import Home
from plasma_watch.loras import Loras
from plasma_watch.outputs.hashes import Hashes
from plasma_watch.status import Board
from plasma_watch.system import platform
from plasma_watch.train.reading import Folder, roots_of
from plasma_watch.train.samples import Samples
from plasma_watch.train.trainer import STAND_IN
from plasma_watch.tripwire import Tripwire


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the kind works with; shared with nothing but the daemon."""

    home: Home
    config: Config
    board: Board
    engine: Engine
    control: Control
    tripwire: Tripwire
    hashes: Hashes
    loras: Loras
    needs: Needs
    samples: Samples
    urgent_waits: Callable[[], bool]
    """Whether an urgent job of another kind waits that may be let pass."""
    version: str
    host: str

    @property
    def script(self) -> Path:
        """The trainer's script."""
        return Path(self.config.kohya.script).expanduser()

    @property
    def python(self) -> Path:
        """The Python that runs it."""
        return Path(self.config.kohya.python).expanduser()

    @property
    def comfyui(self) -> Path:
        """ComfyUI's folder, where base models lie and LoRAs go."""
        return Path(self.config.comfyui.dir).expanduser()

    @property
    def is_sandbox(self) -> bool:
        """Whether the trainer is the stand-in, which takes no machine and makes no real LoRA."""
        return self.script == STAND_IN

    @property
    def required_device(self) -> str:
        """The device that the trainer must work on."""
        device = self.config.kohya.required_device
        return platform.DEFAULT_DEVICE if device == "auto" else device

    def base(self, name: str) -> Path:
        """Return where a base model lies."""
        return self.comfyui / "models" / "checkpoints" / name

    def dataset(self, named: str) -> Folder:
        """Return a folder that a request names as a dataset."""
        return dataset_folder(self.home, self.config, named)

    def told(self, path: Path) -> str:
        """Return a path as people are told it: relative to the home, absolute if outside."""
        inside = path.is_relative_to(self.home.root)
        return str(path.relative_to(self.home.root) if inside else path)


def dataset_folder(home: Home, config: Config, named: str) -> Folder:
    """Return a folder that a request names as a dataset."""
    roots = roots_of(home.root, home.at(config.paths.datasets), config.paths.allowed_roots)
    return Folder(named, roots, config.intake.max_picture_mb * 1_000_000)
