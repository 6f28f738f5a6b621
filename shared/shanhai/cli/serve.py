"""`shanhai serve`: apart, so that a service starts without what the other commands load."""

import runpy
from enum import StrEnum
from typing import Annotated

import typer

from shanhai.errors import Unavailable


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
