"""Caching, identity, and input that must be refused."""

import asyncio
import errno
import re
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from shanhai.db.engine import create_engine
from shanhai.settings import DatabaseSettings
from shanhai_tiles.app import create_app
from tests.service.tiles.conftest import serve

TILE = "/layers/zones.xiamen/tiles/WebMercatorQuad/10/848/440"


async def test_a_known_tile_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get(f"{TILE}.png")
    assert first.headers["cache-control"] == "public, no-cache"
    again = await client.get(f"{TILE}.png", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]


async def test_a_tile_of_a_named_version_may_be_kept(client: httpx.AsyncClient) -> None:
    version = (await client.get("/layers/zones.xiamen")).json()["version"]
    kept = await client.get(f"{TILE}.png", params={"v": version})
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    former = await client.get(f"{TILE}.png", params={"v": "0" * 16})
    assert former.headers["cache-control"] == "public, no-cache"


async def test_documents_have_entity_tags(client: httpx.AsyncClient) -> None:
    for path in ("/layers", "/layers/zones", "/layers/zones/style.json", "/tileMatrixSets"):
        first = await client.get(path)
        again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
        assert again.headers["vary"] == first.headers["vary"]


async def test_each_tile_format_size_and_grid_has_its_own_tag(client: httpx.AsyncClient) -> None:
    addresses = [
        f"{TILE}.png",
        f"{TILE}@2x.png",
        f"{TILE}.webp",
        "/layers/zones.xiamen/tiles/WebMercatorQuad/10/848/441.png",
        "/layers/zones.xiamen/tiles/CGCS2000Quad/10/848/440.png",
        "/layers/ratio.xiamen/tiles/WebMercatorQuad/10/848/440.png",
    ]
    tags = {(await client.get(address)).headers["etag"] for address in addresses}
    assert len(tags) == len(addresses)


async def test_any_origin_may_read(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{TILE}.png", headers={"Origin": "https://map.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "vary" not in answer.headers or "Origin" not in answer.headers["vary"]
    preflight = await preflight_of(client, "https://map.example")
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "If-None-Match" in preflight.headers["access-control-allow-headers"]


async def preflight_of(client: httpx.AsyncClient, origin: str) -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    answer = await client.options(f"{TILE}.png", headers=headers)
    assert answer.status_code == 204
    return answer


@pytest.mark.parametrize(
    ("origin", "listed"),
    [("http://tiles.test", True), ("https://plan.example", True), ("https://map.example", False)],
)
async def test_pages_of_listed_origins_alone_read_with_an_identity(
    client: httpx.AsyncClient, world: Any, origin: str, listed: bool
) -> None:
    headers = {"Origin": origin, "Authorization": f"Bearer {world.key}"}
    for shown in ({}, {"Authorization": "Bearer shk_wrong"}):
        answer = await client.get(f"{TILE}.png", headers=headers | shown)
        assert answer.headers.get("access-control-allow-origin") == (origin if listed else None)
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers
    allowed = (await preflight_of(client, origin)).headers["access-control-allow-headers"]
    assert ("Authorization" in allowed) == listed


async def test_head_is_get_without_its_body(client: httpx.AsyncClient) -> None:
    get, head = await client.get(f"{TILE}.png"), await client.head(f"{TILE}.png")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_the_server_still_knows_that_head_was_asked(client: httpx.AsyncClient) -> None:
    """It would else wait for the body that `Content-Length` names, and close the connection."""
    app, scopes = client._transport.app, []  # type: ignore[attr-defined]

    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await app(scope, receive, send)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=noted), base_url="http://tiles.test"
    ) as other:
        assert (await other.head("/health/live")).status_code == 200
    assert [scope["method"] for scope in scopes] == ["HEAD"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/nowhere", "未找到"),
        ("/layers?lang=zh&f=xml", "f 只能"),
        ("/layers/zones.xiamen/tiles/WebMercatorQuad/one/0/0.png?lang=zh", "z："),
    ],
)
async def test_refusals_are_in_the_language_of_who_asks(
    client: httpx.AsyncClient, address: str, said: str
) -> None:
    problem = (await client.get(address, headers={"Accept-Language": "zh"})).json()
    assert problem["detail"].startswith(said)
    assert not re.search("[a-z]{4}", problem["title"])


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/layers/nothing", 404, "no layer 'nothing'"),
        ("/layers/ratio.cooling.xiamen", 404, "no layer"),
        ("/layers/%00", 404, "no layer"),
        ("/layers/..%2F..%2Fetc%2Fpasswd", 404, "Not found"),
        ("/layers/dataset.%F0%9F%97%BA", 404, "no layer"),
        ("/layers/zones?scheme=%00", 400, "a code has letters"),
        (f"/layers/zones.xiamen/tiles/WebMercatorQuad/{'9' * 5000}/0/0.png", 400, "z:"),
        ("/layers/zones.22222222-2222-4333-8444-555555555555", 404, "no layer"),
        ("/layers/zones.xiamen/tiles/EPSG3857/0/0/0.png", 404, "EPSG3857"),
        ("/layers/zones.xiamen/tiles/WebMercatorQuad/3/8/0.png", 404, "outside"),
        ("/layers/zones.xiamen/tiles/WebMercatorQuad/99/0/0.png", 404, "outside"),
        ("/layers/zones.xiamen/tiles/WebMercatorQuad/-1/0/0.png", 404, "outside"),
        ("/layers/zones.xiamen/tiles/WebMercatorQuad/1/0/0@99x.png", 400, "@2x"),
        ("/layers/zones.xiamen/tiles/WebMercatorQuad/1/0/x.png", 400, "tile row"),
        ("/layers/zones.xiamen/tiles/WebMercatorQuad/one/0/0.png", 400, "z:"),
        ("/layers/zones.xiamen/tiles/WebMercatorQuad/1/0/0.gif", 400, "format is 'gif'"),
        ("/layers/zones.xiamen/tiles/WebMercatorQuad/1/0/0.mvt", 400, "png, webp"),
        ("/layers/zones/tiles/WebMercatorQuad/1/0/0.png", 400, "mvt, pbf"),
        ("/layers/ratio.xiamen/tiles/WebMercatorQuad/1/0/0.png?rescale=5", 400, "low,high"),
        ("/layers/ratio.xiamen/tiles/WebMercatorQuad/1/0/0.png?rescale=5,1", 400, "low,high"),
        ("/layers/ratio.xiamen/tiles/WebMercatorQuad/1/0/0.png?rescale=0,inf", 400, "low,high"),
        ("/layers/zones.xiamen/tiles/WebMercatorQuad/1/0/0.png?rescale=0,1", 400, "no ramp"),
        ("/layers/ratio.xiamen/tiles/WebMercatorQuad/1/0/0.png?band=2", 400, "bands 1 to 1"),
        ("/layers/ratio.xiamen/tiles/WebMercatorQuad/1/0/0.png?url=http://x/", 400, "'url'"),
        ("/layers/ratio.xiamen/tiles/WebMercatorQuad/1/0/0.png?scheme=a", 400, "'scheme'"),
        ("/layers/zones?level=city", 400, "level does not choose among zones"),
        ("/layers/ratio.xiamen/point?lon=200&lat=0", 400, "lon"),
        ("/layers/ratio.xiamen/point?lon=nan&lat=0", 400, "lon"),
        ("/layers/ratio.xiamen/point?lat=0", 400, "lon"),
        ("/layers/ratio.xiamen/tilejson.json?tms=none", 404, "none"),
        ("/layers/ratio.xiamen/tilejson.json?format=gif", 400, "gif"),
        ("/layers?lang=fr", 400, "zh or en"),
        ("/layers?f=xml", 400, "json"),
        ("/nowhere", 404, "Not found"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    client: httpx.AsyncClient, address: str, status: int, said: str
) -> None:
    answer = await client.get(address)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert problem["status"] == status
    assert said in problem["detail"]
    assert problem["instance"].endswith(answer.headers["x-request-id"])


async def test_refusals_speak_chinese_when_asked(client: httpx.AsyncClient) -> None:
    problem = (await client.get("/layers/nothing?lang=zh")).json()
    assert problem["title"] == "未找到"
    assert "没有名为" in problem["detail"]


async def test_writing_is_not_offered(client: httpx.AsyncClient) -> None:
    answer = await client.post("/layers")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"


async def test_what_is_not_public_does_not_exist_for_the_anonymous(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/layers/dataset.ndvi.secret")).status_code == 404


async def test_a_key_opens_what_is_not_public(client: httpx.AsyncClient, world: Any) -> None:
    headers = {"Authorization": f"Bearer {world.key}"}
    layer = await client.get("/layers/dataset.ndvi.secret", headers=headers)
    assert layer.status_code == 200
    assert layer.headers["cache-control"] == "private, no-cache"
    names = [one["id"] for one in (await client.get("/layers", headers=headers)).json()["layers"]]
    assert "dataset.ndvi.secret" in names
    tile = "/layers/dataset.ndvi.secret/tiles/WebMercatorQuad/10/848/440.png"
    drawn = await client.get(tile, headers=headers)
    assert drawn.headers["cache-control"] == "private, no-cache"
    assert (await client.get(tile)).status_code == 404


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer shk_wrong"}]
)
async def test_without_public_reading_a_key_is_needed(
    guarded: httpx.AsyncClient, header: dict[str, str]
) -> None:
    for path in ("/layers", f"{TILE}.png", "/layers/zones/map"):
        answer = await guarded.get(path, headers=header)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("lang", "said"), [("zh", "瓦片令牌"), ("en", "Ask the API for a tile token")]
)
async def test_a_person_who_opens_the_viewer_is_told_how_to_see_it(
    guarded: httpx.AsyncClient, lang: str, said: str
) -> None:
    browser = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": lang}
    answer = await guarded.get("/layers/zones/map", headers=browser)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["cache-control"] == "no-store"
    assert said in answer.text
    assert "/session/login" in answer.text
    picture = {"Accept": "image/avif,image/webp,image/png,*/*;q=0.8"}
    tile = await guarded.get(f"{TILE}.png", headers=picture)
    assert tile.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/nowhere", "/layers/none", "/layers/none/map"])
@pytest.mark.parametrize(("lang", "home"), [("zh", "首页"), ("en", "Home")])
async def test_what_is_not_there_is_a_page_for_people_with_a_way_on(
    client: httpx.AsyncClient, path: str, lang: str, home: str
) -> None:
    browser = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": lang}
    answer = await client.get(path, headers=browser)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f">{home}</a>" in answer.text
    assert (await client.get(path)).headers["content-type"] == "application/problem+json"


async def test_a_valid_key_is_enough(guarded: httpx.AsyncClient, world: Any) -> None:
    answer = await guarded.get(f"{TILE}.png", headers={"Authorization": f"Bearer {world.key}"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_a_wrong_key_is_refused_even_where_none_is_needed(client: httpx.AsyncClient) -> None:
    wrong = f"Bearer shk_abcdefgh_{'x' * 43}"
    assert (await client.get("/layers", headers={"Authorization": wrong})).status_code == 401


async def test_overload_is_refused_and_passes(world: Any) -> None:
    """Tiles too, which take a way of their own. Probes wait for nobody, and tell of a stop."""
    settings = world.settings(public_read=True)
    tiles = settings.tiles.model_copy(update={"most_requests": 1})
    app = create_app(replace(settings, tiles=tiles))
    begun, done = asyncio.Event(), asyncio.Event()

    async def be_slow() -> None:
        begun.set()
        await done.wait()

    app.add_api_route("/slow", be_slow)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://tiles.test") as client,
    ):
        slow = asyncio.create_task(client.get("/slow"))
        async with asyncio.timeout(30):
            await begun.wait()
        refusal = await client.get(f"{TILE}.png", headers={"Accept-Language": "zh"})
        assert refusal.status_code == 503
        assert refusal.headers["retry-after"]
        assert "请求已达上限" in refusal.json()["detail"]
        assert (await client.get("/health/ready")).status_code == 200
        done.set()
        assert (await slow).status_code == 200
        async with AsyncExitStack() as taken:
            for _ in range(settings.database.pool_size):
                await taken.enter_async_context(app.state.services.engine.connect())
            assert (await client.get("/health/ready")).status_code == 200
        assert (await client.get(f"{TILE}.png")).status_code == 200
        app.state.services.draining.set()
        stopping = await client.get("/health/ready")
        assert (stopping.status_code, stopping.json()["reason"]) == (503, "stopping")


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 507), (errno.EACCES, 500)])
async def test_a_full_disk_is_told_as_such(world: Any, number: int, status: int) -> None:
    app = create_app(world.settings(public_read=True))

    async def write() -> None:
        raise OSError(number, "secret path")

    app.add_api_route("/write", write)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://tiles.test") as client,
    ):
        answer = await client.get("/write?lang=zh")
    assert answer.status_code == status
    assert "secret" not in answer.text
    assert ("存储空间不足" in answer.text) == (status == 507)


@pytest.mark.parametrize(
    "path",
    [
        "/layers/dataset.dem.itu",
        "/layers/dataset.dem.itu/tiles/WebMercatorQuad/10/848/440.png",
    ],
)
@pytest.mark.parametrize("signed_in", [False, True])
async def test_what_the_service_cannot_answer_is_told_to_pages_of_other_origins(
    world: Any, path: str, signed_in: bool
) -> None:
    spoil = text("UPDATE dataset SET grid = grid - 'width' WHERE code = 'dem.itu'")
    mend = text("UPDATE dataset SET grid = grid || '{\"width\": 160}' WHERE code = 'dem.itu'")
    origin = "https://plan.example"
    key = {"Authorization": f"Bearer {world.key}"} if signed_in else {}
    engine = create_engine(DatabaseSettings(url=SecretStr(world.database_url)), application="test")
    async with engine.begin() as connection:
        await connection.execute(spoil)
    try:
        async with serve(world, public_read=True) as caller:
            answer = await caller.get(path, headers={"Origin": origin, **key})
    finally:
        async with engine.begin() as connection:
            await connection.execute(mend)
        await engine.dispose()
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == (origin if signed_in else "*")
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert answer.json()["instance"].endswith(answer.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/conformance", "/openapi.json", "/api", "/tileMatrixSets"])
async def test_no_document_comes_in_a_language_there_is_not(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path, params={"lang": "fr"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "lang"


async def test_refusals_are_in_the_language_wished_for_most(client: httpx.AsyncClient) -> None:
    answer = await client.get("/layers/none", headers={"Accept-Language": "en;q=0.1, zh;q=0.9"})
    assert (answer.status_code, answer.json()["title"]) == (404, "未找到")


async def test_all_methods_of_a_resource_are_named(client: httpx.AsyncClient) -> None:
    path = "/layers/zones.xiamen/statistics"
    for method, status in (("DELETE", 405), ("OPTIONS", 204)):
        answer = await client.request(method, path)
        assert answer.status_code == status
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
