"""What is asked for goes wrong, where it is asked for, and only there."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from safetensors.numpy import load_file

from plasma_watch.sandbox.trainer import state, tensors
from plasma_watch.sandbox.trainer.faults import parse
from plasma_watch.sandbox.trainer.mischief import Mischief
from plasma_watch.sandbox.trainer.surroundings import FAULTS, SECONDS, SPENT

from .lab import PATIENCE_SECONDS, Finished, Lab, environment
from .streams import Said, events

EPOCHS = ("--max_train_epochs", 2, "--save_every_n_epochs", 1, "--save_state")


def arguments(lab: Lab, *more: object, name: str = "run") -> tuple[object, ...]:
    """Give the options of a run of two epochs of four steps each."""
    return (
        *("--pretrained_model_name_or_path", lab.model, "--dataset_config", lab.root / "ds.toml"),
        *("--output_dir", lab.runs(name), "--output_name", "spyke", "--seed", 42),
        *("--network_module", "networks.lora", "--network_train_unet_only", "--cache_latents"),
        *(*EPOCHS, *more),
    )


def run(lab: Lab, fault: str, *more: object, name: str = "run") -> Finished:
    """Run to the end, with this fault."""
    return lab.run(*arguments(lab, *more, name=name), env={FAULTS: fault})


@contextmanager
def begun(lab: Lab, fault: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a run with this fault, and leave none of its processes behind."""
    process = subprocess.Popen(
        lab.command(*arguments(lab)),
        env=environment({FAULTS: fault}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def read_until(process: subprocess.Popen[bytes], text: bytes) -> None:
    """Read the log until something was said."""
    assert process.stderr is not None
    said = b""
    while text not in said:
        more = os.read(process.stderr.fileno(), 1 << 16)
        assert more, f"the end came before {text!r}: {said!r}"
        said += more


def bars(done: Finished) -> list[str]:
    """List the steps as they were shown."""
    return [said.text for said in events(done.err) if said.kind == "bar" and said.where == "steps"]


def died(done: Finished) -> str:
    """Give the last line of the traceback."""
    return [said.text for said in events(done.err) if said.kind == "died"][-1]


def test_nothing_goes_wrong_by_itself(lab: Lab) -> None:
    """Then the last thing in the log is that the model was saved, and all files are there."""
    done = run(lab, "")

    assert done.code == 0
    assert list(events(done.err))[-2] == Said("INFO", "modelsaved.", "train_network.py:1729")
    assert sorted(path.name for path in lab.runs("run").iterdir()) == [
        "spyke-000001-state",
        "spyke-000001.safetensors",
        "spyke-state",
        "spyke.safetensors",
    ]


@pytest.mark.parametrize("loss", ["nan", "inf"])
def test_loss_that_is_no_number_goes_on_to_the_end(lab: Lab, loss: str) -> None:
    """Shown from that step on, saved as a LoRA that is none, with exit code 0."""
    done = run(lab, f"{loss}@6")

    early, late = (
        load_file(lab.runs("run") / f"spyke{name}.safetensors") for name in ("-000001", "")
    )
    name = "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight"
    assert f"avr_loss={loss}]" in done.err
    assert (done.code, "model saved." in done.err) == (0, True)
    assert early[name].any()
    assert not (late[name] == late[name]).any()


def test_nan_lasts_over_a_resume(lab: Lab) -> None:
    """Because it is in the state."""
    run(lab, "nan@2", name="first")

    state_folder = lab.runs("first") / "spyke-000001-state"
    done = run(lab, "", "--resume", state_folder, "--initial_epoch", 2)

    assert "avr_loss=nan]" in done.err


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("oom@3", "MPS backend out of memory (MPS allocated: 15.03 GiB"),
        ("alloc", "DefaultCPUAllocator: can't allocate memory"),
        ("crash@latents:RuntimeError: NaN detected in latents: x", "NaN detected in latents"),
        ("crash@5:OSError: gone", "OSError: gone"),
        ("crash@5:what nobody knows", "RuntimeError: what nobody knows"),
    ],
)
def test_trainer_dies_of_an_error(lab: Lab, fault: str, text: str) -> None:
    """Exit code 1, and the error as the last line of a traceback."""
    done = run(lab, fault)

    assert done.code == 1
    assert text in died(done)


def test_bar_is_closed_behind_the_traceback(lab: Lab) -> None:
    """As Python closes it when it ends."""
    done = run(lab, "oom@3")

    last = list(events(done.err))[-1]
    assert (last.kind, last.text) == ("bar", "2/8 avr_loss=#")


@pytest.mark.parametrize(
    ("fault", "code", "steps"),
    [
        ("kill@6", -9, "5/8"),
        ("kill@6:15", -15, "5/8"),
        ("kill@model", -9, ""),
        ("exit@3", 0, "2/8"),
    ],
)
def test_trainer_is_gone_without_a_word(lab: Lab, fault: str, code: int, steps: str) -> None:
    """By a signal or an exit code; what it had saved stays."""
    done = run(lab, fault)

    assert done.code == code
    assert "Traceback" not in done.err
    assert [text.partition(" ")[0] for text in bars(done)][-1:] == ([steps] if steps else [])
    assert (lab.runs("run") / "spyke-000001-state").exists() == (steps == "5/8")


def test_kill_while_a_checkpoint_is_written_leaves_half_of_it(lab: Lab) -> None:
    """Under its final name."""
    done = run(lab, "kill@saving")

    path = lab.runs("run") / "spyke-000001.safetensors"
    assert done.code == -9
    with pytest.raises(ValueError, match="MetadataIncompleteBuffer"):
        tensors.read_header(path)


def test_kill_while_a_state_is_written_leaves_no_random_states(lab: Lab) -> None:
    """They are written last, and nothing else tells that it is not whole."""
    run(lab, "kill@state")

    folder = lab.runs("run") / "spyke-000001-state"
    assert {path.name for path in folder.iterdir()} == {state.TRAIN, state.MODEL, state.OPTIMIZER}


def test_disk_is_full(lab: Lab) -> None:
    """At the second checkpoint, which is cut short; the first one is whole."""
    done = run(lab, "disk-full@saving#2", "--save_every_n_steps", 2)

    assert done.code == 1
    assert "No space left on device" in died(done)
    tensors.read_header(lab.runs("run") / "spyke-step00000002.safetensors")
    with pytest.raises(ValueError, match="MetadataIncompleteBuffer"):
        tensors.read_header(lab.runs("run") / "spyke-step00000004.safetensors")


def test_checkpoint_is_cut_short_and_nobody_notices(lab: Lab) -> None:
    """Exit code 0, and all is said to be well."""
    done = run(lab, "truncated")

    assert (done.code, "model saved." in done.err) == (0, True)
    with pytest.raises(ValueError, match="MetadataIncompleteBuffer"):
        tensors.read_header(lab.runs("run") / "spyke.safetensors")


def test_nothing_was_learned(lab: Lab) -> None:
    """Exit code 0, and zeros."""
    done = run(lab, "zero")

    loaded = load_file(lab.runs("run") / "spyke.safetensors")
    assert done.code == 0
    assert not any(array.any() for name, array in loaded.items() if "lora_up" in name)


def test_no_data_is_no_failure(lab: Lab) -> None:
    """It is exit code 0 and one line, before the device is told."""
    done = run(lab, "no-data")

    assert (done.code, done.out) == (0, "")
    assert "No data found." in done.err
    assert not lab.runs("run").exists()


@pytest.mark.parametrize(("device", "shown"), [("cpu", "cpu"), ("mps", "mps:0")])
def test_device_is_claimed(lab: Lab, device: str, shown: str) -> None:
    """Before the model is loaded, and again before the first step."""
    done = run(lab, f"device:{device},exit@1")

    assert done.out.startswith(f"accelerator device: {device}\n")
    assert f"unet dtype: torch.float32, device: {shown} " in done.err


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_half_precision_is_refused_on_mps(lab: Lab, precision: str) -> None:
    """Before the device is told."""
    done = run(lab, "device:mps", "--mixed_precision", precision)

    assert (done.code, done.out) == (1, "")
    assert died(done).startswith(f"ValueError: {precision} mixed precision requires")


def test_garbage_is_said_on_both_streams(lab: Lab) -> None:
    """Bytes that are no UTF-8, between lines that are."""
    with begun(lab, "garbage@3") as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 0
    for said in (out, err):
        with pytest.raises(UnicodeDecodeError):
            said.decode()


def test_flood_of_refreshes(lab: Lab) -> None:
    """As many as are asked for, of one and the same step."""
    done = run(lab, "flood@3:2500")

    assert bars(done).count("2/8 avr_loss=#") >= 2500
    assert done.code == 0


def test_something_else_is_said(lab: Lab) -> None:
    """A warning of torch, for one."""
    done = run(lab, "say@2:UserWarning: The operator 'aten::x' will fall back to run on the CPU.")

    assert "UserWarning: The operator 'aten::x' will fall back to run on the CPU.\n" in done.err


def test_steps_become_slow(lab: Lab) -> None:
    """As when a machine swaps; the bar tells of it."""
    done = lab.run(*arguments(lab), env={FAULTS: "slow@3:50", SECONDS: "0.002"})

    number, unit = re.findall(r"([\d.]+)(s/it|it/s), avr_loss", done.err)[-1]
    steps_per_second = float(number) if unit == "it/s" else 1 / float(number)
    assert steps_per_second <= 8 / (6 * 0.002 * 50)


def test_stall_is_silence(lab: Lab) -> None:
    """The process lives, and a signal ends it."""
    with begun(lab, "stall@model") as process:
        read_until(process, b"UNet2DConditionModel")

        assert process.poll() is None
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == -15


def test_stall_may_end(lab: Lab) -> None:
    """Then all goes on."""
    assert run(lab, "stall@3:0.01").code == 0


def test_deaf_trainer_is_only_killed(lab: Lab) -> None:
    """It hears no SIGTERM."""
    with begun(lab, "deaf,stall@training") as process:
        read_until(process, b"unet dtype")
        process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05)

        process.kill()
        assert process.wait(PATIENCE_SECONDS) == -9


def test_orphan_outlives_the_trainer(lab: Lab) -> None:
    """It ignores SIGTERM, holds the pipes, and dies with its group."""
    with begun(lab, "orphan,kill@2:15") as process:
        assert process.wait(PATIENCE_SECONDS) == -15
        others = [one for one in psutil.process_iter() if _in_session(one, process.pid)]

        assert len(others) == 1
        others[0].terminate()
        with pytest.raises(psutil.TimeoutExpired):
            others[0].wait(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        psutil.wait_procs(others, PATIENCE_SECONDS)
        assert not others[0].is_running()


def _in_session(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session and process.pid != session
    except ProcessLookupError:
        return False


def test_fault_that_nobody_knows_is_refused(lab: Lab) -> None:
    """With exit code 2, as an option would be."""
    done = run(lab, "oops")

    assert (done.code, done.out) == (2, "")
    assert "no such fault: 'oops'" in done.err


def test_fault_strikes_once_where_a_book_is_kept(lab: Lab) -> None:
    """So a run that is resumed does not die again where the first one died."""
    book = {FAULTS: "kill@6,kill@3", SPENT: str(lab.root / "spent")}

    codes = [lab.run(*arguments(lab), env=book).code for _ in range(3)]

    assert codes == [-9, -9, 0]


def test_place_counts_how_often_it_is_passed(tmp_path: Path) -> None:
    """A fault may want the second time; each fault strikes at most once in a run."""
    mischief = Mischief(parse("truncated@saving#2,zero@7"), tmp_path / "spent")

    struck = [set(mischief.at(place)) for place in ("saving", "state", "saving", "saving", 7)]

    assert struck == [set(), set(), {"truncated"}, set(), {"zero"}]
    assert mischief.lasts("zero")
    assert not mischief.lasts("nan")
