"""The photos and other documents of a case: what is kept of a file beside the file."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.cases.queries import CaseSeen, find_case
from shanhai.db.cases.transitions import SCOPES
from shanhai.db.identity import Identity, demand_role, demand_scopes
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.provision import Document
from shanhai.errors import Conflict, InvalidInput
from shanhai.storage.artifacts import StoredArtifact
from shanhai.vocabulary import Role

ADDERS = frozenset({Role.SUPERVISOR, Role.APPROVER, Role.OWNER})
MOST_DOCUMENTS = 1_000
COLLECTION = "cases"


@dataclass(frozen=True, slots=True)
class CasePaper:
    """What is said of a file that is added."""

    filename: str
    media_type: str
    kind: str
    title_zh: str
    title_en: str | None


async def demand_adder(session: AsyncSession, code: str, identity: Identity) -> CaseSeen:
    """The case, locked for one who may add a document to it.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is no case it may know of.
        Conflict: the case is closed.
        InvalidInput: it has too many documents.
    """
    demand_scopes(identity, SCOPES)
    case = await find_case(session, code, identity.viewer, lock=True)
    demand_role(identity, ADDERS, case.region_id)
    if case.state == "closed":
        raise Conflict(f"case {code!r} is closed", message_zh=f"案件 {code!r} 已销号")
    query = select(func.count()).where(
        Document.owner_collection == COLLECTION,
        Document.owner_code == case.code,
        Document.deleted_at.is_(None),
    )
    if int(await session.scalar(query) or 0) >= MOST_DOCUMENTS:
        raise InvalidInput(
            f"a case has at most {MOST_DOCUMENTS} documents",
            message_zh=f"一个案件至多 {MOST_DOCUMENTS} 份文件",
            pointer="",
        )
    return case


async def add_paper(
    session: AsyncSession,
    code: str,
    identity: Identity,
    act: Act,
    paper: CasePaper,
    file: StoredArtifact,
) -> Document:
    """Register a stored file as a document of a case; refusals as with `demand_adder`."""
    case = await demand_adder(session, code, identity)
    row = Document(
        code=f"document-{secrets.token_hex(8)}",
        owner_collection=COLLECTION,
        owner_code=case.code,
        region_id=case.region_id,
        bytes=file.bytes,
        sha256=file.sha256,
        uri=file.uri,
        is_public=False,
        uploaded_by=act.actor,
        **asdict(paper),
    )
    session.add(row)
    await session.flush()
    after = {"id": row.id, "case": case.code, "bytes": row.bytes, "sha256": row.sha256}
    record(
        session,
        act,
        "create",
        table="document",
        object_id=row.code,
        after={**after, **asdict(paper)},
    )
    return row


async def list_papers(session: AsyncSession, code: str) -> Sequence[Document]:
    """The documents of a case, in the order they came."""
    query = (
        select(Document)
        .where(
            Document.owner_collection == COLLECTION,
            Document.owner_code == code,
            Document.deleted_at.is_(None),
        )
        .order_by(Document.id)
    )
    return (await session.scalars(query)).all()
