"""What is claimed of the folders that macOS guards."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from plasma_watch.system import guarded, platform

ADA = Path("/Users/ada")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/Users/ada/Desktop/PlasmaWatch", "the Desktop folder"),
        ("/Users/ada/Documents", "the Documents folder"),
        ("/Users/ada/Downloads/x/y", "the Downloads folder"),
        ("/Users/ada/Library/Mobile Documents/com~apple~CloudDocs/x", "iCloud Drive"),
        ("/Users/ada/Library/CloudStorage/Dropbox/x", "a cloud provider's folder"),
        ("/Volumes/Manga", "an external or network volume"),
        ("/Users/ada/PlasmaWatch", ""),
        ("/Users/ada/DesktopPictures", ""),
        ("/Users/bob/Desktop", ""),
        ("/opt/homebrew", ""),
    ],
)
def test_guarded_places_are_known(path: str, words: str) -> None:
    """By where they lie, and by whole names only."""
    assert guarded.kind(Path(path), ADA) == words


def test_the_guards_refusal_is_not_that_of_the_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """EPERM is the guard or a locked file, where there is one; EACCES the mode bits."""
    monkeypatch.setattr(platform, "GUARDS_FOLDERS", False)
    assert guarded.meaning(errno.EPERM) == ""
    monkeypatch.setattr(platform, "GUARDS_FOLDERS", True)
    assert "privacy" in guarded.meaning(errno.EPERM)
    assert "rights" in guarded.meaning(errno.EACCES)
    assert guarded.meaning(errno.ENOENT) == ""


def test_the_pane_is_named() -> None:
    """Where the way out lies."""
    assert "Files and Folders" in guarded.pane("the Desktop folder")
