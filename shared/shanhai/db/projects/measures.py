"""The measures of a project: what is planned of each, and what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.shores import island_refusal
from shanhai.db.engine import read_today
from shanhai.db.features.sql_write import ids_of
from shanhai.db.identity import Identity
from shanhai.db.projects.queries import ProjectSeen, hold_project, refused, touch
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.indicator import Indicator
from shanhai.db.tables.project import FundEntry, ProjectMeasure
from shanhai.errors import InvalidInput, NotFound
from shanhai.science.units import convert
from shanhai.vocabulary import Label, Role

MEASURE_ROLES = frozenset({Role.OWNER, Role.PLANNER})
BEING_DONE = frozenset({"implementation", "suspended"})
"""States in which work is done, and amounts of it are reported."""
LISTABLE = frozenset({"draft", "proposed", "reserve", "approved", "design", *BEING_DONE})
"""States in which there can still be new measures."""
MOST_MEASURES = 500


@dataclass(frozen=True, slots=True)
class MeasureRecord:
    """A measure as it is shown; `indicator` is a code."""

    measure: str
    order: int
    name_zh: str | None
    name_en: str | None
    planned: float | None
    done: float | None
    unit: str | None
    indicator: str | None

    @property
    def progress_percent(self) -> float | None:
        """How much of what is planned was done."""
        if not self.planned or self.done is None:
            return None
        return round(100 * self.done / self.planned, 2)


async def list_measures(session: AsyncSession, project_id: int) -> Sequence[MeasureRecord]:
    """The measures of a project in their order."""
    query = (
        select(ProjectMeasure, Indicator.code)
        .outerjoin(Indicator, Indicator.id == ProjectMeasure.indicator_id)
        .where(ProjectMeasure.project_id == project_id)
        .order_by(ProjectMeasure.order_no, ProjectMeasure.measure)
    )
    return [_measure(row, code) for row, code in await session.execute(query)]


async def find_measure(session: AsyncSession, project: ProjectSeen, code: str) -> MeasureRecord:
    """One measure of a project.

    Raises:
        NotFound: the project has no such measure.
    """
    listed = await list_measures(session, project.id)
    found = next((item for item in listed if item.measure == code), None)
    if found is None:
        raise NotFound(
            f"project {project.code!r} has no measure {code!r}",
            message_zh=f"项目 {project.code!r} 没有措施 {code!r}",
        )
    return found


async def put_measure(
    session: AsyncSession,
    project_code: str,
    identity: Identity,
    act: Act,
    wanted: MeasureRecord,
    *,
    expected: frozenset[str] | None = None,
    only_new: bool = False,
) -> tuple[MeasureRecord, bool]:
    """Write a measure in the place of the one there is, or as a new one; whether it is new.

    Raises:
        Conflict: the project's state, or an island it lies on, forbids it, or with `only_new`
            there is one.
        InvalidInput: the indicator is not known, or its unit is another kind of unit.
    """
    project = await hold_project(session, project_code, identity, MEASURE_ROLES, expected=expected)
    query = select(ProjectMeasure).where(
        ProjectMeasure.project_id == project.id, ProjectMeasure.measure == wanted.measure
    )
    row = (await session.scalars(query)).first()
    if row is not None and only_new:
        raise refused("/measure", Label("该措施已存在", "the project has this measure already"))
    before = None if row is None else await find_measure(session, project, wanted.measure)
    _demand_state(project, before, wanted)
    refusal = await island_refusal(session, project.id, wanted.measure)
    if refusal is not None:
        raise refused("/measure", refusal)
    indicator_id = await _indicator(session, identity, wanted)
    if row is None:
        await _demand_room(session, project)
        today = await read_today(session)
        row = ProjectMeasure(project_id=project.id, measure=wanted.measure, valid_from=today)
        session.add(row)
    for name, value in _columns(wanted, indicator_id).items():
        setattr(row, name, value)
    await session.flush()
    if before != wanted:
        await touch(session, project)
        _record(session, act, project, "replace" if before else "create", before, wanted)
    return wanted, before is None


async def remove_measure(
    session: AsyncSession,
    project_code: str,
    identity: Identity,
    act: Act,
    code: str,
    *,
    expected: frozenset[str] | None = None,
) -> None:
    """Take a measure off a project that is not at work yet.

    Raises:
        NotFound: the project has no such measure.
        Conflict: the project is at work, or money was moved for the measure.
    """
    project = await hold_project(session, project_code, identity, MEASURE_ROLES, expected=expected)
    before = await find_measure(session, project, code)
    if project.state not in LISTABLE - BEING_DONE:
        raise refused(
            "",
            Label(
                f"项目状态为 {project.state!r}，措施不得删除",
                f"the project is {project.state!r}: its measures stay",
            ),
        )
    paid = select(FundEntry.id).where(FundEntry.project_id == project.id, FundEntry.measure == code)
    if await session.scalar(paid.limit(1)) is not None:
        raise refused("", Label("台账中已有该措施的记录", "the ledger has entries for the measure"))
    query = select(ProjectMeasure).where(
        ProjectMeasure.project_id == project.id, ProjectMeasure.measure == code
    )
    await session.delete((await session.scalars(query)).one())
    await session.flush()
    await touch(session, project)
    _record(session, act, project, "delete", before, None)


def _measure(row: ProjectMeasure, indicator: str | None) -> MeasureRecord:
    return MeasureRecord(
        row.measure,
        row.order_no,
        row.name_zh,
        row.name_en,
        row.planned,
        row.done,
        row.unit,
        indicator,
    )


def _columns(wanted: MeasureRecord, indicator_id: int | None) -> dict[str, Any]:
    return {
        "order_no": wanted.order,
        "name_zh": wanted.name_zh,
        "name_en": wanted.name_en,
        "planned": wanted.planned,
        "done": wanted.done,
        "unit": wanted.unit,
        "indicator_id": indicator_id,
    }


def _demand_state(
    project: ProjectSeen, before: MeasureRecord | None, wanted: MeasureRecord
) -> None:
    """Refuse amounts done before or after the work, and new plans once it is over."""
    done = None if before is None else before.done
    if wanted.done != done and project.state not in BEING_DONE:
        raise refused(
            "/done",
            Label(
                f"项目状态为 {project.state!r}，不得填报完成量",
                f"the project is {project.state!r}: done amounts are told during implementation",
            ),
        )
    if project.state not in LISTABLE and before != wanted:
        raise refused(
            "",
            Label(
                f"项目状态为 {project.state!r}，措施不得更改",
                f"the project is {project.state!r}: its measures are settled",
            ),
        )


async def _indicator(
    session: AsyncSession, identity: Identity, wanted: MeasureRecord
) -> int | None:
    """The row of the indicator the measure adds to, in a unit that converts to the indicator's."""
    if wanted.indicator is None:
        return None
    ids = await ids_of(session, "indicators", [wanted.indicator], identity.viewer)
    if wanted.indicator not in ids:
        raise InvalidInput(
            f"there is no indicator {wanted.indicator!r}",
            message_zh=f"没有指标 {wanted.indicator!r}",
            pointer="/indicator",
        )
    row = await session.get_one(Indicator, ids[wanted.indicator])
    if wanted.unit is None:
        raise InvalidInput(
            f"a unit is needed: the indicator is counted in {row.unit}",
            message_zh=f"须有单位：该指标以 {row.unit} 计",
            pointer="/unit",
        )
    try:
        convert(Decimal(1), wanted.unit, row.unit)
    except InvalidInput as error:
        raise InvalidInput(
            f"{wanted.unit} does not convert to the indicator's {row.unit}",
            message_zh=f"{wanted.unit} 不能换算为指标单位 {row.unit}",
            pointer="/unit",
        ) from error
    return row.id


async def _demand_room(session: AsyncSession, project: ProjectSeen) -> None:
    if len(await list_measures(session, project.id)) >= MOST_MEASURES:
        raise refused(
            "",
            Label(
                f"一个项目至多 {MOST_MEASURES} 项措施",
                f"a project has at most {MOST_MEASURES} measures",
            ),
        )


def _record(
    session: AsyncSession,
    act: Act,
    project: ProjectSeen,
    action: str,
    before: MeasureRecord | None,
    after: MeasureRecord | None,
) -> None:
    of = after or before
    record(
        session,
        act,
        action,
        table="project_measure",
        object_id=f"{project.code}/{of.measure if of else ''}",
        before=_image(before),
        after=_image(after),
    )


def _image(measure: MeasureRecord | None) -> Mapping[str, Any] | None:
    if measure is None:
        return None
    return {name: getattr(measure, name) for name in MeasureRecord.__slots__}
