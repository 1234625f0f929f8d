"""Other people's web pages are told from everything else."""

import pytest

from plasma_watch.sandbox.origin import is_foreign


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8188", "http://evil.example"),
        ("127.0.0.1:8188", "http://localhost:8188"),
        ("127.0.0.1:8188", "http://127.0.0.1:1"),
        ("localhost", "http://evil"),
        ("[::1]:8188", "http://evil.example"),
    ],
)
def test_page_from_elsewhere_is_foreign(host: str, origin: str) -> None:
    """Another name, or another port."""
    assert is_foreign(host, origin)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8188", None),
        (None, "http://evil.example"),
        ("127.0.0.1:8188", "http://127.0.0.1:8188"),
        ("127.0.0.1:8188", "http://127.0.0.1"),
        ("127.0.0.1", "https://127.0.0.1:8188"),
        ("localhost:8188", "http://LOCALHOST:8188"),
        ("127.0.0.1:8188", "null"),
        ("127.0.0.1:8188", "file://"),
        ("example.org", "http://evil.example"),
    ],
)
def test_everything_else_is_not(host: str | None, origin: str | None) -> None:
    """No browser, our own page, or a server that is open to the world anyway."""
    assert not is_foreign(host, origin)
