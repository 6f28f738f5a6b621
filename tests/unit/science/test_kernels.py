"""Loops that are compiled, and what a process without the compiler says."""

import subprocess
import sys

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
