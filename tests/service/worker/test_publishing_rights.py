"""What a job shows to everybody takes an approver: when it is asked for, and when it publishes."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from shanhai.data.synthetic_watershed import CODE, Watershed
from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.tables.access import ApiKey
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job, JobDataset
from shanhai.db.tables.zone import Region, Zone, ZoneScheme
from shanhai.errors import Conflict, Forbidden
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES, DelineateZonesInputs
from shanhai.processes.evaluate_ecosystem.contract import (
    EVALUATE_ECOSYSTEM,
    EvaluateEcosystemInputs,
)
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import SUPPLY_DEMAND, JobStatus, Role, Scope
from shanhai_worker.context import WorkerContext
from tests.support.job_rows import submit
from tests.support.key_rows import add_identity
from tests.support.stored import store_watershed
from tests.support.workers import reach_end

SCHEME = f"{CODE}.supply_demand"


# A lease that lasts while a zoning keeps the machine busy.
pytestmark = [pytest.mark.configured(slots=1, lease_s=60, renew_s=5), pytest.mark.long]


async def forget(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        for table in (Zone, ZoneScheme, JobDataset, Dataset):
            await session.execute(delete(table))
        await session.execute(delete(Region).where(Region.code.startswith(CODE)))


@pytest.fixture
async def zoned_region(
    worker: WorkerContext, sessions: Sessions, small_evaluated_watershed: Watershed
) -> None:
    """The watershed as a region with its datasets, and a zoning in force."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    await forget(sessions)
    async with sessions.begin() as session:
        region = await store_watershed(session, worker.artifacts, small_evaluated_watershed)
        session.add(version(region, 1, "published"))


def version(region: Region, number: int, status: str) -> ZoneScheme:
    return ZoneScheme(
        code=SCHEME,
        name_zh="分区",
        name_en="Zones",
        region_id=region.id,
        kind=SUPPLY_DEMAND,
        origin="drawn",
        status=status,
        version=number,
        valid_from=datetime(2020, 1, 1, tzinfo=UTC).date() if status == "published" else None,
    )


async def someone(sessions: Sessions, *roles: Role, region: str | None = CODE) -> Identity:
    async with sessions.begin() as session:
        return await add_identity(session, *roles, region=region)


def zoning(**more: Any) -> DelineateZonesInputs:
    return DelineateZonesInputs.model_validate({"region": CODE, "cell_m": 100, **more})


def evaluation(**more: Any) -> EvaluateEcosystemInputs:
    return EvaluateEcosystemInputs.model_validate(
        {"region": CODE, "cell_m": 100, "themes": ["carbon"], **more}
    )


async def asked(
    worker: WorkerContext,
    identity: Identity,
    inputs: DelineateZonesInputs | EvaluateEcosystemInputs,
) -> Job:
    zones = isinstance(inputs, DelineateZonesInputs)
    async with worker.sessions.begin() as session:
        return await submit(
            session,
            contract=DELINEATE_ZONES if zones else EVALUATE_ECOSYSTEM,
            inputs=inputs,
            identity=identity,
        )


async def done(worker: WorkerContext, job: Job) -> dict[str, Any]:
    await worker.dispatcher.dispatch(job.id, 0)
    ended = await reach_end(worker.sessions, job.id, within_s=120)
    assert ended.status == JobStatus.SUCCESSFUL, ended.error
    assert ended.result is not None
    values: dict[str, Any] = ended.result["values"]
    return values


async def versions(sessions: Sessions) -> dict[int, str]:
    async with sessions() as session:
        query = select(ZoneScheme.version, ZoneScheme.status).where(ZoneScheme.code == SCHEME)
        return dict((await session.execute(query)).all())


async def shown(sessions: Sessions, job: Job) -> set[str]:
    async with sessions() as session:
        return set(
            await session.scalars(select(Dataset.visibility).where(Dataset.job_id == job.id))
        )


def told(values: dict[str, Any]) -> list[str]:
    return [one["detail"] for one in values["warnings"] if one["code"] == "not_published"]


@pytest.mark.usefixtures("zoned_region")
async def test_who_may_not_approve_puts_nothing_in_force(
    worker: WorkerContext, sessions: Sessions
) -> None:
    for identity in (
        await someone(sessions, Role.ANALYST),
        await someone(sessions, Role.PLANNER),
        await someone(sessions, Role.PLANNER, Role.APPROVER, region="elsewhere"),
        Identity("key:runner", frozenset({Scope.JOBS})),
    ):
        for inputs in (zoning(publish=True), evaluation(publish=True)):
            with pytest.raises(Forbidden):
                await asked(worker, identity, inputs)
    analyst = await someone(sessions, Role.ANALYST)
    values = await done(worker, await asked(worker, analyst, zoning()))
    assert values["status"] == "draft"
    assert told(values) == []
    assert await versions(sessions) == {1: "published", 2: "draft"}
    job = await asked(worker, analyst, evaluation())
    await done(worker, job)
    assert await shown(sessions, job) == {"region"}
    await forget(sessions)


@pytest.mark.usefixtures("zoned_region")
async def test_an_approver_publishes_unless_an_approved_version_waits(
    worker: WorkerContext, sessions: Sessions
) -> None:
    approver = await someone(sessions, Role.ANALYST, Role.APPROVER)
    early = await asked(worker, approver, zoning(publish=True))
    async with sessions.begin() as session:
        region = await session.scalar(select(Region).where(Region.code == CODE))
        assert region is not None
        session.add(version(region, 2, "approved"))
    with pytest.raises(Conflict, match=r"version 2 of .* is approved and waits") as refused:
        await asked(worker, approver, zoning(publish=True))
    assert [fault.pointer for fault in refused.value.faults] == ["/inputs/publish"]
    # It was approved after the job had been asked for.
    values = await done(worker, early)
    assert values["status"] == "draft"
    assert "version 2 of" in told(values)[0]
    assert await versions(sessions) == {1: "published", 2: "approved", 3: "draft"}
    assert await shown(sessions, early) == {"region"}
    async with sessions.begin() as session:
        sent_back = update(ZoneScheme).where(ZoneScheme.version == 2).values(status="draft")
        await session.execute(sent_back)
    later = await asked(worker, approver, zoning(publish=True))
    values = await done(worker, later)
    assert values["status"] == "published"
    assert await versions(sessions) == {1: "superseded", 2: "draft", 3: "draft", 4: "published"}
    async with sessions.begin() as session:
        until = date(datetime.now(UTC).year + 2, 1, 1)
        closed = update(ZoneScheme).where(ZoneScheme.version == 4)
        await session.execute(closed.values(status="superseded", valid_to=until))
        to_come = update(ZoneScheme).where(ZoneScheme.version == 2)
        await session.execute(to_come.values(status="published", valid_from=until))
    with pytest.raises(Conflict, match=rf"version 2 of .* is published from {until} on"):
        await asked(worker, approver, zoning(publish=True))
    assert await shown(sessions, later) == {"public"}
    await forget(sessions)


@pytest.mark.usefixtures("zoned_region")
@pytest.mark.parametrize("loss", ["role", "revoked", "expired"])
async def test_rights_taken_away_meanwhile_leave_a_draft(
    worker: WorkerContext, sessions: Sessions, loss: str
) -> None:
    approver = await someone(sessions, Role.ANALYST, Role.APPROVER)
    job = await asked(worker, approver, evaluation(publish=True))
    async with sessions.begin() as session:
        key = update(ApiKey).where(ApiKey.prefix == approver.owner.removeprefix("key:"))
        now = datetime.now(UTC)
        await session.execute(
            {
                "role": key.values(roles=[{"role": "analyst", "region": CODE}]),
                "revoked": key.values(revoked_at=now),
                "expired": key.values(expires_at=now),
            }[loss]
        )
    values = await done(worker, job)
    assert await shown(sessions, job) == {"region"}
    assert values["layers"]["carbon"] == f"carbon.{job.id}"
    reason = "approver is needed" if loss == "role" else "has ended"
    assert reason in told(values)[0]
    await forget(sessions)


@pytest.mark.usefixtures("zoned_region")
async def test_a_key_bound_to_networks_publishes_though_the_worker_has_no_address(
    worker: WorkerContext, sessions: Sessions
) -> None:
    approver = await someone(sessions, Role.ANALYST, Role.APPROVER)
    job = await asked(worker, approver, evaluation(publish=True))
    async with sessions.begin() as session:
        key = update(ApiKey).where(ApiKey.prefix == approver.owner.removeprefix("key:"))
        await session.execute(key.values(networks=["192.0.2.0/24"]))
    values = await done(worker, job)
    assert told(values) == []
    assert await shown(sessions, job) == {"public"}
    await forget(sessions)
