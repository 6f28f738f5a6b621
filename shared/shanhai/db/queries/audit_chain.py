"""Verify the audit log: every row as it was written; signed heads of its chain in a file."""

import base64
import contextlib
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from pydantic import BaseModel, ValidationError
from sqlalchemy import ARRAY, BigInteger, Row, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import crypto
from shanhai.db.engine import LONG_PAUSES
from shanhai.db.tables.access import AuditChain
from shanhai.errors import Conflict, InvalidInput
from shanhai.vocabulary import Label

BLOCK = 2_000
EXPORTED = 500
"""Rows that are sent to a collector at once."""
START = crypto.digest("sha256", b"")
"""What the first link names as the one before it."""
ROWS = text(
    """SELECT c.seq, l.id, l.digest, l.algorithm, (jsonb_build_array(
                l.id, to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                l.actor, l.action, l.object_table, l.object_id, l.before, l.after,
                l.request_id) || CASE WHEN l.address IS NULL THEN '[]'::jsonb
                                      ELSE jsonb_build_array(l.address) END)::text AS content
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
ChainRow = Row[tuple[int, int, bytes, str, str]]
AFTER = text(
    """SELECT c.seq, l.id, l.at, l.actor, l.action, l.object_table, l.object_id, l.request_id,
              l.address, l.digest
         FROM (SELECT * FROM audit_chain WHERE seq >= :seq ORDER BY seq LIMIT :block) c
         CROSS JOIN LATERAL (
           SELECT * FROM audit_log
            WHERE id BETWEEN c.first_id AND c.last_id AND (c.seq > :seq OR id > :after)
            ORDER BY id LIMIT :block) l
        ORDER BY c.seq, l.id LIMIT :block"""
)
BEGIN_EXPORT = text(
    "INSERT INTO audit_export (collector, seq, last_id) VALUES (:collector, 0, 0)"
    " ON CONFLICT DO NOTHING"
)
TAKE_EXPORT = text(
    "SELECT seq, last_id FROM audit_export WHERE collector = :collector FOR UPDATE SKIP LOCKED"
)
MOVE_EXPORT = text(
    "UPDATE audit_export SET seq = :seq, last_id = :last, at = clock_timestamp()"
    " WHERE collector = :collector"
)
WAITING_SINCE = text(
    """SELECT count(*) AS links, coalesce(extract(epoch FROM now() - min(c.at)), 0)::float AS age_s
         FROM audit_chain c
        WHERE c.seq > coalesce((SELECT seq FROM audit_export WHERE collector = :collector), 0)"""
)


class AuditBroken(Conflict):
    """The audit log is not as it was written."""

    title = Label("审计日志被破坏", "Audit log broken")


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
    await demand_links(session, (since, *seen))
    rows = _rows(session, since.seq + 1)
    end, counted, found = since, since.rows, head in {None, since.hash}
    previous = bytes.fromhex(since.hash)
    async for link in _links(session, since.seq):
        if (link.seq, link.start, link.previous) != (end.seq + 1, counted, previous):
            raise _broken(
                link.first_id,
                f"link {link.seq} does not follow link {end.seq}",
                f"第 {link.seq} 环未接在第 {end.seq} 环之后",
            )
        if link.algorithm not in crypto.HASHES:
            raise _broken(
                link.first_id,
                f"link {link.seq} is hashed by {link.algorithm!r}",
                f"第 {link.seq} 环的哈希算法为 {link.algorithm!r}",
            )
        digests = crypto.new_hash(link.algorithm)
        numbers = (link.seq, link.first_id, link.last_id)
        digests.update(previous + b"".join(one.to_bytes(8, "big", signed=True) for one in numbers))
        for number in range(link.first_id, link.last_id + 1):
            digests.update(_digest_of(await anext(rows, None), link.seq, number))
            counted += 1
        if digests.finalize() != link.hash:
            raise _broken(
                link.first_id,
                f"link {link.seq} does not hold its rows",
                f"第 {link.seq} 环与其记录不符",
            )
        previous = link.hash
        end = Head(link.seq, link.hash.hex(), counted)
        found = found or end.hash == head
    if await session.scalar(NUMBER) != counted:
        stray = await session.scalar(STRAY) or 0
        raise _broken(stray, "is in no link of the chain", "不在链的任何一环中")
    if not found:
        raise _cut_off(head)
    return end


async def export_after(
    session: AsyncSession, collector: str, send: Callable[[Sequence[Row[Any]]], Awaitable[None]]
) -> int:
    """Send the next rows in the order of the chain, and note that they were; how many.

    That order is the one of commits: a row is seen with its link, and no link comes before one that
    was seen. One process sends at a time. Who ends between sending and noting sends those rows
    again.

    Args:
        session: In a transaction that is committed afterwards.
        collector: What the place is kept under.
        send: Returns when the rows were taken.
    """
    await session.execute(BEGIN_EXPORT, {"collector": collector})
    await session.commit()
    # Longer than each step of sending may take, together.
    await session.execute(LONG_PAUSES)
    place = (await session.execute(TAKE_EXPORT, {"collector": collector})).one_or_none()
    if place is None:
        return 0
    values = {"seq": place.seq, "after": place.last_id, "block": EXPORTED}
    rows = (await session.execute(AFTER, values)).all()
    if rows:
        await send(rows)
        values = {"collector": collector, "seq": rows[-1].seq, "last": rows[-1].id}
        await session.execute(MOVE_EXPORT, values)
    await session.commit()
    return len(rows)


async def export_backlog(session: AsyncSession, collector: str) -> tuple[int, float]:
    """How many links a collector has not begun with, and how old the first is, in seconds."""
    row = (await session.execute(WAITING_SINCE, {"collector": collector})).one()
    return int(row.links), float(row.age_s)


async def demand_links(session: AsyncSession, seen: Sequence[Head]) -> None:
    """Make sure links are still there, with the hashes they had.

    Raises:
        AuditBroken: names the first that is not.
    """
    query = select(AuditChain.seq, AuditChain.hash).where(
        AuditChain.seq == func.any(bindparam("numbers", type_=ARRAY(BigInteger)))
    )
    rows = await session.execute(query, {"numbers": sorted({link.seq for link in seen})})
    found = {row.seq: row.hash.hex() for row in rows}
    for link in seen:
        if link.seq and found.get(link.seq) != link.hash:
            raise _cut_off(link.hash)


def _cut_off(head: str | None) -> AuditBroken:
    return AuditBroken(
        f"no link has the hash {head}: the end of the log was cut off or written anew",
        message_zh=f"链中没有哈希值 {head}：日志末尾被截去或改写",
    )


def _digest_of(row: ChainRow | None, seq: int, number: int) -> bytes:
    """The digest of the row that must come next."""
    if row is None or (row.seq, row.id) != (seq, number):
        raise _broken(number, "is missing", "缺失")
    known = row.algorithm in crypto.HASHES
    if not known or crypto.digest(row.algorithm, row.content.encode()) != row.digest:
        raise _broken(number, "is not as it was written", "与写入时不同")
    digest: bytes = row.digest
    return digest


def _broken(number: int, what: str, zh: str) -> AuditBroken:
    return AuditBroken(f"audit row {number}: {what}", message_zh=f"审计记录 {number} 有误：{zh}")


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


class SignedHead(BaseModel, frozen=True, extra="forbid"):
    """A head of the chain at a moment, and the signature of both (base64)."""

    at: datetime
    seq: int
    rows: int
    hash: str
    signature: str = ""
    algorithm: Literal["Ed25519", "SM2"] = "Ed25519"

    @property
    def head(self) -> Head:
        """The link itself."""
        return Head(self.seq, self.hash, self.rows)

    def signed_bytes(self) -> bytes:
        """What the signature is made of."""
        at = self.at.astimezone(UTC).isoformat()
        return f"shanhai audit head\n{at}\n{self.seq}\n{self.rows}\n{self.hash}".encode()


HeadKeys = Mapping[str, crypto.PublicKey]
"""Public keys by what they verify: Ed25519, SM2."""


def make_signing_key(path: Path) -> str:
    """Write a new private key of the chosen suite to a file for its owner alone; the public as PEM.

    Raises:
        FileExistsError: there is such a file.
    """
    key = crypto.make_private_key(crypto.chosen_suite())
    crypto.write_new(path, crypto.private_pem(key))
    return crypto.public_pem(key.public_key())


def make_missing_key(path: Path, public: Path) -> None:
    """Make the private key of the chosen suite where there is none, and write down the public one.

    Of several who do so at the same time one makes it, whole, and all use it. A key of the other
    suite stays, and the new one lies beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    place = _place_of(path)
    if not place.exists():
        made = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
        try:
            make_signing_key(made)
            with contextlib.suppress(FileExistsError):
                os.link(made, place)
        finally:
            made.unlink(missing_ok=True)
    public.parent.mkdir(parents=True, exist_ok=True)
    with (
        contextlib.suppress(FileExistsError),
        _place_of(public).open("x", encoding="ascii") as file,
    ):
        file.write(crypto.public_pem(read_signing_key(path).public_key()))


def _place_of(path: Path) -> Path:
    """Where the key of the chosen suite lies: in the file that is named, unless that holds one of
    the other."""
    wanted = crypto.SIGNATURE_OF[crypto.chosen_suite()]
    if path.exists():
        found = crypto.load_private_key(path) or crypto.load_public_key(path)
        if found is not None and crypto.algorithm_of(found) != wanted:
            return _beside(path, wanted)
    return path


def _beside(path: Path, algorithm: str) -> Path:
    return path.with_name(f"{path.stem}-{algorithm.lower()}{path.suffix}")


def read_signing_key(path: Path) -> crypto.PrivateKey:
    """The private key of the chosen suite, in a file or beside it.

    Raises:
        InvalidInput: the file holds none.
    """
    key = crypto.load_private_key(_place_of(path))
    if key is None:
        raise _no_key(path, "SHANHAI_AUDIT_KEY_FILE")
    return key


def read_public_key(path: Path) -> HeadKeys:
    """The public key in a file, and that of the other suite where one lies beside it.

    Raises:
        InvalidInput: the file holds none.
    """
    key = crypto.load_public_key(path)
    if key is None:
        raise _no_key(path, "--public-key")
    plain = path.with_stem(path.stem.removesuffix("-sm2").removesuffix("-ed25519"))
    names = crypto.SIGNATURE_OF.values()
    beside = [plain, *(_beside(one, name) for one in (plain, path) for name in names)]
    others = [crypto.load_public_key(one) for one in beside if one.exists()]
    return {crypto.algorithm_of(one): one for one in (*others, key) if one is not None}


def add_head(path: Path, head: Head, key: crypto.PrivateKey) -> SignedHead:
    """Sign a head and add it to a file, durably."""
    bare = SignedHead(
        at=datetime.now(UTC),
        seq=head.seq,
        rows=head.rows,
        hash=head.hash,
        algorithm="SM2" if isinstance(key, crypto.Sm2PrivateKey) else "Ed25519",
    )
    signature = base64.b64encode(key.sign(bare.signed_bytes())).decode()
    signed = bare.model_copy(update={"signature": signature})
    path.parent.mkdir(parents=True, exist_ok=True)
    # In one write at the end of the file: several workers may add to it.
    with path.open("ab", buffering=0) as file:
        file.write(signed.model_dump_json(exclude_defaults=True).encode() + b"\n")
        os.fsync(file.fileno())
    return signed


def read_heads(path: Path, keys: HeadKeys) -> list[SignedHead]:
    """The heads in a file, each with a right signature; none when there is no file.

    Raises:
        AuditBroken: a line is no head, or was not signed with one of the keys.
        InvalidInput: the key of a line's suite is not among them.
    """
    if not path.exists():
        return []
    heads = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            head = SignedHead.model_validate_json(line)
            keys[head.algorithm].verify(base64.b64decode(head.signature), head.signed_bytes())
        except KeyError:
            name, had = head.algorithm, ", ".join(keys)
            raise InvalidInput(
                f"{path}, line {number} is signed by {name}, and there is a public key of {had}"
                f" alone: put …-{name.lower()}.pub beside it",
                message_zh=f"{path} 第 {number} 行由 {name} 签名，而公钥只有 {had}："
                f"请将 …-{name.lower()}.pub 放在其旁",
                pointer="--public-key",
            ) from None
        except (ValidationError, InvalidSignature, ValueError):
            raise AuditBroken(
                f"{path}, line {number}: is no head signed with the key",
                message_zh=f"{path} 第 {number} 行不是以该密钥签名的链头",
            ) from None
        heads.append(head)
    return heads


def _no_key(path: Path, pointer: str) -> InvalidInput:
    return InvalidInput(
        f"{path} does not hold an Ed25519 or SM2 key in PEM",
        message_zh=f"{path} 中没有 PEM 格式的 Ed25519 或 SM2 密钥",
        pointer=pointer,
    )
