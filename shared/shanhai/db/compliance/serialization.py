"""The answer of a check as JSON values, every text in both languages."""

from collections.abc import Mapping
from typing import Any

from shanhai.db.compliance.result import (
    GAP_REASONS,
    LABELS,
    VERDICTS,
    CheckResult,
    Gap,
    Hit,
    Leave,
    RuleLocation,
    TouchedArea,
    TouchedLine,
    TouchedZone,
)
from shanhai.db.compliance.rules import activities
from shanhai.db.compliance.verdict import JUDGED, conditions_of
from shanhai.vocabulary import Label

NOTE = Label(
    "规则用于筛查和说明，不代替行政决定；标为待确认的条款须由主管部门确认。",
    "Rules screen and explain; they do not replace an administrative decision. Provisions marked"
    " as to be confirmed need the confirmation of the bureau.",
)


def document_of(result: CheckResult) -> dict[str, Any]:
    """The whole answer."""
    subject = result.subject
    return {
        "verdict": result.verdict,
        **in_both("verdict", VERDICTS[result.verdict]),
        "reasons": [{"zh": reason.zh, "en": reason.en} for reason in result.reasons],
        "as_of": subject.as_of.isoformat(),
        "project": subject.project,
        "geometry": {
            **subject.measure.document(),
            "vertices": subject.vertices,
            "sha256": subject.sha256,
        },
        "lines": [_line(line) for line in result.lines],
        "zones": [_zone(zone) for zone in result.zones],
        "hits": [_hit(hit) for hit in result.hits],
        "duties": [_hit(hit) for hit in result.duties],
        "gaps": [_gap(gap) for gap in result.gaps],
        "conditions_not_judged": [
            {**_named(code), "rules": list(rules)} for code, rules in result.not_judged.items()
        ],
        "unknown_activities": list(result.unknown),
        "exceptions": [leave_document(leave) for leave in result.exceptions],
        **in_both("note", NOTE),
    }


def in_both(name: str, label: Label | None) -> dict[str, str | None]:
    """A text under its name in each of the languages."""
    if label is None:
        return {f"{name}_zh": None, f"{name}_en": None}
    return {f"{name}_zh": label.zh, f"{name}_en": label.en}


def _share(share: float | None) -> dict[str, float | None]:
    return {"share_percent": None if share is None else round(share * 100, 4)}


def _line(line: TouchedLine) -> dict[str, Any]:
    return {
        "kind": line.kind,
        **in_both("name", LABELS[line.kind]),
        **line.measure.document(),
        **_share(line.share),
        "areas": [_area(area) for area in line.areas],
    }


def _area(area: TouchedArea) -> dict[str, Any]:
    return {
        "code": area.code,
        **in_both("name", area.name),
        "class": area.class_code,
        "level": area.level,
        **in_both("level", None if area.level is None else LABELS[area.level]),
        "region": area.region,
        "legal_basis": area.legal_basis,
        "delimitation": area.delimitation,
        "version": area.version,
        "valid_from": _day(area.valid_from),
        "valid_to": _day(area.valid_to),
        **area.measure.document(),
        **_share(area.share),
    }


def _zone(zone: TouchedZone) -> dict[str, Any]:
    return {
        "scheme": zone.scheme,
        "version": zone.version,
        "class": zone.class_code,
        **in_both("name", zone.name),
        "color": zone.color,
        **in_both("requirement", zone.requirement),
        "zones": list(zone.zones),
        **zone.measure.document(),
        **_share(zone.share),
    }


def _hit(hit: Hit) -> dict[str, Any]:
    rule = hit.rule
    return {
        "rule": rule.code,
        "place": _place(hit.place),
        "activity": hit.activity,
        **in_both("activity", hit.activity_name),
        "presumed": hit.presumed,
        "rule_activity": rule.activity,
        **in_both("rule_activity", rule.name),
        "decision": rule.decision,
        **in_both("decision", LABELS[rule.decision]),
        "severity": hit.severity,
        **in_both("severity", LABELS[hit.severity]),
        "conditions": [_condition(code) for code in conditions_of(hit)],
        "legal_basis": rule.legal_basis,
        **in_both("text", rule.text),
        "confirm": rule.confirm,
        "excepted": hit.excepted,
        "exceptions": [leave.code for leave in hit.leaves],
    }


def _place(place: RuleLocation) -> Mapping[str, Any]:
    return {
        "scope": place.scope,
        "subject": place.subject,
        **in_both("name", place.name),
        "codes": list(place.codes),
        **({} if place.area_class is None else {"class": place.area_class}),
        **({} if place.measure is None else {**place.measure.document(), **_share(place.share)}),
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "code": gap.code,
        "reason": gap.reason,
        **in_both("reason", GAP_REASONS[gap.reason]),
        "subject": gap.subject,
        "region": gap.region,
        "areas": list(gap.areas),
        "approved_km2": gap.approved_km2,
        "drawn_km2": gap.drawn_km2,
        "rules": list(gap.rules),
        **in_both("text", gap.text),
        "decided": gap.decided,
        "exceptions": [leave.code for leave in gap.leaves],
    }


def _condition(code: str) -> dict[str, Any]:
    return {**_named(code), "judged": code in JUDGED}


def _named(code: str) -> dict[str, str | None]:
    return {"code": code, **in_both("name", activities().condition(code))}


def leave_document(leave: Leave) -> dict[str, Any]:
    """An exception that was applied."""
    return {
        "code": leave.code,
        "rule": leave.rule,
        "gap": leave.gap,
        "control_area": leave.control_area,
        "reason": leave.reason,
        "approver": leave.approver,
        "approved_at": leave.approved_at.isoformat(),
        "valid_from": _day(leave.valid_from),
        "valid_to": _day(leave.valid_to),
        "document": leave.document,
        "outdated": leave.outdated,
    }


def _day(day: Any) -> str | None:
    return None if day is None else str(day)
