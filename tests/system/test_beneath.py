"""What is claimed of reading what a request names: nothing outside is ever reached."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system.beneath import list_beneath, locate, read_beneath

PROC = Path("/proc/self")
needs_proc = pytest.mark.skipif(not (PROC / "mem").exists(), reason="there is no /proc")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make a home with a picture in it, and a secret beside it."""
    home = tmp_path / "home"
    (home / "poses").mkdir(parents=True)
    (home / "poses" / "p003.png").write_bytes(b"pose")
    (home / "first.png").write_bytes(b"first")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.png").write_bytes(b"secret")
    return home


def refusal(named: str, *roots: Path, limit: int = 100) -> PlasmaError:
    """Return the error with which a name is refused; no descriptor stays open."""
    free = lowest_free_descriptor()
    with pytest.raises(PlasmaError) as caught:
        read_beneath(named, roots, limit)
    assert lowest_free_descriptor() == free
    assert caught.value.hint
    return caught.value


def lowest_free_descriptor() -> int:
    """Return the number that the next opened file would get."""
    fd = os.open(os.devnull, os.O_RDONLY)
    os.close(fd)
    return fd


# What is reached.


@pytest.mark.parametrize(
    ("named", "content"),
    [
        ("poses/p003.png", b"pose"),
        ("first.png", b"first"),
        ("./poses//p003.png", b"pose"),
        ("poses/./p003.png", b"pose"),
    ],
)
def test_a_file_below_the_home_is_read(home: Path, named: str, content: bytes) -> None:
    """By its path from there."""
    assert read_beneath(named, [home], 100) == content


def test_an_absolute_path_below_the_home_is_read(home: Path) -> None:
    """When somebody copied it from a Finder window."""
    assert read_beneath(str(home / "poses" / "p003.png"), [home], 100) == b"pose"


def test_an_absolute_path_below_an_allowed_root_is_read(home: Path) -> None:
    """When the config allows its folder, or one around it."""
    secret = home.parent / "secret"

    assert read_beneath(str(secret / "key.png"), [home, secret], 100) == b"secret"
    assert read_beneath(str(secret / "key.png"), [home, home.parent], 100) == b"secret"


def test_a_relative_path_starts_at_the_home_alone(home: Path) -> None:
    """When an allowed root has a file of that name, it is not meant."""
    error = refusal("key.png", home, home.parent / "secret")

    assert error.code is Code.REQUEST_MISSING_FILE


def test_a_root_may_be_reached_by_a_link(home: Path) -> None:
    """The owner of the config decides what a root is; only what a request says is mistrusted."""
    (home.parent / "alias").symlink_to(home)

    assert read_beneath("first.png", [home.parent / "alias"], 100) == b"first"


@pytest.mark.parametrize(
    "name",
    ["a b.png", "😀.png", "line\nend.png", "が.png", "-rf", "..png", "...", "~", "a\\b", "%s"],
)
def test_a_name_is_only_a_name(home: Path, name: str) -> None:
    """Whatever a shell or a printer would make of it."""
    (home / "folder" / name).mkdir(parents=True)
    (home / "folder" / name / name).write_bytes(b"here")

    assert read_beneath(f"folder/{name}/{name}", [home], 100) == b"here"


def test_a_file_of_just_the_limit_is_read(home: Path) -> None:
    """The limit is the largest size that passes."""
    assert read_beneath("first.png", [home], 5) == b"first"


def test_a_deep_file_needs_one_descriptor(home: Path) -> None:
    """When there are more folders above it than a daemon may hold open."""
    resource = pytest.importorskip("resource")
    deep = home.joinpath(*["d"] * 100)
    deep.mkdir(parents=True)
    (deep / "p.png").write_bytes(b"deep")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free_descriptor() + 50, hard))
    try:
        content = read_beneath("d/" * 100 + "p.png", [home], 100)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert content == b"deep"


# What is not.


@pytest.mark.parametrize(
    "named",
    [
        "../secret/key.png",
        "poses/../../secret/key.png",
        "poses/../first.png",
        "..",
        "/etc/passwd",
        "/",
        "//etc/passwd",
        "/../etc/passwd",
    ],
)
def test_what_lies_outside_is_refused(home: Path, named: str) -> None:
    """Without looking whether it is there; a step upwards also where it would stay inside."""
    error = refusal(named, home)

    assert error.code is Code.REQUEST_OUTSIDE
    assert error.message == f"{named} lies outside the home and the allowed roots"
    assert "paths.allowed_roots" in error.hint


def test_a_sibling_whose_name_begins_alike_is_outside(home: Path) -> None:
    """When text alone would find the root in front of it."""
    (home.parent / "home2").mkdir()
    (home.parent / "home2" / "a.png").write_bytes(b"other")

    assert refusal(str(home.parent / "home2" / "a.png"), home).code is Code.REQUEST_OUTSIDE


def test_steps_upwards_are_refused_below_an_allowed_root_too(home: Path) -> None:
    """When the path begins with the root and leaves it again."""
    named = f"{home}/../secret/key.png"

    assert refusal(named, home).code is Code.REQUEST_OUTSIDE


@pytest.mark.parametrize(
    ("link", "target", "named"),
    [
        ("link.png", "../secret/key.png", "link.png"),
        ("link.png", "first.png", "link.png"),
        ("link.png", "nothing", "link.png"),
        ("link.png", "link.png", "link.png"),
        ("link", "../secret", "link/key.png"),
        ("link", "poses", "link/p003.png"),
        ("poses/link", "/", "poses/link/etc/passwd"),
        ("poses/link", "..", "poses/link/first.png"),
    ],
)
def test_no_link_is_followed(home: Path, link: str, target: str, named: str) -> None:
    """At the end or on the way, out of the home or back into it."""
    (home / link).symlink_to(target)

    for name in (named, str(home / named)):
        error = refusal(name, home)

        assert error.code is Code.REQUEST_NOT_A_FILE
        assert error.message == f"{name} is a link, or leads through a link or a file"


def test_a_way_through_a_file_is_refused(home: Path) -> None:
    """When a file is taken for a folder."""
    assert refusal("first.png/p003.png", home).code is Code.REQUEST_NOT_A_FILE


@pytest.mark.parametrize("named", ["poses", "poses/", "", "."])
def test_a_folder_is_refused(home: Path, named: str) -> None:
    """When the file's own name was forgotten; the home is a folder too."""
    assert refusal(named, home).code is Code.REQUEST_NOT_A_FILE
    assert refusal(str(home / named), home).code is Code.REQUEST_NOT_A_FILE


def test_a_fifo_is_refused_at_once(home: Path) -> None:
    """When nobody writes into it, reading would wait for ever."""
    os.mkfifo(home / "pipe.png")

    assert refusal("pipe.png", home).code is Code.REQUEST_NOT_A_FILE


def test_a_socket_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it cannot even be opened."""
    monkeypatch.chdir(home)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket.png")

        assert refusal("socket.png", home).code is Code.REQUEST_NOT_A_FILE


def test_a_device_is_refused() -> None:
    """When somebody allowed the folder of devices as a root."""
    assert refusal("/dev/zero", Path("/dev")).code is Code.REQUEST_NOT_A_FILE


@pytest.mark.parametrize(
    "named", ["missing.png", "missing/p003.png", "x" * 300, "poses/" + "y" * 300, "a\0b", "\ud800"]
)
def test_what_is_not_there_is_missing(home: Path, named: str) -> None:
    """Also what could not be there: a job that waited for it would wait for ever."""
    error = refusal(named, home)

    assert error.code is Code.REQUEST_MISSING_FILE
    assert error.message == f"{named} is not there"
    assert error.hint.startswith(f"It was looked for below {home}: put it there")


def test_a_root_that_is_gone_has_no_files(home: Path) -> None:
    """When the volume of an allowed root is not mounted."""
    gone = home.parent / "Volumes"

    assert refusal(str(gone / "a.png"), home, gone).code is Code.REQUEST_MISSING_FILE


def test_a_file_over_the_limit_is_refused(home: Path) -> None:
    """When it has one byte too many."""
    error = refusal("first.png", home, limit=4)

    assert error.code is Code.REQUEST_TOO_BIG
    assert error.message == "first.png has 5 bytes; at most 4 are read"


@needs_proc
def test_a_file_that_grows_while_it_is_read_is_refused() -> None:
    """When its size was good and its content is not."""
    named = f"/proc/{os.getpid()}/status"

    assert refusal(named, Path("/proc"), limit=10).code is Code.REQUEST_TOO_BIG


@needs_proc
def test_a_disk_that_fails_is_told() -> None:
    """When opening went well and reading does not."""
    error = refusal(f"/proc/{os.getpid()}/mem", Path("/proc"))

    assert error.code is Code.REQUEST_UNREADABLE
    assert error.message.endswith("/mem cannot be read: Input/output error")


PARTS = st.sampled_from(
    ["..", ".", "", "/", "poses", "p003.png", "first.png", "out", "in", "secret", "key.png", "~"]
)


@given(st.lists(PARTS, max_size=6), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_path_reaches_a_secret(home: Path, parts: list[str], absolute: bool) -> None:  # noqa: FBT001 - hypothesis draws it
    """However steps, links and names are put together."""
    for name, target in (("out", "../secret"), ("in", "poses")):
        if not (home / name).is_symlink():
            (home / name).symlink_to(target)
    named = (f"{home}/" if absolute else "") + "/".join(parts)

    try:
        content = read_beneath(named, [home], 100)
    except PlasmaError:
        content = b""

    assert content in (b"", b"pose", b"first")


def test_locating_looks_at_nothing(home: Path) -> None:
    """When a request arrives, what it names may come later."""
    root = home.parent / "Volumes"

    assert locate("a/b.png", [home, root]) == (home, ("a", "b.png"))
    assert locate(f"{root}/a/b.png", [home, root]) == (root, ("a", "b.png"))
    assert locate("~/a.png", [home]) == (home, ("~", "a.png"))


def test_a_folder_is_listed(home: Path) -> None:
    """Below a root, by its names."""
    assert list_beneath("poses", (home,)) == ["p003.png"]
    assert sorted(list_beneath(str(home), (home,))) == ["first.png", "poses"]


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("none", Code.REQUEST_MISSING_FILE),
        ("first.png", Code.REQUEST_NOT_A_FILE),
        ("link", Code.REQUEST_NOT_A_FILE),
        ("../secret", Code.REQUEST_OUTSIDE),
        ("/etc", Code.REQUEST_OUTSIDE),
    ],
)
def test_what_is_no_folder_below_is_not_listed(home: Path, named: str, code: Code) -> None:
    """Nor what a link leads to."""
    (home / "link").symlink_to(home.parent / "secret")
    free = lowest_free_descriptor()

    with pytest.raises(PlasmaError) as caught:
        list_beneath(named, (home,))

    assert caught.value.code is code
    assert lowest_free_descriptor() == free
