"""Values that continue series which are remembered: stored by one statement, without a look before.

A process remembers of the series it stores to what their codes mean, their limits and their newest
value, each with the transaction that wrote the row it was read from. The statement stores only if
these rows are still those: what somebody else changed meanwhile is read anew, and nobody has to be
told of changes. What does more than continue such a series (late, revised, refused, of an unknown
code, of a closed month) is left to `ingest`, which does the same in more steps.
"""

import math
from collections import ChainMap
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
import structlog

from shanhai.db.engine import DATABASE_ERRORS, ConnectionStack
from shanhai.db.fence import NOTHING, bound_to
from shanhai.db.identity import KeyStamp
from shanhai.db.observations.archive import OLD
from shanhai.db.observations.code_lookup import STATION_STARTS, KnownProperty, KnownStation
from shanhai.db.observations.ingest import IncomingBatch
from shanhai.db.observations.ingest_sql import AT, NEVER, US, arrays
from shanhai.db.observations.series import (
    LONGEST_RUN,
    Key,
    NewestValue,
    Partner,
    RememberedSeries,
    marks_of,
)
from shanhai.db.observations.validation import Clock, microseconds
from shanhai.monitoring.checks import RELATIONS, QualityFlag
from shanhai.monitoring.observation import (
    LARGEST,
    NO_FEATURE,
    VALID,
    Batch,
    BatchOutcome,
    FeedObservation,
    RefusedRows,
    quality_number,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MOST_ROWS = 500
"""Rows of more are stored in columns, which cost less each."""
MOST_SERIES = 50_000
"""Series that are remembered."""

_SIDES = [
    *((first, second, number, 0) for number, (first, second, _) in enumerate(RELATIONS)),
    *((second, first, number, 1) for number, (first, second, _) in enumerate(RELATIONS)),
]
_RELATED = ", ".join(
    f"('{own}', '{other}', {number}, {side})" for own, other, number, side in _SIDES
)
_NEWEST = (
    "{0}.xmin::text::bigint, CASE WHEN isfinite({0}.observed_at) THEN "
    + US.format("{0}.observed_at")
    + " END, {0}.value, {0}.quality, {0}.equal_values, {0}.hourly_spread"
)
_READ = f"""
  SELECT k.number, s.id, s.region_id, s.geom IS NULL, {STATION_STARTS},
         p.id, p.code, p.unit, p.moves, {US.format("p.raw_since")},
         CASE WHEN r.station_id IS NULL THEN p.low ELSE r.low END,
         CASE WHEN r.station_id IS NULL THEN p.high ELSE r.high END,
         CASE WHEN k.by_series AND d.conversion IS NOT NULL
              THEN coalesce(nullif(d.unit->>'symbol', ''), d.unit->>'name') END,
         s.xmin::text::bigint, p.xmin::text::bigint, r.xmin::text::bigint, d.xmin::text::bigint,
         {_NEWEST.format("l")},
         (SELECT json_agg(json_build_array(v.relation, v.side, q.id, q.xmin::text::bigint,
                                           {_NEWEST.format("o")}))
            FROM (VALUES {_RELATED}) AS v (own, other, relation, side)
            JOIN observed_property q ON q.code = v.other
            LEFT JOIN observation_latest o ON o.station_id = s.id AND o.property_id = q.id
           WHERE v.own = p.code)::text
    FROM unnest($1::text[], $2::text[], $3::bool[]) WITH ORDINALITY
           AS k (station, property, by_series, number)
    JOIN station s ON s.code = k.station AND s.deleted_at IS NULL
    JOIN LATERAL (
      SELECT c.*, c.xmin FROM observed_property c
       WHERE c.code = k.property
          OR NOT k.by_series AND (c.hj525 = k.property OR c.aliases && ARRAY[k.property])
       ORDER BY c.code = k.property DESC LIMIT 1) p ON NOT p.series_moved
    JOIN observation_latest l ON l.station_id = s.id AND l.property_id = p.id
    LEFT JOIN station_range r ON r.station_id = s.id AND r.property_id = p.id
    LEFT JOIN datastream d ON d.station_id = s.id AND d.property_id = p.id
"""  # noqa: S608 - constants of this code
_SOURCES = """
  SELECT kind, sender, id FROM observation_source
   WHERE (kind, sender) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
# Series are locked in their order, as everybody does.
_APPEND = f"""
  WITH given AS MATERIALIZED (
    SELECT *
      FROM unnest($1::text::int[], $2::text::smallint[], $3::text::xid[], $4::text::xid[],
                  $5::text::xid[], $6::text::xid[], $7::text::xid[], $8::text::bigint[],
                  $9::text::float8[], $10::text::smallint[], $11::text::smallint[],
                  $12::text::smallint[], $13::text::bigint[], $14::text::bigint[])
             AS k (station_id, property_id, newest, station, property, range, datastream, time,
                   value, quality, flags, equal_values, result, first)
  ), rows AS MATERIALIZED (
    SELECT k.*, {AT.format("k.time")} AS observed_at
      FROM unnest($15::text::int[], $16::text::smallint[], $17::text::bigint[],
                  $18::text::float8[], $19::text::int[], $20::text::smallint[],
                  $21::text::smallint[], $22::text::bigint[], $23::text::int[])
             AS k (station_id, property_id, time, value, source_id, quality, flags, result,
                   feature_id)
  ), held AS MATERIALIZED (
    SELECT l.station_id
      FROM given k
           JOIN observation_latest l USING (station_id, property_id)
           JOIN station s ON s.id = k.station_id
           JOIN observed_property p ON p.id = k.property_id
           LEFT JOIN station_range r
             ON r.station_id = k.station_id AND r.property_id = k.property_id
           LEFT JOIN datastream d
             ON d.station_id = k.station_id AND d.property_id = k.property_id
     WHERE l.xmin = k.newest AND s.xmin = k.station AND p.xmin = k.property
       AND r.xmin IS NOT DISTINCT FROM k.range AND d.xmin IS NOT DISTINCT FROM k.datastream
     ORDER BY l.station_id, l.property_id
       FOR UPDATE OF l
  ), ended AS MATERIALIZED (
    SELECT k.prefix FROM unnest($30::text::text[], $31::text::xid[]) AS k (prefix, stamp)
     WHERE (SELECT a.xmin = k.stamp AND coalesce(a.expires_at > now(), true)
              FROM api_key a WHERE a.prefix = k.prefix) IS NOT TRUE
  ), sure AS MATERIALIZED (
    SELECT 1
     WHERE (SELECT count(*) FROM held) = $29
       AND NOT EXISTS (
         SELECT FROM unnest($24::text::int[], $25::text::smallint[], $26::text::xid[],
                            $27::text::xid[]) AS k (station_id, property_id, newest, property)
           JOIN observed_property p ON p.id = k.property_id
           LEFT JOIN observation_latest l USING (station_id, property_id)
          WHERE l.xmin IS DISTINCT FROM k.newest OR p.xmin <> k.property)
       AND NOT EXISTS (SELECT FROM ended)
  ), added AS (
    INSERT INTO observation
      (observed_at, value, received_at, station_id, source_id, property_id, quality, flags,
       result_time, feature_id)
    SELECT k.observed_at, k.value, $28, k.station_id, k.source_id, k.property_id, k.quality,
           k.flags, {AT.format("k.result")}, k.feature_id
      FROM rows k, sure
  ), newest AS (
    UPDATE observation_latest l
       SET observed_at = {AT.format("k.time")}, value = k.value, quality = k.quality,
           flags = k.flags, equal_values = k.equal_values, received_at = $28,
           result_time = {AT.format("k.result")}
      FROM given k, sure
     WHERE l.station_id = k.station_id AND l.property_id = k.property_id
  ), due AS (
    INSERT INTO rollup_due (station_id, property_id, day)
    SELECT DISTINCT k.station_id, k.property_id, k.observed_at::date FROM rows k, sure
    ON CONFLICT DO NOTHING
  ), told AS (
    INSERT INTO observation_change (station_id, property_id, first_at, last_at)
    SELECT k.station_id, k.property_id, {AT.format("k.first")}, {AT.format("k.time")}
      FROM given k, sure
  )
  SELECT (SELECT pg_current_xact_id()::xid::text::bigint FROM sure) AS stamp,
         ARRAY(SELECT prefix FROM ended) AS ended
"""  # noqa: S608 - constants of this code
Address = tuple[str, str, bool]
"""Codes of station and property, and whether these are those of a Datastream."""


class AddedRow(NamedTuple):
    """A row of the table, its times in microseconds of UTC since 1970."""

    station: int
    property: int
    time: int
    value: float
    source: int
    quality: int
    flags: int
    result: int | None
    feature: int | None


@dataclass(slots=True)
class _Draft:
    """What one statement is to store.

    Attributes:
        first: When the first value of each series is, in microseconds since 1970.
        senders: The keys that were not looked at for this.
    """

    rows: dict[tuple[int, int, int], AddedRow] = field(default_factory=dict)
    series: dict[Key, RememberedSeries] = field(default_factory=dict)
    newest: dict[Key, NewestValue] = field(default_factory=dict)
    first: dict[Key, int] = field(default_factory=dict)
    senders: set[KeyStamp] = field(default_factory=set)


class Appender:
    """Appends to the series one process remembers.

    Args:
        connections: Whose statements keep one plan, whatever their values.
    """

    def __init__(self, connections: ConnectionStack, skew: timedelta) -> None:
        self._connections = connections
        self._skew = skew
        self._series: dict[Address, RememberedSeries] = {}
        self._newest: dict[Key, NewestValue] = {}
        self._sources: dict[tuple[str, str], int] = {}

    async def append(self, deliveries: Sequence[IncomingBatch]) -> list[BatchOutcome | None]:
        """Store the batches all of whose rows continue series; None for each that is left.

        Those of a station are stored in their order, all before those that are left. What is stored
        is durable.
        """
        left: list[BatchOutcome | None] = [None] * len(deliveries)
        if sum(len(one.batch) for one in deliveries) > MOST_ROWS:
            return left
        try:
            # Twice: what was remembered may be of a while ago.
            ended: set[str] = set()
            for _ in range(2):
                await self._learn(deliveries)
                draft, taken = self._draft(deliveries, ended)
                if not draft.rows:
                    return left
                gone = await self._write(draft)
                if gone is None:
                    return [
                        BatchOutcome(len(one.batch), 0, 0, RefusedRows())
                        if number in taken
                        else None
                        for number, one in enumerate(deliveries)
                    ]
                ended |= gone
                for one in () if gone else deliveries:
                    self._forget(one)
        except DATABASE_ERRORS as error:
            # A month without a table, or a lost connection: the others' way meets it again.
            log.info("observations not appended", error=type(error).__name__)
            self._series.clear()
        return left

    async def _learn(self, deliveries: Sequence[IncomingBatch]) -> None:
        """Read what is not remembered yet."""
        wanted = {
            address: None
            for delivery in deliveries
            for address in _addresses(delivery)
            if address not in self._series
        }
        if wanted:
            await self._read(list(wanted))
        sources = {one.source for one in deliveries} - self._sources.keys()
        if sources:
            found = await self._fetch(_SOURCES, *map(list, zip(*sources, strict=True)))
            self._sources |= {(row["kind"], row["sender"]): row["id"] for row in found}

    async def _read(self, wanted: Sequence[Address]) -> None:
        if len(self._series) + len(wanted) > MOST_SERIES:
            self._series.clear()
            self._newest.clear()
        columns = map(list, zip(*wanted, strict=True))
        for number, *told in await self._fetch(_READ, *columns):
            self._series[wanted[number - 1]] = self._remember(told)

    def _remember(self, told: Sequence[Any]) -> RememberedSeries:
        station, (own, code, unit, moves, since) = KnownStation(*told[:4]), told[4:9]
        low, high, symbol = told[9:12]
        observed = KnownProperty(own, code, unit, low, high, moves, since)
        partners = []
        for relation, side, other, stamp, *newest in orjson.loads(told[22] or "[]"):
            key = station.id, other
            partners.append(Partner(relation, side, key, stamp))
            self._newest[key] = _newest(newest)
        self._newest[station.id, own] = _newest(told[16:22])
        least, most = (math.nan if one is None else one for one in (low, high))
        stamps = told[12], told[13], told[14], told[15]
        return RememberedSeries(
            station, observed, symbol or "", least, most, stamps, tuple(partners)
        )

    def _draft(
        self, deliveries: Sequence[IncomingBatch], ended: Set[str]
    ) -> tuple[_Draft, set[int]]:
        """What can be appended, but for that of ended keys, and the numbers of its batches."""
        clock, draft = Clock(datetime.now(UTC), self._skew), _Draft()
        span = microseconds(clock.received - OLD), microseconds(clock.latest)
        taken: set[int] = set()
        blocked: set[str] = set()
        for number, one in enumerate(deliveries):
            stamp = one.sender.identity.stamp
            alive = stamp is None or stamp.prefix not in ended
            if alive and blocked.isdisjoint(one.stations) and self._take(draft, one, span):
                taken.add(number)
            else:
                # They are about to be others; and where the newest value was taken back, what is
                # remembered would be waited for.
                self._forget(one)
                blocked |= one.stations
        self._compare(draft)
        return draft, taken

    def _take(self, draft: _Draft, delivery: IncomingBatch, span: tuple[int, int]) -> bool:
        """Add all rows of a batch to the draft, or none."""
        rows, source = delivery.batch, self._sources.get(delivery.source)
        if isinstance(rows, Batch) or source is None or delivery.unread.number:
            return False
        own = _Draft()
        for row in rows:
            series = self._series.get((row.station, row.property, delivery.by_series))
            if series is None or not _admits(series, row, delivery):
                return False
            newest = ChainMap(own.newest, draft.newest, self._newest).get(series.key)
            if newest is None or not self._add(own, series, newest, row, source, span):
                return False
        draft.rows |= own.rows
        draft.series |= own.series
        draft.newest |= own.newest
        draft.first = own.first | draft.first
        stamp = delivery.sender.identity.stamp
        if stamp is not None:
            draft.senders.add(stamp)
        return True

    def _add(
        self,
        draft: _Draft,
        series: RememberedSeries,
        newest: NewestValue,
        row: FeedObservation,
        source: int,
        span: tuple[int, int],
    ) -> bool:
        """Add a row that continues its series; False where it does not, or may be unsound."""
        at, value = microseconds(row.time), series.value_of(row)
        if value is None or not abs(value) <= LARGEST:
            return False
        if not max(span[0], series.earliest, newest.time + 1) <= at <= span[1]:
            return False
        # Before the newest value of the other side there may be one of that very time.
        if any(self._newest[other.key].time > at for other in series.partners):
            return False
        key, quality = series.key, quality_number(row.quality)
        run = min(newest.equal_values + 1, LONGEST_RUN) if value == newest.value else 1
        draft.newest[key] = newest._replace(time=at, value=value, quality=quality, equal_values=run)
        flags = marks_of(series, newest, draft.newest[key])
        result = None if row.result_time is None else microseconds(row.result_time)
        feature = row.feature if row.feature > NO_FEATURE else None
        draft.rows[(*key, at)] = AddedRow(
            key[0], key[1], at, value, source, quality, flags, result, feature
        )
        draft.series[key] = series
        draft.first.setdefault(key, at)
        return True

    def _compare(self, draft: _Draft) -> None:
        """Mark rows that contradict a related value of their time, of the draft or stored."""
        for row in [*draft.rows.values()]:
            for relation, side, key, _ in draft.series[row.station, row.property].partners:
                other = draft.rows.get((*key, row.time), self._newest[key])
                sound = other.time == row.time and row.quality == other.quality == VALID
                pair: Any = row.value, other.value
                if sound and RELATIONS[relation][2](*pair[:: -1 if side else 1]):
                    marked = row.flags | QualityFlag.INCONSISTENT
                    draft.rows[row.station, row.property, row.time] = row._replace(flags=marked)

    async def _write(self, draft: _Draft) -> set[str] | None:
        """Store a draft; where what is remembered is not so, nothing, but the keys that ended."""
        last = [draft.rows[(*key, draft.newest[key].time)] for key in draft.series]
        series = [
            (
                *key,
                draft.newest[key].stamp,
                *one.stamps,
                row.time,
                row.value,
                row.quality,
                row.flags,
                draft.newest[key].equal_values,
                row.result,
                draft.first[key],
            )
            for (key, one), row in zip(draft.series.items(), last, strict=True)
        ]
        partners = {
            (*other.key, self._newest[other.key].stamp, other.stamp): None
            for one in draft.series.values()
            for other in one.partners
        }
        columns = (
            *zip(*series, strict=True),
            *zip(*draft.rows.values(), strict=True),
            *(zip(*partners, strict=True) if partners else ((),) * 4),
        )
        now, senders = datetime.now(UTC), zip(*draft.senders, strict=True)
        stamps = arrays(senders if draft.senders else ((), ()))
        found = await self._fetch(_APPEND, *arrays(columns), now, len(series), *stamps)
        stamp, gone = found[0]
        if stamp is None:
            return {*gone}
        self._newest |= {key: one._replace(stamp=stamp) for key, one in draft.newest.items()}
        return None

    def _forget(self, delivery: IncomingBatch) -> None:
        """Read the series of a batch anew when they are stored to again."""
        for address in _addresses(delivery):
            self._series.pop(address, None)

    async def _fetch(self, sql: str, *values: object) -> Sequence[Any]:
        # What callers may see and write is not bound: these tables have no fence.
        with bound_to(NOTHING):
            return await self._connections.fetch(sql, values)


def _addresses(delivery: IncomingBatch) -> Iterator[Address]:
    rows = delivery.batch
    if not isinstance(rows, Batch):
        for row in rows:
            yield row.station, row.property, delivery.by_series


def _admits(series: RememberedSeries, row: FeedObservation, delivery: IncomingBatch) -> bool:
    """Whether a row may come from its sender, and is of something that has a place if need be."""
    placed = not (delivery.by_series and series.station.placeless) or row.feature > NO_FEATURE
    return placed and series.station.open_to(delivery.sender.identity)


def _newest(told: Sequence[Any]) -> NewestValue:
    stamp, at, value, quality, equal_values, spread = told
    if at is None:
        return NewestValue(stamp, NEVER, math.nan, VALID, equal_values or 0, math.nan)
    return NewestValue(
        stamp, at, value, quality, equal_values, math.nan if spread is None else spread
    )
