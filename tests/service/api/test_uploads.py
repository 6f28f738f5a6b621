"""Uploads: whole, in pieces, too large, broken off."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.dataset import Upload
from shanhai.db.tables.job import Job
from shanhai.errors import DATABASE_DOWN
from shanhai.processes.kit.lookups import judge_upload
from shanhai.storage.artifacts import ByteSink
from shanhai.vocabulary import JobStatus, Role, Scope
from shanhai_api.kit.routing import Made
from shanhai_api.kit.state import Configuration, ServiceState, UnitOfWork
from shanhai_api.uploads import routes
from tests.support.joint_plans import People

pytestmark = pytest.mark.configured
CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def quota() -> dict[str, int]:
    """What may wait; the usual."""
    return {}


@pytest.fixture
def configuration(configuration: Configuration, quota: dict[str, int]) -> Configuration:
    return replace(configuration, artifacts=configuration.artifacts.model_copy(update=quota))


def stored(state: ServiceState, answer: httpx.Response) -> bytes:
    name: str = answer.json()["upload"]
    return (state.configuration.artifacts.folder / "uploads" / name).read_bytes()


def files(state: ServiceState) -> int:
    return len(list((state.configuration.artifacts.folder / "uploads").glob("*")))


def piece(start: int, end: int, total: int = len(CONTENT)) -> dict[str, str]:
    return {"Content-Range": f"bytes {start}-{end - 1}/{total}"}


async def blocks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_who_sends_the_last_piece_again_while_it_is_summed_is_refused(
    runner: httpx.AsyncClient,
    session: AsyncSession,
    state: ServiceState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Summing a large file takes long: meanwhile no transaction rests, and nothing is cut off."""
    first = await runner.post("/uploads", content=CONTENT[:1000], headers=piece(0, 1000))
    begun, may_end = threading.Event(), threading.Event()
    digest = state.store.upload_digest

    def slowly(upload: UUID) -> str:
        begun.set()
        assert may_end.wait(30)
        return digest(upload)

    monkeypatch.setattr(type(state.store), "upload_digest", lambda _, upload: slowly(upload))
    place, last = first.headers["Location"], piece(1000, len(CONTENT))
    sending = asyncio.create_task(runner.put(place, content=CONTENT[1000:], headers=last))
    assert await asyncio.to_thread(begun.wait, 30)
    row = await session.scalar(select(Upload).with_for_update(nowait=True))
    assert row is not None
    await session.rollback()
    again = await runner.put(place, content=CONTENT[1000:], headers=last)
    assert again.status_code == 409, again.text
    may_end.set()
    sent = await sending
    assert (sent.status_code, sent.json()["sha256"]) == (200, SHA256)
    assert stored(state, first) == CONTENT
    assert (await runner.put(place, content=CONTENT[1000:], headers=last)).status_code == 409
    assert stored(state, first) == CONTENT


class TestWhole:
    async def test_bytes_are_kept_and_summed(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        answer = await runner.post("/uploads", content=CONTENT)
        assert answer.status_code == 201
        document = answer.json()
        assert (document["bytes"], document["sha256"]) == (len(CONTENT), SHA256)
        assert stored(state, answer) == CONTENT
        expires = datetime.fromisoformat(document["expires"])
        assert timedelta(hours=23) < expires - datetime.now(UTC) <= timedelta(hours=24)
        assert (await runner.get(answer.headers["Location"])).json() == document

    async def test_limit_holds_without_a_length(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        for content in (b"x" * 1_000_001, blocks(b"x" * 600_000, b"x" * 600_000)):
            answer = await runner.post("/uploads", content=content)
            assert answer.status_code == 413
            assert answer.headers["Content-Type"] == "application/problem+json"
        assert files(state) == 0

    async def test_empty_body(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        assert (await runner.post("/uploads", content=b"")).status_code == 400
        assert files(state) == 0

    async def test_needs_scope_jobs(
        self, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient
    ) -> None:
        assert (await anonymous.post("/uploads", content=b"x")).status_code == 401
        assert (await reader.post("/uploads", content=b"x")).status_code == 403

    async def test_is_its_owners_only(
        self, runner: httpx.AsyncClient, admin: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        url = (await runner.post("/uploads", content=b"x")).headers["Location"]
        assert (await admin.get(url)).status_code == 404
        assert (await runner.get(f"/uploads/{uuid4()}")).status_code == 404
        assert (await runner.get("/uploads/nonsense")).status_code == 400


class TestOnce:
    async def test_repeated_file_is_one_upload(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        headers = {"Idempotency-Key": "u1"}
        first = await runner.post("/uploads", content=CONTENT, headers=headers)
        again = await runner.post("/uploads", content=CONTENT, headers=headers)
        assert again.json() == first.json()
        assert again.headers["Idempotency-Replayed"] == "true"
        assert files(state) == 1
        other = await runner.post("/uploads", content=b"other", headers=headers)
        assert other.status_code == 422
        assert files(state) == 1
        assert await session.scalar(select(func.count()).select_from(Upload)) == 1

    async def test_what_was_registered_stays_though_the_answer_of_the_database_was_lost(
        self, runner: httpx.AsyncClient, state: ServiceState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register = routes._register

        async def lose() -> None:
            raise DATABASE_DOWN

        async def losing(unit: UnitOfWork, *registered: Any) -> Made:
            unit.after_commit.append(lose)
            return await register(unit, *registered)

        monkeypatch.setattr(routes, "_register", losing)
        headers = {"Idempotency-Key": "lost"}
        lost = await runner.post("/uploads", content=CONTENT, headers=headers)
        assert lost.status_code == 503
        again = await runner.post("/uploads", content=CONTENT, headers=headers)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert (await runner.get(again.headers["Location"])).json()["sha256"] == SHA256
        assert stored(state, again) == CONTENT
        assert files(state) == 1


class TestPieces:
    async def test_pieces_make_the_whole(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        begun = await runner.post("/uploads", content=CONTENT[:1000], headers=piece(0, 1000))
        assert begun.status_code == 201
        assert begun.json()["bytes"] == 1000
        assert begun.json()["sha256"] is None
        url = begun.headers["Location"]
        assert (await runner.head(url)).headers["Upload-Offset"] == "1000"
        key = {"Idempotency-Key": "piece"}
        for total, status in ((2000, 201), (2000, 201), (3000, 422)):
            sent = {**key, "Content-Range": f"bytes 0-999/{total}"}
            answer = await runner.post("/uploads", content=CONTENT[:1000], headers=sent)
            assert answer.status_code == status, answer.text
        rest = piece(1000, len(CONTENT))
        read = {"If-Match": (await runner.get(url)).headers["ETag"]}
        done = await runner.put(url, content=CONTENT[1000:], headers=rest | read)
        assert done.status_code == 200
        stale = await runner.put(url, content=CONTENT[1000:], headers=rest | read)
        gone = await runner.delete(url, headers=read)
        assert (stale.status_code, gone.status_code) == (412, 412)
        assert (done.json()["bytes"], done.json()["sha256"]) == (len(CONTENT), SHA256)
        assert stored(state, done) == CONTENT

    async def test_announced_upload_begins_empty(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        headers = {"Content-Range": f"bytes */{len(CONTENT)}"}
        begun = await runner.post("/uploads", headers=headers)
        assert begun.json()["bytes"] == 0
        done = await runner.put(
            begun.headers["Location"], content=CONTENT, headers=piece(0, len(CONTENT))
        )
        assert done.json()["sha256"] == SHA256

    async def test_broken_piece_is_continued_where_it_broke(
        self, runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
    ) -> None:
        begun = await runner.post("/uploads", content=CONTENT[:10], headers=piece(0, 10))
        url = begun.headers["Location"]

        async def breaking() -> AsyncIterator[bytes]:
            yield CONTENT[10:500]
            raise ClientDisconnect

        broken = await runner.put(url, content=breaking(), headers=piece(10, len(CONTENT)))
        assert broken.status_code == 400
        arrived = int((await runner.head(url)).headers["Upload-Offset"])
        assert arrived == 500
        rest = piece(arrived, len(CONTENT))
        done = await runner.put(url, content=CONTENT[arrived:], headers=rest)
        assert done.json()["sha256"] == SHA256

    async def test_a_piece_of_what_was_deleted_leaves_no_file(
        self, runner: httpx.AsyncClient, state: ServiceState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun = await runner.post("/uploads", content=CONTENT[:10], headers=piece(0, 10))
        url, loop = begun.headers["Location"], asyncio.get_running_loop()
        receive = state.store.receive

        @contextmanager
        def late(_: object, upload: UUID, offset: int) -> Iterator[ByteSink]:
            asyncio.run_coroutine_threadsafe(runner.delete(url), loop).result(30)
            with receive(upload, offset) as sink:
                yield sink

        monkeypatch.setattr(type(state.store), "receive", late)
        sent = await runner.put(url, content=CONTENT[10:20], headers=piece(10, 20))
        assert (sent.status_code, files(state)) == (404, 0)

    async def test_piece_must_begin_where_the_bytes_end(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        begun = await runner.post("/uploads", content=CONTENT[:10], headers=piece(0, 10))
        url = begun.headers["Location"]
        for start in (0, 5, 11):
            answer = await runner.put(url, content=CONTENT[start:20], headers=piece(start, 20))
            assert answer.status_code == 409
        assert (await runner.head(url)).headers["Upload-Offset"] == "10"

    @pytest.mark.parametrize(
        ("header", "status"),
        [
            ("bytes 5-10/100", 400),
            ("bytes 10-5/100", 400),
            ("bytes 0-100/100", 400),
            ("lines 0-1/2", 400),
            ("bytes 0-1/*", 400),
            ("bytes 0-1/2000000", 413),
        ],
    )
    async def test_malformed_range(
        self,
        runner: httpx.AsyncClient,
        session: AsyncSession,
        state: ServiceState,
        header: str,
        status: int,
    ) -> None:
        answer = await runner.post("/uploads", content=b"xx", headers={"Content-Range": header})
        assert answer.status_code == status
        assert files(state) == 0

    async def test_more_bytes_than_the_piece_says(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        answer = await runner.post("/uploads", content=b"x" * 50, headers=piece(0, 10))
        assert answer.status_code == 413


async def test_expired_uploads_are_forgotten_with_their_files(
    runner: httpx.AsyncClient, session: AsyncSession, state: ServiceState
) -> None:
    old = await runner.post("/uploads", content=b"old")
    await session.execute(update(Upload).values(expires_at=func.now() - timedelta(seconds=1)))
    await session.commit()
    assert (await runner.get(old.headers["Location"])).status_code == 404
    new = await runner.post("/uploads", content=b"new")
    assert stored(state, new) == b"new"
    assert files(state) == 1


def limits(text: str) -> dict[str, dict[str, str]]:
    """The members of a list of a structured field, with their parameters."""
    found = {}
    for member in text.split(", "):
        name, *parameters = member.split(";")
        found[name.strip('"')] = dict(item.split("=") for item in parameters)
    return found


@pytest.mark.usefixtures("no_uploads")
class TestQuotas:
    @pytest.mark.parametrize("quota", [{"uploads": 2}])
    async def test_files_of_one_are_counted_until_they_are_deleted(
        self, runner: httpx.AsyncClient, publisher: httpx.AsyncClient, state: ServiceState
    ) -> None:
        first = await runner.post("/uploads", content=b"one")
        assert limits(first.headers["RateLimit"])["uploads-files"] == {"r": "1"}
        assert limits(first.headers["RateLimit-Policy"])["uploads-files"] == {
            "q": "2",
            "qu": '"files"',
        }
        await runner.post("/uploads", content=b"two")
        refused = await runner.post("/uploads", content=b"three")
        assert refused.status_code == 429
        assert "2 files" in refused.json()["detail"]
        assert limits(refused.headers["RateLimit"])["uploads-files"] == {"r": "0"}
        assert 23 * 3600 < int(refused.headers["Retry-After"]) <= 24 * 3600
        assert files(state) == 2
        assert (await publisher.post("/uploads", content=b"another's")).status_code == 201
        assert (await publisher.delete(first.headers["Location"])).status_code == 404
        assert (await runner.delete(first.headers["Location"])).status_code == 204
        assert (await runner.get(first.headers["Location"])).status_code == 404
        assert files(state) == 2
        assert (await runner.post("/uploads", content=b"three")).status_code == 201

    @pytest.mark.parametrize("quota", [{"uploads_bytes": 1000}])
    async def test_bytes_that_are_announced_count_before_they_come(
        self, runner: httpx.AsyncClient, state: ServiceState
    ) -> None:
        begun = await runner.post("/uploads", headers={"Content-Range": "bytes */900"})
        assert limits(begun.headers["RateLimit"])["uploads-content-bytes"] == {"r": "100"}
        assert (await runner.post("/uploads", content=b"x" * 101)).status_code == 429
        assert (await runner.post("/uploads", content=blocks(b"x"))).status_code == 429
        assert (await runner.post("/uploads", content=b"x" * 100)).status_code == 201
        assert files(state) == 2

    @pytest.mark.parametrize("quota", [{"uploads_bytes": 1000}])
    async def test_those_who_send_at_the_same_time_keep_to_it_together(
        self, runner: httpx.AsyncClient, state: ServiceState
    ) -> None:
        sent = [runner.post("/uploads", content=bytes([n]) * 300) for n in range(8)]
        answers = await asyncio.gather(*sent)
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 5
        assert files(state) == 3

    @pytest.mark.parametrize("quota", [{"uploads_bytes": 1000}])
    async def test_what_broke_off_or_came_twice_counts_once(
        self, runner: httpx.AsyncClient, state: ServiceState
    ) -> None:
        async def breaking() -> AsyncIterator[bytes]:
            yield b"x" * 10
            raise ClientDisconnect

        for _ in range(3):
            broken = await runner.post(
                "/uploads", content=breaking(), headers={"Content-Length": "600"}
            )
            assert broken.status_code == 400
        for _ in range(3):
            once = await runner.post(
                "/uploads", content=b"x" * 500, headers={"Idempotency-Key": "same"}
            )
            assert once.status_code == 201
        (use,) = (await runner.get("/uploads")).json()["quotas"]
        assert (use["files"], use["bytes"]) == (1, 500)

    @pytest.mark.parametrize("quota", [{"uploads": 1, "uploads_bytes": 1000}])
    async def test_what_fills_the_quota_may_be_sent_again(
        self, runner: httpx.AsyncClient, state: ServiceState
    ) -> None:
        whole, begun = {"Idempotency-Key": "whole"}, {"Idempotency-Key": "begun"}
        announced = {"Content-Range": "bytes */900", **begun}
        for content, headers in ((b"x" * 900, whole), (b"", announced)):
            first = await runner.post("/uploads", content=content, headers=headers)
            assert first.status_code == 201
            again = await runner.post("/uploads", content=content, headers=headers)
            assert (again.status_code, again.json()) == (201, first.json())
            assert again.headers["Idempotency-Replayed"] == "true"
            other = {**headers, "Idempotency-Key": "other"}
            refused = await runner.post("/uploads", content=content, headers=other)
            assert refused.status_code == 429
            wrong = await runner.post("/uploads", content=b"y" * 900, headers=headers)
            assert wrong.status_code == (422 if headers is whole else 413)
            assert files(state) == 1
            assert (await runner.delete(first.headers["Location"])).status_code == 204

    @pytest.mark.parametrize("quota", [{"region_uploads_bytes": 1000}])
    async def test_all_who_work_in_a_region_share_what_it_has(
        self, people: People, session: AsyncSession
    ) -> None:
        roles = [RoleGiven(Role.ANALYST, "a")]
        key = await create_key(session, name="analyst", scopes=[Scope.JOBS], roles=roles)
        await session.commit()
        assert (await people["planner@a"].post("/uploads", content=b"x" * 600)).status_code == 201
        analyst = {"Authorization": f"Bearer {key}"}
        refused = await people["anonymous"].post(
            "/uploads", content=b"x" * 600, headers={**analyst, "Accept-Language": "zh"}
        )
        assert refused.status_code == 429
        assert "a 全体人员" in refused.json()["detail"]
        assert (await people["planner@b"].post("/uploads", content=b"x" * 600)).status_code == 201
        uses = (await people["anonymous"].get("/uploads", headers=analyst)).json()
        assert uses["uploads"] == []
        assert [(one["region"], one["bytes"]) for one in uses["quotas"]] == [(None, 0), ("a", 600)]

    @pytest.mark.parametrize(
        "quota",
        [dict.fromkeys(("uploads", "uploads_bytes", "region_uploads", "region_uploads_bytes"), 0)],
    )
    async def test_without_a_limit_none_is_told(self, runner: httpx.AsyncClient) -> None:
        answer = await runner.post("/uploads", content=b"x")
        assert answer.status_code == 201
        assert not [name for name in limits(answer.headers["RateLimit"]) if "uploads" in name]
        assert answer.headers["RateLimit"].strip(", ") == answer.headers["RateLimit"]

    async def test_what_a_job_needs_is_not_deleted(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        url = (await runner.post("/uploads", content=b"needed")).headers["Location"]
        job = Job(
            kind="import-features",
            inputs={"upload": url.rpartition("/")[2]},
            task={},
            requested_by="tester",
            status="running",
        )
        session.add(job)
        await session.commit()
        assert (await runner.delete(url)).status_code == 409
        job.status = JobStatus.FAILED
        await session.commit()
        assert (await runner.delete(url)).status_code == 204

    async def test_what_a_job_is_being_made_of_is_not_deleted(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        url = (await runner.post("/uploads", content=b"needed")).headers["Location"]
        upload = UUID(url.rpartition("/")[2])
        owner = (await session.get_one(Upload, upload)).owner
        assert (await judge_upload(session, upload, owner=owner))[1] == ()
        deleting = asyncio.create_task(runner.delete(url))
        await asyncio.wait({deleting}, timeout=0.5)
        job = Job(kind="import-features", inputs={"upload": str(upload)}, task={})
        job.requested_by = owner
        session.add(job)
        await session.commit()
        assert (await deleting).status_code == 409

    async def test_the_page_lists_what_waits(self, runner: httpx.AsyncClient) -> None:
        await runner.post("/uploads", content=CONTENT)
        page = await runner.get("/uploads", params={"f": "html", "lang": "zh"})
        assert page.status_code == 200
        assert SHA256 in page.text
