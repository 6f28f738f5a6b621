"""Tables of results: on the terminal, and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.machine import IDLE_SHARE, Moment, share_of_others
from benchmarks.timing import Interval, Sample, pairs, ratio_interval


@dataclass(frozen=True, slots=True)
class Setup:
    """How both sides worked; of pairs the first is ours.

    Attributes:
        settings: What was set that decides the figures.
        warm: What was kept from before the measurement, and what was made anew.
        connections: Open at a time, on either side; None where nothing is asked over any.
        processes: That answer or compute, on either side, without PostgreSQL's and Redis's.
        clock: Seconds of a clock, or of the processor.
    """

    settings: str = ""
    warm: str = ""
    connections: tuple[int, int] | None = None
    processes: tuple[int, int] = (1, 1)
    clock: Literal["wall", "processor"] = "wall"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    Attributes:
        what: What was done.
        ours: What the product took.
        floor: What the floor or the peer took.
        target: Least ratio asked for, where one is.
        facts: Further figures by name, such as peak memory.
        setup: How both sides worked, where it is not as the table says.
        unit: Of both samples.
        ended: When the row was complete.
    """

    what: str
    ours: Sample
    floor: Sample
    target: float | None = None
    facts: dict[str, float] = field(default_factory=dict)
    setup: Setup | None = None
    unit: Literal["s", "MiB", "B"] = "s"
    ended: Moment = field(default_factory=Moment, compare=False, repr=False)

    @property
    def ratio(self) -> float:
        """Speed relative to the floor: above 1 is faster than it."""
        return self.floor.median / self.ours.median

    @property
    def interval(self) -> Interval | None:
        """Where the ratio lies, None with fewer than three pairs of rounds."""
        return ratio_interval(self.ours, self.floor)

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
            "ours": {"median": self.ours.median, "spread": self.ours.spread},
            "floor": {"median": self.floor.median, "spread": self.floor.spread},
            "ratio": self.ratio,
            "interval": asdict(self.interval) if self.interval else None,
            "pairs": pairs(self.ours, self.floor),
            "target": self.target,
            "facts": self.facts,
            "unit": self.unit,
        }


@dataclass(slots=True)
class Table:
    """The results of one benchmark; `floor` says what the product is compared with."""

    name: str
    title: str
    floor: str
    rows: list[Row] = field(default_factory=list)
    setup: Setup = field(default_factory=Setup)
    began: Moment = field(default_factory=Moment, repr=False)

    def document(self) -> dict[str, Any]:
        """The table in JSON."""
        rows = [
            row.document() | _surroundings(began, row.ended) | asdict(row.setup or self.setup)
            for began, row in self._timed_rows()
        ]
        return {"name": self.name, "title": self.title, "floor": self.floor, "rows": rows}

    def _timed_rows(self) -> Iterator[tuple[Moment, Row]]:
        """Each row and when it began: with its first round, or when the one before it ended."""
        before = self.began
        for row in self.rows:
            yield row.ours.began or before, row
            before = row.ended

    def show(self, console: Console) -> None:
        """Print it."""
        shown = RichTable(title=f"{self.name}: {self.title}", title_justify="left")
        for heading in ("what", "ours", self.floor, "ratio (95 %)", "target", "load"):
            shown.add_column(heading, justify="left" if heading == "what" else "right")
        facts = list(dict.fromkeys(name for row in self.rows for name in row.facts))
        for name in facts:
            shown.add_column(name, justify="right")
        for began, row in self._timed_rows():
            load = load_text(_surroundings(began, row.ended))
            further = (_number(row.facts.get(name)) for name in facts)
            shown.add_row(*_cells(row), load, *further)
        console.print(shown)


def _surroundings(began: Moment, ended: Moment) -> dict[str, Any]:
    return {"load": (began.load, ended.load), "others": share_of_others(began, ended)}


def load_text(row: dict[str, Any]) -> str:
    """The load at both ends of a row's document, and whether other work ran beside it."""
    began, ended = row["load"]
    told = f"{began:.1f}–{ended:.1f}"
    if row["others"] <= IDLE_SHARE:
        return told
    return f"{told}, not idle: {100 * row['others']:.0f} % others"


def ratio_text(row: dict[str, Any]) -> str:
    """The ratio of a row's document with its interval, or how few pairs there are for one."""
    told, interval, count = figure(row["ratio"]), row["interval"], row["pairs"]
    if interval:
        return f"{told} ({figure(interval['low'])}–{figure(interval['high'])})"
    if count == 0:
        return f"{told} (not paired)"
    return f"{told} ({count} pair{'s' if count > 1 else ''})"


def figure(value: float) -> str:
    """A ratio with the digits that tell something."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def side_text(row: dict[str, Any], side: Literal["ours", "floor"]) -> str:
    """The median and spread of one side of a row's document."""
    median, spread, unit = row[side]["median"], row[side]["spread"], row.get("unit", "s")
    factor = 1.0
    if unit == "s" and median < 1:
        unit, factor = ("ms", 1e3) if median >= 1e-3 else ("µs", 1e6)
    return f"{median * factor:.3g} {unit} ±{100 * spread:.0f}%"


def law_text(law: dict[str, float] | None) -> str:
    """An exponent with its interval, and that of the last decade; nothing where it was not told."""
    if law is None:
        return "too little to tell"
    interval = f"{law['low']:.2f}–{law['high']:.2f}"
    return f"{law['exponent']:.2f} ({interval}), at the end {law['last']:.2f}"


def _cells(row: Row) -> tuple[str, ...]:
    told = row.document()
    ours, floor = side_text(told, "ours"), side_text(told, "floor")
    return row.what, ours, floor, ratio_text(told), row.verdict


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
