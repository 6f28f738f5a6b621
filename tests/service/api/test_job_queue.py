"""What callers may ask of the queue: priority, one job for equal requests, a second try."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key, prefix_of
from shanhai.settings import QueueSettings, RedisSettings
from shanhai.vocabulary import Role, Scope
from tests.service.api.conftest import MakeClient
from tests.support.feature_rows import add_job
from tests.support.job_rows import add_region

EXECUTION = "/processes/echo/execution"
ASYNC = {"Prefer": "respond-async"}
WAITING_LIMIT = 3

pytestmark = pytest.mark.configured(queue=QueueSettings(queue_waiting=WAITING_LIMIT))


def failure(kind: str) -> dict[str, Any]:
    titles = {"title": "x", "title_zh": "x", "detail": "it broke", "detail_zh": "断了"}
    return {"class": kind, **titles, "faults": []}


async def execute(client: httpx.AsyncClient, **asked: Any) -> httpx.Response:
    body = {"inputs": {"message": "hello"}, **asked}
    return await client.post(EXECUTION, json=body, headers=ASYNC)


def owner_of(client: httpx.AsyncClient) -> str:
    return f"key:{prefix_of(client.headers['Authorization'].removeprefix('Bearer '))}"


class TestUnique:
    async def test_an_equal_request_is_given_the_first_job(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        first = await execute(runner, unique=True)
        assert first.status_code == 201
        second = await execute(runner, unique=3600)
        assert second.status_code == 200
        assert second.headers["Location"] == first.headers["Location"]
        assert second.json()["jobID"] == first.json()["jobID"]
        third = await execute(runner)
        assert third.status_code == 201
        assert third.json()["jobID"] != first.json()["jobID"]

    @pytest.mark.parametrize("unique", [-1, "yes", 1e12, 1.5, None])
    async def test_what_it_must_be(
        self, runner: httpx.AsyncClient, session: AsyncSession, unique: object
    ) -> None:
        answer = await execute(runner, unique=unique)
        assert answer.status_code == 400
        assert "/unique" in str(answer.json()["errors"])


class TestPriority:
    async def test_it_is_told(self, runner: httpx.AsyncClient, session: AsyncSession) -> None:
        told = [(await execute(runner, priority=name)).json() for name in ("low", "high")]
        assert [job["priority"] for job in told] == [2, 8]

    async def test_an_unknown_one_is_refused(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        answer = await execute(runner, priority="urgent")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/priority"


async def test_inputs_are_told_to_who_sent_them(
    runner: httpx.AsyncClient, admin: httpx.AsyncClient, client_with: MakeClient
) -> None:
    job = (await execute(runner)).json()["jobID"]
    for reader in (runner, admin):
        told = await reader.get(f"/jobs/{job}/inputs")
        assert told.json() == {"process": "echo", "inputs": {"message": "hello"}}
    other = await client_with(Scope.READ, Scope.JOBS)
    assert (await other.get(f"/jobs/{job}/inputs")).status_code in {403, 404}
    assert (await admin.get(f"/jobs/{uuid4()}/inputs")).status_code == 404


async def test_a_job_is_called_as_its_inputs_call_it(
    admin: httpx.AsyncClient, session: AsyncSession
) -> None:
    names: tuple[dict[str, Any], ...] = (
        {"name_zh": "甲", "name_en": "A"},
        {"name_zh": "乙"},
        {"name_zh": 3},
        {},
    )
    jobs = [await add_job(session, kind="run-scenario", inputs=inputs) for inputs in names]
    await session.commit()
    told = [(await admin.get(f"/jobs/{job.id}?lang=en")).json() for job in jobs]
    assert [one.get("title") for one in told] == ["A", "乙", None, None]


async def test_a_caller_with_too_many_jobs_is_told_to_wait(
    runner: httpx.AsyncClient, client_with: MakeClient, session: AsyncSession
) -> None:
    for _ in range(WAITING_LIMIT):
        assert (await execute(runner)).status_code == 201
    answer = await execute(runner)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "10"
    assert answer.json()["type"] == "urn:problem-type:shanhai:too-many-jobs"
    other = await client_with(Scope.READ, Scope.JOBS)
    assert (await execute(other)).status_code == 201


class TestRetry:
    async def test_dead_jobs_are_listed_until_they_are_tried_again(
        self, admin: httpx.AsyncClient, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        task = {"process": "echo", "inputs": {"message": "hello"}}
        broken, lost, *_ = [
            await add_job(
                session,
                kind="echo",
                status="failed",
                error=failure(cause),
                task=task,
                requested_by=owner_of(runner),
            )
            for cause in ("transient", "lost", "invalid", "resource")
        ]
        await session.commit()

        async def dead() -> set[str]:
            jobs = (await admin.get("/jobs?dead=true")).json()["jobs"]
            return {job["jobID"] for job in jobs}

        assert await dead() == {str(broken.id), str(lost.id)}
        again = await runner.post(f"/jobs/{broken.id}/retry", headers={"Idempotency-Key": "k"})
        assert again.status_code == 201, again.text
        told = again.json()
        assert (told["status"], told["retryOf"]) == ("accepted", str(broken.id))
        assert again.headers["Location"].endswith(f"/jobs/{told['jobID']}")
        assert await dead() == {str(lost.id)}
        page = (await admin.get("/jobs?dead=true&f=html&lang=en")).text
        assert f"/jobs/{lost.id}?" in page
        assert f"/jobs/{broken.id}?" not in page
        assert "Process lost" in page
        shown = (await runner.get(f"/jobs/{told['jobID']}?f=html&lang=zh")).text
        former = re.search(
            rf'<dt>重试的作业</dt><dd><a href="[^"]*/jobs/{broken.id}\?[^"]*">(.*?)</a>', shown
        )
        assert former is not None
        assert former[1].startswith("回显 · 20"), former[1]
        repeated = await runner.post(f"/jobs/{broken.id}/retry", headers={"Idempotency-Key": "k"})
        assert repeated.json()["jobID"] == told["jobID"]
        twice = await runner.post(f"/jobs/{broken.id}/retry")
        assert twice.status_code == 409
        assert told["jobID"] in twice.json()["detail"]
        assert (await admin.post(f"/jobs/{lost.id}/retry")).status_code == 201

    async def test_who_computes_no_more_in_the_region_does_not_try_again(
        self, anonymous: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        """A task that was accepted before the role was lost reads the region's data."""
        for code in ("here", "elsewhere"):
            await add_region(session, code)
        roles, scopes = [RoleGiven(Role.PLANNER, "elsewhere")], [Scope.READ, Scope.JOBS]
        key = await create_key(session, name="moved", scopes=scopes, roles=roles)
        job = await add_job(
            session,
            kind="echo",
            status="failed",
            error=failure("lost"),
            inputs={"message": "hello", "region": "here"},
            task={"process": "echo", "inputs": {"message": "hello"}},
            requested_by=f"key:{prefix_of(key)}",
        )
        await session.commit()
        answer = await anonymous.post(
            f"/jobs/{job.id}/retry", headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.status_code == 403, answer.text

    async def test_what_goes_on_or_is_somebody_elses_is_not_tried_again(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        mine = (await execute(runner)).json()["jobID"]
        assert (await runner.post(f"/jobs/{mine}/retry")).status_code == 409
        others = await add_job(session, kind="echo", status="failed", error=failure("lost"))
        await session.commit()
        assert (await runner.post(f"/jobs/{others.id}/retry")).status_code == 403
        assert (await runner.post(f"/jobs/{uuid4()}/retry")).status_code == 404


async def test_a_job_that_waits_to_be_tried_again_says_why(
    runner: httpx.AsyncClient, session: AsyncSession
) -> None:
    waiting = await add_job(
        session,
        kind="echo",
        requested_by=owner_of(runner),
        held="retry",
        error=failure("transient"),
    )
    await session.commit()
    told = (await runner.get(f"/jobs/{waiting.id}?lang=zh")).json()
    assert told["message"] == "等待重试：断了"
    assert "exception" not in told


@pytest.mark.configured(redis=RedisSettings(), queue=QueueSettings(queue="postgres"))
class TestWithoutRedis:
    async def test_jobs_are_accepted_and_nothing_is_missed(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        assert (await execute(runner)).status_code == 201
        ready = await runner.get("/health/ready")
        assert ready.status_code == 200
        assert "redis" not in ready.json()["checks"]
