"""Jobs: state, results, events, dismissal, and who may know of them."""

import asyncio
import hashlib
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import create_key, prefix_of, revoke_key
from shanhai.db.tables.job import Job, JobDataset
from shanhai.jobs import states
from shanhai.jobs.messages import Failure, FailureClass
from shanhai.vocabulary import Label, Role, Scope
from shanhai_api.jobs import routes
from shanhai_api.kit import requests
from shanhai_api.kit.state import ServiceState
from tests.service.api.conftest import MakeClient
from tests.support.feature_rows import add_job, add_scheme
from tests.support.job_rows import add_dataset, add_region, claim_job, submit_echo
from tests.support.serving import PATIENCE_S

EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
REPORT = b"<!DOCTYPE html><title>report</title><style>p{color:red}</style><p>zones</p>"
PNG = b"\x89PNG\r\n\x1a\n"


def result_with(stored: Any) -> dict[str, Any]:
    """The result of a zoning with a report."""
    report = {
        "uri": stored.uri,
        "sha256": stored.sha256,
        "bytes": stored.bytes,
        "media_type": "text/html",
        "title_zh": "报告",
        "title_en": "Report",
    }
    return {
        "outputs": {"report": report},
        "values": {"scheme": "city.supply_demand", "layers": {"zones": "zones.city"}},
        "manifest": {"seed": 42, "datasets": {}},
        "warnings": [],
    }


@pytest.fixture
async def zoning(session: AsyncSession, state: ServiceState, tmp_path: Path) -> Job:
    """A successful job with a published scheme, from public input."""
    (tmp_path / "report.html").write_bytes(REPORT)
    stored = state.store.put(tmp_path / "report.html", suffix=".html")
    city = await add_region(session, "city")
    job = await add_job(session, status="successful", progress=100, result=result_with(stored))
    await add_scheme(session, city, job_id=job.id)
    dem = await add_dataset(session, city, "dem", "dem", visibility="public")
    session.add(
        JobDataset(job_id=job.id, dataset_id=dem.id, role="input", name="dem", checksum="0")
    )
    await session.commit()
    return job


class TestState:
    async def test_unknown_job(self, reader: httpx.AsyncClient) -> None:
        for job_id in (str(uuid4()), "nothing", "0"):
            for path in ("", "/results", "/results/report", "/events", "/manifest"):
                answer = await reader.get(f"/jobs/{job_id}{path}")
                assert answer.status_code == 404
                assert answer.json()["type"] == f"{EXCEPTIONS}/no-such-job"

    async def test_result_before_the_end(
        self, reader: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        job_id = await submit_echo(state.sessions)
        for path in ("results", "results/message", "manifest"):
            answer = await reader.get(f"/jobs/{job_id}/{path}")
            assert answer.status_code == 404
            assert answer.json()["type"] == f"{EXCEPTIONS}/result-not-ready"
        assert (await reader.get(f"/jobs/{job_id}")).headers["Retry-After"] == "1"

    async def test_outputs_can_be_had_while_the_pdf_is_set(
        self, reader: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        stored = {"uri": "objects/no", "sha256": "0", "bytes": 7, "media_type": "text/html"}
        report = {**stored, "title_zh": "报告", "title_en": "Report"}
        result = {"outputs": {"report": report}, "values": {"gep": 12}, "manifest": {}}
        job = await add_job(
            session, kind="account-gep", status="running", stage="pdf", result=result
        )
        await session.commit()
        told = (await reader.get(f"/jobs/{job.id}?lang=en")).json()
        assert (told["status"], told["stage"]) == ("running", "pdf")
        assert "setting the report as PDF" in told["message"]
        items = [link["href"] for link in told["links"] if link["rel"] == "item"]
        assert [href.partition("?")[0].rpartition("/")[2] for href in items] == ["report"]
        assert (await reader.get(f"/jobs/{job.id}/results/gep")).json() == 12
        for path in ("results", "results/report_pdf", "manifest"):
            answer = await reader.get(f"/jobs/{job.id}/{path}")
            assert answer.status_code == 404
            assert answer.json()["type"] == f"{EXCEPTIONS}/result-not-ready"
            assert "PDF" in answer.json()["detail"]

    async def test_failed_job_tells_why(
        self, reader: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        error = {
            "class": "invalid",
            "title": "Invalid input",
            "title_zh": "输入无效",
            "detail": "not a raster",
            "detail_zh": "不是栅格",
            "faults": [{"pointer": "/inputs/upload", "detail": "text"}],
        }
        job = await add_job(session, kind="import-dataset", status="failed", error=error)
        await session.commit()
        status = (await reader.get(f"/jobs/{job.id}?lang=zh")).json()
        assert status["status"] == "failed"
        assert status["message"] == "不是栅格"
        results = await reader.get(f"/jobs/{job.id}/results")
        assert results.status_code == 400
        assert results.json()["errors"] == error["faults"]

    @pytest.mark.parametrize(
        ("kind", "status"), [("bug", 409), ("lost", 409), ("transient", 409), ("resource", 400)]
    )
    async def test_results_of_a_failed_job_are_its_problem(
        self, reader: httpx.AsyncClient, session: AsyncSession, kind: FailureClass, status: int
    ) -> None:
        failure = Failure(kind, Label("停止", "it stopped"))
        job = await add_job(session, status="failed", error=failure.document())
        dismissed = await add_job(session, status="dismissed")
        await session.commit()
        for path in ("results", "results/message", "manifest"):
            answer = await reader.get(f"/jobs/{job.id}/{path}")
            assert answer.status_code == status
            problem = answer.json()
            assert problem["detail"] == "it stopped"
            assert problem["job"] == {"jobID": str(job.id), "status": "failed", "class": kind}
        gone = await reader.get(f"/jobs/{dismissed.id}/results")
        assert gone.status_code == 410
        assert gone.json()["job"] == {"jobID": str(dismissed.id), "status": "dismissed"}

    async def test_list_is_paged_newest_first_and_filtered(
        self, reader: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        made = [str(await submit_echo(state.sessions, str(number))) for number in range(5)]
        await add_job(session, kind="delineate-zones", status="failed")
        await session.commit()
        seen, url = [], "/jobs?limit=2&processID=echo"
        while url:
            document = (await reader.get(url)).json()
            seen += [job["jobID"] for job in document["jobs"]]
            url = next((item["href"] for item in document["links"] if item["rel"] == "next"), "")
        assert seen == made[::-1]
        failed = (await reader.get("/jobs?status=failed,dismissed&type=process")).json()["jobs"]
        assert [job["processID"] for job in failed] == ["delineate-zones"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("status", "asleep"),
            ("limit", "0"),
            ("limit", "10001"),
            ("cursor", "zzz"),
            ("cursor", b64encode(f"0001-01-01T00:00:00+14:00~{UUID(int=1)}".encode()).decode()),
            ("processID", ","),
            ("type", "other"),
            ("minDuration", "-1"),
            ("other", "x"),
            ("lang", "fr"),
        ],
    )
    async def test_bad_parameter(self, reader: httpx.AsyncClient, name: str, value: str) -> None:
        answer = await reader.get("/jobs", params={name: value})
        assert answer.status_code == 400
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [name]


class TestResults:
    async def test_document_holds_values_and_links_files(
        self, reader: httpx.AsyncClient, zoning: Job
    ) -> None:
        document = (await reader.get(f"/jobs/{zoning.id}/results?lang=zh")).json()
        assert document["scheme"] == "city.supply_demand"
        assert document["report"]["href"] == (
            f"http://api.test/jobs/{zoning.id}/results/report?lang=zh"
        )
        assert document["report"]["title"] == "报告"

    async def test_file_is_sent_as_it_is(self, reader: httpx.AsyncClient, zoning: Job) -> None:
        url = f"/jobs/{zoning.id}/results/report"
        answer = await reader.get(url)
        assert answer.content == REPORT
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.headers["ETag"] == f'"{hashlib.sha256(REPORT).hexdigest()}"'
        policy = answer.headers["Content-Security-Policy"]
        assert "style-src 'unsafe-inline'" in policy
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        known = await reader.get(url, headers={"If-None-Match": answer.headers["ETag"]})
        assert known.status_code == 304
        part = await reader.get(url, headers={"Range": "bytes=0-4"})
        assert (part.status_code, part.content) == (206, REPORT[:5])

    async def test_value_is_sent_as_json(self, reader: httpx.AsyncClient, zoning: Job) -> None:
        answer = await reader.get(f"/jobs/{zoning.id}/results/layers")
        assert answer.json() == {"zones": "zones.city"}

    @pytest.mark.parametrize("kind", ["assess-ecoservices", "delineate-zones"])
    async def test_a_map_of_the_ratio_is_told_in_the_form_that_was_asked_for(
        self,
        reader: httpx.AsyncClient,
        session: AsyncSession,
        state: ServiceState,
        tmp_path: Path,
        kind: str,
    ) -> None:
        (tmp_path / "map.png").write_bytes(PNG)
        stored = state.store.put(tmp_path / "map.png", suffix=".png")
        result = result_with(stored)
        png = {**result["outputs"]["report"], "media_type": "image/png"}
        result["outputs"] |= {"ratio_map_zh": png, "ratio_map_en": png}

        async def results(**form: Any) -> httpx.Response:
            job = await add_job(
                session, kind=kind, status="successful", result=result, result_form=form or None
            )
            await session.commit()
            return await reader.get(f"/jobs/{job.id}/results")

        every = (await results()).json()
        assert every["ratio_map_en"]["type"] == "image/png"
        assert (await reader.get(every["ratio_map_zh"]["href"])).content == PNG
        chosen = await results(outputs={"ratio_map_en": None})
        assert chosen.json().keys() == {"ratio_map_en"}
        raw = await results(response="raw", outputs={"ratio_map_en": "value"})
        assert (raw.content, raw.headers["Content-Type"]) == (PNG, "image/png")
        linked = await results(response="raw", outputs={"ratio_map_en": "reference"})
        assert (linked.status_code, linked.content) == (204, b"")
        assert '/results/ratio_map_en>; rel="item"; type="image/png"' in linked.headers["link"]

    async def test_unknown_output(self, reader: httpx.AsyncClient, zoning: Job) -> None:
        assert (await reader.get(f"/jobs/{zoning.id}/results/nothing")).status_code == 404

    async def test_manifest(self, reader: httpx.AsyncClient, zoning: Job) -> None:
        assert (await reader.get(f"/jobs/{zoning.id}/manifest")).json()["seed"] == 42


class TestVisibility:
    async def test_public_sees_jobs_behind_published_schemes_only(
        self,
        anonymous: httpx.AsyncClient,
        reader: httpx.AsyncClient,
        session: AsyncSession,
        zoning: Job,
    ) -> None:
        hidden = await add_job(session, status="successful", result={})
        await session.commit()
        assert len((await reader.get("/jobs")).json()["jobs"]) == 2
        listed = (await anonymous.get("/jobs")).json()["jobs"]
        assert [job["jobID"] for job in listed] == [str(zoning.id)]
        assert (await anonymous.get(f"/jobs/{zoning.id}/results/report")).status_code == 200
        assert (await anonymous.get(f"/jobs/{hidden.id}")).status_code == 404

    async def test_one_private_input_hides_the_job(
        self, anonymous: httpx.AsyncClient, session: AsyncSession, zoning: Job
    ) -> None:
        city = await add_region(session, "other")
        secret = await add_dataset(session, city, "soil", "secret", visibility="region")
        session.add(
            JobDataset(
                job_id=zoning.id, dataset_id=secret.id, role="input", name="soil", checksum="0"
            )
        )
        roles = [RoleGiven(Role.PLANNER, "other")]
        foreign = await create_key(session, name="other", scopes=[Scope.READ], roles=roles)
        await session.commit()
        for headers in ({}, {"Authorization": f"Bearer {foreign}"}):
            for path in ("", "/results/report", "/manifest"):
                answer = await anonymous.get(f"/jobs/{zoning.id}{path}", headers=headers)
                assert answer.status_code == 404, (path, headers)

    @pytest.mark.parametrize(
        ("role", "place", "seen"),
        [
            ("planner", "city", {"behind a published scheme", "of the city"}),
            ("planner", "elsewhere", {"behind a published scheme", "of elsewhere"}),
            ("viewer", None, {"behind a published scheme"}),
            (
                "auditor",
                None,
                {"behind a published scheme", "of the city", "of elsewhere", "of no region"},
            ),
        ],
    )
    async def test_regions_see_their_own_jobs(
        self,
        anonymous: httpx.AsyncClient,
        session: AsyncSession,
        zoning: Job,
        role: str,
        place: str | None,
        seen: set[str],
    ) -> None:
        await add_region(session, "elsewhere")
        jobs = {"behind a published scheme": zoning}
        for name, region in (("of the city", "city"), ("of elsewhere", "elsewhere")):
            jobs[name] = await add_job(session, task={"region": {"code": region}})
        jobs["of no region"] = await add_job(session, kind="echo")
        roles = [RoleGiven(Role(role), place)]
        key = await create_key(session, name="own", scopes=[Scope.READ], roles=roles)
        await session.commit()
        headers = {"Authorization": f"Bearer {key}"}
        listed = (await anonymous.get("/jobs", headers=headers)).json()["jobs"]
        assert {job["jobID"] for job in listed} == {str(jobs[name].id) for name in seen}
        for name, job in jobs.items():
            answer = await anonymous.get(f"/jobs/{job.id}", headers=headers)
            assert answer.status_code == (200 if name in seen else 404)
            for path in () if name in seen else ("/manifest", "/results", "/events"):
                answer = await anonymous.get(f"/jobs/{job.id}{path}", headers=headers)
                assert answer.status_code == 404

    async def test_who_asked_sees_the_job(
        self, anonymous: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        roles = [RoleGiven(Role.VIEWER)]
        key = await create_key(session, name="own", scopes=[Scope.READ], roles=roles)
        owner = f"key:{prefix_of(key)}"
        job = await add_job(session, kind="echo", requested_by=owner)
        await session.commit()
        answer = await anonymous.get(f"/jobs/{job.id}", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200


async def follow_while(
    reader: httpx.AsyncClient,
    state: ServiceState,
    change: Callable[[AsyncSession, states.Lease], Awaitable[None]],
) -> list[dict[str, Any]]:
    """What the events of a job tell that changes once while it runs, and then ends."""
    job_id = await submit_echo(state.sessions)

    async def work() -> None:
        async with state.sessions.begin() as session:
            claim = await claim_job(session, worker="test", lease_s=30, job_id=job_id)
        assert claim is not None
        await asyncio.sleep(0.4)
        async with state.sessions.begin() as session:
            await change(session, claim.lease)
        await asyncio.sleep(1)  # before it is told, a service may have to begin to listen
        async with state.sessions.begin() as session:
            await states.succeed(session, claim.lease, result={"values": {"message": "x"}})

    # Without somebody who ends the job the stream would not end either.
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as both:
        both.create_task(work())
        following = both.create_task(reader.get(f"/jobs/{job_id}/events"))
    answer = following.result()
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    told = [block for block in answer.text.split("\n\n") if block.startswith("event: status")]
    return [json.loads(block.partition("data: ")[2]) for block in told]


class TestEvents:
    async def test_changes_are_told_until_the_end(
        self, reader: httpx.AsyncClient, state: ServiceState
    ) -> None:
        async def change(session: AsyncSession, lease: states.Lease) -> None:
            await states.renew(session, lease, lease_s=30, percent=50, stage="echo")

        events = await follow_while(reader, state, change)
        assert [event["progress"] for event in events][-1] == 100
        assert 50 in [event["progress"] for event in events]
        assert events[-1]["status"] == "successful"

    async def test_results_and_end_are_told_before_anybody_looks_again(
        self, reader: httpx.AsyncClient, state: ServiceState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def change(session: AsyncSession, lease: states.Lease) -> None:
            await states.tell_results(session, lease, result={}, stage="pdf", lease_s=30)

        monkeypatch.setattr(routes, "POLL_S", 2 * PATIENCE_S)
        *_, published, ended = await follow_while(reader, state, change)
        assert (published["status"], ended["status"]) == ("running", "successful")
        assert "PDF" in published["message"]

    @pytest.mark.configured
    async def test_stream_ends_when_the_service_stops(
        self, reader: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        job_id = await submit_echo(state.sessions)
        asyncio.get_running_loop().call_later(0.3, state.draining.set)
        answer = await asyncio.wait_for(reader.get(f"/jobs/{job_id}/events"), PATIENCE_S)
        assert answer.text.count("event: status") == 1

    async def test_streams_end_with_the_key_they_were_opened_by(
        self, client_with: MakeClient, state: ServiceState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = await submit_echo(state.sessions)
        monkeypatch.setattr(requests, "ANEW_S", 0.2)
        for path in (f"/jobs/{job_id}/events", "/alerts/events"):
            client = await client_with(Scope.READ)
            prefix = str(prefix_of(client.headers["Authorization"].removeprefix("Bearer ")))
            async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as both:
                following = both.create_task(client.get(path))
                await asyncio.sleep(1)
                assert not following.done(), "it ended while the key was good"
                async with state.sessions.begin() as session:
                    await revoke_key(session, prefix, act=Act("tester"))
            assert following.result().status_code == 200
            assert (await client.get(path)).status_code == 401


class TestDismissal:
    async def test_waiting_job_ends_at_once(
        self, runner: httpx.AsyncClient, admin: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        accepted = await runner.post(
            "/processes/echo/execution",
            json={"inputs": {"message": "x"}},
            headers={"Prefer": "respond-async"},
        )
        url = accepted.headers["Location"]
        answer = await runner.delete(url)
        assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
        assert (await runner.delete(url)).json()["status"] == "dismissed"
        assert (await runner.get(f"{url}/results")).status_code == 410
        log = (await admin.get("/audit", params={"object": answer.json()["jobID"]})).json()
        assert [entry["action"] for entry in log["entries"]] == ["cancel", "submit"]

    async def test_only_its_requester_and_administrators_may(
        self,
        runner: httpx.AsyncClient,
        reader: httpx.AsyncClient,
        admin: httpx.AsyncClient,
        session: AsyncSession,
        state: ServiceState,
    ) -> None:
        url = f"/jobs/{await submit_echo(state.sessions)}"
        assert (await reader.delete(url)).status_code == 403
        assert (await runner.delete(url)).status_code == 403
        assert (await runner.get(url)).json()["status"] == "accepted"
        assert (await admin.delete(url)).json()["status"] == "dismissed"
