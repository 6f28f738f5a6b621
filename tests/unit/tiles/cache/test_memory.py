from shanhai_tiles.cache.stores import CachedTile
from shanhai_tiles.cache.tile_cache import OVERHEAD_BYTES, MemoryCache

BODY = 100
ENTRY = BODY + OVERHEAD_BYTES


def tile(size: int = BODY) -> CachedTile:
    return CachedTile(b"x" * size, '"tag"')


def test_least_recently_used_tile_goes_first() -> None:
    memory = MemoryCache(10 * ENTRY)
    for key in "abcdefghij":
        memory.put(key, tile())
    assert memory.get("a") is not None
    memory.put("k", tile())
    assert memory.get("b") is None
    assert memory.get("a") is not None
    assert memory.size == 10 * ENTRY


def test_tile_put_twice_counts_once() -> None:
    memory = MemoryCache(10 * ENTRY)
    memory.put("a", tile())
    memory.put("a", tile(4))
    assert memory.size == 4 + OVERHEAD_BYTES


def test_huge_tile_does_not_empty_the_memory() -> None:
    memory = MemoryCache(10 * ENTRY)
    memory.put("a", tile())
    memory.put("b", tile(10 * BODY))
    assert memory.get("b") is None
    assert memory.get("a") == tile()


def test_empty_tiles_are_kept_and_bounded_too() -> None:
    memory = MemoryCache(10 * OVERHEAD_BYTES)
    for number in range(20):
        memory.put(str(number), tile(0))
    assert memory.get("19") == tile(0)
    assert memory.get("9") is None
    assert memory.size == memory.capacity
