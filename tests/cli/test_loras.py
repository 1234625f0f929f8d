"""`lora list` and `lora choose`, as people call them."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from plasma_watch import toml_text
from plasma_watch.home import Home
from plasma_watch.loras import Loras, Version, changing, digest
from plasma_watch.system.locks import Lock
from tests.cli.conftest import Run
from tests.fakes.weights import lora


@pytest.fixture
def versions(home: Path) -> list[Version]:
    """Two epochs of `spyke`, of which none is chosen."""
    folder = home / "loras" / "spyke"
    folder.mkdir(parents=True)
    found = []
    for epoch in (1, 2):
        path = folder / f"spyke-e{epoch:02d}.safetensors"
        path.write_bytes(lora(seed=epoch))
        found.append(Version(path.name, digest(path), epoch, "20261122T120000-spyke"))
    table = {"kind": "train", "versions": [version.told() for version in found]}
    (folder / "manifest.toml").write_text(toml_text.dumps(table), "utf-8")
    return found


def test_without_a_lora_nothing_is_listed(run: Run) -> None:
    """And that is said."""
    assert run("lora", "list").out == "no LoRA was trained here\n"
    assert run("lora", "list", "spyke").out == "spyke: no version is there\n"
    assert json.loads(run("lora", "list", "--json").out) == {}


def test_a_choice_is_made_shown_and_installed(
    run: Run,
    home: Path,
    versions: list[Version],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the number of an epoch; the list marks it."""
    monkeypatch.setenv("COMFYUI_DIR", str(tmp_path / "comfyui"))
    assert "*" not in run("lora", "list").out

    answer = run("lora", "choose", "spyke", "1")

    short = versions[0].short
    assert answer.code == 0
    assert f"spyke is now epoch 1 ({short})" in answer.out
    assert (tmp_path / "comfyui/models/loras" / f"spyke-{short}.safetensors").is_file()
    lines = run("lora", "list").out.splitlines()
    assert [line[0] for line in lines] == ["*", " "]
    told = json.loads(run("lora", "list", "spyke", "--json").out)["spyke"]
    assert [version["chosen"] for version in told] == [True, False]
    assert Loras(home / "loras", None).chosen("spyke") == versions[0]


def test_without_comfyui_a_choice_is_not_installed(run: Run, versions: list[Version]) -> None:
    """With the key to set."""
    answer = run("lora", "choose", "spyke", versions[1].short)

    assert answer.code == 0
    assert "set comfyui.dir" in answer.out


def test_beside_a_comfyui_the_stand_in_has_it_while_it_is_worked_with(
    run: Run,
    home: Path,
    held: Lock,
    versions: list[Version],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it trained means nothing to ComfyUI; afterwards ComfyUI is meant again."""
    monkeypatch.setenv("COMFYUI_DIR", str(home / "comfyui"))
    told = f"state = 'idle'\npid = {os.getpid()}\nsandbox = true\n"
    (home / "status" / "daemon.toml").write_text(told, "utf-8")
    file = f"models/loras/spyke-{versions[0].short}.safetensors"

    run("lora", "choose", "spyke", "1")
    assert (home / ".plasma" / "sandbox" / file).is_file()
    assert not (home / "comfyui").exists()

    held.release()
    run("lora", "choose", "spyke", "1")
    assert (home / "comfyui" / file).is_file()


def test_in_a_sandbox_a_choice_is_installed_there(
    run: Run, home: Path, versions: list[Version]
) -> None:
    """Where its pages look for it."""
    (home / "status" / "daemon.toml").write_text("sandbox = true\n", "utf-8")

    answer = run("lora", "choose", "spyke", "1")

    file = f"spyke-{versions[0].short}.safetensors"
    assert "not installed" not in answer.out
    assert (home / ".plasma" / "sandbox" / "models" / "loras" / file).is_file()


def test_a_choice_waits_for_who_changes_the_manifest(
    run: Run, home: Path, versions: list[Version]
) -> None:
    """A training that publishes, or another choice: neither loses what the other wrote."""
    path = home / "loras" / "spyke" / "manifest.toml"
    choosing = threading.Thread(target=run, args=("lora", "choose", "spyke", "1"))

    with changing(Home(home)):
        before = path.read_text("utf-8")
        choosing.start()
        choosing.join(0.1)
        path.write_text(f'note = "told meanwhile"\n{before}', "utf-8")
    choosing.join()

    manifest = Loras(home / "loras", None).manifest("spyke")
    assert manifest["note"] == "told meanwhile"
    assert manifest["chosen"]["sha256"] == versions[0].sha256


def test_a_version_that_is_not_there_is_told(run: Run, versions: list[Version]) -> None:
    """Exit code 1, with those that are."""
    answer = run("lora", "choose", "spyke", "7")

    assert answer.code == 1
    assert f"1 ({versions[0].short}), 2 ({versions[1].short})" in answer.err
