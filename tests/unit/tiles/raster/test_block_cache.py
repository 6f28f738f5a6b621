import errno
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai_tiles.errors import LayerUnreadable
from shanhai_tiles.raster.block_cache import BlockCache, BlockFile

AWAITED_S = 10.0


def block(value: int, size: int = 100) -> Callable[[], np.ndarray]:
    """What unpacks so many bytes."""
    return lambda: np.full(size, value, np.uint8)


def value_of(blocks: BlockCache, name: str, otherwise: int) -> int:
    """The first byte of what is kept, else of what is made now."""
    return int(blocks.get((name,), block(otherwise))[0])


def test_the_longest_unused_go_first_and_the_bound_holds() -> None:
    blocks = BlockCache(1000)
    for number in range(10):
        blocks.get((str(number),), block(number))
    assert value_of(blocks, "0", 99) == 0
    assert value_of(blocks, "10", 10) == 10
    assert blocks.size == 1000
    assert value_of(blocks, "0", 99) == 0
    assert value_of(blocks, "1", 99) == 99


def test_what_takes_much_of_the_room_is_not_kept() -> None:
    blocks = BlockCache(1000)
    blocks.get(("a",), block(1, 126))
    assert blocks.size == 0
    assert value_of(blocks, "a", 2) == 2


def test_nobody_can_change_what_is_kept() -> None:
    blocks = BlockCache(1000)
    for _ in range(2):
        with pytest.raises(ValueError, match="read-only"):
            blocks.get(("a",), block(1))[0] = 9


@pytest.mark.parametrize("fails", [False, True])
def test_what_several_ask_for_at_once_is_unpacked_once(fails: bool) -> None:
    """And damaged once for all of them; whoever asks afterwards tries again."""
    blocks, begun, asked, calls = BlockCache(1000), threading.Event(), threading.Event(), []

    def unpack() -> np.ndarray:
        calls.append(1)
        begun.set()
        assert asked.wait(AWAITED_S)
        if fails:
            raise LayerUnreadable
        return np.full(100, 7, np.uint8)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(blocks.get, ("a",), unpack)
        assert begun.wait(AWAITED_S)
        second = threads.submit(blocks.get, ("a",), unpack)
        # It waits for the first, whose end alone lets this go on.
        while not second.running():
            pass
        asked.set()
        if fails:
            for one in (first, second):
                with pytest.raises(LayerUnreadable):
                    one.result(AWAITED_S)
        else:
            assert first.result(AWAITED_S) is second.result(AWAITED_S)
            assert len(calls) == 1
    assert value_of(blocks, "a", 8) == (8 if fails else 7)


@pytest.fixture
def keep_in() -> Iterator[Callable[..., BlockCache]]:
    """Opens a cache that keeps in a folder what memory has no room for."""
    opened: list[BlockCache] = []

    def keep(folder: Path, capacity: int = 1000, on_disk: int = 4000) -> BlockCache:
        opened.append(BlockCache(capacity, BlockFile(folder, on_disk)))
        return opened[-1]

    yield keep
    for one in opened:
        one.close()


def test_what_memory_has_no_room_for_is_found_on_disk(
    tmp_path: Path, keep_in: Callable[..., BlockCache]
) -> None:
    blocks = keep_in(tmp_path / "blocks")
    for number in range(50):
        blocks.get((str(number),), block(number))
    assert [value_of(blocks, str(number), 99) for number in range(10, 50)] == [*range(10, 50)]
    assert blocks.size == 1000
    # Of those before, others have the place; and nobody else finds the file.
    assert value_of(blocks, "0", 99) == 99
    assert [*(tmp_path / "blocks").iterdir()] == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=60))
def test_a_block_comes_back_as_it_was_or_not_at_all(asked: list[tuple[int, int]]) -> None:
    with TemporaryDirectory() as folder:
        kept = BlockFile(Path(folder), 300)
        given_: dict[int, np.ndarray] = {}
        for number, height in asked:
            made = np.full((height, 2), number, np.float32).T
            kept.put((number,), given_.setdefault(number, made))
            found = {name: kept.get((name,)) for name in given_}
            for name, one in found.items():
                assert one is None or (
                    one.dtype == np.float32 and np.array_equal(one, given_[name])
                )
            latest = given_[number]
            assert (found[number] is None) == (latest.nbytes > 300)
        kept.close()


def test_threads_find_no_block_that_is_half_another(
    tmp_path: Path, keep_in: Callable[..., BlockCache]
) -> None:
    blocks = keep_in(tmp_path, 80_000, 150_000)

    def look(seed: int) -> None:
        for number in np.random.default_rng(seed).integers(0, 60, 1500).tolist():
            size = 4000 + 50 * number
            found = blocks.get((number,), block(number, size))
            assert found.size == size
            assert (found == number).all()

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(look, seed) for seed in range(8)]:
            done.result(60)


@pytest.mark.parametrize("call", ["pwrite", "preadv"])
def test_a_disk_that_fails_leaves_what_memory_has(
    call: str,
    tmp_path: Path,
    keep_in: Callable[..., BlockCache],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    blocks = keep_in(tmp_path)
    for number in range(30):
        blocks.get((str(number),), block(number))
    assert value_of(blocks, "29", 99) == 29
    assert value_of(blocks, "0", 99) == 99
    assert capfd.readouterr().out.count("No space left on device") == 1


def test_a_folder_that_cannot_be_made_is_told_and_done_without(
    tmp_path: Path, keep_in: Callable[..., BlockCache], capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    blocks = keep_in(tmp_path / "file")
    for number in range(30):
        blocks.get((str(number),), block(number))
    assert value_of(blocks, "0", 99) == 99
    assert "no more blocks are kept on disk" in capfd.readouterr().out
