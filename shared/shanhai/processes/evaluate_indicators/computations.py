"""The indicators that are computed from what the platform holds, and how each is.

A plan's indicator is computed by the computation that knows its code in the dictionary, or by the
one the request names. A new computation is an entry here and a function of its kind in
`shanhai.processes.evaluate_indicators`.
"""

from dataclasses import dataclass
from typing import Literal

from shanhai.vocabulary import Label

Reads = Literal["sections", "sea", "air", "land_cover", "travel_time", "control_areas", "species"]
"""What a computation rests on."""

ComputationId = Literal[
    "surface_water_good",
    "surface_water_inferior",
    "nearshore_good",
    "good_air_days",
    "forest_cover",
    "water_area",
    "park_reach",
    "red_line_area",
    "basic_farmland_area",
    "cultivated_land_area",
    "urban_boundary_area",
    "protected_share",
    "wetland_protection",
    "soil_conservation",
    "natural_shoreline",
    "key_species_protected",
]


@dataclass(frozen=True, slots=True)
class Computation:
    """One way from data to the value of a year.

    Attributes:
        id: Identifier.
        label: What it computes.
        formula: In words.
        unit: Unit of what is computed; it is converted to the indicator's.
        reads: What it rests on.
        kinds: Kinds of control areas it reads.
        codes: Indicators it computes without being asked.
        named: Indicators among them whose stations the request has to name.
    """

    id: ComputationId
    label: Label
    formula: Label
    unit: str
    reads: Reads
    kinds: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def _area(computation: ComputationId, kind: str, zh: str, en: str, code: str) -> Computation:
    return Computation(
        computation,
        Label(zh, en),
        Label(
            "年末现行管控线并集与区域相交的椭球面积；有未绘制图形的则不计算",
            "area on the ellipsoid of the union of the lines in force at the end of the year, "
            "within the region; none while one of them has no shape",
        ),
        "km2",
        "control_areas",
        (kind,),
        (code,),
    )


KEEPING = ("protected_area", "red_line")
"""Kinds of lines within which land and species count as protected."""
BESIDE_DEG = 1e-4
"""Shores run along a border and are drawn apart from it: so near, about 10 m, they are in it; E."""
COMPUTATIONS: tuple[Computation, ...] = (
    Computation(
        "surface_water_good",
        Label("I～III 类断面比例", "Share of sections of class I–III"),
        Label(
            "年均值按单因子法评为 I～III 类的断面数 ÷ 参评断面数 × 100",
            "sections of class I–III by the single-factor method on annual means ÷ sections"
            " assessed × 100",
        ),
        "%",
        "sections",
        codes=(
            "main_basin_class_i_iii_share",
            "small_basin_class_iii_or_better_share",
            "drinking_source_compliance_rate",
        ),
        named=("small_basin_class_iii_or_better_share", "drinking_source_compliance_rate"),
    ),
    Computation(
        "surface_water_inferior",
        Label("劣 V 类断面比例", "Share of sections worse than class V"),
        Label(
            "年均值劣于 V 类的断面数 ÷ 参评断面数 × 100",
            "sections worse than class V on annual means ÷ sections assessed × 100",
        ),
        "%",
        "sections",
        codes=("surface_water_inferior_v_share",),
    ),
    Computation(
        "nearshore_good",
        Label("近岸海域一、二类海水比例", "Share of nearshore water of class 1–2"),
        Label(
            "一、二类海水的面积（或站位数）÷ 参评面积（或站位数）× 100",
            "area, or stations, of class 1–2 ÷ area, or stations, assessed × 100",
        ),
        "%",
        "sea",
        codes=("nearshore_good_water_share",),
    ),
    Computation(
        "good_air_days",
        Label("空气质量优良天数比例", "Share of days of good air"),
        Label(
            "AQI 不大于 100 的天数 ÷ 有效天数 × 100", "days of an AQI up to 100 ÷ valid days × 100"
        ),
        "%",
        "air",
        codes=("good_air_day_share",),
    ),
    Computation(
        "forest_cover",
        Label("森林覆盖率（土地覆盖）", "Forest cover from land cover"),
        Label(
            "区域内林地与红树林像元面积 ÷ 陆地像元面积 × 100",
            "area of the region's cells of forest and mangrove ÷ area of its cells of land × 100",
        ),
        "%",
        "land_cover",
        codes=("forest_cover_rate",),
    ),
    Computation(
        "water_area",
        Label("水域面积（土地覆盖）", "Area of water from land cover"),
        Label("区域内水体像元面积", "area of the region's cells of water"),
        "km2",
        "land_cover",
        codes=("water_space_area",),
    ),
    Computation(
        "park_reach",
        Label("公园步行 5 分钟覆盖率", "Share within a 5-minute walk of a park"),
        Label(
            "步行至公园不超过 5 分钟的建设用地面积 ÷ 有时间数据的建设用地面积 × 100",
            "built-up area within 5 minutes on foot of a park ÷ built-up area with a time known"
            " × 100",
        ),
        "%",
        "travel_time",
        codes=("park_5min_walk_cover",),
    ),
    _area(
        *("red_line_area", "red_line", "生态保护红线面积", "Area of the red line"), "red_line_area"
    ),
    _area(
        *("basic_farmland_area", "permanent_basic_farmland"),
        *("永久基本农田面积", "Area of permanent basic farmland"),
        "permanent_basic_farmland_area",
    ),
    _area(
        *("cultivated_land_area", "cultivated_land", "耕地面积", "Area of cultivated land"),
        "cultivated_land_area",
    ),
    _area(
        *("urban_boundary_area", "urban_boundary"),
        *("城镇开发边界面积", "Area inside the urban development boundary"),
        "urban_boundary_area",
    ),
    Computation(
        "protected_share",
        Label("自然保护地占比", "Share of protected natural areas"),
        Label(
            "年末现行自然保护地并集面积 ÷ 区域面积 × 100",
            "area of the union of protected areas in force at the end of the year ÷ area of the"
            " region × 100",
        ),
        "%",
        "control_areas",
        ("protected_area",),
        ("protected_land_share", "protected_area_share"),
    ),
    Computation(
        "wetland_protection",
        Label("湿地保护率", "Share of wetland that is protected"),
        Label(
            "位于自然保护地或生态保护红线内的湿地面积 ÷ 湿地面积 × 100",
            "area of wetland within protected areas or the red line ÷ area of wetland × 100",
        ),
        "%",
        "control_areas",
        ("wetland", *KEEPING),
        ("wetland_protection_rate",),
    ),
    Computation(
        "soil_conservation",
        Label("水土保持率", "Soil and water conservation rate"),
        Label(
            "（区域面积 − 水土流失区面积）÷ 区域面积 × 100",
            "(area of the region − area of soil erosion) ÷ area of the region × 100",
        ),
        "%",
        "control_areas",
        ("soil_erosion",),
        ("soil_water_conservation_rate",),
    ),
    Computation(
        "natural_shoreline",
        Label("自然岸线保有率", "Share of natural shoreline"),
        Label(
            "自然岸线（分类 natural）长度 ÷ 已分类岸线长度 × 100",
            "length of shoreline of class `natural` ÷ length of shoreline with a class × 100",
        ),
        "%",
        "control_areas",
        ("shoreline",),
        ("natural_shoreline_retention_rate",),
    ),
    Computation(
        "key_species_protected",
        Label("重点保护物种种数保护率", "Share of key species that are protected"),
        Label(
            "在自然保护地或生态保护红线内有已核实分布点的重点保护物种数"
            " ÷ 区域内有已核实分布点的重点保护物种数 × 100；位置保密的分布点以其整个网格计",
            "key species with a verified occurrence in a protected area or within the red line ÷"
            " key species with a verified occurrence in the region × 100; a masked place counts as"
            " its whole cell",
        ),
        "%",
        "species",
        KEEPING,
        codes=("key_species_protection_rate",),
    ),
)
BY_ID = {one.id: one for one in COMPUTATIONS}
BY_INDICATOR = {code: one for one in COMPUTATIONS for code in one.codes}


def computation_for(indicator: str, asked: ComputationId | None) -> Computation | None:
    """The computation asked for, or the one that knows the dictionary's code; None without."""
    return BY_INDICATOR.get(indicator) if asked is None else BY_ID[asked]
