"""What a sandbox does wrong when it is told to: every fault, as a client meets it."""

import io
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from plasma_watch.sandbox.mischief.frames import GARBAGE, Cut, Part, sent
from plasma_watch.sandbox.mischief.script import Script, parse

from .graphs import text_to_image
from .listening import Listener
from .process import FAULTS, PATIENCE_SECONDS, TICK_SECONDS, Sandbox, running

FRAME = '{"type": "progress", "data": {"value": 1, "max": 2, "prompt_id": "p1", "node": "3"}}'
_QUICK = ("--seconds-per-step", "0.001")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Give one sandbox for all faults that it lives through."""
    with running(tmp_path_factory.mktemp("mischief") / "base", *_QUICK) as one:
        yield one


@pytest.fixture
def engine(shared: Sandbox) -> Iterator[Sandbox]:
    """Give the sandbox without a fault."""
    shared.give()
    yield shared
    shared.give()
    shared.wait_until_idle()


def ask(engine: Sandbox, prompt_id: str, client: str = "c1", **settings: Any) -> requests.Response:
    """Send a prompt that nobody sent before."""
    graph = text_to_image(text=prompt_id, prefix=f"{prompt_id}/img", **settings)
    body = {"prompt": graph, "prompt_id": prompt_id, "client_id": client}
    return engine.post("/prompt", body)


def ended(engine: Sandbox, prompt_id: str, **settings: Any) -> dict[str, Any]:
    """Send a prompt, wait for its end, and return what the history holds of it."""
    ask(engine, prompt_id, **settings)
    engine.wait_until_idle()
    entry: dict[str, Any] = engine.json(f"/history/{prompt_id}")[prompt_id]
    return entry


def pictures(engine: Sandbox, entry: dict[str, Any]) -> list[requests.Response]:
    """Fetch the pictures of a history entry."""
    return [engine.get("/view", **image) for image in entry["outputs"]["9"]["images"]]


def until_running(engine: Sandbox, prompt_id: str) -> None:
    """Wait until a prompt runs."""
    until(lambda: prompt_id in [item[1] for item in engine.json("/queue")["queue_running"]])


def in_queue(engine: Sandbox) -> list[int]:
    """Count what runs and what waits."""
    queue = engine.json("/queue")
    return [len(queue[name]) for name in ("queue_running", "queue_pending")]


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(TICK_SECONDS)


def until_silent(engine: Sandbox) -> None:
    """Ask until no answer comes."""
    while True:
        requests.get(f"{engine.url}/queue", timeout=0.2)


# The door for faults.


def test_faults_are_given_listed_and_taken_back(engine: Sandbox) -> None:
    """At run time; the real engine has no such door."""
    engine.give("die@99", "refuse-503@99")
    engine.get("/queue")

    assert engine.json(FAULTS) == {"die@99x1": 0, "refuse-503@99x1": 1}

    engine.give()

    assert engine.json(FAULTS) == {}


def test_what_is_no_fault_is_refused(engine: Sandbox) -> None:
    """And nothing of the list is given."""
    answer = engine.post(FAULTS, ["die@99", "burn"])

    assert (answer.status_code, "burn" in answer.json()["error"]) == (400, True)
    assert engine.json(FAULTS) == {}


def test_faults_are_given_at_the_start_too(tmp_path: Path) -> None:
    """On the command line, more than one."""
    faults = ("--fault", "refuse-503x1", "--fault", "die@99")
    with running(tmp_path / "base", *faults) as engine:
        assert list(engine.json(FAULTS)) == ["refuse-503@1x1", "die@99x1"]
        assert [engine.get("/queue").status_code for _ in range(2)] == [503, 200]


# Answers.


def test_answers_are_refused_so_many_times(engine: Sandbox) -> None:
    """As by a gateway whose engine loads a model."""
    engine.give("refuse-503@2x2")

    assert [engine.get("/queue").status_code for _ in range(4)] == [200, 503, 503, 200]


@pytest.mark.parametrize(("fault", "path"), [("slow", "/queue"), ("slow-history", "/history/a")])
def test_answers_come_late(engine: Sandbox, fault: str, path: str) -> None:
    """Later than somebody waits for."""
    engine.give(f"{fault}x1=0.5")

    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{engine.url}{path}", timeout=0.1)
    assert requests.get(f"{engine.url}{path}", timeout=PATIENCE_SECONDS).ok


def test_request_is_dropped(engine: Sandbox) -> None:
    """The connection is cut; nothing was queued."""
    engine.give("drop-request")

    with pytest.raises(requests.ConnectionError):
        ask(engine, "dropped")
    engine.wait_until_idle()
    assert engine.json("/history/dropped") == {}


def test_reply_is_dropped(engine: Sandbox) -> None:
    """The connection is cut; the prompt is in the queue."""
    engine.give("drop-reply")

    with pytest.raises(requests.ConnectionError):
        ask(engine, "unheard")
    engine.wait_until_idle()
    assert "unheard" in engine.json("/history/unheard")


def test_failure_is_answered_and_the_prompt_is_queued(engine: Sandbox) -> None:
    """As when two tickets are equal in number and id."""
    engine.give("fail-500-queued")

    assert ask(engine, "trouble").status_code == 500
    engine.wait_until_idle()
    assert "trouble" in engine.json("/history/trouble")


def test_somebody_elses_prompt_comes_first(engine: Sandbox) -> None:
    """It runs for as many steps as were given."""
    engine.give("foreign-prompt=5")
    ask(engine, "second")
    engine.wait_until_idle()

    history = engine.json("/history", max_items=2)
    assert list(history)[1] == "second"
    (graph,) = [entry["prompt"][2] for key, entry in history.items() if key != "second"]
    assert graph["4"]["inputs"]["steps"] == 5


def test_interrupt_is_lost(engine: Sandbox) -> None:
    """It is answered like any other; the next is heard."""
    engine.give("stall", "lost-interrupt")
    ask(engine, "going-on")
    until_running(engine, "going-on")
    engine.post("/interrupt", {"prompt_id": "going-on"})
    time.sleep(10 * TICK_SECONDS)
    until_running(engine, "going-on")
    engine.post("/interrupt", {"prompt_id": "going-on"})
    engine.wait_until_idle()

    assert engine.json("/history/going-on")["going-on"]["status"]["status_str"] == "error"


# Frames.


@pytest.mark.parametrize(
    ("fault", "parts"),
    [
        ("die", [FRAME]),
        ("cut-socket-before", [Cut.CUT]),
        ("cut-socket-after", [FRAME, Cut.CUT]),
        ("cut-socket-before=you", [FRAME]),
        ("go-silent", []),
        ("garbage-frames", [*GARBAGE, FRAME]),
        ("huge-frames=0.5", [b"\0\0\0\x01" + bytes(500_000), FRAME]),
    ],
)
def test_frame_is_replaced(fault: str, parts: list[Part]) -> None:
    """By what the client is sent in its place."""
    assert sent(Script([parse(fault)]), "me", FRAME) == parts


def test_frame_tells_of_another_prompt() -> None:
    """Bytes stay as they are."""
    script = Script([parse("wrong-ids")])
    (frame,) = sent(script, "me", FRAME)

    assert json.loads(str(frame))["data"].pop("prompt_id") != "p1"
    assert sent(script, "me", b"\0\0\0\x01jpeg") == [b"\0\0\0\x01jpeg"]


def test_socket_is_cut_and_may_be_opened_again(engine: Sandbox) -> None:
    """After the frame that was named, without a word of farewell."""
    engine.give("cut-socket-after@2=cut")
    listener = Listener(engine.url, "cut")
    ask(engine, "cut-off", client="cut")

    heard = listener.wait(lambda _: not listener.is_open)

    assert len(heard) == 2
    listener.close()
    again = Listener(engine.url, "cut")
    again.wait_for("status")
    again.close()


def test_socket_stays_open_and_tells_nothing(engine: Sandbox) -> None:
    """From a frame on."""
    engine.give("go-silent@2=deaf")
    listener = Listener(engine.url, "deaf")
    listener.wait_for("status")
    ask(engine, "untold", client="deaf")
    engine.wait_until_idle()

    assert (len(listener.frames()), listener.is_open) == (1, True)
    engine.give()
    listener.close()


def test_answer_to_a_prompt_names_another(engine: Sandbox) -> None:
    """Queue and history name the right one."""
    engine.give("wrong-ids")

    assert ask(engine, "right").json()["prompt_id"] != "right"
    engine.wait_until_idle()
    assert list(engine.json("/history/right")) == ["right"]


@pytest.mark.parametrize(
    ("value", "is_so"),
    [
        ("seconds", lambda told: 0 < told < 10**11),
        ("negative", lambda told: told == -1),
        ("text", lambda told: told == "yesterday"),
    ],
)
def test_messages_tell_another_time(engine: Sandbox, value: str, is_so: Any) -> None:
    """In the history as in frames."""
    engine.give(f"wrong-timestamps={value}")
    entry = ended(engine, f"at-{value}")

    assert all(is_so(told["timestamp"]) for _, told in entry["status"]["messages"])


# Running.


def test_it_dies_at_a_step(tmp_path: Path) -> None:
    """As the kernel kills."""
    with running(tmp_path / "base", *_QUICK, "--fault", "die@2") as engine:
        listener = Listener(engine.url, "c1")
        ask(engine, "last", steps=5)

        assert engine.process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
        heard = listener.wait(lambda _: not listener.is_open)
        # The first step's frame may die with it, on its way out.
        assert {f["data"]["value"] for f in heard if f["type"] == "progress"} <= {1}
        listener.close()


@pytest.mark.parametrize(("fault", "saved"), [("die-before-save", 0), ("die-after-save", 1)])
def test_it_dies_before_or_after_it_saved(tmp_path: Path, fault: str, saved: int) -> None:
    """With the picture on the disk, or without."""
    with running(tmp_path / "base", *_QUICK, "--fault", fault) as engine:
        ask(engine, "last")

        assert engine.process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
        assert len(list((engine.base / "output").rglob("last/*.png"))) == saved


def test_it_stops_and_wakes(tmp_path: Path) -> None:
    """Its sockets stay open: who asks meanwhile hears nothing, not even a refusal."""
    with running(tmp_path / "base", *_QUICK, "--fault", "half-open=1") as engine:
        ask(engine, "slept")
        with pytest.raises(requests.ReadTimeout):
            until_silent(engine)

        engine.wait_until_idle()
        assert "slept" in engine.json("/history/slept")


def test_it_makes_no_progress_until_it_is_interrupted(engine: Sandbox) -> None:
    """It goes on answering."""
    engine.give("stall@2")
    listener = Listener(engine.url, "stalled")
    ask(engine, "stalling", client="stalled", steps=5)
    listener.wait_for("progress", value=1)
    until_running(engine, "stalling")
    engine.post("/interrupt", {"prompt_id": "stalling"})

    heard = listener.wait_for_end("stalling")

    assert [f["data"]["value"] for f in heard if f["type"] == "progress"] == [1]
    listener.close()


def test_it_never_ends_whatever_it_is_asked(tmp_path: Path) -> None:
    """Also an interrupt."""
    with running(tmp_path / "base", *_QUICK, "--fault", "never-ending") as engine:
        ask(engine, "for-ever")
        until(lambda: engine.json(FAULTS) == {"never-ending@1x1": 1})
        engine.post("/interrupt", {"prompt_id": "for-ever"})
        time.sleep(10 * TICK_SECONDS)

        until_running(engine, "for-ever")


def test_it_runs_out_of_memory(engine: Sandbox) -> None:
    """In the words by which it is known."""
    engine.give("out-of-memory")
    name, told = ended(engine, "greedy")["status"]["messages"][-1]

    assert (name, told["node_type"]) == ("execution_error", "KSampler")
    assert "out of memory" in told["exception_message"]


def test_it_forgets_everything_as_after_a_restart(engine: Sandbox) -> None:
    """What runs, what waits and what was done; sockets are cut, numbers begin anew."""
    ended(engine, "done-before")
    listener = Listener(engine.url, "c1")
    engine.give("forget@600")
    ask(engine, "forgotten", steps=900)
    ask(engine, "behind-it")
    listener.wait(lambda _: not listener.is_open)
    engine.wait_until_idle()

    assert engine.json("/history") == {}
    assert ask(engine, "new").json()["number"] == 0
    listener.close()


@pytest.mark.parametrize(("fault", "running_now"), [("zombie-running", 1), ("zombie-idle", 0)])
def test_its_worker_dies_and_nobody_is_told(tmp_path: Path, fault: str, running_now: int) -> None:
    """It takes prompts and runs none; one ticket seems to run, or none does."""
    with running(tmp_path / "base", *_QUICK, "--fault", f"{fault}@2") as engine:
        ended(engine, "first")
        for name in ("second", "third"):
            assert ask(engine, name).ok

        numbers = [running_now, 2 - running_now]
        until(lambda: in_queue(engine) == numbers)
        time.sleep(10 * TICK_SECONDS)
        assert in_queue(engine) == numbers


# Nodes and pictures.


def test_loading_takes_its_time(engine: Sandbox) -> None:
    """Without a frame, and before the second prompt at the latest."""
    engine.give("slow-load=0.2")
    engine.post("/free", {"free_memory": True})
    began = time.monotonic()
    ended(engine, "patient", seed=99)
    ended(engine, "patient-again", seed=100)

    assert time.monotonic() - began >= 0.2


def test_success_has_no_outputs(engine: Sandbox) -> None:
    """The picture lies there, and nothing says so."""
    engine.give("no-outputs")
    entry = ended(engine, "nothing")

    assert (entry["outputs"], entry["status"]["status_str"]) == ({}, "success")
    assert len(list((engine.base / "output" / "nothing").iterdir())) == 1


def test_picture_is_gone(engine: Sandbox) -> None:
    """Its name is told."""
    engine.give("output-gone")

    (answer,) = pictures(engine, ended(engine, "gone"))

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("fault", "colour"),
    [("black", (0, 0, 0)), ("nan", (0, 0, 0)), ("one-colour=ff0000", (255, 0, 0))],
)
def test_picture_is_of_one_colour(engine: Sandbox, fault: str, colour: tuple[int, ...]) -> None:
    """To the engine it is a success."""
    engine.give(fault)
    (answer,) = pictures(engine, ended(engine, fault.partition("=")[0]))

    image = Image.open(io.BytesIO(answer.content))
    assert image.getextrema() == tuple((value, value) for value in colour)
    assert image.size == (64, 64)


def test_picture_is_cut_short(engine: Sandbox) -> None:
    """It begins as it should."""
    engine.give("truncated")
    (answer,) = pictures(engine, ended(engine, "short"))

    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(answer.content)).load()


def test_picture_has_another_size(engine: Sandbox) -> None:
    """Half of what was asked for."""
    engine.give("wrong-size")
    (answer,) = pictures(engine, ended(engine, "small"))

    assert Image.open(io.BytesIO(answer.content)).size == (32, 32)


def test_two_pictures_have_one_name(engine: Sandbox) -> None:
    """In two subfolders; they are not the same picture."""
    engine.give("same-names")
    entry = ended(engine, "twins")
    first, second = pictures(engine, entry)

    assert [(i["filename"], i["subfolder"]) for i in entry["outputs"]["9"]["images"]] == [
        ("img_00001_.png", "twins"),
        ("img_00001_.png", "twins/again"),
    ]
    assert first.content != second.content


def test_disk_is_full(engine: Sandbox) -> None:
    """Half a picture stays under its final name, as the engine leaves it."""
    engine.give("disk-full")
    _, told = ended(engine, "full")["status"]["messages"][-1]
    (left,) = (engine.base / "output" / "full").iterdir()

    assert told["exception_type"] == "OSError"
    assert "[Errno 28]" in told["exception_message"]
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(left.read_bytes())).load()
