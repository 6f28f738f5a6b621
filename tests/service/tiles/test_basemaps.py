"""Background maps through the service: a provider that really listens, kind and hostile."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from shanhai import http_egress
from shanhai.db.authentication import TileToken, seal
from shanhai.db.queries.keys import prefix_of
from shanhai.local.servers import PrivateRedis
from shanhai.settings import (
    BasemapLayer,
    BasemapSettings,
    OutgoingSettings,
    RedisSettings,
    TilesSettings,
)
from shanhai_tiles import basemaps
from shanhai_tiles.app import create_app
from tests.support.accounts import account_url
from tests.support.basemaps import TILE, TOKEN, local_provider
from tests.support.receiver import Receiver, local_receiver
from tests.support.serving import PATIENCE_S
from tests.support.workers import NO_REDIS, free_port

NAMED: tuple[BasemapLayer, ...] = ("vec", "cva", "ter")
PLACE = "/basemaps/vec/10/848/440"
TOKEN_SECRET = "a secret of the tests that nobody can guess"
Caller = AbstractAsyncContextManager[httpx.AsyncClient]
Service = Callable[..., Caller]


@pytest.fixture
def map_provider() -> Iterator[Receiver]:
    with local_provider() as provider:
        yield provider


@pytest.fixture
def serve_maps(world: Any, map_provider: Receiver) -> Service:
    """Starts the service, with the provider as its operator has named it."""

    @asynccontextmanager
    async def start(
        *, public_read: bool = True, fresh_s: int = 3600, timeout_s: float = 5.0, **more: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        settings = world.settings(public_read=public_read)
        named = BasemapSettings(url=map_provider.url, token=SecretStr(TOKEN))
        told = replace(
            settings,
            public=settings.public.model_copy(update={"basemaps": NAMED}),
            basemaps=named.model_copy(update={"fresh_s": fresh_s}),
            outgoing=OutgoingSettings.model_validate(
                {
                    "http_hosts": f"127.0.0.1:{map_provider.port}",
                    "networks": "127.0.0.0/8",
                    "timeout_s": timeout_s,
                }
            ),
            **more,
        )
        app = create_app(told)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as caller:
                yield caller

    return start


def is_secret_in(answer: httpx.Response) -> bool:
    return TOKEN in answer.text or any(TOKEN in value for value in answer.headers.values())


async def test_a_tile_is_asked_for_once(serve_maps: Service, map_provider: Receiver) -> None:
    async with serve_maps() as caller:
        answers = [await caller.get(PLACE) for _ in range(2)]
        tag = answers[0].headers["ETag"]
        unchanged = await caller.get(PLACE, headers={"If-None-Match": tag})
    for answer in answers:
        assert (answer.status_code, answer.content) == (200, TILE)
        assert answer.headers["Content-Type"] == "image/png"
        how_long = answer.headers["Cache-Control"].removeprefix("public, max-age=")
        assert 3500 < int(how_long) <= 3600
        assert answer.headers["X-Accel-Expires"] == how_long
        assert "Last-Modified" in answer.headers
        assert not is_secret_in(answer)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    [asked] = map_provider.received
    parts = urlsplit(asked.path)
    assert parts.path == "/vec_w/wmts"
    assert {name: value for name, [value] in parse_qs(parts.query).items()} == {
        "SERVICE": "WMTS",
        "REQUEST": "GetTile",
        "VERSION": "1.0.0",
        "LAYER": "vec",
        "STYLE": "default",
        "TILEMATRIXSET": "w",
        "FORMAT": "tiles",
        "TILEMATRIX": "10",
        "TILECOL": "848",
        "TILEROW": "440",
        "tk": TOKEN,
    }


async def test_fifty_at_once_ask_the_provider_once(
    serve_maps: Service, map_provider: Receiver
) -> None:
    map_provider.delay_s = 0.3
    async with serve_maps() as caller:
        answers = await asyncio.gather(*(caller.get(PLACE) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(map_provider.received) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/basemaps/img/10/848/440",
        "/basemaps/ibo/10/848/440",
        "/basemaps/vec_w/10/848/440",
        "/basemaps/vec/0/0/0",
        "/basemaps/vec/19/0/0",
        "/basemaps/ter/15/0/0",
        "/basemaps/vec/10/1024/0",
        "/basemaps/vec/10/0/1024",
        "/basemaps/vec/10/-1/0",
        "/basemaps/vec/-1/0/0",
    ],
)
async def test_what_is_not_there_is_not_asked_for(
    serve_maps: Service, map_provider: Receiver, path: str
) -> None:
    async with serve_maps() as caller:
        told = {
            lang: await caller.get(path, headers={"Accept-Language": lang}) for lang in ("zh", "en")
        }
    assert {answer.status_code for answer in told.values()} == {404}
    assert told["zh"].headers["Content-Type"] == "application/problem+json"
    assert "底图" in told["zh"].json()["detail"]
    assert "background map" in told["en"].json()["detail"]
    assert map_provider.received == []


@pytest.mark.parametrize("path", ["/basemaps/vec/a/0/0", f"{PLACE}?f=png", f"{PLACE}?tk=x"])
async def test_what_cannot_be_read_is_refused(
    serve_maps: Service, map_provider: Receiver, path: str
) -> None:
    async with serve_maps() as caller:
        answer = await caller.get(path)
    assert answer.status_code == 400
    assert map_provider.received == []


async def test_where_none_is_named_there_is_none(client: httpx.AsyncClient) -> None:
    assert (await client.get(PLACE)).status_code == 404


HTML = b"<html><body>tk=" + TOKEN.encode() + b"</body></html>"
HOSTILE: dict[str, tuple[dict[str, Any], int]] = {
    "redirect": ({"statuses": [302]}, 502),
    "two mebibytes": ({"answer": TILE + bytes(2 * http_egress.LIMIT_BYTES)}, 502),
    "a page": ({"answer": HTML, "headers": {"Content-Type": "text/html"}}, 502),
    "a page told to be an image": ({"answer": HTML}, 502),
    "an image told to be a page": ({"headers": {"Content-Type": "text/html"}}, 502),
    "an image of no type": ({"headers": {}}, 502),
    "nothing": ({"answer": b""}, 502),
    "a token it does not take": (
        {"statuses": [403], "answer": b'{"msg": "tk"}', "headers": {"Content-Type": "text/json"}},
        502,
    ),
    "its own failure": ({"statuses": [500]}, 502),
    "no answer in time": ({"delay_s": 60.0}, 504),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_provider_that_gives_no_image(
    serve_maps: Service, map_provider: Receiver, case: str, capfd: pytest.CaptureFixture[str]
) -> None:
    given, status = HOSTILE[case]
    with local_receiver() as elsewhere:
        for name, value in given.items():
            setattr(map_provider, name, value)
        if case == "redirect":
            map_provider.headers = {"Location": elsewhere.url}
        async with serve_maps(timeout_s=0.5) as caller:
            answer = await caller.get(PLACE, headers={"Accept-Language": "zh"})
            # It is let alone for a while.
            other = await caller.get("/basemaps/vec/10/0/0", headers={"Accept-Language": "en"})
        assert elsewhere.received == []
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "底图服务" in answer.json()["detail"]
    assert other.status_code == 503
    assert "a moment ago" in other.json()["detail"]
    assert len(map_provider.received) == 1
    for one in (answer, other):
        assert not is_secret_in(one)
        assert map_provider.url not in one.text
    logged = "".join(capfd.readouterr())
    assert TOKEN not in logged
    if case == "a token it does not take":
        assert "status 403" in logged
        assert "msg" in logged


async def test_a_provider_that_does_not_listen(serve_maps: Service, map_provider: Receiver) -> None:
    map_provider.port = free_port()
    map_provider.url = f"http://127.0.0.1:{map_provider.port}"
    async with serve_maps() as caller:
        answer = await caller.get(PLACE)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


async def test_a_tile_the_provider_has_not(serve_maps: Service, map_provider: Receiver) -> None:
    map_provider.statuses = [404, 200]
    async with serve_maps() as caller:
        assert (await caller.get(PLACE)).status_code == 404
        assert (await caller.get(PLACE)).status_code == 200


async def test_an_old_tile_is_shown_while_the_provider_is_away(
    serve_maps: Service, map_provider: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(basemaps, "REST_S", 0.2)
    async with serve_maps(fresh_s=0) as caller:
        assert (await caller.get(PLACE)).content == TILE
        map_provider.statuses = [500]
        for _ in range(2):
            old = await caller.get(PLACE)
            assert (old.status_code, old.content) == (200, TILE)
            assert old.headers["Cache-Control"] == "public, max-age=60"
        assert len(map_provider.received) == 2
        map_provider.statuses, map_provider.answer = [200], TILE + b"newer"
        await asyncio.sleep(0.3)
        assert (await caller.get(PLACE)).content == TILE + b"newer"


@pytest.mark.parametrize("store", ["redis", "disk"])
async def test_tiles_outlive_the_service(
    serve_maps: Service,
    map_provider: Receiver,
    redis_url: str,
    private_redis: PrivateRedis,
    tmp_path: Path,
    store: str,
) -> None:
    kept: dict[str, Any] = {
        "redis": RedisSettings(url=SecretStr(redis_url)),
        "tiles": TilesSettings(store=store, store_folder=tmp_path, store_timeout_ms=1000),
    }
    async with serve_maps(**kept) as caller:
        first = await caller.get(PLACE)
    map_provider.statuses = [500]
    async with serve_maps(**kept) as caller:
        second = await caller.get(PLACE)
    assert (second.status_code, second.content) == (200, TILE)
    assert second.headers["ETag"] == first.headers["ETag"]
    assert len(map_provider.received) == 1
    if store == "disk":
        [file] = [path for path in (tmp_path / "basemaps").rglob("*") if path.is_file()]
        assert TOKEN.encode() not in file.read_bytes()
        return
    redis: Redis = Redis.from_url(private_redis.administrator_url())
    names = await redis.keys("{shanhai:tiles}:basemaps:*")
    assert len(names) == 3
    assert not any(TOKEN.encode() in name for name in names)
    await redis.delete(*names)
    await redis.aclose()


async def test_who_may_read_may_see_them(
    serve_maps: Service, world: Any, map_provider: Receiver
) -> None:
    owner = f"key:{prefix_of(world.key)}"
    token = seal(TileToken(owner, frozenset({"zones"}), int(time.time() + 60)), TOKEN_SECRET)
    async with serve_maps(public_read=False) as caller:
        nobody = await caller.get(PLACE)
        by_key = await caller.get(PLACE, headers={"Authorization": f"Bearer {world.key}"})
        by_token = await caller.get(PLACE, params={"token": token})
    assert nobody.status_code == 401
    assert by_key.status_code == 200
    assert by_key.headers["Cache-Control"].startswith("private, max-age=")
    assert "X-Accel-Expires" not in by_key.headers
    assert by_token.status_code == 403
    assert len(map_provider.received) == 1


def environment(world: Any, **more: str) -> dict[str, str]:
    """What a process of the service is told."""
    return {
        **os.environ,
        "SHANHAI_DATABASE_URL": account_url(world.database_url, "tiles"),
        "SHANHAI_ARTIFACTS_ROOT": str(world.artifacts.root),
        "SHANHAI_REDIS_URL": NO_REDIS,
        "SHANHAI_PUBLIC_READ": "true",
        "SHANHAI_LOG_LEVEL": "DEBUG",
        **more,
    }


def wait_for(address: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:  # an error is told once patience has ended
        try:
            httpx.get(f"{address}/health/ready").raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def test_a_killed_process_finds_its_tiles_and_nobody_the_token(
    world: Any, map_provider: Receiver, tmp_path: Path
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    told = environment(
        world,
        SHANHAI_TILES_PORT=str(port),
        SHANHAI_TILES_STORE="disk",
        SHANHAI_TILES_STORE_FOLDER=str(tmp_path / "store"),
        SHANHAI_BASEMAPS="vec,cva",
        SHANHAI_BASEMAPS_TOKEN=TOKEN,
        SHANHAI_BASEMAPS_URL=map_provider.url,
        SHANHAI_OUTGOING_HTTP_HOSTS=f"127.0.0.1:{map_provider.port}",
        SHANHAI_OUTGOING_NETWORKS="127.0.0.0/8",
    )
    answers = []
    with (tmp_path / "log").open("wb") as log:
        for end in (signal.SIGKILL, signal.SIGTERM):
            command = [sys.executable, "-m", "shanhai_tiles"]
            process = subprocess.Popen(command, env=told, stdout=log, stderr=log)
            try:
                wait_for(address)
                answers.append(httpx.get(f"{address}{PLACE}"))
                if end is signal.SIGTERM:
                    map_provider.statuses, map_provider.answer = [403], HTML
                    failed = httpx.get(f"{address}/basemaps/cva/10/848/440")
                    answers += [failed, httpx.get(f"{address}/metrics")]
                    answers += [httpx.get(f"{address}{path}") for path in ("/api", "/layers")]
            finally:
                process.send_signal(end)
                process.wait(PATIENCE_S)
    assert [answer.status_code for answer in answers] == [200, 200, 502, 200, 200, 200]
    assert answers[1].content == TILE
    assert len(map_provider.received) == 2
    assert 'shanhai_tiles_basemap_requests_total{result="unusable"} 1.0' in answers[3].text
    written = (tmp_path / "log").read_text("utf-8")
    assert "background map cannot be had" in written
    assert TOKEN not in written
    assert not any(is_secret_in(answer) for answer in answers)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SHANHAI_BASEMAPS": "vec,cva"}, "SHANHAI_BASEMAPS_TOKEN"),
        ({"SHANHAI_BASEMAPS": "vec,cva"}, "瓦片服务需要"),
        ({"SHANHAI_BASEMAPS": "vec,osm"}, "SHANHAI_BASEMAPS.1: Input should be 'vec'"),
        (
            {"SHANHAI_BASEMAPS": "vec", "SHANHAI_BASEMAPS_TOKEN": "my secret!"},
            "SHANHAI_BASEMAPS_TOKEN: the token has 8 to 128 characters",
        ),
        (
            {"SHANHAI_BASEMAPS": "vec", "SHANHAI_BASEMAPS_URL": "tianditu"},
            "SHANHAI_BASEMAPS_URL: the address must read https://host",
        ),
    ],
)
def test_settings_that_make_no_background_map_refuse_the_start(
    world: Any, given: dict[str, str], said: str
) -> None:
    program = str(Path(sys.executable).with_name("shanhai"))
    told = environment(world, SHANHAI_TILES_PORT=str(free_port()), **given)
    done = subprocess.run(
        [program, "serve", "tiles"],
        env=told,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode in {1, 2}
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "my secret!" not in done.stderr
