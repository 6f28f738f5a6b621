import subprocess
import sys

import pytest

from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.registry import PROCESSES, publish_of


def test_every_contract_has_its_process():
    assert set(PROCESSES) == set(CONTRACTS)
    for name, contract in CONTRACTS.items():
        assert PROCESSES[name].contract is contract
        assert callable(publish_of(name))


def test_an_unknown_process_is_no_member():
    with pytest.raises(KeyError):
        PROCESSES["nothing"]


@pytest.mark.parametrize(
    ("asked", "spared"),
    [
        ('PROCESSES["import-dataset"]', ("sqlalchemy", "numba", "sklearn", "matplotlib")),
        ('PROCESSES["delineate-zones"]', ("sqlalchemy", "weasyprint")),
        ('publish_of("import-dataset")', ("numba", "sklearn", "matplotlib")),
        ('publish_of("delineate-zones")', ("numba", "sklearn", "matplotlib")),
    ],
)
def test_neither_half_pays_for_what_only_others_need(asked: str, spared: tuple[str, ...]):
    code = f"""
import sys
from shanhai.processes.registry import PROCESSES, publish_of
{asked}
print(*sys.modules)
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not set(spared) & set(told.stdout.split())
