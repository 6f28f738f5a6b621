"""Cases as they are answered."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import Field

from shanhai.db.cases import transitions
from shanhai.db.cases.leads import LeadOutcome
from shanhai.db.cases.queries import CaseSeen, Count
from shanhai.db.tables import provision
from shanhai.db.tables.control import CaseEvent
from shanhai.vocabulary import CASE_RESULTS, CASE_STATES, LEAD_KINDS, Label, codes
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, Moment, MomentText, one_of
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.view import View

LABELS = {term.code: term.label for term in (*LEAD_KINDS, *CASE_STATES, *CASE_RESULTS)}
NO_LABEL = Label("–", "–")
ORDER = {code: place for place, code in enumerate((*codes(CASE_STATES), *codes(LEAD_KINDS)))}
State = Annotated[str, one_of(CASE_STATES)]
Result = Annotated[str, one_of(CASE_RESULTS)]
Kind = Annotated[str, one_of(LEAD_KINDS)]
Outcome = Literal["opened", "duplicate", "no_case", "undetermined", "rejected"]


class LeadResult(Answered):
    """What became of one lead."""

    index: int = Field(description="Its place in what was sent, from 0")
    outcome: Outcome
    case: Maybe[str] = None
    href: Maybe[str] = None
    detail: Maybe[str] = None
    pointer: Maybe[str] = None

    @classmethod
    def of(cls, index: int, received: LeadOutcome, view: View) -> Self:
        """What became of a lead that could be read."""
        case, reason = received.case, received.reason
        return cls(
            index=index,
            outcome=received.outcome,
            case=case,
            href=None if case is None else view.url(case_path(case)),
            detail=None if reason is None else reason.in_(view.lang),
        )


class LeadResults(Document):
    """What became of the leads that were sent, counted and one by one."""

    stored = False

    opened: int
    duplicate: int
    no_case: int
    undetermined: int
    rejected: int
    results: list[LeadResult]


class StepTaken(Document):
    """A case after a step; who hands it to another region may no longer see the rest."""

    stored = False

    case: str = Field(validation_alias="code")
    state: State
    result: Result | None
    links: list[Link]


class CaseStep(Answered):
    """A step that can follow."""

    to: State
    name: str | None
    roles: list[str]
    needs: list[str] = Field(description="Members its body must have")
    rule: str
    allowed: bool = Field(description="Whether the caller may take it")

    @classmethod
    def of(cls, step: transitions.CaseStep, case: CaseSeen, caller: Caller, view: View) -> Self:
        """What a step needs, and whether the caller may take it."""
        return cls(
            to=step.target,
            name=label_of(step.target, view),
            roles=sorted(step.roles),
            needs=[*step.needs, *(["documents"] if step.proof else [])],
            rule=step.rule.in_(view.lang),
            allowed=caller.may(*transitions.SCOPES)
            and caller.acts_as(step.roles, case.region_id)
            and (step.results is None or case.result in step.results),
        )


class CaseHistory(Answered):
    """A step that was taken."""

    seq: int
    before: State | None = Field(alias="from", validation_alias="from_state")
    to: State = Field(validation_alias="to_state")
    to_name: str | None
    at: Moment
    actor: str
    note: str | None
    result: Result | None
    assignee: str | None
    due: date | None = Field(validation_alias="due_on")
    documents: list[str]

    @classmethod
    def of(cls, event: CaseEvent, view: View) -> Self:
        """A step of the past."""
        return cls.from_row(event, to_name=label_of(event.to_state, view))


class CaseDocument(Document):
    """A document of a case, and where its file is."""

    code: str
    kind: str
    title_zh: str
    title_en: str | None
    filename: str
    media_type: str
    sha256: str
    file: str = Field(json_schema_extra={"format": "uri"})

    @classmethod
    def of(cls, paper: provision.Document, view: View) -> Self:
        """A document as it is shown."""
        file = view.url(f"/documents/{quote(paper.code, safe='')}/file")
        return cls.from_row(paper, file=file)


class Case(Document):
    """A red-line lead: the lines it met, what was done, and what can follow."""

    template = "case.html"

    code: str
    state: State
    kind: Kind
    region: str | None
    due: date | None
    overdue: bool
    result: Result | None
    assignee: str | None
    source: str
    external_id: str
    sensed_before: date
    sensed_after: date
    confidence: float | None
    area_ha: float
    inside_ha: float
    lines: list[dict[str, Any]] = Field(description="Lines it met, with their areas and shares")
    lead_geometry: dict[str, Any] = Field(description="GeoJSON geometry of the change")
    opened_at: MomentText
    closed_at: MomentText | None
    links: list[Link]
    state_name: str
    kind_name: str
    result_name: str | None
    steps: list[CaseStep]
    events: list[CaseHistory]
    documents: list[CaseDocument]

    @classmethod
    def of(
        cls,
        record: Mapping[str, Any],
        case: CaseSeen,
        events: Iterable[CaseEvent],
        papers: Iterable[provision.Document],
        caller: Caller,
        view: View,
    ) -> Self:
        """All that is known of a case, `record` being its row in the list."""
        names = {f"{name}_name": label_of(record[name], view) for name in _NAMED}
        return cls(
            **record,
            **names,
            steps=[
                CaseStep.of(step, case, caller, view) for step in transitions.steps_from(case.state)
            ],
            events=[CaseHistory.of(event, view) for event in events],
            documents=[CaseDocument.of(paper, view) for paper in papers],
        )


class Figures(Answered):
    """How many cases there are, and how much they changed."""

    cases: int
    open: int
    overdue: int
    area_ha: float
    inside_ha: float

    @classmethod
    def of(cls, count: Count, **shared: Any) -> Self:
        """The figures of cases, with what they share."""
        return cls.from_row(
            count,
            area_ha=round(count.area_m2 / 1e4, 4),
            inside_ha=round(count.inside_m2 / 1e4, 4),
            **shared,
        )


class Name(Answered):
    """A name in both languages."""

    zh: str
    en: str


class GroupFigures(Figures):
    """The figures of cases that share something."""

    name: Name | None


class RegionFigures(GroupFigures):
    """The figures of a district."""

    region: str | None


class StateFigures(GroupFigures):
    """The figures of a state."""

    state: State


class KindFigures(GroupFigures):
    """The figures of a kind of change."""

    kind: Kind


class MonthFigures(GroupFigures):
    """The figures of the cases opened in a month."""

    month: str = Field(json_schema_extra={"examples": ["2026-07"]})


class CaseStatistics(Document):
    """Figures over cases, in the order of states, kinds, months and districts."""

    template = "case_statistics.html"

    total: Figures
    by_region: list[RegionFigures]
    by_state: list[StateFigures]
    by_kind: list[KindFigures]
    by_month: list[MonthFigures]
    links: list[Link]

    @classmethod
    def of(cls, total: Count, groups: Mapping[str, Iterable[Count]], view: View) -> Self:
        """The figures of all, and of each group."""
        links = [*view.self_links("/cases/statistics"), view.link("/cases", "collection")]
        return cls(
            total=Figures.of(total),
            by_region=_grouped(RegionFigures, "region", groups),
            by_state=_grouped(StateFigures, "state", groups),
            by_kind=_grouped(KindFigures, "kind", groups),
            by_month=_grouped(MonthFigures, "month", groups),
            links=links,
        )


_NAMED = ("state", "kind", "result")


def _grouped(
    model: type[GroupFigures], name: str, groups: Mapping[str, Iterable[Count]]
) -> list[Any]:
    counts = sorted(groups[name], key=lambda one: ORDER.get(one.value or "", -1))
    return [model.of(count, name=_names(count), **{name: count.value}) for count in counts]


def _names(count: Count) -> Name | None:
    label = count.name or LABELS.get(count.value or "")
    return None if label is None else Name(zh=label.zh, en=label.en)


def case_path(code: str) -> str:
    """Where a case is."""
    return f"/cases/{quote(code, safe='')}"


def label_of(code: str | None, view: View) -> str | None:
    """What a state, kind or result is called."""
    return None if code is None else LABELS.get(code, NO_LABEL).in_(view.lang)
