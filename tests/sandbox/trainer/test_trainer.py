"""A whole run: started as a module or as a script, resumed exactly, and marked for what it is."""

import json
import subprocess
import sys

from safetensors import safe_open
from safetensors.numpy import load_file

from .lab import PATIENCE_SECONDS, ROOT, Lab, environment
from .streams import FOLDER

RECORDED = json.loads((FOLDER / "epochs.files.json").read_text("utf-8"))
TOML = """
[model]
pretrained_model_name_or_path = "{root}/model.safetensors"
dataset_config = "{root}/ds.toml"
[network]
network_module = "networks.lora"
network_dim = 4
network_alpha = 2.0
network_train_unet_only = true
[training]
output_name = "spyke"
learning_rate = 1e-4
optimizer_type = "AdamW"
lr_scheduler = "cosine"
min_snr_gamma = 5.0
gradient_checkpointing = true
cache_latents = true
seed = 42
save_every_n_epochs = 1
save_state = true
save_precision = "fp16"
training_comment = "plasma_watch REQ-1"
"""


def configured(lab: Lab) -> tuple[str, str]:
    """Write the options of a training."""
    return "--config_file", str(lab.write("train.toml", TOML.format(root=lab.root)))


def test_trainer_runs_as_a_module() -> None:
    """Like everything in Python."""
    done = subprocess.run(
        [sys.executable, "-m", "plasma_watch.sandbox.trainer", "--nonsense"],
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert done.returncode == 2
    assert b"unrecognized arguments: --nonsense" in done.stderr


def test_trainer_runs_as_a_script_from_anywhere(lab: Lab) -> None:
    """By its path, as the daemon starts a trainer; its folder hides no module of Python's."""
    done = lab.run(*configured(lab), "--output_dir", lab.runs("a"), "--max_train_epochs", 1)

    assert done.code == 0, done.err
    assert done.out.startswith("accelerator device: ")


def test_files_are_those_of_the_real_trainer(lab: Lab) -> None:
    """The same names, and as long as there, but for a thousandth."""
    lab.run(*configured(lab), "--output_dir", lab.runs("a"), "--max_train_epochs", 2)

    sizes = {
        str(path.relative_to(lab.runs("a"))): path.stat().st_size
        for path in lab.runs("a").rglob("*")
        if path.is_file()
    }
    recorded = RECORDED["files"]
    assert sizes.keys() == recorded.keys()
    assert all(abs(sizes[name] - recorded[name]) <= 500 + recorded[name] / 1000 for name in sizes)


def test_metadata_is_that_of_the_real_trainer(lab: Lab) -> None:
    """The same keys and one that tells it from a real one; the same values, but for chance."""
    lab.run(*configured(lab), "--output_dir", lab.runs("a"), "--max_train_epochs", 2)

    with safe_open(lab.runs("a") / "spyke-000001.safetensors", "numpy") as opened:
        told = opened.metadata()
    assert told.pop("plasma_sandbox") == "true"
    assert told.keys() == RECORDED["metadata"].keys()
    others = {key for key in told if told[key] != RECORDED["metadata"][key]}
    assert others == {
        *("ss_session_id", "ss_training_started_at", "ss_training_finished_at", "modelspec.date"),
        *("ss_sd_model_hash", "ss_new_sd_model_hash", "ss_sd_model_name"),
        *("ss_sd_scripts_commit_hash", "modelspec.implementation_version"),
        *("sshs_model_hash", "sshs_legacy_hash"),
        "ss_datasets",  # without separators and wildcards
    }


def test_no_metadata_is_still_marked(lab: Lab) -> None:
    """What was made here must be known anywhere."""
    options = ("--output_dir", lab.runs("a"), "--max_train_epochs", 1, "--no_metadata")
    lab.run(*configured(lab), *options)

    with safe_open(lab.runs("a") / "spyke.safetensors", "numpy") as opened:
        told = opened.metadata()
    assert told["plasma_sandbox"] == "true"
    assert "ss_training_comment" not in told
    with safe_open(lab.runs("a") / "spyke-state" / "model.safetensors", "numpy") as opened:
        assert opened.metadata() == {"format": "pt", "plasma_sandbox": "true"}


def test_resumed_training_ends_where_a_whole_one_ends(lab: Lab) -> None:
    """The same weights after as many steps, whether in one run or in three."""
    lab.run(*configured(lab), "--output_dir", lab.runs("whole"), "--max_train_epochs", 3)
    before = "whole"
    for epoch in (1, 2):
        resumed = ("--resume", lab.runs(before) / f"spyke-{epoch:06d}-state")
        more = ("--initial_epoch", epoch + 1, "--max_train_epochs", 3)
        done = lab.run(*configured(lab), "--output_dir", lab.runs(f"from-{epoch}"), *resumed, *more)
        assert done.code == 0, done.err
        before = f"from-{epoch}"

    ends = [load_file(lab.runs(name) / "spyke.safetensors") for name in ("whole", "from-2")]
    assert all((ends[0][name] == ends[1][name]).all() for name in ends[0])


def test_other_seed_gives_other_weights(lab: Lab) -> None:
    """And the same one the same."""
    made = []
    for index, seed in enumerate((1, 1, 2)):
        folder = lab.runs(str(index))
        options = ("--output_dir", folder, "--max_train_steps", 1, "--seed", seed)
        lab.run(*configured(lab), *options)
        made.append(load_file(folder / "spyke.safetensors"))

    name = "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight"
    assert (made[0][name] == made[1][name]).all()
    assert (made[0][name] != made[2][name]).any()
