"""An engine of our own as a process: a folder that looks like ComfyUI, and the sandbox in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.reasons import WINDOW_SECONDS
from plasma_watch.comfyui.server import SILENT_SECONDS, Record, Server
from plasma_watch.errors import Code, Fate, PlasmaError
from plasma_watch.system import processes
from tests.fakes.comfyui import FakeComfyui

PATIENCE_SECONDS = 120.0


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def comfyui(tmp_path: Path) -> Iterator[FakeComfyui]:
    """A folder that looks like ComfyUI's; nothing is left of it afterwards."""
    fake = FakeComfyui(tmp_path / "ComfyUI")
    yield fake
    fake.kill()


@pytest.fixture
def clock() -> Clock:
    """A clock that is set by hand."""
    return Clock()


Next = Callable[..., Server]


@pytest.fixture
def next_daemon(comfyui: FakeComfyui, tmp_path: Path) -> Iterator[Next]:
    """Make the server as the next daemon knows it; their processes are looked after."""
    made: list[Server] = []

    def make(clock: Callable[[], float] = time.monotonic, **keys: object) -> Server:
        made.append(Server(comfyui.config(**keys), tmp_path, os.environ, clock))
        return made[-1]

    yield make
    comfyui.kill()
    for server in made:
        server._bury()


@pytest.fixture
def server(next_daemon: Next, clock: Clock) -> Server:
    """The process of that folder; it is not started."""
    return next_daemon(clock, restarts=2)


def eventually(is_so: Callable[[], object]) -> None:
    """Look until it is so."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def answers(server: Server) -> bool:
    """Tell whether the engine answers."""
    client = Client(server.url)
    try:
        client.system_stats()
    except PlasmaError:
        return False
    finally:
        client.close()
    return True


def objection(act: Callable[[], object]) -> PlasmaError:
    """Return what is raised."""
    with pytest.raises(PlasmaError) as caught:
        act()
    assert caught.value.fate is Fate.WAIT
    assert caught.value.hint
    return caught.value


def up(server: Server) -> None:
    """Start it, and wait until it answers."""
    server.raise_up()
    eventually(lambda: answers(server))
    server.answered()


def test_it_is_started_once(server: Server, comfyui: FakeComfyui) -> None:
    """However often it is asked for; in a session of its own."""
    up(server)
    server.raise_up()

    (process,) = comfyui.processes()
    assert server.pid == process.pid == os.getsid(process.pid)
    assert "PLASMA_HOME" not in process.environ()


def test_what_it_says_is_kept(server: Server, tmp_path: Path) -> None:
    """Each start has a log of its own; the older ones are set aside."""
    up(server)
    server.end("a test")
    up(server)

    assert "Starting server" in (tmp_path / "comfyui.log").read_text("utf-8")
    assert "Starting server" in (tmp_path / "comfyui.log.1").read_text("utf-8")


def test_a_log_that_grows_is_set_aside_while_it_runs(
    server: Server, comfyui: FakeComfyui, tmp_path: Path
) -> None:
    """It goes on writing at the beginning of an empty file; three older ones are kept."""
    comfyui.does("import time\nwhile True: print('x' * 2_000_000, flush=True); time.sleep(0.01)")
    server.raise_up()
    log = tmp_path / "comfyui.log"
    for _ in range(5):
        eventually(lambda: log.stat().st_size > 6_000_000)
        server._log.keep_small()
        assert log.stat().st_size < 6_000_000

    assert sorted(p.name for p in tmp_path.glob("comfyui.log*")) == [
        "comfyui.log",
        "comfyui.log.1",
        "comfyui.log.2",
        "comfyui.log.3",
    ]
    server.end("a test")


def test_the_next_daemon_takes_it_over(
    server: Server, comfyui: FakeComfyui, next_daemon: Next
) -> None:
    """After our own crash; it is not started a second time, and can be ended."""
    up(server)
    successor = next_daemon()

    successor.raise_up()

    assert successor.pid == server.pid
    assert len(comfyui.processes()) == 1
    assert successor.end("a test")
    assert comfyui.processes() == []


def test_it_is_known_again_without_the_note(
    comfyui: FakeComfyui, tmp_path: Path, next_daemon: Next
) -> None:
    """A crash between start and note, or a `.plasma/` that was thrown away."""
    comfyui.does("import time; time.sleep(600)")
    server = next_daemon()
    server.raise_up()
    (tmp_path / "comfyui.toml").unlink()

    assert next_daemon().pid == server.pid
    server.end("a test")


@pytest.mark.parametrize("text", ["", "pid = 1", "\0", 'pid = "x"\nmark = 1\ncommand = []'])
def test_a_note_that_is_none_is_none(tmp_path: Path, text: str) -> None:
    """People edit files, disks lose them."""
    (tmp_path / "comfyui.toml").write_text(text, "utf-8")

    assert Record.read(tmp_path / "comfyui.toml") is None


def test_it_is_started_anew_when_it_was_killed(server: Server, comfyui: FakeComfyui) -> None:
    """By whatever; the kill is remembered."""
    up(server)
    first = server.pid
    comfyui.kill()
    eventually(lambda: server.pid is None)

    up(server)

    assert server.pid not in (None, first)
    assert server._last
    assert "killed" in server._last.words


def test_a_start_that_fails_again_and_again_is_given_up_for_a_while(
    server: Server, comfyui: FakeComfyui, clock: Clock
) -> None:
    """The reason is told in plain words; later it is tried again."""
    comfyui.does("import no_such_module_anywhere")
    for _ in range(2):
        server.raise_up()
        eventually(lambda: server.pid is None)

    said = objection(server.raise_up)

    assert said.code is Code.ENGINE_WILL_NOT_START
    assert "its Python has no module no_such_module_anywhere" in said.message
    assert "tried again in 10 min" in said.message
    clock.now += WINDOW_SECONDS
    comfyui.works()
    up(server)


def test_one_that_died_before_it_was_noted_tells_why_too(
    server: Server, comfyui: FakeComfyui
) -> None:
    """On a busy machine it may be gone before anybody looks at it."""
    comfyui.does("import no_such_module_anywhere")
    for _ in range(2):
        server.raise_up()
        eventually(lambda: not server.is_alive())
        server._record = None

    assert "its Python has no module no_such_module_anywhere" in objection(server.raise_up).message


def test_a_port_that_is_taken_is_told_before_the_start(
    server: Server, comfyui: FakeComfyui
) -> None:
    """By whom, if that can be seen: here, by this very process."""
    with socket.create_server(("127.0.0.1", comfyui.port)):
        said = objection(server.raise_up)

    assert said.code is Code.ENGINE_PORT_TAKEN
    assert f"(pid {os.getpid()})" in said.message
    assert comfyui.processes() == []


def test_an_answer_of_somebody_else_is_not_taken_for_its_own(
    server: Server, comfyui: FakeComfyui
) -> None:
    """While ours was starting, another took the port."""
    comfyui.does("import time; time.sleep(600)")
    server.raise_up()

    with socket.create_server(("127.0.0.1", comfyui.port)):
        said = objection(server.answered)

    assert said.code is Code.ENGINE_PORT_TAKEN
    server.end("a test")


def test_a_folder_without_a_model_is_told_before_the_start(
    server: Server, comfyui: FakeComfyui
) -> None:
    """Unless another place is named for them."""
    checkpoints = comfyui.folder / "models" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "put_checkpoints_here").touch()

    said = objection(server.raise_up)

    assert said.code is Code.ENGINE_NO_MODELS
    assert str(checkpoints) in said.message
    (comfyui.folder / "extra_model_paths.yaml").touch()
    up(server)


@pytest.mark.parametrize("key", ["dir", "python"])
def test_what_is_not_there_is_named(key: str, next_daemon: Next) -> None:
    """The folder, or the Python."""
    server = next_daemon(**{key: "/no/such/place"})

    said = objection(server.raise_up)

    assert said.code is Code.ENGINE_WILL_NOT_START
    assert "/no/such/place" in said.message


def test_silence_at_first_is_a_start(server: Server, comfyui: FakeComfyui, clock: Clock) -> None:
    """For as long as a start may take; then it is ended, and started anew by the next call."""
    comfyui.does("import time; time.sleep(600)")
    server.raise_up()
    clock.now += 60

    said = server.silent()

    assert said.code is Code.ENGINE_STARTING
    assert f"is starting (60 s, pid {server.pid})" in said.message
    clock.now += 121
    server.silent()
    assert comfyui.processes() == []
    server.raise_up()
    assert server.pid
    server.end("a test")


def test_silence_later_is_waited_for_and_then_ended(
    server: Server, comfyui: FakeComfyui, clock: Clock
) -> None:
    """A process that hangs does not come back by itself."""
    up(server)
    clock.now += SILENT_SECONDS

    assert "does not answer just now" in server.silent().message
    assert comfyui.processes()
    clock.now += 1
    server.silent()

    assert comfyui.processes() == []


def test_it_is_renewed_when_it_has_grown(next_daemon: Next) -> None:
    """Over the limit, and only if there is one."""
    server = next_daemon(recycle_gb=0.001)
    assert server.wants_renewal() == ""
    up(server)

    assert server.wants_renewal().startswith("it holds 0.")
    assert next_daemon(recycle_gb=0.0).wants_renewal() == ""
    assert next_daemon(recycle_gb=1000.0).wants_renewal() == ""


def test_it_is_renewed_when_the_config_is_another(next_daemon: Next) -> None:
    """The daemon was started anew with other arguments; ComfyUI still has the old ones."""
    up(next_daemon())

    successor = next_daemon(arguments=["--listen", "127.0.0.1", "--cpu"])

    assert "in another way" in successor.wants_renewal()
    assert successor.end("a test")


def test_nobody_of_it_is_left_at_the_end(server: Server, comfyui: FakeComfyui) -> None:
    """Also what it started, also when it does not listen; a second end is no harm."""
    comfyui.does(
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "time.sleep(600)\n"
    )
    server.raise_up()
    eventually(lambda: len(comfyui.processes()) == 2)

    assert server.end("a test", grace_seconds=0.2)

    assert comfyui.processes() == []
    assert server.end("a test")


def test_what_cannot_be_ended_stays_known(
    server: Server, comfyui: FakeComfyui, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stuck in a driver: it is not started a second time beside it."""
    up(server)
    monkeypatch.setattr(os, "killpg", lambda *_: None)
    monkeypatch.setattr(os, "kill", lambda *_: None)

    assert not server.end("a test", grace_seconds=0.05)

    monkeypatch.undo()
    assert server.pid
    assert len(comfyui.processes()) == 1


def test_it_ends_with_the_daemon_unless_it_works(
    server: Server, comfyui: FakeComfyui, next_daemon: Next
) -> None:
    """What works runs on and is taken over; after that nothing is started any more."""
    up(server)
    server.part(is_busy=True)
    assert len(comfyui.processes()) == 1
    successor = next_daemon()

    successor.part(is_busy=False)

    assert comfyui.processes() == []
    successor.raise_up()
    assert comfyui.processes() == []


def test_orphans_of_a_dead_one_are_ended_before_the_next(
    server: Server, comfyui: FakeComfyui
) -> None:
    """Its child would hold the port, or the memory."""
    comfyui.does(
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "time.sleep(600)\n"
    )
    server.raise_up()
    eventually(lambda: len(comfyui.processes()) == 2)
    child = next(p.pid for p in comfyui.processes() if p.pid != server.pid)
    assert server.pid
    os.kill(server.pid, 9)
    eventually(lambda: server.pid is None)

    server.raise_up()

    assert child not in [process.pid for process in comfyui.processes()]
    server.end("a test")


def test_a_session_is_asked_what_it_holds_and_where_it_listens(server: Server) -> None:
    """Of a session that is not there, nothing is known."""
    up(server)
    assert server.pid

    assert processes.footprint(server.pid) > 1_000_000
    assert processes.listens(server.pid, server._port) is True
    assert processes.listens(server.pid, 1) is False
    assert processes.footprint(2**22 + 1) == 0


def test_a_stranger_that_has_the_command_and_no_session_is_not_taken_over() -> None:
    """It is somebody's child."""
    command = [sys.executable, "-c", "import time; time.sleep(600.25)"]
    stranger = subprocess.Popen(command)
    try:
        assert processes.found(command) is None
    finally:
        stranger.kill()
        stranger.wait()
