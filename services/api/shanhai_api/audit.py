"""`/audit`: entries as JSON, and as a table for other programs; `/actors`: the names in them."""

import csv
import io
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Self

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field, field_validator
from starlette.responses import StreamingResponse

from shanhai.db.collections.catalogue import image_for
from shanhai.db.identity import Viewer
from shanhai.db.queries.actors import find_names, name_of_platform
from shanhai.db.queries.audit import AuditFilter, read_entries, record
from shanhai.db.tables.access import AuditLog
from shanhai.errors import Forbidden
from shanhai.validation import Rfc3339Time
from shanhai.vector.formats import neutralised
from shanhai_api.kit.answers import Answered, Document, Link, Moment
from shanhai_api.kit.dependencies import Auditor, KnownReader, PageQuery, Read, format_field
from shanhai_api.kit.routing import NO_STORE, Route
from shanhai_api.kit.state import ServiceState
from shanhai_api.kit.view import CSV, HTML, JSON, choose_format

BLOCK = 1_000
MOST_ACTORS = 100
ACTOR = re.compile(r"[a-z]+(:[a-z0-9][a-z0-9 ]{0,63})?")
COLUMNS = (
    *("id", "at", "actor", "action", "table", "object"),
    *("before", "after", "request", "address", "digest"),
)


class AuditEntry(Answered):
    """An entry as it is shown; by its digest it can be found in a verified log."""

    id: int
    at: Moment
    actor: str | None
    action: str
    table: str | None = Field(validation_alias="object_table")
    object: str | None = Field(validation_alias="object_id")
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request: str | None = Field(validation_alias="request_id")
    address: str | None
    digest: str

    @classmethod
    def of(cls, row: AuditLog, viewer: Viewer) -> Self:
        """The entry of a row, without what of it is masked for the viewer."""
        images = {
            "before": image_for(row.object_table, row.before, viewer),
            "after": image_for(row.object_table, row.after, viewer),
        }
        return cls.from_row(row, digest=row.digest.hex(), **images)


class AuditEntries(Document):
    """A page of the audit log, the newest first; as CSV all of it."""

    formats = (JSON, HTML, CSV)
    stored = False

    entries: list[AuditEntry]
    links: list[Link]


async def as_csv(
    state: ServiceState, wanted: AuditFilter, before: int | None, viewer: Viewer
) -> AsyncIterator[bytes]:
    """Every entry that is wanted, from the newest on, block by block."""
    yield _lines([COLUMNS])
    while True:
        async with state.reading() as session:
            found = await read_entries(session, wanted, limit=BLOCK, before=before)
            rows = [AuditEntry.of(row, viewer).as_json() for row in found]
        if not rows:
            return
        yield _lines([[_cell(row[name]) for name in COLUMNS] for row in rows])
        before = rows[-1]["id"]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return str(value) if isinstance(value, int) else neutralised(str(value))


def _lines(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


router = APIRouter(tags=["access"], route_class=Route)
FILTERS = {
    "actor": "actor",
    "action": "action",
    "object": "object_id",
    "table": "object_table",
    "request": "request_id",
    "address": "address",
}


class AuditQuery(PageQuery):
    """Parameters of the audit log."""

    f: str | None = format_field("json", "html", "csv")
    actor: str | None = Field(None, max_length=200, description="Who acted")
    action: str | None = Field(None, max_length=200, description="What was done")
    table: str | None = Field(None, max_length=200, description="Kind of object")
    object: str | None = Field(None, max_length=200, description="Code or id of the object")
    request: str | None = Field(None, max_length=200, description="Id of the request")
    address: str | None = Field(None, max_length=200, description="Address it came from")
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
        entries = as_csv(read.state, query.wanted, query.before, read.caller.viewer)
        return StreamingResponse(entries, headers=headers, media_type=CSV.media_type)
    rows = await read_entries(
        read.session, query.wanted, limit=query.limit + 1, before=query.before
    )
    page = rows[: query.limit]
    links = read.self_links("/audit", *AuditEntries.formats)
    if len(rows) > query.limit:
        place = {**query.place, "before": str(page[-1].id)}
        links.append(read.link("/audit", "next", JSON.media_type, **place))
    viewer = read.caller.viewer
    return AuditEntries(entries=[AuditEntry.of(row, viewer) for row in page], links=links)


class ActorsQuery(PageQuery):
    """Whose names are asked for."""

    code: list[str] = Field(
        min_length=1,
        max_length=MOST_ACTORS,
        description="Who acted, as events and entries name it, once for each",
        examples=[["account:7"]],
    )

    @field_validator("code")
    @classmethod
    def check_codes(cls, codes: list[str]) -> list[str]:
        """A kind of actor, and which one."""
        wrong = next((code for code in codes if not ACTOR.fullmatch(code)), None)
        if wrong is not None:
            raise ValueError(f"{wrong!r} is no code of an actor / {wrong!r} 不是操作者的代码")
        return codes


class Actor(Answered):
    """Who acted."""

    code: str
    name: str = Field(description="Of a key or account; else in the language of the answer")


class Actors(Document):
    """Those whose names are known, in the order they were asked for."""

    actors: list[Actor]


@router.get("/actors", summary="Who is behind the codes of actors")
async def show_actors(read: Read[KnownReader], query: Annotated[ActorsQuery, Query()]) -> Actors:
    """Tell the names of keys, accounts and parts of the platform that acted, for all with a role.

    Revoked keys and disabled accounts keep their names. What nobody knows is left out.
    """
    if not read.caller.viewer.knows_people:
        raise Forbidden("a role in some region is needed", message_zh="需要在某一区域具有角色")
    names = await find_names(read.session, query.code)
    known = {code: names.get(code) or name_of_platform(code, read.lang) for code in query.code}
    return Actors(actors=[Actor(code=code, name=name) for code, name in known.items() if name])
