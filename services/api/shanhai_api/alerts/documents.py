"""Rules and alerts as they are shown."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import Row

from shanhai.db.alerts.rules import Rule
from shanhai.db.tables import Alert, AlertEvent
from shanhai.jobs.results import rfc3339
from shanhai.vocabulary import (
    ALERT_EVENTS,
    ALERT_KINDS,
    ALERT_STATUSES,
    WARNING_LEVELS,
    Lang,
    Term,
)
from shanhai_api.view import View

COLORS = {term.code: term.color for term in WARNING_LEVELS}


def describe_rule(rule: Rule, lang: Lang) -> dict[str, Any]:
    """A rule."""
    contents = rule.contents
    unit = {"rate": f"{rule.unit}/h", "no_data": "s"}.get(contents["kind"], rule.unit)
    return {
        **contents,
        "name": contents[f"name_{lang}"],
        "kind_name": _label(ALERT_KINDS, contents["kind"], lang),
        "unit": unit,
    }


def describe_alert(row: Row[Any], view: View) -> dict[str, Any]:
    """An alert, with links to the values that raised it."""
    alert: Alert = row[0]
    lang = view.lang
    chinese = lang == "zh"
    return {
        "id": alert.id,
        "status": alert.status,
        "status_name": _label(ALERT_STATUSES, alert.status, lang),
        "level": alert.level,
        "level_name": _label(WARNING_LEVELS, alert.level, lang),
        "color": COLORS[alert.level],
        "rule": row.rule,
        "rule_name": row.rule_zh if chinese else row.rule_en,
        "kind": row.kind,
        "kind_name": _label(ALERT_KINDS, row.kind, lang),
        "station": row.station,
        "station_name": row.station_zh if chinese else row.station_en,
        "property": row.property,
        "measure": alert.measure,
        "unit": {"rate": f"{row.unit}/h", "no_data": "s"}.get(row.kind, row.unit),
        "began": rfc3339(alert.began_at),
        "raised": rfc3339(alert.raised_at),
        "opened": rfc3339(alert.opened_at),
        "acknowledged": rfc3339(alert.acknowledged_at),
        "acknowledged_by": alert.acknowledged_by,
        "closed": rfc3339(alert.closed_at),
        "closed_by": alert.closed_by,
        "links": [
            view.link(f"/alerts/{alert.id}", "self"),
            view.link(f"/alert-rules/{row.rule}", "describedby"),
            view.link(f"/collections/stations/items/{quote(row.station, safe='')}", "related"),
            *_values(row, view),
        ],
    }


def describe_events(events: Sequence[AlertEvent], lang: Lang) -> list[dict[str, Any]]:
    """What happened to an alert."""
    return [
        {
            "at": rfc3339(event.at),
            "event": event.kind,
            "event_name": _label(ALERT_EVENTS, event.kind, lang),
            "level": event.level,
            "actor": event.actor,
            "note": event.note,
            "time": rfc3339(event.observed_at),
            "measure": event.measure,
        }
        for event in events
    ]


def _values(row: Row[Any], view: View) -> list[dict[str, Any]]:
    """Where the values are that raised an alert; silence of all properties has none."""
    if row.property is None:
        return []
    # The end of an interval may be left out by who answers.
    end = row[0].raised_at + timedelta(milliseconds=1)
    link = view.link(
        "/observations",
        "evidence",
        station=row.station,
        property=row.property,
        datetime=f"{rfc3339(row[0].began_at)}/{rfc3339(end)}",
    )
    return [dict(link)]


def _label(terms: Sequence[Term], code: str, lang: Lang) -> str:
    return next(term.label.in_(lang) for term in terms if term.code == code)
