"""The head and body of an answer leave together, in order and whole."""

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from shanhai.joined_writes import SMALL, JoiningTransport


class Wire:
    """What a transport was given."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written.append(data)

    def writelines(self, pieces: Iterable[bytes]) -> None:
        self.write(b"".join(pieces))

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str) -> str:
        return f"told {name}"


def joining(wire: Wire) -> JoiningTransport:
    return JoiningTransport(cast("Any", wire))


async def test_a_head_and_its_body_are_one() -> None:
    wire = Wire()
    transport = joining(wire)
    transport.write(b"head ")
    assert wire.written == []
    transport.write(b"body")
    assert wire.written == [b"head body"]


async def test_a_client_that_knows_capitals_finds_where_a_new_object_is() -> None:
    wire = Wire()
    for status in (b"201 Created", b"303 See Other"):
        joining(wire).write(b"HTTP/1.1 " + status + b"\r\nlocation: /location: x\r\n\r\n")
    await asyncio.sleep(0)
    assert wire.written == [
        b"HTTP/1.1 201 Created\r\nLocation: /location: x\r\n\r\n",
        b"HTTP/1.1 303 See Other\r\nlocation: /location: x\r\n\r\n",
    ]


async def test_a_head_alone_leaves_at_the_end_of_the_turn() -> None:
    wire = Wire()
    joining(wire).write(b"HTTP/1.1 100 Continue")
    await asyncio.sleep(0)
    assert wire.written == [b"HTTP/1.1 100 Continue"]


async def test_what_is_large_is_not_held() -> None:
    wire = Wire()
    joining(wire).write(b"x" * SMALL)
    assert wire.written == [b"x" * SMALL]


async def test_closing_sends_what_is_held_first() -> None:
    wire = Wire()
    transport = joining(wire)
    transport.write(b"bye")
    transport.close()
    assert wire.written == [b"bye"]
    assert wire.closed
    assert transport.get_extra_info("peername") == "told peername"


@given(st.lists(st.tuples(st.integers(0, 3 * SMALL), st.booleans()), max_size=20))
def test_everything_arrives_in_order(pieces: list[tuple[int, bool]]) -> None:
    async def send() -> list[bytes]:
        wire = Wire()
        transport = joining(wire)
        for number, (size, waits) in enumerate(pieces):
            transport.write(bytes([number]) * size)
            if waits:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        return wire.written

    whole = b"".join(bytes([number]) * size for number, (size, _) in enumerate(pieces))
    assert b"".join(asyncio.run(send())) == whole
