"""One method a route, over real sockets: answers come as values, failures as codes."""

from __future__ import annotations

import io
import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pictures

from plasma_watch.comfyui.client import (
    Accepted,
    Client,
    Posted,
    Refused,
    Unclear,
    _words,
    nobody_listens,
)
from plasma_watch.comfyui.protocol import Image, Queue, Succeeded, read_entry
from plasma_watch.errors import Code, Fate, PlasmaError
from tests.fakes.drawings import drawn, png
from tests.fakes.engine import FakeEngine, closed_port, full_port
from tests.sandbox.graphs import node, plain_picture
from tests.sandbox.process import Sandbox
from tests.sandbox.recordings import Event, read

PROMPT = "5a1f3c3e-0000-5000-8000-000000000001"
GRAPH = {"1": {"class_type": "SaveImage", "inputs": {}}}
IMAGE = Image("a b.png", "plasma/ä", "output")


@pytest.fixture
def client(engine: FakeEngine) -> Iterator[Client]:
    """A client of the fake engine."""
    client = Client(engine.url + "/")
    yield client
    client.close()


def post(client: Client) -> Posted:
    """Post a graph under our prompt id."""
    return client.post_prompt(GRAPH, PROMPT, "a-client", {"plasma_job": "job"})


def code(call: Callable[[], object]) -> Code:
    """Return the code of the error that a call raises."""
    with pytest.raises(PlasmaError) as caught:
        call()
    return caught.value.code


def test_a_prompt_may_be_for_one_output(client: Client, engine: FakeEngine) -> None:
    """Else the engine runs all that it can."""
    for output in ("9", ""):
        client.post_prompt(GRAPH, PROMPT, "a-client", {}, output)

    first, second = (body for _, body in engine.asked[-2:])
    assert first["partial_execution_targets"] == ["9"]
    assert "partial_execution_targets" not in second


# What it knows.


def test_facts_are_read(client: Client) -> None:
    """From /system_stats."""
    facts = client.system_stats()

    assert (facts.version, facts.device, facts.python) == ("0.3.64", "cpu", "3.11.7")


def test_something_else_is_not_comfyui(client: Client, engine: FakeEngine) -> None:
    """When it answers with JSON of its own."""
    engine.says("/system_stats", {"hello": "I am a to-do list"})

    assert code(client.system_stats) is Code.ENGINE_NOT_COMFYUI


def test_node_class_is_looked_up(client: Client, engine: FakeEngine) -> None:
    """A class that it does not know, or an odd answer, is an empty table."""
    engine.says("/object_info/KSampler", {"KSampler": {"input": {}}})
    engine.says("/object_info/Gone", {})
    engine.says("/object_info/Odd", {"Odd": []})
    engine.says("/object_info/Odder", [])

    found = [client.object_info(name) for name in ("KSampler", "Gone", "Odd", "Odder")]

    assert found == [{"input": {}}, {}, {}, {}]


def test_name_of_a_node_class_stays_one_part_of_the_path(
    client: Client, engine: FakeEngine
) -> None:
    """Custom nodes have every kind of name."""
    engine.says("/object_info/Load%20%2F%3F%23", {"Load /?#": {"input": {}}})

    assert client.object_info("Load /?#") == {"input": {}}


def test_queue_is_read(client: Client, engine: FakeEngine) -> None:
    """What runs, and what waits."""
    engine.running, engine.pending = ["a"], ["b", "c"]

    assert client.queue() == Queue(("a",), ("b", "c"))


def test_history_tells_of_one_prompt(client: Client, engine: FakeEngine) -> None:
    """An unknown id is an empty table with status 200."""
    engine.history = {PROMPT: {"status": {}}}

    assert client.history(PROMPT) == {"status": {}}
    assert client.history("unknown") is None
    engine.says("/history/odd", {"odd": []})
    assert client.history("odd") is None
    engine.says("/history/odder", [])
    assert client.history("odder") is None


def test_file_is_asked_for_by_all_its_names(client: Client, engine: FakeEngine) -> None:
    """And comes as it is."""
    engine.says("/view", b"\x89PNG and so on")

    assert client.view(IMAGE) == b"\x89PNG and so on"
    asked = {"filename": ["a b.png"], "subfolder": ["plasma/ä"], "type": ["output"]}
    assert engine.asked == [("GET /view", asked)]


@pytest.mark.parametrize("status", [400, 403, 404])
def test_file_that_is_not_there_is_none(client: Client, engine: FakeEngine, status: int) -> None:
    """Or whose name the engine does not take."""
    engine.says("/view", b"no", status)

    assert client.view(IMAGE) is None


# What it is asked to do.


def test_prompt_is_sent_under_our_id(client: Client, engine: FakeEngine) -> None:
    """With the socket's name, and what is to stand in the picture."""
    engine.says("/prompt", {"prompt_id": PROMPT, "number": 1, "node_errors": {}})

    assert post(client) == Accepted()
    body = {
        "prompt": GRAPH,
        "prompt_id": PROMPT,
        "client_id": "a-client",
        "extra_data": {"plasma_job": "job"},
    }
    assert engine.asked == [("POST /prompt", body)]


@pytest.mark.parametrize(
    ("status", "body", "posted"),
    [
        (200, {"prompt_id": PROMPT}, Accepted()),
        (
            200,
            {"prompt_id": PROMPT, "node_errors": {"3": {}}},
            Refused("parts of the graph are not valid", {"3": {}}, was_queued=True),
        ),
        (
            400,
            {"error": {"message": "No", "details": " 3 "}, "node_errors": {"3": {}}},
            Refused("No 3", {"3": {}}, was_queued=False),
        ),
        (400, {"error": {"message": "No"}}, Refused("No", {}, was_queued=False)),
        (
            413,
            b"Maximum request body size 104857600 exceeded.",
            Refused("the request is larger than ComfyUI takes", {}, was_queued=False),
        ),
        (200, {}, Unclear("POST /prompt answered 200")),
        (200, {"prompt_id": None}, Unclear("POST /prompt answered 200")),
        (200, [], Unclear("POST /prompt answered 200")),
        (200, b"<html>", Unclear("POST /prompt answered 200")),
        (200, b"[" * 100_000, Unclear("POST /prompt answered 200")),
        (400, {"error": "no"}, Unclear("POST /prompt answered 400")),
        (404, b"", Unclear("POST /prompt answered 404")),
        (500, b"500 Internal Server Error", Unclear("POST /prompt answered 500")),
        (503, b"", Unclear("POST /prompt answered 503")),
    ],
)
def test_answer_to_a_prompt_is_clear_or_said_to_be_unclear(
    client: Client, engine: FakeEngine, status: int, body: object, posted: Posted
) -> None:
    """An odd answer proves nothing either way: a 500 with the prompt queued was seen."""
    engine.says("/prompt", body, status)

    assert post(client) == posted


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
def test_lost_answer_to_a_prompt_is_unclear(
    client: Client, engine: FakeEngine, sent: bytes
) -> None:
    """Cut off before it or in the middle of it; and it is not sent again by itself."""
    engine.cuts["/prompt"] = sent

    assert isinstance(post(client), Unclear)
    assert engine.routes() == ["POST /prompt"]


def test_answer_that_never_comes_is_unclear(engine: FakeEngine) -> None:
    """The prompt may be queued all the same."""
    engine.silent.add("/prompt")
    client = Client(engine.url, read_seconds=0.05)

    assert isinstance(post(client), Unclear)
    assert engine.routes() == ["POST /prompt"]
    client.close()


def test_prompt_that_never_left_is_unreachable() -> None:
    """Nobody took the connection: it is safe to say that it was not queued."""
    client = Client(closed_port())

    assert code(lambda: post(client)) is Code.ENGINE_UNREACHABLE
    client.close()


def test_prompt_that_found_no_free_line_is_unreachable() -> None:
    """The machine is there and takes no connection: also then it never left."""
    with full_port() as url:
        client = Client(url, connect_seconds=0.1)

        assert code(lambda: post(client)) is Code.ENGINE_UNREACHABLE
        client.close()


@pytest.mark.parametrize(
    ("call", "asked"),
    [
        (lambda client: client.delete(PROMPT), ("POST /queue", {"delete": [PROMPT]})),
        (lambda client: client.interrupt(PROMPT), ("POST /interrupt", {"prompt_id": PROMPT})),
        (
            lambda client: client.free(),
            ("POST /free", {"unload_models": True, "free_memory": True}),
        ),
    ],
    ids=["delete", "interrupt", "free"],
)
def test_wish_is_sent(
    client: Client, engine: FakeEngine, call: Callable[[Client], None], asked: tuple[str, object]
) -> None:
    """A prompt is always named: an interrupt without a name stops somebody else's."""
    engine.says(asked[0].removeprefix("POST "), b"")

    call(client)

    assert engine.asked == [asked]


@pytest.mark.parametrize(("subfolder", "name"), [("plasma", "plasma/a (1).png"), ("", "a (1).png")])
def test_upload_returns_the_name_that_was_given(
    client: Client, engine: FakeEngine, subfolder: str, name: str
) -> None:
    """Which is another one when other bytes lie under ours."""
    given = {"name": "a (1).png", "subfolder": subfolder, "type": "input"}
    engine.says("/upload/image", given)

    assert client.upload("a.png", b"\x89PNG") == name


@pytest.mark.parametrize("body", [{}, {"name": "a.png"}, [], {"name": 1, "subfolder": "x"}])
def test_upload_without_a_name_is_a_bad_answer(
    client: Client, engine: FakeEngine, body: object
) -> None:
    """Nothing could be loaded by it."""
    engine.says("/upload/image", body)

    assert code(lambda: client.upload("a.png", b"\x89PNG")) is Code.ENGINE_BAD_ANSWER


# What goes wrong.

CALLS: dict[str, Callable[[Client], object]] = {
    "/system_stats": lambda client: client.system_stats(),
    "/object_info/KSampler": lambda client: client.object_info("KSampler"),
    "/queue": lambda client: client.queue(),
    f"/history/{PROMPT}": lambda client: client.history(PROMPT),
    "/view": lambda client: client.view(IMAGE),
    "/interrupt": lambda client: client.interrupt(PROMPT),
    "/free": lambda client: client.free(),
    "/upload/image": lambda client: client.upload("a.png", b""),
}
every_call = pytest.mark.parametrize("path", CALLS)
NO_JSON = [b"", b"<html>", b"{", b"\xff\xfe\x00", b"[" * 100_000]
COMFYUIS_OWN = list(CALLS)[1:]  # what answers at the first may be no ComfyUI at all


@every_call
def test_nobody_there_is_unreachable(path: str) -> None:
    """The message says where, and the job waits."""
    client = Client(closed_port())

    with pytest.raises(PlasmaError, match=client.url) as caught:
        CALLS[path](client)

    assert caught.value.code is Code.ENGINE_UNREACHABLE
    assert caught.value.fate is Fate.WAIT
    assert "ConnectionError" in caught.value.message
    client.close()


@every_call
@pytest.mark.parametrize("status", [502, 503, 504])
def test_gateway_without_an_engine_is_unreachable(
    client: Client, engine: FakeEngine, path: str, status: int
) -> None:
    """Something stands between us and it."""
    engine.says(path, b"", status)

    assert code(lambda: CALLS[path](client)) is Code.ENGINE_UNREACHABLE


@every_call
def test_cut_connection_is_unreachable(client: Client, engine: FakeEngine, path: str) -> None:
    """In the middle of an answer."""
    engine.cuts[path] = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"

    assert code(lambda: CALLS[path](client)) is Code.ENGINE_UNREACHABLE


@every_call
def test_silence_is_unreachable(engine: FakeEngine, path: str) -> None:
    """An engine answers within half a second, whatever it does."""
    engine.silent.add(path)
    client = Client(engine.url, read_seconds=0.02)

    assert code(lambda: CALLS[path](client)) is Code.ENGINE_UNREACHABLE
    client.close()


def test_a_refused_connection_is_told_from_a_late_answer(engine: FakeEngine) -> None:
    """Where nobody listens nobody works; one that is late, or cuts, or errs, may."""
    assert not nobody_listens(PlasmaError(Code.ENGINE_UNREACHABLE, "it does not answer"))
    engine.silent.add("/queue")
    assert not nobody_listens(error_at(engine.url))
    engine.silent.clear()
    engine.cuts["/queue"] = b""
    assert not nobody_listens(error_at(engine.url))
    engine.cuts.clear()
    engine.says("/queue", b"", 503)
    assert not nobody_listens(error_at(engine.url))
    with full_port() as url:
        assert not nobody_listens(error_at(url))

    assert nobody_listens(error_at(closed_port()))


def error_at(url: str) -> PlasmaError:
    """Return why a queue cannot be read."""
    client = Client(url, read_seconds=0.02, connect_seconds=0.02)
    with pytest.raises(PlasmaError) as caught:
        client.queue()
    client.close()
    return caught.value


@pytest.mark.parametrize("path", COMFYUIS_OWN)
def test_failure_of_the_engine_is_a_bad_answer(
    client: Client, engine: FakeEngine, path: str
) -> None:
    """The message names route and status; the job is tried again."""
    engine.says(path, b"Server got itself in trouble", 500)

    with pytest.raises(PlasmaError) as caught:
        CALLS[path](client)

    assert caught.value.code is Code.ENGINE_BAD_ANSWER
    assert caught.value.fate is Fate.RETRY
    assert f"{path} (500)" in caught.value.message


@pytest.mark.parametrize("path", [*COMFYUIS_OWN[:3], "/upload/image"])
@pytest.mark.parametrize("body", NO_JSON)
def test_answer_that_is_not_json_is_a_bad_answer(
    client: Client, engine: FakeEngine, path: str, body: bytes
) -> None:
    """Where JSON was asked for."""
    engine.says(path, body)

    assert code(lambda: CALLS[path](client)) is Code.ENGINE_BAD_ANSWER


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("body", NO_JSON)
def test_what_answers_and_knows_no_stats_is_not_comfyui(
    client: Client, engine: FakeEngine, body: bytes, status: int
) -> None:
    """Some other program has the port: the job waits, and what to set is told."""
    engine.says("/system_stats", body, status)

    assert code(client.system_stats) is Code.ENGINE_NOT_COMFYUI


@pytest.mark.parametrize("body", [{}, [], None, {"queue_running": []}])
def test_answer_that_is_no_queue_is_a_bad_answer(
    client: Client, engine: FakeEngine, body: object
) -> None:
    """It must not be taken for an empty queue."""
    engine.says("/queue", body)

    assert code(client.queue) is Code.ENGINE_BAD_ANSWER


def test_proxy_from_the_environment_is_not_asked(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must never see the way to this machine's own engine."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, closed_port())
    monkeypatch.setenv("no_proxy", "")

    assert client.queue() == Queue((), ())


def test_what_is_left_of_a_bad_answer_is_not_taken_for_the_next(
    client: Client, engine: FakeEngine
) -> None:
    """Its words may come after its headers; the next question goes another way by then."""
    engine.late["/view"] = threading.Event()

    def let_it_end(route: str) -> None:
        if route == "GET /queue":
            engine.late["/view"].set()

    engine.on_asked = let_it_end
    engine.answers["/view"] = (404, b"not there")

    assert client.view(IMAGE) is None
    assert client.queue() == Queue((), ())


def test_password_of_the_address_is_told_with_every_request(engine: FakeEngine) -> None:
    """A gateway before the engine asks for it."""
    client = Client(engine.url.replace("//", "//me:pw@"))

    client.queue()
    post(client)

    assert engine.logins == ["Basic bWU6cHc="] * 2
    client.close()


def test_address_that_is_none_is_unreachable() -> None:
    """No error of a library gets out."""
    client = Client("http://[broken")

    assert code(client.queue) is Code.ENGINE_UNREACHABLE
    client.close()


FIELDS = st.sampled_from(["error", "node_errors", "prompt_id", "message", "details", PROMPT])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=6,
)


@given(body=JSON.map(lambda said: json.dumps(said).encode()) | st.binary(max_size=20))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_answered_comes_out_as_a_value_or_a_code(
    client: Client, engine: FakeEngine, body: bytes
) -> None:
    """Of every route; nothing else is raised."""
    codes: set[Code] = set()
    for status in (200, 400):
        for path in ("/prompt", *CALLS):
            engine.says(path, body, status)
        assert isinstance(post(client), Accepted | Refused | Unclear)
        for call in CALLS.values():
            try:
                call(client)
            except PlasmaError as exc:
                codes.add(exc.code)

    assert codes <= {Code.ENGINE_BAD_ANSWER, Code.ENGINE_NOT_COMFYUI}


@given(st.dictionaries(st.sampled_from(["message", "details", "type"]), JSON))
def test_words_of_an_error_are_words(error: dict[str, Any]) -> None:
    """Whatever stands where they should."""
    assert _words(error) == _words(error).strip()


# What the real engine answered.


def recorded_posts() -> Iterator[tuple[str, Event]]:
    """Yield the answers to POST /prompt of a recording, each with the note before it."""
    note = ""
    for event in read("f_validation_errors"):
        if event.kind == "note":
            note = event.told["msg"]
        if event.kind == "http_resp" and event.told["path"] == "/prompt":
            yield note, event


@pytest.mark.parametrize(
    ("note", "event"), list(recorded_posts()), ids=[note for note, _ in recorded_posts()]
)
def test_recorded_answers_are_understood(
    client: Client, engine: FakeEngine, note: str, event: Event
) -> None:
    """What it refused is refused; where it broke nothing is sure."""
    engine.says("/prompt", event.told["body"].encode(), event.told["status"])

    match event.told["status"], post(client):
        case 200, Refused() as posted:
            assert note.startswith("PARTIAL")
            assert posted.was_queued
        case 200, posted:
            assert posted == Accepted()
        case 400, Refused() as posted:
            assert posted.message
            assert not posted.was_queued
        case status, posted:
            assert (status, posted) == (500, Unclear("POST /prompt answered 500"))


def test_recorded_refusals_name_nodes_and_reasons(client: Client, engine: FakeEngine) -> None:
    """By the words of the engine."""
    said: Counter[str] = Counter()
    for _, event in recorded_posts():
        engine.says("/prompt", event.told["body"].encode(), event.told["status"])
        if isinstance(posted := post(client), Refused):
            for told in posted.node_errors.values():
                said.update(error["type"] for error in told["errors"])

    assert said["value_not_in_list"] == 5
    assert said["required_input_missing"] == 1
    assert said["custom_validation_failed"]


# With the sandbox, which answers as ComfyUI does.


@pytest.fixture
def guest(sandbox: Sandbox) -> Iterator[Client]:
    """A client of the sandbox."""
    client = Client(sandbox.url)
    yield client
    client.close()


def test_sandbox_makes_a_picture_and_gives_it(guest: Client, sandbox: Sandbox) -> None:
    """Under the id that we chose; until it is done its history is unknown."""
    prompt = str(uuid.uuid4())
    assert guest.history(prompt) is None
    assert prompt not in guest.queue()

    assert guest.post_prompt(plain_picture(prefix=f"c/{prompt}"), prompt, "x", {}) == Accepted()
    sandbox.wait_until_idle()

    verdict = read_entry(guest.history(prompt) or {})
    assert isinstance(verdict, Succeeded)
    (image,) = verdict.images["2"]
    content = guest.view(image)
    assert content
    assert Pictures.open(io.BytesIO(content)).size == (64, 64)
    assert guest.view(Image("gone.png", "", "output")) is None
    assert guest.view(Image("x.png", "../..", "output")) is None


def test_sandbox_refuses_what_comfyui_refuses(guest: Client) -> None:
    """An unknown node, a value that is out of bounds, a part of a graph."""
    bad = plain_picture(width=0)
    part = plain_picture() | {"3": node("SaveImage", filename_prefix="x", images=["9", 0])}

    posted = [
        guest.post_prompt(graph, str(uuid.uuid4()), "x", {})
        for graph in ({"1": node("NoSuchNode")}, bad, part)
    ]

    assert [isinstance(each, Refused) for each in posted] == [True] * 3
    assert [each.was_queued for each in posted if isinstance(each, Refused)] == [False, False, True]


def test_sandbox_knows_its_nodes(guest: Client) -> None:
    """And says so of those that it does not know."""
    assert "required" in guest.object_info("KSampler")["input"]
    assert guest.object_info("NoSuchNode") == {}


def test_sandbox_keeps_one_copy_of_an_upload(guest: Client) -> None:
    """Same bytes, same name; other bytes under the same name get another."""
    first, other = png(drawn()), png(drawn(shift=9))
    name = f"{uuid.uuid4()}.png"

    names = [guest.upload(name, content) for content in (first, first, other)]

    assert names[0] == names[1] == f"plasma/{name}"
    assert names[2] not in names[:2]


def test_sandbox_takes_wishes_that_change_nothing(guest: Client) -> None:
    """To delete or to interrupt what it does not know, and to free its memory."""
    guest.delete(PROMPT)
    guest.interrupt(PROMPT)
    guest.free()

    assert guest.queue() == Queue((), ())
    assert guest.system_stats().is_sandbox
