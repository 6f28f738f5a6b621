"""What the data commands show: bars on a terminal, plain lines elsewhere, time and memory."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

_PEAK_RESET = "5"


@dataclass(frozen=True, slots=True)
class StepCost:
    """What one step took."""

    name: str
    seconds: float
    peak_mb: float


@dataclass(slots=True)
class Reporter:
    """Tells a person what goes on and keeps the cost of each step."""

    console: Console = field(default_factory=Console)
    costs: list[StepCost] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print one line."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step and note its peak of resident memory."""
        reset_peak_memory()
        start = time.perf_counter()
        yield
        cost = StepCost(name, time.perf_counter() - start, peak_memory_mb())
        self.costs.append(cost)
        self.say(f"{cost.name}: {cost.seconds:.2f} s, {cost.peak_mb:.0f} MB")

    @contextmanager
    def transfer(self, label: str, total: int, done: int) -> Iterator[Callable[[int], None]]:
        """Yield a function that is told of each block of bytes received."""
        if not self.console.is_terminal:
            self.say(f"{label}: {total / 1e6:.1f} MB" + (f", {done / 1e6:.1f} here" * bool(done)))
            yield lambda _count: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        with Progress(
            *columns, TransferSpeedColumn(), TimeRemainingColumn(), console=self.console
        ) as bar:
            task = bar.add_task(label, total=total, completed=done)
            yield lambda count: bar.advance(task, count)

    def summarise(self) -> None:
        """Print the table of steps."""
        table = Table("step", "seconds", "peak MB")
        for cost in self.costs:
            table.add_row(cost.name, f"{cost.seconds:.2f}", f"{cost.peak_mb:.0f}")
        self.console.print(table)


def reset_peak_memory() -> None:
    """Start a new peak of resident memory where the kernel can (Linux)."""
    control = Path("/proc/self/clear_refs")
    if control.exists():
        control.write_text(_PEAK_RESET)


def peak_memory_mb() -> float:
    """Peak resident memory since the last reset, MB; since the start where none is possible."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
