"""How each kind of layer is drawn: classes or a colour ramp, with bilingual titles.

One declaration serves the tile service, its legends and styles, and the maps of reports.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from shanhai.vocabulary import ECOSERVICES, THEMES, ZONE_CLASSES, Label, label_of


@dataclass(frozen=True, slots=True)
class ClassEntry:
    """One class of a categorical layer."""

    value: int
    code: str
    label: Label
    color: str


@dataclass(frozen=True, slots=True)
class ClassStyle:
    """A layer of classes; cells of other values are not drawn."""

    title: Label
    entries: tuple[ClassEntry, ...]


@dataclass(frozen=True, slots=True)
class RampStyle:
    """A quantity drawn by a ramp of equally spaced colours between `low` and `high`.

    `low` and `high` are None where the range depends on the data (the layer's own statistics).
    """

    title: Label
    unit: str
    colors: tuple[str, ...]
    low: float | None = None
    high: float | None = None


Style = ClassStyle | RampStyle
NARROWEST = 1e-36
"""What is divided by a range of this width is a number of single precision."""


def is_range(low: float, high: float) -> bool:
    """Whether a ramp, which is drawn in single precision, can run from one value to the other."""
    with np.errstate(over="ignore", invalid="ignore"):
        span = np.float32(high) - np.float32(low)
    return bool(NARROWEST < span < math.inf)


BALANCE = ("#8c2d19", "#d8814f", "#f3ddb3", "#f7f7ef", "#c9e3c0", "#6fae73", "#1b6e3c")
SUPPLY = ("#f7fbf2", "#cbe6bf", "#8cc98a", "#3f9a56", "#14532d")
DEMAND = ("#fff8ec", "#fbd9a5", "#f2a35b", "#d4632b", "#7f2704")
AGREEMENT = (
    *("#8c2d19", "#a9482b", "#c4633f", "#d98455", "#e6a36f", "#efbe8c", "#f5d6ab", "#f8e8cb"),
    *("#7fbf86", "#3f8f5a", "#14532d"),
)
"""Green from four fifths on, where a zone holds."""
TERRAIN = ("#3b7d4f", "#a9c977", "#f2e6a8", "#c69a63", "#7b5237", "#f5f3f0")
WATER = ("#f4f9fd", "#c3dcef", "#7fb4d8", "#3a80b9", "#0b3c71")
HEAT = ("#2c5aa0", "#9cc4de", "#fbf7c8", "#f4a259", "#a4243b")
LIGHT = ("#0b0b2b", "#3d2a6d", "#a2477f", "#f2865e", "#fdf3b8")
PLAIN = ("#f7f7f7", "#cccccc", "#969696", "#525252", "#1a1a1a")

ZONES = ClassStyle(
    Label("生态保护修复分区", "Ecological protection and restoration zones"),
    tuple(ClassEntry(z.value, z.code, z.label, z.color) for z in ZONE_CLASSES),
)

LAND_COVER = ClassStyle(
    label_of("land_cover"),
    (
        ClassEntry(1, "cropland", Label("耕地", "Cropland"), "#f3e28c"),
        ClassEntry(2, "forest", Label("林地", "Forest"), "#2f7d3b"),
        ClassEntry(3, "shrubland", Label("灌木地", "Shrubland"), "#7fa650"),
        ClassEntry(4, "grassland", Label("草地", "Grassland"), "#b9d77a"),
        ClassEntry(5, "wetland", Label("湿地", "Wetland"), "#7cc7b6"),
        ClassEntry(6, "mangrove", Label("红树林", "Mangrove"), "#1f8a70"),
        ClassEntry(7, "inland_water", Label("内陆水域", "Inland water"), "#5b9fd6"),
        ClassEntry(8, "built_up", Label("建设用地", "Built-up"), "#b5544b"),
        ClassEntry(9, "bare", Label("裸地", "Bare or sparse"), "#d9cbb0"),
        ClassEntry(10, "snow_ice", Label("冰雪", "Snow and ice"), "#eef6fb"),
        ClassEntry(11, "moss_tundra", Label("苔原", "Moss, lichen, tundra"), "#b7b59a"),
    ),
)

_FIVE_GRADES = ("#1b6e3c", "#7cb66f", "#f2e6a8", "#e79b57", "#a63a26")
_SEVERITY = ("#a63a26", "#e7a24c", "#e6e9c8")
_TREND = ("#8c2d19", "#d8814f", "#f3ddb3", "#f0f0ea", "#d5e8cc", "#7db77f", "#1b6e3c")


def _graded(title: Label, colors: tuple[str, ...], *named: tuple[str, str, str]) -> ClassStyle:
    """Classes 1, 2, 3 … with their codes, names and colours."""
    entries = (
        ClassEntry(value, code, Label(zh, en), color)
        for value, ((code, zh, en), color) in enumerate(zip(named, colors, strict=True), start=1)
    )
    return ClassStyle(title, tuple(entries))


_IMPORTANCE = (
    ("extremely_important", "极重要", "Extremely important"),
    ("important", "重要", "Important"),
    ("general", "一般", "General"),
)
_SENSITIVITY = (
    ("extremely_sensitive", "极敏感", "Extremely sensitive"),
    ("sensitive", "敏感", "Sensitive"),
    ("general", "一般", "General"),
)

EVALUATIONS: dict[str, ClassStyle] = {
    "importance": _graded(
        Label("生态系统服务重要性", "Importance of ecosystem services"), _SEVERITY, *_IMPORTANCE
    ),
    "sensitivity": _graded(Label("生态敏感性", "Ecological sensitivity"), _SEVERITY, *_SENSITIVITY),
    "sensitivity.soil_erosion": _graded(
        Label("水土流失敏感性", "Sensitivity to soil erosion"), _SEVERITY, *_SENSITIVITY
    ),
    "sensitivity.rocky_desertification": _graded(
        Label("石漠化敏感性", "Sensitivity to rocky desertification"), _SEVERITY, *_SENSITIVITY
    ),
    "quality": _graded(
        Label("生态系统质量", "Ecosystem quality"),
        _FIVE_GRADES,
        ("high", "优", "High"),
        ("fairly_high", "良", "Fairly high"),
        ("medium", "中", "Medium"),
        ("low", "低", "Low"),
        ("very_low", "差", "Very low"),
    ),
    "degradation": _graded(
        Label("生态系统退化", "Ecosystem degradation"),
        _TREND,
        ("strong_decline", "极显著退化", "Highly significant decline"),
        ("decline", "显著退化", "Significant decline"),
        ("slight_decline", "不显著下降", "Decline, not significant"),
        ("stable", "稳定", "Stable"),
        ("slight_rise", "不显著上升", "Rise, not significant"),
        ("rise", "显著改善", "Significant rise"),
        ("strong_rise", "极显著改善", "Highly significant rise"),
    ),
    "resilience": _graded(
        Label("生态系统恢复力", "Ecosystem resilience"),
        _FIVE_GRADES,
        ("high", "高", "High"),
        ("fairly_high", "较高", "Fairly high"),
        ("medium", "中等", "Medium"),
        ("fairly_low", "较低", "Fairly low"),
        ("low", "低", "Low"),
    ),
}
"""Classes of the evaluations of a district plan; 1 is what a plan looks at first."""

_EVALUATED_RAMPS: dict[str, RampStyle] = {
    "quality_index": RampStyle(
        Label("生态质量指数", "Ecosystem quality index"), "1", SUPPLY, 0.0, 100.0
    ),
    "resilience_index": RampStyle(Label("恢复力指数", "Resilience index"), "1", SUPPLY, 0.0, 100.0),
    "degradation_slope": RampStyle(Label("年变化率", "Change per year"), "1/a", BALANCE),
    "carbon": RampStyle(
        Label("生态系统固碳量", "Net ecosystem production"), "tC/ha/a", BALANCE, -10.0, 10.0
    ),
}

_RESISTANCE = ("#2f7d3b", "#a9c977", "#f2e6a8", "#e0914f", "#a63a26", "#5c1f1a")
_CORRIDOR = ("#0b6e4f", "#3f9a76", "#8cc9a8", "#cfe8d8")
_PRIORITY = ("#f7f4ea", "#f3d9a4", "#e9a25b", "#cf5c3a", "#7f1d1d")
_RANKING = ("#f3f0e7", "#c9dcbf", "#7fb69a", "#2f7d83", "#14365c")
_CURRENT = ("#f4f1e6", "#f6d58a", "#f0963c", "#c8452e", "#5b1237")

NETWORK: dict[str, Style] = {
    "mspa": _graded(
        Label("形态学空间格局", "Habitat pattern (MSPA)"),
        ("#1b6e3c", "#b5833f", "#6fa8dc", "#4b5fa8", "#c0392b", "#e8c23a", "#e0914f"),
        ("core", "核心区", "Core"),
        ("islet", "孤岛", "Islet"),
        ("edge", "边缘区", "Edge"),
        ("perforation", "孔隙", "Perforation"),
        ("bridge", "桥接区", "Bridge"),
        ("loop", "环道区", "Loop"),
        ("branch", "支线", "Branch"),
    ),
    "resistance": RampStyle(
        Label("生态阻力面", "Resistance to movement"), "1", _RESISTANCE, 1.0, 300.0
    ),
    "corridors": RampStyle(
        Label("生态廊道（超出最小累积阻力）", "Corridors: cost above the least"), "m", _CORRIDOR
    ),
    "current": RampStyle(Label("生态电流", "Current through corridors"), "A", _CURRENT),
    "barriers": RampStyle(
        Label("障碍点得分", "Barriers: cost saved for each metre restored"), "1", DEMAND
    ),
    "omnidirectional_current": RampStyle(
        Label("全域累积电流", "Current from everywhere to everywhere"), "A", _CURRENT
    ),
    "flow_potential": RampStyle(
        Label("流动潜力（无阻力时的电流）", "Flow potential: current without resistance"),
        "A",
        _CURRENT,
    ),
    "normalised_current": RampStyle(
        Label("归一化电流", "Normalised current"), "1", BALANCE, 0.0, 2.0
    ),
}
"""Layers of an ecological network."""

SCENARIO: dict[str, Style] = {
    "corridors_before": replace(
        NETWORK["corridors"], title=Label("编辑前的生态廊道", "Corridors before the edits")
    ),
    "corridors_after": replace(
        NETWORK["corridors"], title=Label("编辑后的生态廊道", "Corridors after the edits")
    ),
    "corridors_change": _graded(
        Label("生态廊道变化", "Change of the corridors"),
        ("#1b9e77", "#c2185b", "#9fb0bb"),
        ("gained", "新增", "Gained"),
        ("lost", "失去", "Lost"),
        ("kept", "保持", "Kept"),
    ),
    "resistance_after": replace(
        NETWORK["resistance"], title=Label("编辑后的生态阻力面", "Resistance after the edits")
    ),
    "resistance_change": RampStyle(
        Label("阻力变化", "Change of the resistance"), "1", tuple(reversed(BALANCE)), -200.0, 200.0
    ),
    "zones_after": replace(ZONES, title=Label("编辑后的分区", "Zones after the edits")),
    "zones_change": ClassStyle(
        Label("分区变化", "Change of the zones"),
        # A cell bears the colour of the zone it comes to.
        tuple(
            ClassEntry(
                10 * was.value + will_be.value,
                f"{was.code}_to_{will_be.code}",
                Label(
                    f"{was.label.zh} → {will_be.label.zh}", f"{was.label.en} → {will_be.label.en}"
                ),
                will_be.color,
            )
            for was in ZONE_CLASSES
            for will_be in ZONE_CLASSES
            if was != will_be
        ),
    ),
}
"""Layers of a scenario."""

SITING: dict[str, Style] = {
    "priority": RampStyle(Label("修复优先级", "Restoration priority"), "1", _PRIORITY, 0.0, 1.0),
    "ranking": RampStyle(Label("土地保留排序", "Ranking of the land"), "1", _RANKING, 0.0, 1.0),
}
"""Layers of a selection of sites."""

OVERLAYS: dict[str, Style] = {
    "zones_before_overlay": replace(
        ZONES, title=Label("叠加管控线前的分区", "Zones before the legal overlay")
    ),
    "override_source": _graded(
        Label("管控线改变的分区", "Zones changed by law"),
        ("#8c2d19", "#d8814f"),
        ("reserve_core", "自然保护地核心区", "Core of a reserve"),
        ("red_line", "生态保护红线", "Ecological red line"),
    ),
}
"""Layers of the legal overlay."""

UNCERTAINTY: dict[str, Style] = {
    "stability": RampStyle(Label("分区稳定性", "Stability of the zones"), "1", BALANCE, 0.2, 1.0),
    "ratio_mean": RampStyle(
        Label("综合供需比（抽样均值）", "Comprehensive ratio: mean of the draws"),
        "1",
        BALANCE,
        -1.0,
        1.0,
    ),
    "ratio_sd": RampStyle(
        Label("综合供需比（抽样标准差）", "Comprehensive ratio: standard deviation of the draws"),
        "1",
        DEMAND,
    ),
    "deficit_probability": RampStyle(
        Label("供给低于需求的概率", "Probability of supply below demand"), "1", DEMAND, 0.0, 1.0
    ),
    "zone_consensus": replace(
        ZONES, title=Label("多数做法所得分区", "Zone that most choices give")
    ),
    "zone_agreement": RampStyle(
        Label("与本图一致的做法占比", "Share of the choices that give the zone of the map"),
        "1",
        AGREEMENT,
        0.0,
        1.0,
    ),
    "modal_zone": replace(ZONES, title=Label("众数分区", "Zone of most draws")),
}
"""Layers of how far a zoning can be trusted."""

CLUSTERS = _graded(
    Label("综合供需比的局部聚集", "Local clusters of the comprehensive ratio"),
    ("#1b6e3c", "#d8814f", "#8c2d19", "#8fc78f", "#e4e4de"),
    ("high_high", "高—高聚集", "High among high"),
    ("low_high", "低—高异常", "Low among high"),
    ("low_low", "低—低聚集", "Low among low"),
    ("high_low", "高—低异常", "High among low"),
    ("not_significant", "不显著", "Not significant"),
)
"""Classes of local Moran's I, by the codes that `science.autocorrelation` gives."""

_COMPUTED: dict[str, Style] = (
    UNCERTAINTY | OVERLAYS | NETWORK | SCENARIO | SITING | {"ratio_clusters": CLUSTERS}
)

_THEME_RAMPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "dem": ("m", TERRAIN),
    "rainfall": ("mm", WATER),
    "temperature": ("Cel", HEAT),
    "npp": ("gC/m2/a", SUPPLY),
    "ndvi": ("1", SUPPLY),
    "night_lights": ("nW/cm2/sr", LIGHT),
    "population": ("{person}", DEMAND),
    "rain_intensity": ("mm/h", WATER),
    "evapotranspiration": ("mm/a", WATER),
    "reference_et": ("mm/a", WATER),
    "soil_depth": ("mm", TERRAIN),
    "available_water": ("1", WATER),
    "soil_erodibility": ("t.ha.h/(ha.MJ.mm)", DEMAND),
    "rain_erosivity": ("MJ.mm/(ha.h.a)", WATER),
    "temperature_max": ("Cel", HEAT),
    "temperature_min": ("Cel", HEAT),
    "summer_temperature": ("Cel", HEAT),
    "lst": ("Cel", HEAT),
    "impervious": ("1", DEMAND),
    "travel_time": ("min", DEMAND),
    "gdp": ("10^4 CNY/km2", LIGHT),
    "carbon_density_start": ("t/ha", SUPPLY),
    "carbon_density_end": ("t/ha", SUPPLY),
}


QUADRANTS = (
    ClassEntry(1, "high_high", Label("高供给—高需求", "High supply, high demand"), "#4d4d9e"),
    ClassEntry(2, "low_high", Label("低供给—高需求", "Low supply, high demand"), "#c0392b"),
    ClassEntry(3, "low_low", Label("低供给—低需求", "Low supply, low demand"), "#d9cbb0"),
    ClassEntry(4, "high_low", Label("高供给—低需求", "High supply, low demand"), "#1b6e3c"),
)
COORDINATION = (
    ClassEntry(1, "severe_imbalance", Label("严重失调", "Severe imbalance"), "#a4243b"),
    ClassEntry(2, "slight_imbalance", Label("轻度失调", "Slight imbalance"), "#f0a35e"),
    ClassEntry(3, "bare_coordination", Label("勉强协调", "Bare coordination"), "#f3ddb3"),
    ClassEntry(4, "moderate_coordination", Label("中度协调", "Moderate coordination"), "#8cc98a"),
    ClassEntry(5, "high_coordination", Label("高度协调", "High coordination"), "#1b6e3c"),
)

_SERVICE_LAYERS: dict[str, tuple[Label, tuple[str, ...], float, float]] = {
    "ratio": (Label("供需比", "supply–demand ratio"), BALANCE, -1.0, 1.0),
    "ratio_after": (
        Label("供需比（编辑后）", "supply–demand ratio after the edits"),
        BALANCE,
        -1.0,
        1.0,
    ),
    "ratio_change": (Label("供需比变化", "change of the supply–demand ratio"), BALANCE, -0.5, 0.5),
    "supply": (Label("供给", "supply"), SUPPLY, 0.0, 1.0),
    "demand": (Label("需求", "demand"), DEMAND, 0.0, 1.0),
    "supply_n": (Label("供给（归一化）", "supply, normalised"), SUPPLY, 0.0, 1.0),
    "demand_n": (Label("需求（归一化）", "demand, normalised"), DEMAND, 0.0, 1.0),
    "coupling": (Label("供需耦合协调度", "coupling coordination"), BALANCE, 0.0, 1.0),
}
_SERVICE_CLASSES: dict[str, tuple[Label, tuple[ClassEntry, ...]]] = {
    "quadrant": (Label("供需象限", "quadrants of supply and demand"), QUADRANTS),
    "coordination": (Label("供需协调等级", "classes of coordination"), COORDINATION),
}


COMPARED: Mapping[str, Label] = {
    "amounts": Label("（实物量）", ", of amounts"),
    "ranks": Label("（百分位次）", ", of percentile ranks"),
}
"""What the ratio of a service compares: amounts in a unit, or where its indices rank."""


def _ecoservice_style(
    kind: str, ecoservice: str | None, unit: str | None, compared: str | None
) -> Style:
    of = Label("综合", "Comprehensive") if ecoservice is None else label_of(ecoservice)
    if kind in _SERVICE_CLASSES:
        what, entries = _SERVICE_CLASSES[kind]
        return ClassStyle(Label(f"{of.zh}{what.zh}", f"{of.en}: {what.en}"), entries)
    what, colors, low, high = _SERVICE_LAYERS[kind]
    by = Label("", "") if compared is None else COMPARED[compared]
    title = Label(f"{of.zh}{what.zh}{by.zh}", f"{of.en}: {what.en}{by.en}")
    if unit in {None, "1"}:
        return RampStyle(title, "1", colors, low, high)
    return RampStyle(title, unit or "1", colors)


def theme_titles() -> dict[str, Label]:
    """What each theme is called that a layer can be of: those of data, and those computed."""
    services = [term.code for term in ECOSERVICES]
    kinds = (*_SERVICE_LAYERS, *_SERVICE_CLASSES)
    computed = [*EVALUATIONS, *_COMPUTED, *_EVALUATED_RAMPS, *kinds]
    each = [f"{kind}.{service}" for kind in (*kinds, "importance") for service in services]
    words = {theme: style_of(theme).title for theme in ("zones", *computed, *each)}
    return words | {term.code: term.label for term in THEMES}


def style_of(theme: str, unit: str | None = None, compared: str | None = None) -> Style:
    """The style of a dataset's theme: an input theme or an output such as `ratio.cooling`.

    A theme without a declared style is drawn in greys over its own range.

    Args:
        theme: Theme of the dataset.
        unit: Unit of its values; supply and demand that are no index are drawn over their range.
        compared: `amounts` or `ranks`, where it is the ratio of a service whose method is known.
    """
    if theme == "zones":
        return ZONES
    if theme == "land_cover":
        return LAND_COVER
    if theme in EVALUATIONS:
        return EVALUATIONS[theme]
    if theme in _COMPUTED:
        return _COMPUTED[theme]
    if theme in _EVALUATED_RAMPS:
        return _EVALUATED_RAMPS[theme]
    kind, _, ecoservice = theme.partition(".")
    known = {term.code for term in ECOSERVICES}
    if kind == "importance" and ecoservice in known:
        title = label_of(ecoservice)
        return replace(
            EVALUATIONS["importance"],
            title=Label(f"{title.zh}重要性", f"{title.en}: importance"),
        )
    drawn = kind in _SERVICE_LAYERS or kind in _SERVICE_CLASSES
    if drawn and (not ecoservice or ecoservice in known):
        return _ecoservice_style(kind, ecoservice or None, unit, compared)
    if theme in _THEME_RAMPS:
        unit, colors = _THEME_RAMPS[theme]
        return RampStyle(label_of(theme), unit, colors)
    named = {term.code: term.label for term in THEMES}
    return RampStyle(named.get(theme, Label(theme, theme)), "1", PLAIN)


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_POWER = re.compile(r"(?<=10)\^(\d+)|(?<=[A-Za-z])(\d+)")


def written_unit(code: str) -> Label:
    """A unit's code as people write it; empty for a plain number.

    `gC/m2/a` becomes gC/m²/a, `10^4 CNY/km2` 10⁴ CNY/km².
    """
    if code in {"", "1"}:
        return Label("", "")
    raised = _POWER.sub(lambda found: (found[1] or found[2]).translate(_RAISED), code)
    plain = raised.replace("CO²", "CO₂").replace("Cel", "°C").replace(".", "·")
    return Label(plain.replace("{person}", "人"), plain.replace("{person}", "persons"))
