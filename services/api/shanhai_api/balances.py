"""`/balances` and `/projects/{project}/balance`: what is taken, what is given back, what lacks."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shanhai.db import balances as ledger
from shanhai.db.balance_rules import StatedRule, balance_rules
from shanhai.db.compliance.verdict import in_both
from shanhai.db.projects.queries import ProjectSeen, find_project
from shanhai.science import ledgers
from shanhai.science.units import without_zeros
from shanhai.validation import Code, Rfc3339Date
from shanhai.vocabulary import BALANCE_KINDS, codes
from shanhai_api.kit.answers import Answer, Answered, Document, Link, one_of
from shanhai_api.kit.dependencies import PageQuery, Read, Reader, format_field
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import CSV, View, choose_format
from shanhai_api.plans.answers import here_links, item_path
from shanhai_api.projects.operations import as_csv
from shanhai_api.projects.plan_models import FORMATS, names

Exact = Annotated[str, Field(description="In `unit`, exactly", examples=["300.0000"])]
BalanceKindCode = Annotated[str, one_of(BALANCE_KINDS)]
KindName = Literal[
    "natural_shoreline", "cultivated_land", "land_link", "wetland", "forest_quota", "sea_area"
]
BY_REGION = (
    *("region", "name_zh", "name_en", "kind", "unit", "year", "taken", "given"),
    *("taken_proposed", "given_proposed", "balance"),
)
OF_PROJECT = (
    *("kind", "unit", "taken", "given", "taken_proposed", "given_proposed", "required", "counted"),
    *("from_pool", "lacking", "met", "before", "after"),
)


class TallyShown(Answered):
    """The sum of entries of a kind; what was reversed is not in it."""

    kind: BalanceKindCode
    kind_name: str
    unit: str
    taken: Exact
    given: Exact
    taken_proposed: Exact
    given_proposed: Exact

    @staticmethod
    def told(kind: str, found: ledgers.BalanceTally, view: View) -> dict[str, Any]:
        """Its members."""
        term = ledger.KIND_OF[kind]
        return {
            "kind": kind,
            "kind_name": term.label.in_(view.lang),
            "unit": term.unit,
            "taken": _exact(found.taken.amount),
            "given": _exact(found.given.amount),
            "taken_proposed": _exact(found.taken_proposed.amount),
            "given_proposed": _exact(found.given_proposed.amount),
        }


class YearOfBalance(TallyShown):
    """A kind in a year, of all the regions asked about."""

    year: int
    balance: Exact = Field(description="Given back beyond what the rule asks; below 0 it lacks")
    carried: Exact = Field(description="The balances of all years to this one")


class RegionOfBalance(TallyShown):
    """A kind in a year in a region itself."""

    region: str
    name: str
    name_zh: str
    name_en: str
    year: int
    balance: Exact


class BalanceRuleShown(Answered):
    """What must be given back for what is taken."""

    kind: BalanceKindCode
    kind_name: str
    ratio: str = Field(description="Given back for one unit taken")
    restore_before_occupy: bool
    pool: bool = Field(description="A region above may supply what a project does not give back")
    graded: bool = Field(description="What is given back is of no worse mean quality grade")
    condition: str | None = Field(description="The condition of `check-compliance` it judges")
    legal_basis: str
    text_zh: str | None
    text_en: str | None
    confirm: bool = Field(description="The bureau has yet to confirm it")

    @classmethod
    def of(cls, stated: StatedRule, view: View) -> Self:
        """A rule of the data file."""
        rule = stated.rule
        return cls(
            kind=rule.kind,
            kind_name=ledger.KIND_OF[rule.kind].label.in_(view.lang),
            ratio=str(rule.ratio),
            restore_before_occupy=rule.restore_before_occupy,
            pool=rule.pool,
            graded=rule.graded,
            condition=stated.condition,
            legal_basis=stated.legal_basis,
            **in_both("text", stated.text),
            confirm=stated.confirm,
        )


class RegionalBalances(Document):
    """The ledger in sums: by kind and year, and by region."""

    template = "balances.html"
    formats = FORMATS

    region: str | None
    region_name: str | None
    year: int | None
    as_of: str | None
    balances: list[YearOfBalance]
    regions: list[RegionOfBalance]
    rules: list[BalanceRuleShown]
    links: list[Link]


class BalanceOfKind(TallyShown):
    """How a project stands to the rule of a kind."""

    required: Exact = Field(description="What must be given back for all that is to be taken")
    counted: Exact = Field(description="What counts of what the project gives back")
    from_pool: Exact
    lacking: Exact
    grade_taken: str | None
    grade_given: str | None
    met: bool
    text_zh: str | None
    text_en: str | None
    before: Exact = Field(description="Balance of the region and below without the project")
    after: Exact = Field(description="The same with it, what it proposes included")


class ProjectBalanceShown(Document):
    """What a project takes and gives back, and its region before and after."""

    template = "project_balance.html"
    formats = FORMATS

    project: str
    project_name: str
    met: bool | None = Field(description="None where the ledger has no entries of the project")
    balances: list[BalanceOfKind]
    rules: list[BalanceRuleShown]
    links: list[Link]


class BalancesQuery(PageQuery):
    """Parameters of balances."""

    f: str | None = format_field("json", "html", "csv")
    region: Code | None = Field(None, description="This region and all below it; default all")
    year: int | None = Field(None, ge=1900, le=2200, description="Of this year only")
    kind: KindName | None = Field(None, description="Of this kind only")
    as_of: Rfc3339Date | None = Field(
        None, description="Day whose entries are counted, in the states they had then"
    )


class ProjectBalanceQuery(PageQuery):
    """Parameters of the balance of a project."""

    f: str | None = format_field("json", "html", "csv")


router = APIRouter(tags=["projects"], route_class=Route)


@router.get("/balances", summary="What was taken and given back, by region and year")
async def show_balances(
    read: Read[Reader], query: Annotated[BalancesQuery, Query()]
) -> Answer[RegionalBalances] | Response:
    """Sum up the ledger: by kind and year, and by region; the page draws it.

    The public sees what was accepted.
    """
    region = None
    if query.region is not None:
        region = await ledger.find_balanced_region(read.session, query.region)
    rows = await ledger.read_year_balances(
        read.session, read.caller.viewer, region, kind=query.kind, as_of=query.as_of
    )
    shown = RegionalBalances(
        region=None if region is None else region.code,
        region_name=None if region is None else region.name.in_(read.lang),
        year=query.year,
        as_of=None if query.as_of is None else query.as_of.isoformat(),
        balances=list(_by_year(rows, query.year, read)),
        regions=[_of_region(row, read) for row in rows if query.year in {None, row.year}],
        rules=_rules({row.kind for row in rows}, read),
        links=here_links(read, *FORMATS),
    )
    return _shown(read, shown, "balances", BY_REGION, shown.regions)


@router.get("/projects/{project}/balance", summary="What a project takes and gives back")
async def show_project_balance(
    read: Read[Reader], project: str, query: Annotated[ProjectBalanceQuery, Query()]
) -> Answer[ProjectBalanceShown] | Response:
    """Tell of each kind what must be given back, what lacks, and the region before and after."""
    seen = await find_project(read.session, project, read.caller.viewer)
    found = await ledger.judge_project(read.session, seen.id, seen.region_id, read.caller.viewer)
    shown = _project(seen, found, read)
    return _shown(read, shown, "balance", OF_PROJECT, shown.balances)


def _project(
    seen: ProjectSeen, found: Sequence[ledger.ProjectBalance], view: View
) -> ProjectBalanceShown:
    return ProjectBalanceShown(
        project=seen.code,
        project_name=seen.name.in_(view.lang),
        met=all(item.verdict.met for item in found) if found else None,
        balances=[_of_kind(item, view) for item in found],
        rules=_rules({item.kind for item in found}, view),
        links=[*here_links(view, *FORMATS), view.link(item_path(seen.code), "up")],
    )


def _of_kind(item: ledger.ProjectBalance, view: View) -> BalanceOfKind:
    verdict = item.verdict
    return BalanceOfKind(
        **TallyShown.told(item.kind, item.own, view),
        required=_exact(verdict.required),
        counted=_exact(verdict.counted),
        from_pool=_exact(verdict.from_pool),
        lacking=_exact(verdict.lacking),
        grade_taken=_grade(verdict.grade_taken),
        grade_given=_grade(verdict.grade_given),
        met=verdict.met,
        **in_both("text", item.lacking(verdict)),
        before=_exact(item.before),
        after=_exact(item.after),
    )


def _by_year(
    rows: Sequence[ledger.RegionYearBalance], year: int | None, view: View
) -> Iterable[YearOfBalance]:
    sums: dict[tuple[str, int], ledgers.BalanceTally] = {}
    for row in rows:
        key = (row.kind, row.year)
        sums[key] = sums.get(key, ledgers.BalanceTally()) + row.tally
    carried: dict[str, Decimal] = {}
    for kind in codes(BALANCE_KINDS):
        for of_kind, when in sorted(key for key in sums if key[0] == kind):
            found = sums[of_kind, when]
            own = ledgers.balance_of(balance_rules()[kind].rule, found)
            carried[kind] = carried.get(kind, Decimal(0)) + own
            if year in {None, when}:
                yield YearOfBalance(
                    **TallyShown.told(kind, found, view),
                    year=when,
                    balance=_exact(own),
                    carried=_exact(carried[kind]),
                )


def _of_region(row: ledger.RegionYearBalance, view: View) -> RegionOfBalance:
    own = ledgers.balance_of(balance_rules()[row.kind].rule, row.tally)
    return RegionOfBalance(
        **TallyShown.told(row.kind, row.tally, view),
        **names(row.region_name, view),
        region=row.region,
        year=row.year,
        balance=_exact(own),
    )


def _rules(kinds: set[str], view: View) -> list[BalanceRuleShown]:
    return [
        BalanceRuleShown.of(stated, view)
        for kind, stated in balance_rules().items()
        if kind in kinds
    ]


def _exact(amount: Decimal) -> str:
    return f"{amount:.4f}"


def _grade(mean: Decimal | None) -> str | None:
    return None if mean is None else f"{mean:.2f}"


def widths(amounts: Mapping[str, str], names: Sequence[str]) -> dict[str, float]:
    """Bars of amounts in percent of the longest."""
    found = {name: max(float(amounts[name]), 0.0) for name in names}
    longest = max(found.values()) or 1.0
    return {name: round(100 * value / longest, 3) for name, value in found.items()}


def _shown(
    view: View,
    document: Any,
    name: str,
    columns: tuple[str, ...],
    rows: Sequence[Answered],
) -> Answer[Any] | Response:
    """The document as JSON, as a page with its bars, or its rows as a table."""
    if choose_format(view.request, FORMATS) is CSV:
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        lines = (row.as_json() for row in rows)
        return view.send(as_csv(columns, lines), CSV.media_type, headers=headers)
    return Answer(document, page={"widths": widths, "plain": _plain})


def _plain(amount: str) -> str:
    """An amount as people write it."""
    return without_zeros(Decimal(amount))
