"""From the inputs a caller sent to the task a computation needs: every code looked up, once.

What is found is written into the task, so that a job computes on the state of the moment it was
accepted, whatever is imported while it waits.
"""

from collections.abc import Sequence
from functools import singledispatch

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.job_inputs import RegionRow
from shanhai.errors import Fault, InvalidInput
from shanhai.processes.account_gep.requirements import account_faults, account_themes
from shanhai.processes.assess_ecoservices.contract import (
    ASSESS_ECOSERVICES,
    AssessEcoservicesInputs,
    AssessmentInputs,
)
from shanhai.processes.assess_ecoservices.resolve import find_assessed
from shanhai.processes.build_network.contract import BUILD_NETWORK, BuildNetworkInputs
from shanhai.processes.build_network.resolve import find_network, named_corridors
from shanhai.processes.check_compliance.contract import CHECK_COMPLIANCE, CheckComplianceInputs
from shanhai.processes.check_compliance.resolve import read_shape_asked
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES, DelineateZonesInputs
from shanhai.processes.echo.contract import ECHO, EchoInputs
from shanhai.processes.evaluate_ecosystem.contract import (
    ACCOUNT_GEP,
    EVALUATE_ECOSYSTEM,
    AccountGepInputs,
    EvaluateEcosystemInputs,
    evaluation_needs,
    evaluation_themes,
)
from shanhai.processes.evaluate_ecosystem.resolve import find_evaluated
from shanhai.processes.evaluate_indicators.contract import (
    EVALUATE_INDICATORS,
    EvaluateIndicatorsInputs,
)
from shanhai.processes.import_dataset.contract import IMPORT_DATASET, ImportDatasetInputs
from shanhai.processes.import_features.contract import IMPORT_FEATURES, ImportFeaturesInputs
from shanhai.processes.import_plan.contract import IMPORT_PLAN, ImportPlanInputs
from shanhai.processes.kit.analysis_grid import check_grid
from shanhai.processes.kit.contract import Inputs
from shanhai.processes.kit.lookups import (
    find_units,
    find_usable_region,
    judge_collection,
    judge_new_code,
    judge_plan,
    judge_upload,
    refuse,
)
from shanhai.processes.kit.task import DatasetTask, RegionTask, Task
from shanhai.processes.publish_bulletin.contract import PUBLISH_BULLETIN, PublishBulletinInputs
from shanhai.processes.run_scenario.contract import RUN_SCENARIO, RunScenarioInputs
from shanhai.processes.seed_tiles.contract import SEED_TILES, SeedTilesInputs
from shanhai.processes.seed_tiles.resolve import find_area, judge_seeding
from shanhai.processes.select_sites.contract import SELECT_SITES, SelectSitesInputs
from shanhai.processes.select_sites.ratio_lookup import find_ratio

Placed = (
    AssessmentInputs
    | EvaluateEcosystemInputs
    | AccountGepInputs
    | BuildNetworkInputs
    | SelectSitesInputs
)
"""Inputs of what is computed over a region, on a grid."""


@singledispatch
async def resolve(inputs: Inputs, session: AsyncSession, *, requested_by: str) -> Task:
    """The task for the inputs; one implementation per class of inputs.

    Raises:
        InvalidInput: They name what does not exist or does not fit.
    """
    raise TypeError(f"no task is made from {type(inputs).__name__}")


@resolve.register
async def _(inputs: EchoInputs, session: AsyncSession, *, requested_by: str) -> Task:
    return Task(process=ECHO.id, inputs=inputs.model_dump(mode="json"))


@resolve.register
async def _(inputs: ImportDatasetInputs, session: AsyncSession, *, requested_by: str) -> Task:
    row, region = await find_usable_region(session, inputs.region)
    refuse(
        [
            *await judge_upload(session, inputs.upload, owner=requested_by),
            *await judge_new_code(session, inputs.code, theme=inputs.theme, region=row),
        ]
    )
    return Task(
        process=IMPORT_DATASET.id,
        inputs=inputs.model_dump(mode="json"),
        region=region,
        upload_uri=f"uploads/{inputs.upload}",
    )


@resolve.register
async def _(inputs: ImportFeaturesInputs, session: AsyncSession, *, requested_by: str) -> Task:
    region = None
    if inputs.region is not None:
        _, region = await find_usable_region(session, inputs.region)
    refuse(
        [
            *judge_collection(inputs.collection, inputs.mapping),
            *await judge_upload(session, inputs.upload, owner=requested_by),
        ]
    )
    return Task(
        process=IMPORT_FEATURES.id,
        inputs=inputs.model_dump(mode="json"),
        region=region,
        upload_uri=f"uploads/{inputs.upload}",
    )


@resolve.register
async def _(inputs: ImportPlanInputs, session: AsyncSession, *, requested_by: str) -> Task:
    refuse(await judge_upload(session, inputs.upload, owner=requested_by))
    return Task(
        process=IMPORT_PLAN.id,
        inputs=inputs.model_dump(mode="json"),
        upload_uri=f"uploads/{inputs.upload}",
    )


@resolve.register
async def _(inputs: CheckComplianceInputs, session: AsyncSession, *, requested_by: str) -> Task:
    # Who asked may not know of every project and region; what is there for them is looked up with
    # their rights when the check is made.
    if inputs.geometry is not None:
        await read_shape_asked(inputs.geometry, inputs.crs)
    return Task(process=CHECK_COMPLIANCE.id, inputs=inputs.model_dump(mode="json"))


@resolve.register
async def _(inputs: AssessEcoservicesInputs, session: AsyncSession, *, requested_by: str) -> Task:
    return await _assessment(ASSESS_ECOSERVICES.id, inputs, session)


@resolve.register
async def _(inputs: DelineateZonesInputs, session: AsyncSession, *, requested_by: str) -> Task:
    task = await _assessment(DELINEATE_ZONES.id, inputs, session)
    units = await find_units(session, inputs.region, inputs.parameters.unit_regions)
    return task.model_copy(update={"seed": inputs.seed, "units": units})


async def _ground(inputs: Placed, session: AsyncSession) -> tuple[RegionRow, RegionTask]:
    """The region of a computation, in the reference system asked for."""
    row, region = await find_usable_region(session, inputs.region)
    if inputs.crs is None:
        return row, region
    epsg = int(inputs.crs.removeprefix("EPSG:"))
    return row, region.model_copy(update={"epsg": epsg})


async def _judge_ground(
    inputs: Placed, session: AsyncSession, row: RegionRow, region: RegionTask
) -> list[Fault]:
    return [
        *await judge_plan(session, inputs.plan, row),
        *_judge_grid(region, inputs.cell_m),
    ]


def _task_on(
    process: str, inputs: Placed, region: RegionTask, datasets: dict[str, DatasetTask]
) -> Task:
    return Task(
        process=process,
        inputs=inputs.model_dump(mode="json"),
        region=region,
        plan=inputs.plan,
        datasets=datasets,
    )


async def _assessment(process: str, inputs: AssessmentInputs, session: AsyncSession) -> Task:
    row, region = await _ground(inputs, session)
    datasets, faults = await find_assessed(session, row, inputs)
    refuse([*await _judge_ground(inputs, session, row, region), *faults])
    return _task_on(process, inputs, region, datasets)


@resolve.register
async def _(inputs: EvaluateEcosystemInputs, session: AsyncSession, *, requested_by: str) -> Task:
    row, region = await _ground(inputs, session)
    datasets, faults = await find_evaluated(
        session,
        row,
        named=inputs.datasets,
        supplies=inputs.supplies,
        themes=evaluation_themes(inputs),
        needs=evaluation_needs(inputs),
    )
    refuse([*await _judge_ground(inputs, session, row, region), *faults])
    return _task_on(EVALUATE_ECOSYSTEM.id, inputs, region, datasets)


@resolve.register
async def _(inputs: AccountGepInputs, session: AsyncSession, *, requested_by: str) -> Task:
    row, region = await _ground(inputs, session)
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
            *await _judge_ground(inputs, session, row, region),
            *faults,
            *account_faults(inputs, districts, datasets),
        ]
    )
    return _task_on(ACCOUNT_GEP.id, inputs, region, datasets)


@resolve.register
async def _(inputs: EvaluateIndicatorsInputs, session: AsyncSession, *, requested_by: str) -> Task:
    # Who asked may not know of every plan and line; all is looked up with their rights.
    return Task(
        process=EVALUATE_INDICATORS.id, inputs=inputs.model_dump(mode="json"), plan=inputs.plan
    )


@resolve.register
async def _(inputs: PublishBulletinInputs, session: AsyncSession, *, requested_by: str) -> Task:
    # Who asked may not know of every project and plan; all is looked up with their rights.
    return Task(process=PUBLISH_BULLETIN.id, inputs=inputs.model_dump(mode="json"))


@resolve.register
async def _(inputs: BuildNetworkInputs, session: AsyncSession, *, requested_by: str) -> Task:
    return await _network(BUILD_NETWORK.id, inputs, session)


@resolve.register
async def _(inputs: RunScenarioInputs, session: AsyncSession, *, requested_by: str) -> Task:
    # Who asked may not know of every project; edits are judged with their rights.
    return await _network(RUN_SCENARIO.id, inputs, session)


async def _network(process: str, inputs: BuildNetworkInputs, session: AsyncSession) -> Task:
    row, region = await _ground(inputs, session)
    datasets, faults = await find_network(session, row, inputs)
    refuse([*await _judge_ground(inputs, session, row, region), *faults])
    task = _task_on(process, inputs, region, datasets)
    return task.model_copy(update={"areas": await named_corridors(session, row)})


@resolve.register
async def _(inputs: SelectSitesInputs, session: AsyncSession, *, requested_by: str) -> Task:
    # Who asked may not know of every place; candidates are looked up with their rights.
    row, region = await _ground(inputs, session)
    datasets, faults = await find_ratio(session, row, inputs)
    units = await find_units(session, inputs.region, inputs.parameters.unit_regions)
    refuse([*await _judge_ground(inputs, session, row, region), *faults])
    task = _task_on(SELECT_SITES.id, inputs, region, datasets)
    return task.model_copy(update={"units": units})


@resolve.register
async def _(inputs: SeedTilesInputs, session: AsyncSession, *, requested_by: str) -> Task:
    # The task names no region: what is packed may be its owner's alone, and jobs of a region are
    # seen by all who work there.
    area, faults = await find_area(session, inputs)
    refuse([*judge_seeding(inputs), *faults])
    return Task(
        process=SEED_TILES.id,
        inputs=inputs.model_dump(mode="json"),
        area=area,
        layers=inputs.layers,
    )


def _judge_grid(region: RegionTask, cell_m: float) -> Sequence[Fault]:
    try:
        check_grid(region.geometry, epsg=region.epsg, cell_m=cell_m)
    except InvalidInput as error:
        return error.faults
    return ()
