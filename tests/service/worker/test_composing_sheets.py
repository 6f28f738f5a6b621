"""A map sheet on its way through the worker: look-up, child, files, and who may have them."""

import io
from typing import Any

import numpy as np
import pytest
from pypdf import PdfReader

from shanhai.data.synthetic_watershed import CODE, Watershed
from shanhai.db.engine import Sessions
from shanhai.db.queries.jobs import find_job
from shanhai.db.tables.job import Job
from shanhai.processes.compose_map_sheet.contract import COMPOSE_MAP_SHEET, ComposeMapSheetInputs
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import JobStatus, Role
from shanhai_worker.context import WorkerContext
from tests.support.emptying import forget_rows
from tests.support.job_rows import submit
from tests.support.key_rows import add_identity
from tests.support.stored import store_watershed
from tests.support.workers import reach_end


@pytest.fixture
async def sheet_region(
    worker: WorkerContext, sessions: Sessions, linked_watershed: Watershed
) -> None:
    """The watershed, from the mountains to the sea; its vegetation is for its own people."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with sessions.begin() as session:
        await forget_rows(session, ["region", "dataset"])
        await store_watershed(session, worker.artifacts, linked_watershed, closed=["ndvi"])


async def composed(worker: WorkerContext, sessions: Sessions, **inputs: Any) -> Job:
    asked = ComposeMapSheetInputs.model_validate({"region": CODE, **inputs})
    async with sessions.begin() as session:
        who = await add_identity(session, Role.PLANNER, region=CODE)
        job = await submit(session, contract=COMPOSE_MAP_SHEET, inputs=asked, identity=who)
    await worker.dispatcher.dispatch(job.id, 0)
    return await reach_end(worker.sessions, job.id, within_s=120)


@pytest.mark.long
@pytest.mark.usefixtures("sheet_region")
async def test_a_sheet_is_composed_twice_alike_and_is_its_owners_alone(
    worker: WorkerContext, sessions: Sessions
) -> None:
    inputs: dict[str, Any] = {
        "layers": [
            {"kind": "raster", "theme": "land_cover"},
            {"kind": "raster", "theme": "ratio"},
            {"kind": "raster", "theme": "ndvi"},
            {"kind": "features", "collection": "corridors"},
        ],
        "languages": "both",
        "made_on": "2026-11-23",
        "paper": "A3",
    }
    assert isinstance(worker.artifacts, LocalArtifacts)
    sheets = []
    for _ in range(2):
        job = await composed(worker, sessions, **inputs)
        assert job.status == JobStatus.SUCCESSFUL, job.error
        assert job.result is not None
        sheets.append(job.result)
    outputs, other = (sheet["outputs"] for sheet in sheets)
    assert {"sheet", "pdf", "png", "svg"} == set(outputs)
    for name, output in outputs.items():
        assert output["sha256"] == other[name]["sha256"], name
    told = sheets[0]["values"]
    assert {one["code"] for one in told["warnings"]} == {"missing_layer"}
    assert len(told["warnings"]) == 2  # no ratio was computed, and there are no corridors
    sheet = told["sheet"]["value"]
    assert sheet["secrecy"] == "internal"
    assert np.sum([*sheet["layers"][0]["shares_percent"].values()]) == pytest.approx(100.0, abs=0.1)
    content = worker.artifacts.local_path(outputs["pdf"]["uri"]).read_bytes()
    [page] = PdfReader(io.BytesIO(content)).pages
    text = page.extract_text()
    assert "密级 Classification：内部 Internal" in text
    assert "无数据：本区域没有该成果" in text
    async with sessions.begin() as session:
        stranger = await add_identity(session, Role.PLANNER, region=CODE)
        assert await find_job(session, job.id, reader=stranger) is None
