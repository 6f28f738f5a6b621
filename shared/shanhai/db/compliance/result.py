"""What a check of lines and rules found: overlaps, zones, hits of rules, and a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from shapely.geometry.base import BaseGeometry

from shanhai.vocabulary import CONTROL_KINDS, CONTROL_LEVELS, DECISIONS, SEVERITIES, Label

Verdict = Literal["pass", "conditional", "undetermined", "refused"]
VERDICTS: dict[Verdict, Label] = {
    "pass": Label("通过", "Pass"),
    "conditional": Label("有条件", "Conditional"),
    "undetermined": Label("无法判定", "Undetermined"),
    "refused": Label("不通过", "Refused"),
}
GapReason = Literal[
    "not_drawn",
    "partly_drawn",
    "not_registered",
    "no_class",
    "no_rule",
    "no_zoning",
    "not_zoned",
    "beyond_regions",
    "unknown_activity",
]
GAP_REASONS: dict[GapReason, Label] = {
    "not_drawn": Label("未绘制", "Not drawn"),
    "partly_drawn": Label("未完整绘制", "Drawn in part only"),
    "not_registered": Label("未登记", "Not registered"),
    "no_class": Label("未载明分类", "Class not given"),
    "no_rule": Label("无规则", "No rule"),
    "no_zoning": Label("无现行分区", "No zoning in force"),
    "not_zoned": Label("分区未覆盖", "Not covered by a zone"),
    "beyond_regions": Label("超出已知区域", "Beyond the known regions"),
    "unknown_activity": Label("未知活动", "Unknown activity"),
}
LABELS = {
    term.code: term.label for term in (*CONTROL_KINDS, *CONTROL_LEVELS, *DECISIONS, *SEVERITIES)
}
M2_IN_MU = 10_000 / 15


@dataclass(frozen=True, slots=True)
class GeodesicSize:
    """A geodesic size: an area, or the length of what has none; points have neither."""

    area_m2: float | None = None
    length_m: float | None = None

    def share_of(self, whole: "GeodesicSize") -> float | None:
        """The part of a whole of the same kind, 0 to 1; None where the two do not compare."""
        for part, all_of_it in ((self.area_m2, whole.area_m2), (self.length_m, whole.length_m)):
            if part is not None and all_of_it:
                return min(part / all_of_it, 1.0)
        return None

    def document(self) -> dict[str, float | None]:
        """The size in the units plans are written in."""
        found: dict[str, float | None] = {}
        if self.area_m2 is not None:
            found |= {
                "area_m2": round(self.area_m2, 2),
                "area_km2": round(self.area_m2 / 1e6, 6),
                "area_ha": round(self.area_m2 / 1e4, 4),
                "area_mu": round(self.area_m2 / M2_IN_MU, 3),
            }
        if self.length_m is not None:
            found |= {
                "length_m": round(self.length_m, 2),
                "length_km": round(self.length_m / 1e3, 5),
            }
        return found


@dataclass(frozen=True, slots=True)
class CheckedGeometry:
    """What was checked: the geometry's size, vertices and SHA-256, and the day."""

    measure: GeodesicSize
    vertices: int
    sha256: str
    as_of: date
    project: str | None = None


@dataclass(frozen=True, slots=True)
class TouchedArea:
    """A control area the geometry lies in, and what of the geometry does."""

    code: str
    name: Label
    kind: str
    class_code: str | None
    level: str | None
    region: str | None
    legal_basis: str | None
    delimitation: str | None
    version: int
    valid_from: date | None
    valid_to: date | None
    part: BaseGeometry
    measure: GeodesicSize
    share: float | None


@dataclass(frozen=True, slots=True)
class TouchedLine:
    """All control areas of a kind together; what several of them cover counts once."""

    kind: str
    measure: GeodesicSize
    share: float | None
    areas: tuple[TouchedArea, ...]


@dataclass(frozen=True, slots=True)
class TouchedZone:
    """A class of a published zoning the geometry lies in; a part for each of its zones."""

    scheme: str
    scheme_kind: str
    region_id: int
    version: int
    class_code: str
    name: Label
    color: str | None
    requirement: Label | None
    zones: tuple[str, ...]
    parts: tuple[BaseGeometry, ...]
    measure: GeodesicSize
    share: float | None


@dataclass(frozen=True, slots=True)
class RuleLocation:
    """Where a rule holds: a kind of control area, outside it, a class of zone, or everywhere.

    Attributes:
        area_class: The class of the control areas, where rules speak of it.
        measure: How much of the geometry lies there, where no line tells it.
    """

    scope: str
    subject: str | None
    name: Label
    codes: tuple[str, ...] = ()
    area_class: str | None = None
    measure: GeodesicSize | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """An exception an approver has given; `outdated` when the project's shape has changed since.

    Attributes:
        rule: The rule it lifts; None where it decides about a gap.
        gap: The code of what was not known, and about which it decides.
        reason: Why; None, as are the approver and the document, for who may not know.
    """

    code: str
    rule: str | None
    reason: str | None
    approver: str | None
    approved_at: datetime
    valid_from: date | None
    valid_to: date | None
    control_area: str | None = None
    document: str | None = None
    outdated: bool = False
    gap: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A line, zoning, class or rule that could bind at the place and is not known there.

    Attributes:
        code: What an exception names to decide about it.
        subject: The kind of line or zoning, the class or the activity.
        areas: The codes of the control areas or the zoning it is about.
        drawn_km2: What is drawn of the approved area.
        rules: The rules that could bind.
        leaves: The exceptions by which an approver has decided about it.
    """

    code: str
    reason: GapReason
    text: Label
    subject: str | None = None
    region: str | None = None
    region_id: int | None = None
    areas: tuple[str, ...] = ()
    approved_km2: float | None = None
    drawn_km2: float | None = None
    rules: tuple[str, ...] = ()
    leaves: tuple[Leave, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether an approver has decided about it, for the shape as it is."""
        return any(not leave.outdated for leave in self.leaves)


@dataclass(frozen=True, slots=True)
class BindingRule:
    """A rule in force; `confirm` while the bureau has not said that it holds.

    Attributes:
        classes: The classes of control areas it holds in; none is all.
        region_id: The region it holds in and below; None is everywhere.
        scheme_kind: The kind of zoning its class of zone is of.
    """

    code: str
    scope: str
    subject: str | None
    activity: str
    name: Label
    decision: str
    conditions: tuple[str, ...] = ()
    legal_basis: str | None = None
    text: Label | None = None
    covers: tuple[str, ...] = ()
    confirm: bool = False
    classes: tuple[str, ...] = ()
    region_id: int | None = None
    scheme_kind: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerJudgement:
    """How a condition of rules stands by the ledger of balances."""

    code: str
    met: bool
    text: Label


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that speaks of an activity at a place; `leaves` are the exceptions from it.

    Attributes:
        activity: The activity that was asked about; None for a duty nobody asked about.
        presumed: Nothing was said of activities, and this one was assumed.
    """

    rule: BindingRule
    place: RuleLocation
    activity: str | None
    activity_name: Label
    leaves: tuple[Leave, ...] = ()
    presumed: bool = False

    @property
    def excepted(self) -> bool:
        """Whether an exception in force lifts the rule here, for all areas it was hit in."""
        valid = [leave for leave in self.leaves if not leave.outdated]
        if any(leave.control_area is None for leave in valid):
            return True
        lifted = {leave.control_area for leave in valid}
        return bool(self.place.codes) and lifted.issuperset(self.place.codes)

    @property
    def severity(self) -> str:
        """How much the rule weighs."""
        return SEVERITY_OF[self.rule.decision]


SEVERITY_OF = {
    "forbidden": "high",
    "restricted": "medium",
    "conditional": "medium",
    "capped": "low",
    "encouraged": "info",
    "required": "info",
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer of a check.

    Attributes:
        duties: What the zones and lines demand and nobody asked about; it weighs nothing.
        gaps: What could bind there and is not known, decided or not.
        unknown: Activities no rule and no list knows; they cannot pass unjudged.
        reasons: Why the verdict is what it is.
        not_judged: The conditions nothing here can judge, each with the rules that set it.
        ledger: The conditions the ledger of balances judges.
    """

    verdict: Verdict
    subject: CheckedGeometry
    lines: tuple[TouchedLine, ...]
    zones: tuple[TouchedZone, ...]
    hits: tuple[Hit, ...]
    duties: tuple[Hit, ...]
    gaps: tuple[Gap, ...]
    unknown: tuple[str, ...]
    exceptions: tuple[Leave, ...]
    reasons: tuple[Label, ...]
    not_judged: Mapping[str, tuple[str, ...]]
    ledger: tuple[LedgerJudgement, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether a rule forbids what was asked and no exception lifts it."""
        return self.verdict == "refused"
