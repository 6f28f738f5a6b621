"""Devices that push telegrams of HJ 212: which station each reports for, and its password."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.station import Hj212Device, Station
from shanhai.errors import Conflict, InvalidInput, NotFound
from shanhai.monitoring.hj212.measurements import ITEM_BY_COMMAND, POLLUTANT
from shanhai.monitoring.hj212.packet import DEVICE, PASSWORD

_TABLE = "hj212_device"


@dataclass(frozen=True, slots=True)
class Device:
    """A series of a device, as who receives its telegrams needs it.

    Attributes:
        code: MN.
        command: CN of the telegrams that are kept.
        station: Code of the station they are kept under.
        units: Unit by pollutant, where it is not that of the property.
    """

    code: str
    command: str
    station: str
    password_sha256: bytes = field(repr=False)
    units: Mapping[str, str]

    def knows(self, password: str) -> bool:
        """Whether the password is the device's."""
        return hmac.compare_digest(self.password_sha256, hash_password(self.code, password))


def hash_password(device: str, password: str) -> bytes:
    """The form in which a password is kept.

    The standard's passwords have six characters and travel in the clear: no slow hash would protect
    them, and one a telegram would let strangers keep the gateway busy.
    """
    return hashlib.sha256(f"{device}:{password}".encode()).digest()


async def read_devices(session: AsyncSession) -> Sequence[Device]:
    """All devices of stations there are, by code and command."""
    rows = await session.execute(
        select(Hj212Device, Station.code)
        .join(Station, Station.id == Hj212Device.station_id)
        .where(Station.deleted_at.is_(None))
        .order_by(Hj212Device.code, Hj212Device.command)
    )
    return [
        Device(row.code, row.command, station, row.password_sha256, row.units)
        for row, station in rows.all()
    ]


async def add_device(
    session: AsyncSession,
    code: str,
    *,
    station: str,
    password: str,
    command: str,
    units: Mapping[str, str],
    act: Act,
) -> None:
    """Keep what a device sends with one command as observations of a station.

    Raises:
        InvalidInput: device, password, command or pollutant break the standard's rules.
        NotFound: there is no such station.
        Conflict: the device's series has a station already.
    """
    _check(DEVICE, code, "device")
    if not PASSWORD.fullmatch(password):
        raise InvalidInput(
            "a password has 1 to 32 visible ASCII characters without `;`",
            message_zh="密码须为 1 至 32 个可见 ASCII 字符，不含 `;`",
            pointer="password",
        )
    if command not in ITEM_BY_COMMAND:
        known = ", ".join(ITEM_BY_COMMAND)
        raise InvalidInput(
            f"command must be one of {known}, not {command!r}",
            message_zh=f"命令须为 {known} 之一，而非 {command!r}",
            pointer="command",
        )
    for pollutant in units:
        _check(POLLUTANT, pollutant, "unit")
    station_id = await session.scalar(
        select(Station.id).where(Station.code == station, Station.deleted_at.is_(None))
    )
    if station_id is None:
        raise NotFound(f"there is no station {station!r}", message_zh=f"没有站点 {station!r}")
    if await session.get(Hj212Device, (code, command)) is not None:
        raise Conflict(
            f"command {command} of device {code} has a station already",
            message_zh=f"设备 {code} 的命令 {command} 已对应站点",
        )
    session.add(
        Hj212Device(
            code=code,
            command=command,
            station_id=station_id,
            password_sha256=hash_password(code, password),
            units=dict(units),
        )
    )
    image = {"station": station, "command": command, "units": dict(units)}
    record(session, act, "create", table=_TABLE, object_id=code, after=image)


async def remove_device(session: AsyncSession, code: str, *, act: Act) -> None:
    """Keep nothing more of what a device sends; what it has sent stays.

    Raises:
        NotFound: there is no such device.
    """
    rows = (await session.scalars(select(Hj212Device).where(Hj212Device.code == code))).all()
    if not rows:
        raise NotFound(f"there is no device {code!r}", message_zh=f"没有设备 {code!r}")
    for row in rows:
        await session.delete(row)
        image = {"command": row.command, "units": row.units}
        record(session, act, "delete", table=_TABLE, object_id=code, before=image)


def _check(rule: re.Pattern[str], value: str, name: str) -> None:
    if not rule.fullmatch(value):
        raise InvalidInput(
            f"{name} must not be {value[:40]!r}",
            message_zh=f"{name} 不得为 {value[:40]!r}",
            pointer=name,
        )
