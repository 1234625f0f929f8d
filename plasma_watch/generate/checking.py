"""What a request, the config and the template prove before anything runs, all told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from plasma_watch.config import Config
from plasma_watch.errors import Code, PlasmaError, Problem, gathered
from plasma_watch.generate import library
from plasma_watch.generate.resolve import Plan, resolve, slot_problems
from plasma_watch.generate.template import Template
from plasma_watch.request import GenerateRequest, flat
from plasma_watch.rules import generate_rules
from plasma_watch.system.beneath import locate
from plasma_watch.toml_check import KeyPath, line_of


def template_of(request: GenerateRequest, config: Config, workflows: Path) -> Template:
    """Return the template that a request means; the config's if it names none."""
    return library.load(workflows, request.workflow or config.defaults.workflow)


def check(  # noqa: PLR0917 - six facts, none of which belong together
    request: GenerateRequest,
    lines: Mapping[KeyPath, int],
    subject: str,
    config: Config,
    workflows: Path,
    roots: Sequence[Path],
) -> None:
    """Raise a PlasmaError that holds every problem of a well-formed request."""
    found = list(_outside(request, lines, roots))
    try:
        template = template_of(request, config, workflows)
    except PlasmaError as exc:
        line = line_of(["workflow"], lines)
        found.append(Problem(exc.code, "", exc.message, exc.hint, line))
    else:
        found += slot_problems(request, template, lines)
        found += _over_limits(request, template, config, lines)
    if found:
        raise gathered(subject, found)


def _outside(
    request: GenerateRequest, lines: Mapping[KeyPath, int], roots: Sequence[Path]
) -> Iterator[Problem]:
    named = {"controlnet.image": request.controlnet, "input.image": request.input}
    for field, table in named.items():
        if table is not None:
            try:
                locate(table.image, roots)
            except PlasmaError as exc:
                line = line_of(field.split("."), lines)
                yield Problem(exc.code, field, exc.message, exc.hint, line)


def _over_limits(
    request: GenerateRequest, template: Template, config: Config, lines: Mapping[KeyPath, int]
) -> Iterator[Problem]:
    """Hold what the template and the config fill in to the same limits as what was asked."""
    plan = resolve(request, template, config.defaults, drawn_seed=0)
    if wrong := list(_not_a_request(plan, template, line_of(["workflow"], lines))):
        yield from wrong
        return
    asked = {problem.field for problem in generate_rules(_asked(request), config.limits)}
    for problem in generate_rules(flat(plan.request), config.limits):
        if problem.field not in asked:
            yield problem


def _asked(request: GenerateRequest) -> dict[str, Any]:
    return flat(request.model_dump(exclude_none=True))


def _not_a_request(plan: Plan, template: Template, line: int) -> Iterator[Problem]:
    try:
        GenerateRequest.model_validate(plan.request)
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            field = ".".join(str(part) for part in error["loc"])
            said = f"of the workflow '{template.name}' has a default that no request may have"
            hint = f"Set {field} in the request, or mend workflows/{template.name}."
            yield Problem(Code.WORKFLOW_BROKEN, field, said, hint, line)
