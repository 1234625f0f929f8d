"""The observer of the inbox, on the real thing: what it remembers, when it wakes and revives."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path, PosixPath

import pytest
from watchdog.events import (
    DirDeletedEvent,
    FileClosedNoWriteEvent,
    FileCreatedEvent,
    FileOpenedEvent,
    FileSystemEvent,
)
from watchdog.observers.inotify_move_event_grouper import InotifyMoveEventGrouper

from plasma_watch.intake.watch import PAIR_SECONDS, Watch
from plasma_watch.system.files import Fingerprint
from tests.fakes.home import REQUEST

COUNT = 200
SECONDS = 30.0
"""For how long an event is waited for at most; it comes within milliseconds."""

needs_inotify = pytest.mark.skipif(
    sys.platform != "linux", reason="only inotify tells of a move from outside, and of readers"
)


class HeardWatch(Watch):
    """A watch that remembers every event, and whether it woke anybody."""

    def __init__(self, *folders: Path) -> None:
        self.wake = threading.Event()
        self.telling = threading.Condition()
        self.heard: list[tuple[str, str, bool]] = []
        self.whole: set[Fingerprint] = set()
        self.named: set[Path] = set()
        super().__init__(folders, self.wake)

    def dispatch(self, event: FileSystemEvent) -> None:
        """Take the event, and note what came of it."""
        self.wake.clear()
        super().dispatch(event)
        with self.telling:
            news = self.news()
            self.whole |= news.moved_whole
            self.named |= news.touched or frozenset()
            name = Path(os.fsdecode(event.dest_path or event.src_path)).name
            self.heard.append((event.event_type, name, self.wake.is_set()))
            self.telling.notify_all()

    def hears(self, name: str) -> bool:
        """Wait until something was told of a name."""
        with self.telling:
            return self.telling.wait_for(lambda: any(h[1] == name for h in self.heard), SECONDS)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Return a folder to be watched."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def watch(inbox: Path) -> Iterator[HeardWatch]:
    """Return a watch over it that has begun."""
    watch = HeardWatch(inbox)
    watch.revive()
    yield watch
    watch.stop()


def fingerprint(path: Path) -> Fingerprint:
    """Return the fingerprint of a file as it is now."""
    return Fingerprint.of(path.lstat())


def rename_in(inbox: Path, name: str) -> Path:
    """Write a file under a name that is ignored, and rename it: as `submit` does."""
    temporary = inbox / f".{name}.tmp"
    temporary.write_bytes(REQUEST)
    return temporary.rename(inbox / name)


def test_a_rename_from_an_ignored_name_is_remembered_as_whole(
    inbox: Path, watch: HeardWatch
) -> None:
    """It can be taken at once."""
    path = rename_in(inbox, "p003.toml")

    assert watch.hears("p003.toml")
    assert fingerprint(path) in watch.whole


@needs_inotify
def test_a_move_from_outside_is_remembered_as_whole(
    tmp_path: Path, inbox: Path, watch: HeardWatch
) -> None:
    """Finder and `mv` move a file that is finished."""
    outside = tmp_path / "p003.toml"
    outside.write_bytes(REQUEST)

    path = outside.rename(inbox / "p003.toml")

    assert watch.hears("p003.toml")
    assert fingerprint(path) in watch.whole


def test_a_slow_write_is_not_whole(inbox: Path, watch: HeardWatch) -> None:
    """Nor is a rename from another request's name: that one may still be written."""
    path = inbox / "p003.toml"
    with path.open("wb") as file:
        for byte in REQUEST:
            file.write(bytes([byte]))
            file.flush()
    renamed = (inbox / "a.toml", inbox / "b.toml")
    renamed[0].write_bytes(REQUEST)
    renamed[0].rename(renamed[1])
    last = rename_in(inbox, "last.toml")

    assert watch.hears("last.toml")
    assert watch.whole == {fingerprint(last)}


def test_what_was_written_to_since_its_move_is_another_file(inbox: Path, watch: HeardWatch) -> None:
    """The fingerprint that is remembered is of the moment of the move, or of later."""
    path = rename_in(inbox, "p003.toml")
    assert watch.hears("p003.toml")

    path.write_bytes(REQUEST + b"more")

    assert fingerprint(path) not in watch.whole


def test_what_was_moved_is_told_once(inbox: Path) -> None:
    """The next look has news of its own."""
    watch = Watch((inbox,), threading.Event())
    path = rename_in(inbox, "p003.toml")
    watch._remember(path)

    assert watch.news().moved_whole == {fingerprint(path)}
    assert watch.news().moved_whole == frozenset()


def test_what_was_touched_is_named(inbox: Path, watch: HeardWatch) -> None:
    """Both names of a rename, as the house calls them; what nobody touched is not."""
    rename_in(inbox, "p003.toml")
    assert watch.hears("p003.toml")
    watch.named = set()
    (inbox / "p003.toml").rename(inbox / "p004.toml")

    assert watch.hears("p004.toml")
    assert {inbox / "p003.toml", inbox / "p004.toml"} <= watch.named
    assert inbox / "p005.toml" not in watch.named


def test_what_was_moved_whole_is_named_with_it(inbox: Path) -> None:
    """However the threads meet: else it is looked for in vain, and then looks as if it grew."""
    watch, named, unnamed = Watch((inbox,), threading.Event()), set[Path](), set[Fingerprint]()
    watch.revive()
    watch.news()
    paths = [inbox / f"p{n:03d}.toml" for n in range(COUNT)]
    mover = threading.Thread(target=lambda: [rename_in(inbox, path.name) for path in paths])

    mover.start()
    whole, end = set[Fingerprint](), time.monotonic() + SECONDS
    while len(whole) < COUNT and time.monotonic() < end:
        news = watch.news()
        named |= news.touched or frozenset()
        known = {fingerprint(path) for path in named if path.suffix == ".toml" and path.exists()}
        whole |= news.moved_whole
        unnamed |= news.moved_whole - known
    mover.join()
    watch.stop()

    assert (len(whole), unnamed) == (COUNT, set())


def test_at_first_anything_may_have_changed(inbox: Path) -> None:
    """And again when events were not heard, or come from no folder that is known."""
    watch = Watch((inbox,), threading.Event())
    assert watch.news().touched is None

    watch.revive()
    assert watch.news().touched is None
    assert watch.news().touched == frozenset()

    watch.dispatch(FileCreatedEvent(str(inbox / "elsewhere" / "p003.toml")))
    assert watch.news().touched is None

    watch.dispatch(DirDeletedEvent(str(inbox)))
    assert watch.news().touched is None
    watch.stop()
    assert watch.news().touched is None


def test_only_files_are_remembered(inbox: Path) -> None:
    """A link, a folder or something that is gone again is not whole, whatever moved."""
    watch = Watch((inbox,), threading.Event())
    (inbox / "link.toml").symlink_to("nowhere")
    (inbox / "folder.toml").mkdir()
    for name in ("link.toml", "folder.toml", "gone.toml"):
        watch._remember(inbox / name)

    assert watch.news().moved_whole == frozenset()


@needs_inotify
def test_reading_wakes_nobody(inbox: Path, watch: HeardWatch) -> None:
    """Our own look at a file is no news; else each look would be followed by the next."""
    path = inbox / "p003.toml"
    path.write_bytes(REQUEST)
    path.read_bytes()
    rename_in(inbox, "last.toml")

    assert watch.hears("last.toml")
    of_it = {kind: woke for kind, name, woke in watch.heard if name == "p003.toml"}
    assert of_it == {"created": True, "modified": True, "closed": True}


@pytest.mark.parametrize("event", [FileOpenedEvent("x.toml"), FileClosedNoWriteEvent("x.toml")])
def test_events_of_readers_are_passed_over(event: FileSystemEvent) -> None:
    """Whatever observer tells of them."""
    wake = threading.Event()

    Watch((), wake).dispatch(event)

    assert not wake.is_set()


def test_every_change_wakes(inbox: Path, watch: HeardWatch) -> None:
    """What it was is for the look to find out."""
    path = inbox / "p003.toml"
    path.write_bytes(REQUEST)
    path.chmod(0o600)
    path.unlink()
    (inbox / "PAUSE").mkdir()

    assert watch.hears("PAUSE")
    kinds = {kind for kind, _, woke in watch.heard if woke}
    assert {"created", "modified", "deleted"} <= kinds


def test_starting_wakes_once(inbox: Path) -> None:
    """Whatever lay there before no event tells of; a watch that lives is left alone."""
    wake = threading.Event()
    watch = Watch((inbox,), wake)
    watch.revive()
    assert wake.is_set()
    wake.clear()
    observer = watch._observer

    watch.revive()

    assert not wake.is_set()
    assert watch._observer is observer
    watch.stop()
    watch.stop()


def test_a_folder_deleted_and_made_again_is_watched_again(inbox: Path, watch: HeardWatch) -> None:
    """Though the new one may have the inode of the old one."""
    assert watch._observer
    emitters = list(watch._observer.emitters)
    shutil.rmtree(inbox)
    inbox.mkdir()
    for emitter in emitters:
        emitter.join(SECONDS)

    watch.revive()
    path = rename_in(inbox, "p003.toml")

    assert watch.hears("p003.toml")
    assert fingerprint(path) in watch.whole


def test_another_folder_in_its_place_is_watched(
    tmp_path: Path, inbox: Path, watch: HeardWatch
) -> None:
    """The old one was moved away, and came back after a while."""
    for place in (tmp_path / "away", tmp_path / "second"):
        inbox.rename(place)
        if (tmp_path / "away").exists() and place.name == "second":
            (tmp_path / "away").rename(inbox)
        else:
            inbox.mkdir()
        watch.revive()
        watch.heard.clear()
        rename_in(inbox, "p003.toml")

        assert watch.hears("p003.toml")


def test_a_folder_that_is_not_there_is_watched_when_it_comes(tmp_path: Path, inbox: Path) -> None:
    """Its volume is mounted later; until then nothing is raised, and nobody is kept awake."""
    watch = HeardWatch(inbox, tmp_path / "inbox" / "urgent")
    watch.revive()
    watch.wake.clear()
    watch.revive()
    assert not watch.wake.is_set()

    (inbox / "urgent").mkdir()
    watch.revive()
    rename_in(inbox / "urgent", "p003.toml")

    assert watch.hears("p003.toml")
    watch.stop()


def test_a_dead_observer_is_revived(inbox: Path, watch: HeardWatch) -> None:
    """It ended without a word, as observers do."""
    assert watch._observer
    watch._observer.stop()
    watch._observer.join(SECONDS)

    watch.revive()
    rename_in(inbox, "p003.toml")

    assert watch.hears("p003.toml")


def test_a_dead_emitter_is_revived(inbox: Path, watch: HeardWatch) -> None:
    """The observer lives on, and hears nothing any more."""
    assert watch._observer
    for emitter in list(watch._observer.emitters):
        emitter.stop()
        emitter.join(SECONDS)

    watch.revive()
    rename_in(inbox, "p003.toml")

    assert watch.hears("p003.toml")


@contextlib.contextmanager
def no_more_files() -> Iterator[None]:
    """Let this process open nothing more."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@needs_inotify
def test_a_system_that_allows_no_observer_keeps_nobody_awake(
    inbox: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The rescan finds what is dropped; it is said once, tried again, and not in a hurry."""
    watch = HeardWatch(inbox)

    with no_more_files():
        for _ in range(3):
            watch.revive()

    assert not watch.wake.is_set()
    assert [record.getMessage() for record in caplog.records] == [
        f"no events from {inbox} (inotify instance limit reached): only rescans"
    ]

    watch.revive()
    rename_in(inbox, "p003.toml")

    assert watch.hears("p003.toml")
    watch.stop()


class Vanished(PosixPath):
    """A folder that was there when it was looked for, and is gone when it is to be watched."""

    def is_dir(self) -> bool:
        """Say what was so a moment ago."""
        return True


@needs_inotify
def test_an_observer_that_cannot_start_leaves_nothing_behind(tmp_path: Path) -> None:
    """Else a folder that cannot be watched would cost a thread at every look."""
    watch = Watch((Vanished(tmp_path / "gone"),), threading.Event())
    before = threading.active_count()

    for _ in range(3):
        watch.revive()

    assert threading.active_count() == before


@needs_inotify
def test_a_claim_does_not_hold_back_the_next_drop(tmp_path: Path) -> None:
    """When a file leaves the inbox: the library would wait half a second for its arrival."""
    inbox, wake = tmp_path / "inbox", threading.Event()
    inbox.mkdir()
    watch = Watch((inbox,), wake)
    watch.revive()

    assert InotifyMoveEventGrouper()._queue.delay == PAIR_SECONDS
    watch.stop()


# Does it hear anything at all?


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """Return the folder beside the inbox in which the canary sings."""
    folder = tmp_path / ".plasma"
    folder.mkdir()
    return folder


def test_a_canary_that_is_heard_means_events(inbox: Path, private: Path) -> None:
    """It leaves nothing behind, and what is ours around it is not even told."""
    wake = threading.Event()
    watch = Watch((inbox,), wake, private / "events" / "canary")
    watch.revive()
    while watch._sung_at:
        wake.wait(0.005)
    wake.clear()
    (private / "needs.json").write_text("{}")
    (inbox / "p003.toml").touch()

    assert wake.wait(SECONDS)
    assert not watch.is_polling
    assert sorted(private.rglob("*")) == [private / "events", private / "needs.json"]
    watch.stop()


def test_a_canary_that_nobody_hears_means_polling(
    inbox: Path, private: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """F7: on a network volume no event comes; after a while that is noticed, and told once."""
    clock = Clock()
    watch = Watch((inbox,), threading.Event(), private / "events" / "canary", clock)
    watch.dispatch = lambda event: None  # type: ignore[method-assign]  # noqa: ARG005 - the library's
    watch.revive()
    watch.revive()
    assert not watch.is_polling
    clock.now += 6

    watch.revive()
    watch.revive()

    assert watch.is_polling
    assert [r.message for r in caplog.records] == [
        f"no events come from {inbox}: it is read often instead"
    ]
    watch.stop()


def test_a_canary_that_is_heard_again_ends_the_polling(inbox: Path, private: Path) -> None:
    """The volume is another one now."""
    watch = Watch((inbox,), threading.Event(), private / "events" / "canary")
    watch.is_polling = True

    watch.revive()

    while watch.is_polling:
        watch._wake.wait(0.005)
    watch.stop()


def test_a_canary_with_nowhere_to_sing_is_no_harm(inbox: Path, tmp_path: Path) -> None:
    """The folder was thrown away."""
    watch = Watch((inbox,), threading.Event(), tmp_path / "missing" / "events" / "canary")

    watch.revive()

    assert watch._observer
    watch.stop()
