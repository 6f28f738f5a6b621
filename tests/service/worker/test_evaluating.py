"""An evaluation and an account on their way through the worker: child, files, store, rows."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from shanhai.data.synthetic_watershed import CODE, Watershed
from shanhai.db.engine import Sessions
from shanhai.db.identity import EVERYTHING
from shanhai.db.indicators.figure_results import compare_figures
from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job, JobDataset
from shanhai.db.tables.provision import PlanFigure
from shanhai.db.tables.zone import Region
from shanhai.processes.account_gep.contract import ACCOUNT_GEP, AccountGepInputs
from shanhai.processes.evaluate_ecosystem.contract import (
    EVALUATE_ECOSYSTEM,
    EvaluateEcosystemInputs,
)
from shanhai.processes.kit.contract import Inputs, ProcessContract
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import JobStatus
from shanhai_worker.context import WorkerContext
from tests.support.emptying import forget_rows
from tests.support.indicator_rows import add_plan
from tests.support.job_rows import submit
from tests.support.key_rows import add_identity
from tests.support.stored import store_watershed
from tests.support.workers import reach_end

pytestmark = pytest.mark.long

UPPER = f"{CODE}.upper"


@pytest.fixture
async def evaluated_region(
    worker: WorkerContext, sessions: Sessions, small_evaluated_watershed: Watershed
) -> None:
    """The watershed as a region with its districts and datasets."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with sessions.begin() as session:
        await forget_rows(session, ["region", "dataset"])
        await store_watershed(session, worker.artifacts, small_evaluated_watershed, closed={"lai"})


async def run(
    worker: WorkerContext, sessions: Sessions, contract: ProcessContract, inputs: Inputs
) -> Job:
    async with sessions.begin() as session:
        who = await add_identity(session)
        job = await submit(session, contract=contract, inputs=inputs, identity=who)
    await worker.dispatcher.dispatch(job.id, 0)
    return await reach_end(worker.sessions, job.id, within_s=90)


def evaluation(**more: Any) -> EvaluateEcosystemInputs:
    return EvaluateEcosystemInputs.model_validate(
        {
            "region": CODE,
            "cell_m": 100,
            "themes": ["degradation", "carbon"],
            "publish": True,
            **more,
        }
    )


@pytest.mark.usefixtures("evaluated_region")
async def test_an_evaluation_becomes_datasets_and_documents(
    worker: WorkerContext, sessions: Sessions
) -> None:
    job = await run(worker, sessions, EVALUATE_ECOSYSTEM, evaluation())
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert job.result is not None
    values = job.result["values"]
    assert values["layers"] == {
        "degradation": f"degradation.{CODE}",
        "degradation_slope": f"degradation_slope.{CODE}",
        "carbon": f"carbon.{CODE}",
    }
    assert {"statistics", "table", "report"} <= set(job.result["outputs"])
    async with sessions() as session:
        rows = (await session.scalars(select(Dataset).where(Dataset.job_id == job.id))).all()
        read = await session.scalars(
            select(JobDataset.name).where(JobDataset.job_id == job.id, JobDataset.role == "input")
        )
        # Only what the evaluation reads is opened and kept as its input.
        assert set(read) == {*("land_cover", "ndvi_series", "npp", "rainfall", "temperature")}
    assert {row.theme for row in rows} == set(values["layers"])
    assert all(row.visibility == "public" and row.origin == "computed" for row in rows)
    assert next(row for row in rows if row.theme == "carbon").unit == "tC/ha/yr"


@pytest.mark.usefixtures("evaluated_region")
async def test_a_figure_of_a_plan_is_compared_with_the_evaluation(
    worker: WorkerContext, sessions: Sessions
) -> None:
    job = await run(worker, sessions, EVALUATE_ECOSYSTEM, evaluation())
    assert job.result is not None
    areas = job.result["values"]["areas_km2"]["degradation"][CODE]
    carbon = job.result["values"]["means"]["carbon"]
    # Nothing of it is kept: the next test makes the region anew.
    async with sessions() as session:
        region = await session.scalar(select(Region).where(Region.code == CODE))
        assert region is not None
        plan = await add_plan(session, "printed", region)
        for code, by, of in (
            ("area", "evaluation_area", ["degradation", *areas]),
            ("mean", "evaluation_mean", ["carbon"]),
        ):
            session.add(
                PlanFigure(
                    code=code,
                    plan_id=plan.id,
                    kind="evaluation",
                    name_zh="值",
                    name_en="Value",
                    value=1,
                    computed_by=by,
                    computed_of=of,
                )
            )
        await session.flush()
        seen = await find_plan(session, plan.code, EVERYTHING)
        found = await compare_figures(session, seen, EVERYTHING)
    by_code = {one.printed["code"]: one.computed for one in found}
    assert by_code["area"].value == sum(Decimal(str(area)) for area in areas.values())
    assert (by_code["mean"].value, by_code["mean"].unit) == (
        Decimal(str(carbon[CODE])),
        carbon["unit"],
    )
    assert {one.job for one in by_code.values()} == {str(job.id)}


@pytest.mark.usefixtures("evaluated_region")
async def test_what_rests_on_a_closed_dataset_is_closed(
    worker: WorkerContext, sessions: Sessions
) -> None:
    job = await run(worker, sessions, EVALUATE_ECOSYSTEM, evaluation(themes=["quality"]))
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert job.result is not None
    assert job.result["values"]["layers"]["quality"] == f"quality.{job.id}"
    async with sessions() as session:
        public = await session.scalars(select(Dataset.visibility).where(Dataset.job_id == job.id))
        assert set(public) == {"region"}


@pytest.mark.usefixtures("evaluated_region")
async def test_a_layer_of_an_earlier_job_is_read_and_refused_where_it_is_no_supply(
    worker: WorkerContext, sessions: Sessions
) -> None:
    first = await run(worker, sessions, EVALUATE_ECOSYSTEM, evaluation(themes=["carbon"]))
    async with sessions.begin() as session:
        dataset = await session.scalar(select(Dataset).where(Dataset.job_id == first.id))
        assert dataset is not None
        dataset.theme = "supply.biodiversity"
        code = dataset.code
    job = await run(
        worker,
        sessions,
        EVALUATE_ECOSYSTEM,
        evaluation(
            themes=["importance"],
            supplies={"biodiversity": code},
            parameters={"services": ["biodiversity"]},
        ),
    )
    # Some land gives off carbon, and shares of a total need values of 0 and more.
    assert job.status == JobStatus.FAILED
    assert job.error is not None
    assert "a supply is negative in" in job.error["detail"]


@pytest.mark.usefixtures("evaluated_region")
async def test_an_account_tells_its_figures(worker: WorkerContext, sessions: Sessions) -> None:
    inputs = AccountGepInputs.model_validate(
        {
            "region": CODE,
            "cell_m": 100,
            "items": ["water_conservation", "carbon_fixation", "oxygen", "provisioning"],
            "goods": [{"name": "茶叶", "unit_price": 40000, "quantity": 3, "district": UPPER}],
        }
    )
    job = await run(worker, sessions, ACCOUNT_GEP, inputs)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert job.result is not None
    values = job.result["values"]
    assert values["gep"] > 120_000
    assert values["price_year"] == 2020
    assert set(job.result["outputs"]) == {"account", "table", "report", "report_pdf", "report_docx"}
    assert values["groups"][0]["value"] == 120_000
