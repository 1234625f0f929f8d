"""Thumbnails on a real disk."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from plasma_watch.report.gallery.thumbs import BOX, made, path_of
from tests.fakes.book import picture
from tests.fakes.drawings import drawn, png


def test_a_thumbnail_is_kept_under_the_hash_of_its_picture(tmp_path: Path) -> None:
    """As WebP, no larger than a card needs, its shape kept."""
    content = png(drawn(512, 1024))
    (tmp_path / "p.png").write_bytes(content)

    digest = made(tmp_path / "p.png", tmp_path / "thumbs")

    assert digest == hashlib.sha256(content).hexdigest()
    with Image.open(path_of(tmp_path / "thumbs", digest)) as thumb:
        assert thumb.format == "WEBP"
        assert thumb.size == (300, 600)
    assert BOX == (400, 600)


def test_a_small_picture_is_not_blown_up(tmp_path: Path) -> None:
    """It is shown as it is."""
    (tmp_path / "p.png").write_bytes(png(drawn(64, 96)))

    with Image.open(path_of(tmp_path / "t", made(tmp_path / "p.png", tmp_path / "t"))) as thumb:
        assert thumb.size == (64, 96)


def test_it_is_made_once(tmp_path: Path) -> None:
    """Also for a picture that has another name now."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(picture(1))
    path = path_of(tmp_path / "t", made(tmp_path / "a.png", tmp_path / "t"))
    os.utime(path, (1, 1))

    made(tmp_path / "b.png", tmp_path / "t")

    assert path.stat().st_mtime == 1
    assert len(list((tmp_path / "t").rglob("*.webp"))) == 1


def test_many_threads_may_meet_at_one(tmp_path: Path) -> None:
    """Pictures of the same content, looked at together."""
    names = [tmp_path / f"{number}.png" for number in range(16)]
    for name in names:
        name.write_bytes(picture(1))

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda name: made(name, tmp_path / "t"), names))

    assert found == {hashlib.sha256(picture(1)).hexdigest()}
    assert len(list((tmp_path / "t").rglob("*.webp"))) == 1


@pytest.mark.parametrize("content", [b"", b"no picture", png(drawn())[:200]])
def test_what_cannot_be_shown_has_none(tmp_path: Path, content: bytes) -> None:
    """And nothing else happens."""
    (tmp_path / "p.png").write_bytes(content)

    assert made(tmp_path / "p.png", tmp_path / "t") == ""
    assert not list(tmp_path.rglob("*.webp"))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Nor is a picture that is gone missed."""
    os.mkfifo(tmp_path / "p.png")

    assert made(tmp_path / "p.png", tmp_path / "t") == ""
    assert made(tmp_path / "gone.png", tmp_path / "t") == ""


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    """It is no property of the picture."""
    (tmp_path / "p.png").write_bytes(picture(1))
    (tmp_path / "t").write_text("a file where the folder would be")

    with pytest.raises(OSError, match="t"):
        made(tmp_path / "p.png", tmp_path / "t")
