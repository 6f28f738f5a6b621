"""How the indicators of plans stand, as it is answered: progress, conformance, evaluations."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import Field

from shanhai.db.compliance.verdict import in_both
from shanhai.db.indicators.plan_indicators import PlanRegion, PlanSeen
from shanhai.db.tables.indicator import EvaluationSnapshot
from shanhai.reporting.plan_evaluation import Stamp, title_of
from shanhai.science.indicators import STATUSES, Direction
from shanhai.validation import rfc3339
from shanhai.vocabulary import INDICATOR_PROPERTIES, Label
from shanhai_api.compliance.models import NamedCode
from shanhai_api.kit import answers
from shanhai_api.kit.view import CSV, DOCX, HTML, JSON, View
from shanhai_api.plans.answers import (
    DayTold,
    OfPlan,
    Titled,
    day_of,
    here_links,
    plan_item,
    plan_path,
)
from shanhai_api.plans.models import TEMPLATE, StatedTarget

TABLE_FORMATS = (JSON, HTML, CSV, DOCX)


class IndicatorBase(answers.Answered):
    """The figure an indicator starts from."""

    year: int | None
    value: answers.JsonNumber | None


class StandingRemark(answers.Answered):
    """What limits a judgement, in both languages."""

    code: str
    zh: str
    en: str


class IndicatorJudgement(answers.Answered):
    """How an indicator stands to a target, in its unit."""

    status: Annotated[str, answers.one_of(STATUSES)]
    gap: answers.JsonNumber | None = Field(description="Missing to the target; negative beyond it")
    path_value: answers.JsonNumber | None = Field(description="What the path asks of the year")
    progress_percent: answers.JsonNumber | None = Field(
        description="Of the way from base to target"
    )
    remarks: list[StandingRemark]


class JudgedTarget(IndicatorJudgement, StatedTarget):
    """A target with how the indicator stands to it."""

    stage: Literal["near", "final"] | None


class IndicatorTrend(answers.Answered):
    """The slope of the yearly values."""

    per_year: float
    course: Literal["steady", "improving", "worsening"]
    values: int = Field(description="How many values it is made of")


class ProjectShare(answers.Answered):
    """What projects plan and did for an indicator, in its unit."""

    count: int
    planned: answers.JsonNumber
    done: answers.JsonNumber
    accepted: answers.JsonNumber = Field(
        description="Done by projects that passed acceptance, and the accepted area of mines"
    )
    mines: int = Field(description="How many accepted mines are counted")


class JudgedIndicator(IndicatorJudgement):
    """How an indicator stands in a region: to the target that is due next, and to each."""

    indicator: str
    order: int
    name_zh: str
    name_en: str
    unit: str
    property: Annotated[str, answers.one_of(INDICATOR_PROPERTIES)]
    direction: Direction
    category: NamedCode | None
    department: NamedCode | None
    region: NamedCode
    base: IndicatorBase | None
    target: StatedTarget | None
    value: answers.JsonNumber | None
    value_year: int | None
    targets: list[JudgedTarget]
    references: list[StatedTarget]
    trend: IndicatorTrend | None
    projects: ProjectShare | None


class StatusCounts(answers.Answered):
    """How many indicators have each status."""

    reached: int
    on_track: int
    behind: int
    no_data: int


class StatusSummary(answers.Answered):
    """How many indicators have each status, by how firmly the plan states them."""

    binding: StatusCounts
    expected: StatusCounts


class PlanProgress(OfPlan, Titled):
    """How the indicators of a plan stand in a region."""

    template = TEMPLATE

    region: str
    year: int
    summary: answers.Described[StatusSummary]
    indicators: answers.Described[list[JudgedIndicator]]
    links: list[answers.Link]

    @classmethod
    def of(cls, plan: PlanSeen, place: PlanRegion, year: int, view: View, **judged: Any) -> Self:
        """How indicators were judged by the values of a year."""
        path = plan_path(plan.code)
        title = Label(f"{plan.name.zh}：指标进度", f"{plan.name.en}: progress of indicators")
        links = [
            *here_links(view),
            view.link(f"{path}/indicators", "up", **plan.day),
            view.link(f"{path}/evaluation", "related", year=year, region=place.code, **plan.day),
        ]
        return cls.about(
            plan, title=title.in_(view.lang), region=place.code, year=year, links=links, **judged
        )


class ComparedTarget(answers.Answered):
    """A target of the plan above beside the plan's own."""

    indicator: str
    name_zh: str
    name_en: str
    unit: str
    region: str
    year: int | None
    verdict: Literal["falls_short", "missing", "conforms"]
    upper: StatedTarget
    own: StatedTarget | None


class PlanConformance(OfPlan, Titled):
    """The targets of a plan beside those of the plan above, departures first."""

    template = TEMPLATE

    upper_plan: str | None
    verdict: Literal["nothing_to_compare", "departs", "conforms"]
    verdict_zh: str
    verdict_en: str
    compared: int
    departures: int | None
    targets: answers.Described[list[ComparedTarget]]
    links: list[answers.Link]

    @classmethod
    def of(
        cls,
        plan: PlanSeen,
        upper: PlanSeen | None,
        compared: Sequence[Mapping[str, Any]],
        view: View,
    ) -> Self:
        """What a comparison with the plan above came to."""
        title = Label(
            f"{plan.name.zh}：与上位规划目标的一致性",
            f"{plan.name.en}: conformance with the upper plan",
        )
        links = [*here_links(view), view.link(plan_item(plan.code), "up", **plan.day)]
        if upper is not None:
            links.append(view.link(plan_item(upper.code), "related", **plan.day))
        departures = sum(item["verdict"] != "conforms" for item in compared)
        verdict = "nothing_to_compare" if not compared else "departs" if departures else "conforms"
        return cls.about(
            plan,
            title=title.in_(view.lang),
            upper_plan=None if upper is None else upper.code,
            verdict=verdict,
            **in_both("verdict", conformance_line(verdict, upper, departures)),
            compared=len(compared),
            departures=departures if compared else None,
            targets=list(compared),
            links=links,
        )


class EvaluationTable(answers.Document):
    """The evaluation of a year: what is missed first, and of that what binds."""

    plan: NamedCode
    year: int
    region: str | None = Field(description="None for all that have targets")
    department: NamedCode | None
    summary: answers.Described[StatusSummary]
    rows: answers.Described[list[JudgedIndicator]]


class PlanEvaluation(EvaluationTable, DayTold, Titled):
    """An evaluation made anew."""

    template = TEMPLATE
    formats = TABLE_FORMATS

    links: list[answers.Link]

    @classmethod
    def of(cls, plan: PlanSeen, content: Mapping[str, Any], view: View) -> Self:
        """An evaluation as it is now."""
        links = [
            *here_links(view, *TABLE_FORMATS),
            view.link(f"{plan_path(plan.code)}/evaluations", "up", **plan.day),
        ]
        return cls(title=title_of(content, view.lang), **day_of(plan), **content, links=links)


class EvaluationHead(answers.Answered):
    """A stored evaluation without its content."""

    id: str = Field(validation_alias="code")
    year: int
    sha256: str = Field(description="Of the content as JSON with sorted names and no spaces")
    created: answers.Moment = Field(validation_alias="created_at")
    created_by: str


class EvaluationListed(EvaluationHead):
    """A stored evaluation as lists have it."""

    region: str
    links: list[answers.Link]


class StoredEvaluation(EvaluationHead, Titled):
    """A stored evaluation: its content is what the hash is of."""

    template = TEMPLATE
    formats = TABLE_FORMATS

    content: answers.Described[EvaluationTable]
    links: list[answers.Link]

    @classmethod
    def of(cls, plan: PlanSeen, row: EvaluationSnapshot, view: View) -> Self:
        """An evaluation as it was stored."""
        path = evaluations_path(plan)
        links = [
            *view.self_links(f"{path}/{quote(row.code, safe='')}", *TABLE_FORMATS),
            view.link(path, "up"),
        ]
        return cls.from_row(row, title=title_of(row.content, view.lang), links=links)


class StoredEvaluations(OfPlan, Titled):
    """A page of the stored evaluations of a plan, the newest first."""

    template = TEMPLATE

    evaluations: list[EvaluationListed]
    links: list[answers.Link]

    @classmethod
    def of(
        cls,
        plan: PlanSeen,
        page: Sequence[tuple[EvaluationSnapshot, str]],
        following: int | None,
        view: View,
    ) -> Self:
        """A page, and the way to the `following` one if there is one."""
        path = evaluations_path(plan)
        links = [*here_links(view), view.link(plan_item(plan.code), "up", **plan.day)]
        if following is not None:
            links.append({**view.link(path, "next"), "href": view.here(before=str(following))})
        title = Label(f"{plan.name.zh}：评估存档", f"{plan.name.en}: stored evaluations")
        return cls.about(
            plan,
            title=title.in_(view.lang),
            evaluations=[
                EvaluationListed.from_row(
                    row,
                    region=region,
                    links=[view.link(f"{path}/{row.code}", "item", JSON.media_type)],
                )
                for row, region in page
            ],
            links=links,
        )


def conformance_line(verdict: str, upper: PlanSeen | None, departures: int) -> Label:
    """What a comparison with the plan above came to, in a sentence."""
    if upper is None:
        return Label(
            "没有可比较的内容：未指明上位规划",
            "Nothing to compare: the plan names no plan above it",
        )
    if verdict == "nothing_to_compare":
        return Label(
            f"没有可比较的内容：上位规划《{upper.name.zh}》未对本规划的指标和区域设定目标",
            f"Nothing to compare: {upper.name.en} sets no target for this plan's indicators and"
            " regions",
        )
    if departures:
        return Label(f"{departures} 项不一致", f"{departures} departures")
    return Label("一致", "It conforms")


def evaluations_path(plan: PlanSeen) -> str:
    """Where the stored evaluations of a plan are."""
    return f"{plan_path(plan.code)}/evaluations"


def stamp_of(row: EvaluationSnapshot) -> Stamp:
    """What marks the evaluation as stored."""
    return Stamp(row.code, rfc3339(row.created_at) or "", row.sha256)
