"""Whatever is dropped, moved, cancelled, retried and paused, in whatever order: nothing is lost."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from plasma_watch.control import Running
from plasma_watch.job import Ending, State
from plasma_watch.line import Ongoing
from plasma_watch.status import of_running
from tests.fakes.desk import Desk
from tests.fakes.home import a_home, drop

FOLDERS = {"inbox": State.WAITING.value}
NAMES = st.sampled_from(["a", "b", "c"])


class InboxMachine(RuleBasedStateMachine):
    """A person, a pipeline and a worker at one real home.

    Its state is the model: which requests there are, and in which state each must be.
    """

    is_hinted = False

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.home = a_home(self.root)
        self.desk = Desk(self.home, is_hinted=self.is_hinted)
        self.ongoing: Ongoing | None = None
        self.states: dict[bytes, State] = {}
        self.now = 0.0
        self.dropped = 0

    def teardown(self) -> None:
        """Remove the home."""
        shutil.rmtree(self.root)

    def look(self) -> None:
        """Look until everything has stood still."""
        self.now += 10
        self.desk.settle(self.now)

    def remove(self, path: Path) -> None:
        """Take a request away for good."""
        if path.exists():
            del self.states[path.read_bytes()]
            path.unlink()

    def running(self) -> bytes:
        """Return the request that is begun."""
        assert self.ongoing
        return self.ongoing.request.read_bytes()

    @rule(name=NAMES, is_good=st.booleans(), urgent=st.booleans())
    def write(self, name: str, is_good: bool, urgent: bool) -> None:  # noqa: FBT001 - drawn
        """Drop a request, new or over one that waits."""
        self.dropped += 1
        kind = "generate" if is_good else "unheard of"
        content = f'kind = "{kind}"\nprompt = "{self.dropped}"\n'.encode()
        file = f"urgent/{name}.toml" if urgent else f"{name}.toml"
        self.remove(self.home.inbox / file)
        drop(self.home, file, content)
        self.states[content] = State.WAITING if is_good else State.FAILED
        self.look()

    @rule(name=NAMES)
    def make_urgent(self, name: str) -> None:
        """Move a request to urgent/, over one that waits there."""
        if (self.home.inbox / f"{name}.toml").exists():
            self.remove(self.home.urgent / f"{name}.toml")
            (self.home.inbox / f"{name}.toml").rename(self.home.urgent / f"{name}.toml")
        self.look()

    @rule(name=NAMES)
    def take_away(self, name: str) -> None:
        """Take a request out of the inbox."""
        self.remove(self.home.inbox / f"{name}.toml")
        self.look()

    @rule(name=NAMES, end=st.sampled_from([State.DONE, State.FAILED, State.CANCELLED]))
    def retry(self, name: str, end: State) -> None:
        """Move a request that ended back into the inbox, unless one of its name waits there."""
        target = self.home.inbox / f"{name}.toml"
        ended = sorted((self.home.root / end.value).glob(f"*/{name}.toml"))
        if ended and not target.exists():
            content = ended[0].read_bytes()
            ended[0].rename(target)
            is_good = b"unheard of" not in content
            self.states[content] = State.WAITING if is_good else State.FAILED
        self.look()

    @rule(name=NAMES)
    def cancel(self, name: str) -> None:
        """Cancel everything of a name, later than anything that was dropped."""
        cancel = drop(self.home, f"{name}.cancel", b"")
        for item in self.desk.line.named(name):
            self.states[item.path.read_bytes()] = State.CANCELLED
            while cancel.stat().st_ctime_ns < item.changed_ns:
                os.utime(cancel)
        self.look()

        assert self.desk.line.named(name) == []
        running = self.desk.control.running
        assert self.desk.control.is_cancelled() >= (running is not None and running.name == name)

    @rule()
    def pause_or_go_on(self) -> None:
        """Put PAUSE there, or take it away."""
        pause = self.home.inbox / "PAUSE"
        pause.unlink() if pause.exists() else pause.touch()
        self.look()

        assert self.desk.inbox.is_paused == pause.exists()

    @precondition(lambda self: self.ongoing is None and len(self.desk.line) > 0)
    @rule()
    def begin(self) -> None:
        """Begin the next job, as the worker does."""
        item = self.desk.line.first(1)[0]
        self.ongoing = self.desk.line.claim(item)
        assert self.ongoing
        self.states[self.running()] = State.RUNNING
        self.desk.control.begin(Running(item.id, item.name, item.changed_ns))
        self.desk.board.show(of_running(self.ongoing.job, "begun"))

    @precondition(lambda self: self.ongoing is not None)
    @rule(end=st.sampled_from([State.DONE, State.FAILED]))
    def end(self, end: State) -> None:
        """End the job that runs; a cancel that was asked for wins."""
        assert self.ongoing
        state = State.CANCELLED if self.desk.control.is_cancelled() else end
        self.states[self.running()] = state
        self.desk.line.finish(self.ongoing, Ending(state, "ended"), self.desk.inbox.announce)
        self.ongoing = None
        self.desk.control.end()
        self.look()

    @precondition(lambda self: self.ongoing is not None and not self.desk.control.is_cancelled())
    @rule()
    def step_back(self) -> None:
        """Put the job that runs back into the line, or end it if a newer file has its place."""
        assert self.ongoing
        inbox = self.home.urgent if self.ongoing.job.urgent else self.home.inbox
        has_its_place = (inbox / self.ongoing.job.file).exists()
        self.states[self.running()] = State.CANCELLED if has_its_place else State.WAITING
        told = replace(of_running(self.ongoing.job, "not yet"), state=State.WAITING)
        self.desk.board.show(told)
        self.desk.line.put_back(self.ongoing, self.desk.inbox.announce)
        self.ongoing = None
        self.desk.control.end()
        self.look()

    @precondition(lambda self: self.ongoing is None and len(self.desk.line) > 0)
    @rule()
    def die_in_a_claim(self) -> None:
        """Die when the journal is written and the request has not come in."""
        item = self.desk.line.first(1)[0]
        (self.home.running / item.id).mkdir()
        (self.home.running / item.id / "job.toml").write_text("half a jour")
        self.restart()

    @precondition(lambda self: self.ongoing is not None)
    @rule(end=st.sampled_from([State.DONE, State.FAILED]))
    def die_in_an_end(self, end: State) -> None:
        """Die when the ending is in the journal and the folder has not moved; it ends so."""
        assert self.ongoing
        self.states[self.running()] = end
        ending = Ending(end, "ended")
        self.ongoing.keep(replace(self.ongoing.job, ending=ending))
        self.restart()
        self.desk.line.finish(self.ongoing, ending, self.desk.inbox.announce)
        self.ongoing = None
        self.desk.control.end()
        self.look()

    @rule()
    def restart(self) -> None:
        """Die and start anew."""
        self.desk = Desk(self.home, is_hinted=self.is_hinted)
        self.ongoing = next(iter(self.desk.line.unfinished()), None)
        if self.ongoing is not None:
            self.desk.control.begin(Running(self.ongoing.job.id, self.ongoing.job.name))
        self.look()

    @invariant()
    def every_request_is_in_the_one_folder_of_its_state(self) -> None:
        """Byte for byte as it was dropped, unless somebody took it away or wrote over it."""
        found = [
            (path.read_bytes(), FOLDERS.get(folder.name, folder.name))
            for folder in self.home.spool()
            for path in folder.rglob("*.toml")
            if path.name != "job.toml"
        ]

        assert sorted(found) == sorted((content, s.value) for content, s in self.states.items())

    @invariant()
    def what_lies_in_the_inbox_is_in_the_line(self) -> None:
        """Everything good and nothing else, each under an id of its own."""
        items = self.desk.line.waiting()

        assert {item.path for item in items} == set(self.home.inbox.rglob("*.toml"))
        assert len({item.id for item in items}) == len(items)

    @invariant()
    def what_is_told_is_so(self) -> None:
        """A status says waiting of what waits, and anything else of what does not."""
        waiting = {item.id for item in self.desk.line.waiting()}
        for path in self.home.status.glob("*.toml"):
            told = self.desk.told(path.stem)

            assert (told["state"] == "waiting" and told["job"] in waiting) or (
                told["state"] != "waiting" and told["job"] not in waiting
            )

    @invariant()
    def a_cancel_stays_only_while_its_job_runs(self) -> None:
        """Else it would cancel what comes later."""
        names = {path.stem for path in self.home.inbox.glob("*.cancel")}

        assert names <= {self.ongoing.job.name if self.ongoing else ""}


class HintedMachine(InboxMachine):
    """The same, when each look but the first reads only what events named."""

    is_hinted = True


TestInbox = InboxMachine.TestCase
TestHintedInbox = HintedMachine.TestCase
TestInbox.settings = TestHintedInbox.settings = settings(max_examples=25, stateful_step_count=25)
