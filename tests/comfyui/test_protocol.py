"""One prompt's conversation: what frames tell, and the one verdict that the answers give."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.comfyui.protocol import (
    ASK_SECONDS,
    LOST_SECONDS,
    STUCK_SECONDS,
    Conversation,
    Entered,
    Fact,
    Image,
    Interrupted,
    Lost,
    NodeFailed,
    Previewed,
    Queue,
    Stepped,
    Succeeded,
    Verdict,
    read_entry,
    read_queue,
)
from tests.sandbox.recordings import FOLDER, Event, read

OURS = "5a1f3c3e-0000-5000-8000-000000000001"
THEIRS = "5a1f3c3e-0000-5000-8000-000000000002"
JPEG = b"\xff\xd8\xff\xe0 a picture"
EMPTY = Queue((), ())
RUNNING = Queue((OURS,), ())
ENTRY: dict[str, Any] = {
    "prompt": [3, OURS, {"9": {"class_type": "SaveImage"}}, {}, ["9"]],
    "outputs": {"9": {"images": [{"filename": "a.png", "subfolder": "p", "type": "output"}]}},
    "status": {"status_str": "success", "completed": True, "messages": []},
}
SUCCESS = Succeeded({"9": (Image("a.png", "p", "output"),)}, {"9": {"class_type": "SaveImage"}})


def frame(kind: object, prompt: object = OURS, **data: object) -> str:
    """Return a frame as the engine sends it; without a prompt it belongs to none."""
    return json.dumps({"type": kind, "data": data | ({"prompt_id": prompt} if prompt else {})})


END = frame("executing", node=None)


def preview(picture: bytes = JPEG) -> bytes:
    """Return a preview that does not say whose it is."""
    return (1).to_bytes(4) + (1).to_bytes(4) + picture


def signed_preview(about: object, picture: bytes = JPEG) -> bytes:
    """Return a preview that says whose it is."""
    told = json.dumps(about).encode()
    return (4).to_bytes(4) + len(told).to_bytes(4) + told + picture


def heard(conversation: Conversation, frames: Iterable[str | bytes]) -> list[Fact]:
    """Hear all frames and return all they told."""
    return [fact for each in frames for fact in conversation.hear(each)]


@pytest.fixture
def conversation() -> Conversation:
    """Return a conversation about our prompt."""
    return Conversation(OURS)


# What frames tell.


def test_steps_and_nodes_are_told(conversation: Conversation) -> None:
    """In the order in which they come."""
    frames = [
        frame("execution_start", timestamp=1),
        frame("executing", node="3", display_node="3"),
        frame("progress", value=1, max=20, node="3"),
    ]

    assert heard(conversation, frames) == [Entered("3"), Stepped(1, 20, "3")]


@pytest.mark.parametrize(
    "said",
    [
        frame("status", None, status={"exec_info": {"queue_remaining": 1}}, sid="x"),
        frame("progress_state", nodes={"3": {"value": 1, "max": 2}}),
        frame("execution_cached", nodes=["4"]),
        frame("executed", node="9", output=None),
        frame("execution_success", timestamp=1),
        frame("something_new", text="hello"),
        frame(7, node="3"),
        frame("executing", None, node="3"),
        frame("executing", node=3),
        frame("progress", value=3, max=2, node="3"),
        frame("progress", value=-1, max=2, node="3"),
        frame("progress", value=0.5, max=2, node="3"),
        frame("progress", node="3"),
        json.dumps({"type": "executing", "data": [OURS]}),
        json.dumps({"type": "executing"}),
        json.dumps([OURS]),
        "null",
        "",
        "{",
        "[" * 100_000,
        "1" * 5000,
    ],
    ids=lambda said: said[:70] or "nothing",
)
def test_other_frames_tell_nothing(conversation: Conversation, said: str) -> None:
    """Those of no use here, and those that make no sense."""
    assert conversation.hear(said) == []
    assert not conversation.end_was_heard


def test_a_step_without_a_node_is_a_step_all_the_same(conversation: Conversation) -> None:
    """The node only dresses the sentence."""
    assert conversation.hear(frame("progress", value=1, max=2)) == [Stepped(1, 2, "None")]


@pytest.mark.parametrize("said", [END, frame("execution_error"), frame("execution_interrupted")])
def test_other_peoples_frames_tell_nothing(conversation: Conversation, said: str) -> None:
    """A prompt without client id is told to everybody."""
    conversation.answered(RUNNING, None, 0.0)
    theirs = [frame("executing", THEIRS, node="3"), frame("progress", THEIRS, value=1, max=2)]

    assert heard(conversation, [*theirs, said.replace(OURS, THEIRS)]) == []
    assert not conversation.end_was_heard
    assert not conversation.is_due(ASK_SECONDS / 2)


@pytest.mark.parametrize("said", [END, frame("execution_error"), frame("execution_interrupted")])
def test_news_of_the_end_says_when_to_ask(conversation: Conversation, said: str) -> None:
    """At once, instead of at the next turn; it is no verdict."""
    conversation.answered(RUNNING, None, 0.0)
    assert not conversation.is_due(ASK_SECONDS / 2)

    assert conversation.hear(said) == []

    assert conversation.end_was_heard
    assert conversation.is_due(ASK_SECONDS / 2)


def test_news_of_success_does_not_say_when_to_ask(conversation: Conversation) -> None:
    """It comes before the history has the entry; the end comes after."""
    conversation.answered(RUNNING, None, 0.0)

    conversation.hear(frame("execution_success", timestamp=1))

    assert not conversation.is_due(ASK_SECONDS / 2)


@pytest.mark.parametrize("begin", [frame("execution_start"), frame("executing", node="4")])
def test_unsigned_preview_is_ours_while_we_execute(conversation: Conversation, begin: str) -> None:
    """Before and after, it shows somebody else's picture."""
    frames: list[str | bytes] = [preview(b"before"), begin, preview(), END, preview(b"after")]

    pictures = [fact for fact in heard(conversation, frames) if isinstance(fact, Previewed)]

    assert pictures == [Previewed(JPEG)]


def test_signed_preview_is_whose_it_says(conversation: Conversation) -> None:
    """Whatever executes."""
    frames = [signed_preview({"prompt_id": THEIRS}), signed_preview({"prompt_id": OURS})]

    assert heard(conversation, frames) == [Previewed(JPEG)]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\0\0",
        b"\0\0\0\4",
        (4).to_bytes(4) + b"\xff\xff\xff\xff{",
        (4).to_bytes(4) + (2).to_bytes(4) + b"\xff\xfe",
        signed_preview([OURS]),
        (3).to_bytes(4) + b"\0\0\0\1a text",
        (9).to_bytes(4) + JPEG,
    ],
    ids=repr,
)
def test_other_bytes_tell_nothing(conversation: Conversation, said: bytes) -> None:
    """Cut short, of another kind, or garbage."""
    conversation.hear(frame("execution_start"))

    assert conversation.hear(said) == []


# When to ask.


def test_truth_is_asked_at_once_and_then_in_turns(conversation: Conversation) -> None:
    """So nothing hangs on a socket that hears nothing."""
    assert conversation.is_due(0.0)

    conversation.answered(RUNNING, None, 10.0)

    assert not conversation.is_due(10.0 + ASK_SECONDS - 0.01)
    assert conversation.is_due(10.0 + ASK_SECONDS)


def test_engine_that_could_not_be_asked_is_asked_again_soon(conversation: Conversation) -> None:
    """In half the time of a turn."""
    conversation.was_unreachable(10.0)

    assert not conversation.is_due(10.0 + ASK_SECONDS / 2 - 0.01)
    assert conversation.is_due(10.0 + ASK_SECONDS / 2)


def test_nothing_is_asked_after_the_verdict(conversation: Conversation) -> None:
    """Not even when the news of the end comes late."""
    assert conversation.answered(EMPTY, ENTRY, 0.0) == SUCCESS

    conversation.hear(END)

    assert not conversation.is_due(1000.0)
    assert conversation.answered(EMPTY, ENTRY, 1000.0) is None


# The verdict.


@pytest.mark.parametrize("queue", [RUNNING, Queue((THEIRS,), (OURS,))])
def test_prompt_in_the_queue_has_no_verdict(conversation: Conversation, queue: Queue) -> None:
    """An unknown id in the history may be pending or running."""
    verdicts = [conversation.answered(queue, None, now) for now in (0.0, 100.0, 10_000.0)]

    assert verdicts == [None, None, None]


def test_entry_is_the_verdict_also_while_the_queue_holds_the_prompt(
    conversation: Conversation,
) -> None:
    """It moved between the two questions."""
    assert conversation.answered(RUNNING, ENTRY, 0.0) == SUCCESS


def test_prompt_in_neither_is_lost_when_it_is_missed_twice(conversation: Conversation) -> None:
    """Two seconds apart, not before."""
    assert conversation.answered(EMPTY, None, 10.0) is None
    assert conversation.answered(EMPTY, None, 10.0 + LOST_SECONDS - 0.01) is None
    assert conversation.answered(EMPTY, None, 10.0 + LOST_SECONDS) == Lost()


def test_prompt_that_is_back_in_the_queue_is_not_missed(conversation: Conversation) -> None:
    """The count of seconds begins anew."""
    conversation.answered(EMPTY, None, 0.0)
    conversation.answered(RUNNING, None, LOST_SECONDS)

    assert conversation.answered(EMPTY, None, LOST_SECONDS * 2) is None


def test_time_without_an_engine_does_not_count_as_missed(conversation: Conversation) -> None:
    """What it does meanwhile is unknown."""
    conversation.answered(EMPTY, None, 0.0)
    conversation.was_unreachable(LOST_SECONDS)

    assert conversation.answered(EMPTY, None, LOST_SECONDS * 2) is None
    assert conversation.answered(EMPTY, None, LOST_SECONDS * 3) == Lost()


def test_prompt_that_we_removed_is_lost_at_once(conversation: Conversation) -> None:
    """Its absence needs no second look, and no wait for the first."""
    conversation.answered(Queue((), (OURS,)), None, 10.0)

    conversation.was_removed()

    assert conversation.is_due(10.0)
    assert conversation.answered(EMPTY, None, 10.0) == Lost()


def test_prompt_that_ended_before_we_removed_it_has_its_own_verdict(
    conversation: Conversation,
) -> None:
    """The picture wins."""
    conversation.was_removed()

    assert conversation.answered(EMPTY, ENTRY, 10.0) == SUCCESS


# The engine behind it.


def test_how_many_are_before_us_is_known(conversation: Conversation) -> None:
    """Those that run, and those that wait before ours."""
    conversation.answered(Queue(("a",), ("b", OURS, "c")), None, 0.0)
    before = conversation.ahead
    conversation.answered(RUNNING, None, 1.0)

    assert (before, conversation.ahead) == (2, 0)


def test_engine_that_queues_and_runs_nothing_is_stuck(conversation: Conversation) -> None:
    """After a while; also when what waits is not ours."""
    stuck = []
    for now in (0.0, STUCK_SECONDS - 0.01, STUCK_SECONDS):
        conversation.answered(Queue((), (THEIRS, OURS)), None, now)
        stuck.append(conversation.is_stuck)

    assert stuck == [False, False, True]


def test_engine_that_runs_something_again_is_not_stuck(conversation: Conversation) -> None:
    """And the count of seconds begins anew."""
    pending = Queue((), (OURS,))
    conversation.answered(pending, None, 0.0)
    conversation.answered(pending, None, STUCK_SECONDS)
    conversation.answered(Queue((THEIRS,), (OURS,)), None, STUCK_SECONDS + 1)
    assert not conversation.is_stuck

    conversation.answered(pending, None, STUCK_SECONDS + 2)

    assert not conversation.is_stuck


def test_time_without_an_engine_does_not_count_as_stuck(conversation: Conversation) -> None:
    """It may have been restarted."""
    conversation.answered(Queue((), (OURS,)), None, 0.0)
    conversation.was_unreachable(STUCK_SECONDS)

    conversation.answered(Queue((), (OURS,)), None, STUCK_SECONDS + 1)

    assert not conversation.is_stuck


# Reading the queue.


def test_pending_is_put_in_run_order() -> None:
    """It comes in heap order; numbers may be negative, and fractions."""
    pending: list[list[Any]] = [[n, f"p{n}", {}, {}, []] for n in (-2, 5, 1.5, 7)]

    queue = read_queue({"queue_running": [[0, "r", {}, {}, []]], "queue_pending": pending})

    assert queue == Queue(("r",), ("p-2", "p1.5", "p5", "p7"))


def test_it_is_known_whose_prompts_they_are() -> None:
    """As the clients call themselves, each once; some say nothing."""
    running = [[0, "r", {}, {"client_id": "krita"}, []]]
    pending = [[1, "a", {}, {"client_id": "krita"}, []], [2, "b", {}, {}, []], [3, "c"]]

    queue = read_queue({"queue_running": running, "queue_pending": pending})

    assert queue == Queue(("r",), ("a", "b", "c"), ("krita",))


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"queue_running": []}, {"queue_running": {}, "queue_pending": []}]
)
def test_what_is_no_queue_is_an_error(answer: object) -> None:
    """An empty queue must be said, never guessed."""
    with pytest.raises(ValueError, match="/queue"):
        read_queue(answer)


def test_items_that_make_no_sense_are_left_out() -> None:
    """The others count."""
    odd: list[object] = [None, {}, [], [1], ["1", "text"], [1, 2], [3, OURS]]

    assert read_queue({"queue_running": odd, "queue_pending": odd}) == Queue((OURS,), (OURS,))


def test_prompt_that_does_not_wait_has_none_before_it() -> None:
    """It runs, or is not there."""
    queue = Queue((OURS,), (THEIRS,))

    assert (queue.ahead_of(OURS), queue.ahead_of("unknown"), queue.ahead_of(THEIRS)) == (0, 0, 1)
    assert OURS in queue
    assert THEIRS in queue
    assert "unknown" not in queue


# Reading an entry.


def entry(status: object, **parts: object) -> dict[str, object]:
    """Return an entry with another status."""
    return ENTRY | {"status": status} | parts


def test_interrupted_is_told_from_failed() -> None:
    """Both have the status `error`; only the messages tell."""
    messages = [["execution_start", {}], ["execution_interrupted", {"node_id": "3"}]]

    assert read_entry(entry({"status_str": "error", "messages": messages})) == Interrupted()


def test_failed_node_is_told_with_its_reason() -> None:
    """The message comes with a line break."""
    told = {
        "node_id": "4",
        "node_type": "CheckpointLoaderSimple",
        "exception_type": "RuntimeError",
        "exception_message": "no model\n",
    }
    status = {"status_str": "error", "messages": [["execution_error", told]]}

    failed = NodeFailed("4", "CheckpointLoaderSimple", "RuntimeError", "no model")
    assert read_entry(entry(status)) == failed


@pytest.mark.parametrize(
    "messages", [None, "text", [None, [], ["execution_error"], ["execution_error", None], [1, {}]]]
)
def test_status_comes_before_outputs(messages: object) -> None:
    """An error without its reason is an error, whatever files there are."""
    found = read_entry(entry({"status_str": "error", "messages": messages}))

    assert found == NodeFailed("", "", "", "")


@pytest.mark.parametrize("status", [None, "success", {}, {"status_str": "success"}])
def test_entry_without_an_error_is_a_success(status: object) -> None:
    """Whether there is a good picture is another question."""
    assert read_entry(entry(status)) == SUCCESS


def test_success_may_be_without_pictures() -> None:
    """Outputs and graph of odd shapes count as none."""
    odd: dict[str, object] = {"1": None, "2": {}, "3": {"images": None}, "4": {"images": [None]}}

    assert read_entry({}) == Succeeded({}, {})
    assert read_entry(entry({}, outputs=odd, prompt=[1, 2])) == Succeeded({"4": ()}, {})
    found = read_entry(entry({}, outputs={"4": {"images": [{}]}}, prompt=None))
    assert found == Succeeded({"4": (Image("", "", ""),)}, {})


# Whatever comes.

TEXTS = st.text(max_size=6) | st.sampled_from([OURS, THEIRS])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
KINDS = st.sampled_from(
    [
        "status",
        "execution_start",
        "execution_cached",
        "executing",
        "progress",
        "progress_state",
        "executed",
        "execution_success",
        "execution_error",
        "execution_interrupted",
        "never heard of",
    ]
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "prompt_id": st.sampled_from([OURS, OURS, THEIRS]) | ANYTHING,
        "node": st.sampled_from(["3", None]) | ANYTHING,
        "value": st.integers(-1, 30) | ANYTHING,
        "max": st.integers(-1, 30) | ANYTHING,
    },
)
WELL_FORMED = st.builds(lambda kind, data: json.dumps({"type": kind, "data": data}), KINDS, FIELDS)
BINARY = st.builds(lambda event, body: event.to_bytes(4) + body, st.integers(0, 5), st.binary())
SIGNED = st.builds(signed_preview, FIELDS | ANYTHING, st.binary())
FRAMES = WELL_FORMED | ANYTHING.map(json.dumps) | st.text() | BINARY | SIGNED | st.binary()
IDS = st.lists(st.sampled_from([OURS, THEIRS, "x"]), max_size=3).map(tuple)
MESSAGES = st.lists(st.tuples(KINDS | ANYTHING, FIELDS | ANYTHING).map(list) | ANYTHING, max_size=3)
STATUSES = st.fixed_dictionaries(
    {},
    optional={
        "status_str": st.sampled_from(["success", "error"]) | ANYTHING,
        "messages": MESSAGES | ANYTHING,
    },
)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "status": STATUSES | ANYTHING,
        "outputs": st.dictionaries(TEXTS, st.dictionaries(st.just("images"), ANYTHING)) | ANYTHING,
        "prompt": ANYTHING,
    },
)
ANSWERS = st.tuples(st.builds(Queue, IDS, IDS), st.none() | st.just(ENTRY) | ENTRIES)
EVENTS = st.lists(FRAMES | ANSWERS | st.sampled_from(["removed", "unreachable"]), max_size=20)


@given(EVENTS)
def test_whatever_comes_there_is_one_verdict_at_most(events: list[Any]) -> None:
    """Frames well-formed and not, ours and theirs, between any answers; nothing ever raises."""
    conversation = Conversation(OURS)
    verdicts: list[Verdict | None] = []
    for now, event in enumerate(events):
        match event:
            case (queue, found):
                verdicts.append(conversation.answered(queue, found, float(now)))
            case "removed":
                conversation.was_removed()
            case "unreachable":
                conversation.was_unreachable(float(now))
            case _:
                facts = conversation.hear(event)
                assert all(isinstance(fact, Stepped | Entered | Previewed) for fact in facts)

    given_verdicts = [verdict for verdict in verdicts if verdict is not None]
    assert len(given_verdicts) <= 1
    assert conversation.is_due(float("inf")) is not bool(given_verdicts)


@given(st.lists(FRAMES, max_size=20))
def test_no_frame_is_a_verdict(frames: list[str | bytes]) -> None:
    """After any of them, a prompt that the queue holds goes on."""
    conversation = Conversation(OURS)
    heard(conversation, frames)

    assert conversation.answered(RUNNING, None, 0.0) is None


@given(st.lists(st.floats(0, 5), max_size=12))
def test_prompt_is_never_lost_faster_than_promised(pauses: list[float]) -> None:
    """However often the engine is asked."""
    conversation = Conversation(OURS)
    conversation.answered(EMPTY, None, 0.0)
    now = 0.0
    for pause in pauses:
        now += pause
        verdict = conversation.answered(EMPTY, None, now)
        assert (verdict == Lost()) is (now >= LOST_SECONDS)
        if verdict:
            return


@given(ANYTHING)
def test_any_answer_is_a_queue_or_a_value_error(answer: object) -> None:
    """The two are all that the client has to expect."""
    shaped = {"queue_running": answer, "queue_pending": [answer, [answer, OURS]]}
    for each in (answer, shaped):
        with contextlib.suppress(ValueError):
            assert isinstance(read_queue(each), Queue)


# What the real engine said.

RECORDED = {
    "a_txt2img": {"Succeeded": 1},
    "b_lora_vae": {"Succeeded": 1},
    "c_upload_i2i_lora_controlnet": {"Succeeded": 1},
    "d_identical_resubmit": {"Succeeded": 3},
    "e_new_seed": {"Succeeded": 1},
    "f_validation_errors": {"Succeeded": 10, "NodeFailed": 1},
    "g_runtime_errors": {"Succeeded": 7, "NodeFailed": 20},
    "h_interrupt": {"Succeeded": 6, "Interrupted": 7},
    "i_queue_delete": {"Succeeded": 1},
    "j_ws_lifecycle": {"Succeeded": 4, "NodeFailed": 1},
    "n_nan": {"Succeeded": 3},
    "o2_prompt_id": {"Succeeded": 3},
}
"""How the prompts of each recording ended, as far as the history was asked for them."""
ENDS = {
    "execution_success": Succeeded,
    "execution_error": NodeFailed,
    "execution_interrupted": Interrupted,
}


def entries(events: Iterable[Event]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every prompt and entry that a recorded history told."""
    for event in events:
        if event.kind == "http_resp" and '"messages"' in (body := event.told["body"]):
            yield from json.loads(body).items()


def texts(events: Iterable[Event]) -> list[str]:
    """Return every text frame that was heard, on whatever socket."""
    return [event.told["text"] for event in events if event.kind == "ws_text"]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_prompts_get_the_verdicts_they_got(name: str) -> None:
    """After all frames of the recording, ours and others'; only the entry is the verdict."""
    events = read(name)
    found: list[Verdict] = []
    for prompt, told in dict(entries(events)).items():
        conversation = Conversation(prompt)
        heard(conversation, texts(events))
        assert conversation.answered(Queue((prompt,), ()), None, 0.0) is None
        verdict = conversation.answered(EMPTY, told, 0.0)
        assert verdict
        found.append(verdict)

    assert Counter(type(verdict).__name__ for verdict in found) == RECORDED[name]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.jsonl")), ids=lambda path: path.stem)
def test_recorded_frames_and_histories_tell_the_same_ends(path: Any) -> None:
    """The engine's last word over the socket is what we read from its history."""
    events = read(path.stem)
    told = [json.loads(text) for text in texts(events)]
    ends = {each["data"]["prompt_id"]: ENDS[each["type"]] for each in told if each["type"] in ENDS}

    read_as = {prompt: type(read_entry(found)) for prompt, found in entries(events)}

    assert {prompt: ends.get(prompt, end) for prompt, end in read_as.items()} == read_as


def test_recorded_text_to_image_tells_its_nodes_and_steps() -> None:
    """In the engine's order."""
    events = read("a_txt2img")
    ((prompt, _),) = entries(events)

    told = heard(Conversation(prompt), texts(events))

    steps = [Stepped(1, 2, "3"), Stepped(2, 2, "3")]
    before, after = [Entered(node) for node in "45763"], [Entered(node) for node in "89"]
    assert told == [*before, *steps, *after]


def test_recorded_history_is_not_there_at_the_news_of_success() -> None:
    """The empty answer that followed it at once is no loss: the end comes after."""
    events = read("o2_prompt_id")
    kinds = [(e.kind, e.told.get("text", e.told.get("body", ""))) for e in events]
    asked = next(i for i, (kind, said) in enumerate(kinds) if (kind, said) == ("http_resp", "{}"))
    before = [json.loads(said) for kind, said in kinds[:asked] if kind == "ws_text"]
    prompt = next(m["data"]["prompt_id"] for m in before[::-1] if m["type"] == "execution_success")
    conversation = Conversation(prompt)
    ends = []
    for kind, said in kinds:
        if kind == "ws_text":
            conversation.hear(said)
            ends.append(conversation.end_was_heard)

    assert ends.index(True) >= len(before)


def test_recorded_socket_of_another_client_tells_nothing() -> None:
    """A second client heard the whole run of a prompt that named no client."""
    events = read("j_ws_lifecycle")
    prompts = dict(entries(events))
    told = texts(events)

    assert heard(Conversation("a prompt of our own"), told) == []
    assert any(heard(Conversation(prompt), told) for prompt in prompts)


def test_recorded_queue_is_read_in_run_order() -> None:
    """Fronts before the rest, the newest front first; one that runs."""
    events = read("i_queue_delete")
    answers = [event.told["body"] for event in events if event.kind == "http_resp"]
    bodies = [body for body in answers if "queue_pending" in body]
    for body in bodies:
        answer = json.loads(body)
        numbers = {item[1]: item[0] for item in answer["queue_pending"]}

        queue = read_queue(answer)

        assert [numbers[prompt] for prompt in queue.pending] == sorted(numbers.values())
        assert queue.running == tuple(item[1] for item in answer["queue_running"])
    assert len(bodies) >= 4


def test_recorded_previews_are_told() -> None:
    """Those that say whose they are, and those that do not, while the prompt executes."""
    told: Counter[str] = Counter()
    events = read("p_previews_latent2rgb")
    starts = [m["data"]["prompt_id"] for m in map(json.loads, texts(events)) if _is_start(m)]
    for prompt in starts:
        conversation = Conversation(prompt)
        for event in events:
            match event.kind, event.told:
                case "ws_text", {"ws": "ws", "text": text}:
                    conversation.hear(text)
                case "ws_bin", {"ws": "ws", "decoded": {"metadata": dict(about)}}:
                    told["signed"] += len(conversation.hear(signed_preview(about)))
                case "ws_bin", {"ws": "ws", "hex": head}:
                    facts = conversation.hear(bytes.fromhex(head))
                    assert facts in ([], [Previewed(bytes.fromhex(head)[8:])])
                    told["unsigned"] += len(facts)
                case _:
                    pass

    assert told == {"signed": 4, "unsigned": 10}


def _is_start(message: dict[str, Any]) -> bool:
    return bool(message["type"] == "execution_start")


def test_a_prompt_that_was_accepted_is_asked_for_when_frames_had_their_time() -> None:
    """Frames tell of most ends; one that frames do not tell of waits no longer than any other."""
    conversation = Conversation(OURS)
    assert conversation.is_due(0.0)

    conversation.was_accepted(10.0)

    assert not conversation.is_due(10.0 + ASK_SECONDS - 0.01)
    assert conversation.is_due(10.0 + ASK_SECONDS)
    conversation.hear(frame("executing", node=None))
    assert conversation.is_due(10.0)
