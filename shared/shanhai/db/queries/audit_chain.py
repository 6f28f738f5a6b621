"""Verify the audit log: every row as it was written, none missing, none slipped in.

Digests are computed here and not by the functions of the database, which who can change rows could
have changed as well.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables import AuditChain
from shanhai.errors import Conflict

BLOCK = 2_000
START = hashlib.sha256(b"").digest()
"""What the first link names as the one before it."""
ROWS = text(
    """SELECT c.seq, l.id, l.digest, jsonb_build_array(
                l.id, to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                l.actor, l.action, l.object_table, l.object_id, l.before, l.after,
                l.request_id)::text AS content
         FROM (SELECT * FROM audit_chain WHERE seq >= :seq ORDER BY seq LIMIT :block) c
         CROSS JOIN LATERAL (
           SELECT * FROM audit_log
            WHERE id BETWEEN c.first_id AND c.last_id AND (c.seq > :seq OR id > :after)
            ORDER BY id LIMIT :block) l
        ORDER BY c.seq, l.id LIMIT :block"""
)
NUMBER = text("SELECT count(*) FROM audit_log")
STRAY = text(
    """SELECT min(l.id) FROM audit_log l
        WHERE NOT coalesce((SELECT c.last_id >= l.id FROM audit_chain c
                             WHERE c.first_id <= l.id ORDER BY c.first_id DESC LIMIT 1), false)"""
)
ChainRow = Row[tuple[int, int, bytes, str]]


class AuditBroken(Conflict):
    """The audit log is not as it was written."""

    title = "Audit log broken"
    title_zh = "审计日志被破坏"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain; who keeps `hash` elsewhere can tell whether the end was cut off."""

    seq: int
    hash: str
    rows: int


BEGINNING = Head(0, START.hex(), 0)
"""Before the first link."""


async def verify_chain(
    session: AsyncSession,
    *,
    head: str | None = None,
    since: Head = BEGINNING,
    seen: Sequence[Head] = (),
) -> Head:
    """Follow the chain from its beginning, or from a link whose rows were found right before.

    Args:
        session: One that has not been used yet.
        head: The hash of a link seen earlier, after `since`; it must still be there.
        since: The link to begin after; it must still be there.
        seen: Links seen earlier; each must still be there.

    Raises:
        AuditBroken: names the first row or link that is wrong.
    """
    # One state of both tables, however long it takes.
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    for link_seen in (since, *seen):
        await _demand_link(session, link_seen)
    rows = _rows(session, since.seq + 1)
    end, counted, found = since, since.rows, head in {None, since.hash}
    previous = bytes.fromhex(since.hash)
    async for link in _links(session, since.seq):
        if (link.seq, link.start, link.previous) != (end.seq + 1, counted, previous):
            raise _broken(f"link {link.seq} does not follow link {end.seq}", link.first_id)
        digests = hashlib.sha256(previous + _numbers(link.seq, link.first_id, link.last_id))
        for number in range(link.first_id, link.last_id + 1):
            digests.update(_digest_of(await anext(rows, None), link.seq, number))
            counted += 1
        if digests.digest() != link.hash:
            raise _broken(f"link {link.seq} does not hold its rows", link.first_id)
        previous = link.hash
        end = Head(link.seq, link.hash.hex(), counted)
        found = found or end.hash == head
    if await session.scalar(NUMBER) != counted:
        raise _broken("is in no link of the chain", await session.scalar(STRAY) or 0)
    if not found:
        raise _cut_off(head)
    return end


async def _demand_link(session: AsyncSession, wanted: Head) -> None:
    """Make sure a link is still there, with the hash it had."""
    if wanted.seq == 0:
        return
    present = await session.scalar(select(AuditChain.hash).where(AuditChain.seq == wanted.seq))
    if present is None or present.hex() != wanted.hash:
        raise _cut_off(wanted.hash)


def _cut_off(head: str | None) -> AuditBroken:
    return AuditBroken(
        f"no link has the hash {head}: the end of the log was cut off or written anew",
        message_zh=f"链中没有哈希值 {head}：日志末尾被截去或改写",
    )


def _digest_of(row: ChainRow | None, seq: int, number: int) -> bytes:
    """The digest of the row that must come next."""
    if row is None or (row.seq, row.id) != (seq, number):
        raise _broken("is missing", number)
    digest = hashlib.sha256(row.content.encode()).digest()
    if digest != row.digest:
        raise _broken("is not as it was written", number)
    return digest


def _broken(what: str, number: int) -> AuditBroken:
    return AuditBroken(f"audit row {number}: {what}", message_zh=f"审计记录 {number} 有误：{what}")


def _numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, "big", signed=True) for value in values)


async def _rows(session: AsyncSession, seq: int) -> AsyncIterator[ChainRow]:
    """The rows in the order of the chain: numbers reserved early are in late links."""
    after = -1
    while True:
        values = {"seq": seq, "after": after, "block": BLOCK}
        block = (await session.execute(ROWS, values)).all()
        for row in block:
            yield row
        if not block:
            return
        seq, after = block[-1].seq, block[-1].id


async def _links(session: AsyncSession, after: int) -> AsyncIterator[AuditChain]:
    while True:
        query = select(AuditChain).where(AuditChain.seq > after)
        block = (await session.scalars(query.order_by(AuditChain.seq).limit(BLOCK))).all()
        for link in block:
            yield link
        if not block:
            return
        after = block[-1].seq
        session.expunge_all()
