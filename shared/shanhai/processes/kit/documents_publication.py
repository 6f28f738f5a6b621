"""Results that are values and files, and no rows."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.kit.process import Publication


async def publish_values(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Give the values as they were computed."""
    return publication.outcome.values


async def publish_figures(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Give the values, and what is to be said of them."""
    return {**publication.outcome.values, "warnings": publication.outcome.warnings}
