"""All that a scenario compares, as it was worked out."""

from collections.abc import Sequence
from dataclasses import dataclass

from shanhai.processes.build_network.context import Scene
from shanhai.processes.run_scenario.before_after import Rehearsal
from shanhai.processes.run_scenario.corridor_matching import Sides
from shanhai.processes.run_scenario.edits import Edited
from shanhai.processes.run_scenario.reassessment import Reassessed
from shanhai.processes.run_scenario.rezoning import Rezoned


@dataclass(frozen=True, slots=True)
class ComparedNetwork:
    """The network before and after the edits.

    Attributes:
        rehearsal: Both networks.
        links: What became of each link.
    """

    rehearsal: Rehearsal
    links: Sequence[Sides]


@dataclass(frozen=True, slots=True)
class ComparedServices:
    """The services before and after the edits, and what follows from them.

    Attributes:
        reassessed: The services.
        rezoned: The zones, where they are compared.
    """

    reassessed: Reassessed
    rezoned: Rezoned | None


@dataclass(frozen=True, slots=True)
class ScenarioComparison:
    """What a scenario compares.

    Attributes:
        scene: The region before the edits.
        edited: After them.
        network: The network, where it is compared.
        services: The services, where they are compared.
    """

    scene: Scene
    edited: Edited
    network: ComparedNetwork | None
    services: ComparedServices | None
