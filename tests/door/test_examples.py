"""What somebody does first: drops the examples that `init` wrote, as they are."""

from __future__ import annotations

from pathlib import Path

from tests.door.process import DaemonProcess, make_home

FIRST = ("first-page", "from-a-sketch", "posed-page")


def test_examples_are_made_as_they_are(tmp_path: Path) -> None:
    """The pictures that they name are there; a training says what has to be put where."""
    desk = DaemonProcess(make_home(tmp_path / "home"), None)
    examples = [f"examples/{name}.toml" for name in (*FIRST, "train-spyke")]

    assert desk.run("submit", *examples).returncode == 0
    desk.run("run", "--sandbox", "--drain")

    assert {name: desk.told(name)["state"] for name in FIRST} == dict.fromkeys(FIRST, "done")
    error = desk.told("train-spyke")["error"]
    assert error["message"] == "the dataset cannot be read: datasets/spyke is not there"
    assert "plasma-watch dataset prepare" in error["hint"]
