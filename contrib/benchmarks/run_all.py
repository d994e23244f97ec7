"""Run every benchmark, one after another; exit code 1 if any bound is missed."""

from __future__ import annotations

import conversations
import relay
import startup
from measuring import finish

if __name__ == "__main__":
    finish(all([startup.main(), relay.main(), conversations.main()]))
