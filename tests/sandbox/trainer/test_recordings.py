"""Whatever the real trainer did in a recording, the stand-in does: same words, order and end.

Not among the recordings is one with sample pictures, which the stand-in does not make.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from plasma_watch.sandbox.trainer import surroundings

from .furnishing import TINY, as_recorded
from .lab import Lab
from .streams import Said, differences, events, read

Hand = Callable[[Lab], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """A recorded run: how it was asked for, what had to be there, how it ended."""

    recording: str
    options: str
    code: int = 0
    fault: str = ""
    before: Hand = lambda _lab: None
    shorten: Callable[[list[Said]], list[Said]] = field(default=list)
    """What is compared, where that is not all."""


# The older recordings.
OLD = (
    "--pretrained_model_name_or_path LAB/kohya-assets/models/sd15-random-fp16.safetensors "
    "--tokenizer_cache_dir LAB/kohya-assets/tokenizer_cache --network_module networks.lora "
    "--network_dim 4 --network_alpha 4 --learning_rate 1e-4 --max_data_loader_n_workers 0 "
    "--seed 42 "
)
OLD_DATA = "--dataset_config LAB/kohya-assets/data64/dataset.toml "
OLD_E = "--output_dir LAB/runs/e --output_name x "
DEMO = "--config_file LAB/kohya-assets/demo.toml --output_name spyke-demo --max_train_steps 2 "
# The newer ones.
NEW = "--config_file LAB/base.toml --output_name spyke "
DS = f"{NEW}--dataset_config LAB/ds.toml "
FULL = "--config_file LAB/base2.toml --output_name spyke "
RESUMED = "--max_train_epochs 2 --initial_epoch 2 "
EPOCHS = "--max_train_epochs 2 --save_every_n_epochs 1 --save_state --save_precision fp16 "
STEPS = (
    "--max_train_steps 6 --save_every_n_steps 1 --save_last_n_steps 2 --save_last_n_steps_state 3 "
    "--save_state "
)


def of(name: str) -> str:
    """Give the option for the folder into which a run wrote."""
    return f"--output_dir LAB/runs/{name} "


def ran_before(*runs: str) -> Hand:
    """Run the stand-in first, so that there is a state to go on from."""

    def run(lab: Lab) -> None:
        for options in runs:
            assert lab.run(*words(lab, options)).code == 0

    return run


def with_state(name: str, change: Callable[[Path], None]) -> Hand:
    """Leave a state there to which something happened."""

    def leave(lab: Lab) -> None:
        ran_before(f"{DS}{of('earlier')}{EPOCHS}")(lab)
        folder = lab.root / "states" / name
        shutil.copytree(lab.runs("earlier") / "spyke-000001-state", folder)
        change(folder)

    return leave


def without(name: str) -> Callable[[Path], None]:
    """Take a file away."""
    return lambda folder: (folder / name).unlink()


def cut(name: str) -> Callable[[Path], None]:
    """Cut a file in the middle."""

    def half(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return half


def first(count: int) -> Callable[[list[Said]], list[Said]]:
    """Compare only what came first."""
    return lambda said: said[:count]


def all_but_words_of_error(said: list[Said]) -> list[Said]:
    """Compare which error it was, but not in which words."""
    return [
        Said(one.kind, one.text.partition(":")[0]) if one.kind == "died" else one for one in said
    ]


def with_file(name: str, content: str | bytes) -> Hand:
    """Leave a file there."""

    def leave(lab: Lab) -> None:
        lab.write(name, content)

    return leave


def configured(name: str, *subsets: str, dataset: str = "") -> Hand:
    """Leave a dataset configuration there."""

    def leave(lab: Lab) -> None:
        lab.configure(
            name, *(one.replace("LAB", str(lab.root)) for one in subsets), dataset=dataset
        )

    return leave


def resume(scene: str, state: str) -> str:
    """Ask to go on from a state to which something happened."""
    return f"{DS}{of(scene)}{RESUMED}--resume LAB/states/{state}"


def refused(config: str, scene: str) -> str:
    """Ask for a run that does not come to its first step."""
    return f"{NEW}{of(scene)}--dataset_config LAB/{config}.toml --max_train_epochs 1"


SCENES = {
    "checkpoints and states": Scene(
        "a_normal_pipe",
        f"{OLD}{OLD_DATA}{of('a_normal')}--output_name spyke --max_train_steps 14 "
        "--save_every_n_steps 4 --save_every_n_epochs 1 --save_state",
    ),
    # The recorded one was killed in its 16th step.
    "folders named by repeats, regularization, plain log": Scene(
        "a_foldername_reg",
        f"{OLD}{OLD_E}--train_data_dir LAB/kohya-assets/data64/train --caption_extension .txt "
        "--reg_data_dir LAB/kohya-assets/data64/reg --resolution 64 --enable_bucket "
        "--min_bucket_reso 64 --max_train_epochs 1 --console_log_simple",
        code=-15,
        fault="kill@16:15",
    ),
    "resumed in the second epoch": Scene(
        "b_resume_epoch1",
        f"{OLD}{OLD_DATA}{of('b_resume_epoch1')}--output_name spyke --max_train_epochs 3 "
        "--save_every_n_epochs 1 --save_state --resume LAB/runs/a_normal/spyke-000001-state "
        "--initial_epoch 2",
        before=ran_before(
            f"{OLD}{OLD_DATA}{of('a_normal')}--output_name spyke --max_train_steps 14 "
            "--save_every_n_epochs 1 --save_state"
        ),
    ),
    "resumed a second time": Scene(
        "b_resume_epoch2",
        f"{OLD}{OLD_DATA}{of('b_resume_epoch2')}--output_name spyke --max_train_epochs 3 "
        "--save_every_n_epochs 1 --save_state --resume LAB/runs/b_resume_epoch1/spyke-000002-state "
        "--initial_epoch 3",
        before=ran_before(
            f"{OLD}{OLD_DATA}{of('b_resume_epoch1')}--output_name spyke --max_train_epochs 3 "
            "--save_every_n_epochs 1 --save_state --initial_epoch 2"
        ),
    ),
    "killed": Scene(
        "d_SIGKILL_child",
        f"{OLD}{OLD_DATA}{of('d_SIGKILL_child')}--output_name x --max_train_steps 9 "
        "--save_every_n_steps 2 --save_state",
        code=-9,
        fault="kill@3",
    ),
    "terminated": Scene(
        "d_SIGTERM_group",
        f"{OLD}{OLD_DATA}{of('d_SIGTERM_group')}--output_name x --max_train_steps 9 "
        "--save_every_n_steps 2 --save_state",
        code=-15,
        fault="kill@3:15",
    ),
    "an optimizer that is not installed": Scene(
        "e_adamw8bit",
        f"{OLD}{OLD_DATA}{OLD_E}--max_train_steps 1 --optimizer_type AdamW8bit",
        code=1,
    ),
    "a picture that is none": Scene(
        "e_bad_image",
        f"{OLD}--dataset_config LAB/runs/fix/badimg.toml {OLD_E}--max_train_steps 3",
        code=1,
        before=configured(
            "runs/fix/badimg.toml",
            'image_dir = "LAB/runs/fix/badimg/5_spyke"',
            dataset="resolution = 64",
        ),
    ),
    "no room for a checkpoint": Scene(
        "e_disk_full",
        f"{OLD}{OLD_DATA}{of('tmpfs')}--output_name x --max_train_steps 4 --save_every_n_steps 1",
        code=1,
        fault="disk-full@saving#2",
    ),
    "no pictures in the folders": Scene(
        "e_empty_dataset",
        f"{OLD}{OLD_E}--train_data_dir LAB/runs/fix/nothing --resolution 64 --max_train_steps 1",
    ),
    "no base model": Scene(
        "e_missing_model",
        f"{OLD}{OLD_DATA}{OLD_E}--pretrained_model_name_or_path /nope/none.safetensors",
        code=1,
    ),
    "a loss that is no number": Scene(
        "e_nan",
        f"{OLD}{OLD_DATA}--output_dir LAB/runs/e --output_name nan --max_train_steps 6 "
        "--save_every_n_steps 3 --optimizer_type SGD",
        fault="nan@2",
    ),
    "no captions": Scene(
        "e_no_captions",
        f"{OLD}--dataset_config LAB/runs/fix/nocap.toml --output_dir LAB/runs/e "
        "--output_name nocap --max_train_steps 1",
        before=configured(
            "runs/fix/nocap.toml",
            'image_dir = "LAB/runs/fix/nocap/5_spyke"',
            dataset="resolution = 64",
        ),
    ),
    "no memory for the model": Scene(
        "e_oom_as", f"{DEMO}{of('e_oom')}", code=1, fault="alloc@model"
    ),
    "killed for want of memory": Scene(
        "e_oom_cgroup", f"{DEMO}{of('e_oom')}", code=-9, fault="kill@1"
    ),
    "a base model cut short": Scene(
        "e_truncated_model",
        f"{OLD}{OLD_DATA}{OLD_E}--pretrained_model_name_or_path LAB/runs/fix/trunc.safetensors",
        code=1,
        before=with_file("runs/fix/trunc.safetensors", TINY[:-4]),
    ),
    "without the launcher": Scene(
        "h_direct_python",
        f"{DEMO}{of('h_direct')}--network_dim 8 --save_state_on_train_end",
    ),
    "whole epochs": Scene("epochs", f"{DS}{of('epochs')}{EPOCHS}"),
    "whole epochs, resumed": Scene(
        "epochs_resumed",
        f"{DS}{of('epochs_resumed')}{EPOCHS}--max_train_epochs 3 --initial_epoch 2 "
        "--resume LAB/runs/epochs/spyke-000001-state",
        before=ran_before(f"{DS}{of('epochs')}{EPOCHS}"),
    ),
    "steps, and old ones that go": Scene("steps", f"{DS}{of('steps')}{STEPS}"),
    "steps, resumed: too many are made": Scene(
        "steps_resumed",
        f"{DS}{of('steps_resumed')}--max_train_steps 6 --save_every_n_steps 2 "
        "--resume LAB/runs/steps/spyke-step00000005-state",
        before=ran_before(f"{DS}{of('steps')}{STEPS}"),
    ),
    "steps, resumed and skipped: they are counted wrongly": Scene(
        "steps_resumed_skipping",
        f"{DS}{of('steps_resumed_skipping')}--max_train_steps 6 --save_every_n_steps 1 "
        "--save_state --skip_until_initial_step --resume LAB/runs/steps/spyke-step00000005-state",
        before=ran_before(f"{DS}{of('steps')}{STEPS}"),
    ),
    "nothing left to do": Scene(
        "resumed_at_end",
        f"{DS}{of('resumed_at_end')}--max_train_steps 6 --resume LAB/runs/steps/spyke-state",
        code=1,
        before=ran_before(f"{DS}{of('steps')}{STEPS}"),
    ),
    "no state to go on from": Scene(
        "resumed_from_nothing",
        f"{DS}{of('resumed_from_nothing')}--max_train_steps 6 --resume /nope/state",
        code=1,
    ),
    "regularization, batches of three": Scene(
        "regularization_simple_log",
        f"{NEW}{of('regularization_simple_log')}--dataset_config LAB/ds_reg.toml "
        "--max_train_epochs 1 --console_log_simple",
    ),
    "folders that do not count": Scene(
        "folders",
        f"{NEW}{of('folders')}--train_data_dir LAB/data/folders --resolution 64 "
        "--caption_extension .txt --max_train_steps 2 --train_batch_size 2",
    ),
    "no captions, odd suffixes": Scene("captions_missing", refused("ds_nocap", "captions_missing")),
    "two datasets, three batches a step": Scene(
        "two_datasets_accumulated",
        f"{FULL}{of('two_datasets_accumulated')}--dataset_config LAB/ds_two.toml "
        "--max_train_epochs 2 --gradient_accumulation_steps 3 --optimizer_type SGD "
        "--save_every_n_epochs 1 --save_last_n_epochs 1",
    ),
    "no room for a state": Scene(
        "disk_full_in_state",
        f"{DS}{of('disk_full_in_state')}--max_train_epochs 2 --save_every_n_epochs 1 --save_state",
        code=1,
        fault="disk-full@state",
    ),
    "a picture that is too large": Scene(
        "picture_too_large",
        f"{FULL}{of('picture_too_large')}--dataset_config LAB/ds_large2.toml --max_train_epochs 1",
        code=1,
    ),
    "half precision on a CPU": Scene(
        "half_precision_on_cpu",
        f"{FULL}{of('half_precision_on_cpu')}--dataset_config LAB/ds.toml --max_train_steps 1 "
        "--mixed_precision fp16",
        code=1,
    ),
    "no tokenizer": Scene(
        "tokenizer_missing",
        f"{FULL}--dataset_config LAB/ds.toml --tokenizer_cache_dir LAB/notok",
        code=1,
    ),
    "an empty folder": Scene("data_empty", refused("ds_empty", "data_empty")),
    "no folder": Scene("data_missing", refused("ds_missing", "data_missing")),
    "a picture that is none, in buckets": Scene(
        "data_not_image", refused("ds_notimage", "data_not_image"), code=1
    ),
    "an empty caption": Scene("caption_empty", refused("ds_emptycap", "caption_empty"), code=1),
    "a caption that is not UTF-8": Scene(
        "caption_not_utf8", refused("ds_latin", "caption_not_utf8"), code=1
    ),
    "a key that nobody knows": Scene("config_key", refused("ds_badkey", "config_key"), code=1),
    "a value of the wrong type": Scene("config_type", refused("ds_badtype", "config_type"), code=1),
    "a subset without a folder": Scene(
        "config_no_folder", refused("ds_nodir", "config_no_folder"), code=1
    ),
    "no resolution": Scene(
        "config_no_resolution", refused("ds_nores", "config_no_resolution"), code=1
    ),
    "buckets larger than the resolution": Scene(
        "config_min_bucket", refused("ds_minreso", "config_min_bucket"), code=1
    ),
    "buckets too close": Scene(
        "config_bucket_steps", refused("ds_steps32", "config_bucket_steps"), code=1
    ),
    # Another library reads TOML there, and says otherwise what is wrong.
    "a configuration that is no TOML": Scene(
        "config_syntax",
        refused("ds_syntax", "config_syntax"),
        code=1,
        shorten=all_but_words_of_error,
    ),
    "many things that are odd": Scene(
        "data_odd",
        f"{refused('ds_odd', 'data_odd')} --train_data_dir /tmp/x "
        "--pretrained_model_name_or_path /nope/none.safetensors",
        code=1,
    ),
    "no configuration": Scene("config_missing", refused("none", "config_missing"), code=1),
    "no options": Scene("options_missing", "--config_file LAB/none.toml", code=1),
    "an option that nobody knows": Scene("options_unknown", f"{NEW}--nonsense 3", code=2),
    "no base model, by TOML": Scene(
        "model_missing",
        f"{refused('ds', 'model_missing')} --pretrained_model_name_or_path /nope/none.safetensors",
        code=1,
    ),
    "a network that nobody knows": Scene(
        "network_unknown",
        f"{refused('ds', 'network_unknown')} --network_module networks.nope",
        code=1,
    ),
    "an optimizer that nobody knows": Scene(
        "optimizer_unknown", f"{refused('ds', 'optimizer_unknown')} --optimizer_type FooOpt", code=1
    ),
    "no xformers": Scene(
        "xformers_missing", f"{refused('ds', 'xformers_missing')} --xformers --no_metadata", code=1
    ),
    "a state without random numbers is as good as any": Scene(
        "state_without_random",
        resume("state_without_random", "no_random"),
        before=with_state("no_random", without("random_states_0.pkl")),
    ),
    "a state without its optimizer": Scene(
        "state_without_optimizer",
        resume("state_without_optimizer", "no_opt"),
        code=1,
        before=with_state("no_opt", without("optimizer.bin")),
    ),
    "a state with half of its optimizer": Scene(
        "state_optimizer_cut",
        resume("state_optimizer_cut", "trunc_opt"),
        code=1,
        before=with_state("trunc_opt", cut("optimizer.bin")),
    ),
    "a state without weights": Scene(
        "state_without_model",
        resume("state_without_model", "no_model"),
        code=1,
        before=with_state("no_model", without("model.safetensors")),
    ),
    "a state with half of its weights": Scene(
        "state_model_cut",
        resume("state_model_cut", "trunc_model"),
        code=1,
        before=with_state("trunc_model", cut("model.safetensors")),
    ),
    "a state without a scheduler": Scene(
        "state_without_scheduler",
        resume("state_without_scheduler", "no_sched"),
        code=1,
        before=with_state("no_sched", without("scheduler.bin")),
    ),
    "a state that does not say how far it is": Scene(
        "state_without_train_state",
        resume("state_without_train_state", "no_train"),
        before=with_state("no_train", without("train_state.json")),
    ),
    "a state of another rank": Scene(
        "state_of_other_rank",
        f"{resume('state_of_other_rank', 'no_random')} --network_dim 8",
        code=1,
        before=with_state("no_random", without("random_states_0.pkl")),
    ),
}
"""What is played. Where less than all is compared, the reason stands before it."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Give a lab in which all is that the recorded trainers found in theirs."""
    lab = as_recorded(tmp_path)
    yield lab
    lab.clear()


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_trainer_says_what_was_recorded(lab: Lab, scene: Scene) -> None:
    """Both streams in their order, and the exit code."""
    scene.before(lab)

    done = lab.run(*words(lab, scene.options), env={surroundings.FAULTS: scene.fault})

    printed, logged = read(scene.recording, lab.root)
    found = differences(scene.shorten(logged), scene.shorten(list(events(done.err))))
    assert not found, "\n".join(found)
    assert done.out == printed
    assert done.code == scene.code


def words(lab: Lab, options: str) -> list[str]:
    """Split a command line; `LAB` stands for the lab."""
    return [word.replace("LAB", str(lab.root)) for word in options.split()]
