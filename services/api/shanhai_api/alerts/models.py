"""Rules and alerts as they are answered."""

from typing import Annotated, Any, Self

from shanhai.db.alerts.rules import RuleDefinition
from shanhai.monitoring.thresholds import Kind, measure_unit
from shanhai.vocabulary import (
    ALERT_EVENTS,
    ALERT_KINDS,
    ALERT_STATUSES,
    ALERT_SUBJECTS,
    WARNING_LEVELS,
    label_in,
)
from shanhai_api.alerts.schemas import Level, Quiet
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, MomentText, one_of
from shanhai_api.proposal_links import ProposalNamed
from shanhai_api.view import View


class AlertRule(Document):
    """What raises warnings."""

    code: str
    name: str
    name_zh: str
    name_en: str
    kind: Kind
    kind_name: str
    property: str | None
    unit: str | None
    stations: list[str] | None
    region: str | None
    plan: str | None
    indicator: str | None
    control_kind: str | None
    limits: dict[Level, float]
    reset: float
    min_duration_s: int
    max_age_s: int
    any_quality: bool
    enabled: bool
    quiet: Quiet | None
    valid_from: str | None
    valid_to: str | None
    links: Maybe[list[Link]] = None

    @classmethod
    def of(cls, rule: RuleDefinition, view: View, links: list[Any] | None = None) -> Self:
        """A rule as it is shown."""
        contents = rule.contents
        return cls(
            **contents,
            name=contents[f"name_{view.lang}"],
            kind_name=label_in(ALERT_KINDS, contents["kind"], view.lang),
            unit=measure_unit(contents["kind"], rule.unit),
            links=links,
        )


class AlertRules(Document):
    """All rules."""

    rules: list[AlertRule]
    links: list[Link]


class AlertEvent(Answered):
    """Something that happened to an alert."""

    at: MomentText
    event: Annotated[str, one_of(ALERT_EVENTS)]
    event_name: str
    level: Level
    actor: str | None
    note: str | None
    time: MomentText | None
    measure: float | None


class Alert(Document):
    """An alert: what was found, where, and what became of it."""

    template = "alert.html"

    id: int
    status: Annotated[str, one_of(ALERT_STATUSES)]
    status_name: str
    level: Annotated[str, one_of(WARNING_LEVELS)]
    level_name: str
    color: str
    rule: str
    rule_name: str
    kind: Kind
    kind_name: str
    subject: Annotated[str, one_of(ALERT_SUBJECTS)]
    subject_kind_name: str
    subject_name: str
    station: str | None
    station_name: str | None
    plan: str | None
    indicator: str | None
    region: str | None
    target_year: int | None
    case: str | None
    property: str | None
    measure: float
    unit: str | None
    facts: dict[str, Any] | None
    began: MomentText
    raised: MomentText
    opened: MomentText
    acknowledged: MomentText | None
    acknowledged_by: str | None
    closed: MomentText | None
    closed_by: str | None
    links: list[Link]
    events: Maybe[list[AlertEvent]] = None
    proposals: Maybe[list[ProposalNamed]] = None


class Alerts(Document):
    """A page of alerts, the newest first."""

    template = "alerts.html"

    alerts: list[Alert]
    links: list[Link]
