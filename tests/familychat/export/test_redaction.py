"""Names of the household, taken out of what a stranger sees."""

from __future__ import annotations

import unicodedata

import msgspec
import pytest

from familychat.documents import LONGEST_TITLE, ConversationDocument, MessageDocument
from familychat.export import Redactor, redactor
from familychat.household import Household
from familychat.models import Author, Role, Status, User

AT = "2026-01-31T18:05:00.123Z"


def person(number: int, username: str, display_name: str) -> User:
    return User(
        id=str(number),
        username=username,
        display_name=display_name,
        role=Role.MEMBER,
        active=True,
        has_password=True,
        os_account=None,
        created_at=AT,
        last_login_at=None,
    )


@pytest.fixture
def home() -> Redactor:
    names = [
        ("anna", "Anna Lee"),
        ("bo.jr", "Bo"),
        ("jose", "José"),
        ("ram", "राम"),
        ("ming", "小明"),
        ("strauss", "Strauß"),
    ]
    return redactor(person(number, *both) for number, both in enumerate(names))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Anna and Bo", "Person 1 and Person 2"),
        ("ANNA, anna; aNNa!", "Person 1, Person 1; Person 1!"),
        ("Anna Lee, Anna  lee, Anna\nLee, Lee", "Person 1, Person 1, Person 1, Person 1"),
        ("Anna's and (Anna)", "Person 1's and (Person 1)"),
        ("Hannah, Annabel, Bob, Bö, anna_b, anna1", "Hannah, Annabel, Bob, Bö, anna_b, anna1"),
        ("bo.jr and bo-jr", "Person 2 and Person 2-jr"),
        ("**Anna**, `anna`, @anna", "**Person 1**, `Person 1`, @Person 1"),
        ("José JOSÉ jose", "Person 3 Person 3 Person 3"),
        (unicodedata.normalize("NFD", "José josé"), "Person 3 Person 3"),
        ("राम गया, रामायण, रामा", "Person 4 गया, रामायण, रामा"),
        ("我叫小明吗", "我叫Person 5吗"),
        ("Strauß STRAUß Strauss STRAUSS", "Person 6 Person 6 Person 6 Person 6"),
        ("nobody else", "nobody else"),
        ("", ""),
    ],
)
def test_names_in_texts(home: Redactor, text: str, shown: str) -> None:
    assert home.text(text) == shown


def test_nobody_to_hide() -> None:
    assert redactor([]).text("Anna") == "Anna"


def test_everything_in_a_conversation(home: Redactor) -> None:
    message = MessageDocument(
        id="m",
        parent=None,
        author=Author.ASSISTANT,
        content="for Anna",
        status=Status.FAILED,
        created_at=AT,
        reasoning="Anna asks",
        error="no Anna",
        model="maker/model",
        details={"library": "Anna's", "rows": [["Bo", 1, None], ["x", 2.5, True]], "deep": {"er": ["Anna"]}},
    )
    document = ConversationDocument(
        id="c",
        title="Anna " * 100,
        task="general",
        created_at=AT,
        last_message_at=AT,
        messages=[message],
        head="m",
        folder="Bo",
        system_prompt="You are Anna.",
    )
    shown = home.document(document)
    text = msgspec.json.encode(shown).decode()
    assert "anna" not in text.casefold()
    assert '"Bo"' not in text
    assert shown.messages[0].details == {
        "library": "Person 1's", "rows": [["Person 2", 1, None], ["x", 2.5, True]], "deep": {"er": ["Person 1"]},
    }  # fmt: skip
    assert (shown.folder, shown.system_prompt, shown.messages[0].error) == (
        "Person 2",
        "You are Person 1.",
        "no Person 1",
    )
    assert len(shown.title) <= LONGEST_TITLE
    assert msgspec.convert(msgspec.json.decode(text), ConversationDocument) == shown


def test_the_real_household(household: Household, owner: User) -> None:
    household.accounts.people.add("kid", "Little One", Role.MEMBER, AT)
    names = redactor(household.accounts.people.all())
    assert names.text(f"{owner.username} and Kid, little one") == "Person 1 and Person 2, Person 2"
