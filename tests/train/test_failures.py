"""What is claimed of ends: every way in which the real trainer failed, as it was recorded."""

from __future__ import annotations

import pytest

from plasma_watch.errors import Code
from plasma_watch.train.failures import Ended, is_kill, last_error, problem
from plasma_watch.train.progress import NoCaptions, NoData, Saved
from tests.fakes import recordings

MPS_OOM = (
    "RuntimeError: MPS backend out of memory (MPS allocated: 15.03 GiB, other allocations: "
    "1.12 GiB, max allowed: 18.13 GiB). Tried to allocate 720.00 MiB on private pool."
)


def recorded(name: str, exit_code: int) -> Code | None:
    """Return why a recorded run ended badly, or None."""
    facts = recordings.facts(name)
    ended = Ended(
        exit_code,
        recordings.segments(name)[-200:],
        was_saved=Saved() in facts,
        found_no_data=NoData() in facts,
    )
    found = problem(ended)
    return found.code if found else None


def said(exit_code: int, *last: str, **keys: object) -> Code | None:
    """Return why a run ended badly that said this."""
    found = problem(Ended(exit_code, last, was_saved=False, **keys))  # type: ignore[arg-type]
    return found.code if found else None


@pytest.mark.parametrize(
    ("name", "exit_code", "code"),
    [
        ("e_empty_dataset", 0, Code.TRAINER_NO_DATA),
        ("e_bad_image", 1, Code.TRAINER_REFUSED),
        ("e_missing_model", 1, Code.TRAINER_NO_BASE),
        ("e_truncated_model", 1, Code.TRAINER_NO_BASE),
        ("e_adamw8bit", 1, Code.TRAINER_MISSING_PART),
        ("e_disk_full", 1, Code.DISK_SHORT),
        ("e_oom_as", 1, Code.TRAINER_OUT_OF_MEMORY),
        ("e_oom_cgroup", 1, Code.TRAINER_KILLED),
        ("d_SIGKILL_child", 1, Code.TRAINER_KILLED),
        ("d_SIGTERM_group", -15, Code.TRAINER_KILLED),
        ("a_foldername_reg", -9, Code.TRAINER_KILLED),
        ("data_empty", 0, Code.TRAINER_NO_DATA),
        ("data_missing", 0, Code.TRAINER_NO_DATA),
        ("data_not_image", 1, Code.TRAINER_REFUSED),
        ("caption_empty", 1, Code.TRAINER_REFUSED),
        ("caption_not_utf8", 1, Code.TRAINER_REFUSED),
        ("config_key", 1, Code.TRAINER_REFUSED),
        ("config_syntax", 1, Code.TRAINER_REFUSED),
        ("config_no_resolution", 1, Code.TRAINER_REFUSED),
        ("config_min_bucket", 1, Code.TRAINER_REFUSED),
        ("config_bucket_steps", 1, Code.TRAINER_REFUSED),
        ("options_missing", 1, Code.TRAINER_CRASHED),
        ("options_unknown", 2, Code.TRAINER_REFUSED),
        ("picture_too_large", 1, Code.TRAINER_REFUSED),
        ("half_precision_on_cpu", 1, Code.TRAINER_REFUSED),
        ("optimizer_unknown", 1, Code.TRAINER_REFUSED),
        ("network_unknown", 1, Code.TRAINER_MISSING_PART),
        ("xformers_missing", 1, Code.TRAINER_MISSING_PART),
        ("tokenizer_missing", 1, Code.TRAINER_NO_TOKENIZER),
        ("model_missing", 1, Code.TRAINER_NO_BASE),
        ("disk_full_in_state", 1, Code.DISK_SHORT),
        ("resumed_at_end", 1, Code.TRAINER_REFUSED),
        ("resumed_from_nothing", 1, Code.TRAINER_REFUSED),
        ("a_normal_pipe", 0, None),
        ("b_resume_epoch2", 0, None),
    ],
)
def test_a_recorded_end_is_understood(name: str, exit_code: int, code: Code | None) -> None:
    """Most were recorded below a launcher, which has words of its own."""
    assert recorded(name, exit_code) is code


def test_an_end_without_captions_looks_good() -> None:
    """So that it is heard, not read off the end."""
    assert recorded("e_no_captions", 0) is None
    assert NoCaptions() in recordings.facts("e_no_captions")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (MPS_OOM, Code.TRAINER_OUT_OF_MEMORY),
        ("RuntimeError: Invalid buffer size: 12.00 GiB", Code.TRAINER_OUT_OF_MEMORY),
        (
            "RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed.",
            Code.TRAINER_OUT_OF_MEMORY,
        ),
        ("RuntimeError: NaN detected in latents: /x/0001.png", Code.TRAINER_NAN),
        ("AssertionError: caption file is empty / キャプション: /x/a.txt", Code.TRAINER_REFUSED),
        ("ZeroDivisionError: division by zero", Code.TRAINER_REFUSED),
        ("AssertionError: image too large, but cropping and bucketing are", Code.TRAINER_REFUSED),
        ("AssertionError: min_bucket_reso must be equal or less than", Code.TRAINER_REFUSED),
        ("AssertionError: resolution is required", Code.TRAINER_REFUSED),
        (
            "voluptuous.error.MultipleInvalid: extra keys not allowed @ data['datasets']",
            Code.TRAINER_REFUSED,
        ),
        ("toml.decoder.TomlDecodeError: Key group not on a line by itself.", Code.TRAINER_REFUSED),
        (
            'ValueError: The provided model path "x" is neither a valid local path nor',
            Code.TRAINER_NO_BASE,
        ),
        ("OSError: Cannot load model x: model is not cached locally", Code.TRAINER_NO_BASE),
        ("KeyError: 'time_embed.0.weight'", Code.TRAINER_NO_BASE),
        (
            "safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge",
            Code.TRAINER_NO_BASE,
        ),
        (
            "TypeError: expected str, bytes or os.PathLike object, not NoneType",
            Code.TRAINER_NO_TOKENIZER,
        ),
        (
            "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='huggingface.co')",
            Code.TRAINER_NO_TOKENIZER,
        ),
        ("ImportError: No bitsandbytes / bitsandbytesがインストール", Code.TRAINER_MISSING_PART),
        ("ModuleNotFoundError: No module named 'networks.nope'", Code.TRAINER_MISSING_PART),
        ("AttributeError: module 'torch.optim' has no attribute 'FooOpt'", Code.TRAINER_REFUSED),
        (
            "RuntimeError: expected m1 and m2 to have the same dtype, but got: c10::Half != float",
            Code.TRAINER_REFUSED,
        ),
        (
            "ValueError: fp16 mixed precision requires a GPU (not 'mps').",
            Code.TRAINER_REFUSED,
        ),
        ("train_network.py: error: unrecognized arguments: --nope", Code.TRAINER_REFUSED),
        (
            "RuntimeError: [enforce fail at inline_container.cc:672] . unexpected pos 19 vs 18",
            Code.DISK_SHORT,
        ),
        ("OSError: [Errno 28] No space left on device", Code.DISK_SHORT),
        ("RuntimeError: something on MPS that nobody knows", Code.TRAINER_CRASHED),
    ],
)
def test_the_last_words_say_why(words: str, code: Code) -> None:
    """Where it raised something; its words are in the message."""
    found = problem(Ended(1, ["Traceback (most recent call last):", words], was_saved=False))

    assert found
    assert found.code is code
    assert words[:40] in found.message
    assert found.hint


@pytest.mark.parametrize("exit_code", [1, 2, 120])
def test_an_end_without_words_is_a_crash(exit_code: int) -> None:
    """It is tried again."""
    assert said(exit_code) is Code.TRAINER_CRASHED
    assert said(exit_code, "steps: 1", "nothing that was raised") is Code.TRAINER_CRASHED


def test_exit_code_zero_alone_is_no_success() -> None:
    """It must have said that the model is saved."""
    assert said(0, "INFO /x/none.toml not found.") is Code.TRAINER_NO_RESULT
    assert said(0) is Code.TRAINER_NO_RESULT
    assert problem(Ended(0, [], was_saved=True)) is None


@pytest.mark.parametrize("exit_code", [-9, 137])
@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"killed_for_memory": True}, Code.TRAINER_OUT_OF_MEMORY),
        ({"killed_for_memory": None, "trouble": "swap grew"}, Code.TRAINER_OUT_OF_MEMORY),
        ({"killed_for_memory": False, "trouble": "swap grew"}, Code.TRAINER_KILLED),
        ({"killed_for_memory": None}, Code.TRAINER_KILLED),
    ],
)
def test_a_kill_for_memory_is_told_from_a_users(
    exit_code: int, keys: dict[str, object], code: Code
) -> None:
    """F50: by what the system says, or else by what was seen before."""
    assert said(exit_code, **keys) is code


def test_an_abort_over_memory_is_want_of_memory() -> None:
    """Metal ends a process so."""
    assert said(-6, "failed assertion: out of memory") is Code.TRAINER_OUT_OF_MEMORY
    assert said(-6) is Code.TRAINER_KILLED


def test_an_unknown_signal_has_its_number() -> None:
    """The system knows more of them than Python."""
    found = problem(Ended(-60, [], was_saved=False))

    assert found
    assert "signal 60" in found.message


def test_only_the_own_trace_is_read() -> None:
    """The launcher's comes after it, with an error of its own."""
    last = [
        "Traceback (most recent call last):",
        '  File "/x/train_network.py", line 1913, in <module>',
        "ImportError: No xformers",
        "Traceback (most recent call last):",
        '  File "/x/bin/accelerate", line 8, in <module>',
        "subprocess.CalledProcessError: Command '[...]' returned non-zero exit status 1.",
    ]

    assert last_error(last) == "ImportError: No xformers"
    assert last_error([]) == ""


def test_long_words_are_cut() -> None:
    """A status holds one plain sentence."""
    found = problem(Ended(1, ["RuntimeError: " + "x" * 1000], was_saved=False))

    assert found
    assert len(found.message) < 400
    assert found.message.endswith("…")


@pytest.mark.parametrize(("code", "is_so"), [(-9, True), (137, True), (-15, False), (1, False)])
def test_a_kill_is_known_by_the_exit_code(code: int, *, is_so: bool) -> None:
    """Directly, or as a shell tells it."""
    assert is_kill(code) is is_so
