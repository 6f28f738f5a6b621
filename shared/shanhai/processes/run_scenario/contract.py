"""What can be asked for of a scenario: edits of the land, what is compared, and its task."""

from collections.abc import Mapping
from typing import Any, Literal, get_args
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from shanhai.processes.build_network.contract import (
    BuildNetworkInputs,
    NetworkParameters,
    OmnidirectionalChoice,
    RoadLine,
)
from shanhai.processes.kit.contract import REPORTS, Inputs, OutputSpec, ProcessContract
from shanhai.processes.kit.task import AssessedTask, Task
from shanhai.validation import Code, Name, broken_at
from shanhai.vocabulary import Label


class RunScenarioTask(Task):
    """What a scenario is given."""

    assessed: AssessedTask | None = Field(
        None, description="assessment whose ratio and zones are compared with those after edits"
    )


EditKind = Literal[
    "set_cover", "restore", "build_road", "build_barrier", "set_resistance", "remove_barrier"
]
CoverName = Literal[
    "cropland",
    "forest",
    "shrubland",
    "grassland",
    "wetland",
    "mangrove",
    "water",
    "built_up",
    "bare",
    "snow_ice",
    "tundra",
]
NaturalCover = Literal[
    "forest", "shrubland", "grassland", "wetland", "mangrove", "water", "snow_ice", "tundra"
]

MOST_EDITS = 200

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "set_cover": ("cover",),
    "restore": ("cover",),
    "build_road": ("road",),
    "build_barrier": (),
    "set_resistance": ("resistance", "table_class"),
    "remove_barrier": (),
}
"""Of the members that say what happens, the one each kind needs: just one of those named."""

_SAYING = ("cover", "road", "resistance", "table_class")
_PLACES = ("geometry", "project", "problem")


class Edit(Inputs):
    """What happens to a piece of land."""

    kind: EditKind = Field(
        description="Set the land cover, restore a natural one, build a road or a barrier, set the"
        " resistance, or let movement through a barrier / 编辑类型"
    )
    name_zh: Name = Field(description="Chinese name / 中文名称")
    name_en: Name | None = Field(None, description="English name / 英文名称")
    geometry: dict[str, Any] | None = Field(
        None, description="GeoJSON geometry in longitude and latitude / 几何，经纬度"
    )
    project: Code | None = Field(None, description="Project whose geometry it has / 取其几何的项目")
    problem: Code | None = Field(None, description="Problem whose geometry it has / 取其几何的问题")
    cover: CoverName | None = Field(
        None, description="Land cover afterwards, of set_cover and restore / 编辑后的土地覆盖"
    )
    road: Literal["main", "minor"] | None = Field(
        None, description="Kind of road in the table of resistance, of build_road / 道路类别"
    )
    resistance: float | None = Field(
        None, ge=1, le=1000, description="Resistance afterwards, of set_resistance / 编辑后的阻力值"
    )
    table_class: Code | None = Field(
        None, description="Class of the table of resistance instead of a number / 阻力表中的类别"
    )

    @model_validator(mode="after")
    def check_place(self) -> "Edit":
        """An edit is in one place."""
        given = [name for name in _PLACES if getattr(self, name) is not None]
        if len(given) != 1:
            raise broken_at(
                (given[1:] or _PLACES)[0],
                rule="give one of geometry, project and problem"
                " / geometry、project、problem 须且仅须给出一个",
            )
        return self

    @model_validator(mode="after")
    def check_members(self) -> "Edit":
        """Every kind says what it needs, and nothing else."""
        needs = _NEEDS[self.kind]
        given = [name for name in _SAYING if getattr(self, name) is not None]
        strange = [name for name in given if name not in needs]
        if strange or (needs and len(given) != 1):
            wanted = " or ".join(needs) or "none of them"
            raise broken_at(
                (strange or given[1:] or needs)[0],
                rule=f"of {', '.join(_SAYING)} {self.kind} takes {wanted}"
                f" / {self.kind} 在 {'、'.join(_SAYING)} 中须且仅须给出："
                f"{'或'.join(needs) or '无'}",
            )
        if self.kind == "restore" and self.cover not in get_args(NaturalCover):
            rule = f"restore needs a natural cover: {', '.join(get_args(NaturalCover))}"
            raise broken_at("cover", rule=f"{rule} / restore 的 cover 须为自然覆盖")
        return self

    @property
    def place(self) -> str:
        """The member that says where it is."""
        return next(name for name in _PLACES if getattr(self, name) is not None)


Compared = Literal["network", "supply_demand_ratio", "zones"]


class RunScenarioInputs(BuildNetworkInputs):
    """Inputs of a scenario: those of a network, and the edits."""

    name_zh: Name = Field("情景", description="Chinese name of the scenario / 情景中文名称")
    name_en: Name = Field("Scenario", description="English name of the scenario / 情景英文名称")
    edits: list[Edit] = Field(
        min_length=1,
        max_length=MOST_EDITS,
        description="What happens where; of edits that overlap the later counts"
        " / 编辑，重叠处以后者为准",
    )
    compare: list[Compared] = Field(
        ["network"],
        min_length=1,
        max_length=len(get_args(Compared)),
        description="What is compared before and after; ratio and zones are those of `assessment`"
        " / 前后对比的内容；供需比与分区取自 assessment 所指作业",
    )

    assessment: UUID | None = Field(
        None,
        description="Job of an assessment: its supplies are taken, and its ratio and zones compared"
        " / 评估作业，取其供给结果，并与其供需比、分区对比",
    )

    @field_validator("parameters")
    @classmethod
    def check_parameters(cls, value: NetworkParameters) -> NetworkParameters:
        """What a scenario does not tell must not be asked for."""
        if value.links.sensitivity:
            raise ValueError(
                "links.sensitivity is a question to build-network; a scenario compares one"
                " resistance before and after"
                " / links.sensitivity 请用 build-network；情景仅对比同一阻力面的前后"
            )
        return value

    @field_validator("roads")
    @classmethod
    def check_roads(cls, value: list[RoadLine]) -> list[RoadLine]:
        """A scenario tells no break points."""
        if value:
            raise ValueError(
                "roads break corridors, which build-network tells; an edit build_road builds one"
                " / roads 用于 build-network 识别断裂点；情景中修路请用 build_road 编辑"
            )
        return value

    @field_validator("omnidirectional")
    @classmethod
    def check_omnidirectional(cls, value: OmnidirectionalChoice | None) -> None:
        """A scenario compares corridors."""
        if value is not None:
            raise ValueError(
                "omnidirectional is a question to build-network; a scenario compares corridors"
                " / omnidirectional 请用 build-network；情景仅对比廊道"
            )

    @field_validator("compare")
    @classmethod
    def check_compared(cls, value: list[Compared]) -> list[Compared]:
        """Everything is compared once."""
        if len(set(value)) < len(value):
            raise ValueError("compare names something twice / compare 有重复项")
        return value

    @property
    def needs_supplies(self) -> bool:
        """Whether candidates are found by the services; without a network nothing is sought."""
        return self.compares_network and super().needs_supplies

    @property
    def compares_network(self) -> bool:
        """Whether the ecological network is compared."""
        return "network" in self.compare

    @property
    def compares_services(self) -> bool:
        """Whether the ratio of the services is compared, or what follows from it."""
        return bool({"supply_demand_ratio", "zones"} & set(self.compare))


SCENARIO_RASTERS: Mapping[str, str | None] = {
    "corridors_before": "m",
    "corridors_after": "m",
    "corridors_change": None,
    "resistance_after": "1",
    "resistance_change": "1",
}
"""Rasters a comparison of networks leaves behind, with their units; None for classes."""

RUN_SCENARIO = ProcessContract(
    "run-scenario",
    Label("情景模拟", "Run a scenario"),
    Label(
        "在土地覆盖或阻力面上施加编辑（修复、道路、障碍、开辟通道），对比编辑前后的生态网络"
        "（连通性、廊道的新增与消失、累积阻力与等效电阻）、生态系统服务供需比与分区；"
        "只重新计算受影响的部分。",
        "Applies edits to land cover or resistance (restoration, roads, barriers, passages) and"
        " compares before and after: the ecological network (connectivity, corridors opened and"
        " closed, costs and effective resistance), the supply–demand ratio of the services and the"
        " zones; only what changes is computed again.",
    ),
    RunScenarioInputs,
    (
        OutputSpec("layers", Label("图层", "Layers"), "application/json"),
        OutputSpec("statistics", Label("对比统计", "Comparison"), "application/json"),
        OutputSpec("table", Label("对比表", "Comparison as a table"), "text/csv"),
        OutputSpec("corridors_table", Label("廊道对比表", "Corridors compared"), "text/csv"),
        OutputSpec("ratio_table", Label("供需比对比表", "Ratios compared"), "text/csv"),
        OutputSpec("zones_table", Label("分区转移表", "Zones compared"), "text/csv"),
        OutputSpec("corridor_lines", Label("廊道", "Corridors"), "application/geo+json"),
        OutputSpec("edits", Label("编辑", "Edits"), "application/geo+json"),
        OutputSpec("map_zh", Label("情景对比图（中文）", "Map (Chinese)"), "image/png"),
        OutputSpec("map_en", Label("情景对比图（英文）", "Map (English)"), "image/png"),
        *REPORTS,
    ),
    keywords=("corridors", "connectivity", "ecoservices", "zones", "scenario", "what-if"),
    task=RunScenarioTask,
    publish_input="publish",
    runs_on_files=True,
    repeatable=True,
    stages={
        "edits": Label("施加编辑", "Laying the edits over the land"),
        "paths_after": Label("更新编辑影响的廊道", "Finding the corridors the edits reach"),
    },
)
