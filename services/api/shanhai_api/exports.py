"""Selections as files: the format that is asked for, the file written, and sent.

The file is finished before the first byte leaves: what goes wrong is told with a status, a slow
client holds no transaction, and memory stays that of a block of rows.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from shanhai.db.collections.catalogue import collection_named, seen_by
from shanhai.db.features.crs import CRS84, WGS84
from shanhai.db.features.entity import Entity
from shanhai.db.features.export import Export, licences, reading_rows
from shanhai.db.features.statements import PLAIN
from shanhai.db.queries.audit import Act, RepeatedEvent, is_told, record
from shanhai.errors import InvalidInput, Unavailable
from shanhai.vector.formats import FILE_FORMATS, FileFormat
from shanhai_api.features import documents
from shanhai_api.features.parameters import parse_items_query, system_reader
from shanhai_api.kit.dependencies import act_of
from shanhai_api.kit.requests import Caller, preferred_type, request_id_of
from shanhai_api.kit.state import ServiceState, state_of
from shanhai_api.kit.view import GEOJSON, HTML, JSON, Format, View, format_named

ENCODINGS = ("UTF-8", "GBK")


@lru_cache(maxsize=256)
def file_formats(entity: Entity) -> tuple[FileFormat, ...]:
    """The formats of files that can hold an entity's rows."""
    spatial = entity.geometry is not None
    return tuple(item for item in FILE_FORMATS.values() if spatial or not item.spatial)


def file_format(request: Request, entity: Entity) -> FileFormat | None:
    """The format of an entity's files that is asked for; None for a page of JSON or HTML."""
    pages = (GEOJSON if entity.path is None else JSON, HTML)
    return file_format_among(request, file_formats(entity), pages)


def file_format_among(
    request: Request, offered: Sequence[FileFormat], pages: Sequence[Format]
) -> FileFormat | None:
    """The format named by `f`, or by a media type in `Accept`; None when it is no file's.

    Raises:
        InvalidInput: `f` names neither a format of files nor one of pages.
    """
    wanted = request.query_params.get("f")
    if wanted is not None:
        known: tuple[Format | FileFormat, ...] = (*pages, *offered)
        chosen = format_named(wanted, known)
        return chosen if isinstance(chosen, FileFormat) else None
    accepted = preferred_type(request)
    return next((item for item in offered if item.accepted == accepted), None)


def asked_encoding(request: Request, chosen: FileFormat) -> tuple[str | None, QueryParams]:
    """The encoding asked for, and the other parameters.

    Raises:
        InvalidInput: it is unknown, or the format has but one.
    """
    query = request.query_params
    encoding = query.get("encoding")
    if encoding is None:
        return None, query
    if chosen.name != "shp" or encoding.upper() not in ENCODINGS:
        raise InvalidInput(
            "encoding is UTF-8 or GBK, and for f=shp only",
            message_zh="encoding 仅用于 f=shp，取值 UTF-8 或 GBK",
            pointer="encoding",
        )
    return encoding.upper(), QueryParams([p for p in query.multi_items() if p[0] != "encoding"])


BLOCK = 256 * 1024
WAIT_S = 10.0
PREFIX = "shanhai-export-"
HELD_S = 60.0
"""Seconds after which a file that is sent slowly keeps nobody else waiting."""
LEFT_S = 86400.0
DATUM = "CGCS2000 (EPSG:4490); WGS 84 has the same coordinates to within decimetres"
DEGREES_OF_84 = 4326
Block = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What is to be written, for whom, and how."""

    export: Export
    format: FileFormat
    encoding: str | None
    act: Act
    asked: dict[str, str]
    hides_code: bool = False


class FileOnce(Response):
    """A file that is removed with its folder when it was sent, or could not be."""

    def __init__(
        self, path: Path, media_type: str, headers: dict[str, str], undone: AsyncExitStack
    ) -> None:
        super().__init__(media_type=media_type, headers=headers)
        self._path, self._undone = path, undone
        self.headers["Content-Length"] = str(path.stat().st_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file block by block."""
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            with self._path.open("rb") as file:
                while block := await asyncio.to_thread(file.read, BLOCK):
                    await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await self._undone.aclose()


async def note_download(
    request: Request, caller: Caller, *, table: str, object_id: str, sha256: str
) -> None:
    """Keep in the audit log that a file that is not public was downloaded.

    Clients that read a file in parts ask many times: parts are told once an hour.
    """
    async with state_of(request).unit() as unit:
        act, about = Act(caller.owner, request_id_of(request)), {"sha256": sha256}
        parts = "range" in request.headers
        if parts and await is_told(unit.session, act, "download", table=table, object_id=object_id):
            return
        record(unit.session, act, "download", table=table, object_id=object_id, after=about)


def note_reading(request: Request, caller: Caller, entity: Entity, code: str | None = None) -> None:
    """Tell the audit log, once an hour, that somebody reads a collection that is not all public.

    A row for each read would be a flood; the lines of the service's log have each. What waits is
    written later, so that reading costs no statement.
    """
    if caller.anonymous or (entity.public == "true" and entity.published == "true"):
        return
    read = RepeatedEvent(caller.owner, "read", entity.table, code or entity.name)
    state_of(request).authenticator.tally.tell_hourly(read)


async def export_file(state: ServiceState, order: ExportOrder, headers: dict[str, str]) -> Response:
    """The file a request asks for.

    Raises:
        Unavailable: too many files are being written.
    """
    name = order.export.entity.name

    async def write(path: Path) -> None:
        rows, lost = await _write(state, order, path)
        async with state.unit() as unit:
            record(
                unit.session,
                order.act,
                "export",
                table=order.export.entity.table,
                object_id=name,
                after={
                    "format": order.format.name,
                    "rows": rows,
                    "query": order.asked,
                    **({"cut": dict(lost)} if lost else {}),
                },
            )

    return await written_file(
        state, f"{name}{order.format.suffix}", order.format.media_type, headers, write
    )


async def written_file(
    state: ServiceState,
    name: str,
    media_type: str,
    headers: Mapping[str, str],
    write: Callable[[Path], Awaitable[None]],
) -> Response:
    """A file called `name`, once `write` has written it.

    Raises:
        Unavailable: too many files are being written or sent.
    """
    try:
        await asyncio.wait_for(state.exports.acquire(), WAIT_S)
    except TimeoutError:
        raise Unavailable(
            "too many files are being written; try again shortly",
            message_zh="正在生成的导出文件过多，请稍后重试",
        ) from None
    held = [state.exports]

    def give_back() -> None:
        while held:
            held.pop().release()

    async with AsyncExitStack() as undone:
        undone.callback(give_back)
        folder = await asyncio.to_thread(_make_folder, state.configuration.artifacts.cache)
        undone.push_async_callback(asyncio.to_thread, shutil.rmtree, folder, ignore_errors=True)
        await write(folder / name)
        kept = undone.pop_all()
    asyncio.get_running_loop().call_later(HELD_S, give_back)
    disposition = f'attachment; filename="{name}"'
    told = {"Content-Disposition": disposition, "Cache-Control": "no-store", **headers}
    return FileOnce(folder / name, media_type, told, kept)


def _make_folder(cache: Path | None) -> Path:
    """A folder for one file, on a disk where there is one; what killed processes left goes."""
    place = cache or Path(tempfile.gettempdir())
    place.mkdir(parents=True, exist_ok=True)
    for left in place.glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - LEFT_S:
                shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))


async def _write(
    state: ServiceState, order: ExportOrder, path: Path
) -> tuple[int, Mapping[str, int]]:
    """Write the file in a thread that asks this loop for each block; the rows, what was cut."""
    async with state.reading() as session, reading_rows(session, order.export) as blocks:
        licence = "; ".join(await licences(session, order.export))
        pump = Pump(blocks, asyncio.get_running_loop())
        try:
            lost = await asyncio.to_thread(_write_in_thread, order, path, pump, licence)
        except Exception as error:
            # GDAL knows only that its source of rows has failed, not why.
            raise pump.error or error from None
        finally:
            pump.stopped = True
        return pump.rows, lost


def _write_in_thread(
    order: ExportOrder, path: Path, pump: "Pump", licence: str
) -> Mapping[str, int]:
    # Only who exports pays for these libraries.
    from shanhai.vector.shapefile import short_names
    from shanhai.vector.tables import FeatureColumn, FeatureTable, kind_of
    from shanhai.vector.writer import write_table

    entity, crs = order.export.entity, order.export.form.crs
    # Of all properties, so that a file of some of them is understood when it comes back.
    short = short_names([item.name for item in entity.properties])
    columns = tuple(
        FeatureColumn(item.name, kind_of(item.schema), item.title.zh, short[item.name])
        for item in order.export.properties
    )
    degrees_of_84 = crs.uri.endswith("CRS84") or order.format.only_degrees
    table = FeatureTable(
        entity.name,
        columns,
        pump.blocks(),
        geometry_type_of(entity),
        DEGREES_OF_84 if degrees_of_84 else crs.srid,
        {
            "datum": DATUM,
            "collection": entity.title.zh,
            **({"licence": licence} if licence else {}),
        },
        hides_code=order.hides_code,
    )
    return write_table(path, table, order.format.name, encoding=order.encoding)


class Pump:
    """Blocks read by a loop, asked for by a thread."""

    def __init__(self, source: AsyncIterator[Block], loop: asyncio.AbstractEventLoop) -> None:
        self._source = source
        self._loop = loop
        self.rows = 0
        self.stopped = False
        self.error: Exception | None = None

    def blocks(self) -> Iterator[Block]:
        """The blocks, in the thread."""
        while not self.stopped:
            block = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            if block is None:
                return
            self.rows += len(block)
            yield block
        raise InterruptedError("nobody waits for the file any more")

    async def _next(self) -> Block | None:
        try:
            return await anext(self._source, None)
        except Exception as error:
            self.error = error
            raise


def geometry_type_of(entity: Entity) -> str | None:
    """What files call the only type of geometry there is."""
    if entity.geometry is None:
        return None
    names = {
        "point": "Point",
        "multipoint": "MultiPoint",
        "linestring": "LineString",
        "multilinestring": "MultiLineString",
        "polygon": "Polygon",
        "multipolygon": "MultiPolygon",
    }
    return names.get((entity.geometry_type or "").removeprefix("geometry-"), "Unknown")


async def respond_archive(request: Request, view: View, caller: Caller) -> Response:
    """The occurrences of a selection as a Darwin Core Archive, masked as the caller reads them.

    Raises:
        InvalidInput: a parameter is malformed.
    """
    # What archives are read with takes a while to load.
    from shanhai.vector.darwin_core import write_archive

    _refuse_paging(request.query_params, "f", "crs")
    entity = seen_by(collection_named("occurrences"), caller.viewer)
    query = parse_items_query(entity, request.query_params, system=system_reader(request))
    limit = query.limit if "limit" in request.query_params else None
    export = Export(entity, query.selection(caller.viewer), PLAIN, query.ask.order, limit)
    base, state = view.url(documents.collections_path(entity, "items")), state_of(request)
    about = {
        "title": entity.title.zh,
        "creator": view.base,
        "address": base,
        "day": datetime.now(UTC).date().isoformat(),
    }

    async def write(path: Path) -> None:
        lines = path.with_suffix(".txt")
        rows = await _write_lines(state, export, base, lines)
        await asyncio.to_thread(write_archive, path, lines, about)
        async with state.unit() as unit:
            record(
                unit.session,
                act_of(caller, view),
                "export",
                table=entity.table,
                object_id=entity.name,
                after={"format": "dwca", "rows": rows, "query": dict(request.query_params)},
            )

    return await written_file(state, "occurrences.zip", "application/zip", {}, write)


async def _write_lines(state: ServiceState, export: Export, base: str, lines: Path) -> int:
    """Write the lines of an archive, a block at a time; their number."""
    from shanhai.vector import darwin_core

    names, rows = ["shape", *(item.name for item in export.properties)], 0
    async with state.reading() as session, reading_rows(session, export) as blocks:
        with lines.open("w", encoding="utf-8", newline="") as file:
            file.write("\t".join(darwin_core.WRITTEN) + "\n")
            async for block in blocks:
                rows += len(block)
                for row in block:
                    told = darwin_core.record_of(dict(zip(names, row, strict=False)), base)
                    file.write(darwin_core.line_of(told))
    return rows


def _refuse_paging(params: QueryParams, *more: str) -> None:
    for name in ("cursor", "offset", *more):
        if name in params:
            raise InvalidInput(
                f"{name} belongs to pages; this file has the whole selection in one form",
                message_zh=f"{name} 仅用于分页；此文件以同一形式包含全部所选内容",
                pointer=name,
            )


async def respond_file(
    request: Request,
    view: View,
    caller: Caller,
    entity: Entity,
    chosen: FileFormat,
    bound: Mapping[str, str] | None = None,
) -> Response:
    """All of a selection as a file, or as many as `limit` says.

    Raises:
        InvalidInput: a parameter is malformed, or makes no sense for a whole file.
    """
    encoding, params = asked_encoding(request, chosen)
    _refuse_paging(params)
    entity = seen_by(entity, caller.viewer)
    query = parse_items_query(entity, params, bound, system_reader(request))
    crs = query.ask.form.crs
    if chosen.only_degrees and crs.srid != WGS84 and crs != CRS84:
        raise InvalidInput(
            f"{chosen.name} has longitude and latitude on WGS 84 only",
            message_zh=f"{chosen.name} 仅支持 WGS 84 经纬度",
            pointer="crs",
        )
    limit = query.limit if "limit" in params else None
    form, asked, hides_code = query.ask.form, dict(request.query_params), False
    if chosen.name == "geojsonseq" and form.members is not None:
        hides_code = "code" not in form.members
        form = replace(form, members=form.members | {"code"})
    export = Export(entity, query.selection(caller.viewer), form, query.ask.order, limit)
    order = ExportOrder(export, chosen, encoding, act_of(caller, view), asked, hides_code)
    headers = documents.content_crs(crs) if entity.geometry is not None else {}
    return await export_file(state_of(request), order, dict(headers))
