"""Markdown becomes HTML that shows everything and does nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.styles import get_style_by_name
from pygments.token import Error, Whitespace

from familychat import rendering
from familychat.rendering import highlight_css, render_markdown

READABLE = 4.5
"""The contrast that WCAG 2.2 asks of text, criterion 1.4.3."""

NOT_TEXT = (Error, Whitespace)


class Found(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def links(self) -> list[str | None]:
        return [attributes.get("href") for tag, attributes in self.tags if tag == "a"]


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("a *b* **c** ~~d~~", "<p>a <em>b</em> <strong>c</strong> <s>d</s></p>\n"),
        ("one\ntwo", "<p>one<br>\ntwo</p>\n"),
        ("3. x", '<ol start="3">\n<li>x</li>\n</ol>\n'),
        ("a <b>x</b> <br>", "<p>a &lt;b&gt;x&lt;/b&gt; &lt;br&gt;</p>\n"),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>\n"),
        ("    <i>", '<pre class="highlight"><code>&lt;i&gt;\n</code></pre>\n'),
        ("```nolanguage\n<i>\n```", '<pre class="highlight"><code>&lt;i&gt;\n</code></pre>\n'),
        ('```"><script>\nx', '<pre class="highlight"><code>x</code></pre>\n'),
        ("```PYTHON x=1\nif\n```", '<pre class="highlight"><code><span class="k">if</span>\n</code></pre>\n'),
        ("", ""),
    ],
)
def test_what_it_becomes(markdown: str, html: str) -> None:
    assert render_markdown(markdown) == html


def test_columns_are_aligned_without_styles() -> None:
    html = render_markdown("| a | b | c |\n|--|--:|:-:|\n| 1 | 2 | 3 |")
    assert "style" not in html
    assert [attributes.get("align") for tag, attributes in Found(html).tags if tag == "td"] == [None, "right", "center"]


def test_links_lead_to_the_web_and_nowhere_else() -> None:
    found = Found(render_markdown('[a](https://e.org/?a=1&b=2 "t") <https://f.org> [m](mailto:a@e.org)'))
    assert found.links() == ["https://e.org/?a=1&b=2", "https://f.org", "mailto:a@e.org"]
    assert all(attributes["rel"] == "noopener noreferrer" for tag, attributes in found.tags if tag == "a")
    for bad in ("javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "data:image/png;base64,AA", "file:///etc",
                "/logout", "//evil.org/x", "x.html", "#top", "ssh://h", "vbscript:x", "&#106;avascript:x"):  # fmt: skip
        assert set(Found(render_markdown(f"[x]({bad})")).links()) <= {None}, bad


def test_images_are_links_and_load_nothing() -> None:
    found = Found(render_markdown("![a *b*](https://e.org/1.png) ![](https://e.org/2.png)"))
    assert [tag for tag, _ in found.tags] == ["p", "a", "a"]
    assert found.links() == ["https://e.org/1.png", "https://e.org/2.png"]
    assert found.text.strip() == "a b https://e.org/2.png"
    inside = Found(render_markdown("[![pic](https://e.org/1.png)](https://e.org/page) ![out](https://e.org/3.png)"))
    assert inside.links() == ["https://e.org/page", "https://e.org/3.png"]
    assert "img" not in render_markdown("![d](data:image/png;base64,AAAA) <img src=x onerror=y>").replace("&lt;img", "")


PARTS = st.lists(
    st.sampled_from(
        ["<script>", "<img src=x onerror=y>", "javascript:", "](", "[", "![", ")", "`", "```html\n", "\n", "> ", "|",
         "|--|", "*", "~~", "<!--", "\"", "'", "&lt;", "&#x6a;", "http://e.org", "<a href=", "style=", "\0", "x", " ",
         "<svg/onload=y>", "\\", "    ", "# ", "- ", "1. ", "http://e.org/\"onx=1"]
    ),
    max_size=25,
)  # fmt: skip
ATTRIBUTES = {"href", "title", "rel", "align", "start", "class"}


@settings(max_examples=300, deadline=None)
@given(PARTS.map("".join) | st.text(max_size=60))
def test_whatever_comes_only_harmless_tags_leave(text: str) -> None:
    found = Found(render_markdown(text))
    for tag, attributes in found.tags:
        assert tag in rendering._TAGS
        assert attributes.keys() <= ATTRIBUTES
        assert re.match("https?:|mailto:|$", attributes.get("href") or "", re.IGNORECASE)


def test_the_last_wall_stands_alone() -> None:
    # Were the Markdown parser to let HTML through one day, the sanitiser would still take it away.
    parser = rendering.markdown_parser()
    parser.options["html"] = True
    try:
        html = render_markdown(
            "<script>x</script><img src=x onerror=y><p style=a onclick=b class=c>k</p><form><a href=javascript:x>z</a>"
        )
    finally:
        parser.options["html"] = False
    assert {tag for tag, _ in Found(html).tags} <= rendering._TAGS
    assert not re.search("script|style|onclick|onerror|class|src", html)
    assert "k" in html


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [">" * 20_000, "[" * 20_000, "*a_ " * 10_000, "```python\n" + "(" * 300_000, "- " * 9000],
    ids=["quotes", "brackets", "stars", "code", "lists"],
)
def test_what_is_made_to_be_slow_isnt(text: str) -> None:
    assert render_markdown(text)


def test_code_is_coloured_by_classes_that_the_style_sheet_knows() -> None:
    html = render_markdown("```python\ndef f(x: int) -> str:  # why\n    return 'a' * 3\n```")
    classes = {str(attributes["class"]) for tag, attributes in Found(html).tags if tag == "span"}
    assert {"k", "nf", "c1", "s1"} <= classes
    assert "style=" not in html
    light, _, dark = highlight_css().partition("@media screen and (prefers-color-scheme: dark)")
    for one in ("k", "nf", "c1", "s1"):
        assert f".highlight .{one} {{" in light
        assert f".highlight .{one} {{" in dark
    assert not re.search(r"url\(|@import|https?:", highlight_css())


def luminance(colour: str) -> float:
    # https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", [rendering.LIGHT, rendering.DARK])
def test_coloured_code_can_be_read(name: str) -> None:
    style = get_style_by_name(name)
    ground = luminance(style.background_color.removeprefix("#"))
    for token, look in style:
        if look["color"] and not any(token in kind for kind in NOT_TEXT):
            ink = luminance(look["color"])
            contrast = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
            assert contrast >= READABLE, (token, look["color"], round(contrast, 2))
