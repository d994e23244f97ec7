"""Headers that every answer has, errors too."""

from __future__ import annotations

from familychat_web.hosts import LOOPBACK

REPORTS = "/csp-reports"
"""Where browsers tell what the policy stopped."""

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    f"frame-ancestors 'none'; manifest-src 'self'; worker-src 'self'; report-uri {REPORTS}"
)
# Chromium doesn't look at report-uri beside report-to, and heeds the header that report-to needs under TLS only.
_UNDER_TLS = {
    "content-security-policy": f"{CONTENT_SECURITY_POLICY}; report-to csp",
    "reporting-endpoints": f'csp="{REPORTS}"',
}
YEAR = 365 * 24 * 3600
_NOT_NEEDED = ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "midi",
               "payment", "usb")  # fmt: skip
ALWAYS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    # Other sites are told nothing. With "no-referrer", our own forms would come from the origin "null", like anybody's.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(["microphone=(self)", *(f"{name}=()" for name in _NOT_NEEDED)]),
}
UNLESS_SAID = {"cache-control": "no-store"}
"""Pages are one person's; what anybody may keep says so itself."""


def secured(
    given: list[tuple[bytes, bytes]], *, scheme: str, host: str, more: dict[str, str]
) -> list[tuple[bytes, bytes]]:
    """The headers ``given`` with ours in place of any of the same name, and ``more``."""
    ours = {**ALWAYS, **more}
    if scheme == "https":
        ours |= _UNDER_TLS
        if host not in LOOPBACK:  # there it would bind every other program's port, too
            ours["strict-transport-security"] = f"max-age={YEAR}"
    there = {name.lower() for name, _ in given}
    ours |= {name: value for name, value in UNLESS_SAID.items() if name.encode() not in there}
    kept = [(name, value) for name, value in given if name.lower().decode("latin-1") not in ours]
    return [*kept, *((name.encode(), value.encode()) for name, value in ours.items())]
