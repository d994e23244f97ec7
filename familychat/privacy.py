"""What familychat can contact and why, what it stores where and for how long, and what it never does.

The tables here are what ``familychat privacy`` shows. Tests hold them against the code and against a used data folder:
a new place that opens a connection, a new table or a new file fails them until it is listed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from familychat.settings import Settings

LOOPBACK = "127.0.0.1"
PACKAGE_INDEX = "https://pypi.org, or what pip is set to"
_HERE = {"localhost", LOOPBACK, "::1"}


@dataclass(frozen=True, slots=True)
class Door:
    """A place in the code that opens a connection or starts a program: what it calls, and where that leads."""

    file: str
    opener: str
    leads_to: str


DOORS = (
    Door("familychat/llm/http.py", "httpx.AsyncClient", "the model server"),
    Door("familychat/llm/embedded.py", "xllamacpp.Server", "nowhere: llama.cpp in this process, behind a random key"),
    Door("familychat/llm/practice_model.py", "subprocess.Popen", "pip, which asks the package index"),
    Door("familychat/export/paper.py", "weasyprint.HTML", "nowhere: every address is refused"),
    Door("familychat_web/serving.py", "socket.getaddrinfo", "this computer: where the page is served"),
    Door("familychat_web/serving.py", "socket.create_server", "this computer: where the page is served"),
    Door("familychat_web/testing.py", "httpx.Client", "familychat itself, in tests only"),
    Door("familychat_music/importing/workbook.py", "subprocess.Popen", "nowhere: a part of familychat by itself"),
    Door("familychat_music/working.py", "subprocess.Popen", "nowhere: a part of familychat by itself"),
    Door("familychat/testing/transport.py", "asyncio.start_server", "this computer, in tests only"),
    Door("familychat_cli/testing.py", "subprocess.Popen", "familychat itself, in tests only"),
    Door("familychat_cli/testing.py", "subprocess.run", "familychat itself, in tests only"),
)


@dataclass(frozen=True, slots=True)
class Contact:
    """An address that can be contacted. ``stays_here``: it is on this computer, as far as the address tells."""

    what: str
    address: str
    why: str
    stays_here: bool


def contacts(settings: Settings) -> list[Contact]:
    """Every address that these settings let the program contact, and no other."""
    chosen = settings.server_kind != "auto" or settings.server_url is not None
    found = [*_chosen_server(settings)] if chosen else [*_looked_for(settings)]
    if settings.server_kind == "embedded" or not chosen:
        found += _built_in(settings)
    return found


def _chosen_server(settings: Settings) -> Iterator[Contact]:
    usual = {"lmstudio": settings.lmstudio_url, "ollama": settings.ollama_url}
    address = settings.server_url or usual.get(settings.server_kind)
    if address is not None and settings.server_kind != "embedded":
        yield _server("the model server", address, "It gets your questions, and what was said before them.")


def _looked_for(settings: Settings) -> Iterator[Contact]:
    why = "It is looked for when a model is needed. If it is the first to answer, it gets the questions."
    yield _server("LM Studio", settings.lmstudio_url, why)
    yield _server("Ollama", settings.ollama_url, why)


def _server(what: str, address: str, why: str) -> Contact:
    here = (urlsplit(address).hostname or "") in _HERE
    away = "" if here else " It is another computer: what you write leaves this one."
    return Contact(what, address, why + away, here)


def _built_in(settings: Settings) -> Iterator[Contact]:
    why = "llama.cpp opens a port there whenever the built-in engine runs. A random key keeps others out."
    yield Contact("the built-in engine", LOOPBACK, why, stays_here=True)
    if settings.embedded_model is None:
        why = "pip fetches the practice model from there, once, and only when you say yes or type models pull."
        yield Contact("the package index", PACKAGE_INDEX, why, stays_here=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """Something in the database: the tables (with * at the end: all that begin so), and how long it is kept."""

    tables: tuple[str, ...]
    what: str
    how_long: str


def in_database(settings: Settings) -> tuple[Kept, ...]:
    """What the tables hold, and how long it stays in them."""
    days = settings.trash_days
    trash = f"{days} days more in the trash" if days else "in the trash until it is emptied"
    gone = "until the person is removed"
    return (
        Kept(
            ("conversations", "messages", "search_*"),
            "what was asked and answered, and an index to find it",
            f"until deleted, then {trash}; sooner, if the person set a retention",
        ),
        Kept(("asked_questions",), "music questions with their SQL", "until the person or the library is removed"),
        Kept(("users", "group_members"), "people: names, ages in three bands, hashes of passwords", gone),
        Kept(("preferences",), "what people chose for themselves: theme, language, what they begin with", gone),
        Kept(("sessions",), "sign-ins: hashes of tokens, when and where last used", "90 days, or to the sign-out"),
        Kept(("sign_in_failures",), "failed sign-ins: hashes of names, addresses", "a day, or to the next sign-in"),
        Kept(("audit",), "who did what, when and from where; never what was said", "for good"),
        Kept(("usage",), "counts of turns and tokens by day", gone),
        Kept(("supervision", "safety_events"), "who is supervised; when the filter stepped in, on which topic", gone),
        Kept(
            ("grants", "groups", "quotas", "quiet_hours", "extensions", "band_rules", "blocked_topics",
             "switched_off_tasks"),
            "the household's rules",
            "until an admin changes them",
        ),
        Kept(("libraries", "_sqlite_migrations"), "which music lists there are; the database's version", "for good"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Files of the data folder whose path there begins as one of ``patterns`` says."""

    patterns: tuple[str, ...]
    what: str
    how_long: str


PLACES = (
    Place(("familychat.db", "familychat.db?*"), "the database: everything listed below", "see below"),
    Place(("snapshots",), "whole copies of the database", "the last five automatic ones; yours until you delete them"),
    Place(("backups",), "backups: everything, readable unless encrypted", "until you delete them, or as --rotate says"),
    Place(("before-restore-*",), "music, tasks and settings that a restore replaced", "until you delete them"),
    Place(("music",), "the songs of the music lists", "until the list is imported anew or removed"),
    Place(("tasks",), "your own tasks", "until you remove them"),
    Place(("logs",), "which kinds of pages were asked for, when, and troubles", "the last five files of 1 MB"),
    Place(("models",), "the practice model", "until familychat models rm"),
    Place(("terminal-session",), "the token of who signed in at this terminal", "90 days, or to the sign-out"),
    Place(("cache",), "the page's layouts, made ready for quick starts", "until familychat changes them"),
    Place(("running", "backup-work", "*.lock"), "locks, whose turn it is (ids only), work under way", "while in use"),
)
OTHER = "files that aren't familychat's"

NEVER = (
    "sends anything to its makers or to anybody else: no statistics, no reports of crashes, no looking for updates",
    "sends a chat anywhere but to the one model server that answers it",
    "follows a redirect of a model server, or uses the proxies of the environment for it",
    "loads pictures, links or anything else that a model's answer names, on the screen or in an export",
    "puts names, addresses or anything that was said into a log file",
    "puts what was said into the audit log or into usage reports",
    "shows a person's chats to anybody else, unless supervision is switched on, which the person sees",
)
NO_PROTECTION = (
    "Nothing of this is encrypted but backups made with --encrypt: whoever has the disk, or the computer account "
    "that owns the data folder, can read everything."
)


@dataclass(frozen=True, slots=True)
class Stored:
    """Files with what they hold; ``size`` is in bytes."""

    where: str
    what: str
    how_long: str
    size: int


def stored(settings: Settings, config_path: Path) -> list[Stored]:
    """What lies in the data folder, and the settings; what isn't there is left out, and what isn't known named."""
    sizes = dict.fromkeys(PLACES, 0)
    there, unknown = set(), 0
    for top in sorted(settings.data_dir.iterdir()) if settings.data_dir.is_dir() else []:
        place = place_of(top.name)
        if place is None:
            unknown += _size(top)
        else:
            sizes[place] += _size(top)
            there.add(place)
    found = [
        Stored(str(settings.data_dir / place.patterns[0]), place.what, place.how_long, sizes[place])
        for place in PLACES
        if place in there
    ]
    if unknown:
        found.append(Stored(str(settings.data_dir), OTHER, "familychat leaves them alone", unknown))
    if config_path.is_file():
        found.append(Stored(str(config_path), "the settings", "until you change them", _size(config_path)))
    return found


def place_of(name: str) -> Place | None:
    """The place that a file or folder at the top of the data folder belongs to; None if it isn't familychat's."""
    for place in PLACES:
        if any(Path(name).match(pattern) for pattern in place.patterns):
            return place
    return None


def _size(path: Path) -> int:
    if path.is_symlink():  # what it leads to lies elsewhere
        return 0
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())


def plugins() -> list[str]:
    """Tasks that others wrote and somebody installed here, as ``name (package)``: they can do what they like."""
    from importlib.metadata import entry_points

    from familychat.tasks.registry import GROUP

    return sorted(
        f"{entry.name} ({entry.dist.name})"
        for entry in entry_points(group=GROUP)
        if entry.dist is not None and entry.dist.name != "familychat"
    )
