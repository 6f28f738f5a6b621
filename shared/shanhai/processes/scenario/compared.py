"""All that a scenario compares, as it was worked out."""

from collections.abc import Sequence
from dataclasses import dataclass

from shanhai.processes.networking.scene import Scene
from shanhai.processes.scenario.edits import Edited
from shanhai.processes.scenario.matching import Sides
from shanhai.processes.scenario.reassessment import Reassessed
from shanhai.processes.scenario.rezoning import Rezoned
from shanhai.processes.scenario.states import Rehearsal


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
class Compared:
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
