"""The task of an evaluation of a region."""

from typing import get_args

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.evaluate_ecosystem.contract import (
    EVALUATE_ECOSYSTEM,
    EvaluateEcosystemInputs,
    Evaluation,
    evaluation_needs,
    evaluation_themes,
)
from shanhai.processes.kit.contract import Alternatives
from shanhai.processes.kit.lookups import find_evaluated, refuse
from shanhai.processes.kit.resolution import ANY, Resolution, find_ground, judge_ground, task_on
from shanhai.processes.kit.task import Task


async def resolve(
    session: AsyncSession, inputs: EvaluateEcosystemInputs, *, requested_by: str
) -> Task:
    """The region and the datasets."""
    row, region = await find_ground(session, inputs)
    datasets, faults = await find_evaluated(
        session,
        row,
        named=inputs.datasets,
        supplies=inputs.supplies,
        themes=evaluation_themes(inputs),
        needs=evaluation_needs(inputs),
    )
    refuse([*await judge_ground(session, inputs, row, region), *faults])
    return task_on(EVALUATE_ECOSYSTEM, inputs, region, datasets)


def all_needs() -> list[Alternatives]:
    """What all evaluations together need, once each."""
    themes = get_args(Evaluation)
    usual = EvaluateEcosystemInputs.model_validate({"region": ANY, "themes": themes})
    return list(dict.fromkeys(themes for _, themes in evaluation_needs(usual)))


RESOLUTION = Resolution(EVALUATE_ECOSYSTEM, resolve, needs=all_needs)
