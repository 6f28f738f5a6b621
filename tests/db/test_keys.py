"""Keys in the database: made, verified, ended."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act, write_entries
from shanhai.db.queries.keys import (
    create_key,
    find_key,
    generate_key,
    hash_key,
    prefix_of,
    revoke_key,
    rotate_key,
    verify_key,
)
from shanhai.db.tables.access import ApiKey, AuditLog
from shanhai.errors import InvalidInput, NotFound
from shanhai.settings import KeySettings
from shanhai.vocabulary import Scope

ACT = Act("tester", "request-1")


async def make(session: AsyncSession, *scopes: Scope, **options: object) -> str:
    return await create_key(session, name="k", scopes=scopes or (Scope.READ,), **options)  # type: ignore[arg-type]  # what the test gives


def test_form_of_a_key() -> None:
    prefix, key = generate_key()
    assert len(key) == 56
    assert prefix_of(key) == prefix
    assert key.startswith(f"shk_{prefix}_")
    assert generate_key()[1] != key


@pytest.mark.parametrize(
    "given",
    [
        *("", "shk_", "x" * 56, "shk_" + "a" * 52, f"shk_abcdefgh_{'a' * 42}\n"),
        *(f"shk_abcdefg{other}_{'a' * 43}" for other in ("\x00", "\ud800", "A", "é", "\n")),
    ],
)
def test_other_texts_are_no_keys(given: str) -> None:
    assert prefix_of(given) is None


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


class TestEnds:
    async def test_every_key_ends(self, session: AsyncSession) -> None:
        for scopes, days in (((Scope.READ,), 365), ((Scope.READ, Scope.ADMIN), 90)):
            row = await find_key(session, prefix_of(await make(session, *scopes)) or "")
            assert row.expires_at is not None
            left = row.expires_at - datetime.now(UTC)
            assert timedelta(days=days - 1) < left <= timedelta(days=days)

    async def test_longer_than_keys_may_be_valid(self, session: AsyncSession) -> None:
        terms = KeySettings(days=30, admin_days=30, longest_days=40)
        later = datetime.now(UTC) + timedelta(days=41)
        with pytest.raises(InvalidInput, match="valid for 40 days at most") as refused:
            await make(session, expires_at=later, terms=terms)
        assert refused.value.faults[0].pointer == "/expires_at"
        assert await make(session, expires_at=later - timedelta(days=2), terms=terms)
        # What is usual is never longer than the longest.
        short = KeySettings(days=365, longest_days=10)
        row = await find_key(session, prefix_of(await make(session, terms=short)) or "")
        assert row.expires_at is not None
        assert row.expires_at < datetime.now(UTC) + timedelta(days=10)

    async def test_a_successor_is_valid_for_as_long_from_then_on(
        self, session: AsyncSession
    ) -> None:
        short = await make(session, expires_at=datetime.now(UTC) + timedelta(days=7))
        endless = await make(session)
        gone = (
            "UPDATE api_key SET created_at = created_at - interval '6 days',"
            " expires_at = expires_at - interval '6 days' WHERE prefix = :prefix"
        )
        await session.execute(text(gone), {"prefix": prefix_of(short)})
        never = "UPDATE api_key SET expires_at = NULL WHERE prefix = :prefix"
        await session.execute(text(never), {"prefix": prefix_of(endless)})
        for key, days in ((short, 7), (endless, 365)):
            new = await rotate_key(session, prefix_of(key) or "", overlap=timedelta(hours=1))
            row = await find_key(session, prefix_of(new) or "")
            assert row.expires_at is not None
            left = row.expires_at - datetime.now(UTC)
            assert timedelta(days=days - 1) < left <= timedelta(days=days)
            assert await verify_key(session, key) is not None
