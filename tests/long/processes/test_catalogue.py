"""What is imported for one half of a process."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("asked", "spared"),
    [
        ('compute_of("import-dataset")', ("sqlalchemy", "numba", "sklearn", "matplotlib")),
        ('compute_of("delineate-zones")', ("sqlalchemy", "weasyprint")),
        ('publish_of("import-dataset")', ("numba", "sklearn", "matplotlib")),
        ('publish_of("delineate-zones")', ("numba", "sklearn", "matplotlib")),
    ],
)
def test_neither_half_pays_for_what_only_others_need(asked: str, spared: tuple[str, ...]) -> None:
    code = f"""
import sys
from shanhai.processes.catalogue import compute_of, publish_of
{asked}
print(*sys.modules)
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not set(spared) & set(told.stdout.split())
