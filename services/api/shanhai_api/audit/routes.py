"""`/audit`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from shanhai.db.queries.audit import AuditFilter, read_entries, record
from shanhai.timestamps import Rfc3339Time
from shanhai_api.audit.documents import CSV, AuditEntries, AuditEntry, as_csv
from shanhai_api.dependencies import Auditor, PageQuery, format_field
from shanhai_api.kit.routing import NO_STORE, Route
from shanhai_api.kit.writing import Read
from shanhai_api.negotiation import JSON, choose_format

router = APIRouter(tags=["access"], route_class=Route)
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
    since: Rfc3339Time | None = Field(None, description="Only entries from this time on")
    until: Rfc3339Time | None = Field(None, description="Only entries up to this time")
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
    read: Read[Auditor], query: Annotated[AuditQuery, Query()]
) -> AuditEntries | Response:
    """Read the audit log."""
    if choose_format(read.request, AuditEntries.formats) is CSV:
        async with read.state.unit() as unit:
            place = query.place
            record(unit.session, read.act, "export", table="audit_log", object_id="*", after=place)
        headers = {**NO_STORE, "Content-Disposition": 'attachment; filename="audit.csv"'}
        entries = as_csv(read.state, query.wanted, query.before)
        return StreamingResponse(entries, headers=headers, media_type=CSV.media_type)
    rows = await read_entries(
        read.session, query.wanted, limit=query.limit + 1, before=query.before
    )
    page = rows[: query.limit]
    links = read.self_links("/audit", *AuditEntries.formats)
    if len(rows) > query.limit:
        place = {**query.place, "before": str(page[-1].id)}
        links.append(read.link("/audit", "next", JSON.media_type, **place))
    return AuditEntries(entries=[AuditEntry.of(row) for row in page], links=links)
