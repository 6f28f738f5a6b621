"""Months of observations: due to be archived, held, and for how long values are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.observations.archive import ARCHIVE_LOCK, CLOSABLE
from shanhai.db.observations.partitions import month_after, month_table, read_months, stretch_of
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict, InvalidInput, NotFound

REST = timedelta(days=1)
"""After a month was closed, what comes late waits so long to be put into a file with the rest."""
LONGEST_REASON = 500

_FILES = text("""
  SELECT a.month, a.bytes, a.sha256, a.archived_at,
         (SELECT coalesce(sum(s.number), 0) FROM archived_series s WHERE s.month = a.month) AS rows
    FROM observation_archive a
""")
_HOLDS = text("SELECT month, reason FROM observation_hold ORDER BY month")
_CLOSED_LATELY = text("""
  SELECT month FROM observation_archive
   WHERE archived_at > now() - CAST(:rest AS interval)
""")
# What is in files and not kept any more, or is of features of which nothing was noted then.
_OUTLIVED = text("""
  SELECT DISTINCT s.month
    FROM archived_series s JOIN observed_property p ON p.id = s.property_id
   WHERE p.raw_since > s.first_at
     AND NOT EXISTS (SELECT FROM observation_hold h WHERE h.month = s.month)
      OR s.features IS NULL AND EXISTS (SELECT FROM sampling_feature WHERE used)
   ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class MonthKept:
    """A month, and where its observations are.

    Attributes:
        live: How many are in its partition.
        filed: How many its file stands for.
        held: Why nothing may be removed of it.
    """

    month: date
    live: int
    filed: int
    bytes: int
    sha256: str | None
    held: str | None


async def list_months(session: AsyncSession) -> list[MonthKept]:
    """All months that have observations, or are held; each partition is counted."""
    files = {row.month: row for row in await session.execute(_FILES)}
    held = {row.month: row.reason for row in await session.execute(_HOLDS)}
    months = await read_months(session)
    found = []
    for month in sorted({*months, *held}):
        live = await _count(session, month) if month in months else 0
        file = files.get(month)
        if live or file is not None or month in held:
            found.append(
                MonthKept(
                    month,
                    live,
                    0 if file is None else int(file.rows),
                    0 if file is None else file.bytes,
                    None if file is None else file.sha256,
                    held.get(month),
                )
            )
    return found


async def find_due(session: AsyncSession, *, after_months: int) -> list[date]:
    """The months to be closed, or closed anew, the oldest first.

    Args:
        after_months: How long they must be over; 0: none is closed. What is not kept any more is
            to be removed from files all the same.
    """
    rest = {"rest": REST}
    lately = set((await session.execute(_CLOSED_LATELY, rest)).scalars())
    due = set((await session.execute(_OUTLIVED)).scalars())
    now = datetime.now(UTC)
    for month in await read_months(session) if after_months else ():
        if month not in lately and is_over(month, now, after_months) and is_closable(month, now):
            table = month_table(month)
            query = text(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608 - a name of ours
            if await session.scalar(query):
                due.add(month)
    return sorted(due)


def is_over(month: date, now: datetime, months: int) -> bool:
    """Whether a month has been over for so many months."""
    for _ in range(months + 1):
        month = month_after(month)
    return stretch_of(month).start <= now


def is_closable(month: date, now: datetime) -> bool:
    """Whether a month has been over for long enough that it may be closed."""
    return stretch_of(month).end + CLOSABLE <= now


def demand_closable(month: date) -> None:
    """Refuse to close a month to which much still comes.

    Raises:
        InvalidInput: it is not over for long enough.
    """
    if not is_closable(month, datetime.now(UTC)):
        raise InvalidInput(
            f"month {month:%Y-%m} must be over for {CLOSABLE.days} days to be put into a file",
            message_zh=f"月份 {month:%Y-%m} 须结束满 {CLOSABLE.days} 天才能归档",
            pointer="month",
        )


async def hold_month(session: AsyncSession, month: date, reason: str, *, act: Act) -> None:
    """Let nothing be removed of a month, whatever the policies say.

    Raises:
        InvalidInput: there is no reason, or a long one.
        Conflict: it is held already.
    """
    if not 0 < len(reason.strip()) <= LONGEST_REASON or "\x00" in reason:
        raise InvalidInput(
            f"reason must have 1 to {LONGEST_REASON} characters",
            message_zh=f"理由须为 1 至 {LONGEST_REASON} 个字符",
            pointer="reason",
        )
    # Who is about to remove something of it does so before, or sees that it is held.
    await session.execute(
        text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": ARCHIVE_LOCK}
    )
    added = await session.scalar(
        text(
            "INSERT INTO observation_hold (month, reason) VALUES (:month, :reason)"
            " ON CONFLICT DO NOTHING RETURNING month"
        ),
        {"month": month, "reason": reason.strip()},
    )
    if added is None:
        raise Conflict(
            f"month {month:%Y-%m} is held already", message_zh=f"月份 {month:%Y-%m} 已被封存"
        )
    after = {"reason": reason.strip()}
    record(
        session, act, "create", table="observation_hold", object_id=f"{month:%Y-%m}", after=after
    )


async def release_month(session: AsyncSession, month: date, *, act: Act) -> None:
    """Let policies hold for a month again.

    Raises:
        NotFound: it is not held.
    """
    reason = await session.scalar(
        text("DELETE FROM observation_hold WHERE month = :month RETURNING reason"),
        {"month": month},
    )
    if reason is None:
        raise NotFound(
            f"month {month:%Y-%m} is not held", message_zh=f"月份 {month:%Y-%m} 未被封存"
        )
    before = {"reason": reason}
    record(
        session, act, "delete", table="observation_hold", object_id=f"{month:%Y-%m}", before=before
    )


def parse_month(written: str) -> date:
    """A month from how it is written.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return datetime.strptime(written, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise InvalidInput(
            f"month must be written like 2024-03, not {written[:40]!r}",
            message_zh=f"月份须形如 2024-03，而不是 {written[:40]!r}",
            pointer="month",
        ) from error


async def _count(session: AsyncSession, month: date) -> int:
    query = text(f"SELECT count(*) FROM {month_table(month)}")  # noqa: S608 - a name of ours
    return int(await session.scalar(query) or 0)


# Nothing is removed from the first month that is held on, though what is behind it may be older.
_LINES = text("""
  WITH lines AS (
    SELECT p.id, p.code, p.raw_since AS before,
           least(
             date_trunc('month', now() - make_interval(years => p.raw_years)),
             (SELECT min(date_trunc('month', h.month::timestamp AT TIME ZONE 'UTC'))
                FROM observation_hold h
               WHERE p.raw_since IS NULL
                  OR (h.month + interval '1 month') AT TIME ZONE 'UTC' > p.raw_since)
           ) AS line
      FROM observed_property p
     WHERE p.raw_years IS NOT NULL
  )
  SELECT id, code, before, line FROM lines
   WHERE (before IS NULL OR line > before)
     AND EXISTS (SELECT FROM archived_series s
                  WHERE s.property_id = lines.id AND s.first_at < lines.line)
   ORDER BY id
""")
_DRAW = text("UPDATE observed_property SET raw_since = :line WHERE id = :id")
_FORGET_FORMER = text(
    "DELETE FROM observation_revision WHERE property_id = :id AND observed_at < :line"
)


@dataclass(frozen=True, slots=True)
class RetentionLine:
    """A line that was drawn: values of the property before it are removed."""

    property: str
    line: datetime


async def draw_lines(session: AsyncSession, *, act: Act) -> Sequence[RetentionLine]:
    """Draw the lines the policies ask for; the caller commits, and has months closed anew.

    Nobody stores old values meanwhile, and who does so later sees the lines.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ARCHIVE_LOCK})
    drawn = []
    for row in (await session.execute(_LINES)).all():
        values = {"id": row.id, "line": row.line}
        await session.execute(_DRAW, values)
        await session.execute(_FORGET_FORMER, values)
        record(
            session,
            act,
            "purge",
            table="observation",
            object_id=row.code,
            before={"raw_since": None if row.before is None else row.before.isoformat()},
            after={"raw_since": row.line.isoformat()},
        )
        drawn.append(RetentionLine(row.code, row.line))
    return drawn
