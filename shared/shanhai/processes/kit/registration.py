"""Dataset rows of the rasters a job made, in the transaction that ends the job."""

import uuid
from datetime import UTC, datetime
from typing import Any

from geoalchemy2.shape import from_shape
from shapely import MultiPolygon, Polygon, get_parts
from shapely.geometry import shape
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.queries import audit
from shanhai.db.queries.jobs import RegionRow, find_region
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import JobDataset
from shanhai.errors import Conflict, NotFound
from shanhai.processes.kit.process import Publication
from shanhai.processes.kit.task import OutputFile, Task
from shanhai.storage.artifacts import StoredArtifact


def as_multipolygon(geometry: dict[str, Any]) -> Any:
    """A GeoJSON (multi)polygon as a value of a geometry column."""
    parts = [part for part in get_parts(shape(geometry)) if isinstance(part, Polygon)]
    return from_shape(MultiPolygon(parts), srid=STORAGE_SRID)


def job_id_of(task: Task) -> uuid.UUID:
    """The job a publication belongs to; a task run on files alone has none."""
    if task.job_id is None:
        raise NotFound("the task belongs to no job, so there is nothing to publish")
    return uuid.UUID(task.job_id)


async def region_of(session: AsyncSession, task: Task) -> RegionRow:
    """The region of a task as it is today.

    Raises:
        NotFound: it was removed after the job was accepted.
    """
    code = task.region.code if task.region else ""
    region = await find_region(session, code)
    if region is None:
        raise NotFound(f"region {code!r} exists no longer", message_zh=f"区域 {code!r} 已不存在")
    return region


def new_dataset(
    region: RegionRow, task: Task, file: OutputFile, stored: StoredArtifact, **columns: Any
) -> Dataset:
    """A row for a stored raster; `columns` adds what only the process knows."""
    meta = file.meta
    return Dataset(
        region_id=region.id,
        uri=stored.uri,
        checksum=stored.sha256,
        bytes=stored.bytes,
        crs=meta["crs"],
        grid=meta["grid"],
        unit=meta["unit"],
        nodata=meta["nodata"],
        footprint=as_multipolygon(meta["footprint"]),
        job_id=job_id_of(task),
        **columns,
    )


async def add_output(
    session: AsyncSession, publication: Publication, name: str, dataset: Dataset
) -> None:
    """Insert a dataset as an output of the job, with its audit entry."""
    session.add(dataset)
    await session.flush()
    session.add(
        JobDataset(
            job_id=job_id_of(publication.task),
            dataset_id=dataset.id,
            role="output",
            name=name,
            checksum=dataset.checksum,
        )
    )
    audit.record(
        session,
        audit.Act(publication.requested_by),
        "create",
        table="dataset",
        object_id=dataset.code,
        after={"theme": dataset.theme, "checksum": dataset.checksum, "origin": dataset.origin},
    )


async def retire_former(
    session: AsyncSession, publication: Publication, code: str, theme: str, region: RegionRow
) -> None:
    """Make room for a new dataset under a code in use: the former row stays, no longer live.

    Raises:
        Conflict: the code belongs to another theme, another region or a computed raster.
    """
    former = await session.scalar(
        select(Dataset).where(Dataset.code == code, Dataset.deleted_at.is_(None)).with_for_update()
    )
    if former is None:
        return
    if (former.theme, former.region_id, former.origin) != (theme, region.id, "imported"):
        raise Conflict(
            f"dataset code {code!r} is in use for {former.theme} ({former.origin}); "
            "only an imported dataset of the same theme and region can be replaced",
            message_zh=f"数据集代码 {code!r} 已被占用（专题 {former.theme}）",
        )
    former.deleted_at = datetime.now(UTC)
    former.row_version += 1
    await session.flush()
    audit.record(
        session,
        audit.Act(publication.requested_by),
        "replace",
        table="dataset",
        object_id=code,
        before={"checksum": former.checksum},
    )
