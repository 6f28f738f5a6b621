"""Bodies and parameters of what hangs on a project."""

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from shanhai.validation import Rfc3339Date, Words
from shanhai.vocabulary import DataClass, DataGrade, VisibilityCode
from shanhai_api.kit.body import Body
from shanhai_api.kit.dependencies import DayQuery, PageQuery, format_field

EXACT_BELOW = 1e13
"""JSON numbers below it keep two digits after the point; larger amounts come as strings."""
WRITTEN = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)
MOST_DOCUMENTS = 100
MOST_LINKS = 1_000

Code = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=300)]


def _exact(value: object) -> Decimal:
    """The amount as it was written."""
    if isinstance(value, str) and WRITTEN.fullmatch(value):
        return Decimal(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, float) and abs(value) < EXACT_BELOW:
        return Decimal(repr(value))
    raise ValueError(
        "must be a decimal number, as a string where it is 10^13 or more"
        " / 必须是十进制数，10^13 及以上须写成字符串"
    )


Amount = Annotated[
    Decimal,
    Field(gt=0, max_digits=16, decimal_places=2, allow_inf_nan=False),
    BeforeValidator(_exact),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": EXACT_BELOW},
                {"type": "string", "pattern": r"^\d{1,14}(\.\d{1,2})?$"},
            ]
        }
    ),
]
Quantity = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]


class TransitionBody(Body):
    """A step to be taken."""

    to: Code = Field(description="The state to go to", examples=["proposed"])
    note: Words | None = Field(None, description="The reason, or the faults to be mended")
    documents: list[Code] = Field(
        default_factory=list,
        max_length=MOST_DOCUMENTS,
        description="Codes of the project's documents the step is based on",
    )


class EventsQuery(PageQuery):
    """Parameters of the steps of the past."""

    limit: int = Field(10, ge=1, le=10_000, description="Events on a page")
    after: int = Field(0, ge=0, le=2**31 - 1, description="Only events behind this one")


class MeasureBody(Body):
    """What is said of a measure; its code is in the path."""

    order: int = Field(1, ge=0, le=10_000, description="Place in the list")
    name_zh: Name | None = Field(None, description="Chinese name")
    name_en: Name | None = Field(None, description="English name")
    planned: Quantity | None = Field(None, description="Planned amount")
    done: Quantity | None = Field(None, description="Amount done; told during implementation")
    unit: Code | None = Field(None, description="Unit of both amounts", examples=["ha"])
    indicator: Code | None = Field(None, description="Code of the indicator it adds to")


class NewMeasureBody(MeasureBody):
    """A new measure."""

    measure: Code = Field(description="Code of the measure", examples=["mine_restoration"])


class FundEntryBody(Body):
    """An entry of the ledger."""

    kind: Literal["allocation", "payment", "return"] = Field(
        description="To the project, out of it, or back to the source"
    )
    source: Code = Field(description="Code of the source of funds")
    amount: Amount = Field(
        description="A string, or a number below 10^13, of at most two decimals",
        examples=["125000.00"],
    )
    measure: Code | None = Field(
        None, description="Measure it is for; needed when money of an earmarked source is paid"
    )
    paid_on: Rfc3339Date | None = Field(None, description="Day of the payment; default today")
    note: Words | None = Field(None, description="Anything else")


class ProblemsBody(Body):
    """The problems a project acts on."""

    problems: list[Code] = Field(max_length=MOST_LINKS, description="Codes of problems")


class RegionsBody(Body):
    """The towns and other regions a project lies in."""

    regions: list[Code] = Field(max_length=MOST_LINKS, description="Codes of regions")


class UploadQuery(PageQuery):
    """What is said of a file that is sent."""

    filename: str = Field(min_length=1, max_length=200, description="Name, with its ending")
    kind: Code = Field(description="What it proves", examples=["completion"])
    title_zh: Name = Field(description="Chinese title")
    title_en: Name | None = Field(None, description="English title")
    measure: Code | None = Field(None, description="The measure it is about; default all")
    visibility: VisibilityCode = Field("region", description="Who may read it")
    data_class: DataClass | None = Field(None, description="Class of the data")
    data_grade: DataGrade | None = Field(None, description="Grade above general data")
    period_from: Rfc3339Date | None = Field(None, description="First day its results are about")
    period_to: Rfc3339Date | None = Field(None, description="Last day its results are about")
    quantity: Word | None = Field(
        None, description="What its figure is of: a measure, an indicator or an observed property"
    )
    value: Decimal | None = Field(
        None, allow_inf_nan=False, max_digits=20, description="The figure"
    )
    unit: Word | None = Field(None, description="Unit of the figure", examples=["ha"])


class DocumentsQuery(PageQuery):
    """Parameters of the documents of a project."""

    limit: int = Field(100, ge=1, le=10_000, description="Documents on a page")
    after: int = Field(0, ge=0, le=2**63 - 1, description="Only documents behind this one")


class TableQuery(PageQuery):
    """Parameters of what is also a table."""

    f: str | None = format_field("json", "html", "csv")


class PlanTableQuery(TableQuery, DayQuery):
    """Parameters of a table of a plan."""


class TotalsQuery(PlanTableQuery):
    """Parameters of the sums of a plan."""

    by: Literal["programme", "region"] = Field(
        "programme", description="What the lines of the CSV table are"
    )


class FundsQuery(PlanTableQuery):
    """Parameters of the money of a plan."""

    by: Literal["source", "kind", "year", "programme"] = Field(
        "source", description="What the lines are; the year is that of the source"
    )


FigureKind = Literal[
    "evaluation", "benefit", "achievement", "condition", "context", "reference", "count"
]


class ResultsQuery(TableQuery):
    """Parameters of the results of a plan."""

    kind: FigureKind | None = Field(None, description="Only figures of this kind")
    year: int | None = Field(
        None, ge=1900, le=2200, description="Only those whose period holds this year"
    )
    class_name: Word | None = Field(
        None, alias="class", description="Only of this class, by its name in either language"
    )
    region: Code | None = Field(None, description="Only of this region")


class ReserveQuery(TableQuery):
    """Parameters of the reserve library."""

    region: Code | None = Field(None, description="Only projects in this region and below it")
    limit: int = Field(
        100, ge=1, le=500, description="Projects shown; the lines are checked for each"
    )
