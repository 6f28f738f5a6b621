"""Rules and alerts as they are asked for and answered."""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from shanhai import vocabulary
from shanhai.db.alerts.rules import RuleDefinition
from shanhai.monitoring.thresholds import DAYS_LATE, RANK, Kind, QuietHours, measure_unit
from shanhai.validation import Rfc3339Date, broken_at, codes_once
from shanhai_api.kit.answers import Answered, CodeNamed, Document, Link, Maybe, MomentText, one_of
from shanhai_api.kit.body import ENGLISH_NAME, Body, called_in_both
from shanhai_api.kit.view import View
from shanhai_api.proposals.links import ProposalNamed

LARGEST = 1e15
LONGEST_S = 366 * 86_400
CODE = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
Level = Literal["blue", "yellow", "orange", "red"]


CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
OF_STATIONS = ("property", "stations", "min_duration_s", "max_age_s", "any_quality")
OF_TARGETS = ("plan", "indicator")
OF_LINES = ("control_kind",)
OF_DUTIES = ("plan",)
OF_BALANCES = ("balance_kind",)
OF_SETTLEMENTS = ("settlement_state",)
TAKEN: dict[str, tuple[str, ...]] = {
    "indicator_behind_target": OF_TARGETS,
    "red_line_lead": OF_LINES,
    "line_decline": OF_LINES,
    "duty_due": OF_DUTIES,
    "balance_short": OF_BALANCES,
    "settlement_waiting": OF_SETTLEMENTS,
    **dict.fromkeys(("mine_report_due", "mine_fund_short", "reclamation_due"), ()),
}
"""Members that only some kinds of rules take; the other kinds take those of stations."""
LISTED = {
    "control_kind": vocabulary.CONTROL_KINDS,
    "balance_kind": vocabulary.BALANCE_KINDS,
    "settlement_state": vocabulary.SETTLEMENT_WAITS,
}


def checked_zone(name: str) -> str:
    """The name of a time zone there is.

    Raises:
        ValueError: there is none.
    """
    if name not in available_timezones():
        raise ValueError("must be an IANA time zone / 须为 IANA 时区名称")
    return name


class Quiet(BaseModel):
    """Hours in which nothing is delivered."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    begins: str = Field(alias="from", pattern=CLOCK, description="When they begin, as `22:00`")
    ends: str = Field(
        alias="to",
        pattern=CLOCK,
        description="When they end, on the next day if that is not later; as `from`: 24 hours",
    )
    days: list[Literal[1, 2, 3, 4, 5, 6, 7]] = Field(
        [1, 2, 3, 4, 5, 6, 7],
        min_length=1,
        max_length=7,
        description="Days of the week on which they begin, Monday being 1",
    )
    time_zone: str = Field(
        "Asia/Shanghai", max_length=64, description="IANA time zone of the hours"
    )
    red_passes: bool = Field(True, description="Whether red is delivered all the same")

    _zone = field_validator("time_zone")(checked_zone)

    @model_validator(mode="after")
    def check_end(self) -> Self:
        """What is held back is told some time."""
        if QuietHours.of(self.contents()).always:
            raise broken_at("to", rule="quiet hours must end some time / 免打扰时段不得永无止境")
        return self

    def contents(self) -> dict[str, Any]:
        """What is kept."""
        return {**self.model_dump(by_alias=True), "days": sorted(set(self.days))}


class RuleContents(Body):
    """A rule without its code."""

    model_config = ConfigDict(allow_inf_nan=False)

    name_zh: str = Field(min_length=1, max_length=200, description="Name in Chinese")
    name_en: str = ENGLISH_NAME
    kind: Kind = Field(description="What is watched for")
    property: str | None = Field(
        None, max_length=64, description="Code of the property; none, with `no_data`: any of them"
    )
    stations: list[str] | None = Field(
        None, min_length=1, max_length=1000, description="Codes of stations; default all"
    )
    region: str | None = Field(
        None, max_length=80, description="Code of the region it holds in; default any"
    )
    plan: str | None = Field(
        None,
        max_length=80,
        description="Code of the plan whose targets are watched, with `indicator_behind_target`, or"
        " whose duties are, with `duty_due`; default every approved plan",
    )
    indicator: str | None = Field(
        None, max_length=80, description="Code of the indicator in the plan; default all of them"
    )
    control_kind: str | None = Field(
        None,
        description="Kind of control area in which changes are found, with `red_line_lead`, or"
        " that becomes smaller, with `line_decline`",
    )
    balance_kind: str | None = Field(
        None, description="Kind of balance that may be short, with `balance_short`"
    )
    settlement_state: str | None = Field(
        None, description="What settlements wait in, with `settlement_waiting`; default all of it"
    )
    limits: dict[Level, float] = Field(
        min_length=1,
        description="Limit of each level: a value, a change per hour, seconds without data, percent"
        " behind what is asked, square metres of the control area changed or lost, what a balance"
        " or a fund (yuan) lacks, days a settlement waits or a report is overdue, or days after the"
        " last day of a duty or of the use of land, below 0 before it",
    )
    reset: float | None = Field(
        None,
        ge=-LARGEST,
        le=LARGEST,
        description="Where an alert ends again; default the limit of the lowest level",
    )
    min_duration_s: int = Field(
        0, ge=0, le=LONGEST_S, description="How long values must be beyond a limit"
    )
    max_age_s: int = Field(
        7 * 86_400, ge=60, le=LONGEST_S, description="Older values raise nothing"
    )
    any_quality: bool = Field(False, description="Values that are not valid, or impossible, count")
    enabled: bool = Field(True, description="Whether it is evaluated")
    quiet: Quiet | None = Field(None, description="Hours in which nothing is delivered")
    valid_from: Rfc3339Date | None = Field(None, description="First day on which it is evaluated")
    valid_to: Rfc3339Date | None = Field(None, description="Day from which on it no longer is")

    @field_validator("limits")
    @classmethod
    def check_size(cls, limits: dict[Level, float]) -> dict[Level, float]:
        """Values that can be."""
        if any(abs(limit) > LARGEST for limit in limits.values()):
            raise ValueError(f"must be within {LARGEST:g} / 绝对值不得超过 {LARGEST:g}")
        return limits

    _stations = field_validator("stations")(codes_once(200))

    @field_validator(*LISTED)
    @classmethod
    def check_listed(cls, value: str | None, told: ValidationInfo) -> str | None:
        """A code of its closed list."""
        known = vocabulary.codes(LISTED[told.field_name or ""])
        if value is not None and value not in known:
            listed = ", ".join(known)
            raise ValueError(f"must be one of {listed} / 须为 {listed} 之一")
        return value

    call_in_both = model_validator(mode="before")(called_in_both)

    @field_validator("name_zh", "name_en", "property", "region", "plan", "indicator")
    @classmethod
    def check_text(cls, value: str | None) -> str | None:
        """What a column can hold."""
        if value is not None and "\x00" in value:
            raise ValueError("must not hold the character 0 / 不得含有空字符")
        return value

    @model_validator(mode="after")
    def check_together(self) -> Self:
        """The members fit one another."""
        self._check_members()
        if self.kind == "no_data" and self.min_duration_s:
            raise broken_at(
                "min_duration_s", rule="limits are the duration / 无数据的时长由限值给出"
            )
        if self.kind in {"rate", "no_data"} and min(self.limits.values()) <= 0:
            raise broken_at("limits", rule="limits must be above 0 / 各级限值须大于 0")
        counts_up = self.kind in {"settlement_waiting", "mine_report_due"}
        if (self.ends_at_0() or counts_up) and min(self.limits.values()) < 0:
            raise broken_at("limits", rule="limits must not be below 0 / 各级限值不得小于 0")
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise broken_at("valid_to", rule="valid_to must be after valid_from / 止日须晚于起日")
        self._check_order()
        return self

    def _check_members(self) -> None:
        """What a kind needs is given, and nothing it does not take."""
        taken = TAKEN.get(self.kind, OF_STATIONS)
        every = (*OF_STATIONS, *OF_TARGETS, *OF_LINES, *OF_BALANCES, *OF_SETTLEMENTS)
        for name in every:
            if name not in taken and getattr(self, name) != type(self).model_fields[name].default:
                raise broken_at(name, rule=f"{self.kind} takes no {name} / {self.kind} 不用 {name}")
        needed = {
            **dict.fromkeys(("no_data", *TAKEN), None),
            **dict.fromkeys(("red_line_lead", "line_decline"), "control_kind"),
            "balance_short": "balance_kind",
        }
        missing = needed.get(self.kind, "property")
        if missing is not None and getattr(self, missing) is None:
            raise broken_at(missing, rule=f"{self.kind} needs {missing} / {self.kind} 须给出该项")
        if self.indicator is not None and self.plan is None:
            raise broken_at("plan", rule="an indicator needs its plan / 给出指标时须给出规划")

    def _check_order(self) -> None:
        """A more serious level lies further out, and the reset on the safe side of all."""
        sign = -1 if self.kind == "below" else 1
        ordered = [sign * self.limits[level] for level in self._levels()]
        if any(upper <= lower for lower, upper in pairwise(ordered)):
            raise broken_at("limits", rule="each must be more severe / 须从蓝色到红色逐级加重")
        if self.reset is not None and sign * self.reset > ordered[0]:
            raise broken_at("reset", rule="must be safer than any limit / 须在各限值的安全一侧")
        if self.ends_at_0() and self.reset:
            raise broken_at(
                "reset",
                rule=f"{self.kind} ends at 0: the target is kept up with, the case closed, what is"
                f" lost or lacking regained / {self.kind} 在 0 处结束：指标跟上进度、案件销号、"
                "面积恢复或缺额补足",
            )

    def ends_at_0(self) -> bool:
        """Whether what it measures is a lack, which ends at 0."""
        return self.kind in TAKEN and self.kind not in DAYS_LATE

    def _levels(self) -> list[Level]:
        return sorted(self.limits, key=RANK.__getitem__)

    def contents(self) -> dict[str, Any]:
        """What is kept."""
        reset = self.reset
        if reset is None:
            reset = 0.0 if self.ends_at_0() else self.limits[self._levels()[0]]
        quiet = None if self.quiet is None else self.quiet.contents()
        return {**self.model_dump(mode="json"), "reset": reset, "quiet": quiet}


class NewRule(RuleContents):
    """A rule to be made."""

    code: str = Field(pattern=CODE, description="What alerts name it by")


class AlertNote(Body):
    """What somebody says of an alert."""

    # Blanks alone say nothing.
    note: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=2000, pattern=r"^[^\x00]*$", description="What was found or done"
    )


class AlertRule(CodeNamed, Document):
    """What raises warnings."""

    kind: Kind
    kind_name: str
    property: str | None
    unit: str | None
    stations: list[str] | None
    region: str | None
    plan: str | None
    indicator: str | None
    control_kind: str | None
    balance_kind: str | None
    settlement_state: str | None
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
            kind_name=vocabulary.label_in(vocabulary.ALERT_KINDS, contents["kind"], view.lang),
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
    event: Annotated[str, one_of(vocabulary.ALERT_EVENTS)]
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
    status: Annotated[str, one_of(vocabulary.ALERT_STATUSES)]
    status_name: str
    level: Annotated[str, one_of(vocabulary.WARNING_LEVELS)]
    level_name: str
    color: str
    rule: str
    rule_name: str
    kind: Kind
    kind_name: str
    subject: Annotated[str, one_of(vocabulary.ALERT_SUBJECTS)]
    subject_kind_name: str
    subject_name: str
    station: str | None
    station_name: str | None
    plan: str | None
    indicator: str | None
    region: str | None
    target_year: int | None
    case: str | None
    duty: str | None
    balance_kind: str | None
    agreement: str | None
    mine: str | None
    reclamation: str | None
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
