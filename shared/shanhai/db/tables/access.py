"""API keys, idempotency keys and the audit log."""

from typing import Any

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, CIDR, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, BigId, CreatedAt, Moment


class ApiKey(Base):
    """An API key; only its SHA-256 is kept, `prefix` finds it."""

    __tablename__ = "api_key"

    id: Mapped[BigId]
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    networks: Mapped[list[Any] | None] = mapped_column(ARRAY(CIDR))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]
    last_used_at: Mapped[Moment | None]


class IdempotencyKey(Base):
    """The first answer to a POST, replayed for the same key and body for seven days."""

    __tablename__ = "idempotency_key"
    __table_args__ = (
        UniqueConstraint("owner", "route", "key"),
        Index("ix_idempotency_key_created_at", "created_at"),
    )

    id: Mapped[BigId]
    owner: Mapped[str]
    route: Mapped[str]
    key: Mapped[str]
    body_sha256: Mapped[str]
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    body: Mapped[str]
    created_at: Mapped[CreatedAt]


class AuditLog(Base):
    """Who did what to which object, with its image before and after; append-only."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_object_table_object_id", "object_table", "object_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[CreatedAt] = mapped_column(server_default=text("clock_timestamp()"))
    actor: Mapped[str]
    action: Mapped[str]
    object_table: Mapped[str]
    object_id: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    request_id: Mapped[str | None]
