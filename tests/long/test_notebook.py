"""The example notebook is what its cells make today: the same code, and the same words."""

import importlib.util
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_notebook", FOLDER / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def kept() -> Any:
    return nbformat.read(FOLDER / "assessment.ipynb", as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types here


def told(notebook: Any) -> list[Any]:
    """What each cell printed or ended with, in words; pictures by their kind."""
    return [
        [output.get("text") or _words(output.get("data", {})) for output in cell.get("outputs", ())]
        for cell in notebook.cells
    ]


def _words(data: dict[str, Any]) -> Any:
    if "image/png" in data:
        return "a picture"
    return data.get("text/markdown") or data.get("text/plain")


def test_the_notebook_is_small_enough_to_keep() -> None:
    assert (FOLDER / "assessment.ipynb").stat().st_size < 250_000


@pytest.mark.parametrize("name", ["assessment", "client"])
def test_its_cells_are_those_of_the_script(make: ModuleType, name: str) -> None:
    kept = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types here
    cells = make.cells_of((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    assert [cell.source for cell in kept.cells] == [cell.source for cell in cells]


@pytest.mark.service
@pytest.mark.timeout(300)
def test_it_runs_and_says_the_same(make: ModuleType, kept: Any, tmp_path: Path) -> None:
    script = (FOLDER / "assessment.py").read_text(encoding="utf-8")
    with warnings.catch_warnings():
        # The kernel is another process on this machine; its client warns of all sorts of things.
        warnings.simplefilter("ignore")
        again = make.executed(script, tmp_path)
    assert told(again) == told(kept)
    assert ["a picture"] in told(again)
