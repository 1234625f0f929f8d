"""The engine of a home when it is ours to look after: how the process and the talking fit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.engine import Engine
from plasma_watch.comfyui.facts import Facts
from plasma_watch.comfyui.protocol import Conversation
from plasma_watch.comfyui.server import Server
from plasma_watch.config import Comfyui
from plasma_watch.errors import Code, PlasmaError
from tests.fakes.comfyui import FakeComfyui
from tests.fakes.engine import FakeEngine

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PATIENCE_SECONDS = 120.0
GONE = PlasmaError(Code.ENGINE_UNREACHABLE, "ComfyUI does not answer")


@pytest.fixture
def comfyui(tmp_path: Path) -> Iterator[FakeComfyui]:
    """A folder that looks like ComfyUI's; nothing is left of it afterwards."""
    fake = FakeComfyui(tmp_path / "ComfyUI")
    yield fake
    fake.kill()


@pytest.fixture
def server(comfyui: FakeComfyui, tmp_path: Path) -> Iterator[Server]:
    """The process of that folder; it is not started."""
    server = Server(comfyui.config(recycle_gb=0.0), tmp_path, os.environ)
    yield server
    comfyui.kill()
    server._bury()


@pytest.fixture
def engine(comfyui: FakeComfyui, server: Server) -> Iterator[Engine]:
    """The engine of a home that looks after it."""
    engine = Engine(comfyui.config(), server)
    yield engine
    engine.forget()


def ready(engine: Engine) -> tuple[Client, Facts]:
    """Ask for it until it is ready; until then it only ever says that it starts."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            return engine.ready(NOON)
        except PlasmaError as exc:
            if exc.code is not Code.ENGINE_STARTING:
                raise
        time.sleep(0.01)
    raise AssertionError("it never was ready")


def eventually(is_so: Callable[[], object]) -> None:
    """Look until it is so."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_it_is_started_when_it_is_asked_for(engine: Engine, comfyui: FakeComfyui) -> None:
    """Not before: what nobody needs holds no memory."""
    assert comfyui.processes() == []
    assert engine.seen().pid is None

    client, facts = ready(engine)

    assert facts.is_sandbox
    assert client.url == comfyui.url
    assert [process.pid for process in comfyui.processes()] == [engine.seen().pid]


def test_automatic_means_its_own_port_only(tmp_path: Path) -> None:
    """Never what answers at ComfyUI Desktop's."""
    config = Comfyui(dir=str(tmp_path), manage=True)

    assert Engine(config, Server(config, tmp_path, {}))._urls == ("http://127.0.0.1:8188",)


def test_somebody_elses_engine_is_not_taken_for_it(tmp_path: Path) -> None:
    """It answers at our address; it is told, and left alone."""
    with_port = FakeComfyui(tmp_path / "ComfyUI")
    other = FakeEngine()
    config = with_port.config(url=other.url)
    engine = Engine(config, Server(config, tmp_path, os.environ))
    try:
        with pytest.raises(PlasmaError) as caught:
            engine.ready(NOON)
    finally:
        other.close()

    assert caught.value.code is Code.ENGINE_PORT_TAKEN
    assert other.routes() == []


def test_it_is_renewed_when_it_has_nothing_to_do(
    engine: Engine, server: Server, comfyui: FakeComfyui, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended, and started anew by the next call; what works is left alone."""
    client, _ = ready(engine)
    first = engine.seen().pid
    engine.renew(client)
    monkeypatch.setattr(server, "_command", ("another",))

    with pytest.raises(PlasmaError, match="started anew: it was started in another way") as caught:
        engine.renew(client)

    assert caught.value.code is Code.ENGINE_STARTING
    assert comfyui.processes() == []
    monkeypatch.undo()
    ready(engine)
    assert engine.seen().pid not in (None, first)


def test_one_that_works_is_not_renewed(
    engine: Engine, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later."""
    client, _ = ready(engine)
    monkeypatch.setattr(server, "_command", ("another",))
    monkeypatch.setattr(client, "queue", _Busy)

    engine.renew(client)

    assert engine.seen().pid
    monkeypatch.undo()


class _Busy:
    running = ("a prompt",)
    pending = ()


def test_one_that_dies_at_work_is_started_by_whoever_follows(
    engine: Engine, comfyui: FakeComfyui
) -> None:
    """The one who waits for its prompt hears that it does not answer."""
    ready(engine)
    engine.checkpoint = "anything.safetensors"
    comfyui.kill()
    eventually(lambda: engine.seen().pid is None)

    engine.look_after(GONE)

    assert engine.checkpoint == ""
    assert engine.seen().pid
    ready(engine)


def test_one_that_hangs_is_restarted(engine: Engine, comfyui: FakeComfyui) -> None:
    """When whoever follows a prompt asks for it; other news is no reason."""
    ready(engine)
    first = engine.seen().pid
    engine.look_after(Conversation("a prompt"))
    engine.look_after(PlasmaError(Code.ENGINE_BAD_ANSWER, "odd"))
    assert engine.seen().pid == first

    assert engine.restart()

    assert engine.seen().pid not in (None, first)
    ready(engine)
    assert not Engine(Comfyui(url=comfyui.url)).restart()


def test_it_is_not_started_just_to_be_looked_at(engine: Engine, comfyui: FakeComfyui) -> None:
    """What a cancelled job left in an engine that is gone is gone with it."""
    assert engine.reached() is None
    assert comfyui.processes() == []
    ready(engine)
    assert engine.reached()


def test_it_makes_room_for_a_training(engine: Engine, comfyui: FakeComfyui) -> None:
    """Nothing of it is left; one that is not there makes room at once."""
    engine.make_room(lambda _: None)
    ready(engine)

    engine.make_room(lambda _: None)

    assert comfyui.processes() == []
    assert engine.seen().pid is None


def test_somebody_elses_unloads_its_models_for_a_training(engine: Engine) -> None:
    """Asked twice, with a pause: a wish right behind a prompt can get lost. A busy one is not."""
    other, pauses = FakeEngine(), list[float]()
    theirs = Engine(Comfyui(url=other.url, required_device="any"))
    try:
        theirs.make_room(pauses.append)
        assert [route for route in other.routes() if route.endswith("/free")] == ["POST /free"] * 2
        assert len(pauses) == 1
        other.running = ["theirs"]

        with pytest.raises(PlasmaError) as caught:
            theirs.make_room(pauses.append)
    finally:
        theirs.forget()
        other.close()

    assert caught.value.code is Code.ENGINE_BUSY
    assert engine.seen().pid is None


def test_it_ends_with_the_daemon(engine: Engine, comfyui: FakeComfyui) -> None:
    """When it has nothing to do; one of somebody else is none of our business."""
    ready(engine)
    Engine(Comfyui(url=comfyui.url, required_device="any")).part()
    assert comfyui.processes()

    engine.part()

    assert comfyui.processes() == []
    engine.part()


def test_one_that_works_outlives_the_daemon(
    engine: Engine, comfyui: FakeComfyui, tmp_path: Path
) -> None:
    """The next start takes it over, with its work."""
    comfyui.works(seconds_per_step=0.5)
    client, _ = ready(engine)
    client.post_prompt(_GRAPH, "4a7c1d9e-0000-4000-8000-000000000001", "we", {})
    eventually(lambda: client.queue().running)

    engine.part()

    assert len(comfyui.processes()) == 1
    successor = Engine(comfyui.config(), Server(comfyui.config(), tmp_path, os.environ))
    assert successor.ready(NOON)[0].queue().running
    successor.forget()


def test_one_that_is_slow_to_answer_outlives_the_daemon(
    engine: Engine, comfyui: FakeComfyui
) -> None:
    """It may work: a machine that swaps lets it say nothing for a while."""
    ready(engine)
    pid = engine.seen().pid
    (process,) = comfyui.processes()
    process.suspend()

    engine.part()

    assert [process.pid for process in comfyui.processes()] == [pid]


def test_one_that_only_starts_ends_with_the_daemon(engine: Engine, comfyui: FakeComfyui) -> None:
    """Nobody listens yet, so nobody is late."""
    comfyui.works(delay=30)
    with pytest.raises(PlasmaError, match="is starting"):
        engine.ready(NOON)
    eventually(comfyui.processes)

    engine.part()

    assert comfyui.processes() == []


_GRAPH = {
    "1": {
        "class_type": "CheckpointLoaderSimple",
        "inputs": {"ckpt_name": "anything-v5-PrtRE.safetensors"},
    },
    "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cloak", "clip": ["1", 1]}},
    "4": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 3,
            "steps": 60,
            "cfg": 7.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
            "model": ["1", 0],
            "positive": ["3", 0],
            "negative": ["3", 0],
            "latent_image": ["2", 0],
        },
    },
    "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
    "6": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["5", 0]}},
}
