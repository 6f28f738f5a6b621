"""The assessment a scenario is held against, computed as it was and once more after the edits."""

from dataclasses import dataclass
from pathlib import Path

from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.assess_ecoservices.contract import AssessEcoservicesInputs, AssessmentInputs
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES, DelineateZonesInputs
from shanhai.processes.kit.process import Progress
from shanhai.processes.kit.task import AssessedTask, Task
from shanhai.processes.run_scenario.contract import RunScenarioInputs
from shanhai.processes.run_scenario.edits import Edited
from shanhai.processes.run_scenario.reassessment import reassess
from shanhai.processes.run_scenario.result import ComparedServices, rezone
from shanhai.processes.run_scenario.task import RunScenarioTask
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
) -> ComparedServices:
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
        return ComparedServices(reassessed, None)
    progress(80, "zones")
    if not isinstance(base.inputs, DelineateZonesInputs):
        raise _without("zones need an assessment of delineate-zones", "对比分区须引用划定分区作业")
    return ComparedServices(reassessed, rezone(base.task, base.inputs, reassessed, runner))


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
        files=task.files,
        processes=task.processes,
        cluster=task.cluster,
    )


def _without(message: str, message_zh: str) -> InvalidInput:
    return InvalidInput(message, message_zh=message_zh, pointer="/inputs/assessment")
