"""`shanhai devices`: who may push telegrams of HJ 212."""

import asyncio
from typing import Annotated

import typer

from shanhai.cli.listing import AsJson, tell_rows
from shanhai.cli.sessions import in_transaction
from shanhai.db.observations.devices import add_device, read_devices, remove_device
from shanhai.db.queries.keys import OPERATOR
from shanhai.errors import InvalidInput
from shanhai.monitoring.hj212.measurements import REAL_TIME

app = typer.Typer(no_args_is_help=True)


@app.callback()
def devices() -> None:
    """Devices that push telegrams of HJ 212."""


@app.command()
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
    asyncio.run(
        in_transaction(
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
    )


@app.command("list")
def list_devices(as_json: AsJson = False) -> None:
    """Print device, command and station of each."""
    found = asyncio.run(in_transaction(read_devices))
    rows = [{"device": one.code, "command": one.command, "station": one.station} for one in found]
    tell_rows(rows, as_json=as_json)


@app.command()
def remove(device: Annotated[str, typer.Argument(help="MN.")]) -> None:
    """Keep nothing more of what a device sends; what it has sent stays."""
    asyncio.run(in_transaction(lambda session: remove_device(session, device, act=OPERATOR)))


def _unit_of(text: str) -> tuple[str, str]:
    pollutant, given, unit = text.partition("=")
    if not (pollutant and given and unit):
        raise InvalidInput(
            f"{text!r} must read pollutant=unit",
            message_zh=f"{text!r} 须形如 污染物=单位",
            pointer="--unit",
        )
    return pollutant, unit
