"""The service as a process: it starts, serves, and stops when told to."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import httpx
import pytest

from shanhai.db.queries.keys import create_key
from shanhai.local.places import any_free_port
from shanhai.vocabulary import Scope
from tests.support.job_rows import open_sessions, submit_echo
from tests.support.serving import PATIENCE_S

pytestmark = pytest.mark.long

DRAIN_S = 3.0


@pytest.fixture
async def served(
    database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`python -m shanhai_api` and its address."""
    port = any_free_port(set())
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "SHANHAI_DATABASE_URL": database_url,
        "SHANHAI_REDIS_URL": redis_url,
        "SHANHAI_ARTIFACTS_ROOT": str(tmp_path),
        "SHANHAI_PUBLIC_READ": "true",
        "SHANHAI_API_PORT": str(port),
        "SHANHAI_API_URL": url,
        "SHANHAI_API_DRAIN_S": str(DRAIN_S),
        "SHANHAI_API_MOST_REQUESTS": "40",
        "SHANHAI_API_MOST_OF_ONE": "10",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shanhai_api", env=environment
    )
    try:
        await until_ready(process, url)
        yield process, url
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.wait_for(process.wait(), PATIENCE_S)


async def until_ready(process: asyncio.subprocess.Process, url: str) -> None:
    answer = "nothing"
    async with httpx.AsyncClient(base_url=url) as client:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert process.returncode is None, "the service ended"
            try:
                ready = await client.get("/health/ready")
            except httpx.TransportError as error:
                answer = repr(error)
            else:
                if ready.status_code == 200:
                    return
                answer = ready.text
            await asyncio.sleep(0.1)
    pytest.fail(f"the service did not become ready, but told {answer}")


async def test_stop_signal_ends_streams_and_the_process(
    served: tuple[asyncio.subprocess.Process, str], database_url: str
) -> None:
    process, url = served
    async with open_sessions(database_url) as sessions:
        job_id = await submit_echo(sessions)
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        key = await make_key(database_url)
        headers = {"Authorization": f"Bearer {key}"}
        async with client.stream("GET", f"/jobs/{job_id}/events", headers=headers) as events:
            lines = events.aiter_lines()
            assert await anext(lines) == "event: status"
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE_S):
                rest = [line async for line in lines]
    assert any(line.startswith("data: ") for line in rest)
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) in {0, -signal.SIGTERM}


async def test_a_stopping_process_says_so_then_refuses_and_ends_what_it_began(
    served: tuple[asyncio.subprocess.Process, str], database_url: str
) -> None:
    """In that order: whoever spreads requests looks for readiness before it sends them elsewhere,
    and what was accepted meanwhile is carried out."""
    process, url = served
    headers = {"Authorization": f"Bearer {await make_key(database_url)}"}
    begun, refused = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"inputs": '
        begun.set()
        await refused.wait()
        yield b'{"message": "late"}}'

    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE_S) as client:
        accepted = asyncio.create_task(
            client.post(
                "/processes/echo/execution",
                content=slowly(),
                headers={"Content-Type": "application/json"},
            )
        )
        await begun.wait()
        process.send_signal(signal.SIGTERM)
        stopping = await until(url, lambda answer: answer.status_code == 503)
        assert stopping.json()["checks"]["service"] == "stopping"
        assert (await asyncio.to_thread(httpx.get, f"{url}/")).status_code == 200
        with pytest.raises(httpx.ConnectError):
            await until(url, lambda answer: False)
        refused.set()
        answer = await accepted
    assert answer.status_code == 201, answer.text
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) in {0, -signal.SIGTERM}


async def test_who_sends_slowly_takes_no_place_from_others(
    served: tuple[asyncio.subprocess.Process, str], database_url: str
) -> None:
    _, url = served
    key = await make_key(database_url)
    port = int(url.rpartition(":")[2])
    head = (
        f"POST /processes/echo/execution HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}"
        "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    ends = []
    try:
        for _ in range(60):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=("127.0.0.2", 0)
            )
            writer.write(head.encode())
            ends.append((reader, writer))
        answers = [asyncio.create_task(reader.readline()) for reader, _ in ends]
        await until_done(answers, 50)
        # Ten wait for the rest of their bodies; the others were refused, and so is who sent them.
        assert {task.result().split()[1] for task in answers if task.done()} == {b"429"}
        async with httpx.AsyncClient(base_url=url) as other:
            assert (await other.get("/collections")).status_code == 200
            wrong = {"Authorization": f"Bearer {key}"}
            crowded = await other.get("/collections", headers=wrong)
            assert crowded.status_code == 429
            assert "one caller" in crowded.json()["detail"]
            assert int(crowded.headers["Retry-After"]) > 0
            # One byte now and then keeps no place.
            for _, writer in ends:
                writer.write(b" ")
            await until_done(answers, 60)
            told = [task.result().split()[1] for task in answers]
            slow = next(
                reader
                for (reader, _), task in zip(ends, answers, strict=True)
                if b"408" in task.result()
            )
            # The grace is over before the body could be idle for long.
            assert b"less than 1024 bytes a second" in await slow.read(2000)
            assert sorted(told) == [*[b"408"] * 10, *[b"429"] * 50]
            assert (await other.get("/collections", headers=wrong)).status_code == 200
    finally:
        for _, writer in ends:
            writer.close()


async def until_done(tasks: Sequence[asyncio.Task[bytes]], number: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while sum(task.done() for task in tasks) < number:  # noqa: ASYNC110  (they are counted)
            await asyncio.sleep(0.05)


async def until(url: str, holds: Callable[[httpx.Response], bool]) -> httpx.Response:
    """What a connection of its own is told of readiness, once it is as wanted.

    Raises:
        httpx.ConnectError: Nobody listens.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            answer = await asyncio.to_thread(httpx.get, f"{url}/health/ready")
        except (httpx.ReadError, httpx.RemoteProtocolError):
            # The connection waited to be taken, or had just been, when listening ended.
            continue
        if holds(answer):
            return answer
        await asyncio.sleep(0.1)
    pytest.fail("readiness never became what it should")


async def test_head_over_the_wire(served: tuple[asyncio.subprocess.Process, str]) -> None:
    _, url = served
    async with httpx.AsyncClient(base_url=url) as client:
        head, get = await client.head("/collections"), await client.get("/collections")
    assert head.status_code == 200
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.content == b""


async def make_key(database_url: str) -> str:
    async with open_sessions(database_url) as sessions, sessions.begin() as session:
        return await create_key(session, name="test", scopes=list(Scope))


async def test_head_of_a_stream_ends(
    served: tuple[asyncio.subprocess.Process, str], database_url: str
) -> None:
    """The job waits, so that its stream goes on, but not for who asks for the head alone."""
    _, url = served
    async with open_sessions(database_url) as sessions:
        job_id = await submit_echo(sessions)
    headers = {"Authorization": f"Bearer {await make_key(database_url)}"}
    one = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=one) as client:
        async with asyncio.timeout(PATIENCE_S):
            head = await client.head(f"/jobs/{job_id}/events")
            after = await client.get(f"/jobs/{job_id}")
    assert (head.status_code, after.status_code) == (200, 200)
    assert head.headers["Content-Type"].startswith("text/event-stream")
