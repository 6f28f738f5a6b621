"""The worker follows the audit chain, signs its head, and tells when the chain is broken."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from structlog.testing import capture_logs

from shanhai.db.engine import Sessions
from shanhai.db.queries.audit import Act, record
from shanhai.db.queries.audit_chain import (
    BEGINNING,
    AuditBroken,
    add_head,
    make_signing_key,
    read_heads,
    read_public_key,
    read_signing_key,
    verify_chain,
)
from shanhai.errors import InvalidInput
from shanhai.settings import AuditSettings
from shanhai.shutdown import end
from shanhai_worker import periodic
from shanhai_worker.context import WorkerContext
from shanhai_worker.periodic import AuditKeeper
from tests.support.workers import eventually

INTACT = "shanhai_audit_intact"


@pytest.fixture
def auditing(tmp_path: Path) -> AuditSettings:
    (tmp_path / "public.pem").write_text(make_signing_key(tmp_path / "key.pem"))
    return AuditSettings(heads=tmp_path / "heads.jsonl", key_file=tmp_path / "key.pem")


async def write(sessions: Sessions, number: int) -> None:
    async with sessions.begin() as session:
        record(session, Act("test"), "create", table="region", object_id=str(number))


async def change(sessions: Sessions, statement: str) -> None:
    """As somebody who owns the tables could."""
    async with sessions.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text(statement))


def intact(context: WorkerContext) -> bool:
    line = next(
        line for line in context.meters.render().decode().splitlines() if line.startswith(INTACT)
    )
    return float(line.split()[1]) == 1


async def test_heads_are_signed_and_a_changed_row_is_told(
    context: WorkerContext, sessions: Sessions, auditing: AuditSettings, tmp_path: Path
) -> None:
    public = read_public_key(tmp_path / "public.pem")
    assert auditing.heads is not None
    keeper = AuditKeeper(context, auditing)
    await write(sessions, 1)
    await keeper.look()
    await write(sessions, 2)
    await keeper.look()
    first, second = read_heads(auditing.heads, public)
    assert (second.seq, second.rows) == (first.seq + 1, first.rows + 1)
    assert intact(context)

    # Another worker, begun later, goes on from the head that was signed.
    await write(sessions, 3)
    other = AuditKeeper(context, auditing)
    await other.look()
    assert read_heads(auditing.heads, public)[-1].seq == second.seq + 1

    await write(sessions, 4)
    await change(
        sessions, "UPDATE audit_log SET actor = 'x' WHERE id = (SELECT max(id) FROM audit_log)"
    )
    await keeper.look()
    assert not intact(context)
    assert len(read_heads(auditing.heads, public)) == 3
    await change(
        sessions, "UPDATE audit_log SET actor = 'test' WHERE id = (SELECT max(id) FROM audit_log)"
    )
    await keeper.look()
    assert intact(context)


async def test_it_is_looked_at_again_soon_where_the_database_was_not_there(
    context: WorkerContext,
    sessions: Sessions,
    auditing: AuditSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heads = auditing.heads
    assert heads is not None
    monkeypatch.setattr(periodic, "AGAIN_S", 0.05)
    looks = 0

    class Counted(AuditKeeper):
        async def look(self) -> None:
            nonlocal looks
            looks += 1
            await super().look()

    async def refused() -> bool:
        return looks > 2

    async def signed() -> bool:
        return heads.exists()

    # As before the tables are made.
    await change(sessions, "ALTER TABLE audit_chain RENAME TO audit_chain_elsewhere")
    keeping = asyncio.create_task(Counted(context, auditing).run())
    try:
        try:
            await eventually(refused)
            assert not heads.exists()
        finally:
            await change(sessions, "ALTER TABLE audit_chain_elsewhere RENAME TO audit_chain")
        await eventually(signed)
    finally:
        await end(keeping)


async def test_a_chain_without_a_signed_head_is_broken(
    context: WorkerContext, sessions: Sessions, auditing: AuditSettings, tmp_path: Path
) -> None:
    assert auditing.heads is not None
    await write(sessions, 1)
    await AuditKeeper(context, auditing).look()
    head = read_heads(auditing.heads, read_public_key(tmp_path / "public.pem"))[-1].head
    async with sessions() as session:
        assert (await verify_chain(session, seen=[head])).seq == head.seq
    await change(sessions, f"UPDATE audit_chain SET hash = sha256(hash) WHERE seq = {head.seq}")
    async with sessions() as session:
        with pytest.raises(AuditBroken, match=head.hash):
            await verify_chain(session, seen=[head])
    await AuditKeeper(context, auditing).look()
    assert not intact(context)
    await change(
        sessions,
        f"UPDATE audit_chain SET hash = decode('{head.hash}', 'hex') WHERE seq = {head.seq}",
    )


def test_heads_are_not_written_unsigned(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="SHANHAI_AUDIT_KEY_FILE"):
        AuditSettings(heads=tmp_path / "heads.jsonl")


async def test_a_worker_makes_the_key_that_is_missing(
    context: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    heads = tmp_path / "kept" / "heads.jsonl"
    settings = AuditSettings(heads=heads, key_file=tmp_path / "own" / "key.pem")
    await write(sessions, 5)
    for _ in range(2):
        await AuditKeeper(context, settings).look()
    assert settings.public_key == heads.with_name("heads.pub")
    assert len(read_heads(heads, read_public_key(heads.with_name("heads.pub")))) == 2


@pytest.fixture
def choose_suite(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return partial(monkeypatch.setenv, "SHANHAI_CRYPTO_SUITE")


async def test_heads_go_on_over_a_change_of_suite(
    context: WorkerContext, sessions: Sessions, tmp_path: Path, choose_suite: Callable[[str], None]
) -> None:
    heads, file = tmp_path / "kept" / "heads.jsonl", tmp_path / "own" / "key.pem"
    settings = AuditSettings(heads=heads, key_file=file)
    for number, suite in enumerate(("international", "commercial", "international")):
        choose_suite(suite)
        await write(sessions, 10 + number)
        await AuditKeeper(context, settings).look()
        assert intact(context)
    assert sorted(path.name for path in file.parent.iterdir()) == ["key-sm2.pem", "key.pem"]
    public = read_public_key(heads.with_name("heads.pub"))
    signed = read_heads(heads, public)
    assert [one.algorithm for one in signed] == ["Ed25519", "SM2", "Ed25519"]
    told = [json.loads(line).get("algorithm") for line in heads.read_text().splitlines()]
    assert told == [None, "SM2", None]
    async with sessions() as session:
        assert (await verify_chain(session, seen=[one.head for one in signed])).seq >= 3

    # Without the key of one of the suites its heads are believed by nobody.
    with pytest.raises(InvalidInput, match=r"line 2 is signed by SM2.*put …-sm2\.pub beside"):
        read_heads(heads, {"Ed25519": public["Ed25519"]})
    alone = heads.with_name("heads-sm2.pub").rename(tmp_path / "heads-sm2.pub")
    await AuditKeeper(context, settings).look()
    assert not intact(context)
    alone.rename(heads.with_name("heads-sm2.pub"))
    assert read_public_key(heads.with_name("heads-sm2.pub")).keys() == public.keys()
    heads.write_text(heads.read_text().replace(',"algorithm":"SM2"', ""))
    with pytest.raises(AuditBroken, match="line 2"):
        read_heads(heads, public)


async def test_a_key_of_the_other_suite_stays(
    context: WorkerContext, sessions: Sessions, tmp_path: Path, choose_suite: Callable[[str], None]
) -> None:
    choose_suite("commercial")
    public = make_signing_key(tmp_path / "key.pem")
    (tmp_path / "heads.pub").write_text(public)
    settings = AuditSettings(heads=tmp_path / "heads.jsonl", key_file=tmp_path / "key.pem")
    await write(sessions, 20)
    await AuditKeeper(context, settings).look()
    assert not (tmp_path / "key-sm2.pem").exists()
    choose_suite("international")
    await AuditKeeper(context, settings).look()
    assert (tmp_path / "heads.pub").read_text() == public
    assert (tmp_path / "heads-ed25519.pub").exists()
    signed = read_heads(tmp_path / "heads.jsonl", read_public_key(tmp_path / "heads.pub"))
    assert [one.algorithm for one in signed] == ["SM2", "Ed25519"]


def test_a_worker_that_may_not_sign_says_what_is_missing(
    context: WorkerContext, auditing: AuditSettings, tmp_path: Path
) -> None:
    bare = AuditSettings(heads=auditing.heads, public_key_file=tmp_path / "public.pem")
    with capture_logs() as logs:
        AuditKeeper(context, auditing)
        AuditKeeper(context, AuditSettings())
        assert logs == []
        AuditKeeper(context, bare)
    assert [one["missing"] for one in logs] == ["SHANHAI_AUDIT_KEY_FILE"]


@pytest.mark.parametrize("suite", ["international", "commercial"])
def test_a_forged_head_is_refused(
    tmp_path: Path, choose_suite: Callable[[str], None], suite: str
) -> None:
    choose_suite(suite)
    make_signing_key(tmp_path / "other.pem")
    (tmp_path / "public.pem").write_text(make_signing_key(tmp_path / "key.pem"))
    public, heads = read_public_key(tmp_path / "public.pem"), tmp_path / "heads.jsonl"
    add_head(heads, BEGINNING, read_signing_key(tmp_path / "key.pem"))
    good = heads.read_text()
    assert [one.head for one in read_heads(heads, public)] == [BEGINNING]
    heads.write_text(good.replace('"seq":0', '"seq":1'))
    with pytest.raises(AuditBroken, match="line 1"):
        read_heads(heads, public)
    heads.write_text(good)
    add_head(heads, BEGINNING, read_signing_key(tmp_path / "other.pem"))
    with pytest.raises(AuditBroken, match="line 2"):
        read_heads(heads, public)
