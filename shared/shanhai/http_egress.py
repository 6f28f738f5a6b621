"""The HTTP client for every request that a service makes to others.

Every service loads this module at its start, and most ask nobody for long: what the client is made
of is loaded when it is first used.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from functools import cached_property, partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode, urlsplit

import orjson

from shanhai.errors import InvalidInput, Unavailable
from shanhai.settings import OutgoingSettings
from shanhai.vocabulary import Label

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator

    import httpx

LIMIT_BYTES = 1024 * 1024
BEGINNING_BYTES = 200  # read of an answer whose status is another than 200
LONGEST_URL = 2000
DEFAULT_PORTS = {"https": 443, "http": 80}
TRANSLATED = IPv6Network("64:ff9b::/96")
"""Addresses that a gateway turns into those of IPv4 (RFC 6052)."""
RESOLVERS = ThreadPoolExecutor(16, "resolver")
"""Whoever asks gives up in time, but the thread goes on until the name servers do: it must be none
of those that the process does its other work in."""
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """The addresses of a name.

    Raises:
        OSError: it has none.
    """
    asked = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(RESOLVERS, asked)
    return [str(item[4][0]) for item in found]


class NoAnswerInTime(Unavailable):
    """Whom was asked has not answered in time."""


class UnusableAnswer(Unavailable):
    """Whom was asked has answered what was not asked for."""

    title = Label("上游应答无效", "Unusable answer")


class EgressClient:
    """Requests to others, within what the settings allow."""

    def __init__(self, settings: OutgoingSettings, *, resolve: Resolve = resolve_host) -> None:
        self._settings = settings
        self._resolve = resolve
        if settings.tls_ca is not None:
            _ = self._tls  # a file that is none is told at the start

    @cached_property
    def _tls(self) -> "ssl.SSLContext":
        import httpx

        context = httpx.create_ssl_context()
        if self._settings.tls_ca is not None:
            context.load_verify_locations(self._settings.tls_ca)
        return context

    async def fetch_json(self, url: str) -> dict[str, Any]:
        """The JSON object at `url`.

        Raises:
            Unavailable: there is none, in time and within the limits, or it may not be asked.
        """
        content, _ = await self.fetch(url, accept="application/json")
        return _object_in(content, url)

    async def fetch(self, url: str, *, accept: str = "*/*") -> tuple[bytes, str]:
        """What is at `url`, and its media type as it was told.

        Raises:
            Unavailable: there is nothing, in time and within the limits, or it may not be asked.
        """
        status, content, media_type = await self.get(url, accept=accept)
        if status != 200:
            raise _failed(url, f"status {status}")
        return content, media_type

    async def get(self, url: str, *, accept: str = "*/*") -> tuple[int, bytes, str]:
        """The status; the body, of others than 200 its beginning; the media type as it was told.

        Raises:
            NoAnswerInTime: there is none in time.
            UnusableAnswer: it is larger than the limit.
            Unavailable: there is none, or it may not be asked.
        """
        async with self._asked("GET", url, {"Accept": accept}) as response:
            reading = _read if response.status_code == 200 else _read_beginning
            content = await reading(url, response)
            return response.status_code, content, response.headers.get("content-type", "")

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> int:
        """Send something to `url`, and tell the status of the answer, whose body is not read.

        Raises:
            Unavailable: it could not be sent, or was not answered in time.
        """
        async with self._asked("POST", url, headers, content) as response:
            return response.status_code

    def demand(self, url: str) -> None:
        """Refuse an address that may not be reached, as far as can be said without a look.

        Raises:
            Unavailable: it may not.
        """
        try:
            parse_target(url, self._settings)
        except InvalidInput as error:
            raise _failed(url, error.message, error.message_zh) from error

    async def post_form(
        self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Send fields to `url`; the status, and the JSON object that is answered.

        Raises:
            Unavailable: it is not answered by one, in time and within the limits.
        """
        told = {
            **headers,
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        async with self._asked("POST", url, told, urlencode(fields).encode()) as response:
            content = await _read(url, response)
        return response.status_code, _object_in(content, url)

    @asynccontextmanager
    async def _asked(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None
    ) -> AsyncIterator["httpx.Response"]:
        import httpx

        timeout_s = self._settings.timeout_s
        try:
            async with (
                asyncio.timeout(timeout_s),
                httpx.AsyncClient(
                    verify=self._tls, timeout=timeout_s, follow_redirects=False, trust_env=False
                ) as client,
            ):
                target = parse_target(url, self._settings)
                response = await self._connect(client, method, target, headers, content)
                try:
                    yield response
                finally:
                    await response.aclose()
        except InvalidInput as error:
            raise _failed(url, error.message, error.message_zh) from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise _failed(url, type(error).__name__, kind=NoAnswerInTime) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _failed(url, type(error).__name__) from error

    async def _connect(
        self,
        client: "httpx.AsyncClient",
        method: str,
        target: "httpx.URL",
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> "httpx.Response":
        """Send a request to the first address of its host that takes the connection."""
        import httpx

        failure: httpx.TransportError | None = None
        name = target.raw_host.decode()
        for address in await self._addresses(target):
            request = client.build_request(
                method,
                target.copy_with(host=str(address)),
                content=content,
                # What is packed could be many times what it seems to be.
                headers={**headers, "Accept-Encoding": "identity", "Host": target.netloc.decode()},
                extensions={"sni_hostname": name, "trace": _closing_half_open()},
            )
            try:
                return await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure or OSError("no address")

    async def _addresses(self, target: "httpx.URL") -> list[Address]:
        """The addresses of the host, all of which may be reached."""
        port = target.port or DEFAULT_PORTS[target.scheme]
        found = await self._resolve(target.raw_host.decode(), port)
        addresses = [ip_address(text.partition("%")[0]) for text in dict.fromkeys(found)]
        if not all(is_reachable(address, self._settings) for address in addresses):
            raise InvalidInput(
                "its name leads to an address that may not be reached; SHANHAI_OUTGOING_NETWORKS"
                " lists those inside which may",
                message_zh="其域名指向不允许访问的地址；允许的内部网段由 SHANHAI_OUTGOING_NETWORKS"
                " 给出",
            )
        return addresses


def _closing_half_open() -> Callable[[str, Mapping[str, Any]], Coroutine[Any, Any, None]]:
    """Told what becomes of a connection, closes it where its TLS handshake comes to nothing.

    httpcore leaves it open where our own time is over first.
    """
    opened: list[Any] = []

    async def note(event: str, told: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            opened.append(told["return_value"])
        elif event == "connection.start_tls.failed":
            await opened.pop().aclose()

    return note


def parse_target(
    url: str, settings: OutgoingSettings, *, pointer: str | None = None
) -> "httpx.URL":
    """An address that something may be sent to, as far as can be said without resolving its name.

    Raises:
        InvalidInput: it is malformed, not by TLS, or its host is not listed.
    """
    import httpx

    try:
        target = httpx.URL(url) if len(url) <= LONGEST_URL and url.isprintable() else None
    except (httpx.InvalidURL, ValueError):
        target = None
    if target is None or target.scheme not in DEFAULT_PORTS or not target.raw_host:
        raise InvalidInput(
            f"must be an https URL of at most {LONGEST_URL} characters",
            message_zh=f"须为不超过 {LONGEST_URL} 个字符的 https 地址",
            pointer=pointer,
        )
    if target.userinfo or target.fragment:
        raise InvalidInput(
            "must hold no user, password or fragment",
            message_zh="不得含有用户名、密码或片段",
            pointer=pointer,
        )
    _demand_listed(target, settings, pointer)
    return target


def _demand_listed(target: "httpx.URL", settings: OutgoingSettings, pointer: str | None) -> None:
    host = target.raw_host.decode().lower().rstrip(".")
    port = target.port or DEFAULT_PORTS[target.scheme]
    default = port == DEFAULT_PORTS[target.scheme]
    plain = any(_names(entry, host, port, default=default) for entry in settings.http_hosts)
    if target.scheme == "http" and not plain:
        raise InvalidInput(
            "must be https; SHANHAI_OUTGOING_HTTP_HOSTS lists what may be reached without TLS",
            message_zh="须为 https；可不经 TLS 访问的主机由 SHANHAI_OUTGOING_HTTP_HOSTS 给出",
            pointer=pointer,
        )
    if not plain and not any(
        _names(entry, host, port, default=default) for entry in settings.hosts
    ):
        raise InvalidInput(
            f"{host[:100]}:{port} may not be reached; SHANHAI_OUTGOING_HOSTS lists what may",
            message_zh=f"不允许访问 {host[:100]}:{port}；允许的主机由 SHANHAI_OUTGOING_HOSTS 给出",
            pointer=pointer,
        )


def _names(entry: str, host: str, port: int, *, default: bool) -> bool:
    """Whether an entry of a list of hosts names this one; without a port it means the usual one."""
    parts = urlsplit(f"//{entry}")
    if not (default if parts.port is None else parts.port == port):
        return False
    named = parts.hostname or ""
    return host.endswith(named[1:]) if named.startswith("*.") else host == named


def is_reachable(address: Address, settings: OutgoingSettings) -> bool:
    """Whether connections may go there: what anyone can reach, and networks that are listed."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_reachable(inner, settings)
    if any(address.version == net.version and address in net for net in settings.networks):
        return True
    local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or local)


async def _read(url: str, response: "httpx.Response") -> bytes:
    content = bytearray()
    async for block in response.aiter_raw():
        content += block
        if len(content) > LIMIT_BYTES:
            raise _failed(url, f"more than {LIMIT_BYTES} bytes", kind=UnusableAnswer)
    return bytes(content)


def _object_in(content: bytes, url: str) -> dict[str, Any]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _failed(url, "no JSON") from error
    if not isinstance(document, dict):
        raise _failed(url, "no JSON object")
    return document


async def _read_beginning(_: str, response: "httpx.Response") -> bytes:
    """What an error says, of whatever size it is."""
    async with aclosing(cast("AsyncGenerator[bytes]", response.aiter_raw())) as blocks:
        return (await anext(blocks, b""))[:BEGINNING_BYTES]


def _failed(
    url: str, why: str, why_zh: str | None = None, *, kind: type[Unavailable] = Unavailable
) -> Unavailable:
    # What follows the question mark may be a secret.
    shown = url.partition("?")[0][:200]
    return kind(
        f"{shown} cannot be reached: {why}", message_zh=f"无法访问 {shown}：{why_zh or why}"
    )
