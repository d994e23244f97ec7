"""The admin pages: people, rules, limits, ages, supervision, tasks, backups, and what was used and done."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import httpx
import pytest

from familychat.backups import backups, default_folder
from familychat.clock import timestamp, utc_now
from familychat.family.guessing import account_subject
from familychat.family.safety.rules import Safety
from familychat.models import Band, LimitKind, Role, Status, Usage, User
from familychat.settings import load_settings
from familychat.store.conversations import ConversationStore
from familychat.store.messages import MessageStore
from familychat.store.sessions import SessionStore
from familychat_web.testing import Browser, Running

PASSWORD = "quiet little river"
ANOTHER = "another long river"
PATIENCE = 30.0


def person(family: Running, name: str) -> User:
    found = family.home.accounts.people.by_username(name)
    assert found is not None
    return found


def at(family: Running, name: str) -> str:
    return f"/admin/people/{person(family, name).id}"


def doing(browser: Browser, path: str, do: str, **fields: str) -> httpx.Response:
    """Send one of a page's forms, as it stands there."""
    page = browser.get(path)
    assert f'name="do" value="{do}"' in page.text, f"there is no form for {do} at {path}"
    return browser.post(path, do=do, **fields)


def well(browser: Browser, path: str, do: str, **fields: str) -> str:
    """The same; it leads on to a page that says that it was done."""
    response = doing(browser, path, do, **fields)
    assert response.status_code == 303, response.text
    page = browser.get(response.headers["location"])
    assert page.status_code == 200
    assert 'class="done" role="status"' in page.text
    return page.text


def refused(browser: Browser, path: str, do: str, status: int, **fields: str) -> str:
    response = doing(browser, path, do, **fields)
    assert response.status_code == status, response.text
    assert 'class="problem" role="alert"' in response.text
    return response.text


def until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not wanted():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


PAGES = ("people", "groups", "rules", "limits", "ages", "tasks", "models", "music", "usage", "audit", "sessions",
         "backups", "settings")  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_are_for_admins(mum: Browser, child: Browser, name: str) -> None:
    page = mum.get(f"/admin/{name}")
    assert page.status_code == 200
    assert f'href="/admin/{name}" aria-current="page"' in page.text
    assert page.text.count("<h1>") == 1
    ids = re.findall(r'\bid="([^"]+)"', page.text)
    assert len(ids) == len(set(ids)), "an id stands there twice"
    labelled = set(re.findall(r'<label for="([^"]+)"', page.text))
    fields = re.findall(r'<(?:input(?! type="hidden")|select|textarea(?! name="before"))[^>]*\bid="([^"]+)"', page.text)
    assert set(fields) <= labelled
    assert child.get(f"/admin/{name}").status_code == 403


def test_a_person_is_added_renamed_given_a_password_and_removed(family: Running, mum: Browser) -> None:
    form = {"username": "aunt", "display_name": "Auntie", "band": "teen"}
    differing = refused(mum, "/admin/people", "add", 422, **form, password=PASSWORD, again=ANOTHER)
    assert 'value="aunt"' in differing, "what was typed stays"
    assert PASSWORD not in differing, "but for passwords"
    text = well(mum, "/admin/people", "add", **form, password=PASSWORD, again=PASSWORD)
    assert "<h1>Auntie</h1>" in text
    assert (person(family, "aunt").band, person(family, "aunt").role) == (Band.TEEN, Role.MEMBER)
    taken = refused(mum, "/admin/people", "add", 409, **form, password=PASSWORD, again=PASSWORD)
    assert "The name aunt is taken" in taken

    here = at(family, "aunt")
    well(mum, here, "rename", username="tante", display_name="Tante")
    aunt = family.signed_in("tante", PASSWORD)
    well(mum, here, "password", password=ANOTHER, again=ANOTHER)
    assert aunt.get("/api/me").status_code == 401, "a new password ends the sessions"
    well(mum, here, "band", band="child")
    well(mum, here, "promote")
    assert person(family, "tante").is_admin
    well(mum, here, "demote")
    well(mum, here, "disable")
    assert not person(family, "tante").active
    well(mum, here, "enable")
    asked = mum.get(f"{here}/remove").text
    assert "with 0 conversations" in asked
    done = mum.post(here, do="remove")
    assert done.headers["location"] == "/admin/people?done=remove"
    assert family.home.accounts.people.by_username("tante") is None
    assert mum.get(here).status_code == 404


def test_the_last_admin_stays(family: Running, mum: Browser) -> None:
    text = refused(mum, at(family, "mum"), "demote", 409)
    assert "last active admin" in text
    assert person(family, "mum").is_admin


def test_a_session_ends_at_once_and_only_that_one(family: Running, mum: Browser) -> None:
    phone, desk = family.signed_in("cousin", PASSWORD), family.signed_in("cousin", PASSWORD)
    newest, _ = family.home.sessions.own(person(family, "cousin"))[:2]
    of_mum = family.home.sessions.own(person(family, "mum"))[0]
    here = at(family, "cousin")
    assert refused(mum, here, "end-session", 409, session=of_mum.id), "not by another's page"
    well(mum, here, "end-session", session=newest.id)
    assert sorted(one.get("/api/me").status_code for one in (phone, desk)) == [200, 401]
    well(mum, here, "end-all")
    assert [one.get("/api/me").status_code for one in (phone, desk)] == [401, 401]
    assert mum.get("/api/me").status_code == 200
    again = family.signed_in("cousin", PASSWORD)
    well(mum, "/admin/sessions", "end-session", session=family.home.sessions.own(person(family, "cousin"))[0].id)
    assert again.get("/api/me").status_code == 401


def test_who_is_locked_out_is_let_in_again(family: Running, mum: Browser) -> None:
    mother = person(family, "mum")
    family.home.accounts.add(mother, "uncle", PASSWORD)
    failures = SessionStore(family.home.database)
    failures.put_failures(account_subject("uncle"), 50, timestamp(utc_now()))
    assert "locked until" in mum.get("/admin/people").text
    assert "uncle: 50 times" in mum.get("/admin/sessions").text
    well(mum, at(family, "uncle"), "unlock")
    assert family.browser().sign_in("uncle", PASSWORD).status_code == 303
    response = mum.post(at(family, "uncle"), do="unlock")
    assert response.status_code == 409, "they don't have to wait"


def test_a_rule_is_set_explained_and_taken_away(family: Running, mum: Browser, child: Browser) -> None:
    table = mum.get("/admin/rules").text
    assert 'aria-label="child, task:general: The rule for everyone allows task:general' in table
    assert "model:tiny" in table, "the model server's models are there"
    one = "/admin/rules/one?who=child&what=task%3Ageneral"
    assert "child may use it now" in mum.get(one).text
    rule = {"who": "child", "what": "task:general"}
    mum.get(one)
    done = mum.post("/admin/rules", do="grant", **rule, effect="deny", until="2199-01-31")
    assert done.status_code == 303
    text = mum.get(done.headers["location"]).text
    assert "what is forbidden wins" in text
    assert "child may not use it now" in text
    assert re.search(r"Until 2199-02-01 00:00", text), "the last day is all of it"
    assert "<h2>General</h2>" not in child.get("/").text
    assert "forbidden" in mum.get("/admin/rules").text
    done = mum.post("/admin/rules", do="revoke", **rule)
    assert "child may use it now" in mum.get(done.headers["location"]).text
    assert mum.post("/admin/rules", do="revoke", **rule).status_code == 404
    past = mum.post("/admin/rules", do="grant", **rule, effect="allow", until="2001-01-31")
    assert past.status_code == 422
    assert 'value="2001-01-31"' in past.text
    unknown = mum.post("/admin/rules", do="grant", who="child", what="task:nothing", effect="allow", until="")
    assert unknown.status_code == 404
    assert "There is no task nothing" in unknown.text
    assert mum.get("/admin/rules/one?who=stranger&what=task%3Ageneral").status_code == 404


def test_groups(family: Running, mum: Browser) -> None:
    well(mum, "/admin/groups", "add-group", group="cousins")
    well(mum, "/admin/groups", "join", group="cousins", person="cousin")
    refused(mum, "/admin/groups", "join", 409, group="cousins", person="cousin")
    assert "group:cousins" in mum.get("/admin/rules").text
    well(mum, "/admin/groups", "leave", group="cousins", person="cousin")
    well(mum, "/admin/groups", "remove-group", group="cousins")
    assert "cousins" not in mum.get("/admin/groups").text


def test_quotas_and_more_for_today(family: Running, mum: Browser) -> None:
    well(mum, "/admin/limits", "set-quota", who="child", kind="messages", amount="5")
    wrong = refused(mum, "/admin/limits", "set-quota", 422, who="child", kind="messages", amount="many")
    assert 'value="many"' in wrong
    here = at(family, "child")
    assert "5 of 5 questions left" in " ".join(mum.get(here).text.split())
    well(mum, here, "more-questions", amount="10")
    left = family.home.limits.standing(person(family, "child")).quotas[0]
    assert (left.kind, left.left) == (LimitKind.MESSAGES, 15)
    well(mum, "/admin/limits", "remove-quota", who="child", kind="messages")
    assert not family.home.limits.standing(person(family, "child")).quotas


def test_quiet_hours_and_more_time(family: Running, mum: Browser) -> None:
    hours = {"who": "child", "days": "daily", "begins": "00:00", "ends": "23:59"}
    well(mum, "/admin/limits", "add-hours", **hours)
    refused(mum, "/admin/limits", "add-hours", 409, **hours)
    standing = family.home.limits.standing(person(family, "child"))
    assert standing.quiet_until or standing.next_quiet
    well(mum, at(family, "child"), "more-time", amount="30")
    well(mum, "/admin/limits", "remove-hours", who="child", days="Monday")
    assert len(family.home.rules.hours(person(family, "mum"))) == 6
    well(mum, "/admin/limits", "remove-hours", who="child", days="")
    well(mum, "/admin/limits", "free-hours", who="child")
    well(mum, "/admin/limits", "remove-hours", who="child", days="")
    assert not family.home.rules.hours(person(family, "mum"))


def test_ages_and_the_filter(family: Running, mum: Browser) -> None:
    safety = Safety(family.home.database)
    mother = person(family, "mum")
    before = {one.band: one for one in safety.bands(mother)}
    well(mum, "/admin/ages", "set-prompt", band="teen", prompt="Be brief & kind.")
    assert "Be brief &amp; kind." in mum.get("/admin/ages").text
    well(mum, "/admin/ages", "shipped-prompt", band="teen")
    assert {one.band: one for one in safety.bands(mother)} == before
    switch = ("lift-filter", "require-filter") if before[Band.CHILD].filtered else ("require-filter", "lift-filter")
    for do in switch:
        well(mum, "/admin/ages", do, band="child")
    well(mum, "/admin/ages", "add-topic", topic="dragons", words="fire breath\ndragon egg")
    kept = refused(mum, "/admin/ages", "add-topic", 409, topic="dragons", words="fire breath")
    assert ">fire breath</textarea>" in kept
    well(mum, "/admin/ages", "topic-off", topic="dragons")
    well(mum, "/admin/ages", "remove-topic", topic="dragons")
    assert "dragons" not in [topic.name for topic in safety.topics(mother)]


def asked(family: Running, name: str, question: str, answer: str) -> str:
    """A conversation of somebody, as it is stored; returns its id."""
    who, now = person(family, name), "2099-01-31T18:05:00.123Z"
    conversation = ConversationStore(family.home.database).add(who.id, now, title="Volcanoes", task="general")
    messages = MessageStore(family.home.database)
    first = messages.add_question(conversation, question, None, now)
    second = messages.add_answer(conversation, first.id, "nobody", now)
    messages.finish(
        second.id,
        Status.COMPLETE,
        content=answer,
        reasoning="",
        model="tiny",
        usage=Usage(),
        error=None,
        details={},
    )
    return conversation.id


def test_supervision_is_told_and_each_look_is_recorded(family: Running, mum: Browser) -> None:
    mother = person(family, "mum")
    family.home.accounts.add(mother, "niece", PASSWORD)
    here = at(family, "niece")
    refused(mum, here, "supervise", 409, level="full")
    well(mum, here, "band", band="child")
    assert "look" not in re.findall(r'name="do" value="(\w+)"', mum.get(here).text), "nothing to look at yet"
    well(mum, here, "supervise", level="summary")
    conversation = asked(
        family, "niece", "Why do <b>volcanoes</b> erupt?", "Because of **pressure**. <script>x</script>"
    )

    def looks() -> int:
        return len(family.home.supervisions.looks(person(family, "niece")))

    before = looks()
    summary = mum.post(f"{here}/look", do="look")
    assert summary.status_code == 200
    assert "Volcanoes" in summary.text
    assert "pressure" not in summary.text
    assert looks() == before + 1
    assert mum.post(f"{here}/look", do="look", conversation=conversation).status_code == 403
    well(mum, here, "supervise", level="full")
    conversation = asked(
        family, "niece", "Why do <b>volcanoes</b> erupt?", "Because of **pressure**. <script>x</script>"
    )
    read = mum.post(f"{here}/look", do="look", conversation=conversation)
    assert "Why do &lt;b&gt;volcanoes&lt;/b&gt; erupt?" in read.text
    assert "<strong>pressure</strong>" in read.text
    assert "<script>x" not in read.text
    assert looks() == before + 2
    assert mum.post(f"{here}/look", do="look", found="yes").status_code == 200
    assert looks() == before + 3
    assert mum.post(f"{at(family, 'cousin')}/look", do="look").status_code == 403, "others' chats are private"
    assert mum.get(f"{here}/look").status_code == 405, "no link and no reload looks by itself"


def test_an_admin_sees_no_chats(family: Running, mum: Browser) -> None:
    asked(family, "cousin", "canary-of-the-question", "canary-of-the-answer")
    with family.home.database.transaction():
        ConversationStore(family.home.database).add(
            person(family, "cousin").id, "2099-01-31T18:05:00.123Z", title="canary-of-the-title", task="general"
        )
    seen = [mum.get(f"/admin/{name}").text for name in PAGES]
    seen += [mum.get(at(family, "cousin")).text, mum.get(f"{at(family, 'cousin')}/remove").text]
    assert "canary" not in "".join(seen)


def test_tasks(family: Running, mum: Browser) -> None:
    text = 'name = "cooking"\ntitle = "Cooking"\ndescription = "What to cook."\nsystem_prompt = """\nCook.\n"""\n'
    wrong = refused(mum, "/admin/tasks", "add-task", 422, text="name = cooking")
    assert ">name = cooking</textarea>" in wrong
    page = well(mum, "/admin/tasks", "add-task", text=text.replace("\n", "\r\n"))
    assert "<h1>Cooking</h1>" in page
    one = "/admin/tasks/one?name=cooking"
    mum.get(one)
    changed = {"name": "cooking", "before": text, "text": text.replace("What to cook.", "What & how.")}
    done = mum.post("/admin/tasks/one", do="edit-task", **changed)
    assert done.status_code == 303
    assert "What &amp; how." in mum.get(done.headers["location"]).text
    clash = mum.post("/admin/tasks/one", do="edit-task", **changed)
    assert clash.status_code == 409, "somebody else changed it meanwhile"
    well(mum, "/admin/tasks", "task-off", name="cooking")
    assert not family.home.task_shelf.get(person(family, "mum"), "cooking").on
    well(mum, "/admin/tasks", "task-on", name="cooking")
    broken = family.app.state.site.settings.data_dir / "tasks" / "odd.toml"
    broken.write_text("what?", encoding="utf-8")
    assert "odd" in mum.get("/admin/tasks").text
    assert mum.get("/admin/tasks/one?name=odd").status_code == 200, "a broken one can be mended"
    for name in ("odd", "cooking"):
        assert mum.post("/admin/tasks/one", do="remove-task", name=name).status_code == 303
    assert "cooking" not in family.home.tasks.names()
    assert "<h1>General</h1>" in mum.get("/admin/tasks/one?name=general").text
    assert mum.get("/admin/tasks/one?name=nothing").status_code == 404


def test_the_log_is_filtered_and_paged(family: Running, mum: Browser) -> None:
    mother = person(family, "mum")
    for number in range(60):
        family.home.rules.add_group(mother, f"crowd{number}")
        family.home.rules.remove_group(mother, f"crowd{number}")
    first = mum.get("/admin/audit?action=group.add").text
    assert first.count('<td title="group.add">added a group</td>') == 50
    assert "group.remove" not in first
    assert "crowd59" in first
    older = re.search(r'href="([^"]+)">Older', first)
    assert older
    second = mum.get(older[1].replace("&amp;", "&")).text
    assert "<td>crowd0</td>" in second
    assert "Older" not in second
    assert "There is nothing like that" in mum.get("/admin/audit?who=nobody").text
    assert mum.get("/admin/audit?since=whenever").status_code == 422
    assert mum.get("/admin/audit?number=0").status_code == 200


def test_what_was_used(family: Running, mum: Browser) -> None:
    child = person(family, "child")
    family.home.limits.count_turn(child, "general")
    page = mum.get("/admin/usage").text
    assert re.search(r'<th scope="row">child</th><td>\s*<svg class="share"[^>]*><rect width="100.0"', page)
    assert 'style="' not in page
    assert mum.get("/admin/usage?since=2026-02-01&until=2026-01-01").status_code == 422


def test_settings_hide_secrets(family: Running, mum: Browser) -> None:
    page = mum.get("/admin/settings").text
    assert "server.kind" in page
    assert "web.metrics_token" in page


def test_settings_are_changed_from_the_next_start(family: Running, mum: Browser) -> None:
    path = family.app.state.site.config_path
    well(mum, "/admin/settings", "set-setting", key="trash_days", value=" 7 ")
    assert load_settings(environ={}, config_path=path).trash_days == 7
    page = mum.get("/admin/settings").text
    assert "From the next start: 7" in page
    assert family.home.settings.trash_days == 30
    text = refused(mum, "/admin/settings", "set-setting", 422, key="trash_days", value="so<on")
    assert 'value="so&lt;on"' in text
    assert "Allowed: 0 to 36500." in text
    refused(mum, "/admin/settings", "set-setting", 403, key="server.url", value="http://elsewhere.example")
    refused(mum, "/admin/settings", "unset-setting", 403, key="data_dir")
    refused(mum, "/admin/settings", "set-setting", 404, key="colour", value="red")
    well(mum, "/admin/settings", "unset-setting", key="trash_days")
    assert "From the next start: 7" not in mum.get("/admin/settings").text
    assert "changed a setting" in mum.get("/admin/audit?action=setting").text


def test_a_settings_file_that_somebody_broke(family: Running, mum: Browser) -> None:
    path = family.app.state.site.config_path
    before = path.read_bytes()
    path.write_bytes(b"colour = 1")
    try:
        page = mum.get("/admin/settings")
        assert page.status_code == 200
        assert "There is no setting colour" in page.text
        refused(mum, "/admin/settings", "set-setting", 500, key="trash_days", value="7")
        assert path.read_bytes() == b"colour = 1"
    finally:
        path.write_bytes(before)


def test_backups_are_made_and_checked(family: Running, mum: Browser) -> None:
    folder = default_folder(family.app.state.site.settings.data_dir)
    jobs = family.app.state.site.jobs

    def ended() -> bool:
        return bool(jobs.latest("backups") and jobs.latest("backups").ended)

    refused(mum, "/admin/backups", "make-backup", 422, password=PASSWORD, again=ANOTHER)
    refused(mum, "/admin/backups", "make-backup", 422, password="short", again="short")
    assert doing(mum, "/admin/backups", "make-backup", password=PASSWORD, again=PASSWORD).status_code == 303
    until(ended)
    assert "Saved and checked" in mum.get("/admin/backups").text
    made = backups(folder)[-1]
    assert made.encrypted
    assert doing(mum, "/admin/backups", "check-backup", name=made.path.name, password=ANOTHER).status_code == 303
    until(ended)
    assert 'role="alert"' in mum.get("/admin/backups").text
    mum.post("/admin/backups", do="check-backup", name=made.path.name, password=PASSWORD)
    until(ended)
    assert "is in good order" in mum.get("/admin/backups").text
    assert "data-poll" not in mum.get("/admin/backups/progress").text
    elsewhere = str(made.path)
    assert mum.post("/admin/backups", do="check-backup", name=elsewhere, password="").status_code == 404


def test_forms_that_no_page_has(family: Running, mum: Browser) -> None:
    assert mum.post(at(family, "child"), do="more-time", amount="9" * 9).status_code == 422
    for path in ("people", "groups", "rules", "limits", "ages", "tasks", "models", "music", "sessions", "backups"):
        assert mum.post(f"/admin/{path}", do="nonsense").status_code == 422
