"""Alerts as they are told: in answers, in streams of events, to webhooks."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import Row

from shanhai.db.alerts.queries import subject_kind, subject_name
from shanhai.db.deliveries.events import Link, Linking
from shanhai.db.tables.alert import Alert, AlertEvent
from shanhai.monitoring.thresholds import measure_unit
from shanhai.timestamps import rfc3339
from shanhai.vocabulary import (
    ALERT_EVENTS,
    ALERT_KINDS,
    ALERT_STATUSES,
    ALERT_SUBJECTS,
    WARNING_LEVELS,
    Lang,
    label_in,
)

COLORS = {term.code: term.color for term in WARNING_LEVELS}


def describe_alert(row: Row[Any], links: Linking) -> dict[str, Any]:
    """An alert of `reading`, with links to what raised it."""
    alert: Alert = row[0]
    lang = links.lang
    kind = subject_kind(alert)
    return {
        "id": alert.id,
        "status": alert.status,
        "status_name": label_in(ALERT_STATUSES, alert.status, lang),
        "level": alert.level,
        "level_name": label_in(WARNING_LEVELS, alert.level, lang),
        "color": COLORS[alert.level],
        "rule": row.rule,
        "rule_name": getattr(row, f"rule_{lang}"),
        "kind": row.kind,
        "kind_name": label_in(ALERT_KINDS, row.kind, lang),
        "subject": kind,
        "subject_kind_name": label_in(ALERT_SUBJECTS, kind, lang),
        "subject_name": subject_name(row, lang),
        "station": row.station,
        "station_name": getattr(row, f"station_{lang}"),
        "plan": row.plan,
        "indicator": row.indicator,
        "region": row.region,
        "target_year": alert.target_year,
        "case": row.case,
        "property": row.property,
        "measure": alert.measure,
        "unit": measure_unit(row.kind, row.unit),
        "facts": _facts(row),
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
            *_SUBJECT_LINKS[kind](row, links),
        ],
    }


def describe_events(events: Sequence[AlertEvent], lang: Lang) -> list[dict[str, Any]]:
    """What happened to an alert."""
    return [
        {
            "at": rfc3339(event.at),
            "event": event.kind,
            "event_name": label_in(ALERT_EVENTS, event.kind, lang),
            "level": event.level,
            "actor": event.actor,
            "note": event.note,
            "time": rfc3339(event.observed_at),
            "measure": event.measure,
        }
        for event in events
    ]


def _facts(row: Row[Any]) -> dict[str, Any] | None:
    """Value and target of an indicator when it was judged, in its unit; what lines lost."""
    facts: dict[str, Any] | None = row[0].facts
    if facts is None or row.indicator is None:
        return facts
    return {**facts, "unit": row.indicator_unit}


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


def _case_links(row: Row[Any], links: Linking) -> list[Link]:
    """The case; it is itself what raised the alert."""
    path = f"/cases/{quote(row.case, safe='')}"
    return [links.link(path, rel) for rel in ("related", "evidence")]


def _line_links(row: Row[Any], links: Linking) -> list[Link]:
    """The register of the region's lines, which lists what they have lost."""
    path = f"/regions/{quote(row.region, safe='')}/lines"
    return [links.link(path, rel) for rel in ("related", "evidence")]


_SUBJECT_LINKS = {
    "station": _station_links,
    "indicator": _target_links,
    "case": _case_links,
    "line": _line_links,
}
