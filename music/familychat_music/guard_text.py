"""Writing a checked statement anew, token by token, with the few changes that the guard makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import Token, TokenType, exp

from familychat_music.guard_parse import Statement

CASELESS = " COLLATE NOCASE"


def write(statement: Statement, *, row_limit: int, changes: Mapping[int, str]) -> str:
    """The statement to run: no comments, one space where there was any, at most ``row_limit`` + 1 rows.

    ``changes`` holds what replaces a token, by the place where it starts in the old text.
    """
    changes = {**changes, **_lowered(statement, row_limit + 1)}
    parts: list[str] = []
    end = 0
    for token in statement.tokens:
        if parts and token.start > end:
            parts.append(" ")
        parts.append(changes.get(token.start, token_text(statement.sql, token)))
        end = token.end + 1
    if statement.tree.args.get("limit") is None:
        parts.append(f" LIMIT {row_limit + 1}")
    return "".join(parts)


def token_text(sql: str, token: Token) -> str:
    """The token as SQLite can't misread it."""
    text = sql[token.start : token.end + 1]
    if token.token_type is TokenType.STRING:
        return literal(token.text)
    if token.token_type is TokenType.IDENTIFIER and text[0] in '"`':
        return text[0] + token.text.replace(text[0], 2 * text[0]) + text[0]
    return text


def literal(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def caseless_changes(statement: Statement, texts: Mapping[int, str]) -> dict[int, str]:
    """The changes that let ``column = 'text'``, ``<>`` and IN disregard case. LIKE does so by itself.

    ``texts`` are names in double quotes that are texts in truth, by the place where they start.
    """
    found: dict[int, str] = {}
    starts = {token.start: token for token in statement.tokens}
    for node in statement.tree.find_all(exp.EQ, exp.NEQ, exp.In):
        column = _compared_column(node, texts)
        place = None if column is None else column.this.meta.get("start")
        if place in starts:
            found[place] = token_text(statement.sql, starts[place]) + CASELESS
    return found


def _compared_column(node: exp.Expr, texts: Mapping[int, str]) -> exp.Column | None:
    """The column that is compared with a text, if that is what the node does."""
    sides: Sequence[exp.Expr] = [node.this, node.expression] if isinstance(node, exp.Binary) else [node.this]
    others = node.expressions if isinstance(node, exp.In) else sides
    if not any(is_text(other, texts) for other in others):
        return None
    return next((side for side in sides if isinstance(side, exp.Column) and not is_text(side, texts)), None)


def is_text(node: exp.Expr, texts: Mapping[int, str]) -> bool:
    """Whether the node is a text, also one that was written in double quotes."""
    if isinstance(node, exp.Literal):
        return node.is_string
    return isinstance(node, exp.Column) and node.this.meta.get("start") in texts


def _lowered(statement: Statement, most: int) -> dict[int, str]:
    """The changes that lower the outermost LIMIT, if it is a number, to ``most``; a negative one means none at all."""
    depth, place = 0, None
    for number, token in enumerate(statement.tokens):
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        if depth == 0 and token.token_type is TokenType.LIMIT:
            place = number
    if place is None or statement.tree.args.get("limit") is None:
        return {}
    rest = statement.tokens[place + 1 :]
    commas = [number for number, token in enumerate(rest) if token.token_type is TokenType.COMMA]
    offset = [number for number, token in enumerate(rest) if token.token_type is TokenType.OFFSET]
    count = rest[commas[-1] + 1 :] if commas and not offset else rest[: offset[0]] if offset else rest
    negative = len(count) > 1 and count[0].token_type is TokenType.DASH
    if len(count) != 1 + negative or count[-1].token_type is not TokenType.NUMBER:
        return {}
    if not negative and float(count[-1].text) <= most:
        return {}
    return {token.start: str(most) if number == 0 else "" for number, token in enumerate(count)}
