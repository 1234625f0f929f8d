"""What is claimed of asking a tool: whatever it does, there is an answer and nothing is raised."""

from __future__ import annotations

from pathlib import Path

from plasma_watch.system import tools


def tool(folder: Path, script: str) -> str:
    """Make a tool that runs a shell script."""
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_what_a_tool_says_is_told(tmp_path: Path) -> None:
    """Both of its voices, and how it ended."""
    answer = tools.ask([tool(tmp_path, "echo a; echo b >&2; exit 3")])

    assert (answer.code, answer.out, answer.err) == (3, "a\n", "b\n")
    assert not answer.is_good


def test_what_is_no_text_is_shown_as_such(tmp_path: Path) -> None:
    """A tool may say anything."""
    answer = tools.ask([tool(tmp_path, r"printf '\377'")])

    assert answer.is_good
    assert answer.out == "\N{REPLACEMENT CHARACTER}"


def test_a_tool_is_never_fed(tmp_path: Path) -> None:
    """One that reads finds the end."""
    assert tools.ask([tool(tmp_path, "cat")]) == tools.Answer(0)


def test_a_tool_that_hangs_is_given_up(tmp_path: Path) -> None:
    """And told by its name."""
    answer = tools.ask([tool(tmp_path, "exec sleep 600")], seconds=0.05)

    assert answer.code is None
    assert "did not answer within 0.05 s" in answer.err


def test_a_tool_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Missing, a folder, or named by what no name can be."""
    for command in ("no-such-tool-anywhere", str(tmp_path), "a\0b"):
        assert tools.ask([command]).code is None
        assert "cannot be run" in tools.ask([command]).err
