"""Write docs/reference/ from the code: ``python contrib/reference.py``. A test compares the two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from familychat.errors import FamilychatError
from familychat.settings import Settings, describe, keys, variable
from familychat_cli.main import app

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
INTRODUCTION = "<!-- Written by contrib/reference.py: change the code, then run it. -->\n"


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command with its full name, groups before their members."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


def parameter_rows(command: Any) -> Iterator[str]:
    """A table row for each argument and option."""
    for parameter in command.params:
        if parameter.name in {"help", "install_completion", "show_completion"}:
            continue
        if parameter.param_type_name == "argument":
            name = parameter.metavar or parameter.name.upper()
            shown = f"`{name}`" if parameter.required else f"`[{name}]`"
        else:
            shown = ", ".join(f"`{option}`" for option in parameter.opts)
        yield f"| {shown} | {getattr(parameter, 'help', None) or ''} |"


def commands_page() -> str:
    """docs/reference/commands.md"""
    lines = [INTRODUCTION, "# Commands\n"]
    for path, command in commands(typer.main.get_command(app), "familychat"):
        lines.append(f"## {path}\n\n{(command.help or '').strip()}\n")
        rows = list(parameter_rows(command))
        if rows:
            lines.append("| | |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(lines)


def settings_page() -> str:
    """docs/reference/settings.md"""
    lines = [INTRODUCTION, "# Settings\n", "| key | variable | meaning | allowed | default |", "|---|---|---|---|---|"]
    defaults = Settings(data_dir=Path("the platform's place for data"))
    for key in keys():
        row = describe(defaults, key)
        default = row["value"] or "none"
        lines.append(f"| `{key}` | `{variable(key)}` | {row['meaning']} | {row['allowed']} | {default} |")
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """docs/reference/exit-codes.md"""
    lines = [INTRODUCTION, "# Exit codes\n", "| code | what happened |", "|---|---|", "| 0 | all went well |"]
    # Those of the library: the page has one of its own that never leaves it.
    kinds = [kind for kind in FamilychatError.__subclasses__() if kind.__module__ == FamilychatError.__module__]
    meanings = {kind.exit_code: (kind.__doc__ or "").splitlines()[0] for kind in kinds}
    lines += [f"| {code} | {meanings[code]} |" for code in sorted(meanings)]
    lines += ["| 70 | Something broke inside familychat. |", "| 130 | Stopped by Ctrl-C. |"]
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """The pages by file name."""
    return {"commands.md": commands_page(), "settings.md": settings_page(), "exit-codes.md": errors_page()}


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file_name, text in pages().items():
        (FOLDER / file_name).write_text(text, encoding="utf-8")
