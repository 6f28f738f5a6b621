"""`/audit`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field
from starlette.responses import StreamingResponse

from shanhai.db.queries.audit import AuditFilter, read_entries, record
from shanhai_api.audit.documents import as_csv, describe_entry
from shanhai_api.dependencies import (
    Auditor,
    PageQuery,
    ReadSession,
    TheState,
    TheView,
    act_of,
    format_field,
)
from shanhai_api.negotiation import HTML, JSON, Format, choose_format

router = APIRouter(tags=["access"])
CSV = Format("csv", "text/csv")
FORMATS = (JSON, HTML, CSV)
NO_STORE = {"Cache-Control": "no-store"}
FILTERS = {
    "actor": "actor",
    "action": "action",
    "object": "object_id",
    "table": "object_table",
    "request": "request_id",
}


class AuditQuery(PageQuery):
    """Parameters of the audit log."""

    f: str | None = format_field("json", "html", "csv")
    actor: str | None = Field(None, max_length=200, description="Who acted")
    action: str | None = Field(None, max_length=200, description="What was done")
    table: str | None = Field(None, max_length=200, description="Kind of object")
    object: str | None = Field(None, max_length=200, description="Code or id of the object")
    request: str | None = Field(None, max_length=200, description="Id of the request")
    since: AwareDatetime | None = Field(None, description="Only entries from this time on")
    until: AwareDatetime | None = Field(None, description="Only entries up to this time")
    limit: int = Field(10, ge=1, le=10_000, description="Entries on a page; `csv` has them all")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Only entries before this one")

    @property
    def wanted(self) -> AuditFilter:
        """The entries asked for."""
        given = self.model_dump(include=set(FILTERS), exclude_none=True)
        equal = {FILTERS[name]: value for name, value in given.items()}
        return AuditFilter(equal, self.since, self.until)

    @property
    def place(self) -> dict[str, str]:
        """The parameters that links to other pages keep."""
        chosen = self.model_dump(
            mode="json", include={*FILTERS, "since", "until"}, exclude_none=True
        )
        return {**chosen, "limit": str(self.limit)}


@router.get("/audit", summary="Who did what, the newest first")
async def read_audit(
    view: TheView,
    state: TheState,
    caller: Auditor,
    query: Annotated[AuditQuery, Query()],
    session: ReadSession,
) -> Response:
    """Read the audit log."""
    if choose_format(view.request, FORMATS) is CSV:
        async with state.unit() as unit:
            act = act_of(caller, view)
            record(unit.session, act, "export", table="audit_log", object_id="*", after=query.place)
        headers = {**NO_STORE, "Content-Disposition": 'attachment; filename="audit.csv"'}
        entries = as_csv(state, query.wanted, query.before)
        return StreamingResponse(entries, headers=headers, media_type=CSV.media_type)
    rows = await read_entries(session, query.wanted, limit=query.limit + 1, before=query.before)
    page = rows[: query.limit]
    links = view.self_links("/audit", *FORMATS)
    if len(rows) > query.limit:
        links.append(
            view.link("/audit", "next", JSON.media_type, **query.place, before=page[-1].id)
        )
    document = {"entries": [describe_entry(row) for row in page], "links": links}
    return view.respond(document, headers=NO_STORE)
