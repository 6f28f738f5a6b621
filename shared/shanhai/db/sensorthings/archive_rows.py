"""Reads from the files of closed months what answers about Observations need of them.

A statement is run over the database first: it tells which entities there are that Observations
belong to, and the state of the archive. Rows of files that may belong into the answer are then
given to the statement as values, and it is run again.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.observations.archive_read import Filed
from shanhai.db.observations.partitions import stretch_of
from shanhai.db.observations.validation import microseconds
from shanhai.db.sensorthings.archive_filter import EVER, Need
from shanhai.db.sensorthings.operands import Composition
from shanhai.errors import LimitExceeded
from shanhai.monitoring.observation import NO_FEATURE, ObservedRows, series_keys
from shanhai.storage.artifacts import ArtifactStore

MOST_ROWS = 200_000
"""Rows of files one statement is given."""
COLUMNS: Mapping[str, str] = {
    "station_id": "s.station_id",
    "property_id": "s.property_id",
    "station_code": "st.station_code",
    "property_code": "op.code",
    "observed_code": "coalesce(op.variant_of, op.code)",
}
_MONTHS = text("SELECT month, uri FROM observation_archive ORDER BY month")


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
            plain = need.way == "all" and need.feature in {None, NO_FEATURE}
            if plain:
                self._spend(total)
            rows = await asyncio.to_thread(_read, filed.path(self._files), filed.keys, need)
            if not plain:
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


def _read(path: Path, keys: NDArray[np.int64], need: Need) -> ObservedRows:
    """Rows of a month's file."""
    from shanhai.vector.observation_file import RowFilter, first_rows, read_rows  # it loads pyarrow

    wanted = RowFilter(keys, need.start, need.end, feature=need.feature)
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
    of_edge = list(read_rows(path, RowFilter(keys, edge, edge + 1, feature=need.feature)))
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
