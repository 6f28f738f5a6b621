"""Tables of results: on the terminal, and as JSON."""

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.timing import Sample


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    Attributes:
        what: What was done.
        ours: What the product took.
        floor: What the floor or the peer took.
        target: Least ratio asked for, where one is.
        facts: Further figures by name, such as peak memory.
    """

    what: str
    ours: Sample
    floor: Sample
    target: float | None = None
    facts: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Speed relative to the floor: above 1 is faster than it."""
        return self.floor.median / self.ours.median

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.target is None:
            return ""
        return f"≥ {self.target:g} {'met' if self.ratio >= self.target else 'MISSED'}"

    def document(self) -> dict[str, Any]:
        """The row in JSON."""
        return {
            "what": self.what,
            "ours_seconds": self.ours.seconds,
            "floor_seconds": self.floor.seconds,
            "ratio": self.ratio,
            "target": self.target,
            "facts": self.facts,
        }


@dataclass(slots=True)
class Table:
    """The results of one benchmark; `floor` says what the product is compared with."""

    name: str
    title: str
    floor: str
    rows: list[Row] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The table in JSON."""
        rows = [row.document() for row in self.rows]
        return {"name": self.name, "title": self.title, "floor": self.floor, "rows": rows}

    def show(self, console: Console) -> None:
        """Print it."""
        shown = RichTable(title=f"{self.name}: {self.title}", title_justify="left")
        for heading in ("what", "ours", self.floor, "ratio", "target"):
            shown.add_column(heading, justify="left" if heading == "what" else "right")
        facts = list(dict.fromkeys(name for row in self.rows for name in row.facts))
        for name in facts:
            shown.add_column(name, justify="right")
        for row in self.rows:
            shown.add_row(*_cells(row), *(_number(row.facts.get(name)) for name in facts))
        console.print(shown)


def _cells(row: Row) -> tuple[str, ...]:
    return (row.what, _time(row.ours), _time(row.floor), f"{row.ratio:.2f}", row.verdict)


def _time(sample: Sample) -> str:
    unit, factor = ("s", 1.0) if sample.median >= 1 else ("ms", 1e3)
    return f"{sample.median * factor:.2f} {unit} ±{100 * sample.spread:.0f}%"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
