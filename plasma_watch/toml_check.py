"""From the bytes of a TOML file to a checked model, or to every problem it has, each with its line.

Used for requests, config and slot maps alike. It knows TOML and pydantic, and nothing of what the
keys mean.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from plasma_watch.errors import Code, PlasmaError, Problem
from plasma_watch.words import counted

Table: TypeAlias = dict[str, Any]
KeyPath: TypeAlias = tuple[str, ...]

OF_REQUESTS = "`plasma-watch check FILE` checks a file before it is dropped."
"""The hint of a file that is no TOML, when nothing better is known; only a request is dropped."""
MAX_DEPTH = 32
"""How deep brackets may nest, and how many dots a key may have; no honest request comes near."""

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BARE_OR_QUOTED = r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'"""
_KEY = re.compile(rf"[ \t]*((?:{_BARE_OR_QUOTED})(?:[ \t]*\.[ \t]*(?:{_BARE_OR_QUOTED}))*)[ \t]*=")
_HEADER = re.compile(
    rf"[ \t]*\[\[?[ \t]*((?:{_BARE_OR_QUOTED})(?:[ \t]*\.[ \t]*(?:{_BARE_OR_QUOTED}))*)[ \t]*\]"
)
_LONG_NUMBER = re.compile(r"(?<![0-9_])[0-9](?:_?[0-9]){4299}")
_PART = re.compile(_BARE_OR_QUOTED)
_MARK = re.compile(r"""[\[\]{}.,\n"'#]""")
_LINE_STRING = {'"': re.compile(r'(?:\\.|[^"\\\n])*"?'), "'": re.compile(r"[^'\n]*'?")}
_LONG_STRING = {  # up to two quotes may stand before the three that end it
    '"': re.compile(r'(?:\\[\s\S]|[^"\\]|"{1,2}(?!"))*"{0,5}'),
    "'": re.compile(r"(?:[^']|'{1,2}(?!'))*'{0,5}"),
}
_OPEN, _CLOSE, _ENDS_A_KEY = frozenset("[{"), frozenset("]}"), frozenset(",\n")


def decode(raw: bytes, subject: str) -> str:
    """Return the text of a TOML file, without its byte order mark.

    Raises PlasmaError `request.empty` or `request.not-text`.
    """
    if raw.startswith(_UTF16_MARKS):
        raise PlasmaError(Code.REQUEST_NOT_TEXT, f"{subject} is UTF-16 text", "Save it as UTF-8.")
    if b"\0" in raw:
        raise PlasmaError(
            Code.REQUEST_NOT_TEXT,
            f"{subject} holds NUL bytes ({_place(raw, raw.index(0))})",
            "It is not a text file, or the disk lost its content; write it again as UTF-8 text.",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise PlasmaError(
            Code.REQUEST_NOT_TEXT,
            f"{subject} is not UTF-8 text ({_place(raw, exc.start)})",
            "Save it as UTF-8.",
        ) from exc
    if not text.strip():
        raise PlasmaError(
            Code.REQUEST_EMPTY, f"{subject} is empty", "Write into it what it is to say."
        )
    return text


def _place(raw: bytes, offset: int) -> str:
    return f"at line {raw.count(10, 0, offset) + 1}, byte {offset}"


def parse(text: str, subject: str) -> Table:
    """Parse TOML text.

    Raises PlasmaError `request.too-deep` or `request.not-toml`, each with the line.
    """
    if (too_deep := next(_below(text, MAX_DEPTH), None)) is not None:
        raise PlasmaError(
            Code.REQUEST_TOO_DEEP,
            f"{subject} nests more than {MAX_DEPTH} levels deep (at line {_line(text, too_deep)})",
            "Nothing here needs that; take the nesting out.",
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        said = f"{subject} is not valid TOML: {exc}"
        raise PlasmaError(Code.REQUEST_NOT_TOML, said, _syntax_hint(text, str(exc))) from exc
    except ValueError as exc:  # Python reads no number of so many digits
        found = _LONG_NUMBER.search(text)
        line = _line(text, found.start() if found else 0)
        said = f"{subject} holds a number of thousands of digits (at line {line})"
        raise PlasmaError(Code.REQUEST_NOT_TOML, said, "Write a smaller number.") from exc


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _syntax_hint(text: str, said: str) -> str:
    if re.search("[\u201c\u201d\u2018\u2019]", text):
        return "It holds curly quotes; TOML wants straight ones: \" or '."
    if said.startswith("Invalid value"):
        return 'Text stands in quotes: "…"; numbers, true and false do not.'
    return OF_REQUESTS


def depth(text: str) -> int:
    """Return how deep brackets and dotted keys nest together, without parsing."""
    return max((level for _, level in _levels(text)), default=0)


def _below(text: str, most: int) -> Iterator[int]:
    """Yield the offsets at which a text nests deeper than `most`.

    The parser recurses for each bracket and takes the square of a key's dots, so this is asked
    before it.
    """
    return (offset for offset, level in _levels(text) if level > most)


def _levels(text: str) -> Iterator[tuple[int, int]]:
    """Yield offset and depth of each bracket, and of each dot that may stand in a key."""
    level = 0
    dots = [0]  # of the key under way, for each open bracket
    for offset, mark in _marks(text):
        if mark in _OPEN:
            dots.append(0)
            level += 1
        elif mark in _CLOSE and len(dots) > 1:
            level -= dots.pop() + 1
        elif mark == ".":
            dots[-1] += 1
            level += 1
        elif mark in _ENDS_A_KEY:
            level -= dots[-1]
            dots[-1] = 0
        yield offset, level


def _marks(text: str) -> Iterator[tuple[int, str]]:
    """Yield offset and character of each mark outside strings and comments.

    One pass, linear in the length of the text whatever it holds.
    """
    at = 0
    while found := _MARK.search(text, at):
        mark, at = found[0], found.end()
        if mark in "\"'":
            at = _end_of_string(text, at, mark)
        elif mark == "#":
            at = end if (end := text.find("\n", at)) >= 0 else len(text)
        else:
            yield found.start(), mark


def _end_of_string(text: str, at: int, quote: str) -> int:
    """Return the offset behind a string whose first quote stands just before `at`."""
    is_long = text.startswith(quote * 2, at)
    pattern, start = (_LONG_STRING, at + 2) if is_long else (_LINE_STRING, at)
    found = pattern[quote].match(text, start)
    return found.end() if found else start


def line_numbers(text: str) -> dict[KeyPath, int]:
    """Map every key path of a TOML text to the line it stands in, counted from 1.

    A table that is only named on the way to another stands where it is named first. Keys inside
    inline tables are found under the key that holds the table.
    """
    stated: dict[KeyPath, int] = {}
    implied: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, start in _statements(text):
        if header := _HEADER.match(text, start):
            path, above = _split(header[1]), 0
            table = path
        elif key := _KEY.match(text, start):
            path, above = table + _split(key[1]), len(table)
        else:
            continue
        stated.setdefault(path, number)
        for length in range(above + 1, len(path)):
            implied.setdefault(path[:length], number)
    return implied | stated


def _statements(text: str) -> Iterator[tuple[int, int]]:
    """Yield line number and offset of each line that begins a statement, not carries one on."""
    number, level, counted = 1, 0, 0
    yield 1, 0
    for offset, mark in _marks(text):
        level = max(0, level + (mark in _OPEN) - (mark in _CLOSE))
        if mark == "\n" and level == 0:
            number += text.count("\n", counted, offset + 1)
            counted = offset + 1
            yield number, counted


def _split(dotted: str) -> KeyPath:
    """Return the parts of a dotted key; what is nested too deep anyway is cut off."""
    parts = islice(_PART.finditer(dotted), MAX_DEPTH)
    return tuple(_unquoted(part[0]) for part in parts)


def _unquoted(part: str) -> str:
    if part[0] not in "\"'":
        return part
    with contextlib.suppress(ValueError):
        return str(tomllib.loads(f"key = {part}")["key"])
    return part[1:-1]


def line_of(path: Iterable[str | int], lines: Mapping[KeyPath, int]) -> int:
    """Return the line of a key, or of the nearest table around it, or 0."""
    keys = tuple(part for part in path if isinstance(part, str))
    while keys:
        if keys in lines:
            return lines[keys]
        keys = keys[:-1]
    return 0


def problems_of(
    error: ValidationError, model: type[BaseModel], lines: Mapping[KeyPath, int]
) -> list[Problem]:
    """Turn pydantic's errors into problems with our codes, words and lines.

    Of very many the first are told, wrong values before unknown keys, and the others counted.
    """
    items = sorted(error.errors(include_url=False), key=lambda item: item["type"] == _UNKNOWN_KEY)
    problems = [_problem(dict(item), model, lines) for item in items[:_MOST_TOLD]]
    if (untold := len(items) - _MOST_TOLD) > 0:
        last = line_of(items[-1]["loc"], lines)
        said = f"{counted(untold, 'more problem')} like these, up to here"
        problems.append(Problem(problems[-1].code, "", said, "Mend the first ones first.", last))
    return problems


def fields_of(error: ValidationError) -> set[str]:
    """Return the dotted path of everything that pydantic found wrong."""
    return {_dotted(item["loc"]) for item in error.errors(include_url=False)}


def _dotted(path: Iterable[str | int]) -> str:
    return ".".join(str(part) for part in path)


def _problem(item: Table, model: type[BaseModel], lines: Mapping[KeyPath, int]) -> Problem:
    path = item["loc"]
    code, message, hint = _words(item, path, model)
    return Problem(code, _plain(_dotted(path), _LONGEST_SHOWN), message, hint, line_of(path, lines))


def _words(
    item: Table, path: tuple[str | int, ...], model: type[BaseModel]
) -> tuple[Code, str, str]:
    match item["type"]:
        case "extra_forbidden":
            return Code.REQUEST_UNKNOWN_KEY, "is not a known key", nearest_key(path, model)
        case "missing":
            return Code.REQUEST_MISSING_KEY, "is missing", f"Add `{path[-1]} = …`."
        case _:
            expected, hint = _expected(item, path)
            said = f"is {shown(item['input'])}; expected {expected}"
            return Code.REQUEST_BAD_VALUE, said, hint


_UNKNOWN_KEY = "extra_forbidden"
_MOST_TOLD = 50
_LONGEST_SHOWN = 60

_EXPECTED: dict[str, tuple[str, str]] = {
    "string_type": ("text in quotes", 'Write it in quotes: "…".'),
    "int_type": ("a whole number", "Write it without quotes and without a point."),
    "float_type": ("a number", "Write it without quotes, like 0.8."),
    "finite_number": ("a number, not inf or nan", "Write it out, like 0.8."),
    "bool_type": ("true or false", "Write it without quotes, in small letters."),
    "list_type": ("a list in [ ]", "Write a single value in brackets too."),
    "dict_type": ("a table", "Write [{name}] on a line of its own, its keys below."),
    "model_type": ("a table", "Write [{name}] on a line of its own, its keys below."),
    "greater_than_equal": ("at least {ge}", "Take a larger number."),
    "greater_than": ("more than {gt}", "Take a larger number."),
    "less_than_equal": ("at most {le}", "Take a smaller number."),
    "multiple_of": ("a multiple of {multiple_of}", "The nearest are {below} and {above}."),
    "too_short": ("at least {min_length} of them", "Add one, or take the key out."),
    "too_long": ("at most {max_length} of them", "Take some out."),
    "literal_error": ("{expected}", "Take one of these."),
}
"""What pydantic's error types expect, in our words, and the way out."""


def _expected(item: Table, path: tuple[str | int, ...]) -> tuple[str, str]:
    """Return what was expected, and the way out; a validator of ours says both itself."""
    limits = item.get("ctx", {})
    if isinstance(error := limits.get("error"), ValueError):
        expected, *hint = error.args
        return str(expected), "".join(hint)
    if item["type"] not in _EXPECTED:
        return str(item["msg"]), ""
    if step := limits.get("multiple_of"):
        below = item["input"] // step * step
        limits |= {"below": shown(below), "above": shown(below + step)}
    limits |= {"name": _plain(_dotted(path), _LONGEST_SHOWN)}
    expected, way_out = _EXPECTED[item["type"]]
    return expected.format(**limits), way_out.format(**limits)


def shown(value: object, limit: int = _LONGEST_SHOWN) -> str:
    """Return a value as it may stand in a message: short, one line, no control characters."""
    if isinstance(value, str):
        return f"'{_plain(value, limit)}'"
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return _plain(str(value), limit)
    except (ValueError, RecursionError):  # a number of thousands of digits, or too deep a table
        return "(too long to show)"


def _plain(text: str, limit: int) -> str:
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def nearest_key(path: tuple[str | int, ...], model: type[BaseModel]) -> str:
    """Return a hint that names the known key nearest to an unknown one."""
    known = sorted(_known_keys(path[:-1], model))
    name = nearest(str(path[-1]), known)
    return f"Did you mean `{name}`?" if name else f"Known keys: {', '.join(known)}."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like the given one, if any is like it at all."""
    choices = {choice.casefold(): choice for choice in known}
    found = difflib.get_close_matches(name.casefold(), choices, n=1, cutoff=0.6)
    return choices[found[0]] if found else None


def _known_keys(path: tuple[str | int, ...], model: type[BaseModel]) -> set[str]:
    for part in path:
        # What is no field is a place in a list, or a name in a table, of such models.
        if field := model.model_fields.get(str(part)):
            model = _model_in(field.annotation) or model
    return {field.alias or name for name, field in model.model_fields.items()}


def _model_in(annotation: object) -> type[BaseModel] | None:
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    models = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
    return models[0] if models else None
