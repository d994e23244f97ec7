"""The documented schema of the JSON is that of the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec

from familychat.documents import ConversationDocument, MessageDocument
from familychat.export import json_schema
from familychat.export.schema import schema_text

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "conversation-json.md"


def test_the_page_shows_the_schema() -> None:
    shown = re.search(r"```json\n(\{\n  \"\$schema\".*?)\n```", PAGE.read_text("utf-8"), re.DOTALL)
    assert shown is not None
    wanted = schema_text()
    assert json.loads(wanted) == json_schema()
    assert shown[1] == wanted, f"put this into {PAGE.name}:\n{wanted}"


def test_the_page_explains_every_field() -> None:
    text = PAGE.read_text("utf-8").partition('```json\n{\n  "$schema"')[0]
    for kind in (ConversationDocument, MessageDocument):
        for field in msgspec.structs.fields(kind):
            assert f"`{field.encode_name}`" in text, f"{kind.__name__}.{field.encode_name} isn't explained"


def test_the_page_s_example_can_be_read() -> None:
    example = re.search(r"```json\n(\{\"format\".*?)\n```", PAGE.read_text("utf-8"), re.DOTALL)
    assert example is not None
    read = msgspec.convert(json.loads(example[1])["conversations"], list[ConversationDocument])
    assert [message.content for message in read[0].path()]
