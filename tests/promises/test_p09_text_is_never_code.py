"""Promise 9: text from a model is never code: no exec, eval, pickle or shell anywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import familychat
import familychat_cli

FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen", "execfile", "getoutput"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "pty", "commands"}
PROCESSES = {"subprocess", "multiprocessing"}
MAY_START_PROCESSES = {"familychat/llm/practice_model.py", "familychat_cli/testing.py"}
"""The first runs pip with fixed words; the second is for tests."""


def sources() -> Iterator[tuple[str, ast.AST]]:
    for package in (familychat, familychat_cli):
        folder = Path(package.__path__[0])
        for path in folder.rglob("*.py"):
            yield f"{folder.name}/{path.relative_to(folder).as_posix()}", ast.parse(path.read_text("utf-8"))


def offences(name: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            is_plain_method = isinstance(node.func, ast.Attribute) and called in {"compile"}  # re.compile
            if called in FORBIDDEN_CALLS and not is_plain_method:
                yield f"{name}:{node.lineno} calls {called}"
            for keyword in node.keywords:
                if keyword.arg == "shell":
                    yield f"{name}:{node.lineno} may use a shell"
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for module in (one.partition(".")[0] for one in names):
                if module in FORBIDDEN_MODULES or (module in PROCESSES and name not in MAY_START_PROCESSES):
                    yield f"{name}:{node.lineno} imports {module}"


def test_no_source_can_run_text() -> None:
    found = list(sources())
    assert len(found) > 50
    assert [offence for name, tree in found for offence in offences(name, tree)] == []


@pytest.mark.parametrize(
    "source",
    [
        "eval(x)",
        "exec(x)",
        "import os\nos.system(x)",
        "import pickle",
        "from subprocess import run",
        "run(x, shell=True)",
    ],
)
def test_the_walk_sees_what_it_should(source: str) -> None:
    assert list(offences("familychat/x.py", ast.parse(source)))
