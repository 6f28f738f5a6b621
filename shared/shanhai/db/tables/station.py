"""Monitoring stations, sections and feeds."""

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import (
    STORAGE_SRID,
    Base,
    BigId,
    Dated,
    Versioned,
    in_order,
    live_code,
    one_of,
    shapeless,
    spatial,
    valid_shape,
)
from shanhai.vocabulary import STATION_KINDS, codes


class Station(Versioned, Dated, Base):
    """A station; `interval_s` is how often a value is expected, in seconds."""

    __tablename__ = "station"
    __table_args__ = (
        one_of("kind", codes(STATION_KINDS)),
        CheckConstraint("interval_s > 0", name="interval_s"),
        valid_shape(),
        in_order(),
        live_code("station"),
        spatial("station"),
        shapeless("station"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"), index=True)
    interval_s: Mapped[int | None]
    geom: Mapped[Any | None] = mapped_column(
        Geometry("POINT", srid=STORAGE_SRID, spatial_index=False)
    )
