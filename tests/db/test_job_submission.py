"""Accepting jobs: what is looked up, what is refused, what is written."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Grant, Identity
from shanhai.db.queries.audit import write_entries
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.dataset import Upload
from shanhai.db.tables.job import Job, JobDataset
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Region
from shanhai.errors import InvalidInput
from shanhai.processes.catalogue import read_task
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES, DelineateZonesInputs
from shanhai.processes.import_dataset.contract import IMPORT_DATASET, ImportDatasetInputs
from shanhai.vocabulary import Role, Scope
from tests.support.job_rows import XIAMEN_EPSG, add_dataset, add_region, add_upload, submit

INDEX_REQUIRED = ("npp", "rainfall", "temperature", "dem", "soil", "ndvi", "night_lights")


@pytest.fixture
async def stocked(session: AsyncSession, city: Region) -> Region:
    """A city with one dataset per required theme."""
    for theme in INDEX_REQUIRED:
        await add_dataset(session, city, theme, f"{theme}.old")
    return city


async def zoning(session: AsyncSession, **inputs: Any) -> Job:
    return await submit(
        session,
        contract=DELINEATE_ZONES,
        inputs=DelineateZonesInputs.model_validate({"region": "city"} | inputs),
        requested_by="tester",
        request_id="r-1",
    )


async def importing(session: AsyncSession, **inputs: Any) -> Job:
    return await submit(
        session,
        contract=IMPORT_DATASET,
        inputs=ImportDatasetInputs.model_validate({"region": "city", "theme": "dem"} | inputs),
        requested_by="tester",
    )


async def refused(session: AsyncSession, **inputs: Any) -> dict[str, str]:
    """Details by pointer of a zoning that must be refused."""
    with pytest.raises(InvalidInput) as caught:
        await zoning(session, **inputs)
    return {fault.pointer: fault.detail for fault in caught.value.faults}


class TestZoning:
    async def test_the_task_holds_all_a_computation_needs(
        self, session: AsyncSession, stocked: Region
    ) -> None:
        await add_region(session, "city.b", level="district", parent=stocked)
        await add_region(session, "city.a", level="district", parent=stocked)
        await add_region(session, "city.no", level="district", parent=stocked, box=None)
        await add_region(session, "city.bay", level="bay", parent=stocked)
        job = await zoning(session, seed=7, cell_m=200)
        task = read_task(job.task)
        assert task.region is not None
        assert task.region.epsg == XIAMEN_EPSG
        assert task.region.geometry["type"] == "MultiPolygon"
        assert task.region.geometry["coordinates"][0][0][0] == [118, 24.4]
        assert [district.code for district in task.region.districts] == ["city.a", "city.b"]
        assert set(task.datasets) == set(INDEX_REQUIRED)
        assert task.datasets["dem"].uri == "objects/00/dem.old.tif"
        assert (task.seed, job.seed, task.inputs["cell_m"]) == (7, 7, 200)

    @pytest.mark.parametrize(
        ("levels", "expected"),
        [("bay town street basin", ["city.1", "city.2"]), ("basin basin", ["city.0", "city.1"])],
    )
    async def test_without_districts_the_next_level_counts(
        self, session: AsyncSession, stocked: Region, levels: str, expected: list[str]
    ) -> None:
        for number, level in enumerate(levels.split()):
            await add_region(session, f"city.{number}", level=level, parent=stocked)
        task = read_task((await zoning(session)).task)
        assert task.region is not None
        assert [district.code for district in task.region.districts] == expected

    async def test_the_row_says_who_asked_for_what(
        self, session: AsyncSession, stocked: Region
    ) -> None:
        job = await zoning(session, cell_m=200)
        assert (job.status, job.attempt, job.kind) == ("accepted", 0, "delineate-zones")
        assert job.inputs == {"region": "city", "cell_m": 200.0}
        assert (job.requested_by, job.request_id) == ("tester", "r-1")
        assert job.software is not None
        assert job.created_at is not None
        read = select(JobDataset.name, JobDataset.role).where(JobDataset.job_id == job.id)
        rows = [tuple(row) for row in await session.execute(read)]
        assert set(rows) == {(theme, "input") for theme in INDEX_REQUIRED}
        await write_entries(session)
        entry = await session.scalar(select(AuditLog).where(AuditLog.object_id == str(job.id)))
        assert entry is not None
        assert (entry.actor, entry.action) == ("tester", "submit")

    async def test_the_newest_dataset_of_a_theme_is_taken(
        self, session: AsyncSession, stocked: Region
    ) -> None:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        await add_dataset(session, stocked, "dem", "dem.new", created_at=tomorrow)
        gone = {"created_at": tomorrow + timedelta(days=1), "deleted_at": tomorrow}
        await add_dataset(session, stocked, "dem", "dem.gone", **gone)
        await add_dataset(session, stocked, "land_cover", "land")
        task = read_task((await zoning(session)).task)
        assert task.datasets["dem"].code == "dem.new"
        assert task.datasets["land_cover"].code == "land"

    async def test_a_district_uses_its_citys_datasets_after_its_own(
        self, session: AsyncSession, stocked: Region
    ) -> None:
        district = await add_region(session, "city.a", level="district", parent=stocked)
        past = datetime.now(UTC) - timedelta(days=9)
        await add_dataset(session, district, "dem", "dem.district", created_at=past)
        task = read_task((await zoning(session, region="city.a")).task)
        assert task.datasets["dem"].code == "dem.district"
        assert task.datasets["npp"].code == "npp.old"

    async def test_a_named_dataset_is_taken(self, session: AsyncSession, stocked: Region) -> None:
        await add_dataset(
            session, stocked, "dem", "mine", created_at=datetime(2020, 1, 1, tzinfo=UTC)
        )
        task = read_task((await zoning(session, datasets={"dem": "mine"})).task)
        assert task.datasets["dem"].code == "mine"

    async def test_a_named_crs_is_taken(self, session: AsyncSession, stocked: Region) -> None:
        task = read_task((await zoning(session, crs="EPSG:32650")).task)
        assert task.region is not None
        assert task.region.epsg == 32650


class TestRefusals:
    async def test_an_unknown_region(self, session: AsyncSession) -> None:
        assert "no region 'nowhere'" in (await refused(session, region="nowhere"))["/inputs/region"]

    async def test_a_region_without_geometry(self, session: AsyncSession) -> None:
        await add_region(session, "shapeless", box=None)
        assert "no geometry" in (await refused(session, region="shapeless"))["/inputs/region"]

    async def test_a_region_without_metric_crs(self, session: AsyncSession) -> None:
        await add_region(session, "unmeasured", metric_srid=None)
        assert "metric CRS" in (await refused(session, region="unmeasured"))["/inputs/region"]

    async def test_all_missing_themes_are_listed(self, session: AsyncSession, city: Region) -> None:
        await add_dataset(session, city, "dem", "dem")
        faults = await refused(session)
        missing = set(INDEX_REQUIRED) - {"dem"}
        assert set(faults) == {f"/inputs/datasets/{theme}" for theme in missing}
        assert "Net primary productivity" in faults["/inputs/datasets/npp"]

    async def test_datasets_that_do_not_fit(self, session: AsyncSession, stocked: Region) -> None:
        other = await add_region(session, "other")
        await add_dataset(session, other, "npp", "npp.other")
        faults = await refused(
            session, datasets={"dem": "npp.old", "npp": "npp.other", "soil": "none"}
        )
        assert "is about npp" in faults["/inputs/datasets/dem"]
        assert "another region" in faults["/inputs/datasets/npp"]
        assert "no dataset 'none'" in faults["/inputs/datasets/soil"]

    async def test_a_dataset_that_who_asks_may_not_know_of_is_not_there(
        self, session: AsyncSession, stocked: Region
    ) -> None:
        other = await add_region(session, "other")
        await add_dataset(session, other, "npp", "hidden", visibility="region")
        analyst = Grant(Role.ANALYST, frozenset({stocked.id}))
        named = {"dem": "hidden", "npp": "hidden", "soil": "soil.old"}
        with pytest.raises(InvalidInput) as caught:
            await submit(
                session,
                contract=DELINEATE_ZONES,
                inputs=DelineateZonesInputs.model_validate({"region": "city", "datasets": named}),
                identity=Identity("tester", frozenset({Scope.JOBS}), (analyst,)),
            )
        assert {fault.pointer: fault.detail for fault in caught.value.faults} == {
            f"/inputs/datasets/{theme}": "there is no dataset 'hidden'" for theme in ("dem", "npp")
        }

    @pytest.mark.parametrize(
        ("crs", "reason"),
        [
            ("EPSG:4490", "not projected"),
            ("EPSG:4326", "not projected"),
            ("EPSG:2236", "not measured in metres"),
            ("EPSG:3857", "distorts areas"),
            ("EPSG:4534", "distorts areas"),
            ("EPSG:999999", "not a known"),
        ],
    )
    async def test_a_crs_no_grid_can_have(
        self, session: AsyncSession, stocked: Region, crs: str, reason: str
    ) -> None:
        assert reason in (await refused(session, crs=crs))["/inputs/crs"]

    async def test_a_grid_too_large(self, session: AsyncSession, stocked: Region) -> None:
        await add_region(
            session, "wide", level="district", parent=stocked, box=(116.5, 23, 119, 25)
        )
        faults = await refused(session, region="wide", cell_m=10)
        assert "400,000,000" in faults["/inputs/cell_m"]

    async def test_plans(self, session: AsyncSession, stocked: Region) -> None:
        other = await add_region(session, "other")
        for code, region in (("own", stocked), ("foreign", other)):
            session.add(
                Plan(
                    code=code,
                    name_zh=code,
                    name_en=code,
                    kind="restoration",
                    level="city",
                    region_id=region.id,
                    first_year=2021,
                    last_year=2035,
                    status="approved",
                )
            )
        await session.flush()
        assert "no plan" in (await refused(session, plan="none"))["/inputs/plan"]
        assert "not a plan of" in (await refused(session, plan="foreign"))["/inputs/plan"]
        assert (await zoning(session, plan="own")).task["plan"] == "own"

    async def test_all_faults_are_told_at_once(self, session: AsyncSession, city: Region) -> None:
        faults = await refused(session, plan="none", crs="EPSG:4490")
        assert {"/inputs/plan", "/inputs/crs", "/inputs/datasets/npp"} <= faults.keys()


class TestImport:
    async def upload(self, session: AsyncSession, **values: Any) -> Upload:
        return await add_upload(session, **{"received_bytes": 5, "total_bytes": 5, **values})

    async def test_a_complete_upload_is_taken(self, session: AsyncSession, city: Region) -> None:
        upload = await self.upload(session)
        task = read_task((await importing(session, upload=upload.id)).task)
        assert task.upload_uri == f"uploads/{upload.id}"
        assert task.upload_sha256 == upload.sha256
        assert task.region is not None
        assert task.region.epsg == XIAMEN_EPSG

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"owner": "somebody"}, "no such upload"),
            ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "no such upload"),
            ({"sha256": None, "total_bytes": 9}, "5 of 9 bytes"),
        ],
    )
    async def test_an_upload_that_cannot_be_used(
        self, session: AsyncSession, city: Region, values: dict[str, Any], reason: str
    ) -> None:
        upload = await self.upload(session, **values)
        with pytest.raises(InvalidInput, match=reason) as caught:
            await importing(session, upload=upload.id)
        assert [fault.pointer for fault in caught.value.faults] == ["/inputs/upload"]

    async def test_an_unknown_upload_and_a_taken_code(
        self, session: AsyncSession, city: Region
    ) -> None:
        await add_dataset(session, city, "npp", "taken")
        with pytest.raises(InvalidInput) as caught:
            await importing(session, upload=uuid4(), code="taken")
        pointers = [fault.pointer for fault in caught.value.faults]
        assert pointers == ["/inputs/upload", "/inputs/code"]

    async def test_a_dataset_of_its_kind_may_be_replaced(
        self, session: AsyncSession, city: Region
    ) -> None:
        await add_dataset(session, city, "dem", "again")
        upload = await self.upload(session)
        assert (await importing(session, upload=upload.id, code="again")).status == "accepted"
