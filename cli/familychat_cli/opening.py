"""From flags to the conversation to talk in: a new one, or an old one with changes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from familychat.chat import NewConversation, check_parameters
from familychat.errors import InvalidInputError, NotFoundError
from familychat.household import Household
from familychat.models import Conversation, Parameters, User
from familychat.tasks.registry import DEFAULT_TASK


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a person asked for; ``reference`` is an id or a title, ``last`` means the newest conversation."""

    reference: str | None = None
    last: bool = False
    model: str | None = None
    task: str | None = None
    system_prompt: str | None = None
    parameters: Parameters = field(default_factory=Parameters)

    def open(self, home: Household, user: User) -> Conversation | NewConversation:
        """The conversation; what was given on the command line is kept with it."""
        check_parameters(self.parameters)
        if self.task:
            home.tasks.get(self.task)  # before anything is typed
        found = self._find(home, user)
        if found is None:
            return NewConversation(self.task or DEFAULT_TASK, self.model, self.parameters, self.system_prompt)
        if self.task and self.task != found.task:
            raise InvalidInputError(
                f"That conversation belongs to the task {found.task}.", f"Begin a new one for {self.task}."
            )
        wanted = {"model": self.model, "system_prompt": self.system_prompt, **asdict(self.parameters)}
        changes = {name: value for name, value in wanted.items() if value is not None}
        return home.conversations.change(user, found, **changes) if changes else found

    def _find(self, home: Household, user: User) -> Conversation | None:
        if self.reference and self.last:
            raise InvalidInputError("Name a conversation or say --continue, not both.")
        if self.reference:
            return home.conversations.find(user, self.reference)
        if not self.last:
            return None
        newest = home.conversations.last_spoken(user)
        if newest is None:
            raise NotFoundError("You have no conversation to go on with yet.", "Leave out --continue to begin one.")
        return newest
