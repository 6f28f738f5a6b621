"""`shanhai artifacts sweep`."""

import asyncio
from typing import Annotated

import typer

from shanhai.cli.sessions import in_transaction
from shanhai.db.queries.files import read_references
from shanhai.settings import ArtifactSettings
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.storage.garbage_collection import demand_few, find_orphans, remove

app = typer.Typer(no_args_is_help=True)


@app.callback()
def artifacts() -> None:
    """Result files."""


@app.command()
def sweep(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be removed.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Even if it is a large part of all files.")
    ] = False,
) -> None:
    """Remove result files that no row has named for 48 hours, as workers do."""
    store = LocalArtifacts(ArtifactSettings().root)
    referenced = asyncio.run(in_transaction(read_references))
    orphans, number = find_orphans(store.root, referenced)
    if dry_run:
        for file in orphans:
            typer.echo(f"{file.uri}  {file.bytes}")
        typer.echo(f"{len(orphans)} of {number} files would be removed")
        return
    if not everything:
        demand_few(orphans, number)
    removed, size = remove(store, orphans)
    typer.echo(f"{removed} of {number} files removed, {size} bytes")
