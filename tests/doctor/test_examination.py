"""The whole examination, by the command, and its one real picture."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from plasma_watch.cli import main
from plasma_watch.config import Comfyui, Config, Disk
from plasma_watch.doctor import examination
from plasma_watch.doctor.line import Colour
from plasma_watch.home import Home
from tests.fakes.engine import closed_port
from tests.sandbox.process import Sandbox


def configure(home: Home, url: str) -> None:
    """Set the address, on a machine whose disk may be full and whose memory is taken."""
    text = home.config.read_text("utf-8").replace('url = "auto"', f'url = "{url}"')
    text = text.replace("reserve_gb = 15", "reserve_gb = 0").replace("= 6.0", "= 0.0")
    home.config.write_text(text, "utf-8")


Capture = pytest.CaptureFixture[str]


def run(monkeypatch: pytest.MonkeyPatch, home: Home, *options: str) -> int:
    """Run the command, and return its exit code."""
    arguments = ["plasma-watch", "doctor", "--home", str(home.root), *options]
    monkeypatch.setattr("sys.argv", arguments)
    try:
        main()
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


def test_a_ready_machine_ends_with_nothing(
    home: Home,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Yellow lines are no reason."""
    configure(home, sandbox.url)

    assert run(monkeypatch, home) == 0

    out = capsys.readouterr().out
    assert "✓ workflows" in out
    assert "! trainer" in out
    assert "✗" not in out


def test_a_machine_that_is_not_ready_ends_with_one(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each red line has its repair; for programs too."""
    configure(home, closed_port())

    assert run(monkeypatch, home, "--json") == 1

    told = json.loads(capsys.readouterr().out)
    reds = [line for line in told if line["colour"] == "red"]
    assert [line["what"] for line in reds] == ["ComfyUI"]
    assert all(line["repair"] for line in reds)
    assert run(monkeypatch, home) == 1
    assert "→ Start it" in capsys.readouterr().out


def test_a_picture_goes_through_the_line(home: Home, sandbox: Sandbox) -> None:
    """A daemon is started for it where none is, and ends afterwards; a stand-in proves little.

    Done again it is made again, of the same bytes.
    """
    configure(home, sandbox.url)
    config = Config(comfyui=Comfyui(url=sandbox.url), disk=Disk(reserve_gb=0))

    line = examination.picture(home, config)

    assert line.colour is Colour.YELLOW
    assert line.said.startswith("drawn by the stand-in engine, which says nothing of ComfyUI: ")
    assert line.said.endswith("output/studies/doctor_v1.png")
    assert (home.root / "output" / "studies" / "doctor_v1.png").is_file()
    assert examination.picture(home, config).said.endswith("output/studies/doctor_v2.png")
    assert len(list((home.root / "done").glob("*/doctor-picture.toml"))) == 2


def test_no_picture_is_tried_without_an_engine(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """It would wait for it a quarter of an hour."""
    configure(home, closed_port())

    assert run(monkeypatch, home, "--picture") == 1

    assert "picture            not tried: ComfyUI is not ready" in capsys.readouterr().out
    assert list(home.inbox.rglob("*.toml")) == []


def test_a_picture_that_cannot_be_made_is_red(home: Home, sandbox: Sandbox) -> None:
    """With the reason that the status gives."""
    configure(home, sandbox.url)
    (home.root / "workflows" / "txt2img.json").unlink()

    line = examination.picture(home, Config())

    assert line.colour is Colour.RED
    assert "txt2img" in line.said


def test_a_daemon_that_does_not_come_up_is_red(home: Home) -> None:
    """Its config is broken."""
    home.config.write_text("[nonsense]\n", "utf-8")

    line = examination.picture(home, Config())

    assert line.colour is Colour.RED
    assert "does not come up" in line.said


def test_everything_is_looked_at_though_nothing_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tool, no folder, no engine: every probe answers, none raises."""
    from plasma_watch.system.supervision import services  # noqa: PLC0415 - it is what is tried

    monkeypatch.setenv("PATH", str(tmp_path))
    home = Home(tmp_path / "nowhere")
    config = Config(comfyui=Comfyui(url=closed_port(), dir="/no/such/place"))

    told = list(examination.examine(home, config, services(os.environ), tmp_path))

    assert {line.what for line in told} >= {"memory", "daemon", "ComfyUI", "trainer"}
