"""Every process that can be asked for has a way from inputs to a task, and a computation."""

import re
from pathlib import Path

import pytest

from shanhai import processes
from shanhai.jobs.resolution import resolve
from shanhai.jobs.stages import STAGES, STATUS_MESSAGES
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.contract import Inputs
from shanhai.processes.registry import PROCESSES
from shanhai.vocabulary import JobStatus


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
def test_every_contract_can_be_resolved(contract: object) -> None:
    assert contract.inputs in resolve.registry  # type: ignore[attr-defined]


async def test_inputs_nobody_resolves_are_a_mistake() -> None:
    with pytest.raises(TypeError, match="Inputs"):
        await resolve(Inputs(), None, requested_by="t")  # type: ignore[arg-type]


def test_every_computation_carries_its_contract() -> None:
    for process_id, process in PROCESSES.items():
        assert process.contract is CONTRACTS[process_id]


def test_every_status_has_a_message() -> None:
    assert set(STATUS_MESSAGES) == set(JobStatus)


def test_every_stage_a_computation_tells_has_words() -> None:
    told = set()
    for module in Path(processes.__path__[0]).rglob("*.py"):
        told |= set(re.findall(r'(?:progress|told)\([^"()]*"(\w+)"\)', module.read_text()))
    assert {"wait", "align", "cluster"} <= told <= STAGES.keys()
