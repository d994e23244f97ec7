"""How often somebody may do something."""

from __future__ import annotations

from familychat_web.rates import CHANGES, MOST_REMEMBERED, SIGN_INS, Rate, Rates
from familychat_web.testing import Browser, Running

PASSWORD = "quiet little river"


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_has_their_own_window() -> None:
    seconds = Seconds()
    rates, rate = Rates(seconds), Rate("x", 2, 60)
    assert [rates.count(rate, "a").too_many for _ in range(3)] == [False, False, True]
    assert not rates.count(rate, "b").too_many
    assert not rates.count(Rate("y", 2, 60), "a").too_many
    seconds.now = 59.5
    assert rates.count(rate, "a").headers() == {
        "ratelimit-limit": "2", "ratelimit-remaining": "0", "ratelimit-reset": "1",
    }  # fmt: skip
    seconds.now = 60.0
    assert rates.count(rate, "a").headers()["ratelimit-remaining"] == "1"


def test_strangers_fill_no_memory() -> None:
    rates = Rates(Seconds())
    for number in range(MOST_REMEMBERED):
        rates.count(CHANGES, str(number))
        rates.count(CHANGES, "always there")
    assert rates.count(CHANGES, "0").used == 1, "forgotten"
    assert rates.count(CHANGES, str(MOST_REMEMBERED - 1)).used == 2
    assert rates.count(CHANGES, "always there").used == MOST_REMEMBERED + 1


def test_signing_in_too_often_is_answered_with_a_wait(family: Running, stranger: Browser) -> None:
    for left in range(SIGN_INS.amount - 1, -1, -1):
        answer = stranger.post("/sign-in", username="child", password="x", next="/")
        assert answer.headers["ratelimit-remaining"] == str(left)
        assert answer.status_code == 403, "without a token, which costs nothing and counts all the same"
    refused = stranger.post("/sign-in", username="child", password="x", next="/")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= SIGN_INS.seconds
    assert "That was a lot at once." in refused.text
    assert "ratelimit-limit" not in stranger.get("/sign-in").headers


def test_people_at_one_address_dont_share_what_they_may_change(family: Running, child: Browser, mum: Browser) -> None:
    look = {"theme": "dark", "accent": "blue", "size": "normal", "language": ""}
    first = child.post("/account/look", **look).headers
    assert (first["ratelimit-limit"], first["ratelimit-remaining"]) == ("240", "239")
    assert child.post("/account/look", **look).headers["ratelimit-remaining"] == "238"
    assert mum.post("/account/look", **look).headers["ratelimit-remaining"] == "239"
