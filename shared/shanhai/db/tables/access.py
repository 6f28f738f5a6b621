"""API keys, accounts and their roles, idempotency keys, the audit log and its chain."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, CIDR, JSONB, TEXT
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
    """A person or machine known by the subject an issuer of tokens gives it."""

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

    The database gives each row the digest of its content.
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
