"""People and their password hashes."""

from __future__ import annotations

import unicodedata
from typing import Any

from familychat.clock import new_id
from familychat.errors import ConflictError
from familychat.models import Band, Role, User
from familychat.store.database import Database, Row
from familychat.store.search_index import create_index, drop_index
from familychat.wording import Text

_COLUMNS = "id, username, display_name, role, active, password_hash, os_account, created_at, last_login_at, band"


def username_key(username: str) -> str:
    """What makes two names the same: compatibility forms and letter case don't count."""
    return unicodedata.normalize("NFKC", username).casefold()


def _user(row: Row) -> User:
    return User(
        id=row["id"],
        username=row["username"],
        display_name=row["display_name"],
        role=Role(row["role"]),
        active=bool(row["active"]),
        has_password=row["password_hash"] is not None,
        os_account=row["os_account"],
        created_at=row["created_at"],
        last_login_at=row["last_login_at"],
        band=Band(row["band"]),
    )


class PeopleStore:
    """Rows of ``users``. Decides nothing about who may change whom: :mod:`familychat.family.accounts` does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        username: str,
        display_name: str,
        role: Role,
        created_at: str,
        *,
        password_hash: str | None = None,
        os_account: str | None = None,
    ) -> User:
        """Add a person; raises :class:`ConflictError` if the name is taken."""
        values = {
            "id": new_id(),
            "username": username,
            "username_key": username_key(username),
            "display_name": display_name,
            "role": role.value,
            "password_hash": password_hash,
            "os_account": os_account,
            "created_at": created_at,
        }
        with self._database.transaction():
            self._refuse_taken(username)
            self._database.insert("users", values)
            create_index(self._database.execute, str(values["id"]))
        user = self.get(str(values["id"]))
        assert user is not None  # noqa: S101 -- just inserted
        return user

    def _refuse_taken(self, username: str, *, besides: str | None = None) -> None:
        there = self.by_username(username)
        if there is not None and there.id != besides:
            raise ConflictError(
                Text("The name %(name)s is taken. Nothing was changed.", name=username), "Choose another."
            )

    def get(self, user_id: str) -> User | None:
        return self._one("id = ?", user_id)

    def by_username(self, username: str) -> User | None:
        """Find a person by name, whatever its letter case."""
        return self._one("username_key = ?", username_key(username))

    def by_os_account(self, os_account: str) -> User | None:
        return self._one("os_account = ?", os_account)

    def _one(self, where: str, value: str) -> User | None:
        row = self._database.row(f"SELECT {_COLUMNS} FROM users WHERE {where}", [value])  # noqa: S608
        return None if row is None else _user(row)

    def all(self) -> list[User]:
        """Everyone, oldest account first."""
        return [_user(row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM users ORDER BY id")]  # noqa: S608

    def count_active_admins(self, *, besides: str | None = None) -> int:
        row = self._database.row(
            "SELECT count(*) AS n FROM users WHERE role = 'admin' AND active = 1 AND id IS NOT ?", [besides]
        )
        return int(row["n"]) if row else 0

    def password_hash(self, user_id: str) -> str | None:
        row = self._database.row("SELECT password_hash FROM users WHERE id = ?", [user_id])
        return None if row is None else row["password_hash"]

    def rename(self, user_id: str, username: str, display_name: str) -> None:
        """Raises :class:`ConflictError` if the name is somebody else's."""
        with self._database.transaction():
            self._refuse_taken(username, besides=user_id)
            self._set(user_id, username=username, username_key=username_key(username), display_name=display_name)

    def set_password_hash(self, user_id: str, password_hash: str) -> None:
        self._set(user_id, password_hash=password_hash)

    def set_active(self, user_id: str, *, active: bool) -> None:
        self._set(user_id, active=int(active))

    def set_role(self, user_id: str, role: Role) -> None:
        self._set(user_id, role=role.value)

    def set_band(self, user_id: str, band: Band) -> None:
        self._set(user_id, band=band.value)

    def retention_days(self, user_id: str) -> int | None:
        row = self._database.row("SELECT retention_days FROM users WHERE id = ?", [user_id])
        return None if row is None else row["retention_days"]

    def set_retention_days(self, user_id: str, days: int | None) -> None:
        self._set(user_id, retention_days=days)

    def set_last_login(self, user_id: str, at: str) -> None:
        self._set(user_id, last_login_at=at)

    def _set(self, user_id: str, **values: Any) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        self._database.execute(f"UPDATE users SET {columns} WHERE id = ?", [*values.values(), user_id])  # noqa: S608

    def remove(self, user_id: str) -> None:
        """Delete a person with everything that is theirs."""
        with self._database.transaction():
            drop_index(self._database.execute, user_id)
            self._database.execute("DELETE FROM users WHERE id = ?", [user_id])
