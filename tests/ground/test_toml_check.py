"""What is claimed of reading TOML, of finding its lines, and of telling what is wrong with it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
import tomli_w
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from plasma_watch import toml_check
from plasma_watch.errors import Code, PlasmaError, Problem
from plasma_watch.toml_check import KeyPath

BIG = 100_000

# Texts of marks that the scanners know, so that strings open, nest, end and do not end.
MARKS = ['"', "'", '"""', "'''", "\\", "#", "[", "]", "{", "}", ".", ",", "=", "\n", "\r\n", " "]
SCRAPS = st.lists(st.sampled_from([*MARKS, "a", "1", "é"]), max_size=60).map("".join)

KEYS = st.text(max_size=6)
SCALARS: st.SearchStrategy[Any] = (
    st.text(max_size=20)
    | st.text(st.sampled_from("\"'\\\n#[]={}. a"), max_size=20)
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.booleans()
)
LISTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4), max_leaves=6)
TABLES = st.recursive(
    st.dictionaries(KEYS, LISTS, max_size=4),
    lambda inner: st.dictionaries(KEYS, LISTS | inner | st.lists(inner, max_size=2), max_size=4),
    max_leaves=6,
)


# From bytes to text.


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"a = 1\n", "a = 1\n"),
        (b"\xef\xbb\xbfa = 1\n", "a = 1\n"),
        (b"a = 1\r\n", "a = 1\r\n"),
        ("a = 'ねこ'".encode(), "a = 'ねこ'"),
    ],
    ids=["plain", "byte order mark", "Windows line ends", "not Latin"],
)
def test_utf8_text_is_decoded(raw: bytes, text: str) -> None:
    """Whatever editor wrote it, with or without a byte order mark."""
    assert toml_check.decode(raw, "p003.toml") == text


@pytest.mark.parametrize(
    ("raw", "code", "said"),
    [
        ("a = 1".encode("utf-16"), Code.REQUEST_NOT_TEXT, "p003.toml is UTF-16 text"),
        ("a = 1".encode("utf-16-be"), Code.REQUEST_NOT_TEXT, "p003.toml holds NUL bytes"),
        (b"\xfe\xff\0a", Code.REQUEST_NOT_TEXT, "p003.toml is UTF-16 text"),
        (b"a = 1\n\0\0", Code.REQUEST_NOT_TEXT, "holds NUL bytes (at line 2, byte 6)"),
        (b"\0" * 4096, Code.REQUEST_NOT_TEXT, "holds NUL bytes (at line 1, byte 0)"),
        (b"a = 1\nb = 'caf\xe9'", Code.REQUEST_NOT_TEXT, "not UTF-8 text (at line 2, byte 14)"),
        (b"", Code.REQUEST_EMPTY, "p003.toml is empty"),
        (b" \r\n\t\n", Code.REQUEST_EMPTY, "p003.toml is empty"),
        (b"\xef\xbb\xbf", Code.REQUEST_EMPTY, "p003.toml is empty"),
    ],
    ids=[
        "UTF-16 with its mark",
        "UTF-16 without it",
        "UTF-16 the other way round",
        "NUL at the end",
        "NUL alone, as a lost block",
        "latin-1",
        "empty",
        "blank",
        "a byte order mark alone",
    ],
)
def test_what_is_not_utf8_text_is_refused(raw: bytes, code: Code, said: str) -> None:
    """When it is named by its kind, with the place where there is one and the way out."""
    with pytest.raises(PlasmaError) as caught:
        toml_check.decode(raw, "p003.toml")

    assert caught.value.code is code
    assert said in caught.value.message
    assert caught.value.hint


# From text to a table.


def test_toml_is_parsed() -> None:
    """When nothing is wrong with it, the table is tomllib's."""
    assert toml_check.parse("a.b = [1, 2]\n", "p003.toml") == {"a": {"b": [1, 2]}}


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("kind = generate", "at line 1, column 8", 'Text stands in quotes: "…"'),
        ("kind = “generate”", "at line 1, column 8", "curly quotes"),
        ("a = 1\na = 2", "Cannot overwrite a value (at", "plasma-watch check"),
        ("a = 1\nb 2", "at line 2, column 3", "plasma-watch check"),
        ('a = "open', "not valid TOML", "plasma-watch check"),
        ("a = 1\nb = " + "9" * 100_000, "thousands of digits (at line 2)", "smaller number"),
        ("a = 1\nb = -" + "9_" * 100_000 + "9", "of digits (at line 2)", "smaller number"),
        ("a = 2026-02-30", "not valid TOML", "plasma-watch check"),
        ("a = '" + "8" * 5000 + "'\nb = " + "9" * 5000, "thousands of digits", "smaller number"),
    ],
    ids=[
        "text without quotes",
        "curly quotes",
        "a key twice",
        "no equals sign",
        "an open string",
        "a very long number",
        "with underscores",
        "no such day",
        "a long text of digits before it",
    ],
)
def test_what_is_not_toml_is_refused(text: str, said: str, hint: str) -> None:
    """When the message names the line and the hint the commonest reason."""
    with pytest.raises(PlasmaError) as caught:
        toml_check.parse(text, "p003.toml")

    assert caught.value.code is Code.REQUEST_NOT_TOML
    assert said in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "monster",
    [
        "a = " + "[" * 100_000,
        "a = " + "[" * 100_000 + "]" * 100_000,
        "a = " + "{a=" * 100_000,
        "a." * 100_000 + "b = 1",
        "[" + "a." * 100_000 + "b]",
        "a = {" + "b." * 100_000 + "c = 1}",
        "a = [" + "{b.b.b = [" * 10_000,
    ],
    ids=["open arrays", "arrays", "tables", "key", "header", "key of an inline table", "mixed"],
)
def test_a_monster_is_refused_unparsed(monster: str) -> None:
    """When the parser would recurse too deep or take the square of a key's length."""
    with pytest.raises(PlasmaError) as caught:
        toml_check.parse(f"kind = 'generate'\n{monster}", "p003.toml")

    assert caught.value.code is Code.REQUEST_TOO_DEEP
    assert caught.value.message == "p003.toml nests more than 32 levels deep (at line 2)"
    assert caught.value.hint


@given(SCRAPS | st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Whatever lies in a file, nothing but our own error comes out."""
    try:
        toml_check.parse(text, "p003.toml")
        code = None
    except PlasmaError as error:
        code = error.code

    assert code in (None, Code.REQUEST_NOT_TOML, Code.REQUEST_TOO_DEEP)


# How deep it nests.


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("", 0),
        ("a = 1", 0),
        ("a = [[1], [2, [3]]]", 3),
        ("a = {b = {c = 1}}", 2),
        ("a.b.c = 1", 2),
        ("a . b . c = 1", 2),
        ("[a.b.c]\nd.e = 1", 3),
        ("a.b = {c.d = {e = 1}}", 4),
        ("a = [\n  1.5,\n  2.5,\n  3.5,\n]", 2),
        ("a = 1\nb = 1.5\nc = 1.5", 1),
        ("# " + "." * 99 + "[" * 99, 0),
        ('a = "' + ". [ {" * 99 + '"', 0),
        ('a = """\n' + ". [ {\n" * 99 + '"""', 0),
        ("a = '''\n" + ". [ {\n" * 99 + "'''", 0),
        ('"a.b.c"."d" = 1', 1),
        ("]]]]}}}} [", 1),
        ("a = [1] # ]]]]\nb = [[1]]", 2),
        ('a = ["\\"[[[["]', 1),
        ("a = ['\\'] # [[[[", 1),
        ('a = ["""x"""", [1]]', 2),
        ('a = ["""x""""", [1]]', 2),
        ("a = ['''x'''', [1]]", 2),
        ('a = ["", [1]]', 2),
        ('a = "open [[[[\nb = [1]', 1),
        ('a = """open [[[[\nb = [1]', 0),
    ],
)
def test_depth_counts_what_nests(text: str, depth: int) -> None:
    """Brackets and the dots of keys together, and nothing inside strings and comments."""
    assert toml_check.depth(text) == depth


@given(st.recursive(st.just(1), lambda inner: st.lists(inner, min_size=1, max_size=3)))
def test_the_depth_of_an_array_is_its_nesting(value: object) -> None:
    """Measured without parsing, it is what parsing would find."""

    def nesting(item: object) -> int:
        return 1 + max(map(nesting, item)) if isinstance(item, list) else 0

    assert toml_check.depth(f"a = {value}") == nesting(value)


@given(SCRAPS | st.text())
def test_depth_and_lines_take_any_text(text: str) -> None:
    """They are asked before the text is known to be TOML."""
    assert toml_check.depth(text) >= 0
    assert all(line >= 1 for line in toml_check.line_numbers(text).values())


@pytest.mark.parametrize(
    "adversary",
    [
        '"' * BIG,
        "'" * BIG,
        '"' * BIG + "\n",
        '"""' + '""x' * BIG,
        '"""' + "\\" * BIG,
        '"' + "\\" * BIG,
        "a" * BIG,
        "a " * BIG,
        "a." * BIG,
        "a. " * BIG,
        "a" + " " * BIG,
        "\n" * BIG,
        "\n " * BIG,
        "#" * BIG,
        "#\n" * BIG,
        "[" * BIG,
        "[a\n" * BIG,
        "[" + "a." * BIG,
        "[" + "a." * 20_000 + "a]\n" + "b = 1\n" * BIG,
        "a = [" + "\n1," * BIG,
        "]" * BIG,
        '"a' * BIG,
        "'a\n" * BIG,
        "= " * BIG,
        "a.a=1\n" * BIG,
        "'''\n" * BIG,
    ],
    ids=lambda text: f"{text[:6]!r} and so on",
)
def test_depth_and_lines_pass_a_text_once(adversary: str) -> None:
    """When it is long and made to send a pattern back and forth.

    The square of its length would be hours: this test would not end.
    """
    toml_check.depth(adversary[:BIG])
    toml_check.line_numbers(adversary[:BIG])


# Where each key stands.


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a = 1\n\n# c\nb = 2", {("a",): 1, ("b",): 4}),
        ("a = 1\r\n\r\nb = 2\r\n", {("a",): 1, ("b",): 3}),
        ("[a]\nb = 1\n[a.c]\nd = 2", {("a",): 1, ("a", "b"): 2, ("a", "c"): 3, ("a", "c", "d"): 4}),
        ("\n[ a . b ] # c\n", {("a",): 2, ("a", "b"): 2}),
        ("a.b.c = 1", {("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 1}),
        ("[a.b]\n[a]\nc = 1", {("a", "b"): 1, ("a",): 2, ("a", "c"): 3}),
        ("[[m]]\nn = 1\n[[m]]\nn = 2", {("m",): 1, ("m", "n"): 2}),
        ('a = """\nb = 1\n[c]\n"""\nd = 1', {("a",): 1, ("d",): 5}),
        ("a = '''\nb = 1\n'''\nd = 1", {("a",): 1, ("d",): 4}),
        ('a = """x""""\nb = 1', {("a",): 1, ("b",): 2}),
        ('a = [\n  """x"""",\n]\nb = 1', {("a",): 1, ("b",): 4}),
        ('a = """\\"""\nb = 1"""\nc = 1', {("a",): 1, ("c",): 3}),
        ("a = [\n  1,\n  # ]\n  '[',\n]\nb = 1", {("a",): 1, ("b",): 6}),
        ("a = [\n  {b = 1},\n  {b = 2},\n]\nc = 1", {("a",): 1, ("c",): 5}),
        ("a = {b = 1, c = 2}\nd = 1", {("a",): 1, ("d",): 2}),
        ("\"a b\" = 1\n'c d' = 2", {("a b",): 1, ("c d",): 2}),
        ('"a\\"b" = 1\n"\\u00e9" = 2', {('a"b',): 1, ("é",): 2}),
        ("\"'a'\" = 1\n'\"b\"' = 2", {("'a'",): 1, ('"b"',): 2}),
        ('["a.b".c]\nd = 1', {("a.b",): 1, ("a.b", "c"): 1, ("a.b", "c", "d"): 2}),
        ('"" = 1', {("",): 1}),
        ('"\\x" = 1', {("\\x",): 1}),
        ("  a  =  1", {("a",): 1}),
        ("a = '#'\nb = 1 # '\nc = 1", {("a",): 1, ("b",): 2, ("c",): 3}),
        ("", {}),
    ],
    ids=[
        "blank and comment",
        "Windows line ends",
        "nested tables",
        "header with spaces",
        "dotted key",
        "table after its inner one",
        "array of tables",
        "long string",
        "long literal string",
        "four quotes",
        "four quotes in a list",
        "escaped quote in a long string",
        "list over lines",
        "list of inline tables",
        "inline table",
        "quoted keys",
        "escapes in keys",
        "quotes in keys",
        "quoted part of a header",
        "empty key",
        "key with an escape there is not",
        "spaces",
        "marks in strings and comments",
        "nothing",
    ],
)
def test_every_key_has_its_line(text: str, lines: dict[KeyPath, int]) -> None:
    """Keys of inline tables stand under the key that holds the table."""
    assert toml_check.line_numbers(text) == lines


@given(table=TABLES, multiline=st.booleans(), newline=st.sampled_from(["\n", "\r\n"]))
@example(table={"a": {"b": {}}, "m": [{"n": 1}, {"n": 2}]}, multiline=False, newline="\n")
def test_the_line_of_a_key_is_where_the_parser_first_meets_it(
    *, table: dict[str, Any], multiline: bool, newline: str
) -> None:
    """For every key and table that a random document states.

    The text before the line does not have the key; the statement that begins there brings it.
    """
    text = tomli_w.dumps(table, multiline_strings=multiline).replace("\n", newline)
    written = [f"{line}\n" for line in text.split("\n")]
    lines = toml_check.line_numbers(text)

    for path in stated(table):
        line = lines[path]
        assert not has(tomllib.loads("".join(written[: line - 1])), path)
        assert has(after_statement(written, line), path)


def stated(table: Mapping[str, Any], above: KeyPath = ()) -> list[KeyPath]:
    """Return the path of every key that stands in a statement of its own."""
    paths = []
    for key, value in table.items():
        paths.append((*above, key))
        if isinstance(value, dict):
            paths += stated(value, (*above, key))
    return paths


def has(table: object, path: KeyPath) -> bool:
    """Tell whether a table has a key."""
    for key in path:
        if not isinstance(table, dict) or key not in table:
            return False
        table = table[key]
    return True


def after_statement(written: list[str], line: int) -> dict[str, Any]:
    """Return the table of the text up to the end of the statement that begins in a line."""
    for end in range(line, len(written) + 1):
        try:
            return tomllib.loads("".join(written[:end]))
        except tomllib.TOMLDecodeError:
            continue
    raise AssertionError("the statement never ends")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["lora", "name"], 3),
        (["lora", "strength"], 2),
        (["models", 1, "sha256"], 4),
        (["prompt"], 0),
        ([], 0),
    ],
    ids=["a key", "a missing key in a table", "in a list", "a missing key", "nothing"],
)
def test_the_line_of_a_path_is_that_of_the_nearest_thing_there(
    path: list[str | int], line: int
) -> None:
    """When a key is missing, its table's line helps; without one there is none."""
    lines = {("lora",): 2, ("lora", "name"): 3, ("models",): 4}

    assert toml_check.line_of(path, lines) == line


# What is wrong, in words.


def _even(number: int) -> int:
    if number % 2:
        raise ValueError("an even number", "Add one.")
    return number


def _odd(number: int) -> int:
    if not number % 2:
        raise ValueError("an odd number")
    return number


class Inner(BaseModel):
    """A table of the model below."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = ""
    strength: float = 1.0


class Model(BaseModel):
    """Something of every kind that our models have."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    text: str = ""
    needed: int
    whole: int = Field(1, ge=1, le=9)
    side: int = Field(8, multiple_of=8)
    real: float = Field(1.0, gt=0)
    yes: bool = False
    some: list[int] = Field([1], min_length=1, max_length=2)
    table: dict[str, Any] = {}
    inner: Inner = Inner()
    maybe: Inner | None = None
    inners: list[Inner] = []
    by_name: dict[str, Inner] = {}
    word: Literal["auto", "mps"] = "auto"
    even: Annotated[int, AfterValidator(_even)] = 0
    odd: Annotated[int, AfterValidator(_odd)] = 1
    pattern: str = Field("a", pattern="^a{1,3}$")


def problems_in(text: str) -> list[Problem]:
    """Return what is wrong with a TOML text as a `Model`."""
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(tomllib.loads(text))
    return toml_check.problems_of(caught.value, Model, toml_check.line_numbers(text))


@pytest.mark.parametrize(
    ("wrong", "said", "hint"),
    [
        ("text = 1", "text is 1; expected text in quotes", 'Write it in quotes: "…".'),
        ("whole = '1'", "whole is '1'; expected a whole number", "without quotes"),
        ("whole = 1.5", "whole is 1.5; expected a whole number", "without a point"),
        ("whole = true", "whole is true; expected a whole number", "without quotes"),
        ("whole = 2026-11-22", "whole is 2026-11-22; expected a whole number", "without"),
        ("whole = 0", "whole is 0; expected at least 1", "Take a larger number."),
        ("whole = 10", "whole is 10; expected at most 9", "Take a smaller number."),
        ("side = 513", "side is 513; expected a multiple of 8", "are 512 and 520."),
        ("real = 'x'", "real is 'x'; expected a number", "like 0.8"),
        ("real = 0.0", "real is 0.0; expected more than 0", "Take a larger number."),
        ("real = nan", "real is nan; expected a number, not inf or nan", "like 0.8"),
        ("real = inf", "real is inf; expected a number, not inf or nan", "like 0.8"),
        ("real = 1e999", "real is inf; expected a number, not inf or nan", "like 0.8"),
        ("yes = 'true'", "yes is 'true'; expected true or false", "without quotes"),
        ("yes = 0", "yes is 0; expected true or false", "without quotes"),
        ("some = 1", "some is 1; expected a list in [ ]", "in brackets"),
        ("some = []", "some is []; expected at least 1 of them", "Add one"),
        ("some = [1, 2, 3]", "some is [1, 2, 3]; expected at most 2 of them", "Take some out"),
        ("some = [1, 'a']", "some.1 is 'a'; expected a whole number", "without quotes"),
        ("table = 1", "table is 1; expected a table", "Write [table] on a line of its own"),
        ("inner = 'x'", "inner is 'x'; expected a table", "Write [inner] on a line of its own"),
        ("maybe = 'x'", "maybe is 'x'; expected a table", "Write [maybe] on a line of its own"),
        ("word = 'gpu'", "word is 'gpu'; expected 'auto' or 'mps'", "Take one of these."),
        ("even = 3", "even is 3; expected an even number", "Add one."),
        ("odd = 2", "odd is 2; expected an odd number", ""),
        ("pattern = 'b'", "pattern is 'b'; expected String should match", ""),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(wrong: str, said: str, hint: str) -> None:
    """With what it is, what was expected, its line, and the way out."""
    problem, *others = problems_in(f"needed = 1\n{wrong}\n")

    assert not others
    assert problem.code is Code.REQUEST_BAD_VALUE
    assert f"{problem}".startswith(f"line 2: {said}")
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("0x" + "f" * 100, f"side is {str(16**100 - 1)[:58]}"),
        ("0x" + "f" * 10_000, "side is (too long to show)"),
    ],
    ids=["a hundred digits", "ten thousand"],
)
def test_a_huge_number_is_told_short(number: str, said: str) -> None:
    """When Python itself refuses to write it out in full."""
    (problem,) = problems_in(f"needed = 1\nside = {number}\n")

    assert f"{problem}".startswith(f"line 2: {said}")


def test_a_missing_key_is_told_with_what_to_add() -> None:
    """A missing key has no line of its own."""
    assert problems_in("text = ''") == [
        Problem(Code.REQUEST_MISSING_KEY, "needed", "is missing", "Add `needed = …`.", 0)
    ]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("wohle = 1", "Did you mean `whole`?"),
        ("Text = ''", "Did you mean `text`?"),
        ("inner.strenght = 1.0", "Did you mean `strength`?"),
        ("maybe.nmae = ''", "Did you mean `name`?"),
        ("inners = [{nam = ''}]", "Did you mean `name`?"),
        ("by_name.a.nam = ''", "Did you mean `name`?"),
        ("inner.qqq = 1", "Known keys: name, strength."),
        ("function-x = 1", "Known keys: by_name, even, inner"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_known_one(key: str, hint: str) -> None:
    """Wherever it stands; where nothing is near, with all of its table."""
    (problem,) = problems_in(f"needed = 1\n{key}\n")

    assert problem.code is Code.REQUEST_UNKNOWN_KEY
    assert problem.message == "is not a known key"
    assert problem.hint.startswith(hint)
    assert problem.line == 2


def test_a_strange_key_is_told_on_one_short_line() -> None:
    """When it holds line ends, or is as long as the file."""
    problems = problems_in(f'needed = 1\n"a\\nb" = 1\n{"k" * 1000} = 1\n')

    assert [problem.field for problem in problems] == ["a\ufffdb", "k" * 59 + "…"]


def test_of_very_many_problems_the_first_are_told_and_the_others_counted() -> None:
    """When a file holds thousands of unknown keys, and a wrong value among them."""
    unknown = "".join(f"k{n} = 1\n" for n in range(3000))

    problems = problems_in(f"needed = 1\n{unknown}whole = 0\n")

    assert len(problems) == 51
    assert f"{problems[0]}" == "line 3002: whole is 0; expected at least 1"
    assert f"{problems[-1]}" == "line 3001: 2951 more problems like these, up to here"


def test_every_wrong_field_is_known_by_its_path() -> None:
    """Also those that are not told, because rules must not look at them."""
    unknown = {f"k{n}": 1 for n in range(100)}
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"needed": "x", "inner": {"name": 1}, **unknown})

    assert toml_check.fields_of(caught.value) == {"needed", "inner.name", *unknown}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("spyke", "'spyke'"),
        ("", "''"),
        ("two\nlines\x1b[31m", "'two\ufffdlines\ufffd[31m'"),
        ("x" * 61, "'" + "x" * 59 + "…'"),
        ("x" * 60, "'" + "x" * 60 + "'"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        ([1, "a"], "[1, 'a']"),
        (16**10_000, "(too long to show)"),
        ([16**10_000], "(too long to show)"),
    ],
    ids=lambda value: toml_check.shown(value, 20),
)
def test_a_value_is_shown_short_and_on_one_line(value: object, text: str) -> None:
    """Whatever a file put there, the message that shows it stays readable."""
    assert toml_check.shown(value) == text


def test_a_bottomless_value_is_not_shown() -> None:
    """When it nests deeper than Python can write; JSON in a picture may bring such."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]

    assert toml_check.shown(value) == "(too long to show)"


@given(st.text() | st.integers() | st.floats() | st.lists(st.text()))
def test_a_shown_value_never_breaks_a_line(value: object) -> None:
    """Logs and messages keep their shape."""
    text = toml_check.shown(value)

    assert text.isprintable()
    assert len(text) <= 62


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Euler_Ancestral", "euler_ancestral"),
        ("euler ancestral", "euler_ancestral"),
        ("karras", "Karras"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_nearest_name_is_found_whatever_its_case(name: str, near: str | None) -> None:
    """When nothing is like it, nothing is proposed."""
    assert toml_check.nearest(name, ["euler", "euler_ancestral", "Karras"]) == near


def test_nothing_is_nearest_among_nothing() -> None:
    """When there are no names at all."""
    assert toml_check.nearest("a", []) is None
