"""Kernels are compiled ahead where none were, and for that a job is carried out up to its maps."""

from pathlib import Path

from shanhai.local import kernel_warmup


def test_a_folder_is_cold_until_something_was_compiled_in_it(tmp_path: Path) -> None:
    (tmp_path / "zoning" / "__pycache__").mkdir(parents=True)
    (tmp_path / "zoning" / "__pycache__" / "a.cpython-311.pyc").touch()
    assert kernel_warmup.is_cold(tmp_path)
    (tmp_path / "zoning" / "__pycache__" / "a.b-1.py311.nbi").touch()
    assert not kernel_warmup.is_cold(tmp_path)
