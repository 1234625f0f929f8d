"""One run from its first word to its last, in the order of the real trainer."""

import random
import time
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from plasma_watch.sandbox.trainer import (
    blueprint,
    dataset,
    metadata,
    model,
    network,
    optimizer,
    schedule,
    state,
)
from plasma_watch.sandbox.trainer.console import Console
from plasma_watch.sandbox.trainer.desk import Desk
from plasma_watch.sandbox.trainer.gathered import Gathered
from plasma_watch.sandbox.trainer.loop import Loop
from plasma_watch.sandbox.trainer.mischief import Mischief
from plasma_watch.sandbox.trainer.network import Learned, Network
from plasma_watch.sandbox.trainer.saving import Keeper
from plasma_watch.sandbox.trainer.schedule import Schedule, Start
from plasma_watch.sandbox.trainer.surroundings import Surroundings

NO_DATA = (
    "No data found. Please verify arguments (train_data_dir must be the parent of folders with "
    "images) / 画像がありません。引数指定を確認してください（train_data_dirには画像がある"
    "フォルダではなく、画像があるフォルダの親フォルダを指定する必要があります）"
)
TOKENIZER = "openai_clip-vit-large-patch14"
PRECISIONS = {"no": "float32", "fp16": "float16", "bf16": "bfloat16"}


def train(options: Namespace, console: Console, around: Surroundings, mischief: Mischief) -> None:
    """Train; a run without data ends here too, and nobody is told but the log."""
    began = time.time()
    _set_up(options, console)
    found = _gather(options, console, mischief)
    if not any(one.batches for one in found):
        console.error("train_network.py:576", NO_DATA)
        return
    dataset.check_steps(found)
    desk = Desk(console, mischief, around.seconds_per_step, _device(around, mischief))
    _start_up(options, desk)
    model.load(options, desk)
    if options.cache_latents or options.cache_latents_to_disk:
        mischief.at("latents")
        dataset.decode(found, console)
    trained = _network(options, desk)
    name = optimizer.choose(options, console)
    plan = _plan(options, found, console)
    learned, steps = _resumed(options, trained, desk)
    _announce(found, plan, console)
    training = metadata.of_training(options, found, plan, name, began)
    start = _start(options, plan, steps, console)
    _tell_devices(options, desk)
    mischief.at("training")
    Loop(Keeper(options, trained, training, desk), found, plan, start, learned, desk).run()
    mischief.at("end")


def _set_up(options: Namespace, console: Console) -> None:
    console.set_up(options)
    if options.seed is None:
        options.seed = random.randrange(1 << 32)  # noqa: S311 - nobody asked for one
    console.info("strategy_sd.py:26", "Using v1 tokenizer")
    if options.tokenizer_cache_dir:
        cached = Path(options.tokenizer_cache_dir) / TOKENIZER
        if not cached.exists():  # and nothing is fetched from anywhere
            raise TypeError("expected str, bytes or os.PathLike object, not NoneType")
        console.info("strategy_base.py:61", f"load tokenizer from cache: {cached}")


def _gather(options: Namespace, console: Console, mischief: Mischief) -> list[Gathered]:
    plans = blueprint.plan(options, console)
    found = dataset.gather(plans, console)
    return [] if "no-data" in mischief.at("dataset") else found


def _device(around: Surroundings, mischief: Mischief) -> str:
    claimed = mischief.lasts("device")
    return claimed.value if claimed else around.device


def _start_up(options: Namespace, desk: Desk) -> None:
    desk.console.info("train_network.py:593", "preparing accelerator")
    if desk.device == "mps" and options.mixed_precision == "fp16":
        raise ValueError("fp16 mixed precision requires a GPU (not 'mps').")
    if desk.device == "mps" and options.mixed_precision == "bf16":
        raise ValueError("bf16 mixed precision requires PyTorch >= 1.10 and a supported device.")
    desk.console.say(f"accelerator device: {desk.device}")


def _network(options: Namespace, desk: Desk) -> Network:
    desk.console.say(f"import network module: {options.network_module}")
    desk.mischief.at("network")
    made = network.create(options, desk.console)
    desk.console.say("prepare optimizer, data loader etc.")
    return made


def _plan(options: Namespace, found: Iterable[Gathered], console: Console) -> Schedule:
    plan = schedule.schedule(options, sum(one.batches for one in found))
    if options.max_train_epochs is not None:
        console.say(
            f"override steps. steps for {options.max_train_epochs} epochs is"
            f" / 指定エポックまでのステップ数: {plan.steps}"
        )
    return plan


def _resumed(options: Namespace, trained: Network, desk: Desk) -> tuple[Learned, int | None]:
    if not options.resume:
        return Learned(), None
    desk.mischief.at("resume")
    return state.load(Path(options.resume), trained, desk.console)


def _announce(found: list[Gathered], plan: Schedule, console: Console) -> None:
    images = sum(one.train_images for one in found)
    regular = sum(one.reg_images for one in found)
    sizes = ", ".join(str(one.plan.batch_size) for one in found)
    for line in (
        "running training / 学習開始",
        f"  num train images * repeats / 学習画像の数×繰り返し回数: {images}",
        "  num validation images * repeats / 学習画像の数×繰り返し回数: 0",
        f"  num reg images / 正則化画像の数: {regular}",
        f"  num batches per epoch / 1epochのバッチ数: {plan.batches}",
        f"  num epochs / epoch数: {plan.epochs}",
        f"  batch size per device / バッチサイズ: {sizes}",
        f"  gradient accumulation steps / 勾配を合計するステップ数 = {plan.accumulation}",
        f"  total optimization steps / 学習ステップ数: {plan.steps}",
    ):
        console.say(line)


def _start(options: Namespace, plan: Schedule, steps: int | None, console: Console) -> Start:
    if schedule.is_told(options) and steps is not None:
        console.warning(
            "train_network.py:1236",
            "steps from the state is ignored because initial_step is specified"
            " / initial_stepが指定されているため、stateからのステップ数は無視されます",
        )
    start = schedule.start(options, plan, steps)
    if start.skipping:
        console.info(
            "train_network.py:1265",
            f"skipping {start.skipping} steps / {start.skipping}ステップをスキップします",
        )
        for epoch in range(start.epoch):
            left = start.skipping * plan.accumulation - epoch * plan.batches
            console.info(
                "train_network.py:1342",
                f"skipping epoch {epoch + 1} because initial_step (multiplied) is {left}",
            )
    return start


def _tell_devices(options: Namespace, desk: Desk) -> None:
    kind = f"torch.{PRECISIONS[options.mixed_precision]}"
    device = "mps:0" if desk.device == "mps" else desk.device
    desk.console.info("train_network.py:1347", f"unet dtype: {kind}, device: {device}")
    desk.console.info("train_network.py:1353", f"text_encoder [0] dtype: {kind}, device: {device}")
