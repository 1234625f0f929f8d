"""Whatever the real engine was asked in a recording, the sandbox answers as it did."""

import io
import shutil
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

from plasma_watch.sandbox import weights
from plasma_watch.sandbox.graph import Graph

from .graphs import plain_picture
from .playing import Hand, Player, Shorten, first_requests, nothing_of, part, shortened
from .process import Sandbox, running
from .recordings import Event, read

SECONDS_PER_STEP = "0.03"
UNET = "model.diffusion_model.out.2.bias"
LORA = "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight"
TAGS = {
    "ss_network_dim": "4",
    "ss_base_model_version": "sd_v1-5",
    "ss_network_alpha": "4",
    "ss_output_name": "spyke-lora",
}


def picture(shade: int) -> bytes:
    """Make a small picture, the same for the same shade."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 90, 30)).save(out, "PNG")
    return out.getvalue()


GARBAGE = b"\xd6" * 512
CHECKPOINT = {"models/checkpoints/anything-v5-PrtRE.safetensors": weights.standin("any", UNET)}
MODELS = {
    **CHECKPOINT,
    "models/loras/spyke-lora.safetensors": weights.standin("spyke", LORA, TAGS),
    "models/vae/vae-ft-mse-840000-ema-pruned.safetensors": weights.standin("vae", "decoder"),
    "models/controlnet/control_v11p_sd15_openpose.pth": weights.standin("pth", "control"),
    "models/controlnet/control_v11p_sd15_openpose.safetensors": weights.standin("st", "control"),
}
NANS = {
    "models/checkpoints/lab-nan.safetensors": weights.standin("nan", UNET),
    "models/checkpoints/lab-nanvae.safetensors": weights.standin("nanvae", UNET),
}
BROKEN = {
    "models/checkpoints/bad-empty.safetensors": b"",
    "models/checkpoints/bad-garbage.ckpt": GARBAGE,
    "models/checkpoints/bad-garbage.safetensors": GARBAGE,
    "models/checkpoints/bad-truncated.safetensors": weights.standin("cut", UNET)[:-4],
    "models/checkpoints/lora-as-checkpoint.safetensors": weights.standin("misplaced", LORA),
    "models/controlnet/bad-garbage.safetensors": GARBAGE,
    "models/loras/bad-empty.safetensors": b"",
    "models/loras/bad-garbage.safetensors": GARBAGE,
    "models/loras/full-arch-lora.safetensors": weights.standin("other", LORA),
    "models/vae/bad-garbage.safetensors": GARBAGE,
}
PICTURES = {
    "input/emptyfile.png": b"",
    "input/notimage.png": b"no picture at all",
    "input/plasma/job-123/pose.png": picture(1),
    "input/ref.png": picture(2),
    "input/trunc.png": picture(3)[:-20],
}
VANISHING = {
    "input/vanish.png": picture(4),
    "models/checkpoints/vanish.safetensors": weights.standin("vanishing", UNET),
}
OLD_OUTPUTS = {"output/._00001_.png": picture(5), "output/._00002_.png": picture(6)}


def put(name: str, content: bytes = b"") -> Hand:
    """Write a file."""

    def write(base: Path) -> None:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(content)

    return write


def remove(pattern: str) -> Hand:
    """Remove files."""

    def unlink(base: Path) -> None:
        for path in base.glob(pattern):
            path.unlink()

    return unlink


def set_aside(name: str) -> Hand:
    """Give a file another name in the same folder, as it was done then."""

    def rename(base: Path) -> None:
        (base / name).rename(base / f"{name}.aside")

    return rename


@dataclass(frozen=True, slots=True)
class Scene:
    """A part of a recording, and what the stage looks like."""

    recording: str
    start: str = ""
    stop: str = ""
    files: Mapping[str, bytes] = field(default_factory=lambda: MODELS)
    warm: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """How a graph differed that had run before: what both share was cached."""
    hands: Mapping[int, Hand] = field(default_factory=dict)
    length: int = 1000
    """How many requests are played."""
    uploads: tuple[bytes, ...] = ()
    apart: tuple[int, ...] = ()
    shorten: Shorten = list


OTHER_SEED = {"3": {"seed": 99, "steps": 1}}
EARLIER = "j2 connect after prompt completed"
LOADING = "interrupt during checkpoint load / text encode: latency (free first)"
AGAIN = "after interrupt, same prompt re-submitted: is sampling restarted from 0, cached nodes?"
FREED = "after free_memory"
IMAGES = "output/plasma/job-123"

SCENES = {
    "text to image": Scene("a_txt2img"),
    "the same again, and almost the same": Scene(
        "d_identical_resubmit",
        warm={"9": {}},
        hands={2: set_aside("output/plasma/t2i_00001_.png")},
    ),
    "a new seed": Scene("e_new_seed", warm=OTHER_SEED),
    "with LoRA and VAE": Scene(
        "b_lora_vae", warm={"10": {"strength_model": 0.5}, "11": {"vae_name": "pixel_space"}}
    ),
    "uploads, then image to image": Scene(
        "c_upload_i2i_lora_controlnet",
        files=MODELS | {"input/example.png": picture(8)},
        warm={
            "20": {"image": "example.png"},
            "23": {"image": "example.png"},
            "24": {"control_net_name": "control_v11p_sd15_openpose.pth"},
        },
        uploads=(
            *map(picture, (1, 1, 2, 3, 2, 4, 2, *[5] * 9)),
            b"no image at all",
            b"",
            *map(picture, (6, 7)),
        ),
    ),
    "what does not pass the check": Scene(
        "f_validation_errors", stop="text/plain ct", files=MODELS | NANS, shorten=shortened
    ),
    # Here the engine was still busy when it was interrupted.
    "bodies that make no sense": Scene(
        "f_validation_errors", start="text/plain ct", shorten=nothing_of
    ),
    # What follows runs two outputs in the order of a set.
    "what breaks when it runs": Scene(
        "g_runtime_errors",
        stop="two outputs: one fails at run time",
        files=MODELS | BROKEN | PICTURES | VANISHING,
        hands={34: remove("input/vanish.png"), 37: remove("models/*/vanish.safetensors")},
        shorten=shortened,
    ),
    # Between the two, interrupts fall into a long load, of which there is none here, and two of
    # them into one step: whether they do is a matter of luck.
    "interrupts": Scene("h_interrupt", stop=LOADING, warm=OTHER_SEED, shorten=shortened),
    "interrupted, then sent again": Scene(
        "h_interrupt", start=AGAIN, warm=OTHER_SEED, shorten=shortened
    ),
    "taking things out of the queue": Scene("i_queue_delete", warm=OTHER_SEED, shorten=shortened),
    # Before, a client connects while a text is encoded, which takes no time here.
    "sockets that come and go": Scene("j_ws_lifecycle", start=EARLIER, shorten=shortened),
    "sockets that break": Scene("j2_ws_lifecycle", warm=OTHER_SEED, shorten=shortened),
    # Apart: the editor's files, the log. Then the engine loses a request to free its memory.
    "every door": Scene(
        "l_endpoints",
        stop=FREED,
        files=MODELS | NANS | BROKEN | OLD_OUTPUTS,
        hands={
            47: put("models/loras/new-lora.safetensors", weights.standin("new", LORA)),
            50: put("models/loras/sub/x.safetensors"),
            51: remove("models/loras/new-lora.safetensors"),
            52: put("models/loras/half.part"),
            53: put("models/loras/swap.safetensors", weights.standin("old", LORA)),
            55: put("models/loras/swap.safetensors", weights.standin("newer", LORA)),
        },
        apart=(6, 24, 25, 38),
        shorten=shortened,
    ),
    "names of files": Scene(
        "m_png_and_prefix",
        files=MODELS | {"input/example.png": picture(9)},
        hands={
            11: remove(f"{IMAGES}/img_00001_.png"),
            13: remove(f"{IMAGES}/img_*"),
            33: put(f"{IMAGES}/img_99999_.png"),
        },
    ),
    "values that are not numbers": Scene("n_nan", files=MODELS | NANS),
    # Apart: the history in the instant of success, before it is written or after.
    "ids and extra data": Scene("o2_prompt_id", apart=(8,)),
}
"""What is played. Where less than all is compared, the reason stands before it."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Give one sandbox for all recordings but one."""
    base = tmp_path_factory.mktemp("lab") / "comfy-tiny"
    (base / "models").mkdir(parents=True)
    with running(base, "--seconds-per-step", SECONDS_PER_STEP) as sandbox:
        yield sandbox


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_engine_answers_as_recorded(engine: Sandbox, scene: Scene) -> None:
    """Same status codes, same JSON, same frames in the same order."""
    _set(engine, scene)

    found = _play(engine, scene)

    assert not found, "\n".join(found)


def test_previews_are_as_recorded(tmp_path: Path) -> None:
    """With previews on, a client that asked for it is told whose picture it sees."""
    # Then come two outputs in the order of a set, and nodes that the sandbox does not have.
    scene = Scene("p_previews_latent2rgb", length=4)
    (tmp_path / "comfy-tiny" / "models").mkdir(parents=True)

    with running(tmp_path / "comfy-tiny", "--seconds-per-step", "0", "--previews") as sandbox:
        _set(sandbox, scene)

        found = _play(sandbox, scene)

    assert not found, "\n".join(found)


def _set(engine: Sandbox, scene: Scene) -> None:
    for folder in ("input", "output", "temp", "models"):
        shutil.rmtree(engine.base / folder)
        (engine.base / folder).mkdir()
    for name, content in scene.files.items():
        put(name, content)(engine.base)
    # The wish is heard at the latest after the next prompt, so there is one.
    engine.post("/free", {"free_memory": True})
    engine.post("/prompt", {"prompt": plain_picture(prefix="before/x")})
    engine.wait_until_idle()
    engine.post("/history", {"clear": True})


def _play(engine: Sandbox, scene: Scene) -> list[str]:
    events = part(read(scene.recording), scene.start, scene.stop)
    events = list(first_requests(events, scene.length))
    player = Player(engine.url, engine.base, scene.hands, scene.uploads, scene.apart)
    if scene.warm:
        player.run(_warm(events, scene.warm))
    return player.play(events, scene.shorten)


def _warm(events: list[Event], changes: Mapping[str, Mapping[str, object]]) -> Graph:
    sent = (event.told["json"] for event in events if event.told.get("path") == "/prompt")
    graph: Graph = deepcopy(next(body["prompt"] for body in sent if body))
    for node_id, inputs in changes.items():
        graph[node_id]["inputs"].update(inputs)
    return graph
