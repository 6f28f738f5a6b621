"""API keys, accounts, their roles and sessions, idempotency keys, the audit log and its chain."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, CIDR, INET, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, BigId, CreatedAt, Moment
from shanhai.vocabulary import Role

ROLES = tuple(role.value for role in Role)


class ApiKey(Base):
    """An API key; only its SHA-256 is kept, `prefix` finds it.

    `roles` holds `{"role": …, "region": code or null}`; null acts in every role its scopes allow.
    `successor` is the prefix of the key that takes its place.
    """

    __tablename__ = "api_key"

    id: Mapped[BigId]
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    roles: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    networks: Mapped[list[Any] | None] = mapped_column(ARRAY(CIDR))
    successor: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]
    last_used_at: Mapped[Moment | None]


class Account(Base):
    """A person or machine known by the subject an issuer of tokens gives it.

    `groups` are those its newest token named that stand for roles; None before any was seen.
    """

    __tablename__ = "account"
    __table_args__ = (sa.UniqueConstraint("issuer", "subject"),)

    id: Mapped[BigId]
    issuer: Mapped[str]
    subject: Mapped[str]
    name: Mapped[str]
    email: Mapped[str | None]
    party_id: Mapped[int | None] = mapped_column(sa.ForeignKey("party.id"))
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[Moment | None]
    last_seen_at: Mapped[Moment | None]
    signed_in_at: Mapped[Moment | None]
    groups: Mapped[list[str] | None] = mapped_column(ARRAY(sa.Text))


class AccountRole(Base):
    """A role of an account in a region and all below it; without region, everywhere."""

    __tablename__ = "account_role"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "role", "region_id", postgresql_nulls_not_distinct=True),
        sa.CheckConstraint(f"role IN {ROLES}", name="role"),
        sa.CheckConstraint("role <> 'admin' OR region_id IS NULL", name="admin_everywhere"),
    )

    id: Mapped[BigId]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"))
    role: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)


class BrowserSession(Base):
    """A session of a browser, of an account or an API key; only the SHA-256 of its token is kept.

    `need` is what is still to be done before it is good for anything: tell the code of the second
    factor, set a new password, set up a second factor. `groups` and `proofs` are what was shown
    when it began. `challenge` is what a security key is to sign next; it is taken away with its
    use.
    """

    __tablename__ = "session"
    __table_args__ = (
        sa.CheckConstraint("need IN ('code', 'password', 'factor')", name="need"),
        sa.CheckConstraint("num_nonnulls(account_id, key_id) = 1", name="whose"),
    )

    id: Mapped[BigId]
    account_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    key_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("api_key.id", ondelete="CASCADE"), index=True
    )
    sha256: Mapped[str] = mapped_column(unique=True)
    need: Mapped[str | None]
    groups: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    proofs: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    address: Mapped[Any | None] = mapped_column(INET)
    agent: Mapped[str] = mapped_column(server_default="")
    new_device: Mapped[bool] = mapped_column(server_default=sa.false())
    made_at: Mapped[CreatedAt]
    used_at: Mapped[CreatedAt]
    expires_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]
    challenge: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    challenge_expires_at: Mapped[Moment | None]


class AccountCredential(Base):
    """How people of an account of our own prove who they are.

    `password` and `former` are Argon2id in its PHC form, `totp` is sealed, `recovery` and the link
    are SHA-256. `totp_at` is null until the second factor has been shown once; `totp_step` is the
    last stretch of 30 s whose code was used.
    """

    __tablename__ = "account_credential"

    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    password: Mapped[str | None]
    password_at: Mapped[Moment | None]
    former: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    link_sha256: Mapped[str | None] = mapped_column(unique=True)
    link_expires_at: Mapped[Moment | None]
    totp: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    totp_at: Mapped[Moment | None]
    totp_step: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    recovery: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))


class AccountSecurityKey(Base):
    """A security key (WebAuthn) by which an account shows its second factor.

    `public_key` is in the form of COSE; `sign_count` is what the security key counted when it was
    shown last, and 0 for those that do not count.
    """

    __tablename__ = "account_security_key"

    id: Mapped[BigId]
    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    credential_id: Mapped[bytes] = mapped_column(sa.LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(sa.LargeBinary)
    sign_count: Mapped[int] = mapped_column(sa.BigInteger)
    name: Mapped[str]
    made_at: Mapped[CreatedAt]
    used_at: Mapped[Moment | None]


class SignInFailure(Base):
    """An attempt to sign in that failed, or is not decided yet; names are kept as SHA-256, for
    people type passwords into the wrong field."""

    __tablename__ = "sign_in_failure"

    id: Mapped[BigId]
    at: Mapped[CreatedAt] = mapped_column(index=True)
    name_sha256: Mapped[str] = mapped_column(index=True)
    bucket: Mapped[str] = mapped_column(index=True)


class IdempotencyKey(Base):
    """The first answer to a POST, replayed for the same key and body for seven days."""

    __tablename__ = "idempotency_key"
    __table_args__ = (
        sa.UniqueConstraint("owner", "route", "key"),
        sa.Index("ix_idempotency_key_created_at", "created_at"),
    )

    id: Mapped[BigId]
    owner: Mapped[str]
    route: Mapped[str]
    key: Mapped[str]
    body_sha256: Mapped[str]
    status: Mapped[int] = mapped_column(sa.SmallInteger)
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    body: Mapped[str]
    created_at: Mapped[CreatedAt]


class AuditLog(Base):
    """Who did what to which object, with its image before and after; append-only.

    The database gives each row the digest of its content, and tells what it was made with
    (`algorithm`: sha256 or sm3). `address` is where the request came from;
    what workers and commands do has none.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        sa.Index("ix_audit_log_object_table_object_id", "object_table", "object_id"),
        sa.Index("ix_audit_log_at", "at"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    at: Mapped[CreatedAt] = mapped_column(server_default=sa.text("clock_timestamp()"))
    actor: Mapped[str]
    action: Mapped[str]
    object_table: Mapped[str]
    object_id: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    request_id: Mapped[str | None]
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary, server_default=sa.FetchedValue())
    address: Mapped[str | None]
    algorithm: Mapped[str] = mapped_column(server_default=sa.text("'sha256'"))


class AuditRange(Base):
    """Numbers of the audit log a transaction has reserved; at its end they become a link."""

    __tablename__ = "audit_range"

    first_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    last_id: Mapped[int] = mapped_column(sa.BigInteger)


class AuditChain(Base):
    """One link a writing statement, or a reserved range: the digest of its rows, tied to the link
    before; `start` is how many rows those before it have."""

    __tablename__ = "audit_chain"

    seq: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    start: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    first_id: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    last_id: Mapped[int] = mapped_column(sa.BigInteger)
    rows: Mapped[int] = mapped_column(sa.BigInteger)
    previous: Mapped[bytes] = mapped_column(sa.LargeBinary)
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary, unique=True)
    at: Mapped[CreatedAt] = mapped_column(server_default=sa.text("clock_timestamp()"))
    algorithm: Mapped[str] = mapped_column(server_default=sa.text("'sha256'"))


class AuditExport(Base):
    """Up to which row of which link of the chain a collector of logs has what was written."""

    __tablename__ = "audit_export"

    collector: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(sa.BigInteger)
    last_id: Mapped[int] = mapped_column(sa.BigInteger)
    at: Mapped[CreatedAt] = mapped_column(server_default=sa.text("clock_timestamp()"))
