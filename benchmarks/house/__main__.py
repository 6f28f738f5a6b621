"""Print the figures of the source tree beside their bars; exit with 1 where a ceiling is broken."""

import gc
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.house.bars import Bar, bars
from benchmarks.house.code import print_table, rows


@dataclass(frozen=True, slots=True)
class _Row:
    bar: Bar

    def cells(self) -> tuple[str, ...]:
        return (
            self.bar.name,
            f"{self.bar.value:,.{self.bar.digits}f}",
            f"{self.bar.most:,.{self.bar.digits}f}",
            "yes" if self.bar.is_met else "no",
        )


def main(arguments: Sequence[str]) -> int:
    """Print the packages and the bars, those of requests on a running stack included.

    Args:
        arguments: `--bars` for the bars of the syntax alone.

    Returns:
        1 if a figure is beyond its ceiling.
    """
    # The trees stay until the end: to look for garbage among them took most of the time.
    gc.disable()
    if "--bars" not in arguments:
        print_table(list(rows()))
        print()
    figures = bars()
    if "--bars" not in arguments:
        # Here, because it loads the whole platform.
        from benchmarks.house.slices import slices

        figures += slices()
    print_table(
        [("figure", "value", "bar: at most", "met"), *(_Row(bar).cells() for bar in figures)]
    )
    broken = list(_broken(figures))
    for line in broken:
        print(line, file=sys.stderr)
    return int(bool(broken))


def _broken(figures: Sequence[Bar]) -> Iterator[str]:
    for bar in figures:
        if bar.value > bar.ceiling:
            yield f"{bar.name}: {bar.value:,.{bar.digits}f} is above {bar.ceiling:,.{bar.digits}f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
