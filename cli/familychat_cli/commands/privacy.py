"""``familychat privacy``: what is contacted, what is stored, and what never happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from familychat_cli import invocation, options
from familychat_cli.output import emit_json, say, table

if TYPE_CHECKING:
    from familychat.privacy import Contact


def privacy(json: options.Json = False) -> None:
    """Show every address that can be contacted and why, what is stored for how long, and what never happens."""
    from familychat import privacy as facts

    settings, config_path = invocation.current.settings(), invocation.current.config_path()
    contacts = facts.contacts(settings)
    files = facts.stored(settings, config_path)
    kept = facts.in_database(settings)
    plugins = facts.plugins()
    if json:
        emit_json({"contacts": contacts, "doors": facts.DOORS, "files": files, "database": kept,
                   "never": facts.NEVER, "plugins": plugins, "protection": facts.NO_PROTECTION})  # fmt: skip
        return
    say("What familychat can contact, with your settings", style="bold")
    table(["What", "Address", "Why"], [[_what(one), one.address, one.why] for one in contacts])
    if not contacts:
        say("Nothing: no model server is set.")
    say("")
    say("What it stores", style="bold")
    table(["Where", "Size", "What", "For how long"],
          [[one.where, _size(one.size), one.what, one.how_long] for one in files], right=["Size"])  # fmt: skip
    say("")
    say("In the database", style="bold")
    table(["What", "For how long"], [[one.what, one.how_long] for one in kept])
    say(facts.NO_PROTECTION)
    say("")
    say("What it never does", style="bold")
    for sentence in facts.NEVER:
        say(f"- It never {sentence}.")
    say("")
    say("Where the code opens anything", style="bold")
    table(["File", "Calls", "Leads to"], [[one.file, one.opener, one.leads_to] for one in facts.DOORS])
    if plugins:
        say(f"These tasks come from others, and can do what they like: {', '.join(plugins)}.", style="yellow")


def _what(contact: Contact) -> str:
    return contact.what if contact.stays_here else f"{contact.what} (not on this computer)"


def _size(size: int) -> str:
    from familychat_cli.output import megabytes

    return f"{max(1, round(size / 1e3))} kB" if size < 1e6 else megabytes(size)  # noqa: PLR2004
