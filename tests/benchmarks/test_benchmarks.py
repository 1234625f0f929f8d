"""Each benchmark runs and says what its floor and its goal are; how fast it is is not asked here.

Those that start daemons are run with the least that they can do.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks import cold, drops, folders, idle, line, pages, processes, trainer_log
from benchmarks.results import Result
from benchmarks.running import BENCHMARKS, Benchmark

needs_proc = pytest.mark.skipif(
    sys.platform != "linux", reason="reads what a process takes in /proc"
)


def goals(results: list[Result]) -> dict[str, str]:
    """Return the goal of each figure, and make sure of its floor."""
    assert [each.what for each in results if each.floor is None] == []
    return {each.what: str(each.goal or "") for each in results}


def test_pages_are_held_against_a_bare_client() -> None:
    """A drop against a bare listener."""
    results = pages.measure(4)

    assert goals(results) == {
        "engine idle between two jobs": "≤ 10, ≤ 1.5 x the floor",
        "the same, when a page takes the engine longer than us": "≤ 10, ≤ 1.5 x the floor",
        "a page with a line waiting": "≤ 2 x the floor",
        "drop to POST, idle daemon, p50": "≤ 10",
        "drop to POST, idle daemon, p99": "≤ 50",
    }
    assert all(each.ratio for each in results)


def test_drops_are_held_against_a_bare_listener() -> None:
    """Good ones and bad ones, idle and at work: the slowest of a hundred has the goal."""
    results = drops.measure(2)

    kinds = [
        "drop to status, idle",
        "bad drop to failed/, idle",
        "drop to status, while a job runs",
        "bad drop to failed/, while a job runs",
    ]
    slowest = {f"{kind}, p99": "≤ 100" for kind in kinds}
    assert goals(results) == {f"{kind}, p50": "" for kind in kinds} | slowest
    assert all(each.ratio for each in results)


@needs_proc
def test_a_long_line_is_held_against_a_line_of_ten() -> None:
    """Its start against a bare pass, its memory against the bare imports."""
    count = 2 * line.SHORT
    results = line.measure(count, 1)

    assert goals(results) == {
        "20 waiting: start to first POST": "≤ 10",
        "20 waiting: start to all in line": "",
        "20 waiting: memory": "≤ 150",
        "20 waiting: memory at its peak": "≤ 150",
        "20 waiting: plasma-watch status": "≤ 1",
        "20 waiting: engine idle between jobs": "≤ 1.5 x the floor",
        "20 waiting: a page": "≤ 1.5 x the floor",
    }
    assert all(each.ratio for each in results)


@needs_proc
def test_an_idle_daemon_is_held_against_its_bare_imports() -> None:
    """After jobs, against itself before them."""
    results = idle.measure(0.002, 2)

    assert goals(results) == {
        "idle: processor": "≤ 0.1",
        "idle: wake-ups": "≤ 2",
        "idle: memory": "≤ 1.3 x the floor",
        "memory after 2 jobs": "≤ 1.2 x the floor",
    }
    assert results[-1].floor == results[-2].value


@needs_proc
def test_a_bare_process_imports_what_it_is_told() -> None:
    """It holds more then; what cannot be imported by itself is passed over."""
    with processes.bare(["sys"]) as least, processes.bare(["no_such_module", "sqlite3"]) as more:
        assert processes.usage(more).resident_mb > processes.usage(least).resident_mb


def test_commands_are_held_against_typer_alone() -> None:
    """In a process of their own."""
    results = cold.measure(1)

    promised = goals(results)
    assert {what for what, goal in promised.items() if goal == "≤ 3 x the floor"} == set(
        cold.PROMISED
    )
    assert [each.what for each in results] == list(cold.COMMANDS)


def test_a_trainers_output_is_held_against_a_bare_pass() -> None:
    """And the memory that it takes has a bound."""
    speed, memory = trainer_log.measure(1)

    assert goals([speed]) == {"trainer output": "≥ 50"}
    assert str(memory.goal) == "≤ 10"


@pytest.fixture
def quick(tmp_path: Path) -> list[str]:
    """Return the arguments of a quick run of one benchmark."""
    return ["--only", "trainer_log", "--quick", "--state", str(tmp_path / "state")]


def test_a_quick_run_is_told_and_not_kept(
    quick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a process of its own."""
    program.main(quick)

    assert "trainer output" in capsys.readouterr().out
    assert not (tmp_path / "state").exists()


def test_a_quick_run_is_not_written(quick: list[str]) -> None:
    """Its numbers mean nothing."""
    with pytest.raises(SystemExit):
        program.main([*quick, "--write"])


def test_what_goes_wrong_is_told_and_spoils_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    """Here there is no such benchmark."""
    none = Benchmark("no_such_benchmark", (1,), (1,), uses_engine=False)

    run = program._run(none, "", is_quick=True)

    assert run.failed.startswith("ModuleNotFoundError")
    assert "came to nothing" in capsys.readouterr().out


def test_every_benchmark_is_run() -> None:
    """Whatever here can be measured by itself."""
    folder = Path(program.__file__).parent
    found = {p.stem for p in folder.glob("*.py") if "\ndef measure(" in p.read_text("utf-8")}

    assert {each.name for each in BENCHMARKS} == found


def test_every_benchmark_is_explained() -> None:
    """In benchmarks/README.md."""
    text = (Path(program.__file__).parent / "README.md").read_text("utf-8")

    assert [each.name for each in BENCHMARKS if f"`{each.name}`" not in text] == []


def test_folders_are_removed_when_the_last_has_run() -> None:
    """A disk takes its time over what was removed a moment ago."""
    with folders.of_a_run():
        with folders.a_folder() as first:
            pass
        with folders.a_folder() as second:
            pass
        assert first.is_dir()
        assert second.is_dir()

    assert not first.exists()
    assert not second.exists()


def test_the_folder_of_a_benchmark_by_itself_goes_with_it() -> None:
    """Nothing runs after it."""
    with folders.a_folder() as folder:
        assert folder.is_dir()

    assert not folder.exists()
