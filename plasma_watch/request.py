"""What a request may say: the two kinds as frozen models, and how a file becomes one of them.

Everything here is decided from the text of the file and the limits of the config alone. What needs
a template, the disk or an engine is asked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from plasma_watch import toml_check
from plasma_watch.config import Config, Limits
from plasma_watch.errors import Code, Problem, gathered
from plasma_watch.rules import (
    MAX_SEED,
    MAX_TRAIN_SEED,
    generate_rules,
    is_single_line,
    stays_below,
    train_rules,
)

MAX_DRAWN_SEED = 2**53 - 1
"""The largest seed that is drawn here: every program that reads JSON holds it exactly."""
LORA_STRENGTH = 0.8
"""How strongly a LoRA is laid over the checkpoint where nothing is said."""


# What a validator raises says what it expected and, second, the way out.


def _text(text: str) -> str:
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("text of whole characters", "Half of one cannot be written to a file.")
    return text


def _single_line(text: str) -> str:
    if not text.strip() or not is_single_line(text):
        raise ValueError("one line of text, not empty", "Take line ends, tabs and the like out.")
    return text


def _weights_name(text: str) -> str:
    if not stays_below(text) or not text.endswith(".safetensors"):
        raise ValueError("the name of a .safetensors file", _ONLY_SAFE)
    return text


def _lora_name(text: str) -> str:
    if not stays_below(text) or PurePosixPath(text).suffix.lower() in _UNSAFE_WEIGHTS:
        raise ValueError("a LoRA trained here, or the name of a .safetensors file", _ONLY_SAFE)
    return text


def _controlnet_name(text: str) -> str:
    if not stays_below(text) or PurePosixPath(text).suffix not in (".safetensors", ".pth"):
        raise ValueError("the name of a .safetensors or .pth file", _ONLY_SAFE)
    return text


def _only_one(found: object) -> object:
    if isinstance(found, list):
        said = ("one table", "At most one ControlNet at a time: keep one of them.")
        raise ValueError(*said)  # noqa: TRY004 - pydantic tells of this one
    return found


def _own_lora_name(text: str) -> str:
    if not _OWN_LORA.fullmatch(text):
        raise ValueError(
            "a name of letters, digits, '.', '_' and '-' that begins with a letter or a digit",
            "At most 64 of them: it becomes a folder's and a file's name.",
        )
    return text


_UNSAFE_WEIGHTS = frozenset({".ckpt", ".pt", ".pth", ".bin", ".pkl"})
_ONLY_SAFE = (
    "A name below ComfyUI's folder, without '..' or a leading '/'. Other formats can run code."
)
_OWN_LORA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Text = Annotated[str, AfterValidator(_text)]
Line = Annotated[str, AfterValidator(_single_line)]
WeightsName = Annotated[str, AfterValidator(_weights_name)]
LoraName = Annotated[str, AfterValidator(_lora_name)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Steps = Annotated[int, Field(ge=1)]
Cfg = Annotated[float, Field(ge=0, le=100)]
Side = Annotated[int, Field(ge=16, multiple_of=8)]
Strength = Annotated[float, Field(ge=-10, le=10)]


class Strict(BaseModel):
    """A table of a request: frozen, strict, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Lora(Strict):
    """The LoRA that is laid over the checkpoint."""

    name: LoraName
    strength: Strength = LORA_STRENGTH


class Controlnet(Strict):
    """The ControlNet and the picture that guides it."""

    name: Annotated[str, AfterValidator(_controlnet_name)]
    image: Line
    strength: float = Field(0.7, ge=0, le=10)


class Input(Strict):
    """The picture that image to image starts from."""

    image: Line
    denoise: float = Field(0.6, ge=0, le=1)


class Sweep(Strict):
    """Values to try: every combination makes a picture; they stand in place of the key itself."""

    seed: list[Seed] = Field([], min_length=1)
    lora: list[LoraName] = Field([], min_length=1)
    lora_strength: list[Strength] = Field([], min_length=1)
    prompt: list[Text] = Field([], min_length=1)
    cfg: list[Cfg] = Field([], min_length=1)
    steps: list[Steps] = Field([], min_length=1)
    sampler: list[Line] = Field([], min_length=1)
    checkpoint: list[WeightsName] = Field([], min_length=1)


class GenerateRequest(Strict):
    """A picture, or `count` of them. What is None was left out and means the config's default.

    Where prompts are swept over and none is given, the first of them stands for it.
    """

    kind: Literal["generate"]
    workflow: Line | None = None
    chapter: int | None = Field(None, ge=0, le=9999)
    page: int | None = Field(None, ge=0, le=9999)
    output: Line | None = None
    prompt: Text
    negative: Text | None = None
    seed: Seed | None = None
    steps: Steps | None = None
    cfg: Cfg | None = None
    sampler: Line | None = None
    scheduler: Line | None = None
    width: Side | None = None
    height: Side | None = None
    checkpoint: WeightsName | None = None
    count: int = Field(1, ge=1)
    once: bool = False
    note: Text = ""
    allow_changed_models: bool = False
    lora: Lora | None = None
    controlnet: Annotated[Controlnet | None, BeforeValidator(_only_one)] = None
    input: Input | None = None
    sweep: Sweep | None = None

    # What a manifest carries besides its request; read for its hashes, never as instructions.
    result: dict[str, Any] | None = None
    engine: dict[str, Any] | None = None
    models: list[dict[str, Any]] | None = None
    inputs: list[dict[str, Any]] | None = None
    daemon: dict[str, Any] | None = None
    graph: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _prompted(cls, table: Any) -> Any:  # noqa: ANN401 - not validated yet
        match table:
            case {"sweep": {"prompt": [str(first), *_]}} if "prompt" not in table:
                return {**table, "prompt": first}
            case _:
                return table


MANIFEST_TABLES = ("result", "engine", "models", "inputs", "daemon", "graph")


class TrainRequest(Strict):
    """A LoRA to be trained."""

    kind: Literal["train"]
    lora: Annotated[str, AfterValidator(_own_lora_name)]
    dataset: Line
    trigger: Line
    base: WeightsName | None = None
    steps: Steps | None = None
    epochs: int | None = Field(None, ge=1, le=10_000)
    resolution: int = Field(512, ge=64, multiple_of=64)
    dim: int = Field(16, ge=1, le=256)
    alpha: float = Field(8, gt=0, le=256)
    learning_rate: float = Field(1e-4, gt=0, le=1)
    seed: int = Field(42, ge=0, le=MAX_TRAIN_SEED)
    save_every: Steps = 200
    regularization: Line | None = None
    samples: list[Line] = Field([], max_length=32)
    calibrate: int = Field(0, ge=0, le=1000)
    yield_to_urgent: bool = False
    note: Text = ""
    batch_size: int = 1
    optimizer: str = "AdamW"
    mixed_precision: str = "no"

    # What the manifest of a LoRA carries besides its request; never instructions.
    result: dict[str, Any] | None = None
    chosen: dict[str, Any] | None = None
    recipe: dict[str, Any] | None = None
    engine: dict[str, Any] | None = None
    daemon: dict[str, Any] | None = None
    models: list[dict[str, Any]] | None = None
    inputs: list[dict[str, Any]] | None = None
    versions: list[dict[str, Any]] | None = None


LORA_TABLES = ("result", "chosen", "recipe", "engine", "daemon", "models", "inputs", "versions")

Request: TypeAlias = GenerateRequest | TrainRequest

_MODELS: dict[str, type[GenerateRequest | TrainRequest]] = {
    "generate": GenerateRequest,
    "train": TrainRequest,
}
_RULES: dict[str, Callable[[Mapping[str, Any], Limits], Iterable[Problem]]] = {
    "generate": generate_rules,
    "train": train_rules,
}


def read_request(
    raw: bytes, limits: Limits, subject: str
) -> tuple[Request, dict[toml_check.KeyPath, int]]:
    """Turn the bytes of a request file into a checked request and the line of each of its keys.

    Raises PlasmaError with a `request.*` code that holds every problem of the file.
    """
    text = toml_check.decode(raw, subject)
    table = toml_check.parse(text, subject)
    lines = toml_check.line_numbers(text)
    return check_request(table, limits, subject, lines), lines


def check_request(
    table: toml_check.Table,
    limits: Limits,
    subject: str,
    lines: Mapping[toml_check.KeyPath, int],
) -> Request:
    """Turn a parsed table into a checked request, or raise every problem at once."""
    kind = _kind(table, subject, lines)
    request, problems, wrong = _validated(table, _MODELS[kind], lines)
    values = {key: None if key in wrong else value for key, value in flat(table).items()}
    for problem in _RULES[kind](values, limits):
        line = toml_check.line_of(problem.field.split("."), lines)
        problems.append(replace(problem, line=line))
    if request is None or problems:
        raise gathered(subject, problems)
    return request


def _kind(table: toml_check.Table, subject: str, lines: Mapping[toml_check.KeyPath, int]) -> str:
    kind = table.get("kind")
    if isinstance(kind, str) and kind in _MODELS:
        return kind
    said = f"is {toml_check.shown(kind)}" if "kind" in table else "is missing"
    hint = 'Write `kind = "generate"` for pictures, or `kind = "train"` for a LoRA.'
    line = toml_check.line_of(["kind"], lines)
    raise gathered(subject, [Problem(Code.REQUEST_UNKNOWN_KIND, "kind", said, hint, line)])


def _validated(
    table: toml_check.Table,
    model: type[GenerateRequest | TrainRequest],
    lines: Mapping[toml_check.KeyPath, int],
) -> tuple[Request | None, list[Problem], set[str]]:
    """Return the request, or what is wrong and which keys that makes unfit to be looked at."""
    try:
        return model.model_validate(table), [], set()
    except ValidationError as exc:
        problems = toml_check.problems_of(exc, model, lines)
        return None, problems, toml_check.fields_of(exc)


def flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with the keys of its tables as `table.key`, beside the tables themselves."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": item for inner, item in value.items()}
        flat[key] = value
    return flat


def schema(kind: str, config: Config) -> dict[str, Any]:
    """Return the JSON Schema of a kind of request, with the config's limits written in."""
    made = _MODELS[kind].model_json_schema()
    for key, most in _LIMITED[kind](config.limits).items():
        for branch in _branches(made["properties"][key]):
            branch["maximum"] = most
    return made


_LIMITED = {
    "generate": lambda limits: {
        "steps": limits.max_steps,
        "count": limits.max_count,
        "width": max(limits.max_width, limits.max_height),  # either way round
        "height": max(limits.max_width, limits.max_height),
    },
    "train": lambda limits: {
        "steps": limits.max_train_steps,
        "resolution": limits.max_train_resolution,
    },
}


def _branches(prop: dict[str, Any]) -> list[dict[str, Any]]:
    return [b for b in prop.get("anyOf", [prop]) if b.get("type") == "integer"]
