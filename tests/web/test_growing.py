"""An answer in blocks while it grows: put together, its patches are what the whole answer looks like."""

from __future__ import annotations

import html
import random

import pytest

from familychat.rendering import render_markdown
from familychat_web.growing import LONGEST_BLOCK, Growing

ANSWER = """

```
first
```
# Title

Some *text* here
and more.

- a

- b
  - c

1. x

2. y

```python
def f():
    return '``'


x
```
After

| a | b |
|---|--:|
| 1 | 2 |

> quote
lazy

~~~
more `code`"""


class Page:
    """What a browser does with patches."""

    def __init__(self) -> None:
        self.blocks: dict[int, str] = {}

    def put(self, growing: Growing) -> None:
        for number, kind, content in growing.patches():
            if kind == "html":
                self.blocks[number] = content
            else:
                code = html.escape(content, quote=False)
                self.blocks[number] = self.blocks[number].replace("</code>", f"{code}</code>")

    def html(self) -> str:
        whole = "".join(self.blocks[number] for number in sorted(self.blocks))
        return whole.replace("&#x27;", "'").replace("&#39;", "'")


@pytest.mark.parametrize("seed", range(60))
def test_patches_make_the_whole(seed: int) -> None:
    chance = random.Random(seed)
    growing, page, at = Growing(), Page(), 0
    while at < len(ANSWER):
        size = chance.randint(1, 12)
        growing.add(ANSWER[at : at + size])
        at += size
        if chance.random() < 0.6:
            page.put(growing)
    page.put(growing)
    assert page.html() == render_markdown(ANSWER).replace("&#x27;", "'").replace("&#39;", "'")


def test_who_comes_back_gets_the_rest_only() -> None:
    first, page = Growing(), Page()
    first.add("One.\n\nTwo\n\n```\na = 1\n")
    page.put(first)
    second = Growing("One.\n\nTwo\n\n```\na = 1\n")
    second.forget()
    assert second.patches() == []
    second.add("b = 2\n")
    assert second.patches() == [(2, "text", "b = 2\n")]


def test_finished_blocks_are_told_once() -> None:
    growing = Growing()
    told = []
    for word in ("One", " two.\n", "\n", "Three", " four"):
        growing.add(word)
        told.append([(number, content.strip()) for number, _, content in growing.patches()])
    assert told[0] == [(0, "<p>One</p>")]
    assert told[-1] == [(1, "<p>Three four</p>")]
    growing.add(" five.\n\nSix.\n\nSeven.")
    numbers = [number for number, _, _ in growing.patches()]
    assert numbers == [1, 2, 3]


@pytest.mark.parametrize("line", ["word ", "- item\n", "x", "word\n", "1. one\n\n"])
def test_no_block_is_rendered_that_has_no_end(line: str) -> None:
    growing, sizes = Growing(), []
    for _ in range(40_000 // len(line) // 50):
        growing.add(line * 50)
        sizes += [len(content) for number, kind, content in growing.patches()]
    assert max(sizes) < LONGEST_BLOCK * 4, "HTML of a bounded piece"


def test_what_may_become_the_end_of_code_isnt_shown_as_code() -> None:
    growing = Growing()
    told = []
    for piece in ("```\na\n", "``", "`", "\nAfter"):
        growing.add(piece)
        told.append(growing.patches())
    code = '<pre class="highlight"><code>a\n</code></pre>\n'
    assert told == [[(0, "html", code)], [], [], [(0, "html", code), (1, "html", "<p>After</p>\n")]]
