"""Who asks, as an address says it."""

from __future__ import annotations

import pytest
import requests

from plasma_watch.comfyui.address import credentials


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8188", {}),
        ("http://me:pw@127.0.0.1:8188", {"Authorization": "Basic bWU6cHc="}),
        ("http://me:p%40w@127.0.0.1:8188", {"Authorization": "Basic bWU6cEB3"}),
    ],
)
def test_password_of_the_address_is_told_as_http_tells_it(
    url: str, expected: dict[str, str]
) -> None:
    """A gateway before the engine asks for it on every way."""
    assert credentials(url) == expected
    assert requests.Request("GET", f"{url}/queue").prepare().headers == expected


def test_what_is_no_address_names_nobody() -> None:
    """Whoever calls it is told."""
    assert credentials("http://[broken") == {}
