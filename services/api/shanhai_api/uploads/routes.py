"""`/uploads`: begin, continue, look, delete."""

import asyncio
import hashlib
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Annotated, Self
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from shanhai.db.queries import files
from shanhai.db.queries.audit import recall
from shanhai.db.tables.dataset import Upload
from shanhai.errors import Conflict, InvalidInput, NotFound, RateLimited, ShanhaiError
from shanhai.storage.artifacts import ArtifactStore
from shanhai_api.kit import dependencies
from shanhai_api.kit.answers import Answer, Answered, Document, Link, Moment
from shanhai_api.kit.body import read_blocks, read_digest
from shanhai_api.kit.dependencies import Read, Write
from shanhai_api.kit.late_route import LateRoute
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.routing import HEADER, Made, Route, fingerprint_of, once
from shanhai_api.kit.state import ServiceState, UnitOfWork
from shanhai_api.kit.view import JSON, View, entity_tag
from shanhai_api.uploads.receiving import Piece, append, held, piece_of, take

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class UploadState(Document):
    """An upload; `sha256` is null until every byte is there."""

    upload: UUID
    bytes: int = Field(validation_alias="received_bytes")
    total_bytes: int
    sha256: str | None
    expires: Moment = Field(validation_alias="expires_at")

    @classmethod
    def of(cls, row: Upload) -> Self:
        """An upload as clients see it."""
        return cls.from_row(row, upload=row.id)


async def begin(state: ServiceState, request: Request, view: View, caller: Caller) -> Made:
    """Receive a whole file or its first piece, and register it.

    It is entered before its bytes come, so that all who send at the same time keep to the quotas.
    Without `Content-Range` an interrupted body leaves nothing behind.
    """
    limit = state.configuration.artifacts.upload_limit_bytes
    piece = piece_of(request, limit=limit)
    upload_id = uuid4()
    try:
        await _reserve(state, request, caller, upload_id, piece)
    except RateLimited:  # Perhaps by what came with the same key before, which is no more to keep.
        if HEADER not in request.headers:
            raise
        digest = await read_digest(request, limit=limit if piece is None else piece.length)
        fingerprint = fingerprint_of(request, caller, _sum(digest, piece))
        async with state.unit() as unit:
            before = None if fingerprint is None else await recall(unit.session, fingerprint)
        if before is None:
            raise
        return Made.again(before)
    kept = False
    try:
        digest = await _receive(state, request, upload_id, piece)
        received = await asyncio.to_thread(state.store.received, upload_id)
        whole = received == (received if piece is None else piece.total)
        async with state.unit() as unit:
            made = await once(
                request,
                unit,
                caller,
                body_sha256=_sum(digest, piece),
                effect=lambda: _register(
                    unit, view, caller, upload_id, received, digest if whole else None
                ),
            )
        # In a replay the first answer's file is the one that counts.
        kept = made.content["upload"] == str(upload_id)
    finally:
        if not kept:
            await asyncio.shield(_release(state, upload_id))
    return made


def _sum(digest: str, piece: Piece | None) -> str:
    # The same bytes as a piece of another whole are another request.
    return digest if piece is None else hashlib.sha256(f"{digest} {piece}".encode()).hexdigest()


async def _reserve(
    state: ServiceState, request: Request, caller: Caller, upload_id: UUID, piece: Piece | None
) -> None:
    limit = state.configuration.artifacts.upload_limit_bytes
    declared = request.headers.get("content-length", "")
    announced = min(int(declared), limit) if declared.isdigit() else limit
    total = announced if piece is None else piece.total
    row = Upload(id=upload_id, owner=caller.owner, total_bytes=total, received_bytes=0)
    async with state.unit() as unit:
        forgotten = await files.forget_expired(unit.session)
        unit.after_commit.append(partial(remove_files, state.store, forgotten))
        await files.reserve(unit.session, row, caller, **quotas_of(state))


def quotas_of(state: ServiceState) -> dict[str, files.UploadQuota]:
    """How much may wait of one identity, and of all who work in a region."""
    settings = state.configuration.artifacts
    return {
        "of_one": files.UploadQuota(settings.uploads, settings.uploads_bytes),
        "of_region": files.UploadQuota(settings.region_uploads, settings.region_uploads_bytes),
    }


async def _release(state: ServiceState, upload_id: UUID) -> None:
    async with state.unit() as unit:
        if await files.release(unit.session, upload_id):
            unit.after_commit.append(partial(remove_files, state.store, [upload_id]))


async def _receive(
    state: ServiceState, request: Request, upload_id: UUID, piece: Piece | None
) -> str:
    place = state.store.receive(upload_id, 0)
    if piece is None:
        limit = state.configuration.artifacts.upload_limit_bytes
        digest = await take(place, read_blocks(request, limit=limit))
        if digest == EMPTY_SHA256:
            raise InvalidInput("the body is empty", message_zh="请求体为空", pointer="")
        return digest
    if piece.start:
        raise InvalidInput(
            "the first piece begins at byte 0; continue with PUT /uploads/{id}",
            message_zh="首段须从第 0 字节开始；续传请用 PUT /uploads/{id}",
            pointer="Content-Range",
        )
    return await take(place, read_blocks(request, limit=piece.length))


async def _register(
    unit: UnitOfWork,
    view: View,
    caller: Caller,
    upload_id: UUID,
    received: int,
    digest: str | None,
) -> Made:
    act = dependencies.act_of(caller, view)
    row = await files.complete(unit.session, upload_id, received=received, sha256=digest, act=act)
    return Made(UploadState.of(row).as_json(), {"Location": f"{view.base}/uploads/{row.id}"})


async def remove_files(store: ArtifactStore, upload_ids: Iterable[UUID]) -> None:
    """Remove the files of forgotten uploads; workers remove what cannot be now."""
    for upload_id in upload_ids:
        with suppress(ShanhaiError, OSError):
            await asyncio.to_thread(store.drop_upload, upload_id)


async def resume(
    state: ServiceState,
    request: Request,
    caller: Caller,
    upload_id: UUID,
    expected: frozenset[str] | None,
) -> Upload:
    """Receive the next piece of an upload; what arrives is kept even when the rest does not.

    Raises:
        InvalidInput: the piece does not fit the upload.
        Conflict: the piece does not begin where the bytes received end.
        Stale: the upload is in none of the states expected.
    """
    limit = state.configuration.artifacts.upload_limit_bytes
    piece = piece_of(request, limit=limit)
    async with state.sessions() as session:
        row = await files.find(session, upload_id, owner=caller.owner)
    files.demand_received(row, expected)
    piece = _fitting(row, piece)
    async with held(state.store.receive(upload_id, piece.start)) as sink:
        try:
            # Others may have gone on until now, or deleted it.
            async with state.sessions() as session:
                _fitting(await files.find(session, upload_id, owner=caller.owner), piece)
            await append(sink, read_blocks(request, limit=piece.length))
        finally:
            # Also when the client went away: the next request continues from here.
            await asyncio.shield(_note_received(state, caller, upload_id, piece.total))
    async with state.sessions() as session:
        return await files.find(session, upload_id, owner=caller.owner)


def _fitting(row: Upload, piece: Piece | None) -> Piece:
    if piece is None or not piece.length:
        raise InvalidInput(
            "Content-Range must say which bytes these are",
            message_zh="Content-Range 须说明这是哪些字节",
            pointer="Content-Range",
        )
    if piece.total != row.total_bytes:
        raise InvalidInput(
            f"the upload has {row.total_bytes} bytes in all, not {piece.total}",
            message_zh=f"该上传共 {row.total_bytes} 字节，而非 {piece.total}",
            pointer="Content-Range",
        )
    if piece.start != row.received_bytes:
        raise Conflict(
            f"{row.received_bytes} bytes have arrived; continue from there",
            message_zh=f"已收到 {row.received_bytes} 字节，请从此处继续",
        )
    return piece


async def _note_received(state: ServiceState, caller: Caller, upload_id: UUID, total: int) -> None:
    """Write down how much is there, all of it together with the digest.

    That is made outside a transaction, which may not rest for as long as a large file takes.
    """
    store = state.store
    received = await asyncio.to_thread(store.received, upload_id)
    digest = None
    if received == total:
        digest = await asyncio.to_thread(store.upload_digest, upload_id)
    async with state.unit() as unit:
        try:
            row = await files.find(unit.session, upload_id, owner=caller.owner, lock=True)
        except NotFound:
            await asyncio.to_thread(store.drop_upload, upload_id)  # deleted while its bytes came
            raise
        row.received_bytes = max(received, row.received_bytes)
        row.sha256 = digest or row.sha256


router = APIRouter(tags=["uploads"], route_class=LateRoute)
RAW_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file's bytes; `Content-Range` when sent in pieces",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/uploads",
    summary="Send a file",
    status_code=201,
    response_model=UploadState,
    openapi_extra=RAW_BODY,
)
async def begin_upload(
    request: Request,
    view: dependencies.TheView,
    state: dependencies.TheState,
    caller: dependencies.JobCaller,
    query: Annotated[dependencies.PageQuery, Query()],
) -> Response:
    """Receive a file, or its first piece; it is kept for 24 hours."""
    made = await begin(state, request, view, caller)
    async with state.sessions() as session:
        shares, _ = await files.read_shares(session, caller, **quotas_of(state))
    return made.response(files.share_headers(shares))


@router.put(
    "/uploads/{upload}",
    summary="Continue a file",
    response_model=UploadState,
    openapi_extra=RAW_BODY,
)
async def resume_upload(
    request: Request,
    view: dependencies.TheView,
    state: dependencies.TheState,
    caller: dependencies.JobCaller,
    upload: UUID,
    expected: dependencies.IfMatch,
    query: Annotated[dependencies.PageQuery, Query()],
) -> Response:
    """Receive the next piece of a file."""
    return _shown(view, await resume(state, request, caller, upload, expected))


@router.get(
    "/uploads/{upload}", summary="How much of a file has arrived", response_model=UploadState
)
async def read_upload(
    read: dependencies.Read[dependencies.JobCaller],
    upload: UUID,
    query: Annotated[dependencies.PageQuery, Query()],
) -> Response:
    """Tell how much of an upload has arrived."""
    return _shown(read, await files.find(read.session, upload, owner=read.caller.owner))


def _shown(view: View, row: Upload) -> Response:
    body = orjson.dumps(UploadState.of(row).as_json())
    headers = {"Upload-Offset": str(row.received_bytes)}
    tag = entity_tag(files.state_of_upload(row), body)
    return view.send(body, JSON.media_type, headers=headers, version=tag)


class QuotaUse(Answered):
    """What waits of what may; without `region`, of the caller's own. A most of 0 is no limit."""

    region: str | None
    files: int
    most_files: int
    bytes: int
    most_bytes: int


class Uploads(Document):
    """The caller's uploads, and what is used of the quotas."""

    stored = False

    uploads: list[UploadState]
    quotas: list[QuotaUse]
    links: list[Link]


waiting = APIRouter(tags=["uploads"], route_class=Route)


@waiting.get("/uploads", summary="Files that were sent, and how much room is left")
async def list_uploads(read: Read[dependencies.JobCaller]) -> Answer[Uploads]:
    """List what the caller has sent that has not expired."""
    shares, _ = await files.read_shares(read.session, read.caller, **quotas_of(read.state))
    found = await files.list_uploads(read.session, owner=read.caller.owner)
    document = Uploads(
        uploads=[UploadState.of(row) for row in found],
        quotas=[
            QuotaUse(
                region=share.region,
                files=share.files,
                most_files=share.quota.files,
                bytes=share.bytes,
                most_bytes=share.quota.bytes,
            )
            for share in shares
        ],
        links=read.self_links("/uploads"),
    )
    return Answer(document, headers=files.share_headers(shares))


@waiting.delete("/uploads/{upload}", summary="Delete a file that was sent", status_code=204)
async def delete_upload(
    write: Write[dependencies.JobCaller], upload: UUID, expected: dependencies.IfMatch
) -> None:
    """Delete an upload and its file; what was imported from it stays."""
    owner, act = write.caller.owner, write.act
    await files.remove(write.session, upload, owner=owner, act=act, expected=expected)
    write.unit.after_commit.append(partial(remove_files, write.state.store, [upload]))
