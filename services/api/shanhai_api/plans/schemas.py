"""Bodies and parameters of the indicators of plans; figures as bodies state them."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shanhai.validation import Remark
from shanhai_api.kit.body import Body
from shanhai_api.kit.dependencies import DayQuery, PageQuery, format_field

FIRST_YEAR, LAST_YEAR = 1900, 2200
MOST_FIGURES = 100

# Without the character PostgreSQL cannot keep.
Code = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
# More places than any float is written with, and fewer than the database can hold.
Number = Annotated[
    Decimal,
    Field(allow_inf_nan=False, ge=-(10**15), le=10**15, max_digits=60, decimal_places=40),
]


class FigureBody(Body):
    """A base, target or reference."""

    role: Literal["base", "target", "reference"] = Field(description="What the figure is")
    year: Year | None = Field(None, description="None for a target that holds at all times")
    value: Number | None = Field(None, description="None where the plan prints none")
    unit: Code | None = Field(None, description="Unit of the value; default the indicator's")
    comparator: Literal["ge", "gt", "le", "lt", "eq", "none"] | None = Field(
        None, description="As printed; `none` for a bare number"
    )
    sense: Literal["at_least", "at_most", "track"] | None = Field(
        None, description="How it reads; default by comparator, then by the indicator's direction"
    )
    cumulative_from: Year | None = Field(None, description="First year counted of a total")
    revisable: bool = Field(False, description="Whether it may change while the plan is in force")
    source: Remark | None = Field(None, description="Where it is printed")


class FiguresBody(Body):
    """All the figures of an indicator in a region."""

    targets: list[FigureBody] = Field(max_length=MOST_FIGURES, description="Bases and targets")


MOST_VALUES = 10_000


class RegionQuery(PageQuery):
    """Parameters of what is told for one region of a plan."""

    region: str | None = Field(
        None, max_length=200, description="Code of a region in the plan's; default the plan's own"
    )


class TargetsQuery(RegionQuery, DayQuery):
    """Parameters of the figures a plan states."""


class ValuesQuery(RegionQuery, DayQuery):
    """Parameters of the values of an indicator."""

    year: Year | None = Field(None, description="Only the values of this year")
    limit: int = Field(100, ge=1, le=MOST_VALUES, description="Values on a page")
    before: str | None = Field(
        None, pattern=r"^\d{4}-\d{1,18}$", description="Only what follows this place in the list"
    )


class ProgressQuery(RegionQuery, DayQuery):
    """Parameters of the progress of a plan."""

    year: Year | None = Field(
        None, description="Year that is judged; default this year, or that of `as_of`"
    )
    department: str | None = Field(None, max_length=200, description="Code of who answers")


class EvaluationQuery(DayQuery):
    """Parameters of the evaluation of a year."""

    f: str | None = format_field("json", "html", "csv", "docx")
    year: Year | None = Field(
        None, description="Year that is evaluated; default this year, or that of `as_of`"
    )
    region: str | None = Field(
        None, max_length=200, description="Code of a region; default all that have targets"
    )
    department: str | None = Field(None, max_length=200, description="Code of who answers")


class StoredQuery(PageQuery):
    """Parameters of one stored evaluation."""

    f: str | None = format_field("json", "html", "csv", "docx")


class StoredListQuery(DayQuery):
    """Parameters of the list of stored evaluations."""

    year: Year | None = Field(None, description="Only those of this year")
    limit: int = Field(10, ge=1, le=10_000, description="Evaluations on a page")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Only those stored before it")


class TargetsBody(FiguresBody):
    """All the figures of an indicator in a region, and why they are stated."""

    reason: Remark | None = Field(None, description="Why; needed while the plan is in force")


class ValueBody(Body):
    """An observed value."""

    year: Year = Field(description="Year it is of; not after the present one")
    value: Number = Field(description="In `unit`")
    unit: Code | None = Field(None, description="Unit of the value; default the indicator's")
    region: Code | None = Field(None, description="Code of the region; default the plan's")
    cumulative: bool = Field(False, description="The total up to the year, not the year's own")
    quality: Code | None = Field(None, description="How good it is")
    method: Remark | None = Field(None, description="How it was found")
    source: Remark | None = Field(None, description="Where it was published")
    department: Code | None = Field(None, description="Code of who reports it")
    dataset: Code | None = Field(None, description="Code of the dataset it was found from")
    note: Remark | None = Field(None, description="Anything else, e.g. why it corrects another")


class EvaluationBody(Body):
    """An evaluation to be stored."""

    year: Year = Field(description="Year that is evaluated; not after the present one")
    region: Code | None = Field(None, description="Code of a region; default all with targets")
    department: Code | None = Field(None, description="Code of who answers; default all")


class DecisionBody(Body):
    """What the approver of a region decides of a joint plan."""

    region: Code = Field(description="Code of the region it is decided for")
    decision: Literal["approved", "rejected", "withdrawn"] = Field(
        description="`rejected` makes the plan a draft again; `withdrawn` takes an approval back"
    )
    reason: Remark | None = Field(None, description="Why; needed to reject")
