"""Templates of the reports: how they are found, and how they write numbers."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def environment() -> Environment:
    """The templates; what is not given to one is an error, and every text is escaped."""
    made = Environment(
        loader=PackageLoader("shanhai.reporting"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = number
    made.filters["figure"] = figure
    made.filters["told"] = told
    made.filters["zip"] = lambda one, other: list(zip(one, other, strict=True))
    return made


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many digits after the point; a dash for none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def figure(value: float | Sequence[float] | None, digits: int = 4) -> str:
    """A number, or one for each band, with so many significant digits; a dash for none."""
    if isinstance(value, Sequence):
        return " / ".join(figure(one, digits) for one in value)
    return "–" if value is None else f"{value:,.{digits}g}"


def data_uri(path: Path) -> str:
    """A PNG picture as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def told(value: Any) -> str:
    """A parameter's value for a reader: rows of a table, yes and no, a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {told(one)}" for name, one in value.items()) or "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(told, value)) or "–"
    return figure(value, 6) if isinstance(value, float) else str(value)
