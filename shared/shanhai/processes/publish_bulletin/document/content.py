"""What a bulletin tells, as data in both languages; every number of its documents is in it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from shanhai import vocabulary
from shanhai.cartography import ZONES
from shanhai.processes.kit.task import NamedTask, RegionTask
from shanhai.processes.publish_bulletin import contract
from shanhai.processes.publish_bulletin.document.language import counted, named, percent
from shanhai.processes.publish_bulletin.document.observed import (
    air_document,
    observations_document,
    waters_document,
)
from shanhai.science.flags import VALUE_NOTE
from shanhai.science.indicators import STATUSES
from shanhai.science.units import unit_label, without_zeros

Document = dict[str, Any]
COURSES = {
    "improving": vocabulary.Label("改善", "improving"),
    "worsening": vocabulary.Label("变差", "worsening"),
    "steady": vocabulary.Label("稳定", "steady"),
}
NOBODY = vocabulary.Label("–", "–")
ZERO = Decimal(0)
NO_COLOR = "#c9d1d6"
LEVELS = tuple(vocabulary.Term(one.code, one.label) for one in reversed(vocabulary.WARNING_LEVELS))
"""The most serious first."""


def build_content(
    inputs: contract.PublishBulletinInputs, region: RegionTask, held: contract.BulletinTask
) -> Document:
    """All a bulletin tells."""
    return {
        **_head(inputs, region, held),
        "indicators": _indicators(held.indicators, inputs.last.year),
        "observations": observations_document(held, inputs),
        **waters_document(held, inputs),
        "air": air_document(held, inputs),
        "alerts": _alerts(held.alerts),
        "leads": _leads(held.leads),
        "projects": _projects(held.projects),
        "balances": _balances(held.balances),
        "settlements": _settlements(held.settlements),
        "mines": _mines(held.mines),
        "zones": _zones(held),
        "network": {
            "corridors": len(held.corridors),
            "length_km": sum(one.length_m for one in held.corridors) / 1e3,
        },
    }


def _head(
    inputs: contract.PublishBulletinInputs, region: RegionTask, held: contract.BulletinTask
) -> Document:
    return {
        "region": _named_task(region),
        "plan": None if held.plan is None else _named_task(held.plan),
        "period": {
            "first": inputs.first.isoformat(),
            "last": inputs.last.isoformat(),
            "days": (inputs.last - inputs.first).days + 1,
            "named": calendar_name(inputs.first, inputs.last) is not None,
            **named(period_name(inputs.first, inputs.last)),
        },
        "year": inputs.last.year,
        "issue": held.issue,
        "issued_on": held.issued_on.isoformat(),
        "version": held.version,
        "corrects": held.corrects,
        "public": inputs.public,
        **named(_issuer(held), "issuer"),
    }


def _issuer(held: contract.BulletinTask) -> vocabulary.Label:
    made_by = held.template
    return vocabulary.Label(made_by.issuer_zh, made_by.issuer_en or made_by.issuer_zh)


def period_name(first: date, last: date) -> vocabulary.Label:
    """A period as people call it, or its days."""
    days = vocabulary.Label(
        f"{_day(first)}至{_day(last)}", f"{first.isoformat()} to {last.isoformat()}"
    )
    return calendar_name(first, last) or days


def calendar_name(first: date, last: date) -> vocabulary.Label | None:
    """A year, half a year, a quarter or a month, as people call it; None for other periods."""
    whole_months = first.day == 1 and (last + timedelta(days=1)).day == 1
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if whole_months and first.year == last.year:
        year = first.year
        if months == 12:
            return vocabulary.Label(f"{year}年", str(year))
        if months == 6 and first.month in {1, 7}:
            half = 1 if first.month == 1 else 2
            return vocabulary.Label(f"{year}年{'上' if half == 1 else '下'}半年", f"H{half} {year}")
        if months == 3 and first.month % 3 == 1:
            quarter = first.month // 3 + 1
            return vocabulary.Label(
                f"{year}年第{'一二三四'[quarter - 1]}季度", f"Q{quarter} {year}"
            )
        if months == 1:
            return vocabulary.Label(f"{year}年{first.month}月", f"{first:%B} {year}")
    return None


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _named_task(one: NamedTask) -> Document:
    return {"code": one.code, "name_zh": one.name_zh, "name_en": one.name_en}


def _indicators(rows: Sequence[Mapping[str, Any]], year: int) -> Document:
    counts = Counter(row["status"] for row in rows)
    return {
        "year": year,
        "count": len(rows),
        **{term.code: counts[term.code] for term in STATUSES},
        "statuses": counted(counts, STATUSES),
        "rows": [_indicator(row) for row in rows],
    }


def _indicator(row: Mapping[str, Any]) -> Document:
    status = {term.code: term.label for term in STATUSES}[row["status"]]
    target, trend = row["target"] or {}, row["trend"] or {}
    course = COURSES.get(trend.get("course", ""), vocabulary.Label("–", "–"))
    return {
        "code": row["indicator"],
        "name_zh": row["name_zh"],
        "name_en": row["name_en"],
        "unit": row["unit"],
        **named(unit_label(row["unit"]), "unit_name"),
        "binding": row["property"] == "binding",
        "value": row["value"],
        "value_year": row["value_year"],
        "note": next((one["zh"] for one in row["remarks"] if one["code"] == VALUE_NOTE), None),
        "target": target.get("value"),
        "target_year": target.get("year"),
        "gap": row["gap"],
        "status": row["status"],
        **named(status, "status_name"),
        "per_year": trend.get("per_year"),
        "course": trend.get("course"),
        **named(course, "course_name"),
    }


def _alerts(alerts: Sequence[contract.AlertTask]) -> Document:
    events = {**_labels(vocabulary.ALERT_EVENTS), **_labels(vocabulary.ALERT_STATUSES)}
    levels, kinds = _labels(LEVELS), _labels(vocabulary.ALERT_KINDS)
    ended = sum(one.status == "closed" for one in alerts)
    return {
        "count": len(alerts),
        "closed": ended,
        "open": len(alerts) - ended,
        "levels": counted(Counter(one.level for one in alerts), LEVELS),
        "kinds": counted(Counter(one.kind for one in alerts), vocabulary.ALERT_KINDS),
        "rows": [
            {
                "level": one.level,
                **named(levels[one.level], "level_name"),
                "name_zh": one.rule_zh,
                "name_en": one.rule_en,
                **named(kinds[one.kind], "kind_name"),
                "station": one.station,
                "subject_zh": one.subject_zh,
                "subject_en": one.subject_en,
                "property": one.property,
                "property_name_zh": one.property_zh,
                "property_name_en": one.property_en,
                "measure": one.measure,
                "unit": one.unit,
                "began_on": one.began_on.isoformat(),
                "closed_on": None if one.closed_on is None else one.closed_on.isoformat(),
                "outcome": one.outcome,
                **named(events[one.outcome], "outcome_name"),
            }
            for one in alerts
        ],
    }


def _leads(leads: contract.LeadsTask) -> Document:
    return {
        "opened": leads.opened,
        "open": leads.open,
        "closed": leads.opened - leads.open,
        "overdue": leads.overdue,
        "area_ha": leads.area_m2 / 1e4,
        "inside_ha": leads.inside_m2 / 1e4,
        "states": counted(leads.by_state, vocabulary.CASE_STATES),
        "kinds": counted(leads.by_kind, vocabulary.LEAD_KINDS),
        "results": counted(leads.by_result, vocabulary.CASE_RESULTS),
    }


def _projects(projects: Sequence[contract.ProjectTask]) -> Document:
    kept = [one for one in projects if one.state not in {"rejected", "cancelled"}]
    known = [one.progress_percent for one in kept if one.progress_percent is not None]
    states = {one.state: (one.order, one.state_zh, one.state_en) for one in projects}
    terms = [
        vocabulary.Term(code, vocabulary.Label(zh, en))
        for code, (_, zh, en) in sorted(states.items(), key=lambda item: item[1][0])
    ]
    return {
        "count": len(projects),
        "steps": sum(one.steps for one in projects),
        "cost": sum(one.cost or 0.0 for one in kept),
        "costed": sum(one.cost is not None for one in kept),
        "allocated": sum(one.allocated for one in projects),
        "paid": sum(one.paid for one in projects),
        "progress_percent": sum(known) / len(known) if known else None,
        "states": counted(Counter(one.state for one in projects), terms),
        "rows": [
            {
                **_named_task(one),
                "state": one.state,
                "state_name_zh": one.state_zh,
                "state_name_en": one.state_en,
                "first_year": one.first_year,
                "last_year": one.last_year,
                "cost": one.cost,
                "allocated": one.allocated,
                "paid": one.paid,
                "progress_percent": one.progress_percent,
                "steps": one.steps,
            }
            for one in projects
        ],
    }


def _balances(balances: Sequence[contract.BalanceTask]) -> Document:
    kinds = {kind.code: kind for kind in vocabulary.BALANCE_KINDS}
    amounts = ("opening", "taken", "given", "closing", "short")
    return {
        "count": len(balances),
        "short": sum(Decimal(one.short) > 0 for one in balances),
        "rows": [
            {
                "kind": one.kind,
                **named(kinds[one.kind].label),
                "unit": kinds[one.kind].unit,
                **named(unit_label(kinds[one.kind].unit), "unit_name"),
                **{name: getattr(one, name) for name in amounts},
                "met": Decimal(one.short) == 0,
            }
            for one in balances
        ],
    }


def _settlements(settlements: Sequence[contract.SettlementTask]) -> Document:
    terms = (*vocabulary.SETTLEMENT_WAITS, *vocabulary.SETTLEMENT_STATES)
    states = _labels(terms)
    paid = [Decimal(one.amount or 0) for one in settlements if one.state == "paid"]
    return {
        "count": len(settlements),
        "states": counted(
            Counter(one.state for one in settlements),
            [vocabulary.Term(code, label) for code, label in states.items()],
        ),
        "paid": str(sum(paid, Decimal("0.00"))),
        "rows": [
            {
                **_named_task(one),
                "year": one.year,
                "upstream_zh": one.upstream_zh,
                "upstream_en": one.upstream_en,
                "downstream_zh": one.downstream_zh,
                "downstream_en": one.downstream_en,
                "state": one.state,
                **named(states[one.state], "state_name"),
                "amount": one.amount,
                "payer": one.payer,
                **named(_payer(one), "payer_name"),
                "paid_on": None if one.paid_on is None else one.paid_on.isoformat(),
            }
            for one in settlements
        ],
    }


def _payer(one: contract.SettlementTask) -> vocabulary.Label:
    """The side that pays, by its name."""
    sides = {
        "upstream": vocabulary.Label(one.upstream_zh, one.upstream_en),
        "downstream": vocabulary.Label(one.downstream_zh, one.downstream_en),
    }
    return NOBODY if one.payer is None else sides[one.payer]


def _mines(mines: contract.MinesTask) -> Document:
    """`arrears` is empty, and `arrears_told` false, where readers may not know them."""
    states = _labels(vocabulary.RECLAMATION_STATES)
    arrears = mines.arrears or []
    return {
        "accepted": len(mines.accepted),
        "accepted_ha": without_zeros(sum((Decimal(one.area_ha) for one in mines.accepted), ZERO)),
        "rows": [
            {
                **_named_task(one),
                "area_ha": without_zeros(Decimal(one.area_ha)),
                "accepted_on": one.accepted_on.isoformat(),
            }
            for one in mines.accepted
        ],
        "overdue": sum(one.state != "accepted" for one in mines.lands),
        "lands": [
            {
                **_named_task(one),
                "state": one.state,
                **named(states[one.state], "state_name"),
                "end_on": one.end_on.isoformat(),
                "accepted_on": None if one.accepted_on is None else one.accepted_on.isoformat(),
            }
            for one in mines.lands
        ],
        "arrears_told": mines.arrears is not None,
        "reports_missing": sum(len(one.years) for one in arrears),
        "fund_missing": str(sum((Decimal(one.missing) for one in arrears), Decimal("0.00"))),
        "arrears": [
            {**_named_task(one), "years": one.years, "missing": one.missing} for one in arrears
        ],
    }


def _zones(held: contract.BulletinTask) -> Document:
    total = sum(one.area_m2 for one in held.zones)
    return {
        "scheme": None if held.scheme is None else _named_task(held.scheme),
        "headline_zh": None if held.scheme is None else held.scheme.headline_zh,
        "headline_en": None if held.scheme is None else held.scheme.headline_en,
        "classes": [
            {
                "code": one.code,
                "name_zh": one.name_zh,
                "name_en": one.name_en,
                "color": zone_color(one),
                "area_km2": one.area_m2 / 1e6,
                "percent": percent(one.area_m2, total),
            }
            for one in held.zones
        ],
    }


def zone_color(zone: contract.ZoneTask) -> str:
    """The colour of a class of zones: its own, that of the five classes, or grey."""
    usual = {entry.code: entry.color for entry in ZONES.entries}
    return zone.color or usual.get(zone.code, NO_COLOR)


def _labels(terms: Iterable[vocabulary.Term]) -> dict[str, vocabulary.Label]:
    return {term.code: term.label for term in terms}
