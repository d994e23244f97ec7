"""For all abilities: every page, found by its route, in every theme, wide and on a phone.

axe-core looks for what breaks WCAG 2.2 AA and its own best practices; and nothing may be wider than a window, from the
smallest phone to 4K, or too small for a finger. A page with an id in its address needs a line in ``ADDRESSES``.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.models import Conversation, Status, Usage, User
from familychat.settings import Settings
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore
from familychat.store.safety import SafetyEvent, SafetyStore
from familychat.testing import FakeLMStudio, FakeOpenAI, Script
from familychat_web import create_app
from familychat_web.looking import Look
from familychat_web.screens import PHONE, Screen
from familychat_web.testing import Browser, Running, family_page, served

PASSWORD = "quiet little river"
NPM = shutil.which("npm")
AXE = "axe-core@4.14.1"
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
AT, LATER = "2026-01-31T18:05:00.123Z", "2099-01-31T18:05:00.123Z"
"""Supervision reaches only what comes after it has begun."""

SONGS = "Title,Artist,Year,Length\nBlue Moon,Ann,1961,3:45\nRed Sun,Bob,1973,4:10\nGreen Sea,Ann,1985,2:59\n"
TASK = 'name = "cooking"\ntitle = "Cooking"\ndescription = "What to cook."\nsystem_prompt = """\nCook.\n"""\n'
FORMS: list[tuple[str, dict[str, str]]] = [
    ("/admin/people/{child}", {"do": "band", "band": "child"}),
    ("/admin/people/{child}", {"do": "supervise", "level": "full"}),
    ("/admin/groups", {"do": "add-group", "group": "cousins"}),
    ("/admin/groups", {"do": "join", "group": "cousins", "person": "cousin"}),
    ("/admin/rules", {"do": "grant", "who": "child", "what": "task:homework", "effect": "deny", "until": "2199-01-31"}),
    ("/admin/limits", {"do": "set-quota", "who": "everyone", "kind": "messages", "amount": "100"}),
    ("/admin/limits", {"do": "add-hours", "who": "child", "days": "daily", "begins": "21:00", "ends": "07:00"}),
    ("/admin/ages", {"do": "add-topic", "topic": "dragons", "words": "fire breath\ndragon egg"}),
    ("/admin/tasks", {"do": "add-task", "text": TASK}),
    ("/admin/backups", {"do": "make-backup", "password": "", "again": ""}),
]
TEXT = (
    "# Rice\n\n> Slowly *now*.\n\n1. Boil it\n2. Wait for [it](https://example.org)\n\n"
    '```python\n@cached\ndef cook(eggs: int) -> str:  # how many\n    return f"{eggs * 2}"\n```\n\n'
    "| a | b |\n|---|--:|\n| x | 1 |\n\n```diff\n-old\n+new\n```\n"
)
ROWS = {
    "sql": "SELECT year, count(*) FROM songs", "columns": ["year", "song_count"],
    "rows": [[1999, 12], [1970, 3], [2001, 6]], "row_count": 40,
}  # fmt: skip
ALL_KINDS: list[dict[str, Any]] = [
    {"reasoning": "Hm. Rice?"},
    {"details": ROWS, "content": "Most are of 1999."},
    {"status": Status.FAILED, "content": "", "error": "The model server answered with an error."},
    {"status": Status.PARTIAL, "error": "The line broke."},
    {"status": Status.STOPPED},
]
ROUTES = sorted(
    route.path
    for route in create_app(Settings(data_dir=Path("nowhere"))).routes
    if "GET" in getattr(route, "methods", ())
)


@dataclass(frozen=True)
class Place:
    """A household, and who looks at it."""

    running: Running
    who: Browser

    def person(self, name: str) -> User:
        found = self.running.home.accounts.people.by_username(name)
        assert found is not None
        return found


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest) -> str:
    """axe-core from npm's registry, fetched once and kept in pytest's cache folder."""
    if NPM is None:
        pytest.skip("npm isn't installed")
    folder = Path(request.config.cache.mkdir("axe-core"))
    packed = folder / f"{AXE.replace('@', '-')}.tgz"
    if not packed.exists():
        command = [NPM, "pack", AXE, "--silent", "--pack-destination", str(folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=120, cwd=folder)
    assert base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() == SHA512
    with tarfile.open(packed) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


# -- a household with something on every page


def answered(home: Household, who: User, title: str, at: str, *answers: dict[str, Any]) -> Conversation:
    """A conversation with a question before each of these answers."""
    store, messages = ConversationStore(home.database), MessageStore(home.database)
    made, head = store.add(who.id, at, title=title, task="general"), None
    for answer in answers:
        question = messages.add_question(made, "What can I cook?\nQuickly!", head, at)
        head = messages.add_answer(made, question.id, "nobody", at).id
        usual = {"content": TEXT, "reasoning": "", "error": None, "model": "tiny", "usage": Usage(7, 3, 450.0, 21.4)}
        messages.finish(head, **{"status": Status.COMPLETE, **usual, **answer})
    return store.get(who.id, made.id)


def wait_for(browser: Browser, path: str, words: str) -> None:
    end = time.monotonic() + 30
    while words not in browser.get(path).text:
        assert time.monotonic() < end, f"{words} never came"
        time.sleep(0.05)


def furnish(home: Household, browser: Browser) -> None:
    """By mum: rules, limits, a group, a task, a music list, a backup, and chats of hers and of the child's."""
    mum, child = (home.accounts.people.by_username(name) for name in ("mum", "child"))
    assert mum is not None
    assert child is not None
    for path, form in FORMS:
        assert browser.post(path.format(child=child.id), **form).status_code == 303, form
    headers = {"x-csrf-token": browser.csrf, "content-type": "application/octet-stream"}
    browser.client.post("/admin/music/upload?name=Ours.csv", content=SONGS.encode(), headers=headers)
    wait_for(browser, "/admin/music", "waits to be brought in")
    browser.post("/admin/music", do="import", name="Ours")
    wait_for(browser, "/admin/music", "Ours is here")
    wait_for(browser, "/admin/backups", "Saved and checked")
    event = SafetyEvent(AT, "dragons", "question", "words", None)
    SafetyStore(home.database).note(child.id, event)
    for owner, at in ((mum, AT), (child, LATER)):
        answered(home, owner, "A talk of all kinds", at, *ALL_KINDS)
        gone = answered(home, owner, "An old one", at, {})
        home.conversations.delete(owner, gone)
        pinned = answered(home, owner, "Word" * 40, at, {})
        home.conversations.pin(owner, pinned)


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Mum's page of a household with something everywhere."""
    fake = FakeLMStudio(loaded={"maker/tiny": 4096})

    def household(settings: Settings) -> Household:
        return Household(settings, servers=ServerChoice(settings, fake.transport()))

    folder = tmp_path_factory.mktemp("lived-in") / "data"
    with family_page(
        folder, "child", "cousin", password=PASSWORD, household=household, server_kind="lmstudio"
    ) as running:
        browser = running.signed_in("mum", PASSWORD)
        furnish(running.home, browser)
        yield Place(running, browser)


@pytest.fixture(scope="module")
def as_child(lived_in: Place) -> Place:
    """The child's page of it: supervised, with quotas and quiet hours."""
    return Place(lived_in.running, lived_in.running.signed_in("child", PASSWORD))


@pytest.fixture(scope="module")
def empty(family: Running) -> Place:
    """Mum's page of a household where nothing has happened yet."""
    return Place(family, family.signed_in("mum", PASSWORD))


@pytest.fixture(scope="module")
def as_stranger(family: Running) -> Place:
    return Place(family, family.browser())


@pytest.fixture(scope="module")
def unborn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A household without anybody."""
    folder = tmp_path_factory.mktemp("unborn") / "data"
    with served(create_app(Settings(data_dir=folder))) as running:
        yield Place(running, running.browser())


def first_of(place: Place, title: str) -> Conversation:
    mum = place.person("mum")
    return next(one for one in place.running.home.conversations.newest(mum) if one.title == title)


ADDRESSES: dict[str, Callable[[Place], str]] = {
    "/c/{conversation_id:str}": lambda place: f"/c/{first_of(place, 'A talk of all kinds').id}",
    "/c/{conversation_id:str}/organise": lambda place: f"/c/{first_of(place, 'A talk of all kinds').id}/organise",
    "/admin/people/{person:str}": lambda place: f"/admin/people/{place.person('child').id}",
    "/admin/people/{person:str}/remove": lambda place: f"/admin/people/{place.person('child').id}/remove",
    "/admin/rules/one": lambda _: "/admin/rules/one?who=child&what=task:homework",
    "/admin/tasks/one": lambda _: "/admin/tasks/one?name=cooking",
    "/admin/music/one": lambda _: "/admin/music/one?name=Ours",
    "/list": lambda _: "/list?whole=1",
    "/search": lambda _: "/search?whole=1&q=rice",
}
PARTS = {
    "/account/export/{format_name:str}", "/c/{conversation_id:str}/events", "/c/{conversation_id:str}/pulse",
    "/c/{conversation_id:str}/export/{format_name:str}", "/c/{conversation_id:str}/messages/{message_id:str}",
    "/c/{conversation_id:str}/messages/{message_id:str}/text", "/c/{conversation_id:str}/shown", "/setup/{token:str}",
}  # fmt: skip
"""Routes with an id that give no whole page, or one that is looked at below."""

CASES = [
    *(("lived_in", path) for path in ROUTES if not path.startswith(("/api", "/static")) and path not in PARTS),
    *(("empty", path) for path in ROUTES if not path.startswith(("/api", "/static")) and "{" not in path),
    *(("as_child", path) for path in ("/", "/account", "/account/activity", "/new", "/nothing", "/admin/people")),
    *(("as_stranger", path) for path in ("/sign-in", "/offline", "/nothing")),
    ("empty", "/search?whole=1&q=nothing"),
    ("unborn", "setup"),
]


# -- looking


@pytest.fixture(scope="module")
def look(driver: webdriver.Chrome, family: Running, axe: str) -> Iterator[Look]:
    opened = Look(Screen(driver, family.address, PASSWORD).fresh(), axe)
    with opened.steadily():
        yield opened


@pytest.mark.parametrize(("where", "path"), CASES)
def test_every_page(request: pytest.FixtureRequest, look: Look, where: str, path: str) -> None:
    place: Place = request.getfixturevalue(where)
    if path == "setup":
        path = place.running.app.state.site.setup_link.path(place.running.home) or ""
    path = ADDRESSES[path](place) if path in ADDRESSES and (where == "lived_in" or "{" in path) else path
    assert "{" not in path, "ADDRESSES needs a line for it"
    if "</html>" not in place.who.get(path).text:
        return  # it is no page
    look.open(place.who, path)
    wrong = look.wrong_however_it_stands()
    assert not wrong, "\n".join(wrong)


def press(selector: str, seen: str) -> Callable[[Screen], object]:
    """Click on something, and wait until something else is shown."""

    def done(screen: Screen) -> None:
        screen.see(selector).click()
        screen.see(seen)

    return done


def write(selector: str, text: str, seen: str) -> Callable[[Screen], object]:
    """Type something and Enter, and wait until something is shown."""

    def done(screen: Screen) -> None:
        screen.see(selector).send_keys(text, Keys.ENTER)
        screen.see(seen)

    return done


def one_by_one(*acts: Callable[[Screen], object]) -> Callable[[Screen], object]:
    return lambda screen: [act(screen) for act in acts]


LOOKS = press("form[action$='/look'] button", "main table")
CHILD = "/admin/people/{person:str}"
OPENED: dict[str, tuple[str, str, int, Callable[[Screen], object]]] = {
    "a drawer": ("lived_in", "/", PHONE[0], press(".bar .drawer-button", "#conversations")),
    "an admin's drawer": ("lived_in", "/admin/people", PHONE[0], press(".bar .drawer-button", "#admin")),
    "a row's menu": ("lived_in", "/", 1280, press(".chat-more", ".row-menu")),
    "what was found": ("lived_in", "/", 1280, write("input[type=search]", "rice", "#hits .hit")),
    "nothing found": ("lived_in", "/", 1280, write("input[type=search]", "zebra", "#hits .told")),
    "a look": ("lived_in", CHILD, 1280, LOOKS),
    "what was read": ("lived_in", CHILD, 1280, one_by_one(LOOKS, press("main table button", "main article.card"))),
    "a refused form": ("lived_in", "/admin/limits", 1280, write("#set-quota-amount", "many", ".problem")),
    "a wrong password": ("as_stranger", "/sign-in", 1280, write("[name=username]", "x\tnot hers", ".problem")),
    "an answer on its way": ("empty", "/new", 1280, write("#text", "A story, please", ".answer")),
}


@pytest.mark.parametrize("name", OPENED)
def test_what_opens_on_a_page(request: pytest.FixtureRequest, look: Look, model_server: FakeOpenAI, name: str) -> None:
    where, path, width, act = OPENED[name]
    place: Place = request.getfixturevalue(where)
    model_server.scripts = [Script(pieces=["word "] * 200, delay=0.05)]
    look.open(place.who, ADDRESSES[path](place) if path in ADDRESSES else path, width)
    act(look.screen)
    wrong = look.violations()
    assert not wrong, "\n".join(wrong)
