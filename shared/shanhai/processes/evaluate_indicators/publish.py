"""The rows of an evaluation of indicators: the values it computed, in the job's transaction."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import demand_role, demand_scopes
from shanhai.db.indicators.plan_indicators import find_indicator, find_place, find_plan
from shanhai.db.indicators.values import REPORTING_SCOPES, VALUE_ROLES, NewValue, add_value
from shanhai.db.queries.audit import Act
from shanhai.processes.evaluate_indicators.contract import EvaluateIndicatorsInputs
from shanhai.processes.kit.publication import identity_of, job_id_of
from shanhai.processes.kit.task import Publication

QUALITY = "computed"


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Record the values that count, in the name of who asked; nothing recorded before changes.

    Raises:
        Unauthenticated, Forbidden: who asked may not record values of the region.
    """
    values = publication.outcome.values
    recorded = values["recorded"]
    if recorded:
        await _record(session, publication, recorded)
    told: dict[str, list[int]] = defaultdict(list)
    for one in recorded:
        told[one["code"]].append(one["year"])
    return {**values, "recorded": dict(told), "warnings": publication.outcome.warnings}


async def _record(
    session: AsyncSession, publication: Publication, recorded: list[dict[str, Any]]
) -> None:
    task, caller = publication.task, identity_of(publication.task)
    plan = await find_plan(session, task.plan or "", caller.viewer)
    region = task.region.code if task.region else None
    place = await find_place(session, plan, region, pointer="/inputs/region")
    demand_scopes(caller, REPORTING_SCOPES)
    demand_role(caller, VALUE_ROLES, place.id)
    datasets = {one.code: one.id for one in task.datasets.values()}
    note = EvaluateIndicatorsInputs.model_validate(task.inputs).note
    for one in recorded:
        listed = await find_indicator(session, plan, one["code"])
        origin = one["provenance"]
        codes = (code for code in origin["inputs"].values() if isinstance(code, str))
        read = [datasets[code] for code in codes if code in datasets]
        standard = origin["standard"]
        await add_value(
            session,
            plan,
            listed,
            place,
            NewValue(
                one["year"],
                Decimal(one["value"]),
                quality=QUALITY,
                method=origin["formula_zh"] + "；" + origin["method_zh"],
                source=None if standard is None else standard["name_zh"],
                note=note,
                dataset_id=read[0] if read else None,
                job_id=job_id_of(task),
                provenance=origin,
            ),
            caller=caller,
            act=Act(publication.requested_by),
        )
