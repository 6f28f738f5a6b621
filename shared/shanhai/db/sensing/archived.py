"""What a statement about Observations needs of closed months, whose values are in files.

A statement is run over the database first: it tells which entities there are that Observations
belong to, and the state of the archive. Rows of files that may belong into the answer are then
given to the statement as values, and it is run again. As many as are wanted in an order by time or
by series are enough; where others must be looked at, all are, up to `MOST_ROWS`.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.observations.archived import Filed
from shanhai.db.observations.judging import microseconds
from shanhai.db.observations.stretches import stretch_of
from shanhai.db.sensing.compiler import ID, walked
from shanhai.db.sensing.expressions import Call, Constant, Expression, Path
from shanhai.db.sensing.identifiers import Key, series_key
from shanhai.db.sensing.model import DATASTREAM, KINDS, OBSERVATION, EntityKind
from shanhai.db.sensing.operands import Composition
from shanhai.db.sensing.options import SKIPTOKEN, Options, Place
from shanhai.db.sensing.tokens import refused
from shanhai.errors import LimitExceeded
from shanhai.monitoring.observed_rows import ObservedRows, series_keys
from shanhai.storage.artifacts import ArtifactStore

MOST_ROWS = 200_000
"""Rows of files one statement is given."""
TIME = Path(("phenomenonTime",))
OBSERVATIONS = OBSERVATION.plural
FLIPPED: Mapping[str, str] = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "eq": "eq"}
COLUMNS: Mapping[str, str] = {
    "station_id": "s.station_id",
    "property_id": "s.property_id",
    "station_code": "st.station_code",
    "property_code": "op.code",
}
EVER = (-(2**62), 2**62)
Way = Literal["all", "time", "each", "series"]
_MONTHS = text("SELECT month, uri FROM observation_archive ORDER BY month")


@dataclass(frozen=True, slots=True)
class Need:
    """Rows that may belong into an answer.

    Attributes:
        way: `all`; so many by `time`; so many of `each` series; so many in the order of `series`.
        number: How many, but for `all`.
        last: The last ones by time.
        key: What the columns of their series are.
        pairs: Their series by codes, where those are told one by one.
        start, end: From when to before when, in microseconds since 1970.
        behind: The series after which, in the order of series, they are.
    """

    way: Way
    number: int = 0
    last: bool = False
    key: Key | None = None
    pairs: tuple[tuple[str, str], ...] | None = None
    start: int = EVER[0]
    end: int = EVER[1]
    behind: tuple[int, int] | None = None


def needs_of(
    kind: EntityKind, options: Options, key: Key | None, rows: Sequence[Mapping[str, Any]]
) -> list[Need]:
    """What may be missing from an answer.

    Args:
        key: What columns of the rows must be.
        rows: The answer from the database alone.
    """
    if any(_looks_elsewhere(one) for one in _all_options(options)):
        return [Need("all")]
    needs = _of_set(options, key or {}, rows) if kind is OBSERVATION else []
    return [*needs, *_of_expanded(kind, options, rows)]


def _all_options(options: Options) -> Iterator[Options]:
    yield options
    for inner in options.expand.values():
        yield from _all_options(inner)


def _looks_elsewhere(options: Options) -> bool:
    """Whether a condition or an order speaks of Observations that something leads to."""
    trees = [ordering.by for ordering in options.orderby]
    if options.filter is not None:
        trees.append(options.filter)
    return any(
        isinstance(part, Path) and {OBSERVATIONS} & {*part.parts}
        for tree in trees
        for part in walked(tree)
    )


def _of_set(options: Options, key: Key, rows: Sequence[Mapping[str, Any]]) -> list[Need]:
    known, met = _conjuncts(options.filter)
    whole = {**known.key, **key}
    need = Need("all", key=whole, start=known.start, end=known.end)
    at = whole.get("observed_at")
    if isinstance(at, datetime):
        moment = microseconds(at.astimezone(UTC))
        need = replace(need, start=max(need.start, moment), end=min(need.end, moment + 1))
    order = _order(options)
    if not met or order is None or (options.count and options.filter is not None):
        return [need]
    number = options.top + options.skip + 1
    single = any({f"station_{by}", f"property_{by}"} <= whole.keys() for by in ("id", "code"))
    if order == "series" and not single:
        timed = (need.start, need.end) != EVER
        return [
            need if timed else _behind_series(replace(need, way="series", number=number), options)
        ]
    need = replace(need, way="time", number=number, last=order == "last")
    need = _narrowed(need, order, options, rows)
    return [need] if options.after is None else _behind_time(need, options.after, order)


def _behind_series(need: Need, options: Options) -> Need:
    if options.after is None:
        return need
    station, property_, at = (options.after[place] for place in range(3))
    with_place = replace(need, behind=(int(station), int(property_)))
    return replace(with_place, start=_time_of(at))


def _behind_time(need: Need, after: Place, order: str) -> list[Need]:
    """Leave out what was on the pages before; of the very time others may be left."""
    at = _time_of(after[2 if order == "series" else 0])
    of_then = replace(need, way="all", start=max(need.start, at), end=min(need.end, at + 1))
    if order == "last":
        return [of_then, replace(need, end=min(need.end, at))]
    return [of_then, replace(need, start=max(need.start, at + 1))]


def _narrowed(need: Need, order: str, options: Options, rows: Sequence[Mapping[str, Any]]) -> Need:
    """What is behind a full page does not matter."""
    if len(rows) < options.top + 1 or options.skip:
        return need
    at = _time_of(rows[-1]["place"][2 if order == "series" else 0])
    if order == "last":
        return replace(need, start=max(need.start, at))
    return replace(need, end=min(need.end, at + 1))


def _time_of(written: Any) -> int:
    try:
        return microseconds(datetime.fromisoformat(str(written)).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise refused(SKIPTOKEN, "is of another order", "与排序不符") from error


def _order(options: Options) -> str | None:
    """`first` or `last` by time, by `series` and time, or any other."""
    if not options.orderby:
        return "series"
    if len(options.orderby) > 1 or options.orderby[0].by != TIME:
        return None
    return "last" if options.orderby[0].descending else "first"


@dataclass(frozen=True, slots=True)
class _Known:
    key: Mapping[str, Any]
    start: int
    end: int


def _conjuncts(tree: Expression | None) -> tuple[_Known, bool]:
    """What a condition says of series and times, and whether that is all it says."""
    known, whole = _Known({}, EVER[0], EVER[1]), True
    for part in [] if tree is None else _parts(tree):
        found = _met(known, part)
        whole = whole and found is not None
        known = found or known
    return known, whole


def _parts(tree: Expression) -> Iterator[Expression]:
    if isinstance(tree, Call) and tree.name == "and":
        for part in tree.arguments:
            yield from _parts(part)
    else:
        yield tree


def _met(known: _Known, part: Expression) -> _Known | None:
    """What is known with one more condition; None if that says something else."""
    if not isinstance(part, Call) or part.name not in FLIPPED or len(part.arguments) != 2:
        return None
    left, right = part.arguments
    name = part.name
    if isinstance(left, Constant):
        left, right, name = right, left, FLIPPED[name]
    if not isinstance(left, Path) or not isinstance(right, Constant):
        return None
    if left == TIME and isinstance(right.value, datetime):
        at = microseconds(right.value.astimezone(UTC))
        start = {"gt": at + 1, "ge": at, "eq": at}.get(name, known.start)
        end = {"lt": at, "le": at + 1, "eq": at + 1}.get(name, known.end)
        return _Known(known.key, max(known.start, start), min(known.end, end))
    key = _key_of(left, right.value) if name == "eq" else None
    if key is None or any(known.key.get(one, value) != value for one, value in key.items()):
        return None
    return _Known({**known.key, **key}, known.start, known.end)


def _key_of(path: Path, value: object) -> Mapping[str, Any] | None:
    """What the id of something an Observation leads to says of its series."""
    *steps, last = path.parts
    kind = OBSERVATION
    for step in steps:
        link = kind.links.get(step)
        if link is None or link.many:
            return None
        kind = KINDS[link.target]
    if last not in ID or not isinstance(value, str):
        return None
    key = kind.parse(value)
    told = {*COLUMNS, "observed_at"}
    return None if key is None or not key.keys() <= told else key


def _of_expanded(
    kind: EntityKind, options: Options, rows: Sequence[Mapping[str, Any]]
) -> Iterator[Need]:
    for name, inner in options.expand.items():
        link = kind.links[name]
        target = KINDS[link.target]
        if target is OBSERVATION and rows:
            if any(OBSERVATIONS in below.expand for below in _all_options(inner)):
                yield Need("all")
                return
            yield _of_parents(kind, inner, [row["id"] for row in rows])
        found = [row["expanded"][name] for row in rows]
        below = [
            row for one in found for row in (one["rows"] if link.many else [one] if one else [])
        ]
        yield from _of_expanded(target, inner, below)


def _of_parents(kind: EntityKind, options: Options, ids: Iterable[str]) -> Need:
    """The Observations of Datastreams, or of Features of interest."""
    known, met = _conjuncts(options.filter)
    need = Need("all", start=known.start, end=known.end)
    if kind is not DATASTREAM:
        pairs = tuple((station, "") for station in ids)
        return replace(need, pairs=pairs)
    keys = [key for key in (series_key(one) for one in ids) if key is not None]
    pairs = tuple((str(key["station_code"]), str(key["property_code"])) for key in keys)
    need, order = replace(need, pairs=pairs), _order(options)
    if not met or known.key or order is None or (options.count and options.filter is not None):
        return need
    number = options.top + options.skip + 1
    return replace(need, way="each", number=number, last=order == "last")


class Loading:
    """Reads what is needed from the files of closed months."""

    def __init__(
        self, session: AsyncSession, composition: Composition, files: ArtifactStore
    ) -> None:
        self._session, self._files = session, files
        self._stations = composition.stations()
        self._values = dict(composition.values)
        self._left = MOST_ROWS

    async def load(self, needs: Sequence[Need]) -> ObservedRows:
        """The rows, each once.

        Raises:
            LimitExceeded: they are too many.
            Unavailable: a file is missing.
        """
        months = [(row.month, row.uri) for row in await self._session.execute(_MONTHS)]
        parts = []
        for need in needs:
            if need.way == "series":
                parts += await self._by_series(need, months)
            else:
                parts += await self._load(need, months)
        return _once(ObservedRows.joined(parts))

    async def _load(self, need: Need, months: Sequence[tuple[date, str]]) -> list[ObservedRows]:
        parts: list[ObservedRows] = []
        number, counts = 0, dict[int, int]()
        for month, uri in reversed(months) if need.last else months:
            if not _overlaps(month, need):
                continue
            filed, total = await self._filed(need, month, uri)
            if need.way == "each":
                keys = [key for key in filed.keys.tolist() if counts.get(key, 0) < need.number]
                filed = replace(filed, keys=np.array(keys, np.int64))
            if not len(filed.keys):
                continue
            if need.way == "all":
                self._spend(total)
            rows = await asyncio.to_thread(_read, filed.path(self._files), filed.keys, need)
            if need.way != "all":
                self._spend(len(rows))
            parts.append(rows)
            number += len(rows)
            if need.way == "time" and number >= need.number:
                break
            for key, found in zip(*np.unique(rows.keys(), return_counts=True), strict=True):
                counts[int(key)] = counts.get(int(key), 0) + int(found)
        return parts

    async def _by_series(
        self, need: Need, months: Sequence[tuple[date, str]]
    ) -> list[ObservedRows]:
        """As many of the first series as surely have enough, and of each as many rows."""
        behind = need.behind or (-1, -1)
        where, values = self._where(replace(need, start=EVER[0]))
        query = text(
            "SELECT s.station_id, s.property_id, sum(s.number) AS number"  # noqa: S608
            f" FROM archived_series s {where} AND (s.station_id, s.property_id) > (:b1, :b2)"
            " GROUP BY 1, 2 ORDER BY 1, 2 LIMIT :most"
        )
        bound = {**values, "b1": behind[0], "b2": behind[1], "most": need.number}
        chosen, number = [], 0
        for row in (await self._session.execute(query, bound)).all():
            if number >= need.number:
                break
            chosen.append((row.station_id, row.property_id))
            number += int(row.number)
        each = replace(need, way="each", behind=None)
        parts: list[ObservedRows] = []
        if need.behind is not None:
            own = {"station_id": behind[0], "property_id": behind[1]}
            parts += await self._load(replace(each, key={**(need.key or {}), **own}), months)
        for station, property_ in chosen:
            own = {"station_id": station, "property_id": property_}
            later = replace(each, key={**(need.key or {}), **own}, start=EVER[0])
            parts += await self._load(later, months)
        return parts

    async def _filed(self, need: Need, month: date, uri: str) -> tuple[Filed, int]:
        """The series of a month that are needed, and how many rows of it they have."""
        where, values = self._where(need)
        query = text(
            "SELECT array_agg(s.station_id) AS stations, array_agg(s.property_id) AS properties,"  # noqa: S608
            f" coalesce(sum(s.number), 0) AS number FROM archived_series s {where}"
            " AND s.month = :month"
        )
        row = (await self._session.execute(query, {**values, "month": month})).one()
        keys = series_keys(np.array(row.stations or []), np.array(row.properties or []))
        return Filed(None, uri, np.sort(keys)), int(row.number)

    def _where(self, need: Need) -> tuple[str, dict[str, Any]]:
        """Which series are needed, of those the viewer may see."""
        values = dict(self._values)
        conditions = ["TRUE"]
        for name, column in COLUMNS.items():
            if need.key is not None and name in need.key:
                conditions.append(f"{column} = :k_{name}")
                values[f"k_{name}"] = need.key[name]
        if need.pairs is not None:
            conditions.append(
                "(st.station_code, CASE WHEN :whole THEN '' ELSE op.code END) IN"
                " (SELECT * FROM unnest(CAST(:codes AS text[]), CAST(:observed AS text[])))"
            )
            observed = [code for _, code in need.pairs]
            values["codes"] = [station for station, _ in need.pairs]
            values["observed"] = observed
            values["whole"] = not any(observed)
        joined = (
            f"JOIN ({self._stations}) st ON st.station_id = s.station_id"
            " JOIN observed_property op ON op.id = s.property_id"
        )
        return f"{joined} WHERE {' AND '.join(conditions)}", values

    def _spend(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise LimitExceeded(
                f"more than {MOST_ROWS} Observations of archived months would have to be looked"
                " at; name one Datastream and a shorter phenomenonTime",
                message_zh=f"需要查看的归档观测值超过 {MOST_ROWS} 条；"
                "请限定单个数据流和更短的 phenomenonTime 时段",
                pointer="$filter",
            )


def _overlaps(month: date, need: Need) -> bool:
    within = stretch_of(month)
    return microseconds(within.end) > need.start and microseconds(within.start) < need.end


def _read(path: FilePath, keys: NDArray[np.int64], need: Need) -> ObservedRows:
    """Rows of a month's file."""
    from shanhai.vector.observation_file import Wanted, first_rows, read_rows  # it loads pyarrow

    wanted = Wanted(keys, need.start, need.end)
    if need.way == "all":
        return ObservedRows.joined(list(read_rows(path, wanted)))
    if need.way == "each":
        return ObservedRows.joined(
            [_ends(rows, need.number, last=need.last) for rows in _series(read_rows(path, wanted))]
        )
    rows = first_rows(path, wanted, need.number, last=need.last)
    if not len(rows) or len(rows) < need.number:
        return rows
    # Of one time, others order series otherwise: all that have the time at the edge.
    edge = int(rows.time[0 if need.last else -1])
    of_edge = list(read_rows(path, Wanted(keys, edge, edge + 1)))
    return ObservedRows.joined([rows.take(rows.time != edge), *of_edge])


def _series(groups: Iterable[ObservedRows]) -> Iterator[ObservedRows]:
    """The rows of each series together; groups end anywhere."""
    waiting: list[ObservedRows] = []
    for rows in groups:
        keys = rows.keys()
        edges = [0, *(np.flatnonzero(keys[1:] != keys[:-1]) + 1).tolist(), len(rows)]
        for start, end in pairwise(edges):
            if waiting and waiting[0].keys()[0] != keys[start]:
                yield ObservedRows.joined(waiting)
                waiting = []
            waiting.append(rows.take(slice(start, end)))
    if waiting:
        yield ObservedRows.joined(waiting)


def _ends(rows: ObservedRows, number: int, *, last: bool) -> ObservedRows:
    return rows.take(slice(-number, None) if last else slice(number))


def _once(rows: ObservedRows) -> ObservedRows:
    order = np.lexsort((rows.time, rows.keys()))
    sorted_rows = rows.take(order)
    keys, time = sorted_rows.keys(), sorted_rows.time
    fresh = np.ones(len(rows), np.bool_)
    fresh[1:] = (keys[1:] != keys[:-1]) | (time[1:] != time[:-1])
    return sorted_rows.take(fresh)
