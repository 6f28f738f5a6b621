"""Devices that push telegrams of HJ 212."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, CreatedAt


class Hj212Device(Base):
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
        CheckConstraint("command IN ('2011', '2051', '2061', '2031')", name="command"),
        CheckConstraint("octet_length(password_sha256) = 32", name="password_sha256"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    command: Mapped[str] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(ForeignKey("station.id"), index=True)
    password_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    units: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    created_at: Mapped[CreatedAt]
