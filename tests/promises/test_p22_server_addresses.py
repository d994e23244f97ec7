"""Promise 22: model-server addresses come only from an admin; redirects are not followed."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from familychat.errors import ModelServerError
from familychat.household import Household
from familychat.llm.base import ChatMessage, ChatRequest
from familychat.llm.http import new_client
from familychat.llm.lmstudio import LMStudioServer
from familychat.llm.ollama import OllamaServer
from familychat.llm.openai import OpenAIServer
from familychat.settings import Settings
from familychat.testing import serve
from familychat_cli.testing import CommandLine

PASSWORD = "quiet little river"


def test_a_member_changes_no_address(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("config", "set", "lmstudio.url", "http://127.0.0.1:1234").code == 0
    cli("admin", "users", "add", "child", "--password-stdin", stdin=PASSWORD + "\n")
    cli("login", "child", "--password-stdin", stdin=PASSWORD + "\n")
    before = (tmp_path / "config.toml").read_bytes()
    for key in ("server.url", "server.kind", "server.api_key", "lmstudio.url", "ollama.url"):
        for args in (["config", "set", key, "http://192.0.2.1:1"], ["config", "unset", key]):
            refused = cli(*args)
            assert refused.code == 4, args
            assert "Only an admin can do that." in refused.err
    assert cli("models", "use", "anything").code == 4
    assert (tmp_path / "config.toml").read_bytes() == before


@pytest.mark.anyio
async def test_redirects_are_not_followed_and_proxies_not_used() -> None:
    elsewhere: list[str] = []

    async def other(request: httpx.Request) -> httpx.Response:
        elsewhere.append(request.url.path)
        return httpx.Response(200, json={"data": []})

    with serve(other) as target:

        async def redirecting(request: httpx.Request) -> httpx.Response:
            return httpx.Response(307, headers={"location": f"{target}{request.url.path}"})

        with serve(redirecting) as address:
            server = OpenAIServer(Settings(data_dir=Path("/nowhere")), address)
            with pytest.raises(ModelServerError, match="another address, which familychat doesn't follow"):
                await server.list_models()
            with pytest.raises(ModelServerError, match="doesn't follow"):
                async for _ in server.stream_chat(ChatRequest("m", [ChatMessage("user", "private")])):
                    pass
            assert server._client.trust_env is False
            await server.aclose()
    assert elsewhere == []


@pytest.mark.anyio
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", [OpenAIServer, LMStudioServer, OllamaServer])
async def test_no_client_follows_any_redirect(kind: type[OpenAIServer], status: int) -> None:
    asked: list[str] = []

    async def redirecting(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(status, headers={"location": "/elsewhere"})

    with serve(redirecting) as address:
        server = kind(Settings(data_dir=Path("/nowhere"), server_api_key="key"), address)
        with pytest.raises(ModelServerError):
            async for _ in server.stream_chat(ChatRequest("m", [ChatMessage("user", "private")])):
                pass
        with pytest.raises(ModelServerError):
            await server.list_models()
        await server.aclose()
    assert asked
    assert "/elsewhere" not in asked
    assert len(asked) == len(set(asked)), "each was asked once"


@pytest.mark.anyio
async def test_every_client_is_built_alike() -> None:
    async with new_client(Settings(data_dir=Path("/nowhere")), "http://127.0.0.1:9", None) as client:
        assert (client.follow_redirects, client.trust_env) == (False, False)


def test_an_admin_who_was_made_a_member_changes_no_address_either(
    cli: CommandLine, tmp_path: Path, data_dir: Path
) -> None:
    cli("admin", "users", "add", "other", "--admin", "--password-stdin", stdin=PASSWORD + "\n")
    cli("login", "other", "--password-stdin", stdin=PASSWORD + "\n")
    assert cli("config", "set", "server.url", "http://127.0.0.1:1234").code == 0
    before = (tmp_path / "config.toml").read_bytes()
    home = Household(Settings(data_dir=data_dir))
    home.accounts.demote(home.accounts.people.all()[0], "other")
    home.close()
    assert cli("config", "set", "server.url", "http://192.0.2.1:1").code == 4
    assert cli("config", "unset", "server.url").code == 4
    assert (tmp_path / "config.toml").read_bytes() == before
