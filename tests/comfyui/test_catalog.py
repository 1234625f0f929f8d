"""What the engine says of its node classes is remembered for a moment, and no longer."""

from __future__ import annotations

from plasma_watch.comfyui.catalog import FRESH_SECONDS, Catalog


class Asked:
    """Answers for each class. Its state: what was asked, and what the clock says."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.now = 100.0
        self.catalog = Catalog(self.answer, lambda: self.now)

    def answer(self, name: str) -> dict[str, object]:
        """Say something of a class."""
        self.names.append(name)
        return {"name": name, "asked": len(self.names)}


def test_each_class_is_asked_for_once() -> None:
    """A line of pages has the same nodes."""
    asked = Asked()

    first = asked.catalog.of(["b", "a"])
    asked.now += FRESH_SECONDS - 1
    second = asked.catalog.of(["a", "b", "c"])

    assert asked.names == ["a", "b", "c"]
    assert second["a"] == first["a"]


def test_what_is_old_is_asked_for_again() -> None:
    """Its lists of files are live."""
    asked = Asked()
    asked.catalog.of(["a"])
    asked.now += FRESH_SECONDS

    assert asked.catalog.of(["a"])["a"]["asked"] == 2


def test_what_was_forgotten_is_asked_for_again() -> None:
    """Because something was missing in it; with nothing remembered there is no need."""
    asked = Asked()
    assert not asked.catalog.forget()
    asked.catalog.of(["a"])

    assert asked.catalog.forget()
    assert asked.catalog.of(["a"])["a"]["asked"] == 2
