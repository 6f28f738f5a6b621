"""What is done with the indicators of plans, and who may do it; plans checked on request."""

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, TypeVar
from urllib.parse import urlencode

from fastapi import Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.indicators import PLAN_INDICATORS
from shanhai.db.collections.plans import PLANS
from shanhai.db.features.selection import Selection
from shanhai.db.features.sql_write import ids_of
from shanhai.db.identity import Identity, demand_role, demand_scopes, editing_of
from shanhai.db.indicators.evaluation import EvaluationScope, store_snapshot
from shanhai.db.indicators.plan_indicators import (
    Listed,
    PlanSeen,
    find_indicator,
    find_party,
    find_place,
    find_plan,
)
from shanhai.db.indicators.targets import (
    Rewriting,
    StatedFigure,
    state_of_targets,
    state_targets,
)
from shanhai.db.indicators.values import REPORTING_SCOPES, VALUE_ROLES, NewValue, add_value
from shanhai.db.proposals.queries import about_target
from shanhai.db.quality.findings import check_and_keep
from shanhai.db.queries.audit import record
from shanhai.db.tables.plan import Plan
from shanhai.errors import InvalidInput
from shanhai.reporting.plan_evaluation import Stamp, write_csv, write_docx
from shanhai.vocabulary import Role
from shanhai_api.features.operations import read_item
from shanhai_api.kit.answers import Answer, Document
from shanhai_api.kit.dependencies import WriteContext
from shanhai_api.kit.view import View, choose_format, digest_of
from shanhai_api.plans import pages
from shanhai_api.plans.judged_models import (
    CSV,
    DOCX,
    TABLE_FORMATS,
    StoredEvaluation,
    evaluations_path,
)
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
) -> tuple[PlanSeen, Listed]:
    """A plan the caller may know of, and an indicator of it; with `as_of` as on that day."""
    seen = await find_plan(session, plan, caller.viewer, as_of)
    return seen, await find_indicator(session, seen, indicator)


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
    place = await find_place(session, seen, region, pointer="region")
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
    place = await find_place(session, seen, body.region, pointer="/region")
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
) -> Answer[StoredEvaluation]:
    """Store the evaluation of a year as it is now."""
    session, caller = write.session, write.caller
    demand_scopes(caller, REPORTING_SCOPES)
    seen = await find_plan(session, plan, caller.viewer)
    place = await find_place(session, seen, body.region, pointer="/region")
    demand_role(caller, EVALUATION_ROLES, place.id)
    _demand_past(body.year)
    asked = EvaluationScope(body.year, body.region, body.department)
    row = await store_snapshot(session, seen, asked, caller=caller, act=write.act)
    shown = StoredEvaluation.of(seen, row, write)
    return Answer(shown, location=f"{evaluations_path(seen)}/{row.code}")


async def show_table(
    view: View, document: Shown, content: Mapping[str, Any], stamp: Stamp | None = None
) -> Answer[Shown] | Response:
    """An evaluation in the format asked for; `content` is what its table is made of."""
    chosen = choose_format(view.request, TABLE_FORMATS)
    name = f"{content['plan']['code']}-{content['year']}"
    if chosen is CSV:
        return view.send(
            write_csv(content, view.lang),
            f"{CSV.media_type}; charset=utf-8",
            headers=_attachment(f"{name}.csv"),
        )
    if chosen is DOCX:
        made = await asyncio.to_thread(write_docx, content, view.lang, stamp)
        # The file holds the time it was made; the tag must not.
        version = digest_of(repr((content, view.lang, stamp)).encode())
        headers = _attachment(f"{name}.docx")
        return view.send(made, DOCX.media_type, headers=headers, version=version)
    return Answer(document, page=pages.judged_page(view, content, *TABLE_FORMATS, stamp=stamp))


def _attachment(name: str) -> dict[str, str]:
    safe = "".join(letter if letter.isascii() and letter not in '"\\' else "_" for letter in name)
    return {"Content-Disposition": f'attachment; filename="{safe}"'}


def _demand_past(year: int) -> None:
    if year > this_year():
        raise InvalidInput(
            "the year has not begun yet", message_zh="该年份尚未开始", pointer="/year"
        )


async def _party(session: AsyncSession, code: str | None) -> int | None:
    return None if code is None else await find_party(session, code, pointer="/department")


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
