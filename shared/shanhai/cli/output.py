"""Output of commands: tables for people, JSON for programs, local times."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
import typer

from shanhai.settings import DatabaseSettings


def clock() -> Callable[[datetime], str]:
    """What writes a moment as clocks show it where the platform is, to the second."""
    zone = ZoneInfo(DatabaseSettings().timezone)
    return lambda at: at.astimezone(zone).isoformat(timespec="seconds")


AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON array of objects.")]
_NOTHING = "-"


def tell_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows of one shape; the heads of columns go where they are not taken for a row.

    Args:
        rows: Values by the name of their column.
        as_json: JSON instead of columns, times in UTC.
    """
    if as_json:
        listed = [dict(row) for row in rows]
        typer.echo(orjson.dumps(listed, default=str, option=orjson.OPT_INDENT_2).decode())
        return
    if not rows:
        return
    told = clock()
    names = list(rows[0])
    cells = [[_cell(row[name], told) for name in names] for row in rows]
    right = [all(isinstance(row[name], int | None) for row in rows) for name in names]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    typer.echo(_line(names, widths, right), err=True)
    for one in cells:
        typer.echo(_line(one, widths, right))


def _cell(value: Any, told: Callable[[datetime], str]) -> str:
    if value is None or value == "":
        return _NOTHING
    return told(value) if isinstance(value, datetime) else str(value)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    """One line; the last column is not padded."""
    padded = [
        cell.rjust(width) if numbers else cell.ljust(width)
        for cell, width, numbers in zip(cells, widths, right, strict=True)
    ]
    return "  ".join(padded).rstrip()
