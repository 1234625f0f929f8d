"""The data of the gallery on the disk, as scripts that a page loads without a server.

    data/groups.js               every group: its title, and of each of its files what is in it
    data/ch-01-0003.js           rows, at most `ROWS` of them, a line each
    data/ch-01-0003.more.js      the manifests of the same pictures, a line each

What is said of a group in `groups.js` is added up from its files, each counted when it is written:
so a picture more costs one file of rows, however many there are. Everything is JSON in ASCII; a
request's words are texts in it. Each file is written whole; all can be thrown away.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from plasma_watch.report.gallery.entry import Entry
from plasma_watch.system import files

ROWS = 200
"""How many pictures one file holds."""
GROUPS = "groups.js"
_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}", re.ASCII)
TAKEN = frozenset({"failures"})
"""A page of its own is called so, and no group's."""
_ROOT = "_root"
"""The group of what lies in the output folder itself; no other is called so."""
_CHAPTER = re.compile(r"ch-(\d+)", re.ASCII)

Row = dict[str, Any]


def told_of(rows: Iterable[Row]) -> dict[str, Any]:
    """Return what `groups.js` says of one file of rows."""
    held = list(rows)
    newest = max(held, key=lambda row: (not row["sheet"], row["made"]), default={})
    content = "\n".join(row["seen"] for row in held)
    cover = {key: newest[key] for key in ("thumb", "width", "height", "made") if key in newest}
    return {
        "rows": len(held),
        "approved": sum(bool(row["approved"]) for row in held),
        "cover": cover,
        "stamp": hashlib.sha256(content.encode()).hexdigest()[:12],
    }


def slug_of(group: str) -> str:
    """Return how the files of a group are called; no two groups are called the same."""
    if not group:
        return _ROOT
    if _PLAIN.fullmatch(group) and group not in TAKEN:
        return group
    plain = re.sub(r"[^a-z0-9]+", "-", group.lower(), flags=re.ASCII).strip("-")[:40]
    return f"{plain or 'folder'}--{hashlib.sha256(group.encode()).hexdigest()[:8]}"


def group_of(name: str) -> str:
    """Return the group of an entry: the first folder of its path."""
    first, slash, _ = name.partition("/")
    return first if slash else ""


def title_of(group: str) -> str:
    """Return what people call a group."""
    if not group:
        return "Other pictures"
    found = _CHAPTER.fullmatch(group)
    return f"Chapter {int(found[1])}" if found else group


class Cabinet:
    """The data folder. It holds nothing that the files do not: its state is what they said."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.groups: dict[str, dict[str, Any]] = _read_groups(folder / GROUPS)
        """Group to what is told of it: title, slug, shelves."""

    def rows(self) -> Iterator[tuple[str, int, Row]]:
        """Yield every row, with its group and the number of its file."""
        for group in self.groups:
            for number in self._numbers(group):
                lines = _lines(self._rows_file(group, number)).values()
                yield from ((group, number, json.loads(line)) for line in lines)

    def where(self, group: str, names: Iterable[str]) -> dict[str, int]:
        """Return in which file of a group each entry is that is there already."""
        wanted = {name: _beginning(name) for name in names}
        found: dict[str, int] = {}
        for number in self._numbers(group):
            content = _content(self._rows_file(group, number))
            found |= {name: number for name, begin in wanted.items() if begin in content}
        return found

    def apply(
        self, group: str, entries: Iterable[Entry], gone: Iterable[str], where: Mapping[str, int]
    ) -> None:
        """Put entries into a group and take others out of it; write the files that change."""
        changes: dict[int, tuple[list[Entry], list[str]]] = {}
        numbers = self._numbers(group)
        last = numbers[-1] if numbers else 1
        count = self._told(group)["shelves"].get(str(last), {}).get("rows", 0)
        for entry in entries:
            number = where.get(entry.id)
            if number is None:
                last, count = (last, count + 1) if count < ROWS else (last + 1, 1)
                number = last
            changes.setdefault(number, ([], []))[0].append(entry)
        for name in gone:
            changes.setdefault(where[name], ([], []))[1].append(name)
        for number, (new, old) in changes.items():
            self._change(group, number, new, old)

    def _change(self, group: str, number: int, new: list[Entry], gone: list[str]) -> None:
        """Write a file of rows anew; what does not change of it is not read, only copied."""
        told = self._told(group)
        rows = _lines(self._rows_file(group, number))
        more = _lines(self._more_file(group, number))
        for entry in new:
            rows[entry.id] = _json({"id": entry.id} | dict(entry.row))
            more[entry.id] = _json({"id": entry.id} | dict(entry.more))
        for name in gone:
            rows.pop(name, None)
            more.pop(name, None)
        call = f"({_json(told['slug'])}, {number}, "
        # The manifests first: whoever finds a row finds its manifest.
        _write(self._more_file(group, number), f"plasma.more{call}", more.values())
        _write(self._rows_file(group, number), f"plasma.rows{call}", rows.values())
        told["shelves"][str(number)] = told_of(map(json.loads, rows.values()))

    def tell(self, about: Mapping[str, Any]) -> None:
        """Write what is told of all groups, and of the gallery as a whole; empty groups go."""
        for group in [group for group, told in self.groups.items() if not _many(told)]:
            del self.groups[group]
        told = {"about": dict(about), "groups": self.groups}
        text = f"plasma.groups(\n{_json(told)}\n);\n"
        if text.encode() != _content(self._folder / GROUPS):
            files.write_whole(self._folder / GROUPS, text.encode())

    def _told(self, group: str) -> dict[str, Any]:
        new = {"slug": slug_of(group), "title": title_of(group), "shelves": {}}
        return self.groups.setdefault(group, new)

    def _numbers(self, group: str) -> list[int]:
        return sorted(int(number) for number in self.groups.get(group, {}).get("shelves", {}))

    def _rows_file(self, group: str, number: int) -> Path:
        return self._folder / f"{slug_of(group)}-{number:04d}.js"

    def _more_file(self, group: str, number: int) -> Path:
        return self._folder / f"{slug_of(group)}-{number:04d}.more.js"

    def tidy(self) -> None:
        """Remove the files of groups and numbers that are no more."""
        kept = {self._folder / GROUPS}
        for group in self.groups:
            for number in self._numbers(group):
                kept |= {self._rows_file(group, number), self._more_file(group, number)}
        for path in set(self._folder.glob("*.js")) - kept:
            path.unlink(missing_ok=True)


def _write(path: Path, call: str, lines: Iterable[str]) -> None:
    body = ",\n".join(lines)
    files.write_whole(path, f"{call}[\n{body}\n]);\n".encode())


def _lines(path: Path) -> dict[str, str]:
    """Return the lines of a file by the entry that each is about."""
    lines = _content(path).decode("ascii", "replace").splitlines()
    return {_ID.raw_decode(line, 6)[0]: line.rstrip(",") for line in lines if line[:1] == "{"}


_ID = json.JSONDecoder()


def _many(told: Mapping[str, Any]) -> int:
    return sum(shelf["rows"] for shelf in told["shelves"].values())


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _beginning(name: str) -> bytes:
    return f'\n{{"id":{json.dumps(name)},'.encode()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _read_groups(path: Path) -> dict[str, dict[str, Any]]:
    """Return what was told of the groups; nothing when it is damaged: it is made anew then."""
    lines = _content(path).splitlines()
    try:
        groups = json.loads(lines[1])["groups"]
        is_whole = all(map(_is_whole, groups.values()))
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}
    return groups if is_whole else {}


def _is_whole(told: Mapping[str, Any]) -> bool:
    counts = [shelf[key] for shelf in told["shelves"].values() for key in ("rows", "approved")]
    names = [told["slug"], told["title"]]
    return (
        all(isinstance(count, int) for count in counts)
        and all(isinstance(name, str) for name in names)
        and all(number.isdecimal() for number in told["shelves"])
    )
