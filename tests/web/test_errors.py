"""One shape of errors for programs (RFC 9457), and none of them says more than it should."""

from __future__ import annotations

from typing import Any

import pytest

from familychat import errors
from familychat_web.errors import PROBLEM, problem_of
from familychat_web.testing import Browser, Running

PASSWORD = "quiet little river"


def tree(kind: type[errors.FamilychatError]) -> list[type[errors.FamilychatError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in tree(child))]


@pytest.mark.parametrize("kind", tree(errors.FamilychatError), ids=lambda kind: kind.__name__)
def test_the_whole_tree_of_the_librarys_errors_is_mapped(kind: type[errors.FamilychatError]) -> None:
    problem = problem_of(kind("It happened.", "Do this."))
    assert (problem.status, problem.detail, problem.hint) == (kind.http_status, "It happened.", "Do this.")
    assert problem.title


def test_a_wait_is_told() -> None:
    assert problem_of(errors.TooManyAttemptsError("No.", retry_after=1.2)).headers == {"retry-after": "2"}


@pytest.mark.parametrize(
    ("method", "path", "accept", "status"),
    [
        ("GET", "/api/me", "text/html", 401),
        ("GET", "/api/nothing", "text/html", 404),
        ("GET", "/nothing", "application/json", 404),
        ("GET", "/", PROBLEM, 401),
        ("GET", "/", "text/event-stream", 401),
        ("PUT", "/api/me", "*/*", 405),
    ],
)
def test_programs_get_problem_details(stranger: Browser, method: str, path: str, accept: str, status: int) -> None:
    response = stranger.client.request(method, path, headers={"accept": accept})
    assert response.status_code == status
    assert response.headers["content-type"] == PROBLEM
    told: dict[str, Any] = response.json()
    assert set(told) == {"type", "title", "status", "detail", "hint", "request_id"}
    assert (told["status"], told["request_id"]) == (status, response.headers["x-request-id"])


@pytest.mark.parametrize("accept", ["text/html", "text/html,application/json;q=0.9", "*/*"])
def test_browsers_get_a_page(stranger: Browser, accept: str) -> None:
    response = stranger.client.get("/nothing", headers={"accept": accept})
    assert response.headers["content-type"].startswith("text/html")


def test_what_was_typed_isnt_repeated(stranger: Browser) -> None:
    canary = "canary-canary"
    stranger.get("/sign-in")
    shown = [
        stranger.get(f"/{canary}"),
        stranger.client.get(f"/api/{canary}"),
        stranger.client.post("/sign-in", content=b"{" + canary.encode(), headers={"content-type": "application/json"}),
        stranger.post("/sign-in", username="child", password=canary, next="/"),
        stranger.get(f"/static/{canary}/{canary}.css"),
        stranger.get(f"/setup/{canary}"),
    ]
    assert [one.request.url.path for one in shown if canary in one.text] == []


def test_health(family: Running, stranger: Browser) -> None:
    assert stranger.get("/health/live").json() == stranger.get("/health/ready").json() == {"status": "ok"}
    assert stranger.client.head("/health/ready").status_code == 200
