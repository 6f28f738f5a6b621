"""Processes: what they say of themselves, and how a job is asked for."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from openapi_schema_validator import OAS30Validator
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.job import Job
from shanhai.jobs import states
from shanhai.processes.catalogue import CONTRACTS
from shanhai_api.kit.state import ServiceState
from tests.support.job_rows import add_region, claim_job
from tests.support.serving import PATIENCE_S

ECHO = "/processes/echo/execution"
ZONES = "/processes/delineate-zones/execution"
ASYNC = {"Prefer": "respond-async"}
NO_SUCH_PROCESS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-process"


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 400, answer.text
    return sorted(fault["pointer"] for fault in answer.json()["errors"])


async def count_jobs(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Job)) or 0


async def finish_next(state: ServiceState, result: dict[str, Any]) -> None:
    """Play the worker: take the next job as soon as it waits, and end it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with state.sessions.begin() as session:
                claim = await claim_job(session, worker="test", lease_s=30)
                if claim is not None:
                    await states.succeed(session, claim.lease, result=result)
                    return
            await asyncio.sleep(0.02)


class TestDescriptions:
    async def test_list_names_the_processes(self, anonymous: httpx.AsyncClient) -> None:
        listed = (await anonymous.get("/processes")).json()["processes"]
        assert [item["id"] for item in listed] == list(CONTRACTS)
        assert len((await anonymous.get("/processes?limit=1")).json()["processes"]) == 1

    async def test_inputs_are_described_by_schemas(self, anonymous: httpx.AsyncClient) -> None:
        for process in ("echo", "import-dataset", "assess-ecoservices", "delineate-zones"):
            described = (await anonymous.get(f"/processes/{process}")).json()
            assert described["inputs"]
            for name, item in described["inputs"].items():
                OAS30Validator.check_schema(item["schema"])
                assert "$ref" not in str(item["schema"]), name
                assert item["minOccurs"] in {0, 1}
            assert described["outputs"]

    async def test_methods_are_described_with_their_numbers_and_ways(
        self, anonymous: httpx.AsyncClient
    ) -> None:
        for lang, title in (("en", "Cooling"), ("zh", "降温效益")):
            described = (await anonymous.get(f"/processes/assess-ecoservices?lang={lang}")).json()
            cooling = described["inputs"]["ecoservices"]["schema"]["properties"]["cooling"]
            assert cooling["title"] == title
            members = cooling["properties"]
            assert members["method"]["enum"] == ["ucm", "lst", "index"]
            number = members["parameters"]["properties"]["uhi_max"]
            assert (number["default"], number["maximum"]) == (3.5, 15)
            assert members["tables"]["properties"]["shade"]["properties"]["2"]["default"] == 0.85

    async def test_descriptions_follow_the_language(self, anonymous: httpx.AsyncClient) -> None:
        english = (await anonymous.get("/processes/delineate-zones")).json()
        chinese = (await anonymous.get("/processes/delineate-zones?lang=zh")).json()
        assert english["inputs"]["region"]["description"] == "Region code"
        assert chinese["inputs"]["region"]["description"] == "区域代码"

    async def test_only_echo_runs_synchronously(self, anonymous: httpx.AsyncClient) -> None:
        listed = (await anonymous.get("/processes")).json()["processes"]
        options = {item["id"]: item["jobControlOptions"] for item in listed}
        assert "sync-execute" in options["echo"]
        assert "sync-execute" not in options["delineate-zones"]

    async def test_unknown_process(
        self, anonymous: httpx.AsyncClient, runner: httpx.AsyncClient
    ) -> None:
        for answer in (
            await anonymous.get("/processes/nothing"),
            await runner.post("/processes/nothing/execution", json={"inputs": {}}),
        ):
            assert answer.status_code == 404
            assert answer.json()["type"] == NO_SUCH_PROCESS


class TestAcceptance:
    async def test_job_is_committed_before_the_answer(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        answer = await runner.post(ECHO, json={"inputs": {"message": "山海"}}, headers=ASYNC)
        assert answer.status_code == 201
        assert answer.headers["Preference-Applied"] == "respond-async"
        accepted = answer.json()
        assert accepted["status"] == "accepted"
        assert answer.headers["Location"] == f"http://api.test/jobs/{accepted['jobID']}"
        row = (await session.scalars(select(Job))).one()
        assert str(row.id) == accepted["jobID"]
        assert row.inputs == {"message": "山海"}
        assert row.request_id == answer.headers["X-Request-Id"]
        assert (await runner.get(answer.headers["Location"])).json()["status"] == "accepted"

    async def test_request_is_in_the_audit_log(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        answer = await runner.post(ECHO, json={"inputs": {"message": "x"}}, headers=ASYNC)
        entry = (
            await session.scalars(
                select(AuditLog).where(AuditLog.object_id == answer.json()["jobID"])
            )
        ).one()
        assert entry.action == "submit"
        assert entry.request_id == answer.headers["X-Request-Id"]
        assert entry.actor.startswith("key:")

    async def test_qualified_values_are_understood(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        body = {"inputs": {"message": {"value": "x"}}, "outputs": {"message": {}}}
        assert (await runner.post(ECHO, json=body, headers=ASYNC)).status_code == 201
        assert (await session.scalars(select(Job))).one().inputs == {"message": "x"}

    async def test_echo_waits_for_its_result(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        worker = asyncio.create_task(finish_next(state, {"values": {"message": "山海"}}))
        answer = await runner.post(ECHO, json={"inputs": {"message": "山海"}})
        await worker
        assert answer.status_code == 200
        assert answer.text == "山海"
        assert answer.headers["Content-Type"].startswith("text/plain")
        monitor = answer.links["monitor"]["url"]
        assert (await runner.get(monitor)).json()["status"] == "successful"

    async def test_the_end_is_told_of_and_need_not_be_looked_for(
        self,
        runner: httpx.AsyncClient,
        session: AsyncSession,
        state: ServiceState,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("shanhai_api.jobs.results.POLL_S", 600)
        worker = asyncio.create_task(finish_next(state, {"values": {"message": "山海"}}))
        order = {"inputs": {"message": "山海"}}
        # A look would come after the 20 s that are waited for at most.
        async with asyncio.timeout(15):
            answer = await runner.post(ECHO, json=order)
        await worker
        assert answer.text == "山海"

    async def test_result_as_document(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        worker = asyncio.create_task(finish_next(state, {"values": {"message": "山海"}}))
        body = {"inputs": {"message": "山海"}, "response": "document"}
        answer = await runner.post(ECHO, json=body)
        await worker
        assert answer.json() == {"message": "山海"}

    async def test_wait_ends_in_time(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        answer = await runner.post(
            ECHO, json={"inputs": {"message": "x"}}, headers={"Prefer": "respond-async, wait=1"}
        )
        assert answer.status_code == 201
        assert answer.headers["Preference-Applied"] == "respond-async, wait=1"


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"inputs": {}}, "/inputs"),
            ({}, "/inputs"),
            ({"inputs": {"message": 5}}, "/inputs/message"),
            ({"inputs": {"message": None}}, "/inputs"),
            ({"inputs": {"message": "x", "pause": -1}}, "/inputs/pause"),
            ({"inputs": {"message": "x", "pause": "1"}}, "/inputs/pause"),
            ({"inputs": {"message": "x", "loud": True}}, "/inputs/loud"),
            ({"inputs": {"message": {"href": "http://127.0.0.1/"}}}, "/inputs/message"),
            ({"inputs": {"message": "x" * 10_001}}, "/inputs/message"),
            ({"inputs": []}, "/inputs"),
            ({"inputs": {"message": "x"}, "outputs": {"noise": {}}}, "/outputs/noise"),
            ({"inputs": {"message": "x"}, "response": "loud"}, "/response"),
            ({"inputs": {"message": "x"}, "subscriber": {}}, "/subscriber"),
            ({"inputs": {"message": "x"}, "subscriber": {"failedUri": 5}}, "/subscriber/failedUri"),
            (
                {"inputs": {"message": "x"}, "subscriber": {"successUri": "https://a.example/"}},
                "/subscriber/successUri",
            ),
            ([], ""),
            ("text", ""),
        ],
    )
    async def test_broken_rule_is_pointed_at(
        self, runner: httpx.AsyncClient, session: AsyncSession, body: Any, pointer: str
    ) -> None:
        assert pointers(await runner.post(ECHO, json=body)) == [pointer]
        assert await count_jobs(session) == 0

    @pytest.mark.parametrize(
        ("inputs", "pointer"),
        [
            ({"region": "atlantis"}, "/inputs/region"),
            ({"region": "/vsicurl/http://x"}, "/inputs/region"),
            ({"region": "city", "crs": "EPSG:4490"}, "/inputs/crs"),
            ({"region": "city", "crs": "file:///etc/passwd"}, "/inputs/crs"),
            ({"region": "city", "parameters": {"k": 1}}, "/inputs/parameters/k"),
            ({"region": "city", "parameters": {"k": 11}}, "/inputs/parameters/k"),
            ({"region": "city", "parameters": {"k": 2.5}}, "/inputs/parameters/k"),
            ({"region": "city", "cell_m": 1}, "/inputs/cell_m"),
            ({"region": "city", "datasets": {"weather": "x"}}, "/inputs/datasets/weather"),
            ({"region": "city", "datasets": {"dem": "nobody"}}, "/inputs/datasets/dem"),
            ({"region": "city", "plan": "nothing"}, "/inputs/plan"),
            ({"region": "city"}, "/inputs/datasets/npp"),
        ],
    )
    async def test_main_job_refuses_what_it_cannot_do(
        self,
        runner: httpx.AsyncClient,
        session: AsyncSession,
        inputs: dict[str, Any],
        pointer: str,
    ) -> None:
        await add_region(session, "city")
        await session.commit()
        found = pointers(await runner.post(ZONES, json={"inputs": inputs}))
        assert any(item.startswith(pointer) for item in found)
        assert await count_jobs(session) == 0

    async def test_import_of_an_upload_that_is_not_there(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        await add_region(session, "city")
        await session.commit()
        inputs = {
            "upload": "00000000-0000-0000-0000-000000000000",
            "region": "city",
            "theme": "dem",
        }
        answer = await runner.post("/processes/import-dataset/execution", json={"inputs": inputs})
        assert pointers(answer) == ["/inputs/upload"]

    async def test_a_check_of_a_raster_is_asked_for_as_one_of_features_is(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        described = (await runner.get("/processes/import-dataset")).json()
        assert described["inputs"]["mode"]["schema"]["enum"] == ["import", "check"]
        assert {"dataset", "summary"} <= described["outputs"].keys()
        await add_region(session, "city")
        await session.commit()
        inputs = {"region": "city", "theme": "dem", "upload": str(uuid4()), "mode": "some"}
        answer = await runner.post("/processes/import-dataset/execution", json={"inputs": inputs})
        assert pointers(answer) == ["/inputs/mode"]
        assert await count_jobs(session) == 0

    async def test_scope_jobs_is_needed(
        self, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        body = {"inputs": {"message": "x"}}
        refused = await anonymous.post(ECHO, json=body)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert (await reader.post(ECHO, json=body)).status_code == 403
        assert await count_jobs(session) == 0


class TestOnce:
    BODY = {"inputs": {"message": "x"}}  # noqa: RUF012  (never changed)

    async def test_repeated_request_is_the_same_job(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        headers = {**ASYNC, "Idempotency-Key": "k1"}
        first = await runner.post(ECHO, json=self.BODY, headers=headers)
        again = await runner.post(ECHO, json=self.BODY, headers=headers)
        assert (first.status_code, again.status_code) == (201, 201)
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.content == first.content
        assert again.headers["Location"] == first.headers["Location"]
        assert await count_jobs(session) == 1

    async def test_other_body_under_the_key_is_422(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        headers = {**ASYNC, "Idempotency-Key": "k2"}
        await runner.post(ECHO, json=self.BODY, headers=headers)
        other = await runner.post(ECHO, json={"inputs": {"message": "y"}}, headers=headers)
        assert other.status_code == 422
        assert other.headers["Content-Type"] == "application/problem+json"
        assert await count_jobs(session) == 1

    async def test_keys_of_different_callers_are_different(
        self, runner: httpx.AsyncClient, admin: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        headers = {**ASYNC, "Idempotency-Key": "k3"}
        await runner.post(ECHO, json=self.BODY, headers=headers)
        other = await admin.post(ECHO, json=self.BODY, headers=headers)
        assert "Idempotency-Replayed" not in other.headers
        assert await count_jobs(session) == 2

    async def test_refusal_is_not_kept(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        headers = {**ASYNC, "Idempotency-Key": "k4"}
        assert (await runner.post(ECHO, json={}, headers=headers)).status_code == 400
        assert (await runner.post(ECHO, json=self.BODY, headers=headers)).status_code == 201

    async def test_many_at_once_make_one_job(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        headers = {**ASYNC, "Idempotency-Key": "k5"}
        answers = await asyncio.gather(
            *(runner.post(ECHO, json=self.BODY, headers=headers) for _ in range(8))
        )
        assert {answer.status_code for answer in answers} <= {201, 409}
        for answer in answers:
            if answer.status_code == 409:
                assert answer.headers["Retry-After"] == "1"
        assert await count_jobs(session) == 1

    @pytest.mark.parametrize("key", ["", "x" * 256, "a b", "\x7f"])
    async def test_malformed_key(
        self, runner: httpx.AsyncClient, session: AsyncSession, key: str
    ) -> None:
        headers = {**ASYNC, "Idempotency-Key": key}
        answer = await runner.post(ECHO, json=self.BODY, headers=headers)
        assert pointers(answer) == ["Idempotency-Key"]
