"""The household's rules for ages and safety: what admins see, change and try out. Every change is audited."""

from __future__ import annotations

from dataclasses import dataclass

from familychat.clock import Clock, timestamp, utc_now
from familychat.consulting import ModelAccess
from familychat.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from familychat.family.accounts import check_name
from familychat.family.permissions import require_admin_now
from familychat.family.safety.filter import Finding, SafetyFilter
from familychat.family.safety.prompts import band_prompt
from familychat.family.safety.topics import Topic, own_topic, topics_with
from familychat.family.supervision import LOOK
from familychat.models import Band, User
from familychat.store.audit import ABOUT_EVERYONE, AuditStore
from familychat.store.database import Database
from familychat.store.people import PeopleStore
from familychat.store.safety import SafetyEvent, SafetyStore
from familychat.store.supervision import SupervisionStore
from familychat.wording import Text

LONGEST_PROMPT = 4000
LONGEST_PHRASE = 100
MOST_PHRASES = 500


@dataclass(frozen=True, slots=True)
class BandSafety:
    """What holds for a band. ``own_prompt``: the household wrote the prompt, else the program ships it."""

    band: Band
    prompt: str
    own_prompt: bool
    filtered: bool


class Safety:
    """Ages and safety, for admins. Methods take who asks (``by``) and raise :class:`NotAllowedError` for others."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._store = SafetyStore(database)
        self._people = PeopleStore(database)
        self._audit = AuditStore(database)
        self._supervision = SupervisionStore(database)

    def _require_admin(self, by: User) -> None:
        require_admin_now(self._people, by)

    def _record(self, by: User, action: str, target: str, details: str = "", *, about_id: str = ABOUT_EVERYONE) -> None:
        self._audit.add(timestamp(self._clock()), by.username, action, target, details, about_id=about_id)

    def bands(self, by: User) -> list[BandSafety]:
        """What holds for each band."""
        self._require_admin(by)
        rules = [self._store.rule(band) for band in Band]
        return [
            BandSafety(rule.band, band_prompt(self._database, rule.band), rule.prompt is not None, rule.filtered)
            for rule in rules
        ]

    def set_prompt(self, by: User, band: Band, prompt: str | None) -> None:
        """Give a band another prompt; None goes back to the shipped one. Holds from the next question on."""
        self._require_admin(by)
        if prompt is not None:
            prompt = prompt.strip()
            if not 1 <= len(prompt) <= LONGEST_PROMPT:
                raise InvalidInputError(
                    Text(
                        "A prompt needs 1 to %(most)s letters, and this has %(count)s. Nothing was changed.",
                        most=f"{LONGEST_PROMPT:,}",
                        count=f"{len(prompt):,}",
                    ),
                    "Small models follow a few plain sentences best.",
                )
        with self._database.transaction():
            self._store.set_prompt(band, prompt)
            self._record(by, "safety.prompt", band.value, "shipped" if prompt is None else "own")

    def require(self, by: User, band: Band) -> None:
        """Require the filter for everyone of a band."""
        self._set_filtered(by, band, filtered=True)

    def lift(self, by: User, band: Band) -> None:
        """Require it no more."""
        self._set_filtered(by, band, filtered=False)

    def _set_filtered(self, by: User, band: Band, *, filtered: bool) -> None:
        self._require_admin(by)
        with self._database.transaction():
            self._store.set_filtered(band, filtered=filtered)
            self._record(by, "safety.require" if filtered else "safety.lift", band.value)

    def checks_by_model(self, by: User) -> bool:
        """Whether a model is asked besides the words."""
        self._require_admin(by)
        return self._by_model()

    def _by_model(self) -> bool:
        return all(self._store.rule(band).by_model for band in Band)

    def check_by_model(self, by: User, *, wanted: bool) -> None:
        """Ask a model besides the words, or words alone."""
        self._require_admin(by)
        with self._database.transaction():
            self._store.set_by_model(by_model=wanted)
            self._record(by, "safety.check", "model" if wanted else "words")

    def topics(self, by: User) -> list[Topic]:
        """Every topic, also those that are switched off."""
        self._require_admin(by)
        return list(topics_with(self._store.topics()).by_name.values())

    def add_topic(self, by: User, name: str, phrases: list[str]) -> None:
        """Add a topic of the household's; raises :class:`ConflictError` if there is one of this name."""
        self._require_admin(by)
        name = check_name(name, Text("A topic's name needs 1 to %(most)s ordinary characters."))
        words = [" ".join(phrase.split()) for phrase in phrases if phrase.strip()]
        if not 1 <= len(words) <= MOST_PHRASES or any(len(phrase) > LONGEST_PHRASE for phrase in words):
            raise InvalidInputError(
                Text(
                    "A topic needs 1 to %(most)s words or phrases of up to %(letters)s letters. Nothing was changed.",
                    most=MOST_PHRASES,
                    letters=LONGEST_PHRASE,
                ),
            )
        own_topic(name, words)  # says what can't be looked for
        with self._database.transaction():
            if name.casefold() in self._known():
                raise ConflictError(
                    Text("There is a topic %(name)s already. Nothing was changed.", name=name), "Choose another name."
                )
            self._store.put_topic(name, words, timestamp(self._clock()), active=True)
            self._record(by, "safety.topic.add", name)

    def remove_topic(self, by: User, name: str) -> None:
        """Remove a topic of the household's; shipped ones can only be switched off."""
        self._require_admin(by)
        with self._database.transaction():
            topic = self._topic(name)
            if not topic.own:
                raise ConflictError(
                    Text(
                        "%(topic)s comes with familychat and can't be removed. Nothing was changed.", topic=topic.name
                    ),
                    Text("familychat admin safety topics off %(topic)s switches it off.", topic=topic.name),
                )
            self._store.remove_topic(topic.name)
            self._record(by, "safety.topic.remove", topic.name)

    def switch_topic(self, by: User, name: str, *, active: bool) -> None:
        """Look for a topic's words, or don't."""
        self._require_admin(by)
        with self._database.transaction():
            topic = self._topic(name)
            stored = {row.name: row.words for row in self._store.topics()}
            self._store.put_topic(topic.name, stored.get(topic.name, ()), timestamp(self._clock()), active=active)
            self._record(by, "safety.topic.on" if active else "safety.topic.off", topic.name)

    def _known(self) -> dict[str, Topic]:
        return {name.casefold(): topic for name, topic in topics_with(self._store.topics()).by_name.items()}

    def _topic(self, name: str) -> Topic:
        found = self._known().get(name.strip().casefold())
        if found is None:
            names = ", ".join(topic.name for topic in self._known().values())
            raise NotFoundError(
                Text("There is no topic %(name)s. Nothing was changed.", name=name[:60]),
                Text("There are: %(names)s.", names=names),
            )
        return found

    async def try_out(self, by: User, text: str, access: ModelAccess) -> Finding | None:
        """What the filter would find in a question; the model is asked only where the household wants that."""
        self._require_admin(by)
        trial = SafetyFilter(topics_with(self._store.topics()), access if self._by_model() else None)
        async for _ in trial.prepare():
            pass
        return await trial.check_question(text)

    def events(self, by: User, username: str) -> list[SafetyEvent]:
        """What came up for a supervised person since supervision began, newest first. The look is audited.

        Raises :class:`NotFoundError` if there is no such person, and :class:`NotAllowedError` if they aren't
        supervised.
        """
        self._require_admin(by)
        person = self._people.by_username(username)
        if person is None:
            raise NotFoundError(
                Text("There is nobody called %(name)s.", name=username), "familychat admin users list shows everyone."
            )
        with self._database.transaction():
            supervision = self._supervision.get(person.id)
            if supervision is None:
                raise NotAllowedError(
                    Text("%(name)s isn't supervised: nothing is kept of what the filter found.", name=person.username),
                    "familychat admin supervise turns it on for a child or teen, who is told.",
                )
            self._record(by, LOOK, person.username, "what the filter found", about_id=person.id)
            return self._store.events(person.id, supervision.since)
