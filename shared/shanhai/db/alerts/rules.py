"""The rules of early warning, as they are made, changed and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.observation_evaluation import HOLDS_AT, note_rule, take_evaluation_lock
from shanhai.db.alerts.queries import BALANCE_UNITS
from shanhai.db.alerts.transitions import close, note
from shanhai.db.identity import (
    EVERYTHING,
    Identity,
    Viewer,
    demand_role,
    demand_scopes,
    works_in,
)
from shanhai.db.indicators.plan_indicators import find_indicator, find_plan
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.alert import Alert, AlertRule, AlertWatch
from shanhai.db.tables.indicator import PlanIndicator
from shanhai.db.tables.observation import ObservedProperty
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.station import Station
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict, InvalidInput, NotFound, demand_state
from shanhai.vocabulary import Role, Scope, Visibility

EDITORS = frozenset({Role.PLANNER, Role.SUPERVISOR})
SCOPES = frozenset({Scope.WRITE, Scope.PROJECTS})
"""Any one of these scopes is needed by those who make rules or answer alerts."""
PLAIN = (
    *("code", "name_zh", "name_en", "kind", "limits", "reset", "min_duration_s", "max_age_s"),
    *("any_quality", "enabled", "control_kind", "balance_kind", "settlement_state", "quiet"),
)
DATES = ("valid_from", "valid_to")
NAMED = ("region_id", "plan_id", "indicator_id", "stations")
# The newest value of each series counts at once, as if it had just been stored.
_LOOK_AT_NEWEST = text(f"""
  INSERT INTO observation_change (station_id, property_id, first_at, last_at)
  SELECT l.station_id, l.property_id, l.observed_at, l.observed_at
    FROM alert_rule r JOIN observation_latest l ON l.property_id = r.property_id
         JOIN station s ON s.id = l.station_id
   WHERE r.id = :rule AND {HOLDS_AT} AND l.observed_at > '-infinity'
""")  # noqa: S608 - constants
# An indicator that left its plan is told, or the rule would read as one for the whole plan.
_INDICATOR_CODE = (
    select(PlanIndicator.code)
    .where(
        PlanIndicator.plan_id == AlertRule.plan_id,
        PlanIndicator.indicator_id == AlertRule.indicator_id,
    )
    .order_by(PlanIndicator.deleted_at.desc())
    .limit(1)
    .scalar_subquery()
)
_RULES = (
    select(
        AlertRule,
        ObservedProperty.code.label("property"),
        ObservedProperty.unit.label("unit"),
        Region.code.label("region"),
        Plan.code.label("plan"),
        _INDICATOR_CODE.label("indicator"),
    )
    .outerjoin(ObservedProperty, ObservedProperty.id == AlertRule.property_id)
    .outerjoin(Region, Region.id == AlertRule.region_id)
    .outerjoin(Plan, Plan.id == AlertRule.plan_id)
    .where(AlertRule.deleted_at.is_(None))
    .order_by(AlertRule.code)
)


@dataclass(frozen=True, slots=True)
class RuleDefinition:
    """A rule in codes, as people know it; `state` tells it from what it was before a change."""

    contents: dict[str, Any]
    unit: str | None
    state: str

    @classmethod
    def of(cls, found: Row[Any]) -> "RuleDefinition":
        """The rule of a row."""
        row: AlertRule = found[0]
        stations = None if row.stations is None else sorted(found.stations or ())
        contents = {
            **{name: getattr(row, name) for name in PLAIN},
            **{name: (day := getattr(row, name)) and day.isoformat() for name in DATES},
            **{name: getattr(found, name) for name in ("property", "region", "plan", "indicator")},
            "stations": stations,
        }
        unit = BALANCE_UNITS.get(row.balance_kind or "", found.unit)
        return cls(contents, unit, str(row.row_version))


def _rules(viewer: Viewer) -> Select[Any]:
    """Rules of no place, or of where a reader has a role, with the stations they may know of."""
    named = Station.id == func.any(AlertRule.stations)
    own = or_(Station.region_id.is_(None), works_in(viewer, Station.region_id))
    codes = select(func.array_agg(Station.code)).where(named, _known(viewer)).scalar_subquery()
    places = (AlertRule.region_id, AlertRule.plan_id, AlertRule.stations)
    anywhere = and_(*(column.is_(None) for column in places))
    works = works_in(viewer, AlertRule.region_id, Plan.region_id)
    seen = or_(anywhere, works, exists().where(named, own))
    return _RULES.add_columns(codes.label("stations")).where(seen)


def _known(viewer: Viewer) -> ColumnElement[bool]:
    """Whether a reader may know of a station."""
    own = or_(Station.region_id.is_(None), works_in(viewer, Station.region_id))
    return or_(own, Station.visibility != Visibility.REGION)


async def list_rules(session: AsyncSession, viewer: Viewer) -> list[RuleDefinition]:
    """The rules a reader may know of, by their codes."""
    rows = await session.execute(_rules(viewer))
    return [RuleDefinition.of(row) for row in rows]


async def find_rule(
    session: AsyncSession, code: str, viewer: Viewer = EVERYTHING
) -> RuleDefinition:
    """The rule of a code.

    Raises:
        NotFound: there is none the reader may know of.
    """
    query = _rules(viewer).where(AlertRule.code == code)
    found = (await session.execute(query)).first()
    if found is None:
        raise _unknown(code)
    return RuleDefinition.of(found)


async def create_rule(
    session: AsyncSession, contents: Mapping[str, Any], *, identity: Identity, act: Act
) -> RuleDefinition:
    """Make a rule; the newest values are judged by it at once.

    Raises:
        Unauthenticated, Forbidden: the identity may make none for these stations.
        InvalidInput: a code in it is unknown.
        Conflict: there is a rule of this code.
    """
    row = AlertRule(**await _columns(session, contents, identity))
    await take_evaluation_lock(session)
    live = exists().where(AlertRule.code == row.code, AlertRule.deleted_at.is_(None))
    if await session.scalar(select(live)):
        raise Conflict(
            f"there is a rule {row.code!r} already", message_zh=f"规则 {row.code!r} 已存在"
        )
    session.add(row)
    await session.flush()
    await _look_at_newest(session, row)
    record(session, act, "create", table="alert_rule", object_id=row.code, after=contents)
    return await find_rule(session, row.code)


async def replace_rule(
    session: AsyncSession,
    code: str,
    contents: Mapping[str, Any],
    *,
    identity: Identity,
    act: Act,
    expected: frozenset[str] | None = None,
) -> RuleDefinition:
    """Replace a rule by another: its alerts end, and the newest values are judged at once.

    Args:
        expected: The states, one of which it must be in; None for any.

    Raises:
        NotFound: there is none.
        Stale: it is in none of the states expected.
        Unauthenticated, Forbidden: the identity may not change it, or not to this.
        InvalidInput: a code in it is unknown.
    """
    await take_evaluation_lock(session)
    row = await _editable(session, code, identity, expected)
    found = await find_rule(session, code)
    before, after = found.contents, {**contents, "code": code}
    columns = await _columns(session, after, identity, row, before)
    # Something else may have the code of what is gone.
    if before == after and all(columns[name] == getattr(row, name) for name in NAMED):
        return found
    for name, value in columns.items():
        setattr(row, name, value)
    row.row_version += 1
    await _start_anew(session, row, act)
    row.updated_at = (await session.execute(select(func.now()))).scalar_one()
    await session.flush()
    await _look_at_newest(session, row)
    record(session, act, "update", table="alert_rule", object_id=code, before=before, after=after)
    return await find_rule(session, code)


async def drop_rule(
    session: AsyncSession,
    code: str,
    *,
    identity: Identity,
    act: Act,
    expected: frozenset[str] | None = None,
) -> None:
    """End a rule and its open alerts; alerts that are closed stay.

    Raises:
        NotFound, Stale, Unauthenticated, Forbidden: as with `replace_rule`.
    """
    await take_evaluation_lock(session)
    row = await _editable(session, code, identity, expected)
    before = (await find_rule(session, code)).contents
    await _start_anew(session, row, act)
    row.deleted_at = (await session.execute(select(func.now()))).scalar_one()
    await session.flush()
    record(session, act, "delete", table="alert_rule", object_id=code, before=before)


async def _look_at_newest(session: AsyncSession, row: AlertRule) -> None:
    """What the rule watches counts at once as it is, as if it had just come to that."""
    await session.execute(_LOOK_AT_NEWEST, {"rule": row.id})
    await note_rule(session, row.id)


async def _editable(
    session: AsyncSession, code: str, identity: Identity, expected: frozenset[str] | None
) -> AlertRule:
    demand_scopes(identity, SCOPES)
    await find_rule(session, code, identity.viewer)
    query = select(AlertRule).where(AlertRule.code == code, AlertRule.deleted_at.is_(None))
    row = await session.scalar(query.with_for_update())
    if row is None:
        raise _unknown(code)
    await _demand_role(session, identity, row)
    demand_state(str(row.row_version), expected, f"rule {code}", f"规则 {code}")
    return row


async def _start_anew(session: AsyncSession, row: AlertRule, act: Act) -> None:
    """End what the rule has raised, and forget how far it has followed anything."""
    now = (await session.execute(select(func.now()))).scalar_one()
    live = select(Alert).where(Alert.rule_id == row.id, Alert.status != "closed")
    for alert in (await session.scalars(live.with_for_update())).all():
        close(alert, now, act.actor)
        await note(session, alert, "rule_changed", now=now, actor=act.actor)
    await session.execute(delete(AlertWatch).where(AlertWatch.rule_id == row.id))


async def _columns(
    session: AsyncSession,
    contents: Mapping[str, Any],
    identity: Identity,
    now: AlertRule | None = None,
    before: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """The columns of a rule whose contents name things by their codes.

    Args:
        now: The rule as it is: what it names may be gone by now.
        before: Its contents.
    """
    now = now or AlertRule()
    demand_scopes(identity, SCOPES)
    columns = {name: contents[name] for name in PLAIN}
    code, region, stations = (contents[name] for name in ("property", "region", "stations"))
    property_ = select(ObservedProperty.id).where(ObservedProperty.code == code)
    columns["property_id"] = await _id_of(session, property_, code, "/property")
    live = or_(Region.deleted_at.is_(None), Region.id == now.region_id)
    named = select(Region.id).where(Region.code == region, live).order_by(Region.deleted_at.desc())
    region_id = await _id_of(session, named, region, "/region")
    viewer = identity.viewer
    found = (
        None if stations is None else await _station_ids(session, stations, now.stations, viewer)
    )
    columns |= {name: (day := contents[name]) and date.fromisoformat(day) for name in DATES}
    code, indicator = (contents[name] for name in ("plan", "indicator"))
    try:
        plan = await _watched_plan(session, code, indicator, identity)
    except InvalidInput:
        if (code, indicator) != (before.get("plan"), before.get("indicator")):
            raise
        plan = {"plan_id": now.plan_id, "indicator_id": now.indicator_id}
    row = AlertRule(**columns, **plan, region_id=region_id, stations=found)
    await _demand_role(session, identity, row)
    return {**columns, **plan, "region_id": region_id, "stations": found}


async def _watched_plan(
    session: AsyncSession, code: str | None, indicator: str | None, identity: Identity
) -> dict[str, int | None]:
    """The plan and indicator a rule is limited to.

    Raises:
        InvalidInput: there is no such plan the identity may know of, or no such indicator in it.
    """
    if code is None:
        return {"plan_id": None, "indicator_id": None}
    pointer = "/plan"
    try:
        plan = await find_plan(session, code, identity.viewer)
        pointer = "/indicator"
        listed = None if indicator is None else await find_indicator(session, plan, indicator)
    except NotFound as error:
        raise InvalidInput(error.message, message_zh=error.message_zh, pointer=pointer) from None
    return {"plan_id": plan.id, "indicator_id": None if listed is None else listed.id}


async def _id_of(session: AsyncSession, query: Any, code: str | None, pointer: str) -> int | None:
    if code is None:
        return None
    found: int | None = await session.scalar(query)
    if found is None:
        raise InvalidInput(
            f"{code[:80]!r} is unknown", message_zh=f"没有 {code[:80]!r}", pointer=pointer
        )
    return found


async def _station_ids(
    session: AsyncSession, codes: Sequence[str], named: Sequence[int] | None, viewer: Viewer
) -> list[int]:
    live = or_(and_(Station.deleted_at.is_(None), _known(viewer)), Station.id.in_(named or ()))
    query = select(Station.code, Station.id).where(Station.code.in_(codes), live)
    # The last one counts: that which is there, before those that are gone.
    query = query.order_by(Station.deleted_at.nulls_last())
    known = {row.code: row.id for row in await session.execute(query)}
    for place, code in enumerate(codes):
        if code not in known:
            raise InvalidInput(
                f"there is no station {code[:80]!r}",
                message_zh=f"没有站点 {code[:80]!r}",
                pointer=f"/stations/{place}",
            )
    return sorted(known.values())


async def _demand_role(session: AsyncSession, identity: Identity, row: AlertRule) -> None:
    """A rule is for those who plan where it holds: its region, its plan's, or its stations'."""
    if row.region_id is None and row.stations is not None:
        query = select(Station.region_id).where(Station.id.in_(row.stations)).distinct()
    elif row.region_id is None and row.plan_id is not None:
        query = select(Plan.region_id).where(Plan.id == row.plan_id)
    else:
        demand_role(identity, EDITORS, row.region_id)
        return
    for region in (await session.scalars(query)).all():
        demand_role(identity, EDITORS, region)


def _unknown(code: str) -> NotFound:
    return NotFound(f"there is no rule {code[:80]!r}", message_zh=f"没有规则 {code[:80]!r}")
