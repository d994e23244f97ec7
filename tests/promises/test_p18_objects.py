"""Promise 18: nobody reaches another's object: every route, asked by a stranger, another person, an admin, the owner.

``TABLE`` has a row for each route and method of the application; one that is missing fails, and so does one too many.
A route with ids says in ``path`` how to reach an object of the owner's, for example
``lambda there: f"/conversations/{there.conversation}"``; everything of theirs is made in ``there``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import pytest

from familychat.settings import Settings
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore
from familychat_web import create_app
from familychat_web.rates import Rates
from familychat_web.testing import Browser, Running, family_page

PASSWORD = "quiet little river"
AT = "2026-01-31T18:05:00.123Z"
LOOK = {"theme": "dark", "accent": "blue", "size": "normal", "language": ""}


@dataclass(frozen=True)
class There:
    """What belongs to the owner."""

    family: Running

    @cached_property
    def conversation(self) -> str:
        """The id of a conversation of the owner's."""
        owner = self.family.home.accounts.people.by_username("child")
        assert owner is not None
        found = ConversationStore(self.family.home.database).add(owner.id, AT, title="Secret", task="general")
        MessageStore(self.family.home.database).add_question(found, "A secret?", None, AT)
        return found.id

    @property
    def person(self) -> str:
        """The owner's id."""
        owner = self.family.home.accounts.people.by_username("child")
        assert owner is not None
        return owner.id

    @property
    def message(self) -> str:
        """The id of the question in it."""
        rows = self.family.home.database.rows("SELECT id FROM messages ORDER BY id LIMIT 1")
        return str(rows[0]["id"])

    def passing_message(self) -> str:
        """The id of another question in it, a new one each time."""
        owner = self.family.home.accounts.people.by_username("child")
        assert owner is not None
        found = self.family.home.conversations.get(owner, self.conversation)
        return MessageStore(self.family.home.database).add_question(found, "Another?", found.head_id, AT).id

    @property
    def style_sheet(self) -> str:
        url: str = self.family.app.state.site.assets.url("style.css")
        return url


@dataclass(frozen=True)
class Row:
    """The status that each gets: ``other`` is another member. 303 leads a stranger to the sign-in."""

    stranger: int
    other: int
    admin: int
    owner: int
    path: Callable[[There], str] | None = None
    fields: dict[str, str] | None = None


def for_all(status: int, path: Callable[[There], str] | None = None) -> Row:
    return Row(status, status, status, status, path)


def for_members(status: int, fields: dict[str, str] | None = None) -> Row:
    """A person's own, without any id: everybody gets what is theirs."""
    return Row(303, status, status, status, None, fields)


def for_owner(what: str, status: int = 303, **fields: str) -> Row:
    """Something about one conversation: nobody else reaches it, nor learns that it is there."""
    return Row(303, 404, 404, status, lambda there: f"/c/{there.conversation}/{what}", fields)


def for_message(what: str, status: int = 303) -> Row:
    """Something with a message of the owner's."""
    return Row(303, 404, 404, status, lambda there: f"/c/{there.conversation}/messages/{there.message}{what}")


def for_programs(status: int, what: str = "") -> Row:
    """One conversation, as programs ask for it."""
    return Row(401, 404, 404, status, lambda there: f"/api/conversations/{there.conversation}{what}")


def for_admins(status: int, path: Callable[[There], str] | None = None, **fields: str) -> Row:
    """The household's, for those who look after it."""
    return Row(303, 403, status, 403, path, fields)


def about(what: str = "") -> Callable[[There], str]:
    """An admin page about the owner."""
    return lambda there: f"/admin/people/{there.person}{what}"


TABLE = {
    ("GET", "/"): for_members(200),
    ("GET", "/admin"): for_admins(303),
    ("GET", "/admin/people"): for_admins(200),
    ("POST", "/admin/people"): for_admins(422),
    ("GET", "/admin/people/{person:str}"): for_admins(200, about()),
    ("POST", "/admin/people/{person:str}"): for_admins(303, about(), do="band", band="teen"),
    ("GET", "/admin/people/{person:str}/remove"): for_admins(200, about("/remove")),
    ("POST", "/admin/people/{person:str}/look"): for_admins(403, about("/look")),  # they aren't supervised
    ("GET", "/admin/groups"): for_admins(200),
    ("POST", "/admin/groups"): for_admins(422),
    ("GET", "/admin/rules"): for_admins(200),
    ("POST", "/admin/rules"): for_admins(422),
    ("GET", "/admin/rules/one"): for_admins(200, lambda _: "/admin/rules/one?who=child&what=task:general"),
    ("GET", "/admin/limits"): for_admins(200),
    ("POST", "/admin/limits"): for_admins(422),
    ("GET", "/admin/ages"): for_admins(200),
    ("POST", "/admin/ages"): for_admins(422),
    ("GET", "/admin/tasks"): for_admins(200),
    ("POST", "/admin/tasks"): for_admins(422),
    ("GET", "/admin/tasks/one"): for_admins(200, lambda _: "/admin/tasks/one?name=general"),
    ("POST", "/admin/tasks/one"): for_admins(422, do="none", name="general"),
    ("GET", "/admin/models"): for_admins(200),
    ("POST", "/admin/models"): for_admins(422),
    ("GET", "/admin/models/progress"): for_admins(200),
    ("GET", "/admin/music"): for_admins(200),
    ("POST", "/admin/music"): for_admins(422),
    ("POST", "/admin/music/upload"): Row(303, 403, 403, 403),  # the token of a form doesn't count there
    ("GET", "/admin/music/progress"): for_admins(200),
    ("GET", "/admin/music/one"): for_admins(404, lambda _: "/admin/music/one?name=none"),
    ("GET", "/admin/usage"): for_admins(200),
    ("GET", "/admin/audit"): for_admins(200),
    ("GET", "/admin/sessions"): for_admins(200),
    ("POST", "/admin/sessions"): for_admins(422),
    ("GET", "/admin/backups"): for_admins(200),
    ("POST", "/admin/backups"): for_admins(422),
    ("GET", "/admin/backups/progress"): for_admins(200),
    ("GET", "/admin/settings"): for_admins(200),
    ("POST", "/admin/settings"): for_admins(422),
    ("GET", "/metrics"): for_all(200),  # from this computer, as here
    ("GET", "/account"): for_members(200),
    ("GET", "/account/password"): for_members(200),
    ("POST", "/account/password"): Row(303, 422, 422, 422),
    ("POST", "/account/look"): for_members(303, fields=LOOK),
    ("POST", "/account/sign-out-everywhere"): for_members(303),
    ("GET", "/account/activity"): for_members(200),
    ("POST", "/account/beginning"): for_members(303, fields={"greeting": "", "task": "", "model": ""}),
    ("GET", "/account/export/{format_name:str}"): Row(303, 200, 200, 200, lambda _: "/account/export/md"),
    ("POST", "/account/sessions/end"): for_members(404, fields={"session": "none of theirs"}),
    ("POST", "/account/sessions/end-others"): for_members(303),
    ("GET", "/api"): for_all(200),
    ("GET", "/api/openapi.json"): for_all(200),
    ("GET", "/api/me"): Row(401, 200, 200, 200),
    ("GET", "/api/token"): for_all(200),
    ("GET", "/api/conversations"): Row(401, 200, 200, 200),
    ("POST", "/api/conversations"): Row(401, 400, 400, 400),  # a form isn't read there
    ("GET", "/api/conversations/{conversation_id:str}"): for_programs(200),
    ("GET", "/api/conversations/{conversation_id:str}/messages"): for_programs(200, "/messages"),
    ("POST", "/api/conversations/{conversation_id:str}/messages"): Row(
        401, 400, 400, 400, lambda there: f"/api/conversations/{there.conversation}/messages"
    ),
    ("GET", "/api/search"): Row(401, 200, 200, 200, lambda _: "/api/search?q=secret"),
    ("POST", "/csp-reports"): for_all(415),
    ("GET", "/new"): for_members(200),
    ("GET", "/new/models"): for_members(200),
    ("POST", "/c/new/ask"): for_members(422),
    ("GET", "/c/{conversation_id:str}"): Row(303, 404, 404, 200, lambda there: f"/c/{there.conversation}"),
    ("GET", "/c/{conversation_id:str}/shown"): for_owner("shown", 200),
    ("GET", "/c/{conversation_id:str}/pulse"): for_owner("pulse", 200),
    ("GET", "/c/{conversation_id:str}/events"): for_owner("events", 200),
    ("GET", "/c/{conversation_id:str}/export/{format_name:str}"): for_owner("export/md", 200),
    ("GET", "/c/{conversation_id:str}/messages/{message_id:str}"): for_message("", 200),
    ("GET", "/c/{conversation_id:str}/messages/{message_id:str}/text"): for_message("/text", 200),
    ("POST", "/c/{conversation_id:str}/ask"): for_owner("ask", 422),
    ("POST", "/c/{conversation_id:str}/stop"): for_owner("stop"),
    ("POST", "/c/{conversation_id:str}/retry"): for_owner("retry", 404, message="another"),
    ("POST", "/c/{conversation_id:str}/continue"): for_owner("continue", 409),
    ("POST", "/c/{conversation_id:str}/settings"): for_owner(
        "settings", model="", system_prompt="", temperature="", max_tokens=""
    ),
    ("POST", "/c/{conversation_id:str}/fork"): for_owner("fork"),
    ("POST", "/c/{conversation_id:str}/messages/{message_id:str}/edit"): for_message("/edit", 422),
    ("POST", "/c/{conversation_id:str}/messages/{message_id:str}/fork"): for_message("/fork"),
    ("POST", "/c/{conversation_id:str}/messages/{message_id:str}/version/{version:str}"): for_message("/version/1"),
    ("POST", "/c/{conversation_id:str}/messages/{message_id:str}/delete"): Row(
        303, 404, 404, 303, lambda there: f"/c/{there.conversation}/messages/{there.passing_message()}/delete"
    ),
    ("GET", "/c/{conversation_id:str}/organise"): for_owner("organise", 200),
    ("POST", "/c/{conversation_id:str}/rename"): for_owner("rename", title="Mine"),
    ("POST", "/c/{conversation_id:str}/pin"): for_owner("pin"),
    ("POST", "/c/{conversation_id:str}/unpin"): for_owner("unpin"),
    ("POST", "/c/{conversation_id:str}/archive"): for_owner("archive"),
    ("POST", "/c/{conversation_id:str}/unarchive"): for_owner("unarchive"),
    ("POST", "/c/{conversation_id:str}/move"): for_owner("move", folder="Mine"),
    ("POST", "/c/{conversation_id:str}/delete"): for_owner("delete"),
    ("POST", "/c/{conversation_id:str}/restore"): for_owner("restore"),
    ("POST", "/c/{conversation_id:str}/reveal/{message_id:str}"): Row(
        303, 404, 404, 303, lambda there: f"/c/{there.conversation}/reveal/{there.message}"
    ),
    ("GET", "/list"): for_members(200),
    ("GET", "/search"): for_members(200),
    ("GET", "/several"): for_members(200),
    ("POST", "/several"): for_members(422),
    ("POST", "/several/export"): for_members(422),
    ("POST", "/several/restore"): for_members(303, fields={"at": "never"}),
    ("GET", "/trash"): for_members(200),
    ("POST", "/trash/empty"): for_members(303),
    ("GET", "/manifest.webmanifest"): for_all(200),
    ("GET", "/worker.js"): for_all(200),
    ("GET", "/offline"): for_all(200),
    ("GET", "/health/live"): for_all(200),
    ("GET", "/health/ready"): for_all(200),
    ("GET", "/setup/{token:str}"): for_all(404, path=lambda _: "/setup/anything"),
    ("POST", "/setup/{token:str}"): for_all(404, path=lambda _: "/setup/anything"),
    ("GET", "/sign-in"): Row(200, 303, 303, 303),
    ("POST", "/sign-in"): for_all(422),
    ("POST", "/sign-out"): for_members(303),
    ("GET", "/static/{version:str}/{name:path}"): for_all(200, path=lambda there: there.style_sheet),
}

ENDING = {"/sign-out", "/account/sign-out-everywhere"}
"""After these, whoever asked has to sign in anew."""


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    folder = tmp_path_factory.mktemp("family") / "data"
    with family_page(folder, "child", "cousin", password=PASSWORD) as running:
        yield There(running)


@pytest.fixture(scope="module")
def browsers(there: There) -> dict[str, Browser]:
    """Who asks: each with a session, apart from the stranger."""
    return {who: entering(there, who) for who in ("stranger", "other", "admin", "owner")}


def entering(there: There, who: str) -> Browser:
    there.family.app.state.site.rates = Rates()
    names = {"other": "cousin", "admin": "mum", "owner": "child"}
    if who in names:
        return there.family.signed_in(names[who], PASSWORD)
    browser = there.family.browser()
    browser.get("/sign-in")
    return browser


def test_every_route_has_its_row(there: There) -> None:
    routes = create_app(Settings(data_dir=there.family.app.state.site.settings.data_dir)).routes
    asked = {
        (method, route.path) for route in routes for method in getattr(route, "methods", ()) if method != "OPTIONS"
    }
    assert sorted(asked) == sorted(TABLE)


@pytest.mark.parametrize("who", ["stranger", "other", "admin", "owner"])
@pytest.mark.parametrize(("method", "path"), TABLE)
def test_who_gets_what(there: There, browsers: dict[str, Browser], method: str, path: str, who: str) -> None:
    there.family.app.state.site.rates = Rates()
    row = TABLE[method, path]
    browser = browsers[who]
    where = row.path(there) if row.path else path
    response = browser.get(where) if method == "GET" else browser.post(where, **(row.fields or {}))
    assert response.status_code == getattr(row, who)
    if who == "stranger" and response.status_code == 303:
        assert response.headers["location"].startswith("/sign-in")
    if path in ENDING:
        browser.close()
        browsers[who] = entering(there, who)
