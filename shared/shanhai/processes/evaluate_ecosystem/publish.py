"""The rows of an evaluation: its rasters as computed datasets."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.evaluate_ecosystem.contract import EvaluateEcosystemInputs
from shanhai.processes.kit.publication import publish_rasters
from shanhai.processes.kit.task import Publication


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Register the rasters of an evaluation as computed datasets."""
    inputs = EvaluateEcosystemInputs.model_validate(publication.task.inputs)
    layers = await publish_rasters(session, publication, inputs, public=inputs.publish)
    return {
        "layers": layers,
        **publication.outcome.values,
        "warnings": publication.outcome.warnings,
    }
