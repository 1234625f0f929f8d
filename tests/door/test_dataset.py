"""From one reference sheet to a LoRA, and from one request to a folder of regularization."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from tests.door.process import DaemonProcess, make_home
from tests.fakes import plotting
from tests.fakes.datasets import fill
from tests.fakes.sheets import model_sheet

EXAMPLE = Path(__file__).parents[2] / "examples" / "regularization.toml"
COUNT = 8
"""So many of the example's hundred pictures are made here: the way is the same."""
TRAIN = """
kind = "train"
lora = "spyke"
dataset = "datasets/spyke"
trigger = "spyke"
steps = 30
save_every = 15
resolution = 64
dim = 2
alpha = 2
"""


@pytest.fixture
def desk(tmp_path: Path) -> DaemonProcess:
    """A home without a daemon, with the sandbox at hand."""
    desk = DaemonProcess(make_home(tmp_path / "home"), None)
    config = (desk.home / "config.toml").read_text("utf-8")
    assert "seconds_per_step = 0.05" in config
    quick = config.replace("seconds_per_step = 0.05", "seconds_per_step = 0")
    (desk.home / "config.toml").write_text(quick, "utf-8")
    desk.environ["PYTHONPATH"] = str(plotting.FOLDER)
    return desk


def ran(desk: DaemonProcess, *arguments: str) -> str:
    """Run a command that goes well; return what it prints."""
    done = desk.run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def trained(desk: DaemonProcess, text: str = TRAIN) -> dict[str, object]:
    """Drop a request to train, look after it to its end; return the LoRA's manifest."""
    desk.drop("spyke", text)
    ran(desk, "run", "--sandbox", "--drain")
    return tomllib.loads((desk.home / "loras/spyke/manifest.toml").read_text("utf-8"))


def test_one_sheet_becomes_a_lora(desk: DaemonProcess) -> None:
    """Fifteen pictures and more, which the gate lets pass with the limits as they are."""
    sheet = desk.home / "spyke.png"
    sheet.write_bytes(model_sheet("gradient").png())
    ran(desk, "dataset", "prepare", str(sheet), "--to", "datasets/spyke", "--trigger", "spyke")
    told = json.loads(ran(desk, "dataset", "report", "datasets/spyke", "--json"))

    manifest = trained(desk)

    inputs = manifest["inputs"]
    assert isinstance(inputs, list)
    assert told["good"] is True
    assert len(told["pictures"]) >= 15
    assert desk.told("spyke")["state"] == "done"
    assert json.dumps(manifest).count("sha256") > 0


def test_regularization_goes_the_whole_way(desk: DaemonProcess) -> None:
    """One request makes the pictures, they become a dataset, and a training uses it."""
    fill(desk.home / "datasets" / "spyke")
    text = EXAMPLE.read_text("utf-8")
    assert "count = 100" in text
    small = text.replace("count = 100", f"count = {COUNT}").replace("512", "256")  # painted faster
    desk.drop("regularization", small)
    ran(desk, "run", "--sandbox", "--drain")
    pages = sorted((desk.home / "output" / "regularization").glob("*.png"))

    told = json.loads(
        ran(desk, "dataset", "add", *map(str, pages), "--to", "datasets/reg", "--json")
    )

    members = sorted((desk.home / "datasets" / "reg").glob("*.png"))
    assert len(pages) == len(members) == COUNT
    assert told["skipped"] == []
    assert {picture["made"]["sandbox"] for picture in told["pictures"]} == {True}
    assert {picture["made"]["seed"] for picture in told["pictures"]} == set(
        range(9000, 9000 + COUNT)
    )
    with Image.open(members[0]) as picture:
        assert picture.size == (512, 512)
    trained(desk, f'{TRAIN}regularization = "datasets/reg"\n')
    assert desk.told("spyke")["state"] == "done"
