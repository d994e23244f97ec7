"""From text to a statement that can be looked at: its tokens and its syntax tree.

sqlglot reads it in the SQLite dialect, with one change: every function stays what it was written as, so that its name
can be looked up in our list. What runs in the end is written anew from the tokens (:mod:`.guard_text`), never the text
itself, so that no comment, odd quote or odd letter can mean one thing here and another to SQLite.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.dialects.sqlite import SQLite

from familychat.errors import BrokenQuery, QueryTooExpensive, UnsafeQuery
from familychat.wording import Text

LONGEST_STATEMENT = 100_000
"""Characters; more isn't even read."""

DEEPEST = 30
"""Parentheses and CASEs inside each other. sqlglot itself gives up at about 50."""

MOST_SIGNS = 20
"""NOT, -, + and ~ in a row."""

FROM_TEXT = {TokenType.STRING, TokenType.IDENTIFIER}
BEGINNINGS = {TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN}
SIGNS = {TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE}
NAME = re.compile(r"[\w$\x80-\U0010ffff]+")


class GuardDialect(SQLite):
    """SQLite's dialect, in which functions aren't known by name."""

    class Parser(SQLite.Parser):  # type: ignore[misc, valid-type]  # sqlglot's classes are plain variables
        FUNCTIONS: ClassVar[dict[str, object]] = {}
        FUNCTION_PARSERS: ClassVar = {
            name: parser for name, parser in SQLite.Parser.FUNCTION_PARSERS.items() if name == "CAST"
        }
        NO_PAREN_FUNCTION_PARSERS: ClassVar = {
            name: parser for name, parser in SQLite.Parser.NO_PAREN_FUNCTION_PARSERS.items() if name == "CASE"
        }

        def _parse_term(self, **_: object) -> exp.Expr | None:
            """LIMIT a % b is a percentage elsewhere, and in SQLite what it looks like."""
            return super()._parse_term()  # type: ignore[no-any-return]


DIALECT = GuardDialect()


@dataclass(frozen=True, slots=True)
class Statement:
    """One parsed statement. A token's text is ``sql[token.start:token.end + 1]``, both ends inclusive."""

    sql: str
    tokens: tuple[Token, ...]
    tree: exp.Query


def parse(sql: str) -> Statement:
    """The only statement in ``sql``, which is a query.

    Raises QueryTooExpensive if it is too long or too deeply nested to be looked at, BrokenQuery if it isn't SQL, and
    UnsafeQuery if there are several or it is something else than a query.
    """
    if len(sql) > LONGEST_STATEMENT:
        raise QueryTooExpensive(
            "The SQL is far too long, so it wasn't run; your music list is unchanged.", "Ask for less at once."
        )
    sql = sql.removeprefix("\ufeff")
    if "\0" in sql or any("\ud800" <= letter <= "\udfff" for letter in sql):
        raise BrokenQuery(
            "The SQL holds broken text, so it wasn't run; your music list is unchanged.", "Write it in plain letters."
        )
    try:
        tokens = _one_statement(DIALECT.tokenize(sql))
        _refuse_depth(tokens)
        _refuse_odd_letters(sql, tokens)
        trees = DIALECT.parser().parse(tokens, sql)
    except RecursionError:
        raise too_deep() from None
    except sqlglot.ParseError as error:
        raise broken(error) from None
    except sqlglot.errors.SqlglotError as error:
        raise BrokenQuery(invalid(str(error).partition("\n")[0]), "Mind the quotes.") from None
    return Statement(sql, tuple(tokens), _query(trees))


def invalid(reason: str) -> Text:
    """That SQL isn't valid, and why."""
    return Text("The SQL isn't valid: %(reason)s. Your music list is unchanged.", reason=reason)


def broken(error: sqlglot.ParseError) -> BrokenQuery:
    """sqlglot's complaint without its colours and its excerpt of the whole statement."""
    first = error.errors[0] if error.errors else {}
    described = str(first.get("description") or "").rstrip(".")
    reason = described or Text("it can't be read")
    near = str(first.get("highlight") or "").strip()
    if near:
        reason = Text("%(reason)s near %(text)s", reason=reason, text=repr(near[:40]))
    return BrokenQuery(invalid(reason), "Write it for SQLite.")


def too_deep() -> QueryTooExpensive:
    return QueryTooExpensive(
        "The SQL is nested too deeply, so it wasn't run; your music list is unchanged.",
        "Ask the question in a simpler way.",
    )


def not_a_select() -> UnsafeQuery:
    return UnsafeQuery(
        "Only one plain SELECT may be run, so this wasn't; your music list is unchanged.",
        "Ask something that only looks things up.",
    )


def no_parameters() -> BrokenQuery:
    return BrokenQuery(
        "The SQL has parameters, so it wasn't run; your music list is unchanged.", "Write the values themselves."
    )


def _one_statement(tokens: list[Token]) -> list[Token]:
    """The tokens without the semicolons at the end."""
    end = len(tokens)
    while end and tokens[end - 1].token_type is TokenType.SEMICOLON:
        end -= 1
    tokens = tokens[:end]
    if not tokens:
        raise BrokenQuery("There is no SQL to run; your music list is unchanged.", "Write one SELECT.")
    if tokens[0].token_type not in BEGINNINGS:
        raise not_a_select()
    if any(token.token_type is TokenType.SEMICOLON for token in tokens):
        raise UnsafeQuery(
            "There is more than one statement, so none was run; your music list is unchanged.", "Write one SELECT."
        )
    return tokens


def _refuse_depth(tokens: list[Token]) -> None:
    depth = signs = 0
    for token in tokens:
        kind = token.token_type
        if kind in {TokenType.L_PAREN, TokenType.CASE, TokenType.L_BRACKET, TokenType.L_BRACE}:
            depth += 1
        elif kind in {TokenType.R_PAREN, TokenType.END, TokenType.R_BRACKET, TokenType.R_BRACE}:
            depth -= 1
        signs = signs + 1 if kind in SIGNS else 0
        if depth > DEEPEST or signs > MOST_SIGNS:
            raise too_deep()


def _refuse_odd_letters(sql: str, tokens: list[Token]) -> None:
    """Refuse what Python's and SQLite's idea of a letter, a space or a quote could tell apart."""
    for token in tokens:
        text = sql[token.start : token.end + 1]
        if token.token_type is TokenType.IDENTIFIER:
            is_odd = text.startswith("[") and "]" in text[1:-1]
        elif token.token_type is TokenType.STRING:
            if not text.startswith("'"):  # the rest of a command that sqlglot doesn't take apart
                raise not_a_select()
            is_odd = False
        elif token.token_type is TokenType.VAR:
            is_odd = "\ufeff" in text or not NAME.fullmatch(text)
            if text.startswith("$"):
                raise no_parameters()
        else:
            is_odd = not text.isascii()
        if is_odd:
            raise BrokenQuery(
                Text(
                    "The SQL holds letters that SQLite doesn't know outside "
                    "quotes: %(text)s. Your music list is unchanged.",
                    text=text[:40],
                ),
                "Put names in \"double quotes\" and texts in 'single quotes'.",
            )


def _query(trees: list[exp.Expr | None]) -> exp.Query:
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise not_a_select()
    return tree
