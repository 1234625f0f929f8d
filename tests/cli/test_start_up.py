"""What the command line imports before it knows which command is meant."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    "pydantic": "what checks requests and config",
    "psutil": "what looks at the machine",
    "rich": "what draws tables",
    "urllib3": "what speaks to the engine",
    "watchdog": "what watches the inbox",
    "PIL": "what opens pictures",
    "plasma_watch.config": "what a home may set",
    "plasma_watch.daemon": "what looks after it",
}
"""What a command that needs it imports by itself."""


def test_nothing_heavy_is_imported_for_a_command_that_does_not_use_it() -> None:
    """In a new interpreter: `--help` and `status` must be there at once."""
    program = "import sys, plasma_watch.cli; print(*sys.modules, sep='\\n')"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert set(HEAVY) & set(done.stdout.split()) == set()
