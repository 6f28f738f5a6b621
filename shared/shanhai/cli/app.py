"""The command line, put together."""

import sys

import typer
from pydantic import ValidationError

from shanhai.cli import access, cluster, database, diagnosis, features, files, services
from shanhai.cli.settings_listing import faults_of
from shanhai.data.cli import app as data
from shanhai.errors import InvalidInput, ShanhaiError

app = typer.Typer(
    name="shanhai",
    help="Shanhai 山海: planning of ecological protection and restoration.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
app.command("serve")(services.serve)
app.add_typer(cluster.app, name="cluster", help="Machines that compute windows together.")
app.add_typer(database.app, name="db", help="The database.")
app.command("seed")(database.seed)
app.add_typer(data, name="data")
app.command("import")(files.import_files)
app.command("export")(features.export)
app.command("run")(files.run)
app.add_typer(access.app, name="keys", help="API keys.")
app.add_typer(access.audit, name="audit", help="The audit log.")
app.command("settings")(diagnosis.settings)
app.command("doctor")(diagnosis.doctor)


def main() -> None:
    """Run the command; an error of the platform is told in one line, with its faults."""
    try:
        app()
    except ShanhaiError as error:
        tell(error)
        sys.exit(1)
    except ValidationError as error:
        for fault in faults_of(error):
            typer.echo(fault, err=True)
        sys.exit(2)


def tell(error: ShanhaiError) -> None:
    """Print an error for a person."""
    typer.echo(f"{error.title}: {error.message}", err=True)
    for fault in error.faults if isinstance(error, InvalidInput) else ():
        typer.echo(f"  {fault.pointer}: {fault.detail}", err=True)
