"""The one Markdown-to-HTML renderer: of the page, and of exported HTML and PDF.

markdown-it-py reads, Pygments colours code, and nh3 lets through nothing but what is listed here, whatever the two
before it did. The HTML has no styles, no scripts and no images; :func:`highlight_css` colours its code.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from pygments.lexer import Lexer

CODE_CLASS = "highlight"
LIGHT, DARK = "default", "github-dark"
"""Styles of Pygments; a test holds that their colours can be read."""

MOST_COLOURED = 50_000
"""Characters of one code block; longer ones stay plain, since some of Pygments' lexers take their time."""

MOST_NESTED = 20
_TAGS = {
    *("p", "br", "hr", "blockquote", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("em", "strong", "s", "a", "code", "pre", "span"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ALIGNED = {"align": {"left", "right", "center"}}
_SCHEMES = {"http", "https", "mailto"}


def render_markdown(text: str) -> str:
    """The HTML of a Markdown text (CommonMark, tables, strikethrough); a single line break stays one.

    HTML in the text is shown as the letters it is. Images become links, so that nothing is loaded from anywhere.
    Only links to web pages and mail addresses can be followed.
    """
    import nh3

    tokens = markdown_parser().parse(text)
    for token in tokens:
        _align_by_attribute(token)
        if token.children:
            token.children = list(_without_images(token.children))
    parser = markdown_parser()
    return nh3.clean(
        str(parser.renderer.render(tokens, parser.options, {})),
        tags=_TAGS,
        clean_content_tags=set(),
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        tag_attribute_values={"th": _ALIGNED, "td": _ALIGNED},
        allowed_classes={"pre": {CODE_CLASS}, "span": _code_classes()},
        url_schemes=_SCHEMES,
        # A link without a host would lead somewhere else on every page that shows it.
        url_relative="deny",
        link_rel="noopener noreferrer",
    )


def highlight_css() -> str:
    """The style sheet of coloured code: light, and dark on screens that are set to it; paper is always light."""
    return f"{_style_css(LIGHT)}\n@media screen and (prefers-color-scheme: dark) {{\n{_style_css(DARK)}\n}}\n"


def _style_css(style: str) -> str:
    from pygments.formatters import HtmlFormatter

    formatter = HtmlFormatter(style=style)
    selector = f".{CODE_CLASS}"
    return "\n".join([*formatter.get_background_style_defs(selector), *formatter.get_token_style_defs(selector)])


@cache
def markdown_parser() -> MarkdownIt:
    """The parser behind :func:`render_markdown`."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": MOST_NESTED})
    parser.enable(["strikethrough", "table"])
    parser.add_render_rule("fence", _code_block)
    parser.add_render_rule("code_block", _code_block)
    return parser


def _code_block(_self: object, tokens: Sequence[Token], at: int, _options: object, _env: object) -> str:
    """A code block, coloured if its language is known."""
    token = tokens[at]
    words = token.info.split()
    return f'<pre class="{CODE_CLASS}"><code>{_coloured(token.content, words[0] if words else "")}</code></pre>\n'


def _coloured(code: str, language: str) -> str:
    lexer = _lexer(language.casefold()) if len(code) <= MOST_COLOURED else None
    if lexer is None:
        return html.escape(code)
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False) if language else None
    except ClassNotFound:
        return None


@cache
def _code_classes() -> set[str]:
    from pygments.token import STANDARD_TYPES

    return {name for name in STANDARD_TYPES.values() if name}


def _align_by_attribute(token: Token) -> None:
    # markdown-it writes style="text-align:right", which the page's Content-Security-Policy would not let through.
    if token.type in {"th_open", "td_open"} and (style := token.attrs.pop("style", None)):
        token.attrs["align"] = str(style).removeprefix("text-align:")


def _without_images(children: Sequence[Token]) -> Iterator[Token]:
    """The same with a link in each image's place; inside a link only its words stay."""
    from markdown_it.token import Token

    inside = 0
    for token in children:
        inside += token.nesting if token.type in {"link_open", "link_close"} else 0
        if token.type != "image":
            yield token
            continue
        source = str(token.attrs.get("src", ""))
        words: Any = _words_of(token) or source
        if not inside:
            yield Token("link_open", "a", 1, attrs={"href": source})
        yield Token("text", "", 0, content=words)
        if not inside:
            yield Token("link_close", "a", -1)


def _words_of(image: Token) -> str:
    """The alternative text, without its markup."""
    return "".join(
        " " if child.type in {"softbreak", "hardbreak"} else _words_of(child) if child.children else child.content
        for child in image.children or ()
    ).strip()
