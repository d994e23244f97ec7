"""The settings file's copy in a backup: without secrets unless asked, and how it goes back."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from familychat.errors import SettingsError
from familychat.settings import Settings, key_of, load_settings
from familychat.wording import Text

_PLACE = "data_dir"
"""Where the data lie is the computer's own affair: it isn't taken over from another one."""


def secret_keys() -> set[str]:
    """The settings that a backup leaves out unless asked to keep them."""
    return {key_of(one.name) for one in dataclasses.fields(Settings) if one.metadata.get("secret")}


def saved(path: Path, *, secrets: bool) -> bytes | None:
    """The content for the backup, or None if there is no settings file. Raises :class:`SettingsError`.

    It is written anew from the values, since a key that was once commented out is a secret, too.
    """
    values = _values(path)
    if values is None:
        return None
    return _written({key: value for key, value in values.items() if secrets or key not in secret_keys()})


def merged(saved_path: Path, current_path: Path, *, secrets: bool) -> bytes | None:
    """What the settings file becomes: the saved values, and from the current ones what the backup leaves out.

    None if it says all of this already. Raises :class:`SettingsError` if the saved ones can't be used.
    """
    try:
        load_settings({}, {}, saved_path)
    except SettingsError as error:
        raise SettingsError(
            "The settings in the backup can't be used. Nothing was changed.",
            "Say --no-settings to bring back everything else and keep your settings.",
        ) from error
    values = _values(saved_path) or {}
    values.pop(_PLACE, None)
    own = {_PLACE} if secrets else {_PLACE, *secret_keys()}
    current = _values(current_path) or {}
    values |= {key: value for key, value in current.items() if key in own}
    return None if values == current else _written(values)


def prepare(path: Path, content: bytes) -> Path:
    """Write the new settings beside the file that they will replace, so that nothing but a rename is left to do."""
    path = path.resolve()  # a link to a file elsewhere stays a link
    ready = path.with_name(path.name + ".restoring")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ready.unlink(missing_ok=True)
        # The file may hold a key: from the first byte on only its owner may read it.
        handle = os.open(ready, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            ready.unlink(missing_ok=True)
        raise SettingsError(
            Text(
                "The settings file %(path)s can't be written: %(reason)s. Nothing was changed.",
                path=path,
                reason=error.strerror,
            ),
            "Check who may write there, or say --no-settings to keep your settings.",
        ) from error
    return ready


def _values(path: Path) -> dict[str, Any] | None:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            Text("The settings file %(path)s isn't valid TOML. Nothing was changed.", path=path),
            "Mend it, or move it away.",
        ) from error
    except OSError as error:
        raise SettingsError(
            Text(
                "The settings file %(path)s can't be read: %(reason)s. Nothing was changed.",
                path=path,
                reason=error.strerror,
            ),
            "Check who may read it.",
        ) from error
    values: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            values |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            values[name] = value
    return values


def _written(values: Mapping[str, Any]) -> bytes:
    import tomlkit

    document: dict[str, Any] = {key: value for key, value in values.items() if "." not in key}
    for key, value in values.items():
        section, dot, name = key.partition(".")
        if dot:
            document.setdefault(section, {})[name] = value
    return tomlkit.dumps(document).encode()
