"""Files as torch writes them: a zip of plain entries below the file's own name.

Nothing in them is torch's but the shape: as many bytes in as many entries, and no pickle that
anybody should open. What the sandbox has to know again lies beside it, as JSON.
"""

import io
import json
import pickle
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

EPOCH = (1980, 1, 1, 0, 0, 0)
OURS = "sandbox.json"


def packed(
    name: str,
    blocks: Iterable[bytes] = (),
    told: Mapping[str, Any] | None = None,
    pickled: int = 200,
) -> bytes:
    """Pack blocks of data, what is told to the next sandbox, and a pickle of so many zeros."""
    out = io.BytesIO()
    stem = name.partition(".")[0]
    with zipfile.ZipFile(out, "w") as archive:
        for inner, data in _entries(blocks, told or {}, pickled):
            archive.writestr(zipfile.ZipInfo(f"{stem}/{inner}", EPOCH), data)
    return out.getvalue()


def told(path: Path) -> dict[str, Any]:
    """Read what was told; a file that is no whole zip is refused as torch refuses it."""
    try:
        with zipfile.ZipFile(path) as archive:
            inner = f"{path.name.partition('.')[0]}/{OURS}"
            found = archive.read(inner) if inner in archive.namelist() else b"{}"
    except zipfile.BadZipFile:
        raise RuntimeError(
            "PytorchStreamReader failed reading zip archive: failed finding central directory. "
            "This is an internal miniz error. If you are seeing this error, there is a high "
            "likelihood that your checkpoint file is corrupted. This can happen if the checkpoint "
            "was not saved properly, was transferred incorrectly, or the file was modified after "
            "saving."
        ) from None
    read: dict[str, Any] = json.loads(found)
    return read


def _entries(
    blocks: Iterable[bytes], told: Mapping[str, Any], pickled: int
) -> Iterator[tuple[str, bytes]]:
    yield "data.pkl", pickle.dumps(bytes(pickled))
    yield ".format_version", b"1"
    yield ".storage_alignment", b"64"
    yield "byteorder", b"little"
    yield OURS, json.dumps(told).encode()
    for number, block in enumerate(blocks):
        yield f"data/{number}", block
    yield "version", b"3\n"
    yield ".data/serialization_id", b"0" * 40
