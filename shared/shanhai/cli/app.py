"""The command line, put together."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from shanhai import __version__
from shanhai.loading import loading

COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": (
        "shanhai.cli.serve:serve",
        "Run a service in the foreground, configured by SHANHAI_* variables.",
    ),
    "certificates": (
        "shanhai.cli.operations:certificates",
        "Make an authority of our own and certificates for servers; what still holds is left.",
    ),
    "seed": (
        "shanhai.cli.operations:seed",
        "Put cities into the database: boundaries from files, their plans where they are known.",
    ),
    "import": (
        "shanhai.cli.imports:import_paths",
        "Import through the API: folders and packs of described layers, rasters, or features.",
    ),
    "export": (
        "shanhai.cli.files:export",
        "Write a collection, or what a filter leaves of it, into a file.",
    ),
    "run": ("shanhai.cli.run:run", "Run a process on local files; no server needed."),
    "reproduce": (
        "shanhai.cli.run:reproduce",
        "Compute a run again and compare every result; fails unless all are the same bytes.",
    ),
    "settings": (
        "shanhai.cli.doctor:settings",
        "List every SHANHAI_* variable with type, default and meaning.",
    ),
    "doctor": (
        "shanhai.cli.doctor:doctor",
        "Check what the services need; exit 1 when something is missing.",
    ),
    "cluster": ("shanhai.cli.operations:cluster_app", "Machines that compute windows together."),
    "db": ("shanhai.cli.operations:app", "The database."),
    "data": ("shanhai.data.cli:app", "Fetch real input data."),
    "plan": ("shanhai.cli.files:plans_app", "Plans as packages."),
    "keys": ("shanhai.cli.access:app", "API keys."),
    "accounts": ("shanhai.cli.access:accounts_app", "Accounts of our own."),
    "audit": ("shanhai.cli.access:audit", "The audit log."),
    "devices": ("shanhai.cli.monitoring:devices_app", "Devices that push telegrams of HJ 212."),
    "jobs": ("shanhai.cli.jobs:app", "Computations that were asked for."),
    "schedules": ("shanhai.cli.jobs:schedules_app", "Jobs that recur."),
    "observations": ("shanhai.cli.monitoring:app", "Months of observations."),
    "artifacts": ("shanhai.cli.operations:artifacts_app", "Result files."),
}
"""Where each command or group of commands is, and what it does in one line: the first of its
description, repeated here because loading them all takes seconds."""


class _LoadedWhenCalled(TyperGroup):
    def __init__(self, **told: Any) -> None:
        super().__init__(**told)
        self.commands = {
            name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, name and typer.main.get_group(loaded([name])).commands[name], rest


def loaded(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Some commands and groups with all that is in them, commands first.

    Args:
        names: Members of `COMMANDS`; all by default.
    """
    whole = typer.Typer(pretty_exceptions_show_locals=False)
    for name in names:
        place, line = COMMANDS[name]
        module, _, attribute = place.partition(":")
        with loading():
            found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            whole.add_typer(found, name=name, help=line)
        else:
            whole.command(name)(found)
    return whole


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


app = typer.Typer(
    name="shanhai",
    cls=_LoadedWhenCalled,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)


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
