"""Promise 22: model-server addresses come only from an admin; redirects are not followed."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from familychat.errors import ModelServerError
from familychat.llm.base import ChatMessage, ChatRequest
from familychat.llm.openai import OpenAIServer
from familychat.settings import Settings
from familychat.testing import serve
from familychat_cli.testing import CommandLine

PASSWORD = "quiet little river"


@pytest.mark.parametrize("key", ["server.url", "server.kind", "server.api_key", "lmstudio.url", "ollama.url"])
def test_a_member_changes_no_address(cli: CommandLine, tmp_path: Path, key: str) -> None:
    assert cli("config", "set", "lmstudio.url", "http://127.0.0.1:1234").code == 0
    cli("admin", "users", "add", "child", "--password-stdin", stdin=PASSWORD + "\n")
    cli("login", "child", "--password-stdin", stdin=PASSWORD + "\n")
    before = (tmp_path / "config.toml").read_bytes()
    for args in (["config", "set", key, "http://192.0.2.1:1"], ["config", "unset", key]):
        refused = cli(*args)
        assert refused.code == 4
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
