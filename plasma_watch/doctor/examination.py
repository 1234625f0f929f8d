"""The whole examination: every reading taken and judged, in the order in which a job meets them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from plasma_watch import errand
from plasma_watch.config import Config
from plasma_watch.doctor import engine, machine, service, trainer
from plasma_watch.doctor.line import Colour, Line, green, red, yellow
from plasma_watch.errors import PlasmaError
from plasma_watch.holder import told_by_holder
from plasma_watch.home import Home
from plasma_watch.report.heads import read_head
from plasma_watch.system.services import Services

PICTURE = "doctor-picture"
_PICTURE_SECONDS = 900.0


def examine(home: Home, config: Config, services: Services, user_home: Path) -> Iterator[Line]:
    """Yield every line as soon as it is known; the trainer's Python takes longest."""
    found = machine.read(home, config)
    yield from machine.judge(found, config)
    yield from service.judge(service.read(home, config, services, user_home))
    yield from engine.judge(engine.read(home, config), found.system)
    read = trainer.read(config, user_home)
    yield from trainer.judge(read, config.kohya.required_device, found.system)


def no_picture(home: Home, found: Iterable[Line]) -> Line | None:
    """Return why no picture need be tried: there is no engine to make it."""
    is_red = any(line.what == "ComfyUI" and line.colour is Colour.RED for line in found)
    if not is_red or told_by_holder(home).get("sandbox"):
        return None
    return red("picture", "not tried: ComfyUI is not ready", "Mend that first.")


def picture(home: Home, config: Config) -> Line:
    """Make one real picture through the line, and say how that went."""
    request = {
        "kind": "generate",
        "workflow": "txt2img",
        "prompt": "anime character, white cloak, standing, masterpiece",
        "seed": 1,
        "steps": min(8, config.limits.max_steps),
        "width": min(512, config.limits.max_width),
        "height": min(512, config.limits.max_height),
        "output": "studies/doctor",
    }
    try:
        with errand.daemon_of(home):
            status = errand.await_end(home, errand.send(home, PICTURE, request), _PICTURE_SECONDS)
    except PlasmaError as exc:
        return red("picture", exc.message, exc.hint)
    if status["state"] == "done" and _is_drawn(errand.picture_of(home, status)):
        said = f"drawn by the stand-in engine, which says nothing of ComfyUI: {status['why']}"
        return yellow("picture", said, "Stop the daemon and run it without --sandbox.")
    if status["state"] == "done":
        return green("picture", f"made: {status['why']}")
    hint = str(status.get("error", {}).get("hint") or f"status/{PICTURE}.log tells of every step.")
    return red("picture", str(status["why"]), hint)


def _is_drawn(picture: Path) -> bool:
    """Tell whether the stand-in engine made a picture, as its manifest says."""
    return read_head(picture.with_suffix(".toml")).get("result", {}).get("sandbox") is True
