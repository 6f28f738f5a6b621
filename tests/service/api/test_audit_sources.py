"""The audit log and the lines of the service tell who came from where, and who was refused."""

from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from shanhai.db.queries.audit_chain import verify_chain
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.zone import Region
from shanhai.settings import PublicSettings
from shanhai_api.kit.state import ServiceState

BEHIND_PROXY = PublicSettings(public_read=True, trusted_proxies=(ip_network("127.0.0.0/8"),))
NEW = {"name": "gateway", "scopes": ["read"]}


async def newest(session: AsyncSession, action: str, number: int) -> list[AuditLog]:
    query = select(AuditLog).where(AuditLog.action == action).order_by(AuditLog.id.desc())
    return list((await session.scalars(query.limit(number))).all())


async def last_id(session: AsyncSession) -> int:
    return int(await session.scalar(text("SELECT coalesce(max(id), 0) FROM audit_log")) or 0)


async def test_what_is_done_over_http_tells_its_address(
    admin: httpx.AsyncClient, session: AsyncSession
) -> None:
    made = (await admin.post("/keys", json=NEW)).json()
    entries = (await admin.get("/audit", params={"object": made["id"]})).json()["entries"]
    assert [entry["address"] for entry in entries] == ["127.0.0.1"]
    lines = (await admin.get("/audit", params={"f": "csv", "address": "127.0.0.1"})).text
    assert made["id"] in lines
    none = await admin.get("/audit", params={"address": "127.0.0.2"})
    assert none.json()["entries"] == []
    # What a test arranges comes from no address, as what workers and commands do.
    [own, *_] = [row for row in await newest(session, "create", 9) if row.actor == "operator"]
    assert own.address is None


@pytest.mark.configured(public=BEHIND_PROXY)
@pytest.mark.parametrize(
    "claims", [["6.6.6.6, 203.0.113.7"], ["6.6.6.6", "203.0.113.7"], ["::ffff:203.0.113.7"]]
)
async def test_behind_a_proxy_it_is_the_callers(
    admin: httpx.AsyncClient, session: AsyncSession, state: ServiceState, claims: list[str]
) -> None:
    headers = [("X-Forwarded-For", claim) for claim in claims]
    made = (await admin.post("/keys", json=NEW, headers=headers)).json()
    [row] = [row for row in await newest(session, "create", 5) if row.object_id == made["id"]]
    # What stands before it was claimed by the caller.
    assert row.address == "203.0.113.7"
    async with state.sessions() as other:
        assert (await verify_chain(other)).rows


async def test_whoever_claims_another_address_is_not_believed(
    admin: httpx.AsyncClient, session: AsyncSession
) -> None:
    headers = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    made = (await admin.post("/keys", json=NEW, headers=headers)).json()
    [row] = [row for row in await newest(session, "create", 5) if row.object_id == made["id"]]
    assert row.address == "127.0.0.1"


class TestFailedSignIns:
    async def test_each_reason_is_one_row_with_its_number(
        self,
        app: FastAPI,
        admin: httpx.AsyncClient,
        anonymous: httpx.AsyncClient,
        session: AsyncSession,
    ) -> None:
        revoked, expired, elsewhere = [
            (await admin.post("/keys", json={**NEW, **more})).json()
            for more in ({}, {}, {"networks": ["10.0.0.0/8"]})
        ]
        await admin.delete(f"/keys/{revoked['id']}")
        ended = "UPDATE api_key SET expires_at = now() - interval '1 s' WHERE prefix = :prefix"
        await session.execute(text(ended), {"prefix": expired["id"]})
        await session.commit()
        before = await last_id(session)
        guessed = elsewhere["key"][:-4] + ("AAAA" if elsewhere["key"][-4:] != "AAAA" else "BBBB")
        tried = {
            revoked["key"]: ("revoked key", revoked["id"]),
            expired["key"]: ("expired key", expired["id"]),
            elsewhere["key"]: ("wrong network", elsewhere["id"]),
            guessed: ("wrong secret", elsewhere["id"]),
            "shk_aaaaaaaa_" + "x" * 43: ("unknown key", "-"),
            "secret-of-somebody": ("unknown key", "-"),
        }
        for key in tried:
            for _ in range(3):
                answer = await anonymous.get(
                    "/collections", headers={"Authorization": f"Bearer {key}"}
                )
                assert answer.status_code == 401
        assert (await anonymous.get("/jobs")).status_code in {200, 401}
        assert await last_id(session) == before
        state: ServiceState = app.state.service
        await state.authenticator.tally.write()
        rows = await newest(session, "refuse-sign-in", 9)
        rows = [row for row in rows if row.id > before]
        told = {((row.after or {})["reason"], row.object_id): row for row in rows}
        assert told.keys() == set(tried.values())
        assert len(rows) == 5
        for (reason, _), row in told.items():
            assert (row.after or {})["times"] == (6 if reason == "unknown key" else 3)
            assert (row.actor, row.address) == ("anonymous", "127.0.0.1")
        written = str([row.after for row in rows]) + str([row.object_id for row in rows])
        assert not any(key in written for key in tried)

    async def test_the_end_of_the_service_writes_what_waits(
        self, app: FastAPI, anonymous: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        before = await last_id(session)
        headers = {"Authorization": "Basic dXNlcjpwYXNz"}
        assert (await anonymous.get("/collections", headers=headers)).status_code == 401
        state: ServiceState = app.state.service
        async with state.authenticator.tally.writing_down():
            pass
        [row, *_] = await newest(session, "refuse-sign-in", 1)
        assert row.id > before
        assert "dXNlcjpwYXNz" not in str(row.after)


def lines(entries: list[Any]) -> list[Any]:
    return [entry for entry in entries if entry["event"] == "request"]


async def test_lines_of_the_log_tell_identity_and_address(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    with capture_logs(processors=[merge_contextvars]) as entries:
        await admin.get("/keys")
        await anonymous.get("/collections")
        refused = {"Authorization": "Bearer shk_aaaaaaaa_" + "x" * 43}
        await anonymous.get("/collections", headers=refused)
    known, nobody, wrong = lines(entries)
    assert known["identity"].startswith("key:")
    assert len(known["identity"]) == len("key:") + 8
    assert (nobody["identity"], wrong["identity"]) == ("anonymous", None)
    assert {line["address"] for line in (known, nobody, wrong)} == {"127.0.0.1"}
    assert "x" * 43 not in str(entries)
    assert admin.headers["Authorization"].removeprefix("Bearer ") not in str(entries)


async def test_reading_what_is_not_all_public_is_told_once_an_hour(
    app: FastAPI,
    reader: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    session: AsyncSession,
    city: Region,
) -> None:
    before = await last_id(session)
    for _ in range(3):
        assert (await reader.get("/collections/datasets/items")).status_code == 200
        assert (await anonymous.get("/collections/datasets/items")).status_code == 200
        assert (await reader.get(f"/collections/regions/items/{city.code}")).status_code == 200
        assert (await reader.get("/collections/datasets/items/none")).status_code == 404
    state: ServiceState = app.state.service
    await state.authenticator.tally.write()
    assert (await reader.get("/collections/datasets/items")).status_code == 200
    await state.authenticator.tally.write()
    rows = [row for row in await newest(session, "read", 9) if row.id > before]
    told = [(row.object_table, row.object_id, (row.after or {})["times"]) for row in rows]
    # Regions are public, all of them.
    assert told == [("dataset", "datasets", 1)]
    assert rows[0].actor.startswith("key:")
