"""A home that makes pictures: the generate kind with everything around it, on a real disk."""

from __future__ import annotations

import hashlib
import itertools
import uuid
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from plasma_watch import toml_text
from plasma_watch.comfyui.engine import Engine
from plasma_watch.comfyui.patience import LOADING_SECONDS, Patience
from plasma_watch.config import GB, Comfyui, Config, Defaults, Disk
from plasma_watch.control import Control, Running
from plasma_watch.gate.memory import Reading
from plasma_watch.gate.meter import Meter
from plasma_watch.gate.needs import Needs
from plasma_watch.generate import library
from plasma_watch.generate.job import Generate
from plasma_watch.generate.order import Order
from plasma_watch.generate.outlook import Paces
from plasma_watch.generate.piece import Bench, Piece
from plasma_watch.generate.resolve import pictures, resolve
from plasma_watch.generate.shop import Workshop
from plasma_watch.intake import accept
from plasma_watch.job import Ending, Job
from plasma_watch.line import Line, Ongoing, Spot, Waiting
from plasma_watch.loras import Loras
from plasma_watch.others import Others
from plasma_watch.outputs.hashes import Hashes
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.outputs.naming import place_of
from plasma_watch.request import GenerateRequest, Request
from plasma_watch.status import Board, JobStatus, utc_now
from plasma_watch.system.files import Fingerprint
from plasma_watch.system.pressure import Pressure
from plasma_watch.toml_check import KeyPath
from plasma_watch.tripwire import Tripwire
from tests.fakes.blueprints import from_picture, guided, of_one_colour, plain, with_lora
from tests.fakes.home import NOON, a_home
from tests.fakes.kind import PatientEvent

WORKFLOWS = {
    "txt2img": plain,
    "txt2img-lora": with_lora,
    "guided": guided,
    "img2img": from_picture,
    "black": of_one_colour,
}
PLENTY = Reading(256 * GB, 192 * GB, Pressure.NORMAL)
"""Of the machine that the tests run on they know nothing."""
_drops = itertools.count(1)
DEFAULTS = Defaults(workflow="txt2img", width=64, height=64, steps=2, sampler="euler")


def request_text(**keys: Any) -> str:
    """Return the text of a request; keys given replace its own."""
    return toml_text.dumps({"kind": "generate", "prompt": "spyke"} | keys)


class ToldBoard(Board):
    """A board that remembers what it was given to show, and lets something happen then."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.told: list[JobStatus] = []
        self.on_show: Callable[[JobStatus], object] = lambda _: None

    def show(self, status: JobStatus) -> None:
        """Remember, show, and let something happen."""
        self.told.append(status)
        super().show(status)
        self.on_show(status)

    def codes(self) -> list[str]:
        """Return what was waited for, each code once in a row."""
        codes = [status.waiting_for for status in self.told if status.waiting_for]
        return [code for n, code in enumerate(codes) if codes[n - 1 : n] != [code]]


class Studio:
    """A home with an engine. Its state: what its kind and its pieces told."""

    def __init__(
        self,
        root: Path,
        url: str,
        comfyui: Path | None = None,
        device: str = "any",
        meter: Meter | None = None,
        **config: Any,
    ) -> None:
        self.home = a_home(root)
        for name, blueprint in WORKFLOWS.items():
            blueprint().write(self.home.root / "workflows", name)
        sections = {"disk": Disk(reserve_gb=0), "defaults": DEFAULTS} | config
        engine = Comfyui.model_validate({"url": url, "required_device": device})
        self.config = Config(comfyui=engine, **sections)
        self.board = ToldBoard(self.home.status)
        self.client_id = str(uuid.uuid4())
        """The name of its socket."""
        self.engine = Engine(self.config.comfyui, None, 0, lambda: self.client_id)
        weakref.finalize(self, self.engine.forget)
        self.control = Control()
        self.patience = self.control.stopping = PatientEvent()
        self.tripwire = Tripwire(self.home.private / "tripwire-work.json")
        weakref.finalize(self, self.tripwire.close)
        shop = Workshop(
            home=self.home,
            config=self.config,
            board=self.board,
            engine=self.engine,
            control=self.control,
            tripwire=self.tripwire,
            hashes=Hashes(self.home.private / "hashes.json"),
            loras=Loras(self.home.root / "loras", comfyui),
            paces=Paces(self.home.private / "paces.json"),
            meter=meter or Meter(read=lambda: PLENTY),
            needs=Needs(self.home.private / "needs.json"),
            others=Others(
                first=lambda: next(iter(self.row), None),
                asked=self._asked,
                begin=self._begun,
                are_out=self._others_are_out,
            ),
            comfyui=comfyui,
            version="0.1.0",
            host="studio",
        )
        self.shop = shop
        self.kind = Generate(shop)
        self.deaf = 0
        self.hang_seconds = 300.0
        self.loading_seconds = LOADING_SECONDS
        self.placed: list[tuple[str, Mapping[str, Any]]] = []
        self.row: list[Waiting] = []
        """What waits behind the running job."""
        self.sent_ahead: list[Ongoing] = []
        """What the running job began of it."""

    @property
    def installed(self) -> Path:
        """The engine's folder of LoRAs."""
        assert self.shop.comfyui
        return self.shop.comfyui / "models" / "loras"

    @property
    def output(self) -> Path:
        """The output folder."""
        return self.home.root / "output"

    # Jobs.

    def claim(self, name: str = "p003", dropped: datetime | None = None, **keys: Any) -> Ongoing:
        """Return a job that was just claimed; keys given are its request's.

        Each was dropped at another instant, so that no two are one to an engine that they share.
        """
        dropped = dropped or NOON + timedelta(microseconds=next(_drops))
        job = f"{dropped:%Y%m%dT%H%M%S}-{name}"
        folder = self.home.running / job
        folder.mkdir()
        content = request_text(**keys).encode()
        (folder / f"{name}.toml").write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        ongoing = Ongoing(folder, Job(job, name, f"{name}.toml", "generate", dropped, sha256))
        ongoing.keep(ongoing.job)
        self.begin(ongoing)
        return ongoing

    def begin(self, ongoing: Ongoing) -> None:
        """Say that a job is worked on now."""
        self.control.begin(Running(ongoing.job.id, ongoing.job.name))

    def run(self, ongoing: Ongoing, **keys: Any) -> Ending:
        """Run a job whose request says so, from wherever its journal stands."""
        asked = GenerateRequest.model_validate({"kind": "generate", "prompt": "spyke"} | keys)
        return self.kind.run(ongoing, asked)

    def make(self, name: str = "p003", **keys: Any) -> Ending:
        """Claim a job and run it."""
        return self.run(self.claim(name, **keys), **keys)

    # The line.

    def queue(self, name: str, **keys: Any) -> Waiting:
        """Let a request wait behind the running job."""
        content = request_text(**keys).encode()
        path = self.home.inbox / f"{name}.toml"
        path.write_bytes(content)
        seen = NOON + timedelta(microseconds=next(_drops))
        waiting = Waiting(
            spot=Spot.of(path),
            id=f"{seen:%Y%m%dT%H%M%S}-{name}",
            kind="generate",
            urgent=False,
            seen=seen,
            changed_ns=0,
            fingerprint=hash(Fingerprint.of(path.lstat())),
            digest=hashlib.sha256(content).digest(),
        )
        self.row.append(waiting)
        return waiting

    def _asked(self, waiting: Waiting) -> Request:
        config = self.config
        return accept.parse(accept.open_dropped(waiting.path, config), config, self._check)

    def _check(self, request: Request, lines: Mapping[KeyPath, int], subject: str) -> None:
        assert isinstance(request, GenerateRequest)
        self.kind.check(request, lines, subject)

    def _others_are_out(self) -> bool:
        running = self.control.running
        return any(o.job.is_out for o in self.sent_ahead if running and o.job.id != running.id)

    def _begun(self, waiting: Waiting, job: Job) -> Ongoing | None:
        if ongoing := Line(self.home).claim(waiting, job):
            self.row.remove(waiting)
            self.sent_ahead.append(ongoing)
        return ongoing

    # Pieces.

    def piece(self, ongoing: Ongoing, number: int = 1, **keys: Any) -> Piece:
        """Prepare one picture of a job, without a look at its files and models."""
        asked = GenerateRequest.model_validate({"kind": "generate", "prompt": "spyke"} | keys)
        name = asked.workflow or self.config.defaults.workflow
        template = library.load(self.home.root / "workflows", name)
        plan = resolve(asked, template, self.config.defaults, drawn_seed=7)
        if ongoing.job.request is None:
            planned = pictures(plan.request)
            ongoing.keep(replace(ongoing.job, request=plan.request, pictures=planned))
        client, facts = self.engine.ready(utc_now())
        order = Order(template, plan, place_of(plan.request, ongoing.job.name), facts, (), ())
        bench = Bench(
            client=client,
            control=self.control,
            tripwire=self.tripwire,
            output=self.output,
            told=self.shop.told,
            placed=self._placed,
            listener=self.engine.listener,
            deaf=self._heard_nothing,
            hung=self.engine.hangs_in,
            rescue=self.engine.restart,
            patience=self._watch,
            version="0.1.0",
            host="studio",
        )
        return Piece(bench, ongoing, order, number)

    def _watch(self, now: float) -> Patience:
        """Begin to watch a prompt."""
        return Patience(self.hang_seconds, now, self.loading_seconds, self.hang_seconds)

    def _placed(self, job: Job, final: Path, request: Mapping[str, Any]) -> None:  # noqa: ARG002 - a bench's shape
        self.placed.append((final.name, request))

    def _heard_nothing(self) -> None:
        self.deaf += 1

    # What came of it.

    def outputs(self) -> list[str]:
        """Return the files below the output folder, hidden ones too."""
        found = (path for path in self.output.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.output)) for path in found)

    def manifest(self, name: str = "p003_v1") -> Manifest:
        """Return the manifest of a picture."""
        return Manifest.from_toml((self.output / f"{name}.toml").read_text("utf-8"))

    def log(self, name: str = "p003") -> list[str]:
        """Return the lines of a log, without times and jobs."""
        path = self.home.status / f"{name}.log"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [line.split(" ", 2)[2] for line in lines]
