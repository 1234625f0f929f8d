"""What somebody does first: drops the examples that `init` wrote, as they are."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
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


def test_the_command_in_a_why_works_wherever_a_shell_stands(tmp_path: Path) -> None:
    """As it is printed: nothing but the text itself says which home is meant."""
    desk = DaemonProcess(make_home(tmp_path / "my home"), None)
    desk.drop("bad", "nonsense")
    desk.run("run", "--drain")
    (why,) = (desk.home / "failed").glob("*/why.txt")
    program, *arguments = shlex.split(why.read_text("utf-8").splitlines()[-1])

    environ = {key: value for key, value in os.environ.items() if key != "PLASMA_HOME"}
    subprocess.run(
        [sys.executable, "-m", "plasma_watch", *arguments],
        cwd="/",
        env=environ | {"HOME": str(tmp_path)},
        check=True,
    )

    assert program == "plasma-watch"
    assert (desk.home / "inbox" / "bad.toml").read_text("utf-8") == "nonsense"
