"""A package of a plan on its way through the worker."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from shanhai.db.engine import Sessions
from shanhai.db.plan_packages.layout import about, by_table, member_of
from shanhai.db.tables.job import Job
from shanhai.db.tables.plan import Plan
from shanhai.processes.import_plan.contract import IMPORT_PLAN, ImportPlanInputs
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.storage.reproducible_zip import write_package
from shanhai.vocabulary import JobStatus, Scope
from shanhai_worker.context import WorkerContext
from tests.support.job_rows import add_upload, submit
from tests.support.key_rows import add_identity
from tests.support.workers import reach_end

SCOPES = frozenset({Scope.WRITE, Scope.JOBS})
NOW = "2024-05-06T07:08:09+00:00"


def plan_row(code: str) -> dict[str, object]:
    """A draft without a region, as a row of a package."""
    holding = by_table()["plan"]
    given = {
        "code": code,
        "name_zh": "规划",
        "name_en": "Plan",
        "kind": "special",
        "level": "city",
        "first_year": 2021,
        "status": "draft",
        "version": 1,
        "edition": 1,
        "in_force": "empty",
        "attrs": {"note": 0.1},
        "created_at": NOW,
    }
    row = {item.name: given.get(item.name) for item in holding.kept}
    links: dict[str, Any] = {name: [] if name in holding.lists else None for name in holding.links}
    return {"links": {**links, "lineage_id": 1}, "row": row}


def package(folder: Path, code: str) -> Path:
    rows = folder / "rows"
    rows.write_text(f"[\n{json.dumps(plan_row(code))}\n]\n")
    write_package(folder / "made.zip", about(code), [(member_of(by_table()["plan"]), rows)])
    return folder / "made.zip"


async def imported(worker: WorkerContext, sessions: Sessions, content: bytes) -> Job:
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with sessions.begin() as session:
        who = await add_identity(session, scopes=SCOPES)
        upload = await add_upload(session, who.owner)
        worker.artifacts.upload_path(upload.id).write_bytes(content)
        job = await submit(
            session, contract=IMPORT_PLAN, inputs=ImportPlanInputs(upload=upload.id), identity=who
        )
    await worker.dispatcher.dispatch(job.id, 0)
    return await reach_end(sessions, job.id)


async def test_a_package_is_written_once(
    worker: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    code = f"pack-{datetime.now(UTC):%H%M%S%f}"
    content = package(tmp_path, code).read_bytes()
    job = await imported(worker, sessions, content)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert job.result is not None
    assert job.result["values"]["summary"]["made"] == {"plan": 1}
    async with sessions() as session:
        plan = (await session.scalars(select(Plan).where(Plan.code == code))).one()
    assert (plan.lineage_id, plan.attrs) == (plan.id, {"note": 0.1})
    again = await imported(worker, sessions, content)
    assert again.status == JobStatus.FAILED
    assert again.error is not None
    assert "is there already" in again.error["detail"]


async def test_what_is_no_package_fails_with_the_reason(
    worker: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../etc/passwd", b"x")
    for content in ((tmp_path / "a.zip").read_bytes(), b"PK\x03\x04"):
        job = await imported(worker, sessions, content)
        assert job.status == JobStatus.FAILED
        assert job.error is not None
        assert [fault["pointer"] for fault in job.error["faults"]] == ["/inputs/upload"]
