"""Where the two halves of each process live; each is loaded when first asked for.

A job's process is started afresh and needs one computation, so it must not pay for the libraries
of all the others, nor for those of the database; and the worker, which publishes, not for those
that compute.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from shanhai.processes.base import Process, Publish

HOMES: tuple[tuple[str, str, str], ...] = (
    (
        "echo",
        "shanhai.processes.echo:Echo",
        "shanhai.processes.documents_publication:publish_values",
    ),
    (
        "import-dataset",
        "shanhai.processes.import_dataset:ImportDataset",
        "shanhai.processes.dataset_publication:publish_dataset",
    ),
    (
        "import-features",
        "shanhai.processes.import_features:ImportFeatures",
        "shanhai.processes.importing.publication:publish_features",
    ),
    (
        "import-plan",
        "shanhai.processes.import_plan:ImportPlan",
        "shanhai.processes.import_plan:publish_plan",
    ),
    (
        "check-compliance",
        "shanhai.processes.check_compliance:CheckCompliance",
        "shanhai.processes.check_compliance:publish_check",
    ),
    (
        "assess-ecoservices",
        "shanhai.processes.assess_ecoservices:AssessEcoservices",
        "shanhai.processes.evaluating.publication:publish_assessment",
    ),
    (
        "delineate-zones",
        "shanhai.processes.delineate_zones:DelineateZones",
        "shanhai.processes.zone_publication:publish_zones",
    ),
    (
        "evaluate-ecosystem",
        "shanhai.processes.evaluate_ecosystem:EvaluateEcosystem",
        "shanhai.processes.evaluating.publication:publish_evaluation",
    ),
    (
        "account-gep",
        "shanhai.processes.account_gep:AccountGep",
        "shanhai.processes.documents_publication:publish_figures",
    ),
    (
        "evaluate-indicators",
        "shanhai.processes.evaluate_indicators:EvaluateIndicators",
        "shanhai.processes.figuring.publication:publish_indicators",
    ),
    (
        "publish-bulletin",
        "shanhai.processes.publish_bulletin:PublishBulletin",
        "shanhai.processes.bulletins.publication:publish_draft",
    ),
    (
        "build-network",
        "shanhai.processes.build_network:BuildNetwork",
        "shanhai.processes.networking.publication:publish_network",
    ),
    (
        "run-scenario",
        "shanhai.processes.run_scenario:RunScenario",
        "shanhai.processes.scenario.publication:publish_scenario",
    ),
    (
        "select-sites",
        "shanhai.processes.select_sites:SelectSites",
        "shanhai.processes.siting.publication:publish_selection",
    ),
    (
        "seed-tiles",
        "shanhai.processes.seed_tiles:SeedTiles",
        "shanhai.processes.documents_publication:publish_figures",
    ),
)
"""Process id, the class that computes, and the function that publishes."""


def load(home: str) -> Any:
    """What is at `module:name`."""
    module, _, name = home.partition(":")
    return getattr(import_module(module), name)


class Registry(Mapping[str, Process]):
    """The computations by process id."""

    def __init__(self, homes: Iterable[tuple[str, str]]) -> None:
        self._homes = dict(homes)
        self._loaded: dict[str, Process] = {}

    def __getitem__(self, process_id: str) -> Process:
        if process_id not in self._loaded:
            self._loaded[process_id] = load(self._homes[process_id])()
        return self._loaded[process_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


PROCESSES = Registry(tuple((process_id, home) for process_id, home, _ in HOMES))
_PUBLISHING = {process_id: home for process_id, _, home in HOMES}


def publish_of(process_id: str) -> Publish:
    """What publishes the results of a process."""
    publish: Publish = load(_PUBLISHING[process_id])
    return publish
