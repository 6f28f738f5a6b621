"""The rows the blocks of a city stand for.

A row has the members of its table; what refers to another row is given by that row's code, under
the column's name without `_id`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from shanhai.db.compliance.rules import MEASURES
from shanhai.db.seeds import city_files
from shanhai.db.tables.duty import PARTS
from shanhai.vocabulary import SUPPLY_DEMAND, ZONE_CLASSES

LONGEST_CODE = 80
Row = dict[str, Any]
Rows = dict[str, list[Row]]
"""Rows by table."""


def rows_of(blocks: Sequence[city_files.CityFile]) -> Rows:
    """All rows of some blocks."""
    rows: Rows = defaultdict(list)
    since = {plan.code: _since(plan) for block in blocks for plan in block.plans}
    for block in blocks:
        starts = {"valid_from": since[block.plan]} if block.plan in since else {}
        rows["plan"] += map(plan_row, block.plans)
        rows["region"] += (_region(block, item) for item in block.regions)
        rows["party"] += (_party(block, item) | starts for item in block.parties)
        for pattern in block.patterns:
            _add_pattern(rows, pattern, since[pattern.plan])
        _add_corridors(rows, block, starts)
        _add_zoning(rows, block, starts)
        _add_indicators(rows, block, since, starts)
        rows["plan_provision"] += (_provision(block, item) | starts for item in block.provisions)
        rows["duty"] += (_duty(block, item) | starts for item in block.duties)
        rows["plan_figure"] += (_printed(block, item) | starts for item in block.figures)
        rows["named_feature"] += (_feature(block, item) for item in block.named_features)
        rows["control_area"] += (_control(block, item) | starts for item in block.control_areas)
        rows["problem"] += (_problem(block, item) | starts for item in block.problems)
        for programme in block.programmes:
            _add_programme(rows, block, programme, starts)
        rows["mine"] += (_mine(block, item) | starts for item in block.mines)
        rows["island"] += (
            {
                **_named(item, block.source),
                **item.model_dump(include={"waters", "feature", "problem"}),
                "region": block.known_region,
                "valid_from": None,
            }
            for item in block.islands
        )
        rows["region_link"] += (
            {
                **_named(item, block.source),
                **item.model_dump(include={"kind", "region", "flows_to"}),
                "valid_from": None,
            }
            for item in block.ways
        )
        _add_titles(rows, block)
    return {table: listed for table, listed in rows.items() if listed}


def _add_titles(rows: Rows, block: city_files.CityFile) -> None:
    rows["demonstration_member"] += (
        {
            **_named(item, block.source),
            **item.model_dump(
                include={"region", "section", "member", "place", "text_zh", "text_en"}
            ),
            "order_no": item.order,
            "valid_from": None,
        }
        for item in block.members
    )
    rows["demonstration_criterion"] += (
        {
            **_named(item, block.source),
            **item.model_dump(include={"text_zh", "text_en"}),
            "order_no": item.order,
            "region": block.known_region,
            "valid_from": None,
        }
        for item in block.criteria
    )
    rows["title"] += (
        {
            **_named(item, block.source),
            **item.model_dump(include={"series", "level", "feature", "article", "target_year"}),
            "region": item.region or block.known_region,
            "plan": block.known_plan,
            "valid_from": None,
        }
        for item in block.titles
    )


def _code_of(text: str) -> str:
    """A code that can be written by anybody: whole words of it, as many as a code may hold."""
    return text if len(text) <= LONGEST_CODE else text[:LONGEST_CODE].rpartition("-")[0]


def _since(plan: city_files.PlanSeed) -> date:
    """The day from which what a plan names holds."""
    return plan.valid_from or date(plan.period[0], 1, 1)


def plan_row(plan: city_files.PlanSeed) -> Row:
    """The row of a plan."""
    return {
        **plan.model_dump(include={"kind", "level", "base_year", "status", "version"}),
        **_named(plan),
        "valid_from": plan.valid_from,
        "region": plan.region,
        "upper_plan": plan.upper_plan,
        "spatial_plan": plan.spatial_plan,
        "first_year": plan.period[0],
        "last_year": plan.period[1],
    }


def _named(item: city_files.NamedItem, source: str | None = None, **more: Any) -> Row:
    told = {**({"source": source} if source else {}), **item.attrs, **more}
    attrs = {**dict.fromkeys(item.forgotten), **told}
    return {"code": item.code, "name_zh": item.name_zh, "name_en": item.name_en, "attrs": attrs}


def _region(block: city_files.CityFile, item: Any) -> Row:
    return {
        **_named(item, block.source),
        "level": item.level,
        "parent": item.parent,
        "metric_srid": item.metric_epsg,
        **({"members": list(item.members)} if item.members else {}),
    }


def _party(block: city_files.CityFile, item: Any) -> Row:
    duty = {"articles": list(item.articles)} if item.articles else {}
    role = {"role": item.role} if item.role else {}
    described = _named(item, block.source, plan=block.known_plan, **duty, **role)
    return {**described, "kind": item.kind, "region": block.known_region}


def _add_pattern(rows: Rows, pattern: city_files.PatternSeed, since: date) -> None:
    rows["pattern"].append(
        {
            **_named(pattern),
            "plan": pattern.plan,
            "region": pattern.region,
            "level": pattern.level,
            "status": "published",
            "valid_from": since,
        }
    )
    for part in pattern.components:
        above = None if part.parent is None else f"{pattern.code}.{part.parent}"
        rows["pattern_component"].append(
            {
                **_named(part),
                **part.model_dump(include={"type", "certainty", "label_zh", "label_en"}),
                "code": f"{pattern.code}.{part.code}",
                "pattern": pattern.code,
                "parent": above,
                "order_no": part.order,
                "covers": list(part.covers),
                "valid_from": since,
            }
        )


def _add_corridors(rows: Rows, block: city_files.CityFile, starts: Row) -> None:
    for item in block.corridors:
        rows["corridor"].append(
            {
                **_named(item, block.source),
                "region": block.known_region,
                "plan": block.known_plan,
                "pattern": block.pattern,
                "order_no": item.order,
                "type": item.type,
                "connects": list(item.connects),
                "origin": "imported",
                "status": "published",
                **starts,
            }
        )


def _add_zoning(rows: Rows, block: city_files.CityFile, starts: Row) -> None:
    if block.classes:
        _add_classes(rows, block)
    if block.scheme is not None:
        rows["zone_scheme"].append(
            {
                **_named(block.scheme, block.source),
                "region": block.known_region,
                "plan": block.known_plan,
                "kind": block.scheme.kind,
                "origin": "imported",
                "status": "published",
                "version": 1,
                "valid_from": block.scheme.valid_from,
                "gap_reason": block.scheme.gap_reason,
            }
        )
        for zone in block.zones:
            _add_zone(rows, zone, block.scheme.kind, block.scheme.code, starts)


def _add_classes(rows: Rows, block: city_files.CityFile) -> None:
    """What a plan says of the five classes of the method, whose names and colours are known."""
    known = {item.code: item for item in ZONE_CLASSES}
    for item in block.classes:
        code = f"{SUPPLY_DEMAND}.{item.code}"
        rows["zone_class"].append(
            {
                "code": code,
                "scheme_kind": SUPPLY_DEMAND,
                "class_code": item.code,
                "order_no": known[item.code].value,
                "group_code": known[item.code].group,
                "name_zh": known[item.code].label.zh,
                "name_en": known[item.code].label.en,
                "color": known[item.code].color,
                "relation": item.relation,
                "requirement_zh": item.requirement_zh,
                "requirement_en": item.requirement_en,
                "traits_zh": "；".join(item.traits_zh),
                "traits_en": "; ".join(item.traits_en),
                "restoration_modes": list(item.restoration_modes),
                "attrs": {"source": block.source, **dict.fromkeys(item.forgotten)},
            }
        )
        rows["control_rule"] += (
            {
                "code": _code_of(f"{code}.{rule.activity.replace('_', '-')}"),
                "scope": "zone_class",
                "subject": code,
                "activity": rule.activity,
                "activity_zh": rule.name_zh,
                "activity_en": rule.name_en,
                "decision": rule.decision,
                "conditions": list(rule.conditions),
                "legal_basis": block.source,
                "valid_from": None,
            }
            for rule in item.activity_rules
        )


def _add_zone(rows: Rows, zone: city_files.ZoneSeed, kind: str, scheme: str, starts: Row) -> None:
    class_code = zone.code.rsplit(".", 1)[-1]
    named = _named(zone)
    rows["zone_class"].append(
        {
            "code": f"{kind}.{class_code}",
            "scheme_kind": kind,
            "class_code": class_code,
            "order_no": zone.order,
            "name_zh": zone.name_zh,
            "name_en": zone.name_en,
            "color": zone.color,
            "requirement_zh": zone.requirement_zh,
            "requirement_en": zone.requirement_en,
            **starts,
        }
    )
    rows["zone"].append(
        {
            **named,
            "scheme": scheme,
            "class": f"{kind}.{class_code}",
            "functions": list(zone.functions),
            "problems": list(zone.problems),
        }
    )
    rows["zone_town"] += ({"zone": zone.code, "region": town} for town in zone.towns)


def _add_indicators(
    rows: Rows, block: city_files.CityFile, since: Mapping[str, date], starts: Row
) -> None:
    categories = {item.code: item for item in block.categories}
    for item in block.indicators:
        rows["indicator"].append(
            {
                **item.model_dump(include={"code", "name_zh", "name_en", "unit", "direction"}),
                "property": item.property,
                "attrs": item.model_dump(include={"least", "most"}, exclude_none=True),
                "valid_from": None,
            }
        )
        group = categories[item.category]
        rows["plan_indicator"].append(
            {
                "code": item.code,
                "plan": block.known_plan,
                "indicator": item.code,
                "order_no": item.order,
                "category": group.code,
                "category_zh": group.name_zh,
                "category_en": group.name_en,
                "property": item.property,
                "attrs": {"source": block.source, **item.attrs},
                **starts,
            }
        )
        rows["indicator_target"] += _figures(block, item)
    for listed in block.listed:
        group = categories[listed.category]
        rows["plan_indicator"].append(
            {
                "code": listed.indicator,
                "plan": listed.plan,
                "indicator": listed.indicator,
                "order_no": listed.order,
                "category": group.code,
                "category_zh": group.name_zh,
                "category_en": group.name_en,
                "property": listed.property,
                "valid_from": since[listed.plan],
            }
        )
    for target in block.targets:
        rows["indicator_target"].append(
            {
                "indicator": target.indicator,
                "region": block.known_region,
                "plan": target.plan,
                "role": target.role,
                "year": target.year,
                "value": target.value,
                "comparator_printed": target.comparator,
                "sense": target.sense,
                "source": target.source,
            }
        )


def _figures(block: city_files.CityFile, item: city_files.IndicatorSeed) -> Iterable[Row]:
    given = [("base", figure) for figure in (item.base,) if figure is not None]
    for role, figure in [*given, *(("target", figure) for figure in item.targets)]:
        yield {
            "indicator": item.code,
            "region": block.known_region,
            "plan": block.known_plan,
            "role": role,
            "year": figure.year,
            "value": figure.value,
            "comparator_printed": figure.comparator if role == "target" else None,
            "sense": item.sense,
            "cumulative_from": item.cumulative_from if role == "target" else None,
            "revisable": item.revisable,
            "source": block.source,
        }


def _provision(block: city_files.CityFile, item: city_files.ProvisionSeed) -> Row:
    told = {"kind", "article", "form", "level", "text_zh", "text_en"}
    return {
        **_named(item, block.source),
        **item.model_dump(include=told),
        "plan": block.known_plan,
        "order_no": item.order,
        "first_year": item.start_year,
        "last_year": item.end_year,
        "places": list(item.places),
        "regions": list(item.regions),
    }


def _duty(block: city_files.CityFile, item: city_files.DutySeed) -> Row:
    told = {"article", "text_zh", "text_en", "success_zh", "success_en", "due_on"}
    return {
        **_named(item, block.source),
        **item.model_dump(include=told),
        "plan": block.known_plan,
        "order_no": item.order,
        "first_year": item.start_year,
        "last_year": item.end_year,
        "state": "open",
        # As the columns are called without `_ids`.
        **{f"{part}s": list(getattr(item, part)) for part in PARTS},
    }


def _printed(block: city_files.CityFile, item: city_files.PrintedSeed) -> Row:
    told = {
        *("kind", "aspect", "indicator", "class_zh", "class_en", "comparator", "value", "unit"),
        *("share_percent", "trend", "article", "note_zh", "note_en", "computed_by"),
    }
    return {
        **_named(item, block.source),
        **item.model_dump(include=told),
        "plan": block.known_plan,
        "order_no": item.order,
        "first_year": item.start_year,
        "last_year": item.end_year,
        "places": list(item.places),
        "untold": list(item.untold),
        "computed_of": list(item.computed_of),
    }


def _feature(block: city_files.CityFile, item: city_files.NamedFeatureSeed) -> Row:
    """It was there before a plan named it."""
    return {
        **_named(item, block.source),
        **item.model_dump(include={"kind", "article", "note_zh", "note_en"}),
        "region": block.known_region,
        "valid_from": None,
    }


def _control(block: city_files.CityFile, item: city_files.ControlSeed) -> Row:
    return {
        **_named(item, block.source),
        **item.model_dump(include={"kind", "plan", "level", "legal_basis", "delimitation"}),
        "approved_area_km2": item.approved_area_km2,
        "region": block.known_region,
        "origin": "imported",
        "status": "published",
    }


def _problem(block: city_files.CityFile, item: Any) -> Row:
    return {
        **_named(item, block.source),
        **item.model_dump(include={"type", "level", "element", "quantity", "unit"}),
        "places": list(item.places),
        "region": block.known_region,
        "plan": block.known_plan,
    }


def _mine(block: city_files.CityFile, item: city_files.MineSeed) -> Row:
    told = {"kind", "state", "area_ha", "listed_year", "problem", "project"}
    return {
        **_named(item, block.source),
        **item.model_dump(include=told),
        **{name: list(getattr(item, name)) for name in ("minerals", "hazards", "towns")},
        "region": block.known_region,
        "plan": block.known_plan,
    }


def _add_programme(
    rows: Rows, block: city_files.CityFile, programme: city_files.ProgrammeSeed, starts: Row
) -> None:
    rows["programme"].append(
        {
            **_named(programme, block.source),
            "plan": block.known_plan,
            "order_no": programme.order,
            **starts,
        }
    )
    for project in programme.projects:
        rows["project"].append(
            {
                **_named(project, block.source),
                **project.model_dump(include={"start_year", "end_year"}),
                "region": block.known_region,
                "plan": block.known_plan,
                "programme": programme.code,
                # What an approved plan lists is in its reserve library; further it comes by steps.
                "state": "reserve",
                **starts,
            }
        )
        _add_links(rows, project)


def _add_links(rows: Rows, project: city_files.ProjectSeed) -> None:
    code: Mapping[str, str] = {"project": project.code}
    rows["project_region"] += ({**code, "region": town} for town in project.towns)
    rows["project_problem"] += ({**code, "problem": problem} for problem in project.problems)
    rows["project_measure"] += (
        {
            **code,
            "measure": measure,
            "order_no": order,
            "name_zh": MEASURES[measure].zh,
            "name_en": MEASURES[measure].en,
        }
        for order, measure in enumerate(project.measures, start=1)
    )
