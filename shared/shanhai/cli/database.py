"""`shanhai db`, `shanhai seed`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shanhai.cli import backup
from shanhai.cli.sessions import in_transaction
from shanhai.db.migrate import expected_revision
from shanhai.db.migrate import upgrade as migrate
from shanhai.db.seeds.load import Seeded, seed_cities
from shanhai.settings import DatabaseSettings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def database() -> None:
    """The database."""


@app.command()
def upgrade() -> None:
    """Bring the database to the newest revision."""
    migrate(DatabaseSettings().url.get_secret_value())
    typer.echo(f"at revision {expected_revision()}")


app.command("key")(backup.key)
app.command("backup")(backup.backup)
app.command("archive")(backup.archive)
app.command("restore")(backup.restore_into)
app.command("verify")(backup.verify_folder)
app.command("prune")(backup.prune_folder)


def seed(
    cities: Annotated[
        list[str],
        typer.Argument(metavar="CITY...", help="Codes of cities; xiamen and banan are known."),
    ],
    regions: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="GeoJSON of a city and its districts, as `shanhai data demo` writes it; repeat.",
        ),
    ] = None,
) -> None:
    """Put cities into the database: boundaries from files, their plans where they are known."""
    seeded: Seeded = asyncio.run(
        in_transaction(lambda session: seed_cities(session, cities, regions or []))
    )
    console = Console(soft_wrap=True)
    console.print(_rows_table(seeded))
    for city, totals in seeded.totals.items():
        if totals:
            counted = ", ".join(f"{name} {count}" for name, count in totals.items())
            typer.echo(f"{city}, as its totals ask: {counted}")
    typer.echo(f"{seeded.changes} rows made or changed")


def _rows_table(seeded: Seeded) -> Table:
    table = Table("table")
    for heading in ("rows", "made", "changed"):
        table.add_column(heading, justify="right")
    for name, put in seeded.tables.items():
        table.add_row(name, *map(str, (put.given, put.made, put.changed)))
    return table
