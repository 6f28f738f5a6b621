"""The task of the import of a raster."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.db.queries.jobs import find_datasets
from shanhai.processes.import_dataset.contract import IMPORT_DATASET, ImportDatasetInputs
from shanhai.processes.kit.lookups import find_usable_region, judge_new_code, judge_upload, refuse
from shanhai.processes.kit.publication import closed_as, with_rights
from shanhai.processes.kit.resolution import Resolution
from shanhai.processes.kit.task import Task
from shanhai.vocabulary import READ_BY


async def resolve(session: AsyncSession, inputs: ImportDatasetInputs, *, requested_by: str) -> Task:
    """The upload and the region it is for."""
    row, region = await find_usable_region(session, inputs.region)
    sha256, faults = await judge_upload(session, inputs.upload, owner=requested_by)
    codes = await judge_new_code(session, inputs.code, theme=inputs.theme, region=row)
    refuse([*faults, *codes])
    return Task(
        process=IMPORT_DATASET.id,
        # What is not given is as in the file, or as of the dataset that is replaced: a scale of 1
        # that is given says something.
        inputs=inputs.model_dump(
            mode="json", exclude={"scale", "offset", *READ_BY} - inputs.model_fields_set
        ),
        region=region,
        upload_uri=f"uploads/{inputs.upload}",
        upload_sha256=sha256,
    )


async def authorise(session: AsyncSession, task: Task, identity: Identity) -> Task:
    """The task, with the rights of its caller where it may make a dataset less closed."""
    inputs = ImportDatasetInputs.model_validate(task.inputs)
    former = (await find_datasets(session, [inputs.code or ""])).get(inputs.code or "")
    closed_as(inputs, former, lambda: identity)
    return with_rights(task, identity) if IMPORT_DATASET.acts_for_caller(task.inputs) else task


RESOLUTION = Resolution(IMPORT_DATASET, resolve, authorise)
