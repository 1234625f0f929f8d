"""What the tests of the stand-in share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .lab import Lab, furnished


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Give a lab with four pictures and a base model."""
    lab = furnished(tmp_path)
    yield lab
    lab.clear()
