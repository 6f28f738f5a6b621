import subprocess
import sys

import pytest

from shanhai.processes.catalogue import (
    CONTRACTS,
    PROCESSES,
    compute_of,
    publish_of,
    resolution_of,
)


def test_every_contract_has_its_process() -> None:
    assert len(PROCESSES) == len(CONTRACTS)
    for name, contract in CONTRACTS.items():
        assert contract.id == name
        assert callable(compute_of(name))
        assert callable(publish_of(name))
        assert resolution_of(name).contract is contract


def test_an_unknown_process_is_no_member() -> None:
    with pytest.raises(KeyError):
        compute_of("nothing")


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
