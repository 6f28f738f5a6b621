"""Tokens in the address: what they open, for whom, and when no longer."""

import logging
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client import generate_latest
from sqlalchemy import select, text

from shanhai import passwords
from shanhai.db.authentication import TileToken, seal
from shanhai.db.identity import RoleGiven
from shanhai.db.queries import accounts
from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import create_key, prefix_of, revoke_key
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import ZONE_CLASSES, Role, Scope
from tests.support.feature_rows import add_scheme, add_zone
from tests.support.job_rows import add_region, open_sessions

SECRET = "a secret of the tests that nobody can guess"
DRAFT = "draft.for_tokens"
PLACE = "tiles/WebMercatorQuad/10/847/440"
ROW_FIRST = "WebMercatorQuad/10/440/847"
TILE = f"/layers/zones/{PLACE}.mvt"
ASKED = {"scheme": DRAFT}


@pytest.fixture
async def keys(world: Any) -> dict[str, str]:
    """A draft scheme in Xiamen, and the keys of those who do and do not see it."""
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        xiamen = await session.scalar(select(Region).where(Region.code == "xiamen"))
        assert xiamen is not None
        if await session.scalar(select(Region).where(Region.code == "far")) is None:
            await add_region(session, "far")
            scheme = await add_scheme(
                session, xiamen, code=DRAFT, status="draft", valid=(None, None)
            )
            await add_zone(session, scheme, ZONE_CLASSES[0].code, (117.9, 24.4, 118.1, 24.7))
        made = {}
        for region in ("xiamen", "far"):
            roles = [RoleGiven(Role.PLANNER, region)]
            made[region] = await create_key(session, name=region, scopes=[Scope.READ], roles=roles)
        made["writer"] = await create_key(session, name="writer", scopes=[Scope.OBSERVE])
        return made


def token_for(key: str, *layers: str, seconds: float = 60, secret: str = SECRET) -> str:
    owner = f"key:{prefix_of(key)}"
    return seal(TileToken(owner, frozenset(layers), int(time.time() + seconds)), secret)


async def draft_of(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get(TILE, params={**ASKED, "token": token})


async def test_token_shows_what_its_owner_sees(
    client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    answer = await draft_of(client, token_for(keys["xiamen"], "zones"))
    assert DRAFT.encode() in answer.content
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "X-Accel-Expires" not in answer.headers


async def test_token_of_an_owner_bound_elsewhere_shows_nothing(
    client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    tag = (await draft_of(client, token_for(keys["xiamen"], "zones"))).headers["ETag"]
    parameters = {**ASKED, "token": token_for(keys["far"], "zones")}
    answer = await client.get(TILE, params=parameters, headers={"If-None-Match": tag})
    assert answer.status_code == 204
    assert (await client.get(TILE, params=ASKED)).status_code == 204


async def test_token_opens_its_layers_alone(
    client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    token = token_for(keys["xiamen"], "zones", "dataset.ndvi.secret")
    for layer, status in (
        ("zones", 200),
        ("dataset.ndvi.secret", 200),
        ("regions", 403),
        ("zones.xiamen", 403),
        ("nothing", 403),
    ):
        answer = await client.get(f"/layers/{layer}", params={"token": token})
        assert answer.status_code == status, layer
    both = await client.get(f"/layers/zones,regions/{PLACE}.mvt", params={"token": token})
    assert both.status_code == 403
    listed = (await client.get("/layers", params={"token": token})).json()["layers"]
    assert {one["id"] for one in listed} == {"zones", "dataset.ndvi.secret"}


@pytest.mark.parametrize("path", ["/layers/zones/tilejson.json", "/layers/zones/style.json"])
async def test_token_is_carried_on_to_the_tiles(
    guarded: httpx.AsyncClient, keys: dict[str, str], path: str
) -> None:
    token = token_for(keys["xiamen"], "zones")
    answer = await guarded.get(path, params={"token": token})
    assert f"token={token}" in answer.text
    assert answer.headers["Cache-Control"].startswith("private")


async def test_wmts_is_read_with_a_token(guarded: httpx.AsyncClient, keys: dict[str, str]) -> None:
    token = token_for(keys["xiamen"], "dataset.ndvi.secret")
    pairs = {"SERVICE": "WMTS", "REQUEST": "GetCapabilities", "token": token}
    capabilities = await guarded.get("/wmts", params=pairs)
    assert capabilities.status_code == 200
    assert "<ows:Identifier>dataset.ndvi.secret<" in capabilities.text
    assert "<ows:Identifier>zones<" not in capabilities.text
    address = "/wmts/1.0.0/dataset.ndvi.secret/default/WebMercatorQuad/10/440/848.png"
    assert f".png?token={token}" in capabilities.text
    assert (await guarded.get(address, params={"token": token})).status_code == 200
    assert (await guarded.get(address)).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        *("/collections", "/collections/zones", "/collections/zones/tiles"),
        *("/collections/zones/tiles/WebMercatorQuad", "/tiles", "/tiles/WebMercatorQuad"),
        *("/tiles?collections=zones", "/collections/dataset.ndvi.secret/map/tiles"),
    ],
)
async def test_token_is_carried_on_through_tilesets(
    guarded: httpx.AsyncClient, keys: dict[str, str], path: str
) -> None:
    token = token_for(keys["xiamen"], "zones", "dataset.ndvi.secret")
    answer = await guarded.get(httpx.URL(path).copy_merge_params({"token": token}))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"].startswith("private")
    links = list(addresses(answer.json()))
    assert links
    for link in links:
        place = {"{tileMatrix}": "10", "{tileRow}": "440", "{tileCol}": "848"}
        for name, value in place.items():
            link = link.replace(name, value)
        followed = await guarded.get(link)
        assert followed.status_code in {200, 204}, link


def addresses(document: Any) -> Iterator[str]:
    """The addresses of this service's own links anywhere in a document."""
    if isinstance(document, list):
        for item in document:
            yield from addresses(item)
    elif isinstance(document, dict):
        if isinstance(document.get("href"), str):
            yield document["href"]
        yield from addresses(list(document.values()))


@pytest.mark.parametrize("path", ["/tiles", "/tiles/WebMercatorQuad", f"/tiles/{ROW_FIRST}"])
async def test_token_of_rasters_alone_opens_no_tiles_of_several_layers(
    guarded: httpx.AsyncClient, keys: dict[str, str], path: str
) -> None:
    token = token_for(keys["xiamen"], "dataset.ndvi.secret")
    answer = await guarded.get(path, params={"token": token, "lang": "en"})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "the tile token opens no vector layer"


@pytest.mark.parametrize("spoil", ["expired", "secret", "content", "signature", "text", "empty"])
async def test_token_that_is_not_valid_is_refused(
    client: httpx.AsyncClient, keys: dict[str, str], spoil: str
) -> None:
    good = token_for(keys["xiamen"], "zones")
    content, _, signature = good.partition(".")
    other = token_for(keys["xiamen"], "zones", "regions").partition(".")[0]
    spoilt = {
        "expired": token_for(keys["xiamen"], "zones", seconds=-1),
        "secret": token_for(keys["xiamen"], "zones", secret=f"{SECRET}!"),
        "content": f"{other}.{signature}",
        "signature": f"{content}.{signature[::-1]}",
        "text": "sht_\u00e9",
        "empty": "",
    }[spoil]
    answer = await draft_of(client, spoilt)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_token_ends_with_its_owner_s_key(
    client: httpx.AsyncClient, world: Any, keys: dict[str, str]
) -> None:
    token = token_for(keys["xiamen"], "zones")
    assert (await draft_of(client, token)).status_code == 200
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        await revoke_key(session, prefix_of(keys["xiamen"]) or "", act=Act("test"))
    assert (await draft_of(client, token)).status_code == 401


async def test_token_ends_with_its_owner_s_account(client: httpx.AsyncClient, world: Any) -> None:
    for owner in ("account:987654", "account:x", "operator", "anonymous"):
        token = TileToken(owner, frozenset({"zones"}), int(time.time()) + 60)
        assert (await draft_of(client, seal(token, SECRET))).status_code == 401


async def test_owner_needs_the_scope_read(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    assert (await draft_of(client, token_for(keys["writer"], "zones"))).status_code == 403


async def test_key_bound_to_addresses_binds_its_tokens(
    client: httpx.AsyncClient, world: Any, keys: dict[str, str]
) -> None:
    token = token_for(keys["xiamen"], "zones")
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        await session.execute(
            text("UPDATE api_key SET networks = '{192.0.2.0/24}' WHERE prefix = :prefix"),
            {"prefix": prefix_of(keys["xiamen"])},
        )
    assert (await draft_of(client, token)).status_code == 401


async def test_token_is_nowhere_in_logs_errors_and_measurements(
    client: httpx.AsyncClient, keys: dict[str, str], caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    token = token_for(keys["xiamen"], "zones")
    with caplog.at_level(logging.DEBUG):
        answers = [
            await draft_of(client, token),
            await client.get("/layers/nothing", params={"token": token}),
            await client.get("/layers/zones", params={"token": token, "absurd": token}),
            await client.get("/nowhere", params={"token": token}),
            await client.get(f"{TILE}x", params={"token": token}),
            await client.get("/wmts", params={"token": token, "REQUEST": "GetTile"}),
            await draft_of(client, f"{token}x"),
        ]
    assert [answer.status_code for answer in answers] == [200, 403, 400, 404, 400, 400, 401]
    written = capfd.readouterr()
    told = "".join(answer.text for answer in answers[1:])
    measured = generate_latest().decode()
    # The client that asks is not ours to silence.
    logged = "".join(r.getMessage() for r in caplog.records if not r.name.startswith("http"))
    for place in (told, measured, logged, written.out, written.err):
        assert token not in place


async def test_session_shows_what_its_account_sees_until_it_ends(
    client: httpx.AsyncClient, keys: dict[str, str], world: Any
) -> None:
    token = passwords.make_token()
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        change = accounts.AccountChange(roles=[RoleGiven(Role.PLANNER, "xiamen")])
        name = f"map-{time.time_ns()}"
        holder = await accounts.invite(
            session, issuer=accounts.OWN, subject=name, change=change, act=Act("test")
        )
        given = {"account": holder.account.id, "sha256": passwords.digest_of_secret(token)}
        await session.execute(
            text(
                "INSERT INTO session (account_id, sha256, expires_at, used_at, need) VALUES"
                " (:account, :sha256, now() + interval '1 hour', now() - interval '2 minutes',"
                " 'code')"
            ),
            given,
        )
    cookie = {"Cookie": f"a=b; __Host-shanhai={token}"}
    assert (await client.get(TILE, params=ASKED, headers=cookie)).status_code == 401
    for change_of, status in (
        ("need = NULL", 200),
        ("ended_at = now()", 401),
    ):
        async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
            await session.execute(
                text(f"UPDATE session SET {change_of} WHERE sha256 = :s"), {"s": given["sha256"]}
            )
        answer = await client.get(TILE, params=ASKED, headers=cookie)
        assert answer.status_code == status
        if status == 200:
            assert DRAFT.encode() in answer.content
            assert answer.headers["Cache-Control"] == "private, no-cache"
    async with open_sessions(world.database_url) as sessions, sessions() as session:
        used = "SELECT now() - used_at < interval '1 minute' FROM session WHERE sha256 = :s"
        assert await session.scalar(text(used), {"s": given["sha256"]})
