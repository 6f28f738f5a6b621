"""The two clients, at once or awaiting; what both can do, written once as steps."""

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar, cast
from urllib.parse import quote
from uuid import uuid4

import httpx

from shanhai.client.remote import RemoteCollection, RemoteJob, opened
from shanhai.client.steps import (
    Async,
    Driven,
    Method,
    Mode,
    Pause,
    Send,
    Steps,
    Sync,
    Take,
    Work,
    checked,
    content_of,
    may_be_done,
    next_of,
    pause_before_repeat,
    records_of,
)
from shanhai.errors import Conflict, InvalidInput, NotFound
from shanhai.file_limits import draft_of

if TYPE_CHECKING:
    from xarray import DataArray

    from shanhai.client.schemas import AsyncPaths, Paths
else:
    AsyncPaths = Paths = object


Scalar: TypeAlias = str | bool | int | float | date | None
Query: TypeAlias = Scalar | Sequence[str | float]
"""A parameter of an address: None leaves it out, several are told with commas."""
Headers: TypeAlias = Mapping[str, str]
KEY = "Idempotency-Key"
REPEATS = 5
TIMEOUT_S = 60.0
PLACEHOLDER = re.compile(r"\{(\w+)\}")
VISIBLE = re.compile("[!-~]+")
PART_BYTES = 8 * 1024 * 1024
BLOCK_BYTES = 1024 * 1024
UPLOAD = "/uploads/{upload}"
BYTES = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class FilePart:
    """Bytes of a file that follow each other, as a zip has a member it does not compress.

    Attributes:
        path: The file.
        start: Where in it they begin.
        size: How many they are.
        name: What people know them by.
    """

    path: Path
    start: int
    size: int
    name: str

    @classmethod
    def whole(cls, path: Path) -> Self:
        """All bytes of a file, under its name."""
        return cls(path, 0, path.stat().st_size, path.name)

    def read(self, start: int = 0, most: int | None = None) -> bytes:
        """Those from `start` on, `most` at most."""
        left = max(0, self.size - start)
        with self.path.open("rb") as file:
            file.seek(self.start + start)
            return file.read(left if most is None else min(most, left))

    def blocks(self) -> Iterator[bytes]:
        """All of them, a block at a time; they end early where the file does."""
        left = self.size
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left and (block := file.read(min(left, BLOCK_BYTES))):
                left -= len(block)
                yield block

    def sha256(self) -> str:
        """Their SHA-256."""
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()


def _verb(method: str, told: str) -> Any:
    def steps(
        api: "ClientCore[Any]",
        path: str,
        body: object = None,
        /,
        *,
        headers: Headers | None = None,
        **query: Query,
    ) -> Steps[Any]:
        return api._content(api._request(method, path, query, headers, body))

    steps.__name__ = method.lower()
    steps.__doc__ = f"{told} JSON is what it says, a text a string, all else bytes."
    return Method(steps)


class ClientCore(Driven[Mode]):
    """Talks to one service, the API or the tiles; the key is told to nobody else.

    Paths may have placeholders: `get("/plans/{plan}/progress", plan="xiamen")`. What else is given
    by name goes into the query. Whole addresses are taken, too.
    """

    _library: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        lang: str | None = None,
        repeats: int = REPEATS,
        **options: Any,
    ) -> None:
        """Connect to nothing yet.

        Args:
            base_url: Address of the API, or of the tiles.
            key: API key, or token of an identity provider.
            lang: `zh` or `en`: titles, messages and errors come in it.
            repeats: How often a request is sent again at most.
            options: As httpx's own client takes them, such as `timeout`, `proxy` and `verify`.

        Raises:
            InvalidInput: the address is none, or the key cannot be one.
        """
        _demand_access(base_url, key)
        self.url, self._key, self._repeats = base_url.rstrip("/"), key, repeats
        self._headers = {"Accept": "application/json, */*;q=0.5"}
        if lang is not None:
            self._headers["Accept-Language"] = lang
        self._http = self._library(**{"timeout": TIMEOUT_S, **options})

    if not TYPE_CHECKING:  # What they take and return, path by path, is in `schemas.pyi`.
        get = _verb("GET", "What is at a path.")
        post = _verb("POST", "Send JSON, or bytes with their Content-Type; what is answered.")
        put = _verb("PUT", "Put JSON, or bytes, at a path; what is answered.")
        patch = _verb("PATCH", "Change the members that are named; what is answered.")
        delete = _verb("DELETE", "Delete what is at a path; what is answered.")

    @Method
    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        /,
        *,
        headers: Headers | None = None,
        **query: Query,
    ) -> Steps[httpx.Response]:
        """The whole answer to any request, with its headers."""
        return self._send(self._request(method, path, query, headers, body))

    @Method
    def download(self, path: str, target: Path | str, /, **query: Query) -> Steps[None]:
        """Save what is at a path; the file is there once it is whole."""
        return self._save(path, target, query)

    @Method
    def upload(
        self,
        file: Path | str | FilePart,
        /,
        *,
        sha256: str | None = None,
        progress: Callable[[int, int], object] = lambda _sent, _size: None,
    ) -> Steps[str]:
        """Send a file in parts, and return the upload's id.

        The same file sent again, also by another process, goes on where the first time ended.

        Args:
            file: The file, or the bytes of one that are to be sent.
            sha256: What it must be; nothing is sent of another.
            progress: Told how many bytes of how many have arrived.

        Raises:
            InvalidInput: its SHA-256 is another than was said.
            Conflict: it changed while it was sent.
        """
        part = file if isinstance(file, FilePart) else FilePart.whole(Path(file))
        digest = yield Work(part.sha256)
        if sha256 not in {None, digest}:
            raise InvalidInput(
                f"{part.name}: its SHA-256 is {digest}, and must be {sha256}",
                message_zh=f"{part.name}：SHA-256 为 {digest}，须为 {sha256}",
                pointer=part.name,
            )
        sent = yield from self._announce(part.size, f"file-{digest}")
        stalled = 0
        while (start := int(sent["bytes"])) < part.size:
            progress(start, part.size)
            sent = yield from self._send_part(part, sent, stalled)
            stalled = 0 if int(sent["bytes"]) > start else stalled + 1
        progress(part.size, part.size)
        if sent["sha256"] != digest:
            raise Conflict(
                f"{part.name} changed while it was sent",
                message_zh=f"{part.name} 在上传过程中被修改",
            )
        return str(sent["upload"])

    @Method
    def submit(
        self,
        process: str,
        inputs: Mapping[str, object],
        /,
        *,
        idempotency_key: str | None = None,
        **order: object,
    ) -> Steps["RemoteJob[Mode]"]:
        """Ask for a process and return its job; what is the same key asks for the same job.

        `order` holds the other members of the request, such as `priority` or `unique`.
        """
        headers = {"Prefer": "respond-async"}
        if idempotency_key is not None:
            headers[KEY] = idempotency_key
        path, body = "/processes/{process}/execution", {"inputs": dict(inputs), **order}
        request = self._request("POST", path, {"process": process}, headers, body)
        response = yield from self._send(request)
        return self.job(response.headers["Location"])

    def job(self, job: str) -> "RemoteJob[Mode]":
        """A job, by its id or address."""
        return RemoteJob(self, f"{self.url}/jobs/{job.rpartition('/')[2]}")

    def collection(self, name: str) -> "RemoteCollection[Mode]":
        """A collection of features."""
        return RemoteCollection(self, f"{self.url}/collections/{name}/items")

    @Method
    def to_xarray(self, path: str, /, **query: Query) -> Steps["DataArray"]:
        """The GeoTIFF at a path as an array in memory, nodata as NaN; needs rioxarray."""
        return opened(self, path, query)

    def _content(self, request: httpx.Request) -> Steps[Any]:
        return content_of((yield from self._send(request)))

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Query] | None = None,
        headers: Headers | None = None,
        body: object = None,
    ) -> httpx.Request:
        url, own = self._address(path, query or {}), dict(self._headers)
        if self._key is not None and _origin(url) == _origin(self.url):
            own["Authorization"] = f"Bearer {self._key}"
            if method == "POST":
                own[KEY] = uuid4().hex
        raw = body if isinstance(body, bytes) else None
        json = None if body is None or raw is not None else body
        request = httpx.Request(method, url, headers=own, content=raw, json=json)
        request.headers.update(headers or {})
        return request

    def _address(self, path: str, query: Mapping[str, Query]) -> str:
        """Where a path leads, with what its placeholders and its query hold."""
        rest = dict(query)
        for name in PLACEHOLDER.findall(path):
            value = rest.pop(name, None)
            # Steps of a path, or nothing, would lead to another resource.
            if value is None or str(value) in {"", ".", ".."}:
                raise InvalidInput(f"{path}: say what {name} is, not {value!r}", pointer=name)
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        told = {name: _told(value) for name, value in rest.items() if value is not None}
        url = httpx.URL(
            path if path.startswith(("http://", "https://")) else f"{self.url}/{path.lstrip('/')}"
        )
        return str(url.copy_merge_params(told) if told else url)

    def _send(
        self,
        request: httpx.Request,
        take: Take | None = None,
        begin: Callable[[], object] = lambda: None,
    ) -> Steps[httpx.Response]:
        """The answer, asked for again while that is safe and of use; each time after `begin`."""
        lost = False
        for before in range(self._repeats + 1):
            begin()
            answered = yield Send(request, take)
            gone = getattr(answered, "status_code", None) in {404, 410}
            if lost and gone and request.method == "DELETE":
                return httpx.Response(httpx.codes.NO_CONTENT, request=request)
            lost |= may_be_done(answered)
            pause = pause_before_repeat(request, answered, before)
            if pause is None or before == self._repeats:
                break
            yield Pause(pause)
        return checked(request, answered)

    def _save(
        self, path: str, target: Path | str, query: Mapping[str, Query] | None = None
    ) -> Steps[None]:
        request = self._request("GET", path, query, {"Accept": "*/*"})
        with draft_of(Path(target)) as draft, draft.open("wb") as file:
            yield from self._send(request, file.write, lambda: file.truncate(file.seek(0)))

    def _announce(self, size: int, key: str) -> Steps[Any]:
        """The upload of a file, begun now or before, as it stands."""
        whole = {"Content-Range": f"bytes */{size}", "Content-Type": BYTES}
        begun = yield from self._content(
            self._request("POST", "/uploads", None, {**whole, KEY: key}, b"")
        )
        try:
            return (
                yield from self._content(self._request("GET", UPLOAD, {"upload": begun["upload"]}))
            )
        except NotFound:  # It has expired, and its key has not.
            return (yield from self._content(self._request("POST", "/uploads", None, whole, b"")))

    def _send_part(self, file: FilePart, sent: Mapping[str, Any], stalled: int) -> Steps[Any]:
        """Send the next part, and tell how much is there; after a cut, without sending it again."""
        start, upload = int(sent["bytes"]), {"upload": sent["upload"]}
        part = yield Work(partial(file.read, start, PART_BYTES))
        place = f"bytes {start}-{start + len(part) - 1}/{sent['total_bytes']}"
        headers = {"Content-Range": place, "Content-Type": BYTES, "If-Match": "*"}
        request = self._request("PUT", UPLOAD, upload, headers, part)
        answered = yield Send(request)
        pause = pause_before_repeat(request, answered, stalled)
        # In conflict is a part before which other bytes have arrived than were told of.
        differs = getattr(answered, "status_code", None) == httpx.codes.CONFLICT
        if stalled == self._repeats or (pause is None and not differs):
            return content_of(checked(request, answered))
        yield Pause(pause or 1.0)
        return (yield from self._content(self._request("GET", UPLOAD, upload)))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _told(value: Query) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int | float | None):
        return str(value)
    return ",".join(map(_told, value))


def _demand_access(base_url: str, key: str | None) -> None:
    try:
        scheme, host, _ = _origin(base_url)
    except httpx.InvalidURL:
        scheme = host = ""
    if scheme not in {"http", "https"} or not host:
        raise InvalidInput(
            f"{base_url!r} is no address of a service, such as http://localhost:8000",
            message_zh=f"{base_url!r} 不是服务地址（如 http://localhost:8000）",
            pointer=base_url,
        )
    if key is not None and not VISIBLE.fullmatch(key):
        raise InvalidInput(
            "the key is none: keys are ASCII letters, digits and signs, one or more, no blanks",
            message_zh="密钥无效：密钥只含 ASCII 字母、数字和符号，不含空白，且不得为空",
            pointer="key",
        )


def _origin(address: str) -> tuple[str, str, int | None]:
    url = httpx.URL(address)
    return url.scheme, url.host, url.port


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
        asked, follow = step.request, step.request.method == "GET"
        try:
            response = self._http.send(asked, stream=True, follow_redirects=follow)
            with closing(response):
                if step.take is None or not response.is_success:
                    response.read()
                else:
                    for block in response.iter_bytes():
                        step.take(block)
        except httpx.RequestError as error:
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
        asked, follow = step.request, step.request.method == "GET"
        try:
            response = await self._http.send(asked, stream=True, follow_redirects=follow)
            async with aclosing(response):
                if step.take is None or not response.is_success:
                    await response.aread()
                else:
                    async for block in response.aiter_bytes():
                        step.take(block)
        except httpx.RequestError as error:
            return error
        return response
