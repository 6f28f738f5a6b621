"""What can be asked for of the evaluation of a plan's indicators, and what it works on."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, field_validator

from shanhai.processes.evaluate_indicators.computations import ComputationId
from shanhai.processes.kit.contract import REPORTS, Inputs, OutputSpec, ProcessContract
from shanhai.processes.kit.task import NamedTask, Task
from shanhai.validation import Code
from shanhai.vocabulary import Label


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


class StationTask(NamedTask):
    """A station with its means by property."""

    kind: str
    longitude: float | None
    latitude: float | None
    means: dict[str, list[MeanTask]] = Field(default_factory=dict)


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


class UnitTask(NamedTask):
    """A sea area that is assessed."""

    geometry: dict[str, Any]


class KeySpeciesTask(BaseModel):
    """How many key protected species are known of the region at the end of a year."""

    year: int
    known: int
    protected: int = Field(description="those with an occurrence in a protected area or red line")
    undecided: int = Field(
        0, description="others with a masked cell that lies in such a line in part"
    )


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
    species: list[KeySpeciesTask] = []
    sea_units: list[UnitTask] = []


class EvaluateIndicatorsTask(Task):
    """What an evaluation of indicators is given."""

    indicators: IndicatorsTask | None = Field(
        None, description="what indicators are computed from, apart from rasters"
    )


FIRST_YEAR, LAST_YEAR = 1990, 2200
MOST_YEARS = 10
"""So that what a request looks up stays quick: a year of hourly air takes about a second."""
YearKey = Annotated[str, StringConstraints(pattern=r"^(19|20|21)\d\d$")]
Item = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class IndicatorDatasets(Inputs):
    """Rasters by year, in place of those whose days of observation fall into the year."""

    land_cover: dict[YearKey, Code] = Field(
        default_factory=dict,
        max_length=MOST_YEARS,
        description="Land cover by year / 各年土地覆盖数据集",
    )
    travel_time: dict[YearKey, Code] = Field(
        default_factory=dict,
        max_length=MOST_YEARS,
        description="Minutes on foot to the nearest park, by year; none is taken unless named"
        " / 各年步行至最近公园的时间（须指明）",
    )


class EvaluateIndicatorsInputs(Inputs):
    """Inputs of the evaluation of a plan's indicators."""

    plan: Code = Field(description="Plan whose indicators are evaluated / 规划")
    region: Code | None = Field(
        None, description="Region within the plan's; default the plan's own / 区域"
    )
    years: list[Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]] = Field(
        min_length=1, max_length=MOST_YEARS, description="Years to compute / 计算年份"
    )
    indicators: list[Code] | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="Indicators of the plan; default all / 指标，默认全部",
    )
    computations: dict[Code, ComputationId] = Field(
        default_factory=dict,
        max_length=500,
        description="Computation by indicator, in place of the default / 指标采用的计算",
    )
    stations: dict[Code, Annotated[list[Code], Field(min_length=1, max_length=2000)]] = Field(
        default_factory=dict,
        max_length=500,
        description="Stations by indicator; default all of the kind in the region / 指标采用的站点",
    )
    lakes: list[Code] = Field(
        default_factory=list,
        max_length=2000,
        description="Stations on lakes and reservoirs, which have limits of their own / 湖库站点",
    )
    left_out: list[Item] = Field(
        default_factory=list,
        max_length=50,
        description="Items left out of the assessment of water / 不参评的水质项目",
    )
    nearshore: Literal["area", "stations"] = Field(
        "area", description="Share of area, interpolated, or of stations / 近岸海域评价方式"
    )
    datasets: IndicatorDatasets = Field(
        default_factory=lambda: IndicatorDatasets.model_validate({}),
        description="Rasters by year / 各年栅格",
    )
    cell_m: float = Field(100.0, ge=10, le=5000, description="Analysis cell, m / 分析像元")
    crs: str | None = Field(
        None,
        pattern=r"^EPSG:\d{4,6}$",
        description="Projected CRS of the grid; default: the region's / 分析坐标系",
    )
    target_year: int | None = Field(
        None,
        ge=FIRST_YEAR,
        le=LAST_YEAR,
        description="Year looked ahead to; default that of the target / 预测年份",
    )
    confidence: float = Field(
        0.95, ge=0.5, le=0.99, description="Confidence of the interval / 预测区间置信度"
    )
    record: bool = Field(True, description="Record the values that were computed / 记录计算值")
    note: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="Remark that is recorded with each value and shown with it / 随数值记录的备注",
    )
    replace: bool = Field(
        False, description="Record them over values entered by hand as well / 覆盖人工填报值"
    )

    @field_validator("years")
    @classmethod
    def check_years(cls, value: list[int]) -> list[int]:
        """Each year once, in order."""
        if len(set(value)) < len(value):
            raise ValueError("a year is there twice / 年份重复")
        return sorted(value)


EVALUATE_INDICATORS = ProcessContract(
    "evaluate-indicators",
    Label("评价指标", "Evaluate indicators"),
    Label(
        "由监测数据、栅格与管控线计算规划指标的年度值，记录公式、输入与标准，判断进度并预测到目标年；"
        "不能计算的说明原因。",
        "Computes yearly values of a plan's indicators from observations, rasters and control"
        " areas, records each with formula, inputs and standard, judges them against the targets"
        " and looks ahead to the target year; what cannot be computed says why.",
    ),
    EvaluateIndicatorsInputs,
    (
        OutputSpec("indicators", Label("指标评价", "Indicators"), "application/json"),
        OutputSpec("statistics", Label("计算明细", "Statistics"), "application/json"),
        OutputSpec("table", Label("指标评价（表格）", "Indicators as a table"), "text/csv"),
        *REPORTS,
    ),
    keywords=("indicator", "water quality", "AQI", "forecast"),
    task=EvaluateIndicatorsTask,
    acts_for_caller=lambda inputs: True,
)
