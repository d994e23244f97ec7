"""Which automatic backups stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from familychat.backups import Backup, BackupOptions, backups, create, outdated

START = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)


def one(moment: datetime, *, automatic: bool = True) -> Backup:
    return Backup(Path(moment.isoformat()), moment, 1, automatic, encrypted=False)


def test_a_year_of_days() -> None:
    there: list[Backup] = []
    for day in range(365):
        there.append(one(START + timedelta(days=day)))
        gone = outdated(there)
        there = [backup for backup in there if backup not in gone]
    assert [f"{backup.made_at:%m-%d}" for backup in there] == [
        "07-31", "08-31", "09-30", "10-31", "11-30", "12-13", "12-20", "12-25", "12-26", "12-27", "12-28", "12-29",
        "12-30", "12-31",
    ]  # fmt: skip


def test_several_on_a_day_leave_the_last() -> None:
    there = [one(START + timedelta(hours=hour)) for hour in range(4)]
    assert outdated(there) == there[:-1]


def test_those_that_a_person_made_stay_and_count_for_nothing() -> None:
    there = [one(START + timedelta(days=day), automatic=day % 2 == 0) for day in range(200)]
    gone = outdated(there)
    assert gone
    assert all(backup.automatic for backup in gone)
    assert gone == outdated([backup for backup in there if backup.automatic])


@given(st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), unique=True))  # noqa: DTZ001
def test_the_newest_stays_never_more_than_seventeen_and_nothing_goes_twice(moments: list[datetime]) -> None:
    there = [one(moment.replace(tzinfo=UTC)) for moment in moments]
    gone = outdated(there)
    staying = [backup for backup in there if backup not in gone]
    assert len(staying) <= 17
    assert len(staying) >= min(7, len({backup.made_at.date() for backup in there}))
    assert outdated(staying) == []
    if there:
        assert max(there, key=lambda backup: backup.made_at) in staying


def test_on_the_disk(place: Any, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    for day in range(1, 10):
        (folder / f"familychat-202606{day:02}T030000Z-auto.fcbackup").write_bytes(b"old")
        (folder / f"familychat-202606{day:02}T040000Z.fcbackup").write_bytes(b"by hand")
    clock = lambda: datetime(2026, 6, 10, 3, tzinfo=UTC)  # noqa: E731
    assert create(place.data_dir, place.config, folder, clock=clock).removed == (), "only a rotating one removes"
    made = create(place.data_dir, place.config, folder, BackupOptions(automatic=True), clock=clock)
    days = [backup.made_at.day for backup in backups(folder) if backup.automatic]
    assert days == [4, 5, 6, 7, 8, 9, 10], "the 7th of June is a Sunday, the last of its week"
    assert [path.name[17:19] for path in made.removed] == ["01", "02", "03"]
    assert sum(path.read_bytes() == b"by hand" for path in folder.iterdir()) == 9
