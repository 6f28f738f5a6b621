"""Months of observations that are kept in files, and for how long any are kept."""

from datetime import date

from sqlalchemy import BigInteger, Integer, PrimaryKeyConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, CreatedAt, Moment


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
    version: Mapped[int] = mapped_column(BigInteger)
    uri: Mapped[str]
    sha256: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)
    archived_at: Mapped[CreatedAt]


class ArchivedSeries(Base):
    """A series whose observations of a month are in the month's file, all of them.

    A series that has no row here has all it has of the month in the month's partition: it is never
    in both.
    """

    __tablename__ = "archived_series"
    __table_args__ = (PrimaryKeyConstraint("station_id", "property_id", "month"),)

    station_id: Mapped[int] = mapped_column(Integer)
    property_id: Mapped[int] = mapped_column(SmallInteger)
    month: Mapped[date] = mapped_column(index=True)
    number: Mapped[int] = mapped_column(Integer)
    first_at: Mapped[Moment]
    last_at: Mapped[Moment]


class ObservationHold(Base):
    """A month nothing may be removed of, whatever the policies say."""

    __tablename__ = "observation_hold"

    month: Mapped[date] = mapped_column(primary_key=True)
    reason: Mapped[str]
    held_at: Mapped[CreatedAt]
