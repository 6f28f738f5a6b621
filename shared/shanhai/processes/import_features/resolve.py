"""The task of the import of features, and what its caller may write."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Identity, editing_of
from shanhai.processes.import_features.contract import (
    IMPORT_FEATURES,
    ImportFeaturesInputs,
    ImportFeaturesTask,
)
from shanhai.processes.kit.lookups import find_usable_region, judge_collection, judge_upload, refuse
from shanhai.processes.kit.publication import rights_of
from shanhai.processes.kit.resolution import Resolution
from shanhai.processes.kit.task import Task

FEW = 5_000
"""Codes of one collection that a task may carry, so that a report can name unknown ones."""


async def resolve(
    session: AsyncSession, inputs: ImportFeaturesInputs, *, requested_by: str
) -> Task:
    """The upload, the collection, and the region that is to be covered."""
    region = None
    if inputs.region is not None:
        _, region = await find_usable_region(session, inputs.region)
    sha256, faults = await judge_upload(session, inputs.upload, owner=requested_by)
    refuse([*judge_collection(inputs.collection, inputs.mapping), *faults])
    return ImportFeaturesTask(
        process=IMPORT_FEATURES.id,
        inputs=inputs.model_dump(mode="json"),
        region=region,
        upload_uri=f"uploads/{inputs.upload}",
        upload_sha256=sha256,
    )


async def authorise(session: AsyncSession, task: Task, identity: Identity) -> Task:
    """The task with the rights of its caller, and the codes its rows may refer to."""
    entity = entity_named(task.inputs["collection"])
    editing_of(entity, identity, "update")
    references = await _few_codes(session, entity, identity)
    return task.model_copy(update={"authority": rights_of(identity), "references": references})


async def _few_codes(
    session: AsyncSession, entity: Entity, identity: Identity
) -> dict[str, list[str]]:
    """The codes each reference may have, by property, for collections that are not large."""
    found: dict[str, list[str]] = {}
    for item in entity.receivables:
        # Rows of one file may refer to each other, as places to the places above them.
        if item.refers_to is None or item.refers_to == entity.name:
            continue
        other = entity_named(item.refers_to)
        if other.aliases:
            continue
        met = " AND ".join((other.live, *visibility(other, identity.viewer)))
        query = text(
            f"SELECT DISTINCT {other.code} FROM {other.source} WHERE {met} LIMIT {FEW + 1}"  # noqa: S608
        )
        codes = list((await session.execute(query, viewer_values(identity.viewer))).scalars())
        if len(codes) <= FEW:
            found[item.name] = sorted(codes)
    return found


RESOLUTION = Resolution(IMPORT_FEATURES, resolve, authorise)
