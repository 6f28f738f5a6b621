"""A provider of background maps on this machine, in place of 天地图, which tests cannot reach."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.receiver import Receiver, local_receiver

TOKEN = "0123456789abcdef0123456789abcdef"
SIDE = 256
COLOUR = (70, 130, 180)


def one_colour(red: int, green: int, blue: int) -> bytes:
    """A PNG of a tile's size, all of one colour."""
    row = b"\0" + bytes((red, green, blue)) * SIDE
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(row * SIDE)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )


TILE = one_colour(*COLOUR)


@contextmanager
def local_provider(port: int = 0) -> Iterator[Receiver]:
    """Answers any tile with the same picture, until told otherwise."""
    with local_receiver(port=port) as provider:
        provider.statuses, provider.answer = [200], TILE
        provider.headers = {"Content-Type": "image/png"}
        yield provider
