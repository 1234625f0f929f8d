"""Which folders macOS guards, and whose permission is asked: privacy, in Apple's words TCC.

What launchd starts has none of the permissions that a terminal has. The kernel looks at where a
path really leads, so links are followed by whoever asks here.
"""

from __future__ import annotations

import errno
from pathlib import Path

from plasma_watch.system import platform

_OF_THE_USER = {
    "Desktop": "the Desktop folder",
    "Documents": "the Documents folder",
    "Downloads": "the Downloads folder",
    "Library/Mobile Documents": "iCloud Drive",
    "Library/CloudStorage": "a cloud provider's folder",
}
_VOLUMES = Path("/Volumes")


def kind(path: Path, user_home: Path) -> str:
    """Return what guarded place a path lies in, in words, or an empty string."""
    for folder, words in _OF_THE_USER.items():
        if path.is_relative_to(user_home / folder):
            return words
    return "an external or network volume" if path.is_relative_to(_VOLUMES) else ""


def pane(words: str) -> str:
    """Return where in System Settings a guarded place is opened to a program."""
    return (
        f"System Settings > Privacy & Security > Files and Folders (or Full Disk Access): {words}"
    )


def meaning(number: int | None) -> str:
    """Tell a refusal of the privacy guard from one of ordinary rights, by the error number."""
    if number == errno.EPERM and platform.GUARDS_FOLDERS:
        return "macOS keeps this program out of it (privacy, or the file is locked)"
    if number == errno.EACCES:
        return "the rights of the folder do not let this user in"
    return ""
