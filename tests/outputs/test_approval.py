"""A picture is marked as approved, and its job is kept."""

from __future__ import annotations

import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.outputs.approval import approve
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.request import GenerateRequest
from plasma_watch.system.locks import Lock
from tests.fakes.home import a_home

NOON = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)
JOB = "20261122T120000-p003"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a finished job."""
    home = a_home(tmp_path)
    (home.done / JOB).mkdir()
    return home


def manifest(home: Home, job: Any = JOB) -> Path:
    """Put a manifest among the outputs."""
    made = Manifest(
        request={"kind": "generate", "prompt": "spyke"},
        result={"file": "p003_v1.png", "sha256": "1" * 64, "made": NOON},
        engine={"version": "0.3.64"},
        models=[{"name": "a", "sha256": "2" * 64}],
        inputs=[],
        daemon={"job": job},
        graph={"3": {"class_type": "KSampler"}},
        template_sha256="ef",
    )
    path = home.root / "output" / "p003_v1.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(made.to_toml())
    return path


def test_manifest_says_when_it_was_approved(home: Home) -> None:
    """And nothing else of it is another; it makes the picture again as before."""
    path = manifest(home)
    before = Manifest.from_toml(path.read_text())

    approve(path, home, NOON)

    after = Manifest.from_toml(path.read_text())
    assert after.result["approved"] == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert dict(after.result) == dict(before.result) | {"approved": after.result["approved"]}
    assert (after.request, after.models, after.graph) == (
        before.request,
        before.models,
        before.graph,
    )
    assert GenerateRequest.model_validate(tomllib.loads(path.read_text())).prompt == "spyke"


def test_job_is_kept_from_the_retention(home: Home) -> None:
    """As long as the mark is there."""
    path = manifest(home)

    approve(path, home, NOON)
    assert (home.done / JOB / "approved").exists()

    approve(path, home, None)
    assert not (home.done / JOB / "approved").exists()
    assert "approved" not in Manifest.from_toml(path.read_text()).result


def test_approving_twice_is_approving(home: Home) -> None:
    """The last time counts; taking back what was not given does nothing."""
    path = manifest(home)
    approve(path, home, None)
    approve(path, home, NOON)

    approve(path, home, NOON.replace(hour=13))

    assert Manifest.from_toml(path.read_text()).result["approved"].hour == 13


@pytest.mark.parametrize(
    "job", ["20261122T120000-gone", "../../elsewhere", 7, "20261122T120000-a/b", "x" * 300]
)
def test_job_that_is_not_there_is_no_matter(home: Home, job: Any) -> None:
    """It was removed before, or somebody wrote nonsense; nothing outside is touched."""
    approve(path := manifest(home, job), home, NOON)

    assert "approved" in Manifest.from_toml(path.read_text()).result
    assert [p.name for p in home.done.iterdir()] == [JOB]
    assert not (home.done / JOB / "approved").exists()


@pytest.mark.parametrize("content", [b"", b"\xff", b'kind = "generate"'])
def test_what_is_no_manifest_is_refused(home: Home, content: bytes) -> None:
    """And left as it is."""
    path = home.root / "p003.toml"
    path.write_bytes(content)

    with pytest.raises(PlasmaError) as caught:
        approve(path, home, NOON)

    assert caught.value.code is Code.REQUEST_MISSING_FILE
    assert path.read_bytes() == content


def test_of_many_who_approve_at_once_each_does(home: Home) -> None:
    """And the manifest is whole, with the mark of one of them."""
    path = manifest(home)
    whole = dict(Manifest.from_toml(path.read_text()).result)
    begin = threading.Barrier(4)

    def mark(hour: int) -> None:
        begin.wait()
        for _ in range(80):
            approve(path, home, NOON.replace(hour=hour))

    with ThreadPoolExecutor(4) as people:
        list(people.map(mark, range(4)))

    marked = dict(Manifest.from_toml(path.read_text()).result)
    assert marked.pop("approved").hour in range(4)
    assert marked == whole


def test_approval_waits_for_another_but_not_for_ever(home: Home) -> None:
    """Then it says who is at work, and has changed nothing."""
    before = (path := manifest(home)).read_text()
    lock = Lock(home.private / "approvals.lock")
    assert lock.acquire()

    with pytest.raises(PlasmaError, match="works on the approvals") as caught:
        approve(path, home, NOON, wait_seconds=0)
    assert caught.value.code is Code.DAEMON_HELD
    assert path.read_text() == before
    assert not (home.done / JOB / "approved").exists()

    lock.release()
    approve(path, home, NOON)
    assert path.read_text() != before
