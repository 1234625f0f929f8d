"""Text from outside is shown without what would steer a terminal."""

from __future__ import annotations

import tomllib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.words import counted, escaped, one_line, visible, without_userinfo


@pytest.mark.parametrize("text", ["", "ä が 中 עברית\n\tok", "one\u3000two", "👍", "{0} %s [red]"])
def test_what_people_read_stays_as_it_is(text: str) -> None:
    """Letters of every script, blanks of every width, lines and tabs."""
    assert visible(text) == text
    assert escaped(text) == text


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), ("?", "? runs")]
)
def test_a_noun_follows_its_count(count: object, said: str) -> None:
    """One is one; what nobody knows is many."""
    assert counted(count, "run") == said


@pytest.mark.parametrize("char", ["\x1b", "\r", "\x00", "\x7f", "\x9b", "\u202e", "\u2028"])
def test_what_steers_is_replaced(char: str) -> None:
    """Controls of both sets, marks of direction, separators of lines."""
    assert visible(f"a{char}b") == "a\ufffdb"


def test_a_line_is_one_line() -> None:
    """However many it was."""
    assert one_line("a\r\n\tb\n  c\x1b[2J") == "a b c\ufffd[2J"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://127.0.0.1:8188", "http://127.0.0.1:8188"),
        ("at http://me:p@w@studio:8188/x or http://b@c", "at http://studio:8188/x or http://c"),
        ("mail to a@b.example", "mail to a@b.example"),
    ],
)
def test_an_address_names_no_user_and_no_password(text: str, shown: str) -> None:
    """However many there are in a text."""
    assert without_userinfo(text) == shown


@given(st.text())
def test_nothing_without_a_face_is_left(text: str) -> None:
    """Whatever it was."""
    for shown in (visible(text), escaped(text)):
        for char in shown:
            assert char in "\n\t" or not unicodedata.category(char).startswith("C")


@given(st.text(st.characters(exclude_characters='"\\', exclude_categories=["Cs"])))
def test_what_is_escaped_comes_back(text: str) -> None:
    """In a text of TOML."""
    plain = "".join(c for c in text if c >= " " and c != "\x7f")

    assert tomllib.loads(f'text = "{escaped(plain)}"')["text"] == plain
