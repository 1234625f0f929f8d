"""What the tests share: a user's folder of their own, so that none meets the real one."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes.browser import Browser, opened

# A machine that is busy with something else is no failure.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_collection_finish() -> None:
    """Keep the thousands of tests that were found out of each later search for garbage."""
    gc.freeze()


@pytest.fixture(scope="session")
def _users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of folders for users; the factory would look through all folders that it made."""
    users = tmp_path_factory.mktemp("users")
    return (users / str(number) for number in itertools.count(1))


@pytest.fixture(autouse=True)
def _own_user_folder(_users: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own state folder and no settings from the environment."""
    for variable in ("XDG_STATE_HOME", "HOME"):
        folder = next(_users)
        folder.mkdir()
        monkeypatch.setenv(variable, str(folder))
    for name in ("COMFYUI_URL", "COMFYUI_DIR", "KOHYA_SCRIPT", "KOHYA_PYTHON", "PLASMA_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all that is looked at; tests that take it are marked `needs_browser`."""
    with opened(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end how well the boxes agree that were found on drawn sheets."""
    told = [
        (report.nodeid.rpartition("::")[2], agreed)
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for name, agreed in report.user_properties
        if name == "iou" and agreed
    ]
    if not told:
        return
    every = [share for _, agreed in told for share in agreed]
    worst, agreed = min(told, key=lambda each: min(each[1]))
    terminalreporter.write_sep("-", "figures found on drawn sheets")
    terminalreporter.write_line(
        f"{len(every)} figures on {len(told)} sheets: intersection over union {min(agreed):.3f} "
        f"at worst ({worst}), {sum(every) / len(every):.4f} on average"
    )


@pytest.fixture
def repository() -> Path:
    """Return the top of the checkout."""
    return Path(__file__).parent.parent
