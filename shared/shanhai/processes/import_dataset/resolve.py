"""The task of the import of a raster."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.import_dataset.contract import IMPORT_DATASET, ImportDatasetInputs
from shanhai.processes.kit.lookups import find_usable_region, judge_new_code, judge_upload, refuse
from shanhai.processes.kit.resolution import Resolution
from shanhai.processes.kit.task import Task


async def resolve(session: AsyncSession, inputs: ImportDatasetInputs, *, requested_by: str) -> Task:
    """The upload and the region it is for."""
    row, region = await find_usable_region(session, inputs.region)
    sha256, faults = await judge_upload(session, inputs.upload, owner=requested_by)
    codes = await judge_new_code(session, inputs.code, theme=inputs.theme, region=row)
    refuse([*faults, *codes])
    return Task(
        process=IMPORT_DATASET.id,
        # Where neither is given those of the file hold: a scale of 1 that is given says something.
        inputs=inputs.model_dump(
            mode="json", exclude={"scale", "offset"} - inputs.model_fields_set
        ),
        region=region,
        upload_uri=f"uploads/{inputs.upload}",
        upload_sha256=sha256,
    )


RESOLUTION = Resolution(IMPORT_DATASET, resolve)
