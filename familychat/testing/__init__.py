"""Fakes and helpers for tests, for plugin authors too: scripted model servers that need no model.

A fake's ``transport()`` goes where the library takes an httpx transport; :func:`serve` puts the same fake on a real
loopback port.
"""

from __future__ import annotations

from familychat.testing.clock import ManualClock
from familychat.testing.servers import FakeLMStudio, FakeOllama, FakeOpenAI, Request, Script
from familychat.testing.transport import serve

__all__ = ["FakeLMStudio", "FakeOllama", "FakeOpenAI", "ManualClock", "Request", "Script", "serve"]
