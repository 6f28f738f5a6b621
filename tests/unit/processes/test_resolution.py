"""States of jobs, and stages that computations report, have words."""

import re
from pathlib import Path

from shanhai import processes
from shanhai.jobs.messages import STAGES, STATUS_MESSAGES
from shanhai.processes.catalogue import CONTRACTS
from shanhai.vocabulary import JobStatus


def test_every_status_has_a_message() -> None:
    assert set(STATUS_MESSAGES) == set(JobStatus)


def test_every_stage_a_computation_tells_has_words() -> None:
    told = set()
    for module in Path(processes.__path__[0]).rglob("*.py"):
        told |= set(re.findall(r'(?:progress|told)\([^"()]*"(\w+)"\)', module.read_text()))
    own = {stage for contract in CONTRACTS.values() for stage in contract.stages}
    assert {"wait", "align", "cluster"} <= told <= STAGES.keys() | own
    # Zonings and scenarios tell what an assessment does as theirs.
    assert not CONTRACTS["assess-ecoservices"].stages
