"""The one way observations come in, whoever brings them."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from numpy.typing import NDArray
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.db.observations import writing
from shanhai.db.observations.judging import EARLIEST, Rows, judge, moment
from shanhai.db.observations.partitions import make_months
from shanhai.db.observations.resolution import Asked, Known, add_source, find_known
from shanhai.db.observations.series import (
    Mask,
    Partners,
    Sorted,
    Stored,
    mark,
    partner_values,
    relations_of,
    sort_rows,
)
from shanhai.monitoring.observation import Batch, Outcome, Times

SLOT_US = 900_000_000
"""A quarter of an hour: no zone's day begins within one."""
INLINE_ROWS = 2_000
"""Batches above this size are treated in a thread, so that others need not wait."""
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who brings observations, and how.

    Attributes:
        kind: The way they came: `http`, `sta`, `mqtt`, `hj212`.
        identity: Whose rights decide for which stations; stations elsewhere are unknown to it.
    """

    kind: str
    identity: Identity


async def store(
    session: AsyncSession,
    batch: Batch,
    sender: Sender,
    *,
    received: datetime | None = None,
    skew: timedelta = timedelta(minutes=5),
) -> Outcome:
    """Store the rows of a batch that can be stored; durable once the session is committed.

    In the session's transaction: stations and properties are found by their codes, times and values
    are checked, values converted to the property's unit, rows written (a row that is there already
    is a duplicate, one with another value a revision), the newest values brought up to date, the
    days whose roll-ups are no longer right noted, and the change told to those who follow
    (`observation_change`, channel `shanhai_observations`). Of several rows for one station,
    property and time the last one counts. The same batch can be stored again at any time.

    It takes the locks of its series in their order: whoever stores twice in one transaction may
    deadlock with another who does.

    Args:
        batch: Rows; those already refused by who read them are not among them.
        received: When they arrived; now.
        skew: How far ahead of that a time may be.

    Returns:
        How many rows came to what; a refused row is told with its `index`, a pointer to its member
        (`/station`, `/property`, `/time`, `/value`, `/unit`) and the rule it breaks.
    """
    received = received or datetime.now(UTC)
    latest = received + skew
    months = await _beside(len(batch), lambda: _months(batch.time, latest))
    asked = Asked(batch.station.distinct, batch.property.distinct, months, sender.kind)
    known = await find_known(session, sender.identity, asked)
    rows, refused = await _beside(
        len(batch), lambda: judge(batch, known, received=received, skew=skew)
    )
    if not len(rows):
        return Outcome(0, 0, 0, refused)
    given = await _beside(len(rows), lambda: sort_rows(rows))
    if known.months_missing:
        await make_months(session, _months(given.rows.time.view("datetime64[us]"), latest))
    source = known.source
    if source is None:
        source = await add_source(session, sender.kind, sender.identity.owner)
    connection = await session.connection()
    raw: Any = (await connection.get_raw_connection()).driver_connection
    with _known_errors():
        counts = await _Storing(raw, given, known, source, received).write()
    return Outcome(*counts, refused)


@contextmanager
def _known_errors() -> Iterator[None]:
    """Errors of asyncpg as SQLAlchemy's, which those who call know."""
    try:
        yield
    except asyncpg.InterfaceError as error:
        raise InterfaceError("observations", None, error) from error
    except asyncpg.PostgresError as error:
        raise DBAPIError("observations", None, error) from error


@dataclass(frozen=True, slots=True)
class _Storing:
    """One batch on its way into the tables."""

    raw: Any
    given: Sorted
    known: Known
    source: int
    received: datetime

    async def write(self) -> tuple[int, int, int]:
        """Write everything; how many rows are new, were there already, and were revised."""
        given, raw = self.given, self.raw
        stored = await writing.lock_series(raw, given)
        partners = await self._partners()
        marked = await _beside(len(given.rows), lambda: mark(given, stored, self.known, partners))
        new, changed = await self._compare(marked.ahead)
        origin = writing.Origin(self.source, self.received)
        await writing.copy_rows(raw, given.rows.take(new), marked.flags[new], origin)
        if changed.any():
            rows, flags = given.rows.take(changed), marked.flags[changed]
            await writing.revise_rows(raw, rows, flags, origin)
        written = new | changed
        former = written[given.former_of]
        if former.any():
            await writing.keep_former(raw, given.former.take(former), origin)
        if written.any():
            await self._follow_up(stored, written, marked.flags, marked.equal_values)
        return self._count(new, changed)

    async def _compare(self, ahead: Mask) -> tuple[Mask, Mask]:
        """Which rows are new, and which have another value than is stored.

        What is newer than all that is stored of its series, which is locked, is new for certain.
        """
        rows = self.given.rows
        new, changed = ahead.copy(), np.zeros(len(rows), np.bool_)
        late = np.flatnonzero(~ahead)
        if len(late):
            places, values, qualities = await writing.find_present(self.raw, rows.take(late))
            new[late] = True
            present = late[places]
            new[present] = False
            unlike = (rows.value[present] != values) | (rows.quality[present] != qualities)
            changed[present] = unlike
        return new, changed

    async def _partners(self) -> Partners:
        """Related values of the batch itself, or else those that are stored."""
        rows = self.given.rows
        found = []
        for number, side, own, other in relations_of(rows, self.known):
            values = partner_values(rows, own, other)
            alone = np.flatnonzero((rows.property == own) & np.isnan(values))
            if len(alone):
                asked = rows.take(alone)
                asked = Rows(
                    asked.station,
                    np.full(len(alone), other, np.int16),
                    asked.time,
                    asked.value,
                    asked.quality,
                )
                places, stored, _ = await writing.find_present(self.raw, asked)
                values[alone[places]] = stored
            found.append((number, side, values))
        return Partners(tuple(found))

    async def _follow_up(
        self,
        stored: Stored,
        written: Mask,
        flags: NDArray[np.int16],
        equal_values: NDArray[np.int64],
    ) -> None:
        """Bring up to date what is made of the rows that were written."""
        given, raw = self.given, self.raw
        ends = given.ends
        newest = written[ends] & (given.rows.time[ends] >= stored.time)
        latest = writing.latest_columns(given, flags, equal_values, newest)
        days = _days(given.rows.take(written), self.known.zone)
        await writing.follow_up(raw, latest, days, _changes(given, written), received=self.received)

    def _count(self, new: Mask, changed: Mask) -> tuple[int, int, int]:
        given, written = self.given, new | changed
        replaced = int(given.replaced[written].sum())
        accepted, revised = int(new.sum()), int(changed.sum()) + replaced
        total = len(given.rows) + int(given.repeated.sum() + given.replaced.sum())
        return accepted, total - accepted - revised, revised


async def _beside(size: int, work: Callable[[], Found]) -> Found:
    """Do the work: in a thread when there is much of it."""
    return await asyncio.to_thread(work) if size > INLINE_ROWS else work()


def _months(times: Times, latest: datetime) -> list[date]:
    """The months some times fall in, of those that can be stored."""
    months = np.unique(times[~np.isnat(times)].astype("datetime64[M]"))
    first, last = (np.datetime64(f"{end:%Y-%m}", "M") for end in (EARLIEST, latest))
    kept = months[(months >= first) & (months <= last)]
    return [month.astype(date) for month in kept.astype("datetime64[D]")]


def _days(rows: Rows, zone: ZoneInfo) -> writing.Columns:
    """The days of a zone the rows fall on, by series."""
    slots, slot_of = np.unique(rows.time // SLOT_US, return_inverse=True)
    day_of_slot = np.array(
        [moment(slot * SLOT_US).astimezone(zone).date().toordinal() for slot in slots.tolist()]
    )
    keys = np.unique(
        np.stack([rows.station, rows.property, day_of_slot[slot_of]]).astype(np.int64), axis=1
    )
    stations, properties, days = keys.tolist()
    return [stations, properties, [date.fromordinal(day) for day in days]]


def _changes(given: Sorted, written: Mask) -> writing.Columns:
    """Each series in which something was written, with the first and last time of that."""
    rows, series = given.rows.take(written), given.series[written]
    _, first = np.unique(series, return_index=True)
    last = np.append(first[1:], len(series)) - 1
    columns = (rows.station[first], rows.property[first], rows.time[first], rows.time[last])
    return [column.tolist() for column in columns]
