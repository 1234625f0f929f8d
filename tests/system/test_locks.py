"""What is claimed of locks, between real processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import plasma_watch
from plasma_watch.system.locks import Lock, is_held

CONTENDER = """
import sys
from pathlib import Path
from plasma_watch.system.locks import Lock

lock = Lock(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print("held" if lock.acquire() else f"held by {lock.holder()}", flush=True)
sys.stdin.readline()
"""


class Contender:
    """Another process that asks for a lock when it is told to; its state is that process."""

    def __init__(self, path: Path, before: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", before + CONTENDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(plasma_watch.__file__).parents[1])},
        )

    def hear(self) -> str:
        """Wait for its next word."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        """Let it ask for the lock; told once more, it ends."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        """End it, however far it came."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                assert pipe
                pipe.close()


@contextlib.contextmanager
def contenders(path: Path, number: int, before: str = "") -> Iterator[list[Contender]]:
    """Start processes that do something before, and wait for the word to ask for a lock."""
    started = [Contender(path, before) for _ in range(number)]
    try:
        for contender in started:
            assert contender.hear() == "ready"
        yield started
    finally:
        for contender in started:
            contender.end()


@contextlib.contextmanager
def holder(path: Path) -> Iterator[Contender]:
    """Start a process that holds a lock."""
    with contenders(path, 1) as (contender,):
        contender.go()
        assert contender.hear() == "held"
        yield contender


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the lock lies; its folder is not there yet."""
    return tmp_path / ".plasma" / "lock"


def test_a_lock_is_taken_and_let_go(path: Path) -> None:
    """When nobody else wants it; asking twice is asking once."""
    lock = Lock(path)

    assert lock.acquire()
    assert lock.acquire()
    assert is_held(path)

    lock.release()
    lock.release()

    assert not is_held(path)
    assert lock.acquire()
    lock.release()


def test_a_lock_is_private(path: Path) -> None:
    """Nobody else on the machine may hold a home's daemon up."""
    lock = Lock(path)
    lock.acquire()

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lock.release()


def test_two_processes_never_hold_one_lock(path: Path) -> None:
    """When one holds it the other is told so, and by whom."""
    with holder(path) as other:
        lock = Lock(path)

        assert not lock.acquire()
        assert is_held(path)
        assert lock.holder() == str(other.process.pid)


def test_two_locks_of_one_process_exclude_each_other(path: Path) -> None:
    """When a home and another share the machine's lock in one test or program."""
    first, second = Lock(path), Lock(path)

    assert first.acquire()
    assert not second.acquire()

    first.release()
    assert second.acquire()
    second.release()


def test_a_lock_whose_file_was_taken_away_is_no_longer_ours(tmp_path: Path) -> None:
    """It stays locked, and keeps nobody from locking a new one; unless it comes back."""
    lock = Lock(tmp_path / "private" / "lock")
    assert not lock.is_ours()
    assert lock.acquire()
    assert lock.is_ours()
    (tmp_path / "private").rename(tmp_path / "away")

    assert not lock.is_ours()

    (tmp_path / "away").rename(tmp_path / "private")

    assert lock.is_ours()


def test_a_lock_is_taken_again_where_nobody_has_it(tmp_path: Path) -> None:
    """The folder is made anew with it."""
    lock = Lock(tmp_path / "private" / "lock")
    lock.acquire()
    shutil.rmtree(tmp_path / "private")

    assert lock.retake()
    assert lock.is_ours()
    assert not Lock(tmp_path / "private" / "lock").acquire()


def test_a_lock_that_another_took_meanwhile_is_let_go(tmp_path: Path) -> None:
    """The one that was first in the new folder has it."""
    lock, other = Lock(tmp_path / "private" / "lock"), Lock(tmp_path / "private" / "lock")
    lock.acquire()
    shutil.rmtree(tmp_path / "private")
    other.acquire()

    assert not lock.retake()
    assert other.is_ours()


class Blurred(Lock):
    """A lock on a volume that gives a file another number at every look."""

    def _lies_there(self, fd: int) -> bool:
        return super()._lies_there(fd) and False


def test_a_volume_that_does_not_tell_files_apart_is_trusted(tmp_path: Path) -> None:
    """Else nobody could ever hold a lock there."""
    lock = Blurred(tmp_path / "lock")

    assert lock.acquire()
    assert lock.is_ours()
    assert not Lock(tmp_path / "lock").acquire()


def test_a_killed_holder_holds_nothing(path: Path) -> None:
    """When it had no chance to let go: kill -9."""
    with holder(path) as other:
        other.process.send_signal(signal.SIGKILL)
        other.process.wait()

        assert not is_held(path)
        lock = Lock(path)
        assert lock.acquire()
        assert lock.holder() == str(os.getpid())
        lock.release()


def test_the_pid_in_a_stale_lock_says_nothing(path: Path) -> None:
    """F43: when the number belongs to another program by now, longer than ours: it starts."""
    path.parent.mkdir()
    path.write_text(f"{os.getppid()}00000\n")

    assert not is_held(path)
    lock = Lock(path)
    assert lock.acquire()
    assert path.read_text() == f"{os.getpid()}\n"
    lock.release()


def test_of_twenty_at_once_exactly_one_holds_the_lock(path: Path) -> None:
    """And the others say who does."""
    with contenders(path, 20) as started:
        for contender in started:
            contender.go()
        said = [contender.hear() for contender in started]

        (winner,) = [c for c, word in zip(started, said, strict=True) if word == "held"]
        others = {word for word in said if word != "held"}
        assert others <= {f"held by {winner.process.pid}", "held by ?"}


def test_a_lock_is_refused_while_others_share_it(path: Path) -> None:
    """When somebody shares it for longer than a look takes."""
    lock = Lock(path)
    lock.acquire()
    lock.release()
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)

        assert not lock.acquire()

    assert lock.acquire()
    lock.release()


def test_looking_takes_nothing(path: Path) -> None:
    """When the lock is free, when it is held, and when it was never made."""
    assert not is_held(path)
    assert not path.exists()

    with holder(path):
        assert is_held(path)
        assert is_held(path)


@pytest.mark.parametrize("content", ["", "\n", "nobody\n", "12 34\n"])
def test_a_holder_that_did_not_sign_is_unknown(path: Path, content: str) -> None:
    """When the file is empty or somebody wrote into it."""
    path.parent.mkdir()
    path.write_text(content)

    assert Lock(path).holder() == "?"


def test_a_lock_that_was_never_made_has_no_holder(path: Path) -> None:
    """When no daemon ever ran here."""
    assert Lock(path).holder() == "?"


def test_a_lock_is_held_on_a_full_disk_too(path: Path) -> None:
    """When not even the pid can be written: it is a courtesy."""
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"

    with contenders(path, 1, before=full) as (contender,):
        contender.go()

        assert contender.hear() == "held"
        assert is_held(path)
        assert Lock(path).holder() == "?"
