"""Admin pages: looking at what a supervised person did. Each look is recorded, so each is a form that is sent."""

from __future__ import annotations

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Response

from familychat.household import Household
from familychat.models import Author, SupervisionLevel, User
from familychat.rendering import render_markdown
from familychat_web.admin_pages import admin_page, admins_only, person_of, typed
from familychat_web.dependencies import off_loop
from familychat_web.forms import reads
from familychat_web.site import WebRequest
from familychat_web.templating import language_of


class LookingController(Controller):
    path = "/admin/people/{person:str}/look"
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @post(status_code=200, opt=reads(optional=("conversation", "found")))
    async def look(
        self,
        request: WebRequest,
        home: NamedDependency[Household],
        user: NamedDependency[User],
        person: FromPath[str],
    ) -> Response[str]:
        """The summary; with a ``conversation`` what was written in it; with ``found`` what the filter stopped."""
        found, given = person_of(home, user, person), await typed(request)
        if "conversation" in given:
            messages = home.supervisions.read(user, found.username, given["conversation"])
            written = [
                (one, await off_loop(request, render_markdown, one.content) if one.author is Author.ASSISTANT else None)
                for one in messages
            ]
            return admin_page(request, "read", home, person=found, written=written)
        if "found" in given:
            safety, language = home.safety, language_of(request).code
            events = safety.events(user, found.username)
            labels = {one.name: one.label(language) for one in safety.topics(user)}
            return admin_page(request, "filtered", home, person=found, events=events, labels=labels)
        summary = home.supervisions.summary(user, found.username)
        full = summary.supervision.level is SupervisionLevel.FULL
        return admin_page(request, "look", home, person=found, summary=summary, full=full)
