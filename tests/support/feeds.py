"""What tests of feeds need: a station, a device, and a telegram it would send."""

from datetime import date

from sqlalchemy import func

from shanhai.db.engine import Sessions
from shanhai.db.observations.feeds import add_device
from shanhai.db.queries.keys import OPERATOR
from shanhai.db.tables.station import Station
from shanhai.monitoring.hj212.frame import frame
from shanhai.monitoring.hj212.packet import ANSWER_WANTED, VERSION_2017, Packet

DEVICE = "010000A8900016F000169DC0"
PASSWORD = "123456"


async def add_station(sessions: Sessions, code: str) -> None:
    """A water station in Xiamen that has been there since 2000."""
    async with sessions.begin() as session:
        session.add(
            Station(
                visibility="public",
                code=code,
                name_zh=f"站点 {code}",
                name_en=f"Station {code}",
                kind="water_section",
                interval_s=3600,
                valid_from=date(2000, 1, 1),
                geom=func.ST_SetSRID(func.ST_MakePoint(118.1, 24.5), 4490),
            )
        )


async def register(
    sessions: Sessions,
    station: str,
    *,
    device: str = DEVICE,
    command: str = "2011",
    units: dict[str, str] | None = None,
) -> None:
    """Keep what the device sends as observations of the station."""
    async with sessions.begin() as session:
        await add_device(
            session,
            device,
            station=station,
            password=PASSWORD,
            command=command,
            units=units or {},
            act=OPERATOR,
        )


def telegram(
    content: str,
    *,
    number: str = "20260801085857223",
    command: str = "2011",
    device: str = DEVICE,
    password: str = PASSWORD,
    flag: int = VERSION_2017 | ANSWER_WANTED,
    parts: int = 1,
    part: int = 1,
) -> bytes:
    """The frame of a packet."""
    packet = Packet(number, "21", command, password, device, flag, content, parts, part)
    return frame(packet.segment())
