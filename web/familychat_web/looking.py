"""Looking in tests at a page as people with all abilities do: with axe-core, in every theme, at every size."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from familychat_web.looks import ACCENTS
from familychat_web.screens import PHONE, WIDE, Screen
from familychat_web.testing import Browser

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
EVERYTHING, CONTRASTS = ("tag", TAGS), ("rule", ("color-contrast",))
THEMES = ("light", "dark", "contrast")
WIDTHS = (320, 390, 1280, 3840)
FINGER = 44
"""Pixels of whatever is touched on a phone. WCAG wants 24; this is what the makers of phones recommend."""

_OF_WHOLE_PAGES = ("landmark-one-main", "page-has-heading-one")
_RUN = """
const [runOnly, done] = arguments;
const said = ({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`);
const covered = document.querySelector(".extras[open]"); // by a menu, for as long as it is open
const rules = runOnly.type === "tag" ? { "target-size": { enabled: !covered } } : {};
const options = { runOnly, rules, resultTypes: ["violations"] };
axe.run(document, options).then(({ violations }) => done(violations.flatMap(said)));
"""
_UNFOLD = """
const menus = [...document.querySelectorAll(".extras")];
const ends = ".message:is(:first-of-type, :last-of-type)"; // those between are alike
const few = menus.filter((one) => !one.closest(".message") || one.closest(ends));
const others = [...document.querySelectorAll("details:not(.extras)")].filter((one) => one.checkVisibility());
const steps = [...(others.length ? [others] : []), ...few.map((one) => [one])];
for (const one of menus) one.open = false;
for (const one of steps[arguments[0]] ?? []) one.open = true;
return arguments[0] < steps.length;
"""
_TOO_WIDE = """
const scrolls = [document.scrollingElement, ...document.querySelectorAll("main, .drawer:popover-open")];
const sides = (one) => one.getBoundingClientRect();
const out = (one) => one.checkVisibility() && (sides(one).right > innerWidth || sides(one).left < 0);
const guilty = (one) => [...one.querySelectorAll("*")].filter(out).slice(-3);
const told = (one) => `${one.tagName} with ${guilty(one).map((each) => each.outerHTML.slice(0, 100))}`;
return scrolls.filter((one) => one.scrollWidth > one.clientWidth).map(told);
"""
_TOO_SMALL = """
const controls = document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary");
// WCAG leaves out links within sentences.
const counts = (one) => one.checkVisibility() && !one.matches(".skip") && getComputedStyle(one).display !== "inline";
const area = (one) => (one.matches("[type=checkbox]") ? one.labels[0] : one).getBoundingClientRect();
const least = (one) => Math.min(area(one).width, area(one).height);
const small = [...controls].filter((one) => counts(one) && least(one) < arguments[0]);
return small.map((one) => `${least(one)} pixels: ${one.outerHTML.slice(0, 160)}`);
"""


class Look:
    """A page that is open, to be looked at. ``axe`` is axe-core's script."""

    def __init__(self, screen: Screen, axe: str) -> None:
        self.screen = screen
        self._axe = axe

    @contextmanager
    def steadily(self) -> Iterator[None]:
        """Without motion: themes change at once, and what opens is there."""
        self.screen.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        try:
            yield
        finally:
            self.screen.cdp("Emulation.setEmulatedMedia", features=[])

    def open(self, who: Browser, path: str, width: int = WIDE[0]) -> None:
        """A page of whoever is signed in there."""
        self.screen.address = who.address
        self.screen.driver.delete_all_cookies()
        for name, value in who.client.cookies.items():
            self.screen.driver.add_cookie({"name": name, "value": value})
        self._window(width)
        self.screen.open(path)
        if self.screen.driver.current_url != self.screen.address + path:
            raise AssertionError(f"{path} leads to {self.screen.driver.current_url}")

    def wrong_however_it_stands(self) -> list[str]:
        """What is wrong with it as it opens, in all looks, with everything unfolded, and with each menu open."""
        found = self.wrong() + self._in_other_looks()
        for step in itertools.takewhile(lambda number: self.screen.run(_UNFOLD, number), itertools.count()):
            found += [f"unfolded {step}: {one}" for one in self.wrong()]
        return found

    def wrong(self) -> list[str]:
        """What is wrong with it as it is now."""
        self._window(WIDE[0])
        found = self.violations()
        self._window(PHONE[0])
        found += [f"phone, {one}" for one in self.violations()]
        found += [f"too small, {one}" for one in self.screen.run(_TOO_SMALL, FINGER)]
        return found + [f"too wide, {one}" for one in self._too_wide()]

    def violations(self) -> list[str]:
        """What axe finds: everything in the first theme, and the contrasts of the others."""
        found = self._violations(THEMES[0], EVERYTHING)
        for theme in THEMES[1:]:
            found += self._violations(theme, CONTRASTS)
        return found

    def _in_other_looks(self) -> list[str]:
        """What axe finds: everything in the other themes, and the contrasts of the other accents."""
        self._window(WIDE[0])
        found = []
        for theme in THEMES[1:]:
            found += self._violations(theme, EVERYTHING)
        for theme, accent in itertools.product(("light", "dark"), ACCENTS[1:]):
            found += self._violations(theme, CONTRASTS, accent)
        return found

    def _violations(self, theme: str, only: tuple[str, Sequence[str]], accent: str = ACCENTS[0]) -> list[str]:
        if not self.screen.run("return Boolean(window.axe)"):
            self.screen.run(self._axe)
        self._set(theme=theme, accent=accent)
        given = dict(zip(("type", "values"), only, strict=True))
        found = [f"{theme}, {accent}: {one}" for one in self.screen.driver.execute_async_script(_RUN, given)]
        self._set(theme=THEMES[0], accent=ACCENTS[0])
        if self.screen.all("[popover]:popover-open"):  # then the rest of the page has no part in it
            found = [one for one in found if not any(rule in one for rule in _OF_WHOLE_PAGES)]
        return found

    def _too_wide(self) -> list[str]:
        """At which widths something has to be scrolled sideways."""
        found = []
        for size in ("normal", "larger"):
            self._set(size=size)
            for width in WIDTHS:
                self._window(width)
                found += [f"{one} at {width}, text {size}" for one in self.screen.run(_TOO_WIDE)]
        self._set(size="normal")
        return found

    def _window(self, width: int) -> None:
        phone = width <= PHONE[0]
        metrics = {"width": width, "height": PHONE[1], "deviceScaleFactor": 1, "mobile": phone}
        self.screen.cdp("Emulation.setDeviceMetricsOverride", **metrics)
        self.screen.cdp("Emulation.setTouchEmulationEnabled", enabled=phone)

    def _set(self, **look: str) -> None:
        self.screen.run("Object.assign(document.documentElement.dataset, arguments[0])", look)
