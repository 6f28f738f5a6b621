"""What the caller of a job may publish, and the rows of its results, in one transaction."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from geoalchemy2.shape import from_shape
from shapely import MultiPolygon, Polygon, get_parts
from shapely.geometry import shape
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.identity import (
    PUBLISH_SCOPES,
    PUBLISHERS,
    Grant,
    Identity,
    demand_role,
    demand_scopes,
)
from shanhai.db.queries import audit
from shanhai.db.queries.jobs import RegionRow, find_region
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import JobDataset
from shanhai.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound
from shanhai.processes.kit.contract import Inputs, ProcessContract
from shanhai.processes.kit.task import (
    AuthorityTask,
    GrantTask,
    Outcome,
    OutputFile,
    Publication,
    Task,
)
from shanhai.storage.artifacts import StoredArtifact
from shanhai.vocabulary import READ_BY, WIDEST, Visibility, broken_class_rule, closedness


def identity_of(task: Task) -> Identity:
    """Who asked for a job, with the rights of that moment.

    Raises:
        Forbidden: the task carries none, so nothing can be written in anybody's name.
    """
    kept = task.authority
    if kept is None:
        raise Forbidden("the task carries no rights", message_zh="任务未附带权限")
    grants = None
    if kept.grants is not None:
        grants = tuple(
            Grant(item.role, None if item.regions is None else frozenset(item.regions))
            for item in kept.grants
        )
    groups, proofs = frozenset(kept.groups), frozenset(kept.proofs)
    return Identity(kept.owner, frozenset(kept.scopes), grants, groups, proofs)


def with_rights(task: Task, identity: Identity) -> Task:
    """The task with the rights an identity has now."""
    return task.model_copy(update={"authority": rights_of(identity)})


def rights_of(identity: Identity) -> AuthorityTask:
    """The rights of an identity, as a task keeps them."""
    grants = None
    if identity.grants is not None:
        grants = [
            GrantTask(
                role=item.role, regions=None if item.regions is None else sorted(item.regions)
            )
            for item in identity.grants
        ]
    return AuthorityTask(
        owner=identity.owner,
        scopes=sorted(identity.scopes),
        grants=grants,
        groups=sorted(identity.groups),
        proofs=sorted(identity.proofs),
    )


async def demand_right(
    session: AsyncSession, contract: ProcessContract, inputs: Mapping[str, Any], identity: Identity
) -> None:
    """Refuse the wish to publish of whoever is no approver of the region.

    Raises:
        Unauthenticated, Forbidden: So it is.
    """
    if not contract.wishes_to_publish(inputs):
        return
    demand_scopes(identity, PUBLISH_SCOPES)
    region = await find_region(session, inputs["region"])
    pointer = f"/inputs/{contract.publish_input}"
    try:
        demand_role(identity, PUBLISHERS, None if region is None else region.id)
    except Forbidden as error:
        raise Forbidden(
            f"{pointer}: {error.message}; without it the result is a draft, which an approver"
            " may publish",
            message_zh=f"{pointer}：{error.message_zh}；不发布时结果为草案，可由审批者发布",
        ) from error


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


async def add_outputs(
    session: AsyncSession, publication: Publication, datasets: Mapping[str, Dataset]
) -> None:
    """Insert datasets as outputs of the job by their names there, with their audit entries.

    What is computed is of the most closed class and grade of what the job read.
    """
    closest = await _most_closed(session, publication.task)
    for dataset in datasets.values():
        if dataset.origin == "computed":
            dataset.data_class, dataset.data_grade = closest
    session.add_all(datasets.values())
    await session.flush()
    job_id = job_id_of(publication.task)
    for name, dataset in datasets.items():
        session.add(
            JobDataset(
                job_id=job_id,
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


def closed_as(
    inputs: Inputs, former: Dataset | None, identity: Callable[[], Identity]
) -> dict[str, Any]:
    """Visibility, class and grade of a new dataset; what is not stated stays as of its former one.

    Raises:
        InvalidInput: what is stated does not go with what stays.
        Forbidden: it would be less closed by class and grade, and the caller is no approver.
    """
    if former is None:
        return inputs.model_dump(include={*READ_BY})
    stated = inputs.model_dump(include=inputs.model_fields_set & READ_BY)
    found = {name: getattr(former, name) for name in READ_BY} | stated
    if (broken := broken_class_rule(**found)) is not None:
        if broken[0] in stated:
            raise InvalidInput.placed([Fault(f"/inputs/{broken[0]}", broken[1].en, broken[1].zh)])
        found["visibility"] = WIDEST[found["data_class"]]
    was = closedness(former.data_class, former.data_grade)
    if closedness(found["data_class"], found["data_grade"]) < was:
        demand_scopes(identity(), PUBLISH_SCOPES)
        demand_role(identity(), PUBLISHERS, former.region_id)
    return found


async def retire_former(
    session: AsyncSession, publication: Publication, code: str, theme: str, region: RegionRow
) -> Dataset | None:
    """Make room for a new dataset under a code in use: the former row stays, no longer live.

    Raises:
        Conflict: the code belongs to another theme, another region or a computed raster.
    """
    # Of jobs at the same moment each finds what the one before has made.
    turn = func.hashtextextended(f"dataset {code}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    former = await session.scalar(
        select(Dataset).where(Dataset.code == code, Dataset.deleted_at.is_(None)).with_for_update()
    )
    if former is None:
        return None
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
        before={name: getattr(former, name) for name in sorted({"checksum", *READ_BY})},
    )
    return former


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
    shown = public and await all_public(session, publication.task)
    job_id, worst = str(job_id_of(publication.task)), _inherited(publication, inputs.cell_m)
    datasets = {
        file.name: new_dataset(
            region,
            publication.task,
            file,
            publication.stored[file.name],
            code=f"{file.name}.{job_id}",
            theme=file.name,
            origin="computed",
            name_zh=f"{region.name_zh}：{file.title_zh}",
            name_en=f"{region.name_en}: {file.title_en}",
            visibility=Visibility.PUBLIC if shown else Visibility.REGION,
            attrs={
                "cell_m": inputs.cell_m,
                "plan": inputs.plan,
                **compared_in(publication.outcome, file.name),
            },
            **worst,
        )
        for file in publication.outcome.files
        if file.kind == "raster"
    }
    await add_outputs(session, publication, datasets)
    of = region.code if shown else job_id
    return {name: f"{name}.{of}" for name in datasets}


async def publish_layers(
    contract: ProcessContract, session: AsyncSession, publication: Publication
) -> dict[str, Any]:
    """Register every raster of the outcome; give them and the values, and what is said of them."""
    inputs: Any = contract.inputs.model_validate(publication.task.inputs)
    public = contract.wishes_to_publish(publication.task.inputs)
    layers = await publish_rasters(session, publication, inputs, public=public)
    return {"layers": layers, **await publish_figures(session, publication)}


COMPARED = "compared"
"""Attribute of a ratio: whether it is of `amounts` in a unit or of `ranks`."""


def compared_in(outcome: Outcome, theme: str) -> dict[str, str]:
    """What the ratio of a service compares, as the manifest tells; nothing of other layers."""
    kind, _, service = theme.partition(".")
    compared = outcome.manifest.get("ratio", {}).get(COMPARED, {}).get(service)
    return {COMPARED: compared} if kind == "ratio" and compared else {}


async def _most_closed(session: AsyncSession, task: Task) -> tuple[str | None, str | None]:
    ids = [dataset.id for dataset in task.datasets.values()]
    read = select(Dataset.data_class, Dataset.data_grade).where(Dataset.id.in_(ids))
    found = [(row.data_class, row.data_grade) for row in await session.execute(read)]
    return max(found, key=lambda pair: closedness(*pair), default=(None, None))


async def all_public(session: AsyncSession, task: Task) -> bool:
    """Whether all a job reads is public: what rests on a closed dataset is closed as well."""
    ids = [dataset.id for dataset in task.datasets.values()]
    closed = select(func.count()).where(
        Dataset.id.in_(ids), Dataset.visibility != Visibility.PUBLIC
    )
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
