"""Decoding one conversation's JSON, also where a program wrote what JSON doesn't allow."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from familychat.errors import InvalidInputError

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escaped letter; the group is half of one. JavaScript writes such halves when it cuts a text within an emoji."""


def decoded(raw: bytes) -> Any:
    """The value. Half letters become U+FFFD, and NaN and the infinities None.

    Raises :class:`InvalidInputError` for what isn't JSON all the same.
    """
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        raise InvalidInputError("It isn't UTF-8 text.") from error
    except ValueError:
        return _decoded_kindly(raw)


def _decoded_kindly(raw: bytes) -> Any:
    whole = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], raw)
    try:
        return json.loads(whole.decode("utf-8"), parse_constant=lambda _: None)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        raise InvalidInputError("It isn't UTF-8 text.") from error
    except ValueError as error:
        raise InvalidInputError("It isn't proper JSON.") from error


def _too_deep() -> InvalidInputError:
    return InvalidInputError("Its JSON is nested too deeply.")
