"""The bars of the source tree: what is counted, and how much of it is allowed."""

from dataclasses import dataclass
from statistics import median

from benchmarks.house.code import LONG, PACKAGES, ROOT, everything, measure
from benchmarks.house.imports import SourceTree, classes

PROCESSES = "shanhai.processes"
SHARED_BY_PROCESSES = ("kit", "catalogue", "local_run", "reproduction")
"""Members of the package that are no process."""

ALLOWED = {
    ("delineate_zones", "assess_ecoservices"),
    ("run_scenario", "assess_ecoservices"),
    ("run_scenario", "delineate_zones"),
    ("run_scenario", "build_network"),
}
"""Processes that begin with another: (process, the other)."""
QUEUE = "shared/shanhai/jobs"


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure of the source tree.

    `most` is what it is to become at most; `ceiling` what it may be today. The ceiling is lowered
    with the figure and never raised.
    """

    name: str
    value: float
    most: float
    ceiling: float
    digits: int = 0

    @property
    def is_met(self) -> bool:
        """Whether the figure is within what it is to become."""
        return self.value <= self.most


def bars() -> list[Bar]:
    """Count everything."""
    tree = SourceTree()
    code = everything({name: measure(ROOT / folder) for name, folder in PACKAGES.items()})
    long = sum(lines > LONG for lines in code.function_lines)
    return [
        Bar("source, lines", tree.lines, 142_000, 169_600),
        Bar("classes that share their name", _classes_sharing_a_name(tree), 59, 500),
        Bar("files with a single importer", len(tree.single_caller_modules()), 150, 500),
        Bar("imports, % of lines", 100 * tree.import_lines / tree.lines, 6.5, 9.0, 2),
        Bar("functions, median of lines", median(code.function_lines), 8, 8),
        Bar(
            f"functions above {LONG} lines, %", 100 * long / len(code.function_lines), 0.49, 0.49, 2
        ),
        Bar("shanhai.jobs, lines", sum(measure(ROOT / QUEUE).file_lines), 2_500, 9_700),
        Bar("files that import another process", len(importers_of_a_process(tree)), 0, 200),
    ]


def _classes_sharing_a_name(tree: SourceTree) -> int:
    return sum(len(modules) for modules in classes(tree).values() if len(modules) > 1)


def importers_of_a_process(tree: SourceTree) -> list[str]:
    """Modules outside a process's folder that import from it."""
    found = []
    for module, targets in tree.imported.items():
        if any(process_of(target) not in (None, process_of(module)) for target in targets):
            found.append(module)
    return found


def process_of(module: str) -> str | None:
    """The process in whose folder a module lies, or None."""
    if not module.startswith(f"{PROCESSES}."):
        return None
    name = module.removeprefix(f"{PROCESSES}.").partition(".")[0]
    return None if name in SHARED_BY_PROCESSES else name
