"""What a power cut does to files: empty, all NUL, cut short, or another one's bytes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from plasma_watch.home import Home
from plasma_watch.line import Line
from plasma_watch.status import read_status
from tests.door.process import DaemonProcess, EngineProcess, eventually, make_home, request
from tests.fakes.home import waiting

Damage = Callable[[bytes], bytes]

DAMAGES: dict[str, Damage] = {
    "empty": lambda _: b"",
    "NUL": lambda content: bytes(len(content) or 512),
    "cut short": lambda content: content[: len(content) // 2],
    "another's": lambda content: b"\xff\xfe\x00" * (len(content) // 3 + 1),
    "half NUL": lambda content: content[: len(content) // 2] + bytes(len(content) // 2),
    "twice": lambda content: content + content,
}
STATE = ("status/*.toml", "status/*.log", ".plasma/*", "running/*/job.toml")


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory, engine: EngineProcess) -> Path:
    """A home where one page was made, one waits, and one was begun when the power went."""
    folder = tmp_path_factory.mktemp("lived-in") / "home"
    daemon = DaemonProcess(make_home(folder), engine)
    daemon.start()
    daemon.drop("made", steps=1)
    daemon.until("made", "done")
    (folder / "inbox" / "PAUSE").touch()
    daemon.drop("waits", steps=1)
    daemon.until("waits", "waiting")
    eventually(lambda: daemon.told("waits").get("kind") == "generate")
    daemon.kill()
    home = Home(folder)
    line, path = Line(home), folder / "inbox" / "begun.toml"
    path.write_text(request(steps=1), "utf-8")
    line.admit(waiting(path))
    assert line.claim(waiting(path))
    (folder / "inbox" / "PAUSE").unlink()
    return folder


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_state_is_made_anew_from_the_files(
    tmp_path: Path, lived_in: Path, engine: EngineProcess, damage: Damage
) -> None:
    """F38: every file of ours at once; requests and outputs are all that is needed."""
    home = tmp_path / "home"
    shutil.copytree(lived_in, home)
    for pattern in STATE:
        for path in home.glob(pattern):
            if path.is_file():
                path.write_bytes(damage(path.read_bytes()))
    (journal,) = home.glob("running/*/job.toml")
    damaged = journal.read_bytes()
    daemon = DaemonProcess(home, engine)
    daemon.process = subprocess.Popen(
        [sys.executable, "-m", "plasma_watch", "run", "--home", str(home)], env=daemon.environ
    )
    try:
        for name in ("waits", "begun", "daemon"):
            eventually(partial(_is_whole, home / "status" / f"{name}.toml"), name)

        pictures = [name for name in daemon.outputs() if name.endswith(".png")]
        assert pictures == ["begun_v1.png", "made_v1.png", "waits_v1.png"]
        done = sorted(path.name for path in home.glob("done/*/[!j]*.toml"))
        assert done == ["begun.toml", "made.toml", "waits.toml"]
        assert daemon.folders("running") == []
        kept = [path.read_bytes() for path in (home / ".plasma").glob("*.damaged")]
        assert kept == [damaged]
    finally:
        daemon.kill()


def _is_whole(status: Path) -> bool:
    return read_status(status).get("state") in ("done", "idle")


def test_config_that_the_power_took_is_told(tmp_path: Path, engine: EngineProcess) -> None:
    """F38: it is a person's file, so it is not made anew: exit code 2, with what is wrong."""
    daemon = DaemonProcess(make_home(tmp_path / "home"), engine)
    config = daemon.home / "config.toml"
    config.write_bytes(bytes(config.stat().st_size))

    answer = daemon.run("run")

    assert answer.returncode == 2
    assert "config.broken" in answer.stderr
