"""What is claimed of what Linux does its own way; its parsing is tested everywhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from plasma_watch.system import linux
from plasma_watch.system.pressure import Pressure

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="this is not Linux")


def psi(avg10: str) -> str:
    """Return what /proc/pressure/memory says, as captured, with another average."""
    return (
        f"some avg10={avg10} avg60=0.42 avg300=0.11 total=123456\n"
        "full avg10=99.00 avg60=0.00 avg300=0.00 total=0\n"
    )


@pytest.mark.parametrize(
    ("avg10", "pressure"),
    [
        ("0.00", Pressure.NORMAL),
        ("9.99", Pressure.NORMAL),
        ("10.00", Pressure.WARN),
        ("39.99", Pressure.WARN),
        ("40.00", Pressure.CRITICAL),
        ("100.00", Pressure.CRITICAL),
    ],
)
def test_pressure_is_the_time_that_tasks_stalled(avg10: str, pressure: Pressure) -> None:
    """By the ten-second average of those that stalled at all."""
    assert linux.parse_psi(psi(avg10)) is pressure


def test_the_order_of_the_lines_does_not_matter() -> None:
    """When a kernel writes the other one first."""
    lines = psi("12.00").splitlines()

    assert linux.parse_psi("\n".join(reversed(lines))) is Pressure.WARN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        "some\n",
        "some avg60=0.00\n",
        "some avg10\n",
        "some avg10=much\n",
        "some avg10=\n",
        "<html>",
    ],
)
def test_what_is_not_psi_is_refused(text: str) -> None:
    """When the file is another one than it should be."""
    with pytest.raises(ValueError, match=r"."):
        linux.parse_psi(text)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff\xfe\x00", b"some avg10=x"])
def test_a_probe_that_cannot_answer_says_none(tmp_path: Path, content: bytes) -> None:
    """When the text is nothing it knows."""
    path = tmp_path / "memory"
    path.write_bytes(content)

    assert linux.memory_pressure(path) is None


def test_a_machine_without_psi_says_none(tmp_path: Path) -> None:
    """When the kernel was built without it, or the file is no file."""
    assert linux.memory_pressure(tmp_path / "missing") is None
    assert linux.memory_pressure(tmp_path) is None


def test_a_probe_reads_what_is_there(tmp_path: Path) -> None:
    """When the kernel answers."""
    path = tmp_path / "memory"
    path.write_text(psi("41.50"))

    assert linux.memory_pressure(path) is Pressure.CRITICAL


@only_linux
def test_this_machines_probe_never_raises() -> None:
    """Whatever this machine is."""
    assert linux.memory_pressure() in {None, *Pressure}


@only_linux
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_rename_never_replaces(tmp_path: Path, kind: str) -> None:
    """By the kernel's own call."""
    source, target, taken = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    source.mkdir() if kind == "folder" else source.touch()
    taken.touch()

    linux.rename_exclusive(source, target)
    with pytest.raises(FileExistsError):
        linux.rename_exclusive(target, taken)

    assert not source.exists()
    assert target.exists()


@only_linux
def test_a_rename_of_nothing_is_told(tmp_path: Path) -> None:
    """When somebody took it away."""
    with pytest.raises(FileNotFoundError):
        linux.rename_exclusive(tmp_path / "a", tmp_path / "b")


def test_bytes_are_put_on_the_disk(tmp_path: Path) -> None:
    """The call itself is all that can be seen of it."""
    with (tmp_path / "a").open("wb") as file:
        file.write(b"a")
        file.flush()
        linux.full_sync(file.fileno())

    assert (tmp_path / "a").read_bytes() == b"a"


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/ada"}, "/state/plasma-watch"),
        ({"HOME": "/home/ada"}, "/home/ada/.local/state/plasma-watch"),
        ({"XDG_STATE_HOME": "", "HOME": "/home/ada"}, "/home/ada/.local/state/plasma-watch"),
        ({"XDG_STATE_HOME": "state", "HOME": "/h"}, "/h/.local/state/plasma-watch"),
    ],
    ids=["named", "not named", "named empty", "named from where one stands"],
)
def test_the_users_state_has_one_place(environ: dict[str, str], folder: str) -> None:
    """Wherever a daemon was started: the lock in it is for the whole machine."""
    assert str(linux.user_state(environ)) == folder


def test_the_users_state_has_a_place_without_environment() -> None:
    """When a service manager passes none on."""
    assert linux.user_state({}) == Path.home() / ".local" / "state" / "plasma-watch"


def test_any_device_will_do() -> None:
    """Where there is no Metal, auto asks for nothing; names are what they are."""
    assert linux.DEFAULT_DEVICE == "any"
    assert not linux.NAMES_FOLD_CASE


def proc(folder: Path, stat: str) -> Path:
    """Return a folder like /proc with one process, number 7."""
    boot = folder / "sys" / "kernel" / "random"
    boot.mkdir(parents=True)
    (boot / "boot_id").write_text("4f1c\n")
    (folder / "7").mkdir()
    (folder / "7" / "stat").write_text(stat)
    return folder


STAT = "7 (a) b) S 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 {} 1 1 18446744073709551615\n"


def test_a_process_is_marked_by_boot_and_tick(tmp_path: Path) -> None:
    """Whatever its name holds."""
    assert linux.start_mark(7, proc(tmp_path, STAT.format(812))) == "4f1c/812"


@pytest.mark.parametrize("stat", ["", "7 (a) S 1", STAT.format("soon")])
def test_what_cannot_be_read_is_no_mark(tmp_path: Path, stat: str) -> None:
    """No probe raises."""
    assert linux.start_mark(7, proc(tmp_path, stat)) is None


def test_a_process_that_is_gone_has_no_mark(tmp_path: Path) -> None:
    """There is no such folder."""
    assert linux.start_mark(8, proc(tmp_path, STAT.format(812))) is None


@only_linux
def test_the_memory_of_a_process_is_read() -> None:
    """In bytes; of one that is gone there is none."""
    assert (linux.footprint(os.getpid()) or 0) > 1_000_000
    assert linux.footprint(2**22 + 1) is None


@pytest.mark.parametrize(
    ("text", "kills"),
    [("pgfault 7\noom_kill 3\nswpin 0\n", 3), ("pgfault 7\n", None), ("oom_kill many\n", None)],
)
def test_kills_for_memory_are_counted_by_the_kernel(
    tmp_path: Path, text: str, kills: int | None
) -> None:
    """Where it counts them."""
    vmstat = tmp_path / "vmstat"
    vmstat.write_text(text)

    assert linux.memory_kills(vmstat) == kills
    assert linux.memory_kills(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("before", "was_killed"), [(2, True), (3, False), (None, None)], ids=["more", "as many", "?"]
)
def test_a_kill_for_memory_is_one_more_than_before(
    tmp_path: Path, before: int | None, *, was_killed: bool | None
) -> None:
    """The kernel counts, and gives no names away."""
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("oom_kill 3\n")

    assert linux.was_killed_for_memory(7, before, vmstat) is was_killed
    assert linux.was_killed_for_memory(7, before, tmp_path / "none") is None


def test_swap_has_its_size_from_the_start() -> None:
    """No volume fills up with it."""
    assert linux.swap_folders() == ()


def test_the_machine_is_named(tmp_path: Path) -> None:
    """By its processor and its memory; or as unknown."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nmodel name : Some Processor\n")

    assert linux.machine(cpuinfo).startswith("Some Processor, ")
    assert linux.machine(tmp_path / "missing").startswith("unknown processor, ")


def test_nothing_is_said_where_nothing_is_known() -> None:
    """Neither of a GPU nor of power."""
    asked = (linux.gpu_use, linux.power_settings)

    assert [ask() for ask in asked] == [None, {}]
