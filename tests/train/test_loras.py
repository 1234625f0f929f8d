"""What is claimed of the LoRAs that were trained here."""

from __future__ import annotations

from pathlib import Path

import pytest

from plasma_watch import toml_text
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.loras import Loras, Version, digest
from tests.fakes.weights import lora


class Cabinet:
    """A folder of LoRAs beside a ComfyUI."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "loras"
        self.comfyui = root / "comfyui"
        self.loras = Loras(self.folder, self.comfyui)

    def shelve(
        self, epochs: int = 2, job: str = "20261122T120000-spyke", seed: float = 0.5
    ) -> list[Version]:
        """Put the epochs of a training into `spyke`, as a training does."""
        folder = self.folder / "spyke"
        folder.mkdir(parents=True, exist_ok=True)
        versions = []
        for epoch in range(1, epochs + 1):
            content = lora(seed=seed + epoch)
            path = folder / f"{job}-{epoch}.safetensors"
            path.write_bytes(content)
            versions.append(Version(path.name, digest(path), epoch, job))
        self.tell("manifest.toml", versions, job)
        return versions

    def tell(self, name: str, versions: list[Version], job: str) -> None:
        """Write a manifest."""
        table = {"kind": "train", "daemon": {"job": job}, "versions": [v.told() for v in versions]}
        (self.folder / "spyke" / name).write_text(toml_text.dumps(table), "utf-8")

    def installed(self) -> dict[str, bytes]:
        """Return what ComfyUI has."""
        folder = self.comfyui / "models" / "loras"
        return {p.name: p.read_bytes() for p in folder.iterdir()} if folder.exists() else {}


@pytest.fixture
def cabinet(tmp_path: Path) -> Cabinet:
    """An empty one."""
    return Cabinet(tmp_path)


def test_the_chosen_version_is_installed_under_a_name_of_its_own(cabinet: Cabinet) -> None:
    """Whole, and nothing else beside it."""
    first, _ = cabinet.shelve()

    name = cabinet.loras.choose("spyke", first)

    content = (cabinet.folder / "spyke" / first.file).read_bytes()
    assert name == f"spyke-{first.sha256[:8]}.safetensors"
    assert cabinet.installed() == {name: content}
    assert cabinet.loras.chosen("spyke") == first
    assert cabinet.loras.manifest("spyke")["chosen"]["installed"] == name
    assert cabinet.loras.manifest("spyke")["kind"] == "train"


def test_another_choice_leaves_the_one_before_where_it_is(cabinet: Cabinet) -> None:
    """ComfyUI may have it loaded."""
    first, second = cabinet.shelve()
    before = cabinet.loras.choose("spyke", first)

    after = cabinet.loras.choose("spyke", second)

    assert sorted(cabinet.installed()) == sorted([before, after])
    assert cabinet.loras.chosen("spyke") == second


def test_a_name_means_the_chosen_version(cabinet: Cabinet) -> None:
    """Which is installed if somebody took it away."""
    _, second = cabinet.shelve()
    name = cabinet.loras.choose("spyke", second)
    (cabinet.comfyui / "models" / "loras" / name).unlink()

    assert cabinet.loras.file_of("spyke") == name
    assert list(cabinet.installed()) == [name]


@pytest.mark.parametrize("name", ["other", "spyke.safetensors", "style/x", "spyke"])
def test_what_was_not_trained_here_is_as_it_was_named(cabinet: Cabinet, name: str) -> None:
    """A file of ComfyUI's own; or one of which no version is chosen."""
    cabinet.shelve()

    assert cabinet.loras.file_of(name) == name


def test_a_name_is_never_used_for_two_contents(cabinet: Cabinet) -> None:
    """Whoever put something else there keeps it."""
    first, _ = cabinet.shelve()
    taken = cabinet.comfyui / "models" / "loras" / f"spyke-{first.short}.safetensors"
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"theirs")

    name = cabinet.loras.install("spyke", first)

    assert name == f"spyke-{first.sha256[:16]}.safetensors"
    assert taken.read_bytes() == b"theirs"


def test_three_names_taken_are_told(cabinet: Cabinet) -> None:
    """That is no chance."""
    first, _ = cabinet.shelve()
    folder = cabinet.comfyui / "models" / "loras"
    folder.mkdir(parents=True)
    for digits in (8, 16, 64):
        (folder / f"spyke-{first.sha256[:digits]}.safetensors").write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        cabinet.loras.install("spyke", first)


def test_installing_twice_is_installing_once(cabinet: Cabinet) -> None:
    """The file that ComfyUI loaded is not touched."""
    first, _ = cabinet.shelve()
    name = cabinet.loras.install("spyke", first)
    path = cabinet.comfyui / "models" / "loras" / name
    before = path.stat()

    assert cabinet.loras.install("spyke", first) == name
    assert path.stat() == before


def test_what_was_installed_for_a_sheet_goes_again(cabinet: Cabinet) -> None:
    """The losers of a comparison."""
    first, second = cabinet.shelve()
    cabinet.loras.install("spyke", first)
    kept = cabinet.loras.install("spyke", second)

    cabinet.loras.uninstall("spyke", first)
    cabinet.loras.uninstall("spyke", first)

    assert list(cabinet.installed()) == [kept]


def test_without_a_comfyui_nothing_is_installed(cabinet: Cabinet) -> None:
    """The name is told all the same."""
    first, _ = cabinet.shelve()
    loras = Loras(cabinet.folder, None)

    assert loras.choose("spyke", first) == f"spyke-{first.short}.safetensors"
    loras.uninstall("spyke", first)
    assert cabinet.installed() == {}


def test_versions_of_earlier_trainings_are_known(cabinet: Cabinet) -> None:
    """The newest training first; what is no file any more is left out."""
    old = cabinet.shelve(job="20261121T120000-spyke", seed=0.25)
    cabinet.tell("manifest-20261121T120000-spyke.toml", old, "20261121T120000-spyke")
    new = cabinet.shelve()
    (cabinet.folder / "spyke" / old[0].file).unlink()

    assert cabinet.loras.versions("spyke") == [*new, old[1]]
    assert cabinet.loras.names() == ["spyke"]


def test_a_version_is_meant_by_epoch_hash_or_file(cabinet: Cabinet) -> None:
    """An epoch is one of the newest training."""
    old = cabinet.shelve(job="20261121T120000-spyke", seed=0.25)
    cabinet.tell("manifest-20261121T120000-spyke.toml", old, "20261121T120000-spyke")
    new = cabinet.shelve(epochs=3)

    find = cabinet.loras.find
    assert find("spyke", "2") == new[1]
    assert find("spyke", old[1].short) == old[1]
    assert find("spyke", old[0].sha256) == old[0]
    assert find("spyke", new[2].file) == new[2]


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("spyke", "9", "There are: 1 ("),
        ("spyke", "", "There are: 1 ("),
        ("nobody", "1", "lora list"),
    ],
)
def test_a_version_that_is_not_there_is_told(
    cabinet: Cabinet, name: str, said: str, hint: str
) -> None:
    """With those that are."""
    cabinet.shelve()

    with pytest.raises(PlasmaError) as caught:
        cabinet.loras.find(name, said)

    assert caught.value.code is Code.REQUEST_MISSING_FILE
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text",
    ["", "{", 'versions = 3\nchosen = "x"', '[[versions]]\nfile = "x"', "[chosen]\nepoch = 1"],
)
def test_a_damaged_manifest_knows_nothing(cabinet: Cabinet, text: str) -> None:
    """People edit files."""
    cabinet.shelve()
    (cabinet.folder / "spyke" / "manifest.toml").write_text(text)

    assert cabinet.loras.versions("spyke") == []
    assert cabinet.loras.chosen("spyke") is None
    assert cabinet.loras.file_of("spyke") == "spyke"


def test_a_manifest_cannot_lead_elsewhere(cabinet: Cabinet, tmp_path: Path) -> None:
    """A file is one of the LoRA's own folder."""
    first, _ = cabinet.shelve()
    (tmp_path / "secret").write_bytes(b"x")
    table = {"chosen": first.told() | {"file": "../../secret"}}
    (cabinet.folder / "spyke" / "manifest.toml").write_text(toml_text.dumps(table))

    assert cabinet.loras.chosen("spyke") is None


def test_a_chosen_version_whose_file_is_gone_is_none(cabinet: Cabinet) -> None:
    """What is not there cannot be used."""
    first, _ = cabinet.shelve()
    cabinet.loras.choose("spyke", first)
    (cabinet.folder / "spyke" / first.file).unlink()

    assert cabinet.loras.chosen("spyke") is None
