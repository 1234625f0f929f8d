"""The pipeline's own list of pictures, which we add to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plasma_watch.outputs.generation_log import FILE, add, entry, with_entry

MADE = datetime(2026, 11, 22, 4, 15, 30, 987654, tzinfo=UTC)
REQUEST: dict[str, Any] = {
    "prompt": "spyke, 白い cloak",
    "seed": 7,
    "sampler": "euler_ancestral",
    "scheduler": "normal",
    "steps": 20,
    "cfg": 7.0,
    "lora": {"name": "spyke.safetensors", "strength": 0.8},
}
NEW = entry(REQUEST, "ch01_p003_v1.png", "ch01_p003_v1.toml", MADE)


def read(folder: Path) -> Any:
    """Return what the log of a folder says."""
    return json.loads((folder / FILE).read_text(encoding="utf-8"))


def write(folder: Path, content: object) -> None:
    """Write the log of a folder as a pipeline does."""
    (folder / FILE).write_text(json.dumps(content), encoding="utf-8")


def test_an_entry_says_how_a_picture_was_made() -> None:
    """Its keys are those of the pipeline; what the request does not say is null."""
    expected = {
        "file": "ch01_p003_v1.png",
        "generationBackend": "comfyui",
        "seed": 7,
        "sampler": "euler_ancestral",
        "scheduler": "normal",
        "steps": 20,
        "cfg": 7.0,
        "lora": {"name": "spyke.safetensors", "strength": 0.8},
        "controlnet": None,
        "prompt": "spyke, 白い cloak",
        "manifest": "ch01_p003_v1.toml",
        "createdAt": "2026-11-22T04:15:30Z",
    }

    assert expected == NEW


def test_the_first_picture_of_a_folder_begins_its_log(tmp_path: Path) -> None:
    """The log is an array, written so that people can read it."""
    assert add(tmp_path, NEW) == ""
    assert read(tmp_path) == [NEW]
    assert "白い" in (tmp_path / FILE).read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_entries_of_others_are_kept(tmp_path: Path) -> None:
    """Whatever they are, and in their order; ours comes last."""
    others = [{"file": "cover.png", "generationBackend": "dalle"}, "a note", 5, None, {"id": 1}]
    write(tmp_path, others)

    add(tmp_path, NEW)

    assert read(tmp_path) == [*others, NEW]


def test_keys_of_others_in_our_entry_are_kept(tmp_path: Path) -> None:
    """The pipeline notes its verdict beside our facts; told again, the facts are brought up."""
    write(tmp_path, [{"file": "ch01_p003_v1.png", "approved": True, "seed": 1}])

    add(tmp_path, NEW)

    assert read(tmp_path) == [NEW | {"approved": True}]


def test_telling_a_picture_twice_leaves_one_entry(tmp_path: Path) -> None:
    """After a crash it is told again."""
    add(tmp_path, NEW)
    add(tmp_path, NEW)

    assert read(tmp_path) == [NEW]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"file": "a"}', b"null", b"[", b"[1,", b"\0" * 64, b"\xff\xfe[", b"x"]
)
def test_what_is_no_array_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """Damaged or of another shape: it is not ours to mend; the warning names it."""
    (tmp_path / FILE).write_bytes(content)

    warning = add(tmp_path, NEW)

    assert str(tmp_path / FILE) in warning
    assert "left alone" in warning
    assert (tmp_path / FILE).read_bytes() == content


def test_a_folder_in_the_place_of_the_log_is_left_alone(tmp_path: Path) -> None:
    """The picture is there all the same; only a warning is due."""
    (tmp_path / FILE).mkdir()

    assert "left alone" in add(tmp_path, NEW)


def test_half_a_character_in_an_entry_of_others_is_kept(tmp_path: Path) -> None:
    """A pipeline that cuts a prompt in the middle of an emoji writes half of it, escaped."""
    (tmp_path / FILE).write_text('[{"file": "a.png", "prompt": "cut \\ud83d"}]')

    assert add(tmp_path, NEW) == ""
    assert read(tmp_path) == [{"file": "a.png", "prompt": "cut \ud83d"}, NEW]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OTHERS = st.lists(JSON | st.fixed_dictionaries({"file": st.sampled_from("abc")}), max_size=6)


@given(OTHERS, st.sampled_from("abc"), st.text(), st.sampled_from([None, 2, 4]))
@example([], "a", "two\u2028lines\n\x85 of one", None)
def test_others_are_never_touched(
    others: list[Any], file: str, prompt: str, indent: int | None
) -> None:
    """The same entries in the same order; at most the one of our file is changed."""
    new = {"file": file, "prompt": prompt}

    told = json.loads(text := with_entry(json.dumps(others, indent=indent), new))

    assert new in [found for found in told if isinstance(found, dict)] or len(told) == len(others)
    kept = [(old, found) for old, found in zip(others, told, strict=False) if old != found]
    assert all(old["file"] == file and found == old | new for old, found in kept)
    assert len(told) - len(others) == (not kept and new not in others)
    assert json.loads(with_entry(text, new)) == told


def test_entries_of_others_stay_as_they_are_written(tmp_path: Path) -> None:
    """A person's layout and a number's digits are theirs; ours is put behind."""
    (tmp_path / FILE).write_text('[{"file": "a.png",\t"cfg": 7.50}\n ]\n\n')

    add(tmp_path, NEW)

    text = (tmp_path / FILE).read_text()
    assert text.startswith('[{"file": "a.png",\t"cfg": 7.50},\n  {\n    "file": "ch01')
    assert text.endswith("\n  }\n]\n")


def test_a_log_too_deep_to_read_is_left_alone(tmp_path: Path) -> None:
    """It is no bug of ours, and no reason for a page to fail."""
    content = "[" * 100_000 + "]" * 100_000
    (tmp_path / FILE).write_text(content)

    assert "left alone" in add(tmp_path, NEW)
    assert (tmp_path / FILE).read_text() == content
