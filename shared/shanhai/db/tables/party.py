"""Departments, firms, social bodies and experts."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, BigId, Dated, Versioned, in_order, live_code, one_of
from shanhai.vocabulary import PARTY_KINDS, codes


class Party(Versioned, Dated, Base):
    """Someone who owns projects, answers for indicators or takes part."""

    __tablename__ = "party"
    __table_args__ = (one_of("kind", codes(PARTY_KINDS)), in_order(), live_code("party"))

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"), index=True)
