"""The client in docs/pipeline.md, as it stands there, under Node with a real daemon."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.door.process import DaemonProcess, request

PAGE = Path(__file__).parents[2] / "docs" / "pipeline.md"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(not NODE, reason="Node is not installed")


def client() -> str:
    """Return the code on the page."""
    found = re.search(r"^```js\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def run(folder: Path, script: str, *arguments: str) -> Any:
    """Run a script that uses the client, and return the JSON that it prints."""
    (folder / "client.mjs").write_text(client(), "utf-8")
    (folder / "main.mjs").write_text(
        f'import {{ collect, drop, read }} from "./client.mjs";\n{script}', "utf-8"
    )
    assert NODE
    command = [NODE, str(folder / "main.mjs"), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


DROP_AND_COLLECT = """
const [home, name, toml] = process.argv.slice(2);
const status = await collect(home, await drop(home, name, toml), 60);
console.log(JSON.stringify(status));
"""


def test_a_page_is_dropped_and_collected(daemon: DaemonProcess, tmp_path: Path) -> None:
    """Picture first, manifest second, both there."""
    toml = request(chapter=1, page=3)

    status = run(tmp_path, DROP_AND_COLLECT, str(daemon.home), "p003", toml)

    assert status["state"] == "done"
    assert [Path(path).name for path in status["outputs"]] == [
        "ch01_p003_v1.png",
        "ch01_p003_v1.toml",
    ]
    assert all(Path(path).is_file() for path in status["outputs"])


def test_a_second_drop_of_a_name_is_not_taken_for_the_first(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    """The first one's status lies there already; the third is of the same bytes as the second."""
    home = str(daemon.home)

    found = [
        run(tmp_path, DROP_AND_COLLECT, home, "page", request(seed=seed)) for seed in (1, 2, 2)
    ]

    assert len({each["job"] for each in found}) == 3
    assert [Path(each["outputs"][0]).name for each in found] == [
        "page_v1.png",
        "page_v2.png",
        "page_v3.png",
    ]


def test_a_bad_request_comes_back_with_its_reason(daemon: DaemonProcess, tmp_path: Path) -> None:
    """Failed, with a sentence for people."""
    status = run(tmp_path, DROP_AND_COLLECT, str(daemon.home), "bad", "kind = 1\n")

    assert status["state"] == "failed"
    assert "kind" in status["why"]
    assert status["outputs"] == []


def test_a_status_is_read_as_python_reads_it(daemon: DaemonProcess, tmp_path: Path) -> None:
    """Texts with quotes, numbers and lists; tables are left to those who need them."""
    daemon.drop("page", request(prompt='a "quoted" \\ cloak'))
    told = daemon.until("page", "done")
    script = """
import { readFile } from "node:fs/promises";
console.log(JSON.stringify(read(await readFile(process.argv[2], "utf8"))));
"""

    read = run(tmp_path, script, str(daemon.home / "status" / "page.toml"))

    plain = {key: value for key, value in told.items() if isinstance(value, str | float | list)}
    assert {key: read[key] for key in plain} == plain


def test_the_page_stays_short() -> None:
    """Forty lines of code, so that people read it."""
    assert len([line for line in client().splitlines() if line.strip()]) <= 40
