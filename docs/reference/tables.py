"""The pages of the settings, the themes and the `shanhai` command, and tables in Markdown."""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Any, get_args, get_origin

from typer import Typer
from typer.models import ArgumentInfo, OptionInfo, ParamMeta
from typer.utils import get_params_from_function

from shanhai.cli.app import loaded
from shanhai.cli.kit import Setting, all_settings, kind_of
from shanhai.raster.themes import CONVERSIONS, THEME_RULES, ThemeRule
from shanhai.raster.warp import METHODS
from shanhai.science.ecoservices.inputs import INPUTS
from shanhai.science.landcover import SCHEMES, LandCover


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars and line breaks inside a cell are made harmless."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def code(text: str) -> str:
    """Text in the type of code, or nothing for nothing."""
    return f"`{text}`" if text else ""


def number(value: float) -> str:
    """A number without exponent or idle decimals."""
    return str(int(value)) if value == int(value) else repr(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


SETTINGS_HEADING = """\
# Settings

Made from the code by `make docs`; do not edit. Every setting is an environment variable; a value
that breaks its rule keeps a process from starting, with the variable named. `shanhai settings`
prints this list, `shanhai settings --env` a file to start from (`deploy/env.example`).
"""


def settings_page() -> str:
    """Every variable with type, default and meaning, by concern."""
    parts = [SETTINGS_HEADING]
    for concern, settings in groupby(all_settings(), key=lambda setting: setting.concern):
        parts.append(f"## {concern.rstrip('.')}\n")
        parts.append(table(("variable", "type", "default", "meaning"), map(_setting_row, settings)))
    return "\n".join(parts)


def _setting_row(setting: Setting) -> tuple[str, ...]:
    default = "required" if setting.default is None else code(setting.default)
    return (code(setting.name), setting.kind, default, setting.meaning)


THEMES_HEADING = """\
# Themes · 专题

Made from the code by `make docs`; do not edit. What the raster of each theme must be; how to import
one: [Your own rasters](guide/your-own-rasters.md). A value outside the range becomes nodata; a file
with more than a fifth of such values is refused.
"""
CONVERSION_HEADING = """\
## Units that are converted

With `unit` given as below, values are converted to the unit of the theme. Its own unit may be given
in any usual spelling, any other is refused; any other scale is stated by `scale` and `offset`.
"""
LEGEND_HEADING = """\
## Legends of land cover · 土地覆盖分类体系

Codes of each `legend` that become a class. A code without a class is refused, and its cells are
counted in the message.
"""


def themes_page() -> str:
    """Bands, unit, range and resampling of every theme; conversions; legends."""
    required = {one.theme for one in INPUTS if one.required}
    head = ("theme", "专题", "bands: range", "unit", "needed", "to coarser cells", "to finer cells")
    rows = [_theme_row(rule, rule.theme in required) for rule in THEME_RULES.values()]
    return "\n".join(
        [
            THEMES_HEADING,
            table(head, rows),
            CONVERSION_HEADING,
            _conversions(),
            LEGEND_HEADING,
            _legends(),
        ]
    )


def _theme_row(rule: ThemeRule, required: bool) -> tuple[str, ...]:
    ranges = "; ".join(
        f"{bands}: {number(low)} … {number(high)}" for bands, (low, high) in rule.runs
    )
    needed = "yes" if required else ""
    methods = METHODS[rule.quantity]
    return (code(rule.theme), rule.label.zh, ranges, code(rule.unit), needed, *methods)


def _conversions() -> str:
    rows = [
        (code(theme), code(unit), number(factor), number(shift))
        for (theme, unit), (factor, shift) in CONVERSIONS.items()
    ]
    return table(("theme", "unit", "multiplied by", "then added"), rows)


def _legends() -> str:
    rows = [
        (code(cover.name.lower()), *(_codes(legend, cover) for legend in SCHEMES.values()))
        for cover in LandCover
    ]
    return table(("class", *map(code, SCHEMES)), rows)


def _codes(legend: Mapping[int, int], cover: LandCover) -> str:
    return ", ".join(str(number) for number, internal in legend.items() if internal == cover)


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
    return "\n".join([HEADING, *(_section(command) for command in commands_of(loaded()))])


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
