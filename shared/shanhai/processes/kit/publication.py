"""The rows of results: rasters as datasets, in the job's transaction; values as they are."""

from typing import Any, Protocol

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.dataset import Dataset
from shanhai.processes.kit.process import Publication
from shanhai.processes.kit.registration import add_output, job_id_of, new_dataset, region_of


class OnGrid(Protocol):
    """Inputs that say how fine the rasters are and which plan they belong to."""

    @property
    def cell_m(self) -> float:
        """Side of a cell, m."""
        ...

    @property
    def plan(self) -> str | None:
        """Code of the plan, if any."""
        ...


async def publish_rasters(
    session: AsyncSession, publication: Publication, inputs: OnGrid, *, public: bool
) -> dict[str, str]:
    """Register every raster of the outcome; returns their names in the tile service.

    What rests on a closed dataset is closed as well; a closed layer is found by its job.
    """
    region = await region_of(session, publication.task)
    shown = public and await _inputs_are_public(session, publication)
    rasters = [file for file in publication.outcome.files if file.kind == "raster"]
    for file in rasters:
        dataset = new_dataset(
            region,
            publication.task,
            file,
            publication.stored[file.name],
            code=f"{file.name}.{job_id_of(publication.task)}",
            theme=file.name,
            origin="computed",
            name_zh=f"{region.name_zh}：{file.title_zh}",
            name_en=f"{region.name_en}: {file.title_en}",
            public=shown,
            attrs={"cell_m": inputs.cell_m, "plan": inputs.plan},
            **_inherited(publication, inputs.cell_m),
        )
        await add_output(session, publication, file.name, dataset)
    of = region.code if shown else str(job_id_of(publication.task))
    return {file.name: f"{file.name}.{of}" for file in rasters}


async def _inputs_are_public(session: AsyncSession, publication: Publication) -> bool:
    ids = [dataset.id for dataset in publication.task.datasets.values()]
    closed = select(func.count()).where(Dataset.id.in_(ids), Dataset.public.is_(False))
    return not await session.scalar(closed)


def _inherited(publication: Publication, cell_m: float) -> dict[str, Any]:
    """What a result takes over from its inputs: it is as coarse and as uncertain as the worst."""
    used = list(publication.task.datasets.values())
    replaced = [one for one in used if one.stand_in]
    known = [one.native_resolution_m for one in used if one.native_resolution_m is not None]
    return {
        "native_resolution_m": max([cell_m, *known]),
        "stand_in": bool(replaced),
        "stand_in_note_zh": _joined("所用替代数据：", [one.name_zh for one in replaced]),
        "stand_in_note_en": _joined("rests on stand-ins: ", [one.name_en for one in replaced]),
        "source": _joined("computed from ", sorted({one.source for one in used if one.source})),
        "licence": _joined("", sorted({one.licence for one in used if one.licence})),
    }


def _joined(lead: str, parts: list[str]) -> str | None:
    return lead + "; ".join(parts) if parts else None


async def publish_values(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Give the values as they were computed."""
    return publication.outcome.values


async def publish_figures(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Give the values, and what is to be said of them."""
    return {**publication.outcome.values, "warnings": publication.outcome.warnings}
