"""Ports of this machine that are nobody's: none who asks for any free port is given one of them.

Each is kept by a socket that is bound to it and never listens, until the tests end: connections are
refused. Linux lets others listen there all the same, if they name it; elsewhere they could not, so
there nothing is kept, and a port may be somebody's by the time that it is needed.
"""

from __future__ import annotations

import socket
import sys

_CAN_KEEP = sys.platform == "linux"
_KEPT: list[socket.socket] = []


def nobodys_port() -> int:
    """Return a port where nobody listens, unless the test lets somebody."""
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    port: int = keeper.getsockname()[1]
    if _CAN_KEEP:
        _KEPT.append(keeper)
    else:
        keeper.close()
    return port


def lasting_port() -> int:
    """Return a port for one who goes and comes back; where none is kept 0, for any free one."""
    return nobodys_port() if _CAN_KEEP else 0
