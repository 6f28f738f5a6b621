"""What can be asked for of a compliance check."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from shanhai.processes.kit.contract import Inputs, Limits, OutputSpec, ProcessContract
from shanhai.validation import Code, Rfc3339Date, broken_at
from shanhai.vocabulary import CONTROL_KINDS, Label, codes


def _known_kind(code: str) -> str:
    if code not in codes(CONTROL_KINDS):
        raise ValueError(f"{code[:40]!r} is no kind of control area / 不是已知的管控线类型")
    return code


class CheckComplianceInputs(Inputs):
    """A place, or a project, and what is to be done there."""

    geometry: dict[str, Any] | None = Field(
        None, description="GeoJSON geometry; or give a project / 几何，或给出项目"
    )
    crs: str | None = Field(
        None, max_length=200, description="CRS of the geometry; default CRS84 / 几何的坐标系"
    )
    project: Code | None = Field(None, description="Code of a project / 项目代码")
    activities: list[Code] = Field(
        default_factory=list, max_length=200, description="Codes of activities / 活动代码"
    )
    measures: list[Code] = Field(
        default_factory=list,
        max_length=200,
        description="Codes of measures; default: the project's / 措施代码，默认取项目措施",
    )
    region: Code | None = Field(
        None, description="Region whose rules hold as well / 另适用其规则的区域"
    )
    as_of: Rfc3339Date | None = Field(
        None, description="Day of the check; default today / 审查日期"
    )
    lines: list[Annotated[str, AfterValidator(_known_kind)]] | None = Field(
        None,
        min_length=1,
        max_length=len(CONTROL_KINDS),
        description="Kinds of control areas; default all / 管控线类型，默认全部",
        json_schema_extra={"items": {"type": "string", "enum": list(codes(CONTROL_KINDS))}},
    )

    shapes: bool = Field(
        default=False,
        description="Also tell the shape of each overlap, simplified for drawing, as `geometry`"
        " / 是否给出各重叠部分的形状（简化，仅供绘图）",
    )

    @field_validator("geometry")
    @classmethod
    def keep_shape(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        """Leave out what says nothing of the shape."""
        if value is None:
            return None
        return {name: value[name] for name in ("type", "coordinates") if name in value}

    @model_validator(mode="after")
    def check_subject(self) -> "CheckComplianceInputs":
        """There is one thing to check."""
        if (self.geometry is None) == (self.project is None):
            raise broken_at("geometry", rule="give a geometry or a project / 请给出几何或项目之一")
        return self


CHECK_COMPLIANCE = ProcessContract(
    "check-compliance",
    Label("合规审查", "Check compliance"),
    Label(
        "审查几何或项目与管控线、分区及规则的关系，给出重叠面积、规则与结论；一万个顶点以内即时返回。",
        "Checks a geometry or project against control lines, zones and rules: overlaps, rules and"
        " a verdict; at once up to ten thousand vertices.",
    ),
    CheckComplianceInputs,
    (OutputSpec("result", Label("审查结果", "Result"), "application/json"),),
    sync=True,
    quick=True,
    limits=Limits(memory_mb=4096, time_s=1800),
    acts_for_caller=lambda inputs: True,
)
