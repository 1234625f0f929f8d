"""The losses of a training are drawn by a program of its own, which hurts nobody."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from plasma_watch.report.loss import Losses, LossPicture
from plasma_watch.report.loss.curve import Curve, curve, limits, marked, smoothed

FALLING = tuple((step, 0.2 - step / 1000) for step in range(1, 101))
NUMBERS = st.floats(-1e6, 1e6)
SMOOTH_BLUE, BROKEN_RED = (0x1F, 0x4E, 0x8C), (0xC0, 0x39, 0x2B)


@pytest.fixture(scope="module", autouse=True)
def _fonts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the library look through the machine's fonts once, and not for each picture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("fonts")))
        yield


def drawn(folder: Path, losses: Losses, cache: Path | None = None) -> Image.Image:
    """Have losses drawn, and read the picture."""
    picture = LossPicture(folder / "loss.png", cache)
    assert picture.draw(losses)
    assert picture.finish()
    with Image.open(folder / "loss.png") as image:
        return image.convert("RGB")


def colours(image: Image.Image) -> dict[object, int]:
    """Count the pixels of each colour."""
    return {colour: count for count, colour in image.getcolors(1 << 20) or []}


def test_losses_are_drawn(tmp_path: Path) -> None:
    """As a picture of 800 by 500 with a smooth curve in it, and nothing else is left behind."""
    image = drawn(tmp_path, Losses("spyke", FALLING, (50, 100)), tmp_path / "cache")

    assert image.size == (800, 500)
    assert colours(image)[SMOOTH_BLUE] > 500
    assert {path.name for path in tmp_path.iterdir()} <= {"loss.png", "cache"}


def test_epochs_are_marked(tmp_path: Path) -> None:
    """So the picture is another one without them."""
    marks = [drawn(tmp_path, Losses("spyke", FALLING, epochs)) for epochs in ((), (50, 100))]

    assert marks[0].tobytes() != marks[1].tobytes()


def test_loss_that_is_no_number_is_shown(tmp_path: Path) -> None:
    """By a line where it began."""
    image = drawn(tmp_path, Losses("spyke", (*FALLING, (101, math.nan), (102, math.inf))))

    assert colours(image)[BROKEN_RED] > 300


@pytest.mark.parametrize(
    "losses",
    [
        Losses("", ()),
        Losses("$\\frac{broken$", ((7, 0.1),), (7,)),
        Losses("猫" * 200, ((1, math.nan),)),
        Losses("flat", ((1, 0.0), (2, 0.0))),
    ],
    ids=["nothing", "one step", "only nan", "flat"],
)
def test_anything_can_be_drawn(tmp_path: Path, losses: Losses) -> None:
    """Also what a name makes look like a formula."""
    assert drawn(tmp_path, losses).size == (800, 500)


def test_nobody_waits_while_it_is_drawn(tmp_path: Path) -> None:
    """And no second picture is begun meanwhile; it can be ended at any time."""
    picture = LossPicture(tmp_path / "loss.png")
    many = Losses("spyke", tuple((step, 0.1) for step in range(20_000)))

    assert picture.draw(many)
    assert not picture.draw(many)
    picture.stop()

    assert not picture.is_drawing
    assert not picture.finish()
    assert list(tmp_path.iterdir()) == []


def test_picture_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    """The LoRA is as good without it."""
    picture = LossPicture(tmp_path / "loss.png")
    picture.draw(Losses("spyke", FALLING))

    assert not picture.finish(seconds=0.001)
    assert not picture.is_drawing


def test_place_that_is_gone_is_no_error(tmp_path: Path) -> None:
    """It is only not drawn."""
    picture = LossPicture(tmp_path / "gone" / "loss.png")

    assert picture.draw(Losses("spyke", FALLING))
    assert not picture.finish()


def test_nothing_to_wait_for(tmp_path: Path) -> None:
    """Before the first picture."""
    picture = LossPicture(tmp_path / "loss.png")
    picture.stop()

    assert not picture.finish()


@pytest.mark.parametrize("told", [b"", b"{}", b'{"name": "x", "points": [["a", 1]]}'])
def test_what_makes_no_sense_leaves_the_picture_before(tmp_path: Path, told: bytes) -> None:
    """With an exit code that says so."""
    (tmp_path / "loss.png").write_bytes(b"before")
    command = [sys.executable, "-m", "plasma_watch.report.loss", str(tmp_path / "loss.png")]

    done = subprocess.run(command, input=told, capture_output=True, timeout=60, check=False)

    assert done.returncode == 1
    assert (tmp_path / "loss.png").read_bytes() == b"before"


def test_whoever_has_it_drawn_loads_no_plotting_library() -> None:
    """The daemon stays small."""
    code = "import json, sys, plasma_watch.report.loss; print(json.dumps(list(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)

    assert not {"matplotlib", "numpy"} & set(json.loads(done.stdout))


def test_steps_are_sorted_and_the_last_word_counts() -> None:
    """A step that was made again after a death is drawn once."""
    shown = curve([(3, 0.3), (1, 0.1), (2, 9.0), (2, 0.2)])

    assert (shown.steps, shown.losses) == ((1, 2, 3), (0.1, 0.2, 0.3))


def test_what_is_no_number_is_left_out_but_known() -> None:
    """The first of them."""
    shown = curve([(1, 0.1), (2, math.nan), (3, math.inf), (4, 0.2)])

    assert (shown.steps, shown.broken) == ((1, 4), 2)


@given(st.lists(NUMBERS, min_size=1, max_size=200))
def test_smooth_curve_stays_between(losses: list[float]) -> None:
    """The lowest and the highest of what it smooths, and it begins where they begin."""
    smooth = smoothed(losses)

    room = 1e-6 + 1e-9 * max(map(abs, losses))
    assert len(smooth) == len(losses)
    assert smooth[0] == pytest.approx(losses[0])
    assert all(min(losses) - room <= value <= max(losses) + room for value in smooth)


def test_smooth_curve_has_less_noise() -> None:
    """From up and down by half to almost nothing."""
    smooth = smoothed([1.0 + 0.5 * (-1) ** step for step in range(1000)])

    assert max(smooth[500:]) - min(smooth[500:]) < 0.05


def test_few_that_are_far_off_do_not_flatten_the_rest() -> None:
    """One in a hundred may lie outside of the picture."""
    losses = [0.1, 0.2] * 500
    losses[3] = 50.0
    low, high = limits(curve(list(enumerate(losses)))) or (0, 0)

    assert low < 0.1
    assert 0.2 < high < 10


def test_loss_that_runs_away_is_in_the_picture() -> None:
    """However few steps that takes."""
    _, high = limits(curve([*((step, 0.1) for step in range(1000)), (1000, 90.0)])) or (0, 0)

    assert high > 1


@pytest.mark.parametrize("loss", [0.0, 0.1, -3.0])
def test_flat_curve_has_room(loss: float) -> None:
    """Above and below."""
    low, high = limits(curve([(1, loss), (2, loss)])) or (0, 0)

    assert low < loss < high


def test_nothing_has_no_limits() -> None:
    """The library chooses some."""
    assert limits(Curve((), (), ())) is None


@pytest.mark.parametrize(
    ("count", "numbers"),
    [
        (0, []),
        (3, [1, 2, 3]),
        (12, list(range(1, 13))),
        (13, [2, 4, 6, 8, 10, 12]),
        (50, [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]),
    ],
)
def test_marks_are_few(count: int, numbers: list[int]) -> None:
    """At most a dozen, each with the number of its epoch."""
    ends = tuple(100 * epoch for epoch in range(1, count + 1))

    assert marked(ends) == [(number, 100 * number) for number in numbers]
