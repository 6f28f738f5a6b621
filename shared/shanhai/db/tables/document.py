"""Files that belong to an object of the plan."""

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import (
    STORAGE_SRID,
    Base,
    BigId,
    Dated,
    Versioned,
    in_order,
    live_code,
    spatial,
)


class Document(Versioned, Dated, Base):
    """A file of the object `owner_code` of the collection `owner_collection`."""

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint("bytes >= 0", name="bytes"),
        in_order(),
        live_code("document"),
        Index("ix_document_owner", "owner_collection", "owner_code"),
        spatial("document"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    owner_collection: Mapped[str]
    owner_code: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    title_zh: Mapped[str]
    title_en: Mapped[str | None]
    kind: Mapped[str]
    filename: Mapped[str]
    media_type: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(index=True)
    uri: Mapped[str]
    is_public: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    uploaded_by: Mapped[str]
    geom: Mapped[Any | None] = mapped_column(
        Geometry("POINT", srid=STORAGE_SRID, spatial_index=False)
    )
