"""What an address says besides the way: who asks, for a gateway before the engine."""

from __future__ import annotations

import base64
from urllib.parse import unquote, urlsplit


def credentials(url: str) -> dict[str, str]:
    """Return the header that user and password of an address stand for; none where it names none.

    An address that is none has none either; whoever calls it is told so.
    """
    try:
        user, _, _ = urlsplit(url).netloc.rpartition("@")
    except ValueError:
        return {}
    token = base64.b64encode(unquote(user).encode()).decode()
    return {"Authorization": f"Basic {token}"} if user else {}
