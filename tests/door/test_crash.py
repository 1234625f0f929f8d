"""Contract §7: what dies, and what is asked of the engine afterwards."""

from __future__ import annotations

import uuid

from tests.door.process import DaemonProcess, EngineProcess, eventually


def test_killed_daemon_collects_what_it_asked_for(
    own_daemon: DaemonProcess, slow_engine: EngineProcess
) -> None:
    """The prompt runs on in the engine; the next start follows it and asks for nothing anew."""
    own_daemon.start()
    own_daemon.drop("page", steps=40)
    eventually(slow_engine.running)
    own_daemon.kill()
    own_daemon.start()

    told = own_daemon.until("page", "done")

    assert len(slow_engine.prompts()) == 1
    assert told["attempt"] == 1
    assert own_daemon.outputs().count("page_v1.png") == 1


def test_killed_daemon_collects_what_ended_meanwhile(
    own_daemon: DaemonProcess, slow_engine: EngineProcess
) -> None:
    """F24: the prompt is in the history only."""
    own_daemon.start()
    own_daemon.drop("page", steps=15)
    eventually(slow_engine.running)
    own_daemon.kill()
    eventually(slow_engine.prompts)
    own_daemon.start()

    own_daemon.until("page", "done")

    assert len(slow_engine.prompts()) == 1


def test_stop_while_generating_keeps_the_job(
    own_daemon: DaemonProcess, slow_engine: EngineProcess
) -> None:
    """F48: SIGTERM ends the daemon with exit 0; the prompt runs on and is collected later."""
    own_daemon.start()
    own_daemon.drop("page", steps=40)
    eventually(slow_engine.running)

    assert own_daemon.stop() == 0
    assert own_daemon.told("daemon")["state"] == "stopped"
    assert len(own_daemon.folders("running")) == 1
    assert slow_engine.running()
    own_daemon.start()
    own_daemon.until("page", "done")
    assert len(slow_engine.prompts()) == 1


def test_engine_killed_and_restarted_is_asked_again(
    own_daemon: DaemonProcess, slow_engine: EngineProcess
) -> None:
    """F26, F27: the new engine has forgotten; the page is made once, in a second attempt."""
    own_daemon.start()
    own_daemon.drop("page", steps=30)
    eventually(slow_engine.running)
    slow_engine.kill()
    eventually(lambda: own_daemon.told("page").get("waiting_for") == "engine.unreachable")
    assert own_daemon.told("page")["state"] == "running"
    slow_engine.start()

    told = own_daemon.until("page", "done")

    assert told["attempt"] in (1, 2)
    assert any("engine.lost-job" in line for line in own_daemon.log("page"))
    assert [name for name in own_daemon.outputs() if name.endswith(".png")] == ["page_v1.png"]


def test_engine_that_is_not_there_is_waited_for(
    own_daemon: DaemonProcess, slow_engine: EngineProcess
) -> None:
    """Nothing is claimed meanwhile; the status says what it waits for."""
    slow_engine.kill()
    own_daemon.start()
    own_daemon.drop("page", steps=1)

    eventually(lambda: own_daemon.told("page").get("waiting_for") == "engine.unreachable")
    assert own_daemon.told("page")["state"] == "waiting"
    assert own_daemon.folders("running") == []
    slow_engine.start()

    assert own_daemon.until("page", "done")


def test_other_peoples_prompts_are_waited_for_and_left_alone(
    own_daemon: DaemonProcess, slow_engine: EngineProcess
) -> None:
    """F30: a foreign prompt runs before ours; ours is cancelled, theirs goes on."""
    foreign = str(uuid.uuid4())
    slow_engine.post("/prompt", {"prompt": _graph(600), "prompt_id": foreign, "client_id": "them"})
    eventually(lambda: foreign in slow_engine.running())
    own_daemon.start()
    own_daemon.drop("page", steps=1)
    eventually(lambda: own_daemon.told("page").get("waiting_for") == "engine.busy")
    (own_daemon.home / "inbox" / "page.cancel").touch()

    own_daemon.until("page", "cancelled")

    assert slow_engine.running() == [foreign]


def test_second_daemon_is_told_who_holds_the_home(own_daemon: DaemonProcess) -> None:
    """F42: exit code 4, the holder's pid named, the first one lives."""
    own_daemon.start()
    assert own_daemon.process is not None

    answer = own_daemon.run("run")

    assert answer.returncode == 4
    assert f"pid {own_daemon.process.pid}) (daemon.held)" in answer.stderr
    assert own_daemon.process.poll() is None


def test_supervised_daemon_waits_out_a_broken_config(own_daemon: DaemonProcess) -> None:
    """Under launchd it must not loop: degraded, and it goes on when the file is mended."""
    config = own_daemon.home / "config.toml"
    good = config.read_text("utf-8")
    config.write_text(good + "\n[intake]\n", "utf-8")
    own_daemon.environ["PLASMA_SUPERVISED"] = "1"
    own_daemon.start()

    assert own_daemon.told("daemon")["state"] == "degraded"
    assert own_daemon.told("daemon")["code"] == "config.broken"
    config.write_text(good, "utf-8")

    eventually(lambda: own_daemon.told("daemon")["state"] == "idle")


def test_broken_config_in_a_terminal_ends_the_start(own_daemon: DaemonProcess) -> None:
    """Exit code 2, with the line."""
    config = own_daemon.home / "config.toml"
    config.write_text(config.read_text("utf-8").replace("rescan_seconds", "rescan_secs"), "utf-8")

    answer = own_daemon.run("run")

    assert answer.returncode == 2
    assert "Did you mean `rescan_seconds`?" in answer.stderr


def test_three_starts_that_fail_by_our_own_error_are_enough(own_daemon: DaemonProcess) -> None:
    """F40: the next stays up, runs nothing, says why, and goes on when it may."""
    wire = own_daemon.home / ".plasma" / "tripwire-work.json"
    wire.mkdir(parents=True)
    for _ in range(3):
        assert own_daemon.run("run").returncode == 1
    own_daemon.drop("page", steps=1)
    own_daemon.start()

    told = own_daemon.told("daemon")
    assert (told["state"], told["code"]) == ("degraded", "daemon.safe-mode")
    assert "IsADirectoryError" in told["why"]
    assert own_daemon.stop() == 0

    own_daemon.start()
    assert own_daemon.told("daemon")["code"] == "daemon.safe-mode"
    wire.rmdir()
    (own_daemon.home / ".plasma" / "starts.json").unlink()
    own_daemon.until("page", "done")


def _graph(steps: int) -> dict[str, object]:
    """Return somebody else's graph."""
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": _CHECKPOINT}},
        "2": {"class_type": "EmptyLatentImage", "inputs": _SIZE},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "theirs", "clip": ["1", 1]}},
        "4": {"class_type": "KSampler", "inputs": _SAMPLER | {"steps": steps}},
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["5", 0]}},
    }


_CHECKPOINT = "anything-v5-PrtRE.safetensors"
_SIZE = {"width": 64, "height": 64, "batch_size": 1}
_SAMPLER = {
    "seed": 3,
    "cfg": 7.0,
    "sampler_name": "euler",
    "scheduler": "normal",
    "denoise": 1.0,
    "model": ["1", 0],
    "positive": ["3", 0],
    "negative": ["3", 0],
    "latent_image": ["2", 0],
}
