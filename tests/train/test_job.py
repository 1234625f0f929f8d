"""The train kind: a request becomes a LoRA, whatever dies in between."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from plasma_watch.config import Kohya, Limits, Memory
from plasma_watch.control import CancelAsked, SetAside, Stopping
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.gate.memory import Never, Start, Wait
from plasma_watch.gate.needs import training_at
from plasma_watch.job import State, Trainer, Training
from plasma_watch.line import Ongoing
from plasma_watch.outputs.weights import read_header
from plasma_watch.request import TrainRequest
from plasma_watch.status import JobStatus
from plasma_watch.system import processes
from plasma_watch.system.locks import is_held
from plasma_watch.train.ending import versions
from tests.fakes.datasets import fill
from tests.fakes.engine import fake_engine
from tests.fakes.forge import BASE, SMALL, Forge
from tests.fakes.weights import packed, weights

FAULT = "PLASMA_SANDBOX_TRAINER_FAULT"


def failed(forge: Forge, **keys: Any) -> PlasmaError:
    """Run a training that fails, and return why."""
    with pytest.raises(PlasmaError) as caught:
        forge.train(**keys)
    return caught.value


STILL_AFTER_SIX = "stall@7"
"""A trainer that stands still when it has made its sixth step of twelve, until it is ended."""


def at_step(forge: Forge, step: int, deed: Callable[[], object]) -> None:
    """Do something, once, as soon as a step is told."""
    done: list[int] = []

    def look(status: JobStatus) -> None:
        if (status.step or 0) >= step and not done:
            done.append(step)
            deed()

    forge.board.on_show = look


# A good end.


def test_a_request_becomes_a_lora(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every epoch lies in its place, the last one is chosen and installed; the losses are drawn."""
    monkeypatch.delenv("PYTHONPATH")
    ending = forge.train()

    versions = forge.loras.versions("spyke")
    last = versions[-1]
    assert ending.state is State.DONE
    assert ending.why == (f"loras/spyke/{last.file} is the last of 3 epochs, chosen and installed")
    assert [version.epoch for version in versions] == [1, 2, 3]
    assert forge.loras.chosen("spyke") == last
    assert forge.installed() == [f"spyke-{last.short}.safetensors"]
    assert forge.files() == sorted(
        [*(version.file for version in versions), "loss.png", "manifest.toml", "trainer.log"]
    )
    with Image.open(forge.home.root / "loras/spyke/loss.png") as drawn:
        assert drawn.size == (800, 500)
    comment = read_header(forge.comfyui / "models" / "loras" / forge.installed()[0]).metadata
    assert comment["ss_training_comment"] == "plasma-watch 20261122T120000-spyke"


def test_the_manifest_tells_how_it_was_made(forge: Forge) -> None:
    """It is a request itself: dropped again, it trains the same again."""
    forge.train(note="white cloak")
    manifest = forge.manifest()

    request = TrainRequest.model_validate(manifest)
    assert (request.base, request.seed, request.note) == (BASE, 42, "white cloak")
    result = manifest["result"]
    assert (result["state"], result["steps"], result["epochs"]) == ("done", 12, 3)
    assert result["sandbox"] is True
    assert result["attempts"] == 1
    assert result["device"]
    recipe = manifest["recipe"]
    assert (recipe["images"], recipe["repeats"], recipe["steps_an_epoch"]) == (4, 1, 4)
    assert recipe["mixed_precision"] == "no"
    assert not any("/" in str(value) for value in recipe.values())
    assert [item["name"] for item in manifest["inputs"]] == [
        f"datasets/spyke/p{n}.png" for n in (1, 2, 3, 4)
    ]
    assert all(len(item["sha256"]) == 64 for item in [*manifest["inputs"], *manifest["models"]])
    assert manifest["engine"]["python"] == sys.version.split()[0]
    assert manifest["daemon"] == {
        "version": "0.1.0",
        "host": "forge",
        "job": "20261122T120000-spyke",
    }
    assert [version["steps"] for version in manifest["versions"]] == [4, 8, 12]
    assert all("loss" in version for version in manifest["versions"])
    assert manifest["chosen"]["epoch"] == 3


def test_only_logs_and_history_stay_in_the_jobs_folder(forge: Forge) -> None:
    """Copy, states and checkpoints are as large as the LoRA many times over."""
    ongoing = forge.claim()

    forge.run(ongoing)

    assert sorted(str(p.relative_to(ongoing.folder)) for p in ongoing.folder.rglob("*")) == [
        "attempt-1",
        "attempt-1/dataset.toml",
        "attempt-1/train.toml",
        "attempt-1/trainer.log",
        "history.jsonl",
        "job.toml",
        "loss.png",
        "spyke.toml",
    ]
    assert ongoing.job.outputs()[-2:] == ["loras/spyke/manifest.toml", "loras/spyke/loss.png"]


def test_what_is_told_while_it_runs(forge: Forge) -> None:
    """From the dataset to the last step, with the real totals."""
    forge.train()

    told = [status.why for status in forge.board.told]
    assert told[0] == "reads the dataset"
    assert any(why.startswith("epoch 2 of 3, step ") for why in told)
    steps = [status.step for status in forge.board.told if status.step]
    assert steps == sorted(steps)
    assert steps[-1] == 12
    assert {status.steps for status in forge.board.told if status.steps} == {12}
    assert "running epoch 1 of 3 is whole" in " ".join(forge.log())


def test_a_second_training_leaves_the_first_alone(forge: Forge) -> None:
    """Its checkpoints stay, its manifest moves aside; the new one is chosen."""
    forge.train()
    before = {name: (forge.home.root / "loras/spyke" / name).read_bytes() for name in forge.files()}

    forge.train(second=1, seed=7)

    after = forge.files()
    kept = [name for name in before if name.endswith(".safetensors")]
    assert all(
        (forge.home.root / "loras/spyke" / name).read_bytes() == before[name] for name in kept
    )
    assert {
        "manifest-20261122T120000-spyke.toml",
        "loss-20261122T120000-spyke.png",
        "trainer-20261122T120000-spyke.log",
    } <= set(after)
    assert forge.manifest()["daemon"]["job"] == "20261122T120001-spyke"
    assert len(forge.loras.versions("spyke")) == 6
    assert len(forge.installed()) == 2


def test_nobody_else_changes_the_manifest_while_it_is_written(forge: Forge) -> None:
    """A choice that is made meanwhile waits, and is not lost."""
    lock, held = forge.home.private / "loras.lock", []
    pipe = forge.home.root / "loras/spyke/.manifest.toml.tmp"
    pipe.parent.mkdir()
    os.mkfifo(pipe)

    def look() -> None:
        until = time.monotonic() + 10
        while not is_held(lock) and time.monotonic() < until:
            time.sleep(0.01)
        held.append(is_held(lock))
        pipe.open("rb").close()  # until then it cannot be written; then the disk refuses, once

    looking = threading.Thread(target=look)
    looking.start()
    forge.train(steps=4, save_every=4)
    looking.join()

    assert held == [True]
    assert forge.manifest()["chosen"]["epoch"] == 1
    assert not is_held(lock)


def test_regularization_is_trained_on_too(forge: Forge) -> None:
    """It doubles the steps of an epoch, and the totals say so."""
    fill(forge.home.root / "datasets" / "girls", 2, trigger="a girl")

    forge.train(regularization="datasets/girls", steps=8, save_every=8)

    recipe = forge.manifest()["recipe"]
    assert (recipe["regularization_images"], recipe["steps_an_epoch"], recipe["steps"]) == (2, 8, 8)
    assert len(forge.manifest()["inputs"]) == 6


# Refused before anything starts.


def test_a_bad_dataset_starts_nothing(forge: Forge) -> None:
    """Everything wrong with it is told; the trainer never ran."""
    (forge.dataset / "p1.txt").unlink()
    (forge.dataset / "p2.txt").write_text("a girl")
    ongoing = forge.claim()

    with pytest.raises(PlasmaError) as caught:
        forge.run(ongoing)

    assert [p.code for p in caught.value.problems] == [
        Code.DATASET_NO_CAPTION,
        Code.DATASET_NO_TRIGGER,
    ]
    assert not (ongoing.folder / "attempt-1").exists()
    forge.kind.abandon(ongoing.job)
    assert not (ongoing.folder / "dataset").exists()


def test_a_dataset_that_never_came_is_told(forge: Forge) -> None:
    """It might have come with its turn."""
    assert failed(forge, dataset="datasets/none").code is Code.DATASET_MISSING


@pytest.mark.parametrize("content", [None, b"", weights({"x": ("F16", packed("F16", 1.0))})[:-1]])
def test_a_base_that_is_not_whole_is_told(forge: Forge, content: bytes | None) -> None:
    """Before the trainer spends half a minute on it."""
    base = forge.comfyui / "models" / "checkpoints" / BASE
    base.unlink() if content is None else base.write_bytes(content)

    error = failed(forge)

    assert error.code is Code.TRAINER_NO_BASE
    assert BASE in error.message


def test_a_training_that_would_be_too_long_is_told(tmp_path: Path) -> None:
    """Its epochs become steps only when the pictures are counted."""
    forge = Forge(tmp_path, limits=Limits(min_images=2, max_train_steps=10))

    asked = {key: value for key, value in SMALL.items() if key != "steps"} | {"epochs": 3}
    with pytest.raises(PlasmaError, match="makes 12 steps; at most 10") as caught:
        forge.kind.run(forge.claim(), TrainRequest.model_validate(asked))

    assert caught.value.code is Code.REQUEST_OVER_LIMIT


def test_a_trainer_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    """Its Python is not there."""
    kohya = Kohya(script="/none/train_network.py", python="/none/python", required_device="any")
    forge = Forge(tmp_path, kohya=kohya)

    assert failed(forge).code is Code.TRAINER_NOT_CONFIGURED


# What the trainer does to itself.


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("nan@9", Code.TRAINER_NAN),
        ("inf@9", Code.TRAINER_NAN),
        ("zero", Code.TRAINER_LEARNED_NOTHING),
        ("no-data", Code.TRAINER_NO_DATA),
        ("crash@model:ImportError: No module", Code.TRAINER_MISSING_PART),
        ("crash@dataset:AssertionError: resolution is required", Code.TRAINER_REFUSED),
    ],
)
def test_what_would_end_the_same_again_fails_at_once(
    forge: Forge, monkeypatch: pytest.MonkeyPatch, fault: str, code: Code
) -> None:
    """One attempt, and nobody left."""
    monkeypatch.setenv(FAULT, fault)
    ongoing = forge.claim()

    with pytest.raises(PlasmaError) as caught:
        forge.run(ongoing)

    assert caught.value.code is code
    assert ongoing.job.training
    assert ongoing.job.training.attempt == 1
    assert forge.installed() == []


def test_nan_keeps_the_good_epochs(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    """F56: two of three were whole before it; none is chosen by itself."""
    monkeypatch.setenv(FAULT, "nan@10")

    error = failed(forge)

    versions = forge.loras.versions("spyke")
    assert error.code is Code.TRAINER_NAN
    assert [version.epoch for version in versions] == [1, 2]
    assert f"lora choose spyke {versions[-1].short}" in error.hint
    assert forge.manifest()["result"]["state"] == "failed"
    assert forge.loras.chosen("spyke") is None


@pytest.mark.parametrize(
    ("fault_", "code"),
    [
        ("kill@6", Code.TRAINER_KILLED),
        ("kill@6:15", Code.TRAINER_KILLED),
        ("oom@6", Code.TRAINER_OUT_OF_MEMORY),
        ("alloc", Code.TRAINER_OUT_OF_MEMORY),
        ("crash@6:RuntimeError: Metal says no", Code.TRAINER_CRASHED),
        ("exit@6:0", Code.TRAINER_NO_RESULT),
        ("exit@end:3", Code.TRAINER_CRASHED),
        ("truncated", Code.TRAINER_BROKEN_FILE),
        ("disk-full", Code.TRAINER_CRASHED),
        ("kill@state", Code.TRAINER_KILLED),
        ("kill@saving", Code.TRAINER_KILLED),
        ("orphan:60,kill@6", Code.TRAINER_KILLED),
        ("garbage@3,kill@6", Code.TRAINER_KILLED),
    ],
)
def test_what_may_go_well_the_next_time_is_tried_again(
    forge: Forge, fault: pytest.MonkeyPatch, fault_: str, code: Code
) -> None:
    """From the last whole epoch; the end is as if nothing had been."""
    fault.setenv(FAULT, fault_)

    ending = forge.train()

    assert ending.state is State.DONE
    assert any(f"({code})" in line for line in forge.log())
    assert [version.epoch for version in forge.loras.versions("spyke")] == [1, 2, 3]
    assert forge.manifest()["result"]["attempts"] == 2


def test_a_training_that_never_gets_on_is_set_aside(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After as many attempts as are allowed."""
    monkeypatch.setenv(FAULT, "kill@2")
    ongoing = forge.claim()

    with pytest.raises(PlasmaError) as caught:
        forge.run(ongoing)

    assert caught.value.code is Code.TRAINER_KILLED
    assert ongoing.job.failures == 3
    assert ongoing.job.training
    assert ongoing.job.training.attempt == 3


def test_a_training_that_gets_on_has_all_its_attempts_again(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in every run, after one more epoch each time, it still comes to its end."""
    monkeypatch.setenv(FAULT, "kill@6")

    ending = forge.train(steps=20)

    assert ending.state is State.DONE
    assert forge.manifest()["result"]["attempts"] == 5
    assert [line.split(":")[0] for line in forge.log() if "failed" in line] == [
        "attempt 1 of 3 failed"
    ] * 4


def test_steps_are_counted_right_over_all_attempts(forge: Forge, fault: pytest.MonkeyPatch) -> None:
    """Each step is in the history once more only where an epoch was begun anew."""
    fault.setenv(FAULT, "kill@6")
    ongoing = forge.claim()

    forge.run(ongoing)

    text = (ongoing.folder / "attempt-2" / "train.toml").read_text()
    assert tomllib.loads(text)["initial_epoch"] == 2
    assert tomllib.loads(text)["resume"].endswith("attempt-1/out/spyke-000001-state")
    metadata = [
        read_header(forge.home.root / "loras/spyke" / version.file).metadata["ss_steps"]
        for version in forge.loras.versions("spyke")
    ]
    assert metadata == ["4", "4", "8"]  # its own count begins anew in every run
    assert [version["steps"] for version in forge.manifest()["versions"]] == [4, 8, 12]


def test_a_silent_trainer_is_ended(tmp_path: Path, fault: pytest.MonkeyPatch) -> None:
    """F52: it holds its pipes open and says nothing."""
    kohya = Forge(tmp_path / "x").config.kohya.model_copy(update={"quiet_minutes": 0.05})
    forge = Forge(tmp_path / "y", kohya=kohya)
    fault.setenv(FAULT, "stall@6")

    assert forge.train().state is State.DONE

    assert any(f"({Code.TRAINER_STALLED})" in line for line in forge.log())
    assert forge.trainers() == []


def test_another_device_ends_it_before_the_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fall to the CPU costs days, and says nothing."""
    kohya = Forge(tmp_path / "x").config.kohya.model_copy(update={"required_device": "mps"})
    forge = Forge(tmp_path / "y", kohya=kohya)
    monkeypatch.setenv(FAULT, "device:cpu,stall@model:30")
    ongoing = forge.claim()

    with pytest.raises(PlasmaError) as caught:
        forge.run(ongoing)

    assert caught.value.code is Code.TRAINER_CPU_FALLBACK
    log = (ongoing.folder / "attempt-1" / "trainer.log").read_text()
    assert "loading u-net" not in log
    assert forge.trainers() == []


def test_a_full_disk_is_waited_for_between_two_epochs(
    forge: Forge, fault: pytest.MonkeyPatch
) -> None:
    """An epoch was gained, so it counts as no failure."""
    fault.setenv(FAULT, "disk-full@saving#2")

    assert forge.train().state is State.DONE

    assert "disk.short" in forge.board.codes()
    assert not any("failed" in line for line in forge.log())


# What others do to it.


@pytest.mark.parametrize("step", [1, 6, 12])
def test_a_cancel_leaves_nobody(forge: Forge, fault: pytest.MonkeyPatch, step: int) -> None:
    """In the first step, in an epoch, in the last; there the trainer takes its time to save."""
    fault.setenv(FAULT, "stall@final")
    ongoing = forge.claim()
    at_step(forge, step, lambda: forge.control.cancel(ongoing.job.id))

    with pytest.raises(CancelAsked):
        forge.run(ongoing)
    forge.kind.abandon(ongoing.job)

    assert forge.trainers() == []
    assert not list(ongoing.folder.glob("attempt-*/out"))
    assert forge.files() == []


@pytest.mark.parametrize("phase", ["reads the dataset", "the trainer starts", "the trainer saves"])
def test_a_cancel_in_any_phase_leaves_nobody(
    forge: Forge, fault: pytest.MonkeyPatch, phase: str
) -> None:
    """Also before the first step, and while it saves."""
    fault.setenv(FAULT, "stall@final")
    ongoing = forge.claim()

    def look(status: JobStatus) -> None:
        if status.why.startswith(phase):
            forge.control.cancel(ongoing.job.id)

    forge.board.on_show = look
    with pytest.raises(CancelAsked):
        forge.run(ongoing)

    assert forge.trainers() == []


def test_a_stop_ends_the_trainer_and_costs_no_attempt(
    forge: Forge, fault: pytest.MonkeyPatch
) -> None:
    """The next daemon goes on from the last whole epoch."""
    fault.setenv(FAULT, STILL_AFTER_SIX)
    ongoing = forge.claim()
    at_step(forge, 6, forge.patience.set)
    with pytest.raises(Stopping):
        forge.run(ongoing)
    assert forge.trainers() == []
    assert ongoing.job.failures == 0
    forge.board.on_show = lambda _: None
    fault.delenv(FAULT)

    ending = forge.run(forge.again(ongoing))

    assert ending.state is State.DONE
    assert [version["steps"] for version in forge.manifest()["versions"]] == [4, 8, 12]


def test_a_training_steps_aside_at_the_end_of_an_epoch(
    forge: Forge, fault: pytest.MonkeyPatch
) -> None:
    """If it may, and somebody urgent waits; then it goes on and loses nothing."""
    fault.setenv(FAULT, STILL_AFTER_SIX)
    ongoing = forge.claim(yield_to_urgent=True)
    forge.urgent_waits = True
    with pytest.raises(SetAside):
        forge.run(ongoing)
    assert forge.trainers() == []
    assert ongoing.job.failures == 0
    forge.urgent_waits = False
    fault.delenv(FAULT)

    assert forge.run(ongoing).state is State.DONE

    text = (ongoing.folder / "attempt-2" / "train.toml").read_text()
    assert tomllib.loads(text)["initial_epoch"] == 2


def test_a_training_steps_aside_only_if_it_was_asked_to(forge: Forge) -> None:
    """The default is to come to its end."""
    forge.urgent_waits = True

    assert forge.train().state is State.DONE


def test_a_folder_that_is_taken_away_ends_it(forge: Forge, fault: pytest.MonkeyPatch) -> None:
    """Somebody threw the job away in Finder."""
    fault.setenv(FAULT, STILL_AFTER_SIX)
    ongoing = forge.claim()
    at_step(forge, 6, lambda: ongoing.folder.rename(forge.home.root / "thrown-away"))

    assert forge.run(ongoing).state is State.CANCELLED

    assert forge.trainers() == []


# After a death.


@pytest.fixture
def orphan(forge: Forge) -> Iterator[Ongoing]:
    """A job whose daemon died: its trainer works on, in its second epoch."""
    ongoing = forge.claim(steps=2000, save_every=1000)
    at_step(forge, 2, forge.patience.set)
    with pytest.raises(Stopping):
        forge.run(ongoing)
    forge.board.on_show = lambda _: None
    settings = ongoing.folder / "attempt-1" / "train.toml"
    command = [sys.executable, forge.config.kohya.script, "--config_file", str(settings)]
    environ = os.environ | {"PLASMA_SANDBOX_SECONDS_PER_STEP": "1"}
    trainer = subprocess.Popen(
        command,
        env=environ,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    written = processes.written_down(trainer.pid)
    assert written
    forge.change(ongoing, trainer=Trainer(written.pid, written.mark, written.command))
    yield ongoing
    trainer.kill()
    trainer.wait()


@pytest.mark.parametrize("was_written_down", [True, False])
def test_an_orphan_is_ended_before_anything_else(
    forge: Forge, orphan: Ongoing, *, was_written_down: bool
) -> None:
    """Whether or not the daemon lived to write it down."""
    assert len(forge.trainers()) == 1
    if not was_written_down:
        forge.change(orphan, trainer=None)

    forge.again(orphan)
    forge.kind.end_orphan(orphan.job)

    assert forge.trainers() == []


def test_a_job_that_is_abandoned_leaves_no_orphan(forge: Forge, orphan: Ongoing) -> None:
    """It was cancelled while no daemon looked."""
    forge.kind.abandon(orphan.job)

    assert forge.trainers() == []
    assert not list(orphan.folder.glob("attempt-*/out"))


def test_a_trained_lora_is_placed_by_the_next_daemon(forge: Forge) -> None:
    """The daemon died between the trainer's good end and the LoRA's place."""
    ongoing = trained(forge)
    assert ongoing.job.training
    assert ongoing.job.training.is_trained

    again = forge.again(ongoing)
    ending = forge.run(again)

    assert ending.state is State.DONE
    assert again.job.training
    assert again.job.training.attempt == 1


def test_what_lies_in_its_place_is_not_placed_again(forge: Forge) -> None:
    """The daemon died between the place and the end."""
    ongoing = forge.claim()
    before = forge.run(ongoing)
    manifest = (forge.home.root / "loras/spyke/manifest.toml").read_bytes()

    assert forge.run(forge.again(ongoing)) == before

    assert (forge.home.root / "loras/spyke/manifest.toml").read_bytes() == manifest


def test_what_was_resolved_once_stands(forge: Forge, fault: pytest.MonkeyPatch) -> None:
    """Another default in the config changes nothing of a job that was begun."""
    fault.setenv(FAULT, STILL_AFTER_SIX)
    ongoing = forge.claim()
    at_step(forge, 6, forge.patience.set)
    with pytest.raises(Stopping):
        forge.run(ongoing)
    forge.board.on_show = lambda _: None
    fault.delenv(FAULT)
    (forge.dataset / "p1.png").unlink()
    defaults = forge.config.defaults.model_copy(update={"checkpoint": "other.safetensors"})
    forge.config = forge.config.model_copy(update={"defaults": defaults})

    forge.run(forge.again(ongoing))

    manifest = forge.manifest()
    assert manifest["base"] == BASE
    assert manifest["recipe"]["images"] == 4


# What comes out, and what does not.


def test_a_lora_whose_checkpoints_are_gone_is_told(forge: Forge) -> None:
    """Somebody tidied up in the job's folder."""
    ongoing = trained(forge)
    for path in ongoing.folder.glob("attempt-*/out/*.safetensors"):
        path.unlink()

    with pytest.raises(PlasmaError) as caught:
        forge.run(forge.again(ongoing))

    assert caught.value.code is Code.TRAINER_NO_RESULT


def test_a_checkpoint_that_is_not_good_is_left_out(forge: Forge) -> None:
    """With the reason; the others are placed."""
    ongoing = trained(forge)
    first = next(ongoing.folder.glob("attempt-*/out/spyke-000001.safetensors"))
    first.write_bytes(first.read_bytes()[:-1])

    forge.run(forge.again(ongoing))

    assert [version.epoch for version in forge.loras.versions("spyke")] == [2, 3]
    assert any("warning: not kept: spyke-000001.safetensors has" in line for line in forge.log())


def test_epochs_that_cannot_be_kept_do_not_hide_why_it_failed(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk refuses; the training failed for another reason."""
    (forge.home.root / "loras" / "spyke").write_bytes(b"in the way")
    monkeypatch.setenv(FAULT, "nan@6")

    error = failed(forge)

    assert error.code is Code.TRAINER_NAN
    assert "Kept" not in error.hint


def test_a_file_that_is_not_there_is_not_put_beside(forge: Forge) -> None:
    """A LoRA without its picture is as good."""
    ongoing = trained(forge)
    (ongoing.folder / "loss.png").unlink()

    assert forge.run(forge.again(ongoing)).state is State.DONE

    assert "loss.png" not in forge.files()
    assert "loras/spyke/loss.png" not in forge.again(ongoing).job.outputs()


def test_a_trainer_that_does_not_say_what_it_carries_is_no_loss(tmp_path: Path) -> None:
    """Its versions are left out of the manifest."""
    assert versions(tmp_path / "none") == {}
    assert versions(Path("/bin/true")) == {}


def trained(forge: Forge) -> Ongoing:
    """Return a job whose training is done, and nothing of it placed."""
    ongoing = forge.claim()
    blocked = forge.home.root / "loras" / "spyke"
    blocked.write_bytes(b"in the way")
    forge.patience.on_wait = forge.patience.set
    with pytest.raises(Stopping):
        forge.run(ongoing)
    blocked.unlink()
    forge.patience.on_wait = lambda: None
    return ongoing


# Calibrating.


def test_a_calibration_says_how_long_the_whole_will_take(forge: Forge) -> None:
    """Measured over its steps; what it trained is thrown away."""
    ongoing = forge.claim(steps=1000, save_every=200, calibrate=10)

    ending = forge.run(ongoing)

    assert ending.state is State.DONE
    assert "s/step on " in ending.why
    assert "1000 steps take about " in ending.why
    assert "(heat included, x1.4)" in ending.why
    assert forge.files() == []
    assert forge.installed() == []
    assert ongoing.job.outputs() == []


def test_a_calibration_that_is_too_short_says_so(forge: Forge) -> None:
    """The first steps tell nothing of the pace."""
    assert "too few to tell" in forge.train(calibrate=2).why


def test_what_it_took_is_learned(forge: Forge) -> None:
    """The next training of that size needs what this one took."""
    forge.needs.learn(training_at(64), 1)

    forge.train(calibrate=10)

    assert forge.needs.of(training_at(64), 0) >= 1


# May it start?


def test_a_free_machine_lets_it_start(forge: Forge) -> None:
    """The stand-in takes no machine."""
    assert forge.kind.gate(is_waiting=False) == Start(is_heavy=False)
    assert not forge.kind.is_heavy()


def test_a_real_trainer_needs_memory(tmp_path: Path) -> None:
    """More than there is, or than there ever will be."""
    kohya = Kohya(script="/x/train_network.py", python="/x/python")
    forge = Forge(tmp_path, kohya=kohya, memory=Memory(train_gb=100_000, reserve_gb=0))

    verdict = forge.kind.gate(is_waiting=False)

    assert forge.kind.is_heavy()
    assert isinstance(verdict, Never)
    assert verdict.code is Code.MEMORY_NEVER_FITS


def test_prompts_in_comfyui_are_waited_for(tmp_path: Path) -> None:
    """They are told whose they are, and never interrupted."""
    with fake_engine() as engine:
        forge = Forge(tmp_path, engine.url)
        item = [1, "theirs", {}, {"client_id": "krita"}, []]
        engine.says("/queue", {"queue_running": [item], "queue_pending": [item]})

        verdict = forge.kind.gate(is_waiting=False)

        assert isinstance(verdict, Wait)
        assert verdict.code is Code.ENGINE_BUSY
        assert "2 prompts not ours (of krita)" in verdict.why
        assert not any(path == "/interrupt" for path, _ in engine.asked)


def test_comfyui_lets_go_of_its_models_before_a_training(tmp_path: Path) -> None:
    """It would hold what the trainer needs."""
    with fake_engine() as engine:
        forge = Forge(tmp_path, engine.url)

        forge.train(calibrate=3)

        asked = [path for path, _ in engine.asked if path.endswith("/free")]
        assert asked == ["POST /free"] * 2  # the wish can get lost, so it is said twice


def test_a_queue_that_cannot_be_read_is_waited_for(tmp_path: Path) -> None:
    """Nobody knows what runs there."""
    with fake_engine() as engine:
        forge = Forge(tmp_path, engine.url)
        engine.says("/queue", b"not JSON")

        verdict = forge.kind.gate(is_waiting=False)

        assert isinstance(verdict, Wait)
        assert verdict.code is Code.ENGINE_BUSY


def test_a_begun_training_waits_for_room(tmp_path: Path) -> None:
    """Its status says for what; a stop is heard meanwhile."""
    with fake_engine() as engine:
        forge = Forge(tmp_path, engine.url)
        engine.running = ["theirs"]
        forge.patience.on_wait = lambda: (
            forge.patience.set() if "engine.busy" in forge.board.codes() else None
        )
        ongoing = forge.claim()

        with pytest.raises(Stopping):
            forge.run(ongoing)

        assert ongoing.job.training == Training()
        assert forge.board.codes() == ["engine.busy"]
