"""`/projects/{project}/documents` and the files behind `/documents`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shanhai.db.projects.queries import find_project
from shanhai.storage.file_types import KINDS
from shanhai_api.dependencies import (
    PageQuery,
    Reader,
    ReadSession,
    TheState,
    TheView,
    Writer,
)
from shanhai_api.negotiation import JSON
from shanhai_api.projects import documents, operations, papers
from shanhai_api.projects.answers import MADE, READ, Answers
from shanhai_api.projects.schemas import DocumentsQuery, UploadQuery

router = APIRouter(tags=["projects"])
BYTES = {"schema": {"type": "string", "format": "binary"}}
RAW_BODY = {
    "requestBody": {
        "required": True,
        "description": "The bytes of the file; `Content-Type` says what it is, and must be right",
        "content": dict.fromkeys(KINDS, BYTES),
    }
}
FILE: Answers = {200: {"description": "The file", "content": dict.fromkeys(KINDS, BYTES)}}


@router.get("/projects/{project}/documents", summary="The documents of a project", responses=READ)
async def show_papers(
    view: TheView,
    caller: Reader,
    project: str,
    query: Annotated[DocumentsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List what the caller may see of a project's documents."""
    seen = await find_project(session, project, caller.viewer)
    found, following = await papers.list_papers(
        session, caller, seen, view, after=query.after, limit=query.limit
    )
    links = [*documents.here_links(view), view.link(documents.item_path(seen.code), "up")]
    if following is not None:
        place = view.here(after=str(following))
        links.append({"href": place, "rel": "next", "type": JSON.media_type})
    return view.respond({"project": seen.code, "documents": found, "links": links})


@router.post(
    "/projects/{project}/documents",
    summary="Add a document to a project",
    status_code=201,
    openapi_extra=RAW_BODY,
    responses=MADE,
)
async def post_paper(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Writer,
    project: str,
    query: Annotated[UploadQuery, Query()],
) -> Response:
    """Receive a file as a document of a project."""
    made = await papers.receive(state, request, view, caller, project, query)
    headers = {**made.headers, **operations.NO_STORE}
    return made.response(headers)


@router.get(
    "/documents/{document}/file",
    summary="The file of a document",
    responses={**READ, **FILE},
)
async def send_paper(
    view: TheView,
    state: TheState,
    caller: Reader,
    document: str,
    query: Annotated[PageQuery, Query()],
    session: ReadSession,
) -> Response:
    """Send the file of a document, to be kept."""
    return await papers.send(state, session, view, caller, document)
