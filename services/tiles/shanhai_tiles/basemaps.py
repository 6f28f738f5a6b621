"""Background maps of 天地图: asked for by the service alone, and kept with their age.

Its web mercator is on CGCS2000, of which WGS 84 differs by centimetres, and its tiles have the
columns and rows of ours: nothing has to be shifted.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from types import MappingProxyType
from typing import get_args
from urllib.parse import urlencode

import structlog
from prometheus_client import Counter

from shanhai.errors import NotFound, Unavailable
from shanhai.http_egress import BEGINNING_BYTES, EgressClient, NoAnswerInTime, UnusableAnswer
from shanhai.settings import BasemapLayer, BasemapSettings, OutgoingSettings, TilesSettings
from shanhai_tiles.answers import etag_of
from shanhai_tiles.cache.stores import CachedTile
from shanhai_tiles.cache.tile_cache import TileCache, open_basemap_tiles

FIRST_LEVEL = 1
LAST_LEVEL: Mapping[BasemapLayer, int] = MappingProxyType(
    {"vec": 18, "cva": 18, "img": 18, "cia": 18, "ter": 14, "cta": 14}
)
LAYERS: tuple[BasemapLayer, ...] = get_args(BasemapLayer)
IMAGES: Mapping[bytes, str] = MappingProxyType(
    {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
)
"""What files begin with, and what they are then."""
TOGETHER = 16
"""Tiles that a process asks the provider for at the same time."""
REST_S = 5.0
"""Seconds for which a provider is not asked again that gave nothing to show: a token that it does
not take, or a quota that is used up, is no better for the next tile."""
A_DAY = 24 * 3600
SOON_S = 60
TYPE, FETCHED = "Content-Type", "Last-Modified"

ASKED = Counter("shanhai_tiles_basemap_requests", "Tiles asked of the provider", ["result"])
log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(slots=True)
class Basemaps:
    """Tiles of the background maps that the operator has named.

    Attributes:
        named: Their layers; none where there are no background maps.
    """

    named: Sequence[BasemapLayer]
    settings: BasemapSettings
    client: EgressClient
    tiles: TileCache
    together: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(TOGETHER))
    rests_until: float = 0.0

    async def tile(self, layer: str, zoom: int, column: int, row: int) -> CachedTile:
        """A tile of web mercator; an old one where the provider does not answer.

        Raises:
            NotFound: the operator has not named the layer, or it has no such tile.
            NoAnswerInTime: the provider has not answered in time.
            UnusableAnswer: it has answered anything but an image.
            Unavailable: it cannot be reached, or could not a moment ago.
        """
        known = next((name for name in self.named if name == layer), None)
        if known is None:
            raise NotFound(
                f"there is no background map {layer[:40]!r}",
                message_zh=f"没有底图 {layer[:40]!r}",
            )
        side = 1 << zoom if FIRST_LEVEL <= zoom <= LAST_LEVEL[known] else 0
        if not (0 <= column < side and 0 <= row < side):
            raise _no_tile(known, zoom, column, row)
        place = f"{self.settings.url} {known} {zoom} {column} {row}"
        # Of no release of ours: what was fetched is good for the next one.
        key = hashlib.sha256(place.encode()).hexdigest()[:32]
        return await self.tiles.get(key, lambda: self._ask(known, zoom, column, row))

    def lasts_s(self, tile: CachedTile) -> int:
        """Seconds for which a browser may show the tile without asking again."""
        left = self.settings.fresh_s - _age_s(tile)
        return max(SOON_S, min(int(left), A_DAY))

    async def _ask(self, layer: BasemapLayer, zoom: int, column: int, row: int) -> CachedTile:
        async with self.together:
            if time.monotonic() < self.rests_until:
                raise Unavailable(
                    "the provider of the background map gave nothing a moment ago; try again",
                    message_zh="底图服务刚才未能提供瓦片，请稍后再试",
                )
            try:
                content, media_type = await self._fetch(layer, zoom, column, row)
            except Unavailable as error:
                raise self._give_up(layer, error) from error
        ASKED.labels("tile").inc()
        notes = ((TYPE, media_type), (FETCHED, format_datetime(datetime.now(UTC), usegmt=True)))
        return CachedTile(content, etag_of(media_type, hashlib.sha256(content).hexdigest()), notes)

    async def _fetch(
        self, layer: BasemapLayer, zoom: int, column: int, row: int
    ) -> tuple[bytes, str]:
        status, content, told = await self.client.get(
            self._address(layer, zoom, column, row), accept="image/png, image/jpeg"
        )
        if status == 404:
            ASKED.labels("none").inc()
            raise _no_tile(layer, zoom, column, row)
        media_type = _type_of(content, told)
        if status != 200 or media_type is None:
            said = content[:BEGINNING_BYTES].decode("utf-8", "replace")
            said = said.replace(self.settings.token.get_secret_value(), "…")
            raise UnusableAnswer(f"status {status}, {told[:80]!r}, {len(content)} bytes: {said!r}")
        return content, media_type

    def _address(self, layer: BasemapLayer, zoom: int, column: int, row: int) -> str:
        asked = {
            "SERVICE": "WMTS",
            "REQUEST": "GetTile",
            "VERSION": "1.0.0",
            "LAYER": layer,
            "STYLE": "default",
            "TILEMATRIXSET": "w",
            "FORMAT": "tiles",
            "TILEMATRIX": zoom,
            "TILEROW": row,
            "TILECOL": column,
            "tk": self.settings.token.get_secret_value(),
        }
        return f"{self.settings.url}/{layer}_w/wmts?{urlencode(asked)}"

    def _give_up(self, layer: BasemapLayer, error: Unavailable) -> Unavailable:
        """What callers are told, who need not learn whom we ask."""
        self.rests_until = time.monotonic() + REST_S
        log.warning("background map cannot be had", layer=layer, reason=error.message)
        if isinstance(error, NoAnswerInTime):
            ASKED.labels("late").inc()
            return NoAnswerInTime(
                "the provider of the background map does not answer in time; try again",
                message_zh="底图服务响应超时，请稍后再试",
            )
        if isinstance(error, UnusableAnswer):
            ASKED.labels("unusable").inc()
            return UnusableAnswer(
                "the provider of the background map gives no image; the log tells its operator why",
                message_zh="底图服务返回的不是图像，运维人员可在日志中查看原因",
            )
        ASKED.labels("unreached").inc()
        return Unavailable(
            "the provider of the background map cannot be reached; try again",
            message_zh="无法访问底图服务，请稍后再试",
        )


@asynccontextmanager
async def open_basemaps(
    named: Sequence[BasemapLayer],
    settings: BasemapSettings,
    outgoing: OutgoingSettings,
    tiles: TilesSettings,
    redis_url: str | None,
) -> AsyncIterator[Basemaps]:
    """The background maps, for as long as the context lasts.

    Raises:
        InvalidInput: some are named without a token to ask for them.
    """
    settings.check_named(named)
    client = EgressClient(outgoing.reaching(settings.url))

    def holds(tile: CachedTile) -> bool:
        return _age_s(tile) < settings.fresh_s

    async with open_basemap_tiles(tiles, settings, redis_url, holds) as kept:
        yield Basemaps(named, settings, client, kept)


def _age_s(tile: CachedTile) -> float:
    return time.time() - parsedate_to_datetime(dict(tile.notes)[FETCHED]).timestamp()


def _type_of(content: bytes, told: str) -> str | None:
    """The media type by the content itself, where it was told to be an image; else None."""
    if not told.lower().startswith("image/"):
        return None
    return next((name for start, name in IMAGES.items() if content.startswith(start)), None)


def _no_tile(layer: BasemapLayer, zoom: int, column: int, row: int) -> NotFound:
    return NotFound(
        f"the background map {layer} has no tile {zoom}/{column}/{row}",
        message_zh=f"底图 {layer} 没有瓦片 {zoom}/{column}/{row}",
    )
