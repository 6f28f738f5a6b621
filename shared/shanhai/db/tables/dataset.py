"""Registered rasters, uploads, and the changes of what tiles draw."""

import uuid
from datetime import date
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    SmallInteger,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import (
    STORAGE_SRID,
    Base,
    BigId,
    CreatedAt,
    Dated,
    Moment,
    MultiPolygon,
    Versioned,
    computed_has_job,
    in_order,
    live_code,
    one_of,
    spatial,
    valid_shape,
)
from shanhai.vocabulary import ORIGINS, codes


class Dataset(Versioned, Dated, Base):
    """A raster in the artifact store.

    `theme` is an input theme (`dem`) or an output (`zones`, `ratio.cooling`); `grid` holds epsg,
    transform, width, height, bands and statistics; `stand_in` marks values that replace a
    measurement nobody had, and must be shown wherever the layer is.
    """

    __tablename__ = "dataset"
    __table_args__ = (
        one_of("origin", codes(ORIGINS)),
        computed_has_job(),
        valid_shape("footprint"),
        in_order(),
        live_code("dataset"),
        Index("ix_dataset_newest", "region_id", "theme", text("created_at DESC")),
        spatial("dataset", "footprint"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    theme: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="raster", default="raster")
    uri: Mapped[str]
    checksum: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    crs: Mapped[str]
    grid: Mapped[dict[str, Any]] = mapped_column(JSONB)
    unit: Mapped[str | None]
    nodata: Mapped[float | None] = mapped_column(Double)
    native_resolution_m: Mapped[float | None] = mapped_column(Double)
    stand_in: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    stand_in_note_zh: Mapped[str | None]
    stand_in_note_en: Mapped[str | None]
    source: Mapped[str | None]
    licence: Mapped[str | None]
    observed_from: Mapped[date | None]
    observed_to: Mapped[date | None]
    origin: Mapped[str]
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    public: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    footprint: Mapped[MultiPolygon | None]


class Upload(Base):
    """A file sent by a client, kept for a day; complete once `sha256` is set."""

    __tablename__ = "upload"
    __table_args__ = (CheckConstraint("received_bytes >= 0", name="received_bytes"),)

    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, server_default=text("gen_random_uuid()")
    )
    owner: Mapped[str]
    filename: Mapped[str | None]
    total_bytes: Mapped[int | None] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    sha256: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Moment]


class TileChange(Base):
    """A box of a collection that a statement has changed something in; infinite is everywhere.

    Written by triggers only. `transaction` is the number of the transaction that wrote it: those
    still under way have numbers no smaller than the oldest that was under way before.
    """

    __tablename__ = "tile_change"

    id: Mapped[BigId]
    collection: Mapped[str]
    west: Mapped[float]
    south: Mapped[float]
    east: Mapped[float]
    north: Mapped[float]
    transaction: Mapped[int] = mapped_column(
        BigInteger, server_default=text("pg_current_xact_id()::text::bigint"), index=True
    )
    at: Mapped[CreatedAt] = mapped_column(server_default=text("clock_timestamp()"))


class TileFloor(Base):
    """Up to which number a collection's changes were forgotten, so that no key is used twice."""

    __tablename__ = "tile_floor"

    collection: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[CreatedAt] = mapped_column(server_default=text("clock_timestamp()"))


class TilePending(Base):
    """An object whose simpler shapes are yet to be made; `ticket` tells since which change."""

    __tablename__ = "tile_pending"

    source: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ticket: Mapped[int] = mapped_column(
        BigInteger, server_default=text("pg_current_xact_id()::text::bigint")
    )


def _declare_shapes(table: str) -> None:
    """The simpler shapes of a table's rows, and how far each reaches in degrees."""
    name = f"{table}_shape"
    Table(
        name,
        Base.metadata,
        Column("band", SmallInteger, primary_key=True, autoincrement=False),
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("size", Double, nullable=False),
        Column(
            "geom", Geometry("GEOMETRY", srid=STORAGE_SRID, spatial_index=False), nullable=False
        ),
        Index(f"ix_{name}_band_geom", "band", "geom", postgresql_using="gist"),
    )


for _table in (
    *("region", "zone", "control_area", "pattern_component", "corridor", "corridor_node"),
    *("problem", "project", "dataset"),
):
    _declare_shapes(_table)
