"""The proxy of `deploy/`: what it keeps, for whom, and for how long."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
import yaml
from sqlalchemy import text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanhai.db.authentication import TileToken, seal
from shanhai.local.places import CHECKOUT
from shanhai.vocabulary import ZONE_CLASSES
from shanhai_tiles.app import create_app
from tests.support.feature_rows import add_scheme, add_zone
from tests.support.job_rows import add_region, open_sessions
from tests.support.nginx import (
    ABSENT,
    CONFIGURATION,
    NAME,
    Proxy,
    nginx_program,
    serving_nginx,
)
from tests.support.run_directory import run_directory
from tests.support.serving import serving
from tests.support.workers import eventually, free_port

pytestmark = pytest.mark.skipif(nginx_program() is None, reason=ABSENT)

PLACE = "tiles/WebMercatorQuad/10/848/440"
RASTER = f"/tiles/layers/dataset.dem.itu/{PLACE}.png"
VECTOR = f"/tiles/layers/zones/{PLACE}.mvt"
SECRET_TILE = f"/tiles/layers/dataset.ndvi.secret/{PLACE}.png"
DRAFT = "draft.for_proxy"
SECRET = "a secret of the tests that nobody can guess"


class Counting:
    """An application, how often it was asked for each path, and how many it waits for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.asked: Counter[str] = Counter()
        self.together: asyncio.Barrier | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked[scope["path"]] += 1
            if self.together is not None:
                # Less than nginx holds anybody back for another, unless it is told a time.
                async with asyncio.timeout(4):
                    await self.together.wait()
        await self.app(scope, receive, send)


async def tell_what_came(scope: Scope, receive: Receive, send: Send) -> None:
    """In the place of the API: says which path it was asked for, and by whom."""
    if scope["type"] != "http":
        return
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    claims = {name for name in headers if name.startswith(("x-forwarded-", "forwarded"))}
    unknown = sorted(claims - {"x-forwarded-for", "x-forwarded-proto"})
    told = " ".join([scope["path"], str(headers.get("x-forwarded-for")), *unknown]).encode()
    start: Message = {"type": "http.response.start", "status": 200, "headers": []}
    await send(start)
    await send({"type": "http.response.body", "body": told})


class Listening:
    """An application on a port of this machine, until it is stopped."""

    def __init__(self, app: Any) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        lifespan = "on" if isinstance(app, Counting) and app.app is not tell_what_came else "off"
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan=lifespan))  # type: ignore[arg-type]  # "on" or "off"
        self.stack = ExitStack()
        self.stack.enter_context(self.socket)
        self.stack.enter_context(serving(server, self.socket))

    def stop(self) -> None:
        self.stack.close()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with run_directory() as folder:
        yield folder


@pytest.fixture(scope="module")
def app(world: Any) -> Counting:
    settings = world.settings(public_read=True)
    public = settings.public.model_copy(update={"tiles_url": "http://proxy.test/tiles"})
    return Counting(create_app(replace(settings, public=public)))


@pytest.fixture(scope="module")
def tiles(app: Counting) -> Iterator[Listening]:
    listening = Listening(app)
    yield listening
    listening.stop()


@pytest.fixture(scope="module")
def proxy(tiles: Listening, folder: Path) -> Iterator[Proxy]:
    api = Listening(tell_what_came)
    with serving_nginx(folder, api=api.url, tiles=tiles.url) as proxy:
        yield proxy
    api.stop()


@pytest.fixture
async def browser(proxy: Proxy) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=proxy.url, timeout=30) as client:
        yield client


@pytest.fixture
def key(world: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.key}"}


@contextlib.asynccontextmanager
async def database(world: Any) -> AsyncIterator[Any]:
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        yield session


def cached(answer: httpx.Response) -> str | None:
    found: str | None = answer.headers.get("Shanhai-Cache")
    return found


async def version_of(browser: httpx.AsyncClient, layer: str) -> str:
    document: dict[str, str] = (await browser.get(f"/tiles/layers/{layer}")).json()
    return document["version"]


async def test_both_services_have_one_origin(browser: httpx.AsyncClient) -> None:
    forged = {"X-Forwarded-For": "192.0.2.7"}
    assert (await browser.get("/collections?x=1", headers=forged)).text == "/collections 127.0.0.1"
    landing = await browser.get("/tiles/")
    assert landing.status_code == 200
    assert "http://proxy.test/tiles/" in landing.text
    assert landing.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in landing.headers["Vary"]
    assert (await browser.get("/tiles")).headers["Location"] == "/tiles/"
    for path in ("/metrics", "/tiles/metrics"):
        assert (await browser.get(path)).status_code == 404


async def test_it_speaks_tls_and_sends_there_who_does_not(proxy: Proxy) -> None:
    secured = ssl.create_default_context(cafile=proxy.ca)
    async with httpx.AsyncClient(base_url=proxy.secure_url, verify=secured) as browser:
        answer = await browser.get("/collections", headers={"Host": NAME})
        assert answer.text == "/collections 127.0.0.1"
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        for path in ("/tiles/", f"{RASTER}?again"):
            tile = await browser.get(path, headers={"Host": NAME})
            assert tile.headers["Strict-Transport-Security"] == "max-age=31536000"
        for own in ("localhost", "127.0.0.1:8443"):
            answer = await browser.get("/collections", headers={"Host": own})
            assert "Strict-Transport-Security" not in answer.headers
    async with httpx.AsyncClient(base_url=proxy.secure_url.replace("https", "http")) as browser:
        sent = await browser.get("/collections?x=1", headers={"Host": f"{NAME}:8443"})
        assert (sent.status_code, sent.headers["Location"]) == (
            308,
            f"https://{NAME}:8443/collections?x=1",
        )


async def test_an_authority_finds_what_proves_the_name(proxy: Proxy, folder: Path) -> None:
    place = folder / "tls" / "webroot" / ".well-known" / "acme-challenge"
    place.mkdir(parents=True)
    (place / "token").write_text("proof")
    async with httpx.AsyncClient() as browser:
        for url in (proxy.url, proxy.secure_url.replace("https", "http")):
            found = await browser.get(f"{url}/.well-known/acme-challenge/token")
            assert (found.status_code, found.text) == (200, "proof")


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Forwarded-Prefix", "Forwarded"])
async def test_what_a_client_says_of_the_address_is_dropped(
    browser: httpx.AsyncClient, name: str
) -> None:
    forged = {name: "host=evil.example", "X-Forwarded-Proto": "gopher"}
    assert (await browser.get("/collections", headers=forged)).text == "/collections 127.0.0.1"
    # `add_header` and its like in a location would bring back what was dropped above it.
    landing = await browser.get("/tiles/", headers={name: "evil.example"})
    assert "evil.example" not in landing.text


async def test_tile_without_a_version_is_stored_and_asked_about_each_time(
    browser: httpx.AsyncClient, app: Counting
) -> None:
    path = RASTER.replace("848/440", "848/441")
    first = await browser.get(path)
    assert first.status_code == 200
    assert cached(first) == "MISS"
    before = app.asked[path.removeprefix("/tiles")]
    for _ in range(3):
        again = await browser.get(path)
        assert cached(again) == "REVALIDATED"
        assert again.content == first.content
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Cache-Control"] == "public, no-cache"
    assert app.asked[path.removeprefix("/tiles")] - before == 3
    known = await browser.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert known.status_code == 304


async def test_tile_of_a_version_is_answered_from_the_cache_for_a_second(
    browser: httpx.AsyncClient, app: Counting
) -> None:
    parameters = {"v": await version_of(browser, "dataset.dem.itu")}
    path = RASTER.removeprefix("/tiles")

    async def hits() -> bool:
        first = await browser.get(RASTER, params=parameters)
        before = app.asked[path]
        again = await browser.get(RASTER, params=parameters)
        assert again.content == first.content
        assert "immutable" in again.headers["Cache-Control"]
        for name in ("X-Accel-Expires", "X-Request-Id", "RateLimit"):
            assert name not in again.headers
        return cached(again) == "HIT" and app.asked[path] == before

    # Where a second passes between the two, it is asked again.
    await eventually(hits)
    reloaded = await browser.get(RASTER, params=parameters, headers={"Cache-Control": "no-cache"})
    assert cached(reloaded) == "BYPASS"


@pytest.mark.parametrize("shown", ["key", "token"])
async def test_what_needs_an_identity_is_never_kept(
    browser: httpx.AsyncClient, key: dict[str, str], world: Any, shown: str
) -> None:
    owner = f"key:{world.key[4:12]}"
    text = seal(TileToken(owner, frozenset({"dataset.ndvi.secret"}), int(time.time()) + 60), SECRET)
    asked: dict[str, Any] = {"headers": key} if shown == "key" else {"params": {"token": text}}
    assert (await browser.get(SECRET_TILE)).status_code == 404
    for _ in range(2):
        seen = await browser.get(SECRET_TILE, **asked)
        assert seen.status_code == 200
        assert seen.headers["Cache-Control"] == "private, no-cache"
        assert cached(seen) is None
        known = {"If-None-Match": seen.headers["ETag"], **asked.get("headers", {})}
        assert (
            await browser.get(SECRET_TILE, params=asked.get("params"), headers=known)
        ).status_code == 304
        assert (await browser.get(SECRET_TILE)).status_code == 404
        assert (await browser.get(SECRET_TILE, params={"token": "sht_wrong"})).status_code == 401


async def test_a_session_of_a_browser_is_never_answered_from_the_cache(
    browser: httpx.AsyncClient,
) -> None:
    assert (await browser.get(RASTER)).status_code == 200
    plain = await browser.get(RASTER, headers={"Cookie": "lang=zh; not__Host-shanhai=x"})
    assert cached(plain) is not None
    for cookie in ("__Host-shanhai=x", "lang=zh; __Host-shanhai=x", "lang=zh;shanhai=x"):
        answer = await browser.get(RASTER, headers={"Cookie": cookie})
        assert cached(answer) is None, cookie


async def test_draft_is_not_shown_to_others_until_it_is_published(
    browser: httpx.AsyncClient, key: dict[str, str], world: Any
) -> None:
    async with database(world) as session:
        region = await add_region(session, "proxied")
        scheme = await add_scheme(session, region, code=DRAFT, status="draft", valid=(None, None))
        await add_zone(session, scheme, ZONE_CLASSES[0].code, (118.14, 24.41, 118.3, 24.6))
    asked = {"scheme": DRAFT}
    for _ in range(2):
        assert (await browser.get(VECTOR, params=asked)).status_code == 204
        mine = await browser.get(VECTOR, params=asked, headers=key)
        assert DRAFT.encode() in mine.content
        assert cached(mine) is None
    async with database(world) as session:
        await session.execute(
            text("UPDATE zone_scheme SET status = 'published', valid_from = now() WHERE code = :c"),
            {"c": DRAFT},
        )

    async def shows() -> bool:
        return DRAFT.encode() in (await browser.get(VECTOR, params=asked)).content

    await eventually(shows)


async def test_edit_shows_though_a_tile_was_kept(browser: httpx.AsyncClient, world: Any) -> None:
    before = await browser.get(VECTOR)
    assert cached(await browser.get(VECTOR)) == "REVALIDATED"
    async with database(world) as session:
        await session.execute(text("UPDATE zone_class SET color = '#123456'"))

    async def shows() -> bool:
        answer = await browser.get(VECTOR)
        assert answer.status_code == 200
        return b"#123456" in answer.content

    await eventually(shows)
    assert b"#123456" not in before.content


async def test_withdrawn_tile_is_gone_though_its_version_was_kept(
    browser: httpx.AsyncClient, world: Any
) -> None:
    parameters = {"v": await version_of(browser, "dataset.dem.itu")}
    assert (await browser.get(RASTER, params=parameters)).status_code == 200
    async with database(world) as session:
        await session.execute(
            text("UPDATE dataset SET visibility = 'region' WHERE code = 'dem.itu'")
        )

    async def gone() -> bool:
        return (await browser.get(RASTER, params=parameters)).status_code == 404

    try:
        await eventually(gone)
    finally:
        async with database(world) as session:
            await session.execute(
                text("UPDATE dataset SET visibility = 'public' WHERE code = 'dem.itu'")
            )

    async def back() -> bool:
        return (await browser.get(RASTER, params=parameters)).status_code == 200

    await eventually(back)


async def test_errors_are_not_kept(browser: httpx.AsyncClient, app: Counting) -> None:
    path = f"/layers/dataset.npp.truncated/{PLACE}.png"
    for _ in range(2):
        answer = await browser.get(f"/tiles{path}")
        assert answer.status_code == 409
        assert cached(answer) == "MISS"
    assert app.asked[path] == 2


async def test_nobody_waits_for_the_answer_of_another(
    browser: httpx.AsyncClient, app: Counting
) -> None:
    # The service draws once for all who are there; held back here, they would come in turn.
    app.together = asyncio.Barrier(20)
    try:
        path = f"/tiles/layers/ratio.xiamen/{PLACE}.webp"
        answers = await asyncio.gather(*[browser.get(path) for _ in range(20)])
    finally:
        app.together = None
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


async def test_addresses_are_logged_without_what_may_be_secret(
    browser: httpx.AsyncClient, folder: Path
) -> None:
    await browser.get(RASTER, params={"token": "sht_secret", "other": "also-secret"})
    await browser.get("/collections", params={"token": "sht_secret"})
    logged = "".join(path.read_text() for path in (folder / "stdout", folder / "stderr"))
    assert f'"path":"{RASTER}"' in logged
    assert "secret=" not in logged
    assert "sht_secret" not in logged
    assert "also-secret" not in logged


async def send_slowly(port: int, path: str, length: int) -> bytes:
    """The head of a request and one byte of its body; what has come back after a while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{{".encode())
    try:
        async with asyncio.timeout(1.0):
            return await reader.readline()
    except TimeoutError:
        return b""
    finally:
        writer.close()


async def test_a_body_is_read_whole_before_the_service_is_asked(
    folder: Path, tiles: Listening
) -> None:
    api = Listening(Counting(tell_what_came))
    place = folder / "slow"
    place.mkdir()
    with serving_nginx(place, api=api.url, tiles=tiles.url) as proxy:
        port = int(proxy.url.rpartition(":")[2])
        # The stand-in of the API answers without reading.
        assert await send_slowly(port, "/observations", 1000) == b""
        for path in ("/uploads", "/projects/a/documents"):
            assert b" 200 " in await send_slowly(port, path, 1000)
        async with httpx.AsyncClient(base_url=proxy.url, timeout=30) as browser:
            large = await browser.post("/observations", content=b"0" * (66 * 1024**2))
            assert (large.status_code, large.json()["status"]) == (413, 413)
            assert "/uploads" in large.json()["detail"]
            assert (await browser.post("/uploads", content=b"0" * (66 * 1024**2))).is_success
    api.stop()


def test_the_check_of_the_container_asks_the_proxy_itself(proxy: Proxy) -> None:
    """And leaves no line in its log."""
    compose = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text("utf-8"))
    kind, *words = compose["services"]["proxy"]["healthcheck"]["test"]
    assert kind == "CMD"
    log = proxy.log.with_name("stdout")
    before = log.read_bytes()
    ports = urlsplit(proxy.url).port, free_port()
    for port, status in zip(ports, (0, 1), strict=True):
        asked = [word.replace("$$", "$").replace("/8080", f"/{port}") for word in words]
        done = subprocess.run(asked, capture_output=True, check=False, timeout=10)
        assert done.returncode == status, done.stderr
    assert log.read_bytes() == before


async def test_one_address_has_so_many_requests_at_a_time(folder: Path, tiles: Listening) -> None:
    going, let = asyncio.Event(), threading.Event()

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            going.set()
            await asyncio.to_thread(let.wait, 30)
            await tell_what_came(scope, receive, send)

    api = Listening(wait)
    place = folder / "crowd"
    place.mkdir()
    few = CONFIGURATION.read_text("utf-8").replace("addresses 128;", "addresses 1;")
    with serving_nginx(place, api=api.url, tiles=tiles.url, configuration=few) as proxy:
        async with httpx.AsyncClient(base_url=proxy.url, timeout=30) as browser:
            first = asyncio.create_task(browser.get("/collections"))
            async with asyncio.timeout(30):
                while not going.is_set():  # noqa: ASYNC110  (it is set in the server's thread)
                    await asyncio.sleep(0.05)
            crowded = await browser.get("/collections")
            assert (crowded.status_code, crowded.json()["status"]) == (429, 429)
            assert crowded.headers["Retry-After"] == "5"
            let.set()
            assert (await first).is_success
    api.stop()


async def test_service_away_is_told_and_nothing_old_is_shown(world: Any, folder: Path) -> None:
    place = folder / "away"
    place.mkdir()
    tiles = Listening(Counting(create_app(world.settings(public_read=True))))
    with serving_nginx(place, api=tiles.url, tiles=tiles.url) as proxy:
        async with httpx.AsyncClient(base_url=proxy.url, timeout=30) as browser:
            first = await browser.get(RASTER)
            assert first.status_code == 200
            tiles.stop()
            for asked in (None, {"token": "sht_secret"}):
                answer = await browser.get(RASTER, params=asked)
                assert answer.status_code == 503
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.headers["Retry-After"] == "5"
    for name in ("stdout", "stderr", "nginx.log"):
        path = place / name
        assert not path.exists() or "sht_secret" not in path.read_text()
