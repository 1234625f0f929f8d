"""Contract §2: what people ask by dropping files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tests.door.process import DaemonProcess, EngineProcess, eventually


def test_waiting_job_is_cancelled_by_a_file(own_daemon: DaemonProcess) -> None:
    """The neighbour that runs is not touched (F61), and the control file is gone."""
    own_daemon.start()
    own_daemon.drop("runs", steps=40)
    own_daemon.until("runs", "running")
    own_daemon.drop("waits")
    own_daemon.until("waits", "waiting")
    (own_daemon.home / "inbox" / "waits.cancel").touch()

    told = own_daemon.until("waits", "cancelled")

    assert told["why"] == "cancelled before it began"
    eventually(lambda: not (own_daemon.home / "inbox" / "waits.cancel").exists())
    assert own_daemon.until("runs", "done")["outputs"]


def test_running_job_is_cancelled_in_the_engine(
    own_daemon: DaemonProcess, slow_engine: EngineProcess
) -> None:
    """Only our prompt is interrupted; a folder made in Finder does as well as a file."""
    own_daemon.start()
    own_daemon.drop("long", steps=140)
    eventually(slow_engine.running)
    (own_daemon.home / "inbox" / "long.cancel").mkdir()

    own_daemon.until("long", "cancelled")

    assert slow_engine.running() == []
    assert own_daemon.outputs() == []
    eventually(lambda: not (own_daemon.home / "inbox" / "long.cancel").exists())
    assert len(own_daemon.folders("cancelled")) == 1


def test_cancel_of_nothing_is_taken_away(daemon: DaemonProcess) -> None:
    """It must not lie in wait for a later request of that name."""
    control = daemon.home / "inbox" / "nobody.cancel"
    control.touch()
    eventually(lambda: not control.exists())

    daemon.drop("nobody")

    assert daemon.until("nobody", "done")


def test_pause_holds_the_line_and_lets_the_running_job_end(own_daemon: DaemonProcess) -> None:
    """Taking PAUSE away goes on."""
    own_daemon.start()
    own_daemon.drop("first", steps=30)
    own_daemon.until("first", "running")
    (own_daemon.home / "inbox" / "PAUSE").touch()
    own_daemon.drop("second", steps=1)

    own_daemon.until("first", "done")
    eventually(lambda: own_daemon.told("daemon")["state"] == "paused")
    eventually(lambda: "paused" in own_daemon.told("second")["why"])
    assert own_daemon.told("second")["state"] == "waiting"
    (own_daemon.home / "inbox" / "PAUSE").unlink()

    assert own_daemon.until("second", "done")


def test_the_daemon_tells_soon_what_runs_behind_a_quick_page(own_daemon: DaemonProcess) -> None:
    """It was begun before the quick one ended, and takes longer than anybody waits for news."""
    own_daemon.start()
    (own_daemon.home / "inbox" / "PAUSE").touch()
    eventually(lambda: own_daemon.told("daemon")["state"] == "paused")
    own_daemon.drop("quick", steps=10)
    own_daemon.drop("slow", steps=60)
    eventually(lambda: own_daemon.told("daemon")["line"]["length"] == 2)
    (own_daemon.home / "inbox" / "PAUSE").unlink()
    own_daemon.until("quick", "done")

    eventually(lambda: own_daemon.told("daemon")["running"] == "slow")

    assert own_daemon.told("slow")["state"] == "running"


def test_urgent_goes_first_and_keeps_its_job(own_daemon: DaemonProcess) -> None:
    """Moving a waiting file to urgent/ jumps the line; its id stays."""
    own_daemon.start()
    own_daemon.drop("runs", steps=40)
    own_daemon.until("runs", "running")
    own_daemon.drop("a", steps=1)
    own_daemon.drop("b", steps=1)
    before = own_daemon.until("b", "waiting")
    inbox = own_daemon.home / "inbox"
    eventually(lambda: own_daemon.told("b").get("position") == 2)
    (inbox / "b.toml").rename(inbox / "urgent" / "b.toml")

    eventually(lambda: own_daemon.told("b").get("position") == 1)
    after = own_daemon.until("b", "done")

    assert after["job"] == before["job"]
    own_daemon.until("a", "done")
    done = sorted(own_daemon.folders("done"), key=lambda folder: folder.stat().st_ctime_ns)
    assert [folder.name.split("-")[1] for folder in done] == ["runs", "b", "a"]


def test_rewriting_a_waiting_file_replaces_it(own_daemon: DaemonProcess) -> None:
    """What is made is what was written last; the place in the line stays."""
    own_daemon.start()
    own_daemon.drop("runs", steps=40)
    own_daemon.until("runs", "running")
    own_daemon.drop("page", prompt="old", steps=1)
    old = own_daemon.until("page", "waiting")
    own_daemon.drop("page", prompt="new", steps=1)
    eventually(lambda: own_daemon.told("page")["sha256"] != old["sha256"])

    own_daemon.until("page", "done")

    manifest = tomllib.loads((own_daemon.home / "output" / "page_v1.toml").read_text("utf-8"))
    assert manifest["prompt"] == "new"
    assert own_daemon.outputs().count("page_v1.png") == 1
    assert "page_v2.png" not in own_daemon.outputs()


def test_failed_request_moved_back_runs_again(daemon: DaemonProcess) -> None:
    """F69: mended or not, by hand or by `retry`."""
    daemon.drop("mend", 'kind = "generate"\nprompt = 3\n')
    daemon.until("mend", "failed")
    (folder,) = daemon.folders("failed")
    request = folder / "mend.toml"
    request.write_text('kind = "generate"\nprompt = "x"\nworkflow = "txt2img"\nsteps = 1\n')

    answer = daemon.run("retry", "mend")

    assert answer.returncode == 0, answer.stderr
    assert daemon.until("mend", "done")
    assert (folder / "why.txt").exists()


def test_manifest_dropped_makes_the_page_again(daemon: DaemonProcess) -> None:
    """The next version, from the same seed, under the same name."""
    daemon.drop("page", seed=7, output="study")
    daemon.until("page", "done")
    first = daemon.home / "output" / "study_v1.toml"
    daemon.drop("study_v1", first.read_text("utf-8"))

    told = daemon.until("study_v1", "done")

    assert told["outputs"][0] == "output/study_v2.png"
    second = _manifest(daemon.home / "output" / "study_v2.toml")
    before = _manifest(first)
    request_keys = [key for key, value in before.items() if not isinstance(value, dict | list)]
    assert {k: second[k] for k in request_keys} == {k: before[k] for k in request_keys}
    assert second["result"]["phash"] == before["result"]["phash"]


def test_picture_dropped_makes_the_page_again(daemon: DaemonProcess) -> None:
    """Its PNG text carries the request; a foreign picture is refused with the way out."""
    daemon.drop("page", seed=9)
    made = daemon.home / daemon.until("page", "done")["outputs"][0]
    dropped = daemon.home / "inbox" / ".copy.tmp"
    dropped.write_bytes(made.read_bytes())
    dropped.rename(daemon.home / "inbox" / "page_v1.png")

    told = daemon.until("page_v1", "done")

    assert told["outputs"][0] == "output/page_v2.png"
    (folder,) = daemon.home.glob("done/*-page_v1")
    assert (folder / "page_v1.png").read_bytes() == made.read_bytes()


def _manifest(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
