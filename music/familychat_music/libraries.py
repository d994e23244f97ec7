"""The household's music libraries: importing, listing, and asking them, within what each person may use."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from familychat.clock import Clock, timestamp, utc_now
from familychat.errors import ConflictError, InvalidInputError, NotFoundError
from familychat.events import Loading
from familychat.family.permissions import Permissions, require_admin_now
from familychat.models import AskedQuestion, Effect, MusicLibrary, Subject, User
from familychat.store.asked import AskedStore
from familychat.store.audit import AuditStore
from familychat.store.database import Database
from familychat.store.files import private_folder
from familychat.store.grants import GrantStore
from familychat.store.libraries import LibraryStore
from familychat.store.people import PeopleStore
from familychat.wording import Text
from familychat_music.importing.report import ImportOptions, ImportReport
from familychat_music.lexicon import plain_word
from familychat_music.text import tokens
from familychat_music.versions import retire, working_folder

if TYPE_CHECKING:
    from familychat_music.engine import Answer, Asked, MusicEngine
    from familychat_music.importing import Progress
    from familychat_music.runner import Runner
    from familychat_music.writers.base import Consultant, Example

FOLDER = "music"
TASK = "music"
LONGEST_NAME = 60
MOST_EXAMPLES = 3

_NAME = re.compile(r"[^\x00-\x1f/\\:*]+")


@dataclass(frozen=True, slots=True)
class Imported:
    """An import that is done: the library, the report, and how many songs it had before (None: it is new)."""

    library: MusicLibrary
    report: ImportReport
    songs_before: int | None
    granted: bool = False


class Libraries:
    """Music libraries over an open household database. Every call checks what the person may do."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._store = LibraryStore(database)
        self._asked = AskedStore(database)
        self._grants = GrantStore(database)
        self._permissions = Permissions(database, clock=clock)
        self._people = PeopleStore(database)
        self._audit = AuditStore(database)
        self._clock = clock
        self._folder = database.path.parent / FOLDER

    # -- what there is

    def usable(self, user: User) -> list[MusicLibrary]:
        """The libraries that a person may ask, by name; an admin, who looks after them, sees all."""
        return [one for one in self._store.all() if user.is_admin or self._may(user, one)]

    def askable(self, user: User) -> list[MusicLibrary]:
        """The libraries that a person may ask in a chat, by name."""
        return [one for one in self._store.all() if self._may(user, one)]

    def get(self, user: User, name: str | None) -> MusicLibrary:
        """A library to ask: by name, else the only one there is. Raises :class:`NotFoundError` if there is none,
        :class:`InvalidInputError` if there are several, :class:`NotAllowedError` without the grants."""
        self._permissions.require(user, f"task:{TASK}")
        if name is not None:
            found = self._store.by_name(name.strip())
            if found is None or not self._may(user, found):
                raise NotFoundError(Text("There is no music library called %(name)s.", name=name), self._names(user))
            return found
        mine = self.askable(user)
        if not mine:
            raise NotFoundError("There is no music library yet.", "An admin adds one: familychat music import FILE")
        if len(mine) > 1:
            names = self._listed(mine)
            raise InvalidInputError(
                "There are several music libraries.",
                Text("Say which with --library, in a chat by beginning with @NAME: %(names)s.", names=names),
            )
        return mine[0]

    def managed(self, user: User, name: str) -> MusicLibrary:
        """A library to look after, for an admin."""
        require_admin_now(self._people, user)
        found = self._store.by_name(name.strip())
        if found is None:
            raise NotFoundError(Text("There is no music library called %(name)s.", name=name), self._names(user))
        return found

    def path(self, library: MusicLibrary) -> Path:
        """The library's SQLite file."""
        return self._folder / library.id / f"{library.version}.db"

    def index_path(self, library: MusicLibrary) -> Path:
        return self._folder / library.id / f"{library.version}.index"

    def _may(self, user: User, library: MusicLibrary) -> bool:
        return self._permissions.may_use(user, f"library:{library.name}")

    def _names(self, user: User) -> Text:
        mine = self.usable(user)
        if not mine:
            return Text("familychat music import FILE adds one.")
        return Text("There are: %(names)s.", names=self._listed(mine))

    @staticmethod
    def _listed(libraries: list[MusicLibrary]) -> str:
        return ", ".join(one.name for one in libraries)

    # -- looking after them

    def bring_in(
        self,
        user: User,
        source: Path,
        *,
        name: str | None = None,
        options: ImportOptions | None = None,
        replace: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Imported:
        """Import ``source`` as a library called ``name`` (else as the file is called), or as its next version.

        The new files are complete before the library points at them; whatever happens earlier leaves the old ones in
        use. A library that came from another file is only replaced with ``replace``. Raises
        :class:`ImportRefusedError` and :class:`ConflictError`.
        """
        from familychat_music.importing import import_library
        from familychat_music.index import build_index

        require_admin_now(self._people, user)
        called = _checked_name(name or source.resolve().stem or "Music")
        before = self._store.by_name(called)
        origin = str(source.resolve())
        if before is not None and before.source_path != origin and not replace and not dry_run:
            raise ConflictError(
                Text(
                    "There is already a library called %(name)s, from %(source)s. It was left as it is.",
                    name=before.name,
                    source=before.source,
                ),
                "Say --replace to put this one in its place, or --name for another name.",
            )
        private_folder(self._folder)
        with working_folder(self._folder) as work:
            report = import_library(source, work / "new.db", options or ImportOptions(), progress=progress)
            if dry_run:
                preview = before or self._preview(called, source, report)
                return Imported(preview, report, before.songs if before else None)
            build_index(work / "new.db", work / "new.index")
            with self._database.transaction():
                library = self._swap_in(work, before, called, source, report)
                granted = self._turn_on(user)
                self._note(user, "music.import", called)
        retire(self._folder / library.id, library.version)
        return Imported(library, report, before.songs if before else None, granted)

    def _swap_in(
        self, work: Path, before: MusicLibrary | None, name: str, source: Path, report: ImportReport
    ) -> MusicLibrary:
        library = self._store.put(
            before,
            name=name if before is None else before.name,
            source=source.resolve().name,
            source_path=str(source.resolve()),
            songs=_songs(report),
            report=msgspec.to_builtins(report, enc_hook=str),
            at=timestamp(self._clock()),
        )
        private_folder(self._folder / library.id)
        (work / "new.db").replace(self.path(library))
        (work / "new.index").replace(self.index_path(library))
        return library

    def _preview(self, name: str, source: Path, report: ImportReport) -> MusicLibrary:
        now = timestamp(self._clock())
        return MusicLibrary("", name, 0, source.name, str(source), _songs(report), {}, now, now)

    def _turn_on(self, user: User) -> bool:
        """Who brings in music means to ask about it: the task is off until an admin turns it on, and this one did."""
        if self._permissions.may_use(user, f"task:{TASK}"):
            return False
        self._grants.put(Subject(user.id), f"task:{TASK}", Effect.ALLOW, timestamp(self._clock()))
        self._note(user, "grant.allow", user.username, f"task:{TASK}", about_id=user.id)
        return True

    def rename(self, user: User, library: MusicLibrary, name: str) -> None:
        """Raises :class:`ConflictError` if the name is taken. Grants for the old name stay with that name."""
        require_admin_now(self._people, user)
        called = _checked_name(name)
        other = self._store.by_name(called)
        if other is not None and other.id != library.id:
            raise ConflictError(
                Text("There is already a library called %(name)s.", name=other.name), "Choose another name."
            )
        with self._database.transaction():
            self._store.rename(library.id, called)
            self._note(user, "music.rename", f"{library.name} to {called}")

    def remove(self, user: User, library: MusicLibrary) -> None:
        """Delete a library for good; the file that it came from stays."""
        require_admin_now(self._people, user)
        with self._database.transaction():
            self._store.remove(library.id)
            self._note(user, "music.remove", library.name)
        shutil.rmtree(self._folder / library.id, ignore_errors=True)

    def _note(self, user: User, action: str, target: str, details: str = "", about_id: str | None = None) -> None:
        self._audit.add(timestamp(self._clock()), user.username, action, target, details, about_id=about_id)

    # -- asking

    def open(self, library: MusicLibrary, runner: Runner) -> MusicEngine:
        """The engine over a library's files. Raises :class:`NotFoundError` if they are gone."""
        from familychat_music.engine import MusicEngine

        path, index = self.path(library), self.index_path(library)
        if not path.is_file():
            raise NotFoundError(
                Text("The music library %(name)s has just been changed or removed.", name=library.name), "Ask again."
            )
        if not index.is_file():
            from familychat_music.index import build_index

            build_index(path, index)
        return MusicEngine(path, index, runner)

    async def ask(
        self, user: User, library: MusicLibrary, engine: MusicEngine, asked: Asked, consultant: Consultant | None
    ) -> AsyncGenerator[Loading | Answer, None]:
        """Ask, by the stored SQL if this person asked the same of the same list before; keep what comes.

        A follow-up is never taken from the store: what it means depends on what was before it.
        """
        key = question_key(asked.text)
        known = self._asked.find(user.id, library.id, key) if asked.earlier is None else None
        if known and known.version == library.version and known.verdict != "wrong" and asked.sql is None:
            asked = replace(asked, sql=known.sql)
        asked = replace(asked, examples=self.examples(user, library, asked.text))
        from familychat_music.engine import Answer as Done

        async with contextlib.aclosing(engine.ask(asked, consultant)) as steps:
            async for step in steps:
                if isinstance(step, Done):
                    self._keep(user, library, asked, key, step)
                yield step

    def _keep(self, user: User, library: MusicLibrary, asked: Asked, key: str, answer: Answer) -> None:
        if answer.sql is None or asked.earlier is not None or answer.cached:
            return
        self._asked.put(
            user.id,
            library.id,
            version=library.version,
            key=key,
            question=asked.text,
            sql=answer.sql,
            writer=answer.writer.value,
            model=answer.model,
            at=timestamp(self._clock()),
        )

    # -- examples

    def history(self, user: User, library: MusicLibrary, limit: int = 20) -> list[AskedQuestion]:
        """The person's own questions of a library, newest first."""
        return self._asked.newest(user.id, library.id, limit)

    def asked(self, user: User, library: MusicLibrary, reference: str) -> AskedQuestion:
        """One of the person's own questions: by its number in :meth:`history` (1 is the newest) or its id."""
        found = self.history(user, library, 200)
        if reference.isdecimal() and 0 < int(reference) <= len(found):
            return found[int(reference) - 1]
        for one in found:
            if one.id == reference:
                return one
        raise NotFoundError(
            Text("You have no question %(reference)s.", reference=reference), "familychat music examples shows them."
        )

    def mark(self, user: User, question: AskedQuestion, verdict: str | None) -> None:
        """Say that an answer was right or wrong; right ones become examples, wrong ones aren't used again."""
        if not self._asked.mark(user.id, question.id, verdict):
            raise NotFoundError("There is no such question of yours.", "familychat music examples shows them.")

    def examples(self, user: User, library: MusicLibrary, text: str) -> tuple[Example, ...]:
        """The person's own marked pairs that are most like a question."""
        from rapidfuzz import fuzz

        from familychat_music.writers.base import Example as Pair

        marked = self._asked.newest(user.id, library.id, 200, verdict="right")
        marked.sort(key=lambda one: -fuzz.token_set_ratio(one.question, text))
        return tuple(Pair(one.question, one.sql) for one in marked[:MOST_EXAMPLES])


def question_key(text: str) -> str:
    """Questions that differ in case, accents or punctuation only are the same."""
    return " ".join(plain_word(word) for word, _, _ in tokens(text))


def _checked_name(name: str) -> str:
    called = " ".join(name.split())
    if not called or len(called) > LONGEST_NAME or not _NAME.fullmatch(called):
        raise InvalidInputError(
            Text("A library can't be called %(name)s.", name=repr(name[:LONGEST_NAME])),
            Text("Up to %(most)s letters, without / \\ : *. Use --name.", most=LONGEST_NAME),
        )
    return called


def _songs(report: ImportReport) -> int:
    return max((table.rows for table in report.tables if any(c.role == "title" for c in table.columns)), default=0) or (
        max((table.rows for table in report.tables), default=0)
    )
