"""A lab like the one in which the real trainer was recorded, and runs of the stand-in in it."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from plasma_watch.sandbox import weights
from plasma_watch.sandbox.trainer import surroundings

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "plasma_watch" / "sandbox" / "trainer" / "__main__.py"
PATIENCE_SECONDS = 120
UNET = "model.diffusion_model.out.2.bias"
BUCKETS = "enable_bucket = true\nmin_bucket_reso = 64\nmax_bucket_reso = 256\n"


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a run."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Lab:
    """A folder with pictures, captions, a base model and a tokenizer."""

    root: Path

    @property
    def model(self) -> Path:
        """Give the base model."""
        return self.root / "model.safetensors"

    def runs(self, name: str) -> Path:
        """Give the folder into which a run writes."""
        return self.root / "runs" / name

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file into the lab."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def picture(self, name: str, size: tuple[int, int] = (64, 64), caption: str = "") -> Path:
        """Put a picture there, with a caption beside it if there is one."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shade = random.Random(name).randrange(256)  # noqa: S311 - any colour will do
        Image.new("RGB", size, (shade, 90, 30)).save(path)
        if caption:
            path.with_suffix(".txt").write_text(caption, "utf-8")
        return path

    def configure(self, name: str, *subsets: str, dataset: str = "") -> Path:
        """Write a dataset configuration with these subsets."""
        parts = "".join(f"\n[[datasets.subsets]]\n{subset}\n" for subset in subsets)
        chosen = dataset or f"resolution = 64\nbatch_size = 1\n{BUCKETS}"
        general = '[general]\ncaption_extension = ".txt"\n'
        return self.write(name, f"{general}\n[[datasets]]\n{chosen}{parts}")

    def clear(self) -> None:
        """Throw away what the runs wrote: over all tests that is gigabytes."""
        shutil.rmtree(self.root / "runs", ignore_errors=True)

    def run(self, *arguments: object, env: Mapping[str, str] | None = None) -> Finished:
        """Run the stand-in to its end."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=environment(env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    def command(self, *arguments: object) -> Sequence[str]:
        """Write the command line as the daemon does: a Python, a script, options."""
        return [sys.executable, str(SCRIPT), *map(str, arguments)]


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Give the environment in which the daemon runs a trainer, and what a test wants besides."""
    unbuffered = {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "COLUMNS": "400"}
    # What is drawn by time is drawn at its beginning and end only, on a busy machine too.
    fast = {surroundings.SECONDS: "0", "TQDM_MININTERVAL": "86400"}
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PLASMA_")}
    return {**ours, **unbuffered, **fast, **more}


def furnished(root: Path) -> Lab:
    """Make a lab with four pictures, as small as can be."""
    lab = Lab(root)
    lab.write("model.safetensors", weights.standin("base", UNET))
    for index, size in enumerate(((64, 64), (64, 64), (96, 64), (64, 128))):
        lab.picture(f"data/spyke/img{index:02}.png", size, f"spyke, solo, pose {index}\nmore\n")
    lab.configure("ds.toml", f'image_dir = "{root}/data/spyke"\nclass_tokens = "spyke"')
    return lab
