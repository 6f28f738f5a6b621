"""Monitoring stations, their devices and series, and the species that are met with at places."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base


class Station(base.Versioned, base.Dated, base.Base):
    """A station; `interval_s` is how often a value is expected, in seconds."""

    __tablename__ = "station"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.STATION_KINDS)),
        sa.CheckConstraint("interval_s > 0", name="interval_s"),
        base.valid_shape(),
        base.in_order(),
        base.live_code("station"),
        base.spatial("station"),
        base.shapeless("station"),
    )

    id: Mapped[base.BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("party.id"), index=True)
    interval_s: Mapped[int | None]
    geom: Mapped[Any | None] = mapped_column(
        Geometry("POINT", srid=base.STORAGE_SRID, spatial_index=False)
    )


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


class Species(base.Versioned, base.Dated, base.Base):
    """A species, or a name that another one is now used for.

    Attributes:
        accepted_id: The species whose name is used instead; None where this one is.
        sensitivity: What of the place of its occurrences everybody may know.
    """

    __tablename__ = "species"
    __table_args__ = (
        base.one_of("protection", vocabulary.codes(vocabulary.PROTECTION_CLASSES)),
        base.one_of("red_list", vocabulary.codes(vocabulary.RED_LIST_CATEGORIES)),
        base.one_of("sensitivity", vocabulary.codes(vocabulary.SENSITIVITIES)),
        sa.CheckConstraint("accepted_id <> id", name="accepted"),
        base.in_order(),
        base.live_code("species"),
        sa.Index(
            "uq_species_scientific_name_live",
            "scientific_name",
            unique=True,
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index(
            "ix_species_scientific_name_trgm",
            "scientific_name",
            postgresql_using="gin",
            postgresql_ops={"scientific_name": "gin_trgm_ops"},
        ),
    )

    id: Mapped[base.BigId]
    code: Mapped[str]
    scientific_name: Mapped[str]
    name_zh: Mapped[str | None]
    name_en: Mapped[str | None]
    protection: Mapped[str | None]
    red_list: Mapped[str | None]
    invasive: Mapped[bool | None]
    sensitivity: Mapped[str] = mapped_column(server_default="cell", default="cell")
    accepted_id: Mapped[int | None] = mapped_column(sa.ForeignKey("species.id"), index=True)
    taxon_kingdom: Mapped[str | None]
    taxon_phylum: Mapped[str | None]
    taxon_class: Mapped[str | None]
    taxon_order: Mapped[str | None]
    taxon_family: Mapped[str | None]


class Occurrence(base.Versioned, base.Dated, base.Base):
    """A species that was met with at a place.

    Attributes:
        occurrence_id: What its publisher calls it (`dwc:occurrenceID`).
        uncertainty_m: Radius of the circle around `geom` that the true place lies in.
        sensitivity: The stricter of its species' and that of the accepted name; kept by triggers.
        shown: What those may know of the place who may not know `geom`; kept by triggers.
    """

    __tablename__ = "occurrence"
    __table_args__ = (
        base.one_of("method", vocabulary.codes(vocabulary.OCCURRENCE_METHODS)),
        base.one_of("state", vocabulary.codes(vocabulary.OCCURRENCE_STATES)),
        base.one_of("sensitivity", vocabulary.codes(vocabulary.SENSITIVITIES)),
        sa.CheckConstraint("observed_to >= observed_from", name="observed"),
        sa.CheckConstraint("individuals >= 0", name="individuals"),
        sa.CheckConstraint("uncertainty_m > 0", name="uncertainty_m"),
        base.valid_shape(),
        base.in_order(),
        base.live_code("occurrence"),
        base.spatial("occurrence"),
        base.spatial("occurrence", "shown"),
        base.shapeless("occurrence"),
        sa.Index(
            "uq_occurrence_occurrence_id_live",
            "occurrence_id",
            unique=True,
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index("ix_occurrence_species_id_observed_from", "species_id", "observed_from"),
    )

    id: Mapped[base.BigId]
    code: Mapped[str]
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    species_id: Mapped[int] = mapped_column(sa.ForeignKey("species.id"))
    occurrence_id: Mapped[str | None]
    observed_from: Mapped[date]
    observed_to: Mapped[date | None]
    individuals: Mapped[int | None]
    method: Mapped[str | None]
    observer: Mapped[str | None]
    locality: Mapped[str | None]
    uncertainty_m: Mapped[float | None]
    evidence_id: Mapped[int | None] = mapped_column(sa.ForeignKey("document.id"), index=True)
    state: Mapped[str] = mapped_column(server_default="recorded", default="recorded")
    judged_by: Mapped[str | None]
    judged_on: Mapped[date | None]
    geom: Mapped[Any | None] = mapped_column(
        Geometry("POINT", srid=base.STORAGE_SRID, spatial_index=False)
    )
    sensitivity: Mapped[str] = mapped_column(server_default="hidden", default="hidden")
    shown: Mapped[base.AnyGeometry | None]
