"""What a bulletin is made of, looked up as those may see it who shall read it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.balances import read_period_balances
from shanhai.db.base import STORAGE_SRID
from shanhai.db.bulletins import contents, publication
from shanhai.db.bulletins.templates import StoredTemplate, find_template
from shanhai.db.engine import read_today
from shanhai.db.features.sql_write import ids_of
from shanhai.db.identity import EVERYTHING, PUBLIC, Identity, Viewer, demand_role, demand_scopes
from shanhai.db.indicators.evaluation import judged_rows
from shanhai.db.indicators.plan_indicators import PlanSeen, find_place, find_plan, list_indicators
from shanhai.db.observations.aggregation import course_of, daily_air, find_stations, period_means
from shanhai.db.queries.jobs import RegionRow, find_region
from shanhai.db.tables.delivery import Bulletin
from shanhai.db.tables.observation import ObservedProperty
from shanhai.errors import InvalidInput, NotFound
from shanhai.processes.kit.lookups import days_of, find_usable_region
from shanhai.processes.kit.resolution import Resolution
from shanhai.processes.kit.task import NamedTask, RegionTask, Task
from shanhai.processes.publish_bulletin import contract
from shanhai.science.air_quality import DAILY, air_standard
from shanhai.science.units import without_zeros
from shanhai.vocabulary import STATION_KINDS, Label, codes

MAIN: tuple[tuple[str, str], ...] = (
    ("land", "pm25"),
    ("land", "o3"),
    ("water_section", "permanganate_index"),
    ("water_section", "ammonia_nitrogen"),
    ("water_section", "total_phosphorus"),
    ("water_section", "dissolved_oxygen"),
    ("sea", "inorganic_nitrogen"),
    ("sea", "active_phosphate"),
)
"""Kinds of stations and properties that are drawn first, where they are observed."""
MOST_DAYS = 92
"""Longer periods are drawn by month."""
NO_PROPERTY = Label(
    "没有观测项目 {!r}，见 /properties", "no property {!r} is known; see /properties"
)
NO_SECTION = Label("该区域没有水质断面 {!r}", "the region has no water section {!r}")


async def find_told(
    session: AsyncSession, region: RegionRow, viewer: Viewer, first: date, last: date
) -> tuple[dict[str, int], list[contract.BulletinStation]]:
    """The stations of a region that a reader may see, with their means, and their ids by code."""
    there = await find_stations(session, region.id, codes(STATION_KINDS))
    seen = await ids_of(session, "stations", (row.code for row in there), viewer)
    rows = [row for row in there if row.code in seen]
    ids = {row.code: row.id for row in rows}
    means: dict[int, list[contract.ObservedMean]] = {row.id: [] for row in rows}
    for one in await period_means(session, list(ids.values()), first, last) if rows else ():
        means[one.station_id].append(
            contract.ObservedMean(
                property=one.property, mean=one.mean, months=one.months, number=one.observations
            )
        )
    return ids, [
        contract.BulletinStation(
            code=row.code,
            name_zh=row.name_zh,
            name_en=row.name_en,
            kind=row.kind,
            interval_s=row.interval_s,
            longitude=row.longitude,
            latitude=row.latitude,
            means=means[row.id],
        )
        for row in rows
    ]


async def find_series(
    session: AsyncSession,
    ids: Mapping[str, int],
    stations: Sequence[contract.BulletinStation],
    inputs: contract.PublishBulletinInputs,
) -> list[contract.SeriesTask]:
    """The course of the properties asked for, or of the main ones and those observed most."""
    days = (inputs.last - inputs.first).days + 1
    every: Literal["day", "month"] = "day" if days <= MOST_DAYS else "month"
    known = {row.code: row for row in await session.scalars(select(ObservedProperty))}
    found: list[contract.SeriesTask] = []
    for kind, code in _chosen(stations, inputs):
        own = [ids[one.code] for one in stations if one.kind == kind and _tells(one, code)]
        points = await course_of(session, own, code, inputs.first, inputs.last, every)
        found.append(
            contract.SeriesTask(
                kind=kind,
                property=code,
                name_zh=known[code].name_zh,
                name_en=known[code].name_en,
                unit=known[code].unit,
                stations=len(own),
                every=every,
                points=list(points),
            )
        )
    return found


async def find_air(
    session: AsyncSession,
    ids: Mapping[str, int],
    stations: Sequence[contract.BulletinStation],
    first: date,
    last: date,
) -> contract.AirDaysTask | None:
    """Daily concentrations over the stations on land that tell of the air; None without any."""
    pollutants = air_standard(last).pollutants
    by_property = {pollutants[code].property: code for code in DAILY}
    own = [
        ids[one.code]
        for one in stations
        if one.kind == "land" and any(_tells(one, code) for code in by_property)
    ]
    if not own:
        return None
    daily = await daily_air(session, own, by_property, first, last)
    return contract.AirDaysTask(
        stations=len(own),
        hours=sum(one.hours for one in daily),
        days=days_of(daily, by_property, first, last),
    )


def _chosen(
    stations: Sequence[contract.BulletinStation], inputs: contract.PublishBulletinInputs
) -> list[tuple[str, str]]:
    """Kinds of stations and properties to be drawn, in their order."""
    numbers: dict[tuple[str, str], int] = {}
    for one in stations:
        for mean in one.means:
            key = (one.kind, mean.property)
            numbers[key] = numbers.get(key, 0) + mean.number
    if inputs.properties is not None:
        asked = [key for code in inputs.properties for key in sorted(numbers) if key[1] == code]
        return asked[: contract.MOST_CHARTS]
    most = sorted(numbers, key=lambda key: (-numbers[key], key))
    return list(dict.fromkeys([*(key for key in MAIN if key in numbers), *most]))[
        : contract.MOST_CHARTS
    ]


def _tells(station: contract.BulletinStation, code: str) -> bool:
    return any(mean.property == code for mean in station.means)


async def resolve(
    session: AsyncSession, inputs: contract.PublishBulletinInputs, *, requested_by: str
) -> Task:
    """What was asked.

    The caller may not know of every project and plan; all is looked up with their rights.
    """
    return contract.PublishBulletinTask(
        process=contract.PUBLISH_BULLETIN.id, inputs=inputs.model_dump(mode="json")
    )


async def complete(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task with all that the bulletin tells.

    Raises:
        InvalidInput: what was asked for does not exist or does not fit.
        Unauthenticated, Forbidden: who asked may not draft bulletins of the region.
    """
    inputs = contract.PublishBulletinInputs.model_validate(task.inputs)
    row, region = await _find_region(session, inputs.region)
    if identity is not None:
        demand_scopes(identity, publication.DRAFT_SCOPES)
        demand_role(identity, publication.DRAFTERS, row.id)
    own = EVERYTHING if identity is None else identity.viewer
    viewer = PUBLIC if inputs.public else own
    today = await read_today(session)
    _demand_past(inputs.last, today)
    plan = await _find_plan(session, inputs, viewer)
    subject = publication.BulletinSubject(
        row.id, None if plan is None else plan.id, inputs.first, inputs.last, inputs.public
    )
    former = await _find_former(session, inputs, subject)
    held = await _gather(session, inputs, row, plan, viewer)
    issue = inputs.issue if former is None else former.issue
    issue = issue or await publication.next_issue(session, row.id, inputs.last.year)
    numbers = {
        "issue": issue,
        "issued_on": inputs.issued_on or today,
        "version": 1 if former is None else former.version + 1,
        "corrects": None if former is None else former.code,
    }
    return task.model_copy(
        update={"region": region, "plan": inputs.plan, "bulletin": held.model_copy(update=numbers)}
    )


async def _find_region(session: AsyncSession, code: str) -> tuple[RegionRow, RegionTask]:
    """The region; one that nobody has drawn yet has a bulletin without maps."""
    row = await find_region(session, code)
    if row is None or (row.geometry is not None and row.metric_srid is not None):
        return await find_usable_region(session, code)
    names = {"code": row.code, "name_zh": row.name_zh, "name_en": row.name_en}
    return row, RegionTask(**names, epsg=STORAGE_SRID, geometry={})


def _demand_past(last: date, today: date) -> None:
    if last >= today:
        raise InvalidInput(
            f"the period ends on {last}, which is not over",
            message_zh=f"时段截止日 {last} 尚未过去",
            pointer="/inputs/last",
        )


async def _find_plan(
    session: AsyncSession, inputs: contract.PublishBulletinInputs, viewer: Viewer
) -> PlanSeen | None:
    """The plan, in whose region that of the bulletin must lie."""
    if inputs.plan is None:
        return None
    try:
        plan = await find_plan(session, inputs.plan, viewer)
    except NotFound as error:
        raise InvalidInput(
            f"there is no plan {inputs.plan!r} that readers of the bulletin may know of",
            message_zh=f"没有公报读者可见的规划 {inputs.plan!r}",
            pointer="/inputs/plan",
        ) from error
    await find_place(session, plan, inputs.region, pointer="/inputs/region")
    return plan


async def _find_former(
    session: AsyncSession,
    inputs: contract.PublishBulletinInputs,
    subject: publication.BulletinSubject,
) -> Bulletin | None:
    """The published bulletin this one corrects, which has to be named and keeps its number."""
    standing = await publication.find_standing(session, subject)
    code = None if standing is None else standing.code
    if inputs.corrects == code:
        if standing is not None and inputs.issue not in {None, standing.issue}:
            raise InvalidInput(
                f"a correction of {code!r} keeps its number, {standing.issue}",
                message_zh=f"{code!r} 的更正版沿用其期号 {standing.issue}",
                pointer="/inputs/issue",
            )
        return standing
    if code is None:
        raise InvalidInput(
            f"{inputs.corrects!r} is no published bulletin of this region, plan and period",
            message_zh=f"{inputs.corrects!r} 不是该区域、规划和时段已发布的公报",
            pointer="/inputs/corrects",
        )
    raise InvalidInput(
        f"{code!r} is published of this region, plan and period; a correction names it",
        message_zh=f"该区域、规划和时段已发布 {code!r}，更正须以 corrects 指明",
        pointer="/inputs/corrects",
    )


async def _gather(
    session: AsyncSession,
    inputs: contract.PublishBulletinInputs,
    region: RegionRow,
    plan: PlanSeen | None,
    viewer: Viewer,
) -> contract.BulletinTask:
    """Everything but the numbers of the bulletin."""
    first, last = inputs.first, inputs.last
    stored = await _find_template(session, inputs)
    ids, stations = await find_told(session, region, viewer, first, last)
    await _demand_known(session, inputs, stations)
    leads = await contents.count_leads(session, region.id, first, last)
    plan_id = None if plan is None else plan.id
    projects = await contents.read_projects(session, region.id, plan_id, viewer, first, last)
    scheme = await contents.find_scheme(session, region.id, last)
    alerts = await contents.read_alerts(
        session, region.id, plan_id, [*ids.values()], viewer, first, last
    )
    corridors = await contents.read_corridors(session, region.id, viewer)
    return contract.BulletinTask(
        template=stored.template,
        template_code=stored.code,
        template_version=stored.version,
        issue=1,
        issued_on=last,
        plan=None
        if plan is None
        else NamedTask(code=plan.code, name_zh=plan.name.zh, name_en=plan.name.en),
        indicators=[] if plan is None else await _indicators(session, plan, inputs),
        stations=stations,
        series=await find_series(session, ids, stations, inputs),
        air=await find_air(session, ids, stations, first, last),
        alerts=[contract.AlertTask.model_validate(one) for one in alerts],
        leads=contract.LeadsTask.model_validate(leads, from_attributes=True),
        projects=[_project(one) for one in projects],
        **await _ledgers(session, region, viewer, first, last),
        scheme=None if scheme is None else _zoning(scheme),
        zones=[]
        if scheme is None
        else [
            contract.ZoneTask.model_validate(one, from_attributes=True)
            for one in await contents.read_zones(session, scheme.id)
        ],
        corridors=[
            contract.CorridorTask.model_validate(one, from_attributes=True) for one in corridors
        ],
    )


def _zoning(scheme: contents.ZoningInForce) -> contract.ZoningTask:
    said = scheme.robustness or {}
    return contract.ZoningTask(
        code=scheme.code,
        name_zh=scheme.name_zh,
        name_en=scheme.name_en,
        headline_zh=said.get("detail_zh"),
        headline_en=said.get("detail"),
    )


async def _ledgers(
    session: AsyncSession, region: RegionRow, viewer: Viewer, first: date, last: date
) -> dict[str, Any]:
    """What the ledgers tell of the period, as far as who shall read it may know it."""
    balances = (await read_period_balances(session, [region.id], first, last))[region.id]
    settled = await contents.read_settlements(session, region.id, viewer, first, last)
    names = ("opening", "taken", "given", "closing", "short")
    return {
        "balances": [
            contract.BalanceTask(
                kind=one.kind, **{name: without_zeros(getattr(one, name)) for name in names}
            )
            for one in balances
        ],
        "settlements": [contract.SettlementTask.model_validate(one) for one in settled],
        "mines": contract.MinesTask.model_validate(
            await contents.read_mines(session, region.id, viewer, first, last)
        ),
    }


async def _find_template(
    session: AsyncSession, inputs: contract.PublishBulletinInputs
) -> StoredTemplate:
    try:
        return await find_template(session, inputs.template, inputs.template_version)
    except NotFound as error:
        raise InvalidInput(
            error.message, message_zh=error.message_zh, pointer="/inputs/template"
        ) from error


async def _demand_known(
    session: AsyncSession,
    inputs: contract.PublishBulletinInputs,
    stations: Sequence[contract.BulletinStation],
) -> None:
    """Refuse properties nobody can observe, and lakes that are no sections of the region."""
    properties = set(await session.scalars(select(ObservedProperty.code)))
    sections = {one.code for one in stations if one.kind == "water_section"}
    for member, named, known, why in (
        ("properties", inputs.properties or (), properties, NO_PROPERTY),
        ("lakes", inputs.lakes, sections, NO_SECTION),
    ):
        for number, code in enumerate(named):
            if code not in known:
                zh, en, pointer = why.zh, why.en, f"/inputs/{member}/{number}"
                raise InvalidInput(en.format(code), message_zh=zh.format(code), pointer=pointer)


async def _indicators(
    session: AsyncSession, plan: PlanSeen, inputs: contract.PublishBulletinInputs
) -> list[dict[str, object]]:
    """How the indicators stand at the end of the period, as the evaluation of its year tells."""
    place = await find_place(session, plan, inputs.region, pointer="/inputs/region")
    listed = await list_indicators(session, plan)
    return await judged_rows(session, plan, listed, [place], inputs.last.year)


def _project(row: dict[str, object]) -> contract.ProjectTask:
    return contract.ProjectTask.model_validate(
        {
            **row,
            "order": row["order_no"],
            "first_year": row["start_year"],
            "last_year": row["end_year"],
        }
    )


RESOLUTION = Resolution(contract.PUBLISH_BULLETIN, resolve, complete=complete)
