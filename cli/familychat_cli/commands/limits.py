"""``familychat limits``: what holds for oneself."""

from __future__ import annotations

from dataclasses import asdict

from familychat.wording import counted
from familychat_cli import invocation, options
from familychat_cli.output import ago, emit_json, say


def limits(json: options.Json = False) -> None:
    """Show your own limits: what is left for today, quiet hours, and who may see what you do."""
    from familychat.clock import timestamp
    from familychat.family.supervision import banner

    with invocation.signed_in() as (home, user):
        standing = home.limits.standing(user)
        supervision = home.supervisions.of(user)
        looks = home.supervisions.looks(user)
        zone = home.limits.zone
    if json:
        moments = {"quiet_until": standing.quiet_until, "next_quiet": standing.next_quiet}
        emit_json(
            {
                "day": standing.day,
                "quotas": [{**asdict(quota), "left": quota.left} for quota in standing.quotas],
                **{name: None if at is None else timestamp(at) for name, at in moments.items()},
                "supervision": None if supervision is None else supervision.level,
                "looks": [{"at": entry.at, "who": entry.actor, "what": entry.details} for entry in looks],
            }
        )
        return
    for quota in standing.quotas:
        amount = counted(quota.amount, "question" if quota.kind == "messages" else "token")
        say(f"{quota.left:,} of {amount} left for today.")
    if not standing.quotas:
        say("You may ask as much as you like.")
    if standing.quiet_until is not None:
        say(f"It is quiet time until {standing.quiet_until.astimezone(zone):%H:%M}.")
    elif standing.next_quiet is not None:
        say(f"Quiet time begins at {standing.next_quiet.astimezone(zone):%H:%M}.")
    say("Nobody but you can see your chats here." if supervision is None else banner(supervision))
    for entry in looks:
        say(f"  {ago(entry.at)}: {entry.actor} looked ({entry.details}).", style="dim")
