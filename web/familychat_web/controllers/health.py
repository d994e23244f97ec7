"""For whoever watches over the server."""

from __future__ import annotations

from litestar import Controller, get
from litestar.di import NamedDependency

from familychat.household import Household
from familychat_web.guards import OPEN_TO_ALL


class HealthController(Controller):
    path = "/health"
    opt = OPEN_TO_ALL

    @get("/live", sync_to_thread=False)
    def live(self) -> dict[str, str]:
        """The server answers."""
        return {"status": "ok"}

    @get("/ready", sync_to_thread=False)
    def ready(self, home: NamedDependency[Household]) -> dict[str, str]:
        """The server answers, and the household's data can be read; else it is an error of the database."""
        home.accounts.people.count_active_admins()
        return {"status": "ok"}
