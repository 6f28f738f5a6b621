"""What is done with the indicators of plans, and who may do it; plans checked on request."""

import asyncio
from collections.abc import Callable, Mapping, Set
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from fastapi import Response
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.indicators import PLAN_INDICATORS
from shanhai.db.collections.plans import PLANS
from shanhai.db.engine import LONG_PAUSES
from shanhai.db.features.selection import Selection
from shanhai.db.features.sql_write import ids_of
from shanhai.db.identity import Identity, demand_role, demand_scopes, editing_of
from shanhai.db.indicators import plan_indicators
from shanhai.db.indicators.evaluation import EvaluationScope, store_snapshot
from shanhai.db.indicators.plan_indicators import PlanSeen
from shanhai.db.indicators.targets import (
    Rewriting,
    StatedFigure,
    state_of_targets,
    state_targets,
)
from shanhai.db.indicators.values import REPORTING_SCOPES, VALUE_ROLES, NewValue, add_value
from shanhai.db.plan_packages import export, layout
from shanhai.db.proposals.queries import about_target
from shanhai.db.quality.findings import check_and_keep
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.plan import Plan
from shanhai.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from shanhai.reporting import blocks
from shanhai.reporting.pages import can_write_pdf, missing_pdf_warning
from shanhai.reporting.plan_evaluation import Stamp, write_csv, write_docx
from shanhai.vocabulary import Role
from shanhai_api.exports import Pump, written_file
from shanhai_api.features.operations import read_item
from shanhai_api.kit.answers import Answer, Document
from shanhai_api.kit.dependencies import WriteContext
from shanhai_api.kit.state import ServiceState
from shanhai_api.kit.view import CSV, DOCX, PDF, Format, View, choose_format, digest_of
from shanhai_api.plans import judged_models, pages
from shanhai_api.plans.models import IndicatorTargets, PlanChecked, ValueRecorded, indicator_path
from shanhai_api.plans.schemas import EvaluationBody, TargetsBody, ValueBody

Shown = TypeVar("Shown", bound=Document)
EVALUATION_ROLES = frozenset({Role.SUPERVISOR, Role.PLANNER, Role.APPROVER, Role.ANALYST})
PLANNING_TIME = timezone(timedelta(hours=8))
"""Years of plans begin and end in China."""


def this_year() -> int:
    """The present year where the plans are made."""
    return datetime.now(PLANNING_TIME).year


def year_of(as_of: date | None) -> int:
    """The year of a day, without one the present one."""
    return this_year() if as_of is None else as_of.year


async def find_listed(
    session: AsyncSession, caller: Identity, plan: str, indicator: str, as_of: date | None = None
) -> tuple[plan_indicators.PlanSeen, plan_indicators.Listed]:
    """A plan the caller may know of, and an indicator of it; with `as_of` as on that day."""
    seen = await plan_indicators.find_plan(session, plan, caller.viewer, as_of)
    return seen, await plan_indicators.find_indicator(session, seen, indicator)


async def rewrite_targets(
    write: WriteContext,
    what: tuple[str, str, str | None],
    body: TargetsBody,
    expected: frozenset[str] | None,
) -> Answer[IndicatorTargets]:
    """State the figures of an indicator of a plan in a region; `what` is their codes."""
    editing = PLAN_INDICATORS.editing
    if editing is None:
        raise LookupError("nobody edits the indicators of plans")
    session, caller = write.session, write.caller
    demand_scopes(caller, editing.scopes)
    plan, indicator, region = what
    seen, listed = await find_listed(session, caller, plan, indicator)
    place = await plan_indicators.find_place(session, seen, region, pointer="region")
    demand_role(caller, editing.roles, place.id)
    rewriting = Rewriting(seen, listed, place, write.act, body.reason)
    figures = [StatedFigure(**dict(figure)) for figure in body.targets]
    rows = await state_targets(session, rewriting, figures, expected=expected)
    found = await about_target(session, caller.viewer, seen.id, listed.code, place.code)
    shown = IndicatorTargets.of(seen, listed, place, rows, found, write)
    return Answer(shown, state=state_of_targets(rows))


async def record_value(
    write: WriteContext, plan: str, indicator: str, body: ValueBody
) -> Answer[ValueRecorded]:
    """Record a value of an indicator; nothing that was recorded before is changed."""
    session, caller = write.session, write.caller
    demand_scopes(caller, REPORTING_SCOPES)
    seen, listed = await find_listed(session, caller, plan, indicator)
    place = await plan_indicators.find_place(session, seen, body.region, pointer="/region")
    demand_role(caller, VALUE_ROLES, place.id)
    _demand_past(body.year)
    new = NewValue(
        **body.model_dump(exclude={"region", "department", "dataset"}),
        party_id=await _party(session, body.department),
        dataset_id=await _dataset(session, caller, body.dataset),
    )
    row = await add_value(session, seen, listed, place, new, caller=caller, act=write.act)
    shown = ValueRecorded.of(
        row,
        listed,
        department=body.department,
        dataset=body.dataset,
        counts=True,
        indicator=listed.code,
        region=place.code,
    )
    asked = urlencode({"region": place.code, "year": row.year})
    return Answer(shown, location=f"{indicator_path(seen, listed)}/values?{asked}")


async def store_evaluation(
    write: WriteContext, plan: str, body: EvaluationBody
) -> Answer[judged_models.StoredEvaluation]:
    """Store the evaluation of a year as it is now."""
    session, caller = write.session, write.caller
    demand_scopes(caller, REPORTING_SCOPES)
    seen = await plan_indicators.find_plan(session, plan, caller.viewer)
    place = await plan_indicators.find_place(session, seen, body.region, pointer="/region")
    demand_role(caller, EVALUATION_ROLES, place.id)
    _demand_past(body.year)
    asked = EvaluationScope(body.year, body.region, body.department)
    row = await store_snapshot(session, seen, asked, caller=caller, act=write.act)
    shown = judged_models.StoredEvaluation.of(seen, row, write)
    return Answer(shown, location=f"{judged_models.evaluations_path(seen)}/{row.code}")


async def show_table(
    view: View, document: Shown, content: Mapping[str, Any], stamp: Stamp | None = None
) -> Answer[Shown] | Response:
    """An evaluation in the format asked for; `content` is what its table is made of."""
    chosen = choose_format(view.request, judged_models.TABLE_FORMATS)
    name = f"{content['plan']['code']}-{content['year']}"
    if chosen is CSV:
        return view.send(
            write_csv(content, view.lang),
            f"{CSV.media_type}; charset=utf-8",
            headers=attachment(f"{name}.csv"),
        )
    if chosen is DOCX:
        made = await asyncio.to_thread(write_docx, content, view.lang, stamp)
        # The file holds the time it was made; the tag must not.
        version = digest_of(repr((content, view.lang, stamp)).encode())
        headers = attachment(f"{name}.docx")
        return view.send(made, DOCX.media_type, headers=headers, version=version)
    return Answer(
        document, page=pages.judged_page(view, content, *judged_models.TABLE_FORMATS, stamp=stamp)
    )


async def send_document(
    view: View, chosen: Format, make: Callable[[], blocks.Pages], title: str, name: str
) -> Response:
    """A document as PDF or for word processors, as a file of a name.

    Raises:
        Unavailable: PDF is asked for where it cannot be written.
    """
    if chosen is PDF and not can_write_pdf():
        missing = missing_pdf_warning().text
        raise Unavailable(missing.en, message_zh=missing.zh)

    def write() -> bytes:
        pages = make()
        return blocks.pdf_of(pages) if chosen is PDF else blocks.word_of(pages, title, "Shanhai")

    made = await asyncio.to_thread(write)
    return view.send(made, chosen.media_type, headers=attachment(f"{name}.{chosen.name}"))


def attachment(name: str) -> dict[str, str]:
    """The header of a file to be kept, whatever letters its name has."""
    safe = "".join(letter if letter.isascii() and letter not in '"\\' else "_" for letter in name)
    return {"Content-Disposition": f'attachment; filename="{safe}"'}


def _demand_past(year: int) -> None:
    if year > this_year():
        raise InvalidInput(
            "the year has not begun yet", message_zh="该年份尚未开始", pointer="/year"
        )


async def _party(session: AsyncSession, code: str | None) -> int | None:
    return (
        None
        if code is None
        else await plan_indicators.find_party(session, code, pointer="/department")
    )


async def _dataset(session: AsyncSession, caller: Identity, code: str | None) -> int | None:
    if code is None:
        return None
    found = await ids_of(session, "datasets", [code], caller.viewer)
    if code not in found:
        raise InvalidInput(
            f"there is no dataset {code!r}", message_zh=f"没有数据集 {code!r}", pointer="/dataset"
        )
    return found[code]


async def check_again(write: WriteContext, plan: str) -> PlanChecked:
    """Check a plan, by someone who may write it.

    Raises:
        NotFound: there is no such plan, or none the caller may know of.
        Unauthenticated: no identity was given.
        Forbidden: the identity may not write plans, or not this one.
    """
    session, caller = write.session, write.caller
    editing = editing_of(PLANS, caller, "update")
    row = await read_item(session, PLANS, Selection(caller.viewer, code=plan))
    own, *others = await _regions(session, row.key)
    if not any(caller.acts_as(editing.roles, region) for region in others):
        demand_role(caller, editing.roles, own)
    checked = await check_and_keep(session, row.key)
    after = {"found": checked.found, "changed": checked.changed}
    record(session, write.act, "check", table="plan", object_id=plan, after=after)
    return PlanChecked(plan=plan, **after)


async def _regions(session: AsyncSession, plan_id: int) -> list[int | None]:
    """The region of a plan, and those that make it together."""
    query = select(Plan.region_id, Plan.region_ids).where(Plan.id == plan_id)
    row = (await session.execute(query)).one()
    return [row.region_id, *row.region_ids]


ZIP = "application/zip"
LINES_AT_ONCE = 200
STORAGE_EPSG = 4490
Members = list[tuple[str, Path]]


def demand_insider(caller: Identity, plan: PlanSeen, others: Set[int] = frozenset()) -> None:
    """Refuse who does not see the drafts of every region of the plan, and of others it lies in.

    Raises:
        Unauthenticated, Forbidden: they may not.
    """
    if caller.anonymous:
        raise Unauthenticated(
            "the package of a plan needs an identity", message_zh="下载规划包需要身份"
        )
    viewer, regions = caller.viewer, plan.region_ids | others
    if viewer.sees_all or (regions and regions <= (viewer.regions or frozenset())):
        return
    raise Forbidden(
        "a package holds drafts, money and documents as well: it needs a role that sees them in"
        " every region of the plan, and in every other region in which what the plan holds lies",
        message_zh="规划包含草案、资金与文件：须在规划的每个区域及其内容所在的每个其他区域具有可查看它们的角色",
    )


async def respond_package(state: ServiceState, by: Identity, plan: PlanSeen, act: Act) -> Response:
    """The package of a plan, for who sees the drafts wherever what it holds lies."""

    async def write(path: Path) -> None:
        sha256 = await _write(state, by, plan, path)
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


async def _write(state: ServiceState, by: Identity, plan: PlanSeen, path: Path) -> str:
    # Only who asks for a package pays for these libraries.
    from shanhai.storage.reproducible_zip import write_package

    folder = path.parent / "parts"
    await asyncio.to_thread(folder.mkdir)
    async with state.reading() as session:
        connection = await session.connection(
            execution_options={"isolation_level": "REPEATABLE READ"}
        )
        await connection.execute(LONG_PAUSES)
        contents = await export.read_contents(session, plan.id)
        demand_insider(by, plan, await export.regions_of(session, contents))
        members = [
            await _write_rows(session, holding, contents, folder)
            for holding in layout.in_order()
            if contents.rows.get(holding.table)
        ]
        members += await _documents(session, contents, state)
        if export.drawn(contents):
            await _write_layers(session, contents, folder / layout.LAYERS)
            members.append((layout.LAYERS, folder / layout.LAYERS))
    return await asyncio.to_thread(write_package, path, layout.about(contents.plan), members)


async def _write_rows(
    session: AsyncSession, holding: layout.Holding, contents: export.PackageContents, folder: Path
) -> tuple[str, Path]:
    target = folder / f"{holding.table}.json"
    with target.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[\n")
        waiting: list[str] = []
        first = True
        async for line in export.read_lines(session, holding, contents):
            waiting.append(line if first else f",\n{line}")
            first = False
            if len(waiting) == LINES_AT_ONCE:
                await asyncio.to_thread(file.writelines, waiting)
                waiting = []
        file.writelines([*waiting, "\n]\n"])
    return layout.member_of(holding), target


async def _documents(
    session: AsyncSession, contents: export.PackageContents, state: ServiceState
) -> Members:
    """The files of the documents, where they are kept."""
    table = layout.by_table()["document"].table
    query = text(
        f"SELECT DISTINCT ON (sha256) sha256, uri, code FROM {table}"  # noqa: S608 - a constant
        " WHERE id = ANY(:ids) ORDER BY sha256, id"
    )
    rows = await session.execute(query, {"ids": contents.rows.get(table, [])})
    found: Members = []
    for sha256, uri, code in rows:
        try:
            path = await asyncio.to_thread(state.store.local_path, uri)
            found.append((f"{layout.DOCUMENTS}/{sha256}", path))
        except NotFound:
            raise Conflict(
                f"the file of the document {code!r} is not in the store any more",
                message_zh=f"文件 {code!r} 的内容已不在存储中",
            ) from None
    return found


async def _write_layers(
    session: AsyncSession, contents: export.PackageContents, path: Path
) -> None:
    from shanhai.vector.gdal import write_layers
    from shanhai.vector.tables import FeatureColumn, FeatureTable

    loop = asyncio.get_running_loop()
    for holding in export.drawn(contents):
        blocks = export.read_shapes(session, holding, contents)
        pump = Pump(blocks, loop)
        columns = tuple(FeatureColumn(name, kind) for name, kind in export.shown_columns(holding))
        table = FeatureTable(holding.table, columns, pump.blocks(), "Unknown", STORAGE_EPSG)
        try:
            await asyncio.to_thread(write_layers, path, [table])
        finally:
            pump.stopped = True
