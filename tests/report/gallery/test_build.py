"""The gallery of a real output folder: as a whole, and picture by picture."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from plasma_watch import toml_text
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.report.gallery.build import FOLDER, Gallery
from plasma_watch.report.gallery.cabinet import Cabinet
from tests.fakes.book import page, picture, place
from tests.fakes.home import NOON

ABOUT: dict[str, Any] = {"built": "2026-11-22T12:00:00Z"}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output folder: a chapter with a page of two versions, another, a study, a loose one."""
    output = tmp_path / "output"
    for number, version in ((1, 1), (1, 2), (2, 1)):
        page(output, 1, number, version)
    page(output, 2, 1)
    place(output, "studies/cloak_v1", 7)
    place(output, "loose_v1", 8)
    return output


def refresh(output: Path) -> int:
    """Bring all of it up to date."""
    gallery = Gallery(output, workers=2)
    gallery.prepare()
    return gallery.refresh(ABOUT)


def add(output: Path, *pictures: Path) -> int:
    """Put in pictures that are new."""
    gallery = Gallery(output)
    gallery.prepare()
    return gallery.add(pictures, ABOUT)


def rows(output: Path) -> dict[str, dict[str, Any]]:
    """Return the rows that are kept, by their names."""
    kept = Cabinet(output / FOLDER / "data").rows()
    return {row["id"]: {**row, "group": group} for group, _, row in kept}


def mtimes(output: Path) -> dict[str, int]:
    """Return when each file of the gallery changed."""
    files = (path for path in (output / FOLDER).rglob("*") if path.is_file())
    return {str(path.relative_to(output)): path.stat().st_mtime_ns for path in files}


def test_every_picture_is_in_the_gallery(output: Path) -> None:
    """With its thumbnail, and a page for each group."""
    assert refresh(output) == 6

    found = rows(output)
    assert sorted(found) == [
        "ch-01/raw/ch01_p001_v1",
        "ch-01/raw/ch01_p001_v2",
        "ch-01/raw/ch01_p002_v1",
        "ch-02/raw/ch02_p001_v1",
        "loose_v1",
        "studies/cloak_v1",
    ]
    for name, row in found.items():
        digest = hashlib.sha256((output / f"{name}.png").read_bytes()).hexdigest()
        assert row["thumb"] == digest
        assert (output / FOLDER / "thumbs" / digest[:2] / f"{digest}.webp").is_file()
    assert (output / "index.html").is_file()
    pages = {path.name for path in (output / FOLDER).glob("*.html")}
    assert pages == {"ch-01.html", "ch-02.html", "studies.html", "_root.html"}


def test_what_is_unchanged_is_not_made_again(output: Path) -> None:
    """Not one file is written."""
    refresh(output)
    before = mtimes(output)

    assert refresh(output) == 0
    assert mtimes(output) == before


def test_a_mark_is_seen(output: Path) -> None:
    """The manifest is another; the thumbnail is the same."""
    refresh(output)
    before = mtimes(output)
    manifest = output / "ch-01" / "raw" / "ch01_p002_v1.toml"
    table = _read(manifest)
    table["result"]["approved"] = NOON
    manifest.write_text(toml_text.dumps(table))

    assert refresh(output) == 1

    assert rows(output)["ch-01/raw/ch01_p002_v1"]["approved"] == "2026-11-22T12:00:00Z"
    changed = {name for name, when in mtimes(output).items() if before.get(name) != when}
    assert changed == {
        f"{FOLDER}/data/ch-01-0001.js",
        f"{FOLDER}/data/ch-01-0001.more.js",
        f"{FOLDER}/data/groups.js",
    }


def _read(manifest: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - one reading

    return tomllib.loads(manifest.read_text())


def test_what_is_moved_or_gone_is_followed(output: Path) -> None:
    """Its thumbnail stays for as long as anything shows it."""
    refresh(output)
    for suffix in (".png", ".toml"):
        (output / "loose_v1").with_suffix(suffix).rename(output / "studies" / f"kept_v1{suffix}")
        (output / "ch-02" / "raw" / f"ch02_p001_v1{suffix}").unlink()

    assert refresh(output) == 1

    found = rows(output)
    assert "studies/kept_v1" in found
    assert not {"loose_v1", "ch-02/raw/ch02_p001_v1"} & set(found)
    kept = {path.stem for path in (output / FOLDER / "thumbs").rglob("*.webp")}
    assert kept == {row["thumb"] for row in found.values()}
    assert not (output / FOLDER / "data" / "ch-02-0001.js").exists()
    assert {path.name for path in (output / FOLDER).glob("*.html")} == {
        "ch-01.html",
        "studies.html",
    }


def test_a_picture_that_is_known_to_be_new_is_put_in_alone(output: Path) -> None:
    """Nothing else is looked for, and no other group's file is touched."""
    refresh(output)
    page(output, 2, 9)
    before = mtimes(output)

    new = page(output, 1, 3)
    assert add(output, new) == 1

    assert "ch-01/raw/ch01_p003_v1" in rows(output)
    assert "ch-02/raw/ch02_p009_v1" not in rows(output)
    changed = {name for name, when in mtimes(output).items() if before.get(name) != when}
    digest = hashlib.sha256(new.read_bytes()).hexdigest()
    assert changed == {
        f"{FOLDER}/data/ch-01-0001.js",
        f"{FOLDER}/data/ch-01-0001.more.js",
        f"{FOLDER}/data/groups.js",
        f"{FOLDER}/thumbs/{digest[:2]}/{digest}.webp",
    }


def test_a_picture_put_in_twice_is_there_once(output: Path) -> None:
    """A job is told of while it runs, and when it has ended."""
    first = page(output, 1, 1)
    add(output, first)
    add(output, first, page(output, 1, 2))

    assert [name for name in rows(output) if name.startswith("ch-01")] == [
        "ch-01/raw/ch01_p001_v1",
        "ch-01/raw/ch01_p002_v1",
    ]


def test_what_is_elsewhere_or_gone_is_not_put_in(output: Path, tmp_path: Path) -> None:
    """A journal may name anything."""
    refresh(output)

    assert add(output, tmp_path / "x.png", output / "gone_v1.png", output / "ch-01") == 0
    assert len(rows(output)) == 6


def test_a_new_chapter_gets_its_page(output: Path) -> None:
    """With its first picture."""
    refresh(output)

    add(output, page(output, 7, 1))

    assert "Chapter 7" in (output / FOLDER / "ch-07.html").read_text()


def test_what_is_not_ours_is_left_out(output: Path) -> None:
    """Pictures without a manifest, manifests without a picture, others' TOML, hidden folders."""
    (output / "photo.png").write_bytes(picture(1))
    (output / "alone_v1.toml").write_text("x = 1")
    (output / "theirs.png").write_bytes(picture(2))
    (output / "theirs.toml").write_text('title = "a pipeline\'s own"')
    place(output, ".hidden/x_v1", 3)
    (output / "link").symlink_to(output / "ch-01")

    assert refresh(output) >= 6
    assert len(rows(output)) == 6


def test_a_picture_that_cannot_be_shown_is_there_all_the_same(output: Path) -> None:
    """Its manifest says how to make it again; the page says that it cannot be shown."""
    place(output, "ch-01/broken_v1", 9, b"no picture")

    refresh(output)

    assert rows(output)["ch-01/broken_v1"]["thumb"] == ""


def test_a_manifest_that_is_damaged_is_left_out(output: Path) -> None:
    """The other pictures are not."""
    (output / "loose_v1.toml").write_bytes(b"\xff\xfe")
    (output / "studies" / "cloak_v1.toml").write_text("[" * 5000)

    refresh(output)

    assert len(rows(output)) == 4


@pytest.mark.parametrize("damage", ["groups.js", "ch-01-0001.js", "everything"])
def test_it_can_be_thrown_away(output: Path, damage: str) -> None:
    """Whole or in part: the next run makes it anew."""
    refresh(output)
    if damage == "everything":
        shutil.rmtree(output / FOLDER)
    else:
        (output / FOLDER / "data" / damage).write_text('plasma.rows("ch-01", 1, [\n{"id": "x\n')

    refresh(output)

    assert len(rows(output)) == 6


def test_a_thumbnail_that_is_gone_is_made_again(output: Path) -> None:
    """People tidy up."""
    refresh(output)
    shutil.rmtree(output / FOLDER / "thumbs")

    assert refresh(output) == 6
    assert len(list((output / FOLDER / "thumbs").rglob("*.webp"))) == 6


def test_progress_is_told(output: Path) -> None:
    """So many of so many, until all are done."""
    gallery, told = Gallery(output), list[tuple[int, int]]()
    gallery.prepare()

    gallery.refresh(ABOUT, lambda done, of: told.append((done, of)))

    assert [of for _, of in told] == [6] * len(told)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (6, 6)


def test_a_page_of_somebody_else_is_never_replaced(output: Path) -> None:
    """The pipeline may have one of its own there."""
    (output / "index.html").write_text("<h1>mine</h1>")

    with pytest.raises(PlasmaError) as caught:
        refresh(output)

    assert caught.value.code is Code.CONFIG_LAYOUT
    assert (output / "index.html").read_text() == "<h1>mine</h1>"
    assert not (output / FOLDER).exists()


def test_every_data_file_is_json(output: Path) -> None:
    """What a page loads can be read by any program."""
    refresh(output)

    for file in (output / FOLDER / "data").glob("*.js"):
        text = file.read_text("ascii")
        inside = text[
            text.index("\n") : text.rindex("\n)") if "groups" in file.name else text.rindex("]")
        ]
        json.loads(inside if "groups" in file.name else f"[{inside}]")
