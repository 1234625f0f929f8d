"""Which requests come from other people's web pages: a browser says so, and gets no answer."""

import ipaddress
from urllib.parse import urlsplit


def is_foreign(host: str | None, origin: str | None) -> bool:
    """Tell whether a page from elsewhere talks to a server on this machine."""
    if not host or not origin:
        return False
    ours, theirs = urlsplit(f"//{host.lower()}"), urlsplit(origin.lower())
    if not ours.hostname or not theirs.hostname or not _is_loopback(ours.hostname):
        return False
    # A port counts only where both name one.
    with_port = ours.port is not None and theirs.port is not None
    return (ours.netloc != theirs.netloc) if with_port else (ours.hostname != theirs.hostname)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
