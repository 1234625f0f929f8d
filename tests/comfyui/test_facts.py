"""What an engine says about itself, and whether it may be used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.comfyui.facts import SANDBOX, Facts, check_fit, read_facts
from plasma_watch.errors import Code, Fate, PlasmaError

URL = "http://127.0.0.1:8188"
GOOD_FLAGS = ("main.py", "--force-fp16", "--fp32-vae")


def facts(
    version: str = "0.3.64", device: str = "mps", argv: tuple[str, ...] = GOOD_FLAGS
) -> Facts:
    """Return the facts of a good engine on a Mac; what is given is otherwise."""
    return Facts(version, device, device, "2.7.1", "3.11.7", argv)


def objection(engine: Facts, device: str = "any") -> PlasmaError:
    """Return what is said against an engine."""
    with pytest.raises(PlasmaError) as caught:
        check_fit(engine, device)
    return caught.value


def test_answer_is_read() -> None:
    """As ComfyUI 0.3.64 gives it."""
    answer = {
        "system": {
            "os": "posix",
            "comfyui_version": "0.3.64",
            "python_version": "3.11.7 (main, Dec  8 2023) [GCC 12.2.0]",
            "pytorch_version": "2.7.1",
            "argv": ["main.py", "--force-fp16"],
        },
        "devices": [{"name": "mps", "type": "mps", "index": None}, {"type": "other"}],
    }

    read = read_facts(answer, URL)

    assert read == Facts("0.3.64", "mps", "mps", "2.7.1", "3.11.7", ("main.py", "--force-fp16"))
    assert not read.is_sandbox


def test_what_is_not_said_is_unknown() -> None:
    """An old or strange ComfyUI is one all the same."""
    unknown = "unknown"

    assert read_facts({"system": {"argv": "x"}, "devices": [{}]}, URL) == Facts(
        unknown, unknown, unknown, unknown, unknown, ()
    )


@pytest.mark.parametrize(
    "answer", [None, "hello", [], {}, {"system": {}}, {"system": {}, "devices": []}]
)
def test_what_else_answers_there_is_not_comfyui(answer: object) -> None:
    """The error names the address and waits for a better one."""
    with pytest.raises(PlasmaError, match=URL) as caught:
        read_facts(answer, URL)

    assert caught.value.code is Code.ENGINE_NOT_COMFYUI
    assert caught.value.fate is Fate.WAIT
    assert "comfyui.url" in caught.value.hint


KEYS = st.sampled_from(["argv", "comfyui_version", "python_version", "type", "name"])
WORDS = st.text(max_size=5)
SAID = st.none() | st.floats() | WORDS | st.lists(WORDS, max_size=2)
TABLES = st.dictionaries(KEYS, SAID, max_size=3)
DEVICES = st.lists(TABLES, max_size=2) | SAID
SHAPED = st.fixed_dictionaries({"system": TABLES | SAID, "devices": DEVICES})


@given(SHAPED | SAID)
def test_any_answer_is_facts_or_not_comfyui(answer: object) -> None:
    """Nothing else comes of it."""
    error = None
    try:
        read_facts(answer, URL)
    except PlasmaError as exc:
        error = exc

    assert error is None or error.code is Code.ENGINE_NOT_COMFYUI


@pytest.mark.parametrize("version", ["0.3.55", "0.3", "0.2.99", "unknown", ""])
def test_engine_that_interrupts_everybody_is_too_old(version: str) -> None:
    """Before 0.3.56 an interrupt that named a prompt stopped whatever ran."""
    found = objection(facts(version))

    assert found.code is Code.ENGINE_TOO_OLD
    assert found.fate is Fate.WAIT
    assert "0.3.56" in found.message


@pytest.mark.parametrize("version", ["0.3.56", "0.3.64", "0.3.100", "0.4.0", "1.0", "v0.3.64"])
def test_engine_that_is_new_enough_is_taken(version: str) -> None:
    """Versions are compared as numbers, not as texts."""
    check_fit(facts(version), "any")


def test_sandbox_is_told_by_its_first_argument_only() -> None:
    """So nobody is taken for one by chance."""
    assert facts(argv=(SANDBOX, "--x")).is_sandbox
    assert not facts(argv=("main.py", SANDBOX)).is_sandbox
    assert not facts(argv=()).is_sandbox


def test_sandbox_is_fit_for_every_device() -> None:
    """It has none; but it must be new enough as well."""
    check_fit(facts(device="cpu", argv=(SANDBOX,)), "mps")

    assert objection(facts("0.3.1", argv=(SANDBOX,))).code is Code.ENGINE_TOO_OLD


def test_wrong_device_is_refused() -> None:
    """A picture on the CPU of a Mac takes an hour."""
    found = objection(facts(device="cpu"), "mps")

    assert found.code is Code.ENGINE_WRONG_DEVICE
    assert found.fate is Fate.WAIT
    assert found.message == "ComfyUI runs on cpu; mps is required"


@pytest.mark.parametrize(("device", "required"), [("mps", "mps"), ("cuda", "any"), ("cpu", "cpu")])
def test_right_device_is_taken(device: str, required: str) -> None:
    """The one that is required, or any."""
    check_fit(facts(device=device), required)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "without --force-fp16 and --fp32-vae"),
        (("--force-fp16",), "without --fp32-vae"),
        (("--fp32-vae",), "without --force-fp16"),
        (
            (*GOOD_FLAGS, "--fp16-vae"),
            "started with --fp16-vae (the VAE in fp16 gives black pictures on MPS)",
        ),
        ((*GOOD_FLAGS, "--bf16-vae"), "--bf16-vae (the VAE must run in fp32 on MPS)"),
        ((*GOOD_FLAGS, "--force-fp32"), "--force-fp32 (the U-Net in fp32 does not fit"),
        ((*GOOD_FLAGS, "--fp32-unet"), "--fp32-unet (the U-Net in fp32 does not fit"),
        ((*GOOD_FLAGS, "--bf16-unet"), "--bf16-unet (the U-Net must run in fp16 on MPS)"),
        (("--fp32-vae", "--force-fp32"), "without --force-fp16 and with --force-fp32 ("),
        ((*GOOD_FLAGS, "--fp16-vae", "--fp32-unet"), "on MPS), --fp32-unet ("),
    ],
)
def test_wrong_precision_on_mps_is_refused(flags: tuple[str, ...], said: str) -> None:
    """Everything that is wrong is told at once, with the flags that are right."""
    found = objection(facts(argv=flags))

    assert found.code is Code.ENGINE_WRONG_PRECISION
    assert found.fate is Fate.WAIT
    assert found.message.startswith(("ComfyUI was started with ", "ComfyUI was started without "))
    assert said in found.message
    assert "--force-fp16 --fp32-vae" in found.hint


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_precision_elsewhere_is_free(device: str) -> None:
    """Only MPS is so particular."""
    check_fit(facts(device=device, argv=("main.py", "--force-fp32")), "any")
