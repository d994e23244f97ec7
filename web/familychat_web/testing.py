"""Using the page in tests as a browser does: a real server on a loopback port, and a client with cookies."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from familychat.household import Household
from familychat.settings import Settings
from familychat_web.app import Application, create_app
from familychat_web.guards import FIELD
from familychat_web.serving import Server, listener

_TOKEN = re.compile(r'<meta name="csrf" content="([0-9a-f]+)">')
PATIENCE = 20.0


class Browser:
    """One person at one browser. Forms carry the token of the page that was loaded before, as real ones do."""

    def __init__(self, address: str, *, verify: ssl.SSLContext | bool = True) -> None:
        self.address = address
        self.client = httpx.Client(base_url=address, verify=verify, timeout=PATIENCE)
        self.client.headers["accept"] = "text/html"
        self.csrf = ""

    def close(self) -> None:
        self.client.close()

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Load a page. Redirects are not followed."""
        response = self.client.get(path, **options)
        if found := _TOKEN.search(response.text):
            self.csrf = found[1]
        return response

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form, with the token and the origin that a browser would send."""
        headers = {"origin": self.address, "sec-fetch-site": "same-origin"}
        return self.client.post(path, data={FIELD: self.csrf, **fields}, headers=headers)

    def sign_in(self, username: str, password: str) -> httpx.Response:
        """Go through the sign-in form, and load the start page to have its token."""
        self.get("/sign-in")
        response = self.post("/sign-in", username=username, password=password, next="/")
        self.get("/")
        return response


@dataclass(frozen=True, slots=True)
class Running:
    """A page that is being served."""

    app: Application
    address: str
    browsers: list[Browser] = field(default_factory=list)

    @property
    def home(self) -> Household:
        """Its household, which may be used from the test as well."""
        household: Household = self.app.state.site.household
        return household

    def browser(self, *, verify: ssl.SSLContext | bool = True) -> Browser:
        """A browser without any cookies; it is closed at the end."""
        self.browsers.append(Browser(self.address, verify=verify))
        return self.browsers[-1]

    def signed_in(self, username: str, password: str) -> Browser:
        """A browser in which somebody is signed in; fails if they can't."""
        browser = self.browser()
        response = browser.sign_in(username, password)
        if response.status_code != HTTPStatus.SEE_OTHER:
            raise AssertionError(f"{username} can't sign in: {response.text}")
        return browser


@contextmanager
def served(app: Application, tls: ssl.SSLContext | None = None) -> Iterator[Running]:
    """The application on a real port, in a thread. At the end it shuts down as on SIGTERM."""
    ready = threading.Event()
    server = Server(app, tls, ready.set)
    with listener("127.0.0.1", 0) as opened:
        running = Running(app, f"{'https' if tls else 'http'}://127.0.0.1:{opened.getsockname()[1]}")
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[opened])))
        thread.start()
        try:
            until = time.monotonic() + PATIENCE
            while not ready.wait(0.01):
                if not thread.is_alive() or time.monotonic() > until:
                    raise RuntimeError("the server didn't start") from app.state.site.failure
            yield running
        finally:
            for browser in running.browsers:
                browser.close()
            server.should_exit = True
            thread.join()


@contextmanager
def family_page(
    data_dir: Path,
    *members: str,
    password: str,
    household: Callable[[Settings], Household] = Household,
    **settings: Any,
) -> Iterator[Running]:
    """The page of a new household, served: its first admin, ``mum``, and ``members``, all with the same password."""
    config_path = data_dir.with_suffix(".toml")
    app = create_app(Settings(data_dir=data_dir, **settings), household=household, config_path=config_path)
    with served(app) as running:
        home = running.home
        link = app.state.site.setup_link
        mum = link.use(home, (link.path(home) or "").removeprefix("/setup/"), "mum", password)
        for name in members:
            home.accounts.add(mum, name, password)
        yield running


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, as PEM files in a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    cert_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_path, key_path
