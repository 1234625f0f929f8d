"""What people look for on the command line."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.outputs.manifest import Manifest
from plasma_watch.outputs.picture import phash
from tests.cli.conftest import Run
from tests.fakes.drawings import drawn, png

JOB = "20261122T120000-p003"


def made(home: Path, name: str, shift: int = 0, **request: Any) -> Path:
    """Put a picture with its manifest among the outputs."""
    content = png(drawn(shift=shift))
    picture = home / "output" / f"{name}.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(content)
    manifest = Manifest(
        request={"kind": "generate", "prompt": "spyke runs", "seed": 1} | request,
        result={
            "file": picture.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "phash": phash(drawn(shift=shift)),
            "made": datetime(2026, 11, 22, 12, shift, tzinfo=UTC),
        },
        engine={"version": "0.3.64"},
        models=[],
        inputs=[],
        daemon={"job": JOB},
        graph={"3": {}},
        template_sha256="ef",
    )
    picture.with_suffix(".toml").write_text(manifest.to_toml())
    return picture


@pytest.fixture
def page(home: Path) -> Path:
    """Two versions of a page; the second is returned."""
    made(home, "ch-01/raw/ch01_p003_v1", chapter=1, page=3, seed=4)
    return made(home, "ch-01/raw/ch01_p003_v2", 30, chapter=1, page=3, seed=5, cfg=9.0)


@pytest.mark.usefixtures("page")
def test_find_lists_what_fits(run: Run) -> None:
    """The newest last; a person sees when, where, seed and prompt."""
    answer = run("find", "--page", "3")

    assert answer.code == 0
    assert answer.out.splitlines()[-1] == (
        "2026-11-22 12:30 UTC  output/ch-01/raw/ch01_p003_v2.png  seed 5  spyke runs"
    )
    assert len(run("find", "--seed", "4").out.splitlines()) == 1
    assert len(run("find", "--since", "2026-11-22", "--last", "1").out.splitlines()) == 1


@pytest.mark.usefixtures("page")
def test_find_tells_programs_the_same(run: Run) -> None:
    """As JSON; nothing is an empty list and exit 1."""
    (row,) = json.loads(run("find", "--seed", "5", "--json").out)
    nothing = run("find", "--seed", "6", "--json")

    assert row["manifest"] == "output/ch-01/raw/ch01_p003_v2.toml"
    assert row["there"] is True
    assert (nothing.code, json.loads(nothing.out)) == (1, [])
    assert run("find", "--seed", "6").out == "nothing was found\n"


def test_a_time_of_another_zone_is_shown_in_utc(run: Run, page: Path) -> None:
    """People edit manifests."""
    manifest = page.with_suffix(".toml")
    text = manifest.read_text()
    assert "made = 2026-11-22T12:30:00Z" in text
    manifest.write_text(text.replace("T12:30:00Z", "T14:30:00+02:00"))

    assert run("find", "--seed", "5").out.startswith("2026-11-22 12:30 UTC ")


def test_find_by_picture_knows_a_moved_one(run: Run, page: Path, tmp_path: Path) -> None:
    """Renamed and moved: by its content."""
    moved = page.rename(tmp_path / "final.png")

    answer = run("find", "--picture", str(moved))

    assert answer.code == 0
    assert answer.out.startswith(
        "2026-11-22 12:30 UTC  output/ch-01/raw/ch01_p003_v2.png (moved away)"
    )


def test_find_by_picture_knows_what_looks_alike(run: Run, page: Path, tmp_path: Path) -> None:
    """Saved anew, its texts lost: by how it looks."""
    again = tmp_path / "again.jpg"
    drawn(shift=30).save(again, quality=80)

    answer, told = (
        run("find", "--picture", str(again)),
        run("find", "--picture", str(again), "--json"),
    )

    assert "itself is not known; these look alike:" in answer.out
    assert "of 64 bits differ: 2026-11-22" in answer.out
    assert json.loads(told.out)[0]["perceptual"] <= 6
    assert page.exists()


def test_find_by_picture_says_when_it_knows_nothing(run: Run, page: Path, tmp_path: Path) -> None:
    """Another picture, and a file that is none or is not there."""
    other, bad = tmp_path / "other.png", tmp_path / "bad.png"
    drawn().rotate(90).save(other)
    bad.write_text("no picture")

    assert run("find", "--picture", str(other)).code == 1
    codes = [
        json.loads(run("find", "--picture", str(path), "--json").out)["error"]["code"]
        for path in (bad, tmp_path / "gone.png")
    ]
    assert codes == ["image.unreadable", "request.missing-file"]
    assert page.exists()


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("name", ["ch01_p003", "ch01_p003_v1", "output/ch-01/raw/ch01_p003_v2.png"])
def test_history_of_a_picture_tells_what_each_version_has_otherwise(run: Run, name: str) -> None:
    """By any name of it."""
    lines = run("history", name).out.splitlines()

    assert lines[0].endswith("ch01_p003_v1.png  seed 4  spyke runs")
    assert lines[1].endswith("ch01_p003_v2.png  seed 5  CFG 9, seed 5")


@pytest.mark.usefixtures("page")
def test_history_of_nothing_says_so(run: Run, home: Path) -> None:
    """And of the same twice."""
    made(home, "twice_v1")
    made(home, "twice_v2", 3)

    assert run("history", "nobody").code == 1
    assert run("history", "twice").out.splitlines()[1].endswith("the same request")
    assert len(json.loads(run("history", "twice", "--json").out)) == 2


@pytest.mark.usefixtures("page")
def test_find_says_that_it_shows_a_part(run: Run) -> None:
    """Beside what was asked for; nothing when it is all."""
    part = run("find", "--page", "3", "--last", "1")

    assert len(part.out.splitlines()) == 1
    assert part.err == "1 of 2 shown, the newest; --last 2 shows all\n"
    assert run("find", "--page", "3", "--last", "2").err == ""
    assert run("find", "--last", "1", "--json").err == ""


def test_days_have_names(run: Run, home: Path) -> None:
    """Those of UTC, as find shows them."""
    picture = made(home, "new")
    text = picture.with_suffix(".toml").read_text()
    now = datetime.now(UTC) - timedelta(days=1)
    assert "2026-11-22T12:00:00Z" in text
    new = text.replace("2026-11-22T12:00:00Z", f"{now:%Y-%m-%d}T12:00:00Z")
    picture.with_suffix(".toml").write_text(new)

    assert run("find", "--since", "yesterday").code == 0
    assert run("find", "--since", "yesterday", "--until", "yesterday").code == 0
    assert run("find", "--since", "today").code == 1


@pytest.mark.parametrize("text", ["2026-13-01", "tomorrow", "", "20261122x"])
def test_what_is_no_day_is_wrong_use(run: Run, text: str) -> None:
    """With what is one."""
    answer = run("find", "--since", text)

    assert answer.code == 2
    assert "expected today, yesterday or" in " ".join(answer.err.replace("│", " ").split())


def test_approve_marks_a_picture(run: Run, home: Path, page: Path) -> None:
    """In its manifest, and its job is kept; find shows it."""
    (home / "done" / JOB).mkdir()

    answer = run("approve", str(page))

    assert answer.out == f"{page}: approved, says output/ch-01/raw/ch01_p003_v2.toml\n"
    assert (home / "done" / JOB / "approved").exists()
    assert " approved  seed 5" in run("find", "--approved").out
    told = json.loads(run("approve", str(page), "--undo", "--json").out)
    assert told["approved"] is False
    assert run("find", "--approved").code == 1


@pytest.mark.usefixtures("page")
def test_what_find_prints_can_be_approved(run: Run) -> None:
    """Its paths begin at the home; the shell stands elsewhere."""
    shown = json.loads(run("find", "--page", "3", "--json").out)[-1]["picture"]

    assert run("approve", shown).code == 0
    assert len(run("find", "--approved").out.splitlines()) == 1
    assert run("find", "--picture", shown).code == 0


def test_approve_finds_the_manifest_of_a_moved_picture(
    run: Run, page: Path, tmp_path: Path
) -> None:
    """Also when another manifest lies beside it."""
    moved = page.rename(tmp_path / "final.png")
    moved.with_suffix(".toml").write_text("other = 1")

    assert run("approve", str(moved)).code == 0
    assert moved.with_suffix(".toml").read_text() == "other = 1"
    assert len(run("find", "--approved").out.splitlines()) == 1


def test_approve_refuses_what_was_not_made_here(run: Run, tmp_path: Path) -> None:
    """Or was painted over."""
    (tmp_path / "theirs.png").write_bytes(png(drawn()))

    answer = run("approve", str(tmp_path / "theirs.png"), "--json")

    assert answer.code == 1
    assert json.loads(answer.out)["error"]["code"] == "request.missing-file"
