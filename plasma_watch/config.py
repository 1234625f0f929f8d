"""`config.toml` as frozen values, every key with its default.

The shipped `config.toml` carries the same defaults with a comment each; a test holds the two
together. The environment wins over the file for the five variables of the contract.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from plasma_watch import toml_check
from plasma_watch.errors import Code, PlasmaError, Problem, gathered
from plasma_watch.toml_check import KeyPath, line_of
from plasma_watch.words import without_userinfo

GB = 1_000_000_000


def _path_text(text: str) -> str:
    if any(unicodedata.category(char) == "Cc" for char in text):
        raise ValueError("a path without control characters", "In quotes '…' a \\ stays a \\.")
    if text.startswith("~") and not (text + "/").startswith("~/"):
        raise ValueError("a path; only '~/' stands for a home folder", "Write it out from '/'.")
    return text


def _folder(text: str) -> str:
    if not text.strip():
        raise ValueError("a folder", "Take the key out for the default.")
    return _path_text(text)


def _absolute(text: str) -> str:
    if not _folder(text).startswith(("/", "~/")):
        raise ValueError("an absolute path", "Write it out from '/' or '~/'.")
    return text


PathText = Annotated[str, AfterValidator(_path_text)]
Folder = Annotated[str, AfterValidator(_folder)]
Root = Annotated[str, AfterValidator(_absolute)]
Device = Literal["auto", "mps", "cuda", "xpu", "cpu", "any"]
Positive = Annotated[int, Field(ge=1)]
Gigabytes = Annotated[float, Field(ge=0, le=100_000)]
Days = Annotated[int, Field(ge=0, le=36_500)]


class Section(BaseModel):
    """A table of the config: frozen, strict, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Paths(Section):
    """Where things lie; relative to the home unless absolute."""

    output: Folder = "output"
    datasets: Folder = "datasets"
    loras: Folder = "loras"
    workflows: Folder = "workflows"
    allowed_roots: list[Root] = []


class Intake(Section):
    """When a dropped file is taken."""

    settle_seconds: float = Field(1.0, ge=0.05, le=3600)
    rescan_seconds: float = Field(15, ge=0.5, le=3600)
    max_request_kb: int = Field(256, ge=1, le=65_536)
    max_picture_mb: int = Field(64, ge=1, le=4096)


class Comfyui(Section):
    """The generating engine."""

    url: str = "auto"
    dir: PathText = ""
    manage: bool = False
    python: PathText = ""
    arguments: list[str] = [
        "--listen",
        "127.0.0.1",
        "--force-fp16",
        "--fp32-vae",
        "--preview-method",
        "latent2rgb",
    ]
    environment: dict[str, str] = {}
    start_seconds: float = Field(180, ge=5, le=3600)
    restarts: Positive = 5
    recycle_gb: Gigabytes = 10.0
    required_device: Device = "auto"
    allow_remote: bool = False
    allow_plain_http: bool = False
    hang_seconds: float = Field(300, ge=10, le=86_400)


class Kohya(Section):
    """The training engine."""

    script: PathText = ""
    python: PathText = ""
    required_device: Device = "auto"
    quiet_minutes: float = Field(10, gt=0, le=1440)


class Limits(Section):
    """What a request may ask for."""

    max_width: Positive = 512
    max_height: Positive = 768
    max_steps: Positive = 150
    max_count: Positive = 200
    min_images: Positive = 15
    max_train_resolution: Positive = 512
    max_train_steps: Positive = 20_000
    attempts: Positive = 3


class Memory(Section):
    """Free unified memory, in GB of 10^9 bytes."""

    generate_gb: Gigabytes = 6.0
    generate_warm_gb: Gigabytes = 3.5
    train_gb: Gigabytes = 9.0
    reserve_gb: Gigabytes = 1.5
    wait_minutes: float = Field(0, ge=0)


class Power(Section):
    """What may start without the mains."""

    train_on_battery: bool = False
    train_battery_percent: int = Field(30, ge=0, le=100)


class Disk(Section):
    """Free disk space, in GB of 10^9 bytes."""

    reserve_gb: Gigabytes = 15


class Defaults(Section):
    """What a request that does not say otherwise means."""

    workflow: str = "txt2img-lora"
    checkpoint: str = "anything-v5-PrtRE.safetensors"
    negative: str = "lowres, bad anatomy, bad hands, extra digits, text, watermark"
    steps: Positive = 20
    cfg: float = Field(7.0, ge=0, le=100)
    sampler: str = "euler_ancestral"
    scheduler: str = "normal"
    width: Positive = 512
    height: Positive = 768


class Retention(Section):
    """How long finished jobs and their status are kept, in days; 0 keeps them."""

    done_days: Days = 30
    failed_days: Days = 90
    status_days: Days = 30


class Gallery(Section):
    """The page to look at."""

    enabled: bool = False


class Notify(Section):
    """Notifications."""

    enabled: bool = True
    waiting_minutes: float = Field(15, ge=0)


class Sandbox(Section):
    """The stand-in engine."""

    seconds_per_step: float = Field(0.05, ge=0, le=3600)


class Config(Section):
    """Everything that can be set."""

    paths: Paths = Paths()
    intake: Intake = Intake()
    comfyui: Comfyui = Comfyui()
    kohya: Kohya = Kohya()
    limits: Limits = Limits()
    memory: Memory = Memory()
    disk: Disk = Disk()
    power: Power = Power()
    defaults: Defaults = Defaults()
    retention: Retention = Retention()
    gallery: Gallery = Gallery()
    notify: Notify = Notify()
    sandbox: Sandbox = Sandbox()


_FROM_ENVIRONMENT = {
    "COMFYUI_URL": ("comfyui", "url"),
    "COMFYUI_DIR": ("comfyui", "dir"),
    "KOHYA_SCRIPT": ("kohya", "script"),
    "KOHYA_PYTHON": ("kohya", "python"),
}


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Read the config of a home.

    Raises PlasmaError `config.broken` with every problem and its line, or `config.remote-engine`.
    """
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise PlasmaError(
            Code.CONFIG_BROKEN, f"{path} cannot be read: {exc.strerror}", _HINT
        ) from exc
    return parse_config(raw, environ, str(path))


_HINT = (
    "Mend what is named. Or move config.toml away: then `plasma-watch init` with the home's folder "
    "writes a fresh one."
)


def parse_config(raw: bytes, environ: Mapping[str, str], subject: str = "config.toml") -> Config:
    """Turn the bytes of a config file into a Config; the environment wins over the file."""
    try:
        text = toml_check.decode(raw, subject) if raw.strip() else ""
        table = toml_check.parse(text, subject)
    except PlasmaError as exc:
        hint = exc.hint.removeprefix(toml_check.OF_REQUESTS)
        raise PlasmaError(Code.CONFIG_BROKEN, exc.message, f"{hint} {_HINT}".strip()) from exc
    lines = toml_check.line_numbers(text)
    try:
        config = Config.model_validate(_with_environment(table, environ))
    except ValidationError as exc:
        problems = toml_check.problems_of(exc, Config, lines)
        raise _broken(subject, problems) from exc
    if problem := _address_problem(config.comfyui):
        raise _of_address(problem, subject, environ, lines)
    if managed := list(_managing_problems(config.comfyui)):
        raise gathered(
            subject, [replace(p, line=line_of(p.field.split("."), lines)) for p in managed]
        )
    return config


def _broken(subject: str, problems: list[Problem]) -> PlasmaError:
    error = gathered(subject, [replace(problem, code=Code.CONFIG_BROKEN) for problem in problems])
    return PlasmaError(error.code, error.message, f"{error.hint} {_HINT}".strip(), error.problems)


def _of_address(
    problem: Problem, subject: str, environ: Mapping[str, str], lines: Mapping[KeyPath, int]
) -> PlasmaError:
    """Return the error of a wrong address, by the place that it was read from."""
    if environ.get("COMFYUI_URL"):
        return gathered("the environment", [replace(problem, field="COMFYUI_URL")])
    return gathered(subject, [replace(problem, line=line_of(("comfyui", "url"), lines))])


def _with_environment(table: toml_check.Table, environ: Mapping[str, str]) -> toml_check.Table:
    merged = {
        key: dict(value) if isinstance(value, dict) else value for key, value in table.items()
    }
    for variable, (section, key) in _FROM_ENVIRONMENT.items():
        if (value := environ.get(variable)) and isinstance(merged.setdefault(section, {}), dict):
            merged[section][key] = value
    return merged


def _address_problem(comfyui: Comfyui) -> Problem | None:
    host = _host(comfyui.url)
    if comfyui.url == "auto" or (host and is_loopback(host)):
        return None
    if host:
        return _remote_problem(comfyui, host)
    shown = toml_check.shown(without_userinfo(comfyui.url))
    return Problem(
        Code.CONFIG_BROKEN,
        "comfyui.url",
        f"is {shown}; expected an address of http or https",
        'For example "http://127.0.0.1:8188", or "auto".',
    )


def _remote_problem(comfyui: Comfyui, host: str) -> Problem | None:
    """Hold another machine's address to what was said of it: that it is meant, and how it goes."""
    is_open = urlsplit(comfyui.url).scheme == "http" and not comfyui.allow_plain_http
    hints = [] if comfyui.allow_remote else [_IF_MEANT]
    hints += [_USE_HTTPS] if is_open else []
    said = f"names another machine ({host})" + (" over http" if is_open else "")
    problem = Problem(Code.CONFIG_REMOTE_ENGINE, "comfyui.url", said, " ".join(hints))
    return problem if hints else None


_IF_MEANT = (
    "Prompts and pictures would travel the network. "
    "If that is meant, set `allow_remote = true` under [comfyui]."
)
_USE_HTTPS = (
    "Everybody in between could read them: use https, or set `allow_plain_http = true` as well."
)


def _managing_problems(comfyui: Comfyui) -> Iterator[Problem]:
    """Yield what keeps us from looking after ComfyUI ourselves, if that is asked for."""
    if not comfyui.manage:
        return
    if not comfyui.dir:
        said, hint = "needs comfyui.dir", "Name ComfyUI's folder, or set COMFYUI_DIR."
        yield Problem(Code.CONFIG_BROKEN, "comfyui.manage", said, hint)
    if comfyui.url != "auto" and not is_loopback(_host(comfyui.url) or ""):
        said, hint = "cannot be another machine's with manage = true", "Take one of them out."
        yield Problem(Code.CONFIG_BROKEN, "comfyui.url", said, hint)
    if len(_WATERMARKS & comfyui.environment.keys()) == 1:
        said = "sets one of PyTorch's two watermarks; it refuses to start with that"
        hint = f"Set both: {' and '.join(sorted(_WATERMARKS))}, for example 1.15 and 1.0."
        yield Problem(Code.CONFIG_BROKEN, "comfyui.environment", said, hint)
    if "--port" in comfyui.arguments:
        said, hint = "names a port", "The port is that of comfyui.url; 8188 if that is auto."
        yield Problem(Code.CONFIG_BROKEN, "comfyui.arguments", said, hint)
    if not comfyui.allow_remote and not is_loopback(_listens_to(comfyui.arguments)):
        said = "would let other machines in: ComfyUI asks nobody for a password"
        hint = 'Say "--listen", "127.0.0.1"; or, if that is meant, set `allow_remote = true`.'
        yield Problem(Code.CONFIG_REMOTE_ENGINE, "comfyui.arguments", said, hint)


_WATERMARKS = frozenset({"PYTORCH_MPS_HIGH_WATERMARK_RATIO", "PYTORCH_MPS_LOW_WATERMARK_RATIO"})


def _listens_to(arguments: Sequence[str]) -> str:
    """Return the address that ComfyUI would listen to: its own default, or what is said last."""
    said = "127.0.0.1"
    for argument, after in zip(arguments, (*arguments[1:], "--"), strict=True):
        if argument == "--listen":
            said = "0.0.0.0" if after.startswith("--") else after  # noqa: S104 - as it does itself
        elif argument.startswith("--listen="):
            said = argument.partition("=")[2]
    return said


def _host(url: str) -> str | None:
    """Return the host of an address of http or https, or None when it is no such address."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # brackets without an IPv6 address, a port over 65535
        return None
    return parts.hostname if is_address else None


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
