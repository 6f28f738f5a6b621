"""What a scenario found, and the zones after its edits by the clusters found before them."""

from collections.abc import Sequence
from dataclasses import dataclass

from shanhai.processes.build_network.context import Scene
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.legal_lines import write_lines
from shanhai.processes.delineate_zones.zoning import Zoned, cut_of, zoner_of
from shanhai.processes.kit.task import Task
from shanhai.processes.run_scenario.before_after import Rehearsal
from shanhai.processes.run_scenario.corridor_matching import Sides
from shanhai.processes.run_scenario.edits import Edited
from shanhai.processes.run_scenario.reassessment import Reassessed
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import ClassArray, IntArray
from shanhai.science.zoning.postprocess import Postprocessed
from shanhai.science.zoning.thresholds import cross_tabulate


@dataclass(frozen=True, slots=True)
class Rezoned:
    """The zones before and after the edits.

    Attributes:
        before: As the base has them.
        after: By the same clusters, cleaned in the same way.
        algorithm: How the clusters were found.
    """

    before: Zoned
    after: Postprocessed
    algorithm: str

    @property
    def codes(self) -> tuple[ClassArray, ClassArray]:
        """Zone codes before and after."""
        return self.before.cleaned.codes, self.after.codes

    @property
    def transitions(self) -> IntArray:
        """Cells by zone before (row) and after (column), codes 0–5."""
        return cross_tabulate(*self.codes)


def rezone(
    task: Task, inputs: DelineateZonesInputs, reassessed: Reassessed, runner: WindowRunner
) -> Rezoned:
    """Zone the region before and after the edits.

    Args:
        task: The zoning before the edits.
        inputs: What it was asked.
        reassessed: The services before and after them.
        runner: Runs the windows.
    """
    base = reassessed.assessment
    write_lines(task, inputs, base.place.store)
    cut = cut_of(task, inputs.parameters, base.place.area.grid)
    zoner = zoner_of(base, inputs, cut, runner)
    before = zoner.zone(base.place.store, base.extremes)
    after = zoner.zone_again(before, reassessed.store, base.extremes)
    return Rezoned(before, after, inputs.parameters.algorithm)


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
