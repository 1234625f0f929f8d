"""What a figure shows is guessed by its shape, and crops follow from it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from plasma_watch.dataset.figures import Figure
from plasma_watch.dataset.framing import (
    HEADS,
    Area,
    Crop,
    Framing,
    Subject,
    crops,
    enlarged,
    fitted,
    shown,
    subject,
)
from tests.dataset.looking import seen
from tests.fakes.figures import HEADS as MOODS
from tests.fakes.figures import POSES, bust, figure, head
from tests.fakes.sheets import Table, tinted


def found(*drawn: Image.Image) -> Sequence[Figure]:
    """Return the figures of a sheet on which these stand side by side."""
    width = sum(each.width + 60 for each in drawn) + 60
    table = Table(tinted((width, max(each.height for each in drawn) + 80)))
    left = 60
    for each in drawn:
        table.lay(each, left, 40)
        left += each.width + 60
    return seen(table.done().image)[2].figures


@pytest.mark.parametrize("pose", POSES)
def test_a_whole_figure_is_known_in_every_pose(pose: str) -> None:
    """Also with the arms out, and crouching."""
    (one,) = found(figure(pose, 300))

    assert shown(one, 300) is Framing.FULL


@pytest.mark.parametrize("mood", MOODS)
def test_a_head_alone_is_known(mood: str) -> None:
    """On a page of heads, and beside a whole figure."""
    alone, _ = found(head(mood, 120), head("calm", 120))
    beside, _ = found(head(mood, 90), figure("front", 300))

    assert shown(alone, 120) is Framing.FACE
    assert shown(beside, 300) is Framing.FACE


def test_a_bust_is_known_by_its_lower_edge() -> None:
    """The drawing ends there all at once."""
    (one,) = found(bust(160))

    assert shown(one, 160) is Framing.BUST


def test_a_rectangle_is_a_panel() -> None:
    """Taken whole; nothing is guessed."""
    inner = Image.linear_gradient("L").resize((150, 120)).convert("RGBA")
    (one,) = found(inner.point(lambda value: value // 2))

    (crop,) = crops(subject(one, 120, 1))

    assert shown(one, 120) is Framing.PANEL
    assert not crop.guessed


@pytest.mark.parametrize("pose", POSES)
def test_the_head_is_found_above_the_neck(pose: str) -> None:
    """Its crop holds the whole head, and little else."""
    (one,) = found(figure(pose, 300))
    of = subject(one, 300, 1)

    face = next(crops(of))

    high = 300 * 0.165
    assert face.framing is Framing.FACE
    assert of.head == pytest.approx(high, rel=0.25)
    assert face.area.top < of.box[1]
    assert of.box[1] + high < face.area.bottom < of.box[1] + 2 * high


def test_where_no_neck_is_seen_proportions_decide() -> None:
    """A cloak from top to toe."""
    of = Subject((0, 0, 100, 650), Framing.FULL, 50)

    assert next(crops(of)).area.height == pytest.approx(1.5 * 650 / HEADS)
    assert next(crops(of, heads=3)).area.height == pytest.approx(1.5 * 650 / 3)


def test_a_figure_gives_face_bust_and_whole() -> None:
    """Each holds the one before, but for the room at its sides."""
    of = Subject((100, 100, 300, 700), Framing.FULL, 200)

    face, bust_, whole = crops(of)

    assert [each.framing for each in (face, bust_, whole)] == [*Framing][:3]
    assert face.area.height < bust_.area.height < whole.area.height
    assert whole.area == Area(76, 76, 324, 724)
    assert all(each.guessed for each in (face, bust_, whole))


def test_scale_takes_a_figure_to_its_sheet() -> None:
    """What was found on a copy a third as large."""
    (one,) = found(figure("front", 200))

    of = subject(one, 200, 3)

    assert of.box == tuple(3 * edge for edge in one.box)


AREA = st.tuples(st.floats(-50, 500), st.floats(-50, 500), st.floats(10, 900), st.floats(10, 900))


@pytest.mark.parametrize("is_cut", [False, True])
@given(AREA, st.sampled_from([(512, 512), (256, 832), (640, 384)]))
def test_a_crop_grows_to_its_bucket_and_never_shrinks(
    is_cut: bool,  # noqa: FBT001 - one of the two cases
    area: tuple[float, float, float, float],
    bucket: tuple[int, int],
) -> None:
    """It keeps all that was wanted; where the drawing ends below, it grows upwards only."""
    left, top, wide, high = area
    crop = Crop(Framing.FACE, Area(left, top, left + wide, top + high), is_cut_below=is_cut)

    grown = fitted(crop, bucket)

    assert grown.width / grown.height == pytest.approx(bucket[0] / bucket[1])
    assert grown.left <= left + 1e-6
    assert grown.right >= left + wide - 1e-6
    assert grown.top <= top + 1e-6
    assert grown.bottom >= top + high - 1e-6
    assert not is_cut or grown.bottom == pytest.approx(top + high)
    assert enlarged(grown, bucket) == pytest.approx(bucket[1] / grown.height)
