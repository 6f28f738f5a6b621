import asyncio

import pytest
from prometheus_client import REGISTRY

from shanhai.errors import Unavailable
from shanhai_tiles.cache.stores import CachedTile
from shanhai_tiles.cache.tile_cache import MemoryCache, NoTileStore, TileCache

TILE = CachedTile(b"drawn", '"tag"')
MB = 1024 * 1024


class Shared(NoTileStore):
    """A store in memory that several of these processes share, with its claims."""

    def __init__(self) -> None:
        self.kept: dict[str, CachedTile] = {}
        self.claims: set[str] = set()

    async def get(self, key: str) -> CachedTile | None:
        return self.kept.get(key)

    async def put(self, key: str, tile: CachedTile) -> None:
        self.kept[key] = tile

    async def claim(self, key: str) -> bool:
        free = key not in self.claims
        self.claims.add(key)
        return free

    async def release(self, key: str) -> None:
        self.claims.discard(key)


class Draw:
    def __init__(self, *, fails: int = 0) -> None:
        self.times = 0
        self.fails = fails

    async def __call__(self) -> CachedTile:
        self.times += 1
        await asyncio.sleep(0.03)
        if self.times <= self.fails:
            raise Unavailable("away", message_zh="不可用")
        return TILE


def drawn() -> float:
    return REGISTRY.get_sample_value("shanhai_tiles_cache_lookups_total", {"result": "drawn"}) or 0


async def test_hundred_at_once_are_drawn_for_once() -> None:
    tiles, draw, before = TileCache(MemoryCache(MB)), Draw(), drawn()
    assert await asyncio.gather(*(tiles.get("key", draw) for _ in range(100))) == [TILE] * 100
    assert await tiles.get("key", draw) == TILE
    assert draw.times == 1
    assert drawn() - before == 1


async def test_two_processes_draw_once() -> None:
    store, draw = Shared(), Draw()
    processes = [TileCache(MemoryCache(MB), store) for _ in range(2)]
    found = await asyncio.gather(*(one.get("key", draw) for one in processes for _ in range(5)))
    assert found == [TILE] * 10
    assert draw.times == 1
    assert store.claims == set()


async def test_error_is_never_kept() -> None:
    store, draw = Shared(), Draw(fails=1)
    tiles = TileCache(MemoryCache(MB), store)
    with pytest.raises(Unavailable):
        await tiles.get("key", draw)
    assert store.kept == {}
    assert store.claims == set()
    assert await tiles.get("key", draw) == TILE


async def test_process_that_died_while_drawing_only_delays() -> None:
    store, draw = Shared(), Draw()
    store.claims.add("key")
    assert await TileCache(MemoryCache(MB), store).get("key", draw) == TILE
    assert draw.times == 1


async def test_tile_of_the_store_is_in_memory_from_then_on() -> None:
    store, draw = Shared(), Draw()
    store.kept["key"] = TILE
    tiles = TileCache(MemoryCache(MB), store)
    assert await tiles.get("key", draw) == TILE
    store.kept.clear()
    assert await tiles.get("key", draw) == TILE
    assert draw.times == 0


class Tags:
    """What holds, by tag; all else is outdated."""

    def __init__(self, *tags: str) -> None:
        self.tags = tags

    def __call__(self, tile: CachedTile) -> bool:
        return tile.etag in self.tags


OLD = CachedTile(b"old", '"old"')


async def test_outdated_tile_is_drawn_anew() -> None:
    store, draw = Shared(), Draw()
    store.kept["key"] = OLD
    tiles = TileCache(MemoryCache(MB), store, holds=Tags('"tag"'))
    assert await tiles.get("key", draw) == TILE
    assert await tiles.get("key", draw) == TILE
    assert draw.times == 1
    assert store.kept["key"] == TILE


async def test_outdated_tile_is_answered_while_none_can_be_drawn() -> None:
    store, draw = Shared(), Draw(fails=2)
    store.kept["key"] = OLD
    tiles = TileCache(MemoryCache(MB), store, holds=Tags('"tag"'))
    assert await tiles.get("key", draw) == OLD
    store.kept.clear()
    assert await tiles.get("key", draw) == OLD
    assert await tiles.get("key", draw) == TILE
    assert store.claims == set()


async def test_outdated_tile_of_another_process_is_not_waited_for() -> None:
    store, draw = Shared(), Draw()
    store.kept["key"] = OLD
    processes = [TileCache(MemoryCache(MB), store, holds=Tags('"tag"')) for _ in range(2)]
    found = await asyncio.gather(*(one.get("key", draw) for one in processes for _ in range(5)))
    assert found == [TILE] * 10
    assert draw.times == 1
