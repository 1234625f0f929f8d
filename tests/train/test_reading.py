"""What is claimed of reading a dataset, with real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.train.dataset import Shot
from plasma_watch.train.reading import Folder, look, roots_of, set_right, survey
from tests.fakes.datasets import fill, scene

LIMIT = 1_000_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an empty dataset."""
    (tmp_path / "datasets" / "spyke").mkdir(parents=True)
    return tmp_path


def folder(home: Path, named: str = "datasets/spyke") -> Folder:
    """Return a dataset's folder, as a request names it."""
    return Folder(named, (home,), LIMIT)


def put(home: Path, name: str, image: Image.Image, **options: object) -> Path:
    """Put a picture and its caption into the dataset."""
    path = home / "datasets" / "spyke" / name
    image.save(path, **options)  # type: ignore[arg-type]
    path.with_suffix(".txt").write_text("spyke\n", encoding="utf-8")
    return path


def seen(home: Path) -> Shot:
    """Return the one picture that a survey finds."""
    (shot,) = survey(folder(home)).shots
    return shot


def test_what_lies_there_is_found_in_natural_order(home: Path) -> None:
    """As Finder shows it."""
    fill(home / "datasets" / "spyke", 12)

    contents = survey(folder(home))

    assert [shot.name for shot in contents.shots] == [f"p{n}.png" for n in range(1, 13)]
    assert contents.shots[0] == Shot("p1.png", width=96, height=128, caption="spyke, pose 1")
    assert contents.usable() == 12


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.Png", "a.jpg", "a.JPEG", "a.webp", "a.bmp"])
def test_the_case_of_a_suffix_means_nothing(home: Path, name: str) -> None:
    """The trainer itself skips `a.Jpg` without a word."""
    put(home, name, scene(1))

    assert seen(home) == Shot(name, width=96, height=128, caption="spyke")


def test_hidden_and_other_files_are_left_alone(home: Path) -> None:
    """What Finder and the trainer leave in a folder is no picture."""
    place = home / "datasets" / "spyke"
    for name in (".DS_Store", "._p1.png", "p1_0512x0768_sd.npz", "notes.md"):
        (place / name).write_bytes(b"x")
    (place / "inner").mkdir()

    assert survey(folder(home)).shots == ()


def test_foreign_formats_and_lonely_captions_are_found(home: Path) -> None:
    """Each by its name."""
    place = home / "datasets" / "spyke"
    (place / "a.HEIC").write_bytes(b"x")
    (place / "b.txt").write_text("spyke")

    contents = survey(folder(home))

    assert contents.foreign == ("a.HEIC",)
    assert contents.lonely == ("b.txt",)


@pytest.mark.parametrize(
    ("content", "caption", "problem"),
    [
        (b"spyke\n", "spyke", ""),
        (b"\xef\xbb\xbfspyke\r\n", "spyke", ""),
        (b"  spyke  \n\n", "spyke", ""),
        ("spyke, épée".encode(), "spyke, épée", ""),
        (b"", "", "a.txt has no first line"),
        (b"\nspyke\n", "", "a.txt has no first line"),
        (b"sp\0yke", "sp\0yke", "a.txt has no first line"),
        (b"sp\xffyke", "", "a.txt is not UTF-8 text"),
        (b"x" * 70_000, "", "has 70000 bytes"),
    ],
)
def test_a_caption_is_its_first_line(
    home: Path, content: bytes, caption: str, problem: str
) -> None:
    """In UTF-8, with or without its mark."""
    put(home, "a.png", scene(1)).with_suffix(".txt").write_bytes(content)

    shot = seen(home)

    assert shot.caption == caption
    assert problem in shot.caption_problem
    assert bool(shot.caption_problem) is bool(problem)


def test_more_lines_of_a_caption_are_told(home: Path) -> None:
    """They are never read."""
    put(home, "a.png", scene(1)).with_suffix(".txt").write_text("spyke\nstanding\n")

    assert seen(home).more_lines


def test_a_caption_is_found_under_the_other_form_of_its_name(home: Path) -> None:
    """An archive made on a Mac writes an accent as two characters."""
    path = put(home, "\u00e9.png", scene(1))
    path.with_suffix(".txt").rename(path.with_name("e\u0301.txt"))

    assert seen(home).caption == "spyke"


def test_a_picture_without_caption_has_none(home: Path) -> None:
    """Which is told apart from an empty one."""
    put(home, "a.png", scene(1)).with_suffix(".txt").unlink()

    assert seen(home).caption is None


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.write_bytes(b"no picture"), "is not a picture"),
        (lambda path: Image.new("RGB", (63, 200)).save(path), "is only 63x200"),
        (lambda path: scene(1).save(path, format="GIF"), "is GIF inside"),
        (
            lambda path: scene(1).save(path, save_all=True, append_images=[scene(2)]),
            "is animated",
        ),
        (lambda path: (path.unlink(), path.symlink_to("/etc/hostname")), "is a link"),
        (lambda path: path.write_bytes(b"x" * (LIMIT + 1)), "has 1000001 bytes"),
    ],
)
def test_what_cannot_be_used_is_told(
    home: Path, make: Callable[[Path], object], problem: str
) -> None:
    """By the header alone."""
    make(put(home, "a.png", scene(1)))

    assert problem in seen(home).problem


def test_a_huge_picture_is_not_unpacked(home: Path) -> None:
    """Its header says enough."""
    put(home, "a.png", Image.new("1", (10_000, 10_000)))

    assert seen(home).problem == "has more than 64 million pixels"


def test_a_cut_picture_is_found_when_it_is_decoded(home: Path) -> None:
    """Its header is whole; so only a look at every pixel tells."""
    path = put(home, "a.jpg", scene(1))
    path.write_bytes(path.read_bytes()[:-200])

    assert seen(home).problem == ""
    assert "cannot be decoded" in look(folder(home), "a.jpg").shot.problem


@pytest.mark.parametrize(
    ("image", "options", "oddity"),
    [
        (scene(1).convert("CMYK"), {"name": "a.jpg"}, "CMYK"),
        (Image.new("I;16", (64, 64), 0x8000), {}, "16 bits"),
        (scene(1).convert("RGBA"), {}, "transparent, laid on white"),
        (scene(1).quantize(8), {"transparency": 0}, "transparent, laid on white"),
        (scene(1).convert("L"), {}, ""),
    ],
)
def test_what_is_put_right_is_named(
    home: Path, image: Image.Image, options: dict[str, object], oddity: str
) -> None:
    """The copy is plain RGB, whatever it was."""
    name = str(options.pop("name", "a.png"))
    put(home, name, image, **options)

    found = look(folder(home), name)

    assert found.shot.oddity == oddity
    assert found.image
    assert found.image.mode == "RGB"
    assert len(found.sha256) == 64
    assert len(found.shot.phash) == 16


def test_a_picture_that_lies_on_its_side_is_set_upright(home: Path) -> None:
    """A camera says so in the EXIF, and the trainer does not listen."""
    exif = Image.Exif()
    exif[0x0112] = 6
    put(home, "a.jpg", scene(1), exif=exif)

    found = look(folder(home), "a.jpg")

    assert found.shot.oddity == "turned by its EXIF"
    assert (found.shot.width, found.shot.height) == (128, 96)
    assert found.image
    assert found.image.size == (128, 96)


def test_sixteen_bits_keep_their_light() -> None:
    """Half of the light is half of the light."""
    assert set_right(Image.new("I;16", (64, 64), 0x8000)).getpixel((0, 0)) == (128, 128, 128)


def test_what_is_transparent_becomes_white() -> None:
    """As paper is; the trainer would make it black, or whatever lies below."""
    assert set_right(Image.new("RGBA", (64, 64), (0, 0, 0, 0))).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("named", ["datasets/none", "datasets/spyke/a.png", "datasets/link"])
def test_what_is_no_folder_is_missing(home: Path, named: str) -> None:
    """Or a file, or a link that could lead anywhere."""
    put(home, "a.png", scene(1))
    (home / "datasets" / "link").symlink_to("/")

    with pytest.raises(PlasmaError, match=named) as caught:
        survey(folder(home, named))

    assert caught.value.code is Code.DATASET_MISSING


@pytest.mark.parametrize("named", ["/etc", "../outside"])
def test_what_lies_outside_is_not_looked_at(home: Path, named: str) -> None:
    """However it is named."""
    with pytest.raises(PlasmaError) as caught:
        survey(folder(home, named))

    assert caught.value.code is Code.REQUEST_OUTSIDE


def test_datasets_may_lie_elsewhere(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In the folder that the config names, or below an allowed root."""
    other = tmp_path_factory.mktemp("datasets")
    fill(other / "spyke", 3)

    found = survey(Folder(str(other / "spyke"), roots_of(home, other, ["~/x"]), LIMIT))

    assert found.usable() == 3
