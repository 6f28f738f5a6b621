"""What the main job and imports leave in a real database."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import func, select

from shanhai.data.synthetic_watershed import CODE, Watershed, build_watershed
from shanhai.db.engine import Sessions
from shanhai.db.identity import Grant, Identity
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job, JobDataset
from shanhai.db.tables.zone import Region, Zone, ZoneScheme
from shanhai.errors import Conflict, Forbidden, InvalidInput, NotFound
from shanhai.processes.catalogue import CONTRACTS, compute_of, publish_of, resolution_of
from shanhai.processes.kit.publication import as_multipolygon, with_rights
from shanhai.processes.kit.task import Outcome, Publication, Task
from shanhai.raster.geotiff import write_geotiff
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import Role, Scope, Visibility
from tests.support.job_rows import add_dataset

SCHEME = f"{CODE}.supply_demand"


@dataclass(frozen=True)
class Computed:
    task: Task
    outcome: Outcome
    workspace: Path


@pytest.fixture(scope="module")
def published_watershed(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    return build_watershed(tmp_path_factory.mktemp("watershed"), cells=48)


@pytest.fixture(scope="module")
def computed(published_watershed: Watershed, tmp_path_factory: pytest.TempPathFactory) -> Computed:
    workspace = tmp_path_factory.mktemp("work")
    task = published_watershed.task()
    outcome = compute_of(task.process)(task, workspace, lambda percent, stage: None)
    return Computed(task, outcome, workspace)


@pytest.fixture(autouse=True)
async def watershed_as_region(fresh_sessions: Sessions, published_watershed: Watershed) -> None:
    """The watershed as a region."""
    async with fresh_sessions.begin() as session:
        session.add(
            Region(
                code=CODE,
                name_zh=published_watershed.region.name_zh,
                name_en=published_watershed.region.name_en,
                level="basin",
                metric_srid=published_watershed.region.epsg,
                geom=as_multipolygon(published_watershed.region.geometry),
            )
        )


async def publish(
    sessions: Sessions, computed: Computed, artifacts: Path, **inputs: Any
) -> tuple[UUID, dict[str, Any]]:
    """Store the files and publish them under a new job, as the worker does.

    Inputs that are None are not stated.
    """
    store = LocalArtifacts(artifacts)
    stored = {
        file.name: store.put(computed.workspace / file.path, suffix=Path(file.path).suffix)
        for file in computed.outcome.files
    }
    async with sessions.begin() as session:
        job = Job(
            kind=computed.task.process, inputs={}, task={}, requested_by="tester", status="running"
        )
        session.add(job)
        await session.flush()
        wish = CONTRACTS[computed.task.process].publish_input
        shown = Visibility.PUBLIC if wish == "visibility" else True
        task = computed.task.model_copy(
            update={
                "job_id": str(job.id),
                "inputs": {
                    name: value
                    for name, value in (computed.task.inputs | {wish: shown} | inputs).items()
                    if value is not None
                },
            }
        )
        publication = Publication(task, computed.outcome, stored, "tester", computed.workspace)
        values = await publish_of(task.process)(session, publication)
    return job.id, values


async def all_of(sessions: Sessions, query: sa.Select[*tuple[Any, ...]]) -> list[Any]:
    async with sessions() as session:
        return list((await session.execute(query)).all())


async def test_a_zoning_becomes_datasets_a_scheme_and_zones(
    fresh_sessions: Sessions, computed: Computed, tmp_path: Path
) -> None:
    job, values = await publish(fresh_sessions, computed, tmp_path)
    assert (values["scheme"], values["scheme_version"]) == (SCHEME, 1)
    assert values["layers"]["zones"] == f"zones.{CODE}"
    assert values["layers"]["ratio.cooling"] == f"ratio.cooling.{CODE}"
    assert len(values["layers"]) == 25
    rows = await all_of(
        fresh_sessions,
        select(Dataset.code, Dataset.theme, Dataset.visibility, func.ST_IsValid(Dataset.footprint)),
    )
    assert len(rows) == 25
    assert {row.code for row in rows} == {f"{row.theme}.{job}" for row in rows}
    assert all(row.visibility == "public" and row[3] for row in rows)
    outputs = await all_of(fresh_sessions, select(JobDataset.role, JobDataset.name))
    assert {tuple(row) for row in outputs} == {("output", name) for name in values["layers"]}


async def test_what_rests_on_a_closed_dataset_is_found_by_its_job(
    fresh_sessions: Sessions, computed: Computed, tmp_path: Path
) -> None:
    async with fresh_sessions.begin() as session:
        region = (await session.scalars(select(Region).where(Region.code == CODE))).one()
        closed = await add_dataset(session, region, "dem", "closed", visibility="region")
    theme, dem = next(iter(computed.task.datasets.items()))
    datasets = {**computed.task.datasets, theme: dem.model_copy(update={"id": closed.id})}
    resting = replace(computed, task=computed.task.model_copy(update={"datasets": datasets}))
    job, values = await publish(fresh_sessions, resting, tmp_path)
    assert values["status"] == "published"
    assert values["layers"]["zones"] == f"zones.{job}"
    rows = await all_of(fresh_sessions, select(Dataset.visibility).where(Dataset.job_id == job))
    assert {row.visibility for row in rows} == {"region"}


async def test_the_zones_hold_their_polygons_and_numbers(
    fresh_sessions: Sessions, computed: Computed, tmp_path: Path
) -> None:
    _, values = await publish(fresh_sessions, computed, tmp_path)
    zones = await all_of(
        fresh_sessions,
        select(Zone.code, Zone.area_m2, Zone.attrs, func.ST_IsValid(Zone.geom)).order_by(Zone.id),
    )
    assert [row.code for row in zones] == [one["code"] for one in values["zones"]]
    assert all(one["code"] == f"{SCHEME}.{one['class']}" for one in values["zones"])
    for row, told in zip(zones, values["zones"], strict=True):
        assert row[3]
        assert told["area_km2"] == pytest.approx(row.area_m2 / 1e6, abs=1e-5)
        # The polygon is simplified; the raster is what counts.
        assert told["area_km2"] == pytest.approx(row.attrs["area_raster_km2"], rel=0.02)
        kept = row.attrs["statistics"]
        assert kept["ratio"]["mean"] is not None
        assert kept["population"] >= 0
        assert kept["night_lights_sum"] > 0
        assert 0 <= kept["held_percent"] <= 100
        assert row.attrs["flags"][0]["code"] == "robustness"
        assert sum(kept["land_cover_percent"].values()) == pytest.approx(100, abs=1e-4)
    assert {frozenset(one) for one in values["warnings"]} == {
        frozenset({"code", "detail", "detail_zh"})
    }
    assert (
        sum(row.attrs["cells"] for row in zones) == computed.outcome.manifest["aoi"]["valid_cells"]
    )


async def test_ratios_tell_whether_amounts_or_ranks_are_compared(
    fresh_sessions: Sessions, computed: Computed, tmp_path: Path
) -> None:
    await publish(fresh_sessions, computed, tmp_path)
    rows = await all_of(fresh_sessions, select(Dataset.theme, Dataset.name_en, Dataset.attrs))
    told = {row.theme: row.attrs.get("compared") for row in rows}
    compared = computed.outcome.manifest["ratio"]["compared"]
    ratios = {theme: one for theme, one in told.items() if theme.startswith("ratio.")}
    assert ratios == {f"ratio.{service}": one for service, one in compared.items()}
    assert {one for theme, one in told.items() if theme not in ratios} == {None}
    ending = {"amounts": "of amounts", "ranks": "of percentile ranks"}
    names = {row.theme: row.name_en for row in rows}
    assert all(names[theme].endswith(ending[one]) for theme, one in ratios.items())


async def test_a_second_version_supersedes_the_first(
    fresh_sessions: Sessions, computed: Computed, tmp_path: Path
) -> None:
    await publish(fresh_sessions, computed, tmp_path)
    _, values = await publish(fresh_sessions, computed, tmp_path)
    assert values["scheme_version"] == 2
    first, second = await all_of(
        fresh_sessions,
        select(
            ZoneScheme.id,
            ZoneScheme.status,
            ZoneScheme.valid_from,
            ZoneScheme.valid_to,
            ZoneScheme.supersedes_id,
        ).order_by(ZoneScheme.version),
    )
    assert (first.status, second.status) == ("superseded", "published")
    assert first.valid_to == second.valid_from
    assert second.valid_to is None
    assert second.supersedes_id == first.id
    actions = [row.action for row in await all_of(fresh_sessions, select(AuditLog.action))]
    assert actions.count("publish") == 2
    assert actions.count("supersede") == 1


async def test_a_draft_leaves_the_published_one_alone(
    fresh_sessions: Sessions, computed: Computed, tmp_path: Path
) -> None:
    await publish(fresh_sessions, computed, tmp_path)
    job, values = await publish(fresh_sessions, computed, tmp_path, publish=False)
    assert values["status"] == "draft"
    assert values["layers"]["zones"] == f"zones.{job}"
    statuses = await all_of(fresh_sessions, select(ZoneScheme.version, ZoneScheme.status))
    assert {tuple(row) for row in statuses} == {(1, "published"), (2, "draft")}
    drafts = await all_of(fresh_sessions, select(Dataset.visibility).where(Dataset.job_id == job))
    assert not any(row.visibility == "public" for row in drafts)


async def test_what_rests_on_a_closed_dataset_is_closed_and_stand_ins_are_passed_on(
    fresh_sessions: Sessions, computed: Computed, tmp_path: Path
) -> None:
    job, _ = await publish(fresh_sessions, computed, tmp_path)
    async with fresh_sessions.begin() as session:
        used = (await session.scalars(select(Dataset).where(Dataset.job_id == job).limit(1))).one()
        used.visibility = "region"
        used.data_class, used.data_grade = "sensitive", "important"
        closed = used.id
    soil = computed.task.datasets["soil"].model_copy(update={"id": closed, "stand_in": True})
    task = computed.task.model_copy(update={"datasets": computed.task.datasets | {"soil": soil}})
    again = Computed(task, computed.outcome, computed.workspace)
    second, _ = await publish(fresh_sessions, again, tmp_path)
    rows = await all_of(
        fresh_sessions,
        select(
            Dataset.visibility,
            Dataset.stand_in,
            Dataset.stand_in_note_zh,
            Dataset.data_class,
            Dataset.data_grade,
        ).where(Dataset.job_id == second),
    )
    assert {(row.data_class, row.data_grade) for row in rows} == {("sensitive", "important")}
    assert all(
        (row.visibility != "public" and row.stand_in and "土壤" in row.stand_in_note_zh)
        for row in rows
    )


async def test_a_region_removed_meanwhile_fails_the_publication(
    fresh_sessions: Sessions, computed: Computed, tmp_path: Path
) -> None:
    async with fresh_sessions.begin() as session:
        await session.execute(sa.update(Region).values(deleted_at=func.now()))
    with pytest.raises(NotFound):
        await publish(fresh_sessions, computed, tmp_path)
    assert await all_of(fresh_sessions, select(Dataset.id)) == []


def importing(watershed: Watershed, folder: Path, *, height: float, theme: str = "dem") -> Computed:
    folder.mkdir()
    upload = folder / "upload"
    grid = watershed.grid
    write_geotiff(
        upload, np.full(grid.shape, height), transform=grid.transform, crs=f"EPSG:{grid.epsg}"
    )
    task = Task(
        process="import-dataset",
        inputs={
            "upload": str(UUID(int=1)),
            "region": CODE,
            "theme": theme,
            "code": "own.dem",
            "source": "survey",
            "native_resolution_m": 30,
        },
        region=watershed.region,
        upload_uri="uploads/1",
        files={"uploads/1": str(upload)},
    )
    outcome = compute_of("import-dataset")(task, folder, lambda percent, stage: None)
    return Computed(task, outcome, folder)


async def test_an_import_is_registered_and_replaced_under_its_code(
    fresh_sessions: Sessions, published_watershed: Watershed, tmp_path: Path
) -> None:
    for number, height in enumerate((10.0, 20.0)):
        _, values = await publish(
            fresh_sessions,
            importing(published_watershed, tmp_path / str(number), height=height),
            tmp_path / "store",
        )
        assert values["dataset"] == "own.dem"
    old, new = await all_of(
        fresh_sessions,
        select(
            Dataset.deleted_at,
            Dataset.grid,
            Dataset.attrs,
            Dataset.native_resolution_m,
            Dataset.origin,
            Dataset.visibility,
        ).order_by(Dataset.id),
    )
    assert old.deleted_at is not None
    assert new.visibility == "public"
    assert new.deleted_at is None
    assert new.grid["statistics"][0]["mean"] == 20.0
    assert new.native_resolution_m == 30
    assert new.origin == "imported"
    assert len(new.attrs["source_sha256"]) == 64


PLANNER = Identity("planner", frozenset({Scope.WRITE}), (Grant(Role.PLANNER, None),))
APPROVER = Identity("approver", frozenset({Scope.WRITE}), (Grant(Role.APPROVER, None),))


def by(identity: Identity, computed: Computed) -> Computed:
    return replace(computed, task=with_rights(computed.task, identity))


async def reading(sessions: Sessions) -> tuple[Any, ...]:
    """Who may read the dataset, and its class and grade."""
    rows = await all_of(
        sessions,
        select(Dataset.visibility, Dataset.data_class, Dataset.data_grade).where(
            Dataset.deleted_at.is_(None)
        ),
    )
    assert len(rows) == 1
    return tuple(rows[0])


async def test_an_import_over_a_dataset_leaves_who_may_read_it(
    fresh_sessions: Sessions, published_watershed: Watershed, tmp_path: Path
) -> None:
    first, again = (
        importing(published_watershed, tmp_path / f"{height}", height=height)
        for height in (10.0, 20.0)
    )
    store = tmp_path / "store"
    await publish(fresh_sessions, first, store)
    await publish(fresh_sessions, again, store, visibility=None)
    assert await reading(fresh_sessions) == ("public", None, None)
    closed = {"visibility": None, "data_class": "sensitive", "data_grade": "core"}
    await publish(fresh_sessions, first, store, **closed)
    assert await reading(fresh_sessions) == ("region", "sensitive", "core")
    await publish(fresh_sessions, again, store, visibility=None)
    assert await reading(fresh_sessions) == ("region", "sensitive", "core")
    with pytest.raises(InvalidInput) as refused:
        await publish(fresh_sessions, by(PLANNER, first), store, visibility="signed_in")
    assert [fault.pointer for fault in refused.value.faults] == ["/inputs/visibility"]
    told = await all_of(
        fresh_sessions,
        select(AuditLog.before).where(AuditLog.action == "replace").order_by(AuditLog.id),
    )
    kept = [(row.before["visibility"], row.before["data_grade"]) for row in told]
    assert kept == [("public", None), ("public", None), ("region", "core")]


async def test_an_approver_alone_makes_a_dataset_less_closed_by_an_import(
    fresh_sessions: Sessions, published_watershed: Watershed, tmp_path: Path
) -> None:
    first, again = (
        importing(published_watershed, tmp_path / f"{height}", height=height)
        for height in (10.0, 20.0)
    )
    store = tmp_path / "store"
    closed = {"visibility": None, "data_class": "sensitive", "data_grade": "core"}
    await publish(fresh_sessions, first, store, **closed)
    less: dict[str, Any] = closed | {"data_grade": "important"}
    for asked in (again, by(PLANNER, again)):
        with pytest.raises(Forbidden):
            await publish(fresh_sessions, asked, store, **less)
        assert await reading(fresh_sessions) == ("region", "sensitive", "core")
    await publish(fresh_sessions, by(APPROVER, again), store, **less)
    assert await reading(fresh_sessions) == ("region", "sensitive", "important")


async def test_who_may_not_make_a_dataset_less_closed_is_told_when_asking(
    fresh_sessions: Sessions, published_watershed: Watershed, tmp_path: Path
) -> None:
    first = importing(published_watershed, tmp_path / "first", height=10.0)
    closed = {"visibility": None, "data_class": "sensitive", "data_grade": "core"}
    await publish(fresh_sessions, first, tmp_path / "store", **closed)
    less = {**first.task.inputs, "data_class": "sensitive", "data_grade": "important"}
    task = first.task.model_copy(update={"inputs": less})
    resolution = resolution_of("import-dataset")
    async with fresh_sessions() as session:
        with pytest.raises(Forbidden):
            await resolution.authorised(session, task, PLANNER)
        allowed = await resolution.authorised(session, task, APPROVER)
        assert allowed.authority is not None, "the job asks once more"
        wider = first.task.model_copy(
            update={"inputs": {**first.task.inputs, "visibility": "signed_in"}}
        )
        with pytest.raises(InvalidInput):
            await resolution.authorised(session, wider, APPROVER)


async def test_imports_at_once_under_one_code_replace_one_another(
    fresh_sessions: Sessions, published_watershed: Watershed, tmp_path: Path
) -> None:
    at_once = [
        importing(published_watershed, tmp_path / f"{height}", height=height)
        for height in (10.0, 20.0, 30.0)
    ]
    store = tmp_path / "store"
    await asyncio.gather(*(publish(fresh_sessions, one, store) for one in at_once))
    rows = await all_of(fresh_sessions, select(Dataset.deleted_at))
    assert [row.deleted_at is None for row in rows].count(True) == 1
    assert len(rows) == 3


async def test_a_code_of_another_theme_is_not_taken_over(
    fresh_sessions: Sessions, published_watershed: Watershed, tmp_path: Path
) -> None:
    await publish(
        fresh_sessions,
        importing(published_watershed, tmp_path / "a", height=10.0),
        tmp_path / "store",
    )
    other = importing(published_watershed, tmp_path / "b", height=10.0, theme="npp")
    with pytest.raises(Conflict, match="in use for dem"):
        await publish(fresh_sessions, other, tmp_path / "store")
    assert len(await all_of(fresh_sessions, select(Dataset.id))) == 1
