"""What the tests of the stand-in share."""

from pathlib import Path

import pytest

from .lab import Lab, furnished


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """Give a lab with four pictures and a base model."""
    return furnished(tmp_path)
