"""`shanhai cluster scheduler|worker`: the parts of a Dask cluster that computes windows."""

import os
import sys

import typer

from shanhai.raster.environment import FIXED_COMPUTING

app = typer.Typer(no_args_is_help=True)


@app.callback()
def cluster() -> None:
    """Machines that compute windows of jobs together (Dask)."""


@app.command()
def scheduler() -> None:
    """Run the scheduler in the foreground, configured by SHANHAI_DASK_* variables."""
    _become("scheduler")


@app.command()
def worker() -> None:
    """Run a worker that computes one window at a time; start as many as there are cores."""
    _become("worker")


def _become(part: str) -> None:
    """Go on as a fresh process: libraries and hashing heed what they were started with."""
    command = [sys.executable, "-P", "-m", "shanhai.raster.dask_service", part]
    os.execve(sys.executable, command, {**os.environ, **FIXED_COMPUTING})  # noqa: S606 - see above
