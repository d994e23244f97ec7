"""Each person's own full-text index: a search reads it and nothing else, so its cost follows their own messages.

One FTS5 table a person. A message's row has its ``number``, a conversation's title has the conversation's ``number``
with a minus. The tables are contentless: the texts stay where they are, once. Triggers keep them when something is
changed or deleted; what is added, the stores tell :func:`learn`, because a trigger on every insert has FTS5 write to
the disk for each row, which is several times as slow.

A change of these statements needs a migration that makes every index anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Execute = Callable[[str], Any]
ExecuteMany = Callable[[str, Iterable[tuple[int, str, str]]], Any]


def index_name(user_id: str) -> str:
    """The name of a person's index."""
    return "search_" + user_id.replace("-", "")


def create_index(execute: Execute, user_id: str) -> None:
    """Make a person's index, and fill it with what is theirs already."""
    name, owner = index_name(user_id), user_id.replace("'", "''")
    forget_message = f"INSERT INTO {name} ({name}, rowid, title, body) SELECT 'delete', OLD.number, '', OLD.content"
    learn_message = f"INSERT INTO {name} (rowid, title, body) SELECT NEW.number, '', NEW.content"
    forget_title = f"INSERT INTO {name} ({name}, rowid, title, body) VALUES ('delete', -OLD.number, OLD.title, '');"  # noqa: S608
    learn_title = f"INSERT INTO {name} (rowid, title, body) VALUES (-NEW.number, NEW.title, '');"  # noqa: S608
    triggers = {
        # A growing answer is learned when it has ended: until then it changes twice a second.
        "m_changed": f"AFTER UPDATE OF content, status ON messages WHEN NEW.owner_id = '{owner}' "
        f"BEGIN {forget_message} WHERE OLD.status <> 'streaming'; "
        f"{learn_message} WHERE NEW.status <> 'streaming'; END",
        "m_removed": f"AFTER DELETE ON messages WHEN OLD.owner_id = '{owner}' AND OLD.status <> 'streaming' "
        f"BEGIN {forget_message}; END",
        "c_changed": f"AFTER UPDATE OF title ON conversations WHEN NEW.owner_id = '{owner}' "
        f"BEGIN {forget_title} {learn_title} END",
        "c_removed": f"AFTER DELETE ON conversations WHEN OLD.owner_id = '{owner}' BEGIN {forget_title} END",
    }
    execute(
        f"CREATE VIRTUAL TABLE {name} USING fts5(title, body, content='', tokenize='unicode61 remove_diacritics 2')"
    )
    # FTS5 merges half as often as by itself: writing is a tenth quicker, and searching no slower.
    execute(f"INSERT INTO {name} ({name}, rank) VALUES ('automerge', 8)")  # noqa: S608
    for what, trigger in triggers.items():
        execute(f"CREATE TRIGGER {name}_{what} {trigger}")
    execute(
        f"INSERT INTO {name} (rowid, title, body) SELECT number, '', content FROM messages "  # noqa: S608
        f"WHERE owner_id = '{owner}' AND status <> 'streaming'"
    )
    execute(
        f"INSERT INTO {name} (rowid, title, body) SELECT -number, title, '' FROM conversations "  # noqa: S608
        f"WHERE owner_id = '{owner}'"
    )


def learn(execute_many: ExecuteMany, user_id: str, rows: Iterable[tuple[int, str, str]]) -> None:
    """Index what was added: each row's number (a conversation's with a minus), title, and text.

    Rows come best by ascending number, many at once: FTS5 writes to the disk whenever a number is below the last one.
    """
    name = index_name(user_id)
    execute_many(f"INSERT INTO {name} (rowid, title, body) VALUES (?, ?, ?)", rows)  # noqa: S608


def drop_index(execute: Execute, user_id: str) -> None:
    """Remove a person's index and what keeps it."""
    name = index_name(user_id)
    for what in ("m_changed", "m_removed", "c_changed", "c_removed"):
        execute(f"DROP TRIGGER IF EXISTS {name}_{what}")
    execute(f"DROP TABLE IF EXISTS {name}")
