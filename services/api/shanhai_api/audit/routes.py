"""`/audit`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shanhai.db.queries.audit import read_entries
from shanhai.jobs.results import rfc3339
from shanhai_api.dependencies import Administrator, PageQuery, ReadSession, TheView
from shanhai_api.negotiation import JSON

router = APIRouter(tags=["access"])
FILTERS = {
    "actor": "actor",
    "action": "action",
    "object": "object_id",
    "table": "object_table",
    "request": "request_id",
}


class AuditQuery(PageQuery):
    """Parameters of the audit log."""

    actor: str | None = Field(None, max_length=200, description="Who acted")
    action: str | None = Field(None, max_length=200, description="What was done")
    table: str | None = Field(None, max_length=200, description="Kind of object")
    object: str | None = Field(None, max_length=200, description="Code or id of the object")
    request: str | None = Field(None, max_length=200, description="Id of the request")
    limit: int = Field(10, ge=1, le=10_000, description="Entries on a page")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Only entries before this one")


@router.get("/audit", summary="Who did what, the newest first")
async def read_audit(
    view: TheView,
    caller: Administrator,
    query: Annotated[AuditQuery, Query()],
    session: ReadSession,
) -> Response:
    """Read the audit log."""
    given = query.model_dump(include=set(FILTERS), exclude_none=True)
    filters = {FILTERS[name]: value for name, value in given.items()}
    rows = await read_entries(session, filters=filters, limit=query.limit + 1, before=query.before)
    page = rows[: query.limit]
    links = view.self_links("/audit")
    if len(rows) > query.limit:
        place = {**given, "limit": query.limit, "before": page[-1].id}
        links.append(view.link("/audit", "next", JSON.media_type, **place))
    entries = [
        {
            "id": row.id,
            "at": rfc3339(row.at),
            "actor": row.actor,
            "action": row.action,
            "table": row.object_table,
            "object": row.object_id,
            "before": row.before,
            "after": row.after,
            "request": row.request_id,
        }
        for row in page
    ]
    headers = {"Cache-Control": "no-store"}
    return view.respond({"entries": entries, "links": links}, headers=headers)
