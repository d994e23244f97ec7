"""Settings: defaults < TOML file < ``FAMILYCHAT_*`` variables < flags.

The fields of :class:`Settings` are the one list of what can be set. ``server_url`` is ``server.url`` in the file and
``FAMILYCHAT_SERVER_URL`` in the environment.
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from familychat.errors import InvalidInputError, NotFoundError, SettingsError
from familychat.settings_values import Reader, hosts, networks, number, one_of, path, text, time_zone, url
from familychat.wording import Text

SERVER_KINDS = ("auto", "lmstudio", "ollama", "openai", "embedded")
HIDDEN = Text("(set, not shown)")


def _setting(
    default: Any, meaning: str, allowed: str, read: Reader, *, secret: bool = False, page: bool = False
) -> Any:
    """A field of :class:`Settings`.

    Only a ``page`` setting may be set in a browser: one that neither decides where conversations go or who gets in, nor
    names a file of the computer.
    """
    allowed = allowed if isinstance(allowed, Text) else Text(allowed)
    metadata = {"meaning": Text(meaning), "allowed": allowed, "read": read, "secret": secret, "page": page}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata, repr=not secret)


def _default_data_dir() -> Path:
    from platformdirs import user_data_path

    return user_data_path("familychat", appauthor=False)


def default_config_path() -> Path:
    """Where the TOML file lies unless a flag or ``FAMILYCHAT_CONFIG`` says otherwise."""
    from platformdirs import user_config_path

    return user_config_path("familychat", appauthor=False) / "config.toml"


_KINDS = Text("one of %(choices)s", choices=", ".join(SERVER_KINDS))
_SECONDS = Text("a number of seconds from 0.1 to 3600")
_TOKENS = Text("a whole number of tokens from 256 to 10000000")
_URL = Text("an address such as http://localhost:1234")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a household has set. Build it with :func:`load_settings`, or directly in tests and plugins."""

    data_dir: Path = _setting(
        _default_data_dir, "the folder with people, conversations and models", "a folder's path", path
    )
    model: str | None = _setting(None, "the model to use when none is chosen", "a model's name", text)
    server_kind: str = _setting("auto", "which kind of model server to talk to", _KINDS, one_of(*SERVER_KINDS))
    server_url: str | None = _setting(None, "the model server's address", _URL, url)
    server_api_key: str | None = _setting(
        None, "the key the model server asks for", "the key as text", text, secret=True
    )
    server_context_length: int | None = _setting(
        None, "how much the model can read, if its server doesn't say", _TOKENS, number(int, 256, 10_000_000),
        page=True,
    )  # fmt: skip
    server_parallel: int | None = _setting(
        None, "how many answers the model server writes at once; if unset, what it says itself, else one",
        "a whole number from 1 to 256", number(int, 1, 256), page=True,
    )  # fmt: skip
    server_connect_timeout: float = _setting(
        5.0, "how long to wait for a connection", _SECONDS, number(float, 0.1, 3600), page=True
    )
    server_read_timeout: float = _setting(
        600.0, "how long a silent model may think or load", _SECONDS, number(float, 0.1, 3600), page=True
    )
    lmstudio_url: str = _setting("http://localhost:1234", "where to look for LM Studio", _URL, url)
    ollama_url: str = _setting("http://localhost:11434", "where to look for Ollama", _URL, url)
    embedded_model: Path | None = _setting(None, "your own GGUF file for the built-in engine", "a file's path", path)
    embedded_context_length: int = _setting(
        4096, "how much the built-in engine reads at once", _TOKENS, number(int, 256, 10_000_000), page=True
    )
    embedded_threads: int | None = _setting(
        None, "how many processor threads the built-in engine uses", "1 to 256", number(int, 1, 256), page=True
    )
    time_zone: str | None = _setting(
        None, "where the household is, if not where its computer is", "a name such as Europe/Berlin", time_zone,
        page=True,
    )  # fmt: skip
    trash_days: int = _setting(
        30, "for how many days deleted conversations stay in the trash (0: until it is emptied)", "0 to 36500",
        number(int, 0, 36_500), page=True,
    )  # fmt: skip
    titles: str = _setting(
        "model", "who names new conversations: a model, once nobody waits for it, or the question's first words",
        "model or words", one_of("model", "words"), page=True,
    )  # fmt: skip
    web_allowed_hosts: tuple[str, ...] = _setting(
        (), "the names under which browsers reach the page, besides this computer's own addresses",
        "names with commas between, such as chat.home, chat.example.org", hosts,
    )  # fmt: skip
    web_trusted_proxies: tuple[str, ...] = _setting(
        (), "the web servers in front of the page that are believed when they say who is asking",
        "addresses or networks with commas between, such as 127.0.0.1, 10.0.0.0/8", networks,
    )  # fmt: skip
    web_metrics_token: str | None = _setting(
        None, "what a program says that reads /metrics from elsewhere; unset, only this computer's may read it",
        "the token as text", text, secret=True,
    )  # fmt: skip
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Where each value that isn't a default came from, by key."""


def key_of(name: str) -> str:
    """``server_url`` -> ``server.url``; ``data_dir`` and ``model`` stand alone."""
    section, _, rest = name.partition("_")
    return f"{section}.{rest}" if section in {"server", "lmstudio", "ollama", "embedded", "web"} else name


def _fields() -> dict[str, dataclasses.Field[Any]]:
    return {key_of(f.name): f for f in dataclasses.fields(Settings) if f.metadata}


def keys() -> list[str]:
    """Every setting's key, as the file and ``familychat config`` write it."""
    return list(_fields())


def is_secret(key: str) -> bool:
    """Whether a setting's value is never shown."""
    return bool(_fields()[key].metadata["secret"])


def on_page(key: str) -> bool:
    """Whether an admin may set it in a browser, too."""
    return bool(_fields()[key].metadata["page"])


def variable(key: str) -> str:
    """The environment variable of a setting."""
    return "FAMILYCHAT_" + key.replace(".", "_").upper()


def describe(settings: Settings, key: str) -> dict[str, str | None]:
    """A setting for showing: its key, value (secrets hidden), source, meaning, and what is allowed."""
    setting = _fields()[key]
    value = getattr(settings, setting.name)
    if isinstance(value, tuple):
        value = ", ".join(value) or None
    shown = None if value is None else HIDDEN if setting.metadata["secret"] else str(value)
    return {
        "key": key,
        "value": shown,
        "source": settings.sources.get(key, Text("default")),
        "meaning": setting.metadata["meaning"],
        "allowed": setting.metadata["allowed"],
    }


def _read(key: str, raw: Any, source: str) -> Any:
    setting = _fields()[key]
    try:
        return setting.metadata["read"](raw)
    except (ValueError, TypeError, OverflowError):
        # An address may hold a password or a key: a wrong one isn't repeated where it could.
        secret = setting.metadata["secret"] or (isinstance(raw, str) and any(mark in raw for mark in "@?"))
        wrong = Text("The setting %(key)s can't be that (from %(source)s).", key=key, source=source)
        if not secret:
            shown = repr(raw)
            wrong = Text(
                "The setting %(key)s can't be %(value)s (from %(source)s).", key=key, value=shown, source=source
            )
        raise SettingsError(wrong, Text("Allowed: %(allowed)s.", allowed=setting.metadata["allowed"])) from None


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _from_file(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin with a byte order mark
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            Text("The settings file %(path)s isn't valid TOML: %(reason)s.", path=path, reason=str(error)),
            "Mend that line, or move the file away.",
        ) from error
    except OSError as error:
        raise SettingsError(
            Text("The settings file %(path)s can't be read: %(reason)s.", path=path, reason=error.strerror),
            "Check who may read it.",
        ) from error
    values = dict(_flatten(table))
    unknown = sorted(values.keys() - _fields().keys())
    if unknown:
        raise SettingsError(
            Text("There is no setting %(key)s (from %(path)s).", key=unknown[0], path=path),
            "familychat config show lists what there is.",
        )
    return values


def load_settings(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    config_path: Path | None = None,
) -> Settings:
    """Put the settings together; ``flags`` maps keys to values and leaves out (or sets None) what wasn't given.

    Raises :class:`SettingsError`, which names the setting, where the value came from, and what is allowed.
    """
    environ = os.environ if environ is None else environ
    path = config_path or config_path_from(environ)
    given = {key: raw for key, raw in (flags or {}).items() if raw is not None}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    layers: list[tuple[Mapping[str, Any], Callable[[str], str]]] = [
        (_from_file(path), lambda _key: str(path)),
        ({key: environ[variable(key)] for key in keys() if environ.get(variable(key))}, variable),
        (given, lambda key: Text("flag for %(key)s", key=key)),
    ]
    for layer, source_of in layers:
        for key, raw in layer.items():
            values[_fields()[key].name] = _read(key, raw, source_of(key))
            sources[key] = source_of(key)
    return Settings(**values, sources=sources)


def config_path_from(environ: Mapping[str, str]) -> Path:
    """The settings file: ``FAMILYCHAT_CONFIG``, or the default place."""
    named = environ.get("FAMILYCHAT_CONFIG")
    if not named:
        return default_config_path()
    try:
        return path(named)
    except ValueError:
        raise SettingsError(
            Text("The settings file can't be %(path)s.", path=repr(named)), "Allowed: the path of a TOML file."
        ) from None


def write_setting(path: Path, key: str, raw: str | None) -> None:
    """Set ``key`` in the TOML file, or take it out (None); comments and order stay, and a crash leaves the old file.

    Raises :class:`NotFoundError` for an unknown key and :class:`InvalidInputError` for a value that isn't allowed.
    """
    import tomlkit

    if key not in _fields():
        raise NotFoundError(
            Text("There is no setting %(key)s.", key=key), "familychat config show lists what there is."
        )
    _from_file(path)
    document = tomlkit.parse(path.read_text(encoding="utf-8-sig")) if path.exists() else tomlkit.document()
    section, _, name = key.rpartition(".")
    if raw is None:
        table: Any = document.get(section, {}) if section else document
        table.pop(name, None)
    else:
        try:
            value = _read(key, raw, Text("what you typed"))
        except SettingsError as error:
            raise InvalidInputError(error.message, error.hint) from error
        table = document.setdefault(section, tomlkit.table()) if section else document
        table[name] = str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
    _replace(path, tomlkit.dumps(document))


def _replace(path: Path, text: str) -> None:
    # The file may hold a key: mkstemp makes it readable by its owner alone.
    path = path.resolve()  # a link to a file elsewhere stays a link
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".config-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise SettingsError(
            Text(
                "The settings file %(path)s can't be written: %(reason)s. It is as it was.",
                path=path,
                reason=error.strerror,
            ),
            "Check who may write there.",
        ) from error
