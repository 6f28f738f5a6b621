"""The two clients: how steps are carried out, at once or awaiting each."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import httpx

from shanhai.client.core import ClientCore, Query
from shanhai.client.steps import Async, Pause, Send, Steps, Sync, Work, next_of, records_of

if TYPE_CHECKING:
    from shanhai.client.schemas import AsyncPaths, Paths
else:
    AsyncPaths = Paths = object

T = TypeVar("T")


class ApiClient(ClientCore[Sync], Paths):
    """A client that waits; use it as a context manager, from as many threads as you like."""

    _library = httpx.Client
    _http: httpx.Client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        self._http.close()

    def pages(self, path: str, /, **query: Query) -> Iterator[Any]:
        """A list page by page, to its end."""
        url: str | None = self._address(path, query)
        while url is not None:
            page = self._drive(self._content(self._request("GET", url)))
            yield page
            url = next_of(page, url)

    def records(self, path: str, /, **query: Query) -> Iterator[Any]:
        """What a list holds one by one, features or records, from every page."""
        for page in self.pages(path, **query):
            yield from records_of(page)

    def _drive(self, steps: Steps[T]) -> T:
        answer: object = None
        try:
            while True:
                answer = self._carry_out(steps.send(answer))
        except StopIteration as end:
            return cast("T", end.value)

    def _carry_out(self, step: Send | Pause | Work) -> object:
        if isinstance(step, Work):
            return step.function()
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            response = self._http.send(step.request, stream=True)
            with closing(response):
                if step.take is None or response.is_error:
                    response.read()
                else:
                    for block in response.iter_bytes():
                        step.take(block)
        except httpx.TransportError as error:
            return error
        return response


class AsyncApiClient(ClientCore[Async], AsyncPaths):
    """The same client, awaited; use it as an asynchronous context manager."""

    _library = httpx.AsyncClient
    _http: httpx.AsyncClient

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections."""
        await self._http.aclose()

    async def pages(self, path: str, /, **query: Query) -> AsyncIterator[Any]:
        """A list page by page, to its end."""
        url: str | None = self._address(path, query)
        while url is not None:
            page = await self._drive(self._content(self._request("GET", url)))
            yield page
            url = next_of(page, url)

    async def records(self, path: str, /, **query: Query) -> AsyncIterator[Any]:
        """What a list holds one by one, features or records, from every page."""
        async for page in self.pages(path, **query):
            for record in records_of(page):
                yield record

    async def _drive(self, steps: Steps[T]) -> T:
        answer: object = None
        try:
            while True:
                answer = await self._carry_out(steps.send(answer))
        except StopIteration as end:
            return cast("T", end.value)

    async def _carry_out(self, step: Send | Pause | Work) -> object:
        if isinstance(step, Work):
            return await asyncio.to_thread(step.function)
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            response = await self._http.send(step.request, stream=True)
            async with aclosing(response):
                if step.take is None or response.is_error:
                    await response.aread()
                else:
                    async for block in response.aiter_bytes():
                        step.take(block)
        except httpx.TransportError as error:
            return error
        return response
