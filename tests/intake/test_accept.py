"""One dropped file is opened safely, read whole, and checked."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from plasma_watch.config import Config, Intake
from plasma_watch.errors import Code, PlasmaError, Problem, gathered
from plasma_watch.intake.accept import Dropped, open_dropped, parse
from plasma_watch.outputs.picture import TEXT_KEY, with_text
from plasma_watch.request import GenerateRequest, Request, TrainRequest
from plasma_watch.system.files import Fingerprint
from plasma_watch.toml_check import KeyPath
from tests.fakes.drawings import drawn, png
from tests.fakes.home import REQUEST

CONFIG = Config(intake=Intake(max_request_kb=1, max_picture_mb=1))
PRINT = Fingerprint(1, 2, 3)


def content_with(bytes_: int) -> bytes:
    """Return a request of exactly so many bytes."""
    return REQUEST + b"#" * (bytes_ - len(REQUEST))


def no_objection(request: Request, lines: Mapping[KeyPath, int], subject: str) -> None:
    """Check nothing more."""


def refused(path: Path) -> Code:
    """Return the code with which a file is refused."""
    with pytest.raises(PlasmaError) as caught:
        open_dropped(path, CONFIG)
    return caught.value.code


def test_a_file_is_read_whole_in_one_known_state(tmp_path: Path) -> None:
    """Bytes, fingerprint and digest belong together."""
    path = tmp_path / "p003.toml"
    path.write_bytes(REQUEST)

    dropped = open_dropped(path, CONFIG)

    assert dropped == Dropped("p003.toml", REQUEST, Fingerprint.of(path.stat()))
    assert dropped.sha256 == hashlib.sha256(REQUEST).hexdigest()


@pytest.mark.parametrize(
    ("file", "most"), [("x.toml", 1024), ("x.png", 1_000_000), ("x.PNG", 1_000_000)]
)
def test_a_file_over_its_limit_is_refused_unread(tmp_path: Path, file: str, most: int) -> None:
    """A picture may be larger than a request; one byte over is too much for either."""
    path = tmp_path / file
    path.write_bytes(b"#" * most)
    assert len(open_dropped(path, CONFIG).content) == most

    path.write_bytes(b"#" * (most + 1))

    assert refused(path) is Code.REQUEST_TOO_BIG


def test_a_link_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    """Also to a good request right beside it."""
    (tmp_path / "good.toml").write_bytes(REQUEST)
    for target in ("good.toml", "/etc/passwd", "nowhere"):
        link = tmp_path / "x.toml"
        link.symlink_to(target)

        assert refused(link) is Code.REQUEST_NOT_A_FILE
        link.unlink()


def test_a_fifo_and_a_socket_are_refused(tmp_path: Path) -> None:
    """None of them keeps us waiting."""
    os.mkfifo(tmp_path / "fifo.toml")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.toml"))

        for kind in ("fifo", "socket"):
            assert refused(tmp_path / f"{kind}.toml") is Code.REQUEST_NOT_A_FILE


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    """That is no fault of the request."""
    with pytest.raises(FileNotFoundError):
        open_dropped(tmp_path / "gone.toml", CONFIG)


def test_a_request_is_checked_by_its_text_and_by_its_kind() -> None:
    """The kind's own check gets the request and the line of every key."""
    heard: list[tuple[Request, Mapping[KeyPath, int], str]] = []

    request = parse(Dropped("p003.toml", REQUEST, PRINT), CONFIG, lambda *told: heard.append(told))

    assert isinstance(request, GenerateRequest)
    assert heard == [(request, {("kind",): 1, ("prompt",): 2}, "p003.toml")]


def test_what_the_kind_objects_to_is_raised() -> None:
    """With every problem in it."""
    problem = Problem(Code.REQUEST_CONFLICT, "lora", "and checkpoint do not go together")

    def object_to(request: Request, lines: Mapping[KeyPath, int], subject: str) -> None:  # noqa: ARG001 - a check's shape
        raise gathered(subject, [problem])

    with pytest.raises(PlasmaError, match=r"p003\.toml: lora and checkpoint") as caught:
        parse(Dropped("p003.toml", REQUEST, PRINT), CONFIG, object_to)

    assert caught.value.problems == (problem,)


@pytest.mark.parametrize("file", ["daemon.toml", "DAEMON.TOML", "daemon.png"])
def test_no_request_is_called_daemon(file: str) -> None:
    """status/daemon.toml is ours."""
    with pytest.raises(PlasmaError) as caught:
        parse(Dropped(file, REQUEST, PRINT), CONFIG, no_objection)

    assert caught.value.code is Code.REQUEST_NAME_TAKEN


@pytest.mark.parametrize("file", ["ch01_p003_v1.png", "X.PNG"])
def test_a_picture_made_here_is_the_request_that_it_carries(file: str) -> None:
    """Its text is read; its pixels are not looked at."""
    table = {"kind": "generate", "prompt": "spyke", "seed": 7}
    content = with_text(png(drawn()), TEXT_KEY, json.dumps(table))

    request = parse(Dropped(file, content, PRINT), CONFIG, no_objection)

    assert isinstance(request, GenerateRequest)
    assert (request.prompt, request.seed) == ("spyke", 7)


def test_a_picture_is_held_to_the_limits_too() -> None:
    """What it carries may have been written by anybody."""
    table = {"kind": "generate", "prompt": "spyke", "steps": 10_000}
    content = with_text(png(drawn()), TEXT_KEY, json.dumps(table))

    with pytest.raises(PlasmaError) as caught:
        parse(Dropped("x.png", content, PRINT), CONFIG, no_objection)

    assert caught.value.code is Code.REQUEST_OVER_LIMIT


def test_any_other_picture_is_foreign() -> None:
    """It carries no request."""
    with pytest.raises(PlasmaError) as caught:
        parse(Dropped("x.png", png(drawn()), PRINT), CONFIG, no_objection)

    assert caught.value.code is Code.REQUEST_FOREIGN_PICTURE


def test_a_training_is_read_as_one() -> None:
    """The kind decides the form of the request."""
    content = b'kind = "train"\nlora = "spyke"\ndataset = "datasets/spyke"\ntrigger = "spyke"\n'

    assert isinstance(parse(Dropped("t.toml", content, PRINT), CONFIG, no_objection), TrainRequest)


def test_the_largest_request_is_read() -> None:
    """Comments count against the limit, and do no harm."""
    dropped = Dropped("p003.toml", content_with(1024), PRINT)

    assert isinstance(parse(dropped, CONFIG, no_objection), GenerateRequest)
