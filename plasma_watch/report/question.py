"""What is looked for among all that was made, and how the index is asked for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for; what is None is not asked."""

    character: str | None = None
    chapter: int | None = None
    page: int | None = None
    prompt: str | None = None
    seed: int | None = None
    model: str | None = None
    workflow: str | None = None
    since: date | None = None
    until: date | None = None
    approved: bool = False


def terms_of(asked: Question) -> tuple[list[str], list[Any]]:
    """Return what must hold, and the values that it speaks of."""
    terms: list[tuple[str, list[Any]]] = []
    if asked.character is not None:
        name = asked.character.casefold()
        names = [name, f"{name}.safetensors", f"{_literal(name)}-????????.safetensors"]
        terms.append(("(+lora IN (?, ?) OR +lora GLOB ?)", names))
    plain = {"chapter": asked.chapter, "page": asked.page, "workflow": asked.workflow}
    terms += [(f"{column} = ?", [v]) for column, v in plain.items() if v is not None]
    if asked.seed is not None:
        terms.append(("seed = ?", [str(asked.seed)]))
    if asked.model is not None:
        terms.append(("instr(checkpoint, ?)", [asked.model.casefold()]))
    terms += [("instr(prompt, ?)", [word]) for word in (asked.prompt or "").casefold().split()]
    if asked.since is not None:
        terms.append(("made >= ?", [asked.since.isoformat()]))
    if asked.until is not None:
        terms.append(("made < ?", [f"{asked.until.isoformat()}T99"]))
    if asked.approved:
        terms.append(("approved", []))
    return [term for term, _ in terms], [value for _, values in terms for value in values]


def _literal(text: str) -> str:
    """Return a text as GLOB takes it for itself."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in text)
