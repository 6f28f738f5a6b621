"""The rows of a scenario: its rasters as computed datasets; a scenario changes no network."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.kit.publication import publish_rasters
from shanhai.processes.kit.task import Publication
from shanhai.processes.run_scenario.contract import RunScenarioInputs


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Register the rasters of a scenario and return the results document with its figures."""
    inputs = RunScenarioInputs.model_validate(publication.task.inputs)
    layers = await publish_rasters(session, publication, inputs, public=inputs.publish)
    return {
        "layers": layers,
        **publication.outcome.values,
        "warnings": publication.outcome.warnings,
    }
