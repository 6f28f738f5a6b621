"""Answer requests for observations: pages, features, files."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from fastapi import Request, Response

from shanhai.db.features.selection import Selection
from shanhai.db.identity import Viewer
from shanhai.db.observations import queries
from shanhai.db.observations.rollups import Rollup
from shanhai.db.queries.audit import record
from shanhai.errors import InvalidInput
from shanhai.vector.formats import FILE_FORMATS, FileFormat
from shanhai.vector.sources import point_wkb
from shanhai_api.exports import Pump, file_format_among, written_file
from shanhai_api.features.values import MAX_LIMIT
from shanhai_api.kit.dependencies import act_of
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.state import ServiceState, state_of
from shanhai_api.kit.view import GEOJSON, HTML, JSON, Link, View, choose_format
from shanhai_api.observations import asking, documents
from shanhai_api.observations.documents import STATISTICS, Row

if TYPE_CHECKING:
    from shanhai.vector.tables import Kind


Told = tuple[queries.SeenStation, Row]
COMMON: tuple[tuple[str, "Kind"], ...] = (("station", "text"), ("property", "text"))
VALUES: tuple[tuple[str, "Kind"], ...] = (
    *COMMON,
    *(("time", "moment"), ("value", "number"), ("unit", "text"), ("quality", "text")),
    *(("flags", "text"), ("received", "moment"), ("result_time", "moment")),
)
BUCKETS: tuple[tuple[str, "Kind"], ...] = (
    *COMMON,
    *(("time", "moment"), ("unit", "text")),
    *((name, "integer" if name == "count" else "number") for name in STATISTICS),
)


async def respond_file(
    view: View,
    caller: Caller,
    chosen: FileFormat,
    rows: AsyncIterator[Sequence[Told]],
    question: asking.Question,
) -> Response:
    """All rows as a file; who took it is in the audit log."""
    state = state_of(view.request)
    columns = VALUES if question.every is None else BUCKETS

    async def write(path: Path) -> None:
        pump = Pump(_blocks(rows, columns), asyncio.get_running_loop())
        try:
            await asyncio.to_thread(_write, path, chosen, columns, pump)
        finally:
            pump.stopped = True
        async with state.unit() as unit:
            record(
                unit.session,
                act_of(caller, view),
                "export",
                table="observation",
                object_id="observations",
                after={"format": chosen.name, "rows": pump.rows, "query": dict(question.kept)},
            )

    return await written_file(state, f"observations{chosen.suffix}", chosen.media_type, {}, write)


async def _blocks(
    rows: AsyncIterator[Sequence[Told]], columns: Sequence[tuple[str, "Kind"]]
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    places: dict[int, bytes | None] = {}
    async for block in rows:
        for station, _ in block:
            if station.id not in places:
                places[station.id] = point_wkb(station.longitude, station.latitude)
        if block:
            yield [
                [places[station.id], *(_cell(row.get(name)) for name, _ in columns)]
                for station, row in block
            ]


def _cell(value: Any) -> Any:
    return ";".join(value) if isinstance(value, list) else value


def _write(
    path: Path, chosen: FileFormat, columns: Sequence[tuple[str, "Kind"]], pump: Pump
) -> None:
    # Only who exports pays for these libraries.
    from shanhai.vector.tables import FeatureColumn, FeatureTable
    from shanhai.vector.writer import write_table

    named = tuple(FeatureColumn(name, kind) for name, kind in columns)
    write_table(path, FeatureTable("observations", named, pump.blocks(), "Point"), chosen.name)


FILES = tuple(FILE_FORMATS[name] for name in ("csv", "parquet"))
PAGES = (JSON, GEOJSON, HTML)
PATH = "/observations"
"""A row as it is shown, with its station."""


async def answer(
    state: ServiceState,
    request: Request,
    view: View,
    caller: Caller,
    query: asking.ObservationsQuery,
) -> Response:
    """What is asked for, in the format wished for.

    Raises:
        InvalidInput: a parameter is malformed, or names what is not known.
    """
    file_format = file_format_among(request, FILES, PAGES)
    chosen = JSON if file_format is not None else choose_format(request, PAGES)
    question = asking.read_question(query, ZoneInfo(state.configuration.database.timezone))
    series, known = await asking.find_series(state.quick, question, caller.viewer)
    reading = Reading(state, question, series, caller.viewer, known)
    if file_format is not None:
        _refuse_pages(question)
        return await respond_file(view, caller, file_format, reading.all(), question)
    rows, place = await reading.page()
    links = _links(view, question, place)
    if chosen is GEOJSON:
        features = [documents.feature(station, row) for station, row in rows]
        document = {"type": "FeatureCollection", "features": features, "links": links}
        return view.respond(document, formats=PAGES)
    return view.respond(
        {"observations": [row for _, row in rows], "links": links},
        template="observations.html",
        formats=PAGES,
        extra={
            "columns": documents.STATISTICS if question.every else (),
            "names": {
                known.code: known.name_zh if view.lang == "zh" else known.name_en
                for known in series.properties.values()
            },
        },
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows one question means.

    Attributes:
        known: Stations that were looked up so far.
    """

    state: ServiceState
    question: asking.Question
    series: queries.SeriesQuery
    viewer: Viewer
    known: dict[int, queries.SeenStation]

    async def page(self) -> tuple[list[Told], queries.SeriesPosition | None]:
        """A page, and the place behind which there is more."""
        size = self.question.page
        found: list[queries.Value | Rollup] = []
        async for block in self._blocks(size + 1, self.question.after):
            found += block
        last = found[size - 1] if len(found) > size else None
        return await self._told(found[:size]), None if last is None else _place(last)

    async def all(self) -> AsyncIterator[list[Told]]:
        """All rows, or as many as were asked for, in blocks."""
        async for block in self._blocks(self.question.limit, None):
            yield await self._told(block)

    async def _blocks(
        self, most: int | None, after: queries.SeriesPosition | None
    ) -> AsyncIterator[Sequence[queries.Value | Rollup]]:
        asked, series, every = self.state.quick, self.series, self.question.every
        if self.question.latest:
            async for block in self._latest(most, after):
                yield block
        elif every is None:
            async for values in queries.read_values(
                asked, series, self.state.store, most=most, after=after
            ):
                yield values
        else:
            async for buckets in queries.read_statistics(
                asked, series, every, most=most, after=after
            ):
                yield buckets

    async def _latest(
        self, most: int | None, after: queries.SeriesPosition | None
    ) -> AsyncIterator[Sequence[queries.Value | Rollup]]:
        left, place = most, after
        while left is None or left > 0:
            size = MAX_LIMIT + 1 if left is None else min(left, MAX_LIMIT + 1)
            block = await queries.read_latest(self.state.quick, self.series, most=size, after=place)
            yield block
            if len(block) < size:
                return
            place = _place(block[-1])
            left = None if left is None else left - len(block)

    async def _told(self, rows: Sequence[queries.Value | Rollup]) -> list[Told]:
        question, series = self.question, self.series
        values = [row for row in rows if isinstance(row, queries.Value)]
        formers = (
            await queries.read_former(self.state.quick, values) if question.revisions else None
        )
        now = datetime.now(UTC)
        await self._look_up({row.station_id for row in rows})
        found: list[Told] = []
        for row in rows:
            station = self.known.get(row.station_id)
            if station is None:  # it was deleted, or closed to the viewer, at this moment
                continue
            shown: dict[str, Any]
            if isinstance(row, Rollup):
                shown = documents.describe_bucket(series, station, row)
            elif question.latest:
                shown = documents.describe_latest(series, station, row, now, formers)
            else:
                shown = documents.describe_value(series, station, row, formers)
            found.append((station, shown))
        return found

    async def _look_up(self, stations: set[int]) -> None:
        """Get to know stations of rows: few of all that are asked for."""
        if unknown := stations - self.known.keys():
            selection = Selection(self.viewer)
            self.known.update(await queries.find_stations(self.state.quick, selection, ids=unknown))


def _place(row: queries.Value | Rollup) -> queries.SeriesPosition:
    at = row.starts_at if isinstance(row, Rollup) else row.at
    return queries.SeriesPosition(at, row.station_id, row.property_id)


def _refuse_pages(question: asking.Question) -> None:
    if question.after is not None or question.revisions:
        name, rest = ("cursor", "分页") if question.after is not None else ("revisions", "JSON")
        raise InvalidInput(
            f"{name} does not go with a file, which has the whole selection",
            message_zh=f"{name} 仅用于{rest}；文件包含全部所选内容",
            pointer=name,
        )


def _links(
    view: View, question: asking.Question, place: queries.SeriesPosition | None
) -> list[Link]:
    kept = {name: value for name, value in question.kept.items() if name != "f"}
    chosen = choose_format(view.request, PAGES)
    links = [
        view.link(
            PATH,
            "self" if one is chosen else "alternate",
            one.media_type,
            **{**kept, "f": one.name},
        )
        for one in PAGES
    ]
    if place is not None:
        cursor = asking.write_place(place, asking.made_for(question.kept))
        again = {**kept, "f": chosen.name, "cursor": cursor}
        links.append(view.link(PATH, "next", chosen.media_type, **again))
    return links
