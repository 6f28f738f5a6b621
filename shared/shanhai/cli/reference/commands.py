"""The page of the `shanhai` command."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, get_args, get_origin

from typer import Typer
from typer.models import ArgumentInfo, OptionInfo, ParamMeta
from typer.utils import get_params_from_function

from shanhai.cli.app import app
from shanhai.cli.reference.markdown import code, table
from shanhai.cli.settings_reference import kind_of

HEADING = """\
# Commands

Made from the code by `make docs`; do not edit. In a clone the command is `.venv/bin/shanhai`, in an
image `shanhai`. What it connects to is configured by [variables](settings.md).
"""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument or option of a command."""

    name: str
    is_option: bool
    kind: str
    choices: tuple[str, ...]
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Command:
    """One command, with the words that call it."""

    words: tuple[str, ...]
    meaning: str
    parameters: tuple[Parameter, ...]


def commands_page() -> str:
    """Every command with its arguments and options."""
    return "\n".join([HEADING, *(_section(command) for command in commands_of(app))])


def commands_of(group: Typer, words: tuple[str, ...] = ()) -> Iterator[Command]:
    """The commands of a group and of the groups in it."""
    for info in group.registered_commands:
        if info.callback is not None:
            name = info.name or info.callback.__name__
            yield _command((*words, name), info.callback)
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            yield from commands_of(inner.typer_instance, (*words, str(inner.name)))


def _command(words: tuple[str, ...], callback: Any) -> Command:
    given = get_params_from_function(callback).values()
    return Command(words, inspect.getdoc(callback) or "", tuple(map(_parameter, given)))


def _parameter(given: ParamMeta) -> Parameter:
    info = given.default
    if not isinstance(info, ArgumentInfo | OptionInfo):
        raise TypeError(f"{given.name} has neither typer.Argument nor typer.Option")
    is_option = isinstance(info, OptionInfo)
    option = (info.param_decls or (f"--{given.name.replace('_', '-')}",))[0]
    variable = f" Also by {code(str(info.envvar))}." if info.envvar else ""
    return Parameter(
        name=option if is_option else given.name.upper(),
        is_option=is_option,
        kind=_kind(given.annotation),
        choices=_choices(given.annotation),
        default="required" if info.default is ... else _shown(info.default),
        meaning=f"{info.help or ''}{variable}",
    )


def _shown(default: object) -> str:
    return "" if default is None or default is False else str(default)


def _kind(annotation: Any) -> str:
    choices = _choices(annotation)
    several = "several: " if get_origin(_present(annotation)) is list else ""
    return several + (", ".join(map(code, choices)) or kind_of(_one(annotation)))


def _choices(annotation: Any) -> tuple[str, ...]:
    one = _one(annotation)
    is_closed = isinstance(one, type) and issubclass(one, Enum)
    return tuple(member.value for member in one) if is_closed else ()


def _one(annotation: Any) -> Any:
    """The type of one value: `int` of `int | None`, `Path` of `list[Path]`."""
    present = _present(annotation)
    return get_args(present)[0] if get_origin(present) is list else present


def _present(annotation: Any) -> Any:
    members = [member for member in get_args(annotation) if member is not type(None)]
    is_optional = type(None) in get_args(annotation)
    return members[0] if is_optional else annotation


def _section(command: Command) -> str:
    arguments = [one.name for one in command.parameters if not one.is_option]
    usage = " ".join(["shanhai", *command.words, *arguments])
    parts = [f"## `{usage}`\n", f"{command.meaning}\n"]
    if command.parameters:
        rows = [(code(one.name), one.kind, one.default, one.meaning) for one in command.parameters]
        parts.append(table(("parameter", "type", "default", "meaning"), rows))
    return "\n".join(parts)
