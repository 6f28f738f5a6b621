"""Observations as a file: a table with the place of the station beside each row."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely
from fastapi import Response

from shanhai.db.observations.queries import SeenStation
from shanhai.db.queries.audit import record
from shanhai.vector.formats import FileFormat
from shanhai_api.dependencies import act_of
from shanhai_api.exports.files import Pump, written_file
from shanhai_api.identity import Caller
from shanhai_api.observations.asking import Question
from shanhai_api.observations.documents import STATISTICS, Row
from shanhai_api.state import state_of
from shanhai_api.view import View

if TYPE_CHECKING:
    from shanhai.vector.tables import Kind

Told = tuple[SeenStation, Row]
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
    question: Question,
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
                places[station.id] = _place(station)
        if block:
            yield [
                [places[station.id], *(_cell(row.get(name)) for name, _ in columns)]
                for station, row in block
            ]


def _place(station: SeenStation) -> bytes | None:
    if station.longitude is None or station.latitude is None:
        return None
    place: bytes = shapely.Point(station.longitude, station.latitude).wkb
    return place


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
