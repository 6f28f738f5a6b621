"""What is kept under one suite is closed anew under the other; what `doctor` tells of it."""

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner, Result

from shanhai.cli.app import app
from shanhai.cli.doctor import check_cryptography
from shanhai.crypto import SecretBox, suite_of
from shanhai.db.deliveries import webhooks
from shanhai.db.queries import accounts, sign_ins
from shanhai.db.revision import look_into_database
from shanhai.db.tables.access import Account, AccountCredential, AuditLog
from shanhai.db.tables.delivery import Webhook
from shanhai.errors import Unavailable
from tests.support.accounts import account_url
from tests.support.job_rows import open_sessions

HOOKS, SIGN_IN = "w" * 40, "s" * 40


@pytest.fixture(autouse=True)
def server_secrets(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANHAI_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("SHANHAI_WEBHOOKS_SECRET", HOOKS)
    monkeypatch.setenv("SHANHAI_SIGN_IN_SECRET", SIGN_IN)


async def reseal() -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["db", "reseal"])


def hook(code: str, secret: bytes, former: bytes | None = None) -> Webhook:
    return Webhook(
        code=code,
        name="Duty desk",
        url="https://hooks.example.org",
        lang="zh",
        events=[],
        enabled=True,
        created_by="tester",
        secret=secret,
        former_secret=former,
    )


async def test_secrets_are_closed_anew(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = SecretBox(HOOKS, webhooks.PURPOSE, "international")
    factors = SecretBox(SIGN_IN, sign_ins.PURPOSE, "international")
    async with open_sessions(fresh_database_url) as sessions, sessions.begin() as session:
        two, former = (hooks.close(secret, "wh-2") for secret in (b"two", b"former"))
        session.add_all([hook("wh-1", hooks.close(b"one", "wh-1")), hook("wh-2", two, former)])
        account = Account(issuer=accounts.OWN, subject="li.wei", name="Li Wei")
        session.add(account)
        await session.flush()
        owner = f"account:{account.id}"
        totp = factors.close(b"factor", owner)
        session.add(AccountCredential(account_id=account.id, totp=totp))

    async def kept() -> list[tuple[str, bytes]]:
        async with open_sessions(fresh_database_url) as sessions, sessions() as session:
            one, two = (await session.scalars(select(Webhook).order_by(Webhook.code))).all()
            factor = await session.scalar(select(AccountCredential.totp))
        assert two.former_secret is not None
        assert factor is not None
        return [
            (suite_of(one.secret), hooks.open(one.secret, "wh-1")),
            (suite_of(two.secret), hooks.open(two.secret, "wh-2")),
            (suite_of(two.former_secret), hooks.open(two.former_secret, "wh-2")),
            (suite_of(factor), factors.open(factor, owner)),
        ]

    secrets = [b"one", b"two", b"former", b"factor"]
    assert await kept() == [("international", secret) for secret in secrets]
    told = (await reseal()).output
    assert told == "international: 0 webhooks and 0 second factors closed anew\n"
    monkeypatch.setenv("SHANHAI_CRYPTO_SUITE", "commercial")
    told = (await reseal()).output
    assert told == "commercial: 2 webhooks and 1 second factors closed anew\n"
    assert await kept() == [("commercial", secret) for secret in secrets]
    assert (await reseal()).output.startswith("commercial: 0 webhooks and 0 second")
    noted = select(AuditLog.object_table, AuditLog.algorithm).order_by(AuditLog.id)
    async with open_sessions(fresh_database_url) as sessions, sessions() as session:
        rows = (await session.execute(noted.where(AuditLog.action == "reseal"))).all()
    assert [(row.object_table, row.algorithm) for row in rows] == [
        *(("webhook", "sm3"), ("webhook", "sm3"), ("account", "sm3"))
    ]

    # With another secret of the server nothing is changed.
    monkeypatch.setenv("SHANHAI_CRYPTO_SUITE", "international")
    monkeypatch.setenv("SHANHAI_SIGN_IN_SECRET", "x" * 40)
    assert (await reseal()).exit_code != 0
    assert await kept() == [("commercial", secret) for secret in secrets]


async def test_doctor_tells_the_suite_and_misses_sm3(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await check_cryptography()).startswith("international (SHA-256")
    monkeypatch.setenv("SHANHAI_CRYPTO_SUITE", "commercial")
    monkeypatch.setenv("SHANHAI_DATABASE_URL", account_url(fresh_database_url, "tiles"))
    with pytest.raises(DBAPIError, match="permission denied for table audit_chain"):
        await check_cryptography()
    monkeypatch.setenv("SHANHAI_DATABASE_URL", fresh_database_url)
    assert (await check_cryptography()).startswith("commercial (SM3, SM4-GCM, SM2)")
    async with open_sessions(fresh_database_url) as sessions:
        async with sessions.begin() as session:
            await session.execute(text("DROP EXTENSION pgcrypto"))
        with pytest.raises(Unavailable, match="CREATE EXTENSION pgcrypto"):
            await check_cryptography()
        # Services are not ready to write, and say why.
        async with sessions() as session:
            revision = await session.scalar(text("SELECT version_num FROM alembic_version"))
            assert "pgcrypto" in (await look_into_database(session, revision)).writing
