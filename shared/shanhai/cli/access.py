"""`shanhai keys`."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from shanhai.cli.sessions import in_transaction
from shanhai.db.queries.keys import create_key
from shanhai.vocabulary import Scope

app = typer.Typer(no_args_is_help=True)


@app.callback()
def keys() -> None:
    """API keys."""


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Who or what uses the key.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; repeat for several.")],
    days: Annotated[
        int | None, typer.Option(min=1, help="Days it is valid; default for ever.")
    ] = None,
) -> None:
    """Make a key and print it; it can never be read again."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    key = asyncio.run(
        in_transaction(
            lambda session: create_key(session, name=name, scopes=scope, expires_at=expires_at)
        )
    )
    typer.echo(key)
