"""Making a conversation of messages that follow each other in a tree, some of which aren't anybody's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from familychat.chat import first_words
from familychat.clock import new_id
from familychat.documents import ConversationDocument, MessageDocument
from familychat.errors import InvalidInputError
from familychat.importers.values import Place, joined, one_line
from familychat.models import Author, Parameters, Status, TitledBy, Usage


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody said. ``at`` is None where that isn't known."""

    author: Author
    content: str
    at: str | None = None
    reasoning: str = ""
    status: Status = Status.COMPLETE
    model: str | None = None
    usage: Usage = field(default_factory=Usage)
    error: str | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.content.strip() or self.reasoning.strip() or self.error)


@dataclass(slots=True, eq=False)
class Node:
    """A place in the tree. Without a draft it is left out, and what follows it follows what is before it.

    ``children`` is the order that the source gives those that follow; ``parent`` is what counts.
    """

    key: str
    parent: str | None
    draft: Draft | None
    children: Sequence[str] = ()
    after: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a conversation apart from its messages; ``last_at`` stands in for messages without times."""

    origin: str
    title: str = ""
    titled_by: TitledBy = TitledBy.MODEL
    created_at: str | None = None
    last_at: str | None = None
    model: str | None = None
    parameters: Parameters = field(default_factory=Parameters)
    system_prompt: str | None = None
    pinned: bool = False
    archived: bool = False


def chain(drafts: Sequence[Draft | None]) -> list[Node]:
    """The nodes of messages that simply follow each other."""
    return [Node(str(at), str(at - 1) if at else None, draft) for at, draft in enumerate(drafts)]


def build(facts: Facts, nodes: Sequence[Node], current: str | None, place: Place) -> ConversationDocument:
    """The conversation; ``current`` is the key of the node that ends the shown path, else the last one does.

    Raises :class:`InvalidInputError` for messages in a circle, and if there are none.
    """
    kept, into = _merged(_kept(_walked(nodes)))
    if not kept:
        raise InvalidInputError("It has no messages.")
    head = _head(nodes, kept, into, current)
    drafts = [cast("Draft", node.draft) for node in kept]
    times = [draft.at for draft in drafts if draft.at]
    begun = facts.created_at or min(times, default=None) or facts.last_at or place.modified_at
    last = max(times, default=None) or facts.last_at or begun
    messages = _messages(kept, head, begun)
    title, titled_by = one_line(facts.title), facts.titled_by
    if not title:
        question = next((draft.content for draft in drafts if draft.author is Author.USER), "")
        title, titled_by = first_words(question) or one_line(place.name) or "Untitled", TitledBy.WORDS
    return ConversationDocument(
        id=new_id(),
        title=title,
        titled_by=titled_by,
        task="general",
        model=facts.model,
        parameters=facts.parameters,
        system_prompt=facts.system_prompt or None,
        created_at=min(begun, last),
        last_message_at=last,
        messages=messages,
        head=messages[kept.index(head)].id,
        pinned=facts.pinned,
        archived_at=last if facts.archived else None,
        origin=facts.origin,
    )


def _walked(nodes: Sequence[Node]) -> list[Node]:
    """All nodes, parents first and siblings in the source's order."""
    by_key: dict[str, Node] = {}
    for node in nodes:
        by_key.setdefault(node.key, node)
    below: dict[str, list[Node]] = {}
    roots = []
    for node in nodes:
        if node.parent is None or node.parent not in by_key:  # what is missing can't be followed
            roots.append(node)
        else:
            below.setdefault(node.parent, []).append(node)
    for key, children in below.items():
        rank = {child: place for place, child in enumerate(by_key[key].children)}
        children.sort(key=lambda node: rank.get(node.key, len(rank)))
    walked: list[Node] = []
    waiting = roots[::-1]
    while waiting:
        node = waiting.pop()
        walked.append(node)
        if by_key[node.key] is node:  # of two with the same key, the first has what follows
            node.after = below.get(node.key, [])
            waiting += node.after[::-1]
    if len(walked) < len(nodes):
        raise InvalidInputError("Its messages follow each other in a circle.")
    return walked


def _kept(walked: list[Node]) -> list[Node]:
    """Only the nodes that somebody said something in, each after the nearest such one."""
    standing: dict[int, Node | None] = {}  # for each node, itself if it stays, else the one above that does
    kept = []
    above: dict[int, Node | None] = {id(child): node for node in walked for child in node.after}
    for node in walked:
        parent = above.get(id(node))
        parent = standing[id(parent)] if parent is not None else None
        if node.draft is None or node.draft.is_empty:
            standing[id(node)] = parent
            continue
        standing[id(node)] = node
        kept.append(node)
        node.parent = parent.key if parent else None
    for node in walked:
        node.after = []
    _relink(kept)
    return kept


def _relink(kept: list[Node]) -> None:
    by_key = {node.key: node for node in reversed(kept)}
    for node in kept:
        node.after = []
    for node in kept:
        if node.parent is not None:
            by_key[node.parent].after.append(node)


def _merged(kept: list[Node]) -> tuple[list[Node], dict[str, str]]:
    """Join answers that go on in the next node: some programs store a thought, a tool's use and the words apart.

    Also returns which node went into which.
    """
    by_key = {node.key: node for node in reversed(kept)}
    into: dict[str, str] = {}
    runs: dict[str, list[Draft]] = {}
    for node in kept:
        parent = by_key.get(node.parent) if node.parent is not None else None
        if parent is None or len(parent.after) > 1 or by_key[node.key] is not node:
            continue
        if _author(parent) is Author.ASSISTANT and _author(node) is Author.ASSISTANT:
            run = runs.pop(parent.key, None) or [cast("Draft", parent.draft)]
            run.append(cast("Draft", node.draft))
            runs[node.key] = run
            into[parent.key] = node.key
            node.parent = parent.parent
    for key, run in runs.items():
        by_key[key].draft = _joined(run)
    left = [node for node in kept if node.key not in into or by_key[node.key] is not node]
    _relink(left)
    return left, into


def _author(node: Node) -> Author | None:
    return node.draft.author if node.draft else None


def _joined(run: list[Draft]) -> Draft:
    """One answer of several that follow each other; how the last one ended is how it ended."""
    last = run[-1]
    return replace(
        last,
        content=joined(*(draft.content for draft in run)),
        reasoning=joined(*(draft.reasoning for draft in run)),
        model=next((draft.model for draft in reversed(run) if draft.model), None),
        at=next((draft.at for draft in reversed(run) if draft.at), None),
        error=next((draft.error for draft in reversed(run) if draft.error), None),
    )


def _head(nodes: Sequence[Node], kept: list[Node], into: dict[str, str], current: str | None) -> Node:
    by_key = {node.key: node for node in reversed(kept)}
    above = {node.key: node.parent for node in reversed(nodes)}
    at = current
    while at is not None and at not in by_key:
        at = into[at] if at in into else above.get(at)
    return by_key[at] if at is not None else next(node for node in reversed(kept) if not node.after)


def _messages(kept: list[Node], head: Node, begun: str) -> list[MessageDocument]:
    ids = {id(node): new_id() for node in kept}
    by_key = {node.key: node for node in reversed(kept)}
    shown: dict[int, str] = {}
    node = head
    while node.parent is not None:
        parent = by_key[node.parent]
        shown[id(parent)] = ids[id(node)]
        node = parent
    messages = []
    for node in kept:
        draft = cast("Draft", node.draft)
        messages.append(
            MessageDocument(
                id=ids[id(node)],
                parent=ids[id(by_key[node.parent])] if node.parent is not None else None,
                author=draft.author,
                content=draft.content,
                status=draft.status,
                created_at=draft.at or begun,
                reasoning=draft.reasoning,
                model=draft.model,
                usage=draft.usage,
                error=draft.error,
                shown=shown.get(id(node)),
            )
        )
    return messages
