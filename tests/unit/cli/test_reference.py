"""Reference pages: how types, ranges and commands are put into words."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from docs.reference.processes import range_of
from docs.reference.tables import commands_of, number, table


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def paint(
    files: Annotated[list[Path], typer.Argument(help="What.")],
    colour: Annotated[list[Colour] | None, typer.Option("--in", help="Which.")] = None,
    key: Annotated[str, typer.Option(envvar="PAINT_KEY", help="Key.")] = "none",
    dry_run: Annotated[bool, typer.Option(help="Only look.")] = False,
) -> None:
    """Paint files."""


def test_a_command_in_a_group_with_all_kinds_of_parameters() -> None:
    inner, outer = typer.Typer(), typer.Typer()
    inner.command("brush")(paint)
    outer.add_typer(inner, name="with")
    (command,) = commands_of(outer)
    assert (command.words, command.meaning) == (("with", "brush"), "Paint files.")
    shown = [(one.name, one.kind, one.default, one.meaning) for one in command.parameters]
    assert shown == [
        ("FILES", "several: path", "required", "What."),
        ("--in", "several: `red`, `blue`", "", "Which."),
        ("--key", "text", "none", "Key. Also by `PAINT_KEY`."),
        ("--dry-run", "true or false", "", "Only look."),
    ]
    assert command.parameters[1].choices == ("red", "blue")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 2147483647}, "integer ≥ 0, ≤ 2147483647"),
        ({"type": "number", "exclusiveMinimum": 0}, "number > 0"),
        ({"type": "string", "format": "uuid"}, "uuid"),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "boolean"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object: name → number"),
        ({"type": "string", "maxLength": 9}, "string of 0 to 9 characters"),
        ({"const": "index", "type": "string"}, "`index`"),
    ],
)
def test_a_type_and_its_range(schema: dict[str, Any], words: str) -> None:
    assert range_of(schema) == words


def test_a_cell_cannot_break_its_table() -> None:
    assert table(("a",), [("x|y\nz",)]) == "| a |\n| --- |\n| x\\|y z |\n"


def test_numbers_have_no_exponent() -> None:
    assert [number(value) for value in (1e6, 0.3048, -273.15, 5)] == [
        "1000000",
        "0.3048",
        "-273.15",
        "5",
    ]
