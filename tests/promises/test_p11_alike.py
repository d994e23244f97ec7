"""Promise 11: an unknown user and a wrong password look alike: same body, same time within a fifth."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import httpx

from familychat.household import Household
from familychat.testing import ManualClock
from familychat_web.rates import Rates
from familychat_web.testing import Browser, Running, family_page

PASSWORD = "quiet little river"
TRIES = 5
TOLERANCE = 0.2


def tried(running: Running, browser: Browser, clock: ManualClock, name: str) -> tuple[httpx.Response, float]:
    clock.move(days=2)  # nobody has to wait for anything
    running.app.state.site.rates = Rates()
    before = time.process_time()  # of this process, in which the server's thread works: other programs don't count
    response = browser.post("/sign-in", username=name, password="not this one", next="/")
    return response, time.process_time() - before


def test_who_isnt_there_looks_like_who_mistyped(data_dir: Path) -> None:
    clock = ManualClock()
    with family_page(
        data_dir, "child", password=PASSWORD, household=lambda settings: Household(settings, clock=clock)
    ) as running:
        browser = running.browser()
        browser.get("/sign-in")
        tried(running, browser, clock, "ghost")
        known, unknown = [], []
        for _ in range(TRIES):
            wrong, took = tried(running, browser, clock, "child")
            known.append(took)
            nobody, took = tried(running, browser, clock, "ghost")
            unknown.append(took)
            assert (wrong.status_code, nobody.status_code) == (401, 401)
            assert wrong.text.replace("child", "ghost") == nobody.text
            assert [name for name, _ in wrong.headers.items()] == [name for name, _ in nobody.headers.items()]
    assert abs(median(known) / median(unknown) - 1) < TOLERANCE
