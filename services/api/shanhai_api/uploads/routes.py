"""`/uploads`."""

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response

from shanhai.db.queries import files
from shanhai_api.dependencies import JobCaller, PageQuery, ReadSession, TheState, TheView
from shanhai_api.negotiation import JSON
from shanhai_api.uploads import operations
from shanhai_api.uploads.operations import UploadState

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
    view: TheView,
    state: TheState,
    caller: JobCaller,
    query: Annotated[PageQuery, Query()],
) -> Response:
    """Receive a file, or its first piece; it is kept for 24 hours."""
    made = await operations.begin(state, request, view, caller)
    return made.response()


@router.put(
    "/uploads/{upload}",
    summary="Continue a file",
    response_model=UploadState,
    openapi_extra=RAW_BODY,
)
async def resume_upload(
    request: Request,
    view: TheView,
    state: TheState,
    caller: JobCaller,
    upload: UUID,
    query: Annotated[PageQuery, Query()],
) -> Response:
    """Receive the next piece of a file."""
    row = await operations.resume(state, request, caller, upload)
    return view.send(orjson.dumps(UploadState.of(row).as_json()), JSON.media_type)


@router.get(
    "/uploads/{upload}", summary="How much of a file has arrived", response_model=UploadState
)
async def read_upload(
    view: TheView,
    caller: JobCaller,
    upload: UUID,
    query: Annotated[PageQuery, Query()],
    session: ReadSession,
) -> Response:
    """Tell how much of an upload has arrived."""
    row = await files.find(session, upload, owner=caller.owner)
    return view.send(
        orjson.dumps(UploadState.of(row).as_json()),
        JSON.media_type,
        headers={"Upload-Offset": str(row.received_bytes)},
    )
