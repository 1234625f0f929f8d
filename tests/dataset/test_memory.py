"""A sheet of 12,000 x 9,000 pixels becomes a dataset within a gigabyte."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

MOST_BYTES = 1_000_000_000
_DRAW = """
import sys
from PIL import Image
from tests.fakes.sheets import model_sheet
sheet = model_sheet("nothing", 1200).image
large = sheet.resize((12000, 9000), Image.Resampling.NEAREST)
large.save(sys.argv[1], compress_level=1)
"""
_PREPARE = """
import resource, sys
from pathlib import Path
from plasma_watch.dataset.buckets import Buckets
from plasma_watch.dataset.prepare import prepare
from plasma_watch.dataset.wishes import Wish
wish = Wish(Buckets(512, 256, 1024, 64), "spyke")
made = prepare([Path(sys.argv[1])], Path(sys.argv[2]), wish)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(made.verdict.write_pictures), peak * (1 if sys.platform == "darwin" else 1024))
"""


def run(program: str, *arguments: str) -> str:
    """Run a program of its own and return what it prints."""
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    return done.stdout


def test_a_huge_sheet_stays_under_a_gigabyte(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """In the widest mode, with transparency; measured in a process of its own, all included."""
    sheet = tmp_path / "huge.png"
    run(_DRAW, str(sheet))

    count, peak = run(_PREPARE, str(sheet), str(tmp_path / "set")).split()

    record_property("peak_bytes", int(peak))
    assert int(count) >= 15
    assert int(peak) < MOST_BYTES
