"""No shell is ever started, and other programs only where the house says so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import plasma_watch

HOUSE = Path(plasma_watch.__file__).parent
STARTERS = {"Popen", "run", "call", "check_call", "check_output", "getoutput", "getstatusoutput"}
SHELLS = {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"}


def calls(path: Path) -> Iterator[tuple[str, str, ast.Call]]:
    """Yield module, name and node of each call on a module that could start something."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
                if module in ("os", "subprocess", "asyncio", "pty"):
                    yield module, name, node
            case _:
                pass


def everywhere() -> Iterator[tuple[Path, str, str, ast.Call]]:
    """Yield each such call of the whole house."""
    for path in HOUSE.rglob("*.py"):
        yield from ((path, *call) for call in calls(path))


def test_no_shell_is_started() -> None:
    """Neither by name nor by `shell=True`."""
    found = [
        f"{path.relative_to(HOUSE)}:{node.lineno}"
        for path, _, name, node in everywhere()
        if name in SHELLS or any(keyword.arg == "shell" for keyword in node.keywords)
    ]

    assert found == []


def test_other_programs_are_started_with_a_list() -> None:
    """Never with one text, in which a blank or a quote would mean something."""
    found = [
        f"{path.relative_to(HOUSE)}:{node.lineno}"
        for path, module, name, node in everywhere()
        if module == "subprocess" and name in STARTERS and _is_text(node)
    ]

    assert found == []


def _is_text(node: ast.Call) -> bool:
    return bool(node.args) and isinstance(node.args[0], ast.Constant | ast.JoinedStr)


def test_nothing_is_evaluated_or_unpickled() -> None:
    """No text becomes a program."""
    names = {"eval", "exec", "compile", "__import__"}
    found = [
        f"{path.relative_to(HOUSE)}:{node.lineno} {node.func.id}"
        for path in HOUSE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]

    assert found == []
    rooms = [path for path in HOUSE.rglob("*.py") if "sandbox" not in path.parts]
    assert [path for path in rooms if "import pickle" in path.read_text("utf-8")] == []
