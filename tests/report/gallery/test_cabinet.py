"""The data of the gallery on a real disk."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plasma_watch.report.gallery import cabinet as cabinets
from plasma_watch.report.gallery.cabinet import ROWS, Cabinet, group_of, slug_of, title_of
from plasma_watch.report.gallery.entry import Entry, entry_of
from tests.fakes.book import manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty data folder."""
    return tmp_path


def entry(name: str, number: int = 1, seen: str = "", **result: object) -> Entry:
    """Return an entry of a name."""
    path = PurePosixPath(f"{name}.png")
    text = manifest(path.name, b"", number, result=result).to_toml()
    return entry_of(path, text, seen, f"thumb{number}")


def put(folder: Path, group: str, *entries: Entry) -> Cabinet:
    """Put entries into a group, as a run does."""
    cabinet = Cabinet(folder)
    cabinet.apply(group, entries, (), cabinet.where(group, [each.id for each in entries]))
    cabinet.tell({"built": "now"})
    return cabinet


def names(folder: Path) -> list[tuple[str, int, str]]:
    """Return what a fresh look finds."""
    return [(group, number, row["id"]) for group, number, row in Cabinet(folder).rows()]


def test_what_was_put_in_is_found_again(folder: Path) -> None:
    """By the next program that looks."""
    put(folder, "ch-01", entry("ch-01/raw/a_v1"), entry("ch-01/raw/b_v1"))
    put(folder, "", entry("loose_v1"))

    assert names(folder) == [
        ("ch-01", 1, "ch-01/raw/a_v1"),
        ("ch-01", 1, "ch-01/raw/b_v1"),
        ("", 1, "loose_v1"),
    ]


def test_a_page_reads_it_as_a_script(folder: Path) -> None:
    """One call with JSON in ASCII: nothing of a request can end it, or be anything but a text."""
    put(folder, "ch-01", entry("ch-01/</script>\u2028'\"\\`${1}_v1"))

    for file, call in (("ch-01-0001.js", "rows"), ("ch-01-0001.more.js", "more")):
        text = (folder / file).read_bytes()
        assert text.isascii()
        head, tail = f'plasma.{call}("ch-01", 1, '.encode(), b");\n"
        assert text.startswith(head)
        assert text.endswith(tail)
        (told,) = json.loads(text[len(head) : -len(tail)])
        assert told["id"] == "ch-01/</script>\u2028'\"\\`${1}_v1"


def test_groups_say_what_is_in_them(folder: Path) -> None:
    """Title, counts, and the newest picture for a cover."""
    put(
        folder,
        "ch-01",
        entry("ch-01/a_v1", 3, approved=_time()),
        entry("ch-01/b_v1", 9),
        entry("ch-01/sheet_v1", 12, sheet=True),
    )

    text = (folder / "groups.js").read_text()
    told = json.loads(text.splitlines()[1])
    group = told["groups"]["ch-01"]
    assert told["about"] == {"built": "now"}
    assert (group["slug"], group["title"]) == ("ch-01", "Chapter 1")
    shelf = group["shelves"]["1"]
    assert (shelf["rows"], shelf["approved"]) == (3, 1)
    assert shelf["cover"]["thumb"] == "thumb9"


def _time() -> object:
    from datetime import UTC, datetime  # noqa: PLC0415 - one value

    return datetime(2026, 11, 23, tzinfo=UTC)


def test_a_newer_state_takes_the_place_of_the_older(folder: Path) -> None:
    """Nothing is there twice, and the stamp that pages watch is another."""
    put(folder, "ch-01", entry("ch-01/a_v1", seen="1"), entry("ch-01/b_v1"))
    before = Cabinet(folder).groups["ch-01"]["shelves"]["1"]

    put(folder, "ch-01", entry("ch-01/a_v1", seen="2"))

    after = Cabinet(folder).groups["ch-01"]["shelves"]["1"]
    assert [name for _, _, name in names(folder)] == ["ch-01/a_v1", "ch-01/b_v1"]
    assert after["rows"] == 2
    assert after["stamp"] != before["stamp"]


def test_one_more_writes_one_file_of_rows(folder: Path) -> None:
    """However many there are."""
    put(folder, "ch-01", *(entry(f"ch-01/p{n:04d}_v1", n) for n in range(2 * ROWS + 5)))
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    put(folder, "ch-01", entry("ch-01/new_v1"))

    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {
        "ch-01-0003.js",
        "ch-01-0003.more.js",
        "groups.js",
    }
    assert names(folder)[-1] == ("ch-01", 3, "ch-01/new_v1")


def test_no_file_holds_too_many(folder: Path) -> None:
    """A full one is left, and the next begun."""
    for n in range(0, 3 * ROWS, ROWS // 2):
        put(folder, "x", *(entry(f"x/p{n + i:04d}_v1") for i in range(ROWS // 2)))

    counts = [shelf["rows"] for shelf in Cabinet(folder).groups["x"]["shelves"].values()]
    assert counts == [ROWS, ROWS, ROWS]


def test_what_is_gone_is_taken_out(folder: Path) -> None:
    """A group without pictures goes, with its files."""
    put(folder, "x", entry("x/a_v1"), entry("x/b_v1"))
    put(folder, "y", entry("y/a_v1"))
    cabinet = Cabinet(folder)
    cabinet.apply("x", (), ["x/a_v1"], {"x/a_v1": 1})
    cabinet.apply("y", (), ["y/a_v1"], {"y/a_v1": 1})

    cabinet.tell({})
    cabinet.tidy()

    assert [name for _, _, name in names(folder)] == ["x/b_v1"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "groups.js",
        "x-0001.js",
        "x-0001.more.js",
    ]


def test_names_that_begin_alike_are_told_apart(folder: Path) -> None:
    """`a_v1` is not `a_v10`."""
    cabinet = put(folder, "x", entry("x/a_v10"))

    assert cabinet.where("x", ["x/a_v1", "x/a_v10"]) == {"x/a_v10": 1}
    assert cabinet.where("none", ["x/a_v10"]) == {}


@pytest.mark.parametrize("text", ["", "plasma", "plasma.groups(\n{}\n);", "x\n[]", "x\n{", "\n3"])
def test_damage_is_the_same_as_nothing(folder: Path, text: str) -> None:
    """It is made anew then."""
    put(folder, "x", entry("x/a_v1"))
    (folder / "groups.js").write_text(text)

    assert Cabinet(folder).groups == {}


SHELF = {"rows": 1, "approved": 0}


@pytest.mark.parametrize(
    "told",
    [
        3,
        {"slug": "x", "title": "x"},
        {"slug": "x", "title": "x", "shelves": {"1": 3}},
        {"slug": "x", "title": "x", "shelves": {"1": {"rows": "1", "approved": 0}}},
        {"slug": "x", "title": "x", "shelves": {"one": SHELF}},
        {"slug": 3, "title": "x", "shelves": {"1": SHELF}},
    ],
)
def test_a_group_that_is_damaged_is_none(folder: Path, told: object) -> None:
    """Nor is any beside it: all are made anew."""
    put(folder, "x", entry("x/a_v1"))
    (folder / "groups.js").write_text(f"plasma.groups(\n{json.dumps({'groups': {'x': told}})}\n);")

    assert Cabinet(folder).groups == {}


def test_what_says_the_same_is_not_written_again(folder: Path) -> None:
    """A page that watches it sees no change."""
    put(folder, "x", entry("x/a_v1"))
    before = (folder / "groups.js").stat().st_mtime_ns

    Cabinet(folder).tell({"built": "now"})

    assert (folder / "groups.js").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("name", "group", "title"),
    [
        ("ch-01/raw/ch01_p003_v1", "ch-01", "Chapter 1"),
        ("ch-123/raw/x_v1", "ch-123", "Chapter 123"),
        ("studies/deep/x_v1", "studies", "studies"),
        ("x_v1", "", "Other pictures"),
    ],
)
def test_a_group_is_the_first_folder(name: str, group: str, title: str) -> None:
    """Chapters are called chapters."""
    assert group_of(name) == group
    assert title_of(group) == title


@example(["failures", "Failures", "FAILURES", "_root", ""])
@given(st.lists(st.text(max_size=70), unique=True, max_size=20))
def test_no_two_groups_share_their_files(groups: list[str]) -> None:
    """Also on a disk that folds case; and each name is one that every system can have."""
    slugs = [slug_of(group) for group in groups]

    assert len({slug.casefold() for slug in slugs}) == len(groups)
    assert all(slug.isascii() and "/" not in slug and len(slug) < 80 for slug in slugs)
    assert all(slug[0] != "." and slug != "failures" for slug in slugs)


def test_a_page_can_find_the_files_of_a_group() -> None:
    """The script builds the same names."""
    script = (Path(cabinets.__file__).parent / "assets" / "gallery.js").read_text("utf-8")

    assert (
        '`data/${encodeURIComponent(group)}-${String(number).padStart(4, "0")}.${suffix}`' in script
    )
