"""The processes: a folder each, of which the parts are loaded when they are asked for.

A job's process is started afresh and needs one computation, so it must not pay for the libraries
of all the others, nor for those of the database; and the worker, which publishes, not for those
that compute.
"""

from collections.abc import Mapping
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

from shanhai.processes.kit.contract import ProcessContract
from shanhai.processes.kit.task import Compute, Publish, Task

if TYPE_CHECKING:
    from shanhai.processes.kit.resolution import Resolution

PROCESSES = (
    "echo",
    "import_dataset",
    "import_features",
    "import_plan",
    "check_compliance",
    "assess_ecoservices",
    "delineate_zones",
    "evaluate_ecosystem",
    "account_gep",
    "evaluate_indicators",
    "evaluate_effect",
    "build_network",
    "run_scenario",
    "select_sites",
    "publish_bulletin",
    "compose_map_sheet",
    "seed_tiles",
)
"""Folders of the processes, in the order they are listed; the id of each has hyphens."""


def _load(folder: str, part: str, name: str) -> Any:
    return getattr(import_module(f"shanhai.processes.{folder}.{part}"), name)


def _folder_of(process_id: str) -> str:
    if process_id not in CONTRACTS:
        raise KeyError(process_id)
    return process_id.replace("-", "_")


CONTRACTS: Mapping[str, ProcessContract] = {
    folder.replace("_", "-"): _load(folder, "contract", folder.upper()) for folder in PROCESSES
}
"""What each process declares, by its id."""


def resolution_of(process_id: str) -> "Resolution":
    """How a request of a process becomes a task."""
    resolution: Resolution = _load(_folder_of(process_id), "resolve", "RESOLUTION")
    return resolution


def compute_of(process_id: str) -> Compute:
    """What computes a task of a process; an output that it does not declare is refused."""
    compute: Compute = _load(_folder_of(process_id), "compute", "compute")
    declared = CONTRACTS[process_id].declared
    return wraps(compute)(lambda *given: declared(compute(*given)))


def publish_of(process_id: str) -> Publish:
    """What publishes the results of a process."""
    publish: Publish = _load(_folder_of(process_id), "publish", "publish")
    return publish


def read_task(document: Mapping[str, Any]) -> Task:
    """A task as it is stored with its job, with the members its process has."""
    contract = CONTRACTS.get(document["process"])
    return (Task if contract is None else contract.task).model_validate(document)
