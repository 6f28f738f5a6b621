"""Where each computation lives; it is loaded when first asked for.

A job's process is started afresh and needs one computation, so it must not pay for the libraries
of all the others.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module

from shanhai.processes.base import Process

HOMES: tuple[tuple[str, str], ...] = (
    ("echo", "shanhai.processes.echo:Echo"),
    ("import-dataset", "shanhai.processes.import_dataset:ImportDataset"),
    ("import-features", "shanhai.processes.import_features:ImportFeatures"),
    ("check-compliance", "shanhai.processes.check_compliance:CheckCompliance"),
    ("assess-ecoservices", "shanhai.processes.assess_ecoservices:AssessEcoservices"),
    ("delineate-zones", "shanhai.processes.delineate_zones:DelineateZones"),
    ("evaluate-ecosystem", "shanhai.processes.evaluate_ecosystem:EvaluateEcosystem"),
    ("account-gep", "shanhai.processes.account_gep:AccountGep"),
)
"""Process id and class, one line each."""


class Registry(Mapping[str, Process]):
    """The computations by process id."""

    def __init__(self, homes: tuple[tuple[str, str], ...]) -> None:
        self._homes = dict(homes)
        self._loaded: dict[str, Process] = {}

    def __getitem__(self, process_id: str) -> Process:
        if process_id not in self._loaded:
            module, _, name = self._homes[process_id].partition(":")
            self._loaded[process_id] = getattr(import_module(module), name)()
        return self._loaded[process_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


PROCESSES = Registry(HOMES)
