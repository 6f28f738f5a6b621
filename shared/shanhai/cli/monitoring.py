"""`shanhai devices`, `shanhai observations`."""

from datetime import date
from typing import Annotated

import typer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cli.kit import AsJson, committed, tell_rows
from shanhai.db.engine import create_sessions
from shanhai.db.observations import retention
from shanhai.db.observations.archive import Closed, close_month
from shanhai.db.observations.archive_restore import recall_month
from shanhai.db.observations.feeds import add_device, read_devices, remove_device
from shanhai.db.queries.keys import OPERATOR
from shanhai.errors import Conflict, InvalidInput
from shanhai.monitoring.hj212.packet import REAL_TIME
from shanhai.settings import ArtifactSettings, ObservationSettings
from shanhai.storage.artifacts import ArtifactStore, open_store

devices_app = typer.Typer(no_args_is_help=True)


@devices_app.callback()
def devices() -> None:
    """Devices that push telegrams of HJ 212."""


@devices_app.command()
def add(
    device: Annotated[str, typer.Argument(help="MN, how the device names itself.")],
    station: Annotated[str, typer.Option(help="Code of the station it reports for.")],
    password: Annotated[
        str, typer.Option(help="PW; asked for when not given.", prompt=True, hide_input=True)
    ],
    command: Annotated[
        str,
        typer.Option(
            help="CN of the telegrams to keep: 2011 readings; means of 2051 minutes, 2061 hours,"
            " 2031 days."
        ),
    ] = REAL_TIME,
    unit: Annotated[
        list[str] | None,
        typer.Option(
            help="pollutant=unit, as a34004=mg/m3, where the device's is not the property's;"
            " repeat for several."
        ),
    ] = None,
) -> None:
    """Keep what a device sends with one command as observations of a station."""
    units = dict(_unit_of(text) for text in unit or ())
    committed(
        lambda session: add_device(
            session,
            device,
            station=station,
            password=password,
            command=command,
            units=units,
            act=OPERATOR,
        )
    )


@devices_app.command("list")
def list_devices(as_json: AsJson = False) -> None:
    """Print device, command and station of each."""
    found = committed(read_devices)
    rows = [{"device": one.code, "command": one.command, "station": one.station} for one in found]
    tell_rows(rows, as_json=as_json)


@devices_app.command()
def remove(device: Annotated[str, typer.Argument(help="MN.")]) -> None:
    """Keep nothing more of what a device sends; what it has sent stays."""
    committed(lambda session: remove_device(session, device, act=OPERATOR))


def _unit_of(text: str) -> tuple[str, str]:
    pollutant, given, unit = text.partition("=")
    if not (pollutant and given and unit):
        raise InvalidInput(
            f"{text!r} must read pollutant=unit",
            message_zh=f"{text!r} 须形如 污染物=单位",
            pointer="--unit",
        )
    return pollutant, unit


app = typer.Typer(no_args_is_help=True)
Month = Annotated[str, typer.Argument(help="A month of UTC, like 2024-03.")]


@app.callback()
def observations() -> None:
    """Months of observations."""


@app.command()
def months(as_json: AsJson = False) -> None:
    """Print each month: its rows in the database and in its file, the file's bytes, its hold."""
    found = committed(retention.list_months)
    rows = [
        {
            "month": f"{one.month:%Y-%m}",
            "live": one.live,
            "archived": one.filed,
            "bytes": one.bytes,
            "held": one.held,
        }
        for one in found
    ]
    tell_rows(rows, as_json=as_json)


@app.command()
def archive(
    month: Annotated[
        str | None, typer.Argument(help="A month of UTC, like 2024-03; all that are due.")
    ] = None,
) -> None:
    """Put months that are over into files now, as the worker does from time to time."""
    chosen = None if month is None else retention.parse_month(month)
    if chosen is not None:
        retention.demand_closable(chosen)
    closed = committed(lambda session: _close(session, chosen))
    for one in closed:
        typer.echo(f"{one.month:%Y-%m}  {one.rows} rows  {one.bytes} bytes")


@app.command()
def recall(month: Month) -> None:
    """Fetch the observations of a month back into the database."""
    chosen, files = retention.parse_month(month), _files()

    async def work(session: AsyncSession) -> int:
        await session.execute(text("SET LOCAL statement_timeout = 0"))
        connection = await session.connection()
        raw = (await connection.get_raw_connection()).driver_connection
        return await recall_month(raw, files, chosen)

    typer.echo(f"{committed(work)} rows")


@app.command()
def hold(
    month: Month,
    reason: Annotated[str, typer.Option(help="Why, for the audit log.", prompt=True)],
) -> None:
    """Let nothing be removed of a month, whatever the policies of properties say."""
    chosen = retention.parse_month(month)
    committed(lambda session: retention.hold_month(session, chosen, reason, act=OPERATOR))


@app.command()
def release(month: Month) -> None:
    """Let policies hold for a month again."""
    chosen = retention.parse_month(month)
    committed(lambda session: retention.release_month(session, chosen, act=OPERATOR))


async def _close(session: AsyncSession, month: date | None) -> list[Closed]:
    sessions = create_sessions((await session.connection()).engine)
    due = [month] if month is not None else []
    if month is None:
        after = ObservationSettings().archive_after_months
        due = await retention.find_due(session, after_months=after)
        await session.commit()
    done = []
    for one in due:
        closed = await close_month(sessions, _files(), one)
        if closed is None:
            raise Conflict(
                f"month {one:%Y-%m} cannot be put into a file now: values come in, statistics are"
                " due, or somebody else does it; try again",
                message_zh=f"月份 {one:%Y-%m} 暂不能归档：有数据写入、统计尚未完成或正由他人归档，"
                "请稍后重试",
            )
        done.append(closed)
    return done


def _files() -> ArtifactStore:
    return open_store(ArtifactSettings())
