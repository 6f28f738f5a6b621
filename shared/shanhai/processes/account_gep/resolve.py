"""The task of an account of the gross ecosystem product."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.account_gep.contract import ACCOUNT_GEP, AccountGepInputs
from shanhai.processes.account_gep.requirements import account_faults, account_themes
from shanhai.processes.kit.lookups import find_evaluated, refuse
from shanhai.processes.kit.resolution import Resolution, find_ground, judge_ground, task_on
from shanhai.processes.kit.task import Task


async def resolve(session: AsyncSession, inputs: AccountGepInputs, *, requested_by: str) -> Task:
    """The region and the datasets."""
    row, region = await find_ground(session, inputs)
    datasets, faults = await find_evaluated(
        session,
        row,
        named=inputs.datasets,
        supplies=inputs.supplies,
        themes=account_themes(inputs),
        needs=(),
    )
    districts = [district.code for district in region.districts]
    refuse(
        [
            *await judge_ground(session, inputs, row, region),
            *faults,
            *account_faults(inputs, districts, datasets),
        ]
    )
    return task_on(ACCOUNT_GEP, inputs, region, datasets)


RESOLUTION = Resolution(ACCOUNT_GEP, resolve)
