"""Settings: where they come from, what is refused, and that the file survives."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from familychat.errors import InvalidInputError, NotFoundError, SettingsError
from familychat.settings import HIDDEN, describe, keys, load_settings, on_page, variable, write_setting

WRONG = {
    "data_dir": "",
    "model": " ",
    "server.kind": "mainframe",
    "server.url": "ftp://somewhere",
    "server.api_key": "",
    "server.context_length": "12",
    "server.parallel": "257",
    "server.connect_timeout": "soon",
    "server.read_timeout": "-1",
    "lmstudio.url": "localhost:1234",
    "ollama.url": "http://user:secret@host",
    "embedded.model": "",
    "embedded.context_length": "1e99",
    "embedded.threads": "0",
    "time_zone": "Mars/Olympus",
    "trash_days": "-1",
    "titles": "nobody",
    "web.allowed_hosts": "http://chat.home",
    "web.trusted_proxies": "everybody",
    "web.metrics_token": "",
}
RIGHT = {
    "data_dir": "/somewhere/else",
    "model": "maker/tiny:8b",
    "server.kind": "ollama",
    "server.url": "https://box.lan:8443",
    "server.api_key": "s3cret",
    "server.context_length": "8192",
    "server.parallel": "4",
    "server.connect_timeout": "2.5",
    "server.read_timeout": "60.0",
    "lmstudio.url": "http://10.0.0.2:1234",
    "ollama.url": "http://[::1]:11434",
    "embedded.model": "/models/own.gguf",
    "embedded.context_length": "2048",
    "embedded.threads": "4",
    "time_zone": "Europe/Berlin",
    "trash_days": "0",
    "titles": "words",
    "web.allowed_hosts": "chat.home, ::1",
    "web.trusted_proxies": "127.0.0.1, 10.0.0.0/8",
    "web.metrics_token": "another s3cret",
}
SECRET = {"server.api_key", "web.metrics_token"}


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


def test_no_browser_changes_where_conversations_go_who_gets_in_or_which_file_is_read() -> None:
    parts = {key for key in keys() if key.startswith(("lmstudio.", "ollama.", "web."))}
    server = {"server.kind", "server.url", "server.api_key"}
    assert {key for key in keys() if not on_page(key)} == {"data_dir", "model", "embedded.model", *server, *parts}


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
    assert shown["value"] == (HIDDEN if key in SECRET else RIGHT[key])
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


LAYOUTS = [
    "",
    'server.url = "http://a:1"\n',
    'server = {url = "http://a:1"}\n',
    '[server]\nurl = "http://a:1"\n',
    "# ours\n[server] # the box\n# nothing yet\n",
    '[lmstudio]\nurl = "http://a:1"\n\n[server]\n',
    'model = "x"\nserver.url = "http://b:1"\n[ollama]\nurl = "http://a:1"\n',
    '[ollama]\nurl = "http://a:1"',
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("key", RIGHT)
def test_whatever_the_file_looks_like_one_key_changes(path: Path, key: str, layout: str) -> None:
    def shown() -> dict[str, str | None]:
        settings = load_settings(environ={}, config_path=path)
        return {one: describe(settings, one)["value"] for one in keys()}

    path.parent.mkdir()
    path.write_text(layout)
    before = shown()
    write_setting(path, key, RIGHT[key])
    assert shown() == {**before, key: HIDDEN if key in SECRET else RIGHT[key]}
    write_setting(path, key, None)
    defaults = load_settings(environ={}, config_path=path.with_name("none.toml"))
    assert shown() == {**before, key: describe(defaults, key)["value"]}


@pytest.mark.parametrize("key", RIGHT)
def test_every_layer_goes_before_the_one_below(path: Path, key: str) -> None:
    def source(flags: dict[str, str], environ: dict[str, str]) -> str | None:
        return describe(load_settings(flags, environ, path), key)["source"]

    environ = {variable(key): RIGHT[key]}
    assert source({}, {}) == "default"
    write_setting(path, key, RIGHT[key])
    assert source({}, {}) == str(path)
    assert source({}, environ) == variable(key)
    assert source({key: RIGHT[key]}, environ) == f"flag for {key}"
    assert source({}, {variable(key): ""}) == str(path), "an empty variable counts as none"


@pytest.mark.parametrize("key", [key for key, value in WRONG.items() if value.strip()])
def test_a_wrong_flag_names_itself(path: Path, key: str) -> None:
    with pytest.raises(SettingsError, match=f"flag for {key}") as caught:
        load_settings({key: WRONG[key]}, {}, path)
    assert str(describe(load_settings({}, {}, path), key)["allowed"]) in caught.value.hint


@pytest.mark.parametrize("raw", [5, 1.5, True, [], ["secret canary"], {"x": "secret canary"}])
def test_a_wrong_secret_is_not_shown_in_the_refusal(path: Path, raw: object) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"server.api_key": raw}, {}, path)
    assert str(raw) not in str(caught.value)
    assert "canary" not in repr(caught.value)


def test_a_secret_is_not_shown_by_settings_themselves(path: Path) -> None:
    """Whoever logs or prints settings must not give the key away."""
    settings = load_settings(environ={"FAMILYCHAT_SERVER_API_KEY": "s3cret"}, config_path=path)
    assert "s3cret" not in f"{settings} {settings!r}"


@pytest.mark.parametrize(
    "address",
    [
        "http://:s3cret@box:1",
        "http://user:s3cret@box:1",
        "http://user@box:1",
        "http://box:1#part",
        "http://box:1?key=s3cret",
        "http://b ox:1",
        "http://b\nox:1",
        "http://box\x00:1",
        "http://:1",
        "http://box:99999",
        "http://[::1",
        "javascript:alert(1)",
    ],
)
def test_addresses_that_are_none(path: Path, address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"server.url": address}, {}, path)
    assert "s3cret" not in str(caught.value), "a password in an address is a secret, too"


@pytest.mark.parametrize("folder", ["~no-such-account-here/x", "a\0b"])
@pytest.mark.parametrize("key", ["data_dir", "embedded.model"])
def test_paths_that_are_none(path: Path, key: str, folder: str) -> None:
    with pytest.raises(SettingsError, match=key):
        load_settings({key: folder}, {}, path)


def test_a_settings_file_of_an_unknown_account() -> None:
    with pytest.raises(SettingsError):
        load_settings(environ={"FAMILYCHAT_CONFIG": "~no-such-account-here/config.toml"})


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400", "0.05", "3601", "five", "true", "[1]", '""'])
def test_numbers_that_are_none(path: Path, value: str) -> None:
    path.parent.mkdir()
    path.write_text(f"server.read_timeout = {value}\n" if value != "five" else 'server.read_timeout = "five"\n')
    with pytest.raises(SettingsError, match=r"server\.read_timeout|valid TOML"):
        load_settings(environ={}, config_path=path)


def test_a_link_to_the_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    """Some keep their settings in a folder under version control, and link to them."""
    real = tmp_path / "dotfiles" / "familychat.toml"
    real.parent.mkdir()
    real.write_text("# ours\n")
    path.parent.mkdir()
    path.symlink_to(real)
    write_setting(path, "model", "tiny")
    assert path.is_symlink()
    assert real.read_text() == '# ours\nmodel = "tiny"\n'


def test_a_write_that_fails_leaves_the_file_and_nothing_else(path: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    write_setting(path, "model", "before")
    before = path.read_bytes()
    script = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from familychat.errors import SettingsError\nfrom familychat.settings import write_setting\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "try:\n    write_setting(Path(sys.argv[1]), 'server.api_key', 'x' * 100)\n"
        "except SettingsError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, str(path)], capture_output=True, text=True, check=True, env=os.environ
    )
    assert "It is as it was." in done.stdout
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_a_file_that_begins_with_a_byte_order_mark(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b'\xef\xbb\xbfmodel = "a"\n')
    assert load_settings(environ={}, config_path=path).model == "a"
    write_setting(path, "model", "b")
    assert load_settings(environ={}, config_path=path).model == "b"


@pytest.mark.parametrize("written", ['["Chat.Home", "[::1]"]', '"chat.home., ::1"', '" chat.home ,,[0:0::1],"'])
def test_lists_are_arrays_or_have_commas(path: Path, written: str) -> None:
    path.parent.mkdir()
    path.write_text(f"[web]\nallowed_hosts = {written}\n")
    assert load_settings(environ={}, config_path=path).web_allowed_hosts == ("chat.home", "::1")


@pytest.mark.parametrize("wrong", ["5", "[5]", "[]", '"a b"', '"a.."', '"chat.home:80"', f'"{"a" * 64}"', '"ü"'])
def test_lists_of_something_else_are_refused(path: Path, wrong: str) -> None:
    path.parent.mkdir()
    path.write_text(f"[web]\nallowed_hosts = {wrong}\n")
    with pytest.raises(SettingsError, match=r"web\.allowed_hosts"):
        load_settings(environ={}, config_path=path)
