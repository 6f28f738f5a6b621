import ast
from pathlib import Path

import pytest

from benchmarks.house.bars import importers_of_a_process
from benchmarks.house.code import FunctionNode, Measure, lines_of, public_things, quantile
from benchmarks.house.console import CONSOLE, IN_BROWSERS, lines_of_console
from benchmarks.house.fixtures import fixtures
from benchmarks.house.imports import SourceTree, classes

SOURCE = '''"""A module."""


class Known:
    """A class."""

    def shown(self) -> int:
        """A method
        with two lines of text.
        """
        return 1

    def _hidden(self):
        def inner():
            return 2

        return inner


async def undocumented(
    value: int,
) -> int:
    return value
'''


def functions(source: str) -> dict[str, int]:
    found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, FunctionNode))
    return {node.name: lines_of(node) for node in found}


def test_lines_of_a_function_leave_its_docstring_out() -> None:
    assert functions(SOURCE) == {"shown": 2, "_hidden": 5, "inner": 2, "undocumented": 4}


def test_a_decorator_is_no_line_of_the_function() -> None:
    assert functions("@first\n@second\ndef name():\n    pass\n") == {"name": 2}


def test_public_things_are_the_module_and_what_has_no_underscore() -> None:
    names = [getattr(thing, "name", "module") for thing in public_things(ast.parse(SOURCE))]
    assert names == ["module", "Known", "shown", "undocumented"]


def test_figures_of_a_package() -> None:
    measure = Measure()
    measure.add(SOURCE)
    cells = measure.cells()
    assert cells[:2] == ("1", "23")
    assert cells[-3:] == ("0.0 %", "50.0 %", "75.0 %")


@pytest.mark.parametrize(
    ("numbers", "probability", "expected"),
    [
        ([], 0.9, 0),
        ([7], 0.9, 7),
        ([1, 3], 0.5, 2),
        (range(1, 11), 0.9, 9),
        (range(1, 12), 0.9, 10),
    ],
)
def test_quantiles(numbers: list[int], probability: float, expected: int) -> None:
    assert quantile(numbers, probability) == expected


def test_the_console_is_counted_without_its_tests_and_what_was_generated(tmp_path: Path) -> None:
    lines = {
        f"{CONSOLE}/main.tsx": 3,
        f"{CONSOLE}/kit/console.css": 4,
        f"{CONSOLE}/kit/schema.d.ts": 100,
        f"{CONSOLE}/kit/testing.tsx": 200,
        f"{CONSOLE}/package-lock.json": 300,
        f"{CONSOLE}/node_modules/one/index.ts": 400,
        f"{CONSOLE}/main.test.tsx": 5,
        f"{IN_BROWSERS}/test_pages.py": 6,
    }
    for name, number in lines.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("line\n" * number)
    assert lines_of_console(tmp_path) == (7, 11)


def tree_of(folder: Path, **files: str) -> SourceTree:
    for name, text in files.items():
        path = folder / "pkg" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "pkg" / "__init__.py").touch()
    return SourceTree(folder, {"pkg": "pkg"})


def test_a_module_that_one_other_imports_has_a_single_importer(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path,
        once="A = 1\n",
        twice="B = 1\n",
        first="from pkg.once import A\nfrom pkg.twice import B\n",
        second="from pkg import twice\n",
    )
    assert tree.single_caller_modules() == ["pkg.once"]
    assert tree.import_lines == 3


def test_classes_of_one_name_are_counted_wherever_they_stand(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, a="class X: ...\n", b="def f():\n    class X: ...\n")
    assert classes(tree)["X"] == ["pkg.a", "pkg.b"]


def test_only_who_is_named_imports_from_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = SourceTree(packages={})
    imported = {
        "shanhai.processes.run_scenario.compute": {"shanhai.processes.build_network.compute"},
        "shanhai.processes.echo.compute": {"shanhai.processes.build_network.compute"},
        "shanhai.processes.echo.publish": {"shanhai.processes.kit.outputs"},
        "shanhai.db.engine": {"shanhai.processes.echo.contract"},
    }
    monkeypatch.setattr(tree, "imported", imported)
    assert importers_of_a_process(tree) == ["shanhai.processes.echo.compute", "shanhai.db.engine"]


def test_a_fixture_that_takes_what_it_replaces_is_none_of_its_own(tmp_path: Path) -> None:
    made = "@pytest.fixture(scope='module')\ndef city() -> int:\n    return 1\n"
    (tmp_path / "one.py").write_text(made)
    (tmp_path / "other.py").write_text(made.replace("city()", "city(city: int)"))
    (tmp_path / "third.py").write_text(
        "class TestIt:\n    @pytest.fixture\n    async def city(self): ...\n"
    )
    (tmp_path / "fourth.py").write_text("def city() -> int:\n    return 1\n")
    assert fixtures(tmp_path) == {"city": ["one.py", "third.py"]}
