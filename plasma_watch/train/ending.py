"""What comes of a training: a LoRA in its place, epochs that are kept, or a calibration's word."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.gate.memory import gb
from plasma_watch.gate.needs import training_at
from plasma_watch.job import Ending, Job, Made, State
from plasma_watch.loras import Version, changing
from plasma_watch.train import checkpoints, publishing, recipe
from plasma_watch.train.checkpoints import OUTPUT
from plasma_watch.train.history import Summary
from plasma_watch.train.progress import HEAT_FACTOR
from plasma_watch.train.publishing import Good, Shelf, Story
from plasma_watch.train.telling import duration
from plasma_watch.train.work import DATASET, Work
from plasma_watch.words import counted

log = logging.getLogger(__name__)

_LIBRARIES = ("torch", "accelerate", "diffusers", "transformers", "safetensors")
_ASK = (
    "import importlib.metadata as m, json, platform, sys\n"
    "def v(n):\n"
    "    try: return m.version(n)\n"
    "    except Exception: return 'unknown'\n"
    "print(json.dumps({'python': platform.python_version(), **{n: v(n) for n in sys.argv[1:]}}))"
)
_ASK_SECONDS = 30


def place(work: Work) -> Ending:
    """Put a finished training in its place, with its last epoch chosen and installed."""
    good = _good(work)
    if not good:
        raise PlasmaError(
            Code.TRAINER_NO_RESULT,
            "the checkpoints of the training are gone",
            "Something removed them from the job's folder; `retry` trains again.",
        )
    _publish(work, good, "done", is_chosen=True)
    work.shop.needs.learn(training_at(work.request.resolution), work.history.summary().peak_bytes)
    work.say(f"{counted(work.plan.steps, 'step')} in {counted(work.plan.epochs, 'epoch')}")
    return placed(work.job, work.folder)


def placed(job: Job, folder: Path) -> Ending:
    """Return the ending of a training whose files lie in their places, and tidy up behind it."""
    clear(folder)
    made = [made.path for made in job.training.made] if job.training else []
    epochs = counted(sum(path.endswith(".safetensors") for path in made), "epoch")
    return Ending(State.DONE, f"{made[0]} is the last of {epochs}, chosen and installed")


def keep_good(work: Work) -> list[Version]:
    """Put the good epochs of a training that failed in their place; what is chosen stays so."""
    if work.request.calibrate:
        return []
    try:
        good = _good(work)
        if good:
            _publish(work, good, "failed", is_chosen=False)
    except (OSError, PlasmaError) as exc:
        log.warning("%s: its good epochs cannot be kept: %s", work.job.id, exc)
        return []
    shelf = work.shop.loras.versions(work.request.lora)
    return [version for version in shelf if version.job == work.job.id]


def calibrated(work: Work) -> Ending:
    """Say what a calibration measured; what it trained is thrown away."""
    summary = work.history.summary()
    whole = recipe.plan(work.request, len(work.copy.train), with_regularization=bool(work.copy.reg))
    work.shop.needs.learn(training_at(work.request.resolution), summary.peak_bytes)
    clear(work.folder)
    pace = summary.seconds_per_step
    device = ", ".join(summary.devices) or "an unknown device"
    if pace is None:
        why = f"{work.plan.steps} steps on {device} are too few to tell the pace"
        return Ending(State.DONE, why)
    long = duration(whole.steps * pace * HEAT_FACTOR)
    why = (
        f"{pace:.2f} s/step on {device}, at most {gb(summary.peak_bytes)} of memory: "
        f"{whole.steps} steps take about {long} (heat included, x{HEAT_FACTOR})"
    )
    work.say(f"calibrated: {why}")
    return Ending(State.DONE, why)


def clear(folder: Path) -> None:
    """Remove what a job that ended needs no more: its copy, states, checkpoints; not its logs."""
    shutil.rmtree(folder / DATASET, ignore_errors=True)
    for attempt in checkpoints.attempts(folder):
        shutil.rmtree(attempt / OUTPUT, ignore_errors=True)


# Publishing.


def _good(work: Work) -> list[Good]:
    found = checkpoints.checkpoints(work.folder, work.request.lora, work.plan.epochs)
    good, bad = publishing.good_ones(found)
    for exc in bad:
        work.say(f"warning: not kept: {exc.message} ({exc.code})")
    return good


def _publish(work: Work, good: Sequence[Good], state: str, *, is_chosen: bool) -> None:
    shop, name = work.shop, work.request.lora
    shelf = Shelf(shop.loras.folder / name, name, work.job.id)
    versions = shelf.place(good)
    summary = work.history.summary()
    story = _story(work, state, summary, good[-1])  # may take as long as the trainer's Python does
    chosen = shop.loras.as_chosen(name, versions[-1]) if is_chosen else None
    with changing(shop.home):
        chosen = shelf.chosen_before() if chosen is None else chosen
        shelf.make_room()
        manifest = shelf.tell(story, _told(work, versions, summary), chosen)
    for source in (work.folder / publishing.LOSS, work.attempt / publishing.LOG):
        shelf.put_beside(source, source.name)
    if is_chosen and work.request.samples:
        work.say(f"drops {shop.samples.ask(work.job, work.request, versions)}: a sheet to look at")
    made = [Made(shop.told(shelf.folder / v.file), v.sha256) for v in reversed(versions)]
    beside = [path for path in (manifest, shelf.folder / publishing.LOSS) if path.exists()]
    made += [Made(shop.told(path), "") for path in beside]
    work.keep(made=tuple(made), durable=True)


def _told(work: Work, versions: Sequence[Version], summary: Summary) -> list[dict[str, Any]]:
    long = work.plan.steps_an_epoch
    told = []
    for version in versions:
        loss = summary.losses.get(version.epoch * long)
        steps = {"steps": version.epoch * long} | ({} if loss is None else {"loss": loss})
        told.append(version.told() | steps)
    return told


def _story(work: Work, state: str, summary: Summary, last: Good) -> Story:
    shop, plan = work.shop, work.plan
    result = {
        "state": state,
        "steps": plan.steps,
        "epochs": plan.epochs,
        "device": ", ".join(summary.devices),
        "seconds_per_step": summary.seconds_per_step,
        "loss": summary.loss,
        "peak_bytes": summary.peak_bytes,
        "least_available_bytes": summary.least_available_bytes,
        "most_swap_bytes": summary.most_swap_bytes,
        "attempts": work.training.attempt,
        "sandbox": shop.is_sandbox,
    }
    return Story(
        request=work.job.request or {},
        result={key: value for key, value in result.items() if value is not None},
        recipe=_recipe(work),
        engine=_engine(work, last),
        daemon={"version": shop.version, "host": shop.host, "job": work.job.id},
        models=[_base(work)],
        inputs=_inputs(work),
    )


def _recipe(work: Work) -> dict[str, Any]:
    """Return the trainer's settings as they were, without the paths of one attempt."""
    places = recipe.Places(base=Path(work.request.base or ""), dataset=Path(), output=Path())
    table = recipe.training_table(work.request, work.plan, places, work.job.id)
    paths = {"pretrained_model_name_or_path", "dataset_config", "output_dir"}
    plan = work.plan
    return {
        "images": plan.images,
        "regularization_images": len(work.copy.reg),
        "repeats": plan.repeats,
        "epochs": plan.epochs,
        "steps_an_epoch": plan.steps_an_epoch,
        "steps": plan.steps,
        "dataset_sha256": work.copy.sha256,
    } | {key: value for key, value in table.items() if key not in paths}


def _engine(work: Work, last: Good) -> dict[str, Any]:
    shop = work.shop
    commit = last.metadata.get("ss_sd_scripts_commit_hash", "unknown")
    return {"kind": "kohya", "script": str(shop.script), "commit": commit} | versions(shop.python)


def versions(python: Path) -> dict[str, str]:
    """Return the versions of what the trainer's Python carries; empty when it does not say."""
    try:
        answer = subprocess.run(
            [python, "-c", _ASK, *_LIBRARIES],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_ASK_SECONDS,
        )
        return {str(k): str(v) for k, v in json.loads(answer.stdout).items()}
    except (OSError, ValueError, AttributeError, subprocess.SubprocessError):
        return {}


def _base(work: Work) -> dict[str, Any]:
    path = work.shop.base(work.request.base or "")
    return {"name": path.name, "folder": "checkpoints", "sha256": work.shop.hashes.of(path)}


def _inputs(work: Work) -> list[dict[str, Any]]:
    named = [(work.request.dataset, work.copy.train), (work.request.regularization, work.copy.reg)]
    return [
        {"name": f"{folder}/{item.name}", "sha256": item.sha256, "caption": item.caption}
        for folder, items in named
        for item in items
    ]
