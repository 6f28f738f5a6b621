"""Which source file imports which, from the syntax."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from benchmarks.house.code import PACKAGES, ROOT, statements

Imported = Mapping[str, frozenset[str]]


class SourceTree:
    """The modules of the packages, parsed once."""

    def __init__(self, root: Path = ROOT, packages: Mapping[str, str] = PACKAGES) -> None:
        """Parse every Python file of the packages.

        Args:
            root: The checkout.
            packages: Folder of each package, under the root, by import name.
        """
        self.sources: dict[str, str] = {}
        self.trees: dict[str, ast.Module] = {}
        for name, folder in packages.items():
            for path in sorted((root / folder).rglob("*.py")):
                if "node_modules" not in path.parts:
                    module = module_name(name, path.relative_to(root / folder))
                    self.sources[module] = path.read_text(encoding="utf-8")
                    self.trees[module] = ast.parse(self.sources[module])

    @cached_property
    def imported(self) -> Imported:
        """Modules of the tree that each module imports."""
        return {
            module: frozenset(self._targets(tree)) - {module} for module, tree in self.trees.items()
        }

    @cached_property
    def importers(self) -> Imported:
        """Modules of the tree that import each module."""
        found: dict[str, set[str]] = defaultdict(set)
        for module, targets in self.imported.items():
            for target in targets:
                found[target].add(module)
        return {module: frozenset(found[module]) for module in self.trees}

    @cached_property
    def lines(self) -> int:
        """Lines of all files."""
        return sum(len(source.splitlines()) for source in self.sources.values())

    @cached_property
    def import_lines(self) -> int:
        """Lines that import statements take."""
        return sum(
            (node.end_lineno or node.lineno) - node.lineno + 1
            for tree in self.trees.values()
            for node in statements(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
        )

    def single_caller_modules(self) -> list[str]:
        """Modules that exactly one other module imports; `__init__` files are not counted."""
        packages = {module.rpartition(".")[0] for module in self.trees}
        return [
            module
            for module, importers in self.importers.items()
            if len(importers) == 1 and module not in packages
        ]

    def _targets(self, tree: ast.Module) -> Iterator[str]:
        for node in statements(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name in self.trees)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from self._from(node.module, [alias.name for alias in node.names])

    def _from(self, module: str, names: list[str]) -> Iterator[str]:
        members = [f"{module}.{name}" for name in names]
        yield from (member for member in members if member in self.trees)
        if module in self.trees and any(member not in self.trees for member in members):
            yield module


def module_name(package: str, path: Path) -> str:
    """The import name of a file, given its path under the package's folder."""
    parts = [package, *path.with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def classes(tree: SourceTree) -> dict[str, list[str]]:
    """Modules in which each class name is defined, at any depth."""
    found: dict[str, list[str]] = defaultdict(list)
    for module, syntax in tree.trees.items():
        for node in statements(syntax):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(module)
    return dict(found)
