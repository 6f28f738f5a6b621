"""A network on its way through the worker: child, files, store, rows; and the one after it."""

from typing import Any

import pytest
from sqlalchemy import func, select

from shanhai.data.synthetic_watershed import CODE, EASY
from shanhai.db.engine import Sessions
from shanhai.db.queries.files import read_references
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job
from shanhai.db.tables.zone import Corridor, CorridorNode
from shanhai.processes.build_network.contract import (
    BUILD_NETWORK,
    OMNIDIRECTIONAL_RASTERS,
    RASTERS,
    BuildNetworkInputs,
)
from shanhai.storage.artifacts import LocalArtifacts, find_orphans, missing_files
from shanhai.vocabulary import JobStatus
from shanhai_worker.context import WorkerContext
from tests.service.worker.conftest import Linked
from tests.support.job_rows import submit
from tests.support.key_rows import add_identity
from tests.support.workers import reach_end

pytestmark = pytest.mark.long


async def run(
    worker: WorkerContext, sessions: Sessions, supplies: dict[str, str], **more: Any
) -> Job:
    inputs = BuildNetworkInputs.model_validate(
        {
            "region": CODE,
            "cell_m": 100,
            "supplies": supplies,
            "parameters": EASY,
            "publish": True,
            **more,
        }
    )
    async with sessions.begin() as session:
        who = await add_identity(session)
        job = await submit(session, contract=BUILD_NETWORK, inputs=inputs, identity=who)
    await worker.dispatcher.dispatch(job.id, 0)
    job = await reach_end(worker.sessions, job.id, within_s=120)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    return job


def values_of(job: Job) -> dict[str, Any]:
    assert job.result is not None
    return dict(job.result["values"])


async def test_a_network_is_published_and_another_takes_its_place(
    worker: WorkerContext, sessions: Sessions, linked: Linked
) -> None:
    first = await run(worker, sessions, linked.supplies)
    values = values_of(first)
    assert values["layers"] == {name: f"{name}.{CODE}" for name in RASTERS}
    assert (values["network"], values["network_version"]) == (f"{CODE}.network-1", 1)
    assert (values["state"], values["status"]) == ("published", "connected")
    assert len(values["corridor_codes"]) == values["totals"]["corridors"] == 6
    await require_corridors_and_places(sessions)
    await draw_over(sessions, f"{CODE}.network-1.c003")
    draft = await run(worker, sessions, linked.supplies, publish=False)
    assert values_of(draft)["state"] == "draft"
    assert values_of(draft)["layers"]["current"] == f"current.{draft.id}"
    assert await states(sessions) == {("computed", 1, "published"), ("computed", 2, "draft")}
    newest = await run(worker, sessions, linked.supplies)
    assert values_of(newest)["network_version"] == 3
    assert await states(sessions) == {
        ("computed", 1, "superseded"),
        ("computed", 2, "draft"),
        ("computed", 3, "published"),
    }
    async with sessions() as session:
        drawn = await session.scalar(select(Corridor.status).where(Corridor.code == "drawn.1"))
        ended = await session.scalars(
            select(CorridorNode.valid_to).where(CorridorNode.status == "superseded")
        )
        found = await session.scalars(
            select(Corridor)
            .where(Corridor.name_zh == "同安湾生态廊道", Corridor.origin == "computed")
            .order_by(Corridor.code)
        )
        named = found.all()
    assert drawn == "published"
    assert None not in set(ended)
    assert [(one.code, one.attrs["quality"]["named"]) for one in named] == [
        (f"{CODE}.network-{number}.c003", "drawn.1") for number in (2, 3)
    ]
    assert {one.attrs["quality"]["matched"]["code"] for one in named} == {"drawn.1"}
    told = {one["code"]: one["detail"] for one in values_of(newest)["warnings"]}
    assert "Named only" in told["named_corridors_not_drawn"]
    await require_no_orphans(worker)


async def test_current_from_everywhere_becomes_layers(
    worker: WorkerContext, sessions: Sessions, linked: Linked
) -> None:
    asked = {"radius_m": 500, "block_cells": 3}
    job = await run(worker, sessions, linked.supplies, omnidirectional=asked)
    layers = values_of(job)["layers"]
    assert layers == {name: f"{name}.{CODE}" for name in (*RASTERS, *OMNIDIRECTIONAL_RASTERS)}
    async with sessions() as session:
        rows = await session.execute(
            select(Dataset.theme, Dataset.unit, Dataset.visibility).where(
                Dataset.job_id == job.id, Dataset.theme.in_(OMNIDIRECTIONAL_RASTERS)
            )
        )
        assert {tuple(row) for row in rows} == {
            (theme, unit, "public") for theme, unit in OMNIDIRECTIONAL_RASTERS.items()
        }
    await require_no_orphans(worker)


async def require_no_orphans(worker: WorkerContext) -> None:
    """Rows name every file that was stored, so that none of them will ever be swept."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with worker.sessions() as session:
        attempts = (await session.scalars(select(Job.attempt))).all()
    async with worker.sessions() as session:
        referenced = await read_references(session)
    orphans, number = find_orphans(worker.artifacts, referenced, grace_s=-60)
    assert missing_files(worker.artifacts, referenced) == []
    assert number > len(RASTERS)
    # On a machine that is too busy an attempt may lose its lease, and its files then are orphans.
    assert orphans == [] or max(attempts) > 1


async def require_corridors_and_places(sessions: Sessions) -> None:
    """Rows of the first network, as its files have them."""
    async with sessions() as session:
        corridors = (await session.scalars(select(Corridor).order_by(Corridor.code))).all()
        counted = await session.execute(
            select(CorridorNode.kind, func.count()).group_by(CorridorNode.kind)
        )
        kinds = {row[0]: row[1] for row in counted}
        source = await session.scalar(
            select(CorridorNode).where(CorridorNode.code == f"{CODE}.network-1.s001")
        )
        of_pinch = await session.scalar(
            select(CorridorNode.corridor_ids).where(CorridorNode.kind == "pinch_point").limit(1)
        )
        told = await session.execute(
            select(
                CorridorNode.kind,
                func.ST_GeometryType(CorridorNode.geom),
                func.coalesce(func.ST_Covers(CorridorNode.footprint, CorridorNode.geom), False),
            ).distinct()
        )
        shapes = {(kind, type_, inside) for kind, type_, inside in told}
    first = corridors[0]
    assert first.code == f"{CODE}.network-1.c001"
    assert first.connects == [f"{CODE}.network-1.s001", f"{CODE}.network-1.s002"]
    assert (first.origin, first.status, first.type) == ("computed", "published", "habitat")
    quality = first.attrs["quality"]
    # The line is cut where it leaves the sources, and the ground is not the plane of the grid.
    assert first.length_m == pytest.approx(quality["length_m"], rel=0.15)
    assert first.width_m == quality["width_mean_m"]
    assert first.class_code == quality["class"] == "main"
    assert kinds["source"] == 4
    assert {"pinch_point", "barrier", "stepping_stone", "junction", "crossing"} <= set(kinds)
    assert source is not None
    assert source.area_m2 == pytest.approx(source.attrs["quality"]["area_ha"] * 1e4, rel=0.01)
    areas = {"source", "pinch_point", "barrier"}
    assert shapes == {(kind, "ST_Point", kind in areas) for kind in kinds}
    assert set(of_pinch or ()) <= {one.id for one in corridors}


async def draw_over(sessions: Sessions, code: str) -> None:
    """Draw a corridor where a computed one is, whose name the next bears; and name one without."""
    async with sessions.begin() as session:
        former = await session.scalar(select(Corridor).where(Corridor.code == code))
        assert former is not None
        session.add(
            Corridor(
                code="drawn.1",
                name_zh="同安湾生态廊道",
                name_en="Tong'an Bay corridor",
                region_id=former.region_id,
                type="mountain_sea",
                status="published",
                footprint=former.footprint,
            )
        )
        session.add(
            Corridor(
                code="drawn.2",
                name_zh="仅有名称",
                name_en="Named only",
                region_id=former.region_id,
                type="mountain_sea",
                status="published",
            )
        )


async def states(sessions: Sessions) -> set[tuple[str, int, str]]:
    """Origin, number of the network and state of all that was computed."""
    async with sessions() as session:
        found = set[tuple[str, int, str]]()
        for table in (Corridor, CorridorNode):
            rows = await session.execute(
                select(table.origin, table.attrs["network_version"].as_integer(), table.status)
                .where(table.origin == "computed")
                .distinct()
            )
            found |= {(origin, number, status) for origin, number, status in rows}
    return found
