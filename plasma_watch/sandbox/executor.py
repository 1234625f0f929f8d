"""One ticket from start to end: which node next, what becomes of it, what need not run."""

import logging
import time
from functools import partial

from plasma_watch.sandbox import frames, painter
from plasma_watch.sandbox.bench import Bench, Draw
from plasma_watch.sandbox.cache import Kept, Shown
from plasma_watch.sandbox.faults import Interrupted
from plasma_watch.sandbox.graph import Json, said
from plasma_watch.sandbox.inputs import contents_of, gather, hidden_inputs, refuse_unlinked
from plasma_watch.sandbox.mischief import nodes as mischief
from plasma_watch.sandbox.mischief.running import at_step, timestamp
from plasma_watch.sandbox.nodes import NODES
from plasma_watch.sandbox.plan import Plan, plan
from plasma_watch.sandbox.surroundings import Surroundings
from plasma_watch.sandbox.telling import Telling
from plasma_watch.sandbox.tickets import Outcome, Ticket

log = logging.getLogger(__name__)


class Run:
    """One ticket being run; it changes as its nodes are done."""

    def __init__(self, ticket: Ticket, around: Surroundings, kept: Kept) -> None:
        self._ticket = ticket
        self._graph = ticket.graph
        self._around = around
        self._kept = kept
        client = said(ticket.extra_data, "client_id")
        now = partial(timestamp, around.script)
        self._telling = Telling(ticket.prompt_id, ticket.graph, client, around.send, now)
        self._contents = contents_of(ticket.graph, around.catalog.folders)

    def to_end(self) -> Outcome:
        """Run what is not cached, and tell how it ended."""
        self._around.interrupt.forget()
        self._around.stage.client = self._telling.client
        self._telling.began()
        self._kept.take_up(self._graph, self._contents)
        self._telling.cached(self._kept.cached(self._graph))
        success = self._run_all(self._plan())
        self._around.stage.node = None
        seen = {n: shown for n in self._graph if (shown := self._kept.seen(n)) is not None}
        return Outcome(
            success,
            self._telling.messages,
            {node_id: shown.output for node_id, shown in seen.items()},
            {node_id: shown.meta for node_id, shown in seen.items()},
        )

    def _plan(self) -> Plan:
        outputs = {node_id for node_id in self._graph if self._face(node_id)["output_node"]}
        return plan(self._graph, self._ticket.outputs, outputs, self._kept.holds)

    def _run_all(self, waiting: Plan) -> bool:
        while waiting.waits:
            node_id = waiting.pick()
            if node_id is None:
                self._telling.waits_for_itself(next(iter(waiting.waits)))
                return False
            if not self._run(node_id):
                return False
            waiting.done(node_id)
        self._telling.succeeded()
        return True

    def _run(self, node_id: str) -> bool:
        if self._kept.holds(node_id):
            shown = self._kept.seen(node_id)
            self._telling.executed(node_id, shown.output if shown else None)
        elif not self._succeeds(node_id):
            return False
        self._telling.finished(node_id)
        return True

    def _succeeds(self, node_id: str) -> bool:
        self._telling.started(node_id)
        inputs: Json = {}
        try:
            inputs |= self._inputs(node_id)
            self._perform(node_id, inputs)
        except Interrupted:
            self._telling.interrupted(node_id)
            return False
        except Exception as exc:
            log.exception("!!! Exception during processing !!!")
            self._telling.failed(node_id, inputs, exc)
            return False
        self._telling.done.append(node_id)
        return True

    def _perform(self, node_id: str, inputs: Json) -> None:
        if self._telling.client is not None:
            self._around.stage.node = node_id
        self._telling.executing(node_id)
        self._around.interrupt.grant()
        refuse_unlinked(self._graph[node_id], self._face(node_id))
        class_type = self._graph[node_id]["class_type"]
        memory = self._kept.memory(node_id, class_type)
        bench = Bench(self._around.catalog.folders, memory, partial(self._step, node_id))
        mischief.before(self._around.script, class_type)
        made = NODES[class_type](bench, **inputs)
        made = mischief.after(self._around.script, bench.folders, class_type, made)
        if made.shown:
            self._kept.show(node_id, Shown(made.shown, _meta(node_id)))
            self._telling.executed(node_id, made.shown)
        self._kept.keep(node_id, made.outputs)

    def _inputs(self, node_id: str) -> Json:
        face = self._face(node_id)
        hidden: Json = {}
        if "hidden" in face["input"]:
            hidden = hidden_inputs(self._graph, self._contents, self._ticket.extra_data)
        return gather(self._graph[node_id], face, self._kept.made, hidden)

    def _step(self, node_id: str, value: int, maximum: int, draw: Draw | None) -> None:
        time.sleep(self._around.seconds_per_step)
        self._around.interrupt.grant()
        at_step(self._around.script, self._around.interrupt, self._around.forget)
        self._telling.advanced(node_id, value, maximum)
        jpeg = b""
        if self._around.previews and draw:
            jpeg = painter.glimpse(draw(), value / maximum)
        client = self._telling.client
        informed = self._around.wants_metadata(client)
        if jpeg and informed:
            origin = self._telling.origin(node_id)
            self._around.send(frames.preview_with_metadata(jpeg, origin, client))
        self._telling.counted(node_id, value, maximum)
        if jpeg and not informed:
            self._around.send(frames.preview(jpeg, client))

    def _face(self, node_id: str) -> Json:
        return self._around.catalog.face(self._graph[node_id]["class_type"])


def _meta(node_id: str) -> Json:
    return {
        "node_id": node_id,
        "display_node": node_id,
        "parent_node": None,
        "real_node_id": node_id,
    }
