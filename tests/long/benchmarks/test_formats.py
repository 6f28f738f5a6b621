"""Memory does not grow with the rows of a file."""

from pathlib import Path

import pytest

from benchmarks.formats import XLSX, measure

FEW, MANY = 10_000, 80_000
ALLOWED_MB = 64


@pytest.mark.parametrize("name", ["gpkg", "csv", XLSX])
def test_memory_is_that_of_a_block(tmp_path: Path, name: str) -> None:
    peaks: dict[tuple[str, int], int] = {}
    for rows in (FEW, MANY):
        path = tmp_path / f"{rows}.{name}"
        for step in ("write", "read"):
            peaks[step, rows] = measure(step, name, rows, path)[1]
    for step in ("write", "read"):
        assert peaks[step, MANY] - peaks[step, FEW] < ALLOWED_MB
