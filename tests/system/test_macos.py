"""What is claimed of what macOS does its own way, held against stand-ins for its tools."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from plasma_watch.system import linux, macos
from plasma_watch.system.pressure import Pressure

elsewhere = pytest.mark.skipif(sys.platform == "darwin", reason="this is a Mac")


def tool(folder: Path, script: str) -> Path:
    """Make a stand-in for sysctl that runs a shell script."""
    path = folder / "sysctl"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("answer", "pressure"),
    [("1", Pressure.NORMAL), ("2", Pressure.WARN), ("4", Pressure.CRITICAL)],
)
def test_the_kernels_level_is_understood(tmp_path: Path, answer: str, pressure: Pressure) -> None:
    """The three levels that it knows."""
    assert macos.memory_pressure(tool(tmp_path, f"echo {answer}")) is pressure


def test_the_kernel_is_asked_for_one_name(tmp_path: Path) -> None:
    """By name, because lists leave it out; nothing is read from our own input."""
    told = tmp_path / "told"
    asked = tool(tmp_path, f'printf "%s\\n" "$@" > "{told}"; cat; echo 1')

    assert macos.memory_pressure(asked) is Pressure.NORMAL
    assert told.read_text() == "-n\nkern.memorystatus_vm_pressure_level\n"


@pytest.mark.parametrize(
    "script",
    [
        "",
        "echo",
        "echo 3",
        "echo 0",
        "echo normal",
        "echo '1 2'",
        "echo 'kern.memorystatus_vm_pressure_level: 1'",
        "printf '\\377\\376'",
        "printf '%05000d' 1",
        "echo 1; exit 1",
        "echo 'sysctl: unknown oid' >&2; exit 1",
        "kill -9 $$",
    ],
    ids=[
        "nothing",
        "a blank",
        "a level there is not",
        "zero",
        "a word",
        "two numbers",
        "with the name",
        "no text",
        "more digits than numbers have",
        "an answer and a failure",
        "a failure",
        "killed",
    ],
)
def test_an_answer_that_is_none_is_none(tmp_path: Path, script: str) -> None:
    """Whatever the tool does, nothing is raised."""
    assert macos.memory_pressure(tool(tmp_path, script)) is None


def test_a_tool_that_hangs_is_given_up(tmp_path: Path) -> None:
    """When it does not answer in the time that it is given."""
    assert macos.memory_pressure(tool(tmp_path, "exec sleep 60"), seconds=0.05) is None


def test_a_tool_that_is_not_there_is_none(tmp_path: Path) -> None:
    """When it is missing, a folder, or may not be run."""
    script = tool(tmp_path, "echo 1")
    script.chmod(0o644)

    for path in (tmp_path / "missing", tmp_path, script):
        assert macos.memory_pressure(path) is None


@elsewhere
def test_elsewhere_there_is_no_such_tool() -> None:
    """When the module is only imported, as here, its probe still answers."""
    assert macos.memory_pressure() is None


def test_bytes_are_put_on_the_disk(tmp_path: Path) -> None:
    """By the drive's own flush where there is one, and else by what there is."""
    with (tmp_path / "a").open("wb") as file:
        file.write(b"a")
        file.flush()
        macos.full_sync(file.fileno())

    assert (tmp_path / "a").read_bytes() == b"a"


def test_a_sync_that_fails_is_heard_of() -> None:
    """When neither flush nor fsync can be done: here, on a pipe."""
    reading, writing = os.pipe()
    try:
        with pytest.raises(OSError, match=r"Invalid argument|not supported"):
            macos.full_sync(writing)
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_rename_never_replaces(tmp_path: Path, kind: str) -> None:
    """By the system's call on a Mac, and by hand where that is missing."""
    source, target, taken = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    source.mkdir() if kind == "folder" else source.touch()
    taken.touch()

    macos.rename_exclusive(source, target)
    with pytest.raises(FileExistsError):
        macos.rename_exclusive(target, taken)

    assert not source.exists()
    assert target.exists()


@pytest.mark.parametrize("environ", [{"HOME": "/Users/ada"}, {"HOME": ""}, {}])
def test_the_users_state_lies_in_caches(environ: dict[str, str]) -> None:
    """Where it may be thrown away, and no backup takes it."""
    home = Path(environ.get("HOME") or Path.home())

    assert macos.user_state(environ) == home / "Library" / "Caches" / "plasma-watch"


def test_a_mac_wants_metal_and_folds_case() -> None:
    """What auto means there, and how its volumes see names."""
    assert macos.DEFAULT_DEVICE == "mps"
    assert macos.NAMES_FOLD_CASE


def test_both_platforms_offer_the_same() -> None:
    """Whoever asks the platform never asks which one it is."""
    offered = {"full_sync", "rename_exclusive", "memory_pressure", "user_state"}
    offered |= {"NAMES_FOLD_CASE", "DEFAULT_DEVICE", "GUARDS_FOLDERS", "start_mark"}
    offered |= {"footprint", "memory_kills", "was_killed_for_memory", "swap_folders"}

    assert offered <= set(vars(linux)) & set(vars(macos))


def test_a_process_is_marked_by_when_it_began() -> None:
    """The same each time it is asked, and nothing for one that is gone."""
    assert macos.start_mark(os.getpid()) == macos.start_mark(os.getpid()) is not None
    assert macos.start_mark(2**22 + 1) is None


# What a process holds, and what it died of.

KILLS = """Timestamp               Ty Process[PID:TID]
2026-11-22 04:15:12.001 Df kernel[0:1] memorystatus: triggering no paging space action
2026-11-22 04:15:12.002 Df kernel[0:1] {line}
"""
LINES = [
    "memorystatus: killing largest compressed process python3.13 [4711] 22699 MB",
    "memorystatus: killing python3.13 [4711] due to swap exhaustion",
    "low swap: killing largest compressed process with pid 4711 (python3.13) and size 22699 MB",
]


@pytest.mark.parametrize("line", LINES)
def test_the_kernels_own_line_is_known(tmp_path: Path, line: str) -> None:
    """In its newer and its older words, by the number of the process and no other."""
    (tmp_path / "said").write_text(KILLS.format(line=line))
    log = tool(tmp_path, f'printf "%s\\n" "$@" > "{tmp_path}/asked"; cat "{tmp_path}/said"')

    assert macos.was_killed_for_memory(4711, None, log, reports=()) is True
    assert macos.was_killed_for_memory(471, None, log, reports=()) is None
    asked = (tmp_path / "asked").read_text()
    assert 'process == "kernel" AND eventMessage CONTAINS "memorystatus: killing"' in asked


@pytest.mark.parametrize("script", ["exit 1", "kill -9 $$", "exec sleep 600", "printf '\\377'"])
def test_a_log_that_says_nothing_proves_nothing(tmp_path: Path, script: str) -> None:
    """Who may read it is up to the user's rights."""
    log = tool(tmp_path, script)

    assert macos.was_killed_for_memory(4711, None, log, seconds=0.2, reports=()) is None


def test_a_fresh_report_is_believed(tmp_path: Path) -> None:
    """Only for whom it gives a reason: the others just lived then; and only while it is fresh."""
    report = tmp_path / "JetsamEvent-2026-11-22-041512.ips"
    report.write_text(
        '{"largestProcess" : "python3.13", "processes" : [\n'
        '{"pid" : 4711, "rpages" : 1, "reason" : "vm-compressor-space-shortage"},\n'
        '{"pid" : 471, "rpages" : 1}\n]}'
    )
    reports, nothing = (tmp_path / "missing", tmp_path), tool(tmp_path, "")

    assert macos.was_killed_for_memory(4711, None, nothing, reports=reports) is True
    assert macos.was_killed_for_memory(471, None, nothing, reports=reports) is None
    os.utime(report, (1, 1))
    assert macos.was_killed_for_memory(4711, None, nothing, reports=reports) is None


def test_the_kernel_counts_no_kills_there() -> None:
    """It names them."""
    assert macos.memory_kills() is None


def test_swap_grows_on_the_system_volume() -> None:
    """Or what stands for it."""
    assert macos.swap_folders() == (Path("/System/Volumes/VM"), Path("/"))


# What only people ask for.


def on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, **tools: str) -> None:
    """Put stand-ins on PATH, each with what it says."""
    for name, script in tools.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


PMSET = """System-wide power settings:
Currently in use:
 standby              1
 Sleep On Power Button 1
 hibernatefile        /var/vm/sleepimage
 powernap             1
 sleep                10 (sleep prevented by caffeinate)
 lowpowermode         0
 displaysleep         10
"""
IOREG = """+-o AGXAcceleratorG13X  <class AGXAcceleratorG13X, id 0x100000427>
    {
      "PerformanceStatistics" = {"In use system memory"=602931200,"Device Utilization %"=87}
    }
"""


def test_power_settings_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are in force; without the tool there are none."""
    assert sys.platform == "darwin" or macos.power_settings() == {}
    (tmp_path / "said").write_text(PMSET)
    on_path(tmp_path, monkeypatch, pmset=f"cat {tmp_path}/said")

    settings = macos.power_settings()

    assert (settings["sleep"], settings["lowpowermode"]) == ("10", "0")


def test_the_gpus_use_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The busiest counts; a driver that tells nothing is unknown."""
    (tmp_path / "said").write_text(IOREG)
    on_path(tmp_path, monkeypatch, ioreg=f"cat {tmp_path}/said")
    assert macos.gpu_use() == 87

    on_path(tmp_path, monkeypatch, ioreg="exit 1")

    assert macos.gpu_use() is None


def test_the_machine_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its processor and its memory; or as unknown."""
    says = 'case $2 in hw.memsize) echo 17179869184;; *) echo "Apple M1 Pro";; esac'
    on_path(tmp_path, monkeypatch, sysctl=says)
    assert macos.machine() == "Apple M1 Pro, 16 GB"

    on_path(tmp_path, monkeypatch, sysctl="exit 1")

    assert macos.machine() == "unknown processor, memory unknown"


def test_the_memory_of_a_process_is_read() -> None:
    """What the kernel accounts for it, or else what it holds; of one that is gone there is none."""
    assert (macos.footprint(os.getpid()) or 0) > 1_000_000
    assert macos.footprint(2**22 + 1) is None


KILLED = (
    "2026-11-22 kernel: memorystatus: killing largest compressed process python3.11 [4242] 22699 MB"
)


@pytest.mark.parametrize(
    ("script", "was_killed"),
    [
        (f"echo '{KILLED}'", True),
        (f"echo '{KILLED}' | sed s/4242/42421/", None),
        ("echo", None),
        ("exit 64", None),
        ("printf '\\377 memorystatus: killing a [4242]'", True),
    ],
)
def test_the_kernel_names_whom_it_ended(
    tmp_path: Path, script: str, *, was_killed: bool | None
) -> None:
    """By number; that it says nothing proves nothing, because not everybody may read it."""
    assert macos.was_killed_for_memory(4242, None, tool(tmp_path, script)) is was_killed
    assert macos.memory_kills() is None


def test_a_log_that_takes_too_long_says_nothing(tmp_path: Path) -> None:
    """A job waits for the answer."""
    slow = tool(tmp_path, "exec sleep 30")

    assert macos.was_killed_for_memory(4242, None, slow, 0.1) is None


def test_a_log_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    """As on any other system."""
    assert macos.was_killed_for_memory(4242, None, tmp_path / "none") is None
