"""Admin pages: the settings. Those that a browser may change are :func:`familychat.settings.on_page`."""

from __future__ import annotations

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Response

from familychat.errors import FamilychatError, NotAllowedError
from familychat.household import Household
from familychat.models import User
from familychat.settings import describe, keys, load_settings, on_page, variable
from familychat.wording import Text
from familychat_web.admin_pages import Act, Doing, Refused, acted, admin_page, admins_only, asked
from familychat_web.errors import problem_of
from familychat_web.forms import reads
from familychat_web.site import WebRequest, site_of

SETTINGS = "/admin/settings"


def _set(doing: Doing) -> None:
    _write(doing, doing.text("value"))


def _unset(doing: Doing) -> None:
    _write(doing, None)


def _write(doing: Doing, value: str | None) -> None:
    key = doing.text("key")
    if key in keys() and not on_page(key):
        raise NotAllowedError(
            Text("The setting %(key)s can't be changed in a browser. It is as it was.", key=key),
            Text("At the computer itself: familychat config set %(key)s", key=key),
        )
    doing.home.set_setting(doing.by, doing.site.config_path, key, value)


ACTS: dict[str, Act] = {"set-setting": _set, "unset-setting": _unset}


class SettingsController(Controller):
    path = SETTINGS
    guards = [admins_only]  # noqa: RUF012 -- as Litestar has it

    @get(sync_to_thread=False)
    def settings(self, request: WebRequest, home: NamedDependency[Household]) -> Response[str]:
        """Every setting with where it came from; secrets stay hidden."""
        return _settings(request, home)

    @post(opt=reads(does=ACTS))
    async def change_setting(
        self, request: WebRequest, home: NamedDependency[Household], user: NamedDependency[User]
    ) -> Response[Any]:
        """Set one in the settings file, or put it back to its default."""
        result = await acted(await asked(request, home, user), ACTS, SETTINGS)
        return _settings(request, home, result) if isinstance(result, Refused) else result


def _settings(request: WebRequest, home: Household, refused: Refused | None = None) -> Response[str]:
    path = site_of(request).config_path
    later, broken = home.settings, None
    try:
        later = load_settings(config_path=path)
    except FamilychatError as error:  # somebody wrote in the file
        broken = problem_of(error)
    return admin_page(
        request,
        "settings",
        home,
        refused=refused,
        settings=[describe(home.settings, key) for key in keys()],
        later={key: describe(later, key) for key in keys() if on_page(key)},
        variables={key: variable(key) for key in keys()},
        broken=broken,
        config_path=path,
    )
