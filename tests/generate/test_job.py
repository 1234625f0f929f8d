"""The generate kind as the worker meets it: may it start, and how a job becomes pictures."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tomllib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.config import GB, Disk, Intake, Limits, Memory, Paths
from plasma_watch.control import CancelAsked, Stopping
from plasma_watch.errors import Code, Fate, PlasmaError
from plasma_watch.gate.memory import HYSTERESIS_BYTES, Never, Start, Wait
from plasma_watch.gate.meter import Meter
from plasma_watch.gate.needs import ENOUGH
from plasma_watch.generate import telling
from plasma_watch.generate.gating import FREE_SECONDS
from plasma_watch.generate.job import WAIT_SECONDS
from plasma_watch.generate.order import folder_of, prefix
from plasma_watch.generate.placing import draft_of
from plasma_watch.job import TAKEN_OUT, Ending, Made, Picture, State
from plasma_watch.line import Ongoing
from plasma_watch.loras import Version, digest
from plasma_watch.outputs import picture as pictures
from plasma_watch.outputs.picture import examine
from plasma_watch.request import GenerateRequest
from plasma_watch.status import JobStatus
from tests.fakes.blueprints import POSE
from tests.fakes.drawings import drawn, one_colour, png
from tests.fakes.easel import Easel, failed, interrupted, vanished
from tests.fakes.engine import STATS, closed_port
from tests.fakes.home import NOON
from tests.fakes.studio import PLENTY, Studio
from tests.fakes.weights import lora
from tests.sandbox.process import Sandbox

Busy = Callable[[], AbstractContextManager[str]]
BLACK = png(one_colour((0, 0, 0), 64, 64))
TOTAL_GB = PLENTY.total / GB
NEVER = Memory(generate_gb=TOTAL_GB, generate_warm_gb=TOTAL_GB, reserve_gb=1)
SHORT = Memory(generate_gb=TOTAL_GB - HYSTERESIS_BYTES / GB - 0.01, reserve_gb=0)
"""All that could ever be free: with `ballast` it is not."""


@pytest.fixture
def ballast() -> bytes:
    """Hold so much memory that the machine cannot have all but a little of it free."""
    return b"1" * HYSTERESIS_BYTES


def raised(studio: Studio, ongoing: Ongoing | None = None, **keys: Any) -> PlasmaError:
    """Return the error that a job ends in."""
    with pytest.raises(PlasmaError) as caught:
        studio.run(ongoing or studio.claim(), **keys)
    return caught.value


def says_of_itself(easel: Easel, argv: list[str], version: str = "0.3.64", **device: str) -> None:
    """Let an engine say something else of itself."""
    system = STATS["system"] | {"argv": argv, "comfyui_version": version}
    devices = [STATS["devices"][0] | device]
    easel.engine.says("/system_stats", {"system": system, "devices": devices})


def goes_away(easel: Easel) -> None:
    """Let an engine answer nothing of use."""
    easel.engine.says("/system_stats", b"", 503)


def comes_back(easel: Easel) -> None:
    """Let it answer again."""
    easel.engine.says("/system_stats", STATS)


# At the drop.


def test_check_knows_the_roots_of_the_config(tmp_path: Path, sandbox: Sandbox) -> None:
    """The home and the allowed ones."""
    studio = Studio(tmp_path, sandbox.url, paths=Paths(allowed_roots=["/elsewhere"]))
    keys: dict[str, Any] = {"kind": "generate", "prompt": "spyke", "workflow": "img2img"}

    for image in ("a.png", f"{studio.home.root}/a.png", "/elsewhere/a.png"):
        request = GenerateRequest.model_validate(keys | {"input": {"image": image}})
        studio.kind.check(request, {}, "p003.toml")

    request = GenerateRequest.model_validate(keys | {"input": {"image": "/another/a.png"}})
    with pytest.raises(PlasmaError) as caught:
        studio.kind.check(request, {}, "p003.toml")
    assert caught.value.code is Code.REQUEST_OUTSIDE


# May it start?


def test_sandbox_starts_at_once(tmp_path: Path, sandbox: Sandbox) -> None:
    """It takes nothing of the machine, whatever the config says of memory."""
    studio = Studio(tmp_path, sandbox.url, memory=NEVER)

    assert studio.kind.gate(is_waiting=False) == Start(is_heavy=False)
    assert not studio.kind.is_heavy()


def test_engine_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """And taken to be heavy: nobody knows."""
    studio = Studio(tmp_path, closed_port())

    verdict = studio.kind.gate(is_waiting=False)

    assert isinstance(verdict, Wait)
    assert verdict.code is Code.ENGINE_UNREACHABLE
    assert studio.kind.is_heavy()


@pytest.mark.parametrize(
    ("version", "device", "argv", "required", "code"),
    [
        ("0.3.55", "cpu", [], "any", Code.ENGINE_TOO_OLD),
        ("0.3.64", "cpu", [], "mps", Code.ENGINE_WRONG_DEVICE),
        ("0.3.64", "mps", [], "mps", Code.ENGINE_WRONG_PRECISION),
        ("0.3.64", "mps", ["--force-fp16"], "any", Code.ENGINE_WRONG_PRECISION),
        (
            "0.3.64",
            "mps",
            ["--force-fp16", "--fp32-vae", "--force-fp32"],
            "mps",
            Code.ENGINE_WRONG_PRECISION,
        ),
    ],
)
def test_engine_that_is_not_fit_is_waited_for(  # noqa: PLR0917 - a table's columns
    tmp_path: Path,
    easel: Easel,
    version: str,
    device: str,
    argv: list[str],
    required: str,
    code: Code,
) -> None:
    """Until somebody starts a fit one."""
    studio = Studio(tmp_path, easel.url, device=required)
    says_of_itself(easel, ["main.py", *argv], version, type=device)

    verdict = studio.kind.gate(is_waiting=False)

    assert isinstance(verdict, Wait)
    assert verdict.code is code


def test_precision_is_no_matter_elsewhere(tmp_path: Path, easel: Easel) -> None:
    """And right on MPS it is good."""
    studio = Studio(tmp_path, easel.url)

    for argv, device in ([], "cuda"), (["--force-fp16", "--fp32-vae"], "mps"):
        says_of_itself(easel, ["main.py", *argv], type=device)
        assert studio.engine.ready(NOON)


def test_disk_is_waited_for(tmp_path: Path, sandbox: Sandbox) -> None:
    """Around the home and around the outputs."""
    studio = Studio(tmp_path, sandbox.url, disk=Disk(reserve_gb=100_000))

    verdict = studio.kind.gate(is_waiting=False)

    assert isinstance(verdict, Wait)
    assert verdict.code is Code.DISK_SHORT


def test_real_engine_is_heavy(faked: Studio) -> None:
    """Only one a user may run."""
    assert faked.kind.is_heavy()


def test_enough_memory_starts_a_heavy_job(tmp_path: Path, easel: Easel) -> None:
    """As the machine says, which may be pressed by others."""
    studio = Studio(tmp_path, easel.url, memory=Memory(generate_gb=0, reserve_gb=0))

    verdict = studio.kind.gate(is_waiting=True)

    assert verdict == Start() or (isinstance(verdict, Wait) and "pressure" in verdict.why)


def test_job_that_never_fits_is_told_at_once(tmp_path: Path, easel: Easel) -> None:
    """It would wait for ever."""
    studio = Studio(tmp_path, easel.url, memory=NEVER)

    verdict = studio.kind.gate(is_waiting=False)

    assert isinstance(verdict, Never)
    assert verdict.code is Code.MEMORY_NEVER_FITS
    assert easel.asked("POST /free") == 0


@pytest.mark.usefixtures("ballast")
def test_idle_engine_frees_its_memory_before_anybody_waits(tmp_path: Path, easel: Easel) -> None:
    """What it held counts no more; it is given a moment."""
    studio = Studio(tmp_path, easel.url, memory=SHORT.model_copy(update={"generate_warm_gb": 0}))
    studio.engine.checkpoint = "a.safetensors"
    warm = studio.kind.gate(is_waiting=False)
    studio.engine.checkpoint = ""

    verdict = studio.kind.gate(is_waiting=False)

    assert warm == Start() or (isinstance(warm, Wait) and "pressure" in warm.why)
    assert isinstance(verdict, Wait)
    assert verdict.code is Code.MEMORY_SHORT
    assert easel.engine.asked[-1] == (
        "POST /free",
        {"unload_models": True, "free_memory": True},
    )
    assert studio.patience.waits[-1] == FREE_SECONDS


@pytest.mark.usefixtures("ballast")
def test_freed_engine_holds_nothing(tmp_path: Path, easel: Easel) -> None:
    """It is no longer warm."""
    memory = SHORT.model_copy(update={"generate_warm_gb": SHORT.generate_gb})
    studio = Studio(tmp_path, easel.url, memory=memory)
    studio.engine.checkpoint = "a.safetensors"

    studio.kind.gate(is_waiting=False)

    assert studio.engine.checkpoint == ""


def test_engine_is_freed_once(tmp_path: Path, easel: Easel) -> None:
    """Who waits already did so before."""
    studio = Studio(tmp_path, easel.url, memory=SHORT)

    verdict = studio.kind.gate(is_waiting=True)

    assert isinstance(verdict, Wait)
    assert "hold the most" in verdict.why
    assert easel.asked("POST /free") == 0


@pytest.mark.usefixtures("ballast")
def test_engine_that_works_for_others_is_left_alone(tmp_path: Path, easel: Easel) -> None:
    """It needs what it holds; and one that answers nonsense is not asked for more."""
    studio = Studio(tmp_path, easel.url, memory=SHORT)
    easel.engine.running = ["theirs"]
    studio.kind.gate(is_waiting=False)
    easel.engine.running, easel.engine.pending = [], ["theirs"]
    studio.kind.gate(is_waiting=False)
    easel.engine.says("/queue", {"odd": True})

    assert isinstance(studio.kind.gate(is_waiting=False), Wait)
    assert easel.asked("POST /free") == 0


def test_what_a_workflow_took_before_is_what_it_needs(tmp_path: Path, easel: Easel) -> None:
    """Cold and warm each by its own peaks; another workflow still by the config."""
    studio = Studio(tmp_path, easel.url, memory=Memory(generate_gb=0.1, reserve_gb=0))
    for _ in range(ENOUGH):
        studio.shop.needs.learn("txt2img cold", 100_000 * GB)

    known = studio.kind.gate(is_waiting=False, recipe="txt2img")

    assert isinstance(known, Never)
    assert not isinstance(studio.kind.gate(is_waiting=False, recipe="other"), Never)
    studio.engine.checkpoint = "a.safetensors"
    assert not isinstance(studio.kind.gate(is_waiting=False, recipe="txt2img"), Never)


def test_a_page_teaches_what_its_workflow_takes(tmp_path: Path, easel: Easel) -> None:
    """By how much the engine's process grew at its peak; the second page finds it warm."""
    held = itertools.chain([GB, 4 * GB, 5 * GB], itertools.repeat(6 * GB))
    meter = Meter(footprint=lambda _: next(held))
    studio = Studio(tmp_path, easel.url, meter=meter, memory=Memory(generate_gb=0, reserve_gb=0))

    studio.make("p1")
    studio.make("p2", seed=9)

    assert studio.shop.needs.told()["txt2img cold"].need >= 3 * GB
    assert studio.engine.process() == os.getpid()


def test_the_sandbox_teaches_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    """It draws."""
    studio = Studio(tmp_path, sandbox.url, meter=Meter(footprint=lambda _: GB))

    studio.make()

    assert studio.shop.needs.told() == {}


# Making.


def test_request_becomes_a_picture(studio: Studio, sandbox: Sandbox) -> None:
    """With its manifest, and an entry in the pipeline's list; marked as the sandbox's."""
    ending = studio.make(chapter=1, page=3, seed=11)

    assert ending == Ending(State.DONE, "output/ch-01/raw/ch01_p003_v1.png")
    assert studio.outputs() == [
        "ch-01/raw/ch01_p003_v1.png",
        "ch-01/raw/ch01_p003_v1.toml",
        "ch-01/raw/generation-log.json",
    ]
    manifest = studio.manifest("ch-01/raw/ch01_p003_v1")
    assert manifest.result["sandbox"] is True
    assert manifest.request["seed"] == 11
    assert [model["name"] for model in manifest.models] == ["anything-v5-PrtRE.safetensors"]
    assert len(manifest.models[0]["sha256"]) == 64
    (entry,) = json.loads((studio.output / "ch-01/raw/generation-log.json").read_text())
    assert (entry["file"], entry["seed"]) == ("ch01_p003_v1.png", 11)
    assert entry["manifest"] == "ch01_p003_v1.toml"
    assert sandbox.json("/queue") == {"queue_running": [], "queue_pending": []}


def test_engine_is_remembered_to_be_warm(studio: Studio) -> None:
    """It holds the checkpoint now."""
    studio.make(seed=12)

    assert studio.engine.checkpoint == "anything-v5-PrtRE.safetensors"


def test_engines_folder_is_clean_afterwards(studio: Studio, sandbox: Sandbox) -> None:
    """When it is ours to clean."""
    ongoing = studio.claim()

    studio.run(ongoing, seed=13)

    assert not (sandbox.base / "output" / folder_of(ongoing.job)).exists()


def test_engines_folder_that_is_not_known_is_left(tmp_path: Path, sandbox: Sandbox) -> None:
    """Somebody else cleans it, and nobody could hash its models."""
    studio = Studio(tmp_path, sandbox.url)
    ongoing = studio.claim()

    studio.run(ongoing, seed=14)

    assert (sandbox.base / "output" / folder_of(ongoing.job)).exists()
    assert studio.manifest().models[0]["sha256"] == "unknown"


def test_outputs_may_lie_elsewhere(tmp_path: Path, sandbox: Sandbox) -> None:
    """In the pipeline's own tree; then they are told by their whole path."""
    output = tmp_path / "pipeline"
    studio = Studio(tmp_path, sandbox.url, paths=Paths(output=str(output)))

    ending = studio.make(seed=15)

    assert ending.why == str(output / "p003_v1.png")
    assert (output / "p003_v1.toml").exists()


def test_seed_is_drawn_once_and_kept(studio: Studio) -> None:
    """In the journal, and so over restarts."""
    ongoing = studio.claim()
    studio.run(ongoing)

    assert ongoing.job.seed_was_drawn
    assert ongoing.job.request
    assert studio.manifest().request["seed"] == ongoing.job.request["seed"]


def test_journals_word_stands(studio: Studio) -> None:
    """A job that goes on does not draw another seed, whatever the defaults are now."""
    ongoing = studio.claim()
    studio.piece(ongoing, seed=77, steps=3)

    studio.run(ongoing)

    assert studio.manifest().request["seed"] == 77
    assert studio.manifest().request["steps"] == 3


def test_count_makes_pictures_one_after_another(studio: Studio) -> None:
    """Each with its own seed, version and manifest; the ending names the last."""
    ending = studio.make(count=3, seed=20, steps=30)

    assert ending.why == "3 pictures, the last is output/p003_v3.png"
    seeds = [studio.manifest(f"p003_v{n}").request["seed"] for n in (1, 2, 3)]
    assert seeds == [20, 21, 22]
    assert {studio.manifest(f"p003_v{n}").request["count"] for n in (1, 2, 3)} == {1}
    assert any(status.why.startswith("picture 3 of 3: ") for status in studio.board.told)


def test_batch_of_a_template_is_placed_as_a_whole(faked: Studio, easel: Easel) -> None:
    """It counts as one picture of the job."""
    easel.outcomes = [easel_batch]

    assert faked.make().why == "2 pictures, the last is output/p003_v2.png"


def easel_batch(posted: dict[str, Any]) -> dict[str, Any]:
    """Return a success with two files."""
    image = {"filename": "img_00001_.png", "subfolder": "", "type": "output"}
    return {
        "prompt": [0, posted["prompt_id"], posted["prompt"], {}, ["9"]],
        "outputs": {"9": {"images": [image, image]}},
        "status": {"status_str": "success", "messages": []},
    }


def test_same_id_of_two_homes_is_two_jobs_to_the_engine(tmp_path: Path, sandbox: Sandbox) -> None:
    """Dropped in the same second at different instants: neither gets the other's picture."""
    prompts, folders = set(), set()
    for n in (1, 2):
        studio = Studio(tmp_path / str(n), sandbox.url)
        ongoing = studio.claim(dropped=NOON + timedelta(milliseconds=n))
        studio.run(ongoing, seed=30 + n)
        prompts.add(studio.manifest().engine["prompt_id"])
        folders.add(folder_of(ongoing.job))

    assert ongoing.job.id == "20261122T120000-p003"
    assert len(prompts) == len(folders) == 2


def test_log_of_the_pipeline_that_is_none_is_left_alone(studio: Studio) -> None:
    """A warning says so; the picture is made."""
    (studio.output / "generation-log.json").write_text("{}")

    assert studio.make(seed=31).state is State.DONE
    assert (studio.output / "generation-log.json").read_text() == "{}"
    assert any(line.startswith("warning: ") for line in studio.log())


# Once.


def test_once_answers_with_the_earlier_picture(studio: Studio, sandbox: Sandbox) -> None:
    """The engine is not asked."""
    studio.make(seed=40)
    known = len(sandbox.json("/history"))

    ending = studio.make("again", output="p003", seed=40)
    once = studio.make("once", output="p003", seed=40, once=True)

    assert ending.why == "output/p003_v2.png"
    assert once.why == "output/p003_v2.png"
    assert len(sandbox.json("/history")) == known + 1


def test_once_with_a_count_answers_with_as_many_pictures(studio: Studio) -> None:
    """Two different ones; a seed that nobody asked for makes no difference."""
    studio.make(output="p003", count=2)
    ongoing = studio.claim("once")

    ending = studio.run(ongoing, output="p003", count=2, once=True)

    assert ending.why == "2 pictures, the last is output/p003_v1.png"
    assert len(set(ongoing.job.outputs())) == 4
    assert "p003_v3.png" not in studio.outputs()


def test_once_makes_what_is_missing(studio: Studio) -> None:
    """One was made before, two are asked for."""
    studio.make(output="p003")

    ending = studio.make("once", output="p003", count=2, once=True)

    assert ending.why == "2 pictures, the last is output/p003_v2.png"


def test_once_makes_another_request(studio: Studio) -> None:
    """A seed that was asked for is another one."""
    studio.make(output="p003", seed=41)

    assert studio.make("once", output="p003", seed=42, once=True).why == "output/p003_v2.png"


# Made again.


def test_manifest_dropped_again_makes_the_next_version(studio: Studio) -> None:
    """Just the same picture."""
    studio.make(seed=50)
    keys = tomllib.loads((studio.output / "p003_v1.toml").read_text("utf-8"))

    ending = studio.make("p003_v1", **keys)

    assert ending.why == "output/p003_v2.png"
    assert studio.manifest("p003_v2").request == studio.manifest("p003_v1").request
    first, second = ((studio.output / f"p003_v{n}.png").read_bytes() for n in (1, 2))
    assert examine(first).phash == examine(second).phash


def test_picture_dropped_again_makes_the_next_version(studio: Studio) -> None:
    """By the request that it carries."""
    studio.make(seed=51)
    content = (studio.output / "p003_v1.png").read_bytes()

    ending = studio.make("p003_v1", **pictures.request_in(content, "p003_v1.png"))

    assert ending.why == "output/p003_v2.png"
    assert studio.manifest("p003_v2").request == studio.manifest().request


def test_manifest_of_another_checkpoint_is_refused(studio: Studio) -> None:
    """Under the same name lies other content now; unless that is allowed."""
    models = [{"name": "anything-v5-PrtRE.safetensors", "sha256": "1" * 64}]

    error = raised(studio, models=models)

    assert error.code is Code.REQUEST_CHANGED_MODELS
    allowed = studio.make("allowed", models=models, allow_changed_models=True)
    assert allowed.state is State.DONE
    assert "allow_changed_models" not in studio.manifest("allowed_v1").request


# Pictures that the request names.


def test_picture_of_the_request_is_where_it_starts_from(studio: Studio, sandbox: Sandbox) -> None:
    """Uploaded once, under the name of its content."""
    (studio.home.root / "poses").mkdir()
    (studio.home.root / "poses" / "a.png").write_bytes(png(drawn(72, 40)))

    studio.make(workflow="img2img", input={"image": "poses/a.png"}, seed=60)
    studio.make("p004", workflow="img2img", input={"image": "poses/a.png"}, seed=61)

    manifest = studio.manifest()
    assert (manifest.result["width"], manifest.result["height"]) == (72, 40)
    (named,) = manifest.inputs
    assert named["name"] == "poses/a.png"
    assert manifest.request["input"] == {"image": "poses/a.png", "denoise": 0.6}
    uploaded = f"plasma/{named['sha256'][:32]}.png"
    assert manifest.graph["5"]["inputs"]["image"] == uploaded
    found = (sandbox.base / "input" / "plasma").glob(f"{named['sha256'][:32]}*")
    assert [path.name for path in found] == [uploaded.removeprefix("plasma/")]


def test_changed_picture_of_a_manifest_is_refused(studio: Studio) -> None:
    """It would make another one."""
    (studio.home.root / "a.png").write_bytes(png(drawn(64, 64)))
    studio.make(workflow="img2img", input={"image": "a.png"}, seed=62)
    keys = tomllib.loads((studio.output / "p003_v1.toml").read_text("utf-8"))
    (studio.home.root / "a.png").write_bytes(png(drawn(64, 64, shift=9)))

    assert raised(studio, studio.claim("p003_v1"), **keys).code is Code.REQUEST_CHANGED_MODELS


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("gone.png", Code.REQUEST_MISSING_FILE),
        ("/etc/passwd", Code.REQUEST_OUTSIDE),
        ("link.png", Code.REQUEST_NOT_A_FILE),
        ("bad.png", Code.REQUEST_BAD_PICTURE),
        ("still-growing.png", Code.REQUEST_BAD_PICTURE),
        ("big.png", Code.REQUEST_TOO_BIG),
    ],
)
def test_picture_that_is_no_good_fails_the_job_at_once(
    tmp_path: Path, easel: Easel, image: str, code: Code
) -> None:
    """Before the engine is asked for anything; trying again would not mend it."""
    studio = Studio(tmp_path, easel.url, intake=Intake(max_picture_mb=1))
    root = studio.home.root
    (root / "bad.png").write_bytes(b"no picture")
    (root / "still-growing.png").write_bytes(png(drawn())[:-200])
    (root / "big.png").write_bytes(b"0" * 1_000_001)
    (root / "link.png").symlink_to(root / "bad.png")

    error = raised(studio, workflow="img2img", input={"image": image})

    assert error.code is code
    assert error.fate is Fate.FAIL
    assert easel.posted == []


def test_guide_is_used_when_it_is_asked_for(studio: Studio) -> None:
    """With its picture."""
    (studio.home.root / "pose.png").write_bytes(png(drawn(64, 64)))

    studio.make(workflow="guided", controlnet={"name": POSE, "image": "pose.png"}, seed=63)

    assert studio.manifest().graph["13"]["inputs"]["strength"] == 0.7
    assert [model["folder"] for model in studio.manifest().models] == ["checkpoints", "controlnet"]


def test_what_the_engine_lacks_fails_the_job_before_it_is_asked(studio: Studio) -> None:
    """All of it at once, with the file's name."""
    lora = {"name": "gone"}
    error = raised(studio, workflow="txt2img-lora", lora=lora, sampler="xyz", scheduler="abc")

    assert {problem.code for problem in error.problems} == {
        Code.ENGINE_MISSING_MODEL,
        Code.ENGINE_BAD_VALUE,
    }
    assert error.message.startswith("p003.toml: ")


def test_a_lora_that_was_trained_here_is_meant_by_its_name(studio: Studio) -> None:
    """Its chosen version: installed if need be, known to the engine at once, told by its file."""
    folder = studio.home.root / "loras" / "hero"
    folder.mkdir()
    (folder / "hero-e01.safetensors").write_bytes(lora())
    version = Version("hero-e01.safetensors", digest(folder / "hero-e01.safetensors"), 1, "job")
    studio.shop.loras.choose("hero", version)
    (studio.installed / f"hero-{version.short}.safetensors").unlink()

    studio.make(workflow="txt2img-lora", lora={"name": "hero"}, seed=64)

    assert studio.manifest().request["lora"]["name"] == f"hero-{version.short}.safetensors"
    assert (studio.installed / f"hero-{version.short}.safetensors").is_file()


# Trying again.


def test_black_picture_is_tried_once_more_with_memory_freed(faked: Studio, easel: Easel) -> None:
    """Then it is the picture."""
    easel.shows(BLACK)
    faked.engine.checkpoint = "a.safetensors"

    error = raised(faked)

    assert error.code is Code.IMAGE_BLANK
    assert "--force-upcast-attention" in error.hint
    routes = [r for r in easel.engine.routes() if r in ("POST /prompt", "POST /free")]
    assert routes == ["POST /prompt", "POST /free", "POST /prompt"]
    assert len(set(easel.prompts())) == 2
    assert faked.outputs() == []
    assert [line for line in faked.log() if line.startswith("attempt")] == [
        "attempt 1 of 2 failed: the picture is black, though ComfyUI called it good (image.blank)",
        "attempt 2 of 2 failed: the picture is black, though ComfyUI called it good (image.blank)",
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"\x89PNG", Code.IMAGE_UNREADABLE), (png(drawn(32, 64)), Code.IMAGE_WRONG_SIZE)],
)
def test_every_bad_picture_is_tried_once_more_with_memory_freed(
    faked: Studio, easel: Easel, content: bytes, code: Code
) -> None:
    """What an engine holds may be what spoils it."""
    easel.shows(content)

    assert raised(faked).code is code
    assert len(easel.posted) == 2
    assert easel.asked("POST /free") == 1


def test_other_failures_take_no_try_from_a_bad_picture(tmp_path: Path, easel: Easel) -> None:
    """It was seen once; the engine that was killed before says nothing of it."""
    studio = Studio(tmp_path, easel.url, limits=Limits(attempts=3))
    easel.outcomes = [interrupted]
    easel.shows(BLACK)
    easel.at(3, lambda: easel.shows(png(drawn(64, 64))))

    assert studio.make().state is State.DONE
    assert [line.split(" failed")[0] for line in studio.log() if line.startswith("attempt")] == [
        "attempt 1 of 3",
        "attempt 2 of 3",
    ]


def test_bad_pictures_take_no_more_tries_than_the_config_allows(
    tmp_path: Path, easel: Easel
) -> None:
    """All failures together end a job too."""
    studio = Studio(tmp_path, easel.url, limits=Limits(attempts=2))
    easel.outcomes = [interrupted]
    easel.shows(BLACK)

    assert raised(studio).code is Code.IMAGE_BLANK
    assert len(easel.posted) == 2


def test_black_picture_of_a_real_graph_is_found_out(studio: Studio) -> None:
    """The sandbox calls it good, as the engine does."""
    error = raised(studio, workflow="black")

    assert error.code is Code.IMAGE_BLANK


def test_second_try_may_be_good(faked: Studio, easel: Easel) -> None:
    """The manifest says that it took two; the next picture has all its tries again."""
    good = png(drawn(64, 64))
    easel.on_posted = lambda _: easel.shows(BLACK if len(easel.posted) % 2 else good)
    ongoing = faked.claim()

    assert faked.run(ongoing, count=2).state is State.DONE
    assert [faked.manifest(f"p003_v{n}").result["attempts"] for n in (1, 2)] == [2, 2]
    assert ongoing.job.failures == 0


def test_interrupted_job_is_tried_as_often_as_the_config_says(tmp_path: Path, easel: Easel) -> None:
    """Under a new id each time; memory is left as it is."""
    studio = Studio(tmp_path, easel.url, limits=Limits(attempts=2))
    easel.outcomes = [interrupted, interrupted]

    error = raised(studio)

    assert error.code is Code.ENGINE_INTERRUPTED
    assert len(set(easel.prompts())) == 2
    assert easel.asked("POST /free") == 0


def test_lack_of_memory_frees_the_engines(faked: Studio, easel: Easel) -> None:
    """Before the next try."""
    easel.outcomes = [failed("MPS backend out of memory")]

    assert faked.make().state is State.DONE
    assert easel.asked("POST /free") == 1
    assert "(engine.out-of-memory)" in faked.log()[0]


def test_engine_that_dies_of_it_is_waited_for(faked: Studio, easel: Easel) -> None:
    """Its memory cannot be freed; the job goes on when it is back."""
    easel.outcomes = [failed("MPS backend out of memory")]
    easel.at(1, lambda: goes_away(easel))
    faked.patience.on_wait = lambda: comes_back(easel)

    assert faked.make().state is State.DONE
    assert easel.asked("POST /free") == 0
    assert faked.board.codes() == [Code.ENGINE_UNREACHABLE]
    assert faked.patience.waits == [WAIT_SECONDS]


def test_error_in_a_node_fails_at_once(faked: Studio, easel: Easel) -> None:
    """It would end the same way."""
    easel.outcomes = [failed("shapes do not fit")]

    assert raised(faked).code is Code.ENGINE_NODE_ERROR
    assert len(easel.posted) == 1


def test_success_without_a_picture_is_tried_again(faked: Studio, easel: Easel) -> None:
    """Somebody cleared the engine's folder."""
    easel.shows(None)
    easel.at(2, lambda: easel.shows(png(drawn(64, 64))))

    assert faked.make().state is State.DONE
    assert "(engine.no-output)" in faked.log()[0]


def test_lost_job_is_tried_again_by_an_engine_that_is_cold(faked: Studio, easel: Easel) -> None:
    """It was restarted: what it held is forgotten."""
    easel.outcomes = [vanished]
    easel.shows(None)
    faked.engine.checkpoint = "a.safetensors"
    warm: list[str] = []

    def look(posted: dict[str, Any]) -> None:
        warm.append(faked.engine.checkpoint)
        if len(easel.posted) == 2:
            assert posted["prompt_id"] != easel.prompts()[0]
            easel.shows(png(drawn(64, 64)))

    easel.on_posted = look

    assert faked.make().state is State.DONE
    assert warm == ["a.safetensors", ""]
    assert "(engine.lost-job)" in faked.log()[0]


# Waiting.


def test_job_that_asked_for_nothing_yet_steps_back(tmp_path: Path) -> None:
    """The line is the better place to wait."""
    studio = Studio(tmp_path, closed_port())

    error = raised(studio)

    assert error.code is Code.ENGINE_UNREACHABLE
    assert error.fate is Fate.WAIT
    assert studio.patience.waits == []


def test_begun_job_waits_where_it_is(faked: Studio, easel: Easel) -> None:
    """An attempt of it may be out there."""
    ongoing = faked.claim()
    piece = faked.piece(ongoing, workflow="txt2img", seed=7)
    piece.keep(replace(piece.picture, asked=1, attempt=1))
    easel.knows(piece.prompt, piece.order.graph(piece.job, piece.picture))
    goes_away(easel)
    faked.patience.on_wait = lambda: comes_back(easel)

    assert faked.run(ongoing).state is State.DONE
    assert easel.posted == []
    (told,) = [status.why for status in faked.board.told if status.waiting_for]
    assert told.endswith("; the job goes on when that has changed")


def test_next_picture_asks_the_machine_again(faked: Studio, easel: Easel) -> None:
    """The gate let in the first alone."""
    easel.at(1, lambda: goes_away(easel))
    faked.patience.on_wait = lambda: comes_back(easel)

    assert faked.make(count=2).state is State.DONE
    assert faked.board.codes() == [Code.ENGINE_UNREACHABLE]
    assert faked.patience.waits == [WAIT_SECONDS]


def test_next_picture_that_never_fits_ends_the_job(tmp_path: Path, easel: Easel) -> None:
    """The one that was made stays."""
    studio = Studio(tmp_path, easel.url, memory=NEVER)

    error = raised(studio, count=2)

    assert error.code is Code.MEMORY_NEVER_FITS
    assert "p003_v1.png" in studio.outputs()
    assert len(easel.posted) == 1


def test_disk_that_refuses_is_waited_for(faked: Studio, easel: Easel) -> None:
    """The engine's picture is collected when there is room again."""
    faked.output.rmdir()
    faked.output.touch()

    def mend() -> None:
        if faked.output.is_file():
            faked.output.unlink()

    faked.patience.on_wait = mend

    assert faked.make().why == "output/p003_v1.png"
    assert faked.board.codes() == [Code.DISK_ERROR]
    assert len(easel.posted) == 1


def test_picture_in_its_place_wins_over_a_cancel(faked: Studio) -> None:
    """§2: though the disk would not take its entry in the pipeline's log."""
    in_the_way = faked.output / ".generation-log.json.tmp"
    in_the_way.mkdir()
    ongoing = faked.claim()

    def mend() -> None:
        faked.control.cancel(ongoing.job.id)
        if in_the_way.exists():
            in_the_way.rmdir()

    faked.patience.on_wait = mend

    assert faked.run(ongoing).why == "output/p003_v1.png"


def test_cancel_is_heeded_while_nothing_is_placed(faked: Studio) -> None:
    """A disk that is full may stay so."""
    faked.output.rmdir()
    faked.output.touch()
    ongoing = faked.claim()
    faked.patience.on_wait = lambda: faked.control.cancel(ongoing.job.id)

    with pytest.raises(CancelAsked):
        faked.run(ongoing)


def test_stop_is_heeded_while_a_picture_is_placed(faked: Studio) -> None:
    """The next start settles it."""
    (faked.output / ".generation-log.json.tmp").mkdir()
    faked.patience.on_wait = faked.control.stopping.set

    with pytest.raises(Stopping):
        faked.make()


def test_disk_that_refuses_before_anything_was_asked_for_steps_back(faked: Studio) -> None:
    """As everything that is to be waited for."""
    ongoing = faked.claim()
    journal = ongoing.folder / "job.toml"
    journal.unlink()
    journal.mkdir()
    (journal / "in the way").touch()

    error = raised(faked, ongoing)

    assert error.code is Code.DISK_ERROR
    assert error.message.startswith("the disk refused: ")


# Taken out, cancelled, stopped.


@pytest.mark.parametrize(("word", "seed"), [("ComfyUI works", 72), ("step", 73)])
def test_folder_taken_out_while_it_runs_ends_the_job(
    studio: Studio, word: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changed their mind in Finder."""
    monkeypatch.setattr(telling, "SHOW_SECONDS", 0)  # each node is told
    ongoing = studio.claim()

    def take_out(status: JobStatus) -> None:
        if status.why.startswith(word) and ongoing.folder.exists():
            shutil.move(ongoing.folder, studio.home.root / "kept")

    studio.board.on_show = take_out

    ending = studio.run(ongoing, seed=seed, steps=50)

    assert ending == TAKEN_OUT
    assert ending.state is State.CANCELLED


def test_cancel_ends_the_job(studio: Studio, sandbox: Sandbox) -> None:
    """In the engine too."""
    ongoing = studio.claim()

    def cancel(status: JobStatus) -> None:
        if status.step:
            studio.control.cancel(ongoing.job.id)

    studio.board.on_show = cancel

    with pytest.raises(CancelAsked):
        studio.run(ongoing, seed=70, steps=150)

    assert sandbox.json("/queue") == {"queue_running": [], "queue_pending": []}


def test_stop_keeps_the_job_where_it_is(studio: Studio) -> None:
    """Between two pictures."""
    ongoing = studio.claim()

    def stop(status: JobStatus) -> None:
        if status.outputs:
            studio.patience.set()

    studio.board.on_show = stop

    with pytest.raises(Stopping):
        studio.run(ongoing, seed=71, count=2, steps=20)

    assert ongoing.job.pictures[0].is_whole
    assert not ongoing.job.pictures[1].is_whole


# After a crash.


def begun(studio: Studio, sandbox: Sandbox | None = None, **keys: Any) -> Ongoing:
    """Return a job whose first attempt is journalled, and sent, if there is an engine for it."""
    ongoing = studio.claim(**keys)
    piece = studio.piece(ongoing, **keys)
    piece.keep(replace(piece.picture, asked=1, attempt=1))
    if sandbox:
        graph = piece.order.graph(piece.job, piece.picture)
        assert sandbox.post("/prompt", {"prompt": graph, "prompt_id": piece.prompt}).ok
    return ongoing


def test_prompt_in_the_queue_is_followed(studio: Studio, sandbox: Sandbox, busy: Busy) -> None:
    """It is not sent again."""
    with busy() as theirs:
        ongoing = begun(studio, sandbox, workflow="txt2img", seed=80)

        def end_theirs(status: JobStatus) -> None:
            if status.waiting_for == Code.ENGINE_BUSY:
                sandbox.post("/interrupt", {"prompt_id": theirs})

        studio.board.on_show = end_theirs
        ending = studio.run(ongoing)

    assert ending.state is State.DONE
    assert studio.manifest().result["attempts"] == 1
    assert studio.board.codes() == [Code.ENGINE_BUSY]


def test_prompt_in_the_history_is_collected(studio: Studio, sandbox: Sandbox) -> None:
    """Though the daemon was dead when it ended."""
    ongoing = begun(studio, sandbox, workflow="txt2img", seed=81)
    sandbox.wait_until_idle()
    known = len(sandbox.json("/history"))

    assert studio.run(ongoing).state is State.DONE
    assert len(sandbox.json("/history")) == known


def test_prompt_that_nobody_knows_is_sent_anew(studio: Studio, sandbox: Sandbox) -> None:
    """After a second look: under a new id, and that counts as no failure."""
    ongoing = begun(studio, workflow="txt2img", seed=82)

    assert studio.run(ongoing).state is State.DONE
    manifest = studio.manifest()
    assert manifest.result["attempts"] == 2
    assert list(sandbox.json(f"/history/{manifest.engine['prompt_id']}"))
    assert ongoing.job.failures == 0


def test_file_found_whole_in_the_engines_output_is_placed(studio: Studio, sandbox: Sandbox) -> None:
    """The engine was killed after it wrote it."""
    ongoing = begun(studio, workflow="txt2img", seed=83)
    name = prefix(ongoing.job, ongoing.job.pictures[0])
    path = sandbox.base / "output" / f"{name}_00001_.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(png(drawn(64, 64)))

    assert studio.run(ongoing).state is State.DONE
    assert studio.manifest().result["attempts"] == 1
    assert not path.exists()


def test_picture_that_was_being_placed_is_settled_first(studio: Studio) -> None:
    """It lay in its place, and the journal had not heard of it."""
    ongoing = studio.claim()
    studio.run(ongoing, seed=84)
    (picture,) = ongoing.job.pictures
    final = str(studio.output / "p003_v1.png")
    lost = replace(picture, placing=final, made=())
    ongoing.keep(ongoing.job.with_picture(lost))

    assert studio.run(ongoing, seed=84).why == "output/p003_v1.png"
    assert "p003_v2.png" not in studio.outputs()


def test_pictures_that_are_whole_are_not_made_again(studio: Studio) -> None:
    """Only those that are missing."""
    ongoing = studio.claim()
    studio.run(ongoing, seed=85, count=2)
    first, second = ongoing.job.pictures
    ongoing.keep(ongoing.job.with_picture(Picture(2, second.seed)))
    for path in studio.output.glob("p003_v2.*"):
        path.unlink()

    studio.run(ongoing, seed=85, count=2)

    assert ongoing.job.pictures[0] == first
    assert ongoing.job.pictures[1].is_whole


# Ending badly.


def test_engine_that_hangs_holds_what_waits(faked: Studio, easel: Easel) -> None:
    """Until it is restarted, or lets go of the prompt after all."""
    faked.kind.gate(is_waiting=False)
    faked.engine.hangs_in("ours")
    easel.engine.running = ["ours"]

    assert isinstance(wait := faked.kind.gate(is_waiting=False), Wait)
    assert wait.code is Code.ENGINE_STUCK

    easel.engine.running = []

    assert isinstance(faked.kind.gate(is_waiting=False), Start)


def test_job_that_ends_badly_is_withdrawn_from_the_engine(faked: Studio, easel: Easel) -> None:
    """What is set aside as poison may still wait in its queue."""
    ongoing = faked.claim(workflow="txt2img", count=4)
    piece = faked.piece(ongoing, workflow="txt2img", count=4)
    waiting, over, _, unasked = ongoing.job.pictures
    done = Picture(3, 3, asked=1, attempt=1, images=1, made=(Made("x.png", ""),))
    pictures = (
        replace(waiting, asked=2, attempt=2),
        replace(over, asked=1, attempt=1, is_over=True),
        done,
        unasked,
    )
    ongoing.keep(replace(ongoing.job, pictures=pictures))

    faked.kind.abandon(ongoing.job)

    ours = piece.prompt_of(2)
    asked = [(route, body) for route, body in easel.engine.asked if route.startswith("POST")]
    assert asked == [
        ("POST /queue", {"delete": [ours]}),
        ("POST /interrupt", {"prompt_id": ours}),
    ]


def test_job_that_ends_badly_leaves_nothing_behind(studio: Studio, sandbox: Sandbox) -> None:
    """Neither beside the outputs nor in the engine's folder."""
    ongoing = begun(studio, sandbox, workflow="txt2img", seed=86)
    sandbox.wait_until_idle()
    draft = draft_of(ongoing.job, 1, studio.output)
    draft.picture.touch()
    draft.manifest.touch()

    studio.kind.abandon(ongoing.job)

    assert studio.outputs() == []
    assert not (sandbox.base / "output" / folder_of(ongoing.job)).exists()


def test_job_that_was_never_prepared_left_nothing(studio: Studio) -> None:
    """There is nothing to know where to look."""
    studio.kind.abandon(studio.claim().job)

    assert studio.outputs() == []
