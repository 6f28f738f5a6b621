"""Where what tiles draw has changed, for those who keep tiles."""

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Column, Double, Index, SmallInteger, Table, text
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import STORAGE_SRID, Base, BigId, CreatedAt


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
