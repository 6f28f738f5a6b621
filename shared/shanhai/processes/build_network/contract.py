"""What can be asked for of an ecological network: sources, resistance, corridors, circuits."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
import shapely
from pydantic import Field, field_validator, model_validator
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.processes.kit import contract
from shanhai.processes.kit.task import LineKind
from shanhai.validation import Code, Name, broken_at
from shanhai.vocabulary import Label

NetworkTheme = Literal[
    "land_cover", "dem", "night_lights", "ndvi", "roads", "main_roads", "protected_areas"
]
"""Dataset themes a network is built from; land cover is needed, the others are read if there."""

OPTIONAL_THEMES: tuple[NetworkTheme, ...] = (
    *("dem", "night_lights", "ndvi", "roads", "main_roads", "protected_areas"),
)


NAMED = "corridor"
"""Kind under which a task carries the corridors a plan has named, beside the control areas."""

NAMED_LINE = "corridor_line"
"""Kind of the line of a named corridor of which the area is drawn too."""

Metres = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Radius = Annotated[float, Field(ge=10, le=10_000, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Factor = Literal["land_cover", "slope", "roads", "water"]

MOST_ROADS = 5000
LINES = ("LineString", "MultiLineString")
POLYGONS = ("Polygon", "MultiPolygon")
RoadClass = Literal["motorway", "rail", "trunk", "primary", "secondary", "tertiary", "other"]


def require_shape(geometry: dict[str, Any], kinds: tuple[str, ...]) -> BaseGeometry:
    """A geometry that is one of some kinds and lies within longitude and latitude.

    Raises:
        ValueError: it breaks a rule, which is named.
    """
    if geometry.get("type") not in kinds or "coordinates" not in geometry:
        raise ValueError(
            f"geometry must be one of {', '.join(kinds)}, with coordinates"
            f" / 几何须为 {'、'.join(kinds)} 之一，并含坐标"
        )
    try:
        with np.errstate(invalid="ignore"):
            found = shape(geometry)
    except (ValueError, TypeError, IndexError, AttributeError, ShapelyError) as error:
        raise ValueError(
            "geometry has coordinates that make no line or polygon / 几何坐标无法构成线或面"
        ) from error
    positions = shapely.get_coordinates(found)
    if not positions.size or not (np.abs(positions) <= (180, 90)).all():
        raise ValueError(
            "geometry must lie within longitudes -180 to 180 and latitudes -90 to 90"
            " / 几何须位于经度 -180 至 180、纬度 -90 至 90 之内"
        )
    return found


class Named(contract.Inputs):
    """A corridor that already has a name."""

    name_zh: Name = Field(description="Chinese name / 中文名称")
    name_en: Name | None = Field(None, description="English name / 英文名称")
    geometry: dict[str, Any] = Field(
        description="GeoJSON line or polygon in longitude and latitude / 线或面，经纬度"
    )

    @field_validator("geometry")
    @classmethod
    def check_kind(cls, geometry: dict[str, Any]) -> dict[str, Any]:
        """A corridor has a length or an area."""
        drawn = require_shape(geometry, LINES + POLYGONS)
        if not (drawn.area if drawn.geom_type in POLYGONS else drawn.length):
            raise ValueError(
                "geometry must be a line with a length or a polygon with an area"
                " / 几何须为有长度的线或有面积的面"
            )
        return geometry


class RoadLine(contract.Inputs):
    """A road or railway that may break corridors."""

    road_class: RoadClass = Field(
        description="Class; from secondary on it breaks a corridor / 道路等级，次干路及以上构成断裂"
    )
    on_structure: bool = Field(
        False, description="On a viaduct or in a tunnel, and so passable / 位于桥梁或隧道，可通行"
    )
    geometry: dict[str, Any] = Field(
        description="GeoJSON line in longitude and latitude / 线，经纬度"
    )

    @field_validator("geometry")
    @classmethod
    def check_kind(cls, geometry: dict[str, Any]) -> dict[str, Any]:
        """A road is a line."""
        require_shape(geometry, LINES)
        return geometry


class SourceChoice(contract.Inputs):
    """Which land is an ecological source."""

    candidates: Literal["importance", "natural_cover"] = Field(
        "importance", description="Land of high importance, or all natural cover / 候选区"
    )
    weighting: Literal["equal", "entropy", "given"] = Field(
        "equal", description="Weights of the services / 服务赋权方式"
    )
    weights: dict[contract.ServiceId, Weight] = Field(
        default_factory=dict, description="Weight per service, where they are given / 给定权重"
    )
    quantile: float = Field(
        0.80, ge=0, le=1, description="Importance from which land is a candidate / 候选分位数"
    )
    candidate_lines: list[LineKind] = Field(
        ["red_line", "protected_area"],
        max_length=4,
        description="Control areas that are candidates whatever they give / 计入候选的管控线",
    )
    excluded_lines: list[LineKind] = Field(
        default_factory=list,
        max_length=4,
        description="Control areas in which no source lies / 排除源地的管控线",
    )
    connectivity: Literal[4, 8] = Field(8, description="Neighbours in the pattern / MSPA 连通性")
    edge_width_cells: int = Field(1, ge=1, le=50, description="Edge of the pattern / 边缘宽度")
    transition: bool = Field(True, description="Edges a connector passes are its own / 过渡像元")
    min_area_ha: float = Field(10.0, gt=1, le=1e6, description="Least source, ha / 源地最小面积")
    merge_gap_m: float = Field(
        0.0, ge=0, le=100_000, description="Cores nearer than this are one, m / 合并间距"
    )
    dpc_min_percent: float = Field(1.0, ge=0, le=100, description="Least dPC, % / dPC 下限")
    pc_held_percent: float | None = Field(
        None,
        gt=0,
        le=100,
        description="Share of PC until which patches are kept by falling dPC, %, in place of the"
        " least dPC / 按 dPC 由大到小保留斑块直至其共同保有的 PC 占比，代替 dPC 下限",
    )
    relax: bool = Field(
        True,
        description="Relax these settings step by step where they leave fewer than two sources,"
        " and tell what was relaxed / 源地不足两个时逐步放宽以上设置并说明",
    )
    d50_m: float = Field(
        2500.0, gt=0, le=1e6, description="Distance half of all cover, m / 扩散距离"
    )

    @model_validator(mode="after")
    def check_weights(self) -> "SourceChoice":
        """Weights are given where they count, and only there."""
        if (self.weighting == "given") != bool(self.weights):
            rule = "weights are given with `given` alone / 须且仅须与 weighting=given 同时给出"
            raise broken_at("weights", rule=rule)
        return self


class ResistanceChoice(contract.Inputs):
    """How hard land is to cross."""

    table: dict[str, Any] | None = Field(
        None, description="The plan's own table; default `resistance-city` / 自定义阻力表"
    )
    weights: dict[Factor, Weight] = Field(
        default_factory=dict, description="Weights in place of the table's / 因子权重"
    )
    night_lights: Literal["class_mean", "vegetation_adjusted", "none"] = Field(
        "class_mean", description="Correction by night lights, where they are known / 夜间灯光修正"
    )


class LinkChoice(contract.Inputs):
    """Which sources are linked, and how wide corridors are."""

    mode: Literal["neighbour", "mst", "all_pairs"] = Field(
        "neighbour", description="Pairs that are linked / 连接方式"
    )
    nearest: int = Field(2, ge=0, le=20, description="Nearest others of each source / 最近源地数")
    max_cost: Metres | None = Field(
        None, description="Longest link, cost-weighted m / 最大累积阻力"
    )
    max_euclid_m: Metres | None = Field(None, description="Longest link, m / 最大直线距离")
    drop_crossing: bool = Field(
        True, description="Leave out links through a third source / 剔除穿越第三源地的连接"
    )
    swath: Literal["relative", "cost_cutoff", "fixed_width_m", "current"] = Field(
        "relative", description="What bounds a corridor / 廊道范围的确定方式"
    )
    swath_value: float | None = Field(
        None,
        gt=0,
        le=1e9,
        description="Its bound; 0.05 of the cost when relative, 0.9 of the current / 界限值",
    )
    neighbours: Literal[4, 8, 16] = Field(8, description="Steps from a cell / 邻域")
    forbid_corner_cutting: bool = Field(
        False, description="No diagonal step beside a barrier / 禁止穿角"
    )
    named_buffer_m: Metres = Field(
        500.0,
        description="Distance within which a corridor follows a named one, m"
        " / 与规划廊道对照的缓冲距离",
    )
    sensitivity: bool = Field(
        False, description="Compare with the square root and the square of R / 阻力敏感性分析"
    )

    @model_validator(mode="after")
    def check_swath(self) -> "LinkChoice":
        """Only shares, of the cost or the current, have a value of their own."""
        if self.swath == "current" and (self.swath_value or 0) > 1:
            rule = "is a share of the current, at most 1 / swath 为 current 时为占比，不得大于 1"
            raise broken_at("swath_value", rule=rule)
        if self.swath in ("cost_cutoff", "fixed_width_m") and self.swath_value is None:
            rule = f"swath {self.swath} needs swath_value / {self.swath} 须给出 swath_value"
            raise broken_at("swath_value", rule=rule)
        return self


class CircuitChoice(contract.Inputs):
    """How current finds pinch points, and where barriers are sought."""

    neighbours: Literal[4, 8] = Field(8, description="Neighbours of a node / 邻域")
    joining: Literal["average_resistance", "average_conductance"] = Field(
        "average_resistance", description="What two cells make / 相邻像元的连接方式"
    )
    solver: Literal["auto", "direct", "multigrid", "windows"] = Field(
        "auto",
        description="How currents are found: at once by a factor or by multigrid, or, for large"
        " regions, window by window and as exactly; auto: by size and memory"
        " / 求解方式：整体直接法、整体多重网格或大区域逐窗口精确求解；auto 按规模与内存选择",
    )
    least_pinch_ha: float = Field(
        1.0, ge=0, le=10_000, description="Least pinch point, ha / 夹点最小面积"
    )
    barrier_radii_m: list[Radius] | None = Field(
        None,
        min_length=1,
        max_length=5,
        description="Windows in which barriers are sought, m; default 60, 120 and 240 as far as"
        " they hold two cells / 搜索半径",
    )
    barrier_joining: Literal["maximum", "sum"] = Field(
        "maximum", description="Over several corridors / 多条廊道的合并方式"
    )
    least_barrier_ha: float = Field(
        0.5, ge=0, le=10_000, description="Least barrier, ha / 障碍点最小面积"
    )


class OmnidirectionalChoice(contract.Inputs):
    """Current from everywhere to everywhere, in round windows that move over the land."""

    radius_m: Metres = Field(3000.0, description="Radius of a window, m / 窗口半径")
    block_cells: int | None = Field(
        None,
        ge=1,
        le=999,
        description="Side of the blocks whose cells draw current as one, odd; default a tenth of"
        " the radius / 目标块边长（像元，奇数），默认为半径的十分之一",
    )
    strength: Literal["resistance", "importance"] = Field(
        "resistance", description="What a cell sends: 1/R, or its importance / 源强度"
    )
    cutoff: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Resistance above which a cell sends nothing, by 1/R / 源的阻力上限",
    )
    threshold: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="Strength below which there is none / 强度下限"
    )

    @model_validator(mode="after")
    def check_blocks(self) -> "OmnidirectionalChoice":
        """Blocks have a middle, and only 1/R has a cutoff."""
        if self.block_cells is not None and self.block_cells % 2 == 0:
            rule = f"block_cells is {self.block_cells}; it must be odd / 须为奇数"
            raise broken_at("block_cells", rule=rule)
        if self.cutoff is not None and self.strength != "resistance":
            rule = "cutoff is given with strength `resistance` only / 仅可与 resistance 源强度并用"
            raise broken_at("cutoff", rule=rule)
        return self

    def radius_cells(self, cell_m: float) -> int:
        """Radius of a window in cells."""
        return round(self.radius_m / cell_m)

    def block_of(self, cell_m: float) -> int:
        """Side of a block in cells: as asked for, else the odd number next to a tenth."""
        return self.block_cells or self.radius_cells(cell_m) // 20 * 2 + 1


class NetworkParameters(contract.Inputs):
    """Parameters of a network; defaults are the method specification's."""

    sources: SourceChoice = Field(
        default_factory=lambda: SourceChoice.model_validate({}), description="Sources / 源地"
    )
    resistance: ResistanceChoice = Field(
        default_factory=lambda: ResistanceChoice.model_validate({}),
        description="Resistance / 阻力面",
    )
    links: LinkChoice = Field(
        default_factory=lambda: LinkChoice.model_validate({}), description="Corridors / 廊道"
    )
    circuit: CircuitChoice = Field(
        default_factory=lambda: CircuitChoice.model_validate({}),
        description="Current, pinch points and barriers / 电路、夹点与障碍点",
    )


class BuildNetworkInputs(contract.PlaceInputs):
    """Inputs of the ecological network of a region."""

    datasets: dict[NetworkTheme, Code] = Field(
        default_factory=dict, description="Dataset per theme; default: the newest / 数据集"
    )
    supplies: dict[contract.ServiceId, Code] = Field(
        default_factory=dict,
        description="Computed supply per service; default: the newest assessment's"
        " / 各服务供给栅格，默认取最近一次评估",
    )
    assessment: UUID | None = Field(
        None, description="Job whose supplies are taken / 取其供给结果的评估作业"
    )
    names: list[Named] = Field(
        default_factory=list,
        max_length=200,
        description="Corridors with names, besides those of the region's patterns / 已命名廊道",
    )
    roads: list[RoadLine] = Field(
        default_factory=list,
        max_length=MOST_ROADS,
        description="Roads and railways as lines: break points are sought on them instead of on the"
        " raster of main roads / 道路与铁路线，用于识别断裂点，代替主要道路栅格",
    )
    parameters: NetworkParameters = Field(
        default_factory=lambda: NetworkParameters.model_validate({}),
        description="Parameters / 参数",
    )
    omnidirectional: OmnidirectionalChoice | None = Field(
        None,
        description="Current from everywhere to everywhere (Omniscape); default none"
        " / 全域电流（移动窗口），默认不计算",
    )
    publish: bool = Field(
        False,
        description="Publish the network when done; takes an approver / 完成后发布（须审批者）",
    )

    @model_validator(mode="after")
    def check_supplies(self) -> "BuildNetworkInputs":
        """Supplies come from one place."""
        if self.supplies and self.assessment:
            raise broken_at("assessment", rule="give supplies or an assessment / 二者只能给出一个")
        missing = sorted(set(self.parameters.sources.weights) - set(self.supplies))
        if self.supplies and missing:
            raise broken_at(
                "supplies",
                rule=f"weights name {', '.join(missing)}, of which no supply is given"
                " / weights 中有未给出供给的服务",
            )
        return self

    @model_validator(mode="after")
    def check_radii(self) -> "BuildNetworkInputs":
        """A disc in which barriers are sought holds a cell."""
        for number, radius in enumerate(self.parameters.circuit.barrier_radii_m or ()):
            if radius < self.cell_m:
                raise broken_at(
                    *("parameters", "circuit", "barrier_radii_m", number),
                    rule=f"is {radius:g} m, below the cell of {self.cell_m:g} m"
                    f" / 为 {radius:g} m，小于像元边长 {self.cell_m:g} m",
                )
        return self

    @model_validator(mode="after")
    def check_windows(self) -> "BuildNetworkInputs":
        """A window holds its block, and importance is known where candidates are found by it."""
        asked = self.omnidirectional
        if asked is None:
            return self
        radius, block = asked.radius_cells(self.cell_m), asked.block_of(self.cell_m)
        if not block <= radius:
            raise broken_at(
                *("omnidirectional", "radius_m"),
                rule=f"omnidirectional.radius_m is {radius} cells of {self.cell_m:g} m and a block"
                f" {block}; a window must be at least one cell and reach as far as a block is wide"
                f" / omnidirectional.radius_m 为 {radius} 个像元（{self.cell_m:g} m），"
                f"目标块为 {block} 个；半径至少一个像元，且不小于目标块边长",
            )
        if asked.strength == "importance" and not self.needs_supplies:
            raise broken_at(
                *("omnidirectional", "strength"),
                rule="omnidirectional.strength importance needs sources.candidates importance"
                " / omnidirectional.strength 为 importance 时 sources.candidates 须为 importance",
            )
        return self

    @property
    def needs_supplies(self) -> bool:
        """Whether candidates are found by the services."""
        return self.parameters.sources.candidates == "importance"


RASTERS: Mapping[str, str | None] = {
    "mspa": None,
    "resistance": "1",
    "corridors": "m",
    "current": "A",
    "barriers": "1",
}
"""Rasters a network leaves behind, with their units; None for classes."""

OMNIDIRECTIONAL_RASTERS: Mapping[str, str] = {
    "omnidirectional_current": "A",
    "flow_potential": "A",
    "normalised_current": "1",
}
"""Rasters of current from everywhere to everywhere, where it is asked for."""

BUILD_NETWORK = contract.ProcessContract(
    "build-network",
    Label("构建生态网络", "Build the ecological network"),
    Label(
        "由土地覆盖与生态系统服务供给识别生态源地、构建阻力面、提取廊道，并以电路理论识别夹点与障碍点；"
        "发布廊道、节点与栅格。",
        "Finds ecological sources from land cover and ecosystem services, the resistance of the"
        " land and the corridors between sources, with pinch points and barriers; publishes"
        " corridors, nodes and rasters.",
    ),
    BuildNetworkInputs,
    (
        contract.OutputSpec("layers", Label("图层", "Layers"), "application/json"),
        contract.OutputSpec("statistics", Label("网络统计", "Statistics"), "application/json"),
        contract.OutputSpec("table", Label("廊道表", "Corridors as a table"), "text/csv"),
        contract.OutputSpec("corridor_lines", Label("廊道", "Corridors"), "application/geo+json"),
        contract.OutputSpec(
            "named_corridors",
            Label("规划廊道对照", "Named corridors and what follows them"),
            "application/geo+json",
        ),
        contract.OutputSpec(
            "named_table", Label("规划廊道对照表", "Named corridors as a table"), "text/csv"
        ),
        contract.OutputSpec("corridor_nodes", Label("节点", "Nodes"), "application/geo+json"),
        contract.OutputSpec("map_zh", Label("生态网络图（中文）", "Map (Chinese)"), "image/png"),
        contract.OutputSpec("map_en", Label("生态网络图（英文）", "Map (English)"), "image/png"),
        *contract.REPORTS,
    ),
    keywords=("corridors", "connectivity", "circuit"),
    publish_input="publish",
    runs_on_files=True,
    repeatable=True,
    stages={
        "omnidirectional": Label("计算全域电流", "Sending current from everywhere to everywhere")
    },
)
