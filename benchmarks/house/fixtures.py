"""Which fixtures the tests define, and where, from the syntax."""

import ast
from collections import defaultdict
from pathlib import Path

from benchmarks.house.code import ROOT, TESTS, FunctionNode, statements


def fixtures(folder: Path = ROOT / TESTS) -> dict[str, list[str]]:
    """Files that define each fixture; what takes the fixture it replaces only adds to that one."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        for node in statements(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, FunctionNode) and _is_new_fixture(node):
                found[node.name].append(str(path.relative_to(folder)))
    return dict(found)


def _is_new_fixture(node: FunctionNode) -> bool:
    made = any("fixture" in ast.unparse(one).partition("(")[0] for one in node.decorator_list)
    return made and node.name not in {one.arg for one in node.args.args}
