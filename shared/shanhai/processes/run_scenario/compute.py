"""Run a scenario: network, services and zones of a region before and after edits of its land."""

from dataclasses import dataclass, replace
from pathlib import Path

from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.assess_ecoservices.contract import AssessEcoservicesInputs, AssessmentInputs
from shanhai.processes.build_network.compute import require_layers
from shanhai.processes.build_network.context import COVER, Scene
from shanhai.processes.build_network.contract import OPTIONAL_THEMES
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES, DelineateZonesInputs
from shanhai.processes.kit.manifest import finished, resumed_runner
from shanhai.processes.kit.outputs import begin_rasters
from shanhai.processes.kit.region import SCRATCH, Place, build_place, open_sources
from shanhai.processes.kit.task import AssessedTask, Outcome, OutputFile, Progress, Task
from shanhai.processes.run_scenario import outputs, result
from shanhai.processes.run_scenario.balance import services_document
from shanhai.processes.run_scenario.before_after import compare_links, rehearse
from shanhai.processes.run_scenario.comparison import ground_document, network_document
from shanhai.processes.run_scenario.contract import (
    SCENARIO_RASTERS,
    RunScenarioInputs,
    RunScenarioTask,
)
from shanhai.processes.run_scenario.edits import EDITED_PLACES, Edited, lay_edits
from shanhai.processes.run_scenario.reassessment import reassess
from shanhai.raster.windows import WindowRunner


@dataclass(frozen=True, slots=True)
class _Base:
    """An assessment as it was asked for, on the files of the scenario."""

    task: Task
    inputs: AssessmentInputs


def compare_services(
    task: RunScenarioTask,
    inputs: RunScenarioInputs,
    edited: Edited,
    folder: Path,
    runner: WindowRunner,
    progress: Progress,
) -> result.ComparedServices:
    """The services before and after the edits, and the zones where they are asked for.

    Args:
        task: The scenario, with the assessment it is held against.
        inputs: What was asked.
        edited: The edits.
        folder: Scratch folder of its own.
        runner: Runs the windows.
        progress: Hears how far it is, 0–100.

    Raises:
        InvalidInput: there is no assessment, or one without zones where these are compared.
    """
    base = _base_of(task)
    assessment = assess(base.task, base.inputs, folder / "base", runner, progress)
    progress(65, "supply_demand")
    reassessed = reassess(assessment, edited, folder / "edited", runner)
    if "zones" not in inputs.compare:
        return result.ComparedServices(reassessed, None)
    progress(80, "zones")
    if not isinstance(base.inputs, DelineateZonesInputs):
        raise _without("zones need an assessment of delineate-zones", "对比分区须引用划定分区作业")
    return result.ComparedServices(
        reassessed, result.rezone(base.task, base.inputs, reassessed, runner)
    )


def _base_of(task: RunScenarioTask) -> _Base:
    assessed = task.assessed
    if assessed is None:
        raise _without(
            "the ratio and the zones before the edits are those of an assessment; none was given",
            "编辑前的供需比与分区取自一次评估，任务未附带评估",
        )
    kind = (
        DelineateZonesInputs if assessed.process == DELINEATE_ZONES.id else AssessEcoservicesInputs
    )
    return _Base(_task_of(task, assessed), kind.model_validate(assessed.inputs))


def _task_of(task: Task, assessed: AssessedTask) -> Task:
    return Task(
        job_id=assessed.job_id,
        process=assessed.process,
        inputs=assessed.inputs,
        seed=assessed.seed,
        region=task.region,
        datasets={theme: task.datasets[theme] for theme in assessed.themes},
        areas=assessed.areas,
        units=assessed.units,
        reference=assessed.reference,
        files=task.files,
        processes=task.processes,
        cluster=task.cluster,
    )


def _without(message: str, message_zh: str) -> InvalidInput:
    return InvalidInput(message, message_zh=message_zh, pointer="/inputs/assessment")


TOLD = (
    *("compared", "status", "connectivity", "measures", "changes", "land_cover", "anew"),
    *("ratios", "services", "zones", "zone_areas", "zones_changed_ha"),
)
"""Members of the comparison that the results document has, as far as they are compared."""

_COMPARED_AT = 85
"""Per cent at which all is compared and the layers are written."""


def compute(task: RunScenarioTask, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = RunScenarioInputs.model_validate(task.inputs)
    require_layers(task, inputs)
    scratch = workspace / SCRATCH
    with resumed_runner(task, workspace, progress) as (runner, progress):
        progress(0, "prepare")
        compared = _compare(task, inputs, scratch, runner, progress)
        document = ground_document(compared.scene, compared.edited, inputs)
        progress(_COMPARED_AT, "rasters")
        files = outputs.write_edits(workspace, compared.edited)
        place = compared.edited.scene.place
        if compared.network is not None:
            document |= network_document(compared.network.rehearsal, compared.network.links)
            files += _network_files(compared.network, place, workspace)
        if compared.services is not None:
            document |= services_document(compared.services, place)
            files += _services_files(compared.services, place, workspace)
        files += outputs.write_figures(workspace, document)
    flags = result.scenario_flags(compared, document, task)
    manifest = result.build_manifest(task, compared, flags)
    progress(92, "maps")
    files += outputs.write_maps_and_report(compared, document, manifest, workspace)
    return finished(
        workspace,
        files,
        manifest,
        {name: document[name] for name in TOLD if name in document},
        progress,
    )


def _compare(
    task: RunScenarioTask,
    inputs: RunScenarioInputs,
    scratch: Path,
    runner: WindowRunner,
    progress: Progress,
) -> result.ScenarioComparison:
    """Lay the edits and work out what is compared; all of it shares the progress."""
    themes = {COVER, *OPTIONAL_THEMES, *task.datasets}
    place = build_place(task, inputs, scratch / "before", open_sources(task, themes), runner)
    scene = Scene(place, inputs, _without_places(task))
    edited = lay_edits(scene, inputs, task.areas, scratch / "after")
    parts = inputs.compares_network + inputs.compares_services
    network = services = None
    if inputs.compares_network:
        network = _compare_networks(scene, edited, _part(progress, 0, parts))
    if inputs.compares_services:
        told = _part(progress, parts - 1, parts)
        services = compare_services(task, inputs, edited, scratch / "services", runner, told)
    return result.ScenarioComparison(scene, edited, network, services)


def _compare_networks(scene: Scene, edited: Edited, progress: Progress) -> result.ComparedNetwork:
    rehearsal = rehearse(scene, edited, progress)
    return result.ComparedNetwork(rehearsal, compare_links(rehearsal))


def _part(progress: Progress, number: int, parts: int) -> Progress:
    """The progress of one of some parts, from 0 to `_COMPARED_AT`, as that of the whole."""

    def tell(percent: float, stage: str) -> None:
        done = (number + min(percent / _COMPARED_AT, 1.0)) / parts
        progress(_COMPARED_AT * done, stage)

    return tell


def _network_files(
    compared: result.ComparedNetwork, place: Place, workspace: Path
) -> list[OutputFile]:
    outputs.write_changes(compared.rehearsal)
    return [
        *begin_rasters(place, list(SCENARIO_RASTERS.items()), workspace)(),
        *outputs.write_links(workspace, compared.rehearsal, compared.links),
    ]


def _services_files(
    compared: result.ComparedServices, place: Place, workspace: Path
) -> list[OutputFile]:
    layers = outputs.write_ratio_changes(compared.reassessed, place)
    if compared.rezoned is not None:
        layers += outputs.write_zone_changes(compared.rezoned, compared.reassessed.store)
    return begin_rasters(replace(place, store=compared.reassessed.store), layers, workspace)()


def _without_places(task: RunScenarioTask) -> RunScenarioTask:
    """The task as a network reads it: places of edits are no control areas."""
    areas = [area for area in task.areas if area.kind not in EDITED_PLACES]
    return task.model_copy(update={"areas": areas})
