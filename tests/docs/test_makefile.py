"""What `make` says on a machine that lacks something."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

OLD_PYTHON = """#!/bin/sh
case "$1" in --version) echo "Python 3.9.6";; *) exit 1;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Path:
    """Return a folder with what `make` looks at, and nothing made yet."""
    for file in ("Makefile", "pyproject.toml", "tests/constraints.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(repository / file, tmp_path / file)
    return tmp_path


@pytest.mark.parametrize("target", ["demo", "test"])
def test_an_old_python_is_told_what_to_install(checkout: Path, target: str) -> None:
    """The Python that macOS brings is 3.9."""
    tools = checkout / "tools"
    tools.mkdir()
    for tool in ("make", "sh"):
        found = shutil.which(tool)
        assert found
        (tools / tool).symlink_to(found)
    (tools / "python3").write_text(OLD_PYTHON)
    (tools / "python3").chmod(0o755)

    answer = subprocess.run(
        [str(tools / "make"), target],
        cwd=checkout,
        env=dict(os.environ) | {"PATH": str(tools), "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode != 0
    assert "needs Python 3.11 or newer; this machine has: Python 3.9.6" in answer.stdout
    assert f"run 'make {target}' again" in answer.stdout
    assert not (checkout / ".venv").exists()
