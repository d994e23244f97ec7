"""Promise 9: text from a model is never code: no exec, eval, pickle or shell anywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import familychat
import familychat_cli
import familychat_music
import familychat_web

FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen", "execfile", "getoutput"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "pty", "commands"}
PROCESSES = {"subprocess", "multiprocessing"}
MAY_START_PROCESSES = {
    "familychat/llm/practice_model.py",
    "familychat_cli/testing.py",
    "familychat_music/working.py",
    "familychat_music/importing/workbook.py",
}
"""The first runs pip with fixed words; the second is for tests; the others run a file of this package by its path."""


def sources() -> Iterator[tuple[str, ast.AST]]:
    for package in (familychat, familychat_cli, familychat_web, familychat_music):
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


BY_NAME = {"eval", "exec", "__import__", "execfile"}
SHELLS = {"create_subprocess_shell", "create_subprocess_exec", "subprocess_shell", "subprocess_exec", "getstatusoutput"}
SHELLS |= {name + end for name in ("exec", "spawn") for end in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")}
SHELLS |= {"posix_spawn", "posix_spawnp", "startfile", "enable_load_extension", "load_extension"}
RUNNERS = {"runpy", "code", "codeop", "cffi", "yaml", "_posixsubprocess", "_pickle"}
FIXED_WORDS = {
    "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check",
    "--no-cache-dir", "--progress-bar=raw", "--dest",
}  # fmt: skip


def hidden_offences(name: str, tree: ast.AST) -> Iterator[str]:
    """Roads to the same that go by without a plain call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in BY_NAME:
            yield f"{name}:{node.lineno} names {node.id}"
        elif isinstance(node, ast.Attribute) and node.attr in SHELLS | BY_NAME:
            yield f"{name}:{node.lineno} names {node.attr}"
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            names = {alias.name for alias in node.names}
            found = names & (SHELLS | BY_NAME | FORBIDDEN_CALLS - {"compile"})
            found |= {one.partition(".")[0] for one in names | {module}} & (RUNNERS | FORBIDDEN_MODULES)
            yield from (f"{name}:{node.lineno} imports {one}" for one in sorted(found))


def test_nor_by_a_hidden_road() -> None:
    assert [offence for name, tree in sources() for offence in hidden_offences(name, tree)] == []


@pytest.mark.parametrize(
    "source",
    [
        "list(map(eval, x))",
        "run = builtins.exec",
        "from os import system as quiet",
        "await asyncio.create_subprocess_shell(x)",
        "os.execvp(x, y)",
        "import runpy",
        "import urllib, pickle as jar",
        "connection.enable_load_extension(True)",
    ],
)
def test_the_second_walk_sees_what_it_should(source: str) -> None:
    assert list(hidden_offences("familychat/x.py", ast.parse(source)))


def test_the_fetch_of_the_practice_model_gets_fixed_words() -> None:
    tree = dict(sources())["familychat/llm/practice_model.py"]
    started = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "subprocess"
    ]
    assert [ast.unparse(call.args[0]) for call in started] == ["[*command, REQUIREMENT]"]
    (function,) = (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) if one.name == "pip_download")
    words, values = set(), set()
    for node in ast.walk(function):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, (ast.Assign, ast.AugAssign)) and ast.unparse(target or node) == "command":
            assert isinstance(node.value, ast.List)
            for word in node.value.elts:
                if isinstance(word, ast.Constant):
                    words.add(word.value)
                else:
                    values.add(ast.unparse(word))
    assert words == FIXED_WORDS
    assert values == {"sys.executable", "str(folder)"}
    constants = {
        ast.unparse(node.targets[0]): node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and len(node.targets) == 1
    }
    assert isinstance(constants["REQUIREMENT"], ast.Constant)


@pytest.mark.parametrize(
    ("name", "arguments", "fixed"),
    [
        (
            "familychat_music/working.py",
            "[sys.executable, '-I', '-S', str(WORKER)]",
            {"WORKER": "Path(__file__).with_name('worker.py')"},
        ),
        (
            "familychat_music/importing/workbook.py",
            "[*command, *arguments]",
            {"command": "[sys.executable, '-I', '-S', str(Path(__file__).with_name('reader.py'))]"},
        ),
    ],
)
def test_processes_of_the_music_engine_run_its_own_files(name: str, arguments: str, fixed: dict[str, str]) -> None:
    """Statements and file names reach them over a pipe or as one argument; no word of theirs says what is run."""
    tree = dict(sources())[name]
    started = [
        ast.unparse(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess.")
    ]
    assert started == [arguments]
    written = {
        ast.unparse(target): ast.unparse(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
    }
    assert fixed.items() <= written.items()
