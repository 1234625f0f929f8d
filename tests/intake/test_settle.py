"""What a thing in the inbox is, and whether it is whole: names, modes and clock readings in."""

from __future__ import annotations

import os
import stat
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.intake.settle import (
    MAX_NAME_BYTES,
    Sighting,
    Sort,
    Sorted,
    is_reserved,
    is_whole,
    sighted,
    sort,
)
from plasma_watch.system.files import Fingerprint

FILE, FOLDER, LINK = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777
SPECIAL = (LINK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK)
GA_NFC, GA_NFD = "\u304c", "\u304b\u3099"


# What it is.


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("p003.toml", "p003"),
        ("x.TOML", "x"),
        ("x.Toml", "x"),
        ("a.b.toml", "a.b"),
        ("x.toml.toml", "x.toml"),
        ("-rf.toml", "-rf"),
        ("$(reboot).toml", "$(reboot)"),
        ("two words.toml", "two words"),
        ("\N{PILE OF POO}.toml", "\N{PILE OF POO}"),
        ("\u202eright to left.toml", "\u202eright to left"),
        (f"{GA_NFC}.toml", GA_NFC),
        (f"{GA_NFD}.toml", GA_NFC),
        ("pause.toml", "pause"),
        ("urgent.toml", "urgent"),
        ("daemon.toml", "daemon"),
        ("x~.toml", "x~"),
        ("CON.toml", "CON"),
        ("p" * MAX_NAME_BYTES + ".toml", "p" * MAX_NAME_BYTES),
        ("\N{GRINNING FACE}" * 30 + ".toml", "\N{GRINNING FACE}" * 30),
    ],
)
def test_a_toml_file_is_a_request(file: str, name: str) -> None:
    """Whatever its name is made of; the name is compared and told in NFC."""
    assert sort(file, FILE) == Sorted(Sort.REQUEST, name)
    assert sort(file, FILE, urgent=True) == Sorted(Sort.REQUEST, name)


@pytest.mark.parametrize("file", ["ch01_p003_v1.png", "X.PNG"])
def test_a_png_may_be_a_picture_made_here(file: str) -> None:
    """What it carries decides later."""
    assert sort(file, FILE) == Sorted(Sort.PICTURE, file.partition(".")[0])


@pytest.mark.parametrize("mode", [FILE, FOLDER, LINK])
@pytest.mark.parametrize(
    "file",
    [
        ".DS_Store",
        "._x.toml",
        ".x.toml",
        ".x.jpg.icloud",
        ".#x.toml",
        ".syncthing.x.tmp",
        "~syncthing~x.toml.tmp",
        ".p003.tmp",
        "Icon\r",
        "x.toml.part",
        "x.toml.tmp",
        "x.toml.TMP",
        "x.toml.crdownload",
        "x.download",
        "x.toml~",
        "~",
        ".",
        ".cancel",
        ".\n",
    ],
)
def test_litter_is_left_alone_without_a_word(file: str, mode: int) -> None:
    """Finder's, an editor's, a download's: whatever it is, it is nobody's request."""
    assert sort(file, mode) == Sorted(Sort.JUNK)
    assert sort(file, mode, urgent=True) == Sorted(Sort.JUNK)


@pytest.mark.parametrize(
    ("file", "mode", "reason"),
    [
        ("x.toml.txt", FILE, "its name does not end in .toml"),
        ("x.toml.bak", FILE, "its name does not end in .toml"),
        ("x.TOML (1)", FILE, "its name does not end in .toml"),
        ("x.json", FILE, "not a request; requests are .toml files"),
        ("x.jpg", FILE, "not a request; requests are .toml files"),
        ("readme", FILE, "not a request; requests are .toml files"),
        ("toml", FILE, "not a request; requests are .toml files"),
        ("x.toml ", FILE, "its name does not end in .toml"),
        ("pages", FOLDER, "a folder; requests lie in inbox/ or inbox/urgent/ itself"),
        ("x.toml", FOLDER, "a folder; requests lie in inbox/ or inbox/urgent/ itself"),
        ("x.png", FOLDER, "a folder; requests lie in inbox/ or inbox/urgent/ itself"),
        ("a\nb.toml", FILE, "its name holds control characters"),
        ("a\x1b[31m.toml", FILE, "its name holds control characters"),
        ("a\x7f.toml", FILE, "its name holds control characters"),
        ("a\x85.toml", FILE, "its name holds control characters"),
        (os.fsdecode(b"a\xff.toml"), FILE, "its name is not UTF-8"),
        ("p" * 121 + ".toml", FILE, "its name is over 120 bytes of UTF-8"),
        ("p" * 250 + ".toml", FILE, "its name is over 120 bytes of UTF-8"),
        ("\N{GRINNING FACE}" * 31 + ".toml", FILE, "its name is over 120 bytes of UTF-8"),
        ("p" * 121 + ".cancel", FILE, "its name is over 120 bytes of UTF-8"),
    ],
)
def test_what_looks_like_a_mistake_is_named_with_its_reason(
    file: str, mode: int, reason: str
) -> None:
    """It is left alone too, but somebody may be waiting for it."""
    assert sort(file, mode) == Sorted(Sort.MISTAKE, reason=reason)


@pytest.mark.parametrize("mode", SPECIAL)
@pytest.mark.parametrize("file", ["x.toml", "x.png"])
def test_what_is_named_like_a_request_and_is_no_file_is_an_impostor(file: str, mode: int) -> None:
    """A link could lead anywhere, a FIFO would never end."""
    assert sort(file, mode) == Sorted(Sort.IMPOSTOR, "x")


@pytest.mark.parametrize("mode", [FILE, FOLDER, LINK])
@pytest.mark.parametrize(
    ("file", "name"),
    [("p003.cancel", "p003"), ("p003.CANCEL", "p003"), (f"{GA_NFD}.cancel", GA_NFC)],
)
def test_a_cancel_may_be_a_file_or_a_folder(file: str, name: str, mode: int) -> None:
    """A person in Finder makes a folder more easily than a file."""
    assert sort(file, mode) == Sorted(Sort.CANCEL, name)


@pytest.mark.parametrize("mode", [FILE, FOLDER])
@pytest.mark.parametrize("file", ["PAUSE", "pause", "Pause", "pAuSe"])
def test_pause_is_understood_in_any_case(file: str, mode: int) -> None:
    """As a file or as a folder."""
    assert sort(file, mode) == Sorted(Sort.PAUSE)


@pytest.mark.parametrize("file", ["PAUSE", "p003.cancel"])
def test_what_is_asked_is_asked_in_the_inbox_itself(file: str) -> None:
    """Among the urgent it is a mistake, and is named as one."""
    assert sort(file, FILE, urgent=True).sort is Sort.MISTAKE
    assert sort(file, FOLDER, urgent=True).sort is Sort.MISTAKE


@pytest.mark.parametrize("file", ["PAUSE.toml", "PAUSE.txt", "unPAUSE", "PAUSEd"])
def test_only_pause_itself_pauses(file: str) -> None:
    """A request may have that name."""
    assert sort(file, FILE).sort is not Sort.PAUSE


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=255), st.booleans())
def test_every_name_is_one_thing_and_its_job_fits_a_folder(file: str, urgent: bool) -> None:  # noqa: FBT001 - drawn
    """Nothing raises, and what is taken is short, printable and NFC, so that an id can be made."""
    found = sort(file, FILE, urgent=urgent)

    if found.sort in (Sort.REQUEST, Sort.PICTURE, Sort.CANCEL):
        assert found.name
        assert len(found.name.encode()) <= MAX_NAME_BYTES
        assert unicodedata.is_normalized("NFC", found.name)
        assert not any(unicodedata.category(char) == "Cc" for char in found.name)
    else:
        assert bool(found.reason) == (found.sort is Sort.MISTAKE)


def test_a_name_that_grows_in_nfc_is_measured_as_it_is_used() -> None:
    """A few letters are longer in it; with the time before it, such a name would fit no folder."""
    grows = "\N{DEVANAGARI LETTER QA}" * 40

    assert len(grows.encode()) == MAX_NAME_BYTES
    assert sort(f"{grows}.toml", FILE).sort is Sort.MISTAKE


@pytest.mark.parametrize(
    ("name", "reserved"),
    [("daemon", True), ("Daemon", True), ("DAEMON", True), ("daemons", False), ("p003", False)],
)
def test_the_daemons_own_name_is_reserved(name: str, reserved: bool) -> None:  # noqa: FBT001 - a table's column
    """In any case: on a Mac the two status files would be one."""
    assert is_reserved(name) is reserved


# Whether it is whole.

BEFORE, AFTER = Fingerprint(1, 100, 5), Fingerprint(1, 200, 6)
NOTHING: frozenset[Fingerprint] = frozenset()


def taken_at(readings: list[tuple[float, Fingerprint]], quiet: float = 1.0) -> float | None:
    """Look at a file at clock readings, as the inbox does; return when it is taken."""
    sighting = None
    for now, found in readings:
        sighting = sighted(sighting, found, now)
        if is_whole(sighting, now, quiet, NOTHING):
            return now
    return None


@pytest.mark.parametrize(
    ("readings", "taken"),
    [
        ([(0.0, BEFORE)], None),
        ([(0.0, BEFORE), (0.999, BEFORE)], None),
        ([(0.0, BEFORE), (1.0, BEFORE)], 1.0),
        ([(0.0, BEFORE), (900.0, BEFORE)], 900.0),
        ([(0.0, BEFORE), (0.75, AFTER), (1.5, AFTER), (1.75, AFTER)], 1.75),
        ([(0.0, BEFORE), (0.9, AFTER), (1.8, BEFORE), (2.7, BEFORE)], None),
    ],
)
def test_a_file_is_taken_when_it_stood_still_for_long_enough(
    readings: list[tuple[float, Fingerprint]], taken: float | None
) -> None:
    """As we saw it: the first sight of each state counts, not the time that the file gives."""
    assert taken_at(readings) == taken


def test_a_file_that_grows_for_long_is_taken_once_at_its_end() -> None:
    """Forty pieces, a little less than the quiet time apart."""
    growing = [(0.9 * piece, Fingerprint(1, piece, piece)) for piece in range(40)]
    end = growing[-1][1]

    assert taken_at(growing) is None
    assert taken_at([*growing, (35.2, end), (36.05, end), (36.2, end)]) == 36.2


@pytest.mark.parametrize("mtime_ns", [0, -1, 2**62, 10**18 * 4])
def test_the_time_that_a_file_gives_itself_does_not_matter(mtime_ns: int) -> None:
    """From 1970 or from the future: it has only to stand still."""
    file = Fingerprint(1, 100, mtime_ns)

    assert taken_at([(0.0, file), (0.5, file), (1.0, file)]) == 1.0


@pytest.mark.parametrize("other", [Fingerprint(2, 100, 5), Fingerprint(1, 101, 5), AFTER])
def test_another_inode_size_or_time_begins_the_wait_anew(other: Fingerprint) -> None:
    """Each alone is a change."""
    before = Sighting(BEFORE, 0.0)

    assert sighted(before, other, 0.9) == Sighting(other, 0.9)
    assert sighted(before, BEFORE, 0.9) is before
    assert sighted(None, BEFORE, 0.9) == Sighting(BEFORE, 0.9)


def test_a_file_that_was_moved_in_whole_is_taken_at_once() -> None:
    """Only in the very state in which it was moved: written to since, it has to stand still."""
    moved = frozenset({BEFORE})

    assert is_whole(Sighting(BEFORE, 7.0), 7.0, 1.0, moved)
    assert not is_whole(Sighting(AFTER, 7.0), 7.0, 1.0, moved)
