"""API keys over HTTP, and the audit log they leave."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.keys import create_key, hash_key
from shanhai.db.tables.access import ApiKey, IdempotencyKey
from shanhai.vocabulary import Scope
from shanhai_api.kit.state import ServiceState

NEW = {"name": "gateway", "scopes": ["read", "jobs"]}


async def make(admin: httpx.AsyncClient, **members: Any) -> dict[str, Any]:
    answer = await admin.post("/keys", json={**NEW, **members})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def use(client: httpx.AsyncClient, key: str) -> int:
    answer = await client.get("/jobs", headers={"Authorization": f"Bearer {key}"})
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    return answer.status_code


class TestKeys:
    async def test_key_is_shown_once_and_kept_hashed(
        self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        answer = await admin.post("/keys", json=NEW)
        assert answer.headers["Cache-Control"] == "no-store"
        made = answer.json()
        assert made["scopes"] == ["read", "jobs"]
        assert await use(anonymous, made["key"]) == 200
        row = await session.scalar(select(ApiKey).where(ApiKey.prefix == made["id"]))
        assert row is not None
        assert row.sha256 == hash_key(made["key"])
        assert made["key"] not in (await admin.get("/keys")).text
        assert made["key"] not in (await admin.get("/audit")).text
        assert "key" not in (await admin.get(answer.headers["Location"])).json()

    async def test_replay_does_not_show_it_again(
        self, admin: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        headers = {"Idempotency-Key": "k"}
        first = (await admin.post("/keys", json=NEW, headers=headers)).json()
        again = await admin.post("/keys", json=NEW, headers=headers)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json()["id"] == first["id"]
        assert "key" not in again.json()
        kept = (await session.scalars(select(IdempotencyKey))).one()
        assert first["key"] not in kept.body

    async def test_revoked_key_ends_at_once(
        self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
    ) -> None:
        made = await make(admin)
        path = f"/keys/{made['id']}"
        read = {"If-Match": (await admin.get(path)).headers["ETag"]}
        other = {"If-Match": (await admin.get("/keys")).headers["ETag"]}
        assert (await admin.delete(path, headers=other)).status_code == 412
        assert (await admin.delete(path, headers=read)).status_code == 204
        assert await use(anonymous, made["key"]) == 401
        assert (await admin.delete(f"/keys/{made['id']}")).status_code == 404
        log = (await admin.get("/audit", params={"object": made["id"]})).json()["entries"]
        assert [entry["action"] for entry in log] == ["revoke", "create"]

    async def test_expired_key(
        self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        made = await make(admin, expires_at=soon)
        assert await use(anonymous, made["key"]) == 200
        await session.execute(
            update(ApiKey)
            .where(ApiKey.prefix == made["id"])
            .values(expires_at=text("now() - interval '1 second'"))
        )
        await session.commit()
        assert await use(anonymous, made["key"]) == 401

    async def test_key_bound_to_networks(
        self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
    ) -> None:
        here = await make(admin, networks=["127.0.0.0/8"])
        elsewhere = await make(admin, networks=["10.0.0.0/8", "2001:db8::/32"])
        assert await use(anonymous, here["key"]) == 200
        assert await use(anonymous, elsewhere["key"]) == 401

    async def test_use_is_noted(self, admin: httpx.AsyncClient) -> None:
        keys = (await admin.get("/keys")).json()["keys"]
        assert keys[0]["last_used"] is not None

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"scopes": ["read"]}, "/name"),
            ({"name": "", "scopes": ["read"]}, "/name"),
            ({"name": "x", "scopes": []}, "/scopes"),
            ({"name": "x", "scopes": ["root"]}, "/scopes/0"),
            ({"name": "x", "scopes": "read"}, "/scopes"),
            ({"name": "x", "scopes": ["read"], "networks": ["here"]}, "/networks/0"),
            (
                {"name": "x", "scopes": ["read"], "expires_at": "2001-01-01T00:00:00Z"},
                "/expires_at",
            ),
            ({"name": "x", "scopes": ["read"], "expires_at": "2999-01-01T00:00:00"}, "/expires_at"),
            ({"name": "x", "scopes": ["read"], "prefix": "mine"}, "/prefix"),
        ],
    )
    async def test_bad_key(
        self, admin: httpx.AsyncClient, body: dict[str, Any], pointer: str
    ) -> None:
        answer = await admin.post("/keys", json=body)
        assert answer.status_code == 400
        assert {fault["pointer"] for fault in answer.json()["errors"]} == {pointer}

    async def test_administrators_only(
        self, anonymous: httpx.AsyncClient, runner: httpx.AsyncClient
    ) -> None:
        for method, path in (
            ("GET", "/keys"),
            ("POST", "/keys"),
            ("GET", "/keys/abcdefgh"),
            ("DELETE", "/keys/abcdefgh"),
            ("GET", "/audit"),
        ):
            assert (await anonymous.request(method, path)).status_code == 401
            assert (await runner.request(method, path)).status_code == 403


class TestIdentity:
    @pytest.mark.parametrize(
        "header",
        [
            "Bearer wrong",
            "Bearer shk_aaaaaaaa_" + "x" * 43,
            "Bearer ",
            "Basic dXNlcjpwYXNz",
            "shk_aaaaaaaa_" + "x" * 43,
        ],
    )
    async def test_wrong_key_is_refused_even_where_the_public_may_read(
        self, anonymous: httpx.AsyncClient, header: str
    ) -> None:
        answer = await anonymous.get("/collections", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"

    async def test_right_prefix_with_a_wrong_secret(
        self, anonymous: httpx.AsyncClient, state: ServiceState
    ) -> None:
        async with state.sessions.begin() as session:
            key = await create_key(session, name="x", scopes=[Scope.READ])
        changed = key[:-1] + ("A" if key[-1] != "A" else "B")
        assert await use(anonymous, changed) == 401
        assert await use(anonymous, key) == 200

    @pytest.mark.configured
    async def test_nobody_reads_where_the_public_may_not(
        self, anonymous: httpx.AsyncClient, app: FastAPI, state: ServiceState
    ) -> None:
        public = state.configuration.public.model_copy(update={"public_read": False})
        object.__setattr__(state.configuration, "public", public)
        for path in ("/", "/api", "/docs", "/processes", "/collections", "/jobs", "/zone-classes"):
            answer = await anonymous.get(path)
            assert answer.status_code == 401, path
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert (await anonymous.get(path)).status_code == 200

    @pytest.mark.configured
    async def test_any_identity_may_look_at_what_there_is(
        self, client_with: Callable[..., Awaitable[httpx.AsyncClient]], state: ServiceState
    ) -> None:
        public = state.configuration.public.model_copy(update={"public_read": False})
        object.__setattr__(state.configuration, "public", public)
        observer = await client_with(Scope.OBSERVE)
        assert (await observer.get("/processes")).status_code == 200
        assert (await observer.get("/collections")).status_code == 403

    @pytest.mark.parametrize("end", ["9999-12-31T23:59:59-14:00", "2000-01-01T00:00:00Z"])
    async def test_end_must_lie_ahead_and_within_the_calendar(
        self, admin: httpx.AsyncClient, end: str
    ) -> None:
        answer = await admin.post("/keys", json={**NEW, "expires_at": end})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/expires_at"


class TestAudit:
    async def test_pages_go_back_in_time(self, admin: httpx.AsyncClient) -> None:
        made = [(await make(admin))["id"] for _ in range(3)]
        seen: list[str] = []
        url = "/audit?action=create&limit=2"
        while url and len(seen) < 3:
            document = (await admin.get(url)).json()
            seen += [entry["object"] for entry in document["entries"]]
            url = next((item["href"] for item in document["links"] if item["rel"] == "next"), "")
        assert seen[:3] == made[::-1]

    async def test_entry_says_who_what_and_in_which_request(self, admin: httpx.AsyncClient) -> None:
        answer = await admin.post("/keys", json=NEW, headers={"X-Request-Id": "trace-7"})
        entries = (await admin.get("/audit", params={"request": "trace-7"})).json()["entries"]
        assert [entry["object"] for entry in entries] == [answer.json()["id"]]
        assert entries[0]["after"]["name"] == "gateway"
        assert entries[0]["actor"].startswith("key:")
