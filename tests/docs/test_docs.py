"""Documentation that is tested: every command, key, code and example in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from plasma_watch.cli import app, front
from plasma_watch.config import Config, Limits
from plasma_watch.errors import FATES, Code, Fate
from plasma_watch.generate.template import SLOTS, SlotMap
from plasma_watch.request import GenerateRequest, TrainRequest, read_request
from plasma_watch.system import linux, macos
from plasma_watch.system.launchd import Launchd
from plasma_watch.system.services import DAEMON

TOP = Path(__file__).parents[2]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_WORDS = {Fate.FAIL: "fails", Fate.RETRY: "tried again", Fate.WAIT: "waits"}


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Yield page name and text of every fenced block of a language."""
    for page in PAGES:
        for found in _FENCE.finditer(page.read_text("utf-8")):
            if found[1] == language:
                yield page.name, found[2]


@pytest.mark.parametrize("text", [text for _, text in blocks("toml") if text.startswith("kind = ")])
def test_every_request_in_the_docs_is_good(text: str) -> None:
    """As far as text and limits prove it."""
    read_request(text.encode(), Limits(), "the example")


@pytest.mark.parametrize("text", [text for _, text in blocks("toml")])
def test_every_toml_block_is_toml(text: str) -> None:
    """Also status files and slot maps."""
    assert tomllib.loads(text)


def test_slot_map_in_the_docs_is_one() -> None:
    """With no key that a slot map does not have."""
    (text,) = [t for name, t in blocks("toml") if name == "workflows.md"]

    SlotMap.model_validate(tomllib.loads(text))


def test_every_slot_is_explained() -> None:
    """In the table of docs/workflows.md."""
    text = (TOP / "docs" / "workflows.md").read_text("utf-8")

    assert [slot for slot in SLOTS if f"`{slot}`" not in text] == []


def test_every_request_key_is_in_the_contract() -> None:
    """Both kinds, tables included; a manifest's own tables are told in §5."""
    text = (TOP / "docs" / "contract.md").read_text("utf-8")
    keys = [*GenerateRequest.model_fields, *TrainRequest.model_fields]

    missing = [key for key in keys if not re.search(rf"\b{key}\b", text)]

    assert missing == []


def test_every_config_key_is_in_the_contract() -> None:
    """Section by section, and nothing else is."""
    text = (TOP / "docs" / "contract.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `\[(\w+)\]` \| (.*) \|$", text, re.MULTILINE))

    told = {section: re.findall(r"`(\w+)`", keys) for section, keys in rows.items()}

    real = {s: list(f.annotation.model_fields) for s, f in Config.model_fields.items()}  # type: ignore[union-attr]
    assert told == real


def commands() -> set[str]:
    """Return every command, with its group before it."""
    found = set()
    for name, command in front.commands().items():
        inner = getattr(command, "commands", None)
        found |= {f"{name} {sub}" for sub in inner} if inner else {name}
    return found


_COMMAND = re.compile(r"`?plasma-watch ((?:(?:config|service|lora|dataset) )?[a-z]+)\b")


def test_every_command_in_the_docs_exists() -> None:
    """And every option that is shown with it."""
    known = commands()
    for page in PAGES:
        for said in _COMMAND.findall(page.read_text("utf-8")):
            assert said in known | {"workflow"}, f"{page.name} says plasma-watch {said}"


def test_every_command_is_in_the_contract() -> None:
    """None is hidden."""
    text = (TOP / "docs" / "contract.md").read_text("utf-8")

    assert [c for c in commands() if f"`plasma-watch {c}" not in text] == []


def test_every_option_shown_exists() -> None:
    """`--x` in the docs is an option of some command."""
    door = get_command(app)
    known = {"--help", *(option for parameter in door.params for option in parameter.opts)}
    for command in front.commands().values():
        for inner in getattr(command, "commands", {"": command}).values():
            known |= {option for parameter in inner.params for option in parameter.opts}
    flags_of_comfyui = {"--force-fp16", "--fp32-vae", "--preview-method"}
    for page in (TOP / "README.md", TOP / "docs" / "contract.md"):
        for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", page.read_text("utf-8")):
            assert option in known | flags_of_comfyui, f"{page.name} says {option}"


def error_rows() -> dict[str, str]:
    """Return code and row of every row in docs/errors.md."""
    text = (TOP / "docs" / "errors.md").read_text("utf-8")
    rows = re.finditer(r"^\| `([a-z]+\.[a-z-]+)` .*$", text, re.MULTILINE)
    return {row[1]: row[0] for row in rows}


def test_errors_page_lists_every_code_and_no_other() -> None:
    """Both ways."""
    assert set(error_rows()) == {code.value for code in Code}


def test_errors_page_tells_the_right_fate() -> None:
    """What becomes of the job, code by code."""
    rows = error_rows()
    jobless = {code for code in Code if code.startswith(("config.", "daemon."))}

    wrong = [
        c for c in set(Code) - jobless if f"| {_WORDS[FATES.get(c, Fate.FAIL)]} |" not in rows[c]
    ]

    assert wrong == []


def test_every_code_is_raised_by_a_test() -> None:
    """A code that no test meets is a promise that nobody keeps."""
    here = Path(__file__)
    texts = [p.read_text("utf-8") for p in (TOP / "tests").rglob("test_*.py") if p != here]
    told = "\n".join(texts)

    assert [c for c in Code if c.value not in told and f"Code.{c.name}" not in told] == []


def test_whoever_removes_it_is_told_what_lies_outside_the_home() -> None:
    """On either system; nothing is left that nobody knows of."""
    page = (TOP / "docs" / "launchd.md").read_text("utf-8")
    removing = page.partition("To remove it:")[2].partition("\n## ")[0]
    user = {"HOME": "~"}
    logs = Launchd(501, Path("~")).log(DAEMON).parent

    for folder in (macos.user_state(user), linux.user_state(user), logs):
        assert f"`{folder}`" in removing


def test_links_between_pages_lead_somewhere() -> None:
    """Relative links only; none is dead."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("path", sorted((TOP / "examples").glob("*.toml")), ids=lambda p: p.stem)
def test_every_example_is_good(path: Path) -> None:
    """What `init` writes can be dropped as it is."""
    read_request(path.read_bytes(), Limits(), path.name)


def test_make_targets_in_the_readme_exist() -> None:
    """And CI runs no other."""
    makefile = (TOP / "Makefile").read_text("utf-8")
    readme = (TOP / "README.md").read_text("utf-8")
    said = set(re.findall(r"\bmake (\w+)", readme)) | set(
        re.findall(r"^make (\w+)", (TOP / ".ci" / "run").read_text("utf-8"), re.MULTILINE)
    )

    assert [t for t in said if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []
    assert "test" in said
