"""What is claimed of processes that may outlive the daemon, with real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from plasma_watch.system import platform, processes

FAMILY = """
import os, signal, subprocess, sys, time
stubborn, apart = sys.argv[1:]
if stubborn == "yes":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import time; print('up', flush=True); time.sleep(600)"  # it inherits what is ignored
group = 0 if apart == "yes" else None
inner = subprocess.Popen([sys.executable, "-c", child], process_group=group)
time.sleep(600)
"""


class Family:
    """A process with a child, in a session of its own."""

    def __init__(self, *, stubborn: bool = False, apart: bool = False) -> None:
        options = ["yes" if flag else "no" for flag in (stubborn, apart)]
        self.popen = subprocess.Popen(
            [sys.executable, "-c", FAMILY, *options],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.popen.stdout
        assert self.popen.stdout.readline() == b"up\n"
        written = processes.written_down(self.popen.pid)
        assert written
        self.written = written

    def kill_leader(self) -> None:
        """Leave the child an orphan."""
        self.popen.kill()
        self.popen.wait()


@pytest.fixture
def families() -> Iterator[list[Family]]:
    """Collect families, and end what a test leaves of them."""
    started: list[Family] = []
    yield started
    for family in started:
        for member in processes.members(family.popen.pid):
            member.kill()
        family.popen.kill()
        family.popen.wait()
        assert family.popen.stdout
        family.popen.stdout.close()


def test_what_was_written_down_is_known_again(families: list[Family]) -> None:
    """While it lives."""
    families.append(Family())

    assert processes.is_alive(families[0].written)


def test_a_dead_one_is_not_alive(families: list[Family]) -> None:
    """Whether or not its parent has looked after it."""
    families.append(Family())
    families[0].popen.kill()
    os.waitid(os.P_PID, families[0].popen.pid, os.WEXITED | os.WNOWAIT)

    assert not processes.is_alive(families[0].written)
    families[0].popen.wait()
    assert not processes.is_alive(families[0].written)


def test_a_dead_one_cannot_be_written_down(families: list[Family]) -> None:
    """It ended before anybody looked."""
    families.append(Family())
    families[0].kill_leader()

    assert processes.written_down(families[0].popen.pid) is None


@pytest.mark.parametrize("other", [{"mark": "earlier"}, {"command": ("kohya",)}])
def test_a_stranger_with_its_number_is_left_alone(
    families: list[Family], other: dict[str, object]
) -> None:
    """The number was used again after a restart of the machine."""
    families.append(Family())
    stranger = replace(families[0].written, **other)  # type: ignore[arg-type]

    assert not processes.is_alive(stranger)
    assert processes.end(stranger)
    assert processes.is_alive(families[0].written)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("stubborn", [False, True])
def test_all_of_a_session_is_ended(families: list[Family], *, stubborn: bool, apart: bool) -> None:
    """Also those that do not listen, and those that made a group of their own."""
    families.append(Family(stubborn=stubborn, apart=apart))

    assert processes.end(families[0].written, grace_seconds=0.5)
    assert not any(processes.members(families[0].popen.pid))


def test_orphans_of_a_dead_leader_are_ended(families: list[Family]) -> None:
    """A trainer was killed and left a child that goes on writing."""
    families.append(Family(stubborn=True))
    families[0].kill_leader()

    assert any(processes.members(families[0].popen.pid))
    assert processes.end(families[0].written, grace_seconds=0.5)
    assert not any(processes.members(families[0].popen.pid))


def test_what_cannot_be_ended_is_told(
    families: list[Family], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When not even the kernel's last word reaches it: stuck in a driver, or not ours."""
    families.append(Family())
    monkeypatch.setattr(os, "killpg", _refused)
    monkeypatch.setattr(os, "kill", _refused)

    assert not processes.end(families[0].written, grace_seconds=0.1)
    monkeypatch.undo()


def _refused(pid: int, number: signal.Signals) -> None:  # noqa: ARG001 - the library's shape
    raise PermissionError


def test_a_leader_is_found_by_what_it_was_started_with(families: list[Family]) -> None:
    """One that nobody wrote down; its children, and others, are not meant."""
    families.append(Family())

    found = list(processes.leading(FAMILY))

    assert families[0].written in found
    assert list(processes.leading("an argument that nobody was started with")) == []


def test_a_session_holds_what_all_of_it_holds(families: list[Family]) -> None:
    """Of one that is gone nothing is held."""
    families.append(Family())
    pid = families[0].popen.pid

    whole = processes.footprint(pid)

    assert whole > (platform.footprint(pid) or 0) > 0
    processes.end(families[0].written, 0.5)
    assert processes.footprint(pid) == 0
