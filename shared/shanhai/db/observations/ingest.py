"""The one way observations come in, whoever brings them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from shanhai.db.engine import Transaction, driver_of, known_errors
from shanhai.db.identity import Identity
from shanhai.db.observations import ingest_sql
from shanhai.db.observations.archive_restore import recall_beside
from shanhai.db.observations.code_lookup import (
    CodeQuery,
    KnownCodes,
    add_source,
    find_known,
    is_observer,
)
from shanhai.db.observations.partitions import make_months
from shanhai.db.observations.refusals import kinds_unread, note_refusals
from shanhai.db.observations.series import (
    Mask,
    Partners,
    Sorted,
    StoredSeries,
    mark,
    partner_values,
    relations_of,
    sort_rows,
)
from shanhai.db.observations.validation import EARLIEST, Clock, ResolvedRows, judge, moment
from shanhai.db.sensorthings import identifiers
from shanhai.monitoring.observation import (
    MOST_TOLD,
    VALID,
    Batch,
    BatchOutcome,
    FeedObservation,
    RefusedKind,
    RefusedRows,
    Rejection,
    Times,
)
from shanhai.storage.artifacts import ArtifactStore

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


@dataclass(frozen=True, slots=True)
class IncomingBatch:
    """A batch, and who brings it.

    Attributes:
        batch: Columns; or rows, of few of which columns are made together with those of others.
        unread: Rows that could not be read; they are only noted as refused.
        by_series: Its rows name Datastreams, each by the codes in its address, and are stored as
            these are kept; a row must be of something that has a place.
    """

    batch: Batch | Sequence[FeedObservation]
    sender: Sender
    unread: RefusedRows = field(default_factory=RefusedRows)
    by_series: bool = False

    @property
    def source(self) -> tuple[str, str]:
        """The way it comes by, and the name of the sender."""
        return self.sender.kind, self.sender.identity.owner

    @property
    def stations(self) -> set[str]:
        """The codes of the stations the rows are of."""
        rows = self.batch
        return set(rows.station.distinct if isinstance(rows, Batch) else (one[0] for one in rows))


async def store_all(
    session: Transaction,
    deliveries: Sequence[IncomingBatch],
    *,
    received: datetime | None = None,
    skew: timedelta = timedelta(minutes=5),
    files: ArtifactStore | None = None,
) -> list[BatchOutcome]:
    """Store the rows of batches that can be stored; durable once the session is committed.

    In the session's transaction: stations and properties are found by their codes, times and values
    are checked, values converted to the property's unit, rows written (a row that is there already
    is a duplicate, one with another value a revision), the newest values brought up to date, the
    days whose roll-ups are no longer right noted, and so is the change, for the alerts
    (`observation_change`). Batches count as given one after another; of several rows for one
    station, property and time the last one counts. The same can be stored again at any time.

    It takes the locks of its series in their order: whoever stores twice in one transaction may
    deadlock with another who does.

    Args:
        deliveries: Rows; those already refused by who read them are not among them.
        received: When they arrived; now.
        skew: How far ahead of that a time may be.
        files: Where the observations of closed months are: those of a series rows are stored in
            are fetched back first. Without it, rows for closed months cannot be stored.

    Returns:
        How many rows of each batch came to what; a refused row is told with its `index`, a pointer
        to its member (`/station`, `/property`, `/time`, `/value`, `/unit`) and the rule it breaks.
    """
    clock = Clock(received or datetime.now(UTC), skew)
    raw = await driver_of(session)
    size = sum(len(one.batch) for one in deliveries)
    refused = [RefusedRows() for _ in deliveries]
    joined = await _beside(size, lambda: _joined(deliveries))
    batches = [one.batch for one in joined if one.by_series]
    named = {address for batch in batches for address in identifiers.addresses_of(batch)}
    kept = await identifiers.kept_series(session, named)
    joined = [_as_kept(one, kept, refused) if one.by_series else one for one in joined]
    asked = await _beside(size, lambda: _asked(joined, clock))
    with known_errors():
        known = await find_known(raw, asked)
    sources = dict(known.sources)
    for source in dict.fromkeys(one.source for one in joined):
        if source not in sources:
            sources[source] = await add_source(session, *source)

    judged = await _beside(size, lambda: _judge_all(joined, known, sources, clock, refused))
    if known.months_missing:
        await make_months(session, _months(judged.rows.time.view("datetime64[us]"), clock))
    counts = [[0, 0, 0] for _ in deliveries]
    if len(judged.part):
        with known_errors():
            given = await _beside(size, lambda: sort_rows(judged.rows))
            stored = await ingest_sql.lock_series(raw, given)
            now = await identifiers.kept_series(session, named)
            if now != kept or await ingest_sql.are_moved(raw, given):
                # A unit was corrected before its series was locked; none is from now on.
                return await store_all(
                    session, deliveries, received=received, skew=skew, files=files
                )
            storing = _Storing(raw, given, stored, known, clock.received, files)
            new, changed = await storing.write()
        counts = _count(given, new, changed, judged.part[given.order], len(deliveries))
    refusals = [
        *((source, kind) for source, kind in judged.kinds),
        *(
            (sources[one.source], kind)
            for one in deliveries
            if one.unread.number and is_observer(one.sender.identity)
            for kind in kinds_unread(one.unread)
        ),
    ]
    await note_refusals(session, refusals, clock.received)
    return [
        BatchOutcome(accepted, duplicates, revised, rejected)
        for (accepted, duplicates, revised), rejected in zip(counts, refused, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Joined:
    """Batches of one sender as one, since a row alone costs as much as a thousand.

    Attributes:
        part: The number of the batch each row is of.
    """

    batch: Batch
    part: NDArray[np.intp]
    sender: Sender
    source: tuple[str, str]
    by_series: bool


def _joined(deliveries: Sequence[IncomingBatch]) -> list[_Joined]:
    together: dict[tuple[Sender, bool], list[int]] = {}
    for number, one in enumerate(deliveries):
        together.setdefault((one.sender, one.by_series), []).append(number)
    return [_join(deliveries, numbers) for numbers in together.values()]


def _join(deliveries: Sequence[IncomingBatch], numbers: Sequence[int]) -> _Joined:
    first = deliveries[numbers[0]]
    batches = [deliveries[number].batch for number in numbers]
    sizes = [len(one) for one in batches]
    few = [one for one in batches if not isinstance(one, Batch)]
    if len(few) == len(batches):
        batch = Batch.of([row for rows in few for row in rows])
        begins = np.cumsum([0, *sizes[:-1]])
        batch = replace(batch, index=batch.index - np.repeat(begins, sizes))
    else:
        columns = [one if isinstance(one, Batch) else Batch.of(one) for one in batches]
        batch = columns[0] if len(columns) == 1 else Batch.joined(columns)
    part = np.repeat(numbers, sizes)
    return _Joined(batch, part, first.sender, first.source, first.by_series)


def _as_kept(one: _Joined, kept: identifiers.KeptSeries, refused: Sequence[RefusedRows]) -> _Joined:
    """Rows of Datastreams as these are kept; those of others are refused."""
    batch, which = identifiers.as_kept(one.batch, kept)
    for row in np.flatnonzero(~which).tolist():
        index = int(one.batch.index[row])
        refused[one.part[row]].add([Rejection(index, "/property", *identifiers.UNKNOWN_PROPERTY)])
    return replace(one, batch=batch, part=one.part[which])


@dataclass(frozen=True, slots=True)
class _Judged:
    """The sound rows in the order they were given, the batch each is of, and the others' kinds."""

    rows: ResolvedRows
    part: NDArray[np.intp]
    kinds: list[tuple[int, RefusedKind]]


def _judge_all(
    joined: Sequence[_Joined],
    known: KnownCodes,
    sources: Mapping[tuple[str, str], int],
    clock: Clock,
    refused: Sequence[RefusedRows],
) -> _Judged:
    """Judge the rows; those that are not sound are told to the batch they are of."""
    kinds: list[tuple[int, RefusedKind]] = []
    rows, parts = [], []
    for one in joined:
        identity, source = one.sender.identity, sources[one.source]
        alone = not len(one.part) or one.part[0] == one.part[-1]
        most = MOST_TOLD if alone else len(one.batch)
        found = judge(one.batch, known, identity, source, clock, placed=one.by_series, most=most)
        for rejection, row in zip(found.told, found.told_rows, strict=True):
            refused[one.part[row]].add([rejection])
        if found.number > len(found.told):
            refused[one.part[0]].add([], untold=found.number - len(found.told))
        # Who observes nowhere leaves no trace.
        if found.kinds and is_observer(identity):
            kinds += [(source, kind) for kind in found.kinds]
        rows.append(found.rows)
        parts.append(one.part[found.sound])
    return _Judged(*_in_order(rows, parts), kinds)


def _in_order(
    rows: Sequence[ResolvedRows], parts: Sequence[NDArray[np.intp]]
) -> tuple[ResolvedRows, NDArray[np.intp]]:
    """Rows as they were given, whoever sent them: of two for one key the last one counts."""
    if len(rows) == 1:
        return rows[0], parts[0]
    joined, part = ResolvedRows.joined(rows), np.concatenate(parts)
    order = np.argsort(part, kind="stable")
    return joined.take(order), part[order]


def _asked(joined: Sequence[_Joined], clock: Clock) -> CodeQuery:
    batches = [one.batch for one in joined]
    return CodeQuery(
        dict.fromkeys(code for batch in batches for code in batch.station.distinct),
        dict.fromkeys(code for batch in batches for code in batch.property.distinct),
        sorted({month for batch in batches for month in _months(batch.time, clock)}),
        dict.fromkeys(one.source for one in joined),
    )


@dataclass(frozen=True, slots=True)
class _Storing:
    """One batch on its way into the tables."""

    raw: Any
    given: Sorted
    stored: StoredSeries
    known: KnownCodes
    received: datetime
    files: ArtifactStore | None

    async def write(self) -> tuple[Mask, Mask]:
        """Write everything; which rows were new, and which revised others."""
        given, raw, stored = self.given, self.raw, self.stored
        related = [(own, other) for _, _, own, other in relations_of(given.rows, self.known)]
        await recall_beside(raw, self.files, given.rows, related, self.known.zone)
        partners = await self._partners()
        marked = await _beside(len(given.rows), lambda: mark(given, stored, self.known, partners))
        new, changed = await self._compare(marked.ahead)
        await ingest_sql.copy_rows(raw, given.rows.take(new), marked.flags[new], self.received)
        if changed.any():
            rows, flags = given.rows.take(changed), marked.flags[changed]
            await ingest_sql.revise_rows(raw, rows, flags, self.received)
        written = new | changed
        former = written[given.former_of]
        if former.any():
            await ingest_sql.keep_former(raw, given.former.take(former), self.received)
        if written.any():
            await self._follow_up(written, marked.flags, marked.equal_values)
        return new, changed

    async def _compare(self, ahead: Mask) -> tuple[Mask, Mask]:
        """Which rows are new, and which have another value than is stored.

        What is newer than all that is stored of its series, which is locked, is new for certain.
        """
        rows = self.given.rows
        new, changed = ahead.copy(), np.zeros(len(rows), np.bool_)
        late = np.flatnonzero(~ahead)
        if len(late):
            places, stored = await ingest_sql.find_present(self.raw, rows.take(late))
            new[late] = True
            present = late[places]
            new[present] = False
            changed[present] = stored.differs_from(rows.take(present))
        return new, changed

    async def _partners(self) -> Partners:
        """Related valid values of the batch itself, or else those that are stored."""
        rows = self.given.rows
        found = []
        for number, side, own, other in relations_of(rows, self.known):
            values = partner_values(rows, own, other)
            alone = np.flatnonzero((rows.property == own) & np.isnan(values))
            if len(alone):
                asked = replace(rows.take(alone), property=np.full(len(alone), other, np.int16))
                places, stored = await ingest_sql.find_present(self.raw, asked)
                values[alone[places]] = np.where(stored.quality == VALID, stored.value, np.nan)
            found.append((number, side, values))
        return Partners(tuple(found))

    async def _follow_up(
        self, written: Mask, flags: NDArray[np.int16], equal_values: NDArray[np.int64]
    ) -> None:
        """Bring up to date what is made of the rows that were written."""
        given, raw = self.given, self.raw
        ends = given.ends
        newest = written[ends] & (given.rows.time[ends] >= self.stored.time)
        latest = ingest_sql.latest_columns(given, flags, equal_values, newest)
        days = _days(given.rows.take(written), self.known.zone)
        await ingest_sql.follow_up(
            raw, latest, days, _changes(given, written), received=self.received
        )


def _count(
    given: Sorted, new: Mask, changed: Mask, part: NDArray[np.intp], parts: int
) -> list[list[int]]:
    """For each part, how many of its rows were new, there already, or revised another.

    The rows of one key count as if they had come one by one.
    """
    written = (new | changed)[given.key]
    accepted = given.opens & new[given.key]
    revised = (given.opens & changed[given.key]) | (given.differs & written)
    columns = [
        np.bincount(part, which, parts) for which in (accepted, ~(accepted | revised), revised)
    ]
    counts: list[list[int]] = np.stack(columns, axis=1).astype(np.int64).tolist()
    return counts


async def _beside(size: int, work: Callable[[], Found]) -> Found:
    """Do the work: in a thread when there is much of it."""
    return await asyncio.to_thread(work) if size > INLINE_ROWS else work()


def _months(times: Times, clock: Clock) -> list[date]:
    """The months some times fall in, of those that can be stored."""
    months = np.unique(times[~np.isnat(times)].astype("datetime64[M]"))
    first, last = (np.datetime64(f"{end:%Y-%m}", "M") for end in (EARLIEST, clock.latest))
    kept = months[(months >= first) & (months <= last)]
    return [month.astype(date) for month in kept.astype("datetime64[D]")]


def _days(rows: ResolvedRows, zone: ZoneInfo) -> ingest_sql.Columns:
    """The days of a zone that rows in the order of series and time fall on, by series."""
    slots, slot_of = np.unique(rows.time // SLOT_US, return_inverse=True)
    day_of_slot = np.array(
        [moment(slot * SLOT_US).astimezone(zone).date().toordinal() for slot in slots.tolist()]
    )
    columns = rows.station, rows.property, day_of_slot[slot_of]
    begins = np.ones(len(rows), np.bool_)
    begins[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    stations, properties, days = (column[begins].tolist() for column in columns)
    return [stations, properties, [date.fromordinal(day) for day in days]]


def _changes(given: Sorted, written: Mask) -> ingest_sql.Columns:
    """Each series in which something was written, with the first and last time of that."""
    rows, series = given.rows.take(written), given.series[written]
    _, first = np.unique(series, return_index=True)
    last = np.append(first[1:], len(series)) - 1
    columns = (rows.station[first], rows.property[first], rows.time[first], rows.time[last])
    return [column.tolist() for column in columns]
