"""The rows of a zoning: datasets, a new version of the scheme, its zones; one transaction."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import read_today
from shanhai.db.queries import audit
from shanhai.db.queries.jobs import RegionRow, find_plan, list_zone_classes
from shanhai.db.tables.zone import Zone, ZoneScheme
from shanhai.processes.delineate_zones.contract import (
    COMPOSITION,
    HELD,
    LIGHT,
    OVERLAPS,
    POPULATION,
    STATISTICS_FILE,
    ZONES_FILE,
    DelineateZonesInputs,
    scheme_code,
)
from shanhai.processes.kit.publication import as_multipolygon, job_id_of, publish_rasters, region_of
from shanhai.processes.kit.task import Publication
from shanhai.vocabulary import SUPPLY_DEMAND

_STATISTICS = (
    *(
        "ratio",
        "supply_mean",
        "demand_mean",
        "layers",
        "deficit_share_percent",
        "dominant_deficit",
        "patches",
    ),
    *("largest_patch_ha", POPULATION, LIGHT, COMPOSITION, *OVERLAPS, "assignment_stability"),
    HELD,
)
"""Members of a zone's summary that are kept with the zone, as far as they exist."""


@dataclass(frozen=True, slots=True)
class ZoneDocuments:
    """What the computation left in its workspace for this transaction.

    Attributes:
        features: Features of the zones by zone code number.
        statistics: The statistics document.
    """

    features: Mapping[int, dict[str, Any]]
    statistics: dict[str, Any]

    @classmethod
    def read(cls, zones: Path, statistics: Path) -> "ZoneDocuments":
        """Read both files."""
        collection = json.loads(zones.read_bytes())
        by_value = {one["properties"]["class_value"]: one for one in collection["features"]}
        return cls(by_value, json.loads(statistics.read_bytes()))


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Insert everything a zoning leaves behind and return the results document.

    With `publish` the new version takes the place of the published one from today on; without it
    stays a draft. Two jobs of one region wait for each other here.
    """
    workspace = publication.workspace
    documents = await asyncio.to_thread(
        ZoneDocuments.read, workspace / ZONES_FILE, workspace / STATISTICS_FILE
    )
    inputs = DelineateZonesInputs.model_validate(publication.task.inputs)
    region = await region_of(session, publication.task)
    await _take_turn(session, region)
    layers = await publish_rasters(session, publication, inputs, public=inputs.publish)
    scheme = await _add_scheme(session, publication, region, inputs)
    zones = await _add_zones(session, publication, scheme, documents)
    return {
        "scheme": scheme.code,
        "scheme_version": scheme.version,
        "status": scheme.status,
        "layers": layers,
        "zones": zones,
        "valid_cells": documents.statistics["valid_cells"],
        "valid_area_km2": documents.statistics["valid_area_km2"],
        "flags": documents.statistics["flags"],
        "warnings": publication.outcome.warnings,
    }


async def _take_turn(session: AsyncSession, region: RegionRow) -> None:
    key = f"{SUPPLY_DEMAND}:{region.id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def _add_scheme(
    session: AsyncSession, publication: Publication, region: RegionRow, inputs: DelineateZonesInputs
) -> ZoneScheme:
    code = scheme_code(region.code)
    today = await read_today(session)
    newest = await session.scalar(
        select(func.max(ZoneScheme.version)).where(ZoneScheme.code == code)
    )
    former = await _supersede(session, publication, region, today) if inputs.publish else None
    plan = await find_plan(session, inputs.plan) if inputs.plan else None
    scheme = ZoneScheme(
        code=code,
        name_zh=f"{region.name_zh}生态保护修复分区",
        name_en=f"{region.name_en}: ecological protection and restoration zones",
        region_id=region.id,
        plan_id=plan.id if plan else None,
        kind=SUPPLY_DEMAND,
        origin="computed",
        job_id=job_id_of(publication.task),
        status="published" if inputs.publish else "draft",
        version=(newest or 0) + 1,
        supersedes_id=former,
        valid_from=today if inputs.publish else None,
    )
    session.add(scheme)
    await session.flush()
    audit.record(
        session,
        audit.Act(publication.requested_by),
        "publish" if inputs.publish else "create",
        table="zone_scheme",
        object_id=f"{code}@{scheme.version}",
        after={"status": scheme.status, "job": str(scheme.job_id)},
    )
    return scheme


async def _supersede(
    session: AsyncSession, publication: Publication, region: RegionRow, today: date
) -> int | None:
    """End the published scheme of this region and kind today; returns its id."""
    former = await session.scalar(
        select(ZoneScheme)
        .where(
            ZoneScheme.region_id == region.id,
            ZoneScheme.kind == SUPPLY_DEMAND,
            ZoneScheme.status == "published",
            ZoneScheme.deleted_at.is_(None),
        )
        .with_for_update()
    )
    if former is None:
        return None
    former.status = "superseded"
    former.valid_to = today
    former.row_version += 1
    await session.flush()
    audit.record(
        session,
        audit.Act(publication.requested_by),
        "supersede",
        table="zone_scheme",
        object_id=f"{former.code}@{former.version}",
        before={"id": former.id, "row_version": former.row_version - 1, "status": "published"},
        after={
            "id": former.id,
            "row_version": former.row_version,
            "status": "superseded",
            "valid_to": today.isoformat(),
        },
    )
    return former.id


async def _add_zones(
    session: AsyncSession, publication: Publication, scheme: ZoneScheme, documents: ZoneDocuments
) -> list[dict[str, Any]]:
    found = await list_zone_classes(session, scheme_kind=SUPPLY_DEMAND)
    classes = {one.class_code: one for one in found}
    rows = []
    for summary in documents.statistics["zones"]:
        zone = Zone(
            scheme_id=scheme.id,
            class_id=classes[summary["code"]].id,
            code=f"{scheme.code}.{summary['code']}",
            name_zh=summary["name_zh"],
            name_en=summary["name_en"],
            geom=as_multipolygon(documents.features[summary["class_value"]]["geometry"]),
            attrs=_zone_attributes(summary, documents.statistics["flags"]),
        )
        session.add(zone)
        rows.append((zone, summary))
    await session.flush()
    for zone, _ in rows:
        await session.refresh(zone, ["area_m2"])
        audit.record(
            session,
            audit.Act(publication.requested_by),
            "create",
            table="zone",
            object_id=f"{zone.code}@{scheme.version}",
            after={"area_m2": zone.area_m2},
        )
    return [_zone_result(zone, summary) for zone, summary in rows]


def _zone_attributes(summary: dict[str, Any], flags: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "class_value": summary["class_value"],
        "share_percent": summary["share_percent"],
        "cells": summary["cells"],
        "area_raster_km2": summary["area_raster_km2"],
        "statistics": {name: summary[name] for name in _STATISTICS if name in summary},
        "flags": flags,
    }


def _zone_result(zone: Zone, summary: dict[str, Any]) -> dict[str, Any]:
    return {
        "code": zone.code,
        "class": summary["code"],
        "name_zh": summary["name_zh"],
        "name_en": summary["name_en"],
        "cells": summary["cells"],
        "area_raster_km2": summary["area_raster_km2"],
        "area_km2": round((zone.area_m2 or 0.0) / 1e6, 6),
        "share_percent": summary["share_percent"],
        "color": summary["color"],
    }
