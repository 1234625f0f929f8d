"""A sweep through the door: dropped, killed in the middle, ended with one sheet."""

from __future__ import annotations

from tests.door.process import DaemonProcess, EngineProcess, eventually, request

SWEEP = request(steps=8) + "[sweep]\ncfg = [4.0, 8.0]\nseed = [1, 2]\n"
MADE = sorted(
    [f"try_v{n}.{kind}" for n in (1, 2, 3, 4) for kind in ("png", "toml")]
    + ["try_sheet_v1.png", "try_sheet_v1.toml", "generation-log.json"]
)


def test_sweep_survives_a_kill(own_daemon: DaemonProcess, slow_engine: EngineProcess) -> None:
    """Every combination once, and one sheet, though the daemon died between two of them."""
    own_daemon.start()
    own_daemon.drop("try", SWEEP)
    eventually(lambda: "try_v1.png" in own_daemon.outputs(), "the first")

    own_daemon.kill()
    own_daemon.start()
    ended = own_daemon.until("try", "done")

    assert own_daemon.outputs() == MADE
    assert len(slow_engine.prompts()) == 4
    assert ended["outputs"][4] == "output/try_sheet_v1.png"
    assert ended["why"] == "4 pictures and their sheet: output/try_sheet_v1.png"


def test_dropped_sheet_makes_the_sweep_again(daemon: DaemonProcess) -> None:
    """As the manifest of a picture makes the picture."""
    daemon.drop("try", request() + "[sweep]\ncfg = [4.0, 8.0]\n")
    daemon.until("try", "done")
    sheet = daemon.home / "output" / "try_sheet_v1.png"

    (daemon.home / "inbox" / "try.png").write_bytes(sheet.read_bytes())
    eventually(lambda: "try_sheet_v2.png" in daemon.outputs(), "the second sheet")

    assert "try_v4.png" in daemon.outputs()
