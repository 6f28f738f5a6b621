"""A network on its way through the worker: child, files, store, rows; and the one after it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Sessions
from shanhai.db.tables import Corridor, CorridorNode, Dataset, Job, JobDataset, Region
from shanhai.jobs.network_contracts import BUILD_NETWORK, RASTERS, BuildNetworkInputs
from shanhai.jobs.submission import submit
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.testing.network_rasters import EASY, build_linked_watershed
from shanhai.testing.stored import store_watershed
from shanhai.testing.watershed import CODE, Watershed
from shanhai.testing.workers import reach
from shanhai.vocabulary import JobStatus
from shanhai_worker.context import Context

ENDED = (JobStatus.SUCCESSFUL, JobStatus.FAILED, JobStatus.DISMISSED)


@pytest.fixture(scope="module")
def watershed(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    return build_linked_watershed(tmp_path_factory.mktemp("watershed"), cells=64)


@pytest.fixture
async def stored(
    worker: Context, sessions: Sessions, watershed: Watershed
) -> AsyncIterator[dict[str, str]]:
    """The watershed as a region with its districts and datasets; codes of its supplies."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with sessions.begin() as session:
        await _clear(session)
        await store_watershed(session, worker.artifacts, watershed)
        found = await session.execute(
            select(Dataset.theme, Dataset.code).where(Dataset.theme.startswith("supply."))
        )
        supplies = {theme.removeprefix("supply."): code for theme, code in found}
    yield supplies
    async with sessions.begin() as session:
        await _clear(session)


async def _clear(session: AsyncSession) -> None:
    for table in (CorridorNode, Corridor, JobDataset, Dataset):
        await session.execute(delete(table))
    await session.execute(delete(Region).where(Region.code.startswith(CODE)))


async def run(worker: Context, supplies: dict[str, str], **more: Any) -> Job:
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
    async with worker.sessions.begin() as session:
        job = await submit(session, contract=BUILD_NETWORK, inputs=inputs, requested_by="tester")
    await worker.dispatcher.dispatch(job.id, 0)
    job = await reach(worker.sessions, job.id, *ENDED, within_s=120)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    return job


def values_of(job: Job) -> dict[str, Any]:
    assert job.result is not None
    return dict(job.result["values"])


async def test_a_network_becomes_rasters_corridors_and_places(
    worker: Context, sessions: Sessions, stored: dict[str, str]
) -> None:
    job = await run(worker, stored)
    values = values_of(job)
    assert values["layers"] == {name: f"{name}.{CODE}" for name in RASTERS}
    assert (values["network"], values["network_version"]) == (f"{CODE}.network-1", 1)
    assert (values["state"], values["status"]) == ("published", "connected")
    assert len(values["corridor_codes"]) == values["totals"]["corridors"] == 6
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
    assert set(of_pinch or ()) <= {one.id for one in corridors}


async def test_a_new_network_takes_the_place_of_the_one_before_and_no_other(
    worker: Context, sessions: Sessions, stored: dict[str, str]
) -> None:
    async with sessions.begin() as session:
        region = await session.scalar(select(Region).where(Region.code == CODE))
        assert region is not None
        session.add(
            Corridor(
                code="drawn.1",
                name_zh="五缘湾廊道",
                name_en="Wuyuan Bay",
                region_id=region.id,
                type="mountain_sea",
                status="published",
            )
        )
    await run(worker, stored)
    draft = await run(worker, stored, publish=False)
    assert values_of(draft)["state"] == "draft"
    assert values_of(draft)["layers"]["current"] == f"current.{draft.id}"
    assert await states(sessions) == {("computed", 1, "published"), ("computed", 2, "draft")}
    newest = await run(worker, stored)
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
    assert drawn == "published"
    assert None not in set(ended)


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


async def test_a_corridor_bears_the_name_the_planner_gave_it(
    worker: Context, sessions: Sessions, stored: dict[str, str]
) -> None:
    await run(worker, stored)
    async with sessions.begin() as session:
        former = await session.scalar(
            select(Corridor).where(Corridor.code == f"{CODE}.network-1.c003")
        )
        assert former is not None
        session.add(
            Corridor(
                code="drawn.2",
                name_zh="同安湾生态廊道",
                name_en="Tong'an Bay corridor",
                region_id=former.region_id,
                type="mountain_sea",
                status="published",
                footprint=former.footprint,
            )
        )
    await run(worker, stored)
    async with sessions() as session:
        named = (
            await session.scalars(
                select(Corridor).where(
                    Corridor.name_zh == "同安湾生态廊道", Corridor.origin == "computed"
                )
            )
        ).one()
    assert named.code == f"{CODE}.network-2.c003"
    assert named.attrs["quality"]["named"] == "drawn.2"
