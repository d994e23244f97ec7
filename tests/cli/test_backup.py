"""``familychat backup`` as people and timers use it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pexpect
import pytest

from familychat_cli.testing import COMMAND, CommandLine

PASSPHRASE = "quiet little river"
SONGS = "Title,Artist\nWaltz,Grandma\nPolka,Sister\n"


@pytest.fixture
def household(cli: CommandLine) -> CommandLine:
    """Somebody's first step, and settings with a secret."""
    Path(cli.env["FAMILYCHAT_CONFIG"]).write_text('model = "maker/tiny"\n[server]\napi_key = "sk-secret"\n')
    assert cli("whoami").code == 0
    return cli


@pytest.fixture
def with_songs(cli: CommandLine, tmp_path: Path) -> CommandLine:
    """The same with a music list."""
    Path(cli.env["FAMILYCHAT_CONFIG"]).write_text('model = "maker/tiny"\n[server]\napi_key = "sk-secret"\n')
    (tmp_path / "songs.csv").write_text(SONGS)
    assert cli("music", "import", str(tmp_path / "songs.csv")).code == 0
    return cli


def only(folder: Path) -> Path:
    (path,) = folder.glob("*.fcbackup")
    return path


def test_to_a_new_computer(with_songs: CommandLine, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    made = with_songs(
        "backup", "create", "--to", "stick", "--passphrase-stdin", "--json", stdin=PASSPHRASE + "\n"
    ).json()
    path = only(stick)
    assert made["path"] == str(path)
    assert (made["size"], made["encrypted"], made["secrets"]) == (path.stat().st_size, True, False)
    assert (made["libraries"], made["missing"], made["removed"]) == (1, [], [])
    new = with_songs.using(FAMILYCHAT_DATA_DIR=str(tmp_path / "new"), FAMILYCHAT_CONFIG=str(tmp_path / "new.toml"))
    checked = new("backup", "verify", str(path), "--passphrase-stdin", stdin=PASSPHRASE)
    assert "is in good order" in checked.out
    assert "people: 1, conversations: 0, messages: 0, music libraries: 1." in checked.out
    wrong = new("backup", "restore", str(path), "--yes", "--passphrase-stdin", stdin="loud big river\n")
    assert (wrong.code, wrong.out) == (2, "")
    assert "The passphrase doesn't fit" in wrong.err
    assert not (tmp_path / "new" / "familychat.db").exists()
    done = new("backup", "restore", str(path), "--yes", "--passphrase-stdin", stdin=PASSPHRASE + "\n")
    assert done.code == 0, done.err
    assert "songs: 2 rows" in new("music", "schema").out, "the songs came along, and their index is built anew"
    assert new("whoami", "--json").json() == with_songs("whoami", "--json").json()
    assert (tmp_path / "new.toml").read_text() == 'model = "maker/tiny"\n'


def test_list_verify_and_rotate(household: CommandLine, data_dir: Path) -> None:
    assert "no backup" in household("backup", "list").out
    assert household("backup", "list", "--json").json() == []
    assert household("backup", "verify").code == 3
    made = household("backup", "create")
    assert made.out == f"Saved and checked: {only(data_dir / 'backups')} ({made.out.rpartition('(')[2]}"
    for day in range(10, 20):
        (data_dir / "backups" / f"familychat-200201{day}T030000Z-auto.fcbackup").write_bytes(b"old")
    rotated = household("backup", "create", "--rotate", "--with-secrets")
    assert "Old automatic backups removed: 3." in rotated.out
    assert "--encrypt would hide them" in rotated.err
    listed = household("backup", "list", "--json").json()
    assert [row["automatic"] for row in listed].count(True) == 8
    assert sorted(row["made_at"] for row in listed) == [row["made_at"] for row in listed]
    assert "automatic" in household("backup", "list").out
    checked = household("backup", "verify", "--json").json()
    assert (checked["secrets"], checked["encrypted"]) == (True, False)
    damaged = household("backup", "verify", listed[0]["name"])
    assert (damaged.code, damaged.out) == (8, "")
    assert "isn't a familychat backup" in damaged.err


def test_restoring_asks_and_says_what_was_kept(with_songs: CommandLine, data_dir: Path) -> None:
    with_songs("backup", "create")
    name = only(data_dir / "backups").stem
    assert with_songs("music", "remove", "songs", "--yes").code == 0
    refused = with_songs("backup", "restore", name)
    assert refused.code == 2
    assert "Say --yes" in refused.err
    assert with_songs("music", "libraries", "--json").json() == []
    done = with_songs("backup", "restore", name, "--yes")
    assert f"Restored {name}.fcbackup." in done.out
    assert "before-restore.db" in done.out
    assert [row["name"] for row in with_songs("music", "libraries", "--json").json()] == ["songs"]
    assert "sk-secret" in Path(with_songs.env["FAMILYCHAT_CONFIG"]).read_text(), "a secret that isn't in it stays"
    assert with_songs("backup", "restore", "no-such", "--yes").code == 3


def test_your_own_tasks_come_along(household: CommandLine, data_dir: Path) -> None:
    texts = ("--title", "Cooking", "--description", "What to cook", "--prompt", "Cook well.")
    assert household("tasks", "add", "cooking", *texts).code == 0
    for number in range(7):
        (data_dir / "tasks" / f"link{number}.toml").symlink_to(data_dir / "tasks" / "cooking.toml")
    made = household("backup", "create", "--json").json()
    assert (made["tasks"], len(made["tasks_left_out"])) == (1, 7)
    name = only(data_dir / "backups").stem
    checked = household("backup", "verify")
    assert "music libraries: 0, own tasks: 1." in checked.out
    assert "link0.toml, link1.toml, link2.toml, link3.toml, link4.toml and 2 more. It holds up to 1,000" in checked.err
    assert household("tasks", "edit", "cooking", "--title", "Kitchen").code == 0
    done = household("backup", "restore", name, "--yes")
    assert "Your own tasks are the backup's now: 1." in done.out
    (kept,) = data_dir.glob("before-restore-*")
    assert f"Music, tasks and settings that it replaced were kept in {kept}." in done.out
    assert household("tasks", "show", "cooking", "--json").json()["title"] == "Cooking"
    assert 'title = "Kitchen"' in (kept / "tasks" / "cooking.toml").read_text()
    assert "Your own tasks" not in household("backup", "restore", name, "--yes").out, "they are the same"


def test_not_while_a_chat_is_open(with_model: Path, household: CommandLine, data_dir: Path) -> None:
    household("backup", "create")
    name = only(data_dir / "backups").stem
    with pexpect.spawn(COMMAND[0], [*COMMAND[1:], "chat"], env=dict(household.env), encoding="utf-8") as chat:
        chat.expect("> ", timeout=60)
        refused = household("backup", "restore", name, "--yes")
        assert refused.code == 5
        assert "familychat is still running. Nothing was changed." in refused.err
        assert household("backup", "create").code == 0, "saving goes on beside it"


def test_a_passphrase_is_typed_twice_and_never_shown(household: CommandLine, data_dir: Path) -> None:
    # Else the prompt waits for a terminal that answers where its cursor is.
    env = {**household.env, "PROMPT_TOOLKIT_NO_CPR": "1"}

    def typed(*args: str, answers: list[tuple[str, str]]) -> tuple[int | None, str]:
        with pexpect.spawn(COMMAND[0], [*COMMAND[1:], "backup", *args], env=env, encoding="utf-8",
                           dimensions=(40, 200), timeout=60) as terminal:  # fmt: skip
            shown = ""
            for question, answer in answers:
                terminal.expect_exact(question)
                shown += terminal.before or ""
                terminal.sendline(answer)
            terminal.expect(pexpect.EOF)
            shown += terminal.before or ""
        return terminal.wait() if terminal.exitstatus is None else terminal.exitstatus, shown

    code, shown = typed("create", "--encrypt", answers=[("Password:", PASSPHRASE), ("Once more:", "another one")])
    assert (code, list((data_dir / "backups").glob("*"))) == (2, []), shown
    code, shown = typed("create", "--encrypt", answers=[("Password:", PASSPHRASE), ("Once more:", PASSPHRASE)])
    assert code == 0
    assert PASSPHRASE not in shown
    path = only(data_dir / "backups")
    code, shown = typed("restore", path.name, answers=[("Password:", PASSPHRASE), ("Type yes to go on: ", "no")])
    assert code == 2
    assert "Nothing was changed." in shown
    code, shown = typed("restore", path.name, answers=[("Password:", PASSPHRASE), ("Type yes to go on: ", "yes")])
    assert (code, "Restored" in shown, PASSPHRASE in shown) == (0, True, False)


@pytest.mark.parametrize("passphrase", ["", "short", "password1"])
def test_a_poor_passphrase_is_refused(cli: CommandLine, data_dir: Path, passphrase: str) -> None:
    result = cli("backup", "create", "--passphrase-stdin", stdin=passphrase + "\n")
    assert result.code == 2
    assert not data_dir.exists()


def test_no_terminal_for_a_passphrase(household: CommandLine, data_dir: Path) -> None:
    refused = household("backup", "create", "--encrypt")
    assert (refused.code, "--passphrase-stdin" in refused.err) == (2, True)
    household("backup", "create", "--passphrase-stdin", stdin=PASSPHRASE)
    assert "--passphrase-stdin" in household("backup", "verify").err


def test_a_full_disk_is_one_line(with_songs: CommandLine, data_dir: Path, tmp_path: Path) -> None:
    """The copy of the database still fits, the backup no more."""
    (library,) = (data_dir / "music").iterdir()
    with (library / "1.db").open("ab") as songs:
        songs.write(os.urandom(3_000_000))
    assert with_songs("backup", "create").code == 0
    before = only(data_dir / "backups").read_bytes()

    def small_disk() -> None:
        # A file that may not grow any more is how a full disk looks from inside a process.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    for words in (
        ["create"],
        ["create", "--to", str(tmp_path / "stick")],
        ["restore", "--yes", only(data_dir / "backups").name],
    ):
        done = subprocess.run(
            [*COMMAND, "backup", *words], capture_output=True, env=dict(with_songs.env), stdin=subprocess.DEVNULL,
            preexec_fn=small_disk, check=False,
        )  # fmt: skip
        assert done.returncode == 8, done.stderr
        (line,) = done.stderr.decode().splitlines()
        assert "There isn't enough room at" in line
        assert ("No backup was made" if words[0] == "create" else "Nothing was changed") in line
    assert only(data_dir / "backups").read_bytes() == before
    assert list((tmp_path / "stick").iterdir()) == []
    assert not (data_dir / "backup-work").exists()
    assert with_songs("music", "libraries").code == 0


def test_a_place_that_is_not_ours_is_one_line(household: CommandLine, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir(mode=0o500)
    # To the system's administrator nothing is read-only, so these powers are given up first.
    powerless = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*powerless, *COMMAND, "backup", "create", "--to", str(stick)],
        capture_output=True,
        env=dict(household.env),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 8
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"{stick} can't be written: Permission denied. No backup was made;")


def test_nothing_to_save_makes_nothing(cli: CommandLine, data_dir: Path) -> None:
    result = cli("backup", "create")
    assert result.code == 3
    assert not data_dir.exists()


def test_help_needs_no_encryption() -> None:
    script = (
        "import sys\nfrom familychat_cli.main import app\n"
        "try:\n    app(['backup', 'create', '--help'])\nexcept SystemExit:\n    pass\n"
        "print('LOADED', [name for name in ('cryptography', 'familychat.backups') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.rpartition("LOADED ")[2].strip() == "[]"


def test_relative_to_where_one_is(household: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    here = replace(household, folder=tmp_path / "here")
    assert here("backup", "create", "--to", ".").code == 0
    assert here("backup", "verify", only(tmp_path / "here").name).code == 0
    assert "here" in here("backup", "list", ".").out or only(tmp_path / "here").name in here("backup", "list", ".").out
