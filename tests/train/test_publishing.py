"""A training is published whole, whatever kills the daemon meanwhile: it is all done again."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plasma_watch.config import Kohya
from plasma_watch.control import Stopping
from plasma_watch.line import Ongoing
from plasma_watch.request import TrainRequest
from plasma_watch.train.ending import keep_good, place
from plasma_watch.train.work import Work
from tests.crash.trap import point_of
from tests.fakes.forge import SMALL, Forge

EARLIER = "20261122T120000-spyke"


class Killed(BaseException):
    """Ends what runs, as a kill does: nobody takes it for an error of the disk."""


class Steps:
    """Hears every step that changes a folder. Its state: where that is, how many are let pass."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._left = 0
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._folder and (step := point_of(event, arguments, str(self._folder))):
            self._left -= 1
            if self._left < 0:
                self._folder = None
                raise Killed(step)

    def last(self, deed: Callable[[], object], folder: Path, allowed: int) -> str:
        """Do something, killed after so many steps; return the step it was killed at, if it was."""
        self._folder, self._left = folder, allowed
        try:
            deed()
        except Killed as exc:
            return str(exc)
        finally:
            self._folder = None
        return ""


@pytest.fixture(scope="module")
def steps() -> Steps:
    """One for all: what hears Python's own events hears them for the life of the process."""
    return Steps()


class Second:
    """A second training that is to be published. Its state is what lies on the disk."""

    def __init__(self, forge: Forge, deed: Callable[[Work], object]) -> None:
        self.forge = forge
        self.lora = forge.home.root / "loras" / "spyke"
        forge.train()
        (self.lora / "sheet.png").write_bytes(b"a sheet")
        self.first = forge.loras.chosen("spyke")
        self.before = there(self.lora)
        self.ongoing = trained(forge)
        self._deed = deed
        self._saved = forge.home.root / "saved"
        for name, folder in self._folders():
            shutil.copytree(folder, self._saved / name)

    def _folders(self) -> list[tuple[str, Path]]:
        return [("lora", self.lora), ("job", self.ongoing.folder)]

    def restore(self) -> None:
        """Have it as it was before anything was published."""
        for name, folder in self._folders():
            shutil.rmtree(folder)
            shutil.copytree(self._saved / name, folder)

    def publish(self) -> None:
        """Publish it, as whichever daemon finds it."""
        again = self.forge.again(self.ongoing)
        self._deed(self.forge.kind._prepared(again, TrainRequest.model_validate(SMALL)))


def trained(forge: Forge) -> Ongoing:
    """Return a second job whose training is done, and nothing of it placed."""
    blocked = forge.home.root / "loras" / "spyke"
    aside = blocked.rename(blocked.with_name("aside"))
    blocked.write_bytes(b"in the way")
    forge.patience.on_wait = forge.patience.set
    ongoing = forge.claim(second=1, seed=7)
    with pytest.raises(Stopping):
        forge.run(ongoing)
    blocked.unlink()
    aside.rename(blocked)
    nobody = Kohya(script=forge.config.kohya.script, python="/bin/true", required_device="any")
    forge.config = forge.config.model_copy(update={"kohya": nobody})  # asked for its versions
    return ongoing


def there(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its content, hidden ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(params=[keep_good, place], ids=["failed", "done"])
def second(forge: Forge, request: pytest.FixtureRequest) -> Second:
    """A training that failed with good epochs, or that is done, after one that is chosen."""
    return Second(forge, request.param)


def test_an_earlier_trainings_story_is_kept_whole(second: Second) -> None:
    """Each of its files has its job's name; of a training that failed nothing is chosen."""
    second.publish()

    after = there(second.lora)
    for name, content in second.before.items():
        path = Path(name)
        kept = name if path.suffix == ".safetensors" else f"{path.stem}-{EARLIER}{path.suffix}"
        assert after[kept] == content
    assert after["loss.png"] == (second.ongoing.folder / "loss.png").read_bytes()
    log = second.ongoing.folder / "attempt-1" / "trainer.log"
    assert after["trainer.log"] == log.read_bytes()
    is_failed = second.forge.manifest()["result"]["state"] == "failed"
    assert (second.forge.loras.chosen("spyke") == second.first) is is_failed


def test_a_kill_at_any_step_is_made_good(second: Second, steps: Steps) -> None:
    """The next daemon does it again, and it is as if nothing had been; the name always means one.

    Killed before each file that is written, renamed, linked or removed in the LoRA's folder.
    """
    second.publish()
    undisturbed, meant = there(second.lora), second.forge.loras.chosen("spyke")

    for allowed in itertools.count():
        second.restore()
        step = steps.last(second.publish, second.lora, allowed)
        if not step:
            break
        assert second.forge.loras.chosen("spyke") in (second.first, meant), step
        second.publish()
        assert there(second.lora) == undisturbed, step

    assert allowed > len(undisturbed) - len(second.before)
