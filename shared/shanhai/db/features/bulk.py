"""Create and change many objects of an entity in one transaction, by its declaration alone.

The same rules as `writing` has for one: rights, references, states, guards, history, audit.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.bulk_images import audit_rows, keep_images, keep_new_images
from shanhai.db.features.bulk_judging import Rejected, Rejections, judge, judge_written
from shanhai.db.features.bulk_writing import write_rows
from shanhai.db.features.entity import Editing, Entity, Property
from shanhai.db.features.rights import editing_of
from shanhai.db.features.sending_back import keep_what_was_sent_back
from shanhai.db.features.staging import (
    ROWS,
    Stage,
    Staged,
    copy_rows,
    find_references,
    resolve_rows,
    spans_of,
)
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act


@dataclass(slots=True)
class Tally:
    """What a bulk write did.

    Attributes:
        rejected: How many rows cannot be written.
        kept: How many values stay, by property, because the file has only their beginning.
        rejections: The first of them, and why.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    kept: Mapping[str, int] = field(default_factory=dict)
    rejections: list[Rejected] = field(default_factory=list)


async def write_many(
    session: AsyncSession,
    entity: Entity,
    identity: Identity,
    act: Act,
    properties: Sequence[Property],
    blocks: AsyncIterator[Sequence[Staged]],
    *,
    shaped: bool,
    partly: bool,
    public: bool = False,
) -> Tally:
    """Write the rows; those of known codes are changed where they differ, the others are created.

    Args:
        properties: What the rows give beside code and geometry; absent values empty a member.
        blocks: The rows, once.
        shaped: The rows have geometry.
        partly: Leave out rows that cannot be written; else one such row leaves all unwritten.
        public: Whether new rows that do not say so themselves are for everybody; without it those
            are refused that everybody would see at once.

    Raises:
        Unauthenticated, Forbidden: the identity may not write the entity at all.
        Conflict, InvalidInput: more rows break rules of the table than can be named.
    """
    shaped = shaped and entity.geometry_column is not None
    stage = Stage(entity, tuple(properties), shaped, public)
    editing = editing_of(entity, identity, "update")
    await copy_rows(session, stage, blocks)
    await find_references(session, stage, identity.viewer)
    await resolve_rows(session, stage)
    kept = await keep_what_was_sent_back(session, stage, await spans_of(session))
    found = await judge(session, stage, editing, identity)
    if found.told and not partly:
        return await _refusal(session, found)
    await found.leave_out(session)
    if await _number(session, "found IS NULL"):
        editing_of(entity, identity, "create")
    if not await _write(session, stage, editing, identity, found, partly=partly):
        return await _refusal(session, found)
    await keep_new_images(session, stage)
    await audit_rows(session, stage, act)
    return Tally(
        await _number(session, "found IS NULL"),
        await _number(session, "changed"),
        await _number(session, "found IS NOT NULL AND NOT changed"),
        await found.number(session),
        kept,
        found.told,
    )


async def _refusal(session: AsyncSession, found: Rejections) -> Tally:
    return Tally(rejected=await found.number(session), rejections=found.told)


async def _number(session: AsyncSession, condition: str) -> int:
    query = text(f"SELECT count(*) FROM {ROWS} WHERE {condition}")  # noqa: S608
    return int(await session.scalar(query) or 0)


async def _write(
    session: AsyncSession,
    stage: Stage,
    editing: Editing,
    identity: Identity,
    found: Rejections,
    *,
    partly: bool,
) -> bool:
    """Write all rows but those that turn out to be refused; without `partly`, those leave nothing.

    Returns:
        Whether anything was written.
    """
    while True:
        savepoint = await session.begin_nested()
        await keep_images(session, stage)
        refused = await write_rows(session, stage, editing, partly=partly)
        # Where new rows lie is known only once they are there.
        foreign = await judge_written(session, stage, editing, identity)
        if not foreign.told and (partly or not refused):
            await savepoint.commit()
            await found.add(session, refused)
            await found.leave_out(session)
            return True
        await foreign.outlive(session, savepoint)
        found.take(foreign)
        if not partly:
            await found.add(session, refused)
            return False
        await found.leave_out(session)
