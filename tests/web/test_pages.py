"""The pages as people see them: signing in and out, the shell, the account, and what went wrong."""

from __future__ import annotations

import pytest

from familychat.models import Effect
from familychat.store.conversations import ConversationStore
from familychat_web.testing import Browser, Running

PASSWORD = "quiet little river"
AT = "2026-01-31T18:05:00.123Z"


def test_a_stranger_is_led_to_the_sign_in_and_back(family: Running, stranger: Browser) -> None:
    asked = stranger.get("/account/password")
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?next=/account/password")
    assert 'value="/account/password"' in stranger.get(asked.headers["location"]).text
    done = stranger.post("/sign-in", username="Child", password=PASSWORD, next="/account/password")
    assert (done.status_code, done.headers["location"]) == (303, "/account/password")
    assert stranger.get("/sign-in").headers["location"] == "/", "who is in needs no form"


@pytest.mark.parametrize("way", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "", "/a\nb"])
def test_the_way_back_never_leaves_the_page(stranger: Browser, way: str) -> None:
    stranger.get("/sign-in", params={"next": way})
    done = stranger.post("/sign-in", username="cousin", password=PASSWORD, next=way)
    assert done.headers["location"] == "/"


def test_the_welcome_is_by_name_and_time_and_shows_only_what_is_allowed(family: Running, child: Browser) -> None:
    text = child.get("/").text
    assert any(f"Good {part}, Child" in text for part in ("morning", "afternoon", "evening"))
    assert "<h2>General</h2>" in text
    mum = family.home.accounts.people.by_username("mum")
    assert mum is not None
    family.home.rules.grant(mum, "child", "task:general", Effect.DENY)
    assert "<h2>General</h2>" not in child.get("/").text
    family.home.rules.revoke(mum, "child", "task:general")
    assert "<h2>General</h2>" in child.get("/").text


def test_signing_out_ends_the_session_and_its_cookie(child: Browser) -> None:
    assert child.get("/api/me").json()["username"] == "child"
    kept = dict(child.client.cookies)
    done = child.post("/sign-out")
    assert (done.status_code, done.headers["location"]) == (303, "/sign-in")
    assert "familychat_session" not in child.client.cookies
    child.client.cookies.update(kept)
    assert child.get("/api/me").status_code == 401


def test_signing_out_everywhere(family: Running, child: Browser) -> None:
    phone = family.signed_in("child", PASSWORD)
    other = family.signed_in("cousin", PASSWORD)
    assert child.post("/account/sign-out-everywhere").headers["location"] == "/sign-in"
    assert [one.get("/api/me").status_code for one in (child, phone, other)] == [401, 401, 200]


def test_an_admin_changes_their_password_and_stays_in_only_there(family: Running, mum: Browser) -> None:
    phone = family.signed_in("mum", PASSWORD)
    mum.get("/account/password")
    wrong = mum.post("/account/password", current="not this one", password="another long one", again="another long one")
    assert wrong.status_code == 401
    assert "don&#39;t fit" in wrong.text
    differing = mum.post("/account/password", current=PASSWORD, password="another long one", again="another one")
    assert differing.status_code == 422
    before = mum.client.cookies["familychat_session"]
    done = mum.post("/account/password", current=PASSWORD, password="another long one", again="another long one")
    assert (done.status_code, done.headers["location"]) == (303, "/account")
    assert mum.client.cookies["familychat_session"] != before
    assert [one.get("/api/me").status_code for one in (mum, phone)] == [200, 401]
    mum.get("/account/password")
    mum.post("/account/password", current="another long one", password=PASSWORD, again=PASSWORD)
    assert mum.get("/api/me").status_code == 200


def test_the_look_is_kept_on_the_device(child: Browser) -> None:
    child.get("/account")
    done = child.post("/account/look", theme="dark", accent="rose", size="larger", language="")
    assert done.status_code == 303
    assert 'data-theme="dark" data-accent="rose" data-size="larger"' in child.get("/").text
    child.post("/account/look", theme='"><script>', accent="rose", size="huge", language="xx")
    assert 'data-theme="system" data-accent="rose" data-size="normal"' in child.get("/").text


def test_conversations_are_listed_to_their_owner_and_names_are_escaped(family: Running, child: Browser) -> None:
    assert "Nothing yet." in child.get("/").text
    person = family.home.accounts.people.by_username("child")
    assert person is not None
    ConversationStore(family.home.database).add(person.id, AT, title="<b>Pasta</b> & co", task="general")
    assert ">&lt;b&gt;Pasta&lt;/b&gt; &amp; co</a>" in child.get("/").text
    assert "Pasta" not in family.signed_in("cousin", PASSWORD).get("/").text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [("/nothing", 404, "There is nothing here."), ("/sign-out", 405, "That can&#39;t be done here.")],
)
def test_people_get_a_page_about_what_went_wrong(child: Browser, path: str, status: int, words: str) -> None:
    response = child.get(path)
    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<h1>{words}</h1>" in response.text
    assert response.headers["x-request-id"] in response.text
