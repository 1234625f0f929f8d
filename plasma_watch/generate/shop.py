"""What the generate kind works with, and where its files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plasma_watch.comfyui.engine import Engine
from plasma_watch.config import Config
from plasma_watch.control import Control
from plasma_watch.gate.meter import Meter
from plasma_watch.gate.needs import Needs
from plasma_watch.generate.outlook import Paces
from plasma_watch.home import Home
from plasma_watch.loras import Loras
from plasma_watch.others import Others
from plasma_watch.outputs.hashes import Hashes
from plasma_watch.status import Board
from plasma_watch.tripwire import Tripwire


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the rooms of the kind work with."""

    home: Home
    config: Config
    board: Board
    engine: Engine
    control: Control
    tripwire: Tripwire
    hashes: Hashes
    loras: Loras
    paces: Paces
    meter: Meter
    needs: Needs
    others: Others
    comfyui: Path | None
    """ComfyUI's folder, when it is known."""
    version: str
    host: str

    def roots(self) -> tuple[Path, ...]:
        """Return the folders whose files a request may name; the home first."""
        allowed = (Path(root).expanduser() for root in self.config.paths.allowed_roots)
        return (self.home.root, *allowed)

    def output(self) -> Path:
        """Return the output folder."""
        return self.home.at(self.config.paths.output)

    def workflows(self) -> Path:
        """Return the folder of the templates."""
        return self.home.at(self.config.paths.workflows)

    def told(self, path: Path) -> str:
        """Return a path as people are told it: relative to the home, absolute if outside."""
        inside = path.is_relative_to(self.home.root)
        return str(path.relative_to(self.home.root) if inside else path)
