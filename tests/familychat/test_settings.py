"""Settings: where they come from, what is refused, and that the file survives."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from familychat.errors import InvalidInputError, NotFoundError, SettingsError
from familychat.settings import HIDDEN, describe, keys, load_settings, variable, write_setting

WRONG = {
    "data_dir": "",
    "model": " ",
    "server.kind": "mainframe",
    "server.url": "ftp://somewhere",
    "server.api_key": "",
    "server.context_length": "12",
    "server.connect_timeout": "soon",
    "server.read_timeout": "-1",
    "lmstudio.url": "localhost:1234",
    "ollama.url": "http://user:secret@host",
    "embedded.model": "",
    "embedded.context_length": "1e99",
    "embedded.threads": "0",
}
RIGHT = {
    "data_dir": "/somewhere/else",
    "model": "maker/tiny:8b",
    "server.kind": "ollama",
    "server.url": "https://box.lan:8443",
    "server.api_key": "s3cret",
    "server.context_length": "8192",
    "server.connect_timeout": "2.5",
    "server.read_timeout": "60.0",
    "lmstudio.url": "http://10.0.0.2:1234",
    "ollama.url": "http://[::1]:11434",
    "embedded.model": "/models/own.gguf",
    "embedded.context_length": "2048",
    "embedded.threads": "4",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "config.toml"


def test_later_layers_win(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('model = "file"\n[server]\nurl = "http://file:1"\nread_timeout = 9\n')
    environ = {"FAMILYCHAT_MODEL": "variable", "FAMILYCHAT_SERVER_URL": "http://variable:1"}
    settings = load_settings({"model": "flag", "server.url": None}, environ, path)
    assert (settings.model, settings.server_url, settings.server_read_timeout) == ("flag", "http://variable:1", 9.0)
    assert settings.server_connect_timeout == 5.0
    assert settings.sources == {
        "model": "flag for model",
        "server.url": "FAMILYCHAT_SERVER_URL",
        "server.read_timeout": str(path),
    }


def test_every_setting_is_covered_here() -> None:
    assert set(WRONG) == set(RIGHT) == set(keys())


@pytest.mark.parametrize("key", [key for key, value in WRONG.items() if value])
def test_a_wrong_variable_names_setting_source_and_what_is_allowed(path: Path, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={variable(key): WRONG[key]}, config_path=path)
    assert key in caught.value.message
    assert variable(key) in caught.value.message
    assert caught.value.hint.startswith("Allowed: ")


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_value_in_the_file(path: Path, key: str) -> None:
    path.parent.mkdir()
    path.write_text(f'{key} = "{WRONG[key]}"\n')
    with pytest.raises(SettingsError, match=key) as caught:
        load_settings(environ={}, config_path=path)
    assert str(path) in caught.value.message


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_value_is_never_written(path: Path, key: str) -> None:
    write_setting(path, "model", "before")
    before = path.read_bytes()
    with pytest.raises(InvalidInputError, match=key):
        write_setting(path, key, WRONG[key])
    assert path.read_bytes() == before


@pytest.mark.parametrize("key", RIGHT)
def test_written_is_read_back(path: Path, key: str) -> None:
    write_setting(path, key, RIGHT[key])
    shown = describe(load_settings(environ={}, config_path=path), key)
    assert shown["value"] == (HIDDEN if key == "server.api_key" else RIGHT[key])
    assert shown["source"] == str(path)
    write_setting(path, key, None)
    assert describe(load_settings(environ={}, config_path=path), key)["source"] == "default"


def test_comments_and_order_stay(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('# ours\nmodel = "a"  # the small one\n\n[server]\n# the box\nurl = "http://box:1"\n')
    write_setting(path, "model", "b")
    write_setting(path, "server.read_timeout", "30")
    text = path.read_text()
    assert text.startswith('# ours\nmodel = "b"')
    assert "# the small one" in text
    assert "# the box" in text
    assert tomllib.loads(text) == {"model": "b", "server": {"url": "http://box:1", "read_timeout": 30.0}}
    assert path.stat().st_mode & 0o077 == 0, "the file may hold a key"


def test_secrets_are_never_shown(path: Path) -> None:
    settings = load_settings(environ={"FAMILYCHAT_SERVER_API_KEY": "s3cret"}, config_path=path)
    assert "s3cret" not in str([describe(settings, key) for key in keys()])


def test_a_file_that_is_no_toml_and_a_key_that_is_none(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("model = \n")
    with pytest.raises(SettingsError, match=r"isn't valid TOML: .*line 1"):
        load_settings(environ={}, config_path=path)
    path.write_text('colour = "red"\n')
    with pytest.raises(SettingsError, match="There is no setting colour"):
        load_settings(environ={}, config_path=path)
    with pytest.raises(NotFoundError):
        write_setting(path, "colour", "red")


def test_an_address_may_end_in_v1(path: Path) -> None:
    environ = {"FAMILYCHAT_SERVER_URL": "http://box:1234/v1/"}
    assert load_settings(environ=environ, config_path=path).server_url == "http://box:1234"
