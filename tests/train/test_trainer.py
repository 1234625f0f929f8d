"""What is claimed of the trainer's process, with real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.job import Trainer
from plasma_watch.system import processes
from plasma_watch.train import trainer
from plasma_watch.train.trainer import Heard, Log, Process, end_left, environment

PATIENCE_SECONDS = 120.0


class Stage:
    """A folder to run small programs in. Its state: those that were started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = Log(folder / "trainer.log")
        self.started: list[Process] = []

    def start(self, program: str, *arguments: str) -> Process:
        """Start a program that is given as text."""
        command = [sys.executable, "-u", "-c", program, *arguments]
        process = Process(command, self.folder, environment(os.environ), self.log)
        self.started.append(process)
        return process

    def logged(self) -> list[str]:
        """Return the lines of the log."""
        return (self.folder / "trainer.log").read_text("utf-8").splitlines()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A stage on which nobody is left."""
    stage = Stage(tmp_path)
    yield stage
    for process in stage.started:
        process.end()
    stage.log.close()


def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def all_words(process: Process) -> list[Heard]:
    """Hear a process to its end."""
    heard: list[Heard] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.exit_code() is None:
        assert time.monotonic() < deadline
        heard += process.hear(0.05)
    return heard + process.end()


def said(heard: list[Heard], stream: str) -> list[str]:
    """Return what was said on one stream."""
    return [segment for name, segments in heard if name == stream for segment in segments]


def test_both_streams_are_heard_whole(stage: Stage) -> None:
    """Bars and lines, to the last one without an end."""
    program = "import sys; print('one'); sys.stderr.write('a\\rb\\nlast'); print('二')"

    heard = all_words(stage.start(program))

    assert said(heard, "stdout") == ["one", "二"]
    assert said(heard, "stderr") == ["a", "b", "last"]
    assert sorted(stage.logged()) == sorted(["one", "二", "a", "b", "last"])


def test_nothing_is_ever_typed_to_it(stage: Stage) -> None:
    """F52, F70: a question would wait for ever."""
    heard = all_words(stage.start("import sys; print(repr(sys.stdin.read()))"))

    assert said(heard, "stdout") == ["''"]


FLOOD = """
import sys
bar = "\\rsteps:  50%|#####     | {}/1000000 [00:10<00:10,  3.09s/it, avr_loss=0.1]"
for n in range(1, 1_000_001):
    sys.stderr.write(bar.format(n))
sys.stderr.buffer.write(b"\\r\\xff\\xfe no end of line")
"""


def test_a_flood_is_heard_to_its_end_in_bounded_memory(stage: Stage) -> None:
    """F51: a million bars without an end of line, then what is no text; nobody waits for ever."""
    process = stage.start(FLOOD)
    steps, most, last = 0, 0, ""
    while process.exit_code() is None or process._open:
        heard = process.hear(0.05)
        most = max(most, sum(len(segments) for _, segments in heard))
        for segment in said(heard, "stderr"):
            steps += segment.startswith("steps:")
            last = segment

    assert steps == 1_000_000
    assert last == "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} no end of line"
    assert most < 200_000


@pytest.mark.parametrize(
    ("program", "code"),
    [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -9), ("pass", 0)],
)
def test_its_exit_code_is_its_own(stage: Stage, program: str, code: int) -> None:
    """No launcher stands between."""
    process = stage.start(program)
    all_words(process)

    assert process.exit_code() == code


def test_a_running_one_is_written_down(stage: Stage) -> None:
    """So that it is known again by another daemon."""
    process = stage.start("import time; time.sleep(600)", "train.toml")
    written = process.written_down()

    assert written
    assert written.pid == process.pid
    assert os.getsid(process.pid) == process.pid
    assert written.command[-1] == "train.toml"
    process.end()
    assert process.written_down() is None


FAMILY = """
import signal, subprocess, sys, time
child = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True);"
child += "time.sleep(600)"
subprocess.Popen([sys.executable, "-c", child])
if sys.argv[1] == "stays":
    time.sleep(600)
time.sleep(1)
"""


@pytest.mark.parametrize("leader", ["stays", "goes"])
def test_all_of_it_is_ended(stage: Stage, leader: str) -> None:
    """A child that does not listen, and holds the pipes open, too."""
    process = stage.start(FAMILY, leader)
    heard: list[Heard] = []
    while "up" not in said(heard, "stdout"):
        heard += process.hear(PATIENCE_SECONDS)
    if leader == "goes":
        until(lambda: process.exit_code() is not None)

    process.end()

    assert not any(processes.members(process.pid))


def test_ending_it_twice_is_ending_it_once(stage: Stage) -> None:
    """Its number may be somebody else's by then."""
    process = stage.start("print('x')")
    first = process.end()

    assert process.end() == []
    assert said(first, "stdout") in (["x"], [])


def test_a_silent_one_is_waited_for_no_longer_than_asked(stage: Stage) -> None:
    """The daemon has other things to look at."""
    process = stage.start("import os, time; os.close(1); os.close(2); time.sleep(600)")
    until(lambda: process.hear(0.01) == [] and not process._open)

    assert process.hear(0.01) == []
    assert process.exit_code() is None


@pytest.mark.parametrize(
    ("python", "folder"), [("/none/python", ""), (sys.executable, "none"), ("/", "")]
)
def test_what_cannot_be_started_is_told(stage: Stage, python: str, folder: str) -> None:
    """With the keys to mend."""
    with pytest.raises(PlasmaError, match="cannot be started") as caught:
        Process([python], stage.folder / folder, {}, stage.log)

    assert caught.value.code is Code.TRAINER_NOT_CONFIGURED
    assert "kohya.python" in caught.value.hint


# What it is surrounded by.


def test_its_words_come_at_once_and_whole() -> None:
    """Whatever the daemon's own surroundings are."""
    found = environment({"PATH": "/bin", "COLUMNS": "80", "PYTHONUNBUFFERED": "", "LINES": "5"})

    assert found["PATH"] == "/bin"
    assert found["PYTHONUNBUFFERED"] == "1"
    assert found["COLUMNS"] == "400"
    assert found["HF_HUB_OFFLINE"] == "1"
    assert "LINES" not in found


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "ACCELERATE_USE_CPU"])
def test_another_python_is_not_led_astray(name: str) -> None:
    """It has libraries of its own."""
    assert name not in environment({name: "x"})


def test_what_decides_its_memory_may_be_set_by_hand() -> None:
    """The low mark is never over the high one by default."""
    found = environment({})
    high, low = "PYTORCH_MPS_HIGH_WATERMARK_RATIO", "PYTORCH_MPS_LOW_WATERMARK_RATIO"

    assert float(found[low]) <= float(found[high])
    assert environment({high: "1.7"})[high] == "1.7"


# Its log.


def test_a_long_log_is_kept_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is thrown away."""
    monkeypatch.setattr(trainer, "LOG_BYTES", 10)
    log = Log(tmp_path / "trainer.log")
    for number in range(4):
        log.write([f"segment {number}   "])
    log.close()

    parts = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert parts == {
        "trainer.1.log": "segment 0\nsegment 1\n",
        "trainer.2.log": "segment 2\nsegment 3\n",
        "trainer.log": "",
    }


# What an earlier daemon left.


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A trainer that nobody looks after."""
    program = "import time; print('up', flush=True); time.sleep(600)"
    command = [sys.executable, "-c", program, "--config_file", str(tmp_path / "train.toml")]
    orphan = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert orphan.stdout
    assert orphan.stdout.readline() == b"up\n"
    yield orphan
    orphan.kill()
    orphan.wait()
    orphan.stdout.close()


def test_an_orphan_is_ended_by_what_was_written_down(
    orphan: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """F49: and its session with it."""
    written = processes.written_down(orphan.pid)
    assert written

    assert end_left(Trainer(*_parts(written)), tmp_path / "other.toml")

    assert orphan.wait(PATIENCE_SECONDS) == -signal.SIGTERM


def test_an_orphan_that_was_not_written_down_is_found(
    orphan: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """By the settings that it was started with, which no other process is."""
    assert end_left(None, tmp_path / "train.toml")

    assert orphan.wait(PATIENCE_SECONDS) == -signal.SIGTERM


def test_strangers_are_left_alone(orphan: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Another one with the number, or with other settings."""
    stranger = Trainer(orphan.pid, "another mark", ("kohya",))

    assert end_left(stranger, tmp_path / "other.toml")

    assert psutil.Process(orphan.pid).is_running()
    assert orphan.poll() is None


def _parts(written: processes.Process) -> tuple[int, str, tuple[str, ...]]:
    return written.pid, written.mark, written.command
