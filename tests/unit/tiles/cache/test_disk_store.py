import os
from pathlib import Path

from shanhai_tiles.cache.stores import SHARDS, CachedTile, DiskStore

KEY = "07" + "a" * 30
TILE = CachedTile(b"\x89PNG", '"tag"', (("Note", "one"),))
ROOM = 64 * 1024


def key(number: int) -> str:
    """Keys of one folder."""
    return f"07{number:030x}"


def only_file_of(folder: Path) -> Path:
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    return path


def grow_old(folder: Path, name: str, second: int) -> None:
    """The clock of a file system may be coarse: the order is set."""
    os.utime(next(folder.rglob(name)), ns=(second * 10**9, second * 10**9))


def kept_in(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


async def test_tile_outlives_the_process(tmp_path: Path) -> None:
    await DiskStore(tmp_path, SHARDS * ROOM).put(KEY, TILE)
    assert await DiskStore(tmp_path, SHARDS * ROOM).get(KEY) == TILE
    assert await DiskStore(tmp_path, SHARDS * ROOM).get(KEY[::-1]) is None


async def test_damaged_file_is_no_tile_and_goes(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, SHARDS * ROOM)
    await store.put(KEY, TILE)
    path = only_file_of(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    assert await store.get(KEY) is None
    assert not path.exists()


async def test_room_is_kept_and_what_was_used_last_stays(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, SHARDS * ROOM)
    body = b"x" * (ROOM // 16)
    for number in range(40):
        await store.put(key(number), CachedTile(body, '"tag"'))
        grow_old(tmp_path, key(number), number)
        await store.get(key(0))
    assert kept_in(tmp_path) <= ROOM + ROOM // 8 + 2 * len(body)
    assert await store.get(key(0)) is not None
    assert await store.get(key(39)) is not None
    assert await store.get(key(1)) is None


async def test_what_lies_there_from_before_counts(tmp_path: Path) -> None:
    await test_room_is_kept_and_what_was_used_last_stays(tmp_path)
    smaller = DiskStore(tmp_path, SHARDS * ROOM // 4)
    await smaller.put(key(100), TILE)
    assert kept_in(tmp_path) <= ROOM // 4


async def test_folder_that_cannot_be_used_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = DiskStore(tmp_path / "file", SHARDS * ROOM)
    await store.put(KEY, TILE)
    assert await store.get(KEY) is None


async def test_large_tile_does_not_empty_a_folder(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, SHARDS * ROOM)
    await store.put(KEY, TILE)
    await store.put(key(1), CachedTile(b"x" * (ROOM // 2), '"tag"'))
    assert await store.get(key(1)) is None
    assert await store.get(KEY) == TILE
