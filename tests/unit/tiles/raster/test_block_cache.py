import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from shanhai_tiles.errors import LayerUnreadable
from shanhai_tiles.raster.dataset_pool import BlockCache

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
