"""Whose pages may read answers of API and tile service in a browser."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from shanhai.cors import CrossOriginAccess
from shanhai.settings import PublicSettings

NAMED = "https://map.example"
FOREIGN = (
    "https://evil.example",
    "null",
    # What looks like the one that is named.
    "https://map.example.evil.example",
    "https://map.example:8443",
    "http://map.example",
    "https://xmap.example",
    "https://MAP.example",
    "https://map.example/",
    "https://sub.map.example",
    "*",
    "",
)
ASKED: list[str] = []


async def answer(request: Request) -> PlainTextResponse:
    ASKED.append(request.method)
    return PlainTextResponse("x", headers={"Vary": "Accept", "ETag": '"1"'})


@pytest.fixture
async def asking_pages() -> AsyncIterator[httpx.AsyncClient]:
    public = PublicSettings(
        api_url="https://api.example/shanhai",
        tiles_url="https://tiles.example",
        cors_origins=(NAMED,),
    )
    app = Starlette(routes=[Route("/", answer, methods=["GET", "POST", "OPTIONS", "DELETE"])])
    app.add_middleware(
        CrossOriginAccess,
        public=public,
        methods=("GET", "HEAD"),
        named_methods=("GET", "HEAD", "DELETE"),
        headers=("If-None-Match",),
        named_headers=("Authorization",),
        exposed=("ETag", "Link"),
    )
    ASKED.clear()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://api.example") as asking:
        yield asking


IDENTITIES = [{"Authorization": "Bearer x"}, {"Cookie": "__Host-session=x"}]


@pytest.mark.parametrize("origin", [NAMED, *FOREIGN])
async def test_any_page_reads_what_is_answered_to_nobody(
    asking_pages: httpx.AsyncClient, origin: str
) -> None:
    told = await asking_pages.get("/", headers={"Origin": origin})
    assert told.headers["Access-Control-Allow-Origin"] == "*"
    assert told.headers["Access-Control-Expose-Headers"] == "ETag, Link"
    assert "Access-Control-Allow-Credentials" not in told.headers


@pytest.mark.parametrize("shown", IDENTITIES)
@pytest.mark.parametrize("origin", [NAMED, "https://api.example", "https://tiles.example"])
async def test_named_pages_read_what_is_answered_to_an_identity(
    asking_pages: httpx.AsyncClient, origin: str, shown: dict[str, str]
) -> None:
    told = await asking_pages.get("/", headers={"Origin": origin, **shown})
    assert told.headers["Access-Control-Allow-Origin"] == origin
    assert told.headers["Vary"] == "Accept, Origin"
    assert told.headers["Access-Control-Expose-Headers"] == "ETag, Link"
    # A page cannot make the browser add its cookies.
    assert "Access-Control-Allow-Credentials" not in told.headers


@pytest.mark.parametrize("shown", IDENTITIES)
@pytest.mark.parametrize("origin", FOREIGN)
async def test_other_pages_do_not(
    asking_pages: httpx.AsyncClient, origin: str, shown: dict[str, str]
) -> None:
    for path in ("/", "/?token=sht_x"):
        told = await asking_pages.get(path, headers={"Origin": origin, **shown})
        assert "Access-Control-Allow-Origin" not in told.headers
        assert "Origin" in told.headers["Vary"]
    assert (
        "Access-Control-Allow-Origin"
        not in (await asking_pages.get("/?token=sht_x", headers={"Origin": origin})).headers
    )


def preflight(origin: str, method: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization",
    }


async def test_preflights_of_named_pages(asking_pages: httpx.AsyncClient) -> None:
    told = await asking_pages.options("/", headers=preflight(NAMED, "DELETE"))
    assert told.status_code == 204
    assert told.headers["Access-Control-Allow-Origin"] == NAMED
    assert told.headers["Access-Control-Allow-Methods"] == "GET, HEAD, DELETE"
    assert told.headers["Access-Control-Allow-Headers"] == "If-None-Match, Authorization"
    assert told.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in told.headers
    assert (await asking_pages.options("/", headers=preflight(NAMED, "POST"))).status_code == 400
    assert ASKED == []


@pytest.mark.parametrize("origin", FOREIGN)
async def test_preflights_of_other_pages(asking_pages: httpx.AsyncClient, origin: str) -> None:
    for method, status in (("DELETE", 400), ("GET", 204)):
        told = await asking_pages.options("/", headers=preflight(origin, method))
        assert told.status_code == status
        assert told.headers["Access-Control-Allow-Origin"] == "*"
        assert told.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
        assert "Authorization" not in told.headers["Access-Control-Allow-Headers"]
        assert told.headers["Vary"] == "Origin"
    assert ASKED == []


async def test_what_is_no_preflight_is_let_through(asking_pages: httpx.AsyncClient) -> None:
    assert (await asking_pages.options("/", headers={"Origin": NAMED})).status_code == 200
    assert ASKED == ["OPTIONS"]


@pytest.mark.parametrize(
    "origins",
    [
        *("*", "null", "map.example", "https://", "https://*.example", "https://map.example/x"),
        *("https://a@map.example", "https://MAP.example", "https://map.example:0", "file://x"),
        "https://map.example,*",
    ],
)
def test_what_is_no_origin(origins: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANHAI_CORS_ORIGINS", origins)
    with pytest.raises(ValidationError, match="must read https://host"):
        PublicSettings()


def test_none_is_named_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PublicSettings().cors_origins == ()
    monkeypatch.setenv("SHANHAI_CORS_ORIGINS", "https://map.example/, http://[::1]:8080")
    assert PublicSettings().cors_origins == ("https://map.example", "http://[::1]:8080")


def reading_service(trusted: str | None) -> httpx.AsyncClient:
    """A service that only reads, and takes cookies from the pages of one origin, or of none."""
    app = Starlette(routes=[Route("/", answer)])
    app.add_middleware(
        CrossOriginAccess,
        public=PublicSettings(
            api_url="https://api.example/shanhai",
            tiles_url="https://tiles.example",
            cors_origins=(NAMED,),
        ),
        methods=("GET",),
        named_methods=("GET",),
        headers=(),
        named_headers=(),
        exposed=(),
        trusted=trusted,
    )
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="https://tiles.example")


@pytest.mark.parametrize("trusted", ["https://api.example", None])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_cookies_are_taken_from_the_trusted_origin_alone(
    method: str, trusted: str | None
) -> None:
    asked = {"Cookie": "__Host-session=x"}
    if method == "OPTIONS":
        asked = {"Access-Control-Request-Method": "GET"}
    async with reading_service(trusted) as asking:
        for origin in ("https://api.example", "https://tiles.example", NAMED, *FOREIGN):
            told = await asking.request(method, "/", headers={**asked, "Origin": origin})
            allowed = told.headers.get("Access-Control-Allow-Credentials")
            assert allowed == ("true" if origin == trusted else None), origin
            if allowed:
                assert told.headers["Access-Control-Allow-Origin"] == origin
