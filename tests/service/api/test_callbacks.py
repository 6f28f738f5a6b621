"""Subscribers of jobs: whom the request may name, and what is written for them."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.delivery import Delivery
from shanhai.db.tables.job import Job
from shanhai.jobs import states
from shanhai.settings import OutgoingSettings
from tests.support.emptying import forget_rows
from tests.support.job_rows import claim_job

ECHO = "/processes/echo/execution"
CALLBACK = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/callback"
ASYNC = {"Prefer": "respond-async"}
SUBSCRIBER = {
    "successUri": "https://hooks.example.org/done?k=1",
    "inProgressUri": "https://hooks.example.org/running",
    "failedUri": "https://hooks.example.org/failed",
}


pytestmark = pytest.mark.configured(outgoing=OutgoingSettings(hosts=("hooks.example.org",)))


def asked(**subscriber: Any) -> dict[str, Any]:
    return {"inputs": {"message": "x"}, "subscriber": {**SUBSCRIBER, **subscriber}}


async def written(session: AsyncSession) -> list[tuple[str, str]]:
    query = select(Delivery).order_by(Delivery.created_at)
    return [(row.event_type, row.target) for row in await session.scalars(query)]


async def test_declared_where_hosts_are_listed(anonymous: httpx.AsyncClient) -> None:
    assert CALLBACK in (await anonymous.get("/conformance")).json()["conformsTo"]


async def test_told_with_each_change_of_state(
    runner: httpx.AsyncClient, session: AsyncSession
) -> None:
    await forget_rows(session, ["delivery"])
    await session.commit()
    made = await runner.post(f"{ECHO}?lang=en", json=asked(), headers=ASYNC)
    assert made.status_code == 201, made.text
    job = (await session.scalars(select(Job))).one()
    assert job.subscriber == {**SUBSCRIBER, "lang": "en"}
    # Addresses may hold what proves who may write there.
    assert "hooks.example.org" not in (await runner.get(f"/jobs/{job.id}")).text
    assert await written(session) == []
    claim = await claim_job(session, worker="w", lease_s=60)
    assert claim is not None
    await states.hand_back(session, claim.lease)
    again = await claim_job(session, worker="w", lease_s=60)
    assert again is not None
    await session.commit()
    # Another attempt is no news.
    assert await written(session) == [("job.running", SUBSCRIBER["inProgressUri"])]
    assert await states.crash(session, again.lease, max_crashes=1) == "failed"
    await session.commit()
    assert (await written(session))[1:] == [("job.failed", SUBSCRIBER["failedUri"])]


async def test_a_job_dismissed_while_it_waits(
    runner: httpx.AsyncClient, session: AsyncSession
) -> None:
    await forget_rows(session, ["delivery"])
    await session.commit()
    made = await runner.post(ECHO, json=asked(), headers=ASYNC)
    assert (await runner.delete(f"/jobs/{made.json()['jobID']}")).status_code == 200
    assert await written(session) == [("job.dismissed", SUBSCRIBER["failedUri"])]


@pytest.mark.parametrize(
    ("subscriber", "pointer"),
    [
        ({"successUri": "http://hooks.example.org/"}, "/subscriber/successUri"),
        ({"failedUri": "https://elsewhere.example/"}, "/subscriber/failedUri"),
        ({"inProgressUri": "https://127.0.0.1/"}, "/subscriber/inProgressUri"),
        ({"successUri": "https://hooks.example.org/" + "x" * 2000}, "/subscriber/successUri"),
        ({"doneUri": "https://hooks.example.org/"}, "/subscriber/doneUri"),
    ],
)
async def test_others_are_refused(
    runner: httpx.AsyncClient, session: AsyncSession, subscriber: dict[str, Any], pointer: str
) -> None:
    refused = await runner.post(ECHO, json=asked(**subscriber), headers=ASYNC)
    assert refused.status_code == 400, refused.text
    assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]
    assert (await session.scalars(select(Job))).all() == []
