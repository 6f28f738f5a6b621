"""What plans state of indicators, what was observed and what does not add up, as it is answered."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Self
from urllib.parse import quote
from uuid import UUID

import orjson
from pydantic import Field

from shanhai.db.indicators.plan_indicators import Listed, PlanRegion, PlanSeen
from shanhai.db.indicators.targets import Role, describe_target
from shanhai.db.indicators.values import Recorded
from shanhai.db.proposals.queries import ProposalReference
from shanhai.db.tables.control import DataFinding
from shanhai.db.tables.indicator import IndicatorTarget, IndicatorValue
from shanhai.science.indicators import Comparator, Sense
from shanhai.science.units import plain
from shanhai.validation import rfc3339
from shanhai.vector.formats import neutralised
from shanhai.vocabulary import SEVERITIES, Label, label_in
from shanhai_api.kit import answers
from shanhai_api.kit.view import CSV, HTML, JSON, View
from shanhai_api.plans.answers import OfPlan, PlanNamed, Titled, here_links, plan_links, plan_path
from shanhai_api.proposals.links import ProposalNamed, name_proposals, propose_link

TEMPLATE = "indicators.html"
TARGETS = Label("基期值与目标值", "base and targets")
VALUES = Label("历年数值", "values")


class FigureRevision(answers.Answered):
    """What a figure was before it was changed while its plan was in force."""

    on: str = Field(json_schema_extra={"format": "date"})
    reason: str
    value_before: answers.JsonNumber | None
    proposal: answers.Maybe[str] = Field(
        None, description="Code of the proposal that was carried out"
    )


class StatedTarget(answers.Answered):
    """A base, target or reference as the plan states it."""

    role: Role
    year: int | None = Field(description="None for a target that holds at all times")
    value: answers.JsonNumber | None = Field(description="None where the plan prints none")
    comparator: Comparator | None = Field(description="As printed")
    sense: Sense = Field(description="How it reads")
    cumulative_from: int | None = Field(description="First year counted of a total")
    revisable: bool = Field(description="Whether it may change while the plan is in force")
    source: str | None
    revisions: answers.Maybe[list[FigureRevision]] = None


class OfIndicator(OfPlan, Titled):
    """An answer about an indicator of a plan in a region."""

    template = TEMPLATE

    indicator: str
    name_zh: str
    name_en: str
    unit: str
    region: str

    @classmethod
    def of_indicator(
        cls, plan: PlanSeen, listed: Listed, place: PlanRegion, view: View, what: Label, **told: Any
    ) -> Self:
        """What is told of an indicator in a region; `what` is that."""
        title = Label(f"{listed.name.zh}：{what.zh}", f"{listed.name.en}: {what.en}")
        return cls.about(
            plan,
            title=title.in_(view.lang),
            indicator=listed.code,
            name_zh=listed.name.zh,
            name_en=listed.name.en,
            unit=listed.unit,
            region=place.code,
            **told,
        )


class IndicatorTargets(OfIndicator):
    """The figures of an indicator in a region, and the proposals to revise them."""

    targets: answers.Described[list[StatedTarget]]
    proposals: list[ProposalNamed]
    links: list[answers.Link]

    @classmethod
    def of(
        cls,
        plan: PlanSeen,
        listed: Listed,
        place: PlanRegion,
        rows: Sequence[IndicatorTarget],
        proposals: Sequence[ProposalReference],
        view: View,
    ) -> Self:
        """The figures a plan states, with the way to another proposal."""
        path = indicator_path(plan, listed)
        links = [
            *here_links(view),
            view.link(path, "up", **plan.day),
            view.link(f"{path}/values", "related", region=place.code, **plan.day),
            propose_link(view, plan=plan.code, indicator=listed.code, region=place.code),
        ]
        return cls.of_indicator(
            plan,
            listed,
            place,
            view,
            TARGETS,
            targets=[describe_target(row) for row in rows],
            proposals=name_proposals(proposals, view),
            links=links,
        )


class GivenValue(answers.Answered):
    """A figure as it was given, before it was converted to the unit of the indicator."""

    unit: str | None
    value: str


class ObservedValue(answers.Answered):
    """A value of a year."""

    id: int
    year: int
    value: answers.JsonNumber
    unit: str
    given: GivenValue | None
    cumulative: bool = Field(description="The total up to the year, not the year's own")
    counts: bool = Field(description="False where a newer one of the year replaced it")
    quality: str | None
    method: str | None
    source: str | None
    note: str | None
    department: str | None
    dataset: str | None
    job: UUID | None = Field(validation_alias="job_id")
    provenance: dict[str, Any] | None = Field(
        description="How a value was computed, from what; for those with a role in the region"
    )
    recorded_by: str | None
    recorded_at: answers.Moment

    @classmethod
    def of(cls, row: IndicatorValue, listed: Listed, **told: Any) -> Self:
        """A value in the unit of its indicator."""
        return cls.from_row(
            row,
            value=plain(row.value),
            unit=listed.unit,
            given=row.attrs.get("given"),
            note=row.attrs.get("note"),
            **told,
        )


class ValueRecorded(ObservedValue, answers.Document):
    """A value that was recorded."""

    indicator: str
    region: str


class IndicatorValues(OfIndicator):
    """A page of the values of an indicator in a region, from the newest year on."""

    values: list[ObservedValue]
    links: list[answers.Link]

    @classmethod
    def of(
        cls,
        plan: PlanSeen,
        listed: Listed,
        place: PlanRegion,
        page: Sequence[Recorded],
        following: str | None,
        view: View,
        *,
        known: bool,
    ) -> Self:
        """A page, and the `following` one; who or what recorded it only where that is `known`."""
        hidden = {} if known else dict.fromkeys(("job", "provenance", "recorded_by"))
        path = indicator_path(plan, listed)
        links = [*here_links(view), view.link(path, "up", **plan.day)]
        if following is not None:
            links.append({**view.link(path, "next"), "href": view.here(before=following)})
        values = [
            ObservedValue.of(
                item.row,
                listed,
                department=item.department,
                dataset=item.dataset,
                counts=item.counts,
                **hidden,
            )
            for item in page
        ]
        return cls.of_indicator(plan, listed, place, view, VALUES, values=values, links=links)


def indicator_path(plan: PlanSeen, listed: Listed) -> str:
    """Where an indicator of a plan is."""
    return f"{plan_path(plan.code)}/indicators/{quote(listed.code, safe='')}"


FORMATS = (JSON, HTML, CSV)
COLUMNS = ("code", "kind", "severity", "text_zh", "text_en", "figures", "found_at")


class FindingShown(answers.Answered):
    """What a check found."""

    code: str
    kind: str
    severity: Annotated[str, answers.one_of(SEVERITIES)]
    severity_name: str
    text: str
    text_zh: str
    text_en: str
    figures: dict[str, Any] = Field(
        description="The figures that do not add up, by names that differ from check to check"
    )
    found_at: answers.Moment

    @classmethod
    def of(cls, row: DataFinding, view: View) -> Self:
        """A finding as it is shown."""
        return cls.from_row(
            row,
            severity_name=label_in(SEVERITIES, row.severity, view.lang),
            text=Label(row.text_zh, row.text_en).in_(view.lang),
        )


class SeverityCounts(answers.Answered):
    """How many findings there are of each severity, the worst first."""

    high: int = 0
    medium: int = 0
    low: int = 0
    info: int = 0


class PlanFindings(OfPlan):
    """What the checks of a plan's figures found when they last ran, the worst first."""

    template = "findings.html"
    formats = FORMATS

    checked: bool = Field(description="Whether the checks ran at all")
    counts: SeverityCounts
    findings: list[FindingShown]
    links: list[answers.Link]

    @classmethod
    def of(cls, plan: PlanSeen, found: Sequence[DataFinding], view: View, *, checked: bool) -> Self:
        """The findings of a plan."""
        counts = Counter(row.severity for row in found)
        return cls.about(
            plan,
            checked=checked,
            counts=SeverityCounts(**counts),
            findings=[FindingShown.of(row, view) for row in found],
            links=plan_links(view, plan, *FORMATS),
        )


class PlanChecked(PlanNamed):
    """What checking a plan again came to."""

    found: int = Field(description="Findings there are")
    changed: int = Field(description="Findings that are new, changed or gone")


def as_csv(rows: Sequence[DataFinding]) -> bytes:
    """The findings in lines, after a mark by which spreadsheets know UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        figures, found_at = orjson.dumps(row.figures).decode(), rfc3339(row.found_at) or ""
        cells = (row.code, row.kind, row.severity, row.text_zh, row.text_en, figures, found_at)
        writer.writerow([neutralised(cell) for cell in cells])
    return "\ufeff".encode() + text.getvalue().encode()
