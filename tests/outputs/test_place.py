"""A picture and its manifest come to their place whole, together, and never over another."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from plasma_watch.outputs.naming import Place
from plasma_watch.outputs.place import Draft, Publish, place, was_placed
from plasma_watch.system import files

PICTURE = b"a whole picture"
SHA256 = hashlib.sha256(PICTURE).hexdigest()
WHERE = Place(PurePosixPath(), "p003")
MARK = "20261122T120000-p003-1"


def manifest_for(file: str) -> str:
    """Return a manifest that names its picture."""
    return f"ours = true\nfile = {file!r}\n"


def sha256_in(text: str) -> str | None:
    """Return the digest in a manifest of ours, and None for those of others."""
    return SHA256 if text.startswith("ours") else None


def not_told(_: Path) -> None:
    """Hear a name, and do nothing."""


def there(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its content."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def placed(number: int) -> dict[str, bytes]:
    """Return what one version looks like on the disk."""
    picture = f"p003_v{number}.png"
    return {picture: PICTURE, f"p003_v{number}.toml": manifest_for(picture).encode()}


def without_links(temporary: Path, final: Path) -> None:
    """Publish as on a disk that cannot link, exFAT or SMB: by an exclusive placeholder."""
    final.touch(exist_ok=False)
    temporary.replace(final)


def put(
    folder: Path,
    announce: Callable[[Path], None] = not_told,
    write: Callable[[str], str] = manifest_for,
    publish: Publish = files.publish,
) -> Path:
    """Place our picture."""
    return place(Draft(folder, MARK), WHERE, PICTURE, write, announce, publish=publish)


def test_picture_and_manifest_appear_under_the_first_free_version(tmp_path: Path) -> None:
    """In an empty folder that is version 1, and nothing else is left in the folder."""
    final = put(tmp_path)

    assert final == tmp_path / "p003_v1.png"
    assert there(tmp_path) == placed(1)


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    """The first page of a chapter finds no folder."""
    folder = tmp_path / "ch-01" / "raw"

    assert put(folder) == folder / "p003_v1.png"


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    """What lies there stays, byte for byte: pictures, manifests alone, other spellings."""
    others = {"p003_v1.png": b"theirs", "P003_V2.png": b"theirs", "p003_v3.toml": b"theirs"}
    for name, content in others.items():
        (tmp_path / name).write_bytes(content)

    assert put(tmp_path) == tmp_path / "p003_v4.png"
    assert there(tmp_path) == others | placed(4)


def test_the_manifest_is_there_before_the_picture(tmp_path: Path) -> None:
    """Whoever sees the picture finds its manifest; the name is told before either appears."""
    heard: list[tuple[str, list[str]]] = []

    def announce(final: Path) -> None:
        heard.append((final.name, sorted(path.name for path in tmp_path.glob("p003*"))))

    put(tmp_path, announce)

    assert heard == [("p003_v1.png", [])]


@pytest.mark.parametrize("taken", ["p003_v1.png", "p003_v1.toml"])
def test_a_name_taken_meanwhile_means_the_next_version(tmp_path: Path, taken: str) -> None:
    """Somebody took the name after we chose it; our manifest under it is taken back."""

    def announce(final: Path) -> None:
        if final.name == "p003_v1.png":
            (tmp_path / taken).write_bytes(b"theirs")

    final = put(tmp_path, announce)

    assert final == tmp_path / "p003_v2.png"
    assert there(tmp_path) == {taken: b"theirs"} | placed(2)


def test_a_link_that_leads_nowhere_takes_its_name_too(tmp_path: Path) -> None:
    """Nothing is written through it."""

    def announce(final: Path) -> None:
        if final.name == "p003_v1.png":
            final.symlink_to(tmp_path / "nowhere")

    assert put(tmp_path, announce) == tmp_path / "p003_v2.png"
    assert not (tmp_path / "nowhere").exists()


def test_a_disk_that_refuses_the_manifest_leaves_nothing(tmp_path: Path) -> None:
    """The picture was written, the manifest cannot be: both go, and the error is told."""

    def write(_: str) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space"):
        put(tmp_path, write=write)

    assert there(tmp_path) == {}


def test_a_disk_that_refuses_the_picture_leaves_nothing(tmp_path: Path) -> None:
    """The manifest has its name already when the picture gets none: it is taken back."""

    def write(file: str) -> str:
        Draft(tmp_path, MARK).picture.unlink()
        return manifest_for(file)

    with pytest.raises(FileNotFoundError):
        put(tmp_path, write=write)

    assert there(tmp_path) == {}


def test_a_disk_that_cannot_link_is_served_too(tmp_path: Path) -> None:
    """The name is taken by an exclusive placeholder, which the whole file replaces."""
    assert put(tmp_path, publish=without_links) == tmp_path / "p003_v1.png"
    assert put(tmp_path, publish=without_links) == tmp_path / "p003_v2.png"
    assert there(tmp_path) == placed(1) | placed(2)


@pytest.mark.parametrize("taken", ["p003_v1.png", "p003_v1.toml"])
def test_a_disk_that_cannot_link_overwrites_nothing(tmp_path: Path, taken: str) -> None:
    """A name taken meanwhile is left to whoever took it, there too."""

    def announce(final: Path) -> None:
        if final.name == "p003_v1.png":
            (tmp_path / taken).write_bytes(b"theirs")

    final = put(tmp_path, announce, publish=without_links)

    assert final == tmp_path / "p003_v2.png"
    assert there(tmp_path) == {taken: b"theirs"} | placed(2)


# What a crash leaves. Each state is one more step of `place` than the one before.

OURS = manifest_for("p003_v1.png").encode()
TEMPORARY = {f".{MARK}.png.tmp": PICTURE, f".{MARK}.toml.tmp": OURS}


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ({}, {}),
        (TEMPORARY, TEMPORARY),
        (TEMPORARY | {"p003_v1.toml": OURS}, TEMPORARY),
        ({"p003_v1.toml": OURS}, {}),
        ({"p003_v1.toml": b""}, {}),
        ({"p003_v1.toml": OURS, "p003_v1.png": b""}, {}),
        ({"p003_v1.toml": b"", "p003_v1.png": b"theirs"}, {"p003_v1.png": b"theirs"}),
        ({"p003_v1.toml": OURS, "p003_v1.png": b"theirs"}, {"p003_v1.png": b"theirs"}),
    ],
    ids=[
        "nothing",
        "temporary files",
        "manifest linked",
        "manifest alone",
        "placeholder of the manifest",
        "placeholder of the picture",
        "placeholder of the manifest, and a picture of others",
        "manifest linked, and a picture of others",
    ],
)
def test_what_was_not_placed_is_taken_back(
    tmp_path: Path, found: dict[str, bytes], left: dict[str, bytes]
) -> None:
    """A manifest never stays without its picture, and nothing of others goes with it."""
    for name, content in found.items():
        (tmp_path / name).write_bytes(content)

    assert was_placed(tmp_path / "p003_v1.png", sha256_in) is None
    assert there(tmp_path) == left


@pytest.mark.parametrize("temporary", [{}, {f".{MARK}.png.tmp": PICTURE}])
def test_what_was_placed_is_known_by_its_digest(
    tmp_path: Path, temporary: dict[str, bytes]
) -> None:
    """The picture has its name; its temporary one may not have gone yet."""
    for name, content in (placed(1) | temporary).items():
        (tmp_path / name).write_bytes(content)

    assert was_placed(tmp_path / "p003_v1.png", sha256_in) == SHA256
    assert there(tmp_path) == placed(1) | temporary


@pytest.mark.parametrize("manifest", [b"theirs = true", b"\xff\xfe", b"\0" * 64])
@pytest.mark.parametrize("picture", [{}, {"p003_v1.png": b"theirs"}, {"p003_v1.png": b""}])
def test_what_others_put_there_meanwhile_stays(
    tmp_path: Path, manifest: bytes, picture: dict[str, bytes]
) -> None:
    """Their manifest says so, and theirs is what cannot be read."""
    found = {"p003_v1.toml": manifest} | picture
    for name, content in found.items():
        (tmp_path / name).write_bytes(content)

    assert was_placed(tmp_path / "p003_v1.png", sha256_in) is None
    assert there(tmp_path) == found


def test_a_picture_without_a_manifest_is_not_ours(tmp_path: Path) -> None:
    """We never make one: the manifest comes first."""
    (tmp_path / "p003_v1.png").write_bytes(PICTURE)

    assert was_placed(tmp_path / "p003_v1.png", sha256_in) is None
    assert there(tmp_path) == {"p003_v1.png": PICTURE}


def test_after_taking_back_the_same_version_is_free_again(tmp_path: Path) -> None:
    """A crash costs no version number."""
    (tmp_path / "p003_v1.toml").write_bytes(OURS)
    was_placed(tmp_path / "p003_v1.png", sha256_in)

    assert put(tmp_path) == tmp_path / "p003_v1.png"


def test_discarding_a_draft_leaves_what_was_placed(tmp_path: Path) -> None:
    """It removes the temporary files, as often as it is asked."""
    put(tmp_path)
    draft = Draft(tmp_path, MARK)
    draft.picture.write_bytes(b"left over")
    draft.manifest.write_bytes(b"left over")

    draft.discard()
    draft.discard()

    assert there(tmp_path) == placed(1)
