"""Lines of the console in the browser, and of what tests it."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

CONSOLE = "services/api/console"
IN_BROWSERS = "tests/service/console"
SOURCES = frozenset({".ts", ".tsx", ".css"})
GENERATED = frozenset({"schema.d.ts"})


class ConsoleLines(NamedTuple):
    """Lines of the console, and of its tests."""

    source: int
    tests: int


def lines_of_console(root: Path) -> ConsoleLines:
    """Count what is shown in browsers, its tests by Vitest, and those of whole pages.

    What tests alone are helped by (`testing.ts`, `testing_jobs.ts`) is counted as neither.
    """
    found = [
        path
        for path in (root / CONSOLE).rglob("*")
        if path.suffix in SOURCES and "node_modules" not in path.parts
    ]
    tests = [path for path in found if ".test." in path.name]
    source = (
        path
        for path in found
        if ".test." not in path.name
        and path.name not in GENERATED
        and not path.name.startswith("testing")
    )
    pages = (root / IN_BROWSERS).rglob("*.py")
    return ConsoleLines(_lines(source), _lines([*tests, *pages]))


def _lines(paths: Iterable[Path]) -> int:
    return sum(len(path.read_text("utf-8").splitlines()) for path in paths)
