"""Red-line leads: changes seen from above inside control areas, and what became of each."""

from datetime import date
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import (
    STORAGE_SRID,
    Area,
    Base,
    BigId,
    CreatedAt,
    Moment,
    one_of,
    spatial,
    valid_shape,
)
from shanhai.vocabulary import CASE_RESULTS, CASE_STATES, LEAD_KINDS, codes


class LeadCase(Base):
    """A lead that was worth a case.

    Attributes:
        external_id: What its source calls it; with the source it tells one lead from another.
        content_sha256: Of what was sent, which tells a lead sent again from another one.
        lines: The control areas it lay in when it was sensed, as they were then.
        inside_m2: Changed area inside the kind of watched line that lost most.
        region_id: The district most of it lies in; None where it lies in none.
        due_on: Day by which the next step must be taken; None when closed.
    """

    __tablename__ = "lead_case"
    __table_args__ = (
        one_of("kind", codes(LEAD_KINDS)),
        one_of("state", codes(CASE_STATES)),
        one_of("result", codes(CASE_RESULTS)),
        CheckConstraint("sensed_before < sensed_after", name="sensed"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        UniqueConstraint("source", "external_id"),
        UniqueConstraint("code"),
        valid_shape(),
        spatial("lead_case"),
        Index("ix_lead_case_region_id_state", "region_id", "state"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    source: Mapped[str]
    external_id: Mapped[str]
    content_sha256: Mapped[str]
    kind: Mapped[str]
    sensed_before: Mapped[date]
    sensed_after: Mapped[date]
    confidence: Mapped[float | None]
    geom: Mapped[Any] = mapped_column(
        Geometry("MULTIPOLYGON", srid=STORAGE_SRID, spatial_index=False), nullable=False
    )
    area_m2: Mapped[Area]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    inside_m2: Mapped[float]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"))
    state: Mapped[str] = mapped_column(server_default="new", default="new")
    result: Mapped[str | None]
    assignee: Mapped[str | None]
    due_on: Mapped[date | None]
    row_version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    closed_at: Mapped[Moment | None]


class CaseEvent(Base):
    """A step of a case, its opening included; append-only."""

    __tablename__ = "case_event"
    __table_args__ = (
        UniqueConstraint("case_id", "seq"),
        one_of("from_state", codes(CASE_STATES)),
        one_of("to_state", codes(CASE_STATES)),
        one_of("result", codes(CASE_RESULTS)),
    )

    id: Mapped[BigId]
    case_id: Mapped[int] = mapped_column(ForeignKey("lead_case.id"))
    seq: Mapped[int]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    at: Mapped[CreatedAt]
    actor: Mapped[str]
    note: Mapped[str | None]
    result: Mapped[str | None]
    assignee: Mapped[str | None]
    due_on: Mapped[date | None]
    documents: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
