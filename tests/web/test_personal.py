"""Personal settings: they follow the person, and reach nobody else's; sessions, and taking everything along."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from familychat.models import User
from familychat.store.conversations import ConversationStore
from familychat_web.testing import Browser, Running

PASSWORD = "quiet little river"
AT = "2026-01-31T18:05:00.123Z"


@pytest.fixture
def person(family: Running) -> User:
    found = family.home.accounts.people.by_username("child")
    assert found is not None
    return found


def test_the_look_follows_the_person_and_stays_on_the_device(family: Running, child: Browser) -> None:
    dark = 'data-theme="dark" data-accent="green" data-size="large"'
    child.post("/account/look", theme="dark", accent="green", size="large", language="")
    assert dark in family.signed_in("child", PASSWORD).get("/").text
    assert dark not in family.signed_in("cousin", PASSWORD).get("/").text
    child.post("/sign-out")
    assert dark in child.get("/sign-in").text, "on this device also before signing in"


def test_the_greeting_and_what_a_conversation_begins_with(family: Running, child: Browser, person: User) -> None:
    done = child.post("/account/beginning", greeting=" Captain <3 ", task="homework", model="small")
    assert (done.status_code, done.headers["location"]) == (303, "/account?kept=1")
    page = child.get("/").text
    assert re.search(r"Good (morning|afternoon|evening), Captain &lt;3<", page)
    chosen = family.home.preferences.of(person)
    assert (chosen.greeting, chosen.task, chosen.model) == ("Captain <3", "homework", "small")
    refused = child.post("/account/beginning", greeting="x" * 65, task="", model="typed model")
    assert refused.status_code == 422
    assert "Nothing was changed." in refused.text
    assert 'value="typed model"' in refused.text, "what was typed is still there"
    assert family.home.preferences.of(person) == chosen
    child.post("/account/beginning", greeting="", task="", model="")
    assert re.search(r"Good (morning|afternoon|evening), Child<", child.get("/").text)


def test_own_sessions_end_one_by_one_or_all_the_others(family: Running, child: Browser, person: User) -> None:
    phone, tablet = family.signed_in("child", PASSWORD), family.signed_in("child", PASSWORD)
    cousin = family.signed_in("cousin", PASSWORD)
    page = child.get("/account").text
    assert page.count("This one") == 1
    token = phone.client.cookies["familychat_session"]
    session = family.home.sign_in.session_of(token)
    assert session is not None
    assert f'value="{session.id}"' in page
    cousin.get("/account")
    assert cousin.post("/account/sessions/end", session=session.id).status_code == 404, "nobody else's"
    child.post("/account/sessions/end", session=session.id)
    assert [one.get("/api/me").status_code for one in (child, phone, tablet)] == [200, 401, 200]
    child.post("/account/sessions/end-others")
    assert [one.get("/api/me").status_code for one in (child, tablet, cousin)] == [200, 401, 200]


@pytest.mark.parametrize("name", ["md", "txt", "html", "json", "csv"])
def test_everything_can_be_taken_along(family: Running, child: Browser, person: User, name: str) -> None:
    store = ConversationStore(family.home.database)
    if not family.home.conversations.newest(person):
        store.add(person.id, AT, title="Tea", task="general")
        put_away = store.add(person.id, AT, title="Coffee", task="general")
        family.home.conversations.archive(person, put_away)
    response = child.get(f"/account/export/{name}")
    assert response.status_code == 200
    assert re.search(rf'filename="familychat-[\d-]+\.{name}\.zip"', response.headers["content-disposition"])
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        texts = b"".join(archive.read(one) for one in archive.namelist())
        assert all(one.endswith(f".{name}") for one in archive.namelist())
    if name != "csv":  # which has a row for each message
        assert b"Tea" in texts
        assert b"Coffee" in texts
    others = family.signed_in("cousin", PASSWORD).get(f"/account/export/{name}")
    assert zipfile.ZipFile(io.BytesIO(others.content)).namelist() == []
    assert child.get("/account/export/docx").status_code == 422


def test_what_is_known_of_oneself(family: Running, child: Browser, person: User) -> None:
    family.home.limits.count_turn(person, "general")
    text = child.get("/account/activity").text
    assert re.search(r'<th scope="row">general</th><td class="number">1</td>', text)
    assert '<td title="sign-in">signed in</td>' in text
    assert "Nobody has." in text
    assert '<th scope="row">general</th>' not in family.signed_in("cousin", PASSWORD).get("/account/activity").text
