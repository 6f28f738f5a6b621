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
