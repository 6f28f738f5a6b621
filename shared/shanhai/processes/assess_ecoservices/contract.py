"""What can be asked for of an assessment: methods, their numbers and ways, and what comes of it.

Names and ranges of parameters, options and tables are the methods' own and are checked against
their declarations when a job is accepted.
"""

from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import Field, model_serializer, model_validator

from shanhai.processes.kit import contract
from shanhai.validation import Code, Name, broken_at
from shanhai.vocabulary import ECOSERVICES, Label

SERVICE_COUNT = len(ECOSERVICES)
ClassCode = Annotated[str, Field(pattern=r"^([1-9]|1[01])$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
LayerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,99}$")]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
ResultKind = Literal["supply", "demand", "ratio", "normalised", "quadrant", "coupling", "extra"]


class LayerChanges(contract.Inputs):
    """Changes to the numbers, ways and class tables of a calculation."""

    parameters: dict[Key, Number] = Field(
        default_factory=dict, description="Numbers by name / 参数"
    )
    options: dict[Key, Key] = Field(default_factory=dict, description="Ways by name / 选项")
    tables: dict[Key, dict[ClassCode, Number]] = Field(
        default_factory=dict, description="Values by table and land-cover class / 地类参数表"
    )


class EcoserviceChoice(LayerChanges):
    """How one service is calculated."""

    method: Key | None = Field(
        None, description="Method; default: the profile's / 方法，默认取计算方案的方法"
    )


class FrozenLimits(contract.Inputs):
    """Limits of a layer taken from the manifest of an earlier run."""

    layer: LayerName = Field(description="Layer as the manifest names it / 清单中的图层名")
    lo: Number = Field(description="Value that becomes 0 / 归一化为 0 的值")
    hi: Number = Field(description="Value that becomes 1 / 归一化为 1 的值")
    quantiles: tuple[float, float] = Field(
        (0.005, 0.995), description="Quantiles they were taken at / 对应的分位数"
    )
    where: Key | None = Field(None, description="Mask they were taken in / 取值范围掩膜")
    frozen_from: Name | None = Field(None, description="Where they come from / 来源")

    @model_validator(mode="after")
    def check_order(self) -> "FrozenLimits":
        """The upper limit lies above the lower one."""
        if self.hi < self.lo:
            raise broken_at("hi", rule="hi is below lo / hi 小于 lo")
        return self


class FrozenFigure(contract.Inputs):
    """A number of the whole area taken from the manifest of an earlier run."""

    of: LayerName = Field(description="Layer it was taken of / 图层")
    kind: Literal["sum", "mean", "max", "min", "sd", "count", "quantile"] = Field(
        description="How it was taken / 统计方式"
    )
    probability: float | None = Field(None, ge=0, le=1, description="Of a quantile / 分位概率")
    where: Key | None = Field(None, description="Mask it was taken in / 取值范围掩膜")
    value: Number = Field(description="The number / 数值")


class FrozenReference(contract.Inputs):
    """The run whose limits, caps and other numbers of the whole area are taken over."""

    source: UUID | Literal["manifest"] = Field(
        alias="from",
        description="Job of an assessment or a zoning; `manifest` where a run on files is given its"
        " manifest / 评估或分区作业编号；本地运行随附清单文件时为 manifest",
    )

    @model_serializer
    def named(self) -> dict[str, Any]:
        """As it was asked for: Python knows no member `from`."""
        others = {name: getattr(self, name) for name in type(self).model_fields if name != "source"}
        return {"from": str(self.source), **others}


class AssessmentParameters(contract.Inputs):
    """Parameters of the matching of supply and demand."""

    max_mode: Literal["p99.5", "max"] = Field("p99.5", description="Cap of the ratio / 截尾方式")
    weights: dict[str, float] | None = Field(
        None, description="Weight per ecoservice, sum 1; default equal / 各服务权重"
    )


class AssessmentInputs(contract.PlaceInputs):
    """What every process says that assesses the services of a region."""

    profile: Literal["mixed", "biophysical", "index"] = Field(
        "mixed",
        description="Calculation profile; mixed: each service by its biophysical method where its"
        " inputs and totals are given, else by indices"
        " / 计算方案；mixed 为数据与总量齐备的服务用实物量法，其余用指数法",
    )
    ecoservices: dict[contract.ServiceId, EcoserviceChoice] = Field(
        default_factory=dict,
        description="Method, parameters, options and tables by service / 各服务的方法与参数",
    )
    layers: LayerChanges = Field(
        default_factory=lambda: LayerChanges.model_validate({}),
        description="Changes to the layers services share / 公共图层的参数",
    )
    datasets: dict[contract.Theme, Code] = Field(
        default_factory=dict, description="Dataset per theme; default: the newest / 数据集"
    )
    fill_zero: bool = Field(
        False, description="Night lights and population without data on land are 0 / 缺测取零"
    )
    allow_fallback: bool = Field(
        False,
        description="Take the next method of a service that lacks data / 缺数据时改用下一方法",
    )
    min_services: int = Field(
        SERVICE_COUNT,
        ge=1,
        le=SERVICE_COUNT,
        description="Services that must be known in a cell / 像元内至少具备的服务数",
    )
    frozen_limits: list[FrozenLimits] = Field(
        default_factory=list,
        max_length=200,
        description="Limits of an earlier run, to compare with it / 沿用先前计算的归一化界限",
    )
    figures: list[FrozenFigure] = Field(
        default_factory=list,
        max_length=1000,
        description="Numbers of the whole area of an earlier run / 沿用先前计算的全域统计量",
    )
    normalisation: FrozenReference | None = Field(
        None,
        description="Run whose limits, caps and sums are taken over, so that counties, years and"
        " scenarios compare / 沿用其归一化界限、截尾值与总量的先前计算",
    )
    parameters: AssessmentParameters = Field(
        default_factory=lambda: AssessmentParameters.model_validate({}),
        description="Parameters / 参数",
    )

    @model_validator(mode="after")
    def check_numbers(self) -> "AssessmentInputs":
        """Numbers come from one place."""
        if self.normalisation is not None and (self.frozen_limits or self.figures):
            raise broken_at(
                "frozen_limits" if self.frozen_limits else "figures",
                rule="normalisation takes the numbers of another run; give no frozen_limits or"
                " figures besides / normalisation 已沿用先前统计量，不能再给出该项",
            )
        return self

    def changes_of(self, service: str) -> EcoserviceChoice:
        """What is asked for of a service."""
        asked = {str(name): choice for name, choice in self.ecoservices.items()}
        return asked.get(service) or EcoserviceChoice.model_validate({})


def _usual_results() -> list[ResultKind]:
    return ["supply", "demand", "ratio"]


class AssessEcoservicesInputs(AssessmentInputs):
    """Inputs of the assessment."""

    results: list[ResultKind] = Field(
        default_factory=_usual_results,
        min_length=1,
        max_length=len(get_args(ResultKind)),
        description="Kinds of rasters that are published / 发布的图层种类",
    )
    public: bool = Field(
        False,
        description="Readable without identity where allowed; takes an approver / 公开（须审批者）",
    )


SCHEMAS = "shanhai.processes.assess_ecoservices.request:input_schemas"
RATIO_MAPS = (
    contract.OutputSpec(
        "ratio_map_zh", Label("供需比图（中文）", "Map of the ratio (Chinese)"), "image/png"
    ),
    contract.OutputSpec(
        "ratio_map_en", Label("供需比图（英文）", "Map of the ratio (English)"), "image/png"
    ),
)
"""The map of the ratio of all services together."""

ASSESS_ECOSERVICES = contract.ProcessContract(
    "assess-ecoservices",
    Label("评估生态系统服务供需", "Assess ecosystem services"),
    Label(
        "按所选方案与方法计算七项生态系统服务的供给、需求与供需比，发布栅格、分区域统计与报告。",
        "Computes supply, demand and their ratio of seven ecosystem services by the profile and"
        " methods chosen, and publishes rasters, statistics by district and a report.",
    ),
    AssessEcoservicesInputs,
    (
        contract.OutputSpec("layers", Label("图层", "Layers"), "application/json"),
        contract.OutputSpec(
            "statistics", Label("供需统计", "Supply and demand in numbers"), "application/json"
        ),
        contract.OutputSpec(
            "table", Label("供需统计（表格）", "Supply and demand as a table"), "text/csv"
        ),
        *contract.REPORTS,
        *RATIO_MAPS,
    ),
    schemas=SCHEMAS,
    publish_input="public",
    runs_on_files=True,
    repeatable=True,
)
