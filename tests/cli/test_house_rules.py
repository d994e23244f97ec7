"""House rules at the command line: ages, groups, limits, hours, supervision, and why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from familychat.testing import FakeOpenAI, serve
from familychat_cli.testing import CommandLine

AddPerson = Callable[..., None]
PASSWORD = "quiet little river"


@pytest.fixture
def child(cli: CommandLine, add_person: AddPerson) -> str:
    add_person("mia", PASSWORD)
    assert cli("admin", "users", "band", "mia", "child").out == "mia counts as a child now.\n"
    return "mia"


def sign_in(cli: CommandLine, name: str) -> None:
    assert cli("login", name, "--password-stdin", stdin=PASSWORD + "\n").code == 0


def test_the_rules_of_a_house(cli: CommandLine, child: str) -> None:
    for command in (
        ("groups", "add", "cousins"),
        ("groups", "join", "cousins", child),
        ("quota", "set", "group:cousins", "messages", "1,000"),
        ("quota", "set", child, "tokens", "none"),
        ("hours", "add", "group:children", "sun-thu", "20:30-06:30"),
        ("hours", "free", "group:adults"),
        ("grant", "group:cousins", "task:music", "--until", "2099-12-31"),
        ("grant", "everyone", "model:huge", "--deny"),
        ("supervise", child, "summary"),
    ):
        done = cli("admin", *command)
        assert done.code == 0, done.err
    assert cli("admin", "quota", "list", "--json").json() == [
        {"who": "mia", "kind": "tokens", "amount": None},
        {"who": "group:cousins", "kind": "messages", "amount": 1000},
    ]
    hours = cli("admin", "hours", "list", "--json").json()
    assert {"who": "group:children", "weekday": "Sunday", "begins": "20:30", "ends": "06:30"} in hours
    assert {"who": "group:adults", "weekday": None, "begins": None, "ends": None} in hours
    assert "none at all" in cli("admin", "hours", "list").out
    rules = cli("admin", "grants", "--json").json()
    (music,) = [rule for rule in rules if rule["resource"] == "task:music"]
    assert music["who"] == "group:cousins"
    assert music["until"].startswith(("2099-12-31", "2100-01-01"))
    groups = {group["name"]: group["members"] for group in cli("admin", "groups", "list", "--json").json()}
    assert (groups["cousins"], groups["children"]) == ([child], [child])
    for command in (
        ("quota", "remove", "group:cousins", "messages"),
        ("hours", "remove", "group:children", "sun"),
        ("groups", "leave", "cousins", child),
        ("groups", "remove", "cousins", "--yes"),
        ("supervise", child, "off"),
    ):
        assert cli("admin", *command).code == 0


def test_why(cli: CommandLine, child: str) -> None:
    cli("admin", "grant", "group:children", "task:story", "--deny")
    told = cli("admin", "why", child, "task:story").out
    assert told.splitlines() == [
        "✓ The account is active.",
        "✗ The rule for the group children forbids task:story, and what is forbidden wins.",
        "✓ There are no quiet hours.",
        "mia may not use task:story now.",
    ]
    assert cli("admin", "why", child, "model:any", "--json").json()["allowed"] is True


def test_a_day_of_a_child(cli: CommandLine, child: str) -> None:
    with serve(FakeOpenAI().handle) as address:
        cli = cli.using(FAMILYCHAT_SERVER_KIND="openai", FAMILYCHAT_SERVER_URL=address)
        cli("admin", "quota", "set", "group:children", "messages", "2")
        cli("admin", "supervise", child, "full")
        sign_in(cli, child)
        first = cli("ask", "What do cats eat?")
        assert first.out == "Hello there!\n"
        assert "may read it" in first.err, "told at each start"
        assert "1 question left for today." in first.err
        assert "That was your last question for today." in cli("ask", "And dogs?").err
        refused = cli("ask", "And birds?")
    assert refused.code == 4
    assert "You have used your 2 questions for today." in refused.err
    assert "0 of 2 questions left for today." in cli("limits").out
    assert cli("admin", "extend", child, "--messages", "5").code == 4, "not by oneself"
    cli("logout")
    assert cli("admin", "extend", child, "--messages", "1").out == "mia has 1 message left for today.\n"
    looked = cli("admin", "look", child, "--json").json()
    assert [one["topic"] for one in looked["conversations"]] == ["And dogs?", "What do cats eat?"]
    read = cli("admin", "look", child, looked["conversations"][0]["conversation_id"][-6:]).out
    assert "And dogs?" in read
    sign_in(cli, child)
    mine = cli("limits", "--json").json()
    assert (mine["supervision"], len(mine["looks"])) == ("full", 2)
    assert mine["quotas"] == [{"kind": "messages", "amount": 3, "used": 2, "left": 1}]


WRONG: list[tuple[tuple[str, ...], int, str]] = [
    (("grant", "mia", "task:cooking"), 3, "There is no task cooking. Nothing was changed."),
    (("grant", "nobody", "task:music"), 3, "Nobody here is called nobody."),
    (("grant", "mia", "task:music", "--until", "soon"), 2, "isn't a day"),
    (("grant", "mia", "task:music", "--until", "2020-01-01"), 2, "past already"),
    (("quota", "set", "mia", "messages", "many"), 2, "isn't a number"),
    (("quota", "set", "mia", "messages", "-3"), 2, ""),
    (("hours", "add", "mia", "someday", "21:00-07:00"), 2, "isn't a choice of weekdays"),
    (("hours", "add", "mia", "daily", "21-7"), 2, "isn't a span of time"),
    (("supervise", "mia", "sometimes"), 2, ""),
    (("look", "mia"), 4, "isn't supervised"),
    (("extend", "mia"), 2, "How much more?"),
    (("extend", "mia", "--minutes", "10"), 5, "no quiet time"),
    (("why", "mia", "cooking"), 2, "isn't something that can be granted"),
    (("groups", "remove", "children", "--yes"), 5, "age band"),
]


def test_what_cant_be_is_said_clearly(cli: CommandLine, child: str) -> None:
    for command, code, words in WRONG:
        done = cli("admin", *command)
        assert (done.code, command) == (code, command)
        assert words in done.err
