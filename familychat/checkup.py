"""A look at everything familychat needs, in plain words. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from familychat.errors import FamilychatError, NotFoundError
from familychat.household import database_path
from familychat.llm import practice_model
from familychat.llm.base import ModelServer
from familychat.llm.discovery import ServerChoice, answers
from familychat.llm.embedded import is_installed
from familychat.settings import Settings
from familychat.store.snapshots import check
from familychat.wording import Text


@dataclass(frozen=True, slots=True)
class Finding:
    """``state``: ok; trouble (chatting won't work); off (not in use, which is fine). ``advice`` may be empty."""

    state: Literal["ok", "trouble", "off"]
    what: str
    advice: str = ""


async def checkup(load: Callable[[], Settings]) -> list[Finding]:
    """Look at settings, database, model servers and models; ``load`` reads the settings."""
    try:
        settings = load()
    except FamilychatError as error:
        return [Finding("trouble", error.message, error.hint)]
    findings = [Finding("ok", "The settings are in order."), _database(settings)]
    findings += await _servers(settings)
    findings += await _chosen(settings)
    return findings


def _database(settings: Settings) -> Finding:
    path = database_path(settings)
    try:
        found = check(path)
    except NotFoundError:
        return Finding("off", Text("There is no database yet; it will be made at %(path)s.", path=path))
    if not found.ok:
        return Finding(
            "trouble",
            Text("The database %(path)s is damaged: %(reason)s.", path=path, reason=found.problems[0]),
            "familychat db restore brings one back.",
        )
    rows = found.rows
    return Finding(
        "ok",
        Text(
            "The database %(path)s is in good order (%(count)s messages).",
            path=path,
            count=f"{rows.get('messages', 0):,}",
        ),
    )


async def _servers(settings: Settings) -> list[Finding]:
    if settings.server_kind != "auto" or settings.server_url:
        return []
    findings = []
    for kind, title, url in (
        ("lmstudio", "LM Studio", settings.lmstudio_url),
        ("ollama", "Ollama", settings.ollama_url),
    ):
        trouble = await answers(settings, kind)
        if trouble is None:
            findings.append(Finding("ok", Text("%(server)s answers at %(address)s.", server=title, address=url)))
        else:
            findings.append(
                Finding("off", Text("%(server)s doesn't answer at %(address)s.", server=title, address=url))
            )
    return findings


async def _chosen(settings: Settings) -> list[Finding]:
    servers = ServerChoice(settings)
    try:
        server = await servers.get()
        if server.kind == "embedded":
            return _embedded(settings)
        return await _models(server, settings)
    except FamilychatError as error:
        return [Finding("trouble", error.message, error.hint)]
    finally:
        await servers.aclose()


def _embedded(settings: Settings) -> list[Finding]:
    if not is_installed():
        return [
            Finding(
                "trouble",
                "No model server answers, and the built-in engine isn't installed.",
                "Start LM Studio (Developer, Start server) or Ollama, or run pip install 'familychat[embedded]'.",
            )
        ]
    if settings.embedded_model is not None:
        if settings.embedded_model.is_file():
            return [Finding("ok", Text("The built-in engine will use %(path)s.", path=settings.embedded_model))]
        return [
            Finding(
                "trouble",
                Text("There is no model file at %(path)s.", path=settings.embedded_model),
                "Set embedded.model anew.",
            )
        ]
    if not practice_model.is_fetched(settings.data_dir):
        return [
            Finding(
                "off",
                "The built-in engine will be used, but its practice model isn't here yet.",
                "familychat models pull fetches it (93 MB); familychat chat does so, too.",
            )
        ]
    return [
        Finding(
            "ok",
            Text("The built-in engine will answer with %(model)s.", model=practice_model.TITLE),
            "It is a toy for trying things out; start LM Studio or Ollama for real answers.",
        )
    ]


async def _models(server: ModelServer, settings: Settings) -> list[Finding]:
    models = await server.list_models()
    if not models:
        return [
            Finding(
                "trouble",
                Text("%(server)s has no model yet.", server=server.title),
                "familychat models pull NAME downloads one to it.",
            )
        ]
    names = ", ".join(model.name for model in models[:5])
    findings = [
        Finding(
            "ok",
            Text(
                "%(server)s at %(address)s will answer. It has %(names)s.",
                server=server.title,
                address=server.address,
                names=names,
            ),
        )
    ]
    if settings.model and all(settings.model.casefold() not in model.name.casefold() for model in models):
        findings.append(
            Finding(
                "trouble",
                Text("The default model %(model)s isn't there.", model=settings.model),
                "familychat models use NAME",
            )
        )
    return findings
