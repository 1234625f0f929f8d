"""Files are called as the engine calls them, its mistakes included."""

import time
from pathlib import Path

import pytest

from plasma_watch.sandbox.naming import (
    below,
    expand,
    inside,
    is_bare,
    next_counter,
    saved,
    upload_name,
)

NOW = time.struct_time((2026, 11, 2, 4, 5, 6, 0, 306, 0))


def test_tokens_tell_size_and_time() -> None:
    """All of them at once; the batch number is left."""
    prefix = "%width%x%height%/%year%-%month%-%day%_%hour%%minute%%second%_%batch_num%"

    assert expand(prefix, 64, 96, NOW) == "64x96/2026-11-02_040506_%batch_num%"


def test_token_of_the_editor_stays(tmp_path: Path) -> None:
    """Only a browser expands it."""
    assert saved(tmp_path, expand("a/%date:yyyy%", 1, 1, NOW)).name(0) == "%date:yyyy%_00001_.png"


def test_folder_is_made_and_counting_starts(tmp_path: Path) -> None:
    """The first picture is number 1."""
    place = saved(tmp_path, "plasma/job/img")

    assert (tmp_path / "plasma/job").is_dir()
    assert (place.subfolder, place.name(0), place.name(1)) == (
        "plasma/job",
        "img_00001_.png",
        "img_00002_.png",
    )


def test_batch_number_goes_into_the_name(tmp_path: Path) -> None:
    """It counts from 0, beside the counter."""
    assert saved(tmp_path, "bn%batch_num%").name(1) == "bn1_00002_.png"


@pytest.mark.parametrize(
    ("names", "counter"),
    [
        ([], 1),
        (["img_00001_.png", "img_00007_.png"], 8),
        (["img_99999_.png"], 100_000),
        (["img_b_00004_.png", "other_00009_.png"], 1),
        (["img_abc_.png"], 1),
        (["img_5_note.txt"], 6),
        (["img_-5_.png"], -4),
    ],
)
def test_counter_follows_the_highest_number(names: list[str], counter: int) -> None:
    """Whatever the file is, if only a number stands behind the stem."""
    assert next_counter(names, "img", len("img")) == counter


def test_trailing_slash_forgets_older_pictures(tmp_path: Path) -> None:
    """The engine measures the prefix as written, and so writes over number 1."""
    (tmp_path / "plasma").mkdir()
    (tmp_path / "plasma/dir_00001_.png").touch()

    assert saved(tmp_path, "plasma/dir/").name(0) == "dir_00001_.png"


@pytest.mark.parametrize(
    ("prefix", "subfolder", "name"),
    [
        ("", "", "._00001_.png"),
        (".", "", "._00001_.png"),
        ("a/../b/img", "b", "img_00001_.png"),
        ("a\\b", "", "a\\b_00001_.png"),
        ("d_00007_", "", "d_00007__00001_.png"),
    ],
)
def test_odd_prefix_is_made_plain(tmp_path: Path, prefix: str, subfolder: str, name: str) -> None:
    """Empty, climbing inside, or with marks of another system."""
    place = saved(tmp_path, prefix)

    assert (place.subfolder, place.name(0)) == (subfolder, name)


def test_absolute_prefix_inside_is_told_absolute(tmp_path: Path) -> None:
    """A client must be ready for a subfolder that is no subfolder."""
    place = saved(tmp_path, f"{tmp_path}/abs/img")

    assert place.subfolder == f"{tmp_path}/abs"
    assert place.folder == tmp_path / "abs"


@pytest.mark.parametrize("prefix", ["../../evil/img", "/elsewhere/img", "../.."])
def test_prefix_that_leads_outside_is_refused(tmp_path: Path, prefix: str) -> None:
    """By a bare exception, which is what clients read."""
    with pytest.raises(Exception, match="Saving image outside the output folder") as fault:
        saved(tmp_path, prefix)

    assert type(fault.value) is Exception


def test_nul_in_a_prefix_is_left_to_the_file_system(tmp_path: Path) -> None:
    """Listing such a folder fails; opening the file will say why."""
    assert saved(tmp_path, "a\0b/img").counter == 1


def test_upload_keeps_its_name_where_it_is_free() -> None:
    """Nothing is there already."""
    assert upload_name("ref.png", lambda _: None) == ("ref.png", False)


def test_upload_of_the_same_bytes_is_there_already() -> None:
    """Under its own name, or under a number it got before."""
    assert upload_name("ref.png", {"ref.png": True}.get) == ("ref.png", True)
    taken = {"ref.png": False, "ref (1).png": True}

    assert upload_name("ref.png", taken.get) == ("ref (1).png", True)


def test_upload_of_other_bytes_is_numbered() -> None:
    """Up to the first free number, before the suffix."""
    taken = {"ref.tar.gz": False, "ref.tar (1).gz": False}

    assert upload_name("ref.tar.gz", taken.get) == ("ref.tar (2).gz", False)


def test_inside_is_told_by_the_path_alone(tmp_path: Path) -> None:
    """A link may lead out, as in the engine."""
    assert inside(tmp_path, tmp_path / "a/../b")
    assert not inside(tmp_path, tmp_path / "../b")
    assert not inside(tmp_path, Path("/elsewhere"))


def test_subfolder_is_made_plain_first(tmp_path: Path) -> None:
    """So `a/../b` makes no `a`."""
    assert below(tmp_path, "a/../b") == tmp_path / "b"


def test_bare_name_climbs_nowhere() -> None:
    """Two dots anywhere are too many for the engine."""
    assert is_bare("a.png")
    assert not is_bare("a..b.png")
    assert not is_bare("/a.png")
