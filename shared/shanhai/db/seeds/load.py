"""Put a city into the database: regions from GeoJSON, its plans, the rules of national law."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from shapely import from_geojson, set_srid, to_wkb
from shapely.errors import GEOSException
from shapely.geometry import MultiPolygon, Polygon
from shapely.validation import explain_validity
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.compliance.rules import activities, read_national
from shanhai.db.engine import LONG_PAUSES
from shanhai.db.features.crs import NO_METRES, is_metric
from shanhai.db.quality.findings import check_and_keep
from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import OPERATOR
from shanhai.db.seeds.city_files import (
    CITIES,
    PlanSeed,
    read_blocks,
    read_retired,
    read_totals,
)
from shanhai.db.seeds.rows import Row, Rows, plan_row, rows_of
from shanhai.db.seeds.upsert import Put, put_all, retire
from shanhai.db.tables.control import ControlRule
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Region
from shanhai.errors import Fault, ShanhaiError, UnsupportedFile
from shanhai.validation import Code
from shanhai.vocabulary import REGION_LEVELS, codes

CREDIT = frozenset({"source", "licence"})
"""Attributes of a region that are its boundary's, where it has one."""


class RegionSeed(BaseModel):
    """The properties of a feature of the regions file; other members are kept as attributes."""

    model_config = ConfigDict(extra="allow")

    code: Code
    name_zh: str
    name_en: str
    level: str
    parent: Code | None = None
    metric_epsg: int | None = None
    valid_from: date = date(1900, 1, 1)

    @field_validator("metric_epsg")
    @classmethod
    def check_metric_epsg(cls, epsg: int | None) -> int | None:
        """A region is measured in metres."""
        if epsg is not None and not is_metric(epsg):
            raise ValueError(f"EPSG:{epsg} {NO_METRES.en} / {NO_METRES.zh}")
        return epsg


def read_regions(path: Path) -> list[tuple[RegionSeed, bytes]]:
    """The regions of a GeoJSON file in longitude and latitude, each with its geometry as WKB.

    Raises:
        UnsupportedFile: the file is not a FeatureCollection, or a feature breaks a rule.
    """
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UnsupportedFile(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise UnsupportedFile(f"{path} is not a GeoJSON FeatureCollection")
    return [_read_region(number, item) for number, item in enumerate(document["features"])]


def region_row(region: RegionSeed, wkb: bytes) -> Row:
    """The row of a region with its boundary; without a parent, what is known of one stays."""
    return {
        "code": region.code,
        "name_zh": region.name_zh,
        "name_en": region.name_en,
        "level": region.level,
        "metric_srid": region.metric_epsg,
        "geom": wkb,
        "valid_from": region.valid_from,
        "attrs": region.model_extra or {},
        **({} if region.parent is None else {"parent": region.parent}),
    }


def _read_region(number: int, feature: dict[str, Any]) -> tuple[RegionSeed, bytes]:
    pointer = f"/features/{number}"
    try:
        seed = RegionSeed.model_validate(feature.get("properties"))
    except ValidationError as error:
        faults = [
            Fault("/".join([pointer, "properties", *map(str, item["loc"])]), item["msg"])
            for item in error.errors()
        ]
        raise UnsupportedFile("a region's properties are not valid", faults=faults) from error
    if seed.level not in codes(REGION_LEVELS):
        levels = ", ".join(codes(REGION_LEVELS))
        raise UnsupportedFile(
            f"level {seed.level!r} is not one of {levels}", pointer=f"{pointer}/properties/level"
        )
    return seed, _read_geometry(feature.get("geometry"), f"{pointer}/geometry")


def _read_geometry(geometry: object, pointer: str) -> bytes:
    try:
        shape = from_geojson(json.dumps(geometry))
    except GEOSException as error:
        raise UnsupportedFile(f"not a GeoJSON geometry: {error}", pointer=pointer) from error
    if isinstance(shape, Polygon):
        shape = MultiPolygon([shape])
    if not isinstance(shape, MultiPolygon) or shape.is_empty:
        raise UnsupportedFile("a region needs a Polygon or MultiPolygon", pointer=pointer)
    if not shape.is_valid:
        raise UnsupportedFile(f"invalid geometry: {explain_validity(shape)}", pointer=pointer)
    return to_wkb(set_srid(shape, STORAGE_SRID), include_srid=True)


async def put_default_rules(session: AsyncSession, act: Act) -> Put:
    """Bring in the rules that were never there."""
    rows = default_rules()
    codes = [row["code"] for row in rows]
    query = select(ControlRule.code).where(ControlRule.code.in_(codes))
    present = set((await session.scalars(query)).all())
    missing = [row for row in rows if row["code"] not in present]
    if missing:
        await put_all(session, {"control_rule": missing}, act)
    return Put(len(rows), len(missing), 0)


def default_rules() -> list[Row]:
    """The rules as rows of `control_rule`."""
    document = read_national("control_rules.json")
    return [_row(item, document) for item in document["rules"]]


def _row(item: dict[str, Any], document: dict[str, Any]) -> Row:
    name = activities().name_of(item["activity"])
    named = [item["subject"], *item.get("called", ()), item["activity"]]
    return {
        "code": ".".join(("national", *named)).replace("_", "-"),
        "scope": item.get("scope", "control_area"),
        "subject": item["subject"],
        "activity": item["activity"],
        "activity_zh": name.zh,
        "activity_en": name.en,
        "decision": item["decision"],
        "conditions": list(item.get("conditions", ())),
        "legal_basis": item["legal_basis"],
        "text_zh": item["text_zh"],
        "text_en": item["text_en"],
        "valid_from": None,
        "attrs": {
            "confirm": True,
            **({"classes": item["classes"]} if "classes" in item else {}),
            "source": document["source"],
            "source_zh": document["source_zh"],
        },
    }


def _listed(table: str, **wanted: Any) -> Callable[[Rows], int]:
    """Counts the rows of a table whose members have the values."""

    def count(rows: Rows) -> int:
        return sum(
            all(row.get(name) in _several(value) for name, value in wanted.items())
            for row in rows.get(table, [])
        )

    return count


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


COUNTS: Mapping[str, Callable[[Rows], int]] = {
    "articles": _listed("plan_provision", kind="article"),
    "challenges": _listed("plan_provision", kind="challenge"),
    "control_areas": _listed("control_area"),
    "control_rules": _listed("control_rule"),
    "corridors": _listed("corridor"),
    "demonstration_members": _listed("demonstration_member"),
    "duties": _listed("duty"),
    "figures": _listed("plan_figure"),
    "indicators": _listed("indicator"),
    "indicators.binding": _listed("indicator", property="binding"),
    "indicators.expected": _listed("indicator", property="expected"),
    "named_features": _listed("named_feature"),
    "objectives": _listed("plan_provision", kind="objective"),
    "parties": _listed("party"),
    "pattern_screens": lambda rows: sum(
        str(row.get("parent")).endswith(".screens") for row in rows.get("pattern_component", [])
    ),
    "patterns": _listed("pattern"),
    "pilot_basins": _listed("region", level="basin"),
    "plans": _listed("plan"),
    "problems": _listed("problem"),
    "programmes": _listed("programme"),
    "project_types": lambda rows: sum(
        len(row["attrs"].get("project_types", ())) for row in rows.get("programme", [])
    ),
    "projects": _listed("project"),
    "streets": _listed("region", level="street"),
    "tasks": _listed("plan_provision", kind="task"),
    "titles": _listed("title"),
    "towns": _listed("region", level=("street", "town")),
    "zone_classes": _listed("zone_class"),
    "zones": _listed("zone"),
}


def count_rows(rows: Rows, totals: Mapping[str, int]) -> dict[str, int]:
    """How many there are of each of the totals.

    Raises:
        ShanhaiError: a number differs from the one the sources give.
    """
    counted = {name: COUNTS[name](rows) for name in totals}
    wrong = [
        f"{name}: {counted[name]} instead of {total}"
        for name, total in totals.items()
        if counted[name] != total
    ]
    if wrong:
        raise ShanhaiError(f"the seed does not hold what it should: {'; '.join(wrong)}")
    return counted


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was given, made and changed by table, and what was counted of each city."""

    tables: Mapping[str, Put]
    totals: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def touched(self, table: str) -> int:
        """How many rows of a table were made or changed."""
        put = self.tables.get(table, Put())
        return put.made + put.changed

    @property
    def changes(self) -> int:
        """How many rows were made or changed, findings apart."""
        return sum(self.touched(table) for table in self.tables if table != "data_finding")


async def seed(
    session: AsyncSession,
    *,
    regions: Sequence[tuple[RegionSeed, bytes]],
    plans: Sequence[PlanSeed],
    act: Act,
) -> Seeded:
    """Insert or update regions and plans by code, with an audit entry for each change."""
    rows: Rows = {
        "region": [region_row(region, wkb) for region, wkb in regions],
        "plan": [plan_row(plan) for plan in plans],
    }
    return Seeded(await put_all(session, rows, act))


async def seed_city(
    session: AsyncSession, city: str, regions: Path | None, *, act: Act = OPERATOR
) -> Seeded:
    """Put one city into the database; see `seed_cities`."""
    return await seed_cities(session, [city], [] if regions is None else [regions], act=act)


async def seed_cities(
    session: AsyncSession, cities: Sequence[str], files: Sequence[Path], *, act: Act = OPERATOR
) -> Seeded:
    """Put cities into the database: boundaries from GeoJSON files, the rest where it is known.

    Raises:
        UnsupportedFile: a file breaks a rule or holds none of the cities, or a city that is not
            known is in no file.
        InvalidInput: a row refers to one that does not exist.
    """
    bounded = _bounded(cities, files)
    totals = {}
    rows: Rows = {"region": []}
    for city in dict.fromkeys(cities):
        known = rows_of(read_blocks(city)) if city in CITIES else {}
        totals[city] = count_rows(known, read_totals(city) if city in CITIES else {})
        for table, listed in known.items():
            rows.setdefault(table, []).extend(listed)
    rows["region"] = await _credited(session, _overlaid(rows["region"], bounded))
    rows = {table: _once(listed) for table, listed in rows.items()}
    # Files are read between statements, which takes longer than usual on a loaded machine.
    await session.execute(LONG_PAUSES)
    tables = await put_all(session, rows, act)
    for city in (city for city in cities if city in CITIES):
        for table, dropped in read_retired(city).items():
            gone = await retire(session, table, dropped, act)
            tables[table] = tables.get(table, Put()) + Put(0, 0, gone)
    rules = tables.get("control_rule", Put()) + await put_default_rules(session, act)
    tables["control_rule"] = rules
    checked = await _check(session, [row["code"] for row in rows.get("plan", [])])
    return Seeded({**tables, "data_finding": checked}, totals)


async def _check(session: AsyncSession, plans: Sequence[str]) -> Put:
    """Look for what does not add up in the plans; that stops nothing."""
    live = select(Plan.id).where(Plan.code.in_(plans), Plan.deleted_at.is_(None))
    put = Put()
    for plan_id in (await session.scalars(live)).all():
        checked = await check_and_keep(session, plan_id)
        put += Put(checked.found, 0, checked.changed)
    return put


def _bounded(cities: Sequence[str], files: Sequence[Path]) -> list[Row]:
    """The regions of the files, each of which holds one of the cities."""
    rows: list[Row] = []
    for file in files:
        found = [region_row(*region) for region in read_regions(file)]
        if not {row["code"] for row in found} & set(cities):
            names = " or ".join(map(repr, cities))
            raise UnsupportedFile(f"{file} holds no region with the code {names}", pointer="city")
        rows += found
    unknown = set(cities) - set(CITIES) - {row["code"] for row in rows}
    if unknown:
        raise UnsupportedFile(
            f"{min(unknown)!r} is not known and no file holds a region with that code",
            pointer="city",
        )
    return rows


def _overlaid(known: Sequence[Row], bounded: Sequence[Row]) -> list[Row]:
    """What is known of regions, with the boundaries and properties the files give."""
    merged = {row["code"]: row for row in known}
    for row in bounded:
        old = merged.get(row["code"], {})
        merged[row["code"]] = {**old, **row, "attrs": {**old.get("attrs", {}), **row["attrs"]}}
    return list(merged.values())


async def _credited(session: AsyncSession, rows: Sequence[Row]) -> list[Row]:
    """The regions without a credit of their own where the boundary that is there has one."""
    bounded = select(Region.code).where(Region.geom.is_not(None), Region.deleted_at.is_(None))
    there = set(await session.scalars(bounded))
    return [
        row if "geom" in row or row["code"] not in there else _without_credit(row) for row in rows
    ]


def _without_credit(row: Row) -> Row:
    kept = {name: value for name, value in row["attrs"].items() if name not in CREDIT}
    return {**row, "attrs": kept}


def _once(rows: Sequence[Row]) -> list[Row]:
    """The rows without repetition: two cities may share an indicator."""
    kept: list[Row] = []
    for row in rows:
        if row not in kept:
            kept.append(row)
    return kept
