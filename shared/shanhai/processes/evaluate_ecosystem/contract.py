"""What can be asked for of a district's evaluation and of its gross ecosystem product."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shanhai.codes import Code, Name
from shanhai.processes.kit.contract import Inputs, OutputSpec, ProcessContract
from shanhai.processes.kit.place_inputs import PlaceInputs
from shanhai.vocabulary import Label

EvaluationTheme = Literal[
    "dem",
    "rainfall",
    "temperature",
    "soil",
    "npp",
    "ndvi",
    "land_cover",
    "population",
    "evapotranspiration",
    "reference_et",
    "soil_erodibility",
    "rain_erosivity",
    "hydrologic_group",
    "impervious",
    "lai",
    "gpp",
    "carbonate",
    "eco_region",
    "erosion_intensity",
    "rocky_desertification",
    "ndvi_series",
    "npp_series",
    "eqi_series",
]
"""Dataset themes the evaluations and the account read."""

Evaluation = Literal["importance", "sensitivity", "quality", "degradation", "resilience", "carbon"]
RankedService = Literal["water_conservation", "soil_retention", "biodiversity"]
ValuedService = Literal["water_conservation", "soil_retention", "carbon_sink"]
Series = Literal["ndvi", "fvc", "npp", "eqi"]
ClassCode = Annotated[str, Field(pattern=r"^([1-9]|1[01])$")]
RegionNumber = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]

SERIES_THEMES: Mapping[Series, EvaluationTheme] = {
    "ndvi": "ndvi_series",
    "fvc": "ndvi_series",
    "npp": "npp_series",
    "eqi": "eqi_series",
}
"""The theme a series is read from."""

Alternatives = tuple[EvaluationTheme, ...]
"""Themes of which one is needed."""

SERVICE_NEEDS: Mapping[str, tuple[Alternatives, ...]] = {
    "water_conservation": (
        ("rainfall",),
        ("evapotranspiration", "reference_et"),
        ("land_cover",),
    ),
    "soil_retention": (
        ("rain_erosivity", "rainfall"),
        ("soil_erodibility", "soil"),
        ("dem",),
        ("ndvi",),
        ("land_cover",),
    ),
    "biodiversity": (("npp",), ("rainfall",), ("temperature",), ("dem",)),
    "carbon_sink": (("npp",), ("temperature",), ("rainfall",)),
}
"""What the supply of a service is computed from, where it is not given."""

_RESILIENCE_NEEDS: tuple[Alternatives, ...] = (("land_cover",), ("npp",))
_QUALITY_NEEDS: tuple[Alternatives, ...] = (("lai",), ("gpp",), ("ndvi",), ("land_cover",))


class EvaluationParameters(Inputs):
    """Parameters of the evaluations; defaults are the method specification's."""

    services: list[RankedService] = Field(
        ["water_conservation", "soil_retention", "biodiversity"],
        min_length=1,
        max_length=3,
        description="Services whose importance is ranked / 评价重要性的服务",
    )
    ndvi_soil: float | None = Field(
        None, ge=-1, le=1, description="NDVI of bare soil; default its 5th percentile / 裸土 NDVI"
    )
    ndvi_vegetation: float | None = Field(
        None,
        ge=-1,
        le=1,
        description="NDVI of full cover; default its 95th percentile / 全覆盖 NDVI",
    )
    sensitivity: Literal["index", "monitored"] = Field(
        "index", description="From factors, or from monitored degrees / 敏感性方法"
    )
    grading: Literal["national", "local"] = Field(
        "national", description="Grades by national boundaries or local thirds / 分级方式"
    )
    relief_radius_m: float = Field(
        500.0, ge=50, le=10_000, description="Half the window of the relief, m / 起伏度窗口半径"
    )
    reference: Literal["p95", "max"] = Field(
        "p95", description="Reference of the quality of a group / 质量参照值"
    )
    region_parents: dict[RegionNumber, int] = Field(
        default_factory=dict,
        max_length=255,
        description="Parent of a function region, by number / 生态功能区的上级区",
    )
    series: Series | None = Field(
        None, description="Series of the trend; default the first there is / 趋势序列"
    )
    stable_slope: float | None = Field(
        None, ge=0, description="Change per year that counts as stable / 稳定阈值"
    )
    prewhiten: bool = Field(False, description="Trend-free prewhitening / 去趋势预白化")
    most_gaps: Share = Field(
        0.2, description="Part of the years that may be missing / 缺测比例上限"
    )
    resilience: dict[ClassCode, Share] = Field(
        default_factory=dict, description="Resilience coefficient by land-cover class / 恢复力系数"
    )

    @model_validator(mode="after")
    def check_ndvi(self) -> "EvaluationParameters":
        """Bare soil is less green than full cover."""
        soil, full = self.ndvi_soil, self.ndvi_vegetation
        if soil is not None and full is not None and soil >= full:
            raise ValueError(
                "ndvi_soil must be below ndvi_vegetation / 裸土 NDVI 须小于全覆盖 NDVI"
            )
        return self


class EvaluatedPlaceInputs(PlaceInputs):
    """Where an evaluation takes place, and what it reads."""

    datasets: dict[EvaluationTheme, Code] = Field(
        default_factory=dict, description="Dataset per theme; default: the newest / 数据集"
    )


class EvaluateEcosystemInputs(EvaluatedPlaceInputs):
    """Inputs of the evaluation of a region."""

    themes: list[Evaluation] = Field(
        min_length=1, max_length=6, description="What is evaluated / 评价内容"
    )
    supplies: dict[RankedService, Code] = Field(
        default_factory=dict,
        description="Computed supply per service, instead of computing it anew / 已有供给栅格",
    )
    parameters: EvaluationParameters = Field(
        default_factory=lambda: EvaluationParameters.model_validate({}),
        description="Parameters / 参数",
    )
    publish: bool = Field(
        False,
        description="Show the layers to the public, which takes an approver / 公开图层（须审批者）",
    )


class Good(Inputs):
    """A product and its price."""

    name: Name = Field(description="Name of the product / 产品名称")
    unit_price: Amount = Field(description="CNY per unit / 单价，元")
    quantity: Amount = Field(description="Units a year / 年产量")
    district: Code | None = Field(None, description="District it comes from / 区县")


class Site(Inputs):
    """A place people visit."""

    name: Name = Field(description="Name of the site / 景区名称")
    visits: Amount = Field(description="Visits a year / 年游客量，人次")
    travel_cost: Amount = Field(description="CNY per visit / 人均旅行费用，元")
    district: Code | None = Field(None, description="District it lies in / 区县")


class Store(Inputs):
    """A reservoir, or a lake or marsh that holds storm water."""

    name: Name = Field(description="Name / 名称")
    kind: Literal["reservoir", "lake"] = Field("reservoir", description="Kind / 类型")
    capacity_m3: Amount | None = Field(None, description="Capacity, m³ / 总库容")
    flood_pool_m3: Amount | None = Field(
        None, description="Storage for floods, m³; default a share of the capacity / 防洪库容"
    )
    district: Code | None = Field(None, description="District it lies in / 区县")

    @model_validator(mode="after")
    def check_size(self) -> "Store":
        """A lake has no rule for its share; a reservoir has one."""
        if self.flood_pool_m3 is None and (self.kind == "lake" or self.capacity_m3 is None):
            raise ValueError(
                "give flood_pool_m3, or for a reservoir its capacity_m3 /"
                " 须给出 flood_pool_m3，水库可给出 capacity_m3"
            )
        return self


Pollutant = Literal["so2", "nox", "dust", "cod", "nitrogen", "phosphorus"]


class AccountGepInputs(EvaluatedPlaceInputs):
    """Inputs of an account of the gross ecosystem product."""

    catalogue: Literal["guideline-2020", "norm-2022", "gbt-46869-2025"] = Field(
        "guideline-2020", description="Items and coefficients / 核算目录"
    )
    price_year: int = Field(
        2020, ge=2002, le=2100, description="Year whose money values are in / 价格年份"
    )
    items: list[str] | None = Field(
        None,
        min_length=1,
        max_length=50,
        description="Items to count; default all that can be / 核算项目，默认全部可算项",
    )
    supplies: dict[ValuedService, Code] = Field(
        default_factory=dict,
        description="Computed supply per service, instead of computing it anew / 已有供给栅格",
    )
    coefficients: dict[str, float] = Field(
        default_factory=dict,
        max_length=200,
        description="Coefficients and prices in place of the catalogue's / 本地系数与价格",
    )
    discharges_t: dict[Pollutant, Amount] = Field(
        default_factory=dict,
        description="Emission or discharge a year, t: purification is no more / 污染物排放量",
    )
    quantities: dict[str, Amount | dict[Code, Amount]] = Field(
        default_factory=dict,
        max_length=50,
        description="Entered quantity per item, in all or by district / 录入的实物量",
    )
    goods: list[Good] = Field(default_factory=list, max_length=1000, description="Products / 产品")
    sites: list[Site] = Field(default_factory=list, max_length=1000, description="Sites / 景区")
    stores: list[Store] = Field(
        default_factory=list, max_length=5000, description="Reservoirs and lakes / 水库与湖泊"
    )


def evaluation_needs(inputs: EvaluateEcosystemInputs) -> list[tuple[str, Alternatives]]:
    """What is needed and why: an evaluation or service, and themes of which one must be there."""
    parameters, found = inputs.parameters, list[tuple[str, Alternatives]]()

    def add(reason: str, needs: Iterable[Alternatives]) -> None:
        found.extend((reason, need) for need in needs)

    if "importance" in inputs.themes:
        for service in parameters.services:
            if service not in inputs.supplies:
                add(service, SERVICE_NEEDS[service])
    if "sensitivity" in inputs.themes:
        add("sensitivity", _sensitivity_needs(parameters))
    if "quality" in inputs.themes:
        add("quality", _QUALITY_NEEDS)
    if "degradation" in inputs.themes:
        add("degradation", [series_choices(parameters)])
    if "resilience" in inputs.themes:
        add("resilience", [*_RESILIENCE_NEEDS, *_condition_needs(inputs)])
    if "carbon" in inputs.themes:
        add("carbon", SERVICE_NEEDS["carbon_sink"])
    return found


def evaluation_themes(inputs: EvaluateEcosystemInputs) -> tuple[EvaluationTheme, ...]:
    """Every theme an evaluation reads where it exists, needed or not."""
    found: set[EvaluationTheme] = {"land_cover"}
    for _, alternatives in evaluation_needs(inputs):
        found |= set(alternatives)
    if {"quality", "resilience"} & set(inputs.themes):
        found.add("eco_region")
    if "sensitivity" in inputs.themes and inputs.parameters.sensitivity == "index":
        found.add("carbonate")
    if "resilience" in inputs.themes:
        found |= set(series_choices(inputs.parameters))
    return tuple(sorted(found))


def series_choices(parameters: EvaluationParameters) -> Alternatives:
    """Themes the trend may be read from, best first."""
    if parameters.series is not None:
        return (SERIES_THEMES[parameters.series],)
    return tuple(dict.fromkeys(SERIES_THEMES.values()))


def _sensitivity_needs(parameters: EvaluationParameters) -> Sequence[Alternatives]:
    if parameters.sensitivity == "monitored":
        return [("erosion_intensity", "rocky_desertification")]
    return [("rain_erosivity", "rainfall"), ("soil",), ("dem",), ("ndvi",)]


def _condition_needs(inputs: EvaluateEcosystemInputs) -> Sequence[Alternatives]:
    """Resilience rests on the quality of an ecosystem, or else on its habitat."""
    if "quality" in inputs.themes or "biodiversity" in inputs.supplies:
        return ()
    return _QUALITY_NEEDS


EVALUATE_ECOSYSTEM = ProcessContract(
    "evaluate-ecosystem",
    Label("评价生态系统", "Evaluate an ecosystem"),
    Label(
        "评价生态系统服务重要性、敏感性、质量、退化、恢复力与碳汇，给出分级栅格、分区县统计与报告。",
        "Evaluates importance, sensitivity, quality, degradation, resilience and carbon of a"
        " region: class rasters, statistics by district and a report.",
    ),
    EvaluateEcosystemInputs,
    (
        OutputSpec("layers", Label("图层", "Layers"), "application/json"),
        OutputSpec("statistics", Label("分级统计", "Statistics by class"), "application/json"),
        OutputSpec("table", Label("分级统计（表格）", "Statistics as a table"), "text/csv"),
        OutputSpec("report", Label("报告", "Report"), "text/html"),
        OutputSpec("report_pdf", Label("报告（PDF）", "Report (PDF)"), "application/pdf"),
    ),
    keywords=("importance", "sensitivity", "quality", "degradation", "resilience", "carbon"),
)

ACCOUNT_GEP = ProcessContract(
    "account-gep",
    Label("核算生态系统生产总值", "Account gross ecosystem product"),
    Label(
        "按所选核算目录，由栅格与录入量计算各项实物量与价值量，按区县汇总，并给出默认系数所占比例。",
        "Computes quantities and values of the items of a catalogue from rasters and entered"
        " figures, by district, and tells what share rests on defaults.",
    ),
    AccountGepInputs,
    (
        OutputSpec("account", Label("核算结果", "Account"), "application/json"),
        OutputSpec("table", Label("核算表", "Account as a table"), "text/csv"),
        OutputSpec("report", Label("报告", "Report"), "text/html"),
        OutputSpec("report_pdf", Label("报告（PDF）", "Report (PDF)"), "application/pdf"),
    ),
    keywords=("GEP",),
)
