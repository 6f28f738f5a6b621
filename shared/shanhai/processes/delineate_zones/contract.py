"""What can be asked for of a zoning, and what its computation tells its publication."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from shanhai.processes.assess_ecoservices.contract import (
    RATIO_MAPS,
    SCHEMAS,
    AssessmentInputs,
    AssessmentParameters,
    EcoserviceChoice,
    FrozenReference,
)
from shanhai.processes.kit.contract import REPORTS, Inputs, OutputSpec, ProcessContract
from shanhai.processes.kit.task import LINE_KINDS
from shanhai.validation import broken_at
from shanhai.vocabulary import SUPPLY_DEMAND, Label

UnitLevel = Literal["district", "street", "town", "basin", "bay", "island"]
"""Levels of regions that may be zoning units."""


class ZoningParameters(AssessmentParameters):
    """Parameters of the assessment and the zoning; defaults are the method specification's."""

    algorithm: Literal["kmeans", "gmm", "ward_contig", "skater", "thresholds"] = Field(
        "kmeans", description="How units become zones / 分区算法"
    )
    features: Literal["esdr7", "sd14", "esdr7+coords"] = Field(
        "esdr7", description="Ratios, supply and demand, or ratios and place / 聚类特征"
    )
    pca: bool = Field(False, description="Principal components of the features / 主成分")
    k: int = Field(5, ge=2, le=10, description="Number of clusters / 聚类数")
    units: Literal["fishnet", "cells", "polygons"] = Field(
        "fishnet", description="Zoning units / 分区单元"
    )
    unit_regions: UnitLevel | None = Field(
        None, description="Level of the regions that are the units / 作为分区单元的区域级别"
    )
    unit_m: float = Field(250.0, ge=10, le=5000, description="Fishnet unit, m / 格网单元")
    majority_rounds: int = Field(1, ge=0, le=3, description="Majority filters / 众数滤波次数")
    mmu_ha: float = Field(5.0, ge=0, le=10_000, description="Least mapped patch, ha / 最小图斑")
    periphery_m: float = Field(
        2000.0, ge=0, le=100_000, description="Reach of the periphery rule, m / 外围距离"
    )
    ring_m: float = Field(
        0.0, ge=0, le=100_000, description="Ring of general restoration, m; 0 is off / 修复环宽度"
    )
    overlays: Literal["none", "red_line"] = Field(
        "none", description="Zones held to the protection the law asks for / 法定管控线叠加"
    )
    protect_high_land: bool = Field(
        True,
        description="Land in the upper quarter of supply and of demand is at least key protection"
        " / 供给与需求均居前四分之一的用地至少划入重点保护",
    )
    robustness: Literal["quick", "full"] = Field(
        "quick",
        description="How many other sensible choices the zones are held against: 24 or 120"
        " / 稳健性检验所对照的其他合理做法：24 种或 120 种",
    )
    stability: bool = Field(False, description="Zone subsamples of the units anew / 检验分区稳定性")
    autocorrelation: bool = Field(
        False,
        description="Test whether neighbouring units have like ratios (Moran's I)"
        " / 供需比空间自相关检验（莫兰指数）",
    )
    beta: float = Field(
        0.6, ge=0, le=1, description="Share of night lights in carbon demand / 夜光权重"
    )

    @model_validator(mode="after")
    def check_units(self) -> "ZoningParameters":
        """Polygons are regions of a level."""
        if (self.units == "polygons") != (self.unit_regions is not None):
            rule = (
                "goes with units `polygons`, and with no other / 须且仅须与 units=polygons 同时给出"
            )
            raise broken_at("unit_regions", rule=rule)
        return self


LEAST_DRAWS = 30


class UncertaintyInputs(Inputs):
    """How the dependence of the zones on the parameters is looked into."""

    draws: int = Field(
        0,
        ge=0,
        le=1000,
        description="Draws of all parameters, at least 30; 0 is none / 蒙特卡洛抽样次数",
    )
    sensitivity: bool = Field(
        False, description="Change each parameter by a fifth, alone / 单因素敏感性分析"
    )

    @field_validator("draws")
    @classmethod
    def check_draws(cls, value: int) -> int:
        """A few draws say nothing."""
        if 0 < value < LEAST_DRAWS:
            raise ValueError(
                f"{value} draws are too few; 0, or at least {LEAST_DRAWS} / 至少 30 次"
            )
        return value


class FrozenZones(FrozenReference):
    """The run whose numbers of the whole area, and on request zones, are taken over."""

    zones: bool = Field(
        False,
        description="Take its zones too: scaling of the features, centres and their names"
        " / 同时沿用其分区模型（特征缩放、聚类中心与命名）",
    )


class DelineateZonesInputs(AssessmentInputs):
    """Inputs of the main job."""

    parameters: ZoningParameters = Field(
        default_factory=lambda: ZoningParameters.model_validate({}), description="Parameters / 参数"
    )
    uncertainty: UncertaintyInputs = Field(
        default_factory=lambda: UncertaintyInputs.model_validate({}),
        description="How the zones depend on the parameters / 不确定性分析",
    )
    normalisation: FrozenZones | None = Field(
        None,
        description="Run whose limits, caps, sums and zones are taken over, so that counties, years"
        " and scenarios compare / 沿用其归一化界限、截尾值、总量与分区的先前计算",
    )
    seed: int = Field(42, ge=0, le=2**31 - 1, description="Seed of every random step / 随机种子")
    publish: bool = Field(
        False,
        description="Publish the scheme when done, which takes an approver; else a draft"
        " / 完成后发布（须审批者），默认为草案",
    )

    @model_validator(mode="after")
    def check_frozen(self) -> "DelineateZonesInputs":
        """Frozen zones rest on values alone, and do not come back otherwise."""
        if self.normalisation is None or not self.normalisation.zones:
            return self
        for name, clash in (
            ("features", self.parameters.features == "esdr7+coords"),
            ("stability", self.parameters.stability),
        ):
            if clash:
                raise broken_at(
                    *("parameters", name),
                    rule=f"{name} does not go with frozen zones / 沿用分区模型时不能使用 {name}",
                )
        return self

    def changes_of(self, service: str) -> EcoserviceChoice:
        """What is asked for of a service; `beta` is a number of the carbon sink."""
        choice = super().changes_of(service)
        if service != "carbon_sink" or "light_share" in choice.parameters:
            return choice
        numbers = {**choice.parameters, "light_share": self.parameters.beta}
        return choice.model_copy(update={"parameters": numbers})


DELINEATE_ZONES = ProcessContract(
    "delineate-zones",
    Label("划定生态保护修复分区", "Delineate restoration zones"),
    Label(
        "由七项生态系统服务的供需比聚类得到五类分区，并发布栅格、矢量、统计与报告。",
        "Clusters the supply–demand ratios of seven ecosystem services into five zone classes and"
        " publishes rasters, polygons, statistics and a report.",
    ),
    DelineateZonesInputs,
    (
        OutputSpec("scheme", Label("分区方案代码", "Scheme code"), "application/json"),
        OutputSpec("layers", Label("图层", "Layers"), "application/json"),
        OutputSpec("statistics", Label("分区统计", "Zone statistics"), "application/json"),
        *REPORTS,
        OutputSpec("map_zh", Label("分区图（中文）", "Map (Chinese)"), "image/png"),
        OutputSpec("map_en", Label("分区图（英文）", "Map (English)"), "image/png"),
        *RATIO_MAPS,
        OutputSpec("patches", Label("图斑", "Patches"), "application/geo+json"),
        OutputSpec(
            "clusters_table", Label("局部聚集类型表", "Local clusters as a table"), "text/csv"
        ),
    ),
    schemas=SCHEMAS,
    publish_input="publish",
    runs_on_files=True,
    repeatable=True,
    stages={
        "robustness": Label("检验分区稳健性", "Testing how robust the zones are"),
        "draws": Label("参数不确定性抽样", "Drawing uncertain parameters"),
        "autocorrelation": Label("检验空间自相关", "Testing spatial autocorrelation"),
    },
)


ZONES_FILE = "zones.geojson"
STATISTICS_FILE = "statistics.json"

POPULATION = "population"
LIGHT = "night_lights_sum"
COVER = "land_cover"
COMPOSITION = f"{COVER}_percent"
"""Members of a zone that are there when their layers are."""

HELD = "held_percent"
"""Member of a zone that tells how much of its land keeps it by other choices."""

OVERLAPS = tuple(f"{kind}_overlap_ha" for kind in LINE_KINDS)
"""Area of a zone within the control lines the region has."""


def scheme_code(region: str) -> str:
    """Code of the supply–demand zoning of a region."""
    return f"{region}.{SUPPLY_DEMAND}"
