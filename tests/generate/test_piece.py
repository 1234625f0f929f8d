"""One picture under our hands: the journal is where it stands, and nowhere else."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from plasma_watch.generate.piece import Piece
from plasma_watch.job import JOURNAL, Job, prompt_id
from tests.fakes.studio import Studio


@pytest.fixture
def piece(studio: Studio) -> Piece:
    """The second of three pictures."""
    return studio.piece(studio.claim(), 2, count=3, seed=7, once=True)


def journal(piece: Piece) -> Job:
    """Return what the journal on the disk says."""
    return Job.from_toml((piece.ongoing.folder / JOURNAL).read_text("utf-8"))


def test_piece_is_its_picture_of_its_job(piece: Piece) -> None:
    """By its number."""
    assert piece.job is piece.ongoing.job
    assert (piece.picture.number, piece.picture.seed) == (2, 8)


def test_prompt_follows_from_job_picture_and_attempt(piece: Piece) -> None:
    """Canonical and lowercase, as newer versions want it; another one for each attempt."""
    piece.keep(replace(piece.picture, attempt=3))

    assert piece.prompt == piece.prompt_of(3) == prompt_id(piece.job, 2, 3)
    assert piece.prompt_of(2) != piece.prompt
    assert str(uuid.UUID(piece.prompt)) == piece.prompt


def test_request_makes_this_picture_alone(piece: Piece) -> None:
    """With its own seed."""
    request = piece.request()

    assert (request["seed"], request["count"], request["prompt"]) == (8, 1, "spyke")
    assert "once" not in request


def test_request_that_was_not_resolved_yet_is_little(piece: Piece) -> None:
    """It says nothing but how many."""
    piece.ongoing.keep(replace(piece.job, request=None))

    assert piece.request() == {"count": 1}


@pytest.mark.parametrize("durable", [True, False])
def test_what_is_kept_is_in_the_journal_before_it_is_known(piece: Piece, durable: bool) -> None:  # noqa: FBT001 - a table's column
    """Its neighbours stay as they are."""
    before = piece.job.pictures

    piece.keep(replace(piece.picture, attempt=1), durable=durable)

    assert piece.picture.attempt == 1
    assert [piece.job.pictures[n] for n in (0, 2)] == [before[n] for n in (0, 2)]
    assert journal(piece) == piece.job
