"""What is claimed of what the trainer left on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from plasma_watch.train.checkpoints import (
    attempts,
    checkpoints,
    drop_old_states,
    drop_states,
    final,
    is_complete,
    newest_state,
)
from tests.fakes.weights import lora, state


def out(job: Path, attempt: int) -> Path:
    """Return the folder that an attempt of a job wrote to."""
    folder = job / f"attempt-{attempt}" / "out"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_state_is_complete_when_its_last_file_is_there(tmp_path: Path) -> None:
    """And all before it are as long as they must be."""
    assert is_complete(state(tmp_path / "state"))


@pytest.mark.parametrize(
    "missing", ["random_states_0.pkl", "scheduler.bin", "model.safetensors", "optimizer.bin"]
)
def test_a_state_without_one_of_its_files_is_none(tmp_path: Path, missing: str) -> None:
    """The trainer was killed before it wrote it."""
    assert not is_complete(state(tmp_path / "state", without=missing))


@pytest.mark.parametrize(
    "model", [lora(dtype="F32")[:-1], lora(float("nan"), dtype="F32"), b"", b"no weights"]
)
def test_a_state_with_bad_weights_is_none(tmp_path: Path, model: bytes) -> None:
    """Cut, or of a loss that was no number."""
    assert not is_complete(state(tmp_path / "state", model=model))


def test_a_state_whose_optimizer_was_cut_is_none(tmp_path: Path) -> None:
    """F53: its file may still look like an archive; its length tells."""
    assert not is_complete(state(tmp_path / "state", moments=0.95))


def test_the_newest_state_has_the_most_epochs(tmp_path: Path) -> None:
    """Whichever attempt made it; attempts are counted as numbers."""
    for attempt, epochs in ((1, 1), (1, 2), (9, 3), (10, 2)):
        state(out(tmp_path, attempt) / f"spyke-{epochs:06d}-state")

    found = newest_state(tmp_path, "spyke")

    assert found
    assert (found.epochs, found.path.parts[-3:]) == (
        3,
        ("attempt-9", "out", "spyke-000003-state"),
    )


def test_of_the_same_epoch_the_newest_attempt_counts(tmp_path: Path) -> None:
    """It is what the rest was made from."""
    for attempt in (2, 10):
        state(out(tmp_path, attempt) / "spyke-000002-state")

    found = newest_state(tmp_path, "spyke")

    assert found
    assert "attempt-10" in found.path.parts


def test_a_broken_state_gives_way_to_the_one_before(tmp_path: Path) -> None:
    """One epoch is lost, not all."""
    state(out(tmp_path, 1) / "spyke-000001-state")
    state(out(tmp_path, 1) / "spyke-000002-state", without="random_states_0.pkl")

    found = newest_state(tmp_path, "spyke")

    assert found
    assert found.epochs == 1


@pytest.mark.parametrize(
    "name", ["spyke-state", "spyke-step00000004-state", "other-000001-state", "spyke-000001"]
)
def test_other_states_are_not_gone_on_from(tmp_path: Path, name: str) -> None:
    """The last one cannot be, those of steps go wrong."""
    state(out(tmp_path, 1) / name)

    assert newest_state(tmp_path, "spyke") is None


def test_a_job_that_did_nothing_has_no_state(tmp_path: Path) -> None:
    """It begins at the beginning."""
    assert newest_state(tmp_path, "spyke") is None
    assert attempts(tmp_path) == []


def test_only_the_best_states_are_kept(tmp_path: Path) -> None:
    """Over all attempts; each is as large as three LoRAs."""
    for attempt, epochs in ((1, 1), (1, 2), (2, 3)):
        state(out(tmp_path, attempt) / f"spyke-{epochs:06d}-state")

    drop_old_states(tmp_path, "spyke", 2)

    left = sorted(path.name for path in tmp_path.rglob("*-state"))
    assert left == ["spyke-000002-state", "spyke-000003-state"]


def test_in_the_end_no_state_is_kept(tmp_path: Path) -> None:
    """The trainer's last one neither."""
    for name in ("spyke-000001-state", "spyke-state"):
        state(out(tmp_path, 1) / name)

    drop_states(tmp_path)

    assert list(tmp_path.rglob("*-state")) == []


def test_the_checkpoint_of_every_epoch_is_found(tmp_path: Path) -> None:
    """The last one has no number."""
    for name in ("spyke-000001", "spyke-000002", "spyke", "spyke-step00000004", "other"):
        (out(tmp_path, 1) / f"{name}.safetensors").write_bytes(b"x")

    found = checkpoints(tmp_path, "spyke", 3)

    assert {epoch: path.name for epoch, path in found.items()} == {
        1: "spyke-000001.safetensors",
        2: "spyke-000002.safetensors",
        3: "spyke.safetensors",
    }


def test_of_an_epoch_that_was_made_twice_the_later_counts(tmp_path: Path) -> None:
    """The first was not gone on from: its state was not whole."""
    for attempt in (1, 2):
        (out(tmp_path, attempt) / "spyke-000002.safetensors").write_bytes(b"x")

    assert "attempt-2" in checkpoints(tmp_path, "spyke", 3)[2].parts


def test_an_attempt_that_never_wrote_has_none(tmp_path: Path) -> None:
    """Its folder may even be gone."""
    (tmp_path / "attempt-1").mkdir()

    assert checkpoints(tmp_path, "spyke", 3) == {}


def test_the_final_checkpoint_has_the_name_alone(tmp_path: Path) -> None:
    """Neither epoch nor step."""
    assert final(tmp_path / "attempt-2", "spyke").parts[-2:] == ("out", "spyke.safetensors")
