"""The one way a service fetches something by itself: bounded in time and size, no redirects."""

import asyncio
from typing import Any

import httpx
import orjson

from shanhai.errors import Unavailable

TIMEOUT_S = 5.0
LIMIT_BYTES = 1024 * 1024


async def fetch_json(url: str) -> dict[str, Any]:
    """The JSON object at `url`.

    Raises:
        Unavailable: there is none, in time and within the limit.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            content = await _fetch(url)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise _failed(url, type(error).__name__) from error
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _failed(url, "no JSON") from error
    if not isinstance(document, dict):
        raise _failed(url, "no JSON object")
    return document


async def _fetch(url: str) -> bytes:
    content = bytearray()
    async with (
        httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client,
        client.stream("GET", url, headers={"Accept": "application/json"}) as response,
    ):
        if response.status_code != 200:
            raise _failed(url, f"status {response.status_code}")
        async for block in response.aiter_bytes():
            content += block
            if len(content) > LIMIT_BYTES:
                raise _failed(url, f"more than {LIMIT_BYTES} bytes")
    return bytes(content)


def _failed(url: str, why: str) -> Unavailable:
    return Unavailable(f"{url} cannot be read: {why}", message_zh=f"无法读取 {url}：{why}")
