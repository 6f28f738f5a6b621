"""`/uploads`: begin, continue, look, forget."""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Self
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from shanhai.db.queries import files
from shanhai.db.tables.dataset import Upload
from shanhai.errors import Conflict, InvalidInput
from shanhai.storage.artifacts import LocalArtifacts, sha256_of
from shanhai_api.kit import dependencies
from shanhai_api.kit.answers import Document, Moment
from shanhai_api.kit.body import read_blocks
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.routing import Made, once
from shanhai_api.kit.state import ServiceState, UnitOfWork
from shanhai_api.kit.view import JSON, View
from shanhai_api.uploads.receiving import Piece, append, piece_of

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

    Without `Content-Range` an interrupted body leaves nothing behind.
    """
    limit = state.configuration.artifacts.upload_limit_bytes
    piece = piece_of(request, limit=limit)
    upload_id = uuid4()
    path = state.store.upload_path(upload_id)
    try:
        digest = await _receive(state, request, upload_id, piece)
        received = await asyncio.to_thread(lambda: path.stat().st_size)
        async with state.unit() as unit:
            row = _new_upload(upload_id, caller, request, received, digest, piece)
            made = await once(
                request,
                unit,
                caller,
                body_sha256=digest,
                effect=lambda: _register(state, unit, view, caller, row),
            )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if made.content["upload"] != str(upload_id):
        path.unlink()  # a replay: the first answer's file is the one that counts
    return made


async def _receive(
    state: ServiceState, request: Request, upload_id: UUID, piece: Piece | None
) -> str:
    path = state.store.upload_path(upload_id)
    if piece is None:
        limit = state.configuration.artifacts.upload_limit_bytes
        digest = await append(path, 0, read_blocks(request, limit=limit))
        if digest == EMPTY_SHA256:
            raise InvalidInput("the body is empty", message_zh="请求体为空", pointer="")
        return digest
    if piece.start:
        raise InvalidInput(
            "the first piece begins at byte 0; continue with PUT /uploads/{id}",
            message_zh="首段须从第 0 字节开始；续传请用 PUT /uploads/{id}",
            pointer="Content-Range",
        )
    return await append(path, 0, read_blocks(request, limit=piece.length))


def _new_upload(
    upload_id: UUID,
    caller: Caller,
    request: Request,
    received: int,
    digest: str,
    piece: Piece | None,
) -> Upload:
    total = received if piece is None else piece.total
    return Upload(
        id=upload_id,
        owner=caller.owner,
        filename=None,
        total_bytes=total,
        received_bytes=received,
        sha256=digest if received == total else None,
    )


async def _register(
    state: ServiceState, unit: UnitOfWork, view: View, caller: Caller, row: Upload
) -> Made:
    forgotten = await files.forget_expired(unit.session)
    unit.after_commit.append(partial(remove_files, state.store, forgotten))
    row = await files.create(unit.session, row, act=dependencies.act_of(caller, view))
    return Made(UploadState.of(row).as_json(), {"Location": f"{view.base}/uploads/{row.id}"})


async def remove_files(store: LocalArtifacts, upload_ids: Iterable[UUID]) -> None:
    """Remove the files of forgotten uploads."""
    for upload_id in upload_ids:
        await asyncio.to_thread(partial(store.upload_path(upload_id).unlink, missing_ok=True))


async def resume(state: ServiceState, request: Request, caller: Caller, upload_id: UUID) -> Upload:
    """Receive the next piece of an upload; what arrives is kept even when the rest does not.

    Raises:
        InvalidInput: the piece does not fit the upload.
        Conflict: the piece does not begin where the bytes received end.
    """
    limit = state.configuration.artifacts.upload_limit_bytes
    piece = piece_of(request, limit=limit)
    async with state.sessions() as session:
        row = await files.find(session, upload_id, owner=caller.owner)
    piece = _fitting(row, piece)
    path = state.store.upload_path(upload_id)
    try:
        await append(path, piece.start, read_blocks(request, limit=piece.length))
    finally:
        # Also when the client went away: the next request continues from here.
        await asyncio.shield(_note_received(state, caller, upload_id))
    async with state.sessions() as session:
        return await files.find(session, upload_id, owner=caller.owner)


def _fitting(row: Upload, piece: Piece | None) -> Piece:
    if piece is None or not piece.length:
        raise InvalidInput("Content-Range must say which bytes these are", pointer="Content-Range")
    if piece.total != row.total_bytes:
        raise InvalidInput(
            f"the upload has {row.total_bytes} bytes in all, not {piece.total}",
            pointer="Content-Range",
        )
    if piece.start != row.received_bytes:
        raise Conflict(
            f"{row.received_bytes} bytes have arrived; continue from there",
            message_zh=f"已收到 {row.received_bytes} 字节，请从此处继续",
        )
    return piece


async def _note_received(state: ServiceState, caller: Caller, upload_id: UUID) -> None:
    """Write down how much is there, and the digest once that is all."""
    path = state.store.upload_path(upload_id)
    received = await asyncio.to_thread(lambda: path.stat().st_size)
    async with state.unit() as unit:
        row = await files.find(unit.session, upload_id, owner=caller.owner, lock=True)
        row.received_bytes = max(received, row.received_bytes)
        if received == row.total_bytes:
            row.sha256 = await asyncio.to_thread(sha256_of, path)


router = APIRouter(tags=["uploads"])
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
    return made.response()


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
    query: Annotated[dependencies.PageQuery, Query()],
) -> Response:
    """Receive the next piece of a file."""
    row = await resume(state, request, caller, upload)
    return view.send(orjson.dumps(UploadState.of(row).as_json()), JSON.media_type)


@router.get(
    "/uploads/{upload}", summary="How much of a file has arrived", response_model=UploadState
)
async def read_upload(
    view: dependencies.TheView,
    caller: dependencies.JobCaller,
    upload: UUID,
    query: Annotated[dependencies.PageQuery, Query()],
    session: dependencies.ReadSession,
) -> Response:
    """Tell how much of an upload has arrived."""
    row = await files.find(session, upload, owner=caller.owner)
    return view.send(
        orjson.dumps(UploadState.of(row).as_json()),
        JSON.media_type,
        headers={"Upload-Offset": str(row.received_bytes)},
    )
