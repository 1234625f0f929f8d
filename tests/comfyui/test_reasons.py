"""Why an engine ended, from what it said last; and when it may be started again."""

from __future__ import annotations

import pytest

from plasma_watch.comfyui.reasons import (
    WINDOW_SECONDS,
    killed,
    seconds_until_start,
    why_ended,
)

TRACE = 'Traceback (most recent call last):\n  File "main.py", line 1, in <module>\n'


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (f"{TRACE}OSError: [Errno 98] error while attempting to bind", "port is taken"),
        (f"{TRACE}OSError: [Errno 48] Address already in use", "port is taken"),
        ("Port 8188 is already in use on address 127.0.0.1.", "port is taken"),
        (f"{TRACE}ModuleNotFoundError: No module named 'torch'", "no module torch"),
        (f"{TRACE}ModuleNotFoundError: No module named 'comfy.x'", "no module comfy.x"),
        ("main.py: error: unrecognized arguments: --fast-vae", "does not know --fast-vae"),
        ("python: can't open file '/opt/c/main.py': [Errno 2] No such", "no /opt/c/main.py"),
        ("AssertionError: Torch not compiled with CUDA enabled", "knows no GPU"),
        ("RuntimeError: invalid low watermark ratio 1.4", "WATERMARK_RATIO is below"),
    ],
)
def test_usual_reasons_are_told_in_plain_words(log: str, words: str) -> None:
    """Each with what to do."""
    reason = why_ended(1, log.replace("Address", "address").replace("Port", "port"))

    assert words in reason.words
    assert reason.hint


@pytest.mark.parametrize(
    ("code", "log", "words"),
    [
        (-9, "", "it ended by signal 9"),
        (1, f"{TRACE}KeyError: 1\n\n", "it ended with exit code 1; its last words: KeyError: 1"),
        (None, "got prompt\n", "it ended while nobody watched; its last words: got prompt"),
    ],
)
def test_other_ends_are_told_as_they_were(code: int | None, log: str, words: str) -> None:
    """With its last words, if there are any."""
    assert why_ended(code, log).words == words


def test_the_budget_is_of_the_last_minutes() -> None:
    """A start counts for ten; then there is room for another."""
    assert seconds_until_start([], 0, most=2) == 0
    assert seconds_until_start([0], 1, most=2) == 0
    assert seconds_until_start([0, 1], 2, most=2) == WINDOW_SECONDS - 2
    assert seconds_until_start([0, 1, 50], 60, most=2) == WINDOW_SECONDS - 59
    assert seconds_until_start([0, 1], WINDOW_SECONDS, most=2) == 0


@pytest.mark.parametrize(
    ("for_memory", "was_short", "words"),
    [
        (True, False, "the system killed it: out of memory"),
        (None, True, "it was killed, probably because memory was short"),
        (False, True, "it was killed, probably because memory was short"),
        (None, False, "it was killed from outside (kill -9)"),
        (False, False, "it was killed from outside (kill -9)"),
    ],
)
def test_a_kill_is_called_what_it_was(
    *, for_memory: bool | None, was_short: bool, words: str
) -> None:
    """The kernel's own word first, then what was measured; silence proves nothing."""
    assert killed(was_for_memory=for_memory, was_short=was_short).words == words
