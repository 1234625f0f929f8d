"""The job behind the running one: sent the moment the engine is free, and at no other moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.config import Disk
from plasma_watch.control import SetAside
from plasma_watch.errors import PlasmaError
from plasma_watch.job import State, prompt_id
from plasma_watch.line import Ongoing
from plasma_watch.request import GenerateRequest
from plasma_watch.tripwire import Tripped
from tests.fakes.drawings import drawn, one_colour, png
from tests.fakes.easel import Easel, failed
from tests.fakes.studio import Studio
from tests.fakes.weights import lora
from tests.sandbox.process import Sandbox

BLACK = png(one_colour((0, 0, 0), 64, 64))


def frames(prompt: str, *, is_good: bool = True) -> list[str]:
    """Return what the engine tells of a prompt: that it works, that it is done, and how."""
    end = "execution_success" if is_good else "execution_error"
    told: list[tuple[str, dict[str, Any]]] = [
        ("executing", {"node": "3"}),
        ("progress", {"node": "3", "value": 2, "max": 2}),
        (end, {}),
        ("executing", {"node": None}),
    ]
    return [json.dumps({"type": kind, "data": {"prompt_id": prompt} | data}) for kind, data in told]


@pytest.fixture
def telling(easel: Easel) -> Easel:
    """An engine that tells of every prompt that it takes, and keeps none waiting."""

    def tell(posted: dict[str, Any]) -> None:
        entry = easel.engine.history.get(posted["prompt_id"], {})
        is_good = entry.get("status", {}).get("status_str") == "success"
        easel.engine.tell(*frames(posted["prompt_id"], is_good=is_good))

    easel.on_posted = tell
    easel.is_mute = True  # it says more of it here
    return easel


@pytest.fixture
def atelier(tmp_path: Path, telling: Easel) -> Studio:
    """A home whose engine tells what it does."""
    return Studio(tmp_path, telling.url)


def with_a_lora(root: Path, easel: Easel) -> tuple[Studio, Path]:
    """Return a home whose engine has a LoRA, and where its file lies."""
    comfyui = root / "ComfyUI"
    weights = comfyui / "models" / "loras" / "spyke.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(lora())
    return Studio(root, easel.url, comfyui), weights


def carry(studio: Studio, ongoing: Ongoing) -> State:
    """Carry a job that was sent ahead, when its turn has come."""
    studio.begin(ongoing)
    request = GenerateRequest.model_validate(ongoing.job.request)
    return studio.kind.run(ongoing, request).state


def routes(easel: Easel) -> list[str]:
    """Return what was asked of the engine for prompts and their pictures, in order."""
    wanted = ("POST /prompt", "GET /view")
    return [route for route in easel.engine.routes() if route in wanted]


def test_the_next_is_sent_before_the_picture_is_fetched(atelier: Studio, telling: Easel) -> None:
    """The engine works on while we judge and place."""
    atelier.queue("p004")

    assert atelier.make("p003").state is State.DONE

    assert routes(telling) == ["POST /prompt", "POST /prompt", "GET /view"]
    assert [ongoing.job.name for ongoing in atelier.sent_ahead] == ["p004"]


def test_what_was_sent_ahead_is_asked_for_once(atelier: Studio, telling: Easel) -> None:
    """It stands in its journal, and is collected like any other; the engine is not asked about."""
    atelier.queue("p004")
    atelier.make("p003")
    (sent,) = atelier.sent_ahead
    queues = telling.asked("GET /queue")

    assert carry(atelier, sent) is State.DONE

    assert telling.prompts()[1] == prompt_id(sent.job, 1, 1)
    assert (len(telling.posted), telling.asked("GET /queue")) == (2, queues)
    assert "p004_v1.png" in atelier.outputs()


def test_a_daemon_that_died_meanwhile_collects_it(
    atelier: Studio, telling: Easel, tmp_path: Path
) -> None:
    """Whoever comes after knows no more than the journal."""
    atelier.queue("p004")
    atelier.make("p003")
    (sent,) = atelier.sent_ahead
    (tmp_path / "later").mkdir()
    later = Studio(tmp_path / "later", telling.url)

    assert carry(later, sent) is State.DONE
    assert len(telling.posted) == 2


def test_its_plan_is_told_and_kept(atelier: Studio) -> None:
    """Several pictures: how many, before the first; the seed that was drawn is the journal's."""
    atelier.queue("p004", count=2)
    atelier.make("p003")

    (sent,) = atelier.sent_ahead
    assert sent.job.seed_was_drawn
    assert [picture.attempt for picture in sent.job.pictures] == [1, 0]
    assert any(line.startswith("begins: 2 pictures") for line in atelier.log("p004"))


def test_it_makes_what_it_would_have_made(tmp_path: Path, sandbox: Sandbox) -> None:
    """On an engine that draws: the same picture as one that came alone."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    line, alone = Studio(one, sandbox.url), Studio(other, sandbox.url)
    line.queue("p004", seed=7)
    line.make("p003", seed=6)
    carry(line, line.sent_ahead[0])
    alone.make("p004", seed=7)

    told, expected = line.manifest("p004_v1"), alone.manifest("p004_v1")
    assert told.result["phash"] == expected.result["phash"]
    assert told.request == expected.request


def test_of_several_pictures_the_last_makes_way(atelier: Studio, telling: Easel) -> None:
    """The engine is not free between two of one job."""
    atelier.queue("p004")
    atelier.make("p003", count=2)

    assert [posted["prompt_id"] for posted in telling.posted][2] == prompt_id(
        atelier.sent_ahead[0].job, 1, 1
    )
    assert len(telling.posted) == 3


def test_nobody_is_sent_behind_what_failed(atelier: Studio, telling: Easel) -> None:
    """The engine is asked for it again, and is not given away before that went well."""
    atelier.queue("p004")
    telling.outcomes = [failed("it broke")]

    with pytest.raises(PlasmaError):
        atelier.make("p003")

    assert atelier.sent_ahead == []


def test_a_job_in_trouble_gives_nothing_away(atelier: Studio) -> None:
    """It may have to ask once more."""
    atelier.queue("p004")
    ongoing = atelier.claim()
    ongoing.keep(replace(ongoing.job, failures=1))

    atelier.run(ongoing)

    assert atelier.sent_ahead == []


def test_a_picture_that_is_no_good_lets_the_other_pass(atelier: Studio, telling: Easel) -> None:
    """The engine never holds two of ours: it asks again after the one that was sent behind it."""
    waiting = atelier.queue("p004")
    telling.shows(BLACK)
    telling.engine.says("/free", {})
    ongoing = atelier.claim()

    with pytest.raises(SetAside):
        atelier.run(ongoing)

    assert [o.job.id for o in atelier.sent_ahead] == [waiting.id]
    assert len(telling.posted) == 2
    assert ongoing.job.pictures[0].is_over


def test_what_must_not_look_before_the_other_lies_in_its_place(atelier: Studio) -> None:
    """`once` looks for an earlier picture, and the running job has yet to place one."""
    atelier.queue("p003-again", once=True)
    atelier.make("p003")

    assert atelier.sent_ahead == []


def test_a_request_that_is_no_good_waits_for_its_turn(atelier: Studio) -> None:
    """There it is told what is wrong; the running job hears nothing of it."""
    atelier.queue("p004", workflow="nowhere")

    assert atelier.make("p003").state is State.DONE
    assert atelier.sent_ahead == []


def test_a_request_that_killed_the_daemon_is_left_for_its_turn(atelier: Studio) -> None:
    """Only there its deaths are counted."""
    waiting = atelier.queue("p004")
    atelier.tripwire.tripped = Tripped(waiting.id, "decode", 1)

    atelier.make("p003")

    assert atelier.sent_ahead == []


def test_what_goes_wrong_with_the_next_is_no_harm_to_the_running_one(
    atelier: Studio, telling: Easel, caplog: pytest.LogCaptureFixture
) -> None:
    """It is claimed by then: its own turn finds what is wrong."""
    atelier.queue("p004")
    tell = telling.on_posted

    def refuse_the_second(posted: dict[str, Any]) -> None:
        tell(posted)
        if len(telling.posted) == 2:
            telling.engine.says("/prompt", {"error": {"message": "no"}, "node_errors": {}}, 400)

    telling.on_posted = refuse_the_second

    with caplog.at_level("INFO"):
        assert atelier.make("p003").state is State.DONE

    assert "that is looked into when its turn comes" in caplog.text


def test_a_model_that_changed_meanwhile_is_looked_at_anew(tmp_path: Path, telling: Easel) -> None:
    """The manifest must name what was used."""
    studio, weights = with_a_lora(tmp_path, telling)
    studio.shop.hashes.of(weights)
    studio.queue("p004", workflow="txt2img-lora", lora={"name": "spyke"})
    change: list[Callable[[], object]] = [lambda: weights.write_bytes(lora(seed=9) + b" ")]
    show = studio.board.on_show

    def shown(status: Any) -> None:
        show(status)
        if status.step and change:
            change.pop()()

    studio.board.on_show = shown
    studio.make("p003")

    assert studio.sent_ahead == []


def test_two_that_were_both_lost_do_not_wait_for_each_other(
    atelier: Studio, telling: Easel
) -> None:
    """After a power cut the engine knows of neither: each is over, and is asked for anew."""
    first, second = atelier.claim("p003"), atelier.claim("p004")
    for ongoing in (first, second):
        atelier.piece(ongoing)
        asked = replace(ongoing.job.pictures[0], asked=1, attempt=1)
        ongoing.keep(ongoing.job.with_picture(asked))
    atelier.sent_ahead += [first, second]
    telling.shows(None)
    atelier.begin(first)
    with pytest.raises(SetAside):
        atelier.run(first)
    assert not first.job.is_out

    telling.shows(png(drawn(64, 64)))
    assert carry(atelier, second) is State.DONE
    assert carry(atelier, first) is State.DONE


def test_a_bug_met_while_looking_is_no_harm_either(
    atelier: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it is; the file it was met in is looked at again in its turn."""
    waiting = atelier.queue("p004")
    waiting.path.write_bytes(b"\xff" * 10)
    waiting.path.unlink()
    waiting.path.mkdir()

    with caplog.at_level("INFO"):
        assert atelier.make("p003").state is State.DONE

    assert "that is looked into when its turn comes" in caplog.text
    assert atelier.sent_ahead == []


def test_a_training_is_not_even_read(atelier: Studio, caplog: pytest.LogCaptureFixture) -> None:
    """To check its dataset takes seconds, in which nobody listens to the engine."""
    waiting = atelier.queue("p004")
    atelier.row[:] = [replace(waiting, kind="train")]
    waiting.path.unlink()

    with caplog.at_level("INFO"):
        atelier.make("p003")

    assert "looked into" not in caplog.text


def test_a_model_that_was_never_hashed_waits_for_its_turn(tmp_path: Path, telling: Easel) -> None:
    """Two gigabytes take seconds."""
    studio, _ = with_a_lora(tmp_path, telling)
    keys: dict[str, Any] = {"workflow": "txt2img-lora", "lora": {"name": "spyke"}}
    studio.queue("p004", **keys)
    studio.make("p003")
    assert studio.sent_ahead == []

    studio.row.clear()
    studio.make("p005", **keys)
    studio.queue("p006", **keys)
    studio.make("p007")
    assert [ongoing.job.name for ongoing in studio.sent_ahead] == ["p006"]


def test_nothing_is_begun_ahead_where_there_is_no_room(tmp_path: Path, telling: Easel) -> None:
    """It waits in its own turn, with the reason; the engine is not told to free anything."""
    studio = Studio(tmp_path, telling.url, disk=Disk(reserve_gb=100_000))
    studio.queue("p004")

    assert studio.make("p003").state is State.DONE
    assert studio.sent_ahead == []
    assert telling.asked("POST /free") == 0


def test_another_jobs_second_try_keeps_what_was_sent(atelier: Studio) -> None:
    """Else it would be prepared twice."""
    atelier.queue("p004")
    atelier.make("p003")
    (sent,) = atelier.sent_ahead

    assert atelier.kind._ahead.taken("another") is None
    assert atelier.kind._ahead.taken(sent.job.id)
