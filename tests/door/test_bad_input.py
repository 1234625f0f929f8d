"""Whatever a file holds: one folder, one status, one clear code, and the daemon lives."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.door.process import DaemonProcess, EngineProcess, eventually, make_home, request

PAGE = 'kind = "generate"\nworkflow = "txt2img"\nprompt = "x"\n'

BAD: dict[str, tuple[bytes, str]] = {
    "not UTF-8": (PAGE.encode() + b'note = "\xff\xfa"\n', "request.not-text"),
    "UTF-16": (PAGE.encode("utf-16"), "request.not-text"),
    "UTF-16 without a mark": (PAGE.encode("utf-16-le"), "request.not-text"),
    "NUL bytes": (PAGE.encode() + b"\0" * 64, "request.not-text"),
    "empty": (b"", "request.empty"),
    "blank lines only": (b"\r\n \n", "request.empty"),
    "a hundred thousand arrays": (b"a = " + b"[" * 100_000, "request.too-deep"),
    "a hundred thousand dots": (b".".join([b"a"] * 100_000) + b" = 1", "request.too-deep"),
    "a number of ten thousand digits": (b"a = " + b"9" * 10_000, "request.not-toml"),
    "cut in half": (PAGE.encode()[:-3], "request.not-toml"),
    "curly quotes": ("kind = \u201cgenerate\u201d".encode(), "request.not-toml"),
    "unknown kind": (b'kind = "dance"\n', "request.unknown-kind"),
    "no kind": (b'prompt = "x"\n', "request.unknown-kind"),
    "unknown key": (PAGE.encode() + b'promt = "y"\n', "request.unknown-key"),
    "wrong types": (PAGE.encode() + b'steps = "20"\ncfg = true\n', "request.bad-value"),
    "a date for a number": (PAGE.encode() + b"seed = 2026-11-22\n", "request.bad-value"),
    "513 pixels": (PAGE.encode() + b"width = 513\n", "request.bad-value"),
    "520 pixels": (PAGE.encode() + b"width = 520\nheight = 768\n", "request.over-limit"),
    "steps over the limit": (PAGE.encode() + b"steps = 151\n", "request.over-limit"),
    "seed below zero": (PAGE.encode() + b"seed = -1\n", "request.bad-value"),
    "seed of 65 bits": (PAGE.encode() + b"seed = 18446744073709551616\n", "request.bad-value"),
    "cfg that is no number": (PAGE.encode() + b"cfg = nan\n", "request.bad-value"),
    "output upwards": (PAGE.encode() + b'output = "../../x"\n', "request.outside"),
    "output elsewhere": (PAGE.encode() + b'output = "/etc/x"\n', "request.outside"),
    "image upwards": (PAGE.encode() + b'[input]\nimage = "../x.png"\n', "request.outside"),
    "image elsewhere": (PAGE.encode() + b'[input]\nimage = "/etc/passwd"\n', "request.outside"),
    "no template": (PAGE.replace("txt2img", "txt2imgg").encode(), "workflow.unknown"),
    "template upwards": (PAGE.replace("txt2img", "../config").encode(), "workflow.unknown"),
    "a pickle for a model": (PAGE.encode() + b'checkpoint = "x.ckpt"\n', "request.bad-value"),
}


@pytest.fixture(scope="module")
def daemon(
    tmp_path_factory: pytest.TempPathFactory, engine: EngineProcess
) -> Iterator[DaemonProcess]:
    """One daemon for them all: none of it may harm it."""
    daemon = DaemonProcess(make_home(tmp_path_factory.mktemp("bad") / "home"), engine)
    daemon.start()
    yield daemon
    daemon.kill()


@pytest.mark.parametrize("case", BAD)
def test_bad_file_fails_with_its_code(daemon: DaemonProcess, case: str) -> None:
    """F18, F64: its reason lies beside it, with a way out; the daemon goes on."""
    content, code = BAD[case]
    name = f"bad-{list(BAD).index(case)}"
    _drop(daemon.home, name, content)

    error = daemon.until(name, "failed")["error"]

    (folder,) = daemon.home.glob(f"failed/*-{name}")
    why = (folder / "why.txt").read_text("utf-8")
    assert code in [error["code"], *_codes(error)]
    assert error["hint"]
    assert f"{name}.toml" in why
    assert "What to do" in why or "To mend" in why
    assert (folder / f"{name}.toml").read_bytes() == content
    assert not any(name in output for output in daemon.outputs())
    assert daemon.is_up()


def _codes(error: dict[str, object]) -> list[str]:
    problems = error.get("problems", [])
    assert isinstance(problems, list)
    return [problem["code"] for problem in problems if isinstance(problem, dict)]


def _drop(home: Path, name: str, content: bytes) -> None:
    temporary = home / "inbox" / f".{name}.tmp"
    temporary.write_bytes(content)
    temporary.rename(home / "inbox" / f"{name}.toml")


def test_gigabyte_is_refused_unread(daemon: DaemonProcess) -> None:
    """F18: it is not read, so it takes neither the memory nor the time."""
    temporary = daemon.home / "inbox" / ".huge.tmp"
    temporary.touch()
    os.truncate(temporary, 1_000_000_000)
    temporary.rename(daemon.home / "inbox" / "huge.toml")

    error = daemon.until("huge", "failed")["error"]

    assert error["code"] == "request.too-big"
    assert "huge.toml has 1000000000 bytes" in error["message"]


def test_carriage_returns_and_byte_order_mark_are_fine(daemon: DaemonProcess) -> None:
    """F64: when it was written in an editor of Windows."""
    _drop(daemon.home, "windows", b"\xef\xbb\xbf" + request().replace("\n", "\r\n").encode())

    assert daemon.until("windows", "done")


def test_link_out_of_the_home_is_not_followed(daemon: DaemonProcess) -> None:
    """F17: the input that a request names is a link to something secret."""
    (daemon.home / "poses").mkdir(exist_ok=True)
    (daemon.home / "poses" / "link.png").symlink_to("/etc/passwd")
    workflow = _with_input(daemon.home)
    text = request(workflow=workflow) + '[input]\nimage = "poses/link.png"\n'
    daemon.drop("spy", text)

    assert daemon.until("spy", "failed")["error"]["code"] == "request.not-a-file"


def test_bad_input_picture_fails_with_its_name(daemon: DaemonProcess) -> None:
    """When its turn comes: it is decoded whole before the engine is asked, and not asked again."""
    (daemon.home / "poses").mkdir(exist_ok=True)
    (daemon.home / "poses" / "p.png").write_bytes(b"no picture")
    text = request(workflow=_with_input(daemon.home)) + '[input]\nimage = "poses/p.png"\n'
    daemon.drop("torn", text)

    error = daemon.until("torn", "failed")["error"]

    assert error["code"] == "request.bad-picture"
    assert "poses/p.png is not a picture" in error["message"]


def _with_input(home: Path) -> str:
    """Put a workflow there that reads a picture; return its name."""
    folder = home / "workflows"
    graph = (folder / "txt2img.json").read_text("utf-8")
    node = '"90": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},'
    (folder / "reads.json").write_text(graph.replace("{", "{" + node, 1), "utf-8")
    slots = (folder / "txt2img.toml").read_text("utf-8")
    (folder / "reads.toml").write_text(slots + 'image = "90.image"\n', "utf-8")
    return "reads"


# Any bytes at all.

TOKENS = st.sampled_from(
    [
        *('kind = "generate"\n', 'kind = "train"\n', 'prompt = "x"\n', "[lora]\n", "[sweep]\n"),
        *('name = "\\u0000"\n', "seed = [1, 2]\n", "a.b.c = {x = 1}\n", "[[models]]\n", '"""', "'"),
        *("\x1b[2J", "=", "\n", "#", "\ufeff", "\u202e", "width = 64\n", "count = 1e9\n", "{{}}"),
    ]
)
ANYTHING = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(TOKENS, max_size=12).map(lambda tokens: "".join(tokens).encode()),
)


@pytest.fixture(scope="module")
def held_daemon(
    tmp_path_factory: pytest.TempPathFactory, engine: EngineProcess
) -> Iterator[DaemonProcess]:
    """A daemon whose line is held: what is good waits, what is bad fails."""
    home = make_home(tmp_path_factory.mktemp("held") / "home")
    (home / "inbox" / "PAUSE").touch()
    daemon = DaemonProcess(home, engine)
    daemon.start()
    yield daemon
    daemon.kill()


NUMBERS = itertools.count()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=ANYTHING)
def test_any_bytes_end_in_one_folder_with_a_status(
    held_daemon: DaemonProcess, content: bytes
) -> None:
    """And the daemon that read them is still the same process."""
    name = f"any-{next(NUMBERS)}"
    _drop(held_daemon.home, name, content)

    told = eventually(
        lambda: held_daemon.told(name) if _is_settled(held_daemon.told(name)) else None, name
    )

    folders = ("inbox", "running", "done", "failed", "cancelled")
    found = [p for f in folders for p in (held_daemon.home / f).rglob(f"{name}.toml")]
    assert len(found) == 1
    assert found[0].read_bytes() == content
    where = found[0].relative_to(held_daemon.home).parts[0]
    assert where == {"waiting": "inbox", "failed": "failed"}[told["state"]]
    assert (found[0].parent / "why.txt").exists() == (where == "failed")
    assert held_daemon.process is not None
    assert held_daemon.process.poll() is None


def _is_settled(told: dict[str, object]) -> bool:
    return told.get("state") == "failed" or "paused" in str(told.get("why"))
