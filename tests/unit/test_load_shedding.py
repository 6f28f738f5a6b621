"""A step of load: what is taken in is answered, the rest refused at once, and then all is well."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from shanhai.errors import RateLimited, Unavailable
from shanhai.overload import Admission

MOST = 3


async def refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unavailable)
    return PlainTextResponse(error.message, 503, {"Retry-After": "5"})


class Slow:
    """An application that answers when it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.begun = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, at once what asks for health, and with an error what asks for it."""
        answer: Response = PlainTextResponse("done")
        if scope["path"] == "/events":
            answer = StreamingResponse(self._events(), media_type="text/event-stream")
        elif scope["path"] == "/broken":
            raise RuntimeError("broken")
        elif not scope["path"].startswith("/health"):
            self.begun += 1
            await self.let.wait()
        await answer(scope, receive, send)

    async def _events(self) -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await self.let.wait()


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def admission(slow: Slow) -> Admission:
    return Admission(slow, most=MOST, refuse=refuse)


@pytest.fixture
async def client(admission: Admission) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=admission, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def until_begun(slow: Slow, number: int) -> None:
    async with asyncio.timeout(30):
        while slow.begun < number:  # noqa: ASYNC110  (it is counted, not told)
            await asyncio.sleep(0)


async def test_a_step_of_load_and_what_comes_after(
    admission: Admission, slow: Slow, client: httpx.AsyncClient
) -> None:
    step = [asyncio.create_task(client.get("/")) for _ in range(MOST)]
    await until_begun(slow, MOST)
    refused = [await client.get("/") for _ in range(4 * MOST)]
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.headers["Retry-After"] for answer in refused} == {"5"}
    assert slow.begun == MOST
    assert (await client.get("/health/live")).status_code == 200
    slow.let.set()
    assert {answer.status_code for answer in await asyncio.gather(*step)} == {200}
    assert admission.in_hand == 0
    assert (await client.get("/")).status_code == 200


async def test_what_breaks_or_is_broken_off_gives_its_place_back(
    admission: Admission, slow: Slow, client: httpx.AsyncClient
) -> None:
    for _ in range(2 * MOST):
        assert (await client.get("/broken")).status_code == 500
    waiting = asyncio.create_task(client.get("/"))
    await until_begun(slow, 1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert admission.in_hand == 0


@pytest.mark.parametrize("stops", [False, True])
async def test_a_service_that_stops_ends_the_connection_with_each_answer(
    slow: Slow, stops: bool
) -> None:
    slow.let.set()
    transport = httpx.ASGITransport(
        app=Admission(slow, most=MOST, refuse=refuse, stops=lambda scope: stops)
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/")).headers.get("Connection") == ("close" if stops else None)


async def test_streams_of_events_take_no_place(
    admission: Admission, slow: Slow, client: httpx.AsyncClient
) -> None:
    streams = []
    for _ in range(2 * MOST):
        streams.append(asyncio.create_task(client.get("/events")))
        await asyncio.sleep(0.001)
    assert admission.in_hand == 0
    slow.let.set()
    answers = await asyncio.gather(*streams)
    assert {answer.status_code for answer in answers} == {200}


async def test_one_caller_has_a_share(slow: Slow) -> None:
    def callers(request: Request) -> list[str]:
        return [request.headers["from"], request.headers.get("key", "")]

    told: list[type[Exception]] = []

    async def tell(request: Request, error: Exception) -> Response:
        told.append(type(error))
        return PlainTextResponse("no", 429)

    admission = Admission(slow, most=MOST, refuse=tell, share=2, callers=callers)
    transport = httpx.ASGITransport(app=admission, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:

        def ask(address: str, key: str) -> asyncio.Task[httpx.Response]:
            return asyncio.create_task(client.get("/", headers={"from": address, "key": key}))

        taken = [ask("a", "1"), ask("a", "2")]
        await until_begun(slow, 2)
        # Another credential does not help an address, nor another address a credential.
        assert (await ask("a", "3")).status_code == 429
        taken.append(ask("b", "1"))
        await until_begun(slow, 3)
        assert (await ask("c", "3")).status_code == 429
        assert told == [RateLimited, Unavailable]
        slow.let.set()
        assert {answer.status_code for answer in await asyncio.gather(*taken)} == {200}
        assert (admission.in_hand, admission.of_caller) == (0, {})
        assert (await ask("a", "3")).status_code == 200
