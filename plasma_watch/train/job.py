"""The train kind: when it may start, and how a request becomes a LoRA.

The shape is that of every kind: check (at the drop) -> gate (before the claim) -> run (prepare,
start, follow, collect, place). `run` can be begun again at any point: what lies in the job's folder
says where it stands, and an attempt that was cut short is gone on from its last whole epoch.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from plasma_watch.errors import Code, Fate, PlasmaError, gathered
from plasma_watch.gate.memory import Never, Verdict, Wait
from plasma_watch.gate.needs import training_at
from plasma_watch.job import TAKEN_OUT, Ending, Job, Training
from plasma_watch.line import Ongoing
from plasma_watch.outputs.weights import read_header
from plasma_watch.request import TrainRequest
from plasma_watch.status import of_running
from plasma_watch.toml_check import KeyPath
from plasma_watch.train import checking, checkpoints, recipe, room
from plasma_watch.train.copying import REGULARIZATION, TRAIN, Copy, Part, make_copy, read_copy
from plasma_watch.train.ending import calibrated, clear, keep_good, place, placed
from plasma_watch.train.shop import Workshop
from plasma_watch.train.trainer import end_left
from plasma_watch.train.training import train
from plasma_watch.train.work import DATASET, Work, config_file

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0
"""How often what a begun job waits for is looked at again."""


class Train:
    """The kind that trains LoRAs."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    def check(self, request: TrainRequest, lines: Mapping[KeyPath, int], subject: str) -> None:
        """Raise a PlasmaError that holds everything that can be known to be wrong at the drop."""
        checking.check(request, lines, subject, self._shop.config, self._shop.home)

    # May it start?

    def gate(self, *, is_waiting: bool, recipe: str = "") -> Verdict:
        """Ask ComfyUI, disk, mains and memory whether a training may start now."""
        largest = training_at(self._shop.config.limits.max_train_resolution)
        return room.verdict(self._shop, recipe or largest, 0, is_waiting=is_waiting)

    def is_heavy(self) -> bool:
        """Tell whether the trainer takes the machine; the stand-in does not."""
        return not self._shop.is_sandbox

    def rest(self) -> None:
        """Hear that there is nothing to do for now: nothing is held open between trainings."""

    # Training.

    def end_orphan(self, job: Job) -> None:
        """End what an earlier daemon left of a job's trainer, before anything else is done."""
        if job.training and job.training.attempt:
            folder = self._shop.home.running / job.id
            attempt = checkpoints.attempt_folder(folder, job.training.attempt)
            if not end_left(job.training.trainer, config_file(attempt)):
                log.warning("%s: its trainer cannot be ended", job.id)

    def run(self, ongoing: Ongoing, request: TrainRequest) -> Ending:
        """Train a LoRA, from wherever the job stands.

        Raises PlasmaError when the job ends badly, Stopping, CancelAsked, or SetAside.
        """
        self.end_orphan(ongoing.job)
        self.tidy_up()
        training = ongoing.job.training
        if training and training.is_trained and training.made:
            return placed(ongoing.job, ongoing.folder)
        while True:
            try:
                return self._run(self._prepared(ongoing, request))
            except OSError as exc:
                if ongoing.folder.parent.is_dir() and not os.path.lexists(ongoing.request):
                    return TAKEN_OUT
                self._hold(ongoing, _disk_error(exc))

    def _run(self, work: Work) -> Ending:
        """Train until it is done, and place what came of it."""
        while not work.training.is_trained:
            try:
                self._await_room(work)
                train(work)
            except PlasmaError as exc:
                self._after(exc, work)
        return calibrated(work) if work.request.calibrate else place(work)

    # Preparing.

    def _prepared(self, ongoing: Ongoing, asked: TrainRequest) -> Work:
        request = self._resolved(ongoing, asked)
        self._check_base(request)
        copy = self._copy(ongoing, request)
        plan = recipe.plan(request, len(copy.train), with_regularization=bool(copy.reg))
        if request.calibrate:
            plan = recipe.calibration(plan, request.calibrate)
        return Work(self._shop, ongoing, request, copy, plan)

    def _resolved(self, ongoing: Ongoing, request: TrainRequest) -> TrainRequest:
        """Resolve the request once; after that the journal's word stands."""
        if ongoing.job.request is None:
            table = recipe.resolve(request, self._shop.config.defaults)
            ongoing.keep(replace(ongoing.job, request=table, training=Training()), durable=True)
        return TrainRequest.model_validate(ongoing.job.request)

    def _check_base(self, request: TrainRequest) -> None:
        name = request.base or ""
        try:
            read_header(self._shop.base(name))
        except (OSError, ValueError) as exc:
            why = "is not there" if isinstance(exc, FileNotFoundError) else str(exc)
            raise PlasmaError(
                Code.TRAINER_NO_BASE,
                f"the base model {name} cannot be used: it {why}",
                f"It must lie whole in {self._shop.comfyui}/models/checkpoints.",
            ) from exc

    def _copy(self, ongoing: Ongoing, request: TrainRequest) -> Copy:
        """Return the copy that is trained on; made anew only when there is no whole one."""
        folder = ongoing.folder / DATASET
        if (copy := read_copy(folder)) is None:
            self._shop.board.show(of_running(ongoing.job, "reads the dataset"))
            parts = tuple(self._parts(request))
            made = make_copy(folder, parts, request.resolution, lambda: self._guarded(ongoing))
            if isinstance(made, list):
                raise gathered(ongoing.job.file, made)
            copy = made
            for warning in copy.warnings:
                self._shop.board.say(ongoing.job.name, ongoing.job.id, f"warning: {warning}")
        if problem := checking.length_problem(request, len(copy.train), self._shop.config):
            raise problem
        return copy

    def _parts(self, request: TrainRequest) -> Iterator[Part]:
        for want in checking.wants(request, self._shop.config, {}):
            name = TRAIN if want.field == "dataset" else REGULARIZATION
            yield Part(name, self._shop.dataset(getattr(request, want.field)), want)

    @contextlib.contextmanager
    def _guarded(self, ongoing: Ongoing) -> Iterator[None]:
        self._shop.control.check()
        with self._shop.tripwire.step(ongoing.job.id, "decode"):
            yield

    def _await_room(self, work: Work) -> None:
        """Wait until the machine is free for it: the gate let in what it needed a moment ago."""
        shop = self._shop
        shop.control.check()
        room.empty(shop)
        need = work.disk_bytes()
        verdict = self._verdict(work, need, is_waiting=False)
        while isinstance(verdict, Wait):
            status = of_running(work.job, verdict.why, waiting_for=verdict.code)
            shop.board.show(status)
            shop.control.wait(WAIT_SECONDS)
            verdict = self._verdict(work, need, is_waiting=True)
        if isinstance(verdict, Never):
            raise PlasmaError(verdict.code, verdict.why, verdict.hint)

    def _verdict(self, work: Work, need_disk: int, *, is_waiting: bool) -> Verdict:
        resolution = work.request.resolution
        known_as = training_at(resolution)
        return room.verdict(self._shop, known_as, need_disk, is_waiting=is_waiting)

    # After an attempt that ended badly.

    def _after(self, exc: PlasmaError, work: Work) -> None:
        """Make ready for another try, or raise the error again if there is none."""
        has_gained = work.whole_epochs() > work.training.done_epochs
        match exc.fate:
            case Fate.FAIL:
                self._give_up(exc, work)
            case Fate.WAIT if has_gained or not work.training.attempt:
                self._hold(work.ongoing, exc)
            case Fate.WAIT:  # without the count it could go on in vain for ever
                crash = PlasmaError(Code.TRAINER_CRASHED, exc.message, exc.hint)
                self._count_failure(crash, work, has_gained=False)
            case Fate.RETRY:
                self._count_failure(exc, work, has_gained=has_gained)

    def _hold(self, ongoing: Ongoing, exc: PlasmaError) -> None:
        why = f"{exc.message}; the job goes on when that has changed"
        self._shop.board.show(of_running(ongoing.job, why, waiting_for=exc.code))
        self._shop.control.wait(WAIT_SECONDS)

    def _count_failure(self, exc: PlasmaError, work: Work, *, has_gained: bool) -> None:
        """Count an attempt that failed; one that brought a whole epoch begins the count anew."""
        failures = 1 if has_gained else work.job.failures + 1
        work.ongoing.keep(replace(work.job, failures=failures))
        allowed = self._shop.config.limits.attempts
        told = f"attempt {failures} of {allowed} failed: {exc.message} ({exc.code})"
        log.warning("%s: %s", work.job.id, told)
        work.say(told)
        if failures >= allowed:
            self._give_up(exc, work)

    def _give_up(self, exc: PlasmaError, work: Work) -> None:
        """Raise the error, with the epochs kept that are good."""
        kept = keep_good(work)
        if not kept:
            raise exc
        last = f"{kept[-1].epoch} ({kept[-1].short})"
        hint = (
            f"Kept: epoch {last}; `plasma-watch lora choose {work.request.lora} {kept[-1].short}`."
        )
        raise PlasmaError(
            exc.code, exc.message, f"{exc.hint} {hint}".strip(), exc.problems
        ) from exc

    def ended(self, job: Job) -> None:
        """Hear of a job of any kind that ended: it may be the sheet of a training's samples."""
        self._shop.samples.ended(job)

    def tidy_up(self) -> None:
        """Take out of ComfyUI what was installed for a sheet that will not come any more."""
        self._shop.samples.tidy_left()

    def abandon(self, job: Job) -> None:
        """End the trainer of a job that ends without its LoRA, and remove all but its logs."""
        self.end_orphan(job)
        clear(self._shop.home.running / job.id)


def _disk_error(exc: OSError) -> PlasmaError:
    return PlasmaError(
        Code.DISK_ERROR,
        f"the disk refused: {exc.strerror} ({exc.filename})",
        "Make room, or look whether the volume is there and may be written to.",
    )
