"""Kernels are compiled ahead where none were, and for that a job is carried out up to its maps."""

import os
import time
from pathlib import Path

import pytest

from shanhai.local import kernel_warmup


def test_a_folder_is_cold_until_something_was_compiled_in_it(tmp_path: Path) -> None:
    (tmp_path / "zoning" / "__pycache__").mkdir(parents=True)
    (tmp_path / "zoning" / "__pycache__" / "a.cpython-311.pyc").touch()
    assert kernel_warmup.is_cold(tmp_path)
    (tmp_path / "zoning" / "__pycache__" / "a.b-1.py311.0a1b.nbc").touch()
    assert not kernel_warmup.is_cold(tmp_path)


@pytest.mark.long
def test_kernels_are_compiled_where_the_environment_says_and_once(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    warming = kernel_warmup.start_warming(environment)
    assert warming is not None
    try:
        while kernel_warmup.is_cold(tmp_path) and warming.poll() is None:
            time.sleep(0.1)
        assert warming.poll() is None, "it ended before anything was compiled"
        assert kernel_warmup.start_warming(environment) is None
    finally:
        warming.kill()
        warming.wait()
