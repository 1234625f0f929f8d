"""Everything that is known of a request for pictures once its turn has come.

Built anew at each start of a job, from the journal, the template, the files it names and the
engine: so a job that goes on after a crash is prepared like one that begins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from plasma_watch import toml_check
from plasma_watch.comfyui.catalog import Catalog
from plasma_watch.comfyui.facts import Facts
from plasma_watch.config import Limits
from plasma_watch.errors import Code, PlasmaError, Problem, gathered
from plasma_watch.generate import preflight
from plasma_watch.generate.again import Original
from plasma_watch.generate.resolve import Plan, of_picture, planned
from plasma_watch.generate.template import Graph, Template, fill
from plasma_watch.job import Job, Picture, prompt_id
from plasma_watch.outputs import manifest
from plasma_watch.outputs.manifest import UNKNOWN
from plasma_watch.outputs.naming import Place
from plasma_watch.outputs.picture import decode
from plasma_watch.request import GenerateRequest
from plasma_watch.system.beneath import read_beneath
from plasma_watch.tripwire import Tripwire

_INPUT_SLOTS = ("controlnet_image", "image")
_OLDER_FOLDERS = {
    "diffusion_models": ("unet",),
    "text_encoders": ("clip",),
    "controlnet": ("t2i_adapter",),
}
"""Where ComfyUI looks for a kind of model too."""
_EMBEDDING_SUFFIXES = ("", ".safetensors", ".pt", ".bin")
"""A text names an embedding with or without its ending."""
_SUFFIX = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}


@dataclass(frozen=True, slots=True)
class InputPicture:
    """A picture that the request names: which slot it fills, and its content."""

    slot: str
    named: str
    content: bytes
    sha256: str
    size: tuple[int, int]
    upload_name: str
    """Named after its content, so that uploading it twice is uploading it once."""

    def told(self) -> dict[str, str]:
        """Return the entry for the manifest."""
        return {"name": self.named, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Order:
    """A prepared request: what every picture of it needs."""

    template: Template
    plan: Plan
    place: Place
    facts: Facts
    inputs: tuple[InputPicture, ...]
    models: tuple[dict[str, str], ...]
    """Of all its pictures; each has its own of them."""
    uploads: Mapping[str, str] = field(default_factory=dict)
    """Slot to the name under which the engine has the request's picture."""
    packs: tuple[str, ...] = ()
    """The custom node packs that its nodes come from."""
    original: Original | None = None
    """The picture that it makes again, if it does."""

    def graph(self, job: Job, picture: Picture) -> Graph:
        """Return the graph of one picture for its present attempt."""
        plan = planned(of_picture(self.plan.request, picture), self.template)
        slots = {**plan.slots, **self.uploads, "filename_prefix": prefix(job, picture)}
        return fill(self.template, slots, plan.left_out)

    def unlike_graphs(self, job: Job) -> list[Graph]:
        """Return the graphs of a job's pictures that differ in more than the seed."""
        seen: list[dict[str, Any]] = []
        for picture in job.pictures:
            if picture.changes not in seen:
                seen.append(picture.changes)
        firsts = (next(p for p in job.pictures if p.changes == changes) for changes in seen)
        return [self.graph(job, picture) for picture in firsts]

    def models_of(self, graph: Graph) -> list[dict[str, str]]:
        """Return the models that a graph names, with what is known of them."""
        known = {(model["folder"], model["name"]): model for model in self.models}
        return [
            known.get((folder, name), {"name": name, "folder": folder, "sha256": UNKNOWN})
            for folder, name in preflight.model_names(graph)
        ]

    def size(self) -> tuple[int, int] | None:
        """Return the size that a picture must have, where the request decides it."""
        slots = self.plan.slots
        is_set = "width" in slots and "height" in slots and not self.template.map.resizes
        return (slots["width"], slots["height"]) if is_set else None


def prefix(job: Job, picture: Picture) -> str:
    """Return the file name prefix for one attempt: it says which attempt wrote a file."""
    return f"{folder_of(job)}/{picture.number}-{picture.attempt}/img"


def folder_of(job: Job) -> str:
    """Return the folder below the engine's output that holds all that a job wrote there.

    Two homes may share an engine and a job id, so the job's own mark is part of the name.
    """
    return f"plasma/{slug(job.id)}-{prompt_id(job, 0, 0)[:8]}"


def slug(text: str) -> str:
    """Return a text as ComfyUI takes it into a path unchanged: no %, no spaces, ASCII only."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in text)
    if safe == text:
        return text
    return f"{safe[:80]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def read_inputs(
    plan: Plan, roots: Sequence[Path], limit: int, tripwire: Tripwire, subject: str
) -> tuple[InputPicture, ...]:
    """Read and decode the pictures that a request names.

    Raises PlasmaError `request.*`.
    """
    found = []
    for slot in _INPUT_SLOTS:
        if slot in plan.slots:
            named = str(plan.slots[slot])
            content = read_beneath(named, roots, limit)
            with tripwire.step(subject, "decode"):
                found.append(_input(slot, named, content))
    return tuple(found)


def _input(slot: str, named: str, content: bytes) -> InputPicture:
    image = _decoded(named, content)
    digest = hashlib.sha256(content).hexdigest()
    suffix = _SUFFIX.get(image.format or "", ".png")
    return InputPicture(slot, named, content, digest, image.size, f"{digest[:32]}{suffix}")


def check_sizes(template: Template, inputs: Sequence[InputPicture], limits: Limits) -> None:
    """Hold a picture to the limits of a size, where it decides the size itself.

    Raises PlasmaError `request.over-limit`.
    """
    frame = (limits.max_width, limits.max_height)
    for item in inputs:
        is_free = item.slot == "image" and not template.has("width")
        if is_free and (max(item.size) > max(frame) or min(item.size) > min(frame)):
            width, height = item.size
            raise PlasmaError(
                Code.REQUEST_OVER_LIMIT,
                f"{item.named} is {width}x{height}, and the workflow '{template.name}' makes the "
                f"picture as large; at most {frame[0]}x{frame[1]}, either way round",
                "Scale it down, or take a workflow with a width and a height.",
            )


def _decoded(named: str, content: bytes) -> Image.Image:
    """Decode a picture of the request's own: a bad one stays bad, so no retry mends it."""
    try:
        return decode(content, named)
    except PlasmaError as exc:
        hint = f"{exc.hint} One that was still arriving is taken by `plasma-watch retry`."
        raise PlasmaError(Code.REQUEST_BAD_PICTURE, exc.message, hint) from exc


def check_engine(
    catalog: Catalog, template: Template, graphs: Sequence[Graph], subject: str
) -> tuple[str, ...]:
    """Return the custom node packs that the graphs use.

    Raises PlasmaError that holds everything which the engine would refuse in them.
    """
    classes = {name for graph in graphs for name in preflight.node_classes(graph)}
    infos = catalog.of(classes)
    found = _objections(template, graphs, infos)
    if found and catalog.forget():  # what was remembered may be too old
        infos = catalog.of(classes)
        found = _objections(template, graphs, infos)
    if found:
        raise gathered(subject, found)
    return tuple(preflight.packs(infos))


def _objections(
    template: Template, graphs: Sequence[Graph], infos: preflight.Infos
) -> list[Problem]:
    found = (p for graph in graphs for p in preflight.problems(template, graph, infos))
    return list(dict.fromkeys(found))


def hash_models(
    named: Iterable[tuple[str, str]], comfyui: Path | None, hash_of: Callable[[Path], str]
) -> tuple[dict[str, str], ...]:
    """Return name and sha256 of model files, each named by folder and name, in order.

    The sha256 is unknown where a file cannot be read.
    """
    return tuple(
        {"name": name, "folder": folder, "sha256": _hash(comfyui, folder, name, hash_of)}
        for folder, name in sorted(set(named))
    )


def _hash(comfyui: Path | None, folder: str, name: str, hash_of: Callable[[Path], str]) -> str:
    """Return a model's hash, from the first of its folders that has it."""
    if comfyui is None:
        return UNKNOWN
    endings = _EMBEDDING_SUFFIXES if folder == "embeddings" else ("",)
    places = (comfyui / "models" / place for place in (folder, *_OLDER_FOLDERS.get(folder, ())))
    found = (hash_of(place / f"{name}{ending}") for place in places for ending in endings)
    return next((digest for digest in found if digest != UNKNOWN), UNKNOWN)


def check_unchanged(request: GenerateRequest, order: Order) -> None:
    """Refuse a manifest whose models or inputs are not what they were, unless that is allowed."""
    before = [*(request.models or ()), *(request.inputs or ())]
    now = [*order.models, *(item.told() for item in order.inputs)]
    names = manifest.changed(before, now)
    if names and not request.allow_changed_models:
        said = f"{', '.join(map(toml_check.shown, names))} changed since the picture was made"
        hint = "Put the old file back, or add `allow_changed_models = true`."
        raise PlasmaError(
            Code.REQUEST_CHANGED_MODELS,
            said,
            hint,
            (Problem(Code.REQUEST_CHANGED_MODELS, "models", said, hint),),
        )
