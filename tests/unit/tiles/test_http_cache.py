import pytest
from starlette.requests import Request
from starlette.responses import Response

from shanhai_tiles.answers import Freshness, answer, etag_of


def asking(tag: str) -> Request:
    return Request({"type": "http", "headers": [(b"if-none-match", tag.encode())]})


def test_entity_tags_depend_on_every_part() -> None:
    assert etag_of("a", "bc") != etag_of("ab", "c")


def test_conditional_answers() -> None:
    def answered(tag: str) -> Response:
        return answer(asking(tag), b"a", "text/plain", private=False)

    whole = answered('"other"')
    etag = whole.headers["etag"]
    assert (whole.status_code, whole.body) == (200, b"a")
    for tag in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        again = answered(tag)
        assert (again.status_code, again.body) == (304, b"")
        for name in ("etag", "cache-control", "vary"):
            assert again.headers[name] == whole.headers[name]


def test_who_asks_without_a_tag_gets_the_whole() -> None:
    assert not Freshness('"a"').holds_for(Request({"type": "http", "headers": []}))


def test_only_versioned_answers_may_be_kept_unasked() -> None:
    assert Freshness('"a"').headers["Cache-Control"] == "public, no-cache"
    kept = Freshness('"a"', versioned=True).headers["Cache-Control"]
    assert kept == "public, max-age=31536000, immutable"
    lasting = Freshness('"a"', lasts_s=60)
    assert lasting.headers["Cache-Control"] == "public, max-age=60"
    assert Freshness('"a"', private=True).headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("fresh", "told"),
    [
        (Freshness('"a"'), {"X-Accel-Expires": "@1"}),
        (Freshness('"a"', versioned=True), {"X-Accel-Expires": "1"}),
        (Freshness('"a"', lasts_s=60), {"X-Accel-Expires": "60"}),
        (Freshness('"a"', private=True, lasts_s=60), {}),
        (Freshness('"a"', private=True), {}),
        (Freshness('"a"', private=True, versioned=True), {}),
    ],
)
def test_proxy_may_keep_what_is_public_alone(fresh: Freshness, told: dict[str, str]) -> None:
    assert fresh.proxied == told
