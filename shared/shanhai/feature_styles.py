"""How the features of each collection look: one declaration for map styles, legends and sheets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from shanhai import vocabulary
from shanhai.cartography import ZONES

Symbol = Literal["area", "outline", "line", "point"]
PLAIN = "#5b6770"
OUTLINE = 0.0
TINT = 0.45
OPAQUE = 1.0


@dataclass(frozen=True, slots=True)
class FeatureClass:
    """Features that look alike.

    Attributes:
        values: What the property that tells them apart can be.
    """

    code: str
    label: vocabulary.Label
    color: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeatureStyle:
    """The look of a collection.

    Attributes:
        by: The property that chooses among `classes`; None where all features look alike.
        color: The colour of features of no class.
        open: Features may be of no class, so the legend has a line for them.
        colored_by: The property that holds the colour itself, which comes before that of a class.
        filled: How opaque areas are, from 0 to 1.
        edge: Colour of the edges of areas, where it is not that of the feature.
        edges_from: The zoom from which edges of areas are drawn.
    """

    by: str | None = None
    classes: tuple[FeatureClass, ...] = ()
    color: str = PLAIN
    open: bool = False
    colored_by: str | None = None
    filled: float = TINT
    edge: str | None = None
    edges_from: int = 0


def _terms(terms: Iterable[vocabulary.Term], *colors: str) -> tuple[FeatureClass, ...]:
    """One class for each code of a closed list."""
    return tuple(
        FeatureClass(term.code, term.label, color, (term.code,))
        for term, color in zip(terms, colors, strict=True)
    )


def _group(code: str, zh: str, en: str, color: str, *values: str) -> FeatureClass:
    return FeatureClass(code, vocabulary.Label(zh, en), color, values)


_ZONES = tuple(FeatureClass(e.code, e.label, e.color, (e.code,)) for e in ZONES.entries)

_REGIONS = (
    _group(
        *("administrative", "行政区", "Administrative unit", PLAIN),
        *("nation", "province", "city", "district", "street", "town"),
    ),
    _group("basin", "流域", "Basin", "#2b7bba", "basin"),
    _group("bay", "海湾", "Bay", "#0f9d8a", "bay"),
    _group("island", "海岛", "Island", "#8a5a2b", "island"),
    _group("cooperation", "协同发展区", "Cooperation area", "#7d3c98", "cooperation"),
    _group(
        "demonstration_area", "示范引领区", "Demonstration area", "#d9772b", "demonstration_area"
    ),
)

_PROJECTS = (
    _group("proposal", "申报", "Proposal", "#7f9aa8", "draft", "proposed"),
    _group(
        *("preparation", "储备与设计", "Reserve and design", "#e0b400"),
        *("reserve", "approved", "design"),
    ),
    _group("works", "实施", "Works", "#d9622b", "implementation", "suspended"),
    _group(
        *("evaluation", "验收、监测与管护", "Acceptance, monitoring, after-care", "#2b7bba"),
        *("acceptance", "monitoring", "effect_evaluation", "after_care"),
    ),
    _group("closed", "办结", "Closed", "#1b6e3c", "closed"),
    _group("ended", "不予批准或取消", "Rejected or cancelled", "#4a4a4a", "rejected", "cancelled"),
)

_COMPONENTS = (
    _group(
        *("mountains", "山体屏障", "Mountains", "#2f7d4f"),
        *("mountain_screen", "mountain_forest_field", "hill", "core"),
    ),
    _group(
        *("corridors", "廊道与带", "Corridors and belts", "#8cbf3f"),
        *("mountain_sea", "corridor", "corridor_set", "minor_river_corridor"),
        *("coastal_belt", "river_belt"),
    ),
    _group(
        *("waters", "水系", "Inland waters", "#2b7bba"),
        *("river", "river_axis", "river_set", "reservoir", "river_island", "rural_water_network"),
    ),
    _group("bays", "海湾", "Bays", "#0f9d8a", "bay", "bay_urban_ring"),
    _group("towns", "城镇", "Towns", "#b5544b", "city", "urban_core", "urban_cluster_set"),
    _group("trails", "步道", "Trails", "#8a5a2b", "trail_set", "trail_ring", "trail_belt"),
    _group(
        "points", "保护地与节点", "Reserves and nodes", "#7d3c98", "protected_area", "point_area"
    ),
)

_DATASETS = (
    _group("given", "非替代数据", "Not a stand-in", PLAIN, "false"),
    _group("stand_in", "替代数据", "Stand-in", "#d9772b", "true"),
)

_CONTROL_COLORS = (
    *("#c0392b", "#dcb423", "#f0dd7e", "#7d3c98", "#1b6e3c", "#4fae6b", "#1f78b4", "#b07aa1"),
    *("#9c755f", "#4bb3a7", "#0b3f7a", "#d9a05b", "#6fa8dc", "#4e342e", "#e8743b"),
)

STYLES: Mapping[str, FeatureStyle] = MappingProxyType(
    {
        "zones": FeatureStyle(
            by="class",
            classes=_ZONES,
            color="#888888",
            colored_by="color",
            filled=OPAQUE,
            edge="#ffffff",
            edges_from=12,
        ),
        "regions": FeatureStyle(by="level", classes=_REGIONS, filled=OUTLINE),
        "plans": FeatureStyle(filled=OUTLINE),
        "zone_schemes": FeatureStyle(
            by="status",
            classes=_terms(
                vocabulary.SCHEME_STATUSES, "#7f9aa8", "#e0b400", "#2b7bba", "#1b6e3c", "#4a4a4a"
            ),
            filled=OUTLINE,
        ),
        "datasets": FeatureStyle(by="stand_in", classes=_DATASETS, filled=OUTLINE),
        "pattern_components": FeatureStyle(by="type", classes=_COMPONENTS, open=True),
        "corridors": FeatureStyle(
            by="type",
            classes=_terms(vocabulary.CORRIDOR_TYPES, "#0b6e4f", "#2b7bba", "#8cbf3f", "#b5651d"),
        ),
        "corridor_nodes": FeatureStyle(
            by="kind",
            classes=_terms(
                vocabulary.NODE_KINDS,
                *("#1b6e3c", "#8cbf3f", "#d9772b", "#b3261e", "#0b3c71", "#6fa8dc", "#5c1f1a"),
            ),
        ),
        "control_areas": FeatureStyle(
            by="kind", classes=_terms(vocabulary.CONTROL_KINDS, *_CONTROL_COLORS), filled=0.35
        ),
        "problems": FeatureStyle(
            by="severity",
            classes=_terms(vocabulary.SEVERITIES, "#7f9aa8", "#f2c94c", "#e7833a", "#b3261e"),
            open=True,
        ),
        "named_features": FeatureStyle(
            by="kind",
            classes=_terms(
                vocabulary.NAMED_FEATURE_KINDS,
                *("#1b6e3c", "#5aa957", "#8cbf3f", "#5b4b9a", "#8a5a2b", "#2b7bba", "#0b7fab"),
                *("#0b3c71", "#6fa8dc", "#0f9d8a", "#c5b358", "#d9772b", "#7f9aa8", "#b3261e"),
            ),
            open=True,
        ),
        "projects": FeatureStyle(by="state", classes=_PROJECTS),
        "notices": FeatureStyle(
            by="state",
            classes=_terms(vocabulary.NOTICE_STATES, *("#b8c1cc", "#d9622b", "#2b7bba", "#7f9aa8")),
        ),
        "mines": FeatureStyle(
            by="state",
            classes=_terms(
                vocabulary.MINE_STATES,
                *("#b3261e", "#e7833a", "#e0b400", "#8cbf3f", "#1b6e3c", "#2b7bba"),
            ),
        ),
        "reclamations": FeatureStyle(
            by="state",
            classes=_terms(
                vocabulary.RECLAMATION_STATES,
                *("#7f9aa8", "#e0b400", "#d9622b", "#8cbf3f", "#1b6e3c", "#4a4a4a"),
            ),
        ),
        "islands": FeatureStyle(
            by="class",
            classes=_terms(vocabulary.ISLAND_CLASSES, "#d9772b", "#8cbf3f", "#1b6e3c"),
            open=True,
        ),
        "outfalls": FeatureStyle(
            by="kind",
            classes=_terms(
                vocabulary.OUTFALL_KINDS, "#5c1f1a", "#8a5a2b", "#8cbf3f", "#2b7bba", "#7f9aa8"
            ),
        ),
        "fishing_harbours": FeatureStyle(
            by="grade",
            classes=_terms(vocabulary.HARBOUR_GRADES, "#0b3c71", "#2b7bba", "#6fa8dc", "#7f9aa8"),
            open=True,
        ),
        "occurrences": FeatureStyle(
            by="protection",
            classes=_terms(
                vocabulary.PROTECTION_CLASSES, "#b3261e", "#e7833a", "#8cbf3f", "#7f9aa8"
            ),
            open=True,
        ),
        "stations": FeatureStyle(
            by="kind",
            classes=_terms(
                vocabulary.STATION_KINDS, "#5b4b9a", "#2b7bba", "#8a5a2b", "#0f9d8a", "#c2185b"
            ),
        ),
    }
)

_ALIKE = FeatureStyle()
OTHER = vocabulary.Label("其他", "Other")


def feature_style(collection: str) -> FeatureStyle:
    """The look of a collection; one that declares none is tinted in a quiet grey."""
    return STYLES.get(collection, _ALIKE)


def symbol_of(collection: str, geometry_type: str | None) -> Symbol:
    """What a legend shows the collection's colours by: `area`, `outline`, `line` or `point`."""
    if geometry_type == "geometry-multilinestring":
        return "line"
    if geometry_type == "geometry-point":
        return "point"
    return "outline" if feature_style(collection).filled == OUTLINE else "area"
