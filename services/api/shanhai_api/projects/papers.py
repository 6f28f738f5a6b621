"""Receiving and sending the documents of projects."""

import asyncio
import hashlib
from pathlib import Path

import orjson
from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.programmes import DOCUMENTS
from shanhai.db.features.query import FeatureRow
from shanhai.db.features.selection import Selection
from shanhai.db.features.write import read_written, state_tag
from shanhai.db.projects import documents
from shanhai.db.projects.queries import ProjectSeen
from shanhai.db.tables.provision import Document
from shanhai.errors import InvalidInput
from shanhai.storage.artifacts import receiving
from shanhai.storage.file_types import FileKind, demand_kind, kind_of
from shanhai.vocabulary import Visibility
from shanhai_api.exports import note_download
from shanhai_api.features.documents import record_document
from shanhai_api.features.operations import read_item
from shanhai_api.kit.body import read_blocks
from shanhai_api.kit.dependencies import act_of
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.routing import Made, once
from shanhai_api.kit.state import ServiceState
from shanhai_api.kit.stored_files import StoredFileResponse
from shanhai_api.kit.view import View, entity_tag, is_known
from shanhai_api.projects.models import ProjectDocument
from shanhai_api.projects.schemas import UploadQuery
from shanhai_api.uploads.receiving import take


async def receive(
    state: ServiceState,
    request: Request,
    view: View,
    caller: Caller,
    project: str,
    query: UploadQuery,
) -> Made:
    """Receive a file, look what it is, store it, and register it as a document.

    Who may not add it is told before the body is read.
    """
    name = documents.checked_name(query.filename)
    kind = kind_of(request.headers.get("content-type", ""), name)
    async with state.sessions() as session:
        await documents.demand_adder(session, project, caller, query.kind)
        await documents.demand_result(session, project, _paper_of(query, name, kind))
    path = state.store.scratch()
    try:
        digest = await take_paper(state, request, path, kind)
        stored = await asyncio.to_thread(state.store.put, path, suffix=kind.suffix)
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    paper = _paper_of(query, name, kind)

    async with state.unit() as unit:

        async def effect() -> Made:
            act = act_of(caller, view)
            row = await documents.add_paper(unit.session, project, caller, act, paper, stored)
            return await _made(unit.session, view, row)

        asked = hashlib.sha256(f"{digest} {paper}".encode()).hexdigest()
        return await once(request, unit, caller, body_sha256=asked, effect=effect)


def _paper_of(query: UploadQuery, name: str, kind: FileKind) -> documents.Paper:
    said = query.model_dump(
        include={
            "kind",
            "title_zh",
            "title_en",
            "measure",
            "visibility",
            "data_class",
            "data_grade",
        }
    )
    told = query.model_dump(include={"period_from", "period_to", "quantity", "value", "unit"})
    return documents.Paper(
        filename=name, media_type=kind.media_type, result=documents.MonitoringResult(**told), **said
    )


async def take_paper(state: ServiceState, request: Request, path: Path, kind: FileKind) -> str:
    """Write a document down as it arrives; its digest.

    Raises:
        InvalidInput: it is empty, or not of its kind.
    """
    limit = state.configuration.artifacts.document_limit_bytes
    digest = await take(receiving(path), read_blocks(request, limit=limit))
    if not await asyncio.to_thread(lambda: path.stat().st_size):
        raise InvalidInput("the body is empty", message_zh="请求体为空", pointer="")
    await asyncio.to_thread(demand_kind, path, kind)
    return digest


async def _made(session: AsyncSession, view: View, row: Document) -> Made:
    document = described(await read_written(session, DOCUMENTS, row.id), view).as_json()
    tag = entity_tag(state_tag(row.id, row.row_version), orjson.dumps(document))
    return Made(document, {"Location": view.url(f"/documents/{row.code}"), "ETag": f'"{tag}"'})


def described(row: FeatureRow, view: View) -> ProjectDocument:
    """A document with where its file is."""
    document = record_document(DOCUMENTS, row, view, {})
    file = view.link(f"/documents/{row.code}/file", "enclosure", str(document["media_type"]))
    return ProjectDocument(**{**document, "links": [*document["links"], file]})


async def list_papers(
    session: AsyncSession,
    caller: Caller,
    project: ProjectSeen,
    view: View,
    *,
    after: int,
    limit: int,
) -> tuple[list[ProjectDocument], int | None]:
    """A page of what the caller may see of a project's documents, and where the next begins."""
    query = (
        select(Document.id, Document.code)
        .where(
            Document.owner_collection == "projects",
            Document.owner_code == project.code,
            Document.deleted_at.is_(None),
            Document.id > after,
        )
        .order_by(Document.id)
    )
    if not caller.viewer.sees_all:
        seen = caller.viewer.regions or frozenset()
        query = query.where(
            (Document.visibility != Visibility.REGION) | Document.region_id.in_(seen)
        )
    found = (await session.execute(query.limit(limit + 1))).all()
    shown = [await read_written(session, DOCUMENTS, row.id) for row in found[:limit]]
    following = found[limit - 1].id if len(found) > limit else None
    return [described(row, view) for row in shown], following


async def send(
    state: ServiceState, session: AsyncSession, view: View, caller: Caller, code: str
) -> Response:
    """The file of a document, to be kept and never to be shown in place."""
    seen = await read_item(state.quick, DOCUMENTS, Selection(caller.viewer, code=code))
    row = await session.get_one(Document, seen.key)
    etag = f'"{row.sha256}"'
    headers = {"ETag": etag, "Cache-Control": view.cache_control(), "Vary": "Authorization"}
    if is_known(view.request, etag):
        return Response(status_code=304, headers=headers)
    if row.visibility != Visibility.PUBLIC:
        told = {"table": DOCUMENTS.table, "object_id": row.code, "sha256": row.sha256}
        await note_download(view.request, caller, **told)
    return StoredFileResponse(
        state.store,
        row.uri,
        media_type=row.media_type,
        headers={**headers, "X-Content-Type-Options": "nosniff"},
        filename=row.filename,
    )
