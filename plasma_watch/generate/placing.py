"""Brings what the engine made to its place: judged, described, whole, and in the journal."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from plasma_watch.comfyui.facts import Facts
from plasma_watch.generate.asking import Answer
from plasma_watch.generate.piece import Piece
from plasma_watch.job import Job, Made
from plasma_watch.outputs import picture as pictures
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.outputs.place import Draft, place, was_placed
from plasma_watch.status import utc_now

log = logging.getLogger(__name__)


def place_all(piece: Piece, answer: Answer, seconds: float) -> None:
    """Place every file of an answer that is not placed yet.

    Raises PlasmaError `image.*` for one that is no good picture.
    """
    left = answer.contents[len(piece.picture.made) :]
    for content in left:
        _place(piece, answer, content, seconds)
    if not left:
        piece.keep(replace(piece.picture, images=len(answer.contents)))


def _place(piece: Piece, answer: Answer, content: bytes, seconds: float) -> None:
    with piece.bench.tripwire.step(piece.job.id, "decode"):
        good = pictures.examine(content, piece.order.size())
    again = _compared(piece, content)
    carried = json.dumps(piece.carried(answer.graph))
    content = pictures.with_text(content, pictures.TEXT_KEY, carried)
    digest = hashlib.sha256(content).hexdigest()
    result = {"sha256": digest, "width": good.width, "height": good.height, "phash": good.phash}

    def manifest_for(file: str) -> str:
        made = {"file": file, **result, "seconds": round(seconds, 2)}
        return _manifest(piece, answer, made, again).to_toml()

    def announce(final: Path) -> None:
        images = len(answer.contents)
        piece.keep(replace(piece.picture, images=images, placing=str(final)), durable=True)

    final = place(_draft(piece), piece.order.place, content, manifest_for, announce)
    _record(piece, final, digest)


def _compared(piece: Piece, content: bytes) -> dict[str, Any]:
    """Return how far a picture is from the one that it makes again, if it makes one again."""
    if piece.order.original is None:
        return {}
    with piece.bench.tripwire.step(piece.job.id, "decode"):
        image = pictures.decode(content, "the picture")
    found = piece.order.original.compared(image, piece.order.template.sha256)
    log.info("%s: made again, %s", piece.job.id, found.get("verdict", "the old one is not there"))
    return {"again": found}


def _draft(piece: Piece) -> Draft:
    return draft_of(piece.job, piece.number, piece.bench.output / piece.order.place.folder)


def draft_of(job: Job, number: int, folder: Path) -> Draft:
    """Return the temporary files of a job's picture in the folder where it will lie."""
    return Draft(folder, f"{job.id}-{number}")


def _record(piece: Piece, final: Path, digest: str) -> None:
    piece.bench.placed(piece.job, final, piece.request())
    made = (*piece.picture.made, Made(piece.bench.told(final), digest))
    picture = replace(piece.picture, made=made, placing="")
    job = replace(piece.job, failures=0, spoiled=0).with_picture(picture)
    ends = "sweep" not in (job.request or {}) and all(each.is_whole for each in job.pictures)
    if ends:
        piece.ongoing.hold(job)  # the ending is written next; after a crash it is settled again
    else:
        piece.ongoing.keep(job)


def settle(piece: Piece) -> None:
    """After a crash while placing: find out whether it was done, and clear away what was not."""
    final = Path(piece.picture.placing)
    _draft(piece).discard()
    digest = was_placed(final, lambda text: _digest_of_ours(piece, text))
    if digest is None:
        piece.keep(replace(piece.picture, placing=""))
    else:
        _record(piece, final, digest)


def _digest_of_ours(piece: Piece, text: str) -> str | None:
    """Return the digest in a manifest, if it was written for this picture."""
    try:
        manifest = Manifest.from_toml(text)
    except ValueError:
        return None
    ours = (piece.job.id, piece.number)
    is_ours = (manifest.daemon.get("job"), manifest.daemon.get("picture")) == ours
    return str(manifest.result.get("sha256")) if is_ours else None


def engine_table(facts: Facts, packs: Sequence[str]) -> dict[str, Any]:
    """Return what a manifest tells of the engine, and of the node packs that were used."""
    return {
        **({"packs": list(packs)} if packs else {}),
        "version": facts.version,
        "torch": facts.torch,
        "python": facts.python,
        "device": facts.device,
        "arguments": list(facts.argv),
    }


def _manifest(
    piece: Piece, answer: Answer, result: dict[str, Any], again: dict[str, Any]
) -> Manifest:
    facts, order = piece.order.facts, piece.order
    made = {"made": utc_now(), "attempts": piece.picture.attempt, "sandbox": facts.is_sandbox}
    return Manifest(
        request=piece.request(),
        result=result | made | again,
        engine=engine_table(facts, order.packs) | {"prompt_id": piece.prompt},
        models=order.models_of(answer.graph),
        inputs=[item.told() for item in order.inputs],
        daemon={
            "version": piece.bench.version,
            "host": piece.bench.host,
            "job": piece.job.id,
            "picture": piece.number,
        },
        graph=answer.graph,
        template_sha256=order.template.sha256,
    )
