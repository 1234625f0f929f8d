"""The real daemon under a stand-in for launchd, started by the plist that `install` writes.

The stand-in gives it 5 s to end, as launchd does by default by now: an overrun would be killed,
count as a crash, and come back.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from plasma_watch import installing
from plasma_watch.home import Home
from plasma_watch.system import plists
from plasma_watch.system.launchd import Launchd
from plasma_watch.system.services import DAEMON
from plasma_watch.train.trainer import STAND_IN
from tests.door.process import DaemonProcess, EngineProcess, eventually, make_home, request
from tests.fakes.datasets import fill
from tests.fakes.forge import trainers
from tests.fakes.launchd import FakeLaunchctl, FakeLaunchd

PATIENT = {"ExitTimeOut": 5, "ThrottleInterval": 1}
QUICK = {"ExitTimeOut": 0.5, "ThrottleInterval": 0.2}


class Agent(DaemonProcess):
    """A home whose daemon launchd looks after."""

    def __init__(self, home: Path, engine: EngineProcess, launchd_: FakeLaunchd) -> None:
        super().__init__(home, engine)
        self.launchd = launchd_
        self.more: dict[str, str] = {}
        """What is in the agent's environment besides."""
        config = home / "config.toml"
        text = config.read_text("utf-8").replace('url = "auto"', f'url = "{engine.url}"')
        config.write_text(text, "utf-8")

    def load(self) -> None:
        """Load the agent, and wait until the daemon tells of itself."""
        agents = Launchd(501, self.home.parent, lambda _: None)
        plist = agents.plist(installing.daemon_unit(Home(self.home)))
        assert plists.problems(plist) == []
        agents.log(DAEMON).parent.mkdir(parents=True, exist_ok=True)
        plist["EnvironmentVariables"] |= self.more
        self.launchd.load(plist | PATIENT)
        eventually(self.is_up, "the daemon")

    def is_up(self) -> bool:
        """Tell whether the daemon of the present process has told of itself."""
        process = self.launchd.process
        return process is not None and self.told("daemon").get("pid") == process.pid

    def stop_and_wait(self) -> None:
        """Do what `launchctl stop` does, and wait for the end."""
        ends = len(self.launchd.ends)
        self.launchd.stop()
        eventually(lambda: len(self.launchd.ends) > ends, "the end")


@pytest.fixture
def agent(tmp_path: Path, slow_engine: EngineProcess) -> Iterator[Agent]:
    """A home with a slow engine of its own; the agent is not loaded."""
    agent = Agent(make_home(tmp_path / "home"), slow_engine, FakeLaunchd(tmp_path))
    yield agent
    agent.launchd.unload()


def is_down_for_good(fake: FakeLaunchd) -> bool:
    """Tell whether the last end was a good one, after which nothing comes back."""
    return fake.ends[-1] == 0 and not fake.is_running and not fake.will_start


def test_stop_while_idle_stays_stopped(agent: Agent) -> None:
    """Exit 0 in time; `launchctl start` starts it again."""
    agent.load()

    agent.stop_and_wait()

    assert is_down_for_good(agent.launchd)
    assert agent.told("daemon")["state"] == "stopped"
    agent.launchd.start()
    eventually(agent.is_up)
    assert len(agent.launchd.began) == 2


def test_stop_while_generating_keeps_the_job(agent: Agent, slow_engine: EngineProcess) -> None:
    """The prompt runs on, and is collected by the next start."""
    agent.load()
    agent.drop("page", steps=40)
    eventually(slow_engine.running)

    agent.stop_and_wait()

    assert is_down_for_good(agent.launchd)
    assert len(agent.folders("running")) == 1
    agent.launchd.start()
    agent.until("page", "done")
    assert len(slow_engine.prompts()) == 1


class TrainingAgent(Agent):
    """A home that trains with the stand-in, and whose daemon launchd looks after."""

    def __init__(self, home: Path, engine: EngineProcess, launchd_: FakeLaunchd) -> None:
        super().__init__(home, engine, launchd_)
        text = (home / "config.toml").read_text("utf-8")
        for before, after in (
            ('dir = ""', f'dir = "{engine.base}"'),
            ('script = ""', f'script = "{STAND_IN}"'),
            ("min_images = 15", "min_images = 4"),
            ("train_gb = 9.0", "train_gb = 0.1"),
            ("reserve_gb = 1.5", "reserve_gb = 0.1"),
        ):
            text = text.replace(before, after)
        kohya = text.index("[kohya]")
        text = text[:kohya] + text[kohya:].replace('python = ""', f'python = "{sys.executable}"')
        (home / "config.toml").write_text(text, "utf-8")
        fill(home / "datasets" / "spyke", 4)
        self._stalled = home.with_name("stalled")
        """What the trainer writes as soon as it stands still."""

    def load(self) -> None:
        """Load the agent with a trainer that stands still in its second epoch, once."""
        self.more = {
            "PLASMA_SANDBOX_SECONDS_PER_STEP": "0.1",
            "PLASMA_SANDBOX_TRAINER_FAULT": "stall@6",
            "PLASMA_SANDBOX_TRAINER_SPENT": str(self._stalled),
        }
        super().load()

    def train(self) -> list[psutil.Process]:
        """Drop a request to train, and return its trainer when it has made a whole epoch."""
        self.drop("spyke", TRAINING)
        eventually(self._stalled.exists, "the second epoch")
        eventually(lambda: "epoch 2 of 3" in str(self.told("spyke").get("why", "")))
        return self.trainers()

    def trainers(self) -> list[psutil.Process]:
        """Return the trainers of this home that live."""
        return list(trainers(self.home / "running"))


TRAINING = """kind = "train"
lora = "spyke"
dataset = "datasets/spyke"
trigger = "spyke"
steps = 12
save_every = 4
resolution = 64
dim = 2
alpha = 2
"""


@pytest.fixture
def training_agent(tmp_path: Path, engine: EngineProcess) -> Iterator[TrainingAgent]:
    """A home that trains; no trainer outlives the test."""
    agent = TrainingAgent(make_home(tmp_path / "home"), engine, FakeLaunchd(tmp_path))
    yield agent
    agent.launchd.unload()
    left = agent.trainers()
    for process in left:
        process.kill()
    assert left == []


def test_stop_while_training_keeps_the_job_and_leaves_no_trainer(
    training_agent: TrainingAgent,
) -> None:
    """It ends in time, stays down, and goes on from the last whole epoch."""
    agent = training_agent
    agent.load()
    assert agent.train()

    agent.stop_and_wait()

    assert is_down_for_good(agent.launchd)
    assert agent.trainers() == []
    assert len(agent.folders("running")) == 1
    agent.launchd.start()
    agent.until("spyke", "done")


def test_killed_while_training_comes_back_and_ends_the_orphan(
    training_agent: TrainingAgent,
) -> None:
    """The trainer outlives its daemon; two at once would be one too many."""
    agent = training_agent
    agent.load()
    (orphan,) = agent.train()

    agent.launchd.signal(signal.SIGKILL)

    agent.until("spyke", "done")
    assert not orphan.is_running()
    assert len(agent.launchd.began) == 2
    assert len(agent.folders("done")) == 1


def test_stop_while_scanning_a_full_inbox(agent: Agent) -> None:
    """Thousands of files lie there; each stays where it is or waits."""
    for number in range(2000):
        (agent.home / "inbox" / f"p{number}.toml").write_text(request(), "utf-8")
    agent.load()

    agent.stop_and_wait()

    assert is_down_for_good(agent.launchd)
    begun = [p for folder in agent.folders("running") for p in folder.glob("p*.toml")]
    ended = [p for folder in agent.folders("done") for p in folder.glob("p*.toml")]
    assert len(list((agent.home / "inbox").glob("*.toml"))) + len(begun) + len(ended) == 2000


def test_stop_in_the_first_moment_is_a_good_end(agent: Agent) -> None:
    """Before Python has loaded what it needs."""
    agent.load()
    agent.stop_and_wait()
    agent.launchd.start()
    process = agent.launchd.process
    assert process
    eventually(lambda: _hears_sigterm(process.pid), "the first handler")

    agent.stop_and_wait()

    assert is_down_for_good(agent.launchd)


def _hears_sigterm(pid: int) -> bool:
    """Tell whether a process has a handler for SIGTERM, as Linux shows it."""
    if not Path("/proc").is_dir():
        pytest.skip("only Linux shows what a process handles")
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(line.split()[1] for line in lines if line.startswith("SigCgt"))
    return bool(int(caught, 16) & 1 << (signal.SIGTERM - 1))


def test_killed_daemon_comes_back(agent: Agent, slow_engine: EngineProcess) -> None:
    """Not before the throttle lets it; the job is made once."""
    agent.load()
    agent.drop("page", steps=40)
    eventually(slow_engine.running)

    agent.launchd.signal(signal.SIGKILL)

    agent.until("page", "done")
    began = agent.launchd.began
    assert agent.launchd.ends == [-signal.SIGKILL]
    assert began[1] - began[0] >= PATIENT["ThrottleInterval"]
    assert len(slow_engine.prompts()) == 1


def test_broken_config_is_no_loop(agent: Agent) -> None:
    """Degraded, with the reason; it goes on in the same process when the file is mended."""
    config = agent.home / "config.toml"
    good = config.read_text("utf-8")
    config.write_text(good.replace("rescan_seconds", "rescan_secs"), "utf-8")
    agent.load()

    assert agent.told("daemon")["state"] == "degraded"
    config.write_text(good, "utf-8")
    eventually(lambda: agent.told("daemon")["state"] == "idle")
    assert len(agent.launchd.began) == 1
    agent.stop_and_wait()
    assert is_down_for_good(agent.launchd)


def test_held_home_is_no_loop(agent: Agent, slow_engine: EngineProcess) -> None:
    """The second daemon waits for the first, and takes over when that has ended."""
    first = DaemonProcess(agent.home, slow_engine)
    first.start()
    agent.launchd.load(_plist(agent) | PATIENT)

    assert first.stop() == 0

    eventually(agent.is_up)
    assert len(agent.launchd.began) == 1


def _plist(agent: Agent) -> dict[str, Any]:
    agents = Launchd(501, agent.home.parent)
    agents.log(DAEMON).parent.mkdir(parents=True, exist_ok=True)
    return agents.plist(installing.daemon_unit(Home(agent.home)))


def test_environment_and_folder_are_the_plists(agent: Agent) -> None:
    """No shell's profile; what it makes is its user's alone, and only errors are printed."""
    agent.load()
    assert agent.launchd.process
    process = psutil.Process(agent.launchd.process.pid)

    assert process.environ()["PATH"].startswith("/opt/homebrew/bin:")
    assert process.cwd() == str(agent.home)
    assert (agent.home / "status" / "daemon.toml").stat().st_mode & 0o077 == 0
    log = Launchd(501, agent.home.parent).log(DAEMON)
    assert log.read_text("utf-8") == ""


def test_one_command_installs_and_removes_it(
    tmp_path: Path, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: install, a page, stop, start, uninstall, through `launchctl`."""
    launchctl = FakeLaunchctl(tmp_path, agent.launchd)
    monkeypatch.setenv("PATH", f"{launchctl.folder}:{os.environ['PATH']}")
    agents = Launchd(501, tmp_path)

    agents.install(installing.daemon_unit(Home(agent.home)))

    agent.drop("page", steps=1)
    agent.until("page", "done")
    agents.stop(DAEMON)
    assert is_down_for_good(agent.launchd)
    agents.start(DAEMON)
    eventually(agent.is_up)
    agents.uninstall(DAEMON)
    assert not agent.launchd.is_running
    assert agent.launchd.ends == [0, 0]
    launchctl.close()


# The stand-in itself, so that what it shows can be believed.


@pytest.mark.parametrize(
    ("keep_alive", "script", "comes_back"),
    [
        ({"SuccessfulExit": False}, "exit 0", False),
        ({"SuccessfulExit": False}, "exit 1", True),
        ({"SuccessfulExit": False}, "kill -TERM $$", True),
        ({"SuccessfulExit": False}, "kill -KILL $$", True),
        ({"Crashed": True}, "kill -KILL $$", False),
        ({"Crashed": True}, "kill -SEGV $$", True),
        ({"SuccessfulExit": False, "Crashed": False}, "exit 0", True),
        (True, "exit 0", True),
        (False, "exit 1", False),
    ],
)
def test_stand_in_keeps_alive_as_documented(
    tmp_path: Path, keep_alive: Any, script: str, *, comes_back: bool
) -> None:
    """One run, and whether a second is due."""
    fake = FakeLaunchd(tmp_path)
    fake.load(_small(tmp_path, script) | {"KeepAlive": keep_alive, "ThrottleInterval": 3600})

    eventually(lambda: fake.ends)

    assert fake.will_start is comes_back
    fake.unload()


def test_stand_in_kills_who_takes_too_long_and_asks_the_group_once(tmp_path: Path) -> None:
    """The main process only; a child in its group is asked, one in its own session is not."""
    script = f"""
[ -e {tmp_path}/up ] && exit 0
sh -c 'trap "echo asked >> {tmp_path}/child; exit" TERM; echo > {tmp_path}/heard
       while :; do sleep 0.02; done' &
trap '' TERM
setsid sh -c 'echo $$ > {tmp_path}/apart; exec sleep 600' &
echo up > {tmp_path}/up
while :; do sleep 0.02; done
"""
    fake = FakeLaunchd(tmp_path)
    fake.load(_small(tmp_path, script) | QUICK | {"KeepAlive": {"SuccessfulExit": False}})
    eventually(lambda: (tmp_path / "up").exists() and (tmp_path / "heard").exists())
    apart = int(eventually(lambda: _text(tmp_path / "apart")))

    fake.stop()

    eventually(lambda: fake.ends)
    assert fake.ends[0] == -signal.SIGKILL
    assert eventually(lambda: _text(tmp_path / "child")) == "asked\n"
    left = psutil.Process(apart)
    assert left.is_running()
    eventually(lambda: len(fake.began) > 1, "the next start, because it was killed")
    fake.unload()
    left.kill()


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def _small(folder: Path, script: str) -> dict[str, Any]:
    return {
        "Label": "com.example",
        "ProgramArguments": ["/bin/sh", "-c", script],
        "RunAtLoad": True,
        "StandardErrorPath": str(folder / "log"),
        "ExitTimeOut": 5,
    }
