"""`/mines`: the stock that waits for restoration, and the funds and reports of producing mines."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator

from shanhai.db import mines
from shanhai.db.hierarchy import find_region
from shanhai.db.indicators.plan_indicators import PlanSeen, find_plan
from shanhai.science.units import without_zeros
from shanhai.validation import Words, broken_at
from shanhai.vocabulary import MINE_DEPOSIT_KINDS, Label
from shanhai_api.kit import answers, dependencies
from shanhai_api.kit.body import Body, JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import View
from shanhai_api.plans.answers import Titled, here_links, money
from shanhai_api.projects.models import AmountText
from shanhai_api.projects.plan_models import FORMATS
from shanhai_api.projects.routes import respond_table, rows_of
from shanhai_api.projects.schemas import Amount, TableQuery, Word

Year = Annotated[int, Field(ge=1900, le=2200)]
Hectares = Annotated[Decimal, Field(ge=0, le=Decimal(10) ** 9, allow_inf_nan=False)]
HectaresText = Annotated[str, Field(description="Hectares, exactly", examples=["12.5"])]
HEIGHT, WIDTH = 300, 1000
MOST_LABELS = 12
FUND = Label("矿山恢复基金", "Restoration fund")
REPORTS = Label("矿山年度报告", "Yearly reports")


def mine_path(code: str, *parts: str) -> str:
    """Where what hangs on a mine is."""
    return "/".join((f"/mines/{quote(code, safe='')}", *parts))


def item_path(code: str) -> str:
    """The mine itself."""
    return f"/collections/mines/items/{quote(code, safe='')}"


def titled(what: Label, mine: mines.MineSeen, view: View) -> str:
    """What is shown, and of which mine."""
    return f"{what.in_(view.lang)} · {mine.name.in_(view.lang)}"


class StockQuery(TableQuery):
    """Parameters of the stock of mines."""

    region: Word | None = Field(None, description="Code of a region; all below it counts with it")
    plan: Word | None = Field(
        None, description="Code of a plan; mines of any of its editions count"
    )


class StockAtYearEnd(answers.Answered):
    """The stock at the end of a year."""

    year: int
    listed_ha: HectaresText = Field(description="All that was ever in the inventory")
    open_ha: HectaresText = Field(description="Not accepted as restored at the end of the year")
    restored_ha: HectaresText = Field(description="Accepted as restored in the year")
    mines_open: int

    @classmethod
    def of(cls, item: mines.StockYear) -> Self:
        """A year of the curve."""
        areas = ("listed_ha", "open_ha", "restored_ha")
        told = {name: without_zeros(getattr(item, name)) for name in areas}
        return cls(year=item.year, mines_open=item.mines_open, **told)


class MineStock(answers.Document):
    """The stock of legacy and closed mines that wait for restoration, year by year."""

    template = "mine_stock.html"
    formats = FORMATS

    region: str | None
    region_name: str | None
    plan: str | None
    plan_name: str | None
    mine_count: int
    unmeasured: int = Field(description="Mines whose area nobody has told or drawn; not counted")
    years: list[StockAtYearEnd]
    links: list[answers.Link]

    @classmethod
    def of(
        cls,
        curve: mines.StockCurve,
        query: StockQuery,
        region: Label | None,
        plan: PlanSeen | None,
        view: View,
    ) -> Self:
        """The stock as it was asked for."""
        return cls(
            region=query.region,
            region_name=None if region is None else region.in_(view.lang),
            plan=query.plan,
            plan_name=None if plan is None else plan.name.in_(view.lang),
            mine_count=curve.mines,
            unmeasured=curve.unmeasured,
            years=[StockAtYearEnd.of(item) for item in curve.years],
            links=here_links(view, *FORMATS),
        )


def chart_of(stock: MineStock) -> dict[str, Any]:
    """What the drawing of a stock needs, in the units of its view box."""
    years = stock.years
    top = max((float(item.listed_ha) for item in years), default=0.0) or 1.0
    step = WIDTH / max(len(years), 1)
    every = -(-len(years) // MOST_LABELS)

    def height(area: str) -> float:
        return round(HEIGHT * float(area) / top, 2)

    return {
        "top": without_zeros(Decimal(str(top))),
        "bars": [
            {
                "year": item.year if place % every == 0 else None,
                "title": f"{item.year}",
                "x": round(place * step + 0.15 * step, 2),
                "width": round(0.7 * step, 2),
                "middle": round((place + 0.5) * step, 2),
                "open": height(item.open_ha),
                "restored": height(item.restored_ha),
                "item": item.as_json(),
            }
            for place, item in enumerate(years)
        ],
    }


class DepositBody(Body):
    """An entry of the fund of a producing mine, or one that takes another back."""

    kind: Literal["due", "paid", "withdrawn", "forfeited"] | None = Field(
        None, description="What it is; an entry that takes another back is of its kind"
    )
    year: Year | None = Field(None, description="Year it is of")
    amount: Amount | None = Field(
        None,
        description="A string, or a number below 10^13, of at most two decimals",
        examples=["125000.00"],
    )
    reverses: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = Field(
        None, description="Number of the entry that is taken back, in full"
    )
    note: Words | None = Field(None, description="Why; needed where money is forfeited")

    @model_validator(mode="after")
    def check_members(self) -> Self:
        """An entry has kind, year and amount, or names the one it takes back."""
        for name in ("kind", "year", "amount"):
            given = getattr(self, name) is not None
            if not given and self.reverses is None:
                raise broken_at(name, rule=f"{name} is needed / 须填 {name}")
            if given and self.reverses is not None:
                rule = f"an entry that takes another back has no {name} / 冲销记录不得另填 {name}"
                raise broken_at(name, rule=rule)
        return self


class DepositShown(answers.Answered):
    """An entry of a mine's restoration fund."""

    id: int
    kind: Annotated[str, answers.one_of(MINE_DEPOSIT_KINDS)]
    year: int
    amount: str = Field(description="Yuan, exactly; below zero where it takes another back")
    reverses: int | None
    note: str | None
    actor: str | None
    at: answers.Moment

    @classmethod
    def of(cls, line: mines.DepositLine, **more: Any) -> Self:
        """An entry as it is shown."""
        return cls.from_row(line, amount=money(line.amount), **more)


class DepositMade(DepositShown, answers.Document):
    """An entry of a mine's restoration fund by itself."""

    mine: str
    links: list[answers.Link]


class MineFund(Titled):
    """The restoration fund of a mine."""

    template = "mine_ledger.html"

    mine: str
    currency: Literal["CNY"]
    fund_due: AmountText
    fund_paid: AmountText
    withdrawn: AmountText
    forfeited: AmountText
    balance: AmountText = Field(description="Paid, and neither withdrawn nor forfeited")
    fund_missing: AmountText = Field(description="Due, and not paid")
    entries: list[DepositShown]
    links: list[answers.Link]

    @classmethod
    def of(cls, mine: mines.MineSeen, lines: Sequence[mines.DepositLine], view: View) -> Self:
        """The fund of a mine by its entries."""
        sums = mines.sum_deposits((line.kind, line.amount) for line in lines)
        names = ("withdrawn", "forfeited", "balance")
        return cls(
            title=titled(FUND, mine, view),
            mine=mine.code,
            currency="CNY",
            **{name: money(getattr(sums, name)) for name in names},
            **{f"fund_{name}": money(getattr(sums, name)) for name in ("due", "paid", "missing")},
            entries=[DepositShown.of(line) for line in lines],
            links=[*here_links(view), view.link(item_path(mine.code), "up")],
        )


class MineReportBody(Body):
    """What a producing mine did in a year."""

    year: Year
    disturbed_ha: Hectares = Field(description="Area disturbed in the year")
    planned_ha: Hectares = Field(description="Area its restoration plan has for the year")
    restored_ha: Hectares = Field(description="Area restored in the year")
    note: Words | None = Field(None, description="Anything else")


class MineReportShown(answers.Answered):
    """The report of a year, with what is missing by it."""

    id: int
    year: int
    disturbed_ha: HectaresText
    planned_ha: HectaresText
    restored_ha: HectaresText
    area_missing_ha: HectaresText = Field(description="Planned, and not restored")
    fund_due: AmountText = Field(description="Due to the fund up to the end of the year")
    fund_paid: AmountText = Field(description="Paid into it up to the end of the year")
    fund_missing: AmountText = Field(description="Due, and not paid")
    case: str | None = Field(description="Code of the case a shortfall opened")
    newest: bool = Field(description="No newer report of its year took its place")
    note: str | None
    actor: str | None
    at: answers.Moment

    @classmethod
    def of(cls, report: mines.MineYear, **more: Any) -> Self:
        """A report as it is shown."""
        areas = ("disturbed_ha", "planned_ha", "restored_ha", "area_missing_ha")
        amounts = ("fund_due", "fund_paid", "fund_missing")
        told = {name: without_zeros(getattr(report, name)) for name in areas}
        told |= {name: money(getattr(report, name)) for name in amounts}
        return cls.from_row(report, **told, **more)


class MineReportMade(MineReportShown, answers.Document):
    """The report of a year by itself."""

    mine: str
    links: list[answers.Link]


class MineReports(Titled):
    """The yearly reports of a mine, the newest year first."""

    template = "mine_ledger.html"

    mine: str
    reports: list[MineReportShown]
    links: list[answers.Link]

    @classmethod
    def of(cls, mine: mines.MineSeen, found: Sequence[mines.MineYear], view: View) -> Self:
        """The reports of a mine."""
        return cls(
            title=titled(REPORTS, mine, view),
            mine=mine.code,
            reports=[MineReportShown.of(report) for report in found],
            links=[*here_links(view), view.link(item_path(mine.code), "up")],
        )


router = APIRouter(tags=["projects"], route_class=Route)
COLUMNS = ("year", "listed_ha", "open_ha", "restored_ha", "mines_open")


@router.get("/mines/stock", summary="The stock of mines that wait for restoration")
async def show_mine_stock(
    read: dependencies.Read[dependencies.Reader], query: Annotated[StockQuery, Query()]
) -> answers.Answer[MineStock] | Response:
    """Tell the area of legacy and closed mines open at each year's end, and restored in it."""
    viewer = read.caller.viewer
    plan = None if query.plan is None else await find_plan(read.session, query.plan, viewer)
    region = None if query.region is None else await find_region(read.session, query.region)
    curve = await mines.read_stock(
        read.session, viewer, region=query.region, plan_id=None if plan is None else plan.id
    )
    stock = MineStock.of(curve, query, None if region is None else region.name, plan, read)
    page = {"chart": chart_of(stock)} if read.wants_html(*stock.formats) else {}
    return respond_table(read, stock, COLUMNS, rows_of(stock.years), page)


@router.get("/mines/{mine}/deposits", summary="The restoration fund of a mine")
async def show_mine_fund(read: dependencies.Read[dependencies.KnownReader], mine: str) -> MineFund:
    """Show what is due to the fund, what was paid and taken out, and each entry."""
    seen = await mines.find_mine(read.session, mine, read.caller.viewer)
    lines = await mines.list_deposits(read.session, seen, read.caller.viewer)
    return MineFund.of(seen, lines, read)


@router.post("/mines/{mine}/deposits", summary="Add to the fund of a mine", status_code=201)
async def post_mine_deposit(
    write: dependencies.Write[dependencies.Writer], mine: str, body: JsonBody[DepositBody]
) -> answers.Answer[DepositMade]:
    """Enter what is due, paid, withdrawn or forfeited, or take an entry back."""
    new = mines.NewDeposit(**body.model_dump())
    line = await mines.add_deposit(write.session, mine, write.caller, write.act, new)
    place = mine_path(mine, "deposits")
    shown = DepositMade.of(line, mine=mine, links=[write.link(place, "up")])
    return answers.Answer(shown, location=place)


@router.get("/mines/{mine}/reports", summary="The yearly reports of a mine")
async def show_mine_reports(
    read: dependencies.Read[dependencies.KnownReader], mine: str
) -> MineReports:
    """List the yearly reports of a mine with what each was judged by."""
    seen = await mines.find_mine(read.session, mine, read.caller.viewer)
    found = await mines.list_reports(read.session, seen, read.caller.viewer)
    return MineReports.of(seen, found, read)


@router.post("/mines/{mine}/reports", summary="Report a year of a mine", status_code=201)
async def post_mine_report(
    write: dependencies.Write[dependencies.Writer],
    mine: str,
    body: JsonBody[MineReportBody],
) -> answers.Answer[MineReportMade]:
    """Report what was disturbed and restored; what falls short of plan or fund opens a case."""
    report = await mines.add_report(
        write.session,
        mine,
        write.caller,
        write.act,
        mines.NewMineReport(**body.model_dump()),
        verify_days=write.state.configuration.cases.verify_days,
    )
    place = mine_path(mine, "reports")
    shown = MineReportMade.of(report, mine=mine, links=[write.link(place, "up")])
    return answers.Answer(shown, location=place)
