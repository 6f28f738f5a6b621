"""Lines per file and per function, types, docstrings and tests of each package, from the syntax.

Functions are counted without decorators and without their docstring.
"""

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "shanhai": "shared/shanhai",
    "shanhai_api": "services/api/shanhai_api",
    "shanhai_worker": "services/worker/shanhai_worker",
    "shanhai_tiles": "services/tiles/shanhai_tiles",
}
TESTS = "tests"
LONG = 60
HEADINGS = (
    *("package", "files", "lines", "file p50", "p90", "max", "function p50", "p90"),
    *(f"over {LONG}", "return types", "public docstrings"),
)

BLOCKS = frozenset({"body", "orelse", "finalbody", "handlers", "cases"})
"""Members of a node that hold statements, or nodes that do."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | FunctionNode


@dataclass(slots=True)
class Measure:
    """What was counted in the files of one package."""

    file_lines: list[int] = field(default_factory=list)
    function_lines: list[int] = field(default_factory=list)
    typed: int = 0
    public: int = 0
    documented: int = 0

    def add(self, source: str) -> None:
        """Count one file."""
        self.file_lines.append(len(source.splitlines()))
        for node in statements(tree := ast.parse(source)):
            if isinstance(node, FunctionNode):
                self.function_lines.append(lines_of(node))
                self.typed += node.returns is not None
        for thing in public_things(tree):
            self.public += 1
            self.documented += ast.get_docstring(thing) is not None

    def cells(self) -> tuple[str, ...]:
        """The figures in the order of `HEADINGS`, without the name."""
        over = sum(lines > LONG for lines in self.function_lines)
        functions = len(self.function_lines)
        return (
            f"{len(self.file_lines)}",
            f"{sum(self.file_lines):,}",
            f"{quantile(self.file_lines, 0.5)}",
            f"{quantile(self.file_lines, 0.9)}",
            f"{max(self.file_lines, default=0)}",
            f"{quantile(self.function_lines, 0.5)}",
            f"{quantile(self.function_lines, 0.9)}",
            share(over, functions),
            share(self.typed, functions),
            share(self.documented, self.public),
        )


def statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """All statements at any depth; what they compute, which is most of a tree, is not walked."""
    blocks: list[ast.AST] = [tree]
    while blocks:
        block = blocks.pop()
        for name in BLOCKS.intersection(block._fields):
            for inner in getattr(block, name):
                if isinstance(inner, ast.stmt):
                    yield inner
                blocks.append(inner)


def lines_of(node: FunctionNode) -> int:
    """Lines from `def` to the end, without the docstring."""
    last = node.end_lineno or node.lineno
    first = node.body[0]
    quoted = 0
    if ast.get_docstring(node) is not None:
        quoted = (first.end_lineno or first.lineno) - first.lineno + 1
    return last - node.lineno + 1 - quoted


def public_things(tree: ast.Module) -> Iterator[Documented]:
    """The module, and its public classes and functions with their public methods."""
    yield tree
    yield from _public_members(tree)


def _public_members(owner: ast.Module | ast.ClassDef) -> Iterator[Documented]:
    for node in owner.body:
        if isinstance(node, FunctionNode | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public_members(node)


def quantile(numbers: Sequence[int], probability: float) -> int:
    """The smallest number that this share of them does not exceed; 0 for none."""
    if probability == 0.5 and numbers:
        return round(median(numbers))
    ordered = sorted(numbers)
    return ordered[max(0, math.ceil(probability * len(ordered)) - 1)] if ordered else 0


def share(part: int, whole: int) -> str:
    """A percentage."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def measure(folder: Path) -> Measure:
    """Count the Python files under a folder."""
    counted = Measure()
    for path in sorted(folder.rglob("*.py")):
        if "node_modules" not in path.parts:
            counted.add(path.read_text(encoding="utf-8"))
    return counted


def everything(packages: Mapping[str, Measure]) -> Measure:
    """The counts of several packages together."""
    total = Measure()
    for one in packages.values():
        for name in Measure.__slots__:
            setattr(total, name, getattr(total, name) + getattr(one, name))
    return total


def rows() -> Iterator[tuple[str, ...]]:
    """The table of the packages, of all of them, and of the tests."""
    packages = {name: measure(ROOT / folder) for name, folder in PACKAGES.items()}
    named = {**packages, "all": everything(packages), TESTS: measure(ROOT / TESTS)}
    yield HEADINGS
    for name, counted in named.items():
        yield (name, *counted.cells())


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]))
