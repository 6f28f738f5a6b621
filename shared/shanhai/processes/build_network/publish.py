"""The rows of a network: rasters as datasets, its corridors and places; one transaction."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from geoalchemy2.shape import from_shape
from shapely.geometry import shape
from sqlalchemy import Integer, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.engine import read_today
from shanhai.db.queries import audit
from shanhai.db.queries.jobs import RegionRow, find_plan
from shanhai.db.tables.zone import Corridor, CorridorNode
from shanhai.processes.build_network.contract import BuildNetworkInputs
from shanhai.processes.kit.output_files import LINKS_FILE, NODES_FILE
from shanhai.processes.kit.publication import as_multipolygon, job_id_of, publish_rasters, region_of
from shanhai.processes.kit.task import Publication

TYPE = "habitat"
VERSION = "network_version"
PLAN = "plan"
QUALITY = "quality"
"""Members of `attrs`: which network of its region it is of, its plan, what is known of it."""

_NOT_QUALITY = frozenset({"code", "name_zh", "name_en", "footprint", "kind", "score", "corridors"})
Feature = Mapping[str, Any]
Row = Corridor | CorridorNode
Kind = TypeVar("Kind", Corridor, CorridorNode)


@dataclass(frozen=True, slots=True)
class _Set:
    """What all rows of one network share.

    Attributes:
        publication: The job.
        region: Its region.
        plan_id: Its plan, if any.
        plan: Code of the plan.
        version: Number of the network in its region, from 1.
        since: Day from which it is in force; None for a draft.
    """

    publication: Publication
    region: RegionRow
    plan_id: int | None
    plan: str | None
    version: int
    since: date | None

    @property
    def code(self) -> str:
        """Code of the network, before the codes of its parts."""
        return f"{self.region.code}.network-{self.version}"

    @property
    def status(self) -> str:
        """State of its rows."""
        return "draft" if self.since is None else "published"

    def columns(self, feature: Feature) -> dict[str, Any]:
        """Columns that corridors and places have alike."""
        told = {k: v for k, v in feature["properties"].items() if k not in _NOT_QUALITY}
        return {
            "code": f"{self.code}.{feature['id']}",
            "region_id": self.region.id,
            "origin": "computed",
            "job_id": job_id_of(self.publication.task),
            "status": self.status,
            # A draft counts from the day it was made, as one that was drawn does.
            **({} if self.since is None else {"valid_from": self.since}),
            "attrs": {QUALITY: told, VERSION: self.version, PLAN: self.plan},
        }


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Insert everything a network leaves behind and return the results document.

    With `publish` it takes the place of the published one that was computed for the same plan from
    today on; without it stays a draft. What was drawn or imported stays as it is. Two jobs of one
    region wait for each other here.
    """
    workspace = publication.workspace
    inputs = BuildNetworkInputs.model_validate(publication.task.inputs)
    links, nodes = await asyncio.to_thread(
        lambda: (_features(workspace / LINKS_FILE), _features(workspace / NODES_FILE))
    )
    region = await region_of(session, publication.task)
    await _take_turn(session, region)
    layers = await publish_rasters(session, publication, inputs, public=inputs.publish)
    plan = await find_plan(session, inputs.plan) if inputs.plan else None
    made = _Set(
        publication,
        region,
        plan.id if plan else None,
        inputs.plan,
        await _next_version(session, region),
        await read_today(session) if inputs.publish else None,
    )
    if made.since is not None:
        await _supersede(session, made, made.since)
    corridors = await _add_corridors(session, made, links)
    places = await _add_nodes(session, made, nodes, corridors)
    return {
        "network": made.code,
        "network_version": made.version,
        "state": made.status,
        "layers": layers,
        "corridor_codes": [one.code for one in corridors.values()],
        "node_count": len(places),
        **publication.outcome.values,
        "warnings": publication.outcome.warnings,
    }


def _features(path: Path) -> Sequence[Feature]:
    features: list[Feature] = json.loads(path.read_bytes())["features"]
    return features


async def _take_turn(session: AsyncSession, region: RegionRow) -> None:
    key = f"network:{region.id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def _next_version(session: AsyncSession, region: RegionRow) -> int:
    """One more than any network of the region had, those that were removed too."""
    number = CorridorNode.attrs[VERSION].astext.cast(Integer)
    highest = await session.scalar(
        select(func.max(number)).where(
            CorridorNode.region_id == region.id, CorridorNode.origin == "computed"
        )
    )
    return (highest or 0) + 1


async def _supersede(session: AsyncSession, made: _Set, today: date) -> None:
    """End the published rows computed for the same region and plan."""
    former: list[Row] = [
        *await _former(session, made, Corridor),
        *await _former(session, made, CorridorNode),
    ]
    for row in former:
        row.status, row.valid_to = "superseded", today
        row.row_version += 1
        _note(session, made, "supersede", row, after={"status": row.status})
    await session.flush()


async def _former(session: AsyncSession, made: _Set, table: type[Kind]) -> Sequence[Kind]:
    found = await session.scalars(
        select(table)
        .where(
            table.region_id == made.region.id,
            table.origin == "computed",
            table.status == "published",
            table.deleted_at.is_(None),
            table.attrs[PLAN].astext.is_not_distinct_from(made.plan),
        )
        .with_for_update()
    )
    return found.all()


async def _add_corridors(
    session: AsyncSession, made: _Set, features: Sequence[Feature]
) -> dict[str, Corridor]:
    """Rows by their code within the network."""
    rows = {feature["id"]: _corridor(made, feature) for feature in features}
    session.add_all(rows.values())
    await session.flush()
    for row in rows.values():
        _note(session, made, "create", row, after={"status": row.status})
    return rows


def _corridor(made: _Set, feature: Feature) -> Corridor:
    told = feature["properties"]
    return Corridor(
        **made.columns(feature),
        name_zh=told["name_zh"],
        name_en=told["name_en"],
        plan_id=made.plan_id,
        type=TYPE,
        class_code=told["class"],
        width_m=told["width_mean_m"] or None,
        connects=[f"{made.code}.{told[end]}" for end in ("source_a", "source_b")],
        geom=from_shape(shape(feature["geometry"]), srid=STORAGE_SRID),
        footprint=as_multipolygon(told["footprint"]),
    )


async def _add_nodes(
    session: AsyncSession,
    made: _Set,
    features: Sequence[Feature],
    corridors: Mapping[str, Corridor],
) -> list[CorridorNode]:
    rows = [
        CorridorNode(
            **made.columns(feature),
            plan_id=made.plan_id,
            kind=feature["properties"]["kind"],
            score=feature["properties"]["score"],
            corridor_ids=[corridors[code].id for code in feature["properties"]["corridors"]],
            geom=from_shape(shape(feature["geometry"]), srid=STORAGE_SRID),
            footprint=_footprint(feature),
        )
        for feature in features
    ]
    session.add_all(rows)
    await session.flush()
    for row in rows:
        _note(session, made, "create", row, after={"status": row.status, "kind": row.kind})
    return rows


def _footprint(feature: Feature) -> Any:
    outline = feature["properties"]["footprint"]
    return None if outline is None else as_multipolygon(outline)


def _note(
    session: AsyncSession, made: _Set, action: str, row: Row, after: Mapping[str, Any]
) -> None:
    audit.record(
        session,
        audit.Act(made.publication.requested_by),
        action,
        table=row.__tablename__,
        object_id=row.code,
        after=dict(after),
    )
