"""The months observations are kept in: tables made before anything is stored there."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

MAKERS_LOCK = 0x5348_4F42
"""Held by who makes months, so that two never make the same one."""
_TAKE_LOCK = text("SELECT pg_advisory_xact_lock(:lock)")


def missing_sql(names: str) -> str:
    """SQL of the names, of an array of them, that no table has.

    It reads the catalogue as a table: functions that look names up may remember what was there
    before a lock was taken.
    """
    return (
        f"SELECT name FROM unnest(CAST({names} AS text[])) name WHERE NOT EXISTS"  # noqa: S608
        " (SELECT FROM pg_class"
        " WHERE relname = name AND relnamespace = current_schema()::regnamespace)"
    )


_MISSING = text(missing_sql(":names"))


def month_table(month: date) -> str:
    """The name of the table of a month of UTC."""
    return f"observation_y{month.year:04d}m{month.month:02d}"


def month_after(month: date) -> date:
    """The first day of the next month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_of(moment: datetime) -> date:
    """The month of UTC a time lies in."""
    return moment.astimezone(UTC).date().replace(day=1)


def months_ahead(now: datetime, number: int) -> list[date]:
    """The month of a time, and so many after it."""
    months = [month_of(now)]
    for _ in range(number):
        months.append(month_after(months[-1]))
    return months


async def make_months(session: AsyncSession, months: Iterable[date]) -> list[date]:
    """Make the tables of months that have none; which were made.

    Nobody who reads or writes other months waits for it: a table is made for itself and attached,
    which locks only against others who attach.
    """
    by_name = {month_table(month): month for month in sorted(months)}
    if not await _missing(session, by_name):
        return []
    await session.execute(_TAKE_LOCK, {"lock": MAKERS_LOCK})
    # Who held the lock before may have made them.
    missing = await _missing(session, by_name)
    for name in missing:
        first, end = by_name[name], month_after(by_name[name])
        await session.execute(
            text(f"CREATE TABLE {name} (LIKE observation INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        )
        await session.execute(
            text(
                f"ALTER TABLE observation ATTACH PARTITION {name}"
                f" FOR VALUES FROM ('{first} 00:00:00+00') TO ('{end} 00:00:00+00')"
            )
        )
    return [by_name[name] for name in missing]


async def _missing(session: AsyncSession, names: Iterable[str]) -> list[str]:
    return list((await session.execute(_MISSING, {"names": list(names)})).scalars())
