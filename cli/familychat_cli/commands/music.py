"""``familychat music``: the family's music lists, and questions about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from familychat_cli import invocation, options
from familychat_cli.commands import music_libraries
from familychat_cli.output import ago, emit_json, note, say, table

if TYPE_CHECKING:
    from familychat_music.engine import Answer

app = typer.Typer(help="Your music lists, and questions about them.", no_args_is_help=True)
app.command("import")(music_libraries.import_)
app.command("libraries")(music_libraries.libraries)
app.command("schema")(music_libraries.schema)
app.command("export")(music_libraries.export)
app.command("rename")(music_libraries.rename)
app.command("remove")(music_libraries.remove)

Library = Annotated[str | None, typer.Option("--library", "-l", help="Which library; needed if there are several.")]
Writer = Annotated[str, typer.Option(help="Who writes the SQL: auto, plan (small models) or free (large ones).")]


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you would like to know.")],
    library: Library = None,
    model: options.Model = None,
    writer: Writer = "auto",
    show_sql: Annotated[bool, typer.Option("--show-sql", help="Show the SQL that found the answer.")] = False,
    show_rows: Annotated[bool, typer.Option("--show-rows", help="Show the rows as a table.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show how the question was understood.")] = False,
    json: options.Json = False,
) -> None:
    """Ask about your music in everyday words."""
    from familychat.chat import check_question
    from familychat_cli.music_asking import ask_once

    text = check_question(question)
    name, answer = invocation.run(lambda: ask_once(text, library, model, writer, quiet=json))
    if json:
        emit_json(as_object(name, answer))
        return
    show_answer(answer, show_sql=show_sql, show_rows=show_rows)
    if explain:
        show_explanation(answer)


def as_object(library: str, answer: Answer) -> dict[str, object]:
    """An answer for scripts."""
    return {
        "answer": answer.text,
        "sql": answer.sql,
        "columns": list(answer.rows.columns),
        "rows": [list(row) for row in answer.rows.rows],
        "row_count": len(answer.rows.rows),
        "truncated": answer.rows.truncated,
        "library": library,
        "writer": answer.writer.value,
        "model": answer.model,
        "seconds": round(answer.seconds, 4),
    }


def show_answer(answer: Answer, *, show_sql: bool, show_rows: bool) -> None:
    """The sentence, and under it the table where people would rather look."""
    import sys

    from familychat_cli.music_view import says_more
    from familychat_cli.music_view import show_rows as show

    say(answer.text)
    shown = answer.shown
    wanted = show_rows or (sys.stdout.isatty() and says_more(shown.columns, shown.rows))
    if wanted and shown.rows:
        limit = {"limit": len(shown.rows)} if show_rows else {}
        show(shown.columns, shown.rows, len(answer.rows.rows), **limit)
    if show_sql:
        say(answer.sql or "No SQL was run.", style="dim")


def show_explanation(answer: Answer) -> None:
    """What the question could mean, likeliest first, and what became of each."""
    from familychat_music.writers.plan import meaning

    tried = dict(answer.tried)
    rows = []
    for draft in answer.drafts.drafts if answer.drafts else ():
        chosen = "→" if draft.sql == answer.sql else tried.get(draft.sql or "", "")
        rows.append([chosen, f"{draft.points:.2f}", meaning(draft)])
    table(["", "Points", "Meaning"], rows, right=["Points"])
    by = f"{answer.writer.value} writer" + (f", {answer.model}" if answer.model else ", no model needed")
    note(f"{by}, {answer.seconds:.2f} s{', from the store' if answer.cached else ''}")


@app.command()
def suggest(library: Library = None, json: options.Json = False) -> None:
    """Questions that a library can answer."""
    from familychat_music.lexicon import DEFAULT
    from familychat_music.libraries import Libraries
    from familychat_music.runner import Runner

    with invocation.signed_in() as (home, user):
        libraries = Libraries(home.database)
        engine = libraries.open(libraries.get(user, library), Runner())
        found = engine.suggestions(DEFAULT)
        engine.close()
    if json:
        emit_json(found)
        return
    for text in found:
        say(text)


@app.command()
def examples(
    library: Library = None,
    right: Annotated[str | None, typer.Option(help="Mark this answer as right: its number or id.")] = None,
    wrong: Annotated[str | None, typer.Option(help="Mark this answer as wrong.")] = None,
    unmark: Annotated[str | None, typer.Option(help="Take a mark back.")] = None,
    json: options.Json = False,
) -> None:
    """Your own questions and their SQL; the ones you mark as right help with later ones."""
    from familychat_music.libraries import Libraries

    with invocation.signed_in() as (home, user):
        libraries = Libraries(home.database)
        found = libraries.get(user, library)
        for reference, verdict in ((right, "right"), (wrong, "wrong"), (unmark, None)):
            if reference is not None:
                libraries.mark(user, libraries.asked(user, found, reference), verdict)
        asked = libraries.history(user, found)
    if json:
        emit_json(asked)
    elif not asked:
        say("You haven't asked anything yet.")
    else:
        rows = [[str(number), one.question, one.verdict or "", ago(one.created_at), one.sql] for number, one in
                enumerate(asked, 1)]  # fmt: skip
        table(["", "Question", "Mark", "Asked", "SQL"], rows, right=[""])


@app.command("eval")
def evaluate(
    file: Annotated[Path, typer.Argument(help='Lines of {"id", "question", "gold_sql"}.')],
    library: Library = None,
    model: options.Model = None,
    writer: Annotated[str, typer.Option(help="auto, plan or free; or chance and direct, to compare with.")] = "auto",
    json: options.Json = False,
) -> None:
    """Measure how many questions of a file get the right rows."""
    from familychat_cli.music_asking import evaluate_file, show_evaluation

    result = invocation.run(lambda: evaluate_file(file, library, model, writer, quiet=json))
    if json:
        emit_json(result)
    else:
        show_evaluation(result)
