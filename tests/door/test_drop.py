"""Contract §1: how a file gets in, and what becomes of what is not a request."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from pathlib import Path

from tests.door.process import DaemonProcess, EngineProcess, eventually, make_home, request

CONTRACT_SECONDS = 1.0 * 10
"""The contract's second for a refusal and for a status, times ten for a busy machine."""


def test_page_is_made_from_a_file_renamed_in(daemon: DaemonProcess) -> None:
    """The main job: one dropped file, one finished page with its manifest, log and done folder."""
    text = request(chapter=1, page=3, workflow="txt2img-lora") + '[lora]\nname = "spyke"\n'
    daemon.drop("p003", text)

    told = daemon.until("p003", "done")

    assert told["outputs"] == [
        "output/ch-01/raw/ch01_p003_v1.png",
        "output/ch-01/raw/ch01_p003_v1.toml",
    ]
    assert daemon.outputs() == [
        "ch-01/raw/ch01_p003_v1.png",
        "ch-01/raw/ch01_p003_v1.toml",
        "ch-01/raw/generation-log.json",
    ]
    (folder,) = eventually(lambda: daemon.folders("done"))
    assert folder.name == told["job"]
    assert (folder / "p003.toml").read_text("utf-8") == text
    assert told["sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_file_written_slowly_is_taken_whole(tmp_path: Path, engine: EngineProcess) -> None:
    """F1: forty chunks, several of them ending where the text is valid TOML."""
    daemon = DaemonProcess(make_home(tmp_path / "home", settle_seconds=2), engine)
    daemon.start()
    lines = ['kind = "generate"', 'workflow = "txt2img"', 'prompt = "cut"', "seed = 1"]
    lines += ["steps = 2", "width = 64", "height = 64", *(f"# line {n}" for n in range(32))]
    lines.append("count = 2")
    with (daemon.home / "inbox" / "slow.toml").open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(line + "\n")
            file.flush()
            time.sleep(0.02)

    told = daemon.until("slow", "done")

    daemon.kill()
    assert len(told["outputs"]) == 4
    assert len(daemon.folders("done")) == 1
    assert daemon.folders("failed") == []


def test_copy_under_way_at_the_start_is_taken_whole(
    own_daemon: DaemonProcess,
) -> None:
    """F3: the daemon starts while a file is still being copied into the inbox."""
    text = request(prompt="copied", steps=1)
    path = own_daemon.home / "inbox" / "copied.toml"
    path.write_text(text[:40], "utf-8")

    def go_on() -> None:
        eventually(lambda: own_daemon.told("copied"))
        with path.open("a", encoding="utf-8") as file:
            for char in text[40:]:
                file.write(char)
                file.flush()

    copy = threading.Thread(target=go_on)
    copy.start()
    own_daemon.start()
    copy.join()

    told = own_daemon.until("copied", "done")
    assert told["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert own_daemon.folders("failed") == []


def test_file_dropped_while_nobody_looked_is_found(own_daemon: DaemonProcess) -> None:
    """A request from before the start goes the same way as any other; started as people do."""
    own_daemon.is_forked = False
    own_daemon.drop("early", steps=1)

    own_daemon.start("--drain")

    assert own_daemon.until("early", "done")["outputs"]


def test_what_is_no_request_is_left_alone(daemon: DaemonProcess) -> None:
    """F10: litter without a word, mistakes by name and reason, neither is moved."""
    inbox = daemon.home / "inbox"
    litter = [".DS_Store", "._x.toml", "Icon\r", ".x.jpg.icloud", "x.toml.part", "x.toml~"]
    mistakes = ["x.toml.txt", "x.json", "n" * 121 + ".toml"]
    for name in litter + mistakes:
        (inbox / name).write_text("kind = 1", "utf-8")
    (inbox / "pages").mkdir()
    shutil.copy(inbox / "x.json", inbox / "pages" / "p.toml")

    ignored = eventually(
        lambda: (found := daemon.told("daemon")["ignored"]) and len(found) == 4 and found
    )

    assert set(ignored) == {*mistakes, "pages"}
    assert {path.name for path in inbox.iterdir()} == {*litter, *mistakes, "pages", "urgent"}
    assert daemon.folders("failed") == []


def test_impostors_are_refused_and_not_followed(daemon: DaemonProcess) -> None:
    """F17: a link to a secret and a FIFO, named like requests."""
    (daemon.home / "inbox" / "link.toml").symlink_to("/etc/passwd")
    os.mkfifo(daemon.home / "inbox" / "pipe.toml")

    for name in ("link", "pipe"):
        assert daemon.until(name, "failed")["error"]["code"] == "request.not-a-file"
    secrets = [path for path in daemon.home.rglob("*.txt") if "root:" in path.read_text("utf-8")]
    assert secrets == []


def test_bad_file_fails_within_a_second_while_another_job_runs(
    own_daemon: DaemonProcess,
) -> None:
    """§1: refused with the reason in plain words, and the running job is not disturbed."""
    own_daemon.start()
    own_daemon.drop("long", steps=150)
    own_daemon.until("long", "running")

    began = time.monotonic()
    own_daemon.drop("bad", 'kind = "generate"\nprmpt = "x"\nsteps = "fast"\n')
    why = eventually(lambda: next((own_daemon.home / "failed").glob("*-bad/why.txt"), None))
    took = time.monotonic() - began

    assert took < CONTRACT_SECONDS
    text = why.read_text("utf-8")
    assert "line 2: prmpt is not a known key. Did you mean `prompt`?" in text
    assert "line 3: steps is 'fast'; expected a whole number" in text
    assert own_daemon.told("long")["state"] == "running"
    told = own_daemon.until("bad", "failed")
    assert told["error"]["code"] == "request.unknown-key"
    assert len(told["error"]["problems"]) == 3


def test_status_and_log_are_there_within_a_second(daemon: DaemonProcess) -> None:
    """§4: also for a file that is still arriving."""
    began = time.monotonic()
    (daemon.home / "inbox" / "seen.toml").write_text(request(), "utf-8")
    eventually(lambda: daemon.told("seen"))
    took = time.monotonic() - began

    assert took < CONTRACT_SECONDS
    daemon.until("seen", "done")
    assert (daemon.home / "status" / "seen.log").exists()


def test_thousand_touches_make_one_job(own_daemon: DaemonProcess) -> None:
    """F4: the file is touched and its mode changed while it waits and runs."""
    path = own_daemon.drop("touched", steps=3)
    own_daemon.start()
    for n in range(1000):
        try:
            os.utime(path, (n, n))
            path.chmod(0o600 + n % 2 * 0o44)
        except FileNotFoundError:
            break

    own_daemon.until("touched", "done")

    assert len(own_daemon.folders("done")) == 1
    assert own_daemon.folders("failed") == []


def test_same_name_again_is_a_new_job(daemon: DaemonProcess) -> None:
    """§1: the status belongs to the newest drop, and the next version is made."""
    daemon.drop("again")
    first = daemon.until("again", "done")
    daemon.drop("again", seed=2)

    def newer() -> dict[str, object] | None:
        told = daemon.told("again")
        return told if told["state"] == "done" and told["job"] != first["job"] else None

    second = eventually(newer)
    assert second["outputs"] == ["output/again_v2.png", "output/again_v2.toml"]
    assert len(daemon.folders("done")) == 2


def test_names_that_are_hard_to_write_work(daemon: DaemonProcess) -> None:
    """F13: emoji, spaces, a leading dash, quotes, 120 bytes."""
    names = ["page 3", "-rf", "page\N{CAT FACE}", 'it\'s "it"', "$(reboot)", "n" * 120]
    for name in names:
        daemon.drop(name)

    for name in names:
        made = daemon.home / daemon.until(name, "done")["outputs"][0]
        assert made == daemon.home / "output" / f"{name}_v1.png"
        assert made.is_file()


def test_name_of_the_daemon_is_refused(daemon: DaemonProcess) -> None:
    """A request called `daemon` would own status/daemon.toml."""
    daemon.drop("daemon")

    (folder,) = eventually(lambda: daemon.folders("failed"))

    assert "request.name-taken" in (folder / "why.txt").read_text("utf-8")
    assert daemon.told("daemon")["pid"]


def test_twins_of_one_name_do_not_meet(daemon: DaemonProcess) -> None:
    """F11, F12: composed and decomposed, upper and lower case: each is a job, no output is lost."""
    for name in ("\u304c", "\u304b\u3099", "Page", "page"):
        daemon.drop(name)

    eventually(lambda: len(daemon.folders("done")) == 4)

    pictures = [name for name in daemon.outputs() if name.endswith(".png")]
    assert len(pictures) == 4
    assert len({name.casefold() for name in pictures}) == 4


def test_deleted_inbox_is_watched_again_when_it_is_back(daemon: DaemonProcess) -> None:
    """F8, F9: taken away and made again, without a restart."""
    inbox = daemon.home / "inbox"
    shutil.rmtree(inbox)
    (inbox / "urgent").mkdir(parents=True)
    daemon.drop("back")

    assert daemon.until("back", "done")


def test_inbox_that_is_gone_is_told_and_waited_for(own_daemon: DaemonProcess) -> None:
    """F9: when its volume is unmounted: nobody has to guess why nothing happens."""
    daemon = own_daemon
    config = daemon.home / "config.toml"
    often = config.read_text("utf-8").replace("rescan_seconds = 15", "rescan_seconds = 1")
    config.write_text(often, "utf-8")
    daemon.start()
    inbox, away = daemon.home / "inbox", daemon.home / "away"
    inbox.rename(away)
    eventually(lambda: daemon.told("daemon")["state"] == "degraded", "the degraded state")
    assert "the inbox cannot be read" in daemon.told("daemon")["why"]

    away.rename(inbox)
    daemon.drop("back")

    assert daemon.until("back", "done")


def test_config_of_another_layout_is_refused(own_daemon: DaemonProcess) -> None:
    """F20: an output folder inside the inbox would feed on itself."""
    config = own_daemon.home / "config.toml"
    text = config.read_text("utf-8").replace('output = "output"', 'output = "inbox/out"')
    config.write_text(text, "utf-8")

    answer = own_daemon.run("run")

    assert answer.returncode == 2
    assert "lies inside a folder that jobs move through" in answer.stderr
