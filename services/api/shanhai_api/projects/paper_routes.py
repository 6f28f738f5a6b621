"""`/projects/{project}/documents` and the files behind `/documents`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from shanhai.db.projects.queries import find_project
from shanhai.storage.file_types import KINDS
from shanhai_api.dependencies import (
    Reader,
    ReadSession,
    TheState,
    TheView,
    Writer,
)
from shanhai_api.kit.routing import NO_STORE, Route
from shanhai_api.kit.writing import Read
from shanhai_api.negotiation import JSON
from shanhai_api.projects import papers
from shanhai_api.projects.documents import here_links, item_path
from shanhai_api.projects.models import ProjectDocument, ProjectDocuments
from shanhai_api.projects.schemas import DocumentsQuery, UploadQuery

router = APIRouter(tags=["projects"], route_class=Route)
BYTES = {"schema": {"type": "string", "format": "binary"}}
RAW_BODY = {
    "requestBody": {
        "required": True,
        "description": "The bytes of the file; `Content-Type` says what it is, and must be right",
        "content": dict.fromkeys(KINDS, BYTES),
    }
}


@router.get("/projects/{project}/documents", summary="The documents of a project")
async def show_papers(
    read: Read[Reader], project: str, query: Annotated[DocumentsQuery, Query()]
) -> ProjectDocuments:
    """List what the caller may see of a project's documents."""
    seen = await find_project(read.session, project, read.caller.viewer)
    found, following = await papers.list_papers(
        read.session, read.caller, seen, read, after=query.after, limit=query.limit
    )
    links = [*here_links(read), read.link(item_path(seen.code), "up")]
    if following is not None:
        place = read.here(after=str(following))
        links.append({"href": place, "rel": "next", "type": JSON.media_type})
    return ProjectDocuments(project=seen.code, documents=found, links=links)


@router.post(
    "/projects/{project}/documents",
    summary="Add a document to a project",
    status_code=201,
    response_model=ProjectDocument,
    openapi_extra=RAW_BODY,
)
async def post_paper(
    view: TheView,
    state: TheState,
    caller: Writer,
    project: str,
    query: Annotated[UploadQuery, Query()],
) -> Response:
    """Receive a file as a document of a project."""
    made = await papers.receive(state, view.request, view, caller, project, query)
    return made.response(NO_STORE)


@router.get(
    "/documents/{document}/file",
    summary="The file of a document",
    response_class=Response,
    responses={200: {"description": "The file", "content": dict.fromkeys(KINDS, BYTES)}},
)
async def send_paper(
    view: TheView, state: TheState, caller: Reader, document: str, session: ReadSession
) -> Response:
    """Send the file of a document, to be kept."""
    return await papers.send(state, session, view, caller, document)
