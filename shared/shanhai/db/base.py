"""Declarative base, naming of constraints, and the columns most tables share."""

from datetime import datetime
from typing import Annotated, Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Identity, MetaData, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

STORAGE_SRID = 4490
"""Vectors are kept in CGCS2000 geographic coordinates, longitude first."""

BigId = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
Moment = Annotated[datetime, mapped_column(TIMESTAMP(timezone=True))]
CreatedAt = Annotated[
    datetime, mapped_column(TIMESTAMP(timezone=True), server_default=text("now()"))
]
Document = Annotated[dict[str, Any], mapped_column(JSONB)]
Attributes = Annotated[
    dict[str, Any], mapped_column(JSONB, server_default=text("'{}'::jsonb"), default=dict)
]
MultiPolygon = Annotated[
    Any, mapped_column(Geometry("MULTIPOLYGON", srid=STORAGE_SRID, spatial_index=False))
]


class Base(DeclarativeBase):
    """Base of all tables; constraint names follow one convention so migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Versioned:
    """Row version (for ETag), times, soft deletion and free attributes of a business table."""

    attrs: Mapped[Attributes]
    row_version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    deleted_at: Mapped[Moment | None]
