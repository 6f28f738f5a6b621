import numpy as np
import pytest

from shanhai_tiles.raster.dataset_pool import BlockCache


def block(value: int) -> np.ndarray:
    """A hundred bytes."""
    return np.full(100, value, np.uint8)


def test_the_longest_unused_go_first_and_the_bound_holds() -> None:
    blocks = BlockCache(1000)
    for number in range(10):
        blocks.put((number,), block(number))
    assert blocks.get((0,)) is not None
    blocks.put((10,), block(10))
    assert blocks.get((1,)) is None
    assert blocks.get((0,)) is not None
    assert blocks.size == 1000


def test_a_block_that_is_put_again_counts_once() -> None:
    blocks = BlockCache(1000)
    blocks.put(("a",), block(1))
    blocks.put(("a",), block(2))
    assert blocks.size == 100
    kept = blocks.get(("a",))
    assert kept is not None
    assert kept[0] == 2


def test_what_takes_much_of_the_room_is_not_kept() -> None:
    blocks = BlockCache(1000)
    blocks.put(("a",), np.zeros(126, np.uint8))
    assert blocks.get(("a",)) is None
    assert blocks.size == 0


def test_nobody_can_change_what_is_kept() -> None:
    blocks = BlockCache(1000)
    blocks.put(("a",), block(1))
    kept = blocks.get(("a",))
    assert kept is not None
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 9
