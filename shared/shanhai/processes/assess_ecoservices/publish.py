"""The rows of an assessment: its rasters as computed datasets."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.assess_ecoservices.contract import AssessEcoservicesInputs
from shanhai.processes.kit.publication import publish_rasters
from shanhai.processes.kit.task import Publication


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Register the rasters of an assessment as computed datasets."""
    inputs = AssessEcoservicesInputs.model_validate(publication.task.inputs)
    layers = await publish_rasters(session, publication, inputs, public=inputs.public)
    return {
        "layers": layers,
        **publication.outcome.values,
        "flags": publication.outcome.manifest["flags"],
        "warnings": publication.outcome.warnings,
    }
