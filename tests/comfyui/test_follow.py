"""A prompt followed to its verdict: frames and answers come over real sockets."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.comfyui.client import Accepted, Client
from plasma_watch.comfyui.follow import (
    CANCEL_SECONDS,
    RECONNECT_SECONDS,
    TICK_SECONDS,
    Listener,
    follow,
)
from plasma_watch.comfyui.patience import Patience
from plasma_watch.comfyui.protocol import (
    ASK_SECONDS,
    LOST_SECONDS,
    Conversation,
    Entered,
    Fact,
    Hung,
    Image,
    Interrupted,
    Lost,
    NodeFailed,
    Previewed,
    Stepped,
    Succeeded,
    Verdict,
)
from plasma_watch.control import Control, Running, Stopping
from plasma_watch.errors import Code, PlasmaError
from tests.fakes.engine import FakeEngine, closed_port
from tests.fakes.kind import PatientEvent
from tests.sandbox.graphs import plain_picture, text_to_image
from tests.sandbox.process import PATIENCE_SECONDS, Sandbox, running

OURS = "5a1f3c3e-0000-5000-8000-000000000001"
THEIRS = "5a1f3c3e-0000-5000-8000-000000000002"
ENTRY: dict[str, Any] = {"status": {"status_str": "success", "messages": []}}
INTERRUPTED = {"status": {"status_str": "error", "messages": [["execution_interrupted", {}]]}}
SUCCESS = Succeeded({}, {})
News = Fact | Conversation | PlasmaError


def frame(kind: str, prompt: str = OURS, **data: object) -> str:
    """Return a frame as the engine sends it."""
    return json.dumps({"type": kind, "data": {**data, "prompt_id": prompt}})


END = frame("executing", node=None)
HELLO = json.dumps({"type": "status", "data": {"sid": "a-client"}})
"""The first frame on every socket."""


class Follower:
    """Follows one prompt. Its state: the news, and what is done on each of them."""

    def __init__(self, url: str, prompt: str = OURS) -> None:
        self.client = Client(url)
        self.prompt = prompt
        self.control = Control()
        self.control.begin(Running("job", "p003"))
        self.conversation = Conversation(prompt)
        self.patience = Patience(300.0, time.monotonic())
        self.rescues = 0
        self.can_rescue = False
        self.news: list[News] = []
        self.codes: list[Code] = []
        self.on_news: Callable[[News], object] = lambda _: None
        self.client_id = str(uuid.uuid4())
        self.listener = Listener(url, self.client_id)
        self.deadline = time.monotonic() + PATIENCE_SECONDS
        self.seconds = 0.0
        """How long it took."""

    def follow(self) -> Verdict:
        """Follow the prompt to its end."""
        began = time.monotonic()
        try:
            return follow(
                self.client,
                self.listener,
                self.conversation,
                self.control,
                self.tell,
                patience=self.patience,
                rescue=self.rescue,
            )
        finally:
            self.seconds = time.monotonic() - began

    def rescue(self) -> bool:
        """Restart the engine, or say that it is somebody else's."""
        self.rescues += 1
        return self.can_rescue

    def tell(self, news: News) -> None:
        """Remember the news."""
        assert time.monotonic() < self.deadline, "no verdict"
        self.news.append(news)
        if isinstance(news, PlasmaError):
            self.codes.append(news.code)
        self.on_news(news)

    def facts(self) -> list[Fact]:
        """Return what frames told."""
        return [news for news in self.news if isinstance(news, Stepped | Entered | Previewed)]

    def cancel(self, *_: object) -> None:
        """Ask for the job to be cancelled."""
        self.control.cancel("job")

    def close(self) -> None:
        """Let go of everything."""
        self.listener.close()
        self.client.close()


Make = Callable[..., Follower]


@pytest.fixture
def follower() -> Iterator[Make]:
    """Make followers, and close them in the end."""
    made: list[Follower] = []

    def make(engine: FakeEngine | Sandbox, prompt: str = OURS) -> Follower:
        if isinstance(engine, FakeEngine):
            engine.greeting = engine.greeting or [HELLO]
        made.append(Follower(engine.url, prompt))
        return made[-1]

    yield make
    for each in made:
        each.close()


# The socket that is opened again.


@pytest.fixture
def listener(engine: FakeEngine) -> Iterator[Listener]:
    """A listener to the fake engine."""
    engine.greeting = ["hello"]
    listener = Listener(engine.url, "a-client")
    yield listener
    listener.close()


def next_frame(listener: Listener) -> str | bytes | None:
    """Return the next frame, however busy the machine is."""
    ticks = range(int(PATIENCE_SECONDS / TICK_SECONDS))
    return next((frame for _ in ticks if (frame := listener.frame(Control()))), None)


def test_listener_is_open_at_once(listener: Listener, engine: FakeEngine) -> None:
    """So it is before the prompt is sent."""
    assert listener.is_open
    assert next_frame(listener) == "hello"
    assert engine.clients == ["a-client"]


def test_quiet_socket_stays_open(listener: Listener, engine: FakeEngine) -> None:
    """Silence is no end."""
    next_frame(listener)

    assert listener.frame(Control()) is None
    assert listener.is_open
    assert engine.clients == ["a-client"]


def test_cut_socket_is_opened_again_under_the_same_name(
    listener: Listener, engine: FakeEngine
) -> None:
    """But at most once a second; until then each wait lasts a tick."""
    listener.frame(Control())
    engine.hang_up()
    control = Control()
    control.stopping = patience = PatientEvent()

    assert listener.frame(control) is None
    assert not listener.is_open
    assert listener.frame(control) is None
    assert patience.waits == [0.25]
    assert engine.clients == ["a-client"]

    listener._next_try -= RECONNECT_SECONDS

    assert listener.frame(control) == "hello"
    assert listener.is_open
    assert engine.clients == ["a-client", "a-client"]


def test_engine_without_sockets_is_no_trouble(engine: FakeEngine) -> None:
    """Its frames would only have made it faster."""
    engine.takes_sockets = False

    listener = Listener(engine.url, "a-client")

    assert not listener.is_open
    listener.close()


def test_stop_ends_the_wait_for_a_socket() -> None:
    """No tick is waited for any more."""
    control = Control()
    control.stopping.set()

    assert Listener(closed_port(), "a-client").frame(control) is None


# To the end.


def test_queue_is_asked_first_and_history_second(engine: FakeEngine, follower: Make) -> None:
    """In that order a prompt that moves between the two is never missed."""
    engine.running = [OURS]

    def move(route: str) -> None:
        if route == "GET /queue":  # it ends right after this answer
            engine.history[OURS] = ENTRY

    engine.on_asked = move

    assert follower(engine).follow() == SUCCESS
    assert engine.routes() == ["GET /queue", f"GET /history/{OURS}"]


def test_frames_are_told_and_their_end_is_asked_for_at_once(
    engine: FakeEngine, follower: Make
) -> None:
    """Then the history has the entry, and the queue need not be asked."""
    engine.running = [OURS]
    me = follower(engine)

    def play(news: News) -> None:
        if isinstance(news, Conversation):
            engine.history[OURS] = ENTRY
            engine.tell(frame("executing", node="3"), frame("progress", value=1, max=2, node="3"))
            engine.tell(frame("executing", THEIRS, node="9"), b"\0\0\0\1garbage", "{", END)

    me.on_news = play

    assert me.follow() == SUCCESS
    assert me.facts() == [Entered("3"), Stepped(1, 2, "3"), Previewed(b"age")]
    assert engine.routes()[2:] == [f"GET /history/{OURS}"]
    assert me.conversation.end_was_heard
    assert me.seconds < ASK_SECONDS


def test_news_of_an_error_that_the_history_does_not_have_yet_is_no_loss(
    engine: FakeEngine, follower: Make
) -> None:
    """The queue is asked as well; the end that follows is asked for at once again."""
    engine.running = [OURS]
    engine.greeting = [frame("execution_error")]
    me = follower(engine)

    def end(news: News) -> None:
        assert isinstance(news, Conversation)
        engine.history[OURS] = INTERRUPTED
        engine.tell(END)

    me.on_news = end

    assert me.follow() == Interrupted()
    history = f"GET /history/{OURS}"
    assert engine.routes() == [history, "GET /queue", history, history]
    assert me.seconds < ASK_SECONDS


def test_deaf_socket_loses_nothing(engine: FakeEngine, follower: Make) -> None:
    """No frame ever comes; the verdict comes with the next turn."""
    engine.running = [OURS]
    me = follower(engine)
    me.on_news = lambda _: engine.history.update({OURS: ENTRY})

    assert me.follow() == SUCCESS
    assert me.listener.is_open
    assert not me.conversation.end_was_heard
    assert me.seconds < ASK_SECONDS + 1


def test_prompt_that_is_gone_is_lost_after_two_looks(engine: FakeEngine, follower: Make) -> None:
    """Two seconds apart; the engine was restarted, or its queue cleared."""
    me = follower(engine)

    assert me.follow() == Lost()
    assert engine.routes() == ["GET /queue", f"GET /history/{OURS}"] * 2
    assert me.seconds >= LOST_SECONDS


def test_other_prompts_before_ours_are_told(engine: FakeEngine, follower: Make) -> None:
    """With each answer."""
    engine.running, engine.pending = [THEIRS], ["x", OURS]
    me = follower(engine)
    ahead: list[int] = []

    def end(news: News) -> None:
        assert isinstance(news, Conversation)
        ahead.append(news.ahead)
        engine.history[OURS] = ENTRY
        engine.tell(END)

    me.on_news = end

    assert me.follow() == SUCCESS
    assert ahead == [2, 0]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (503, b"", Code.ENGINE_UNREACHABLE),
        (200, b"<html>", Code.ENGINE_BAD_ANSWER),
    ],
)
def test_engine_that_cannot_be_asked_is_told_and_waited_for(
    engine: FakeEngine, follower: Make, status: int, body: bytes, code: Code
) -> None:
    """That is no verdict; it is asked again when it is time."""
    engine.says("/queue", body, status)
    engine.history[OURS] = ENTRY
    me = follower(engine)

    def recover(news: News) -> None:
        if isinstance(news, PlasmaError):
            engine.answers.clear()
            me.conversation.was_removed()  # so that it is asked again at once

    me.on_news = recover

    assert me.follow() == SUCCESS
    assert me.codes == [code]


def test_stop_leaves_the_prompt_where_it_is(engine: FakeEngine, follower: Make) -> None:
    """It runs on, and is collected later."""
    engine.running = [OURS]
    me = follower(engine)
    me.on_news = lambda _: me.control.stopping.set()

    with pytest.raises(Stopping):
        me.follow()

    assert engine.routes() == ["GET /queue", f"GET /history/{OURS}"]


# Cancelled.


def test_cancelled_prompt_that_waits_is_taken_out_of_the_queue(
    engine: FakeEngine, follower: Make
) -> None:
    """Nobody else's is interrupted, and its absence needs no second look."""
    engine.running, engine.pending = [THEIRS], [OURS]
    me = follower(engine)
    me.cancel()

    def delete(route: str) -> None:
        if route == "POST /queue":
            engine.pending.clear()

    engine.on_asked = delete

    assert me.follow() == Lost()
    assert ("POST /queue", {"delete": [OURS]}) in engine.asked
    assert "POST /interrupt" not in engine.routes()
    assert me.seconds < LOST_SECONDS


def test_cancelled_prompt_that_runs_is_interrupted_by_name(
    engine: FakeEngine, follower: Make
) -> None:
    """And followed to its end."""
    engine.running = [OURS]
    me = follower(engine)
    me.cancel()

    def interrupt(route: str) -> None:
        if route == "POST /interrupt":
            engine.running.clear()
            engine.history[OURS] = INTERRUPTED
            engine.tell(END)

    engine.on_asked = interrupt

    assert me.follow() == Interrupted()
    asked = [body for route, body in engine.asked if route == "POST /interrupt"]
    assert asked == [{"prompt_id": OURS}]


def test_cancel_is_asked_for_again_while_the_prompt_runs(
    engine: FakeEngine, follower: Make
) -> None:
    """The engine loses an interrupt between two prompts."""
    engine.running = [OURS]
    me = follower(engine)
    times: list[float] = []

    def interrupt(route: str) -> None:
        if route == "POST /interrupt":
            times.append(time.monotonic())
        if len(times) == 2:
            engine.history[OURS] = INTERRUPTED
            engine.tell(END)

    me.on_news = me.cancel
    engine.on_asked = interrupt

    assert me.follow() == Interrupted()
    assert len(times) >= 2
    assert min(b - a for a, b in itertools.pairwise(times)) > CANCEL_SECONDS / 2


def test_cancel_that_cannot_be_carried_is_carried_later(engine: FakeEngine, follower: Make) -> None:
    """An engine that is gone for a moment does not end the wait for the end."""
    engine.pending = [OURS]
    engine.says("/queue", b"", 503)
    me = follower(engine)
    me.cancel()

    def come_back(route: str) -> None:
        if engine.routes().count("POST /queue") == 2:
            engine.answers.clear()
            engine.pending.clear()
        assert route != "POST /interrupt"

    engine.on_asked = come_back

    assert me.follow() == Lost()
    assert me.codes == [Code.ENGINE_UNREACHABLE]


def test_picture_that_came_before_the_cancel_wins(engine: FakeEngine, follower: Make) -> None:
    """A cancel that finds the prompt neither waiting nor running looks at the history."""
    engine.running = [THEIRS]
    engine.history[OURS] = ENTRY
    me = follower(engine)
    me.cancel()

    assert me.follow() == SUCCESS
    assert "POST /interrupt" not in engine.routes()


# With the sandbox, which answers as ComfyUI does.


def sent(me: Follower, graph: dict[str, Any]) -> Follower:
    """Send a graph under the follower's own prompt id."""
    assert me.client.post_prompt(graph, me.prompt, me.client_id, {}) == Accepted()
    return me


@pytest.fixture
def prompt() -> str:
    """An id that was never used."""
    return str(uuid.uuid4())


def test_sandbox_makes_a_picture(sandbox: Sandbox, follower: Make, prompt: str) -> None:
    """Every step, its preview, and a verdict with the file and the graph as executed."""
    graph = text_to_image(prefix=f"follow/{prompt}", steps=30)

    me = sent(follower(sandbox, prompt), graph)
    verdict = me.follow()

    assert verdict == Succeeded({"9": (Image(f"{prompt}_00001_.png", "follow", "output"),)}, graph)
    steps = [fact for fact in me.facts() if isinstance(fact, Stepped)]
    assert steps == [Stepped(step, 30, "3") for step in range(1, 31)]
    assert any(isinstance(fact, Previewed) for fact in me.facts())
    assert me.conversation.end_was_heard


def test_sandbox_tells_a_late_listener_of_the_end(
    sandbox: Sandbox, follower: Make, prompt: str
) -> None:
    """All frames were over before it came: the history has it."""
    sent(follower(sandbox, prompt), plain_picture(prefix=f"follow/{prompt}"))
    sandbox.wait_until_idle()

    late = follower(sandbox, prompt)

    assert isinstance(late.follow(), Succeeded)
    assert late.facts() == []


def test_sandbox_tells_of_a_node_that_failed(sandbox: Sandbox, follower: Make, prompt: str) -> None:
    """Which, and why."""
    me = sent(follower(sandbox, prompt), plain_picture(prefix="../../outside/x"))

    verdict = me.follow()

    assert isinstance(verdict, NodeFailed)
    assert (verdict.node, verdict.node_type) == ("2", "SaveImage")
    assert "outside the output folder" in verdict.message


def test_sandbox_is_cancelled_at_work_and_goes_on_with_the_next(
    sandbox: Sandbox, follower: Make, prompt: str
) -> None:
    """The one that was sent after it is somebody else's."""
    me = sent(follower(sandbox, prompt), text_to_image(steps=200, seed=7))
    theirs = sent(follower(sandbox, str(uuid.uuid4())), plain_picture(color=9))
    me.on_news = lambda news: me.cancel() if isinstance(news, Stepped) else None

    assert me.follow() == Interrupted()
    assert isinstance(theirs.follow(), Succeeded)


def test_sandbox_is_cancelled_before_it_begins(
    sandbox: Sandbox, follower: Make, prompt: str
) -> None:
    """What runs before it runs on to its end."""
    theirs, me = follower(sandbox, str(uuid.uuid4())), follower(sandbox, prompt)
    sent(theirs, text_to_image(steps=100, seed=8))
    sent(me, plain_picture())
    me.cancel()

    assert me.follow() == Lost()
    assert isinstance(theirs.follow(), Succeeded)


def test_engine_that_is_killed_at_work_is_told(tmp_path: Path, follower: Make, prompt: str) -> None:
    """It is waited for, until it is back or the daemon ends."""
    with running(tmp_path / "base", "--seconds-per-step", "0.1") as engine:
        me = sent(follower(engine, prompt), text_to_image(steps=100))

        def kill(news: News) -> None:
            match news:
                case Stepped():
                    engine.process.kill()
                    engine.process.wait(PATIENCE_SECONDS)
                    me.conversation.was_removed()  # so that it is asked at once
                case PlasmaError():
                    me.control.stopping.set()
                case _:
                    pass

        me.on_news = kill
        with pytest.raises(Stopping):
            me.follow()

    assert me.codes == [Code.ENGINE_UNREACHABLE]
    assert not me.listener.is_open


# An engine that hangs.


def impatient(**seconds: float) -> Patience:
    """Return what finds everything too long at the next look."""
    none = {"loading_seconds": 0.01, "obey_seconds": 0.01, "log_seconds": 0.01}
    return Patience(0.01, time.monotonic(), **(none | seconds))


def interrupts(engine: FakeEngine) -> list[Any]:
    """Return what was asked to be interrupted."""
    return [body for route, body in engine.asked if route == "POST /interrupt"]


def test_a_prompt_without_a_sign_of_life_is_interrupted_once(
    engine: FakeEngine, follower: Make
) -> None:
    """F29: by its own id; that it stopped because of us is the verdict."""
    me = follower(engine)
    me.patience = impatient(obey_seconds=60)
    engine.running = [OURS]

    def stop(route: str) -> None:
        if route == "POST /interrupt":
            engine.running, engine.history = [], {OURS: INTERRUPTED}

    engine.on_asked = stop

    assert me.follow() == Hung(has_stopped=True)
    assert interrupts(engine) == [{"prompt_id": OURS}]
    assert me.rescues == 0


def test_a_prompt_that_does_not_heed_it_hangs(engine: FakeEngine, follower: Make) -> None:
    """F29: the engine is somebody else's, so nobody may restart it."""
    me = follower(engine)
    me.patience = impatient()
    engine.running = [OURS]

    assert me.follow() == Hung(has_stopped=False)
    assert interrupts(engine) == [{"prompt_id": OURS}]
    assert me.rescues == 1


def test_an_engine_of_ours_is_restarted(engine: FakeEngine, follower: Make) -> None:
    """F29: then it has forgotten the prompt."""
    me = follower(engine)
    me.patience = impatient()
    engine.running = [OURS]
    me.can_rescue = True

    def restart() -> bool:
        engine.running = []
        return Follower.rescue(me)

    me.rescue = restart  # type: ignore[method-assign]

    assert me.follow() == Lost()
    assert me.rescues == 1


def test_news_in_the_log_keeps_a_silent_prompt_alive(engine: FakeEngine, follower: Make) -> None:
    """A client that does not read holds up every frame; the engine works on."""
    me = follower(engine)
    me.patience = impatient(loading_seconds=ASK_SECONDS * 1.5)
    engine.running = [OURS]
    looks = itertools.count(1)

    def log(route: str) -> None:
        if route == "GET /internal/logs/raw":
            bar = {"t": f"12:00:0{next(looks)}", "m": "\r 10%"}
            engine.says("/internal/logs/raw", {"entries": [bar]})
        if next(looks) > 10:
            engine.running, engine.history = [], {OURS: ENTRY}

    engine.on_asked = log

    assert me.follow() == SUCCESS
    assert interrupts(engine) == []


def test_a_doubtful_socket_is_opened_again(engine: FakeEngine, follower: Make) -> None:
    """F22: it may be deaf; a new one hears the steps."""
    me = follower(engine)
    me.patience = impatient(loading_seconds=60)
    engine.running = [OURS]
    engine.says("/internal/logs/raw", b"", 404)

    def end(route: str) -> None:
        if len(engine.clients) > 1 and route == "GET /queue":
            engine.running, engine.history = [], {OURS: ENTRY}

    engine.on_asked = end
    me.patience.heard(Stepped(1, 20, "3"), time.monotonic())
    me.patience.heard(Stepped(2, 20, "3"), time.monotonic())
    me.patience.interrupted(time.monotonic() + PATIENCE_SECONDS)

    assert me.follow() == SUCCESS
    assert len(engine.clients) > 1


def test_a_dead_worker_is_found_in_the_log(engine: FakeEngine, follower: Make) -> None:
    """§7 of the contract: somebody's prompt killed it, and stays at the head of the queue."""
    me = follower(engine)
    me.patience = impatient()
    engine.running, engine.pending = [THEIRS], [OURS]
    words = "Exception in thread Thread-1 (prompt_worker):\nTypeError: int\n"
    engine.says("/internal/logs/raw", {"entries": [{"t": "12:00", "m": words}, "odd"]})

    def restarted(news: News) -> None:
        if isinstance(news, Conversation) and news.is_stuck:
            engine.pending, engine.history = [], {OURS: ENTRY}

    me.on_news = restarted

    assert me.follow() == SUCCESS
    assert me.conversation.last_words == "TypeError: int"
    assert me.rescues >= 1
    assert interrupts(engine) == []
