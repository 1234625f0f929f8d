"""Pictures are loaded, changed and saved."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from plasma_watch.sandbox.bench import Bench
from plasma_watch.sandbox.nodes import images
from plasma_watch.sandbox.picture import Mask, Picture, plain

GREY = plain(100, 70, 0x808080)


@pytest.mark.parametrize(
    ("mode", "colour"),
    [("RGB", (10, 20, 30)), ("L", 99), ("P", 0), ("RGBA", (10, 20, 30, 40)), ("I;16", 999)],
)
def test_picture_of_any_kind_is_loaded(
    bench: Bench, tmp_path: Path, mode: str, colour: int | tuple[int, ...]
) -> None:
    """As RGB, with a mask."""
    Image.new(mode, (20, 10), colour).save(tmp_path / "input/a.png")
    pictures, masks = loaded(bench, "a.png")

    assert [(p.width, p.height) for p in pictures] == [(20, 10)]
    assert len(masks) == 1


def test_mask_is_what_can_be_seen_through(bench: Bench, tmp_path: Path) -> None:
    """A picture without one has a small empty one."""
    Image.new("RGBA", (4, 4), (1, 2, 3, 55)).save(tmp_path / "input/a.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "input/b.png")
    Image.new("P", (4, 4)).save(tmp_path / "input/c.png", transparency=0)

    assert loaded(bench, "a.png")[1] == (Mask(4, 4, bytes([200] * 16)),)
    assert loaded(bench, "b.png")[1] == (Mask(64, 64, bytes(64 * 64)),)
    assert loaded(bench, "c.png")[1] == (Mask(4, 4, bytes([255] * 16)),)


def test_moving_picture_gives_all_its_frames(bench: Bench, tmp_path: Path) -> None:
    """One picture each."""
    frames = [Image.new("RGB", (8, 8), shade) for shade in ("red", "blue")]
    frames[0].save(tmp_path / "input/a.gif", save_all=True, append_images=frames[1:])

    assert len(loaded(bench, "a.gif")[0]) == 2


def test_picture_cut_short_is_loaded_as_far_as_it_goes(bench: Bench, tmp_path: Path) -> None:
    """A half picture is no error to the engine."""
    out = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(out, "PNG")
    (tmp_path / "input/a.png").write_bytes(out.getvalue()[:-1000])

    assert loaded(bench, "a.png")[0][0].width == 64


def test_one_channel_can_be_a_mask(bench: Bench, tmp_path: Path) -> None:
    """The alpha channel the other way round."""
    Image.new("RGBA", (1, 1), (10, 20, 30, 55)).save(tmp_path / "input/a.png")
    masks = [
        images.load_mask(bench, image="a.png", channel=channel).outputs[0]
        for channel in ("red", "blue", "alpha")
    ]

    assert masks == [(Mask(1, 1, bytes([shade])),) for shade in (10, 30, 200)]


@pytest.mark.parametrize(
    ("width", "height", "crop", "size"),
    [
        (128, 64, "disabled", (128, 64)),
        (0, 0, "center", (100, 70)),
        (50, 0, "disabled", (50, 35)),
        (0, 35, "center", (50, 35)),
        (1, 0, "disabled", (1, 1)),
    ],
)
def test_picture_is_scaled_to_a_size(
    bench: Bench, width: int, height: int, crop: str, size: tuple[int, int]
) -> None:
    """A side that is 0 follows the other."""
    (made,) = images.scale(
        bench, image=(GREY,), upscale_method="lanczos", width=width, height=height, crop=crop
    ).outputs

    assert sizes(made) == [size]


def test_picture_is_scaled_by_a_factor(bench: Bench) -> None:
    """Rounded."""
    (made,) = images.scale_by(bench, image=(GREY,), upscale_method="area", scale_by=1.33).outputs

    assert sizes(made) == [(133, 93)]


def test_saved_pictures_are_counted_and_shown(bench: Bench, tmp_path: Path) -> None:
    """With the graph inside them."""
    graph: dict[str, dict[str, str]] = {"1": {}}
    made = images.save(bench, images=(GREY, GREY), filename_prefix="a/img", prompt=graph)

    assert [shown["filename"] for shown in made.shown["images"]] == [
        "img_00001_.png",
        "img_00002_.png",
    ]
    with Image.open(tmp_path / "output/a/img_00001_.png") as image:
        assert image.info == {"prompt": '{"1": {}}'}


def test_previews_keep_their_name_while_the_node_lives(bench: Bench) -> None:
    """Five letters, drawn once."""
    names = [images.preview(bench, images=(GREY,)).shown["images"][0]["filename"] for _ in range(2)]
    found = [re.fullmatch(r"ComfyUI_temp_([a-z]{5})_0000(\d)_\.png", name) for name in names]

    assert [match and match[2] for match in found] == ["1", "2"]
    assert len({match and match[1] for match in found}) == 1


def test_empty_pictures_have_their_colour(bench: Bench) -> None:
    """As many as asked for, unless they could never fit."""
    assert images.empty(bench, width=2, height=1, batch_size=2, color=5).outputs == (
        (plain(2, 1, 5),) * 2,
    )
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        images.empty(bench, width=16384, height=16384, batch_size=4096)


def loaded(bench: Bench, name: str) -> tuple[tuple[Picture, ...], tuple[Mask, ...]]:
    """Load a picture."""
    pictures, masks = images.load(bench, image=name).outputs
    assert isinstance(pictures, tuple)
    assert isinstance(masks, tuple)
    return pictures, masks


def sizes(made: object) -> list[tuple[int, int]]:
    """List sizes."""
    assert isinstance(made, tuple)
    return [(picture.width, picture.height) for picture in made]
