"""`shanhai db`, `shanhai seed`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from shanhai.cli.sessions import in_transaction
from shanhai.db.migrate import expected_revision
from shanhai.db.migrate import upgrade as migrate
from shanhai.db.seed import Seeded, seed_city
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


def seed(
    city: Annotated[
        str, typer.Argument(help="Code of the city; plans of xiamen and banan are known.")
    ],
    regions: Annotated[
        Path,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="GeoJSON of the city and its districts, as `shanhai data demo` writes it.",
        ),
    ],
) -> None:
    """Put a city's regions and plans into the database, or bring them up to date."""
    seeded: Seeded = asyncio.run(in_transaction(lambda session: seed_city(session, city, regions)))
    typer.echo(f"{seeded.regions} regions and {seeded.plans} plans made or changed")
