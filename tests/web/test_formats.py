"""Formats to take conversations along in: only those that are installed are offered."""

from __future__ import annotations

import sys

import pytest

from familychat.export.formats import offered
from familychat.store.conversations import ConversationStore
from familychat_web.testing import Browser, Running


def test_pdf_is_offered_where_it_is_installed(family: Running, child: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    person = family.home.accounts.people.by_username("child")
    assert person is not None
    talk = ConversationStore(family.home.database).add(person.id, "2026-01-31", title="A talk", task="general")
    pages = {f"/c/{talk.id}": "/export/pdf", "/account": "/account/export/pdf", "/several": 'value="pdf"'}
    for path, words in pages.items():
        assert (words in child.get(path).text) == ("pdf" in offered())
    monkeypatch.setitem(sys.modules, "weasyprint", None)  # as if it weren't installed
    for path, words in pages.items():
        assert words not in child.get(path).text
        assert words.replace("pdf", "md") in child.get(path).text
    refused = child.get(f"/c/{talk.id}/export/pdf")
    assert (refused.status_code, "PDF needs a part" in refused.text) == (422, True)
