"""What the evaluation of indicators works on, as it was when the job was accepted."""

from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, Field

from shanhai.processes.evaluate_indicators.computations import ComputationId
from shanhai.processes.kit.task import Task


class FigureTask(BaseModel):
    """A base or target, as the plan states it."""

    year: int | None
    value: Decimal | None
    sense: Literal["at_least", "at_most", "track"]
    comparator: Literal["ge", "gt", "le", "lt", "eq", "none"] | None = None
    cumulative_from: int | None = None


class ValueTask(BaseModel):
    """The value that counts of a year; `by_job` is the job that computed it."""

    year: int
    value: Decimal
    cumulative: bool = False
    by_job: str | None = None


class IndicatorTask(BaseModel):
    """An indicator of the plan; `indicator` is its code in the dictionary.

    `with_projects` are the values with what accepted projects did, for totals.
    """

    code: str
    indicator: str
    name_zh: str
    name_en: str
    unit: str
    direction: Literal["higher", "lower"]
    binding: bool
    computation: ComputationId | None = None
    stations: list[str] | None = None
    base: FigureTask | None = None
    targets: list[FigureTask] = []
    values: list[ValueTask] = []
    with_projects: list[ValueTask] = []


class MeanTask(BaseModel):
    """Mean of a property at a station in a year: of its monthly means."""

    year: int
    mean: float
    months: int
    observations: int


class StationTask(BaseModel):
    """A station with its means by property."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    longitude: float | None
    latitude: float | None
    means: dict[str, list[MeanTask]] = {}


class AirYearTask(BaseModel):
    """Daily concentrations for an indicator: means over stations; None where not valid."""

    indicator: str
    year: int
    stations: list[str]
    hours: int = Field(description="hourly values they rest on")
    days: dict[str, list[float | None]] = Field(description="one for each day, by pollutant")


class ShapeTask(BaseModel):
    """A control area and the years at whose end it was in force."""

    kind: str
    code: str
    version: int
    class_code: str | None
    approved_area_km2: Decimal | None
    checksum: str | None
    geometry: dict[str, Any] | None
    years: list[int]


class UnitTask(BaseModel):
    """A sea area that is assessed."""

    code: str
    name_zh: str
    name_en: str
    geometry: dict[str, Any]


class IndicatorsTask(BaseModel):
    """All that indicators are computed from but rasters, which are datasets of the task.

    Attributes:
        lines_left_out: Kinds of control areas with too many vertices to be carried.
    """

    plan_name_zh: str
    plan_name_en: str
    indicators: list[IndicatorTask]
    stations: list[StationTask] = []
    air: list[AirYearTask] = []
    shapes: list[ShapeTask] = []
    lines_left_out: list[str] = []
    sea_units: list[UnitTask] = []


class EvaluateIndicatorsTask(Task):
    """What an evaluation of indicators is given."""

    indicators: IndicatorsTask | None = Field(
        None, description="what indicators are computed from, apart from rasters"
    )
