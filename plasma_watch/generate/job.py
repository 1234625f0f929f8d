"""The generate kind: what it checks, when it may start, and how a request becomes pictures.

The shape is that of every kind: check (at the drop) -> gate (before the claim) -> run (prepare,
start, follow, collect, place). `run` can be begun again at any point: it goes on from the journal.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.follow import Tell
from plasma_watch.comfyui.patience import Patience
from plasma_watch.comfyui.protocol import Conversation, Entered, Fact, Freed, Stepped
from plasma_watch.control import SetAside
from plasma_watch.errors import Code, Fate, PlasmaError
from plasma_watch.gate.memory import Never, Verdict, Wait
from plasma_watch.generate import checking, sheeting
from plasma_watch.generate.ahead import Ahead, Sent
from plasma_watch.generate.asking import ask, rejoin, withdraw
from plasma_watch.generate.discretion import discreet, secrets_in
from plasma_watch.generate.gating import Gate
from plasma_watch.generate.order import folder_of
from plasma_watch.generate.outlook import outlook
from plasma_watch.generate.piece import Bench, Piece
from plasma_watch.generate.placing import draft_of, place_all, settle
from plasma_watch.generate.preparing import Asked, prepare
from plasma_watch.generate.shop import Workshop
from plasma_watch.generate.telling import Teller
from plasma_watch.job import TAKEN_OUT, Ending, Job, Made, Picture, State, manifest_of
from plasma_watch.line import Ongoing
from plasma_watch.outputs import earlier, generation_log
from plasma_watch.outputs.naming import place_of
from plasma_watch.request import GenerateRequest
from plasma_watch.status import of_running, utc_now
from plasma_watch.toml_check import KeyPath

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0
"""How often what a begun job waits for is looked at again."""
_IMAGE_TRIES = 2
"""A bad picture is tried once more, with the engine's memory freed; then it is the picture."""
_Answered = TypeVar("_Answered")


class Generate:
    """The kind that makes pictures."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._gate = Gate(shop)
        self._ahead = Ahead(shop, self._gate, self._begun)

    def check(self, request: GenerateRequest, lines: Mapping[KeyPath, int], subject: str) -> None:
        """Raise a PlasmaError that holds everything that can be known to be wrong at the drop."""
        shop = self._shop
        checking.check(request, lines, subject, shop.config, shop.workflows(), shop.roots())

    # May it start?

    def gate(self, *, is_waiting: bool, recipe: str = "") -> Verdict:
        """Ask engine, disk and memory whether a job may start now."""
        return self._gate.ask(recipe, is_waiting=is_waiting)

    def is_heavy(self) -> bool:
        """Tell whether the engine that answers takes the machine; the sandbox does not."""
        try:
            return not self._shop.engine.ready(utc_now())[1].is_sandbox
        except PlasmaError:
            return True

    def rest(self) -> None:
        """Hear that there is nothing to do for now."""
        self._shop.engine.rest()

    # Making.

    def run(self, ongoing: Ongoing, request: GenerateRequest) -> Ending:
        """Make the pictures of a request, from wherever its journal stands.

        Raises PlasmaError when the job ends badly or cannot begin, Stopping, or CancelAsked.
        """
        while True:
            try:
                return self._run(ongoing, request)
            except PlasmaError as exc:
                self._after(self._discreet(exc, request), ongoing)
            except OSError as exc:
                if ongoing.is_taken_out:
                    return TAKEN_OUT
                self._hold(ongoing, _disk_error(exc))

    def _discreet(self, exc: PlasmaError, request: GenerateRequest) -> PlasmaError:
        """Return an error without the secrets of the request's workflow, as far as it is known."""
        shop = self._shop
        with contextlib.suppress(PlasmaError):
            template = checking.template_of(request, shop.config, shop.workflows())
            return discreet(exc, secrets_in(template.graph))
        return exc

    def _after(self, exc: PlasmaError, ongoing: Ongoing) -> None:
        """Make ready for another try, or raise the error again if there is none."""
        match exc.fate:
            case Fate.FAIL:
                raise exc
            case Fate.WAIT:
                self._hold(ongoing, exc)
            case Fate.RETRY:
                self._count_failure(exc, ongoing)

    def _hold(self, ongoing: Ongoing, exc: PlasmaError) -> None:
        """Wait a moment for what a begun job needs; one that asked for nothing yet steps back."""
        if not ongoing.job.was_begun:
            raise exc
        self._shop.engine.rest()
        why = f"{exc.message}; the job goes on when that has changed"
        self._shop.board.show(of_running(ongoing.job, why, waiting_for=exc.code))
        # A picture that may lie in its place already wins over a cancel: first it is settled.
        is_placing = any(picture.placing for picture in ongoing.job.pictures)
        self._shop.control.wait(WAIT_SECONDS, heeds_cancel=not is_placing)

    def _count_failure(self, exc: PlasmaError, ongoing: Ongoing) -> None:
        job = ongoing.job
        if exc.code is Code.ENGINE_LOST_JOB:
            self._shop.engine.checkpoint = ""  # an engine that was restarted holds nothing
        is_spoiled = exc.code.startswith("image.")
        failed = replace(
            job,
            failures=job.failures + 1,
            spoiled=job.spoiled + is_spoiled,
            pictures=_attempts_over(job),
        )
        ongoing.keep(failed)
        allowed = self._shop.config.limits.attempts
        if is_spoiled:
            allowed = min(allowed, failed.failures - failed.spoiled + _IMAGE_TRIES)
        told = f"attempt {failed.failures} of {allowed} failed: {exc.message} ({exc.code})"
        log.warning("%s: %s", job.id, told)
        self._shop.board.say(job.name, job.id, told)
        if failed.failures >= allowed:
            raise exc
        if is_spoiled or exc.code is Code.ENGINE_OUT_OF_MEMORY:
            self._free()

    def _free(self) -> None:
        with contextlib.suppress(PlasmaError):
            client, _ = self._shop.engine.ready(utc_now())
            client.free()
            self._shop.engine.checkpoint = ""

    def _run(self, ongoing: Ongoing, request: GenerateRequest) -> Ending:
        shop = self._shop
        client, facts = shop.engine.ready(utc_now())
        sent = self._ahead.taken(ongoing.job.id)
        if sent:
            order = sent.order
        else:
            asked = Asked(ongoing.job, request, ongoing.request)
            order = prepare(shop, (client, facts), asked, partial(self._plan, ongoing)).order
        bench = self._bench(client)
        for picture in ongoing.job.pictures:
            if not picture.is_whole:
                self._make(Piece(bench, ongoing, order, picture.number), sent)
        if "sweep" in order.plan.request:
            sheeting.make(sheeting.Sheeting(bench, ongoing, order, shop.home.root))
        self._clean(ongoing.job)
        return _done(ongoing.job)

    def _bench(self, client: Client) -> Bench:
        shop = self._shop
        return Bench(
            client=client,
            control=shop.control,
            tripwire=shop.tripwire,
            output=shop.output(),
            told=shop.told,
            placed=self._placed,
            listener=shop.engine.listener,
            deaf=shop.engine.heard_nothing,
            hung=shop.engine.hangs_in,
            rescue=shop.engine.restart,
            patience=partial(Patience, shop.config.comfyui.hang_seconds),
            version=shop.version,
            host=shop.host,
        )

    def _make(self, piece: Piece, sent: Sent | None) -> None:
        """Make one picture, or go on making it where a crash left off."""
        if piece.picture.placing:
            settle(piece)
        if piece.picture.is_whole or self._made_before(piece):
            return
        self._shop.control.check()
        tell = self._telling(piece)
        began = time.monotonic()
        if sent and sent.prompt == piece.prompt:
            began = sent.at
            answer = self._measured(piece, partial(rejoin, piece, tell, was_taken=True))
        else:
            answer = rejoin(piece, tell)
        if answer is None:
            self._await_room(piece)
            answer = self._measured(piece, partial(ask, piece, tell))
        self._shop.engine.checkpoint = str(piece.request().get("checkpoint", ""))
        took = time.monotonic() - began
        place_all(piece, answer, took)
        self._shop.paces.learn(piece.request(), took)

    def _measured(self, piece: Piece, get: Callable[[], _Answered]) -> _Answered:
        """Get a picture, and learn from it what its workflow takes."""
        shop, known_as = self._shop, self._gate.known_as(str(piece.request().get("workflow", "")))
        shop.meter.begin(None if piece.order.facts.is_sandbox else shop.engine.process())
        try:
            answer = get()
        finally:
            grown = shop.meter.end()
        shop.needs.learn(known_as, grown)
        return answer

    def _telling(self, piece: Piece) -> Tell:
        """Return who hears the news of a picture: the engine's keeper first, then people.

        While the last picture of a job forms the next job is made ready; when the engine is free of
        it, that one is sent. A job in trouble may have to ask again: it holds the engine.
        """
        teller = Teller(self._shop.board, piece.job, piece.number)
        to_come = [each for each in piece.job.pictures if not each.is_whole]
        is_last = len(to_come) == 1 and not piece.job.failures

        def tell(news: Fact | Conversation | PlasmaError) -> None:
            self._shop.engine.look_after(news)
            teller.tell(news)
            if is_last and isinstance(news, Freed):
                self._ahead.begin(piece.bench)
            elif is_last and isinstance(news, Entered | Stepped):
                self._ahead.look(piece.bench, piece.order.facts)

        return tell

    def _await_room(self, piece: Piece) -> None:
        """Ask the machine again before every picture but a job's first, which the gate let in.

        Raises SetAside while the prompt of another begun job may be out there.
        """
        self._shop.control.check()
        if self._shop.others.are_out():
            why = "lets a job pass that ComfyUI was asked for already; goes on after it"
            raise SetAside(why, lets_urgent_pass=False)
        if not piece.job.was_begun:
            return
        recipe = str(piece.request().get("workflow", ""))
        verdict = self.gate(is_waiting=False, recipe=recipe)
        while isinstance(verdict, Wait):
            status = of_running(piece.job, verdict.why, waiting_for=verdict.code)
            self._shop.board.show(status)
            self._shop.control.wait(WAIT_SECONDS)
            verdict = self.gate(is_waiting=True, recipe=recipe)
        if isinstance(verdict, Never):
            raise PlasmaError(verdict.code, verdict.why, verdict.hint)

    def _made_before(self, piece: Piece) -> bool:
        """Answer with an earlier picture of the same request, if `once` asks for it."""
        request = piece.request()
        if not (piece.job.request or {}).get("once"):
            return False
        folder = self._shop.output() / piece.order.place.folder
        ignored = frozenset({"seed"} if piece.job.seed_was_drawn else ())
        used = {
            str(self._shop.home.at(made.path))
            for picture in piece.job.pictures
            for made in picture.made
        }
        order = piece.order
        wanted = earlier.Wanted(
            request=request,
            ignored=ignored,
            used=[*order.models, *(item.told() for item in order.inputs)],
            template_sha256=order.template.sha256,
            is_sandbox=order.facts.is_sandbox,
        )
        found = earlier.find(folder, order.place.stem, wanted, used)
        if found is None:
            return False
        made = Made(self._shop.told(Path(found.path)), found.sha256)
        piece.keep(replace(piece.picture, images=1, made=(made,)))
        return True

    # Preparing.

    def _plan(self, ongoing: Ongoing, job: Job) -> None:
        """Keep what a job was resolved to; after that the journal's word stands."""
        ongoing.keep(job, durable=job.was_begun)
        self._tell_ahead(job)

    def _begun(self, job: Job) -> None:
        """Tell of a job that was begun and sent behind the running one."""
        self._shop.board.show(of_running(job, "begun"))
        self._tell_ahead(job)

    def _tell_ahead(self, job: Job) -> None:
        """Tell of a job of several pictures how many there will be, and about how long it takes."""
        if len(job.pictures) > 1:
            asked = job.request or {}
            told = outlook(asked, job.pictures, self._shop.paces.of(asked)).told()
            log.info("%s: %s", job.id, told)
            self._shop.board.say(job.name, job.id, f"begins: {told}")
            self._shop.board.show(of_running(job, f"begun: {told}"))

    # Ending.

    def _placed(self, job: Job, picture: Path, request: Mapping[str, Any]) -> None:
        """Tell the pipeline's list of a picture that was just placed."""
        manifest = Path(manifest_of(picture.name)).name
        new = generation_log.entry(request, picture.name, manifest, utc_now())
        if warning := generation_log.add(picture.parent, new):
            log.warning("%s: %s", job.id, warning)
            self._shop.board.say(job.name, job.id, f"warning: {warning}")

    def _clean(self, job: Job) -> None:
        """Remove what the job left in the engine's output, when that folder is ours to clean."""
        if self._shop.comfyui:
            shutil.rmtree(self._shop.comfyui / "output" / folder_of(job), ignore_errors=True)

    def abandon(self, job: Job) -> None:
        """Withdraw from the engine, and remove the temporary files of what will not be made."""
        if job.request is None:
            return
        place = place_of(job.request, job.name)
        for picture in job.pictures:
            draft_of(job, picture.number, self._shop.output() / place.folder).discard()
        draft_of(job, sheeting.NUMBER, self._shop.output() / place.folder).discard()
        if client := self._shop.engine.reached():
            with contextlib.suppress(PlasmaError):
                withdraw(client, job)
        self._clean(job)


def _done(job: Job) -> Ending:
    made = [made.path for picture in job.pictures for made in picture.made]
    why = made[0] if len(made) == 1 else f"{len(made)} pictures, the last is {made[-1]}"
    if sheet := job.sheet.made:
        why = f"{len(made)} picture{'s' if len(made) > 1 else ''} and their sheet: {sheet.path}"
    return Ending(State.DONE, why)


def _attempts_over(job: Job) -> tuple[Picture, ...]:
    """Return the pictures with the attempt that just failed marked as over."""
    return tuple(
        replace(picture, is_over=True) if picture.attempt and not picture.is_whole else picture
        for picture in job.pictures
    )


def _disk_error(exc: OSError) -> PlasmaError:
    return PlasmaError(
        Code.DISK_ERROR,
        f"the disk refused: {exc.strerror} ({exc.filename})",
        "Make room, or look whether the volume is there and may be written to.",
    )
