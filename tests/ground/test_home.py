"""What is claimed of the home: which folder it is, and where things lie in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from plasma_watch.config import Paths
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home, find_home, is_home

HOME = Home(Path("/h"))


def made_home(folder: Path) -> Path:
    """Make a folder a home."""
    (folder / "inbox").mkdir(parents=True)
    (folder / "config.toml").touch()
    return folder


@pytest.mark.parametrize(
    ("path", "where"),
    [
        (HOME.config, "/h/config.toml"),
        (HOME.inbox, "/h/inbox"),
        (HOME.urgent, "/h/inbox/urgent"),
        (HOME.running, "/h/running"),
        (HOME.done, "/h/done"),
        (HOME.failed, "/h/failed"),
        (HOME.cancelled, "/h/cancelled"),
        (HOME.status, "/h/status"),
        (HOME.private, "/h/.plasma"),
        (HOME.lock, "/h/.plasma/lock"),
        (HOME.sandbox, "/h/.plasma/sandbox"),
    ],
)
def test_everything_has_its_place(path: Path, where: str) -> None:
    """The places are a promise to people and pipelines."""
    assert str(path) == where


@pytest.mark.parametrize(
    ("configured", "where"),
    [
        ("output", "/h/output"),
        ("a/b", "/h/a/b"),
        ("/data/output", "/data/output"),
        ("../beside", "/h/../beside"),
    ],
)
def test_a_configured_path_starts_at_the_home_unless_absolute(configured: str, where: str) -> None:
    """Outputs may lie in the pipeline's own tree."""
    assert str(HOME.at(configured)) == where


def test_a_configured_path_may_start_at_the_users_home() -> None:
    """When it begins with a tilde."""
    assert HOME.at("~/output") == Path.home() / "output"


def test_jobs_move_between_five_folders() -> None:
    """A request lies in exactly one of them."""
    names = [folder.name for folder in HOME.spool()]

    assert names == ["inbox", "running", "done", "failed", "cancelled"]


def test_a_homes_folders_are_its_own_and_the_configured_ones() -> None:
    """All of them are made at the start, parents before what lies in them."""
    folders = HOME.folders(Paths(output="/data/output"))

    assert {*HOME.spool(), HOME.urgent, HOME.status, HOME.private} < set(folders)
    assert {Path("/data/output"), HOME.at("datasets"), HOME.at("loras")} < set(folders)
    assert folders.index(HOME.inbox) < folders.index(HOME.urgent)


def test_a_folder_with_config_and_inbox_is_a_home(tmp_path: Path) -> None:
    """When both are what they are called."""
    assert not is_home(tmp_path)

    (tmp_path / "config.toml").touch()
    assert not is_home(tmp_path)

    (tmp_path / "inbox").touch()
    assert not is_home(tmp_path)

    (tmp_path / "inbox").unlink()
    (tmp_path / "inbox").mkdir()
    assert is_home(tmp_path)


@pytest.mark.parametrize("name", ["missing", "x" * 300, "a\0b", "file/below"])
def test_what_cannot_be_a_folder_is_no_home(tmp_path: Path, name: str) -> None:
    """Whatever stands in the way, the answer is no and not an error."""
    (tmp_path / "file").touch()

    assert not is_home(tmp_path / name)


def test_the_home_that_is_given_wins(tmp_path: Path) -> None:
    """Over the environment and over where one stands."""
    given, named, here = (made_home(tmp_path / name) for name in "abc")

    assert find_home(given, {"PLASMA_HOME": str(named)}, here).root == given


def test_the_environment_wins_over_where_one_stands(tmp_path: Path) -> None:
    """When nothing is given."""
    named, here = made_home(tmp_path / "named"), made_home(tmp_path / "here")

    assert find_home(None, {"PLASMA_HOME": str(named)}, here).root == named


def test_the_nearest_home_upwards_is_found(tmp_path: Path) -> None:
    """When one stands deep inside it, and inside another further up."""
    made_home(tmp_path)
    inner = made_home(tmp_path / "inner")
    here = inner / "output" / "ch-01"
    here.mkdir(parents=True)

    assert find_home(None, {"PLASMA_HOME": ""}, here).root == inner


def test_a_home_is_known_by_its_real_path(tmp_path: Path) -> None:
    """When one comes by a link, the lock and the status are the same as without it."""
    real = made_home(tmp_path / "real")
    (tmp_path / "link").symlink_to(real)

    assert find_home(tmp_path / "link", {}, tmp_path).root == real


@pytest.mark.parametrize("name", ["", "missing", "x" * 300])
def test_what_is_given_must_be_a_home(tmp_path: Path, name: str) -> None:
    """Another one further up is never taken in its place."""
    made_home(tmp_path)
    (tmp_path / "empty").mkdir()
    given = tmp_path / "empty" / name

    with pytest.raises(PlasmaError) as caught:
        find_home(given, {}, tmp_path)

    assert caught.value.code is Code.CONFIG_LAYOUT
    assert caught.value.message.startswith(f"{given} is not a home")
    assert caught.value.hint == f"`plasma-watch init {given}` makes it one."


def test_the_command_that_makes_a_home_can_be_pasted(tmp_path: Path) -> None:
    """Also with spaces in its path."""
    with pytest.raises(PlasmaError) as caught:
        find_home(tmp_path / "My Manga", {}, tmp_path)

    assert caught.value.hint == f"`plasma-watch init '{tmp_path}/My Manga'` makes it one."


def test_an_unknown_users_home_is_no_home(tmp_path: Path) -> None:
    """When the tilde stands for nobody, the name is told as it was written."""
    with pytest.raises(PlasmaError, match="~nobody-of-this-name/x is not a home"):
        find_home(Path("~nobody-of-this-name/x"), {}, tmp_path)


def test_without_any_home_the_users_own_is_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When nothing is given, set or found upwards."""
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(PlasmaError) as caught:
        find_home(None, {}, tmp_path)

    assert caught.value.hint == f"`plasma-watch init {tmp_path / 'PlasmaWatch'}` makes it one."


def test_without_any_other_home_the_users_own_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    own = made_home(tmp_path / "PlasmaWatch")

    assert find_home(None, {}, tmp_path).root == own
