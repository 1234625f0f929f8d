"""Engines to make pictures with: one sandbox for all, and easels that do what they are told."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.fakes.easel import Easel
from tests.fakes.easel import easel as an_easel
from tests.fakes.studio import Studio
from tests.sandbox.graphs import text_to_image
from tests.sandbox.process import PATIENCE_SECONDS, TICK_SECONDS, Sandbox, running

_seeds = itertools.count(1)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox, in a process of its own."""
    base = tmp_path_factory.mktemp("generate") / "base"
    with running(base, "--seconds-per-step", "0.001") as sandbox:
        yield sandbox


@pytest.fixture
def easel() -> Iterator[Easel]:
    """An engine that makes of each prompt what it is told to."""
    with an_easel() as easel:
        yield easel


@pytest.fixture
def studio(tmp_path: Path, sandbox: Sandbox) -> Studio:
    """A home that makes its pictures in the sandbox, whose folder is ours to clean."""
    return Studio(tmp_path, sandbox.url, sandbox.base)


@pytest.fixture
def faked(tmp_path: Path, easel: Easel) -> Studio:
    """A home whose engine does what it is told to."""
    return Studio(tmp_path, easel.url)


Busy = Callable[[], AbstractContextManager[str]]


@pytest.fixture
def busy(sandbox: Sandbox) -> Busy:
    """Keep the sandbox at work on somebody else's prompt."""

    @contextmanager
    def at_work() -> Iterator[str]:
        prompt = str(uuid.uuid4())
        graph = text_to_image(steps=10_000, seed=next(_seeds))
        sandbox.post("/prompt", {"prompt": graph, "prompt_id": prompt})
        until(lambda: bool(sandbox.json("/queue")["queue_running"]))
        try:
            yield prompt
        finally:
            sandbox.post("/interrupt", {"prompt_id": prompt})

    return at_work


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(TICK_SECONDS)
