"""`shanhai serve`, `shanhai cluster`, `shanhai artifacts`."""

import asyncio
import os
import runpy
import sys
from enum import StrEnum
from typing import Annotated

import typer

from shanhai.cli.sessions import in_transaction
from shanhai.db.queries.files import read_references
from shanhai.errors import Unavailable
from shanhai.raster.environment import FIXED_COMPUTING
from shanhai.settings import ArtifactSettings
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.storage.garbage_collection import demand_few, find_orphans, remove


class Service(StrEnum):
    """The deployable services."""

    API = "api"
    TILES = "tiles"
    WORKER = "worker"


def serve(service: Annotated[Service, typer.Argument(help="Which one.")]) -> None:
    """Run a service in the foreground, configured by SHANHAI_* variables."""
    module = f"shanhai_{service.value}"
    try:
        # By name: the core imports no service.
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == module:
            raise Unavailable(f"{module} is not installed") from error
        raise Unavailable(
            f"{module} needs {error.name}; install shanhai[{service.value}]"
        ) from error


cluster_app = typer.Typer(no_args_is_help=True)


@cluster_app.callback()
def cluster() -> None:
    """Machines that compute windows of jobs together (Dask)."""


@cluster_app.command()
def scheduler() -> None:
    """Run the scheduler in the foreground, configured by SHANHAI_DASK_* variables."""
    _become("scheduler")


@cluster_app.command()
def worker() -> None:
    """Run a worker that computes one window at a time; start as many as there are cores."""
    _become("worker")


def _become(part: str) -> None:
    """Go on as a fresh process: libraries and hashing heed what they were started with."""
    command = [sys.executable, "-P", "-m", "shanhai.raster.dask_service", part]
    os.execve(sys.executable, command, {**os.environ, **FIXED_COMPUTING})  # noqa: S606 - see above


artifacts_app = typer.Typer(no_args_is_help=True)


@artifacts_app.callback()
def artifacts() -> None:
    """Result files."""


@artifacts_app.command()
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
