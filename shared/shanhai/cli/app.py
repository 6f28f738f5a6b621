"""The command line, put together."""

import sys
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from shanhai import __version__
from shanhai.cli import access, doctor, files, imports, jobs, monitoring, operations, run
from shanhai.cli.kit import advice_on, faults_of
from shanhai.data.cli import app as data
from shanhai.errors import InvalidInput, ShanhaiError

app = typer.Typer(
    name="shanhai",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def shanhai(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_tell_version, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Shanhai 山海: planning of ecological protection and restoration."""


app.command("serve")(operations.serve)
app.add_typer(
    operations.cluster_app, name="cluster", help="Machines that compute windows together."
)
app.add_typer(operations.app, name="db", help="The database.")
app.command("certificates")(operations.certificates)
app.command("seed")(operations.seed)
app.add_typer(data, name="data")
app.command("import")(imports.import_paths)
app.command("export")(files.export)
app.add_typer(files.plans_app, name="plan", help="Plans as packages.")
app.command("run")(run.run)
app.command("reproduce")(run.reproduce)
app.add_typer(access.app, name="keys", help="API keys.")
app.add_typer(access.accounts_app, name="accounts", help="Accounts of our own.")
app.add_typer(access.audit, name="audit", help="The audit log.")
app.add_typer(monitoring.devices_app, name="devices", help="Devices that push telegrams of HJ 212.")
app.add_typer(jobs.app, name="jobs", help="Computations that were asked for.")
app.add_typer(jobs.schedules_app, name="schedules", help="Jobs that recur.")
app.add_typer(monitoring.app, name="observations", help="Months of observations.")
app.add_typer(operations.artifacts_app, name="artifacts", help="Result files.")
app.command("settings")(doctor.settings)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command; an error of the platform or the database is told in one line."""
    try:
        app()
    except ShanhaiError as error:
        tell(error)
        sys.exit(1)
    except DBAPIError as error:
        # Without the statement and its values, which are nobody's to read.
        typer.echo(f"error: the database: {error.orig}", err=True)
        sys.exit(1)
    except ValidationError as error:
        for fault in faults_of(error):
            typer.echo(fault, err=True)
        for line in advice_on(error):
            typer.echo(line, err=True)
        sys.exit(2)


def tell(error: ShanhaiError) -> None:
    """Print an error for a person, in both languages where there are two."""
    typer.echo(f"{error.title}: {error.message}", err=True)
    if error.message_zh != error.message:
        typer.echo(f"{error.title_zh}：{error.message_zh}", err=True)
    for fault in error.faults if isinstance(error, InvalidInput) else ():
        if fault.detail == error.message:
            typer.echo(f"  {fault.pointer}", err=True)
            continue
        typer.echo(f"  {fault.pointer}: {fault.detail}", err=True)
        if fault.detail_zh and fault.detail_zh != fault.detail:
            typer.echo(f"  {fault.pointer}：{fault.detail_zh}", err=True)
