"""HTTP caching that cannot lie, and a bounded memory of encoded tiles."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

RENDERER = "1"
"""Raised whenever the same cells would be drawn or encoded differently."""

CACHE_BYTES = 64 * 1024 * 1024
A_YEAR = 365 * 24 * 3600

LOOKUPS = Counter("shanhai_tiles_cache_lookups", "Look-ups in the tile cache", ["result"])


def etag_of(*parts: object) -> str:
    """A strong entity tag of everything a representation depends on."""
    digest = hashlib.sha256("\x1f".join(map(str, (RENDERER, *parts))).encode())
    return f'"{digest.hexdigest()[:32]}"'


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long, and where, an answer may be kept.

    Attributes:
        etag: Its strong entity tag.
        private: Whether an identity was needed to see it.
        versioned: Whether the address names the very version that is answered.
    """

    etag: str
    private: bool = False
    versioned: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """`ETag` and `Cache-Control`."""
        who = "private" if self.private else "public"
        how_long = f"max-age={A_YEAR}, immutable" if self.versioned else "no-cache"
        return {"ETag": self.etag, "Cache-Control": f"{who}, {how_long}"}

    def not_modified(self, request: Request) -> Response | None:
        """304 when the caller already has this representation."""
        known = request.headers.get("if-none-match", "")
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        if self.etag in tags or "*" in tags:
            return Response(status_code=304, headers=self.headers)
        return None


class TileCache:
    """Encoded tiles, least recently used dropped first, bounded in bytes.

    A key is an entity tag, so it names the layer's version: nothing ever needs to be removed
    because it changed. Who may see a tile is decided before the cache is asked.
    """

    def __init__(self, capacity: int = CACHE_BYTES) -> None:
        self.capacity = capacity
        self.size = 0
        self._tiles: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> bytes | None:
        """The tile, or None; an empty tile is a tile."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
        LOOKUPS.labels("miss" if tile is None else "hit").inc()
        return tile

    def put(self, key: str, tile: bytes) -> None:
        """Keep a tile, unless it alone would take an eighth of the room."""
        if len(tile) > self.capacity // 8:
            return
        with self._lock:
            self.size += len(tile) - len(self._tiles.pop(key, b""))
            self._tiles[key] = tile
            while self.size > self.capacity:
                _, dropped = self._tiles.popitem(last=False)
                self.size -= len(dropped)
