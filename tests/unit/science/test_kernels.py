"""Loops that are compiled, and what a process without the compiler says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shanhai.science.kernels import compiled, compiled_inline

WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
from shanhai.science.distance import nearest_in_column
try:
    nearest_in_column(None, 1)
except ModuleNotFoundError as error:
    print(error.name, error)
"""

CALLED = """
from shanhai.science.kernels import compiled

FACTOR = {factor}

@compiled
def called(value):
    return value {sign} 1
"""
CALLING = """
import numpy as np
from called import FACTOR, called
from shanhai.science.kernels import compiled

@compiled
def calling(values):
    return FACTOR * called(values[0])

print(*(calling(np.array([4], kind)) for kind in (np.int8, np.float32)))
"""


@compiled_inline
def _twice(value: int) -> int:
    return 2 * value


@compiled
def _doubled(count: int) -> int:
    total = 0
    for step in range(count):
        total += _twice(step)
    return total


def test_a_compiled_loop_calls_another() -> None:
    assert _doubled(4) == 12
    assert hasattr(_doubled, "py_func")


def test_a_process_without_the_compiler_imports_formulas_and_refuses_to_compute() -> None:
    """The first argument would fail in the loop itself; it is never reached."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "numba shanhai.science.distance.nearest_in_column needs Numba: install shanhai[science]\n"
    )


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """Of a loop that calls one of another module, with a number of that module."""
    (tmp_path / "calling.py").write_text(CALLING, encoding="utf-8")
    (tmp_path / "called.py").write_text(CALLED.format(factor=1, sign="+"), encoding="utf-8")
    assert printed(tmp_path) == "5 5.0"
    return tmp_path


def printed(folder: Path) -> str:
    told = {"NUMBA_CACHE_DIR": str(folder / "kept"), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-B", "calling.py"],
        cwd=folder,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def kept(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb*")}


def test_each_signature_has_a_file_of_its_own_which_the_next_process_reads(modules: Path) -> None:
    before = kept(modules)
    assert {path.suffix for path in before} == {".nbc"}  # and no index, which two might write
    assert len({path for path in before if path.name.startswith("calling.")}) == 2
    assert printed(modules) == "5 5.0"
    assert kept(modules) == before


@pytest.mark.parametrize(("factor", "sign", "told"), [(1, "-", "3 3.0"), (2, "+", "10 10.0")])
def test_a_loop_is_compiled_anew_where_what_it_calls_or_names_in_another_module_changed(
    modules: Path, factor: int, sign: str, told: str
) -> None:
    (modules / "called.py").write_text(CALLED.format(factor=factor, sign=sign), encoding="utf-8")
    assert printed(modules) == told


def test_a_file_that_was_cut_is_made_again(modules: Path) -> None:
    for path in kept(modules):
        path.write_bytes(path.read_bytes()[:100])
    assert printed(modules) == "5 5.0"
    assert min(path.stat().st_size for path in kept(modules)) > 100
