"""Monitoring stations, their devices and series."""

from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base


class Station(base.Labelled, base.Classified, base.Versioned, base.Dated, base.Base):
    """A station; `interval_s` is how often a value is expected, in seconds."""

    __tablename__ = "station"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.STATION_KINDS)),
        *base.classified(),
        sa.CheckConstraint("interval_s > 0", name="interval_s"),
        *base.drawn("station"),
        base.in_order(),
        base.live_code("station"),
    )

    kind: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("party.id"), index=True)
    interval_s: Mapped[int | None]
    visibility: Mapped[base.Visible]
    geom: Mapped[base.Point | None]


class Hj212Device(base.Base):
    """A series of a device that is kept as observations of a station.

    Attributes:
        code: MN, how the device names itself.
        command: CN, which of its telegrams the series is made of: readings or means. Both under one
            station would mix values of one property that say different things.
        password_sha256: Of `code:password`.
        units: The unit of a pollutant's values, where it is not that of its property.
    """

    __tablename__ = "hj212_device"
    __table_args__ = (
        sa.CheckConstraint("command IN ('2011', '2051', '2061', '2031')", name="command"),
        sa.CheckConstraint("octet_length(password_sha256) = 32", name="password_sha256"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    command: Mapped[str] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(sa.ForeignKey("station.id"), index=True)
    password_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary)
    units: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sa.text("'{}'::jsonb"))
    created_at: Mapped[base.CreatedAt]


class Sensor(base.Base):
    """The procedure that makes values: an instrument, or a method of a laboratory.

    Attributes:
        document: What is known of it, as `encoding_type` has it: an address, a text, an object.
    """

    __tablename__ = "sensor"

    id: Mapped[base.BigId]
    code: Mapped[str] = mapped_column(unique=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    description: Mapped[str]
    encoding_type: Mapped[str]
    document: Mapped[Any] = mapped_column(JSONB)
    properties: Mapped[base.Attributes]
    created_at: Mapped[base.CreatedAt]
    updated_at: Mapped[base.CreatedAt]


class Location(base.Base):
    """A place somebody told; stations that are at it have its geometry.

    A station nobody bound to one has a place of its own, which is derived from its geometry.

    Attributes:
        encoding_type: The name of GeoJSON it was told with.
    """

    __tablename__ = "location"

    id: Mapped[int] = mapped_column(sa.Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str]
    geom: Mapped[Any] = mapped_column(Geometry("POINT", base.STORAGE_SRID, spatial_index=False))
    encoding_type: Mapped[str | None]
    properties: Mapped[base.Attributes]
    created_at: Mapped[base.CreatedAt]
    updated_at: Mapped[base.CreatedAt]


class HistoricalLocation(base.Base):
    """Since when a station is or was at a Location.

    Attributes:
        version: The version of the station that began there; none where somebody told it later.
        location_id: None where the Location was removed, or the place is the station's own.
        hidden: It was removed; where the station was stays in its history.
    """

    __tablename__ = "historical_location"
    __table_args__ = (sa.UniqueConstraint("station_id", "version"),)

    id: Mapped[int] = mapped_column(sa.Identity(always=True), primary_key=True)
    station_id: Mapped[int] = mapped_column(sa.ForeignKey("station.id"))
    version: Mapped[int | None]
    location_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("location.id", ondelete="SET NULL"), index=True
    )
    since: Mapped[base.CreatedAt]
    hidden: Mapped[bool] = mapped_column(server_default=sa.text("false"))


class SamplingFeature(base.Base):
    """What values are of that are not of the place of their station.

    Attributes:
        region_id: The region of the station whose value it came with, by which rights are judged.
        used: A value is or was of it, so that the public may know of it.
    """

    __tablename__ = "sampling_feature"

    id: Mapped[int] = mapped_column(sa.Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str]
    geom: Mapped[Any] = mapped_column(Geometry("GEOMETRY", base.STORAGE_SRID, spatial_index=False))
    encoding_type: Mapped[str | None]
    properties: Mapped[base.Attributes]
    region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)
    used: Mapped[bool] = mapped_column(server_default=sa.text("false"))
    created_at: Mapped[base.CreatedAt]
    updated_at: Mapped[base.CreatedAt]


class UnsampledStation(base.Base):
    """A station whose place is no feature of interest until something is observed there.

    Attributes:
        since: When what is there of the station was received last; what comes later counts.
    """

    __tablename__ = "unsampled_station"

    station_id: Mapped[int] = mapped_column(
        sa.ForeignKey("station.id"), primary_key=True, autoincrement=False
    )
    since: Mapped[base.CreatedAt]


class Datastream(base.Base):
    """What its makers say of the series of one property at one station.

    A series without such a row has a name made of those of station and property.

    Attributes:
        unit: The unit as it was told: its name, its symbol, where it is defined.
        conversion: How values of that unit `v` become those of the property's, `(v * a + b) / c`:
            a, b and c; none where they are of the same unit.
        former_property_id: The property it was of before another unit was told, which its first
            address names; nothing else is stored there meanwhile.
    """

    __tablename__ = "datastream"
    __table_args__ = (
        sa.CheckConstraint("array_length(conversion, 1) = 3", name="conversion"),
        sa.Index(
            "uq_datastream_former",
            "station_id",
            "former_property_id",
            unique=True,
            postgresql_where=sa.text("former_property_id IS NOT NULL"),
        ),
        sa.Index("ix_datastream_former_property_id", "former_property_id"),
    )

    station_id: Mapped[int] = mapped_column(sa.ForeignKey("station.id"), primary_key=True)
    property_id: Mapped[int] = mapped_column(
        sa.SmallInteger, sa.ForeignKey("observed_property.id"), primary_key=True
    )
    sensor_id: Mapped[int] = mapped_column(sa.ForeignKey("sensor.id"), index=True)
    name: Mapped[str]
    description: Mapped[str]
    properties: Mapped[base.Attributes]
    unit: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    conversion: Mapped[list[float] | None] = mapped_column(ARRAY(DOUBLE_PRECISION))
    former_property_id: Mapped[int | None] = mapped_column(
        sa.SmallInteger, sa.ForeignKey("observed_property.id")
    )
    created_at: Mapped[base.CreatedAt]
    updated_at: Mapped[base.CreatedAt]
