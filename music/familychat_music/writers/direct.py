"""What most tools do: give the model the schema and the question, and run what it writes. Only to compare with."""

from __future__ import annotations

from familychat.llm.base import ChatMessage
from familychat_music.writers.base import Consultant, Task, WriterName, Written
from familychat_music.writers.free import parse, schema_text

_SYSTEM = (
    "You write one SQLite SELECT statement that answers the question, and nothing else. "
    "If it can't be answered from these tables, write NONE.\n\n{schema}"
)


async def write(task: Task, consultant: Consultant) -> Written:
    """The model's own statement, without linked names, examples, guard or another try."""
    messages = [
        ChatMessage("system", _SYSTEM.format(schema=schema_text(task.schema))),
        ChatMessage("user", task.text),
    ]
    answer = await consultant.ask(messages, max_tokens=200)
    sql, _ = parse(answer)
    return Written(WriterName.FREE, sql, None, None, (await consultant.model()).name)
