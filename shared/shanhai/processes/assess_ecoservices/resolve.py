"""The task of an assessment: the datasets its methods need, looked up and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import get_args

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.jobs import RegionRow
from shanhai.db.tables.dataset import Dataset
from shanhai.errors import Fault, InvalidInput
from shanhai.processes.assess_ecoservices.contract import (
    ASSESS_ECOSERVICES,
    AssessEcoservicesInputs,
    AssessmentInputs,
)
from shanhai.processes.kit.contract import ProcessContract, Theme
from shanhai.processes.kit.lookups import describe_dataset, find_themes, refuse, themes_missed
from shanhai.processes.kit.resolution import ANY, Resolution, find_ground, judge_ground, task_on
from shanhai.processes.kit.task import DatasetTask, Task

THEMES: tuple[Theme, ...] = get_args(Theme)
INPUTS = "/inputs"


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
    datasets, faults = await find_assessed(session, row, inputs)
    refuse([*await judge_ground(session, inputs, row, region), *faults])
    return task_on(contract, inputs, region, datasets)


async def find_assessed(
    session: AsyncSession, region: RegionRow, inputs: AssessmentInputs
) -> tuple[dict[str, DatasetTask], Sequence[Fault]]:
    """The datasets an assessment reads, by theme: those named, else the newest of the region.

    Returns:
        The datasets, and what is wrong with what is asked for.
    """
    found, misfits = await find_themes(
        session, region, named=inputs.datasets, required=(), optional=THEMES
    )
    bands = {theme: _bands(dataset) for theme, dataset in found.items()}
    used, faults = _judge(inputs, bands, region.code)
    told = {misfit.pointer for misfit in misfits}
    faults = [*misfits, *(fault for fault in faults if fault.pointer not in told)]
    return {theme: describe_dataset(found[theme]) for theme in sorted(used)}, faults


def _judge(
    inputs: AssessmentInputs, bands: Mapping[str, int], region: str
) -> tuple[set[str], list[Fault]]:
    # The calculations load their compiled kernels; who never asks for one need not.
    calculations = import_module("shanhai.processes.assess_ecoservices.request")
    try:
        calculation = calculations.assembled(inputs, bands)
    except InvalidInput as error:
        return set(), [_placed(fault, region) for fault in error.faults]
    return calculations.themes_used(calculation, bands), []


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


def _bands(dataset: Dataset) -> int:
    return int(dataset.grid.get("bands", 1))


def assessment_needs() -> list[tuple[str]]:
    """Themes without which the usual methods cannot be computed."""
    usual = AssessEcoservicesInputs.model_validate({"region": ANY})
    return themes_missed(_judge(usual, {}, ANY)[1])


RESOLUTION = Resolution(ASSESS_ECOSERVICES, resolve, needs=assessment_needs)
