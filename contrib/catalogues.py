"""The page's catalogues: find every text that people see, bring each language up to date, and compile.

``contrib/catalogues.py`` writes ``LC_MESSAGES/familychat_web.po`` of each language that has a folder in
``web/familychat_web/locale``, and the ``.mo`` that the page reads, and says what is left to translate. With ``--check``
it writes nothing, and fails if anything would change, or is missing. English has a catalogue too, only for what has to
be said in other words on a page than in a terminal: texts that name commands.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import io
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract
from typer.main import get_command

from familychat.tasks.base import opening_of, suggestions_of
from familychat.tasks.registry import TaskRegistry
from familychat_cli.main import app

ROOT = Path(__file__).parents[1]
SOURCES = ("familychat", "music/familychat_music", "web/familychat_web")
TEMPLATES = ROOT / "web/familychat_web/templates"
LOCALE = ROOT / "web/familychat_web/locale"
DOMAIN = "familychat_web"
MARKED = frozenset(
    {"Text", "Counted", "Finding", "Problem", "TaskProblem", "UnsafeQuery", "BrokenQuery", "QueryTooExpensive"}
)
"""Calls whose words people read, besides the errors, which are known by the ends of their names."""

SETTING = "_setting"
"""Of its arguments the second and third are words: what it means, and what is allowed."""

ENGLISH = "en"
COMMAND = re.compile(rf"\bfamilychat ({'|'.join(get_command(app).commands)})\b|--[a-z]|(^|\s)/[a-z]+\b")  # type: ignore[attr-defined]
"""What belongs into a terminal: in English, too, a page says it in other words."""

Placed = tuple[str | tuple[str, ...], str]
"""A text, or its singular and plural; and where it stands."""
Found = Iterator[tuple[int, str, str | tuple[str, ...], list[str]]]


def texts_of(file: IO[bytes], keywords: Any, tags: Any, options: Any) -> Found:  # noqa: ARG001 -- Babel's interface
    """The texts in a Python file, as Babel's extractors give them: literals in errors, ``Text`` and ``counted``."""
    for call in ast.walk(ast.parse(file.read())):
        if not isinstance(call, ast.Call):
            continue
        name = _name(call.func)
        literals = [one.value for one in _given(call) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if name == "counted":
            for noun in literals:
                yield call.lineno, "ngettext", (f"%(count)s {noun}", f"%(count)s {noun}s"), []
        elif name == "Counted" and literals:
            yield call.lineno, "ngettext", (literals[0], literals[1]), []
        elif name in {"_words", "gettext", SETTING} or _is_for_people(name):
            for text in filter(None, literals):
                yield call.lineno, "gettext", text, []


def put_together(file: Path) -> Iterator[int]:
    """The lines where a text for people is put together so that no catalogue can know it: those need a ``Text``."""
    for call in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(call, ast.Call) and _is_for_people(_name(call.func)):
            yield from (one.lineno for one in _given(call) if isinstance(one, ast.JoinedStr | ast.BinOp))


def all_put_together() -> list[str]:
    """The same in all of the program, as FILE:LINE."""
    return [f"{path.relative_to(ROOT)}:{line}" for path in _sources() for line in put_together(path)]


def _sources() -> Iterator[Path]:
    for source in SOURCES:
        yield from sorted((ROOT / source).rglob("*.py"))


def _given(call: ast.Call) -> Iterator[ast.expr]:
    """What a call is given in its places, with both sides of ``a if b else c`` and ``a or b``."""
    waiting = [*reversed(call.args[1:3] if _name(call.func) == SETTING else call.args)]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.IfExp):
            waiting += [one.orelse, one.body]
        elif isinstance(one, ast.BoolOp):
            waiting += reversed(one.values)
        else:
            yield one


def _is_for_people(call: str) -> bool:
    return call in MARKED or (call.endswith("Error") and not hasattr(builtins, call))


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def messages() -> Iterator[Placed]:
    """Every text of the program that its pages may show."""
    for path in _sources():
        yield from _in_file(path, texts_of, {"gettext": None, "ngettext": (1, 2)})
    for path in sorted(TEMPLATES.rglob("*.html")):
        yield from _in_file(path, babel_extract, {"_": None, "ngettext": (1, 2)})
    for known in TaskRegistry().all():
        task = known.task
        for text in (task.title, task.description, opening_of(task), *suggestions_of(task)):
            if text:
                yield text, f"task:{task.name}"


def _in_file(path: Path, method: Any, keywords: Any) -> Iterator[Placed]:
    options = {"trim_blocks": "true", "lstrip_blocks": "true"}
    with path.open("rb") as file:
        for _line, text, _comments, _context in extract(method, file, keywords, options=options):
            # No line numbers: catalogues would change with every line that is added above a text.
            yield text, path.relative_to(ROOT).as_posix()


def current(code: str, known: bytes) -> Catalog:
    """The catalogue of a language with today's texts and the translations of ``known``, a ``.po`` file's content."""
    template = Catalog(domain=DOMAIN)
    for text, place in messages():
        template.add(text, locations=[(place, 1)])
    made = read_po(io.BytesIO(known), locale=code, domain=DOMAIN) if known else _empty(code)
    made.update(template, no_fuzzy_matching=True, update_creation_date=False)
    made.obsolete.clear()
    if code == ENGLISH:
        _drop(made, lambda one: not (_translated(one.string) or COMMAND.search(str(one.id))))
    return made


def _empty(code: str) -> Catalog:
    made = Catalog(locale=code, domain=DOMAIN, project="familychat", version="page", fuzzy=False)
    made.header_comment = f"# The texts of familychat's page: {made.locale and made.locale.english_name}."
    made.last_translator = made.language_team = "the familychat developers"
    made.msgid_bugs_address = ""
    made.revision_date = made.creation_date
    return made


def _drop(catalogue: Catalog, unwanted: Callable[[Message], bool]) -> None:
    for one in [one for one in catalogue if one.id and unwanted(one)]:
        catalogue.delete(one.id if isinstance(one.id, str) else one.id[0])


def missing(catalogue: Catalog) -> list[str]:
    """What isn't translated, or has other values in it than the English text."""
    empty = [str(one.id) for one in catalogue if one.id and not _translated(one.string)]
    said = ((one, errors) for one, errors in catalogue.check() if _translated(one.string))
    return empty + [f"{one.id}: {error}" for one, errors in said for error in errors]


def _translated(string: Any) -> bool:
    return all(string) if isinstance(string, tuple) else bool(string)


@dataclass(frozen=True, slots=True)
class Language:
    """A language's files as they should be, and what isn't translated in them."""

    code: str
    texts: int
    left: list[str]
    files: dict[Path, bytes]

    def outdated(self) -> list[Path]:
        """The files that aren't there or aren't as they should be."""
        return [path for path, content in self.files.items() if not path.exists() or path.read_bytes() != content]


def languages() -> list[Language]:
    """Every language that has a folder, brought up to date."""
    return [_language(folder.name, folder / "LC_MESSAGES" / f"{DOMAIN}.po") for folder in sorted(LOCALE.iterdir())]


def _language(code: str, path: Path) -> Language:
    catalogue = current(code, path.read_bytes() if path.exists() else b"")
    made, compiled = io.BytesIO(), io.BytesIO()
    write_po(made, catalogue, width=118, sort_output=True, include_lineno=False)
    left = missing(catalogue)
    _drop(catalogue, lambda one: not _translated(one.string))
    write_mo(compiled, catalogue)
    return Language(code, len(catalogue), left, {path: made.getvalue(), path.with_suffix(".mo"): compiled.getvalue()})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail if anything would change")
    check = parser.parse_args().check
    together = all_put_together()
    wrong = len(together)
    for place in together:
        print(f"{place}: put together; write it as a Text")
    for language in languages():
        wrong += len(language.left)
        for text in language.left[:10]:
            print(f"{language.code}: {text!r}")
        print(f"{language.code}: {language.texts} texts translated, {len(language.left)} to do")
        for path in language.outdated():
            if check:
                wrong += 1
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(language.files[path])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
