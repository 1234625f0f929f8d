"""What the doctor says of ComfyUI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from plasma_watch.config import Comfyui, Config, Defaults
from plasma_watch.doctor import engine
from plasma_watch.doctor.engine import Engine, Workflow
from plasma_watch.doctor.line import Colour, Line
from plasma_watch.home import Home
from tests.fakes.comfyui import FakeComfyui
from tests.fakes.engine import STATS, FakeEngine, closed_port, fake_engine
from tests.sandbox.process import Sandbox

MAC = "macOS 15.7"


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    """An engine that says what it is told."""
    with fake_engine() as fake:
        yield fake


def lines(home: Home, system: str = "Linux", **config: object) -> dict[str, Line]:
    """Return the lines on an engine, by what they are about."""
    found = engine.read(home, Config.model_validate(config))
    return {line.what: line for line in engine.judge(found, system)}


def at(url: str, **keys: object) -> Comfyui:
    """Return the config of an engine at an address."""
    return Comfyui.model_validate({"url": url, "required_device": "any"} | keys)


def test_an_engine_with_everything_is_green(home: Home, sandbox: Sandbox) -> None:
    """Its version, its device, and every template."""
    told = lines(home, comfyui=at(sandbox.url))

    assert told["ComfyUI"].colour is told["workflows"].colour is Colour.GREEN
    assert "0.3.64 on cpu" in told["ComfyUI"].said
    assert "txt2img, txt2img-lora" in told["workflows"].said
    assert told["ControlNet-Aux"].colour is Colour.YELLOW


def test_no_engine_is_red(home: Home) -> None:
    """Where it was looked for is told."""
    url = closed_port()

    line = lines(home, comfyui=at(url))["ComfyUI"]

    assert line.colour is Colour.RED
    assert line.said == f"ComfyUI does not answer at {url}"


def test_something_else_at_its_address_is_red(home: Home, fake: FakeEngine) -> None:
    """It is told what was found."""
    fake.says("/system_stats", ["a to-do list"])

    line = lines(home, comfyui=at(fake.url))["ComfyUI"]

    assert line.colour is Colour.RED
    assert "is not ComfyUI" in line.said


def test_an_engine_on_the_cpu_is_red_where_metal_is_required(home: Home, fake: FakeEngine) -> None:
    """A silent fall to the processor takes an hour for a page."""
    line = lines(home, comfyui=at(fake.url, required_device="mps"))["ComfyUI"]

    assert line.colour is Colour.RED
    assert "runs on cpu; mps is required" in line.said
    assert line.repair


def test_an_engine_on_metal_without_its_flags_is_red(home: Home, fake: FakeEngine) -> None:
    """Pictures would come out black."""
    stats = deepcopy(STATS)
    stats["devices"][0]["type"] = "mps"
    stats["system"]["pytorch_version"] = "2.8.0"
    fake.says("/system_stats", stats)

    told = lines(home, MAC, comfyui=at(fake.url, required_device="mps"))

    assert "without --force-fp16 and --fp32-vae" in told["ComfyUI"].said
    assert told["ComfyUI's PyTorch"].colour is Colour.YELLOW


def test_a_missing_model_is_red(home: Home, sandbox: Sandbox) -> None:
    """The one that the config names; the nearest is given."""
    defaults = Defaults(checkpoint="anything-v5-PrtRF.safetensors")

    told = lines(home, comfyui=at(sandbox.url), defaults=defaults)

    line = told["workflow txt2img"]
    assert line.colour is Colour.RED
    assert "anything-v5-PrtRF.safetensors" in line.said
    assert "Did you mean" in line.repair


def test_a_missing_node_is_red(home: Home, sandbox: Sandbox) -> None:
    """With the pack that brings it, where the slot map says so."""
    change(home, "txt2img", "EmptyLatentImage", "EmptyLatentPage")

    told = lines(home, comfyui=at(sandbox.url))

    assert told["workflow txt2img"].colour is Colour.RED
    assert "'EmptyLatentPage'" in told["workflow txt2img"].said
    assert "txt2img-lora" in told["workflows"].said
    assert "txt2img," not in told["workflows"].said


def test_a_missing_node_of_an_optional_part_is_worth_knowing(home: Home, sandbox: Sandbox) -> None:
    """Pages without that part can be made."""
    change(home, "txt2img-lora", "LoraLoader", "LoraLoaderOfTomorrow")

    told = lines(home, comfyui=at(sandbox.url))

    assert told["workflow txt2img-lora"].colour is Colour.YELLOW
    assert "LoraLoaderOfTomorrow" in told["workflow txt2img-lora"].said


def change(home: Home, name: str, old: str, new: str) -> None:
    """Give a template another node."""
    path = home.root / "workflows" / f"{name}.json"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def test_a_broken_template_is_red(home: Home, sandbox: Sandbox) -> None:
    """It refuses its own pages alone."""
    (home.root / "workflows" / "txt2img.json").write_text("{", "utf-8")

    told = lines(home, comfyui=at(sandbox.url))

    assert told["workflow txt2img"].colour is Colour.RED
    assert told["workflows"].colour is Colour.GREEN


def test_an_engine_of_our_own_need_not_run(home: Home, tmp_path: Path) -> None:
    """It is started when a page is due; but what starts it must be there."""
    fake = FakeComfyui(tmp_path / "ComfyUI")
    (fake.folder / "custom_nodes").mkdir()
    ready = lines(home, comfyui=fake.config())["ComfyUI"]
    (fake.folder / "main.py").unlink()

    broken = lines(home, comfyui=fake.config())["ComfyUI"]

    assert ready.colour is Colour.YELLOW
    assert "started when a page is due" in ready.said
    assert broken.colour is Colour.RED


@pytest.mark.parametrize(
    ("extras", "whats"),
    [
        ({}, {"OpenPose"}),
        ({"has_manager": False}, {"OpenPose", "ComfyUI-Manager"}),
        ({"has_manager": True, "has_pose_node": False}, {"OpenPose", "ControlNet-Aux"}),
        ({"controlnets": ("control_v11p_sd15_openpose.pth",), "has_pose_node": True}, set()),
    ],
)
def test_what_pages_can_do_without_is_yellow(extras: dict[str, object], whats: set[str]) -> None:
    """Only where it is known to be missing."""
    found = engine._with(Engine(("u",)), **extras)

    told = list(engine._extras(found))

    assert {line.what for line in told} == whats
    assert {line.colour for line in told} <= {Colour.YELLOW}


def test_the_manager_is_looked_for_in_the_folder(home: Home, tmp_path: Path) -> None:
    """Nobody else tells."""
    nodes = tmp_path / "ComfyUI" / "custom_nodes"
    nodes.mkdir(parents=True)
    comfyui = at(closed_port(), dir=str(nodes.parent))
    assert engine.read(home, Config(comfyui=comfyui)).has_manager is False
    (nodes / "ComfyUI-Manager").mkdir()

    assert engine.read(home, Config(comfyui=comfyui)).has_manager is True


def test_a_problem_is_not_told_twice() -> None:
    """A node that is missing in the page itself is no optional part."""
    missing = Workflow("w", (), ("A", "B"))

    (line,) = engine._template(missing)

    assert json.dumps(line.said).count("A, B") == 1
