"""The reference run through a real daemon, with the sandbox in the place of ComfyUI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plasma_watch.benchmark import training
from plasma_watch.benchmark.reference import NAME, SEED, request
from plasma_watch.benchmark.running import Bench, benchmark
from plasma_watch.benchmark.verdict import Mark
from plasma_watch.cli import main
from plasma_watch.cli.homes import init
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from tests.fakes.engine import closed_port


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Home:
    """A home on a machine whose disk may be full, with a quick sandbox."""
    init(tmp_path / "home")
    capsys.readouterr()
    home = Home(tmp_path / "home")
    text = home.config.read_text("utf-8").replace("reserve_gb = 15", "reserve_gb = 0")
    text = text.replace("seconds_per_step = 0.05", "seconds_per_step = 0.01")
    home.config.write_text(text, "utf-8")
    return home


def test_the_reference_never_changes() -> None:
    """Else no two benchmarks could be compared."""
    assert request(SEED) == {
        "kind": "generate",
        "workflow": "txt2img",
        "prompt": "anime character, white cloak, standing, masterpiece",
        "negative": "lowres, bad anatomy, bad hands, extra digits, text, watermark",
        "steps": 20,
        "cfg": 7.0,
        "sampler": "euler_ancestral",
        "scheduler": "normal",
        "width": 512,
        "height": 512,
        "checkpoint": "anything-v5-PrtRE.safetensors",
        "output": "studies/benchmark",
        "seed": 20251122,
    }


def test_a_benchmark_writes_what_it_saw(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two pictures, made through the line by a daemon that is started for it, and two reports."""
    arguments = ["plasma-watch", "benchmark", "--home", str(home.root), "--sandbox"]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()

    out = capsys.readouterr().out
    assert not ended.value.code, out
    assert "UNKNOWN  the whole" in out
    told = json.loads((home.root / "BENCHMARK.json").read_text("utf-8"))
    assert [(run["name"], run["state"]) for run in told["runs"]] == [
        ("cold", "done"),
        ("warm", "done"),
    ]
    assert all(run["seconds"] and run["seconds_per_step"] for run in told["runs"])
    assert all(run["is_blank"] is False for run in told["runs"])
    assert all(run["seen"]["engine_peak"] for run in told["runs"])
    assert told["stats"]["system"]["comfyui_version"] == "0.3.64"
    text = (home.root / "BENCHMARK.md").read_text("utf-8")
    assert "| a picture in less than 120 s | **PASS** |" in text
    assert "| the GPU was at work | **UNKNOWN** |" in text
    assert len(list((home.root / "output" / "studies").glob("benchmark_v*.png"))) == 2
    assert len(list((home.root / "done").glob(f"*-{NAME}-*"))) == 3


def test_one_seed_is_made_again_and_compared(home: Home) -> None:
    """The stand-in draws the same for the same seed."""
    report = benchmark(Bench(home, lambda _: None, again=2), "--sandbox")

    (verdict,) = [v for v in report.verdicts if v.claim.startswith("one seed")]
    assert verdict.mark is Mark.PASS
    assert verdict.why == "identical"
    text = (home.root / "BENCHMARK.md").read_text("utf-8")
    assert "| identical | 0 | 1.000 | 0.00 |" in text


def test_the_trainer_is_calibrated_too(home: Home) -> None:
    """On pictures that are drawn once; what it trained is thrown away."""
    report = benchmark(Bench(home, lambda _: None, trains=True), "--sandbox")

    assert report.training.startswith("done: ")
    assert "s/step" in report.training
    assert len(list((home.root / "datasets" / "benchmark").glob("*.png"))) == 15
    assert list((home.root / "loras").rglob("*.safetensors")) == []
    assert report.training in (home.root / "BENCHMARK.md").read_text("utf-8")
    again = training.request(home, "datasets", 15)
    assert again["dataset"] == "datasets/benchmark"


def test_what_was_not_made_again_is_told(home: Home) -> None:
    """Nobody can tell then."""
    report = benchmark(Bench(home, lambda _: None, run_seconds=0.0, again=1), "--sandbox")

    assert report.again[0].likeness is None
    assert report.verdicts[-2].mark is Mark.UNKNOWN
    assert "was cancelled" in (home.root / "BENCHMARK.md").read_text("utf-8")


def test_without_an_engine_there_is_nothing_to_measure(home: Home) -> None:
    """What it waited for is told, and the request does not stay in the line."""
    text = home.config.read_text("utf-8").replace('url = "auto"', f'url = "{closed_port()}"')
    home.config.write_text(text, "utf-8")
    monkeyed = Bench(home, lambda _: None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plasma_watch.benchmark.running.ENGINE_SECONDS", 5.0)
        with pytest.raises(PlasmaError, match="does not answer") as caught:
            benchmark(monkeyed)

    assert caught.value.code is Code.ENGINE_UNREACHABLE
    assert not (home.root / "BENCHMARK.md").exists()


def test_a_run_that_fails_is_reported_as_such(home: Home) -> None:
    """The report is written all the same."""
    (home.root / "workflows" / "txt2img.json").rename(home.root / "workflows" / "kept.json")
    (home.root / "workflows" / "txt2img.toml").rename(home.root / "workflows" / "kept.toml")

    with pytest.raises(PlasmaError, match="txt2img"):
        benchmark(Bench(home, lambda _: None), "--sandbox")


def test_a_run_that_takes_too_long_is_given_up(home: Home) -> None:
    """It is cancelled, and its verdict is FAIL."""
    report = benchmark(Bench(home, lambda _: None, run_seconds=0.0), "--sandbox")

    assert report.verdicts[0].mark is report.verdicts[-1].mark is Mark.FAIL
    assert "was cancelled" in report.runs[0].why
    assert "FAIL" in (home.root / "BENCHMARK.md").read_text("utf-8")
