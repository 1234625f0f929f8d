"""The base directory: what is made, what is listed, what is found."""

from pathlib import Path

import pytest

from plasma_watch.sandbox import weights
from plasma_watch.sandbox.folders import STANDINS, Folders, clear_temp, prepare


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Give a base directory that was just made, with all that leads to it."""
    made = Folders(tmp_path / "deep" / "base")
    prepare(made)
    return made


def test_first_start_writes_standins(folders: Folders) -> None:
    """Each loads, so a picture can be asked for at once."""
    for name in STANDINS:
        assert weights.read_header(folders.base / "models" / name)


def test_later_start_leaves_models_alone(folders: Folders) -> None:
    """A stand-in that was thrown away stays away."""
    lora = folders.base / "models/loras/spyke.safetensors"
    lora.unlink()
    prepare(folders)

    assert not lora.exists()


def test_start_empties_temp(folders: Folders) -> None:
    """What lies there is for nobody to keep."""
    (folders.temp / "old.png").touch()
    prepare(folders)

    assert list(folders.temp.iterdir()) == []


def test_temp_can_be_cleared_twice(folders: Folders) -> None:
    """What is not there needs no clearing."""
    clear_temp(folders)
    clear_temp(folders)

    assert not folders.temp.exists()


def test_models_are_listed_with_their_subfolders(folders: Folders) -> None:
    """Only files that count, at once, and none of git's."""
    loras = folders.base / "models/loras"
    for name in ("sub/x.safetensors", "half.part", "UP.PT", ".git/y.safetensors"):
        (loras / name).parent.mkdir(exist_ok=True)
        (loras / name).touch()

    assert folders.model_names("loras") == ["UP.PT", "spyke.safetensors", "sub/x.safetensors"]


def test_shelf_without_suffixes_lists_everything(folders: Folders) -> None:
    """Custom nodes are files of any kind."""
    (folders.base / "custom_nodes/readme.txt").touch()

    assert folders.model_names("custom_nodes") == ["readme.txt"]


def test_model_is_found_in_every_folder_of_its_kind(folders: Folders) -> None:
    """A LoRA may lie among the outputs."""
    made = folders.output / "loras/made.safetensors"
    made.parent.mkdir()
    made.touch()

    assert folders.model_file("loras", "made.safetensors") == made


@pytest.mark.parametrize("name", ["../vae/x.safetensors", "/etc/passwd", "nope.safetensors"])
def test_model_name_cannot_climb_out(folders: Folders, name: str) -> None:
    """A name is taken as if its folder were all there is."""
    (folders.base / "models/vae/x.safetensors").touch()

    assert folders.model_file("loras", name) is None


def test_unknown_kind_of_model_holds_nothing(folders: Folders) -> None:
    """A client may ask for any."""
    assert folders.model_file("nope", "x.safetensors") is None


def test_picture_name_may_tell_its_folder(folders: Folders) -> None:
    """Else it is looked for among the inputs."""
    assert folders.picture_file("a.png") == f"{folders.input}/a.png"
    assert folders.picture_file("a.png [output]") == f"{folders.output}/a.png"
    assert folders.picture_file("a.png [temp]") == f"{folders.temp}/a.png"


def test_picture_may_lie_anywhere(folders: Folders, tmp_path: Path) -> None:
    """The engine holds nobody back here: whoever sends names must."""
    (tmp_path / "secret.png").touch()

    assert folders.has_picture(str(tmp_path / "secret.png"))
    assert folders.has_picture("../../../secret.png")
    assert not folders.has_picture("nope.png")


def test_only_three_folders_have_a_type(folders: Folders) -> None:
    """Clients call them by name."""
    assert folders.by_type("input") == folders.input
    assert folders.by_type("models") is None


def test_inputs_are_listed_without_subfolders(folders: Folders) -> None:
    """As the engine offers them for a choice."""
    (folders.input / "b.png").touch()
    (folders.input / "a").touch()
    (folders.input / "sub").mkdir()

    assert folders.input_names() == ["a", "b.png"]
