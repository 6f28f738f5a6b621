from starlette.requests import Request

from shanhai_tiles.cache import Freshness, TileCache, etag_of


def asking(tag: str) -> Request:
    return Request({"type": "http", "headers": [(b"if-none-match", tag.encode())]})


def test_the_least_recently_used_tile_goes_first():
    cache = TileCache(capacity=100)
    for key in "abcdefghij":
        cache.put(key, b"x" * 10)
    assert cache.get("a") is not None
    cache.put("k", b"x" * 10)
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert cache.size == 100


def test_a_tile_put_twice_counts_once():
    cache = TileCache(capacity=100)
    cache.put("a", b"x" * 10)
    cache.put("a", b"x" * 4)
    assert cache.size == 4


def test_a_huge_tile_does_not_empty_the_cache():
    cache = TileCache(capacity=100)
    cache.put("a", b"x")
    cache.put("b", b"x" * 50)
    assert cache.get("b") is None
    assert cache.get("a") == b"x"


def test_an_empty_tile_is_kept():
    cache = TileCache()
    cache.put("a", b"")
    assert cache.get("a") == b""


def test_entity_tags_depend_on_every_part():
    assert etag_of("a", "bc") != etag_of("ab", "c")


def test_conditional_answers():
    fresh = Freshness(etag_of("a"))
    assert fresh.not_modified(asking('"other"')) is None
    for tag in (fresh.etag, f"W/{fresh.etag}", f'"x", {fresh.etag}', "*"):
        answer = fresh.not_modified(asking(tag))
        assert answer is not None
        assert answer.status_code == 304
        assert answer.headers["etag"] == fresh.etag


def test_only_versioned_answers_may_be_kept_unasked():
    assert Freshness('"a"').headers["Cache-Control"] == "public, no-cache"
    kept = Freshness('"a"', versioned=True).headers["Cache-Control"]
    assert kept == "public, max-age=31536000, immutable"
    assert Freshness('"a"', private=True).headers["Cache-Control"] == "private, no-cache"
