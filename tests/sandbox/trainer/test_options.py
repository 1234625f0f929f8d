"""Options come from the command line over the TOML, and nothing of the TOML is checked."""

from collections.abc import Callable
from pathlib import Path

import pytest

from plasma_watch.sandbox.trainer.console import Console
from plasma_watch.sandbox.trainer.options import read


@pytest.fixture
def toml(tmp_path: Path) -> Callable[[str], str]:
    """Write a TOML and give its name without the ending."""

    def write(text: str) -> str:
        (tmp_path / "train.toml").write_text(text, "utf-8")
        return str(tmp_path / "train")

    return write


def test_sections_are_merged(toml: Callable[[str], str]) -> None:
    """They only group, and single keys may stand above them."""
    name = toml('seed = 7\n[a]\nnetwork_dim = 16\n[b]\nsdpa = true\nnetwork_args = ["x=1"]\n')

    options = read(["--config_file", f"{name}.toml"], Console())

    assert (options.seed, options.network_dim, options.sdpa) == (7, 16, True)
    assert options.network_args == ["x=1"]
    assert options.config_file == name


def test_command_line_wins(toml: Callable[[str], str]) -> None:
    """And the ending of the TOML's name may be left out."""
    name = toml("network_dim = 4\n")

    assert read(["--config_file", name, "--network_dim", "8"], Console()).network_dim == 8


def test_unknown_keys_and_wrong_types_pass(toml: Callable[[str], str]) -> None:
    """So whoever writes the TOML has to know better."""
    options = read(["--config_file", toml('learnin_rate = 3\nnetwork_dim = "four"\n')], Console())

    assert (options.learnin_rate, options.network_dim) == (3, "four")


def test_defaults_are_the_dangerous_ones() -> None:
    """Those of the real trainer."""
    options = read([], Console())

    assert options.caption_extension == ".caption"
    assert (options.learning_rate, options.max_train_steps) == (2e-6, 1600)
    assert (options.max_data_loader_n_workers, options.mixed_precision) == (8, "no")


def test_warmup_is_a_share_or_a_count() -> None:
    """A share may be written in percent."""
    given = [read(["--lr_warmup_steps", text], Console()) for text in ("10", "0.1", "25%")]

    assert [options.lr_warmup_steps for options in given] == [10, 0.1, 0.25]


def test_unknown_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 2, in the real trainer's name."""
    with pytest.raises(SystemExit) as ended:
        read(["--nonsense", "3"], Console())

    assert ended.value.code == 2
    assert "train_network.py: error: unrecognized arguments" in capsys.readouterr().err


def test_missing_toml_ends_the_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With exit code 1 and one line."""
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit) as ended:
        read(["--config_file", str(tmp_path / "none")], Console())

    assert ended.value.code == 1
    assert "not found." in capsys.readouterr().err
