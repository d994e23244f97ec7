"""``familychat admin``: people and grants. The library refuses whoever isn't an admin."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from familychat.wording import counted
from familychat_cli import invocation, options
from familychat_cli.commands import (
    admin_audit,
    admin_limits,
    admin_rules,
    admin_safety,
    admin_sessions,
    admin_supervision,
    admin_usage,
)
from familychat_cli.commands.sign_in import PasswordStdin
from familychat_cli.output import ago, emit_json, say, table

if TYPE_CHECKING:
    from familychat.models import User

app = typer.Typer(help="For admins: people and what they may use.", no_args_is_help=True)
users = typer.Typer(help="The people of the household.", no_args_is_help=True)
app.add_typer(users, name="users")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A user name.")]
Display = Annotated[str | None, typer.Option("--display-name", help="What familychat calls them.")]


class Age(StrEnum):
    """An age band, as typed."""

    CHILD = "child"
    TEEN = "teen"
    ADULT = "adult"


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
            one.band.value,
            "active" if one.active else "switched off",
            ago(one.last_login_at) if one.last_login_at else "never",
        ]
        for one in people
    ]
    table(["Name", "Called", "Role", "Age", "Account", "Last sign-in"], rows)


@users.command("show")
def show(name: Name, json: options.Json = False) -> None:
    """Show one person's account. Nobody's conversations are shown."""
    with invocation.signed_in() as (home, user):
        found = home.accounts.get(user, name)
        rules = [grant for _, grant in home.rules.grants(user) if grant.subject.user_id == found.id]
    if json:
        emit_json({**_user_json(found), "grants": [{"resource": g.resource, "effect": g.effect.value} for g in rules]})
        return
    rows = [
        ["Name", found.username],
        ["Called", found.display_name],
        ["Role", found.role.value],
        ["Age", found.band.value],
        ["Account", "active" if found.active else "switched off"],
        ["Password", "set" if found.has_password else "none: this computer's terminal only"],
        ["Since", ago(found.created_at)],
        ["Last sign-in", ago(found.last_login_at) if found.last_login_at else "never"],
    ]
    rows += [[f"{admin_rules.may(rule).capitalize()} use", rule.resource] for rule in rules]
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


@users.command("band")
def band(
    name: Name,
    age: Annotated[Age, typer.Argument(metavar="BAND", help="child, teen or adult.")],
) -> None:
    """Say how old somebody is: the rules and the filter of that age then hold for them."""
    from familychat.models import Band

    with invocation.signed_in() as (home, user):
        home.accounts.set_band(user, name, Band(age))
    say(f"{name} counts as {'an adult' if age is Age.ADULT else f'a {age}'} now.")


@users.command("remove")
def remove(name: Name, yes: options.Yes = False) -> None:
    """Delete a person with all their conversations, for good."""
    with invocation.signed_in() as (home, user):
        count = home.accounts.belongings(user, name)
        invocation.confirm(f"This deletes {name} and {counted(count, 'conversation')} for good.", yes=yes)
        home.accounts.remove(user, name)
    say(f"{name} is gone.")


app.command("grant")(admin_rules.grant)
app.command("revoke")(admin_rules.revoke)
app.command("grants")(admin_rules.grants)
app.command("why")(admin_rules.why)
app.add_typer(admin_rules.groups, name="groups")
app.add_typer(admin_limits.quota, name="quota")
app.add_typer(admin_limits.hours, name="hours")
app.command("extend")(admin_limits.extend)
app.add_typer(admin_safety.app, name="safety")
app.command("supervise")(admin_supervision.supervise)
app.command("look")(admin_supervision.look)
app.command("audit")(admin_audit.audit)
app.command("usage")(admin_usage.usage)
app.add_typer(admin_sessions.app, name="sessions")
app.command("reset-password")(admin_sessions.reset_password)
users.command("unlock")(admin_sessions.unlock)
