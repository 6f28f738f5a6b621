"""What plans state of indicators and what was observed, as it is answered."""

from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import quote
from uuid import UUID

from pydantic import Field

from shanhai.db.indicators.plan_indicators import Listed, PlanRegion, PlanSeen, plain
from shanhai.db.indicators.targets import Role, describe_target
from shanhai.db.indicators.values import Recorded
from shanhai.db.proposals.queries import ProposalReference
from shanhai.db.tables.indicator import IndicatorTarget, IndicatorValue
from shanhai.science.indicators import Comparator, Sense
from shanhai.vocabulary import Label
from shanhai_api.kit.answers import (
    Answered,
    Described,
    Document,
    JsonNumber,
    Link,
    Maybe,
    Moment,
)
from shanhai_api.plan_answers import OfPlan, Titled, plan_path
from shanhai_api.projects.documents import here_links
from shanhai_api.proposal_links import ProposalNamed, name_proposals, propose_link
from shanhai_api.view import View

TEMPLATE = "indicators.html"
TARGETS = Label("基期值与目标值", "base and targets")
VALUES = Label("历年数值", "values")


class FigureRevision(Answered):
    """What a figure was before it was changed while its plan was in force."""

    on: str = Field(json_schema_extra={"format": "date"})
    reason: str
    value_before: JsonNumber | None
    proposal: Maybe[str] = Field(None, description="Code of the proposal that was carried out")


class StatedTarget(Answered):
    """A base, target or reference as the plan states it."""

    role: Role
    year: int | None = Field(description="None for a target that holds at all times")
    value: JsonNumber | None = Field(description="None where the plan prints none")
    comparator: Comparator | None = Field(description="As printed")
    sense: Sense = Field(description="How it reads")
    cumulative_from: int | None = Field(description="First year counted of a total")
    revisable: bool = Field(description="Whether it may change while the plan is in force")
    source: str | None
    revisions: Maybe[list[FigureRevision]] = None


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

    targets: Described[list[StatedTarget]]
    proposals: list[ProposalNamed]
    links: list[Link]

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


class GivenValue(Answered):
    """A figure as it was given, before it was converted to the unit of the indicator."""

    unit: str | None
    value: str


class ObservedValue(Answered):
    """A value of a year."""

    id: int
    year: int
    value: JsonNumber
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
        description="How a computed value was found and from what, as its process tells it"
    )
    recorded_by: str | None
    recorded_at: Moment

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


class ValueRecorded(ObservedValue, Document):
    """A value that was recorded."""

    indicator: str
    region: str


class IndicatorValues(OfIndicator):
    """A page of the values of an indicator in a region, from the newest year on."""

    values: list[ObservedValue]
    links: list[Link]

    @classmethod
    def of(
        cls,
        plan: PlanSeen,
        listed: Listed,
        place: PlanRegion,
        page: Sequence[Recorded],
        following: str | None,
        view: View,
    ) -> Self:
        """A page, and the way to the `following` one if there is one."""
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
            )
            for item in page
        ]
        return cls.of_indicator(plan, listed, place, view, VALUES, values=values, links=links)


def indicator_path(plan: PlanSeen, listed: Listed) -> str:
    """Where an indicator of a plan is."""
    return f"{plan_path(plan.code)}/indicators/{quote(listed.code, safe='')}"
