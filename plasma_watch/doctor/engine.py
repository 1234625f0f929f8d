"""ComfyUI: does it answer, is it fit, has it the nodes and models that the templates name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.engine import AUTO_URLS
from plasma_watch.comfyui.facts import Facts, check_fit
from plasma_watch.comfyui.launch import interpreter
from plasma_watch.config import Comfyui, Config
from plasma_watch.doctor.line import Line, green, red, yellow
from plasma_watch.doctor.machine import torch_line
from plasma_watch.errors import Code, PlasmaError, Problem
from plasma_watch.generate import library, preflight
from plasma_watch.generate.resolve import resolve
from plasma_watch.generate.template import Template, fill
from plasma_watch.home import Home
from plasma_watch.request import GenerateRequest
from plasma_watch.system import platform
from plasma_watch.words import without_userinfo

_POSE_NODE = "OpenposePreprocessor"
_READ_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Workflow:
    """One template, as this engine would take it."""

    name: str
    problems: tuple[Problem, ...]
    """What would be refused of a page without any of the optional parts."""
    missing_nodes: tuple[str, ...]
    """Node classes of it that this engine does not have, optional parts included."""
    broken: str = ""
    """Why it cannot be read at all."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What was read of ComfyUI."""

    urls: tuple[str, ...]
    facts: Facts | None = None
    silence: str = ""
    """Why nothing was read."""
    objection: str = ""
    """Why it is not fit; empty if it is."""
    way_out: str = ""
    has_pose_node: bool | None = None
    controlnets: tuple[str, ...] = ()
    has_manager: bool | None = None
    """None where nobody can tell."""
    workflows: tuple[Workflow, ...] = ()
    is_managed: bool = False
    python_is_there: bool | None = None
    """Whether there is what a managed one is started with; None for one that is not managed."""


def read(home: Home, config: Config) -> Engine:
    """Read all of it from the first engine that answers."""
    urls = AUTO_URLS if config.comfyui.url == "auto" else (config.comfyui.url,)
    known = _known(config.comfyui, [without_userinfo(url) for url in urls])
    errors: list[PlasmaError] = []
    for url in urls:
        client = Client(url, _READ_SECONDS)
        try:
            return _read(client, known, home, config)
        except PlasmaError as exc:
            errors.append(exc)
        finally:
            client.close()
    return _with(known, silence=_silence(errors, known.urls))


def _silence(errors: Sequence[PlasmaError], urls: Sequence[str]) -> str:
    others = [exc.message for exc in errors if exc.code is not Code.ENGINE_UNREACHABLE]
    return "; ".join(others) or f"ComfyUI does not answer at {' or '.join(urls)}"


def _known(comfyui: Comfyui, urls: Sequence[str]) -> Engine:
    folder = Path(comfyui.dir).expanduser() if comfyui.dir else None
    nodes = folder / "custom_nodes" if folder else None
    is_there = None
    if comfyui.manage and folder:
        is_there = interpreter(comfyui).exists() and (folder / "main.py").exists()
    return Engine(
        urls=tuple(urls),
        has_manager=_has_manager(nodes) if nodes and nodes.is_dir() else None,
        is_managed=comfyui.manage,
        python_is_there=is_there,
    )


def _has_manager(nodes: Path) -> bool:
    with contextlib.suppress(OSError):
        return any("manager" in path.name.lower() for path in nodes.iterdir())
    return False


def _with(known: Engine, **more: Any) -> Engine:  # noqa: ANN401 - fields of an engine
    told = {name: getattr(known, name) for name in Engine.__dataclass_fields__}
    return Engine(**told | more)


def _read(client: Client, known: Engine, home: Home, config: Config) -> Engine:
    facts = client.system_stats()
    objection, way_out = _objection(facts, config.comfyui)
    found = _with(
        known,
        urls=(without_userinfo(client.url),),
        facts=facts,
        objection=objection,
        way_out=way_out,
    )
    with contextlib.suppress(PlasmaError):  # what it does not tell stays unknown
        return _with(
            found,
            has_pose_node=bool(client.object_info(_POSE_NODE)),
            controlnets=tuple(client.models("controlnet")),
            workflows=tuple(_workflows(client, home, config)),
        )
    return found


def _objection(facts: Facts, comfyui: Comfyui) -> tuple[str, str]:
    required = comfyui.required_device
    try:
        check_fit(facts, platform.DEFAULT_DEVICE if required == "auto" else required)
    except PlasmaError as exc:
        return exc.message, exc.hint
    return "", ""


def _workflows(client: Client, home: Home, config: Config) -> Iterator[Workflow]:
    folder = home.at(config.paths.workflows)
    known: dict[str, Mapping[str, Any]] = {}
    for name in library.names(folder):
        try:
            template = library.load(folder, name)
        except PlasmaError as exc:
            yield Workflow(name, (), (), exc.message)
            continue
        classes = preflight.node_classes(template.graph)
        for node_class in set(classes) - known.keys():
            known[node_class] = client.object_info(node_class)
        missing = tuple(node_class for node_class in classes if not known[node_class])
        yield Workflow(name, tuple(_problems(template, known, config)), missing)


def _problems(
    template: Template, infos: Mapping[str, Mapping[str, Any]], config: Config
) -> Iterator[Problem]:
    """Yield what a page without optional parts would meet; its pictures are not looked at."""
    request = GenerateRequest.model_validate({"kind": "generate", "prompt": "a test"})
    plan = resolve(request, template, config.defaults, 0)
    slots = dict(plan.slots) | {"filename_prefix": "doctor"}
    graph = fill(template, slots, plan.left_out)
    yield from preflight.problems(template, graph, infos)


def judge(engine: Engine, system: str) -> Iterator[Line]:
    """Judge what was read."""
    if engine.facts is None:
        yield _silent(engine)
        return
    facts = engine.facts
    kind = "the sandbox, as ComfyUI" if facts.is_sandbox else "ComfyUI"
    said = f"{kind} {facts.version} on {facts.device} at {engine.urls[0]}"
    if engine.objection:
        yield red("ComfyUI", f"{said}: {engine.objection}", engine.way_out)
    else:
        yield green("ComfyUI", said)
    if line := torch_line("ComfyUI's PyTorch", facts.torch, system):
        yield line
    yield from _extras(engine)
    yield from _templates(engine.workflows)


def _silent(engine: Engine) -> Line:
    where = " or ".join(engine.urls)
    if engine.python_is_there is False:
        said = "manage = true, and its main.py or its Python is not there"
        return red("ComfyUI", said, "Mend comfyui.dir and comfyui.python.")
    if engine.is_managed:
        said = f"does not run; it is started when a page is due ({where})"
        return yellow("ComfyUI", said, "`plasma-watch doctor --picture` makes one.")
    return red("ComfyUI", engine.silence, "Start it, or set comfyui.url or `manage = true`.")


def _extras(engine: Engine) -> Iterator[Line]:
    if engine.has_manager is False:
        said = "ComfyUI-Manager is not installed"
        yield yellow("ComfyUI-Manager", said, "It installs what workflows need.")
    if engine.has_pose_node is False:
        said = "ControlNet-Aux is not installed: poses cannot be read off pictures"
        yield yellow(
            "ControlNet-Aux", said, "Install comfyui_controlnet_aux, for example by Manager."
        )
    if not any("openpose" in name.lower() for name in engine.controlnets):
        said = "no OpenPose model in models/controlnet"
        repair = "Put control_v11p_sd15_openpose.pth there, if pages shall follow poses."
        yield yellow("OpenPose", said, repair)


def _templates(workflows: Sequence[Workflow]) -> Iterator[Line]:
    good = []
    for workflow in workflows:
        lines = list(_template(workflow))
        good += [] if lines else [workflow.name]
        yield from lines
    if good:
        yield green("workflows", f"{', '.join(good)}: every node and model is there")


def _template(workflow: Workflow) -> Iterator[Line]:
    what = f"workflow {workflow.name}"
    if workflow.broken:
        yield red(what, workflow.broken, "docs/workflows.md")
    for problem in workflow.problems:
        yield red(what, f"{problem.field} {problem.message}", problem.hint)
    told = " ".join(problem.message for problem in workflow.problems)
    if left := [node for node in workflow.missing_nodes if f"'{node}'" not in told]:
        said = f"its optional parts need {', '.join(left)}, which ComfyUI does not have"
        yield yellow(what, said, "Pages that use those parts are refused.")
