"""Everything that is known of a request once its turn has come: names, inputs, models, sizes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.comfyui.catalog import Catalog
from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.facts import Facts
from plasma_watch.config import Defaults, Limits
from plasma_watch.errors import Code, Fate, PlasmaError
from plasma_watch.generate.order import (
    InputPicture,
    Order,
    check_engine,
    check_sizes,
    check_unchanged,
    folder_of,
    hash_models,
    prefix,
    read_inputs,
    slug,
)
from plasma_watch.generate.preflight import model_names
from plasma_watch.generate.resolve import Plan, resolve
from plasma_watch.generate.template import fill
from plasma_watch.job import Job, Picture, prompt_id
from plasma_watch.outputs.hashes import Hashes
from plasma_watch.outputs.naming import Place
from plasma_watch.request import GenerateRequest
from plasma_watch.tripwire import Tripwire
from tests.fakes.blueprints import POSE, Blueprint, from_picture, guided, node, plain, with_lora
from tests.fakes.drawings import drawn, png
from tests.fakes.easel import Easel, node_infos
from tests.fakes.home import NOON
from tests.fakes.studio import Studio
from tests.sandbox.process import Sandbox

FACTS = Facts("0.3.64", "cpu", "cpu", "none", "3.11", ())
JOB = Job("20261122T120000-p003", "p003", "p003.toml", "generate", NOON, "")
PICTURE = Picture(2, 42, attempt=3)
LIMIT = 1_000_000
CHECKPOINT = "anything-v5-PrtRE.safetensors"


def asked(**keys: Any) -> GenerateRequest:
    """Return a request with a prompt and the keys given."""
    return GenerateRequest.model_validate({"kind": "generate", "prompt": "spyke"} | keys)


def planned(blueprint: Blueprint, **keys: Any) -> Plan:
    """Return the plan of a request."""
    return resolve(asked(**keys), blueprint.template(), Defaults(), drawn_seed=7)


def ordered(blueprint: Blueprint, **keys: Any) -> Order:
    """Return an order without inputs and models."""
    place = Place(PurePosixPath(), "p003")
    return Order(blueprint.template(), planned(blueprint, **keys), place, FACTS, (), ())


# Graphs.


def test_graph_has_the_seed_and_the_attempt_of_its_picture() -> None:
    """Everything else is the request's."""
    graph = ordered(plain(), steps=5).graph(JOB, PICTURE)

    assert graph["3"]["inputs"]["seed"] == 42
    assert graph["3"]["inputs"]["steps"] == 5
    assert graph["9"]["inputs"]["filename_prefix"] == prefix(JOB, PICTURE)


def test_graph_without_a_slot_for_the_seed_keeps_its_own() -> None:
    """As it was exported."""
    assert ordered(plain().with_slot("seed")).graph(JOB, PICTURE)["3"]["inputs"]["seed"] == 0


def test_graph_is_without_what_was_left_out() -> None:
    """A LoRA that was not asked for."""
    assert "10" not in ordered(with_lora()).graph(JOB, PICTURE)
    assert "10" in ordered(with_lora(), lora={"name": "spyke"}).graph(JOB, PICTURE)


def test_size_is_known_where_the_request_decides_it() -> None:
    """Not where a picture does."""
    assert ordered(plain(), width=64, height=96).size() == (64, 96)
    assert ordered(from_picture(), input={"image": "a.png"}).size() is None
    assert ordered(plain().with_slot("height")).size() is None


# Names in the engine's folder.


def test_prefix_says_which_attempt_wrote_a_file() -> None:
    """Job, picture and attempt."""
    others = [replace(PICTURE, attempt=4), replace(PICTURE, number=1)]

    assert prefix(JOB, PICTURE) == f"{folder_of(JOB)}/2-3/img"
    assert len({prefix(JOB, each) for each in [PICTURE, *others]}) == 3


def test_jobs_with_one_id_differ_by_the_instant_of_their_drop() -> None:
    """Two homes that share an engine may give the same id in one second."""
    twin = replace(JOB, dropped=NOON + timedelta(milliseconds=1))

    assert folder_of(JOB) != folder_of(twin)
    assert prompt_id(JOB, 1, 1) != prompt_id(twin, 1, 1)
    assert folder_of(JOB) == folder_of(replace(JOB, failures=2, request={}))


@pytest.mark.parametrize("text", ["p003", "20261122T120000-p003_v2.final", "A-b.c_9"])
def test_plain_names_stay_as_they_are(text: str) -> None:
    """People read them in the engine's folder."""
    assert slug(text) == text


@given(st.text(), st.text())
def test_any_name_is_safe_in_a_path_and_stays_its_own(one: str, other: str) -> None:
    """ComfyUI expands %, and knows no other alphabet; two names never become one."""
    made = slug(one)

    assert made.isascii()
    assert all(c.isalnum() or c in "._-" for c in made)
    assert len(made) <= max(len(one), 89)
    assert (slug(other) == made) == (one == other)


# Pictures that the request names.


@pytest.fixture
def tripwire(tmp_path: Path) -> Iterator[Tripwire]:
    """A tripwire."""
    tripwire = Tripwire(tmp_path / "tripwire.json")
    yield tripwire
    tripwire.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder that pictures lie in."""
    home = tmp_path / "home"
    home.mkdir()
    return home


def read(home: Path, image: str, tripwire: Tripwire, limit: int = LIMIT) -> InputPicture:
    """Read the one picture that a request names."""
    (found,) = read_inputs(
        planned(from_picture(), input={"image": image}), [home], limit, tripwire, "p003"
    )
    return found


def encoded(form: str) -> bytes:
    """Return a picture in a format."""
    file = io.BytesIO()
    drawn().save(file, format=form)
    return file.getvalue()


@pytest.mark.parametrize(
    ("form", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp"), ("BMP", ".png")]
)
def test_picture_is_named_after_its_content(
    home: Path, tripwire: Tripwire, form: str, suffix: str
) -> None:
    """Not after its file: so the same picture is uploaded once."""
    content = encoded(form)
    (home / "a.picture").write_bytes(content)

    found = read(home, "a.picture", tripwire)

    digest = hashlib.sha256(content).hexdigest()
    assert (found.slot, found.content) == ("image", content)
    assert found.upload_name == f"{digest[:32]}{suffix}"
    assert found.told() == {"name": "a.picture", "sha256": digest}


def test_request_without_pictures_reads_none(home: Path, tripwire: Tripwire) -> None:
    """Also when a picture could be given."""
    assert read_inputs(planned(guided()), [home], LIMIT, tripwire, "p003") == ()


def test_picture_of_a_guide_fills_the_slot_of_the_guide(home: Path, tripwire: Tripwire) -> None:
    """Each picture has its own."""
    (home / "pose.png").write_bytes(png(drawn()))
    plan = planned(guided(), controlnet={"name": POSE, "image": "pose.png"})

    (found,) = read_inputs(plan, [home], LIMIT, tripwire, "p003")

    assert found.slot == "controlnet_image"


def test_picture_that_is_not_there_is_missed(home: Path, tripwire: Tripwire) -> None:
    """When its turn comes."""
    with pytest.raises(PlasmaError) as caught:
        read(home, "gone.png", tripwire)

    assert caught.value.code is Code.REQUEST_MISSING_FILE


def test_picture_outside_is_refused(home: Path, tripwire: Tripwire) -> None:
    """Also when it is there."""
    outside = home.parent / "outside.png"
    outside.write_bytes(png(drawn()))

    with pytest.raises(PlasmaError) as caught:
        read(home, str(outside), tripwire)

    assert caught.value.code is Code.REQUEST_OUTSIDE


def test_link_to_a_picture_is_refused(home: Path, tripwire: Tripwire) -> None:
    """It could lead anywhere."""
    (home / "real.png").write_bytes(png(drawn()))
    (home / "link.png").symlink_to(home / "real.png")

    with pytest.raises(PlasmaError) as caught:
        read(home, "link.png", tripwire)

    assert caught.value.code is Code.REQUEST_NOT_A_FILE


def test_picture_over_the_limit_is_refused(home: Path, tripwire: Tripwire) -> None:
    """Unread."""
    (home / "a.png").write_bytes(png(drawn()))

    with pytest.raises(PlasmaError) as caught:
        read(home, "a.png", tripwire, limit=10)

    assert caught.value.code is Code.REQUEST_TOO_BIG


@pytest.mark.parametrize("content", [b"", b"no picture", png(drawn())[:200]])
def test_bad_picture_fails_its_request(home: Path, tripwire: Tripwire, content: bytes) -> None:
    """At once: it is the request's own, and trying again would not mend it."""
    (home / "a.png").write_bytes(content)

    with pytest.raises(PlasmaError) as caught:
        read(home, "a.png", tripwire)

    assert caught.value.code is Code.REQUEST_BAD_PICTURE
    assert caught.value.fate is Fate.FAIL
    assert caught.value.message.startswith("a.png ")
    assert caught.value.hint


def test_decoding_is_a_step_that_is_marked(home: Path, tripwire: Tripwire, tmp_path: Path) -> None:
    """A picture that kills the daemon is found out; what was not killed leaves no mark."""
    (home / "a.png").write_bytes(png(drawn()))

    read(home, "a.png", tripwire)

    assert (tmp_path / "tripwire.json").read_text().strip() == "{}"


# What the engine would refuse.


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    """A client of the sandbox."""
    client = Client(sandbox.url)
    yield client
    client.close()


@pytest.mark.parametrize("blueprint", [plain(), with_lora()])
def test_engine_takes_what_is_shipped(client: Client, blueprint: Blueprint) -> None:
    """With everything that comes with it."""
    check_engine(Catalog(client.object_info), blueprint.template(), [blueprint.graph], "p003.toml")


def test_engine_that_lacks_something_refuses_all_of_it_at_once(client: Client) -> None:
    """Each name by the key of the request that said it."""
    made = with_lora()
    made.graph["20"] = node("FaceDetailer")
    template = made.template()
    slots = {"sampler": "eulr", "lora": "spike.safetensors", "steps": 0}

    with pytest.raises(PlasmaError) as caught:
        check_engine(
            Catalog(client.object_info), template, [fill(template, slots, frozenset())], "p003.toml"
        )

    found = {(problem.code, problem.field) for problem in caught.value.problems}
    assert found == {
        (Code.ENGINE_MISSING_NODE, "workflow"),
        (Code.ENGINE_BAD_VALUE, "sampler"),
        (Code.ENGINE_BAD_VALUE, "steps"),
        (Code.ENGINE_MISSING_MODEL, "lora.name"),
    }
    assert "'spyke.safetensors'" in caught.value.hint
    assert caught.value.fate is Fate.FAIL


def test_engine_is_asked_once_for_each_class(easel: Easel) -> None:
    """Two text encoders are one question."""
    client = Client(easel.url)

    check_engine(Catalog(client.object_info), plain().template(), [plain().graph], "p003.toml")

    assert easel.asked("GET /object_info/CLIPTextEncode") == 1
    client.close()


def test_model_that_came_a_moment_ago_is_found(easel: Easel) -> None:
    """What was remembered lacks it, so it is asked for again before anything is refused."""
    client = Client(easel.url)
    catalog = Catalog(client.object_info)
    template = with_lora().template()
    graph = fill(template, {"lora": "new.safetensors"}, frozenset())
    with pytest.raises(PlasmaError):
        check_engine(catalog, template, [graph], "p003.toml")
    loader = node_infos()["LoraLoader"]
    loader["input"]["required"]["lora_name"][0] = ["new.safetensors"]
    easel.engine.says("/object_info/LoraLoader", {"LoraLoader": loader})

    check_engine(catalog, template, [graph], "p003.toml")

    client.close()


# Models.


def test_models_are_hashed_where_the_folder_is_known(sandbox: Sandbox, tmp_path: Path) -> None:
    """Else they are unknown, and so is one that is not there."""
    hashes = Hashes(tmp_path / "hashes.json")
    graph = with_lora().graph
    content = (sandbox.base / "models" / "checkpoints" / CHECKPOINT).read_bytes()

    known = hash_models(model_names(graph), sandbox.base, hashes.of)
    unknown = hash_models(model_names(graph), None, hashes.of)

    checkpoint, lora = known
    assert checkpoint == {
        "name": CHECKPOINT,
        "folder": "checkpoints",
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert lora["sha256"] != checkpoint["sha256"]
    assert [model["sha256"] for model in unknown] == ["unknown"] * 2
    assert hash_models(model_names(graph), tmp_path, hashes.of) == unknown


MODEL = {"name": CHECKPOINT, "folder": "checkpoints", "sha256": "1" * 64}
INPUT = InputPicture("image", "a.png", b"", "2" * 64, (64, 64), "2.png")


def again(**keys: Any) -> tuple[GenerateRequest, Order]:
    """Return a manifest that was dropped again, and what is there now."""
    order = replace(ordered(plain()), models=(MODEL,), inputs=(INPUT,))
    return asked(**keys), order


def test_unchanged_models_and_inputs_are_good() -> None:
    """Also those that one time nobody could read, and a request that is no manifest."""
    check_unchanged(*again(models=[MODEL], inputs=[INPUT.told()]))
    check_unchanged(*again(models=[MODEL | {"sha256": "unknown"}]))
    check_unchanged(*again())


@pytest.mark.parametrize(
    "tables",
    [{"models": [MODEL | {"sha256": "3" * 64}]}, {"inputs": [INPUT.told() | {"sha256": "3" * 64}]}],
)
def test_changed_models_and_inputs_are_refused(tables: dict[str, Any]) -> None:
    """By name; unless that is allowed."""
    with pytest.raises(PlasmaError) as caught:
        check_unchanged(*again(**tables))

    (problem,) = caught.value.problems
    assert caught.value.code is problem.code is Code.REQUEST_CHANGED_MODELS
    assert caught.value.message.endswith("' changed since the picture was made")
    assert "allow_changed_models = true" in caught.value.hint
    check_unchanged(*again(**tables, allow_changed_models=True))


# Sizes that a picture decides.


@pytest.mark.parametrize(
    ("size", "is_good"),
    [((512, 768), True), ((768, 512), True), ((513, 768), False), ((900, 8), False)],
)
def test_picture_that_decides_the_size_is_held_to_the_limits(
    size: tuple[int, int],
    is_good: bool,  # noqa: FBT001 - a table's column
) -> None:
    """Else a photograph would become a page as large as itself."""
    named = replace(INPUT, size=size)

    check_sizes(plain().template(), [named], Limits())
    if is_good:
        check_sizes(from_picture().template(), [named], Limits())
        return
    with pytest.raises(PlasmaError) as caught:
        check_sizes(from_picture().template(), [named], Limits())
    assert caught.value.code is Code.REQUEST_OVER_LIMIT
    assert f"is {size[0]}x{size[1]}" in caught.value.message


def test_pose_may_be_of_any_size() -> None:
    """The engine scales it to the page."""
    check_sizes(
        guided().template(), [replace(INPUT, slot="controlnet_image", size=(4000, 3000))], Limits()
    )


def test_workflow_that_resizes_has_no_size_to_hold_to(studio: Studio) -> None:
    """What comes back is as large as it likes."""
    made = plain().changed(lambda made: made.map.update(resizes=True)).template()
    piece = studio.piece(studio.claim())

    assert piece.order.size() == (64, 64)
    assert replace(piece.order, template=made).size() is None


# Where models lie.


@pytest.mark.parametrize(
    ("made", "path"),
    [
        (node("UNETLoader", unet_name="a.safetensors"), "unet/a.safetensors"),
        (node("CLIPLoader", clip_name="a.safetensors"), "clip/a.safetensors"),
        (node("ControlNetLoader", control_net_name="a.pth"), "t2i_adapter/a.pth"),
        (node("CLIPTextEncode", text="(embedding:bad-hands:1.2), x"), "embeddings/bad-hands.pt"),
        (
            node("CLIPTextEncode", text="embedding:style.safetensors"),
            "embeddings/style.safetensors",
        ),
    ],
)
def test_models_are_found_where_comfyui_finds_them(
    tmp_path: Path, made: dict[str, Any], path: str
) -> None:
    """In older folders too; an embedding that a text names is a model."""
    file = tmp_path / "models" / path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")

    (found,) = hash_models(model_names({"1": made}), tmp_path, Hashes(tmp_path / "hashes.json").of)

    assert found["sha256"] == hashlib.sha256(b"weights").hexdigest()
