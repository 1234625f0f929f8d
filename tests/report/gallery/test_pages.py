"""The frames of the pages: whatever is put into them is a text."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from plasma_watch.report.gallery.pages import looking, write, write_group, write_index

BAD = "\"><script>alert(1)</script>&<b>'"


class Tags(HTMLParser):
    """Collects the tags and the texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag and its attributes."""
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.texts.append(data)


def test_a_title_is_a_text_wherever_it_stands() -> None:
    """In the head, in the heading, in an attribute."""
    plain = Tags(looking("group", "Chapter 1", "ch-01", root="../", gallery=""))

    found = Tags(looking("group", BAD, BAD, root="../", gallery=""))

    assert found.tags == plain.tags
    assert found.attributes["data-slug"] == BAD
    assert BAD in found.texts
    assert f"{BAD} - Gallery" in found.texts


def test_pages_lead_to_each_other(tmp_path: Path) -> None:
    """By relative paths, so that the folder can move."""
    write_index(tmp_path, ".gallery")
    (tmp_path / ".gallery").mkdir()
    write_group(tmp_path / ".gallery", {"slug": "ch-01", "title": "Chapter 1"})

    index = (tmp_path / "index.html").read_text()
    group = (tmp_path / ".gallery" / "ch-01.html").read_text()
    assert 'href=".gallery/gallery.css"' in index
    assert 'src=".gallery/gallery.js"' in index
    assert 'href="gallery.css"' in group
    assert 'href="../index.html"' in group
    assert "http" not in index + group


def test_a_page_that_says_the_same_is_not_written(tmp_path: Path) -> None:
    """And one of ours that says something else is."""
    write_index(tmp_path, ".gallery")
    page = tmp_path / "index.html"
    before = page.stat().st_mtime_ns
    write_index(tmp_path, ".gallery")
    assert page.stat().st_mtime_ns == before

    write(page, page.read_text() + "<!-- another version -->")
    write_index(tmp_path, ".gallery")
    assert "another version" not in page.read_text()


def test_without_a_script_a_page_says_where_the_pictures_are() -> None:
    """Nobody is left before an empty page."""
    assert "<noscript>" in looking("index", "Gallery", "", root="", gallery="")
