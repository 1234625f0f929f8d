"""The pages themselves: frames of HTML that a script fills. Pure, but for writing what is another.

    index.html               the chapters, and what is found in all of them
    .gallery/ch-01.html      one page a group
    .gallery/gallery.css, gallery.js

Whatever is put into a frame is escaped here; everything else reaches the page as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.report.gallery.cabinet import TAKEN
from plasma_watch.system import files

OURS = b'<meta name="generator" content="plasma-watch gallery">'
"""What tells a page of ours, which may be written anew, from anybody else's."""
_ASSETS = Path(__file__).parent / "assets"
_SHARED = ("gallery.css", "gallery.js")


def page(name: str, title: str, main: str, *, root: str, gallery: str, slug: str = "") -> str:
    """Return a page: what it is, its title, and its inside, which is HTML already.

    `root` and `gallery` lead to the output folder and to ours; `slug` says what it is about.
    """
    frame = Template((_ASSETS / "frame.html").read_text("utf-8"))
    told = {"page": name, "title": title, "slug": slug, "root": root, "gallery": gallery}
    return frame.substitute({key: escape(value) for key, value in told.items()}, main=main)


def looking(name: str, heading: str, slug: str, *, root: str, gallery: str) -> str:
    """Return a page on which pictures are looked at and filtered."""
    main = Template((_ASSETS / "looking.html").read_text("utf-8"))
    inside = main.substitute(heading=escape(heading))
    title = heading if name == "index" else f"{heading} - Gallery"
    return page(name, title, inside, root=root, gallery=gallery, slug=slug)


def write_index(output: Path, folder: str) -> None:
    """Write the page that opens with a double click.

    Raises PlasmaError `config.layout` when a page of somebody else lies in its place.
    """
    path = output / "index.html"
    there = _content(path)
    if there and OURS not in there:
        raise PlasmaError(
            Code.CONFIG_LAYOUT,
            f"{path} is no page of ours: it is left as it is",
            "Move it, or let paths.output be another folder; then make the gallery again.",
        )
    write(path, looking("index", "Gallery", "", root="", gallery=f"{folder}/"))


def write_group(folder: Path, told: Mapping[str, Any]) -> None:
    """Write the page of a group."""
    slug, title = str(told["slug"]), str(told["title"])
    write(folder / f"{slug}.html", looking("group", title, slug, root="../", gallery=""))


def drop_groups(folder: Path, kept: AbstractSet[str]) -> None:
    """Remove the pages of groups that are no more."""
    for path in folder.glob("*.html"):
        if path.stem not in kept | TAKEN:
            path.unlink(missing_ok=True)


def write_shared(folder: Path) -> None:
    """Write what all pages share."""
    for name in _SHARED:
        write(folder / name, (_ASSETS / name).read_text("utf-8"))


def write(path: Path, text: str) -> None:
    """Write a file whole, unless it says so already."""
    if _content(path) != text.encode():
        files.write_whole(path, text.encode())


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
