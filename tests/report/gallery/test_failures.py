"""What failed lately, on a page."""

from __future__ import annotations

import os
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from plasma_watch.home import Home
from plasma_watch.job import Ending, Job, State
from plasma_watch.report.gallery.failures import MOST, request_of, write_failures
from tests.fakes.home import NOON, a_home
from tests.report.gallery.test_pages import BAD, Tags

REQUEST = 'kind = "generate"\nprompt = "spyke"\nstpes = 3\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a place for the page."""
    home = a_home(tmp_path)
    folder_of(home).mkdir()
    return home


def folder_of(home: Home) -> Path:
    """Return where the page is written."""
    return home.root / "output" / ".gallery"


def fail(
    home: Home, name: str, days: float, ending: Ending | None = None, request: str = REQUEST
) -> Path:
    """Put a failed job there, so many days before noon."""
    when = NOON - timedelta(days=days)
    ending = ending or Ending(State.FAILED, f"{name} broke", "engine.node-error", "Look there.")
    folder = home.failed / f"{when:%Y%m%dT%H%M%S}-{name}"
    folder.mkdir()
    job = Job(folder.name, name, f"{name}.toml", "generate", when, "", ending=ending)
    (folder / "job.toml").write_text(job.to_toml())
    (folder / f"{name}.toml").write_text(request)
    os.utime(folder / "job.toml", (when.timestamp(), when.timestamp()))
    return folder


def page(home: Home) -> str:
    """Write the page, and return it."""
    write_failures(home, folder_of(home), NOON)
    return (folder_of(home) / "failures.html").read_text()


def test_a_failure_is_told_with_its_reason_and_its_request(home: Home) -> None:
    """What happened, when, its code, what to do, and what was asked."""
    fail(home, "p003", 1)

    shown = page(home)

    for part in ("p003 broke", "engine.node-error", "Look there.", "2026-11-21 12:00 UTC"):
        assert part in shown
    assert unescape(shown.split('tabindex="0">\n')[1].split("</pre>")[0]) == REQUEST


def test_every_problem_of_a_file_is_told(home: Home) -> None:
    """Instead of the first alone."""
    problems = ("line 3: stpes is not a known key", "line 4: width is 513")
    fail(home, "p003", 1, Ending(State.FAILED, "m", "request.bad-value", "h", problems))

    shown = page(home)

    assert all(f"<li>{problem}</li>" in shown for problem in problems)


def test_only_the_last_days_are_told(home: Home) -> None:
    """The newest first; what was done or cancelled is no failure."""
    for name, days in (("old", 8), ("first", 6), ("second", 2)):
        fail(home, name, days)
    fail(home, "gone", 1, Ending(State.CANCELLED, "cancelled")).rename(
        home.cancelled / "20261121T120000-gone"
    )

    shown = page(home)

    assert shown.index("<h2>second") < shown.index("<h2>first")
    assert "<h2>old" not in shown
    assert "<h2>gone" not in shown
    assert "2 in the last 7 days" in shown


def test_a_week_without_failures_says_so(home: Home) -> None:
    """Calmly."""
    assert "none in the last 7 days" in page(home)


def test_nothing_of_a_request_becomes_markup(home: Home) -> None:
    """Name, reason, hint, problems, request."""
    fail(home, "plain", 1, Ending(State.FAILED, "m", "c", "h"))
    plain = Tags(page(home))
    for folder in home.failed.iterdir():
        (folder / "plain.toml").unlink()
        (folder / "job.toml").unlink()
        folder.rmdir()
    name = BAD.replace("/", "")
    fail(home, name, 1, Ending(State.FAILED, BAD, BAD, BAD), BAD)

    found = Tags(page(home))

    assert found.tags == plain.tags
    assert "".join(found.texts).count(BAD) == 4


@pytest.mark.parametrize("content", [b"\x89PNG\r\n", b"\xff\xfe", None])
def test_a_request_that_is_no_text_is_not_shown(home: Home, content: bytes | None) -> None:
    """A dropped picture, another encoding, one that was taken back into the inbox."""
    folder = fail(home, "p003", 1)
    if content is None:
        (folder / "p003.toml").unlink()
    else:
        (folder / "p003.toml").write_bytes(content)

    assert request_of(folder) is None
    assert "Its request is not here any more" in page(home)


def test_a_page_stands_until_something_fails(home: Home) -> None:
    """Then it is another; what the other pages tell of it is read from it meanwhile."""
    fail(home, "p003", 1)
    os.utime(home.failed, (NOON.timestamp() - 60, NOON.timestamp() - 60))
    first = write_failures(home, folder_of(home), NOON)
    path = folder_of(home) / "failures.html"
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))

    assert write_failures(home, folder_of(home), NOON + timedelta(minutes=5)) == first
    assert path.stat().st_mtime == NOON.timestamp()

    fail(home, "p004", 0)
    second = write_failures(home, folder_of(home), NOON + timedelta(minutes=5))
    assert (second.many, second.stamp != first.stamp) == (2, True)


def tell(home: Home, name: str, state: State, job: str) -> None:
    """Say what has become of the newest drop of a name."""
    path = home.status / f"{name}.toml"
    path.write_text(f'job = "{job}"\nstate = "{state}"\n')
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))


def test_what_was_tried_again_and_is_done_is_left_out(home: Home) -> None:
    """What failed again, or runs, or was done before it failed, is not."""
    for name, state, job in (
        ("good", State.DONE, "20261122T110000-good"),
        ("bad", State.FAILED, "20261122T110000-bad"),
        ("now", State.RUNNING, "20261122T110000-now"),
        ("before", State.DONE, "20261101T110000-before"),
    ):
        fail(home, name, 1)
        tell(home, name, state, job)

    shown = page(home)

    assert "3 in the last 7 days" in shown
    assert "<h2>good" not in shown


def test_a_page_falls_when_something_of_it_is_done(home: Home) -> None:
    """It need not wait until something else fails."""
    fail(home, "it's <p>", 1)
    os.utime(home.failed, (NOON.timestamp() - 60, NOON.timestamp() - 60))
    assert write_failures(home, folder_of(home), NOON).many == 1
    old = NOON.timestamp() - 30
    os.utime(folder_of(home) / "failures.html", (old, old))

    tell(home, "it's <p>", State.DONE, "20261122T110000-it's <p>")

    assert write_failures(home, folder_of(home), NOON).many == 0


def test_a_page_does_not_stand_for_ever(home: Home) -> None:
    """Failures grow older than a week."""
    fail(home, "p003", 6.99)
    os.utime(home.failed, (NOON.timestamp() - 60, NOON.timestamp() - 60))
    write_failures(home, folder_of(home), NOON)
    os.utime(folder_of(home) / "failures.html", (NOON.timestamp(), NOON.timestamp()))

    assert write_failures(home, folder_of(home), NOON + timedelta(hours=2)).many == 0


def test_so_many_are_not_shown(home: Home) -> None:
    """The newest are."""
    for number in range(MOST + 3):
        fail(home, f"p{number:04d}", 1 - number / 1000)

    shown = page(home)

    assert shown.count("<article") == MOST
    assert "p0202" in shown
    assert "p0002" not in shown
