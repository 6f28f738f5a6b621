"""Uploads: whole, in pieces, too large, broken off."""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect

from shanhai.db.tables.dataset import Upload
from shanhai_api.kit.state import ServiceState

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def stored(state: ServiceState, answer: httpx.Response) -> bytes:
    return state.store.upload_path(UUID(answer.json()["upload"])).read_bytes()


def files(state: ServiceState) -> int:
    return len(list((state.configuration.artifacts.root / "uploads").glob("*")))


def piece(start: int, end: int, total: int = len(CONTENT)) -> dict[str, str]:
    return {"Content-Range": f"bytes {start}-{end - 1}/{total}"}


async def blocks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


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
        rest = piece(1000, len(CONTENT))
        done = await runner.put(url, content=CONTENT[1000:], headers=rest)
        assert done.status_code == 200
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
