"""Whether there is memory for what a node asks; if not it fails in the engine's words."""

import psutil

FLOAT_BYTES = 4


def claim(floats: int) -> None:
    """Refuse what this machine could never hold."""
    wanted = floats * FLOAT_BYTES
    if wanted > psutil.virtual_memory().total:
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate"
            f" memory: you tried to allocate {wanted} bytes. Error code 12 (Cannot allocate memory)"
        )
