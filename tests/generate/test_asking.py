"""One picture got out of the engine: out of the sandbox, and out of engines that misbehave."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from plasma_watch.comfyui.protocol import LOST_SECONDS, Conversation, Stepped
from plasma_watch.control import CancelAsked, Stopping
from plasma_watch.errors import Code, Fate, PlasmaError
from plasma_watch.generate.asking import Answer, ask, rejoin
from plasma_watch.generate.order import prefix
from plasma_watch.generate.piece import Piece
from plasma_watch.generate.template import Graph
from plasma_watch.job import JOURNAL, Job, prompt_id
from plasma_watch.outputs.picture import examine, texts
from tests.fakes.drawings import drawn, png
from tests.fakes.easel import Easel, failed, finished, interrupted, vanished
from tests.fakes.studio import Studio
from tests.sandbox.process import Sandbox

Busy = Callable[[], AbstractContextManager[str]]
SMALL: dict[str, Any] = {"workflow": "txt2img", "seed": 7}


def untold(_: object) -> None:
    """Hear news, and tell nobody."""


def began(piece: Piece, attempt: int = 1) -> Piece:
    """Say in the journal that an attempt was begun before."""
    piece.keep(replace(piece.picture, asked=attempt, attempt=attempt))
    return piece


def refused(piece: Piece) -> PlasmaError:
    """Return the error that asking ends in."""
    with pytest.raises(PlasmaError) as caught:
        ask(piece, untold)
    return caught.value


def with_slots(piece: Piece, **slots: Any) -> Piece:
    """Return a piece whose request has other values."""
    plan = replace(piece.order.plan, request={**piece.order.plan.request, **slots})
    return replace(piece, order=replace(piece.order, plan=plan))


def redrawn(piece: Piece, change: Callable[[Graph], object]) -> Piece:
    """Return a piece whose workflow is changed in the editor."""
    changed = copy.deepcopy(piece.order.template.graph)
    change(changed)
    template = replace(piece.order.template, graph=changed)
    return replace(piece, order=replace(piece.order, template=template))


def graph(piece: Piece) -> dict[str, Any]:
    """Return the graph of the present attempt."""
    return piece.order.graph(piece.job, piece.picture)


@pytest.fixture
def piece(studio: Studio) -> Piece:
    """A picture that the sandbox is to make."""
    return studio.piece(studio.claim(), **SMALL)


@pytest.fixture
def fake(faked: Studio) -> Piece:
    """A picture that the easel is to make."""
    return faked.piece(faked.claim(), **SMALL)


# Asking.


def test_engine_makes_what_it_is_asked_for(piece: Piece, sandbox: Sandbox) -> None:
    """Under our prompt id, and with the request inside."""
    answer = ask(piece, untold)

    (content,) = answer.contents
    examine(content, (64, 64))
    assert answer.graph == graph(piece)
    assert "spyke" in texts(content)["plasma"]
    assert piece.picture.attempt == 1
    assert list(sandbox.json(f"/history/{piece.prompt}")) == [piece.prompt]


def test_job_stands_in_the_engine_beside_the_prompt(piece: Piece, sandbox: Sandbox) -> None:
    """A person who looks there sees whose it is."""
    ask(piece, untold)

    extra = sandbox.json(f"/history/{piece.prompt}")[piece.prompt]["prompt"][3]
    assert extra["plasma_job"] == piece.job.id


def test_steps_are_told(studio: Studio) -> None:
    """The socket was open before the prompt was sent, so none is missed."""
    piece = studio.piece(studio.claim(), workflow="txt2img", seed=4711, steps=100)
    news: list[object] = []

    ask(piece, news.append)

    steps = [fact.step for fact in news if isinstance(fact, Stepped) and fact.steps == 100]
    assert steps == list(range(1, 101))


def test_attempt_is_in_the_journal_before_the_engine_is_asked(fake: Piece, easel: Easel) -> None:
    """So that after a crash it is known what to look for."""
    heard: list[tuple[str, str]] = []

    def look(posted: dict[str, Any]) -> None:
        journal = Job.from_toml((fake.ongoing.folder / JOURNAL).read_text("utf-8"))
        kept = prompt_id(journal, 1, journal.pictures[0].attempt)
        heard.append((posted["prompt_id"], kept))

    easel.on_posted = look

    ask(fake, untold)

    ((sent, kept),) = heard
    assert sent == kept


def test_each_attempt_has_a_number_of_its_own(fake: Piece, easel: Easel) -> None:
    """And so an id and a file name of its own, whatever became of the last."""
    began(fake, 4)
    fake.keep(replace(fake.picture, is_over=True, images=2))

    ask(fake, untold)

    assert (fake.picture.attempt, fake.picture.is_over, fake.picture.images) == (5, False, 0)
    assert easel.prompts() == [fake.prompt_of(5)]
    assert easel.posted[0]["prompt"]["9"]["inputs"]["filename_prefix"].endswith("/1-5/img")


def test_several_pictures_of_one_prompt_are_all_fetched(studio: Studio) -> None:
    """A template may make a batch."""
    piece = studio.piece(studio.claim(), workflow="black")
    piece = redrawn(piece, lambda graph: graph["1"]["inputs"].update(batch_size=3))

    assert len(ask(piece, untold).contents) == 3


# Sockets.


def test_socket_that_told_nothing_of_the_end_is_counted(
    faked: Studio, fake: Piece, easel: Easel
) -> None:
    """It stayed open: the picture came all the same."""
    easel.is_mute = True

    ask(fake, untold)

    assert faked.deaf == 1


def test_socket_that_told_the_end_is_good(faked: Studio, fake: Piece, easel: Easel) -> None:
    """As it is most of the time."""
    easel.engine.greeting = []

    ask(fake, untold)

    assert faked.deaf == 0


def test_end_that_was_told_and_not_yet_read_was_heard(
    faked: Studio, fake: Piece, easel: Easel
) -> None:
    """The history answered first, while much was still in the socket."""
    easel.engine.greeting = []

    chatter = [json.dumps({"type": "status", "data": {}})] * 50
    easel.on_posted = lambda _: easel.engine.tell(*chatter)

    ask(fake, untold)

    assert faked.deaf == 0


def test_engine_without_a_socket_is_asked_for_the_truth(
    faked: Studio, fake: Piece, easel: Easel
) -> None:
    """A socket that does not open cannot be deaf."""
    easel.engine.takes_sockets = False

    ask(fake, untold)

    assert faked.deaf == 0


# Refusals.


def test_refusal_says_which_node_and_why(piece: Piece) -> None:
    """In the engine's words."""
    error = refused(redrawn(piece, lambda graph: graph["3"]["inputs"].update(denoise=7.0)))

    assert error.code is Code.ENGINE_REFUSED
    assert error.fate is Fate.FAIL
    assert error.message.startswith("ComfyUI refused the graph: 'KSampler': Value 7.0 bigger")


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ({}, "it is Monday"),
        ({"3": {"errors": []}}, "it is Monday"),
        ({"3": {"errors": "odd"}, "4": None, "5": {"errors": [7]}}, "it is Monday"),
        ({"3": {"errors": [{"message": "bad", "details": "cfg"}]}}, "'KSampler': bad cfg"),
        ({"3": {"errors": [{}]}}, "'KSampler': no reason given"),
        (
            {"3": {"errors": [{"message": "bad", "extra_info": {"input_name": "sampler_name"}}]}},
            "'KSampler': bad (from the request: sampler)",
        ),
        (
            {"3": {"errors": [{"message": "bad", "extra_info": {"input_name": "model"}}]}},
            "'KSampler': bad",
        ),
    ],
)
def test_refusal_without_reasons_by_node_is_told_too(
    fake: Piece, easel: Easel, errors: dict[str, Any], said: str
) -> None:
    """Whatever form they have."""

    def refuse(_: dict[str, Any]) -> None:
        answer = {"error": {"message": "it is Monday"}, "node_errors": errors}
        easel.engine.says("/prompt", answer, 400)

    easel.on_posted = refuse
    easel.outcomes = [vanished]

    assert refused(fake).message == f"ComfyUI refused the graph: {said}"


def test_prompt_that_was_taken_in_part_is_taken_back(fake: Piece, easel: Easel) -> None:
    """A part of a graph is not what was asked for; nothing of it runs on."""

    def take_a_part(posted: dict[str, Any]) -> None:
        errors = {"9": {"errors": [{"message": "bad link"}]}}
        answer = {"prompt_id": posted["prompt_id"], "node_errors": errors}
        easel.engine.says("/prompt", answer)

    easel.on_posted = take_a_part

    assert refused(fake).message == "ComfyUI refused the graph: 'Save Image': bad link"
    assert easel.engine.asked[-2:] == [
        ("POST /queue", {"delete": [fake.prompt]}),
        ("POST /interrupt", {"prompt_id": fake.prompt}),
    ]


def test_unclear_answer_is_cleared_up_by_queue_and_history(fake: Piece, easel: Easel) -> None:
    """The prompt may be queued all the same: it is not sent again."""

    def stumble(_: dict[str, Any]) -> None:
        easel.engine.says("/prompt", b"500 Internal Server Error", 500)

    easel.on_posted = stumble

    assert len(ask(fake, untold).contents) == 1
    assert len(easel.posted) == 1


def test_cut_answer_is_cleared_up_too(fake: Piece, easel: Easel) -> None:
    """The engine took it, and the connection went."""
    easel.engine.cuts["/prompt"] = b""

    assert len(ask(fake, untold).contents) == 1
    assert len(easel.posted) == 1


# Endings.


def test_error_in_a_node_is_told_by_the_nodes_title(fake: Piece, easel: Easel) -> None:
    """As it is called in ComfyUI."""
    titled = redrawn(fake, lambda graph: graph["3"].update(_meta={"title": "Hero's sampler"}))
    easel.outcomes = [failed("mat1 and mat2 shapes")]

    error = refused(titled)

    assert error.code is Code.ENGINE_NODE_ERROR
    assert error.fate is Fate.FAIL
    assert error.message == (
        "ComfyUI failed in 'Hero's sampler': RuntimeError: mat1 and mat2 shapes"
        " (from the request: seed, steps, cfg, sampler, scheduler)"
    )


@pytest.mark.parametrize("meta", [None, {}, {"title": ""}])
def test_node_without_a_title_is_told_by_its_class(
    fake: Piece, easel: Easel, meta: dict[str, str] | None
) -> None:
    """An older export has no titles."""
    untitled = redrawn(fake, lambda graph: graph["3"].update(_meta=meta))
    easel.outcomes = [failed("no")]

    assert refused(untitled).message.startswith("ComfyUI failed in 'KSampler': ")


@pytest.mark.parametrize(
    "message",
    [
        "MPS backend out of memory (MPS allocated: 9 GB)",
        "[enforce fail at alloc_cpu.cpp:127] you can't allocate memory",
        "Invalid buffer size: 9.00 GB",
    ],
)
def test_lack_of_memory_is_told_apart(fake: Piece, easel: Easel, message: str) -> None:
    """It may be there the next time."""
    easel.outcomes = [failed(message)]

    error = refused(fake)

    assert error.code is Code.ENGINE_OUT_OF_MEMORY
    assert error.fate is Fate.RETRY


def test_real_error_of_a_node_is_read(piece: Piece, sandbox: Sandbox) -> None:
    """A LoRA in the folder of the checkpoints."""
    lora = sandbox.base / "models" / "loras" / "spyke.safetensors"
    wrong = sandbox.base / "models" / "checkpoints" / "a-lora.safetensors"
    wrong.write_bytes(lora.read_bytes())

    error = refused(with_slots(piece, checkpoint=wrong.name))

    assert error.code is Code.ENGINE_NODE_ERROR
    assert "'Load Checkpoint': RuntimeError: ERROR: Could not detect model type" in error.message


def test_interrupt_by_somebody_is_no_error_of_the_graph(piece: Piece, sandbox: Sandbox) -> None:
    """It is tried again."""

    def interrupt(news: object) -> None:
        if isinstance(news, Stepped):
            sandbox.post("/interrupt", {})

    with pytest.raises(PlasmaError) as caught:
        ask(with_slots(piece, steps=10_000), interrupt)

    assert caught.value.code is Code.ENGINE_INTERRUPTED
    assert caught.value.fate is Fate.RETRY


def test_prompt_that_vanished_is_lost(fake: Piece, easel: Easel) -> None:
    """It was in neither queue nor history, twice, and left no file."""
    easel.outcomes = [vanished]
    easel.shows(None)

    error = refused(fake)

    assert error.code is Code.ENGINE_LOST_JOB
    assert error.fate is Fate.RETRY
    assert len(easel.posted) == 1


@pytest.mark.parametrize(
    ("heeds", "code", "fate"),
    [(True, Code.ENGINE_STALLED, Fate.RETRY), (False, Code.ENGINE_HUNG, Fate.FAIL)],
)
def test_prompt_that_hangs_is_interrupted(
    faked: Studio, easel: Easel, *, heeds: bool, code: Code, fate: Fate
) -> None:
    """F29: one that heeds it is tried again; else the engine is of no use, which is remembered."""
    faked.hang_seconds, faked.loading_seconds = 0.01, 0.01
    piece = faked.piece(faked.claim(), **SMALL)
    easel.outcomes = [vanished]
    easel.on_posted = lambda posted: easel.engine.running.append(posted["prompt_id"])

    def stop(route: str) -> None:
        easel.heard(route)
        if heeds and route == "POST /interrupt":
            easel.engine.running = []
            easel.knows(piece.prompt, graph(piece), interrupted)

    easel.engine.on_asked = stop

    error = refused(piece)

    assert (error.code, error.fate) == (code, fate)
    assert easel.asked("POST /interrupt") == 1
    assert faked.engine.still_hangs() is not heeds


def test_success_without_a_picture_is_none(fake: Piece, easel: Easel) -> None:
    """Whatever the engine calls it."""
    for outcome in (finished(), finished("img_00001_.png", node="8")):
        easel.outcomes = [outcome]

        error = refused(fake)

        assert error.code is Code.ENGINE_NO_OUTPUT
        assert error.fate is Fate.RETRY
        assert error.message == "ComfyUI reported success without a picture"


def test_picture_that_is_not_there_is_none(fake: Piece, easel: Easel) -> None:
    """The engine answered from its cache, and somebody had cleared its folder."""
    easel.shows(None)

    error = refused(fake)

    assert error.code is Code.ENGINE_NO_OUTPUT
    assert error.message == "ComfyUI reported img_00001_.png, which is not there"


# Cancelling and stopping.


def test_cancel_while_it_runs_ends_it_in_the_engine(
    studio: Studio, piece: Piece, sandbox: Sandbox
) -> None:
    """By name: nobody else's prompt is touched."""

    def cancel(news: object) -> None:
        if isinstance(news, Stepped):
            studio.control.cancel(piece.job.id)

    with pytest.raises(CancelAsked):
        ask(with_slots(piece, steps=10_000), cancel)

    assert piece.prompt in sandbox.json(f"/history/{piece.prompt}")
    assert sandbox.json("/queue")["queue_running"] == []


def test_cancel_while_it_waits_takes_it_out_of_the_queue(
    studio: Studio, piece: Piece, sandbox: Sandbox, busy: Busy
) -> None:
    """What runs before it runs on."""

    def cancel(news: object) -> None:
        if isinstance(news, Conversation) and news.ahead:
            studio.control.cancel(piece.job.id)

    with busy() as theirs:
        with pytest.raises(CancelAsked):
            ask(piece, cancel)

        assert [item[1] for item in sandbox.json("/queue")["queue_running"]] == [theirs]

    assert sandbox.json(f"/history/{piece.prompt}") == {}


def test_picture_that_was_done_before_the_cancel_wins(
    faked: Studio, fake: Piece, easel: Easel
) -> None:
    """It is there, and placed."""
    easel.on_posted = lambda _: faked.control.cancel(fake.job.id)

    assert len(ask(fake, untold).contents) == 1


def test_stop_leaves_the_prompt_in_the_engine(
    studio: Studio, piece: Piece, sandbox: Sandbox, busy: Busy
) -> None:
    """It is collected later; the journal says what to look for."""

    def stop(news: object) -> None:
        if isinstance(news, Conversation) and news.ahead:
            studio.patience.set()

    with busy():
        with pytest.raises(Stopping):
            ask(piece, stop)

        pending = [item[1] for item in sandbox.json("/queue")["queue_pending"]]
        assert pending == [piece.prompt]


# After a crash.


def send(piece: Piece, sandbox: Sandbox) -> None:
    """Send the present attempt, as it was sent before the crash."""
    client_id = str(uuid.uuid5(uuid.UUID(piece.prompt), "client"))
    body = {"prompt": graph(piece), "prompt_id": piece.prompt, "client_id": client_id}
    assert sandbox.post("/prompt", body).ok


def test_picture_that_was_not_begun_has_nothing_to_find(fake: Piece, easel: Easel) -> None:
    """The engine is not even asked."""
    assert rejoin(fake, untold) is None
    assert easel.asked("GET /queue") == 0


def test_attempt_in_the_history_is_collected(piece: Piece, sandbox: Sandbox) -> None:
    """It ended while nobody listened."""
    began(piece)
    send(piece, sandbox)
    sandbox.wait_until_idle()

    answer = rejoin(piece, untold)

    assert answer
    assert answer.graph == graph(piece)
    examine(answer.contents[0], (64, 64))


def test_attempt_in_the_queue_is_followed(piece: Piece, sandbox: Sandbox, busy: Busy) -> None:
    """It is not sent again."""
    began(piece)
    ahead: list[int] = []
    with busy() as theirs:
        send(piece, sandbox)

        def end_theirs(news: object) -> None:
            if isinstance(news, Conversation):
                ahead.append(news.ahead)
                sandbox.post("/interrupt", {"prompt_id": theirs})

        answer = rejoin(piece, end_theirs)

    assert ahead[0] == 1
    assert answer
    assert piece.picture.attempt == 1


def test_older_attempt_in_the_queue_is_the_one_to_follow(fake: Piece, easel: Easel) -> None:
    """The later one was journalled and never sent, or is over."""
    began(fake, 3)
    fake.keep(replace(fake.picture, is_over=True))
    easel.engine.pending = [fake.prompt_of(2)]

    def end(_: object) -> None:
        if easel.engine.pending:
            easel.engine.pending = []
            easel.knows(fake.prompt, graph(fake))
            easel.ends({"prompt_id": fake.prompt})

    answer = rejoin(fake, end)

    assert answer
    assert (fake.picture.attempt, fake.picture.is_over) == (2, False)
    ask(fake, untold)
    assert fake.picture.attempt == 4


@pytest.mark.parametrize(("running", "kept"), [(0, 3), (1, 1), (2, 2)])
def test_of_two_attempts_in_the_queue_one_is_left(
    fake: Piece, easel: Easel, running: int, kept: int
) -> None:
    """§7.3: what runs, else the newest; never two of ours in the engine's queue."""
    began(fake, 3)
    ours = {attempt: fake.prompt_of(attempt) for attempt in (1, 2, 3)}
    easel.engine.running = [ours[running]] if running else []
    easel.engine.pending = [prompt for attempt, prompt in ours.items() if attempt != running]

    def end(_: object) -> None:
        easel.engine.running = easel.engine.pending = []
        easel.knows(fake.prompt, graph(fake))
        easel.ends({"prompt_id": fake.prompt})

    assert rejoin(fake, end)
    deleted = [body["delete"] for route, body in easel.engine.asked if route == "POST /queue"]
    assert sorted(deleted) == sorted([ours[attempt]] for attempt in (1, 2, 3) if attempt != kept)
    assert fake.picture.attempt == kept


def test_attempt_that_is_over_is_not_asked_for(fake: Piece, easel: Easel) -> None:
    """The next is due; the old one's failure is not met again."""
    began(fake)
    fake.keep(replace(fake.picture, is_over=True))
    easel.knows(fake.prompt, graph(fake), failed("no"))

    assert rejoin(fake, untold) is None


def test_failure_while_nobody_listened_is_heard(fake: Piece, easel: Easel) -> None:
    """It counts as it would have counted then."""
    began(fake)
    easel.knows(fake.prompt, graph(fake), interrupted)

    with pytest.raises(PlasmaError) as caught:
        rejoin(fake, untold)

    assert caught.value.code is Code.ENGINE_INTERRUPTED


def test_attempt_that_nobody_knows_is_asked_for_twice(fake: Piece, easel: Easel) -> None:
    """Two seconds apart; then it may be sent anew."""
    began(fake)
    easel.shows(None)

    assert rejoin(fake, untold) is None
    assert easel.asked("GET /queue") == 1 + 2
    assert easel.asked(f"GET /history/{fake.prompt}") == 2
    assert LOST_SECONDS == 2.0


def test_file_of_a_killed_engine_is_salvaged(piece: Piece, sandbox: Sandbox) -> None:
    """It wrote the picture, and forgot everything else."""
    began(piece)
    send(piece, sandbox)
    sandbox.wait_until_idle()
    sandbox.post("/history", {"delete": [piece.prompt]})

    answer = rejoin(piece, untold)

    assert answer
    path = sandbox.base / "output" / f"{prefix(piece.job, piece.picture)}_00001_.png"
    assert answer == Answer((path.read_bytes(),), graph(piece))


def test_file_that_is_not_whole_is_not_salvaged(fake: Piece, easel: Easel) -> None:
    """The engine died over it."""
    began(fake)
    easel.shows(png(drawn(64, 64))[:-100])

    assert rejoin(fake, untold) is None


def test_file_of_an_engine_that_died_while_we_listened_is_salvaged(
    fake: Piece, easel: Easel
) -> None:
    """Its supervisor started it again at once."""
    easel.outcomes = [vanished]

    answer = ask(fake, untold)

    assert answer.contents == (png(drawn(64, 64)),)


def test_engine_is_asked_for_the_output_alone(fake: Piece, easel: Easel) -> None:
    """Previews and other savers of a workflow do not run; of several outputs none is lost."""
    ask(fake, untold)

    assert easel.posted[0]["partial_execution_targets"] == ["9"]
