"""Registered rasters, uploads, and the changes of what tiles draw."""

import uuid
from datetime import date
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db import base
from shanhai.vocabulary import ORIGINS, codes


class Dataset(base.Labelled, base.Classified, base.Versioned, base.Dated, base.Base):
    """A raster in the artifact store.

    `theme` is an input theme (`dem`) or an output (`zones`, `ratio.cooling`); `grid` holds epsg,
    transform, width, height, bands and statistics; `stand_in` marks values that replace a
    measurement nobody had, and must be shown wherever the layer is.
    """

    __tablename__ = "dataset"
    __table_args__ = (
        base.one_of("origin", codes(ORIGINS)),
        *base.classified(),
        base.computed_has_job(),
        base.valid_shape("footprint"),
        base.in_order(),
        base.live_code("dataset"),
        sa.Index("ix_dataset_newest", "region_id", "theme", sa.text("created_at DESC")),
        base.spatial("dataset", "footprint"),
    )

    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"))
    theme: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="raster", default="raster")
    uri: Mapped[str]
    checksum: Mapped[str]
    bytes: Mapped[int] = mapped_column(sa.BigInteger)
    crs: Mapped[str]
    grid: Mapped[dict[str, Any]] = mapped_column(JSONB)
    unit: Mapped[str | None]
    nodata: Mapped[float | None] = mapped_column(sa.Double)
    native_resolution_m: Mapped[float | None] = mapped_column(sa.Double)
    stand_in: Mapped[bool] = mapped_column(server_default=sa.text("false"), default=False)
    stand_in_note_zh: Mapped[str | None]
    stand_in_note_en: Mapped[str | None]
    source: Mapped[str | None]
    licence: Mapped[str | None]
    observed_from: Mapped[date | None]
    observed_to: Mapped[date | None]
    origin: Mapped[str]
    job_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("job.id"), index=True)
    visibility: Mapped[base.Visible]
    footprint: Mapped[base.MultiPolygon | None]


class Upload(base.Base):
    """A file sent by a client, kept for a day; complete once `sha256` is set.

    `region_ids` are the regions whose quota it counts to: those its owner's roles name.
    """

    __tablename__ = "upload"
    __table_args__ = (
        sa.CheckConstraint("received_bytes >= 0", name="received_bytes"),
        sa.Index("ix_upload_owner", "owner"),
    )

    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, server_default=sa.text("gen_random_uuid()")
    )
    owner: Mapped[str]
    filename: Mapped[str | None]
    total_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    received_bytes: Mapped[int] = mapped_column(
        sa.BigInteger, server_default=sa.text("0"), default=0
    )
    sha256: Mapped[str | None]
    region_ids: Mapped[list[int]] = mapped_column(
        ARRAY(sa.BigInteger), server_default=sa.text("'{}'"), default=list
    )
    created_at: Mapped[base.CreatedAt]
    expires_at: Mapped[base.Moment]


class TileChange(base.Base):
    """A box of a collection that a statement has changed something in; infinite is everywhere.

    Written by triggers only. `transaction` is the number of the transaction that wrote it: those
    still under way have numbers no smaller than the oldest that was under way before.
    """

    __tablename__ = "tile_change"

    id: Mapped[base.BigId]
    collection: Mapped[str]
    west: Mapped[float]
    south: Mapped[float]
    east: Mapped[float]
    north: Mapped[float]
    transaction: Mapped[int] = mapped_column(
        sa.BigInteger, server_default=sa.text("pg_current_xact_id()::text::bigint"), index=True
    )
    at: Mapped[base.CreatedAt] = mapped_column(server_default=sa.text("clock_timestamp()"))


class TileFloor(base.Base):
    """Up to which number a collection's changes were forgotten, so that no key is used twice."""

    __tablename__ = "tile_floor"

    collection: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(sa.BigInteger)
    at: Mapped[base.CreatedAt] = mapped_column(server_default=sa.text("clock_timestamp()"))


class TilePending(base.Base):
    """An object whose simpler shapes are yet to be made; `ticket` tells since which change."""

    __tablename__ = "tile_pending"

    source: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    ticket: Mapped[int] = mapped_column(
        sa.BigInteger, server_default=sa.text("pg_current_xact_id()::text::bigint")
    )


def _declare_shapes(table: str) -> None:
    """The simpler shapes of a table's rows, and how far each reaches in degrees."""
    name = f"{table}_shape"
    sa.Table(
        name,
        base.Base.metadata,
        sa.Column("band", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("size", sa.Double, nullable=False),
        sa.Column(
            "geom",
            Geometry("GEOMETRY", srid=base.STORAGE_SRID, spatial_index=False),
            nullable=False,
        ),
        sa.Index(f"ix_{name}_band_geom", "band", "geom", postgresql_using="gist"),
    )


for _table in (
    *("region", "zone", "control_area", "pattern_component", "corridor", "corridor_node"),
    *("problem", "project", "dataset"),
):
    _declare_shapes(_table)
