"""Write everything of a plan into one file."""

import asyncio
from pathlib import Path

from fastapi import Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.db.indicators.plan_indicators import PlanSeen
from shanhai.db.plan_packages.export import (
    PackageContents,
    drawn,
    read_contents,
    read_lines,
    read_shapes,
    shown_columns,
)
from shanhai.db.plan_packages.layout import (
    DOCUMENTS,
    LAYERS,
    Holding,
    about,
    by_table,
    in_order,
    member_of,
)
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict, Forbidden, NotFound, Unauthenticated
from shanhai_api.exports import Pump, written_file
from shanhai_api.kit.state import ServiceState

ZIP = "application/zip"
LINES_AT_ONCE = 200
STORAGE_EPSG = 4490
Members = list[tuple[str, Path]]


def demand_insider(caller: Identity, plan: PlanSeen) -> None:
    """Refuse who does not see the drafts of every region of the plan: the package has them all.

    Raises:
        Unauthenticated, Forbidden: they may not.
    """
    if caller.anonymous:
        raise Unauthenticated(
            "the package of a plan needs an identity", message_zh="下载规划包需要身份"
        )
    viewer, regions = caller.viewer, set(plan.regions)
    if plan.region is not None:
        regions.add(plan.region.id)
    if viewer.sees_all or (regions and regions <= (viewer.regions or frozenset())):
        return
    raise Forbidden(
        "a package holds drafts, money and documents as well: it needs a role that sees them in"
        " every region of the plan",
        message_zh="规划包含草案、资金与文件：须在规划的每个区域具有可查看它们的角色",
    )


async def respond_package(state: ServiceState, plan: PlanSeen, act: Act) -> Response:
    """The package of a plan."""

    async def write(path: Path) -> None:
        sha256 = await _write(state, plan.id, path)
        async with state.unit() as unit:
            record(
                unit.session,
                act,
                "export",
                table="plan",
                object_id=plan.code,
                after={"package": {"sha256": sha256}},
            )

    return await written_file(state, f"{plan.code}.zip", ZIP, {}, write)


async def _write(state: ServiceState, plan_id: int, path: Path) -> str:
    # Only who asks for a package pays for these libraries.
    from shanhai.storage.reproducible_zip import write_package

    folder = path.parent / "parts"
    await asyncio.to_thread(folder.mkdir)
    async with state.reading() as session:
        connection = await session.connection(
            execution_options={"isolation_level": "REPEATABLE READ"}
        )
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '120s'"))
        contents = await read_contents(session, plan_id)
        members = [
            await _write_rows(session, holding, contents, folder)
            for holding in in_order()
            if contents.rows.get(holding.table)
        ]
        members += await _documents(session, contents, state)
        if drawn(contents):
            await _write_layers(session, contents, folder / LAYERS)
            members.append((LAYERS, folder / LAYERS))
    return await asyncio.to_thread(write_package, path, about(contents.plan), members)


async def _write_rows(
    session: AsyncSession, holding: Holding, contents: PackageContents, folder: Path
) -> tuple[str, Path]:
    target = folder / f"{holding.table}.json"
    with target.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[\n")
        waiting: list[str] = []
        first = True
        async for line in read_lines(session, holding, contents):
            waiting.append(line if first else f",\n{line}")
            first = False
            if len(waiting) == LINES_AT_ONCE:
                await asyncio.to_thread(file.writelines, waiting)
                waiting = []
        file.writelines([*waiting, "\n]\n"])
    return member_of(holding), target


async def _documents(
    session: AsyncSession, contents: PackageContents, state: ServiceState
) -> Members:
    """The files of the documents, where they are kept."""
    table = by_table()["document"].table
    query = text(
        f"SELECT DISTINCT ON (sha256) sha256, uri, code FROM {table}"  # noqa: S608 - a constant
        " WHERE id = ANY(:ids) ORDER BY sha256, id"
    )
    rows = await session.execute(query, {"ids": contents.rows.get(table, [])})
    found: Members = []
    for sha256, uri, code in rows:
        try:
            found.append((f"{DOCUMENTS}/{sha256}", state.store.local_path(uri)))
        except NotFound:
            raise Conflict(
                f"the file of the document {code!r} is not in the store any more",
                message_zh=f"文件 {code!r} 的内容已不在存储中",
            ) from None
    return found


async def _write_layers(session: AsyncSession, contents: PackageContents, path: Path) -> None:
    from shanhai.vector.gdal import write_layers
    from shanhai.vector.tables import FeatureColumn, FeatureTable

    loop = asyncio.get_running_loop()
    for holding in drawn(contents):
        blocks = read_shapes(session, holding, contents)
        pump = Pump(blocks, loop)
        columns = tuple(FeatureColumn(name, kind) for name, kind in shown_columns(holding))
        table = FeatureTable(holding.table, columns, pump.blocks(), "Unknown", STORAGE_EPSG)
        try:
            await asyncio.to_thread(write_layers, path, [table])
        finally:
            pump.stopped = True
