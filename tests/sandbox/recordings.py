"""What the real engine said: recordings, and where another engine's words differ from them.

A recording is a file of JSON lines: what was asked over HTTP, what was answered, which frames came.
Time, chance and weather are not compared: timestamps, ids, numbers that go on counting from
before, addresses of objects, the text of tracebacks, free memory, and the order of sets.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "recordings" / "comfyui"

ANY_NUMBER = {"ram_total", "ram_free", "vram_total", "vram_free", "timestamp"}
ANY_NUMBER |= {"torch_vram_total", "torch_vram_free"}
ANY_TEXT = {"python_version", "pytorch_version"}
IN_ANY_ORDER = {"executed", "current_outputs", "dependent_outputs", "errors"}
NOT_COMPARED = {"argv", "devices", "tooltip", "description", "output_tooltips", "traceback"}
COUNTED = re.compile(r"(.*_)(\d{5,})_\.png", re.DOTALL)
TEMPORARY = re.compile(r"ComfyUI_temp_[a-z]{5}_")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
OBJECT = re.compile(r"<.* object at 0x|tensor\(")
LOCAL = re.compile(r"(?<=commonpath: )/\w*$|(?<=^Weights only load failed\.) .*", re.DOTALL)
"""What hangs on where an engine lives, or on PyTorch's words."""
ITEM_LENGTH = 5


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a recording."""

    kind: str
    told: Mapping[str, Any]


def read(name: str) -> tuple[Event, ...]:
    """Read a recording."""
    lines = (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()
    return tuple(Event(told["kind"], told) for told in map(json.loads, lines))


@dataclass(slots=True)
class Comparison:
    """Compares value by value; it remembers what was counted, for only the distances count."""

    starts: dict[str, int] = field(default_factory=dict)
    """For each counter, how far the two engines are apart."""

    def differences(self, recorded: Any, heard: Any, where: str = "") -> Iterator[str]:
        """List where two answers say different things."""
        if isinstance(recorded, dict) and isinstance(heard, dict):
            yield from self._of_objects(recorded, heard, where)
        elif isinstance(recorded, list) and isinstance(heard, list):
            yield from self._of_lists(recorded, heard, where)
        elif isinstance(recorded, str) and isinstance(heard, str):
            yield from self._of_texts(recorded, heard, where)
        elif (type(recorded), recorded) != (type(heard), heard) and recorded == recorded:  # noqa: PLR0124 - NaN
            yield f"{where}: {recorded!r} was recorded, {heard!r} heard"

    def _of_objects(
        self, recorded: Mapping[str, Any], heard: Mapping[str, Any], where: str
    ) -> Iterator[str]:
        if recorded.keys() != heard.keys():
            yield f"{where}: keys {sorted(recorded)} were recorded, {sorted(heard)} heard"
        for key in recorded.keys() & heard.keys():
            yield from self._of_entries(key, recorded[key], heard[key], f"{where}.{key}")

    def _of_entries(self, key: str, recorded: Any, heard: Any, where: str) -> Iterator[str]:
        if key in NOT_COMPARED:
            return
        if key in ANY_NUMBER or key in ANY_TEXT:
            kind = int if key in ANY_NUMBER else str
            if not isinstance(recorded, kind) or not isinstance(heard, kind):
                yield f"{where}: {recorded!r} was recorded, {heard!r} heard"
        elif key == "number":
            yield from self._of_counts("number", recorded, heard, where)
        elif key in IN_ANY_ORDER and isinstance(heard, list):
            yield from self.differences(_sorted(recorded), _sorted(heard), where)
        else:
            yield from self.differences(recorded, heard, where)

    def _of_lists(self, recorded: list[Any], heard: list[Any], where: str) -> Iterator[str]:
        if len(recorded) != len(heard):
            yield f"{where}: {len(recorded)} were recorded, {len(heard)} heard: {heard}"
            return
        if len(recorded) == ITEM_LENGTH and isinstance(recorded[0], int | float):
            yield from self._of_counts("number", recorded[0], heard[0], f"{where}[0]")
            recorded, heard = recorded[1:], heard[1:]
        for index, (one, other) in enumerate(zip(recorded, heard, strict=True)):
            yield from self.differences(one, other, f"{where}[{index}]")

    def _of_texts(self, recorded: str, heard: str, where: str) -> Iterator[str]:
        if OBJECT.match(recorded):
            return
        numbered, counted = COUNTED.fullmatch(recorded), COUNTED.fullmatch(heard)
        if numbered and counted:
            stem = _plain(numbered[1])
            yield from self._of_counts(stem, int(numbered[2]), int(counted[2]), where)
            recorded, heard = numbered[1], counted[1]
        if _plain(recorded) != _plain(heard):
            yield f"{where}: {recorded!r} was recorded, {heard!r} heard"

    def _of_counts(self, counter: str, recorded: float, heard: float, where: str) -> Iterator[str]:
        if isinstance(recorded, float):  # given by the client
            yield from self.differences(recorded, heard, where)
            return
        apart = int(abs(heard) - abs(recorded))
        if self.starts.setdefault(counter, apart) != apart:
            yield f"{where}: {counter} {recorded} was recorded, {heard} heard"


def _sorted(values: list[Any]) -> list[Any]:
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))


def _plain(text: str) -> str:
    return LOCAL.sub("", DATE.sub("DATE", TEMPORARY.sub("ComfyUI_temp_", text))).strip()
