"""The log looks as Rich makes it look on a pipe, or as plain as the options want it."""

import re
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.sandbox.trainer.console import Console


def console(**given: Any) -> Console:
    """Give a console that was set up."""
    nothing = {"console_log_file": None, "console_log_simple": False, "console_log_level": None}
    made = Console()
    made.set_up(Namespace(**{**nothing, **given}))
    return made


def test_line_has_time_level_text_and_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time only when it is another one than before, the place at the right end."""
    monkeypatch.setenv("COLUMNS", "64")

    console().warning("train_util.py:2167", "no regularization images")

    first, *others = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\d{4}(-\d\d){2} \d\d(:\d\d){2} WARNING  no +train_util.py:2167", first)
    assert [line.split() for line in others] == [["regularization"], ["images"]]
    assert all(len(line) == 64 for line in (first, *others))


def test_width_comes_from_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """80 columns where it says nothing; with 400 no line is broken."""
    widths = {}
    for columns in ("", "400"):
        monkeypatch.setenv("COLUMNS", columns)
        console().info("train_util.py:1", "x" * 90)
        lines = capsys.readouterr().err.splitlines()
        widths[columns] = (len(lines), max(map(len, lines)))

    assert widths[""][1] == 80
    assert widths[""][0] > 1
    assert widths["400"][0] == 1


def test_plain_log_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Without time and level."""
    console(console_log_simple=True).error("train_network.py:576", "No data found.")

    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("No data found.\n", "")


def test_log_goes_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """If one is named."""
    made = console(console_log_file=str(tmp_path / "log"))
    made.info("a.py:1", "学習")
    made._handler.close()

    assert (tmp_path / "log").read_text("utf-8") == "学習\n"
    assert capsys.readouterr().err == ""


def test_level_silences_what_is_below(capsys: pytest.CaptureFixture[str]) -> None:
    """Here all but errors."""
    quiet = console(console_log_level="ERROR", console_log_simple=True)
    quiet.info("a.py:1", "one")
    quiet.warning("a.py:1", "two")
    quiet.error("a.py:1", "three")

    assert capsys.readouterr().out == "three\n"
