"""Alerts as they are read, with the names of what they are about, and as they are told."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai import vocabulary
from shanhai.db.deliveries.webhooks import Link, Linking
from shanhai.db.identity import Viewer, works_in
from shanhai.db.tables.alert import Alert, AlertEvent, AlertRule
from shanhai.db.tables.compensation import CompensationAgreement
from shanhai.db.tables.control import LeadCase
from shanhai.db.tables.duty import Duty
from shanhai.db.tables.indicator import Indicator, PlanIndicator
from shanhai.db.tables.observation import ObservedProperty
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.project import Mine, Reclamation
from shanhai.db.tables.station import Station
from shanhai.db.tables.zone import Region
from shanhai.errors import NotFound
from shanhai.monitoring.thresholds import measure_unit
from shanhai.validation import rfc3339

_TargetRegion = aliased(Region)
_REGION_ID = func.coalesce(
    Station.region_id,
    Alert.target_region_id,
    LeadCase.region_id,
    Plan.region_id,
    CompensationAgreement.region_id,
    Mine.region_id,
    Reclamation.region_id,
)
_OF_REGION = Alert.target_region_id.is_not(None) & Alert.plan_indicator_id.is_(None)
_NAMED_BY = {
    "station": "station_id",
    "indicator": "plan_indicator_id",
    "case": "case_id",
    "duty": "duty_id",
    "settlement": "agreement_id",
    "mine": "mine_id",
    "reclamation": "reclamation_id",
}
"""The column of an alert that names its subject; a region alone is that of a line or balance."""
SUBJECTS: Mapping[str, ColumnElement[bool]] = {
    **{kind: getattr(Alert, column).is_not(None) for kind, column in _NAMED_BY.items()},
    "line": _OF_REGION & AlertRule.balance_kind.is_(None),
    "balance": _OF_REGION & AlertRule.balance_kind.is_not(None),
}
_COLUMNS: Mapping[str, Any] = {
    "status": Alert.status,
    "level": Alert.level,
    "rule": AlertRule.code,
    "kind": AlertRule.kind,
    "station": Station.code,
    "plan": Plan.code,
    "case": LeadCase.code,
}


def _called(name: str, named: Any) -> tuple[ColumnElement[str], ...]:
    """The code and the names of what an alert has to do with."""
    names = (getattr(named, f"name_{lang}").label(f"{name}_{lang}") for lang in ("zh", "en"))
    return (named.code.label(name), *names)


_ALERTS: Any = (
    select(
        Alert,
        *_called("rule", AlertRule),
        AlertRule.kind.label("kind"),
        AlertRule.control_kind.label("control_kind"),
        AlertRule.balance_kind.label("balance_kind"),
        *_called("station", Station),
        Plan.code.label("plan"),
        PlanIndicator.code.label("indicator"),
        Indicator.name_zh.label("indicator_zh"),
        Indicator.name_en.label("indicator_en"),
        Indicator.unit.label("indicator_unit"),
        *_called("region", _TargetRegion),
        LeadCase.code.label("case"),
        *_called("duty", Duty),
        *_called("agreement", CompensationAgreement),
        *_called("mine", Mine),
        *_called("reclamation", Reclamation),
        *_called("property", ObservedProperty),
        ObservedProperty.unit.label("unit"),
    )
    .join(AlertRule, AlertRule.id == Alert.rule_id)
    .outerjoin(Station, Station.id == Alert.station_id)
    .outerjoin(PlanIndicator, PlanIndicator.id == Alert.plan_indicator_id)
    .outerjoin(Duty, Duty.id == Alert.duty_id)
    .outerjoin(Plan, Plan.id == func.coalesce(PlanIndicator.plan_id, Duty.plan_id))
    .outerjoin(Indicator, Indicator.id == PlanIndicator.indicator_id)
    .outerjoin(_TargetRegion, _TargetRegion.id == Alert.target_region_id)
    .outerjoin(LeadCase, LeadCase.id == Alert.case_id)
    .outerjoin(CompensationAgreement, CompensationAgreement.id == Alert.agreement_id)
    .outerjoin(Mine, Mine.id == Alert.mine_id)
    .outerjoin(Reclamation, Reclamation.id == Alert.reclamation_id)
    .outerjoin(ObservedProperty, ObservedProperty.id == AlertRule.property_id)
    .order_by(Alert.id.desc())
)


async def list_alerts(
    session: AsyncSession,
    viewer: Viewer,
    equal: Mapping[str, str],
    *,
    limit: int,
    before: int | None = None,
) -> Sequence[Row[Any]]:
    """Alerts, the newest first, with the names of their rules, subjects and properties.

    Args:
        viewer: Who has a role in the region of what they are about sees them; those about cases
            are seen by those who see the cases.
        equal: What they are, of `status`, `level`, `rule`, `kind`, `subject`, `station`, `plan`
            and `case`; of `region`, they lie in it or below it.
        before: Only alerts older than the one of this id.
    """
    # Without a bind, so that its plan is kept: to plan 13 tables anew takes 15 ms.
    query = _seen_by(viewer).limit(literal_column(str(limit)))
    for name, value in equal.items():
        query = query.where(_meets(name, value))
    if before is not None:
        query = query.where(Alert.id < before)
    found: Sequence[Row[Any]] = (await session.execute(query)).all()
    return found


async def serious_alerts(
    session: AsyncSession, viewer: Viewer, regions: Collection[int], *, limit: int
) -> Sequence[Row[Any]]:
    """Orange and red alerts that are not closed, at stations in the regions; of none, anywhere."""
    met = (SUBJECTS["station"], Alert.status != "closed", Alert.level.in_(("orange", "red")))
    query = _seen_by(viewer).where(*met, *([_lies_in(Region.id.in_(regions))] if regions else []))
    found: Sequence[Row[Any]] = (await session.execute(query.limit(limit))).all()
    return found


def _meets(name: str, value: str) -> ColumnElement[bool]:
    if name == "subject":
        return SUBJECTS[value]
    if name == "region":
        return _lies_in(Region.code == value)
    met: ColumnElement[bool] = _COLUMNS[name] == value
    return met


def _lies_in(named: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether what an alert is about lies in regions or below them, if only in part."""
    live = Region.deleted_at.is_(None)
    below = select(Region.id).where(named, live).cte("below", recursive=True)
    children = select(Region.id).join(below, Region.parent_id == below.c.id).where(live)
    numbers = select(below.union(children).c.id)
    agreed = (CompensationAgreement.upstream_id, CompensationAgreement.downstream_id)
    shared = Alert.duty_id.is_not(None) & Plan.region_ids.overlap(
        func.array(numbers.scalar_subquery())
    )
    return or_(shared, *(column.in_(numbers) for column in (_REGION_ID, *agreed)))


async def find_alert(session: AsyncSession, viewer: Viewer, alert_id: int) -> Row[Any]:
    """An alert, as `list_alerts` tells it.

    Raises:
        NotFound: there is none the viewer may know of.
    """
    query = _seen_by(viewer).where(Alert.id == alert_id)
    found: Row[Any] | None = (await session.execute(query)).first()
    if found is None:
        raise unknown(alert_id)
    return found


async def list_events(session: AsyncSession, alert_id: int) -> Sequence[AlertEvent]:
    """What happened to an alert, in order."""
    query = select(AlertEvent).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.id)
    return (await session.scalars(query)).all()


async def newest_event(session: AsyncSession) -> int:
    """The number of the newest event; 0 for none."""
    return await session.scalar(select(func.max(AlertEvent.id))) or 0


async def events_after(
    session: AsyncSession, viewer: Viewer, number: int, *, limit: int
) -> tuple[int, list[tuple[AlertEvent, Row[Any]]]]:
    """Events after one, in the order they happened, each with its alert as that is now.

    Returns:
        The number of the last event that was looked at, and those of them the viewer may know of.
    """
    query = select(AlertEvent).where(AlertEvent.id > number).order_by(AlertEvent.id).limit(limit)
    events = (await session.scalars(query)).all()
    if not events:
        return number, []
    told = _seen_by(viewer).where(Alert.id.in_({one.alert_id for one in events}))
    alerts = {row[0].id: row for row in await session.execute(told)}
    seen = [(event, alerts[event.alert_id]) for event in events if event.alert_id in alerts]
    return events[-1].id, seen


def region_of(alert: int) -> Select[Any]:
    """The id of the region of what an alert is about; null where that lies in none."""
    found: Select[Any] = _ALERTS.with_only_columns(_REGION_ID).order_by(None)
    return found.where(Alert.id == alert)


async def read_alerts(session: AsyncSession, numbers: Collection[int]) -> dict[int, Row[Any]]:
    """Alerts by their ids, whoever may know of them."""
    return {row[0].id: row for row in await session.execute(_ALERTS.where(Alert.id.in_(numbers)))}


def subject_kind(row: Row[Any]) -> str:
    """What an alert of `list_alerts` is about, as `vocabulary.ALERT_SUBJECTS` has it."""
    named = (kind for kind, column in _NAMED_BY.items() if getattr(row[0], column) is not None)
    return next(named, "line" if row.balance_kind is None else "balance")


def subject_name(row: Row[Any], lang: vocabulary.Lang) -> str:
    """What an alert of `list_alerts` is about, as people call it."""
    alert: Alert = row[0]
    kind = subject_kind(row)
    if kind == "case":
        return str(row.case)
    if kind in {"line", "balance"}:
        terms = vocabulary.CONTROL_KINDS if kind == "line" else vocabulary.BALANCE_KINDS
        name = vocabulary.label_in(terms, row.control_kind or row.balance_kind, lang)
        return f"{getattr(row, f'region_{lang}')} · {name}"
    year = "" if alert.target_year is None else f" {alert.target_year}"
    if kind == "indicator":
        return f"{getattr(row, f'indicator_{lang}')} · {getattr(row, f'region_{lang}')}{year}"
    named = "agreement" if kind == "settlement" else kind
    return f"{getattr(row, f'{named}_{lang}')}{year}"


def unit_of(row: Row[Any]) -> str | None:
    """The unit of what an alert of `list_alerts` measures."""
    return measure_unit(row.kind, BALANCE_UNITS.get(row.balance_kind, row.unit))


def unknown(alert_id: int) -> NotFound:
    """What is said of an alert there is not."""
    return NotFound(f"there is no alert {alert_id}", message_zh=f"没有预警 {alert_id}")


def _seen_by(viewer: Viewer) -> Select[Any]:
    query: Select[Any] = _ALERTS
    if viewer.sees_all:
        return query
    agreed = (CompensationAgreement.upstream_id, CompensationAgreement.downstream_id)
    here = works_in(viewer, _REGION_ID, *agreed)
    if viewer.members:
        here |= Plan.region_ids.overlap(sorted(viewer.members))
    # As the list of cases has it: they are for those who work in their region.
    own = LeadCase.region_id.in_(sorted(viewer.regions or ()))
    nowhere: ColumnElement[bool] = _REGION_ID.is_(None)
    # A station or land that is kept from the reader has no region in sight.
    for subject, row in ((Alert.station_id, Station.id), (Alert.reclamation_id, Reclamation.id)):
        nowhere &= subject.is_(None) | row.is_not(None)
    return query.where(or_(here, nowhere), or_(Alert.case_id.is_(None), own))


BALANCE_UNITS = {kind.code: kind.unit for kind in vocabulary.BALANCE_KINDS}
COLORS = {term.code: term.color for term in vocabulary.WARNING_LEVELS}


def describe_alert(row: Row[Any], links: Linking) -> dict[str, Any]:
    """An alert of `reading`, with links to what raised it."""
    alert: Alert = row[0]
    lang = links.lang
    kind = subject_kind(row)
    return {
        "id": alert.id,
        "status": alert.status,
        "status_name": vocabulary.label_in(vocabulary.ALERT_STATUSES, alert.status, lang),
        "level": alert.level,
        "level_name": vocabulary.label_in(vocabulary.WARNING_LEVELS, alert.level, lang),
        "color": COLORS[alert.level],
        "rule": row.rule,
        "rule_name": getattr(row, f"rule_{lang}"),
        "kind": row.kind,
        "kind_name": vocabulary.label_in(vocabulary.ALERT_KINDS, row.kind, lang),
        "subject": kind,
        "subject_kind_name": vocabulary.label_in(vocabulary.ALERT_SUBJECTS, kind, lang),
        "subject_name": subject_name(row, lang),
        "station": row.station,
        "station_name": getattr(row, f"station_{lang}"),
        "plan": row.plan,
        "indicator": row.indicator,
        "region": row.region,
        "target_year": alert.target_year,
        "case": row.case,
        "duty": row.duty,
        "balance_kind": row.balance_kind,
        "agreement": row.agreement,
        "mine": row.mine,
        "reclamation": row.reclamation,
        "property": row.property,
        "measure": alert.measure,
        "unit": unit_of(row),
        "facts": _facts(row, lang),
        "began": rfc3339(alert.began_at),
        "raised": rfc3339(alert.raised_at),
        "opened": rfc3339(alert.opened_at),
        "acknowledged": rfc3339(alert.acknowledged_at),
        "acknowledged_by": alert.acknowledged_by,
        "closed": rfc3339(alert.closed_at),
        "closed_by": alert.closed_by,
        "links": [
            links.link(f"/alerts/{alert.id}", "self"),
            links.link(f"/alert-rules/{row.rule}", "describedby"),
            *_subject_links(row, links),
        ],
    }


def describe_events(events: Sequence[AlertEvent], lang: vocabulary.Lang) -> list[dict[str, Any]]:
    """What happened to an alert."""
    return [
        {
            "at": rfc3339(event.at),
            "event": event.kind,
            "event_name": vocabulary.label_in(vocabulary.ALERT_EVENTS, event.kind, lang),
            "level": event.level,
            "actor": event.actor,
            "note": event.note,
            "time": rfc3339(event.observed_at),
            "measure": event.measure,
        }
        for event in events
    ]


def _facts(row: Row[Any], lang: vocabulary.Lang) -> dict[str, Any] | None:
    """What an entry was judged by, in its unit, with names of codes; what lines lost."""
    facts: dict[str, Any] | None = row[0].facts
    if facts is None:
        return None
    if row.indicator is not None:
        return {**facts, "unit": row.indicator_unit}
    if row.kind in _STATES:
        facts = {
            **facts,
            "state_name": vocabulary.label_in(_STATES[row.kind], facts["state"], lang),
        }
    if row.kind == "settlement_waiting":
        sides = [
            vocabulary.label_in(vocabulary.COMPENSATION_SIDES, side, lang)
            for side in facts["unconfirmed"]
        ]
        facts = {**facts, "unconfirmed_names": sides}
    return facts


_STATES: Mapping[str, Sequence[vocabulary.Term]] = {
    "duty_due": vocabulary.DUTY_STATES,
    "settlement_waiting": vocabulary.SETTLEMENT_WAITS,
    "reclamation_due": vocabulary.RECLAMATION_STATES,
}
"""States entries of ledgers have, by the kind of rule."""


def _station_links(row: Row[Any], links: Linking) -> list[Link]:
    """The station, and the values that raised an alert; silence of all properties has none."""
    station = links.link(f"/collections/stations/items/{quote(row.station, safe='')}", "related")
    if row.property is None:
        return [station]
    # The end of an interval may be left out by who answers.
    end = row[0].raised_at + timedelta(milliseconds=1)
    values = links.link(
        "/observations",
        "evidence",
        station=row.station,
        property=row.property,
        datetime=f"{rfc3339(row[0].began_at)}/{rfc3339(end)}",
    )
    return [station, values]


def _target_links(row: Row[Any], links: Linking) -> list[Link]:
    """The targets of the indicator, and its values in the region; a total counts them all."""
    indicator = f"/plans/{quote(row.plan, safe='')}/indicators/{quote(row.indicator, safe='')}"
    return [
        links.link(f"{indicator}/targets", "related", region=row.region),
        links.link(f"{indicator}/values", "evidence", region=row.region),
    ]


def _balance_links(row: Row[Any], links: Linking) -> list[Link]:
    """The balances of the region, and the entries they are the sums of."""
    asked = {"region": row.region, "kind": row.balance_kind}
    return [
        links.link("/balances", "related", **asked),
        links.link("/balances/entries", "evidence", **asked),
    ]


def _mine_links(row: Row[Any], links: Linking) -> list[Link]:
    """The mine, and its reports or its fund."""
    code = quote(row.mine, safe="")
    hangs = "reports" if row.kind == "mine_report_due" else "deposits"
    return [
        links.link(f"/collections/mines/items/{code}", "related"),
        links.link(f"/mines/{code}/{hangs}", "evidence"),
    ]


_PAGES = {
    "case": "/cases/{case}",
    "line": "/regions/{region}/lines",
    "duty": "/plans/{plan}/duties/{duty}",
    "settlement": "/compensation-agreements/{agreement}/settlements",
    "reclamation": "/collections/reclamations/items/{reclamation}",
}
"""What is itself the evidence: a case, what lines have lost, a last day, the years settled."""
_SUBJECT_LINKS = {
    "balance": _balance_links,
    "mine": _mine_links,
    "station": _station_links,
    "indicator": _target_links,
}


def _subject_links(row: Row[Any], links: Linking) -> list[Link]:
    """What an alert is about, and what raised it."""
    kind = subject_kind(row)
    if kind not in _PAGES:
        return _SUBJECT_LINKS[kind](row, links)
    codes = {name: quote(str(code), safe="") for name, code in row._mapping.items()}
    return [links.link(_PAGES[kind].format_map(codes), rel) for rel in ("related", "evidence")]
