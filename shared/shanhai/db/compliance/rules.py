"""The rules in force at places, exceptions from them, activities and measures they speak of."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any

from sqlalchemy import TextClause, text

from shanhai.db.collections.controls import CONTROL_RULES
from shanhai.db.compliance.result import BindingRule, Leave
from shanhai.db.engine import Executor
from shanhai.db.features.columns import source_of
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import Viewer
from shanhai.vocabulary import Label

MEASURES: dict[str, Label] = {
    "afforestation": Label("造林", "Afforestation"),
    "aquatic_planting": Label("水生植物种植", "Planting of aquatic plants"),
    "bank_greening": Label("岸线绿化", "Greening of banks"),
    "bank_protection": Label("护岸", "Protection of banks"),
    "bank_repair": Label("岸线修复", "Repair of banks"),
    "bank_treatment": Label("岸坡整治", "Treatment of banks"),
    "bird_habitat": Label("鸟类栖息地营造", "Bird habitat"),
    "buffer_strip": Label("缓冲带建设", "Buffer strip"),
    "channel_clearing": Label("河道清理", "Clearing of channels"),
    "city_park": Label("城市公园建设", "City park"),
    "clean_small_basin": Label("生态清洁小流域", "Clean small basin"),
    "closing_for_regrowth": Label("封山育林", "Closing of hills for regrowth"),
    "constructed_wetland": Label("人工湿地", "Constructed wetland"),
    "debris_removal": Label("漂浮物清理", "Removal of debris"),
    "ditch_water_purification": Label("沟渠水质净化", "Purification of ditch water"),
    "drawdown_treatment": Label("消落带治理", "Treatment of the drawdown belt"),
    "dredging": Label("清淤疏浚", "Dredging"),
    "ecological_bank": Label("生态护岸", "Ecological bank"),
    "embankment": Label("堤防建设", "Embankment"),
    "fire_prevention": Label("森林防火", "Fire prevention"),
    "floating_island": Label("生态浮岛", "Floating islands"),
    "flood_bank": Label("防洪护岸", "Flood bank"),
    "floodplain_protection": Label("滩地保护", "Protection of the floodplain"),
    "forest_aspect_improvement": Label("林相改善", "Improvement of forest aspect"),
    "forest_restoration": Label("森林修复", "Forest restoration"),
    "forest_tending": Label("森林抚育", "Forest tending"),
    "forestry_base": Label("林业基地建设", "Forestry base"),
    "gap_planting": Label("补植补造", "Planting of gaps"),
    "grass_planting": Label("种草", "Grass planting"),
    "grassland_improvement": Label("草地改良", "Improvement of grassland"),
    "green_patch_linking": Label("绿地斑块连接", "Linking of green patches"),
    "green_slope_protection": Label("生态护坡", "Green slope protection"),
    "grey_space_greening": Label("灰空间绿化", "Greening of grey space"),
    "habitat_repair": Label("生境修复", "Habitat repair"),
    "heritage_protection": Label("历史文化保护", "Protection of heritage"),
    "invasive_species_control": Label("外来入侵物种防控", "Control of invasive species"),
    "irrigation_drainage": Label("灌溉排水", "Irrigation and drainage"),
    "land_levelling": Label("土地平整", "Levelling of land"),
    "leisure_green": Label("休闲绿地", "Green space for leisure"),
    "mine_restoration": Label("矿山生态修复", "Mine restoration"),
    "nature_museum": Label("自然博物馆", "Nature museum"),
    "plant_species_improvement": Label("植物品种改良", "Better plant species"),
    "protected_area_monitoring": Label("自然保护地监测", "Monitoring of protected areas"),
    "regulating_weir": Label("调节堰坝", "Regulating weirs"),
    "retaining_wall": Label("挡土墙", "Retaining walls"),
    "riverside_green_belt": Label("滨河绿带", "Riverside green belt"),
    "rural_ecological_space": Label("乡村生态空间", "Rural ecological space"),
    "rural_sewage": Label("农村污水治理", "Rural sewage treatment"),
    "rural_waste": Label("农村垃圾治理", "Rural waste treatment"),
    "slope_foot_reinforcement": Label("坡脚加固", "Reinforcement of slope feet"),
    "slope_treatment": Label("边坡整治", "Slope treatment"),
    "soil_water_conservation": Label("水土保持", "Soil and water conservation"),
    "toilet_renewal": Label("改厕", "Renewal of toilets"),
    "tree_planting": Label("植树", "Tree planting"),
    "urban_greening": Label("城市绿化", "Urban greening"),
    "urban_water_treatment": Label("城市水体治理", "Treatment of urban waters"),
    "vegetation_recovery": Label("植被恢复", "Recovery of vegetation"),
    "village_appearance": Label("村容村貌提升", "Better village appearance"),
    "village_demonstration": Label("示范村建设", "Demonstration villages"),
    "village_land_consolidation": Label("村庄土地整治", "Consolidation of village land"),
    "water_conservation_belt": Label("水源涵养带", "Water conservation belt"),
    "water_ecology_restoration": Label("水生态修复", "Restoration of water ecology"),
    "waterfront_ecological_repair": Label("滨水生态修复", "Repair of waterfront ecology"),
    "weed_removal": Label("水草清除", "Removal of weeds"),
    "wetland_restoration": Label("湿地修复", "Wetland restoration"),
}


@dataclass(frozen=True, slots=True)
class Activity:
    """Something done at a place, or a measure of a project, and what it counts as."""

    code: str
    name: Label
    counts_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Activities:
    """The known activities and conditions; `presumed` is assumed where nothing was named."""

    known: Mapping[str, Activity]
    conditions: Mapping[str, Label]
    presumed: str

    def distances(self, code: str) -> dict[str, int]:
        """What an activity counts as, with the number of steps to it; itself is none."""
        found = {code: 0}
        waiting = [code]
        while waiting:
            here = waiting.pop(0)
            activity = self.known.get(here)
            for broader in activity.counts_as if activity is not None else ():
                if broader not in found:
                    found[broader] = found[here] + 1
                    waiting.append(broader)
        return found

    def name_of(self, code: str) -> Label:
        """The name of an activity; its code where none is known."""
        activity = self.known.get(code)
        return Label(code, code) if activity is None else activity.name

    def condition(self, code: str) -> Label:
        """A condition in words; its code where none are known."""
        return self.conditions.get(code, Label(code, code))


@lru_cache(maxsize=1)
def activities() -> Activities:
    """The lists that ship with the product."""
    document = read_national("activities.json")
    listed = [*_named(document["activities"]), *_measures(document["measures"])]
    return Activities(
        {activity.code: activity for activity in listed},
        {code: Label(*words) for code, words in document["conditions"].items()},
        document["presumed"],
    )


def read_national(name: str) -> dict[str, Any]:
    """A file of what holds in every city."""
    file = resources.files("shanhai.db") / "seeds" / "national" / name
    document: dict[str, Any] = json.loads(file.read_bytes())
    return document


def _named(items: Sequence[Mapping[str, Any]]) -> list[Activity]:
    return [
        Activity(
            item["code"],
            Label(item["name_zh"], item["name_en"]),
            tuple(item.get("counts_as", ())),
        )
        for item in items
    ]


def _measures(groups: Sequence[Mapping[str, Any]]) -> list[Activity]:
    return [
        Activity(code, MEASURES[code], tuple(group["counts_as"]))
        for group in groups
        for code in group["codes"]
    ]


# A rule of a region holds in all that lies below it.
RULES = """
WITH RECURSIVE above AS (
  SELECT id, parent_id FROM region WHERE id = ANY(CAST(:regions AS bigint[]))
  UNION SELECT r.id, r.parent_id FROM region r JOIN above ON r.id = above.parent_id
)
SELECT cr.code, cr.scope, cr.subject, cr.activity, cr.activity_zh, cr.activity_en, cr.decision,
       cr.conditions, cr.legal_basis, cr.text_zh, cr.text_en,
       CASE jsonb_typeof(cr.attrs->'covers') WHEN 'array'
            THEN ARRAY(SELECT jsonb_array_elements_text(cr.attrs->'covers')) END AS covers,
       CASE jsonb_typeof(cr.attrs->'classes') WHEN 'array'
            THEN ARRAY(SELECT jsonb_array_elements_text(cr.attrs->'classes')) END AS classes,
       cr.attrs->'confirm' = 'true'::jsonb AS confirm, cr.region_id,
       CASE cr.scope WHEN 'zone_class' THEN
         (SELECT zc.scheme_kind FROM zone_class zc
           WHERE zc.code = cr.subject AND zc.deleted_at IS NULL) END AS scheme_kind
  FROM {source}
 WHERE {conditions}
   AND (cr.activity = ANY(CAST(:spoken AS text[]))
        OR jsonb_exists_any(coalesce(cr.attrs->'covers', '[]'), CAST(:spoken AS text[]))
        OR cr.scope = 'everywhere'
        OR cr.scope = 'control_area'
           AND (cr.subject IS NULL AND :lines OR cr.subject = ANY(CAST(:kinds AS text[])))
        OR cr.scope = 'zone_class'
           AND (cr.subject IS NULL AND :zones OR cr.subject = ANY(CAST(:classes AS text[]))))
   AND (cr.scope <> 'outside_control_area' OR CAST(:looked_at AS text[]) IS NULL
        OR cr.subject = ANY(CAST(:looked_at AS text[])))
   AND (cr.region_id IS NULL OR cr.region_id IN (SELECT id FROM above))
 ORDER BY cr.code
"""
LEAVES = text(
    """SELECT e.code, e.rule, e.gap, e.approved_at, e.valid_from, e.valid_to,
              CASE WHEN knows.why THEN e.reason END AS reason,
              CASE WHEN knows.why THEN e.approver END AS approver,
              CASE WHEN knows.why THEN e.attrs->>'document' END AS document,
              ca.code AS control_area, e.attrs->>'project_geometry_sha256' AS seen
         FROM compliance_exception e LEFT JOIN control_area ca ON ca.id = e.control_area_id
              LEFT JOIN project pj ON pj.id = e.project_id
              CROSS JOIN LATERAL (SELECT CAST(:members AS bigint[]) IS NULL OR
                ARRAY[e.region_id, ca.region_id, pj.region_id] && CAST(:members AS bigint[]) AS why
              ) knows
        WHERE e.deleted_at IS NULL
          AND daterange(e.valid_from, e.valid_to) @> CAST(:day AS date)
          AND (e.geometry_sha256 = :sha256 OR e.project_id = CAST(:project_id AS bigint))
        ORDER BY e.code"""
)
NAMED = text(
    """SELECT DISTINCT named FROM unnest(CAST(:codes AS text[])) named
        WHERE EXISTS (SELECT FROM control_rule r WHERE r.deleted_at IS NULL
                       AND (r.activity = named
                            OR jsonb_exists(coalesce(r.attrs->'covers', '[]'), named)))"""
)


async def read_rules(
    session: Executor,
    viewer: Viewer,
    kinds: Collection[str],
    classes: Collection[str],
    regions: Collection[int],
    *,
    spoken: Collection[str],
    as_of: date | None,
    looked_at: frozenset[str] | None = None,
) -> tuple[BindingRule, ...]:
    """The rules in force that may speak of a place, or of what is asked wherever it is.

    Args:
        kinds: The kinds of the control areas that are touched.
        classes: The classes of the zones that are touched.
        regions: The ids of the regions the place lies in.
        spoken: The activities that are asked about, and all they count as.
        looked_at: The kinds of control areas that are looked at; None is all.
    """
    selection = Selection(viewer, as_of=as_of)
    statement = _rules_statement(conditions(CONTROL_RULES, selection), as_of is not None)
    values = {
        "kinds": sorted(kinds),
        "classes": sorted(classes),
        "looked_at": None if looked_at is None else sorted(looked_at),
        "lines": bool(kinds),
        "zones": bool(classes),
        "regions": sorted(regions),
        "spoken": sorted(spoken),
    }
    rows = (await session.execute(statement, {**bound_values(selection), **values})).all()
    return tuple(_rule(row) for row in rows)


@lru_cache(maxsize=64)
def _rules_statement(met: tuple[str, ...], former: bool) -> TextClause:
    begun = () if former else ("cr.valid_from IS NULL OR cr.valid_from <= current_date",)
    # Constants of the declarations; callers' values are bound.
    return text(
        RULES.format(
            source=source_of(CONTROL_RULES, former=former),
            conditions=" AND ".join(f"({condition})" for condition in (*met, *begun)),
        )
    )


async def read_leaves(
    session: Executor, viewer: Viewer, *, sha256: str, project_id: int | None, day: date
) -> tuple[Leave, ...]:
    """The exceptions in force for a geometry or a project.

    Who has no role in their region is told that there are any, and neither why nor by whom.
    """
    members = None if viewer.members is None else sorted(viewer.members)
    values = {"sha256": sha256, "project_id": project_id, "day": day, "members": members}
    rows = (await session.execute(LEAVES, values)).all()
    return tuple(_leave(row, sha256) for row in rows)


async def find_named(session: Executor, codes: Collection[str]) -> frozenset[str]:
    """Those of some activities that a rule speaks of."""
    if not codes:
        return frozenset()
    rows = (await session.execute(NAMED, {"codes": sorted(codes)})).all()
    return frozenset(row.named for row in rows)


def _rule(row: Any) -> BindingRule:
    spoken = row.text_zh or row.text_en
    return BindingRule(
        code=row.code,
        scope=row.scope,
        subject=row.subject,
        activity=row.activity,
        name=_activity_of(row),
        decision=row.decision,
        conditions=tuple(row.conditions),
        legal_basis=row.legal_basis,
        text=Label(row.text_zh or spoken, row.text_en or spoken) if spoken else None,
        covers=tuple(row.covers or ()),
        confirm=bool(row.confirm),
        classes=tuple(row.classes or ()),
        region_id=row.region_id,
        scheme_kind=row.scheme_kind,
    )


def _activity_of(row: Any) -> Label:
    """What a rule calls its activity; the usual name where it says nothing."""
    known = activities().known.get(row.activity)
    other = row.activity_zh or row.activity_en or row.activity
    usual = Label(other, other) if known is None else known.name
    return Label(row.activity_zh or usual.zh, row.activity_en or usual.en)


def _leave(row: Any, sha256: str) -> Leave:
    return Leave(
        code=row.code,
        rule=row.rule,
        reason=row.reason,
        approver=row.approver,
        approved_at=row.approved_at,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        control_area=row.control_area,
        document=row.document,
        outdated=row.seen is not None and row.seen != sha256,
        gap=row.gap,
    )
