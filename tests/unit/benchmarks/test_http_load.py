"""The client of the loads reads an answer to its end, whole or in chunks."""

import asyncio

import pytest

from benchmarks.http_load import read_answer

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"


@pytest.mark.parametrize("answer", [WHOLE, CHUNKS], ids=["whole", "chunks"])
async def test_a_body_is_read_to_its_end(answer: bytes) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(answer + b"HTTP/1.1 404 ")
    head, body = await read_answer(reader)
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == b"hello"
    assert await reader.readexactly(13) == b"HTTP/1.1 404 "
