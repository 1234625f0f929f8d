"""What the tests share: a user's folder of their own, so that none meets the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes.browser import Browser, opened

# A machine that is busy with something else is no failure.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _own_user_folder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Give each test its own state folder and no settings from the environment."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("user")))
    for name in ("COMFYUI_URL", "COMFYUI_DIR", "KOHYA_SCRIPT", "KOHYA_PYTHON", "PLASMA_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all that is looked at; tests that take it are marked `needs_browser`."""
    with opened(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def repository() -> Path:
    """Return the top of the checkout."""
    return Path(__file__).parent.parent
