"""Keys in the database: made, verified, ended."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act, write_entries
from shanhai.db.queries.keys import (
    KEY_LENGTH,
    create_key,
    generate_key,
    hash_key,
    prefix_of,
    revoke_key,
    verify_key,
)
from shanhai.db.tables.access import ApiKey, AuditLog
from shanhai.errors import NotFound
from shanhai.vocabulary import Scope

ACT = Act("tester", "request-1")


async def make(session: AsyncSession, *scopes: Scope, **options: object) -> str:
    return await create_key(session, name="k", scopes=scopes or (Scope.READ,), **options)  # type: ignore[arg-type]  # what the test gives


def test_form_of_a_key() -> None:
    prefix, key = generate_key()
    assert len(key) == KEY_LENGTH == 56
    assert prefix_of(key) == prefix
    assert key.startswith(f"shk_{prefix}_")
    assert generate_key()[1] != key


@pytest.mark.parametrize("text", ["", "shk_", "x" * 56, "shk_" + "a" * 52])
def test_other_texts_are_no_keys(text: str) -> None:
    assert prefix_of(text) is None


async def test_key_speaks_for_its_scopes(session: AsyncSession) -> None:
    key = await make(session, Scope.READ, Scope.JOBS)
    identity = await verify_key(session, key)
    assert identity is not None
    assert identity.owner == f"key:{prefix_of(key)}"
    assert identity.may(Scope.JOBS)
    assert not identity.may(Scope.ADMIN)


async def test_admin_includes_every_scope(session: AsyncSession) -> None:
    identity = await verify_key(session, await make(session, Scope.ADMIN))
    assert identity is not None
    assert all(identity.may(scope) for scope in Scope)


async def test_only_the_hash_is_kept(session: AsyncSession) -> None:
    key = await make(session)
    row = (await session.scalars(select(ApiKey))).one()
    assert row.sha256 == hash_key(key)
    assert key not in repr(vars(row))


async def test_what_is_not_valid(session: AsyncSession) -> None:
    key = await make(session)
    assert await verify_key(session, f"{key[:-1]}{'A' if key[-1] != 'A' else 'B'}") is None
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert await verify_key(session, await make(session, expires_at=past)) is None
    await revoke_key(session, prefix_of(key) or "", act=ACT)
    assert await verify_key(session, key) is None
    with pytest.raises(NotFound):
        await revoke_key(session, prefix_of(key) or "", act=ACT)


async def test_networks_bind(session: AsyncSession) -> None:
    key = await make(session, networks=[ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")])
    assert await verify_key(session, key, address=ip_address("10.1.2.3")) is not None
    assert await verify_key(session, key, address=ip_address("2001:db8::1")) is not None
    assert await verify_key(session, key, address=ip_address("11.1.2.3")) is None
    assert await verify_key(session, key) is None


async def test_making_and_ending_are_in_the_audit_log(session: AsyncSession) -> None:
    key = await make(session, act=ACT)
    await revoke_key(session, prefix_of(key) or "", act=ACT)
    await write_entries(session)
    entries = (
        await session.scalars(
            select(AuditLog).where(AuditLog.object_id == prefix_of(key)).order_by(AuditLog.id)
        )
    ).all()
    assert [entry.action for entry in entries] == ["create", "revoke"]
    assert {(entry.actor, entry.request_id) for entry in entries} == {("tester", "request-1")}
    assert all(key not in str(entry.after) for entry in entries)
