"""The doors of a running sandbox: what the recordings do not ask."""

import io
import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from PIL import Image

from plasma_watch import __version__

from .graphs import plain_picture, text_to_image, with_lora
from .listening import Frame, Listener
from .process import PATIENCE_SECONDS, Sandbox, running

FLAGS = '{"type": "feature_flags", "data": {"supports_preview_metadata": true}}'


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Give one sandbox for all."""
    with running(tmp_path_factory.mktemp("doors") / "base", "--seconds-per-step", "0.02") as one:
        yield one


@pytest.fixture
def listener(engine: Sandbox, request: pytest.FixtureRequest) -> Iterator[Listener]:
    """Listen under the name of the test."""
    client = Listener(engine.url, request.node.name)
    client.wait_for("status")
    yield client
    client.close()


@pytest.fixture
def client(request: pytest.FixtureRequest) -> str:
    """Name the client."""
    name: str = request.node.name
    return name


def picture(mode: str = "RGB", colour: tuple[int, ...] = (10, 20, 30)) -> bytes:
    """Make a small picture."""
    out = io.BytesIO()
    Image.new(mode, (8, 8), colour).save(out, "PNG")
    return out.getvalue()


def send(engine: Sandbox, body: dict[str, Any]) -> dict[str, Any]:
    """Send a graph that is taken."""
    answer = engine.post("/prompt", body)
    assert answer.status_code == 200, answer.text
    taken: dict[str, Any] = answer.json()
    return taken


def about(frames: list[Frame], prompt_id: str) -> list[str]:
    """List what was heard of one prompt, without its progress."""
    return [
        frame["type"]
        for frame in frames
        if frame["data"].get("prompt_id") == prompt_id and not frame["type"].startswith("progress")
    ]


class TestPrompts:
    """Sending, waiting, being thrown away."""

    def test_picture_can_be_fetched(self, engine: Sandbox, listener: Listener, client: str) -> None:
        """With LoRA, at the size asked for, with the graph inside."""
        graph = with_lora(text_to_image(width=96, height=64))
        listener.wait_for_end(send(engine, {"prompt": graph, "client_id": client})["prompt_id"])
        shown = next(f for f in listener.frames() if f["type"] == "executed")["data"]["output"]
        answer = engine.get("/view", **shown["images"][0])
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == (96, 64)
            assert json.loads(image.info["prompt"]) == graph

    def test_own_id_is_honoured(self, engine: Sandbox, listener: Listener, client: str) -> None:
        """In the answer, in frames and in the history."""
        body = {"prompt": plain_picture(7), "client_id": client, "prompt_id": "mine"}
        assert send(engine, body)["prompt_id"] == "mine"
        listener.wait_for_end("mine")

        assert engine.json("/history/mine")["mine"]["status"]["status_str"] == "success"

    def test_front_of_the_queue_is_served_first(
        self, engine: Sandbox, listener: Listener, client: str
    ) -> None:
        """The last that was put there before the others; a number is taken as given."""
        self.begin(engine, listener, client)
        for prompt_id, where in (
            ("normal", {}),
            ("front", {"front": True}),
            ("fronter", {"front": True}),
            ("numbered", {"number": -1e9}),
        ):
            body = {"prompt": plain_picture(8, f"made/{prompt_id}"), "client_id": client}
            send(engine, body | {"prompt_id": prompt_id} | where)
        engine.post("/interrupt", {"prompt_id": f"long {client}"})
        frames = listener.wait_for_end("normal")
        started = [f["data"]["prompt_id"] for f in frames if f["type"] == "execution_start"]

        assert started[-4:] == ["numbered", "fronter", "front", "normal"]

    def test_interrupt_names_the_one_it_means(
        self, engine: Sandbox, listener: Listener, client: str
    ) -> None:
        """Another client's prompt behind it is spared, and so is one that waits."""
        self.begin(engine, listener, client)
        other = send(engine, {"prompt": plain_picture(9), "client_id": "other"})["prompt_id"]
        engine.post("/interrupt", {"prompt_id": other})
        engine.post("/interrupt", {"prompt_id": f"long {client}"})
        frames = listener.wait_for_end(f"long {client}")
        engine.wait_until_idle()

        assert about(frames, f"long {client}")[-2:] == ["execution_interrupted", "executing"]
        assert about(listener.frames(), other) == []
        assert engine.json(f"/history/{other}")[other]["status"]["completed"]
        ended = engine.json(f"/history/long {client}")[f"long {client}"]["status"]
        assert (ended["status_str"], ended["messages"][-1][0]) == ("error", "execution_interrupted")

    def test_waiting_prompt_is_thrown_away_without_a_trace(
        self, engine: Sandbox, listener: Listener, client: str
    ) -> None:
        """No history, and no event but that there is less to do."""
        self.begin(engine, listener, client)
        body = {"prompt": plain_picture(10), "client_id": client, "prompt_id": "gone"}
        send(engine, body)
        engine.post("/queue", {"delete": ["gone"]})
        assert engine.json("/queue")["queue_pending"] == []
        engine.post("/interrupt", {"prompt_id": f"long {client}"})
        frames = listener.wait_for_end(f"long {client}")

        assert about(frames, "gone") == []
        assert engine.json("/history/gone") == {}

    def test_secrets_are_shown_only_while_it_waits(
        self, engine: Sandbox, listener: Listener, client: str
    ) -> None:
        """Other extra data stays."""
        extra = {"auth_token_comfy_org": "secret", "plasma_job": "x"}
        body = {"prompt": plain_picture(11), "client_id": client, "extra_data": extra}
        prompt_id = send(engine, body)["prompt_id"]
        listener.wait_for_end(prompt_id)

        kept = engine.json(f"/history/{prompt_id}")[prompt_id]["prompt"][3]
        assert kept == {"plasma_job": "x", "client_id": client}

    @staticmethod
    def begin(engine: Sandbox, listener: Listener, client: str) -> None:
        """Let the engine be busy."""
        body = {"prompt": text_to_image(steps=9999), "client_id": client}
        send(engine, body | {"prompt_id": f"long {client}"})
        listener.wait_for("progress")


class TestSockets:
    """Who hears what, and who hears nothing any more."""

    def test_name_is_given_to_who_has_none(self, engine: Sandbox) -> None:
        """In the first frame."""
        listener = Listener(engine.url)
        sid = listener.wait(bool)[0]["data"]["sid"]
        listener.close()

        assert len(sid) == 32

    @pytest.mark.parametrize(
        ("said", "answered"),
        [
            ([FLAGS], True),
            (["not json", FLAGS], True),
            (["[1]", FLAGS], True),
            ([b"bytes", FLAGS], True),
            (['{"type": "hello"}', FLAGS], False),
        ],
    )
    def test_features_are_told_in_the_first_message(
        self,
        engine: Sandbox,
        listener: Listener,
        client: str,
        said: list[str | bytes],
        answered: bool,  # noqa: FBT001
    ) -> None:
        """The first sensible one; and nonsense does no harm."""
        for message in said:
            listener.say(message)
        send(engine, {"prompt": plain_picture(12), "client_id": client, "prompt_id": client})
        frames = listener.wait_for_end(client)

        assert any(frame["type"] == "feature_flags" for frame in frames) == answered

    def test_newer_socket_goes_deaf_when_the_older_closes(
        self, engine: Sandbox, listener: Listener, client: str
    ) -> None:
        """Both had one name; the prompt runs all the same."""
        newer = Listener(engine.url, client)
        newer.wait_for("status")
        listener.close()
        body = {"prompt": plain_picture(13), "client_id": client, "prompt_id": client}
        send(engine, body)
        engine.wait_until_idle()

        assert len(newer.frames()) == 1
        assert client in engine.json(f"/history/{client}")
        newer.close()

    def test_client_that_comes_back_is_told_where_things_are(
        self, engine: Sandbox, listener: Listener, client: str
    ) -> None:
        """The node that is on, without the prompt; then all goes on."""
        body = {"prompt": text_to_image(steps=9999), "client_id": client, "prompt_id": client}
        send(engine, body)
        listener.wait_for("progress")
        listener.cut()
        again = Listener(engine.url, client)
        frames = again.wait_for("progress")
        engine.post("/interrupt", {"prompt_id": client})
        again.wait_for_end(client)
        again.close()

        assert frames[1] == {"type": "executing", "data": {"node": "3"}}

    def test_client_without_a_hearable_name_hears_nothing(
        self, engine: Sandbox, listener: Listener
    ) -> None:
        """A number is no name."""
        prompt_id = send(engine, {"prompt": plain_picture(14), "client_id": 5})["prompt_id"]
        listener.wait(lambda heard: [frame["type"] for frame in heard].count("status") == 4)

        assert about(listener.frames(), prompt_id) == []


class TestPictures:
    """Up and down."""

    def test_upload_overwrites_only_when_told(self, engine: Sandbox) -> None:
        """Else it is numbered, unless it is the same."""
        one, other = picture(), picture(colour=(9, 9, 9))
        names = [
            engine.upload("up.png", content, **form).json()["name"]
            for content, form in (
                (one, {}),
                (one, {}),
                (other, {}),
                (other, {"overwrite": "True"}),
                (other, {"overwrite": "1"}),
                (other, {}),
            )
        ]

        assert names == ["up.png", "up.png", "up (1).png", "up (1).png", "up.png", "up.png"]

    @pytest.mark.parametrize(
        ("name", "form", "status"),
        [
            ("x.png", {"subfolder": "../.."}, 400),
            ("x.png", {"subfolder": "/etc"}, 400),
            ("../../x.png", {}, 400),
            ("no/folder/x.png", {}, 500),
            ("x.png", {"type": "bogus"}, 500),
            ("", {}, 500),
        ],
    )
    def test_upload_that_leads_astray_is_refused(
        self, engine: Sandbox, name: str, form: dict[str, str], status: int
    ) -> None:
        """Or trips the engine."""
        assert engine.upload(name, picture(), **form).status_code == status

    def test_upload_without_a_file_is_refused(self, engine: Sandbox) -> None:
        """A text in its place trips the engine."""
        url = f"{engine.url}/upload/image"
        texts = ({"overwrite": "true"}, {"image": "text"})
        answers = [requests.post(url, data=text, timeout=PATIENCE_SECONDS) for text in texts]

        assert [answer.status_code for answer in answers] == [400, 500]

    @pytest.mark.parametrize(
        ("asked", "kind", "mode"),
        [
            ({}, "PNG", "RGBA"),
            ({"channel": "rgb"}, "PNG", "RGB"),
            ({"channel": "a"}, "PNG", "RGBA"),
            ({"preview": "webp;50"}, "WEBP", "RGBA"),
            ({"preview": "jpeg"}, "JPEG", "RGB"),
            ({"preview": "jpeg", "channel": "a"}, "WEBP", "RGBA"),
            ({"preview": "png", "channel": "rgb"}, "WEBP", "RGB"),
        ],
    )
    def test_picture_is_shown_as_asked(
        self, engine: Sandbox, asked: dict[str, str], kind: str, mode: str
    ) -> None:
        """In another format, or a part of it."""
        engine.upload("see.png", picture("RGBA", (1, 2, 3, 4)), overwrite="1")
        answer = engine.get("/view", filename="see.png", type="input", **asked)
        with Image.open(io.BytesIO(answer.content)) as image:
            assert (image.format, image.mode) == (kind, mode)
        assert answer.headers["Content-Disposition"] == 'filename="see.png"'

    def test_picture_without_transparency_is_opaque(self, engine: Sandbox) -> None:
        """Everywhere."""
        engine.upload("opaque.png", picture(), overwrite="1")
        answer = engine.get("/view", filename="opaque.png", type="input", channel="a")
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.getpixel((0, 0)) == (0, 0, 0, 255)

    @pytest.mark.parametrize(
        ("asked", "status"),
        [
            ({}, 404),
            ({"filename": ""}, 400),
            ({"filename": "../x"}, 400),
            ({"filename": "/etc/passwd"}, 400),
            ({"filename": "x", "subfolder": "../.."}, 403),
            ({"filename": "x", "subfolder": "/etc"}, 403),
            ({"filename": "x", "type": "bogus"}, 400),
            ({"filename": "nope.png"}, 404),
            ({"filename": "nope.png [temp]"}, 404),
        ],
    )
    def test_view_that_leads_astray_is_refused(
        self, engine: Sandbox, asked: dict[str, str], status: int
    ) -> None:
        """Or finds nothing."""
        assert engine.get("/view", **asked).status_code == status

    def test_page_is_never_shown_as_a_page(self, engine: Sandbox) -> None:
        """A browser must not run it."""
        (engine.base / "output" / "page.html").write_text("<script>")
        answer = engine.get("/view", filename="page.html")

        assert answer.headers["Content-Type"] == "application/octet-stream"


class TestFacts:
    """What the engine says of itself."""

    def test_sandbox_can_be_told_from_the_real_one(self, engine: Sandbox) -> None:
        """By the first argument; all else is alike."""
        stats = engine.json("/system_stats")

        assert stats["system"]["comfyui_version"] == "0.3.64"
        assert stats["system"]["argv"] == ["plasma-watch-sandbox", "--force-fp16", "--fp32-vae"]
        assert (stats["devices"][0]["name"], stats["devices"][0]["type"]) == ("sandbox", "cpu")

    def test_home_says_that_this_is_a_sandbox(self, engine: Sandbox) -> None:
        """To a person with a browser."""
        assert "sandbox" in engine.get("/").text

    def test_every_door_is_also_below_api(self, engine: Sandbox) -> None:
        """But for the internal ones."""
        assert engine.json("/api/prompt") == {"exec_info": {"queue_remaining": 0}}
        assert engine.get("/api/internal/logs").status_code == 404
        assert engine.get("/api/jobs").status_code == 404

    def test_log_is_kept(self, engine: Sandbox) -> None:
        """As lines, or as one text."""
        lines = engine.json("/internal/logs/raw")["entries"]

        assert __version__ in lines[0]["m"] or len(lines) == 300
        assert lines[-1]["m"] in engine.json("/internal/logs")

    def test_files_of_a_folder_are_listed_newest_first(self, engine: Sandbox) -> None:
        """Only of those that have a type."""
        assert engine.json("/internal/files/temp") == []
        assert engine.get("/internal/files/models").status_code == 400

    def test_embeddings_are_listed_without_suffix(self, engine: Sandbox) -> None:
        """As texts name them."""
        (engine.base / "models/embeddings/bad.v2.pt").touch()

        assert engine.json("/embeddings") == ["bad.v2"]

    @pytest.mark.parametrize(
        ("path", "content"),
        [
            ("loras/tagged.safetensors", {"__metadata__": {"ss_a": "1"}}),
            ("loras/bare.safetensors", {}),
        ],
    )
    def test_tags_of_a_model_are_shown(
        self, engine: Sandbox, path: str, content: dict[str, Any]
    ) -> None:
        """If it has any."""
        header = json.dumps(content).encode()
        (engine.base / "models" / path).write_bytes(struct.pack("<Q", len(header)) + header)
        folder, name = path.split("/")
        answer = engine.get(f"/view_metadata/{folder}", filename=name)

        assert answer.status_code == (200 if content else 404)

    @pytest.mark.parametrize(
        "asked",
        [
            {},
            {"filename": "nope.safetensors"},
            {"filename": "broken.safetensors"},
            {"filename": "control_v11p_sd15_openpose.pth"},
        ],
    )
    def test_tags_of_anything_else_are_not_found(
        self, engine: Sandbox, asked: dict[str, str]
    ) -> None:
        """No name, no file, no header, no such format."""
        (engine.base / "models/loras/broken.safetensors").touch()

        assert engine.get("/view_metadata/loras", **asked).status_code == 404

    def test_body_that_is_too_big_is_refused(self, engine: Sandbox) -> None:
        """Before it is read."""
        answer = requests.post(
            f"{engine.url}/prompt", data=bytes(101 << 20), timeout=PATIENCE_SECONDS
        )

        assert answer.status_code == 413
