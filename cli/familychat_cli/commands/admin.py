"""``familychat admin``: people and grants. The library refuses whoever isn't an admin."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from familychat_cli import invocation, options
from familychat_cli.commands.sign_in import PasswordStdin
from familychat_cli.output import ago, emit_json, say, table

if TYPE_CHECKING:
    from familychat.models import Grant, User

app = typer.Typer(help="For admins: people and what they may use.", no_args_is_help=True)
users = typer.Typer(help="The people of the household.", no_args_is_help=True)
app.add_typer(users, name="users")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A user name.")]
Display = Annotated[str | None, typer.Option("--display-name", help="What familychat calls them.")]
Subject = Annotated[str, typer.Argument(metavar="WHO", help="A user name, or everyone.")]
Resource = Annotated[str, typer.Argument(metavar="WHAT", help="task:NAME or model:NAME; * means all.")]


def _may(rule: Grant) -> str:
    return "may" if rule.effect == "allow" else "may not"


def _user_json(user: User) -> dict[str, Any]:
    return asdict(user)


@users.command("add")
def add(
    name: Name,
    display_name: Display = None,
    admin: Annotated[bool, typer.Option("--admin", help="Make them an admin.")] = False,
    password_stdin: PasswordStdin = False,
) -> None:
    """Add a person; the password is asked for twice, or read from standard input."""
    from familychat.family.accounts import check_username
    from familychat.family.permissions import require_admin
    from familychat.models import Role

    with invocation.signed_in() as (home, user):
        require_admin(user)
        check_username(name)
        password = invocation.read_password(from_stdin=password_stdin, twice=True)
        role = Role.ADMIN if admin else Role.MEMBER
        added = home.accounts.add(user, name, password, display_name=display_name, role=role)
    say(f"{added.display_name} is part of the household now, and signs in with: familychat login {added.username}")


@users.command("list")
def list_users(json: options.Json = False) -> None:
    """Show everyone."""
    with invocation.signed_in() as (home, user):
        people = home.accounts.all(user)
    if json:
        emit_json([_user_json(one) for one in people])
        return
    rows = [
        [
            one.username,
            one.display_name,
            one.role.value,
            "active" if one.active else "switched off",
            ago(one.last_login_at) if one.last_login_at else "never",
        ]
        for one in people
    ]
    table(["Name", "Called", "Role", "Account", "Last sign-in"], rows)


@users.command("show")
def show(name: Name, json: options.Json = False) -> None:
    """Show one person's account. Nobody's conversations are shown."""
    with invocation.signed_in() as (home, user):
        found = home.accounts.get(user, name)
        rules = [grant for who, grant in home.accounts.grants(user) if grant.user_id == found.id]
    if json:
        emit_json({**_user_json(found), "grants": [{"resource": g.resource, "effect": g.effect.value} for g in rules]})
        return
    rows = [
        ["Name", found.username],
        ["Called", found.display_name],
        ["Role", found.role.value],
        ["Account", "active" if found.active else "switched off"],
        ["Password", "set" if found.has_password else "none: this computer's terminal only"],
        ["Since", ago(found.created_at)],
        ["Last sign-in", ago(found.last_login_at) if found.last_login_at else "never"],
    ]
    rows += [[f"{_may(rule).capitalize()} use", rule.resource] for rule in rules]
    table(["", ""], rows)


@users.command("rename")
def rename(name: Name, new_name: str, display_name: Display = None) -> None:
    """Give a person another user name."""
    with invocation.signed_in() as (home, user):
        renamed = home.accounts.rename(user, name, new_name, display_name=display_name)
    say(f"{name} is {renamed.username} now, called {renamed.display_name}.")


@users.command("passwd")
def passwd(name: Name, password_stdin: PasswordStdin = False) -> None:
    """Set a person's password; it ends their sessions."""
    with invocation.signed_in() as (home, user):
        found = home.accounts.get(user, name)
        password = invocation.read_password(from_stdin=password_stdin, twice=True)
        home.accounts.set_password(user, name, password)
    say(f"{found.display_name} has a new password and signs in with: familychat login {found.username}")


@users.command("disable")
def disable(name: Name) -> None:
    """Switch an account off; its conversations stay."""
    with invocation.signed_in() as (home, user):
        home.accounts.disable(user, name)
    say(f"{name} can't sign in any more. familychat admin users enable {name} turns it on again.")


@users.command("enable")
def enable(name: Name) -> None:
    """Switch an account on again."""
    with invocation.signed_in() as (home, user):
        home.accounts.enable(user, name)
    say(f"{name} can sign in again.")


@users.command("promote")
def promote(name: Name) -> None:
    """Make a person an admin."""
    with invocation.signed_in() as (home, user):
        home.accounts.promote(user, name)
    say(f"{name} is an admin now.")


@users.command("demote")
def demote(name: Name) -> None:
    """Make an admin an ordinary member."""
    with invocation.signed_in() as (home, user):
        home.accounts.demote(user, name)
    say(f"{name} is an ordinary member now.")


@users.command("remove")
def remove(name: Name, yes: options.Yes = False) -> None:
    """Delete a person with all their conversations, for good."""
    with invocation.signed_in() as (home, user):
        count = home.accounts.belongings(user, name)
        invocation.confirm(
            f"This deletes {name} and {count} conversation{'s' if count != 1 else ''} for good.", yes=yes
        )
        home.accounts.remove(user, name)
    say(f"{name} is gone.")


@app.command("grant")
def grant(
    who: Subject, what: Resource, deny: Annotated[bool, typer.Option("--deny", help="Forbid it instead.")] = False
) -> None:
    """Allow (or forbid) something to a person or to everyone. What is forbidden wins."""
    from familychat.models import Effect

    with invocation.signed_in() as (home, user):
        home.accounts.grant(user, who, what, Effect.DENY if deny else Effect.ALLOW)
    say(f"{who} may {'not ' if deny else ''}use {what} from now on.")


@app.command("revoke")
def revoke(who: Subject, what: Resource) -> None:
    """Take a rule away."""
    with invocation.signed_in() as (home, user):
        home.accounts.revoke(user, who, what)
    say(f"There is no rule about {what} for {who} any more.")


@app.command("grants")
def grants(json: options.Json = False) -> None:
    """Show every rule. Without one, nothing may be used."""
    with invocation.signed_in() as (home, user):
        rules = home.accounts.grants(user)
    if json:
        emit_json([{"who": who, "resource": rule.resource, "effect": rule.effect.value} for who, rule in rules])
    else:
        table(["Who", "", "What"], [[who, _may(rule), rule.resource] for who, rule in rules])


@app.command("audit")
def audit(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="How many entries.")] = 50,
    json: options.Json = False,
) -> None:
    """Show who signed in and what admins changed, the latest first."""
    with invocation.signed_in() as (home, user):
        entries = home.accounts.audit(user, limit)
    if json:
        emit_json(entries)
    else:
        table(["When", "Who", "Did", "To", ""], [[ago(e.at), e.actor, e.action, e.target, e.details] for e in entries])
