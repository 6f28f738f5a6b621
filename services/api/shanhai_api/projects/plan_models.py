"""What the projects of a plan come to, and those in reserve, as it is answered."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import Field

from shanhai.db.compliance.result import VERDICTS, Verdict
from shanhai.db.compliance.verdict import in_both
from shanhai.db.indicators import figure_results
from shanhai.db.indicators.plan_indicators import PlanSeen
from shanhai.db.projects import effects, plan_totals
from shanhai.db.projects.queries import ProjectSeen
from shanhai.db.projects.reserve import Criterion, Ranked, criteria, required_papers
from shanhai.science import effect
from shanhai.vocabulary import (
    BENEFIT_ASPECTS,
    DOCUMENT_KINDS,
    FIGURE_KINDS,
    FUND_KINDS,
    PROBLEM_STATUSES,
    SEVERITIES,
    Label,
    label_in,
    label_of,
)
from shanhai_api.kit.answers import Answered, CodeNamed, Document, Link, Maybe, one_of
from shanhai_api.kit.view import CSV, HTML, JSON, View
from shanhai_api.plans import answers
from shanhai_api.projects.models import AmountText, ProjectNamed

FORMATS = (JSON, HTML, CSV)
Requirement = Literal["geometry", "cost", "overlap", "documents"]
Known = Annotated[AmountText, Field(description="For who has a role in the region")]


class MeasureSums(Answered):
    """What projects plan and did of a measure, in one unit."""

    measure: str
    unit: str | None
    projects: int
    planned: float | None
    done: float | None


class ProgrammeSums(Answered):
    """A programme with the sums of its projects."""

    programme: str | None = Field(description="None for projects in no programme")
    name: str
    name_zh: str
    name_en: str
    projects: int
    costed: int = Field(description="How many of those not given up tell their cost")
    cost: AmountText | None
    allocated: Maybe[Known] = None
    paid: Maybe[Known] = None
    balance: Maybe[Known] = None
    area_km2: float | None
    first_year: int | None
    last_year: int | None
    states: dict[str, int] = Field(description="How many projects are in each state")
    measures: list[MeasureSums]

    @classmethod
    def of(cls, item: plan_totals.ProgrammeTotals, view: View, *, with_money: bool) -> Self:
        """A programme, with the money for those who may see it."""
        return cls.from_row(
            item,
            programme=item.code,
            **names(item.name, view),
            **_money(item, known=with_money),
            area_km2=_km2(item.area_m2),
            measures=[MeasureSums.from_row(each) for each in item.measures],
        )


class RegionSums(Answered):
    """A region of a plan with the sums of the projects that lie in it."""

    region: str | None = Field(description="None for projects in no region of the plan")
    name: str
    name_zh: str
    name_en: str
    region_area_km2: float | None = Field(description="None where nobody has drawn the region")
    projects: int
    costed: int = Field(description="How many of those not given up tell their cost")
    cost: AmountText | None
    allocated: Maybe[Known] = None
    paid: Maybe[Known] = None
    balance: Maybe[Known] = None
    drawn: int = Field(description="How many of those not given up have a place")
    area_km2: float | None
    first_year: int | None
    last_year: int | None

    @classmethod
    def of(cls, item: plan_totals.RegionTotals, view: View, *, with_money: bool) -> Self:
        """A region, with the money for those who may see it."""
        return cls.from_row(
            item,
            region=item.code,
            **names(item.name, view),
            **_money(item, known=with_money),
            region_area_km2=_km2(item.region_area_m2),
            area_km2=_km2(item.area_m2),
        )


class PlanTotals(answers.OfNamedPlan):
    """The programmes and the regions of a plan with the sums of their projects."""

    template = "totals.html"
    formats = FORMATS

    projects: int
    programmes: list[ProgrammeSums]
    regions: list[RegionSums]
    regions_area_km2: float | None = Field(description="None unless each of them is drawn")
    regions_not_drawn: list[str]
    links: list[Link]

    @classmethod
    def of(
        cls,
        plan: PlanSeen,
        found: Sequence[plan_totals.ProgrammeTotals],
        regions: Sequence[plan_totals.RegionTotals],
        view: View,
        *,
        with_money: bool,
    ) -> Self:
        """The sums of a plan, with the money for those who may see it."""
        listed = [item for item in regions if item.code is not None]
        areas = [item.region_area_m2 for item in listed if item.region_area_m2 is not None]
        complete = bool(listed) and len(areas) == len(listed)
        return cls.named(
            plan,
            view,
            projects=sum(item.projects for item in found),
            programmes=[ProgrammeSums.of(item, view, with_money=with_money) for item in found],
            regions=[RegionSums.of(item, view, with_money=with_money) for item in regions],
            regions_area_km2=_km2(sum(areas)) if complete else None,
            regions_not_drawn=[item.code for item in listed if item.region_area_m2 is None],
            links=answers.plan_links(view, plan, *FORMATS),
        )


FUND_WORDS = {term.code: term.label for term in FUND_KINDS}
NO_KEY = Label("未载明", "Not told")


class FundSums(Answered):
    """Money by source, kind, year or programme."""

    key: str | None = Field(description="None for what names none")
    name: str
    name_zh: str
    name_en: str
    projects: int = Field(description="How many have entries")
    cost: AmountText | None = Field(description="What its projects cost; of a programme")
    allocated: AmountText = Field(description="Without what was given back")
    paid: AmountText
    returned: AmountText
    balance: AmountText = Field(description="Allocated, and not paid")
    paid_percent: float | None = Field(description="Paid of what was allocated")
    done_percent: float | None = Field(
        description="Of a programme: mean share done over its measures with a planned amount"
    )

    @classmethod
    def of(
        cls, item: plan_totals.FundTotals, programme: plan_totals.ProgrammeTotals | None, view: View
    ) -> Self:
        """A line, with cost and result where it is a programme."""
        name = item.name or FUND_WORDS.get(item.key or "")
        if name is None:
            name = NO_KEY if item.key is None else Label(item.key, item.key)
        measures = [] if programme is None else programme.measures
        return cls.from_row(
            item,
            **names(name, view),
            cost=None if programme is None or programme.cost is None else _yuan(programme.cost),
            allocated=_yuan(item.allocated),
            paid=_yuan(item.paid),
            returned=_yuan(item.returned),
            balance=_yuan(item.allocated - item.paid),
            paid_percent=_percent(item.paid, item.allocated),
            done_percent=_done_percent(measures),
        )


def _yuan(amount: Decimal) -> str:
    return answers.money(amount)


def _percent(part: Decimal, whole: Decimal) -> float | None:
    return round(float(100 * part / whole), 2) if whole > 0 else None


def _done_percent(measures: Sequence[plan_totals.MeasureTotal]) -> float | None:
    """No measure counts for more than was planned of it."""
    shares = [min((m.done or 0.0) / m.planned, 1.0) for m in measures if m.planned]
    return round(100 * sum(shares) / len(shares), 2) if shares else None


class PlanFunds(answers.OfNamedPlan):
    """The money of a plan's projects, and what it came to."""

    template = "funds.html"
    formats = FORMATS

    by: Literal["source", "kind", "year", "programme"]
    allocated: AmountText
    paid: AmountText
    returned: AmountText
    lines: list[FundSums]
    links: list[Link]

    @classmethod
    def of(
        cls,
        plan: PlanSeen,
        by: Literal["source", "kind", "year", "programme"],
        found: Sequence[plan_totals.FundTotals],
        programmes: Sequence[plan_totals.ProgrammeTotals],
        view: View,
    ) -> Self:
        """The money of a plan."""
        known = {item.code: item for item in programmes}
        # What was planned and no money came for shows in no entry.
        moved = {item.key for item in found}
        idle = [one for one in programmes if by == "programme" and one.code not in moved]
        listed = [*found, *(plan_totals.FundTotals(one.code, one.name) for one in idle)]
        lines = [
            FundSums.of(item, known.get(item.key) if by == "programme" else None, view)
            for item in listed
        ]
        sums = {
            name: _yuan(sum((getattr(item, name) for item in found), Decimal(0)))
            for name in ("allocated", "paid", "returned")
        }
        links = answers.plan_links(view, plan, *FORMATS)
        return cls.named(plan, view, by=by, lines=lines, links=links, **sums)


class ComputedSource(Answered):
    """Where a computed value comes from."""

    origin: Literal[
        "dataset",
        "indicator",
        "zoning",
        "control_areas",
        "corridors",
        "regions",
        "mines",
        "projects",
        "tasks",
        "programmes",
        "indicators",
        "zones",
    ]
    name: str
    code: str | None
    job: str | None
    on: date | None = Field(description="Day it was computed on")
    year: int | None = Field(description="What it is of, where that is known")
    rows: int | None = Field(description="How many rows were added up or counted")
    remark_zh: str | None = Field(
        description="How far it can be relied on: stand-ins it rests on, or a recorded remark"
    )
    remark_en: str | None
    href: str | None

    @classmethod
    def of(cls, found: figure_results.ComputedFigure, plan: str, view: View) -> Self | None:
        """What it comes from; None where there is nothing of it at all."""
        if found.origin is None:
            return None
        place = SOURCE_PLACES.get(found.origin)
        path = None if place is None else place[1].format(code=found.code, plan=plan)
        return cls.from_row(
            found,
            name=found.origin if place is None else place[0].in_(view.lang),
            href=None if path is None else view.url(path),
            **in_both("remark", found.remark),
        )


_ITEM = "/collections/{name}/items/{{code}}"
SOURCE_PLACES = {
    "dataset": (Label("评价图层", "Evaluated layer"), _ITEM.format(name="datasets")),
    "indicator": (Label("指标观测值", "Observed indicator"), "/plans/{plan}/progress"),
    "zoning": (Label("分区方案", "Zoning"), _ITEM.format(name="zone_schemes")),
    "control_areas": (Label("管控区", "Control areas"), "/collections/control_areas/items"),
    "corridors": (Label("廊道", "Corridors"), "/collections/corridors/items"),
    "regions": (Label("区域图形", "Outline of the region"), _ITEM.format(name="regions")),
    "mines": (Label("矿山台账", "Register of mines"), "/collections/mines/items"),
    "projects": (Label("项目", "Projects"), "/plans/{plan}/totals"),
    "tasks": (Label("任务", "Tasks"), "/plans/{plan}/provisions"),
    "programmes": (Label("重点工程", "Programmes"), "/plans/{plan}/programmes"),
    "indicators": (Label("指标", "Indicators"), "/plans/{plan}/indicators"),
    "zones": (Label("分区", "Zones"), "/collections/zones/items"),
}
"""What computed values come from: its name, and where it is."""


class ComparedResult(CodeNamed):
    """A figure of a plan beside what is computed for it; differences are computed minus printed."""

    kind: Annotated[str, one_of(FIGURE_KINDS)]
    kind_name: str
    aspect: Annotated[str, one_of(BENEFIT_ASPECTS)] | None
    class_zh: str | None
    class_en: str | None
    region: str | None
    region_name: str | None
    first_year: int | None
    last_year: int | None
    unit: str | None = Field(description="Of all values, unless `reason` says that they differ")
    comparator: str | None
    printed: float | None
    computed: float | None
    computed_unit: str | None
    difference: float | None
    difference_percent: float | None
    reached_percent: float | None = Field(description="Of a benefit: computed of what was planned")
    reason_zh: str | None = Field(description="Why nothing is computed, or not compared")
    reason_en: str | None
    indicator: str | None
    projects: list[str] = Field(description="Those a benefit comes from, as far as named")
    source: ComputedSource | None

    @classmethod
    def of(cls, found: figure_results.ComparedFigure, plan: str, view: View) -> Self:
        """A line."""
        row = found.printed
        zh = view.lang == "zh"
        told = {
            *("code", "kind", "aspect", "class_zh", "class_en", "region", "first_year"),
            *("last_year", "unit", "comparator", "indicator", "projects"),
        }
        reached = None
        if row["kind"] == "benefit" and found.difference_percent is not None and row["value"] > 0:
            reached = float(100 + found.difference_percent)
        return cls(
            **{name: row[name] for name in told},
            **names(Label(row["name_zh"], row["name_en"]), view),
            kind_name=label_in(FIGURE_KINDS, row["kind"], view.lang),
            region_name=row["region_zh" if zh else "region_en"],
            printed=_plain(row["value"]),
            computed=_plain(found.value),
            computed_unit=row["unit"] if found.difference is not None else found.computed.unit,
            difference=_plain(found.difference),
            difference_percent=_plain(found.difference_percent),
            reached_percent=reached,
            **in_both("reason", found.reason),
            source=ComputedSource.of(found.computed, plan, view),
        )


def _plain(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


class PlanResults(answers.OfNamedPlan):
    """The figures a plan prints, and what is computed for the same."""

    template = "figure_results.html"
    formats = FORMATS

    compared: int = Field(description="How many figures are compared")
    results: list[ComparedResult]
    links: list[Link]

    @classmethod
    def of(cls, plan: PlanSeen, found: Sequence[figure_results.ComparedFigure], view: View) -> Self:
        """The results of a plan."""
        results = [ComparedResult.of(item, plan.code, view) for item in found]
        return cls.named(
            plan,
            view,
            compared=sum(item.difference is not None for item in results),
            results=results,
            links=answers.plan_links(view, plan, *FORMATS),
        )


class SeenAt(Answered):
    """What a raster of one time tells of the perimeter and of the control area."""

    dataset: str
    on: str
    inside: float | None
    control: float | None
    inside_known_percent: float | None
    control_known_percent: float | None


class RasterEffect(Answered):
    """A raster theme before and after; `effect` is the difference of the two differences."""

    theme: str
    theme_name: str
    quantity: Literal["mean", "sealed_share"]
    unit: str
    series: list[SeenAt]
    before_on: str | None
    after_on: str | None
    inside_change: float | None
    control_change: float | None
    effect: float | None
    interim: bool | None = Field(description="Whether the project had not ended by then")

    @classmethod
    def of(cls, told: Mapping[str, Any], view: View) -> Self:
        """A theme of a comparison."""
        name = label_of(told["theme"])
        if told["quantity"] == "sealed_share":
            name = effect.SEALED
        change = told["change"] or {}
        return cls(
            theme=told["theme"],
            theme_name=name.in_(view.lang),
            quantity=told["quantity"],
            unit=told["unit"],
            series=[
                SeenAt(
                    dataset=one["dataset"],
                    on=one["on"],
                    inside=one["inside"]["mean"],
                    control=one["control"]["mean"],
                    inside_known_percent=_known_percent(one["inside"]),
                    control_known_percent=_known_percent(one["control"]),
                )
                for one in told["series"]
            ],
            before_on=change.get("before"),
            after_on=change.get("after"),
            inside_change=change.get("inside"),
            control_change=change.get("control"),
            effect=change.get("effect"),
            interim=change.get("interim"),
        )


def _known_percent(area: Mapping[str, Any]) -> float | None:
    return round(100 * area["known_cells"] / area["cells"], 2) if area["cells"] else None


class ComparedAreas(Answered):
    """The perimeter and the control area beside it."""

    perimeter_ha: float
    control_ha: float
    control_width_m: float
    other_projects: int = Field(description="Perimeters that are no part of the control area")
    cell_m: float
    rule: str
    rule_zh: str
    rule_en: str


class IndicatorChange(CodeNamed):
    """An indicator or a monitored quantity before and after."""

    unit: str | None
    of: Literal["region", "project"] = Field(
        description="The indicator of the region, or what monitoring of the project told"
    )
    before_on: str
    before: float
    after_on: str
    after: float
    change: float


class PhotoShown(Answered):
    """A photo of a pair."""

    code: str
    on: str
    title: str
    href: str
    media_type: str


class PhotosBeforeAfter(Answered):
    """The first and the last photo of a measure, or of the project."""

    measure: str | None
    before: PhotoShown
    after: PhotoShown


class RestorationSign(Answered):
    """A sign that a person shall look at; no verdict."""

    code: Literal["ndvi_fell_back", "ndvi_flat", "sealed_grew", "no_observation"]
    text: str
    text_zh: str
    text_en: str


class ProjectEffectShown(ProjectNamed, Document):
    """What a project has effected, as far as it is known."""

    template = "project_effect.html"
    formats = FORMATS

    first_year: int
    last_year: int
    job: str | None = Field(description="The comparison of rasters; None where there is none")
    compared_on: date | None
    areas: ComparedAreas | None
    rasters: list[RasterEffect]
    missing: list[str] = Field(description="Themes without rasters of both times")
    pictures: str | None = Field(description="The rasters drawn before and after, a PNG")
    indicators: list[IndicatorChange]
    photos: list[PhotosBeforeAfter]
    signs: list[RestorationSign] = Field(
        description="Leads for a person, never a verdict; none are told to the public"
    )
    links: list[Link]

    @classmethod
    def of(cls, project: ProjectSeen, found: effects.ProjectEffect, view: View) -> Self:
        """What is known of a project's effect."""
        rasters = found.rasters
        path = answers.item_path(project.code)
        return cls(
            project=project.code,
            **names(project.name, view),
            first_year=found.first_year,
            last_year=found.last_year,
            job=found.job,
            compared_on=found.on,
            areas=None if rasters is None else _areas(rasters, view),
            rasters=[RasterEffect.of(one, view) for one in (rasters or {}).get("themes", ())],
            missing=list((rasters or {}).get("missing", ())),
            pictures=found.pictures
            and view.url(f"{answers.project_path(project.code)}/effect/pictures"),
            indicators=[
                IndicatorChange(
                    code=one.code,
                    **names(one.name, view),
                    unit=one.unit,
                    of=one.of,
                    before_on=one.before_on,
                    before=float(one.before),
                    after_on=one.after_on,
                    after=float(one.after),
                    change=float(one.change),
                )
                for one in found.indicators
            ],
            photos=[
                PhotosBeforeAfter(
                    measure=one.measure,
                    before=_photo(one.before, view),
                    after=_photo(one.after, view),
                )
                for one in found.photos
            ],
            signs=[
                RestorationSign(
                    code=code,
                    text=effects.SIGNS[code].in_(view.lang),
                    **in_both("text", effects.SIGNS[code]),
                )
                for code in found.signs
            ],
            links=[*answers.here_links(view, *FORMATS), view.link(path, "up")],
        )


def _areas(rasters: Mapping[str, Any], view: View) -> ComparedAreas:
    told = {
        *("perimeter_ha", "control_ha", "control_width_m", "other_projects", "cell_m"),
        *("rule_zh", "rule_en"),
    }
    return ComparedAreas(
        **{name: rasters[name] for name in told}, rule=rasters[f"rule_{view.lang}"]
    )


def _photo(photo: effects.Photo, view: View) -> PhotoShown:
    return PhotoShown(
        code=photo.code,
        on=photo.on,
        title=photo.title.in_(view.lang),
        href=view.url(f"/documents/{quote(photo.code, safe='')}/file"),
        media_type=photo.media_type,
    )


def chart_of(rasters: RasterEffect) -> dict[str, Any]:
    """The points of a series of a picture 320 by 120: by day to the right, by value upwards."""
    known = [
        value for one in rasters.series for value in (one.inside, one.control) if value is not None
    ]
    days = [date.fromisoformat(one.on).toordinal() for one in rasters.series]
    low, high = min(known, default=0.0), max(known, default=1.0)
    first, span = min(days), max(max(days) - min(days), 1)

    def points(values: Sequence[float | None]) -> list[tuple[float, float]]:
        return [
            (
                round(10 + 300 * (day - first) / span, 2),
                round(110 - 100 * (value - low) / ((high - low) or 1.0), 2),
            )
            for day, value in zip(days, values, strict=True)
            if value is not None
        ]

    return {
        "inside": points([one.inside for one in rasters.series]),
        "control": points([one.control for one in rasters.series]),
        "low": low,
        "high": high,
    }


class ProjectOnProblem(ProjectNamed):
    """A project that acts on a problem, and how that is known."""

    by: list[Literal["link", "overlap", "place"]]


class PlaceWithProjects(Answered):
    """A place of a problem, and the projects that name it."""

    place: str
    projects: list[str]


class CoveredProblem(Answered):
    """A problem with who acts on it."""

    problem: str
    name: str
    name_zh: str
    name_en: str
    type: str
    severity: Annotated[str, one_of(SEVERITIES)] | None
    status: Annotated[str, one_of(PROBLEM_STATUSES)]
    covered: bool
    projects: list[ProjectOnProblem]
    places: list[PlaceWithProjects]
    places_without_project: list[str]

    @classmethod
    def of(cls, item: plan_totals.Covered, view: View) -> Self:
        """A problem as it is shown."""
        return cls.from_row(
            item,
            problem=item.code,
            **names(item.name, view),
            covered=bool(item.answers),
            projects=[
                ProjectOnProblem(project=each.project, **names(each.name, view), by=list(each.ways))
                for each in item.answers
            ],
            places=[
                PlaceWithProjects(place=place, projects=list(codes))
                for place, codes in item.places.items()
            ],
            places_without_project=item.missing,
        )


class CoverageCounts(Answered):
    """How many problems and projects there are, and how many are left alone."""

    problems: int
    problems_without_project: int
    places_without_project: int
    projects: int
    projects_without_problem: int


class OpenPlace(Answered):
    """A place that no project names."""

    place: str
    problem: str


class IdleProject(ProjectNamed):
    """A project that acts on no problem."""


class PlanCoverage(answers.OfNamedPlan):
    """The problems of a plan with the projects that act on them."""

    template = "coverage.html"
    formats = FORMATS

    counts: CoverageCounts
    problems: list[CoveredProblem]
    problems_without_project: list[str]
    places_without_project: list[OpenPlace]
    projects_without_problem: list[IdleProject]
    links: list[Link]

    @classmethod
    def of(cls, plan: PlanSeen, found: plan_totals.ProblemCoverage, view: View) -> Self:
        """Who acts on what in a plan."""
        missing = {place: item.code for item in found.problems for place in item.missing}
        counts = CoverageCounts(
            problems=len(found.problems),
            problems_without_project=len(found.open),
            places_without_project=len(missing),
            projects=found.projects,
            projects_without_problem=len(found.idle),
        )
        return cls.named(
            plan,
            view,
            counts=counts,
            problems=[CoveredProblem.of(item, view) for item in found.problems],
            problems_without_project=[item.code for item in found.open],
            places_without_project=[
                OpenPlace(place=place, problem=problem) for place, problem in missing.items()
            ],
            projects_without_problem=[
                IdleProject(project=code, **names(name, view)) for code, name in found.idle
            ],
            links=answers.plan_links(view, plan, *FORMATS),
        )


class ScheduledProject(ProjectNamed):
    """A project with its years, both included."""

    programme: str | None
    programme_name: str | None
    region: str
    state: str
    state_name: str
    start_year: int
    end_year: int
    href: str

    @classmethod
    def of(cls, item: plan_totals.Scheduled, plan: PlanSeen, view: View) -> Self:
        """A project as the timetable has it."""
        programme = item.programme_name
        return cls.from_row(
            item,
            project=item.code,
            **names(item.name, view),
            programme_name=None if programme is None else programme.in_(view.lang),
            state_name=item.state_name.in_(view.lang),
            href=view.url(answers.item_path(item.code), **plan.day),
        )


class PlanTimetable(answers.OfNamedPlan):
    """The projects of a plan with their years."""

    template = "timetable.html"
    formats = FORMATS

    first_year: int | None
    last_year: int | None
    projects: list[ScheduledProject]
    links: list[Link]

    @classmethod
    def of(cls, plan: PlanSeen, found: Sequence[plan_totals.Scheduled], view: View) -> Self:
        """When projects are worked on."""
        return cls.named(
            plan,
            view,
            first_year=min((item.start_year for item in found), default=None),
            last_year=max((item.end_year for item in found), default=None),
            projects=[ScheduledProject.of(item, plan, view) for item in found],
            links=answers.plan_links(view, plan, *FORMATS),
        )


class ReserveCriterion(Answered):
    """What adds to the score, by how much at most, and by which rule."""

    criterion: str
    weight: int
    name: str
    name_zh: str
    name_en: str
    rule: str

    @classmethod
    def of(cls, item: Criterion, view: View) -> Self:
        """A criterion as it is shown."""
        rule = item.rule.in_(view.lang)
        return cls.from_row(item, criterion=item.code, **names(item.name, view), rule=rule)


class ProjectReadiness(Answered):
    """What a project must have, and whether it has."""

    geometry: bool
    cost: bool
    overlap: bool = Field(description="Whether lines and rules do not stand against it")
    documents: bool


class ReserveProject(Answered):
    """A project in reserve, why it stands where it does, and what it lacks."""

    rank: int
    project: str
    name: str
    name_zh: str
    name_en: str
    region: str
    programme: str | None
    start_year: int
    end_year: int
    cost: AmountText | None
    score: float
    points: dict[str, float] = Field(description="What each criterion gave, by its code")
    values: dict[str, float] = Field(description="From 0 to 1, by the code of the criterion")
    verdict: Verdict | None = Field(description="None while it has no geometry")
    verdict_zh: str | None
    verdict_en: str | None
    ready: bool
    readiness: ProjectReadiness
    lacking: list[Requirement]
    links: list[Link]

    @classmethod
    def of(cls, item: Ranked, view: View) -> Self:
        """A project with its place in the reserve."""
        return cls.from_row(
            item,
            project=item.code,
            **names(item.name, view),
            cost=None if item.cost is None else answers.money(item.cost),
            score=float(item.score),
            points={part.code: float(part.points) for part in item.parts},
            values={part.code: float(part.value) for part in item.parts},
            **in_both("verdict", None if item.verdict is None else VERDICTS[item.verdict]),
            readiness=ProjectReadiness(**item.readiness),
            lacking=[name for name, met in item.readiness.items() if not met],
            links=[
                view.link(answers.item_path(item.code), "item"),
                view.link(
                    f"{answers.project_path(item.code)}/application", "enclosure", "application/zip"
                ),
            ],
        )


class ProjectReserve(Document):
    """The projects in reserve in their order, and what the order is made of."""

    template = "reserve.html"
    formats = FORMATS

    region: str | None
    criteria: list[ReserveCriterion]
    required_documents: list[Annotated[str, one_of(DOCUMENT_KINDS)]]
    projects: list[ReserveProject]
    links: list[Link]

    @classmethod
    def of(cls, found: Sequence[Ranked], region: str | None, view: View) -> Self:
        """The reserve, of a region if one was named."""
        return cls(
            region=region,
            criteria=[ReserveCriterion.of(item, view) for item in criteria()],
            required_documents=required_papers(),
            projects=[ReserveProject.of(item, view) for item in found],
            links=answers.here_links(view, *FORMATS),
        )


def names(label: Label, view: View) -> Mapping[str, str]:
    """A name in the language asked for, and in both."""
    return {"name": label.in_(view.lang), "name_zh": label.zh, "name_en": label.en}


def _money(
    item: plan_totals.ProgrammeTotals | plan_totals.RegionTotals, *, known: bool
) -> dict[str, Any]:
    """What projects cost, and for those who may see it what was allocated and paid."""
    spent = {"allocated": item.allocated, "paid": item.paid, "balance": item.allocated - item.paid}
    told: dict[str, Decimal | None] = {"cost": item.cost, **dict.fromkeys(spent)}
    told |= spent if known else {}
    return {
        name: None if amount is None else answers.money(amount) for name, amount in told.items()
    }


def _km2(square_metres: float | None) -> float | None:
    return None if square_metres is None else round(square_metres / 1e6, 4)
