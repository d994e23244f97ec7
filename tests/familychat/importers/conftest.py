"""What the tests of imports share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from familychat.documents import ConversationDocument
from familychat.household import Household
from familychat.importers import Report, bring_in
from familychat.models import Role, User
from familychat.store.conversations import EVERY

Bring = Callable[..., Report]
Write = Callable[[str, Any], Path]


@pytest.fixture
def child(household: Household) -> User:
    return household.accounts.people.add("child", "Child", Role.MEMBER, "2026-01-31T18:05:00.123Z")


@pytest.fixture
def bring(household: Household, owner: User) -> Bring:
    """Brings in a file, as the owner unless told otherwise."""

    def run(path: Path, user: User = owner, **options: Any) -> Report:
        return bring_in(household.conversations, user, path, **options)

    return run


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file in the test's own folder: bytes as they are, all else as JSON."""

    def put(name: str, content: Any) -> Path:
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return put


Stored = Callable[..., list[ConversationDocument]]


@pytest.fixture
def stored(household: Household, owner: User) -> Stored:
    """All of a person's conversations as documents, in the order they came."""

    def all_of(user: User = owner) -> list[ConversationDocument]:
        found = household.conversations.chosen(user, EVERY)
        return list(household.conversations.documents(user, found))

    return all_of


def chatgpt(name: str, *said: str, **values: Any) -> dict[str, Any]:
    """A ChatGPT conversation of questions and answers by turns."""
    mapping: dict[str, Any] = {}
    for at, words in enumerate(said):
        role = "assistant" if at % 2 else "user"
        mapping[f"n{at}"] = {
            "parent": f"n{at - 1}" if at else None,
            "children": [f"n{at + 1}"] if at + 1 < len(said) else [],
            "message": {
                "author": {"role": role},
                "content": {"content_type": "text", "parts": [words]},
                "create_time": 1_700_000_000 + at,
            },
        }
    return {
        "conversation_id": name, "title": name, "create_time": 1_700_000_000, "update_time": 1_700_000_100,
        "current_node": f"n{len(said) - 1}", "mapping": mapping, **values,
    }  # fmt: skip
