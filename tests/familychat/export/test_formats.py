"""What is in the files."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from familychat.documents import FORMAT, VERSION, ConversationDocument, MessageDocument
from familychat.errors import InvalidInputError
from familychat.export import FORMATS, format_named
from familychat.export.paper import pdf_of
from familychat.export.sheet import COLUMNS, safe_cell
from familychat.models import Author, Parameters, Status, Usage

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""One dot, as PNG."""

AT = "2026-01-31T18:05:00.123Z"


def question(message_id: str, parent: str | None, content: str, **values: Any) -> MessageDocument:
    made = MessageDocument(
        id=message_id, parent=parent, author=Author.USER, content=content, status=Status.COMPLETE, created_at=AT
    )
    return msgspec.structs.replace(made, **values)


def answer(message_id: str, parent: str, content: str, **values: Any) -> MessageDocument:
    made = question(message_id, parent, content, **{"model": "maker/model", **values})
    return msgspec.structs.replace(made, author=Author.ASSISTANT)


def conversation(*messages: MessageDocument, **values: Any) -> ConversationDocument:
    made = ConversationDocument(
        id="c1",
        title="Pasta",
        task="general",
        created_at=AT,
        last_message_at=AT,
        messages=list(messages),
        head=messages[-1].id if messages else None,
    )
    return msgspec.structs.replace(made, **values)


def short(title: str, number: int = 0, text: str = "How long?") -> ConversationDocument:
    """A question and its answer, with ids of their own."""
    asked = question(f"q{number}", None, text)
    return conversation(asked, answer(f"a{number}", asked.id, "Nine minutes."), id=f"c{number}", title=title)


def full() -> ConversationDocument:
    """With everything that a conversation can have."""
    return conversation(
        question("q1", None, "Eggs?", shown="a2"),
        answer("a1", "q1", "Six minutes."),
        answer("a2", "q1", "It **depends**.\n\n```python\nx = 1", status=Status.PARTIAL, reasoning="Soft? Hard?"),
        question("q2", "a2", "=1+1 <b>\nsecond line"),
        answer(
            "a3",
            "q2",
            "Here they are.",
            usage=Usage(10, 20, 30.5, 40.25, estimated=True),
            details={"columns": ["name", "count"], "rows": [[f"a|{n}", n] for n in range(5)], "sql": "SELECT 1"},
        ),
        question("q3", "a3", "And now?"),
        answer("a4", "q3", "", status=Status.FAILED, error="The model server is gone.", model=None),
        title="Eggs & <script>alert(1)</script> *and* more",
        folder="The kitchen",
        system_prompt="Be brief.\n</style>",
        parameters=Parameters(0.5, 0.9, 100),
        pinned=True,
        archived_at=AT,
        origin="elsewhere:7",
        model="maker/model",
    )


def written(name: str, *documents: ConversationDocument) -> str:
    return b"".join(FORMATS[name].pieces(documents)).decode()


# -- Markdown and text


def test_markdown_of_a_whole_conversation() -> None:
    assert written("md", full()) == (
        "# Eggs \\& \\<script\\>alert(1)\\</script\\> \\*and\\* more\n\n2026-01-31 20:05 · The kitchen\n"
        "\n> Instructions: Be brief. \\</style\\>\n"
        "\n## You\n\n*2026-01-31 20:05*\n\nEggs?\n"
        "\n## maker/model\n\n*2026-01-31 20:05*\n\nIt **depends**.\n\n```python\nx = 1\n```\n\n*(cut off)*\n"
        "\n## You\n\n*2026-01-31 20:05*\n\n=1+1 <b>\nsecond line\n"
        "\n## maker/model\n\n*2026-01-31 20:05*\n\nHere they are.\n\n"
        "| name | count |\n| --- | --- |\n| a\\|0 | 0 |\n| a\\|1 | 1 |\n| a\\|2 | 2 |\n| a\\|3 | 3 |\n| a\\|4 | 4 |\n"
        "\n## You\n\n*2026-01-31 20:05*\n\nAnd now?\n"
        "\n## Answer\n\n*2026-01-31 20:05*\n\n*(no answer: The model server is gone.)*\n"
    )


@pytest.mark.parametrize(
    ("text", "closed"),
    [("```\nx", "```\nx\n```"), ("~~~~py\nx\n```", "~~~~py\nx\n```\n~~~~"), ("```\nx\n```", "```\nx\n```"), ("x", "x")],
)
def test_an_open_code_block_doesnt_swallow_what_follows(text: str, closed: str) -> None:
    made = written("md", conversation(question("q", None, "?"), answer("a", "q", text), question("r", "a", "next")))
    assert f"\n\n{closed}\n\n## You\n" in made


def test_text_of_a_whole_conversation() -> None:
    made = written("txt", full())
    assert made.startswith(
        "Eggs & <script>alert(1)</script> *and* more\n===========================================\n"
        "2026-01-31 20:05 · The kitchen\nInstructions: Be brief. </style>\n"
        "\nYou, 2026-01-31 20:05\n---------------------\nEggs?\n"
    )
    assert "\nname  count\na|0   0\na|1   1\n" in made
    assert made.endswith(
        "\nAnswer, 2026-01-31 20:05\n------------------------\n(no answer: The model server is gone.)\n"
    )


@pytest.mark.parametrize("name", ["md", "txt", "html", "csv"])
def test_texts_dont_steer_the_terminal(name: str) -> None:
    evil = "red \x1b[31m\x9b2J\r\x07 \u202eback"
    asked = question("q", None, evil)
    shown = conversation(asked, answer("a", "q", evil, model=evil, status=Status.FAILED, error=evil), title=evil)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", written(name, shown))


@pytest.mark.parametrize("name", ["md", "txt", "html", "csv"])
def test_they_show_the_shown_path_only(name: str) -> None:
    made = written(name, full())
    assert "Six minutes" not in made
    assert "depends" in made


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pdf"])
def test_empty_and_odd_ones(name: str) -> None:
    odd = conversation(question("q", None, ""), answer("a", "q", "", details={"columns": 3, "rows": [[1]] * 9}))
    rows = {"columns": ["a", "b"], "rows": [[1]] * 9}
    for document in (conversation(), odd, conversation(question("q", None, "x", details=rows), title=" ")):
        assert written(name, document)
    assert written(name, conversation(created_at="0001-01-01T00:00:00.000Z"))


# -- CSV


def test_csv_has_a_row_for_each_message() -> None:
    made = written("csv", full(), short("Rice"))
    assert made.startswith('\ufeff"conversation","title",')
    rows = list(csv.DictReader(io.StringIO(made.removeprefix("\ufeff"), newline=""), strict=True))
    assert [(row["conversation"], row["number"], row["message"]) for row in rows] == [
        ("c1", "1", "q1"), ("c1", "2", "a2"), ("c1", "3", "q2"),
        ("c1", "4", "a3"), ("c1", "5", "q3"), ("c1", "6", "a4"),
        ("c0", "1", "q0"), ("c0", "2", "a0"),
    ]  # fmt: skip
    assert rows[2]["content"] == "'=1+1 <b>\nsecond line"
    assert (rows[1]["reasoning"], rows[1]["status"], rows[3]["completion_tokens"]) == ("Soft? Hard?", "partial", "20")


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\x00=", "\u202e@", "\r\n"]
)
def test_cells_are_never_formulas(start: str) -> None:
    evil = f'{start}HYPERLINK("http://evil","x")'
    made = written("csv", conversation(question("q", None, evil), title=evil, folder=evil))
    row = list(csv.reader(io.StringIO(made, newline="")))[1]
    for column in ("title", "folder", "content"):
        assert row[COLUMNS.index(column)].startswith("'")


@given(st.text(max_size=20))
def test_safe_cells_are_kept_and_others_too(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    if text.isalnum():
        assert cell == text


# -- JSON


def test_json_is_lossless() -> None:
    documents = [full(), short("Rice")]
    made = written("json", *documents)
    read = msgspec.json.decode(made)
    assert (read["format"], read["version"]) == (FORMAT, VERSION)
    back = [msgspec.convert(one, ConversationDocument) for one in read["conversations"]]
    assert back == documents
    assert written("json", *back) == made


# -- HTML


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {}
        self._tag = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        self._tag = tag

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        self.inside[self._tag] = self.inside.get(self._tag, "") + data


def test_the_page_needs_nothing_and_runs_nothing() -> None:
    evil = '<script>alert(1)</script><img src="https://evil/x">'
    html = written(
        "html",
        conversation(
            question("q", None, evil, model=evil),
            answer("a", "q", f"{evil} ![x](https://evil/y.png)\n\n```html\n{evil}\n```", model=evil),
            answer("b", "a", evil, model='"><script>', status=Status.FAILED, error=evil),
            title=f"</title>{evil}",
            folder=evil,
            task=evil,
            system_prompt=f"</style>{evil}",
        ),
    )
    page = Page(html)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "link", "iframe", "object", "embed", "base", "form", "svg", "video", "audio"}
    for _, attributes in page.tags:
        assert not attributes.keys() & {"src", "srcset", "style", "background", "poster", "data"}
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"url\(|@import|https?:", page.inside["style"])
    digest = base64.b64encode(hashlib.sha256(page.inside["style"].encode()).digest()).decode()
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert page.inside["title"].startswith("</title><script>alert(1)")
    assert html.count("<html") == html.count("</html>") == 1


def test_the_page_says_who_when_and_how() -> None:
    html = written("html", full())
    assert '<h2>You <time datetime="2026-01-31T18:05:00.123Z">2026-01-31 20:05</time></h2>' in html
    assert "<h2>maker/model <time" in html
    assert "It <strong>depends</strong>." in html
    assert '<span class="n">x</span>' in html
    assert '<p class="note">(cut off)</p>' in html
    assert '<p class="note">(no answer: The model server is gone.)</p>' in html
    assert "<td>a|0</td>" in html
    assert ">=1+1 &lt;b&gt;\nsecond line</div>" in html, "a question is shown as it was typed"
    for wanted in ("@media screen and (prefers-color-scheme: dark)", "@media print", ".highlight .n"):
        assert wanted in html


# -- PDF


def weasyprint_works() -> bool:
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


needs_weasyprint = pytest.mark.skipif(
    not weasyprint_works() and "CI" not in os.environ, reason="needs the extra pdf, and Pango"
)


@needs_weasyprint
def test_pdf() -> None:
    evil = "![x](file:///etc/passwd) <img src=file:///etc/passwd> \x00\x1b"
    made = b"".join(FORMATS["pdf"].pieces([conversation(question("q", None, "Hi 🍎"), answer("a", "q", evil))]))
    assert made.startswith(b"%PDF-")
    assert made.rstrip().endswith(b"%%EOF")


@needs_weasyprint
def test_pdf_loads_nothing(tmp_path: Path) -> None:
    import weasyprint

    picture = tmp_path / "x.png"
    picture.write_bytes(base64.b64decode(PICTURE))
    page = f'<img src="{picture.as_uri()}"><img src="data:image/png;base64,{PICTURE}">'
    assert b"/Image" in weasyprint.HTML(string=page).write_pdf(), "the page would have a picture"
    assert b"/Image" not in pdf_of(page)


def test_pdf_without_its_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)  # as if it weren't installed
    with pytest.raises(InvalidInputError, match=r"pip install 'familychat\[pdf\]'"):
        FORMATS["pdf"].check()


# -- names of formats


def test_formats_by_name() -> None:
    assert [format_named(name).name for name in ("MD", ".htm", "text", "markdown")] == ["md", "html", "txt", "md"]
    with pytest.raises(InvalidInputError, match="There is no format docx"):
        format_named("docx")
