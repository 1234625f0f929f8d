"""A sweep ends with a sheet: placed whole, once, and makes the sweep again when it is dropped."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from plasma_watch.config import Limits
from plasma_watch.generate import sheeting
from plasma_watch.generate.placing import draft_of
from plasma_watch.job import Ending, Job, Sheet, State
from plasma_watch.line import Ongoing
from plasma_watch.outputs.picture import request_in
from plasma_watch.request import GenerateRequest, read_request
from tests.fakes.studio import Studio

SWEEP: dict[str, Any] = {"seed": 50, "sweep": {"cfg": [4.0, 8.0], "steps": [1, 2]}}
SHEET = "p003_sheet_v1"


def swept(studio: Studio, **keys: Any) -> tuple[Ongoing, Ending]:
    """Run a sweep to its end."""
    ongoing = studio.claim(**SWEEP)
    return ongoing, studio.run(ongoing, **(SWEEP | keys))


def test_sweep_makes_every_combination_and_a_sheet(studio: Studio) -> None:
    """Each its own version and manifest; the ending names the sheet."""
    ongoing, ending = swept(studio)

    assert ending == Ending(State.DONE, "4 pictures and their sheet: output/p003_sheet_v1.png")
    made = [studio.manifest(f"p003_v{n}").request for n in (1, 2, 3, 4)]
    assert [(r["steps"], r["cfg"]) for r in made] == [(1, 4.0), (1, 8.0), (2, 4.0), (2, 8.0)]
    assert {r["seed"] for r in made} == {50}
    assert ongoing.job.outputs()[4:6] == ["output/p003_sheet_v1.png", "output/p003_v1.toml"]


def test_graph_of_each_picture_has_its_values(studio: Studio) -> None:
    """As executed, read back from the engine."""
    swept(studio)

    graphs = [studio.manifest(f"p003_v{n}").graph["3"]["inputs"] for n in (1, 2, 3, 4)]
    assert [(g["steps"], g["cfg"]) for g in graphs] == [(1, 4.0), (1, 8.0), (2, 4.0), (2, 8.0)]


def test_sweep_is_told_in_advance(studio: Studio) -> None:
    """How many, how many steps, and how long when that is known."""
    swept(studio)
    studio.make("again", **SWEEP)

    first, again = (
        [line for line in studio.log(name) if line.startswith("begins: ")]
        for name in ("p003", "again")
    )
    assert first == ["begins: 4 pictures, 6 steps"]
    assert again[0].startswith("begins: 4 pictures, 6 steps, about ")


def test_sheet_shows_the_pictures(studio: Studio) -> None:
    """In rows of what changes fastest, with their captions."""
    swept(studio)

    with Image.open(studio.output / f"{SHEET}.png") as sheet:
        assert sheet.width > 2 * 288
        assert sheet.height > 2 * 288


def test_sheet_makes_the_sweep_again(studio: Studio) -> None:
    """Its manifest does, and the picture itself."""
    swept(studio)
    text = (studio.output / f"{SHEET}.toml").read_bytes()
    content = (studio.output / f"{SHEET}.png").read_bytes()

    request, _ = read_request(text, Limits(), "sheet")
    carried = GenerateRequest.model_validate(request_in(content, "sheet"))

    assert isinstance(request, GenerateRequest)
    assert request.sweep == carried.sweep
    assert request.seed == carried.seed == 50
    assert studio.run(studio.claim("again"), **_asked(carried)).state is State.DONE
    assert "again_v4.png" in studio.outputs()


def _asked(request: GenerateRequest) -> dict[str, Any]:
    return request.model_dump(exclude_none=True, exclude_defaults=True)


def test_sheet_of_pictures_that_are_gone_is_drawn_all_the_same(studio: Studio) -> None:
    """Somebody may tidy up while it runs."""
    ongoing, _ = swept(studio)
    for name in ("p003_v2.png", f"{SHEET}.png", f"{SHEET}.toml"):
        (studio.output / name).unlink()
    (studio.output / "p003_v3.png").write_text("no picture")
    ongoing.keep(replace(ongoing.job, sheet=Sheet()))

    ending = studio.run(ongoing, **SWEEP)

    assert ending.state is State.DONE
    assert f"{SHEET}.png" in studio.outputs()


def test_sheet_says_what_made_it(studio: Studio) -> None:
    """And is no page of the pipeline's."""
    ongoing, _ = swept(studio)

    table = tomllib.loads((studio.output / f"{SHEET}.toml").read_text())
    assert table["result"]["sheet"] is True
    assert table["result"]["sandbox"] is True
    assert len(table["result"]["pictures"]) == 4
    assert (table["daemon"]["job"], table["daemon"]["picture"]) == (ongoing.job.id, 0)
    assert SHEET not in (studio.output / "generation-log.json").read_text()


def test_a_sheet_of_one_thing_is_as_wide_as_it_likes(studio: Studio) -> None:
    """Only what has rows and columns is laid out by them."""
    keys = SWEEP | {"sweep": {"cfg": [2.0, 4.0, 6.0]}}

    assert studio.run(studio.claim(), **keys).state is State.DONE


# After a crash.


@pytest.fixture
def ended(studio: Studio) -> Ongoing:
    """A sweep that is done, with its sheet in its place."""
    ongoing, _ = swept(studio)
    return ongoing


def crashed_while_placing(ongoing: Ongoing, studio: Studio) -> Job:
    """Take the journal back to the moment after the sheet was placed, before it was told."""
    final = studio.output / f"{SHEET}.png"
    ongoing.keep(replace(ongoing.job, sheet=Sheet(placing=str(final))))
    return ongoing.job


def test_sheet_that_was_placed_is_not_made_again(studio: Studio, ended: Ongoing) -> None:
    """The journal only did not know yet."""
    crashed_while_placing(ended, studio)
    before = studio.outputs()

    studio.run(ended, **SWEEP)

    assert studio.outputs() == before
    assert ended.job.sheet.made is not None
    assert ended.job.sheet.made.path == f"output/{SHEET}.png"


def test_sheet_that_was_half_placed_is_made_anew(studio: Studio, ended: Ongoing) -> None:
    """Its manifest is taken back, its temporary files too."""
    job = crashed_while_placing(ended, studio)
    (studio.output / f"{SHEET}.png").unlink()
    draft_of(job, sheeting.NUMBER, studio.output).picture.write_bytes(b"half")

    studio.run(ended, **SWEEP)

    assert f"{SHEET}.png" in studio.outputs()
    assert f"{SHEET}.toml" in studio.outputs()
    assert not any(name.endswith(".tmp") for name in studio.outputs())


@pytest.mark.parametrize("text", ["", "no manifest", 'kind = "generate"\n'])
def test_sheet_of_another_is_left_alone(studio: Studio, ended: Ongoing, text: str) -> None:
    """Ours becomes the next version."""
    crashed_while_placing(ended, studio)
    (studio.output / f"{SHEET}.toml").write_text(text or "# theirs")

    studio.run(ended, **SWEEP)

    assert (studio.output / f"{SHEET}.toml").read_text() == (text or "# theirs")
    assert "p003_sheet_v2.png" in studio.outputs()


def test_abandoned_sweep_leaves_no_draft_of_its_sheet(studio: Studio, ended: Ongoing) -> None:
    """When it is cancelled while the sheet is placed."""
    draft = draft_of(ended.job, sheeting.NUMBER, studio.output)
    draft.manifest.write_text("half")

    studio.kind.abandon(ended.job)

    assert not draft.manifest.exists()


def test_where_a_sheet_goes(studio: Studio) -> None:
    """Beside the pages of its sweep, with versions of its own."""
    ending = studio.make(chapter=1, page=3, **SWEEP)

    assert ending.why.endswith("output/ch-01/raw/ch01_p003_sheet_v1.png")
