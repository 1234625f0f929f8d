"""What is claimed of the sheet that a training ends with."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.config import Limits
from plasma_watch.home import Home
from plasma_watch.job import Ending, Job, Made, Picture, State
from plasma_watch.loras import Loras, Version, digest
from plasma_watch.request import TrainRequest
from plasma_watch.train.samples import Samples, shown, sweep
from tests.fakes.drawings import drawn, png
from tests.fakes.forge import SMALL
from tests.fakes.home import NOON, a_home
from tests.fakes.weights import lora

PROMPTS = ["spyke, portrait", "spyke, running"]
REQUEST = TrainRequest.model_validate(SMALL | {"samples": PROMPTS, "base": "b.safetensors"})
TRAINING = Job("20261122T120000-spyke", "spyke", "spyke.toml", "train", NOON, "0a")


class Room:
    """A home with a LoRA of three epochs, of which the last is chosen, and a ComfyUI."""

    def __init__(self, root: Path) -> None:
        self.home: Home = a_home(root)
        self.loras = Loras(self.home.root / "loras", root / "comfyui")
        self.samples = Samples(self.home, self.loras, Limits())
        self.versions = [self._version(epoch) for epoch in (1, 2, 3)]
        (self.home.root / "loras/spyke/manifest.toml").write_text('kind = "train"\n')
        self.loras.choose("spyke", self.versions[-1])

    def _version(self, epoch: int) -> Version:
        path = self.home.root / "loras" / "spyke" / f"spyke-e{epoch:02d}.safetensors"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(lora(seed=epoch))
        return Version(path.name, digest(path), epoch, TRAINING.id)

    def ask(self) -> dict[str, Any]:
        """Ask for a sheet, and return the request that was dropped."""
        name = self.samples.ask(TRAINING, REQUEST, self.versions)
        return tomllib.loads((self.home.inbox / f"{name}.toml").read_text("utf-8"))

    def installed(self) -> int:
        """Return how many LoRAs ComfyUI has."""
        return len(list((self.loras.comfyui or Path()).glob("models/loras/*.safetensors")))

    def marks(self) -> int:
        """Return how many sheets are still to come."""
        return len(list(self.home.private.glob("samples/*.toml")))

    def end(self, name: str = "spyke-samples", kind: str = "generate", *made: str) -> None:
        """End a job."""
        pictures = tuple(
            Picture(n, 1, images=1, made=(Made(path, "0a"),)) for n, path in enumerate(made, 1)
        )
        ending = Ending(State.DONE, "x")
        self.samples.ended(
            replace(TRAINING, name=name, kind=kind, pictures=pictures, ending=ending)
        )


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A room in which nothing was asked for yet."""
    return Room(tmp_path)


def test_every_epoch_times_every_prompt_is_asked_for(room: Room) -> None:
    """In one request, from one seed; all epochs are installed for it."""
    dropped = room.ask()

    assert dropped["sweep"]["prompt"] == PROMPTS
    assert dropped["sweep"]["lora"] == [f"spyke-{v.short}.safetensors" for v in room.versions]
    assert (dropped["seed"], dropped["width"], dropped["height"]) == (42, 64, 64)
    assert dropped["checkpoint"] == "b.safetensors"
    assert dropped["output"] == "samples/spyke"
    assert room.installed() == 3
    assert [path.name for path in room.home.inbox.glob(".*")] == []


def test_it_is_asked_for_once(room: Room) -> None:
    """A crash between the asking and the end drops no second one."""
    room.ask()
    (room.home.inbox / "spyke-samples.toml").unlink()

    room.samples.ask(TRAINING, REQUEST, room.versions)

    assert not (room.home.inbox / "spyke-samples.toml").exists()
    assert room.marks() == 1


def test_what_waits_under_its_name_is_not_replaced(room: Room) -> None:
    """It is somebody's."""
    (room.home.inbox / "spyke-samples.toml").write_text("theirs = 1")

    assert room.ask() == {"theirs": 1}


def test_its_sheet_is_laid_beside_the_lora(room: Room) -> None:
    """And the losers leave ComfyUI again; the chosen one stays."""
    room.ask()
    sheet = room.home.root / "output" / "samples" / "spyke_sheet_v1.png"
    sheet.parent.mkdir()
    sheet.write_bytes(png(drawn()))

    room.end("Spyke-Samples", "generate", "output/samples/x_v1.png", str(sheet))

    assert (room.home.root / "loras/spyke/sheet.png").read_bytes() == sheet.read_bytes()
    assert room.installed() == 1
    assert room.loras.file_of("spyke") == f"spyke-{room.versions[-1].short}.safetensors"
    assert room.marks() == 0


def test_the_choice_of_a_moment_ago_stays(room: Room) -> None:
    """Somebody looked at the pictures while they were made."""
    room.ask()
    room.loras.choose("spyke", room.versions[0])

    room.end()

    installed = list((room.loras.comfyui or Path()).glob("models/loras/*.safetensors"))
    assert [path.name for path in installed] == [f"spyke-{room.versions[0].short}.safetensors"]


@pytest.mark.parametrize(("name", "kind"), [("other", "generate"), ("spyke-samples", "train")])
def test_other_jobs_mean_nothing(room: Room, name: str, kind: str) -> None:
    """Whatever they are called."""
    room.ask()

    room.end(name, kind)

    assert (room.installed(), room.marks()) == (3, 1)


def test_a_sheet_that_is_gone_is_no_loss(room: Room) -> None:
    """It is tidied up all the same."""
    room.ask()

    room.end("spyke-samples", "generate", "output/samples/spyke_sheet_v1.png")

    assert not (room.home.root / "loras/spyke/sheet.png").exists()
    assert (room.installed(), room.marks()) == (1, 0)


@pytest.mark.parametrize("place", ["inbox", "inbox/urgent", "running/20261122T120001-x"])
def test_a_sheet_that_is_under_way_is_waited_for(room: Room, place: str) -> None:
    """In the line, or at work."""
    room.ask()
    target = room.home.root / place / "spyke-samples.toml"
    target.parent.mkdir(parents=True, exist_ok=True)
    (room.home.inbox / "spyke-samples.toml").replace(target)

    room.samples.tidy_left()
    assert (room.installed(), room.marks()) == (3, 1)

    target.unlink()
    room.samples.tidy_left()
    assert (room.installed(), room.marks()) == (1, 0)


def test_a_damaged_mark_is_left_alone(room: Room) -> None:
    """Nothing is known of it."""
    room.ask()
    (mark,) = room.home.private.glob("samples/*.toml")
    mark.write_text("versions = 3")

    room.end()

    assert (room.installed(), room.marks()) == (3, 1)


def test_a_disk_that_refuses_is_asked_another_time(room: Room) -> None:
    """The mark stays until everything is tidied up."""
    room.ask()
    first = (room.loras.comfyui or Path()) / "models/loras"
    path = first / f"spyke-{room.versions[0].short}.safetensors"
    path.unlink()
    path.mkdir()

    room.end()
    assert room.marks() == 1

    path.rmdir()
    room.end()
    assert (room.installed(), room.marks()) == (1, 0)


@pytest.mark.parametrize(
    ("most", "epochs", "prompts"),
    [(200, [1, 2, 3], 2), (5, [2, 3], 2), (2, [3], 2), (1, [3], 1)],
)
def test_a_sheet_keeps_to_the_limit(room: Room, most: int, epochs: list[int], prompts: int) -> None:
    """The last epochs are shown, and each prompt once."""
    kept, each = shown(room.versions, [*PROMPTS, PROMPTS[0]], Limits(max_count=most))

    assert [version.epoch for version in kept] == epochs
    assert each == PROMPTS[:prompts]


def test_pictures_keep_to_the_frame() -> None:
    """A training may be larger than a page may."""
    wide = TrainRequest.model_validate(SMALL | {"resolution": 512})

    table = sweep(wide, ["a.safetensors"], PROMPTS, Limits(max_width=300, max_height=768))

    assert (table["width"], table["height"]) == (296, 296)
    assert "checkpoint" not in table
