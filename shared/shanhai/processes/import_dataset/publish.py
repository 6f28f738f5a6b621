"""The row of an imported raster, in the transaction that ends its job."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.import_dataset.contract import DESCRIBED, ImportDatasetInputs
from shanhai.processes.kit.publication import (
    add_outputs,
    closed_as,
    identity_of,
    job_id_of,
    new_dataset,
    region_of,
    retire_former,
)
from shanhai.processes.kit.task import RELATIVE_ERROR, Publication
from shanhai.raster.themes import THEME_RULES


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Register the raster, unless it was to be checked alone; a dataset of the same code is
    retired, not overwritten."""
    task = publication.task
    inputs = ImportDatasetInputs.model_validate(task.inputs)
    summary, warnings = publication.outcome.values["summary"], publication.outcome.warnings
    if inputs.mode == "check":
        return {"summary": {**summary, "verdict": "checked"}, "warnings": warnings}
    file = publication.outcome.files[0]
    region = await region_of(session, task)
    code = inputs.code or f"{inputs.region}.{inputs.theme}.{job_id_of(task).hex[:8]}"
    former = await retire_former(session, publication, code, inputs.theme, region)
    label = THEME_RULES[inputs.theme].label
    dataset = new_dataset(
        region,
        task,
        file,
        publication.stored[file.name],
        code=code,
        theme=inputs.theme,
        origin="imported",
        name_zh=inputs.name_zh or f"{region.name_zh}{label.zh}",
        name_en=inputs.name_en or f"{region.name_en}: {label.en}",
        native_resolution_m=file.meta["native_resolution_m"],
        **inputs.model_dump(include=DESCRIBED),
        **closed_as(inputs, former, lambda: identity_of(task)),
        attrs={
            "source_sha256": publication.outcome.manifest["source"]["sha256"],
            **({} if inputs.relative_error is None else {RELATIVE_ERROR: inputs.relative_error}),
        },
    )
    await add_outputs(session, publication, {file.name: dataset})
    return {"dataset": code, "summary": {**summary, "verdict": "imported"}, "warnings": warnings}
