"""What people do with workflows on the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from plasma_watch.status import Board
from plasma_watch.system.locks import Lock
from tests.cli.conftest import Run
from tests.fakes.engine import closed_port
from tests.fakes.exports import exported, ksampler
from tests.sandbox.process import Sandbox, running


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An engine that the commands ask."""
    with running(tmp_path_factory.mktemp("workflows") / "base") as sandbox:
        yield sandbox


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export, as a person saves one."""
    path = tmp_path / "my hero.json"
    path.write_bytes(exported(ksampler()))
    return path


@pytest.fixture
def asked(engine: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The engine, where the config finds it."""
    monkeypatch.setenv("COMFYUI_URL", engine.url)
    return engine


def test_adopt_says_what_it_found(run: Run, home: Path, export: Path) -> None:
    """And what to do next."""
    answer = run("workflow", "adopt", str(export))

    assert answer.code == 0
    assert 'a request says workflow = "my hero"' in answer.out
    assert "    seed: node 3 'KSampler' (seed)" in answer.out
    assert "what could not be placed" not in answer.out
    assert f"plasma-watch workflow check --home {home} 'my hero'\n" in answer.out
    assert (home / "workflows" / "my hero.json").read_bytes() == export.read_bytes()


def test_adopt_tells_programs_the_same(run: Run, export: Path) -> None:
    """Under the name that was asked for."""
    told = json.loads(run("workflow", "adopt", str(export), "--name", "hero", "--json").out)

    assert told["workflow"] == "hero"
    assert any(line.startswith("prompt: ") for line in told["placed"])


def test_adopt_replaces_nothing(run: Run, export: Path) -> None:
    """A name is taken once."""
    run("workflow", "adopt", str(export), "--name", "hero")

    answer = run("workflow", "adopt", str(export), "--name", "hero", "--json")

    assert answer.code == 1
    assert json.loads(answer.out)["error"]["code"] == "workflow.taken"


def test_adopt_takes_an_export_from_below_the_home(run: Run, home: Path, export: Path) -> None:
    """Wherever the shell stands."""
    (home / "hero.json").write_bytes(export.read_bytes())

    assert run("workflow", "adopt", "hero.json").code == 0


def test_adopt_refuses_with_the_reason(run: Run, tmp_path: Path) -> None:
    """A file that is not there, the editor's format, and what no request could fill."""
    editor, shown = tmp_path / "editor.json", tmp_path / "shown.json"
    editor.write_text('{"nodes": [], "links": []}')
    graph = ksampler()
    graph["9"]["class_type"] = "PreviewImage"
    del graph["9"]["inputs"]["filename_prefix"]
    shown.write_bytes(exported(graph))

    answers = [run("workflow", "adopt", str(p), "--json") for p in (tmp_path / "no", editor, shown)]

    codes = [json.loads(answer.out)["error"]["code"] for answer in answers]
    assert codes == ["request.missing-file", "workflow.broken", "workflow.not-adoptable"]


@pytest.mark.parametrize("name", ["a/b", "../a", ".hidden"])
def test_name_stays_in_its_folder(run: Run, export: Path, name: str) -> None:
    """It becomes a file's."""
    assert run("workflow", "adopt", str(export), "--name", name).code == 2


@pytest.mark.usefixtures("asked")
def test_check_says_that_all_is_there(run: Run) -> None:
    """What it needs, by name."""
    answer = run("workflow", "check", "txt2img-lora-controlnet")

    assert answer.code == 0
    assert answer.out.startswith("txt2img-lora-controlnet: ready\n")
    assert "ControlNetApplyAdvanced" in answer.out
    assert "controlnet/control_v11p_sd15_openpose.pth" in answer.out
    assert "can be left out    lora, controlnet" in answer.out


@pytest.mark.usefixtures("asked")
def test_check_says_what_is_lacking(run: Run, tmp_path: Path) -> None:
    """A node with its pack, a model with its folder; what a request names anew is no lack."""
    graph = ksampler()
    graph["4"]["inputs"]["ckpt_name"] = "gone.safetensors"
    graph["20"] = {
        "class_type": "LoraLoader",
        "inputs": {
            "model": ["4", 0],
            "clip": ["4", 1],
            "lora_name": "mara.safetensors",
            "strength_model": 1.0,
            "strength_clip": 1.0,
        },
    }
    graph["21"] = {"class_type": "DWPreprocessor", "inputs": {}}
    graph["3"]["inputs"]["model"] = ["20", 0]
    (tmp_path / "hero.json").write_bytes(exported(graph))
    run("workflow", "adopt", str(tmp_path / "hero.json"))

    answer, told = run("workflow", "check", "hero"), run("workflow", "check", "hero", "--json")

    assert answer.code == told.code == 1
    assert "not ready" in answer.out
    assert "comfyui_controlnet_aux" in answer.out
    facts = json.loads(told.out)
    assert {lack["code"] for lack in facts["lacks"]} == {
        "engine.missing-node",
        "engine.missing-model",
    }
    assert [problem["field"] for problem in facts["asked"]] == ["lora.name"]
    assert "a request names its own: lora.name is 'mara.safetensors'" in answer.out


@pytest.mark.usefixtures("asked")
def test_list_says_of_each_whether_it_is_ready(run: Run, home: Path) -> None:
    """A broken one too."""
    (home / "workflows" / "bad.json").write_text("no json")
    (home / "workflows" / "bad.toml").write_text("")

    answer = run("workflow", "list")

    lines = answer.out.splitlines()
    assert answer.code == 0
    assert "txt2img  ready" in lines
    assert any(line.startswith("bad  broken: ") for line in lines)
    assert "not asked" not in answer.out


@pytest.mark.usefixtures("asked")
def test_a_stand_in_that_answers_is_named(run: Run) -> None:
    """What it has says nothing of ComfyUI's; programs are told too."""
    for command in (("list",), ("check", "txt2img")):
        assert "the stand-in engine was asked" in run("workflow", *command).out
        assert json.loads(run("workflow", *command, "--json").out)["sandbox"] is True


def test_list_needs_no_engine(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that none was asked; check cannot do without."""
    monkeypatch.setenv("COMFYUI_URL", closed_port())

    answer, told = run("workflow", "list"), run("workflow", "list", "--json")

    assert answer.code == 0
    assert "txt2img  not asked" in answer.out.splitlines()
    assert "ComfyUI does not answer" in json.loads(told.out)["engine"]
    assert run("workflow", "check", "txt2img").code == 3


def test_running_daemons_engine_is_asked(
    run: Run, home: Path, engine: Sandbox, held: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which may be the sandbox, on a port that the config does not know."""
    monkeypatch.setenv("COMFYUI_URL", closed_port())
    told = {"reachable": True, "url": engine.url}
    Board(home / "status").daemon({"state": "idle", "pid": os.getpid(), "engine": told})

    assert run("workflow", "check", "txt2img").code == 0
    held.release()
