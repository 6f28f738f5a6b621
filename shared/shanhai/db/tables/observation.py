"""Observations of stations, what is computed from them, and months that are kept in files."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, BigId, CreatedAt, Moment, one_of
from shanhai.vocabulary import MEDIA, codes


class ObservedProperty(Base):
    """What can be observed: its unit, and the range outside which no value is possible.

    Attributes:
        unit: The unit its values are kept in; others are converted on entry.
        unit_open: Nobody has said yet what unit its values are in, and until somebody does they
            are plain numbers: its first Datastream says it.
        variant_of: The property it is the same as, in a unit that does not convert to that one's:
            so their values are never taken together.
        series_moved: Series of it were moved to variants: who stores values looks which.
        moves: Equal values for long mean that the sensor hangs.
        hj525: Its code in HJ 212 telegrams.
        aliases: Other codes feeds may name it by.
        raw_years: For how many years its values are kept, besides their statistics; None: for ever.
        raw_since: The time before which values were removed for that; none older are taken.
    """

    __tablename__ = "observed_property"
    __table_args__ = (
        one_of("medium", codes(MEDIA)),
        sa.CheckConstraint("low < high", name="range"),
        sa.CheckConstraint("decimals BETWEEN 0 AND 12", name="decimals"),
        sa.CheckConstraint("raw_years BETWEEN 1 AND 100", name="raw_years"),
    )

    id: Mapped[int] = mapped_column(sa.SmallInteger, sa.Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    medium: Mapped[str]
    unit: Mapped[str]
    low: Mapped[float | None]
    high: Mapped[float | None]
    decimals: Mapped[int] = mapped_column(sa.SmallInteger)
    moves: Mapped[bool]
    hj525: Mapped[str | None] = mapped_column(unique=True)
    aliases: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    standard: Mapped[str | None]
    definition: Mapped[str | None]
    description: Mapped[str | None]
    unit_open: Mapped[bool] = mapped_column(server_default=sa.text("false"), default=False)
    variant_of: Mapped[str | None] = mapped_column(sa.ForeignKey("observed_property.code"))
    series_moved: Mapped[bool] = mapped_column(server_default=sa.text("false"), default=False)
    raw_years: Mapped[int | None] = mapped_column(sa.SmallInteger)
    raw_since: Mapped[Moment | None]
    row_version: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class StationRange(Base):
    """The range that is possible at one station, instead of the property's own."""

    __tablename__ = "station_range"
    __table_args__ = (sa.CheckConstraint("low < high", name="range"),)

    station_id: Mapped[int] = mapped_column(sa.ForeignKey("station.id"), primary_key=True)
    property_id: Mapped[int] = mapped_column(
        sa.ForeignKey("observed_property.id"), primary_key=True
    )
    low: Mapped[float | None]
    high: Mapped[float | None]


class ObservationSource(Base):
    """Who sent observations, and in which way."""

    __tablename__ = "observation_source"
    __table_args__ = (sa.UniqueConstraint("kind", "sender"),)

    id: Mapped[int] = mapped_column(sa.Integer, sa.Identity(always=True), primary_key=True)
    kind: Mapped[str]
    sender: Mapped[str]


class ObservationColumns:
    """The columns of a value at a time, whether it holds or did.

    Attributes:
        quality: What the sender said of it, a number in `vocabulary.QUALITIES`.
        flags: What the automatic checks said, bits in the order of `vocabulary.FLAGS`.
        result_time: When the value was known; few senders tell.
        feature_id: The sampling feature it is of; none where it is of the station.
    """

    observed_at: Mapped[Moment]
    value: Mapped[float]
    received_at: Mapped[Moment]
    station_id: Mapped[int] = mapped_column(sa.Integer)
    source_id: Mapped[int] = mapped_column(sa.Integer)
    property_id: Mapped[int] = mapped_column(sa.SmallInteger)
    quality: Mapped[int] = mapped_column(sa.SmallInteger)
    flags: Mapped[int] = mapped_column(sa.SmallInteger)
    result_time: Mapped[Moment | None]
    feature_id: Mapped[int | None] = mapped_column(sa.Integer)


class Observation(ObservationColumns, Base):
    """A value of a property at a station and a time.

    Partitioned by months of UTC, each named like `observation_y2026m03`; whoever stores a row makes
    its month first. Columns are narrow, and ordered so that no byte is wasted. References are held
    by whoever stores: checking them for each row would halve the speed, and neither stations nor
    properties are ever removed.
    """

    __tablename__ = "observation"
    __table_args__ = (
        sa.PrimaryKeyConstraint("station_id", "property_id", "observed_at"),
        sa.Index("ix_observation_observed_at", "observed_at"),
        sa.Index(
            "ix_observation_feature_id",
            "feature_id",
            postgresql_where=sa.text("feature_id IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (observed_at)"},
    )


class ObservationRefusal(Base):
    """Rows refused on a day: how many, and the rule that the newest of them broke.

    Attributes:
        station_id: The station they were for; None where it is not known.
        pointer: The member that broke a rule, as `/unit`.
    """

    __tablename__ = "observation_refusal"
    __table_args__ = (
        sa.UniqueConstraint(
            *("day", "source_id", "station_id", "pointer"), postgresql_nulls_not_distinct=True
        ),
    )

    id: Mapped[BigId]
    day: Mapped[date]
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("observation_source.id"), index=True)
    station_id: Mapped[int | None] = mapped_column(sa.ForeignKey("station.id"), index=True)
    pointer: Mapped[str]
    number: Mapped[int] = mapped_column(sa.BigInteger)
    last_at: Mapped[Moment]
    detail_zh: Mapped[str]
    detail_en: Mapped[str]


class ObservationRevision(ObservationColumns, Base):
    """What an observation was before another value was sent for it.

    Attributes:
        moved_to: The time it was said to be of instead.
    """

    __tablename__ = "observation_revision"
    __table_args__ = (
        sa.Index("ix_observation_revision_series", "station_id", "property_id", "observed_at"),
    )

    id: Mapped[BigId]
    replaced_at: Mapped[Moment]
    moved_to: Mapped[Moment | None]


class ObservationLatest(Base):
    """The newest observation of each series; its lock orders all who write the series.

    Attributes:
        equal_values: How many values up to this one were the same.
        hourly_spread: Interquartile range of the change from hour to hour, over 30 days; kept by
            the roll-ups.
    """

    __tablename__ = "observation_latest"

    station_id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    property_id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    observed_at: Mapped[Moment]
    value: Mapped[float]
    received_at: Mapped[Moment]
    quality: Mapped[int] = mapped_column(sa.SmallInteger)
    flags: Mapped[int] = mapped_column(sa.SmallInteger)
    equal_values: Mapped[int] = mapped_column(sa.SmallInteger)
    hourly_spread: Mapped[float | None]
    result_time: Mapped[Moment | None]


class _Rollup:
    """Statistics of a series over a stretch of time, of valid and possible values only."""

    station_id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    property_id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    starts_at: Mapped[Moment] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(sa.Integer)
    mean: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    p50: Mapped[float]
    p98: Mapped[float]


class ObservationHour(_Rollup, Base):
    """Statistics by hour."""

    __tablename__ = "observation_hour"


class ObservationDay(_Rollup, Base):
    """Statistics by day of the zone the platform plans in."""

    __tablename__ = "observation_day"


class ObservationMonth(_Rollup, Base):
    """Statistics by month of that zone."""

    __tablename__ = "observation_month"


class RollupDue(Base):
    """A day of a series whose roll-ups are not what its observations say; reads leave them out.

    Written in the transaction that stores observations, removed in the one that sums them up.
    """

    __tablename__ = "rollup_due"

    station_id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    property_id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True, index=True)


class ObservationChange(Base):
    """A series in which a batch changed something; removed by the evaluation of alerts.

    Who evaluates looks at the series as it is then, so that the order of rows does not matter.

    Attributes:
        transaction: Written no more; older code may be served by the table still.
    """

    __tablename__ = "observation_change"

    id: Mapped[BigId]
    station_id: Mapped[int] = mapped_column(sa.Integer)
    property_id: Mapped[int] = mapped_column(sa.SmallInteger)
    first_at: Mapped[Moment]
    last_at: Mapped[Moment]
    at: Mapped[CreatedAt] = mapped_column(server_default=sa.text("clock_timestamp()"))
    transaction: Mapped[int | None] = mapped_column(sa.BigInteger)


class ObservationArchive(Base):
    """A month whose observations are in a file.

    Attributes:
        month: Its first day; months are those of UTC, as partitions are.
        version: The transaction that last changed which series the file stands for.
        uri: The file in the artifact store, which never changes: another content is another file.
        rows: Rows of the file, those of series that were fetched back since among them.
    """

    __tablename__ = "observation_archive"

    month: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(sa.BigInteger)
    uri: Mapped[str]
    sha256: Mapped[str]
    bytes: Mapped[int] = mapped_column(sa.BigInteger)
    rows: Mapped[int] = mapped_column(sa.BigInteger)
    archived_at: Mapped[CreatedAt]


class ArchivedSeries(Base):
    """A series whose observations of a month are in the month's file, all of them.

    A series that has no row here has all it has of the month in the month's partition: it is never
    in both.

    Attributes:
        features: The sampling features they are of; None where the file was written before it was
            noted.
    """

    __tablename__ = "archived_series"
    __table_args__ = (
        sa.PrimaryKeyConstraint("station_id", "property_id", "month"),
        sa.Index("ix_archived_series_features", "features", postgresql_using="gin"),
    )

    station_id: Mapped[int] = mapped_column(sa.Integer)
    property_id: Mapped[int] = mapped_column(sa.SmallInteger)
    month: Mapped[date] = mapped_column(index=True)
    number: Mapped[int] = mapped_column(sa.Integer)
    first_at: Mapped[Moment]
    last_at: Mapped[Moment]
    features: Mapped[list[int] | None] = mapped_column(ARRAY(sa.Integer))


class ObservationHold(Base):
    """A month nothing may be removed of, whatever the policies say."""

    __tablename__ = "observation_hold"

    month: Mapped[date] = mapped_column(primary_key=True)
    reason: Mapped[str]
    held_at: Mapped[CreatedAt]
