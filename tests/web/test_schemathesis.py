"""The description of the page, held against a running page: by a member, an admin and a stranger.

Schemathesis makes requests from the description, fitting and unfitting ones. No answer may be an error inside, and each
is one of those that are described: status, type, headers and content.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import Conversation, User
from familychat.settings import Settings
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore
from familychat.testing import FakeOpenAI
from familychat_web import create_app
from familychat_web.describing import completed
from familychat_web.rates import Rates
from familychat_web.testing import Running, family_page
from familychat_web.visits import SESSION, STRANGER, csrf_token

PASSWORD = "quiet little river"
AT = "2026-01-31T18:05:00.123Z"
PEOPLE = {"stranger": None, "member": "child", "admin": "mum"}
EXAMPLES = 5
"""Of each operation. Cases at the edges of what is described come in addition."""

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
SENSIBLE = {
    "who": "cousin", "what": "task:general", "effect": "deny", "band": "teen", "kind": "messages", "amount": "3",
    "days": "mon-fri", "begins": "20:00", "ends": "22:00", "group": "friends", "person": "cousin", "topic": "dragons",
    "words": "dragon", "username": "cousin", "level": "summary", "task": "general", "model": "", "name": "general",
    "theme": "dark", "accent": "blue", "size": "normal", "language": "", "title": "A title", "folder": "School",
    "text": "Why?", "temperature": "0.7", "max_tokens": "20",
}  # fmt: skip
"""What fields of forms can be, so that some get further than to "that can't be". Nothing is done to whoever asks."""

APP = create_app(Settings(data_dir=Path("nowhere")))
DESCRIPTION = completed(APP.openapi_schema.to_schema(), APP)
schema = schemathesis.openapi.from_dict(
    DESCRIPTION,
    config=schemathesis.Config.from_dict(
        {
            "seed": 1,
            "generation": {
                "max-examples": EXAMPLES,
                "deterministic": True,
                "no-shrink": True,
                "with-security-parameters": False,
            },
            "phases": {"coverage": {"unexpected-methods": []}},
        }
    ),
)


@schemathesis.serializer("application/csp-report", "application/reports+json")
def as_json(_context: Any, value: Any) -> bytes:
    return msgspec.json.encode(value)


@dataclass(slots=True)
class Someone:
    """Who asks, with a session that is made anew whenever a request ended it."""

    family: Running
    name: str | None
    token: str = "s" * 43
    seen: Counter[int] = field(default_factory=Counter)

    @property
    def user(self) -> User | None:
        return self.family.home.accounts.people.by_username(self.name) if self.name else None

    def cookies(self) -> dict[str, str]:
        if self.name is None:
            return {STRANGER: self.token}
        if self.family.home.sign_in.user_of(self.token) is None:
            _, self.token = self.family.home.sign_in.sign_in(self.name, PASSWORD, kind="web")
        return {SESSION: self.token}

    def ask(self, case: schemathesis.Case[Any], *, from_our_page: bool, as_script: bool) -> None:
        """Send it, and look whether the answer is described."""
        self.family.app.state.site.rates = Rates()
        cookies = self.cookies()
        headers = {"accept": "application/json" if as_script else "text/html"}
        if from_our_page:
            headers["x-csrf-token"] = csrf_token(self.token)
        answer = case.call(
            base_url=self.family.address, cookies=cookies, headers=headers, timeout=20, allow_redirects=False
        )
        self.seen[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    def own(self) -> dict[str, str]:
        """Something of theirs for each parameter of a path."""
        found = {
            "person": getattr(self.family.home.accounts.people.by_username("cousin"), "id", "nobody"),
            "format_name": "md",
            "version": "1",
            "token": "x",
        }
        if (user := self.user) is not None:
            conversation = self._conversation(user)
            found |= {"conversation_id": conversation.id, "message_id": conversation.head_id or "none"}
        return found

    def _conversation(self, user: User) -> Conversation:
        home = self.family.home
        if there := home.conversations.newest(user, 1):
            return there[0]
        made = ConversationStore(home.database).add(user.id, AT, title="Why?", task="general")
        MessageStore(home.database).add_question(made, "Why?", None, AT)
        return home.conversations.get(user, made.id)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Someone]]:
    def household(settings: Settings) -> Household:
        return Household(settings, servers=ServerChoice(settings, FakeOpenAI().transport()))

    folder = tmp_path_factory.mktemp("family") / "data"
    fake: dict[str, Any] = {"server_kind": "openai", "server_url": "http://fake", "titles": "words"}
    with family_page(folder, "child", "cousin", password=PASSWORD, household=household, **fake) as running:
        yield {who: Someone(running, name) for who, name in PEOPLE.items()}


@schema.parametrize()
def test_every_answer_is_described(case: schemathesis.Case[Any], people: dict[str, Someone]) -> None:
    # The same case is always sent in the same way: mostly from our own page and about something that is there.
    dice = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode())
    if dice % 7 and isinstance(case.body, dict):
        case.body |= {name: value for name, value in SENSIBLE.items() if name in case.body or "do" in case.body}
    for number, (who, someone) in enumerate(people.items()):
        if dice % 5:
            own = someone.own()
            case.path_parameters |= {name: own[name] for name in case.path_parameters if name in own}
        print(f"asked by the {who}")  # seen if it fails
        someone.ask(case, from_our_page=bool(dice % 11), as_script=bool((dice + number) % 2))


def test_most_requests_got_through(people: dict[str, Someone]) -> None:
    """That everybody is answered "not so often" or "not you" would prove nothing."""
    for who in ("member", "admin"):
        seen = people[who].seen
        refused = seen[401] + seen[403] + seen[429]
        assert refused < seen.total() / 2, f"{who}: {seen}"
        assert seen[200] + seen[201] + seen[204] > 200, f"{who}: {seen}"
    assert sum(someone.seen[429] for someone in people.values()) < 50


def test_it_is_what_the_page_gives(people: dict[str, Someone]) -> None:
    stranger = people["stranger"].family.browser()
    for path in ("/api", "/api/openapi.json"):
        assert stranger.client.get(path).json() == json.loads(json.dumps(DESCRIPTION))


def test_every_route_is_described() -> None:
    routes = {
        (method, re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path))
        for route in APP.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }
    described = {(method.upper(), path) for path, item in DESCRIPTION["paths"].items() for method in item}
    assert described == routes


def test_forms_are_described_with_their_fields() -> None:
    content = DESCRIPTION["paths"]["/c/new/ask"]["post"]["requestBody"]["content"]
    told = content["application/x-www-form-urlencoded"]["schema"]
    assert (told["required"], set(told["properties"])) == (["text", "task", "model"], {"text", "task", "model", "csrf"})
