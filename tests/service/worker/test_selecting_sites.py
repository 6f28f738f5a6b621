"""A selection on its way through the worker: places from rows, funds, a layer, draft projects."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from geoalchemy2.shape import from_shape
from shapely.geometry import shape
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.data.synthetic_watershed import CODE, Watershed
from shanhai.db.base import STORAGE_SRID
from shanhai.db.engine import Sessions
from shanhai.db.identity import Grant, Identity
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job
from shanhai.db.tables.project import Project, ProjectMeasure, ProjectProblem, ProjectRegion
from shanhai.db.tables.provision import Problem
from shanhai.db.tables.zone import Corridor, CorridorNode, Region
from shanhai.errors import Forbidden
from shanhai.processes.catalogue import read_task
from shanhai.processes.kit.publication import as_multipolygon
from shanhai.processes.kit.task import Outcome, Publication
from shanhai.processes.select_sites.contract import SELECT_SITES, SelectSitesInputs
from shanhai.processes.select_sites.publish import publish
from shanhai.processes.select_sites.task import PlaceTask, SelectionTask, SelectSitesTask
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import JobStatus, Role, Scope
from shanhai_worker.context import WorkerContext
from tests.support.emptying import forget_rows
from tests.support.job_rows import submit
from tests.support.key_rows import add_identity
from tests.support.projects import add_source
from tests.support.selection_places import BASE, selection_of
from tests.support.stored import store_watershed
from tests.support.workers import reach_end

TABLES = ("project", "fund_source", "problem", "corridor_node", "corridor", "dataset", "region")
FUND = "passages-2026"


@pytest.fixture
async def region_with_a_network(
    worker: WorkerContext, sessions: Sessions, watershed: Watershed
) -> AsyncIterator[Region]:
    """The watershed with its network, a problem, a project and money."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with sessions.begin() as session:
        await forget_rows(session, TABLES)
        region = await store_watershed(session, worker.artifacts, watershed)
        await _store_places(session, region, selection_of(watershed))
        await add_source(session, FUND, "30000.00", allowed=["passage"], year=2026)
    yield region
    async with sessions.begin() as session:
        await forget_rows(session, TABLES)


async def _store_places(session: AsyncSession, region: Region, told: SelectionTask) -> None:
    job = Job(kind="build-network", inputs={}, task={}, requested_by="tester", status="successful")
    session.add(job)
    await session.flush()
    made: dict[str, Any] = {"region_id": region.id, "origin": "computed", "job_id": job.id}
    made |= {"status": "published"}
    for one in told.links:
        quality = one.model_dump(exclude={"code"})
        session.add(
            Corridor(
                code=f"{CODE}.network-1.{one.code}",
                name_zh="廊道",
                name_en="Corridor",
                type="habitat",
                attrs={"quality": quality, "network_version": 1},
                **made,
            )
        )
    for place in told.places:
        session.add(_row(place, region, made))
    far = next(one for one in told.places if one.code.endswith("s002"))
    session.add(
        Project(
            visibility="public",
            code="drawn.1",
            name_zh="既有项目",
            name_en="There already",
            region_id=region.id,
            start_year=2026,
            end_year=2027,
            cost="100.00",
            geom=_shape(far),
        )
    )


def _shape(place: PlaceTask) -> Any:
    return from_shape(shape(place.geometry), srid=STORAGE_SRID)


def _row(place: PlaceTask, region: Region, made: dict[str, Any]) -> Problem | CorridorNode:
    if place.kind == "problem":
        return Problem(
            visibility="public",
            code=place.code,
            name_zh=place.name_zh,
            name_en=place.name_en,
            type="erosion",
            severity=place.severity,
            region_id=region.id,
            geom=_shape(place),
        )
    return CorridorNode(
        code=place.code,
        kind=place.kind,
        score=place.score,
        geom=from_shape(shape(place.geometry).representative_point(), srid=STORAGE_SRID),
        footprint=as_multipolygon(place.geometry),
        attrs={"quality": place.quality, "network_version": 1},
        **made,
    )


def planner(region: Region, *roles: Role) -> Identity:
    grants = tuple(Grant(role, frozenset({region.id})) for role in roles)
    return Identity("key:planner", frozenset({Scope.JOBS, Scope.PROJECTS, Scope.WRITE}), grants)


def asked(**more: Any) -> SelectSitesInputs:
    return SelectSitesInputs.model_validate(
        {
            **BASE,
            "region": CODE,
            "candidates": ["barriers", "pinch_points", "problems", "projects"],
            "locked_in": ["drawn.1"],
            "measures": {"barrier": ["passage"]},
            "goal": {"weights": {"barriers": 1, "problems": 1}},
            "funds": [{"source": FUND}, {"name_zh": "一般资金", "amount": 20_000}],
            "publish": True,
            "draft_projects": True,
            **more,
        }
    )


@pytest.mark.long
async def test_chosen_sites_become_draft_projects_once(
    worker: WorkerContext, sessions: Sessions, region_with_a_network: Region, tmp_path: Path
) -> None:
    async with sessions.begin() as session:
        identity = await add_identity(session, Role.PLANNER, Role.APPROVER, region=CODE)
        job = await submit(session, contract=SELECT_SITES, inputs=asked(), identity=identity)
    task = read_task(job.task)
    assert isinstance(task, SelectSitesTask)
    assert task.selection is not None
    assert task.selection.network == f"{CODE}.network-1"
    assert [one.amount for one in task.selection.funds] == [30_000, 20_000]
    await worker.dispatcher.dispatch(job.id, 0)
    job = await reach_end(worker.sessions, job.id, within_s=120)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert job.result is not None
    values = job.result["values"]
    assert values["layers"] == {"priority": f"priority.{CODE}"}
    assert {"report_pdf", "map_zh", "priority_table", "pareto"} <= set(job.result["outputs"])
    # Both barriers by the earmarked money, the problem by the other; of the four the project that
    # must be taken is one already.
    assert values["chosen"] == 4
    codes = values["projects"]
    assert codes == [f"sites-{job.id.hex[:16]}.{number:04}" for number in (1, 2, 3)]
    await _check_projects(sessions, job, codes, region_with_a_network)
    await _check_again(sessions, worker, job, codes, tmp_path)


async def _check_projects(sessions: Sessions, job: Job, codes: list[str], region: Region) -> None:
    async with sessions() as session:
        made = (
            await session.scalars(
                select(Project).where(Project.code.in_(codes)).order_by(Project.code)
            )
        ).all()
        first = made[0]
        measures = (
            await session.scalars(
                select(ProjectMeasure).where(ProjectMeasure.project_id == first.id)
            )
        ).all()
        towns = await session.scalars(
            select(Region.code).join(ProjectRegion).where(ProjectRegion.project_id == first.id)
        )
        problems = await session.execute(
            select(Project.code, Problem.code)
            .select_from(ProjectProblem)
            .join(Project, Project.id == ProjectProblem.project_id)
            .join(Problem, Problem.id == ProjectProblem.problem_id)
        )
        drawn = await session.scalar(select(Project).where(Project.code == "drawn.1"))
        public = await session.scalar(
            select(Dataset.visibility).where(Dataset.theme == "priority", Dataset.job_id == job.id)
        )
    assert [(one.state, one.visibility, one.region_id) for one in made] == [
        ("draft", "region", region.id)
    ] * 3
    assert (first.start_year, first.end_year) == (2026, 2030)
    assert float(first.cost or 0) == pytest.approx(4000, abs=0.05)
    assert first.area_m2 == pytest.approx(40_000, rel=0.01)
    assert (first.attrs["origin"], first.attrs["job"]) == ("computed", str(job.id))
    assert first.attrs["site"] == f"{CODE}.network-1.b001"
    assert [(one.measure, one.unit) for one in measures] == [("passage", "ha")]
    assert measures[0].planned == pytest.approx(4, abs=1e-3)
    assert set(towns) <= {f"{CODE}.upper", f"{CODE}.left", f"{CODE}.right"}
    assert [tuple(row) for row in problems] == [(codes[2], "erosion.1")]
    assert drawn is not None
    assert (drawn.row_version, drawn.state) == (1, "draft")
    assert public == "public"


async def _check_again(
    sessions: Sessions, worker: WorkerContext, job: Job, codes: list[str], folder: Path
) -> None:
    """A publication that comes again makes nothing new."""
    assert job.result is not None
    assert isinstance(worker.artifacts, LocalArtifacts)
    kept = worker.artifacts.local_path(job.result["outputs"]["sites"]["uri"])
    (folder / "sites.geojson").write_bytes(kept.read_bytes())
    task = read_task(job.task).model_copy(update={"job_id": str(job.id)})
    again = Publication(task, Outcome(values={"partial": False}), {}, job.requested_by, folder)
    async with sessions.begin() as session:
        assert (await publish(session, again))["projects"] == codes
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Project)) == 4


async def test_only_who_may_write_projects_of_the_region_makes_them(
    sessions: Sessions, region_with_a_network: Region
) -> None:
    for identity in (
        planner(region_with_a_network, Role.ANALYST, Role.APPROVER),
        # Planners make drafts, and publish no layer.
        planner(region_with_a_network, Role.PLANNER),
        Identity("key:x", frozenset({Scope.JOBS})),
        Identity("key:y", frozenset({Scope.PROJECTS}), (Grant(Role.PLANNER, frozenset({-1})),)),
    ):
        async with sessions() as session:
            with pytest.raises(Forbidden):
                await submit(session, contract=SELECT_SITES, inputs=asked(), identity=identity)
    async with sessions() as session:
        plain = asked(draft_projects=False, publish=False)
        analyst = planner(region_with_a_network, Role.ANALYST)
        job = await submit(session, contract=SELECT_SITES, inputs=plain, identity=analyst)
        assert job.task["authority"] is None
        assert len(job.task["selection"]["places"]) == 8
