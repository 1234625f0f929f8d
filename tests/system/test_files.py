"""What is claimed of the one door to the disk, on real disks."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import plasma_watch
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system import files
from plasma_watch.system.files import Fingerprint
from tests.fakes.disk import keeps

PROC = Path("/proc/self")
needs_proc = pytest.mark.skipif(not (PROC / "mem").exists(), reason="there is no /proc")
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


def names(folder: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


def lowest_free_descriptor() -> int:
    """Return the number that the next opened file would get."""
    fd = os.open(os.devnull, os.O_RDONLY)
    os.close(fd)
    return fd


def run_limited(code: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    """Run Python that may write no file beyond 1000 bytes."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    return subprocess.run(
        [sys.executable, "-c", limit + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(plasma_watch.__file__).parents[1])},
    )


# Reading.


@pytest.mark.parametrize("content", [b"", b"kind = 'generate'\n", b"\0" * 100])
def test_a_regular_file_is_read_whole(tmp_path: Path, content: bytes) -> None:
    """With the fingerprint of the state that was read."""
    path = tmp_path / "p003.toml"
    path.write_bytes(content)

    assert files.read_regular(path, 100) == (content, Fingerprint.of(path.stat()))


def test_a_digest_is_that_of_the_content(tmp_path: Path) -> None:
    """Of a file, however long."""
    path = tmp_path / "p003.toml"
    path.write_bytes(b"spyke" * 100_000)

    assert files.digest(path) == hashlib.sha256(b"spyke" * 100_000).hexdigest()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(__file__)])
def test_what_is_no_file_has_no_digest(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """And nobody waits for a pipe."""
    make(tmp_path / "p003.toml")

    assert files.digest(tmp_path / "p003.toml") == ""
    assert files.digest(tmp_path / "nowhere.toml") == ""


def test_a_fingerprint_tells_states_apart(tmp_path: Path) -> None:
    """When the content grows, when the time changes, when another file takes the name."""
    path = tmp_path / "p003.toml"
    path.write_text("a")
    first = Fingerprint.of(path.stat())
    assert Fingerprint.of(path.stat()) == first

    os.utime(path, ns=(1, 1))
    touched = Fingerprint.of(path.stat())
    path.write_text("ab")
    os.utime(path, ns=(1, 1))
    grown = Fingerprint.of(path.stat())
    other = tmp_path / "other"
    other.write_text("ab")
    os.utime(other, ns=(1, 1))
    other.replace(path)

    assert len({first, touched, grown, Fingerprint.of(path.stat())}) == 4


def test_a_file_that_is_gone_is_told_apart(tmp_path: Path) -> None:
    """When somebody took it back, that is no error of the request."""
    with pytest.raises(FileNotFoundError):
        files.read_regular(tmp_path / "p003.toml", 100)


def a_link(path: Path) -> None:
    """Make a link to a file that everybody may read."""
    path.symlink_to("/etc/passwd")


def a_dangling_link(path: Path) -> None:
    """Make a link to nothing."""
    path.symlink_to("nothing")


def a_fifo(path: Path) -> None:
    """Make a pipe that nobody writes into."""
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    """Make a socket; its path must be short, so it is bound from its folder."""
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.fchdir(here)
    os.close(here)


def a_folder(path: Path) -> None:
    """Make a folder."""
    path.mkdir()


IMPOSTORS = [a_link, a_dangling_link, a_fifo, a_socket, a_folder]


@pytest.mark.parametrize("make", IMPOSTORS)
def test_what_is_not_a_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """At once: nothing is followed, nothing is waited for, no descriptor stays open."""
    path = tmp_path / "p003.toml"
    make(path)
    free = lowest_free_descriptor()

    with pytest.raises(PlasmaError) as caught:
        files.read_regular(path, 100)

    assert caught.value.code is Code.REQUEST_NOT_A_FILE
    assert caught.value.message.startswith("p003.toml is a folder, a link, ")
    assert caught.value.hint
    assert lowest_free_descriptor() == free


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/dev/tty"])
def test_a_device_is_refused(device: str) -> None:
    """When a link would be too plain."""
    with pytest.raises(PlasmaError) as caught:
        files.read_regular(Path(device), 100)

    assert caught.value.code is Code.REQUEST_NOT_A_FILE


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    """When it has one byte too many; the message says both numbers."""
    path = tmp_path / "p003.toml"
    path.write_bytes(b"a" * 101)

    with pytest.raises(PlasmaError) as caught:
        files.read_regular(path, 100, "the request")

    assert caught.value.code is Code.REQUEST_TOO_BIG
    assert caught.value.message == "the request has 101 bytes; at most 100 are read"
    assert "max_request_kb" in caught.value.hint


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    """When it claims more than any memory; it is all hole."""
    path = tmp_path / "p003.toml"
    with path.open("wb") as file:
        file.truncate(2**40)

    with pytest.raises(PlasmaError, match="has 1099511627776 bytes"):
        files.read_regular(path, 100)


@needs_proc
def test_a_file_that_grows_while_it_is_read_is_refused() -> None:
    """When its size was good and its content is not: it is never cut and taken for whole."""
    with pytest.raises(PlasmaError) as caught:
        files.read_regular(PROC / "status", 10)

    assert caught.value.code is Code.REQUEST_TOO_BIG


@needs_proc
def test_a_disk_that_fails_while_it_is_read_is_told() -> None:
    """When opening went well."""
    free = lowest_free_descriptor()

    with pytest.raises(PlasmaError) as caught:
        files.read_regular(PROC / "mem", 100)

    assert caught.value.code is Code.REQUEST_UNREADABLE
    assert caught.value.message == f"mem cannot be read: {os.strerror(errno.EIO)}"
    assert lowest_free_descriptor() == free


def test_a_way_that_is_none_is_unreadable(tmp_path: Path) -> None:
    """When a file stands where a folder should."""
    (tmp_path / "file").touch()

    with pytest.raises(PlasmaError) as caught:
        files.read_regular(tmp_path / "file" / "p003.toml", 100)

    assert caught.value.code is Code.REQUEST_UNREADABLE
    assert "Check who may read it" in caught.value.hint


# Writing.


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_written_and_replaced_whole(*, tmp_path: Path, durable: bool) -> None:
    """When there is none, and when there is one."""
    path = tmp_path / "p003.toml"

    for content in (b"first", b"", b"second" * 1000):
        files.write_whole(path, content, durable=durable)

        assert path.read_bytes() == content
        assert names(tmp_path) == ["p003.toml"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """When the disk gives out in the middle of the new content."""
    path = tmp_path / "p003.toml"
    path.write_text("old")

    done = run_limited(
        "import sys, pathlib; from plasma_watch.system import files\n"
        "files.write_whole(pathlib.Path(sys.argv[1]), b'x' * 100_000, durable=True)",
        path,
    )

    assert "OSError: [Errno 27] File too large" in done.stderr
    assert path.read_text() == "old"
    assert names(tmp_path) == ["p003.toml"]


def test_a_replacement_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """When a folder stands in the way."""
    path = tmp_path / "p003.toml"
    (path / "inside").mkdir(parents=True)

    with pytest.raises(OSError, match=r"p003\.toml"):
        files.write_whole(path, b"new")

    assert names(tmp_path) == ["p003.toml"]
    assert names(path) == ["inside"]


def test_a_write_into_no_folder_fails(tmp_path: Path) -> None:
    """When the folder was taken away; nothing is made in its place."""
    with pytest.raises(FileNotFoundError):
        files.write_whole(tmp_path / "gone" / "p003.toml", b"new")

    assert names(tmp_path) == []


@needs_full
@pytest.mark.parametrize("durable", [True, False])
def test_a_full_disk_is_heard_of(*, durable: bool) -> None:
    """When the bytes are handed over, not when it is too late."""
    with pytest.raises(OSError, match="No space left"):
        files.write_new(Path("/dev/full"), b"x", durable=durable)


def test_a_reader_sees_old_or_new_and_never_half(tmp_path: Path) -> None:
    """When one thread replaces a file again and again while another reads it."""
    path = tmp_path / "status.toml"
    contents = {bytes([letter]) * 50_000 for letter in b"abcd"}
    path.write_bytes(b"a" * 50_000)

    def write() -> None:
        for letter in b"abcd" * 25:
            files.write_whole(path, bytes([letter]) * 50_000)

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while writer.is_alive():
        seen.add(path.read_bytes())
    writer.join()

    assert seen <= contents
    assert names(tmp_path) == ["status.toml"]


def test_what_a_crash_left_is_replaced(tmp_path: Path) -> None:
    """When a write was cut short before its rename; the next one leaves nothing of it."""
    (tmp_path / ".status.toml.tmp").write_bytes(b"half of")

    files.write_whole(tmp_path / "status.toml", b"whole")

    assert names(tmp_path) == ["status.toml"]


@pytest.mark.parametrize("mode", [None, 0o777, 0o755, 0o700])
def test_a_private_folder_is_its_owners_alone(tmp_path: Path, mode: int | None) -> None:
    """Whatever it was before."""
    folder = tmp_path / "a" / "b"
    if mode is not None:
        folder.mkdir(parents=True)
        folder.chmod(mode)

    files.make_private(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folders_names_are_put_on_the_disk(tmp_path: Path) -> None:
    """When it is there; one that is not is told."""
    files.sync_folder(tmp_path)

    with pytest.raises(FileNotFoundError):
        files.sync_folder(tmp_path / "gone")


# Publishing.


def cannot_link(number: int) -> Callable[[Path, Path], None]:
    """Return what links on a volume that cannot."""

    def link(source: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number), str(source), None, str(target))

    return link


LINKLESS = [errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK]
WAYS: list[Callable[[Path, Path], None]] = [os.link, *map(cannot_link, LINKLESS)]
WAY_IDS = ["by link", *(f"without links: {errno.errorcode[number]}" for number in LINKLESS)]


@pytest.mark.parametrize("link", WAYS, ids=WAY_IDS)
def test_a_finished_file_gets_its_name(tmp_path: Path, link: Callable[[Path, Path], None]) -> None:
    """And loses its temporary one, whatever the volume can."""
    temporary, final = tmp_path / ".a.tmp", tmp_path / "a.png"
    temporary.write_bytes(b"picture")

    files.publish(temporary, final, link)

    assert names(tmp_path) == ["a.png"]
    assert final.read_bytes() == b"picture"


def test_a_temporary_name_that_stays_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk refuses to remove it: the file has its final name, and that cannot fail."""
    temporary, final = tmp_path / ".a.tmp", tmp_path / "a.png"
    temporary.write_bytes(b"picture")
    monkeypatch.setattr(os, "unlink", keeps(temporary))

    files.publish(temporary, final)

    assert final.read_bytes() == b"picture"


@pytest.mark.parametrize("link", WAYS, ids=WAY_IDS)
@pytest.mark.parametrize("taken", ["file", "folder", "dangling link"])
def test_a_name_that_is_taken_is_never_taken_again(
    tmp_path: Path, taken: str, link: Callable[[Path, Path], None]
) -> None:
    """Whatever holds it; both files stay as they were."""
    temporary, final = tmp_path / ".a.tmp", tmp_path / "a.png"
    temporary.write_bytes(b"picture")
    if taken == "file":
        final.write_bytes(b"older")
    elif taken == "folder":
        final.mkdir()
    else:
        final.symlink_to("nothing")
    before = final.lstat()

    with pytest.raises(FileExistsError):
        files.publish(temporary, final, link)

    assert temporary.read_bytes() == b"picture"
    assert (final.lstat().st_ino, final.lstat().st_mtime) == (before.st_ino, before.st_mtime)


def test_a_volume_that_fails_is_not_one_that_cannot_link(tmp_path: Path) -> None:
    """When the disk is full, no placeholder is tried."""
    temporary, final = tmp_path / ".a.tmp", tmp_path / "a.png"
    temporary.write_bytes(b"picture")

    with pytest.raises(OSError, match="No space left"):
        files.publish(temporary, final, cannot_link(errno.ENOSPC))

    assert names(tmp_path) == [".a.tmp"]


def test_a_placeholder_is_taken_back_when_nothing_can_follow(tmp_path: Path) -> None:
    """When the finished file is gone, or the disk refuses the rename."""
    with pytest.raises(FileNotFoundError):
        files.publish(tmp_path / ".a.tmp", tmp_path / "a.png", cannot_link(errno.EPERM))

    assert names(tmp_path) == []


@pytest.mark.parametrize("link", WAYS[:2], ids=WAY_IDS[:2])
def test_of_many_that_publish_one_name_exactly_one_does(
    tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    """When they do it in the same moment."""
    final = tmp_path / "a.png"
    barrier = threading.Barrier(8)
    won = []

    def publish(number: int) -> None:
        temporary = tmp_path / f".{number}.tmp"
        temporary.write_bytes(b"%d" % number)
        barrier.wait()
        try:
            files.publish(temporary, final, link)
        except FileExistsError:
            temporary.unlink()
        else:
            won.append(number)

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [b"%d" % number for number in won] == [final.read_bytes()]
    assert names(tmp_path) == ["a.png"]


def test_a_placeholder_is_a_file_that_others_may_read(tmp_path: Path) -> None:
    """When the picture replaces it, the picture's own mode counts."""
    temporary = tmp_path / ".a.tmp"
    temporary.write_bytes(b"picture")
    temporary.chmod(0o640)

    files.publish(temporary, tmp_path / "a.png", cannot_link(errno.EPERM))

    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640
