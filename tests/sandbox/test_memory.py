"""What could never be held is refused before it is taken."""

import pytest

from plasma_watch.sandbox.memory import claim


def test_small_claim_passes() -> None:
    """Nothing is taken for it."""
    claim(1000)


def test_claim_beyond_the_machine_fails_as_an_allocation() -> None:
    """Four terabytes, in the engine's words."""
    with pytest.raises(RuntimeError, match="tried to allocate 4398046511104 bytes"):
        claim(16384 * 16384 * 4096)
