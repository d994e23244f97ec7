"""What whoever looks after the page can see of it: counts, and a log that tells nothing of anybody."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from familychat.household import Household
from familychat.llm.discovery import ServerChoice
from familychat.queue.sharing import Server, SharedQueue
from familychat.settings import Settings, describe
from familychat.store.leases import Lease
from familychat.testing import FakeOpenAI, Script
from familychat_web import logs
from familychat_web.testing import Browser, Running, family_page

PASSWORD = "quiet little river"
TOKEN = "canary-of-the-metrics-token"
OF_A_METRIC = re.compile(r'(?:# (?:HELP|TYPE) .+|[a-z_]+(?:\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\})? [0-9.e+-]+)')


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("family") / "data"
    more: dict[str, Any] = {"web_metrics_token": TOKEN, "web_allowed_hosts": ("chat.home",)}
    with family_page(folder, "child", password=PASSWORD, server_kind="embedded", **more) as running:
        yield running


def lines(family: Running) -> list[dict[str, Any]]:
    text = (family.app.state.site.settings.data_dir / "logs" / "familychat.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def lines_of(family: Running, answer: httpx.Response) -> list[dict[str, Any]]:
    """All lines of one request; its own, which is the last one, is written once the answer has been sent."""
    end = time.monotonic() + 20
    while True:
        found = [one for one in lines(family) if one.get("request") == answer.headers["x-request-id"]]
        if any("route" in one for one in found):
            return found
        assert time.monotonic() < end
        time.sleep(0.02)


def metrics(family: Running, **headers: str) -> httpx.Response:
    return family.browser().client.get("/metrics", headers=headers)


def test_metrics_count_requests_by_route_and_status(family: Running, child: Browser) -> None:
    for answer in (
        child.get("/api/me"),
        child.get("/nothing-like-canary"),
        child.client.request("CANARY", "/api/me"),
    ):
        lines_of(family, answer)  # by then it is counted
    response = metrics(family)
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert [line for line in response.text.splitlines() if not OF_A_METRIC.fullmatch(line)] == []
    values = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    assert int(values['familychat_http_requests_total{method="GET",route="/api/me",status="200"}']) >= 1
    assert int(values['familychat_http_requests_total{method="GET",route="none",status="404"}']) == 1
    assert any(name.startswith('familychat_http_requests_total{method="OTHER"') for name in values)
    count = values['familychat_http_request_duration_seconds_count{route="/api/me"}']
    assert values['familychat_http_request_duration_seconds_bucket{route="/api/me",le="+Inf"}'] == count
    assert int(values["familychat_people_signed_in"]) >= 1
    assert values["familychat_turns_running"] == values["familychat_queue_length"] == "0"
    assert set(values) >= {"familychat_turns_total", "familychat_completion_tokens_total"}
    for secret in ("canary", "child", "127.0.0.1"):
        assert secret not in response.text.lower()


def test_metrics_tell_of_turns_and_of_the_queue(tmp_path: Path) -> None:
    server = FakeOpenAI(
        Script(pieces=("Hello", "!"), first_delay=1.0, usage={"prompt_tokens": 7, "completion_tokens": 3})
    )

    def household(settings: Settings) -> Household:
        return Household(settings, servers=ServerChoice(settings, server.transport()))

    fake: dict[str, Any] = {"server_kind": "openai", "server_url": "http://fake", "titles": "words"}
    with family_page(tmp_path / "data", "child", password=PASSWORD, household=household, **fake) as running:

        def values() -> dict[str, str]:
            text = metrics(running).text
            return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

        for browser in [running.signed_in(name, PASSWORD) for name in ("mum", "child")]:
            browser.post("/c/new/ask", text="Hello?", task="general", model="")
        seen = set()
        end = time.monotonic() + 20
        while (now := values())["familychat_turns_running"] != "0" and time.monotonic() < end:
            seen.add((now["familychat_turns_running"], now["familychat_queue_length"]))
            time.sleep(0.02)
        assert ("2", "1") in seen
        names = ("people_signed_in", "turns_total", "prompt_tokens_total", "completion_tokens_total", "queue_length")
        assert [now[f"familychat_{name}"] for name in names] == ["2", "2", "14", "6", "0"]


@pytest.mark.anyio
async def test_metrics_tell_of_the_queue_in_all_processes(family: Running) -> None:
    """Somebody asks at a terminal meanwhile."""
    lease = Lease(family.app.state.site.settings.data_dir)
    queue, server = SharedQueue(family.app.state.site.settings.data_dir, lease.id), Server("terminal", lambda: 1)

    async def values() -> list[str]:
        text = (await asyncio.to_thread(metrics, family)).text
        told = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return [told["familychat_turns_running"], told["familychat_queue_length"]]

    async def ask(person: str) -> None:
        async with queue.turn(server, person, lambda _position: None):
            await asyncio.sleep(60)

    asking = [asyncio.create_task(ask(person)) for person in ("mum", "child")]
    await asyncio.sleep(0)
    assert await values() == ["2", "1"]
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)
    assert await values() == ["0", "0"]
    queue.close()
    lease.release()


def test_metrics_are_for_this_computer_or_with_the_token(family: Running) -> None:
    assert metrics(family).status_code == 200
    assert metrics(family, host="chat.home").status_code == 403, "a proxy here asks for others"
    for header in ("x-forwarded-for", "forwarded", "x-real-ip"):
        assert metrics(family, **{header: "127.0.0.1"}).status_code == 403
    elsewhere = {"host": "chat.home"}
    assert metrics(family, **elsewhere, authorization=f"Bearer {TOKEN}").status_code == 200
    for wrong in (f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x", TOKEN, "Bearer None"):
        assert metrics(family, **elsewhere, authorization=wrong).status_code == 403


def test_without_a_token_no_token_helps(tmp_path: Path) -> None:
    with family_page(tmp_path / "data", password=PASSWORD, web_allowed_hosts=("chat.home",)) as running:
        for sent in ("Bearer", "Bearer None"):
            asked = running.browser().client.get("/metrics", headers={"host": "chat.home", "authorization": sent})
            assert asked.status_code == 403


def test_the_token_is_never_shown() -> None:
    told = describe(Settings(web_metrics_token=TOKEN), "web.metrics_token")
    assert TOKEN not in str(told)
    assert TOKEN not in repr(Settings(web_metrics_token=TOKEN))


def test_each_request_has_a_line_with_its_id_and_none_of_its_words(family: Running, child: Browser) -> None:
    answer = child.get("/setup/canary-of-a-token?question=canary")
    (line,) = lines_of(family, answer)
    assert line.keys() == {"time", "level", "logger", "message", "request", "method", "route", "status", "ms"}
    assert (line["method"], line["route"], line["status"]) == ("GET", "/setup/{token}", 404)
    assert line["ms"] >= 0
    assert "canary" not in json.dumps(lines(family))


class Broken:
    def usable(self, _user: object) -> None:
        raise RuntimeError("canary of an exception")


def test_what_breaks_is_found_by_its_id(family: Running, child: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    shelf = family.home.task_shelf
    family.home.task_shelf = Broken()  # type: ignore[assignment]
    answer = child.get("/")
    family.home.task_shelf = shelf
    assert answer.status_code == 500
    found = lines_of(family, answer)
    assert [one["level"] for one in found] == ["error", "info"]
    assert "RuntimeError in test_operating.py" in found[0]["message"]
    told = capsys.readouterr().err
    assert found[0]["message"] in told
    assert '"level": "info"' not in told, "only troubles go to stderr"
    assert "canary" not in told + json.dumps(found)


def test_the_files_are_few_small_and_private(tmp_path: Path) -> None:
    log = logging.getLogger("familychat_web.watching")
    with logs.logging_to(tmp_path):
        for number in range(7):
            log.info("x" * (logs.MOST_IN_A_FILE // 2 + number))
            log.info("y" * (logs.MOST_IN_A_FILE // 2 + number))
    files = sorted((tmp_path / "logs").iterdir())
    assert len(files) == logs.FILES
    assert all(path.stat().st_size <= logs.MOST_IN_A_FILE for path in files)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
    before = [path.stat().st_size for path in files]
    log.info("nobody listens any more")
    assert [path.stat().st_size for path in files] == before


def test_a_full_disk_costs_lines_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").mkdir(mode=0o700)
    (tmp_path / "logs" / "familychat.log").symlink_to("/dev/full")
    with logs.logging_to(tmp_path):
        logging.getLogger("familychat_web").warning("a trouble")
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert '"message": "a trouble"' in told
