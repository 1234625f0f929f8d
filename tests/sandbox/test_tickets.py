"""The queue and the history: who is next, what is shown, what is forgotten."""

import threading
from typing import Any

import pytest

from plasma_watch.sandbox.tickets import Outcome, Ticket, Tickets, page

SUCCESS = Outcome(success=True, messages=[("execution_success", {})], outputs={}, meta={})
FAILURE = Outcome(success=False, messages=[], outputs={"2": {}}, meta={})


@pytest.fixture
def told() -> list[int]:
    """Collect what is told of every change."""
    return []


@pytest.fixture
def tickets(told: list[int]) -> Tickets:
    """Give an empty queue."""
    return Tickets(told.append)


def ticket(prompt_id: str, number: float = 0, extra: Any = None) -> Ticket:
    """Make a ticket."""
    return Ticket(number, prompt_id, {}, {} if extra is None else extra, ("2",))


def taken(tickets: Tickets) -> list[str]:
    """Take and file all that waits."""
    ids = []
    while tickets.remaining():
        one = tickets.take()
        assert one is not None
        ids.append(one.prompt_id)
        tickets.file(SUCCESS)
    return ids


def test_lowest_number_is_next(tickets: Tickets) -> None:
    """Then the id decides."""
    for prompt_id, number in (("c", 1), ("b", 0), ("a", 1), ("z", -7.5)):
        tickets.put(ticket(prompt_id, number))

    assert taken(tickets) == ["z", "b", "a", "c"]


def test_last_to_the_front_is_first(tickets: Tickets) -> None:
    """Front numbers count down, all others up."""
    numbers = [tickets.next_number(front=front) for front in (False, True, True, False)]

    assert numbers == [0, -1, -2, 3]


def test_waiting_tickets_are_shown_as_they_lie(tickets: Tickets) -> None:
    """In the order of a heap: who wants to know who is next must sort."""
    for prompt_id, number in (("a", 1), ("b", 2), ("c", 3), ("d", 0)):
        tickets.put(ticket(prompt_id, number))

    assert [item[1] for item in tickets.queue()["queue_pending"]] == ["d", "a", "c", "b"]


def test_item_shows_all_there_is(tickets: Tickets) -> None:
    """Secrets too, as long as it waits."""
    tickets.put(ticket("a", 5, {"api_key_comfy_org": "secret"}))

    assert tickets.queue()["queue_pending"] == [
        [5, "a", {}, {"api_key_comfy_org": "secret"}, ["2"]]
    ]


def test_running_ticket_is_shown_apart(tickets: Tickets) -> None:
    """It counts as something to do."""
    tickets.put(ticket("a"))
    tickets.take()

    assert [item[1] for item in tickets.queue()["queue_running"]] == ["a"]
    assert tickets.is_running("a")
    assert not tickets.is_running("b")
    assert tickets.remaining() == 1


def test_every_change_is_told(tickets: Tickets, told: list[int]) -> None:
    """Put, taken, filed: how much is left each time."""
    tickets.put(ticket("a"))
    tickets.take()
    tickets.file(SUCCESS)

    assert told == [1, 1, 0]


def test_deleting_takes_only_the_first_of_an_id(tickets: Tickets, told: list[int]) -> None:
    """An id may wait twice."""
    for number, prompt_id in enumerate("baac"):
        tickets.put(ticket(prompt_id, number))
    told.clear()
    tickets.delete("a")

    assert [item[0] for item in tickets.queue()["queue_pending"]] == [0, 2, 3]
    assert told == [3]


def test_deleting_the_last_is_told_twice(tickets: Tickets, told: list[int]) -> None:
    """The engine clears the queue, and then says that it deleted."""
    tickets.put(ticket("a"))
    told.clear()
    tickets.delete("a")

    assert told == [0, 0]


def test_deleting_an_unknown_or_running_one_changes_nothing(
    tickets: Tickets, told: list[int]
) -> None:
    """And nothing is told."""
    tickets.put(ticket("a"))
    tickets.take()
    told.clear()
    tickets.delete("a")
    tickets.delete("nope")

    assert tickets.is_running("a")
    assert told == []


def test_clearing_leaves_the_running_one(tickets: Tickets, told: list[int]) -> None:
    """Only what waits goes."""
    tickets.put(ticket("a"))
    tickets.take()
    tickets.put(ticket("b"))
    tickets.clear()

    assert told[-1] == 1
    assert tickets.queue()["queue_pending"] == []


def test_history_tells_how_it_ended(tickets: Tickets) -> None:
    """With the messages, and what an output node had shown before."""
    tickets.put(ticket("a"))
    tickets.take()
    tickets.file(FAILURE)

    assert tickets.entry("a") == {
        "a": {
            "prompt": [0, "a", {}, {}, ["2"]],
            "outputs": {"2": {}},
            "status": {"status_str": "error", "completed": False, "messages": []},
            "meta": {},
        }
    }


def test_unknown_id_has_an_empty_history(tickets: Tickets) -> None:
    """As has one that waits or runs."""
    tickets.put(ticket("a"))

    assert tickets.entry("a") == {}
    tickets.take()
    assert tickets.entry("a") == {}


def test_secrets_stay_out_of_the_history(tickets: Tickets) -> None:
    """All else of the extra data is kept."""
    extra = {"auth_token_comfy_org": "s", "api_key_comfy_org": "t", "plasma": 1}
    tickets.put(ticket("a", extra=extra))
    taken(tickets)

    assert tickets.entry("a")["a"]["prompt"][3] == {"plasma": 1}


def test_same_id_again_replaces_its_history(tickets: Tickets) -> None:
    """In its old place."""
    for prompt_id in ("a", "b", "a"):
        tickets.put(ticket(prompt_id, tickets.next_number()))
        taken(tickets)

    assert list(tickets.history()) == ["a", "b"]
    assert tickets.entry("a")["a"]["prompt"][0] == 2


def test_history_is_forgotten_on_demand(tickets: Tickets) -> None:
    """One by one, or all."""
    for prompt_id in ("a", "b", "c"):
        tickets.put(ticket(prompt_id))
    taken(tickets)
    tickets.forget("b")
    tickets.forget("nope")
    assert list(tickets.history()) == ["a", "c"]
    tickets.clear_history()

    assert tickets.history() == {}


def test_oldest_history_goes_when_there_is_too_much(told: list[int]) -> None:
    """The engine lets one more in than it says."""
    tickets = Tickets(told.append, most=3)
    for prompt_id in "abcde":
        tickets.put(ticket(prompt_id))
    taken(tickets)

    assert list(tickets.history()) == ["b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("max_items", "offset", "shown"),
    [
        (None, -1, "abcde"),
        (2, -1, "de"),
        (9, -1, "abcde"),
        (0, -1, ""),
        (-1, -1, ""),
        (None, 2, "cde"),
        (None, -3, "abcde"),
        (2, 2, "cd"),
        (0, 0, "a"),
        (-2, 1, "b"),
        (None, 9, ""),
    ],
)
def test_part_of_the_history_is_the_engines(max_items: int | None, offset: int, shown: str) -> None:
    """The newest, or from an offset on; the limit counts from the first on."""
    assert page(list("abcde"), max_items, offset) == list(shown)


def test_waiting_worker_is_woken(tickets: Tickets) -> None:
    """By a ticket that is put from another thread."""
    got: list[Ticket | None] = []
    worker = threading.Thread(target=lambda: got.append(tickets.take()))
    worker.start()
    tickets.put(ticket("a"))
    worker.join()

    assert [one.prompt_id for one in got if one] == ["a"]


def test_wish_wakes_the_worker_without_a_ticket(tickets: Tickets) -> None:
    """And is handed over once."""
    tickets.wish("free_memory", value=True)

    assert tickets.take() is None
    assert tickets.take_wishes() == {"free_memory": True}
    assert tickets.take_wishes() == {}


def test_patience_ends(tickets: Tickets) -> None:
    """Without a ticket, after the time given."""
    assert tickets.take(timeout=0) is None
