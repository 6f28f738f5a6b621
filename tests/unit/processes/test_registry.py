import pytest

from shanhai.jobs.contracts import CONTRACTS
from shanhai.processes.registry import PROCESSES


def test_every_contract_has_its_process():
    assert set(PROCESSES) == set(CONTRACTS)
    for name, contract in CONTRACTS.items():
        assert PROCESSES[name].contract is contract


def test_an_unknown_process_is_no_member():
    with pytest.raises(KeyError):
        PROCESSES["nothing"]
