"""The figures of a plan as bodies state them."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FIRST_YEAR, LAST_YEAR = 1900, 2200
MOST_FIGURES = 100

# Without the character PostgreSQL cannot keep.
Code = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
# More places than any float is written with, and fewer than the database can hold.
Number = Annotated[
    Decimal,
    Field(allow_inf_nan=False, ge=-(10**15), le=10**15, max_digits=60, decimal_places=40),
]


class FigureBody(BaseModel):
    """A base, target or reference."""

    model_config = ConfigDict(extra="forbid")

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
    source: Words | None = Field(None, description="Where it is printed")


class FiguresBody(BaseModel):
    """All the figures of an indicator in a region."""

    model_config = ConfigDict(extra="forbid")

    targets: list[FigureBody] = Field(max_length=MOST_FIGURES, description="Bases and targets")
