"""The task of an assessment: the datasets its methods need, looked up and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import get_args
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.db.queries.jobs import RegionRow
from shanhai.db.tables.job import Job
from shanhai.errors import Fault, InvalidInput
from shanhai.processes.assess_ecoservices.contract import (
    ASSESS_ECOSERVICES,
    AssessEcoservicesInputs,
    AssessmentInputs,
)
from shanhai.processes.kit.contract import ProcessContract, Theme
from shanhai.processes.kit.lookups import (
    describe_dataset,
    find_successful,
    find_themes,
    refuse,
    themes_missed,
)
from shanhai.processes.kit.reference import reference_of, require_reference
from shanhai.processes.kit.resolution import ANY, Resolution, find_ground, judge_ground, task_on
from shanhai.processes.kit.task import DatasetTask, MethodTask, Task

THEMES: tuple[Theme, ...] = get_args(Theme)
INPUTS = "/inputs"
FROM = f"{INPUTS}/normalisation/from"


async def resolve(
    session: AsyncSession, inputs: AssessEcoservicesInputs, *, requested_by: str
) -> Task:
    """The region and the datasets."""
    return await resolve_assessment(ASSESS_ECOSERVICES, session, inputs)


async def resolve_assessment(
    contract: ProcessContract, session: AsyncSession, inputs: AssessmentInputs
) -> Task:
    """The task of a process that begins with an assessment."""
    row, region = await find_ground(session, inputs)
    found = await find_assessed(session, row, inputs)
    refuse([*await judge_ground(session, inputs, row, region), *found.faults])
    return task_on(contract, inputs, region, found.datasets, methods=found.methods)


@dataclass(frozen=True, slots=True)
class Assessable:
    """What an assessment would read, and how it would calculate each service.

    Attributes:
        datasets: The datasets it reads, by theme.
        methods: By service; none where there is a fault.
        faults: What is wrong with what is asked for.
    """

    datasets: dict[str, DatasetTask]
    methods: dict[str, MethodTask]
    faults: Sequence[Fault]


async def find_assessed(
    session: AsyncSession, region: RegionRow, inputs: AssessmentInputs
) -> Assessable:
    """The datasets an assessment reads: those named, else the newest of the region."""
    found, misfits = await find_themes(session, region, named=inputs.datasets, themes=THEMES)
    bands = {theme: int(dataset.grid.get("bands", 1)) for theme, dataset in found.items()}
    used, methods, faults = _judge(inputs, bands, region.code)
    told = {misfit.pointer for misfit in misfits}
    faults = [*misfits, *(fault for fault in faults if fault.pointer not in told)]
    datasets = {theme: describe_dataset(found[theme]) for theme in sorted(used)}
    return Assessable(datasets, methods, faults)


def _judge(
    inputs: AssessmentInputs, bands: Mapping[str, int], region: str
) -> tuple[set[str], dict[str, MethodTask], list[Fault]]:
    # The calculations load their compiled kernels; who never asks for one need not.
    calculations = import_module("shanhai.processes.assess_ecoservices.request")
    try:
        calculation = calculations.assembled(inputs, bands)
    except InvalidInput as error:
        return set(), {}, [_placed(fault, region) for fault in error.faults]
    themes = calculations.themes_used(calculation, bands)
    return themes, calculations.methods_taken(calculation), []


def _placed(fault: Fault, region: str) -> Fault:
    """A fault where it stands in the inputs; a missing dataset with the place it may come from."""
    placed = replace(fault, pointer=INPUTS + fault.pointer)
    if not fault.pointer.startswith("/datasets/"):
        return placed
    return replace(
        placed,
        detail=f"region {region!r}: {fault.detail}; import one",
        detail_zh=f"区域 {region!r}：{fault.detail_zh}，请先导入",
    )


def assessment_needs() -> list[tuple[str]]:
    """Themes without which the usual methods cannot be computed."""
    usual = AssessEcoservicesInputs.model_validate({"region": ANY})
    return themes_missed(_judge(usual, {}, ANY)[-1])


async def with_reference(
    session: AsyncSession, task: Task, inputs: AssessmentInputs, identity: Identity | None
) -> Task:
    """The task with the numbers of the run it takes them over from, if it names one.

    Raises:
        InvalidInput: there is no such run whose result the caller may read, what it rests on may
            not be published, or it cannot be compared with.
    """
    if inputs.normalisation is None:
        return task
    found = await _find_reference(session, inputs.normalisation.source, identity)
    if isinstance(found, Fault):
        refuse([found])
        return task
    refuse(_closed(task, found))
    manifest = (found.result or {}).get("manifest") or {}
    reference = reference_of(manifest, str(found.id))
    require_reference(inputs, reference)
    return task.model_copy(update={"reference": reference})


async def _find_reference(
    session: AsyncSession, source: UUID | str, identity: Identity | None
) -> Job | Fault:
    if not isinstance(source, UUID):
        return Fault(
            FROM,
            "here it is the job of an assessment or a zoning; a manifest goes with a run on files",
            "此处须为评估或分区作业的编号；清单文件仅用于本地运行",
        )
    return await find_successful(session, source, identity, FROM)


def _closed(task: Task, reference: Job) -> list[Fault]:
    """What keeps a run from being published: it would tell what its reference rests on."""
    then = (reference.task or {}).get("inputs", {})
    for name in ("publish", "public"):
        if task.inputs.get(name) and not (then.get("publish") or then.get("public")):
            return [
                Fault(
                    f"{INPUTS}/{name}",
                    "the run whose numbers are taken over is not published, so that what rests on "
                    "it cannot be either",
                    "所沿用的计算未发布，基于它的结果也不能发布",
                )
            ]
    return []


async def complete(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task with what the caller may see of what it names."""
    inputs = AssessEcoservicesInputs.model_validate(task.inputs)
    return await with_reference(session, task, inputs, identity)


RESOLUTION = Resolution(ASSESS_ECOSERVICES, resolve, complete=complete, needs=assessment_needs)
