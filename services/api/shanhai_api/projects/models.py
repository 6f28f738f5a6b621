"""What hangs on a project, as it is answered."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import Field

from shanhai.db.projects import funds
from shanhai.db.projects.measures import MeasureRecord
from shanhai.db.projects.queries import ProjectSeen
from shanhai.db.projects.transition_guards import Verdict
from shanhai.db.projects.transitions import Event, Prospect
from shanhai.db.tables.project import ProjectState
from shanhai.vocabulary import FUND_KINDS, Label, roles_zh
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, Moment, MomentText, one_of
from shanhai_api.kit.view import View
from shanhai_api.plans.answers import here_links, item_path, money, project_path

AmountText = Annotated[str, Field(description="Yuan, exactly", examples=["125000.00"])]
EntryKind = Literal["allocation", "payment", "return"]


class Told(Answered):
    """A text in the language asked for, and in both."""

    text: str
    text_zh: str
    text_en: str


class ProjectNamed(Answered):
    """A project by its code, and its name in the language asked for and in both."""

    project: str
    name: str
    name_zh: str
    name_en: str


class Condition(Told):
    """How a condition stands."""

    code: str
    met: bool | None = Field(description="None when it depends on what is sent")
    pointer: Maybe[str] = None

    @classmethod
    def of(cls, verdict: Verdict, view: View) -> Self:
        """A condition as it is judged."""
        return cls(
            code=verdict.code,
            met=verdict.met,
            pointer=verdict.pointer or None,
            **told(verdict.text, view),
        )


class RoleNeeded(Told):
    """The roles of which a step needs one."""

    any_of: list[str]
    met: bool


class ProjectStep(Answered):
    """A step with how it stands."""

    to: str
    name: str
    name_zh: str
    name_en: str
    allowed: bool
    role: RoleNeeded
    guard: str | None
    rule: str | None
    conditions: list[Condition]

    @classmethod
    def of(cls, item: Prospect, view: View) -> Self:
        """A step from the state a project is in."""
        step, needed = item.step, sorted(item.step.roles)
        in_words = roles_zh(needed)
        role = Label(f"须具角色：{in_words}", f"one of the roles {', '.join(needed)} is needed")
        return cls(
            to=step.target,
            name=step.name.in_(view.lang),
            name_zh=step.name.zh,
            name_en=step.name.en,
            allowed=item.allowed,
            role=RoleNeeded(any_of=needed, met=item.has_role, **told(role, view)),
            guard=step.guard,
            rule=None if step.rule is None else step.rule.in_(view.lang),
            conditions=[Condition.of(verdict, view) for verdict in item.verdicts],
        )


class ProjectSteps(Document):
    """What can be done with a project now, and what stands against the rest."""

    project: str
    state: str
    state_name: str
    state_name_zh: str
    state_name_en: str
    transitions: list[ProjectStep]
    links: list[Link]

    @classmethod
    def of(cls, project: ProjectSeen, state: Label, found: Sequence[Prospect], view: View) -> Self:
        """The steps from the state a project is in."""
        return cls(
            project=project.code,
            state=project.state,
            state_name=state.in_(view.lang),
            state_name_zh=state.zh,
            state_name_en=state.en,
            transitions=[ProjectStep.of(item, view) for item in found],
            links=[
                *here_links(view),
                view.link(item_path(project.code), "up"),
                view.link(f"{project_path(project.code)}/events", "related"),
            ],
        )


class ProjectHistory(Answered):
    """A step of the past; who took it and why is for who has a role in the region."""

    seq: int
    before: str = Field(alias="from", validation_alias="source")
    before_name: str = Field(alias="from_name")
    to: str = Field(validation_alias="target")
    to_name: str
    at: Moment
    actor: str | None
    note: str | None
    documents: list[str]

    @classmethod
    def of(cls, event: Event, view: View, *, known: bool, **more: Any) -> Self:
        """A step, with who took it and why where that may be `known`."""
        hidden = {} if known else {"actor": None, "note": None}
        return cls.from_row(
            event,
            before_name=event.source_name.in_(view.lang),
            to_name=event.target_name.in_(view.lang),
            documents=list(event.documents),
            **hidden,
            **more,
        )


class ProjectEventShown(ProjectHistory, Document):
    """A step of the past by itself."""

    links: list[Link]


class ProjectEvents(Document):
    """Steps a project took, from the first one on."""

    project: str
    events: list[ProjectHistory]
    returned: int = Field(alias="numberReturned")
    links: list[Link]


class ProjectStepTaken(Document):
    """A step that was taken now, and the state it led to."""

    project: str
    state: str
    event: ProjectHistory
    links: list[Link]


class Measure(Answered):
    """A measure with how far it is."""

    measure: str
    order: int
    name_zh: str | None
    name_en: str | None
    planned: float | None
    done: float | None
    unit: str | None
    indicator: str | None
    progress_percent: float | None


class MeasureShown(Measure, Document):
    """A measure by itself."""

    project: str
    links: list[Link]

    @classmethod
    def of(cls, project: str, measure: MeasureRecord, view: View) -> Self:
        """A measure of a project."""
        links = [
            *view.self_links(measure_path(project, measure.measure)),
            view.link(f"{project_path(project)}/measures", "up"),
        ]
        return cls.from_row(measure, project=project, links=links)


class Measures(Document):
    """What a project does, with planned and done amounts."""

    project: str
    measures: list[Measure]
    links: list[Link]


class LedgerLine(Answered):
    """An entry of the ledger."""

    id: int
    kind: EntryKind
    source: str
    year: int | None
    amount: AmountText
    measure: str | None
    paid_on: date | None
    note: str | None
    actor: str
    at: Moment

    @classmethod
    def of(cls, entry: funds.LedgerEntry, **more: Any) -> Self:
        """An entry as it is shown."""
        return cls.from_row(entry, amount=money(entry.amount), **more)


class LedgerLineMade(LedgerLine, Document):
    """An entry of the ledger by itself."""

    project: str
    links: list[Link]


class Amounts(Answered):
    """What was allocated and paid, and the rest."""

    allocated: AmountText
    paid: AmountText
    balance: AmountText

    @classmethod
    def of(cls, allocated: Decimal, paid: Decimal, **more: Any) -> Self:
        """The amounts, with what they are of."""
        told = {"allocated": allocated, "paid": paid, "balance": allocated - paid}
        return cls(**{name: money(amount) for name, amount in told.items()}, **more)


class SourceBalance(Amounts):
    """What a project has of a source."""

    source: str
    name_zh: str
    name_en: str
    kind: Annotated[str, one_of(FUND_KINDS)]
    year: int | None
    allowed_measures: list[str] | None

    @classmethod
    def of_source(cls, item: funds.Balance) -> Self:
        """The balance of a source."""
        allowed = item.allowed_measures
        return cls.of(
            item.allocated,
            item.paid,
            source=item.source,
            name_zh=item.name.zh,
            name_en=item.name.en,
            kind=item.kind,
            year=item.year,
            allowed_measures=None if allowed is None else list(allowed),
        )


class YearBalance(Amounts):
    """What a project has of a year."""

    year: int | None


class LedgerFigures(Amounts):
    """The entries of a ledger with its balances."""

    currency: Literal["CNY"]
    by_source: list[SourceBalance]
    by_year: list[YearBalance]
    entries: list[LedgerLine]

    @classmethod
    def of_project(
        cls, entries: Sequence[funds.LedgerEntry], balances: Sequence[funds.Balance], **more: Any
    ) -> Self:
        """The ledger of a project."""
        years = funds.by_year(balances)
        return cls.of(
            sum((item.allocated for item in balances), funds.ZERO),
            sum((item.paid for item in balances), funds.ZERO),
            currency="CNY",
            by_source=[SourceBalance.of_source(item) for item in balances],
            by_year=[YearBalance.of(*sums, year=year) for year, sums in years.items()],
            entries=[LedgerLine.of(item) for item in entries],
            **more,
        )


class ProjectLedger(LedgerFigures, Document):
    """The ledger of a project."""

    project: str
    links: list[Link]


class ProjectProblems(Document):
    """The problems a project acts on."""

    project: str
    problems: list[str]


class ProjectRegions(Document):
    """The towns and other regions a project lies in."""

    project: str
    regions: list[str]


class ProjectDocument(Document):
    """A document of a project; of results of monitoring the period and the figure, too."""

    code: str
    title_zh: str
    title_en: str | None
    kind: str
    measure: str | None
    period_from: date | None
    period_to: date | None
    quantity: str | None
    value: str | None
    unit: str | None
    collection: str
    object: str
    region: str | None
    filename: str
    media_type: str
    bytes: int
    sha256: str
    visibility: str
    data_class: str | None
    data_grade: str | None
    uploaded_at: MomentText
    valid_from: date | None
    valid_to: date | None
    links: list[Link]


class ProjectDocuments(Document):
    """A page of what the caller may see of a project's documents."""

    project: str
    documents: list[ProjectDocument]
    links: list[Link]


class StateOnTheWay(Answered):
    """A state of projects, and whether this one has been there."""

    state: str
    name: str
    terminal: bool
    place: Literal["past", "now", "ahead"]

    @classmethod
    def of(cls, state: ProjectState, place: str, view: View) -> Self:
        """A state by its name."""
        return cls.from_row(state, name=state_name(state, view), place=place)


class ProjectDossier(ProjectNamed, Document):
    """The project's way, what can be done now, its measures, money, papers and past."""

    template = "project.html"

    state: str
    state_name: str
    track: list[StateOnTheWay]
    transitions: list[ProjectStep]
    measures: list[Measure]
    funds: LedgerFigures | None = Field(description="None for who has no role in the region")
    documents: list[ProjectDocument]
    events: list[ProjectHistory]
    links: list[Link]


def told(label: Label, view: View) -> dict[str, str]:
    """A text in the language asked for, and in both."""
    return {"text": label.in_(view.lang), "text_zh": label.zh, "text_en": label.en}


def state_name(state: ProjectState, view: View) -> str:
    """What a state is called."""
    return Label(state.name_zh, state.name_en).in_(view.lang)


def measure_path(project: str, measure: str) -> str:
    """Where a measure is."""
    return f"{project_path(project)}/measures/{quote(measure, safe='')}"
