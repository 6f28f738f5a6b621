"""A file of features on its way through the worker into a collection."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased

from shanhai.db.collections.regions import REGIONS
from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.db.queries.audit_chain import verify_chain
from shanhai.db.queries.keys import revoke_key
from shanhai.db.tables.access import ApiKey
from shanhai.db.tables.job import Job
from shanhai.db.tables.project import Mine
from shanhai.db.tables.zone import Region
from shanhai.errors import Forbidden
from shanhai.processes.import_features.contract import IMPORT_FEATURES, ImportFeaturesInputs
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import JobStatus, Role, Scope
from shanhai_worker.context import WorkerContext
from tests.support.job_rows import add_upload, submit
from tests.support.key_rows import add_identity
from tests.support.workers import reach_end

pytestmark = pytest.mark.long

SCOPES = frozenset({Scope.WRITE, Scope.JOBS})


@pytest.fixture
def prefix() -> str:
    """What the codes of this test begin with."""
    return f"imp{datetime.now(UTC):%H%M%S%f}"


async def imported(
    worker: WorkerContext,
    sessions: Sessions,
    path: Path,
    *,
    identity: Identity | None = None,
    **inputs: Any,
) -> Job:
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with sessions.begin() as session:
        who = identity or await add_identity(session, scopes=SCOPES)
        upload = await add_upload(session, who.owner)
        shutil.copy(path, worker.artifacts.upload_path(upload.id))
        job = await submit(
            session,
            contract=IMPORT_FEATURES,
            inputs=ImportFeaturesInputs(
                upload=upload.id, **{"collection": "regions", "visibility": "public", **inputs}
            ),
            identity=who,
        )
    await worker.dispatcher.dispatch(job.id, 0)
    return await reach_end(sessions, job.id)


def collection(path: Path, prefix: str, *wests: float, name: str = "区") -> Path:
    features = []
    for number, west in enumerate(wests):
        ring = [[west, 24], [west + 0.1, 24], [west + 0.1, 24.1], [west, 24.1], [west, 24]]
        if west < 0:  # a bow tie
            ring = [[118, 24], [118.2, 24.2], [118.2, 24], [118, 24.2], [118, 24]]
        properties = {
            "code": f"{prefix}.{number}",
            "name_zh": f"{name}{number}",
            "name_en": f"Place {number}",
            "level": "district",
        }
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    file = path / "upload"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return file


async def number_of(sessions: Sessions, prefix: str) -> int:
    query = select(func.count()).where(Region.code.startswith(prefix))
    async with sessions() as session:
        return int(await session.scalar(query) or 0)


def summary_of(job: Job) -> dict[str, Any]:
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert job.result is not None
    summary: dict[str, Any] = job.result["values"]["summary"]
    return summary


def report_of(worker: WorkerContext, job: Job) -> dict[str, Any]:
    """The report as it was stored."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    assert job.result is not None
    stored = worker.artifacts.local_path(job.result["outputs"]["report"]["uri"])
    report: dict[str, Any] = json.loads(stored.read_text("utf-8"))
    return report


def tally_of(job: Job) -> tuple[Any, ...]:
    summary = summary_of(job)
    names = ("verdict", "created", "updated", "unchanged", "rejected")
    return tuple(summary[name] for name in names)


async def test_rows_are_created_then_left_alone_then_changed(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    job = await imported(worker, sessions, collection(tmp_path, prefix, 118, 118.2))
    assert tally_of(job) == ("imported", 2, 0, 0, 0)
    assert job.result is not None
    assert {"report", "table", "page"} <= job.result["outputs"].keys()
    again = await imported(worker, sessions, collection(tmp_path, prefix, 118, 118.2))
    assert tally_of(again) == ("imported", 0, 0, 2, 0)
    moved = await imported(worker, sessions, collection(tmp_path, prefix, 118, 118.3))
    assert tally_of(moved) == ("imported", 0, 1, 1, 0)


def below(path: Path, *parents: str | None) -> Path:
    """The collection, each row with the place above it."""
    document = json.loads(path.read_text())
    for one, parent in zip(document["features"], parents, strict=True):
        one["properties"]["parent"] = parent
    path.write_text(json.dumps(document))
    return path


async def test_rows_refer_to_rows_of_the_same_file(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    path = collection(tmp_path, prefix, 118, 118.2, 118.4)
    # The lowest comes first, and the one above all comes last.
    below(path, f"{prefix}.1", f"{prefix}.2", None)
    assert tally_of(await imported(worker, sessions, path)) == ("imported", 3, 0, 0, 0)
    assert tally_of(await imported(worker, sessions, path)) == ("imported", 0, 0, 3, 0)
    parent = aliased(Region)
    query = select(Region.code, parent.code).outerjoin(parent, parent.id == Region.parent_id)
    async with sessions() as session:
        found = await session.execute(query.where(Region.code.startswith(prefix)))
        assert {tuple(row) for row in found} == {
            (f"{prefix}.0", f"{prefix}.1"),
            (f"{prefix}.1", f"{prefix}.2"),
            (f"{prefix}.2", None),
        }
    async with sessions() as session:
        assert (await verify_chain(session)).rows >= 3


@pytest.mark.parametrize(
    ("parents", "rejected"), [((None, "{}.0", "{}.nowhere"), 1), ((None, "{}.2", "{}.1"), 2)]
)
async def test_a_row_that_leads_nowhere_leaves_all_levels_unwritten(
    worker: WorkerContext,
    sessions: Sessions,
    prefix: str,
    tmp_path: Path,
    parents: tuple[str | None, ...],
    rejected: int,
) -> None:
    named = [None if one is None else one.format(prefix) for one in parents]
    path = below(collection(tmp_path, prefix, 118, 118.2, 118.4), *named)
    job = await imported(worker, sessions, path)
    assert tally_of(job) == ("refused", 0, 0, 0, rejected)
    assert {one["rule"] for one in summary_of(job)["rejections"]} == {"reference"}
    assert await number_of(sessions, prefix) == 0
    partly = await imported(worker, sessions, path, mode="valid_rows")
    assert tally_of(partly) == ("partly_imported", 3 - rejected, 0, 0, rejected)
    async with sessions() as session:
        assert (await verify_chain(session)).rows >= 3 - rejected


async def test_a_row_with_a_day_at_an_end_of_the_calendar_is_rejected(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    path = collection(tmp_path, prefix, 118, 118.2, 118.4)
    document = json.loads(path.read_text())
    for feature, day in zip(
        document["features"], ("0001-01-02", "9999-12-31", "0001-01-01"), strict=True
    ):
        feature["properties"]["valid_from"] = day
    path.write_text(json.dumps(document))
    job = await imported(worker, sessions, path, mode="valid_rows")
    assert tally_of(job) == ("partly_imported", 1, 0, 0, 2)
    findings = report_of(worker, job)["findings"]
    assert [(one["row"], one["member"]) for one in findings] == [
        (2, "valid_from"),
        (3, "valid_from"),
    ]
    assert "9999-12-31" in str(findings[0])
    assert "leave an open end out (null)" in str(findings[0])


async def test_fields_of_its_own_are_added_to_those_of_former_files(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    async def fields_after(tally: tuple[int, int, int], **given: Any) -> Any:
        path = collection(tmp_path, prefix, 118)
        document = json.loads(path.read_text())
        document["features"][0]["properties"] |= given
        path.write_text(json.dumps(document))
        assert tally_of(await imported(worker, sessions, path))[1:4] == tally
        async with sessions() as session:
            query = select(Region.attrs["fields"]).where(Region.code == f"{prefix}.0")
            return await session.scalar(query)

    made = {"DLBM": "0301", "TBMJ": 12.5}
    new, changed, same = (1, 0, 0), (0, 1, 0), (0, 0, 1)
    assert await fields_after(new, **made) == made
    assert await fields_after(changed, **{'it\'s : a "name"': 1}) == {
        **made,
        'it\'s : a "name"': 1,
    }
    assert await fields_after(changed, **{"TBMJ": 13, 'it\'s : a "name"': None}) == {
        "DLBM": "0301",
        "TBMJ": 13,
    }
    assert await fields_after(same, TBMJ=13) == {"DLBM": "0301", "TBMJ": 13}
    assert await fields_after(same) == {"DLBM": "0301", "TBMJ": 13}
    # A column `fields` has all there is to be.
    assert await fields_after(changed, fields={"A": 1}, B=2) == {"A": 1, "B": 2}
    assert await fields_after(changed, A=None, B=None) is None
    assert await fields_after(changed, B=3) == {"B": 3}
    assert await fields_after(changed, fields=None) is None


async def test_what_everybody_would_see_takes_an_explicit_wish(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    path = collection(tmp_path, prefix, 118, 118.2)
    job = await imported(worker, sessions, path, visibility="region")
    assert tally_of(job) == ("refused", 0, 0, 0, 2)
    refused = summary_of(job)["rejections"]
    assert {one["rule"] for one in refused} == {"visibility"}
    assert refused[0]["detail_zh"].startswith(f"“{REGIONS.title.zh}”")
    assert summary_of(job)["by_rule"] == {"visibility": 2}
    report = report_of(worker, job)
    assert (report["summary"]["passed"], report["summary"]["rejected"]) == (0, 2)
    assert [(one["row"], one["rule"]) for one in report["findings"]] == [
        *((1, "visibility"), (2, "visibility"))
    ]
    assert await number_of(sessions, prefix) == 0
    await imported(worker, sessions, path)
    again = await imported(worker, sessions, path, visibility="region")
    assert tally_of(again) == ("imported", 0, 0, 2, 0)


async def test_one_bad_row_leaves_all_unwritten(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    job = await imported(worker, sessions, collection(tmp_path, prefix, 118, -1))
    assert tally_of(job) == ("refused", 0, 0, 0, 1)
    assert await number_of(sessions, prefix) == 0


async def test_valid_rows_are_written_without_the_bad_one(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    path = collection(tmp_path, prefix, 118, -1)
    job = await imported(worker, sessions, path, mode="valid_rows")
    assert tally_of(job) == ("partly_imported", 1, 0, 0, 1)
    assert await number_of(sessions, prefix) == 1


async def test_region_scope_of_who_asked_holds(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    async with sessions.begin() as session:
        stranger = await add_identity(session, Role.PLANNER, region="elsewhere", scopes=SCOPES)
    job = await imported(worker, sessions, collection(tmp_path, prefix, 118), identity=stranger)
    assert summary_of(job)["rejections"][0]["rule"] == "authority"
    assert await number_of(sessions, prefix) == 0


async def test_a_check_tells_what_an_import_would_and_writes_nothing(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    await imported(worker, sessions, collection(tmp_path, prefix, 118, 118.2))
    ahead = collection(tmp_path, prefix, 118, 118.3, 118.4, -1)
    job = await imported(worker, sessions, ahead, mode="check")
    assert tally_of(job) == ("checked", 1, 1, 1, 1)
    assert summary_of(job)["columns"][0] == "code"
    lost = below(collection(tmp_path, prefix, 118, 118.4), None, "nowhere")
    job = await imported(worker, sessions, lost, mode="check")
    assert tally_of(job) == ("checked", 0, 0, 1, 1)
    assert summary_of(job)["passed"] == 1
    told = [one for one in report_of(worker, job)["findings"] if one["severity"] == "error"]
    assert [(one["row"], one["rule"], one["member"]) for one in told] == [
        (2, "reference", "parent")
    ]
    async with sessions.begin() as session:
        stranger = await add_identity(session, Role.PLANNER, region="elsewhere", scopes=SCOPES)
    ahead = collection(tmp_path, prefix, 118, 118.3, 118.4)
    job = await imported(worker, sessions, ahead, mode="check", identity=stranger)
    assert summary_of(job)["by_rule"] == {"authority": 2}
    assert await number_of(sessions, prefix) == 2
    again = await imported(worker, sessions, collection(tmp_path, prefix, 118, 118.2))
    assert tally_of(again) == ("imported", 0, 0, 2, 0)
    # The chain of the audit log holds over what was taken back.
    moved = await imported(worker, sessions, collection(tmp_path, prefix, 118, 118.3))
    assert tally_of(moved) == ("imported", 0, 1, 1, 0)
    async with sessions() as session:
        assert (await verify_chain(session)).rows >= 3


async def test_a_check_of_a_file_without_codes_tells_of_no_change(
    worker: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    (tmp_path / "upload").write_text("DM,MC\n1,区\n")
    job = await imported(worker, sessions, tmp_path / "upload", mode="check")
    assert tally_of(job) == ("checked", 0, 0, 0, 1)
    assert summary_of(job)["kept"] == {}
    assert [one["rule"] for one in report_of(worker, job)["findings"]] == ["unreadable"]


async def test_rights_taken_away_meanwhile_write_nothing(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    async with sessions.begin() as session:
        leaver = await add_identity(session, scopes=SCOPES)
        reader = await add_identity(session, scopes=SCOPES)
    upload = collection(tmp_path, prefix, 118)
    async with sessions.begin() as session:
        await revoke_key(session, leaver.owner.removeprefix("key:"), act=Act("tester"))
        key = update(ApiKey).where(ApiKey.prefix == reader.owner.removeprefix("key:"))
        await session.execute(key.values(scopes=[Scope.READ.value]))
    for identity, reason in ((leaver, "has ended"), (reader, "scope write is needed")):
        job = await imported(worker, sessions, upload, identity=identity)
        assert job.status == JobStatus.FAILED
        assert job.error is not None
        assert (job.error["class"], reason in job.error["detail"]) == ("invalid", True)
    assert await number_of(sessions, prefix) == 0


async def test_who_may_not_write_is_told_before_the_job_is_accepted(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    reader = Identity("tester", frozenset({Scope.READ, Scope.JOBS}))
    with pytest.raises(Forbidden):
        await imported(worker, sessions, collection(tmp_path, prefix, 118), identity=reader)


async def test_a_file_that_cannot_be_read_fails_the_job(
    worker: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    (tmp_path / "upload").write_bytes(b"\x00 nothing")
    job = await imported(worker, sessions, tmp_path / "upload")
    assert job.status == JobStatus.FAILED
    assert job.error is not None
    assert [fault["pointer"] for fault in job.error["faults"]] == ["/inputs/upload"]


MINES_OF_A_BUREAU = {
    "KSBH": "code",
    "KSMC": "name_zh",
    "EN": "name_en",
    "LX": "kind",
    "QH": "region",
    "KZ": "minerals",
    "MJ": "area_ha",
    "QCNF": "listed_year",
}


async def test_an_inventory_of_mines_comes_as_a_table_by_a_mapping(
    worker: WorkerContext, sessions: Sessions, prefix: str, tmp_path: Path
) -> None:
    await imported(worker, sessions, collection(tmp_path, prefix, 118))
    file = tmp_path / "mines"
    head = ",".join(MINES_OF_A_BUREAU)
    row = f'{prefix}.m{{0}},采石坑,Quarry,{{1}},{prefix}.0,"[""石灰岩""]",{{2}},2020'

    async def sent(*lines: str) -> Job:
        file.write_text("\n".join([head, *lines]))
        return await imported(worker, sessions, file, collection="mines", mapping=MINES_OF_A_BUREAU)

    wrong = await sent(
        row.format(1, "legacy", 12.6), row.format(2, "sunken", 3), row.format(3, "legacy", -1)
    )
    assert tally_of(wrong) == ("refused", 0, 0, 0, 2)
    bare = await sent(row.format(4, "producing", 5))
    members = [one["member"] for one in summary_of(bare)["rejections"]]
    assert members == ["owner", "licence"]
    right = await sent(row.format(1, "legacy", 12.6), row.format(2, "legacy", 3))
    assert tally_of(right) == ("imported", 2, 0, 0, 0)
    again = await sent(row.format(1, "legacy", 12.6), row.format(2, "legacy", 3.5))
    assert tally_of(again) == ("imported", 0, 1, 1, 0)
    async with sessions() as session:
        query = select(Mine).where(Mine.code.startswith(prefix)).order_by(Mine.code)
        kept = [(one.area_ha, one.minerals, one.state) for one in await session.scalars(query)]
    assert [(float(area or 0), *rest) for area, *rest in kept] == [
        (12.6, ["石灰岩"], "open"),
        (3.5, ["石灰岩"], "open"),
    ]
