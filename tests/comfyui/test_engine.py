"""The engine of a home: found, remembered, judged, and forgotten when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest

from plasma_watch.comfyui.engine import AUTO_URLS, Engine, Seen
from plasma_watch.config import Comfyui
from plasma_watch.errors import Code, Fate, PlasmaError
from plasma_watch.system import platform
from tests.fakes.engine import STATS, FakeEngine, closed_port, fake_engine
from tests.sandbox.process import Sandbox

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


@pytest.fixture
def found(engine: FakeEngine) -> Iterator[Engine]:
    """The fake engine, as the home's engine; any device will do."""
    found = Engine(Comfyui(url=engine.url, required_device="any"), fresh_seconds=0)
    yield found
    found.forget()


def auto(first: str, second: str) -> Engine:
    """Return an engine that is looked for at these addresses instead of the usual ones."""
    engine = Engine(Comfyui(url="auto", required_device="any"), fresh_seconds=0)
    engine._urls = (first, second)
    return engine


def objection(engine: Engine) -> PlasmaError:
    """Return what is said against an engine."""
    with pytest.raises(PlasmaError) as caught:
        engine.ready(NOON)
    return caught.value


def test_engine_is_found_and_remembered(found: Engine, engine: FakeEngine) -> None:
    """The same client is used again; the facts are read anew each time."""
    client, facts = found.ready(NOON)

    again, _ = found.ready(LATER)

    assert again is client
    assert engine.routes() == ["GET /system_stats"] * 2
    assert found.seen() == Seen(engine.url, facts, NOON, 0)


def test_nothing_is_seen_of_an_engine_that_was_not_looked_for() -> None:
    """Only where it will be."""
    assert Engine(Comfyui()).seen() == Seen(AUTO_URLS[0], None, None, 0)


def test_automatic_looks_at_both_usual_ports() -> None:
    """ComfyUI's own, then that of ComfyUI Desktop."""
    assert Engine(Comfyui(url="auto"))._urls == AUTO_URLS
    assert [url.rpartition(":")[2] for url in AUTO_URLS] == ["8188", "8000"]


def test_second_address_is_tried_when_the_first_is_dead(engine: FakeEngine) -> None:
    """And it is the one that is told."""
    found = auto(closed_port(), engine.url)

    client, _ = found.ready(NOON)

    assert client.url == found.seen().url == engine.url
    found.forget()


def test_first_address_is_enough(engine: FakeEngine) -> None:
    """The second is not asked."""
    with fake_engine() as other:
        found = auto(engine.url, other.url)
        found.ready(NOON)

        assert other.asked == []
    found.forget()


def test_something_else_at_the_first_address_is_passed_by(engine: FakeEngine) -> None:
    """Port 8000 belongs to many."""
    with fake_engine() as other:
        other.says("/system_stats", {"hello": "I am a to-do list"})
        found = auto(other.url, engine.url)

        assert found.ready(NOON)[0].url == engine.url
    found.forget()


def test_engine_that_is_nowhere_is_unreachable() -> None:
    """The message names every address that was tried."""
    urls = closed_port(), closed_port()

    said = objection(auto(*urls))

    assert said.code is Code.ENGINE_UNREACHABLE
    assert said.fate is Fate.WAIT
    assert all(url in said.message for url in urls)


def test_one_address_has_its_own_error(found: Engine, engine: FakeEngine) -> None:
    """What was found there is told, not only that it is not ComfyUI."""
    engine.says("/system_stats", [])
    assert objection(found).code is Code.ENGINE_NOT_COMFYUI

    engine.says("/system_stats", b"", 503)
    assert objection(found).code is Code.ENGINE_UNREACHABLE


def test_engine_that_is_gone_is_forgotten(found: Engine, engine: FakeEngine) -> None:
    """What it held counts no more, and its time begins anew when it is back."""
    found.ready(NOON)
    found.checkpoint = "anything.safetensors"
    engine.says("/system_stats", b"", 503)

    assert objection(found).code is Code.ENGINE_UNREACHABLE
    assert found.seen() == Seen(engine.url, None, None, 0)
    assert found.checkpoint == ""

    engine.answers.clear()
    found.ready(LATER)

    assert found.seen().reachable_since == LATER


def test_engine_that_moved_is_found_again(engine: FakeEngine) -> None:
    """At the other usual address."""
    with fake_engine() as other:
        found = auto(engine.url, other.url)
        found.ready(NOON)
        engine.says("/system_stats", b"", 503)
        objection(found)

        assert found.ready(LATER)[0].url == other.url
    found.forget()


def test_engine_that_is_not_fit_is_told_with_its_facts(found: Engine, engine: FakeEngine) -> None:
    """It is there all the same: since when, and which version."""
    old = deepcopy(STATS)
    old["system"]["comfyui_version"] = "0.3.1"
    engine.says("/system_stats", old)

    assert objection(found).code is Code.ENGINE_TOO_OLD
    seen = found.seen()
    assert seen.facts
    assert seen.facts.version == "0.3.1"
    assert seen.reachable_since == NOON


def test_required_device_is_the_configs(engine: FakeEngine) -> None:
    """The fake runs on a CPU."""
    found = Engine(Comfyui(url=engine.url, required_device="mps"))

    assert objection(found).code is Code.ENGINE_WRONG_DEVICE
    found.forget()


def test_automatic_device_is_the_platforms(engine: FakeEngine) -> None:
    """A Mac wants its GPU; elsewhere anything will do."""
    found = Engine(Comfyui(url=engine.url, required_device="auto"))

    assert found._required_device == platform.DEFAULT_DEVICE


def test_deaf_sockets_are_counted(found: Engine) -> None:
    """Also over an engine's death: the count tells of the network, not of the engine."""
    found.heard_nothing()
    found.heard_nothing()
    found.forget()

    assert found.seen().deaf_sockets == 2


def test_sandbox_is_fit_on_every_machine(sandbox: Sandbox) -> None:
    """Whatever device is required."""
    found = Engine(Comfyui(url=sandbox.url, required_device="mps"))

    assert found.ready(NOON)[1].is_sandbox
    found.forget()


def test_what_it_said_a_moment_ago_counts(engine: FakeEngine) -> None:
    """A line of pages does not ask for the version again and again."""
    found = Engine(Comfyui(url=engine.url, required_device="any"), fresh_seconds=60)
    found.ready(NOON)
    found.ready(NOON)

    assert engine.routes().count("GET /system_stats") == 1

    found.forget()
    found.ready(NOON)

    assert engine.routes().count("GET /system_stats") == 2


def test_one_socket_serves_a_whole_line(found: Engine, engine: FakeEngine) -> None:
    """It is closed at rest: a client that does not read holds up all others."""
    found.ready(NOON)
    first = found.listener()

    assert found.listener() is first
    assert first.is_open

    found.rest()

    assert not first.is_open
    assert found.listener() is not first
    assert len(set(engine.clients)) == 2


def test_a_gateway_is_told_who_asks_on_every_way(engine: FakeEngine) -> None:
    """Also where the socket is opened; only people are shown the address without it."""
    found = Engine(Comfyui(url=engine.url.replace("//", "//me:pw@"), required_device="any"))

    found.ready(NOON)
    found.listener()

    assert engine.logins == ["Basic bWU6cHc="] * 2
    assert "pw" not in found.seen().url
    found.forget()


def test_socket_of_an_engine_that_is_gone_is_closed(found: Engine) -> None:
    """With all else that is known of it."""
    found.ready(NOON)
    listener = found.listener()
    catalog = found.catalog

    found.forget()

    assert not listener.is_open
    assert found.catalog is None
    found.ready(NOON)
    assert found.catalog is not catalog
