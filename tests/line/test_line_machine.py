"""Whatever happens in whatever order: a request is in exactly one of the folders."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from plasma_watch.job import Ending, State, job_id
from plasma_watch.line import Line, Ongoing, Spot
from tests.fakes.home import NOON, a_home, waiting

PLACES = st.sampled_from(["a.toml", "b.toml", "urgent/a.toml", "urgent/c.toml"])
ENDS = st.sampled_from([State.DONE, State.FAILED, State.CANCELLED])


@dataclass
class Model:
    """Where each request has to be: by its place in the inbox, by its job, by how it ended."""

    inbox: dict[str, bytes] = field(default_factory=dict)
    checked: dict[str, bytes] = field(default_factory=dict)
    running: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    ended: dict[str, tuple[State, bytes]] = field(default_factory=dict)


class LineMachine(RuleBasedStateMachine):
    """A real home beside the model; every request has content of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.home = a_home(self.root)
        self.line = Line(self.home)
        self.ongoing: dict[str, Ongoing] = {}
        self.model = Model()
        self.dropped = 0

    def teardown(self) -> None:
        """Remove the home."""
        shutil.rmtree(self.root)

    def look(self, place: str) -> None:
        """Do what the inbox does with a file that it finds whole and good."""
        path = self.home.inbox / place
        job = job_id(path.stem, NOON, self.line.is_taken)
        self.line.admit(waiting(path, job=job))
        self.model.checked[place] = self.model.inbox[place]

    @rule(place=PLACES)
    def write(self, place: str) -> None:
        """Somebody writes a request, new or over one that waits; nobody has looked at it yet."""
        self.dropped += 1
        content = b"request %d" % self.dropped
        (self.home.inbox / place).write_bytes(content)
        self.model.inbox[place] = content

    @rule(place=PLACES)
    def drop(self, place: str) -> None:
        """Somebody drops a request and it is seen whole."""
        self.write(place)
        self.look(place)

    @rule(place=PLACES)
    def take_away(self, place: str) -> None:
        """Somebody takes a request out of the inbox; the line hears of it, or finds out."""
        (self.home.inbox / place).unlink(missing_ok=True)
        self.model.inbox.pop(place, None)

    @rule(place=PLACES)
    def forget(self, place: str) -> None:
        """Tell the line that a request is no longer to be run."""
        self.line.forget(Spot.of(self.home.inbox / place))
        self.model.checked.pop(place, None)

    @precondition(lambda self: len(self.line) > 0)
    @rule()
    def claim(self) -> None:
        """Begin the next job, if its file is there and is what was checked."""
        item = self.line.first(1)[0]
        place = str(item.path.relative_to(self.home.inbox))
        found, checked = self.model.inbox.get(place), self.model.checked[place]
        if found is not None:
            del self.model.checked[place]

        ongoing = self.line.claim(item)

        assert (ongoing is not None) == (found == checked)
        if ongoing:
            self.ongoing[item.id] = ongoing
            self.model.running[item.id] = (place, self.model.inbox.pop(place))

    @precondition(lambda self: len(self.line) > 0)
    @rule(end=st.sampled_from([State.FAILED, State.CANCELLED]))
    def refuse(self, end: State) -> None:
        """End the next job without having begun it."""
        item = self.line.first(1)[0]
        place = str(item.path.relative_to(self.home.inbox))
        found, checked = self.model.inbox.get(place), self.model.checked[place]
        if found is not None:
            del self.model.checked[place]

        was_there = self.line.refuse(item, Ending(end, "refused"), lambda _: None)

        assert was_there == (found == checked)
        if was_there:
            self.model.ended[item.id] = (end, self.model.inbox.pop(place))

    @precondition(lambda self: bool(self.ongoing))
    @rule(data=st.data(), end=ENDS)
    def finish(self, data: st.DataObject, end: State) -> None:
        """Bring a job that runs to its end."""
        job = data.draw(st.sampled_from(sorted(self.ongoing)))
        _, content = self.model.running.pop(job)
        self.line.finish(self.ongoing.pop(job), Ending(end, "ended"))
        self.model.ended[job] = (end, content)

    @precondition(lambda self: bool(self.ongoing))
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        """Let a job step back; it ends if a newer file has its place."""
        job = data.draw(st.sampled_from(sorted(self.ongoing)))
        place, content = self.model.running.pop(job)
        if place in self.model.inbox:
            self.model.ended[job] = (State.CANCELLED, content)
        else:
            self.model.inbox[place] = content
        self.line.put_back(self.ongoing.pop(job))

    @rule()
    def restart(self) -> None:
        """Die and start anew, knowing what the folders tell and nothing else."""
        self.line = Line(self.home)
        self.ongoing = {ongoing.job.id: ongoing for ongoing in self.line.unfinished()}
        self.model.checked = {}
        for place in self.model.inbox:
            self.look(place)

        assert set(self.ongoing) == set(self.model.running)

    @invariant()
    def every_request_is_in_exactly_one_folder(self) -> None:
        """Hold the five folders against the model, byte for byte."""
        assert self._contents("inbox") == sorted(self.model.inbox.values())
        assert self._contents("running") == sorted(c for _, c in self.model.running.values())
        for end in (State.DONE, State.FAILED, State.CANCELLED):
            expected = sorted(c for state, c in self.model.ended.values() if state is end)
            assert self._contents(end.value) == expected

    def _contents(self, folder: str) -> list[bytes]:
        found = (self.home.root / folder).rglob("*.toml")
        return sorted(path.read_bytes() for path in found if path.name != "job.toml")

    @invariant()
    def the_line_knows_what_was_checked(self) -> None:
        """And nothing that left it."""
        waiting = {str(i.path.relative_to(self.home.inbox)) for i in self.line.waiting()}

        assert waiting == set(self.model.checked)

    @invariant()
    def only_what_failed_says_why(self) -> None:
        """And every job folder has its journal."""
        failed = {job for job, (state, _) in self.model.ended.items() if state is State.FAILED}
        whys = {path.parent.name for path in self.home.root.rglob("why.txt")}
        journals = {path.parent.name for path in self.home.root.rglob("job.toml")}

        assert whys == failed
        assert journals == {*self.model.running, *self.model.ended}


TestLine = LineMachine.TestCase
TestLine.settings = settings(max_examples=30, stateful_step_count=30)
