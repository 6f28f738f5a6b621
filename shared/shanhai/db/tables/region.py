"""Administrative units, basins, bays, islands and demonstration areas: a tree."""

from datetime import date

from sqlalchemy import BigInteger, ForeignKey, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import (
    Area,
    Base,
    BigId,
    Bounded,
    MultiPolygon,
    Versioned,
    in_order,
    live_code,
    one_of,
    shapeless,
    spatial,
    valid_shape,
)
from shanhai.vocabulary import REGION_LEVELS, codes


class Region(Versioned, Bounded, Base):
    """A unit or free region; `metric_srid` is its 3-degree Gauss-Krüger zone.

    `member_ids` are the regions that work together in a cooperation region.
    """

    __tablename__ = "region"
    __table_args__ = (
        one_of("level", codes(REGION_LEVELS)),
        valid_shape(),
        in_order(),
        live_code("region"),
        spatial("region"),
        shapeless("region"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    level: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    member_ids: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), server_default=text("'{}'"), info={"refers_to": "region"}
    )
    metric_srid: Mapped[int | None]
    geom: Mapped[MultiPolygon | None]
    area_m2: Mapped[Area]
    valid_from: Mapped[date] = mapped_column(server_default=text("'1900-01-01'"))
