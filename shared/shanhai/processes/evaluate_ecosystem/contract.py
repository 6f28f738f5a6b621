"""What can be asked for of the evaluation of an ecosystem."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shanhai.processes.kit import contract
from shanhai.validation import Code, broken_at
from shanhai.vocabulary import Label

Evaluation = Literal["importance", "sensitivity", "quality", "degradation", "resilience", "carbon"]


RankedService = Literal["water_conservation", "soil_retention", "biodiversity"]


Series = Literal["ndvi", "fvc", "npp", "eqi"]


ClassCode = Annotated[str, Field(pattern=r"^([1-9]|1[01])$")]


RegionNumber = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$")]


Share = Annotated[float, Field(ge=0, le=1)]


SERIES_THEMES: Mapping[Series, contract.EvaluationTheme] = {
    "ndvi": "ndvi_series",
    "fvc": "ndvi_series",
    "npp": "npp_series",
    "eqi": "eqi_series",
}
"""The theme a series is read from."""


_RESILIENCE_NEEDS: tuple[contract.Alternatives, ...] = (("land_cover",), ("npp",))


_QUALITY_NEEDS: tuple[contract.Alternatives, ...] = (("lai",), ("gpp",), ("ndvi",), ("land_cover",))


class EvaluationParameters(contract.Inputs):
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
            rule = "ndvi_soil must be below ndvi_vegetation / 裸土 NDVI 须小于全覆盖 NDVI"
            raise broken_at("ndvi_soil", rule=rule)
        return self


class EvaluateEcosystemInputs(contract.EvaluatedPlaceInputs):
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


def evaluation_needs(inputs: EvaluateEcosystemInputs) -> list[tuple[str, contract.Alternatives]]:
    """What is needed and why: an evaluation or service, and themes of which one must be there."""
    parameters, found = inputs.parameters, list[tuple[str, contract.Alternatives]]()

    def add(reason: str, needs: Iterable[contract.Alternatives]) -> None:
        found.extend((reason, need) for need in needs)

    if "importance" in inputs.themes:
        for service in parameters.services:
            if service not in inputs.supplies:
                add(service, contract.SERVICE_NEEDS[service])
    if "sensitivity" in inputs.themes:
        add("sensitivity", _sensitivity_needs(parameters))
    if "quality" in inputs.themes:
        add("quality", _QUALITY_NEEDS)
    if "degradation" in inputs.themes:
        add("degradation", [series_choices(parameters)])
    if "resilience" in inputs.themes:
        add("resilience", [*_RESILIENCE_NEEDS, *_condition_needs(inputs)])
    if "carbon" in inputs.themes:
        add("carbon", contract.SERVICE_NEEDS["carbon_sink"])
    return found


def evaluation_themes(inputs: EvaluateEcosystemInputs) -> tuple[contract.EvaluationTheme, ...]:
    """Every theme an evaluation reads where it exists, needed or not."""
    found: set[contract.EvaluationTheme] = {"land_cover"}
    for _, alternatives in evaluation_needs(inputs):
        found |= set(alternatives)
    if {"quality", "resilience"} & set(inputs.themes):
        found.add("eco_region")
    if "sensitivity" in inputs.themes and inputs.parameters.sensitivity == "index":
        found.add("carbonate")
    if "resilience" in inputs.themes:
        found |= set(series_choices(inputs.parameters))
    return tuple(sorted(found))


def series_choices(parameters: EvaluationParameters) -> contract.Alternatives:
    """Themes the trend may be read from, best first."""
    if parameters.series is not None:
        return (SERIES_THEMES[parameters.series],)
    return tuple(dict.fromkeys(SERIES_THEMES.values()))


def _sensitivity_needs(parameters: EvaluationParameters) -> Sequence[contract.Alternatives]:
    if parameters.sensitivity == "monitored":
        return [("erosion_intensity", "rocky_desertification")]
    return [("rain_erosivity", "rainfall"), ("soil",), ("dem",), ("ndvi",)]


def _condition_needs(inputs: EvaluateEcosystemInputs) -> Sequence[contract.Alternatives]:
    """Resilience rests on the quality of an ecosystem, or else on its habitat."""
    if "quality" in inputs.themes or "biodiversity" in inputs.supplies:
        return ()
    return _QUALITY_NEEDS


EVALUATE_ECOSYSTEM = contract.ProcessContract(
    "evaluate-ecosystem",
    Label("评价生态系统", "Evaluate an ecosystem"),
    Label(
        "评价生态系统服务重要性、敏感性、质量、退化、恢复力与碳汇，给出分级栅格、分区县统计与报告。",
        "Evaluates importance, sensitivity, quality, degradation, resilience and carbon of a"
        " region: class rasters, statistics by district and a report.",
    ),
    EvaluateEcosystemInputs,
    (
        contract.OutputSpec("layers", Label("图层", "Layers"), "application/json"),
        contract.OutputSpec(
            "statistics", Label("分级统计", "Statistics by class"), "application/json"
        ),
        contract.OutputSpec(
            "table", Label("分级统计（表格）", "Statistics as a table"), "text/csv"
        ),
        *contract.REPORTS,
    ),
    keywords=("importance", "sensitivity", "quality", "degradation", "resilience", "carbon"),
    publish_input="publish",
    runs_on_files=True,
    repeatable=True,
    stages={
        "degradation": Label("分析退化趋势", "Finding trends"),
        "resilience": Label("评价恢复力", "Judging resilience"),
    },
)
