"""What is kept of a run, and how it stands on the page."""

from __future__ import annotations

from pathlib import Path

from benchmarks.__main__ import PAGE, write
from benchmarks.kept import Kept, engine, machine, table
from benchmarks.results import Goal, Result, Spread
from benchmarks.surroundings import a_sandbox

FAST = Result("a page", 20.5, "ms", 10.0, Goal(most_ratio=2), Spread(20.5, 25, 31))
FIGURES = (
    FAST,
    Result("memory", 160.0, "MB", None, Goal(most=150)),
    Result("size", 3.0, "MB"),
)


def kept(name: str = "pages", failed: str = "", results: tuple[Result, ...] = FIGURES) -> Kept:
    """Return a run."""
    machine = "2 cores (of some kind), 8 GB, Some System, Python 3.11.7"
    numbers = (0.5, 100_000)
    engine = "ComfyUI 0.3.64 on cpu"
    return Kept(name, numbers, engine, "0.1.0", machine, "2026-11-22", results, failed)


def test_table_tells_every_figure() -> None:
    """With its floor, ratio and goal; what is not known is left empty."""
    assert table([kept()]) == (
        "Plasma Watch 0.1.0; 2 cores (of some kind), 8 GB, Some System, Python 3.11.7.\n"
        "\n"
        "**pages**: `python -m benchmarks.pages 0.5 100000`, ComfyUI 0.3.64 on cpu, 2026-11-22\n"
        "\n"
        "| what | measured | p50 / p90 / p99 | floor | times the floor | goal | met |\n"
        "|---|---|---|---|---|---|---|\n"
        "| a page | 20.5 ms | 20.5 / 25.0 / 31.0 | 10.0 ms | 2.05 | ≤ 2 x the floor "
        "| **missed** |\n"
        "| memory | 160 MB | | | | ≤ 150 | **missed** |\n"
        "| size | 3.00 MB | | | | | |\n"
    )


def test_table_tells_what_came_to_nothing() -> None:
    """It is not left out."""
    told = table([kept(failed="TimeoutError: the line", results=())])

    assert told.endswith("2026-11-22: **came to nothing**: TimeoutError: the line\n")


def test_machine_is_told_once() -> None:
    """However many benchmarks ran on it; another one stands beside it."""
    assert table([kept(), kept("idle")]).count("Plasma Watch 0.1.0; 2 cores") == 1


def test_run_is_met_when_it_ended_and_missed_nothing() -> None:
    """What came to nothing did not meet its goals."""
    size = (Result("size", 3.0, "MB"),)

    assert kept(results=size).is_met
    assert not kept().is_met
    assert not kept(results=size, failed="TimeoutError").is_met


def test_run_comes_back_from_json() -> None:
    """As it was kept."""
    assert Kept.of_json(kept().to_json()) == kept()


def test_writing_changes_what_stands_between_the_marks(tmp_path: Path) -> None:
    r"""And nothing else, whatever a figure is called; again and again."""
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n", "utf-8")
    odd = kept(results=(Result(r"\1 \n", 3.0, "MB"),))

    write(page, [kept()])
    write(page, [odd])

    between = f"<!-- figures -->\n{table([odd])}<!-- end of figures -->"
    assert page.read_text("utf-8") == f"before\n{between}\nafter\n"


def test_page_has_the_marks() -> None:
    """So that figures can be written into it."""
    text = PAGE.read_text("utf-8")

    assert text.count("<!-- figures -->") == text.count("<!-- end of figures -->") == 1


def test_machine_is_named() -> None:
    """By what figures depend on."""
    told = machine()

    assert " cores (" in told
    assert " GB, " in told
    assert ", Python 3." in told


def test_a_sandbox_is_never_told_as_comfyui(tmp_path: Path) -> None:
    """Wherever it answers: its figures are not those of the real one."""
    with a_sandbox(tmp_path) as url:
        told = engine(url)

    assert engine("") == "the sandbox"
    assert told == "the sandbox at COMFYUI_URL"
