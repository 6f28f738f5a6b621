"""Put a city into the database: its regions from a GeoJSON file, its plans from what is known.

Running it again changes nothing but what differs.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from shapely import from_geojson, set_srid, to_wkb
from shapely.errors import GEOSException
from shapely.geometry import MultiPolygon, Polygon
from shapely.validation import explain_validity
from sqlalchemy import ColumnElement, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.queries.audit import Act, record
from shanhai.db.queries.keys import OPERATOR
from shanhai.db.tables import Plan, Region
from shanhai.errors import Fault, InvalidInput, UnsupportedFile
from shanhai.jobs.contracts import Code
from shanhai.vocabulary import REGION_LEVELS

CITIES = ("xiamen", "banan")
"""The cities whose plans are known."""


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


class PlanSeed(BaseModel):
    """A plan; `period` holds the first and the last year, the last None while in force."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    name_zh: str
    name_en: str
    kind: str
    level: str
    region: Code | None
    upper_plan: Code | None = None
    period: tuple[int, int | None]
    base_year: int | None = None
    status: Literal["draft", "submitted", "approved", "superseded", "withdrawn"]
    version: Annotated[int, Field(ge=1)] = 1
    valid_from: date | None = None
    attrs: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many rows were made or changed."""

    regions: int
    plans: int


def read_plans(city: str) -> list[PlanSeed]:
    """The plans known of a city.

    Raises:
        InvalidInput: nothing is known of it.
    """
    if city not in CITIES:
        raise InvalidInput(f"city {city!r} is not one of {', '.join(CITIES)}", pointer="city")
    file = resources.files("shanhai.db") / "seeds" / f"{city}.json"
    return [PlanSeed.model_validate(plan) for plan in json.loads(file.read_bytes())["plans"]]


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
    if seed.level not in REGION_LEVELS:
        levels = ", ".join(REGION_LEVELS)
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


async def seed(
    session: AsyncSession,
    *,
    regions: Sequence[tuple[RegionSeed, bytes]],
    plans: Sequence[PlanSeed],
    act: Act,
) -> Seeded:
    """Insert or update regions and plans by code, with an audit entry for each change."""
    changed = [await _put_region(session, region, wkb, act) for region, wkb in regions]
    for region, _ in regions:
        await _set_parent(session, region)
    changed_plans = [await _put_plan(session, plan, act) for plan in plans]
    return Seeded(sum(changed), sum(changed_plans))


async def _put_region(session: AsyncSession, region: RegionSeed, wkb: bytes, act: Act) -> bool:
    values = {
        "code": region.code,
        "name_zh": region.name_zh,
        "name_en": region.name_en,
        "level": region.level,
        "metric_srid": region.metric_epsg,
        "geom": func.ST_GeomFromEWKB(wkb),
        "valid_from": region.valid_from,
        "attrs": region.model_extra or {},
    }
    put = insert(Region).values(values)
    mutable = [name for name in values if name not in {"code", "valid_from"}]
    put = put.on_conflict_do_update(
        index_elements=[Region.code, Region.valid_from],
        index_where=Region.deleted_at.is_(None),
        set_={
            **{name: put.excluded[name] for name in mutable},
            "row_version": Region.row_version + 1,
            "updated_at": func.now(),
        },
        where=_differs(Region, put.excluded, mutable),
    )
    changed = await session.scalar(put.returning(Region.id)) is not None
    if changed:
        after = region.model_dump(mode="json")
        record(session, act, "seed", table="region", object_id=region.code, after=after)
    return changed


async def _set_parent(session: AsyncSession, region: RegionSeed) -> None:
    parent_id = await _region_id(session, region.parent)
    await session.execute(
        update(Region)
        .where(
            Region.code == region.code,
            Region.deleted_at.is_(None),
            Region.parent_id.is_distinct_from(parent_id),
        )
        .values(parent_id=parent_id, row_version=Region.row_version + 1)
    )


async def _region_id(session: AsyncSession, code: str | None) -> int | None:
    """The id of a region that must exist."""
    if code is None:
        return None
    found = await session.scalar(
        select(Region.id).where(Region.code == code, Region.deleted_at.is_(None))
    )
    if found is None:
        raise InvalidInput(f"there is no region {code!r}", pointer="region")
    return found


async def _plan_id(session: AsyncSession, code: str | None) -> int | None:
    if code is None:
        return None
    found = await session.scalar(
        select(Plan.id)
        .where(Plan.code == code, Plan.deleted_at.is_(None))
        .order_by(Plan.version.desc())
        .limit(1)
    )
    if found is None:
        raise InvalidInput(f"there is no plan {code!r}", pointer="upper_plan")
    return found


async def _put_plan(session: AsyncSession, plan: PlanSeed, act: Act) -> bool:
    first, last = plan.period
    values = {
        **plan.model_dump(include={"code", "name_zh", "name_en", "kind", "level", "base_year"}),
        **plan.model_dump(include={"status", "version", "valid_from", "attrs"}),
        "region_id": await _region_id(session, plan.region),
        "upper_plan_id": await _plan_id(session, plan.upper_plan),
        "period": Range(first, None if last is None else last + 1),
    }
    put = insert(Plan).values(values)
    mutable = [name for name in values if name not in {"code", "version"}]
    put = put.on_conflict_do_update(
        index_elements=[Plan.code, Plan.version],
        set_={
            **{name: put.excluded[name] for name in mutable},
            "row_version": Plan.row_version + 1,
            "updated_at": func.now(),
        },
        where=_differs(Plan, put.excluded, mutable),
    )
    changed = await session.scalar(put.returning(Plan.id)) is not None
    if changed:
        after = plan.model_dump(mode="json")
        record(session, act, "seed", table="plan", object_id=plan.code, after=after)
    return changed


def _differs(table: type[Region] | type[Plan], new: Any, names: list[str]) -> ColumnElement[bool]:
    present = tuple_(*(getattr(table, name) for name in names))
    return present.is_distinct_from(tuple_(*(new[name] for name in names)))


async def seed_city(
    session: AsyncSession, city: str, regions: Path, *, act: Act = OPERATOR
) -> Seeded:
    """Put a city into the database: its regions from a GeoJSON file, its plans where known.

    Raises:
        UnsupportedFile: the file breaks a rule, or the city is not in it.
    """
    found = read_regions(regions)
    if city not in {region.code for region, _ in found}:
        raise UnsupportedFile(f"{regions} holds no region with the code {city!r}", pointer="city")
    plans = read_plans(city) if city in CITIES else []
    return await seed(session, regions=found, plans=plans, act=act)
