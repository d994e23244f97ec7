"""``familychat tasks``: what a model can be used for here. Changes are for admins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from familychat_cli import invocation, options
from familychat_cli.output import emit_json, note, say, table

if TYPE_CHECKING:
    from familychat.tasks.managing import ShelvedTask

app = typer.Typer(help="What a model can be used for.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A task's name.")]
Title = Annotated[str | None, typer.Option(help="What people see it called.")]
Description = Annotated[str | None, typer.Option(help="What it is for, in a few words.")]
Prompt = Annotated[str | None, typer.Option(help="Instructions for the model.")]
PromptFile = Annotated[Path | None, typer.Option(help="A text file with the instructions.")]
OpeningLine = Annotated[str | None, typer.Option("--opening", help="A line that its conversations begin with.")]
Suggest = Annotated[list[str] | None, typer.Option(help="A question to begin with; say it again for more.")]
Model = Annotated[str | None, typer.Option("--model", "-m", help="The model for it, unless a person chooses another.")]
From = Annotated[Path | None, typer.Option("--from", metavar="FILE", help="A TOML file with all of it.")]


def _state(task: ShelvedTask) -> str:
    if not task.on:
        return "switched off"
    return "yes" if task.allowed else "no"


def _json(task: ShelvedTask) -> dict[str, Any]:
    from familychat.tasks.base import defaults_of, opening_of, suggestions_of

    known = task.known
    return {
        "name": known.task.name,
        "title": known.task.title,
        "description": known.task.description,
        "allowed": task.allowed,
        "on": task.on,
        "origin": known.origin.value,
        "place": known.place,
        "opening": opening_of(known.task),
        "suggestions": suggestions_of(known.task),
        "defaults": defaults_of(known.task),
    }


@app.command("list")
def list_tasks(json: options.Json = False) -> None:
    """Show the tasks there are, which of them you may use, and what is wrong with any."""
    with invocation.signed_in() as (home, user):
        tasks, problems = home.task_shelf.all(user), home.task_shelf.problems()
    if json:
        emit_json({"tasks": [_json(task) for task in tasks], "problems": problems})
        return
    rows = [[t.known.task.name, t.known.task.title, t.known.task.description, _state(t), t.known.place] for t in tasks]
    table(["Name", "Title", "For", "You may use it", "Comes with"], rows)
    for problem in problems:
        note(f"{problem.message} {problem.hint}", style="yellow")


@app.command()
def show(
    name: Name,
    toml: Annotated[bool, typer.Option("--toml", help="Print its TOML, to make another one from.")] = False,
    json: options.Json = False,
) -> None:
    """Show one task with its instructions."""
    from familychat.errors import InvalidInputError
    from familychat.tasks.definitions import DefinedTask

    with invocation.signed_in() as (home, user):
        task = home.task_shelf.get(user, name)
    known = task.known
    prompt = known.task.definition.system_prompt if isinstance(known.task, DefinedTask) else None
    if json:
        emit_json({**_json(task), "system_prompt": prompt})
    elif not toml:
        _show(task, prompt)
    elif known.text is None:
        raise InvalidInputError(f"The task {name} is code and has no TOML.", f"It comes with {known.place}.")
    else:
        say(known.text.rstrip())


def _show(task: ShelvedTask, prompt: str | None) -> None:
    from familychat.tasks.base import defaults_of, opening_of, suggestions_of

    known, defaults = task.known, defaults_of(task.known.task)
    rows = [
        ["Name", known.task.name],
        ["Title", known.task.title],
        ["For", known.task.description],
        ["You may use it", _state(task)],
        ["Comes with", known.place],
        ["Opening", opening_of(known.task)],
        *(["Suggestion", text] for text in suggestions_of(known.task)),
        ["Model", defaults.model or ""],
        ["Temperature", _number(defaults.parameters.temperature)],
        ["Top p", _number(defaults.parameters.top_p)],
        ["Max tokens", _number(defaults.parameters.max_tokens)],
        ["Instructions", prompt or ""],
    ]
    table(["", ""], [row for row in rows if row[1]])


def _number(value: float | None) -> str:
    return "" if value is None else str(value)


@app.command()
def add(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A new name, such as cooking.")] = None,
    title: Title = None,
    description: Description = None,
    prompt: Prompt = None,
    prompt_file: PromptFile = None,
    opening: OpeningLine = None,
    suggest: Suggest = None,
    model: Model = None,
    temperature: options.Temperature = None,
    top_p: options.TopP = None,
    max_tokens: options.MaxTokens = None,
    file: From = None,
) -> None:
    """Make a task of your own, from flags or a TOML file; flags win over the file."""
    from familychat.tasks.definitions import with_changes
    from familychat.tasks.folder import read_task_file
    from familychat.tasks.managing import TYPED

    numbers = {"temperature": temperature, "top_p": top_p, "max_tokens": max_tokens}
    texts = {"name": name, "title": title, "description": description, "opening": opening, "model": model}
    changes = _changes(texts, numbers, _prompt(prompt, prompt_file), suggest)
    place = TYPED if file is None else str(file)
    text = b"" if file is None else read_task_file(file)
    with invocation.signed_in() as (home, user):
        # A file without changes stays byte for byte what it is.
        added = home.task_shelf.add(user, with_changes(text, changes, place) if changes else text, place=place)
    task = added.known.task
    say(f"{task.title} is there: {added.known.place}")
    if not added.allowed:
        say(f"Nobody may use it before a rule says so: familychat admin grant everyone task:{task.name}")


@app.command()
def edit(
    name: Name,
    title: Title = None,
    description: Description = None,
    prompt: Prompt = None,
    prompt_file: PromptFile = None,
    opening: OpeningLine = None,
    suggest: Suggest = None,
    model: Model = None,
    temperature: options.Temperature = None,
    top_p: options.TopP = None,
    max_tokens: options.MaxTokens = None,
    file: From = None,
) -> None:
    """Change a task of your own: by flags ('' takes a text away), by a TOML file, or else in your editor."""
    from familychat.errors import InvalidInputError
    from familychat.tasks.definitions import with_changes
    from familychat.tasks.folder import read_task_file
    from familychat_cli.editing import edited, keep_on_failure

    numbers = {"temperature": temperature, "top_p": top_p, "max_tokens": max_tokens}
    texts = {"title": title, "description": description, "opening": opening, "model": model}
    changes = _changes(texts, numbers, _prompt(prompt, prompt_file), suggest)
    with invocation.signed_in() as (home, user):
        own = home.task_shelf.own(user, name)
        base, place = (own.text, str(own.path)) if file is None else (read_task_file(file), str(file))
        if base is None:
            raise own.trouble or InvalidInputError(f"{own.path} can't be read.")
        if changes or file is not None:
            text = with_changes(base, changes, place) if changes else base
            home.task_shelf.edit(user, name, text, place=place, before=own.text)
            say(f"{name} is changed, from the next question on.")
            return
    # The household isn't held open while somebody types.
    before = str(own.text)
    copy = edited(before, own.path.name)
    with keep_on_failure(copy, f"familychat tasks edit {name} --from"), invocation.signed_in() as (home, user):
        after = read_task_file(copy)
        home.task_shelf.edit(user, name, after, place="What you wrote", before=before)
    say("Nothing was changed." if after == before.encode() else f"{name} is changed, from the next question on.")


def _prompt(text: str | None, file: Path | None) -> str | None:
    from familychat.errors import InvalidInputError
    from familychat.tasks.folder import read_task_file

    if file is None:
        return text
    if text is not None:
        raise InvalidInputError("Say --prompt or --prompt-file, not both.")
    try:
        return read_task_file(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{file} isn't UTF-8 text. Nothing was changed.", "Save it as UTF-8.") from error


def _changes(
    texts: dict[str, str | None], numbers: dict[str, float | None], prompt: str | None, suggest: list[str] | None
) -> dict[str, Any]:
    """What was given, by the keys of a task's file; None takes a key away."""
    given: dict[str, Any] = {**texts, **numbers, "system_prompt": prompt}
    changes = {key: None if value == "" else value for key, value in given.items() if value is not None}
    if suggest:
        changes["suggestions"] = None if suggest == [""] else suggest
    return changes


@app.command()
def remove(name: Name, yes: options.Yes = False) -> None:
    """Delete a task of your own; conversations with it can still be read."""
    with invocation.signed_in() as (home, user):
        path = home.task_shelf.own(user, name).path
        invocation.confirm(f"This deletes the task {name} for good ({path}).", yes=yes)
        home.task_shelf.remove(user, name)
    say(f"{name} is gone.")


@app.command()
def enable(name: Name) -> None:
    """Switch a task on again; rules still say who may use it."""
    with invocation.signed_in() as (home, user):
        changed = home.task_shelf.switch(user, name, off=False)
    say(f"{name} is on again." if changed else f"{name} was on already.")


@app.command()
def disable(name: Name) -> None:
    """Switch a task off for the whole household, whatever the rules say."""
    with invocation.signed_in() as (home, user):
        changed = home.task_shelf.switch(user, name, off=True)
    say(f"Nobody can use {name} now." if changed else f"{name} was off already.")
