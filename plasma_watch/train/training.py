"""One attempt of a training: prepared, started, watched to its end, and its result looked at."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from plasma_watch import toml_text
from plasma_watch.config import GB
from plasma_watch.outputs.weights import check_lora
from plasma_watch.report.loss import Losses, LossPicture
from plasma_watch.system import files
from plasma_watch.train import checkpoints, publishing, recipe
from plasma_watch.train.attempt import Rules, Run
from plasma_watch.train.checkpoints import OUTPUT, State
from plasma_watch.train.progress import Course
from plasma_watch.train.recipe import KEPT_STATES, Places
from plasma_watch.train.shop import Workshop
from plasma_watch.train.telling import Teller
from plasma_watch.train.tokenizer import lay_ready
from plasma_watch.train.trainer import Log, Process, environment
from plasma_watch.train.work import DATASET, Work, config_file

_DATASET_FILE = "dataset.toml"
_STAND_IN_PACE = "PLASMA_SANDBOX_SECONDS_PER_STEP"


def train(work: Work) -> None:
    """Run the trainer once, from the last whole epoch to the end.

    When this returns the training is done, its last file is good, and the journal says so. Raises
    PlasmaError when it ended badly, Stopping, CancelAsked, or SetAside.
    """
    state = work.newest_state()
    _begin(work, state)
    log = Log(work.attempt / publishing.LOG)
    picture = LossPicture(work.folder / publishing.LOSS, work.shop.home.private / "matplotlib")
    try:
        _follow(work, state, log, picture)
        if not work.request.calibrate:
            check_lora(checkpoints.final(work.attempt, work.request.lora))
            picture.finish()
            picture.draw(_losses(work))
            picture.finish()
    finally:
        log.close()
        picture.stop()
    work.keep(is_trained=True, durable=True)


def _begin(work: Work, state: State | None) -> None:
    """Write an attempt into the journal, and its settings into a folder of its own."""
    done = state.epochs if state else 0
    work.keep(attempt=work.training.attempt + 1, done_epochs=done, trainer=None, durable=True)
    (work.attempt / OUTPUT).mkdir(parents=True)
    work.history.begin(work.training.attempt, done)
    work.say(f"attempt-{work.training.attempt} begins" + (f" after epoch {done}" if done else ""))
    dataset = recipe.dataset_table(work.request, work.plan, work.folder / DATASET, work.parts)
    settings = recipe.training_table(work.request, work.plan, _places(work, state), work.job.id)
    files.write_whole(work.attempt / _DATASET_FILE, toml_text.dumps(dataset).encode())
    files.write_whole(config_file(work.attempt), toml_text.dumps(settings).encode())


def _places(work: Work, state: State | None) -> Places:
    shop = work.shop
    return Places(
        base=shop.base(work.request.base or ""),
        dataset=work.attempt / _DATASET_FILE,
        output=work.attempt / OUTPUT,
        tokenizer=lay_ready(shop.comfyui, shop.home.private / "tokenizer"),
        resume=state.path if state else None,
        done_epochs=state.epochs if state else 0,
    )


def _follow(work: Work, state: State | None, log: Log, picture: LossPicture) -> None:
    shop = work.shop
    command = [str(shop.python), str(shop.script), "--config_file", str(config_file(work.attempt))]
    process = Process(command, shop.script.parent, _environment(shop), log)
    try:
        work.keep(trainer=process.written_down())
        course = Course(
            time.monotonic(),
            steps_an_epoch=work.plan.steps_an_epoch,
            epochs=work.plan.epochs,
            done_epochs=state.epochs if state else 0,
            is_calibration=bool(work.request.calibrate),
        )
        rules = _rules(work, lambda: _epoch_is_whole(work, picture))
        teller = Teller(shop.board, work.job)
        Run(process, course, rules, shop.control, work.history, teller).follow()
    finally:
        process.end()
        work.keep(trainer=None)


def _environment(shop: Workshop) -> dict[str, str]:
    """Return the trainer's surroundings; the stand-in is told how fast to be, as its engine is."""
    pace = str(shop.config.sandbox.seconds_per_step)
    return ({_STAND_IN_PACE: pace} if shop.is_sandbox else {}) | environment(os.environ)


def _rules(work: Work, on_epoch: Callable[[], None]) -> Rules:
    shop, request = work.shop, work.request
    epoch = recipe.checkpoint_bytes(request) + recipe.state_bytes(request)
    return Rules(
        required_device=shop.required_device,
        quiet_seconds=shop.config.kohya.quiet_minutes * 60,
        epoch_bytes=epoch + int(shop.config.disk.reserve_gb * GB / 2),
        request=work.ongoing.request,
        output=work.attempt,
        yields=lambda: request.yield_to_urgent and shop.urgent_waits(),
        on_epoch=on_epoch,
    )


def _epoch_is_whole(work: Work, picture: LossPicture) -> None:
    checkpoints.drop_old_states(work.folder, work.request.lora, KEPT_STATES)
    picture.draw(_losses(work))


def _losses(work: Work) -> Losses:
    losses, long = work.history.summary().losses, work.plan.steps_an_epoch
    ends = range(long, max(losses, default=0) + 1, long)
    return Losses(work.request.lora, tuple(losses.items()), tuple(ends))
