from hypothesis import given
from hypothesis import strategies as st

from shanhai_tiles.cache.stores import CachedTile, pack, unpack

KEY = "0123456789abcdef0123456789abcdef"
TILE = CachedTile(b"\x1a\x02mvt", '"tag"', (("Shanhai-Tile-Truncated", "features=2, dropped=1"),))


@given(st.binary(max_size=200), st.text(max_size=20), st.lists(st.tuples(st.text(), st.text())))
def test_what_was_packed_is_unpacked(body: bytes, etag: str, notes: list[tuple[str, str]]) -> None:
    tile = CachedTile(body, etag, tuple(notes))
    assert unpack(KEY, pack(KEY, tile)) == tile


@given(st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    kept = bytearray(pack(KEY, TILE))
    at = data.draw(st.integers(0, len(kept) - 1))
    kept[at] ^= 1 << data.draw(st.integers(0, 7))
    assert unpack(KEY, bytes(kept)) is None


@given(st.integers(0, len(pack(KEY, TILE)) - 1))
def test_whatever_was_cut_off_is_noticed(length: int) -> None:
    assert unpack(KEY, pack(KEY, TILE)[:length]) is None


def test_tile_of_another_key_is_no_answer() -> None:
    assert unpack(KEY[::-1], pack(KEY, TILE)) is None
