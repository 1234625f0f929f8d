"""The proof is one: a round shows nothing, and each kind of fault is found where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.process import Forks
from tests.door.process import EngineProcess
from tests.proof.count import Count, counted
from tests.proof.plan import SECONDS, Deed, Life, Plan, drawn
from tests.proof.play import Round, play


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Round, set[str]]]:
    """Return a short round that was played, and the prompts that the engine got."""
    folder = tmp_path_factory.mktemp("proof")
    engine = EngineProcess(folder / "engine", 0.001, folder / "engine.log")
    forks = Forks(engine, folder / "user")
    try:
        round_ = play(a_short_round(), forks, engine, folder / "round")
        yield round_, set(engine.prompts())
    finally:
        forks.close()
        engine.kill()


def a_short_round() -> Plan:
    """Return a round without an engine's death, in a fifth of the time, with each deed in it."""
    whole = next(plan for plan in (drawn(7, n) for n in range(100)) if _has_all(plan))
    acts = tuple(replace(act, at=act.at / 5) for act in whole.acts)
    return replace(whole, acts=acts, lives=(*whole.lives[:4], Life(0.3, is_asked=True)))


def _has_all(plan: Plan) -> bool:
    return {act.deed for act in plan.acts} == set(Deed) - {Deed.KILL_ENGINE}


@pytest.fixture
def copied(played: tuple[Round, set[str]], tmp_path: Path) -> tuple[Round, set[str]]:
    """Return the round with a home that may be spoiled."""
    round_, prompts = played
    home = shutil.copytree(round_.home, tmp_path / "home", symlinks=True)
    return replace(round_, home=home), prompts


def count_of(copied: tuple[Round, set[str]]) -> Count:
    """Count a round."""
    round_, prompts = copied
    return counted(round_, prompts.__contains__)


def first(home: Path, pattern: str) -> Path:
    """Return the first path of a pattern."""
    return min(home.glob(pattern))


def test_a_round_follows_from_its_seed() -> None:
    """So that a fault can be played again."""
    assert drawn(1, 2) == drawn(1, 2)
    assert drawn(1, 2) != drawn(1, 3)
    assert drawn(1, 2) != drawn(2, 2)


def test_half_of_the_rounds_leave_the_engine_alone() -> None:
    """Only then it remembers everything that it was asked."""
    plans = [drawn(1, number) for number in range(200)]

    assert 60 < sum(plan.engine_deaths == 0 for plan in plans) < 140
    assert all(sum(life.seconds for life in plan.lives) >= SECONDS for plan in plans)


def test_a_round_of_kills_loses_and_doubles_nothing(copied: tuple[Round, set[str]]) -> None:
    """§7.1, in short; `make proof` is the long form."""
    count = count_of(copied)

    assert count.faults() == []
    assert count.daemon_kills + count.daemon_stops == len(copied[0].plan.lives)
    assert count.pictures > 0


def lose_a_request(home: Path) -> None:
    """Take a request out of its end folder."""
    first(home, "done/*/p*.toml").unlink()


def lose_a_picture(home: Path) -> None:
    """Take a picture away."""
    first(home, "output/**/*.png").unlink()


def leave_a_request(home: Path) -> None:
    """Leave one in the inbox."""
    shutil.copy(first(home, "done/*/p*.toml"), home / "inbox" / "p.toml")


def double_a_request(home: Path) -> None:
    """Let one lie in two folders."""
    shutil.copytree(first(home, "done/*"), home / "done" / "20261122T041512-again")


def double_a_picture(home: Path) -> None:
    """Make one twice."""
    picture = first(home, "output/**/*.png")
    for path in (picture, picture.with_suffix(".toml")):
        shutil.copy(path, path.with_stem("twice_v1"))


def tear_a_picture(home: Path) -> None:
    """Cut one short."""
    picture = first(home, "output/**/*.png")
    picture.write_bytes(picture.read_bytes()[:-200])


def change_a_picture(home: Path) -> None:
    """Put another in its place."""
    pictures = sorted(home.glob("output/**/*.png"))
    shutil.copy(pictures[0], pictures[1])


def litter(home: Path) -> None:
    """Leave a temporary file."""
    (home / "output" / ".x.tmp").touch()


def leave_a_manifest(home: Path) -> None:
    """Leave one without its picture."""
    (home / "output" / "x_v1.toml").touch()


def file_away_wrongly(home: Path) -> None:
    """Call a good request failed."""
    folder = first(home, "done/*")
    folder.rename(home / "failed" / folder.name)


def log_nothing(home: Path) -> None:
    """Lose the pipeline's log."""
    first(home, "output/**/generation-log.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lose_a_request, "lost"),
        (lose_a_picture, "lost"),
        (leave_a_request, "lost"),
        (double_a_request, "doubled"),
        (double_a_picture, "doubled"),
        (tear_a_picture, "torn"),
        (change_a_picture, "torn"),
        (litter, "torn"),
        (leave_a_manifest, "torn"),
        (file_away_wrongly, "wrong"),
        (log_nothing, "wrong"),
    ],
)
def test_each_kind_of_fault_is_found(
    copied: tuple[Round, set[str]], spoil: Callable[[Path], None], kind: str
) -> None:
    """Else the figures would mean nothing."""
    spoil(copied[0].home)

    assert getattr(count_of(copied), kind) != []


def test_an_engine_that_was_asked_twice_is_found(copied: tuple[Round, set[str]]) -> None:
    """Or never, though the picture is there."""
    round_, _ = copied

    assert counted(round_, lambda _: False).doubled != []
