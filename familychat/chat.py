"""Chatting: from a question to a stored answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

from familychat.clock import Clock, timestamp
from familychat.errors import ConflictError, InvalidInputError, NotFoundError, StoreError
from familychat.events import Completed, End, Event
from familychat.family.limits import Limits
from familychat.family.permissions import Permissions
from familychat.family.safety.filter import title_is_fine
from familychat.llm.discovery import ServerChoice
from familychat.models import Author, Conversation, Message, Parameters, Status, TitledBy, User
from familychat.queue import Crowd, TurnQueue
from familychat.recovery import Recovery
from familychat.running import RunningTurn
from familychat.store.conversations import ConversationStore
from familychat.store.database import Database
from familychat.store.leases import Lease
from familychat.store.messages import MessageStore
from familychat.store.people import PeopleStore
from familychat.store.writing import WritingStore
from familychat.tasks.base import defaults_of
from familychat.tasks.registry import DEFAULT_TASK, TaskRegistry
from familychat.titles import Titles
from familychat.turn import Turn
from familychat.wording import Text

MAX_QUESTION_BYTES = 8_000_000
TITLE_LENGTH = 60

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewConversation:
    """A conversation that begins with its first question."""

    task: str = DEFAULT_TASK
    model: str | None = None
    parameters: Parameters = field(default_factory=Parameters)
    system_prompt: str | None = None


def check_question(text: str) -> str:
    """The question without outer space; raises :class:`InvalidInputError` if it is empty, huge or not text."""
    question = text.strip()
    if not question:
        raise InvalidInputError("The question is empty.", "Type something to ask.")
    try:
        size = len(question.encode())
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            "The question holds bytes that aren't UTF-8 text. Nothing was sent.", "Save it as UTF-8, then try again."
        ) from error
    if size > MAX_QUESTION_BYTES:
        raise InvalidInputError(
            Text(
                "The question is %(count)s bytes long, and %(most)s is the most. Nothing was sent.",
                count=f"{size:,}",
                most=f"{MAX_QUESTION_BYTES:,}",
            ),
            "Shorten it.",
        )
    return question


def check_parameters(parameters: Parameters) -> Parameters:
    """The parameters unchanged; raises :class:`InvalidInputError` naming the one that is out of range."""
    limits = (
        ("temperature", parameters.temperature, 0.0, 2.0, Text("0 to 2")),
        ("top_p", parameters.top_p, 0.001, 1.0, Text("above 0 to 1")),
        ("max_tokens", parameters.max_tokens, 1, 1_000_000, Text("1 to 1,000,000")),
    )
    for name, value, low, high, allowed in limits:
        if value is not None and not low <= value <= high:
            raise InvalidInputError(
                Text("%(name)s can't be %(value)s.", name=name, value=value),
                Text("Allowed: %(allowed)s.", allowed=allowed),
            )
    return parameters


def first_words(text: str) -> str:
    """A title from a question: its first words on one line, at most 60 characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:400]).split())
    if len(line) <= TITLE_LENGTH:
        return line
    cut = line[: TITLE_LENGTH - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[TITLE_LENGTH // 2 :] else cut) + "…"


class Chat:
    """Starts turns and knows the running ones."""

    def __init__(
        self,
        database: Database,
        *,
        servers: ServerChoice,
        tasks: TaskRegistry,
        lease: Lease,
        recovery: Recovery,
        queue: TurnQueue,
        permissions: Permissions,
        limits: Limits,
        clock: Clock,
        default_model: str | None = None,
        titles_by_model: bool = False,
    ) -> None:
        self._database = database
        self._people = PeopleStore(database)
        self._conversations = ConversationStore(database)
        self._messages = MessageStore(database)
        self._writing = WritingStore(database)
        self._permissions = permissions
        self._limits = limits
        self._servers = servers
        self._tasks = tasks
        self._lease = lease
        self._recovery = recovery
        self._clock = clock
        self._default_model = default_model
        self._queue = queue
        self._running: dict[str, RunningTurn] = {}
        self._by_model = titles_by_model
        self._titles = Titles(
            self._conversations,
            servers,
            lambda user, model: permissions.require(user, f"model:{model}"),
            queue,
            partial(title_is_fine, database),
        )

    async def send(self, user: User, conversation: Conversation | NewConversation, text: str) -> AsyncIterator[Event]:
        """Start a turn and follow it to its end; see :meth:`start` for what it raises at first."""
        running = self.start(user, conversation, text)
        async for event in running.follow():
            yield event

    def start(self, user: User, conversation: Conversation | NewConversation, text: str) -> RunningTurn:
        """Store the question and set its turn going. Needs a running event loop.

        Raises :class:`InvalidInputError` for a question that can't be asked, :class:`NotAllowedError` without the
        task's grant, and :class:`ConflictError` while an answer is being written in the conversation. What goes
        wrong later is the Failed event at the turn's end.
        """
        question = check_question(text)
        now = timestamp(self._clock())
        with self._database.transaction():
            if isinstance(conversation, NewConversation):
                user = self._allowed(user, self._tasks.get(conversation.task).name)
                conversation = self._begin(user, conversation, question, now)
            user, conversation, day = self._ready(user, conversation)
            asked, answer = self._add(conversation, question, conversation.head_id, now)
        return self._run(user, conversation, asked, answer, day=day)

    def edit(self, user: User, conversation: Conversation, message_id: str, text: str) -> RunningTurn:
        """Ask an earlier question in other words; the earlier version, and what followed it, stays beside it.

        Raises as :meth:`start`, and :class:`NotFoundError` if there is no such question.
        """
        question = check_question(text)
        with self._database.transaction():
            user, conversation, day = self._ready(user, conversation)
            edited = self._messages.get(conversation, message_id)
            if edited.author is not Author.USER:
                raise InvalidInputError("Only your own questions can be edited.", "/retry asks for another answer.")
            asked, answer = self._add(conversation, question, edited.parent_id, timestamp(self._clock()))
        return self._run(user, conversation, asked, answer, day=day)

    def _add(self, conversation: Conversation, question: str, after: str | None, now: str) -> tuple[Message, Message]:
        """Store a question and the empty answer to it."""
        asked = self._messages.add_question(conversation, question, after, now)
        return asked, self._messages.add_answer(conversation, asked.id, self._lease.id, now)

    def retry(self, user: User, conversation: Conversation, message_id: str | None = None) -> RunningTurn:
        """Answer a question anew, else the last one; the earlier answer stays beside the new one.

        ``message_id`` is the question's or an answer's. Raises as :meth:`start`, and :class:`NotFoundError` if there
        is no question yet.
        """
        with self._database.transaction():
            user, conversation, day = self._ready(user, conversation)
            head = conversation.head_id if message_id is None else self._messages.get(conversation, message_id).id
            path = self._messages.path_to(conversation, head, limit=2)
            asked = next((message for message in reversed(path) if message.author is Author.USER), None)
            if asked is None:
                raise NotFoundError("There is no question to answer again.", "Ask something first.")
            answer = self._messages.add_answer(conversation, asked.id, self._lease.id, timestamp(self._clock()))
        return self._run(user, conversation, asked, answer, day=day)

    def resume(self, user: User, conversation: Conversation) -> RunningTurn:
        """Let the model go on with the last answer, which was stopped, cut off, or reached its length limit.

        Raises as :meth:`start`, and :class:`ConflictError` if there is nothing to go on with.
        """
        with self._database.transaction():
            user, conversation, day = self._ready(user, conversation)
            path = self._messages.path(conversation, limit=2)
            answer = path[-1] if path else None
            if answer is None or answer.author is not Author.ASSISTANT or not answer.content.strip():
                raise ConflictError("There is no answer to go on with.", "Ask something first.")
            if not getattr(self._tasks.get(conversation.task), "continues", False):
                raise ConflictError("Answers of this task come as a whole.", "/retry asks for another one.")
            self._messages.resume(answer, self._lease.id)
        return self._run(user, conversation, path[0], answer, day=day)

    def _ready(self, user: User, conversation: Conversation) -> tuple[User, Conversation, str]:
        """Both as they are now, if this person may ask in this conversation now, and the day that it counts for."""
        current = self._quiet(user, conversation)
        user = self._allowed(user, self._tasks.get(current.task).name)
        return user, current, self._limits.count_turn(user, current.task)

    def _allowed(self, user: User, task: str) -> User:
        # Read anew: the account may have changed since this person signed in.
        current = self._people.get(user.id)
        if current is None:
            raise NotFoundError("Your account is gone.", "Ask an admin of the household.")
        self._permissions.require_turn(current, task)
        return current

    def _begin(self, user: User, new: NewConversation, question: str, now: str) -> Conversation:
        defaults = defaults_of(self._tasks.get(new.task))
        return self._conversations.add(
            user.id,
            now,
            title=first_words(question),
            task=new.task,
            model=new.model or defaults.model,
            parameters=check_parameters(defaults.fill(new.parameters)),
            system_prompt=new.system_prompt,
        )

    def _quiet(self, user: User, conversation: Conversation) -> Conversation:
        """The conversation as it is now, unless an answer is being written in it."""
        current = self._conversations.get(user.id, conversation.id)
        if current.deleted_at is not None:
            raise ConflictError(
                "This conversation is in the trash.",
                Text("familychat trash restore %(id)s brings it back.", id=current.short_id),
            )
        self._recovery.require_settled(current)
        return current

    def _run(self, user: User, conversation: Conversation, asked: Message, answer: Message, *, day: str) -> RunningTurn:
        turn = Turn(
            user=user,
            conversation=conversation,
            question=asked,
            history=self._messages.path_to(conversation, asked.parent_id),
            servers=self._servers,
            database=self._database,
            require_model=lambda model: self._permissions.require(user, f"model:{model}"),
            default_model=self._default_model,
            begun=answer.content,
        )
        running = RunningTurn(
            conversation=conversation,
            answer=answer,
            turn=turn,
            task=self._tasks.get(conversation.task),
            messages=self._messages,
            admission=partial(self._queue.turn, user.id, model=conversation.model or self._default_model),
            ended=lambda end: self._ended(user, conversation, asked, end, day=day),
            reminders=self._limits.reminders(user),
            still_allowed=lambda: self._still_allowed(user, conversation.task, turn.model),
            still_wanted=partial(self._writing.is_wanted, answer.id),
        )
        self._running[conversation.id] = running
        return running

    def _still_allowed(self, user: User, task: str, model: str | None) -> None:
        """Raises once a grant was taken away or the account switched off; limits let an answer come to its end."""
        self._permissions.require(user, f"task:{task}")
        if model is not None:
            self._permissions.require(user, f"model:{model}")

    def _ended(self, user: User, conversation: Conversation, asked: Message, end: End, *, day: str) -> None:
        self._running.pop(conversation.id, None)
        if end.message is not None:
            try:
                self._limits.count_answer(user, day, conversation.task, end.message)
            except StoreError as error:  # the question itself is counted already
                _log.warning("what an answer took couldn't be counted: %s", error)
        answer = end.message if isinstance(end, Completed) else None
        first = asked.parent_id is None and conversation.titled_by is TitledBy.WORDS
        if self._by_model and first and answer is not None and answer.model is not None:
            self._titles.wish(user, conversation, asked, answer)

    def running(self, user: User, conversation: Conversation) -> RunningTurn | None:
        """The turn under way in one's own conversation in this process, to follow it again."""
        running = self._running.get(conversation.id)
        return running if running and running.conversation.owner_id == user.id else None

    def written(self, user: User, conversation: Conversation) -> Message | None:
        """The answer that is being written in one's own conversation now, by this process or another."""

        def streaming() -> Message | None:
            newest = self._messages.path(self._conversations.get(user.id, conversation.id), limit=1)
            return newest[0] if newest and newest[0].status is Status.STREAMING else None

        written = streaming()
        if written is not None and self.running(user, conversation) is None and self._recovery.recover():
            return streaming()  # its process may be gone
        return written

    async def stop(self, user: User, conversation: Conversation) -> None:
        """Stop the answer that is being written, and keep what came; if none is, that is fine.

        One of this process has ended when this returns; another process ends its own within a second.
        """
        running, written = self.running(user, conversation), self.written(user, conversation)
        if running is not None:
            await running.stop()
        elif written is not None:
            self._writing.ask_to_stop(written)

    @property
    def under_way(self) -> int:
        """How many turns are under way in this process, those that wait for the model server included."""
        return len(self._running)

    def everywhere(self) -> Crowd:
        """How many turns are under way in the household, in all processes, and how many of them wait."""
        others = self._queue.others()
        return Crowd(self.under_way + others.under_way, self._queue.waiting + others.waiting)

    def use_model(self, name: str | None) -> None:
        """Answer with this model (None: any) from now on, where a conversation hasn't chosen another."""
        self._default_model = name

    async def titled(self) -> None:
        """Wait until the conversations that ended have their titles."""
        await self._titles.settled()

    async def aclose(self) -> None:
        """Stop what is running, and keep it."""
        await self._titles.aclose()
        await asyncio.gather(*(running.stop() for running in list(self._running.values())))
