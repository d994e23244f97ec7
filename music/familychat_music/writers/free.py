"""The writer for larger models: the model writes the SELECT, from the schema, the linked names and a few examples."""

from __future__ import annotations

import re

from familychat.llm.base import ChatMessage
from familychat_music.drafts import Decline
from familychat_music.schema import Column, Role, Schema
from familychat_music.writers.base import Consultant, Task, WriterName, Written, json_in

MOST_NAMES = 12
_FENCED = re.compile(r"```(?:sql|sqlite)?\s*(.+?)```", re.DOTALL | re.IGNORECASE)
_SELECT = re.compile(r"\b(?:SELECT|WITH)\b.+", re.DOTALL | re.IGNORECASE)

_SYSTEM = """You write SQLite for questions about a family's music list.
Answer with JSON: {{"sql": "SELECT ..."}}, or {{"sql": null}} if the list can't answer it (lyrics, birthdays, weather),
if it is only a greeting, or if it wants anything but looking something up.
Select the fewest columns that answer: titles for songs, one number for a count. No LIMIT unless asked for.
Use names exactly as given below. Durations are in the unit the column says.

{schema}"""

_SCHEMA = {
    "type": "object",
    "properties": {"sql": {"type": ["string", "null"]}},
    "required": ["sql"],
    "additionalProperties": False,
}


async def write(task: Task, consultant: Consultant) -> Written:
    """What the model writes; raises :class:`familychat.errors.ModelServerError` if it can't be asked."""
    model = (await consultant.model()).name
    answer = await consultant.ask(messages(task), schema=_SCHEMA, max_tokens=600)
    sql, declined = parse(answer)
    if declined:
        first = task.drafts.drafts[0]
        return Written(WriterName.FREE, None, None, first.decline or Decline.UNCLEAR, model)
    draft = next((draft for draft in task.drafts.drafts if draft.sql == sql), None)
    return Written(WriterName.FREE, sql, draft, None, model)


def parse(answer: str) -> tuple[str | None, bool]:
    """The statement in what a model wrote (JSON, fenced or bare), and whether it declined; else (None, False)."""
    found = json_in(answer)
    if isinstance(found, dict) and "sql" in found:
        sql = found["sql"]
        return (sql.strip(), False) if isinstance(sql, str) and sql.strip() else (None, sql is None)
    fenced = _FENCED.search(answer)
    bare = _SELECT.search(fenced[1] if fenced else answer)
    return (bare[0].strip().rstrip("`").strip(), False) if bare else (None, False)


def messages(task: Task) -> list[ChatMessage]:
    """The prompt: schema, names that the question's words link to, marked examples, and what went wrong before."""
    found = [ChatMessage("system", _SYSTEM.format(schema=schema_text(task.schema)))]
    for example in task.examples:
        found += [ChatMessage("user", example.question), ChatMessage("assistant", _as_json(example.sql))]
    lines = [f"Question: {task.text}"]
    if task.before:
        lines.insert(0, f"Before this, the question was: {task.before[0]}\nwith the SQL: {task.before[1]}")
    names = _names(task)
    if names:
        lines.append("Names in the list that may be meant: " + "; ".join(names))
    found.append(ChatMessage("user", "\n".join(lines)))
    for sql, complaint in task.complaints:
        found.append(ChatMessage("assistant", _as_json(sql)))
        found.append(ChatMessage("user", f"That didn't work: {complaint} Write it anew."))
    return found


def _as_json(sql: str) -> str:
    import json

    return json.dumps({"sql": sql})


def _names(task: Task) -> list[str]:
    names: dict[str, None] = {}
    for draft in task.drafts.drafts:
        for condition in draft.plan.conditions if draft.plan else ():
            for value in condition.values[:3]:
                if isinstance(value, str):
                    names[f"{condition.ref.table}.{condition.ref.column} = {value!r}"] = None
    return list(names)[:MOST_NAMES]


def schema_text(schema: Schema) -> str:
    """The tables and their columns, in as few words as possible."""
    lines = [f"{table.name}({', '.join(map(_column, table.columns))})" for table in schema.tables]
    lines += [f"{key.table}.{key.column} -> {key.to_table}.{key.to_column}" for key in schema.foreign_keys]
    return "\n".join(lines)


def _column(column: Column) -> str:
    unit = ""
    if column.role is Role.DURATION:
        unit = " in milliseconds" if column.scale < 1 else " in seconds"
    return f'"{column.name}" {column.kind}{unit}'
