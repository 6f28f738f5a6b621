"""A drawn tile, and the form in which it is kept outside the process."""

import hashlib
from dataclasses import dataclass

import orjson

CHECKSUM_BYTES = 16
LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class CachedTile:
    """What is answered for a tile.

    Attributes:
        body: Its bytes; none where a vector layer holds nothing.
        etag: Its strong entity tag.
        notes: Headers that say something of this very tile, such as what was left out.
    """

    body: bytes
    etag: str
    notes: tuple[tuple[str, str], ...] = ()


def pack(key: str, tile: CachedTile) -> bytes:
    """The tile as bytes that tell when they are damaged, or those of another key."""
    head = orjson.dumps([tile.etag, tile.notes])
    content = len(head).to_bytes(LENGTH_BYTES) + head + tile.body
    return _checksum(key, content) + content


def unpack(key: str, kept: bytes) -> CachedTile | None:
    """The tile that was packed under the key; None when these bytes are not it."""
    checksum, content = kept[:CHECKSUM_BYTES], kept[CHECKSUM_BYTES:]
    if checksum != _checksum(key, content):
        return None
    end = LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES])
    etag, notes = orjson.loads(content[LENGTH_BYTES:end])
    return CachedTile(content[end:], etag, tuple((name, value) for name, value in notes))


def _checksum(key: str, content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECKSUM_BYTES, key=key.encode()[:64]).digest()
