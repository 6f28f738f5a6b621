"""The bars of the source tree: what is counted, and how much of it is allowed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.house.code import LONG, PACKAGES, ROOT, everything, measure
from benchmarks.house.console import lines_of_console
from benchmarks.house.fixtures import fixtures
from benchmarks.house.imports import SourceTree, classes

PROCESSES = "shanhai.processes"
SHARED_BY_PROCESSES = ("kit", "catalogue", "local_run", "reproduction")
"""Members of the package that are no process."""

ALLOWED = {
    # These begin with another process.
    f"{PROCESSES}.delineate_zones": {"assess_ecoservices"},
    f"{PROCESSES}.run_scenario": {"assess_ecoservices", "build_network", "delineate_zones"},
    # A run on files imports its rasters first, and reads the files that two processes take.
    f"{PROCESSES}.local_run": {"import_dataset", "run_scenario", "select_sites"},
    f"{PROCESSES}.reproduction": {"publish_bulletin", "select_sites"},
    "shanhai.cli.run": {"run_scenario", "select_sites"},
    # What is small is answered at once, without a job.
    "shanhai_api.bulletins": {"publish_bulletin"},
    "shanhai_api.compliance": {"check_compliance"},
    "shanhai_api.processes": {"echo"},
}
"""Who may import from a process besides itself: a module or package, and the processes."""
QUEUE = "shared/shanhai/jobs"


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure of the source tree.

    `most` is what it is to become at most; `ceiling` what it may be today. The ceiling is lowered
    with the figure. It is raised by the commit that brings a capability alone:
    `most` counts what the platform could do when it was set.
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
    console = lines_of_console(ROOT)
    long = sum(lines > LONG for lines in code.function_lines)
    return [
        Bar("source, lines", tree.lines, 142_000, 222_310),
        Bar("classes that share their name", _sharing_a_name(classes(tree)), 55, 55),
        Bar("files with a single importer", len(tree.single_caller_modules()), 150, 150),
        Bar("imports, % of lines", 100 * tree.import_lines / tree.lines, 6.5, 6.5, 2),
        Bar("functions, median of lines", median(code.function_lines), 8, 8),
        Bar(
            f"functions above {LONG} lines, %", 100 * long / len(code.function_lines), 0.49, 0.49, 2
        ),
        # A hundred more since jobs are accepted in groups.
        Bar("shanhai.jobs, lines", sum(measure(ROOT / QUEUE).file_lines), 2_600, 2_600),
        Bar("console, lines per line of tests", console.source / console.tests, 1.0, 1.0, 2),
        Bar("fixtures that share their name", _sharing_a_name(fixtures()), 137, 137),
        Bar("files that import another process", len(importers_of_a_process(tree)), 0, 0),
    ]


def _sharing_a_name(places: Mapping[str, Sequence[str]]) -> int:
    """Definitions of whatever has a name that others have too."""
    return sum(len(where) for where in places.values() if len(where) > 1)


def importers_of_a_process(tree: SourceTree) -> list[str]:
    """Modules that import from a process, though they neither lie in its folder nor may."""
    return [
        module
        for module, targets in tree.imported.items()
        if {process_of(target) for target in targets} - _known_to(module)
    ]


def _known_to(module: str) -> set[str | None]:
    """The processes a module may import from, and None."""
    known = {None, process_of(module)}
    for importer, processes in ALLOWED.items():
        if module == importer or module.startswith(f"{importer}."):
            known |= processes
    return known


def process_of(module: str) -> str | None:
    """The process in whose folder a module lies, or None."""
    if not module.startswith(f"{PROCESSES}."):
        return None
    name = module.removeprefix(f"{PROCESSES}.").partition(".")[0]
    return None if name in SHARED_BY_PROCESSES else name
