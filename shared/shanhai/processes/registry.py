"""Where the two halves of each process live; each is loaded when first asked for.

A job's process is started afresh and needs one computation, so it must not pay for the libraries
of all the others, nor for those of the database; and the worker, which publishes, not for those
that compute.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from shanhai.processes.kit.process import Process, Publish

HOMES: tuple[tuple[str, str, str], ...] = (
    (
        "echo",
        "shanhai.processes.echo.compute:Echo",
        "shanhai.processes.kit.documents_publication:publish_values",
    ),
    (
        "import-dataset",
        "shanhai.processes.import_dataset.compute:ImportDataset",
        "shanhai.processes.import_dataset.publish:publish_dataset",
    ),
    (
        "import-features",
        "shanhai.processes.import_features.compute:ImportFeatures",
        "shanhai.processes.import_features.publish:publish_features",
    ),
    (
        "import-plan",
        "shanhai.processes.import_plan.compute:ImportPlan",
        "shanhai.processes.import_plan.compute:publish_plan",
    ),
    (
        "check-compliance",
        "shanhai.processes.check_compliance.compute:CheckCompliance",
        "shanhai.processes.check_compliance.compute:publish_check",
    ),
    (
        "assess-ecoservices",
        "shanhai.processes.assess_ecoservices.compute:AssessEcoservices",
        "shanhai.processes.kit.publication:publish_assessment",
    ),
    (
        "delineate-zones",
        "shanhai.processes.delineate_zones.compute:DelineateZones",
        "shanhai.processes.delineate_zones.publish:publish_zones",
    ),
    (
        "evaluate-ecosystem",
        "shanhai.processes.evaluate_ecosystem.compute:EvaluateEcosystem",
        "shanhai.processes.kit.publication:publish_evaluation",
    ),
    (
        "account-gep",
        "shanhai.processes.account_gep.compute:AccountGep",
        "shanhai.processes.kit.documents_publication:publish_figures",
    ),
    (
        "evaluate-indicators",
        "shanhai.processes.evaluate_indicators.compute:EvaluateIndicators",
        "shanhai.processes.evaluate_indicators.publish:publish_indicators",
    ),
    (
        "publish-bulletin",
        "shanhai.processes.publish_bulletin.compute:PublishBulletin",
        "shanhai.processes.publish_bulletin.publish:publish_draft",
    ),
    (
        "build-network",
        "shanhai.processes.build_network.compute:BuildNetwork",
        "shanhai.processes.build_network.publish:publish_network",
    ),
    (
        "run-scenario",
        "shanhai.processes.run_scenario.compute:RunScenario",
        "shanhai.processes.run_scenario.publish:publish_scenario",
    ),
    (
        "select-sites",
        "shanhai.processes.select_sites.compute:SelectSites",
        "shanhai.processes.select_sites.publish:publish_selection",
    ),
    (
        "seed-tiles",
        "shanhai.processes.seed_tiles.compute:SeedTiles",
        "shanhai.processes.kit.documents_publication:publish_figures",
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
