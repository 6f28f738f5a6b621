"""What codes are called on pages: names of what a row refers to, and words of open lists."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import text

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.compliance.rules import activities
from shanhai.db.engine import Executor
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.vocabulary import (
    CONTROL_KINDS,
    REGION_LEVELS,
    THEMES,
    Label,
    Lang,
)
from shanhai_api.kit.people import ACTED, find_people
from shanhai_api.words.naming import code_name, layer_name

Named = Callable[[Property, str], str | None]
"""What a property's code is called; None where nobody knows."""

REFERRED: Mapping[tuple[str, str], str] = {
    ("projects", "regions"): "regions",
    ("projects", "problems"): "problems",
    ("problems", "projects"): "projects",
    ("zones", "towns"): "regions",
    ("zones", "region"): "regions",
    ("pattern_components", "region"): "regions",
    ("documents", "region"): "regions",
    ("programmes", "towns"): "regions",
    ("provisions", "departments"): "parties",
    ("duties", "parties"): "parties",
    ("plans", "supersedes"): "plans",
    ("plans", "superseded_by"): "plans",
    ("plans", "lineage"): "plans",
    ("projects", "editions"): "plans",
    ("control_rules", "subject"): "zone_classes",
}
"""Properties that hold codes of other rows without being written as references."""
REFERRED_BY_NAME: Mapping[str, str] = {"region": "regions", "plan": "plans"}
"""Properties that mean the same in whatever entity they are."""
ACTIVITIES = frozenset({"activity", "covers_activities", "measures", "allowed_measures"})
CODED = frozenset({"scheme_kind", "class", "group", "type", "kind", "sense", "role"})
"""Properties of open lists whose codes mean what they mean everywhere."""
LEVELS = {term.code: term.label for term in REGION_LEVELS}
KINDS_OF_PLANS: Mapping[str, Label] = {
    "opinion": Label("意见", "Opinion"),
    "action_plan": Label("行动方案", "Action plan"),
    "spatial_plan": Label("国土空间规划", "Territorial spatial plan"),
    "special_plan": Label("专项规划", "Special plan"),
}
TYPES_OF_PROBLEMS: Mapping[str, Label] = {
    "legacy_mine": Label("历史遗留废弃矿山", "Legacy mine"),
    "river_degradation": Label("河流退化", "Degraded river"),
    "rural_water_network": Label("农村水系", "Rural water network"),
    "island_nonpoint": Label("岛屿面源污染", "Non-point pollution of an island"),
    "island_damage": Label("岛屿破坏", "Damaged island"),
    "island_simple_ecosystem": Label("岛屿生态系统单一", "Simple ecosystem of an island"),
    "soil_erosion": Label("水土流失", "Soil and water loss"),
    "livestock_pollution": Label("畜禽养殖污染", "Livestock pollution"),
}
ELEMENTS: Mapping[str, Label] = {
    "water": Label("水", "Water"),
    "land": Label("土地", "Land"),
    "soil": Label("土壤", "Soil"),
    "island": Label("岛屿", "Island"),
    "rural": Label("农村", "Countryside"),
    "ecosystem": Label("生态系统", "Ecosystem"),
    "mountain": Label("山", "Mountain"),
    "field": Label("田", "Field"),
    "city": Label("城", "City"),
    "bay": Label("湾", "Bay"),
    "corridor": Label("廊", "Corridor"),
}
FUNCTIONS: Mapping[str, Label] = {
    "habitat_security_for_people": Label("人居安全保障", "Habitat security for people"),
    "habitat_quality_for_people": Label("人居品质提升", "Habitat quality for people"),
    "water_conservation": Label("水源涵养", "Water conservation"),
    "biodiversity": Label("生物多样性维护", "Biodiversity"),
    "farm_product_supply": Label("农产品供给", "Farm product supply"),
    "soil_and_water_conservation": Label("水土保持", "Soil and water conservation"),
}
PROBLEMS_OF_ZONES: Mapping[str, Label] = {
    "water_pollution_risk": Label("水污染风险", "Water pollution risk"),
    "waterlogging_risk": Label("内涝风险", "Waterlogging risk"),
    "heat_island_risk": Label("热岛风险", "Heat island risk"),
    "too_few_blue_green_facilities": Label("蓝绿设施不足", "Too few blue-green facilities"),
    "incomplete_protective_green_space": Label(
        "防护绿地不完善", "Incomplete protective green space"
    ),
    "forest_habitat_disturbance": Label("森林生境受干扰", "Forest habitat disturbance"),
    "forest_quality_to_improve": Label("森林质量有待提升", "Forest quality to improve"),
    "widespread_legacy_and_closed_mines": Label(
        "历史遗留和关闭矿山分布广", "Widespread legacy and closed mines"
    ),
    "geological_hazards": Label("地质灾害", "Geological hazards"),
    "steep_and_fragmented_farmland": Label("耕地坡度大、破碎", "Steep and fragmented farmland"),
    "island_environment_damaged": Label("岛屿环境受损", "Island environment damaged"),
    "minor_rivers_polluted": Label("次级河流污染", "Minor rivers polluted"),
    "soil_erosion": Label("水土流失", "Soil erosion"),
    "biodiversity_threatened": Label("生物多样性受威胁", "Biodiversity threatened"),
    "sloping_farmland_widespread": Label("坡耕地分布广", "Sloping farmland widespread"),
    "poor_farmland_quality": Label("耕地质量不高", "Poor farmland quality"),
}
TYPES_OF_COMPONENTS: Mapping[str, Label] = {
    "bay": Label("海湾", "Bay"),
    "bay_urban_ring": Label("环湾城区", "Urban ring of the bay"),
    "city": Label("城", "City"),
    "coastal_belt": Label("海岸带", "Coastal belt"),
    "core": Label("核心", "Core"),
    "corridor": Label("廊道", "Corridor"),
    "corridor_set": Label("廊道组", "Set of corridors"),
    "hill": Label("山体", "Hill"),
    "minor_river_corridor": Label("次级河流廊道", "Corridor of a minor river"),
    "mountain_forest_field": Label("山林田", "Mountain, forest and field"),
    "mountain_screen": Label("山体屏障", "Mountain screen"),
    "point_area": Label("节点", "Point"),
    "protected_area": Label("自然保护地", "Protected area"),
    "reservoir": Label("水库", "Reservoir"),
    "river_axis": Label("江河轴", "River axis"),
    "river_belt": Label("河流带", "River belt"),
    "river_island": Label("江心岛", "River island"),
    "river_set": Label("河流组", "Set of rivers"),
    "trail_belt": Label("步道带", "Trail belt"),
    "trail_ring": Label("步道环", "Trail ring"),
    "trail_set": Label("步道组", "Set of trails"),
    "urban_cluster_set": Label("城市组团", "Urban clusters"),
    "urban_core": Label("城市核心", "Urban core"),
}
RELATIONS: Mapping[str, Label] = {
    "supply_far_exceeds_demand": Label("供给远大于需求", "Supply far above demand"),
    "high_supply": Label("供给高", "High supply"),
    "supply_meets_demand": Label("供给满足需求", "Supply meets demand"),
    "supply_below_demand": Label("供给不足", "Supply below demand"),
    "supply_far_below_demand": Label("供给远小于需求", "Supply far below demand"),
}
MODES: Mapping[str, Label] = {
    "conservation": Label("保护保育", "Conservation"),
    "natural_recovery": Label("自然恢复", "Natural recovery"),
    "natural_recovery_primary": Label("自然恢复为主", "Mainly natural recovery"),
    "artificial_restoration": Label("人工修复", "Artificial restoration"),
    "artificial_restoration_auxiliary": Label("人工修复为辅", "Aided by artificial restoration"),
    "function_stabilising_restoration": Label("稳定功能的修复", "Restoration that stabilises"),
    "self_sustaining_target": Label("生态系统自我维持", "A self-sustaining ecosystem"),
    "stress_removal": Label("消除胁迫", "Removal of stress"),
    "self_regulation": Label("自我调节", "Self-regulation"),
}
PARTS_OF_FIGURES: Mapping[str, Label] = {
    "carbon": Label("碳储量", "Carbon"),
    "decline": Label("下降", "Decline"),
    "degradation": Label("退化", "Degradation"),
    "extremely_important": Label("极重要", "Extremely important"),
    "fairly_high": Label("较高", "Fairly high"),
    "high": Label("高", "High"),
    "importance": Label("重要性", "Importance"),
    "indicators": Label("指标", "Indicators"),
    "medium": Label("中等", "Medium"),
    "permanent_basic_farmland": Label("永久基本农田", "Permanent basic farmland"),
    "programmes": Label("重点工程", "Programmes"),
    "projects": Label("项目", "Projects"),
    "quality": Label("质量", "Quality"),
    "resilience": Label("恢复力", "Resilience"),
    "strong_decline": Label("明显下降", "Strong decline"),
    "tasks": Label("任务", "Tasks"),
    "zones": Label("分区", "Zones"),
}
UNTOLD: Mapping[str, Label] = {
    "period": Label("时段", "Period"),
    "substance": Label("物质", "Substance"),
}
WORDS: Mapping[tuple[str, str], Mapping[str, Label]] = {
    ("plans", "kind"): KINDS_OF_PLANS,
    ("plans", "level"): LEVELS,
    ("patterns", "level"): {**LEVELS, "region": Label("区域", "Region")},
    ("control_areas", "level"): LEVELS,
    ("problems", "type"): TYPES_OF_PROBLEMS,
    ("problems", "element"): ELEMENTS,
    ("pattern_components", "type"): TYPES_OF_COMPONENTS,
    ("pattern_components", "covers"): ELEMENTS,
    ("zones", "functions"): FUNCTIONS,
    ("zones", "problems"): PROBLEMS_OF_ZONES,
    ("zone_classes", "relation"): RELATIONS,
    ("zone_classes", "restoration_modes"): MODES,
    ("figures", "untold"): UNTOLD,
    ("figures", "computed_of"): PARTS_OF_FIGURES,
    ("datasets", "theme"): {term.code: term.label for term in THEMES},
    ("control_rules", "subject"): {term.code: term.label for term in CONTROL_KINDS},
}
"""Words of the codes of open lists that ship with the product, by entity and property."""


async def names_on_page(
    session: Executor, entity: Entity, rows: Iterable[Mapping[str, Any]], viewer: Viewer, lang: Lang
) -> Named:
    """What the codes in some rows' properties are called, of what the reader may see."""
    asked: dict[str, set[str]] = {}
    for item in entity.properties:
        referred = _referred(entity, item)
        if referred is not None:
            codes = (code for row in rows for code in _several(row.get(item.name)))
            asked.setdefault(referred, set()).update(codes)
    names = {
        name: await names_of(session, entity_named(name), codes, viewer, lang)
        for name, codes in asked.items()
        if codes
    }
    acted = [item.name for item in entity.properties if item.name in ACTED]
    actors = {code for row in rows for name in acted for code in _several(row.get(name))}
    people = await find_people(session, viewer, actors)

    def named(item: Property, code: str) -> str | None:
        referred = _referred(entity, item)
        if referred is not None:
            return names.get(referred, {}).get(code) or _word(entity, item, code, lang)
        return _word(entity, item, code, lang) or people.get(code)

    return named


def _referred(entity: Entity, item: Property) -> str | None:
    """The entity whose codes a property holds."""
    by_name = REFERRED_BY_NAME.get(item.name)
    return item.refers_to or REFERRED.get((entity.name, item.name)) or by_name


def _word(entity: Entity, item: Property, code: str, lang: Lang) -> str | None:
    known = WORDS.get((entity.name, item.name), {}).get(code)
    if known is None and item.name in ACTIVITIES and code in activities().known:
        known = activities().name_of(code)
    if known is None and item.name == "conditions":
        known = activities().conditions.get(code)
    if known is None and item.name == "theme":
        return None if (name := layer_name(code, lang)) == code else name
    if known is None and item.name in CODED:
        return code_name(code, lang) or code_name(code.partition(".")[0], lang)
    return None if known is None else known.in_(lang)


def _several(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else ()


async def names_of(
    session: Executor, entity: Entity, codes: Collection[str], viewer: Viewer, lang: Lang
) -> dict[str, str]:
    """What some rows of an entity are called, of those the reader may see."""
    name = entity.declared(f"name_{lang}") or entity.declared(f"title_{lang}")
    if name is None:
        return {}
    met = " AND ".join(
        (entity.live, f"{entity.code} = ANY(CAST(:codes AS text[]))", *visibility(entity, viewer))
    )
    # Constants of the declarations; codes are bound.
    query = text(
        f"SELECT {entity.code} AS code, {name.sql} AS name FROM {entity.source} WHERE {met}"  # noqa: S608
    )
    found = await session.execute(query, {"codes": sorted(codes), **viewer_values(viewer)})
    return {row.code: row.name for row in found.all() if row.name}
