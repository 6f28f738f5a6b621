"""Verify the audit log: every row as it was written; signed heads of its chain in a file."""

import base64
import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ValidationError
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.access import AuditChain
from shanhai.errors import Conflict, InvalidInput

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


Pem = serialization.Encoding.PEM


class SignedHead(BaseModel, frozen=True, extra="forbid"):
    """A head of the chain at a moment, and the signature of both (Ed25519, base64)."""

    at: datetime
    seq: int
    rows: int
    hash: str
    signature: str = ""

    @property
    def head(self) -> Head:
        """The link itself."""
        return Head(self.seq, self.hash, self.rows)

    def signed_bytes(self) -> bytes:
        """What the signature is made of."""
        at = self.at.astimezone(UTC).isoformat()
        return f"shanhai audit head\n{at}\n{self.seq}\n{self.rows}\n{self.hash}".encode()


def make_signing_key(path: Path) -> str:
    """Write a new private key to a file for its owner alone; the public key as PEM.

    Raises:
        FileExistsError: there is such a file.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        Pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private)
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(Pem, public).decode()


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file.

    Raises:
        InvalidInput: the file holds none of that kind.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "SHANHAI_AUDIT_KEY_FILE")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a file.

    Raises:
        InvalidInput: the file holds none of that kind.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "--public-key")
    return key


def add_head(path: Path, head: Head, key: Ed25519PrivateKey) -> SignedHead:
    """Sign a head and add it to a file, durably."""
    bare = SignedHead(at=datetime.now(UTC), seq=head.seq, rows=head.rows, hash=head.hash)
    signature = base64.b64encode(key.sign(bare.signed_bytes())).decode()
    signed = bare.model_copy(update={"signature": signature})
    path.parent.mkdir(parents=True, exist_ok=True)
    # In one write at the end of the file: several workers may add to it.
    with path.open("ab", buffering=0) as file:
        file.write(signed.model_dump_json().encode() + b"\n")
        os.fsync(file.fileno())
    return signed


def read_heads(path: Path, key: Ed25519PublicKey) -> list[SignedHead]:
    """The heads in a file, each with a right signature; none when there is no file.

    Raises:
        AuditBroken: a line is no head, or was not signed with the key.
    """
    if not path.exists():
        return []
    heads = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            head = SignedHead.model_validate_json(line)
            key.verify(base64.b64decode(head.signature), head.signed_bytes())
        except (ValidationError, InvalidSignature, ValueError):
            raise AuditBroken(
                f"{path}, line {number}: is no head signed with the key",
                message_zh=f"{path} 第 {number} 行不是以该密钥签名的链头",
            ) from None
        heads.append(head)
    return heads


def _no_key(path: Path, pointer: str) -> InvalidInput:
    return InvalidInput(
        f"{path} does not hold an Ed25519 key in PEM",
        message_zh=f"{path} 中没有 PEM 格式的 Ed25519 密钥",
        pointer=pointer,
    )
