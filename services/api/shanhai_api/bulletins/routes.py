"""`/bulletins`."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from shanhai.db.bulletins.queries import BulletinFilter, find_bulletin, list_bulletins
from shanhai.processes.publish_bulletin.contract import PUBLISH_BULLETIN
from shanhai_api.bulletins import documents, operations
from shanhai_api.bulletins.schemas import BulletinsQuery
from shanhai_api.dependencies import (
    PageQuery,
    Reader,
    ReadSession,
    TheState,
    TheUnit,
    TheView,
    Writer,
    act_of,
)
from shanhai_api.kit.body import read_digest
from shanhai_api.negotiation import choose_format
from shanhai_api.once import once
from shanhai_api.preconditions import expected_states

router = APIRouter(tags=["bulletins"])
Parameters = Annotated[PageQuery, Query()]
Code = Annotated[str, Path(max_length=200, description="Code of the bulletin")]
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            item.media_type: {"schema": {"type": "string", "format": "binary"}}
            for item in (documents.PDF, documents.DOCX)
        }
    }
}
"""What the definition says of a bulletin besides that it is JSON."""


@router.get("/bulletins", summary="Bulletins, those of the latest periods first")
async def show_bulletins(
    view: TheView,
    caller: Reader,
    query: Annotated[BulletinsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List what is published, and drafts of the regions one works in."""
    asked = BulletinFilter(query.region, query.state, query.first, query.last)
    rows = await list_bulletins(
        session, caller.viewer, asked, limit=query.limit + 1, before=query.place
    )
    page = rows[: query.limit]
    links = view.self_links("/bulletins")
    if len(rows) > query.limit:
        last = page[-1].bulletin
        place = f"{last.last_day.isoformat()}-{last.id}"
        links.append({**view.link("/bulletins", "next"), "href": view.here(before=place)})
    links.append(view.link(f"/processes/{PUBLISH_BULLETIN.id}", "related"))
    document = {
        "bulletins": [documents.describe_head(seen, view) for seen in page],
        "links": links,
    }
    return view.respond(document, template="bulletins.html")


@router.get("/bulletins/{bulletin}", summary="One bulletin, for ever", responses=FILES)
async def show_bulletin(
    view: TheView,
    state: TheState,
    caller: Reader,
    bulletin: Code,
    query: Parameters,
    session: ReadSession,
) -> Response:
    """Show a bulletin with the hashes of its files, or send it as PDF or DOCX."""
    seen = await find_bulletin(session, bulletin, caller.viewer)
    chosen = choose_format(view.request, documents.FORMATS)
    if chosen in {documents.PDF, documents.DOCX}:
        return operations.send_document(state, view, seen, chosen)
    document = documents.describe_bulletin(seen, view, known=not caller.anonymous)
    return view.respond(document, template="bulletin.html", state=seen.bulletin.state)


@router.get(
    "/bulletins/{bulletin}/files/{file}",
    summary="A file of a bulletin",
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def send_bulletin_file(
    view: TheView,
    state: TheState,
    caller: Reader,
    bulletin: Code,
    file: Annotated[str, Path(pattern=r"^[a-z_]{1,40}$", description="Name of the file")],
    query: Parameters,
    session: ReadSession,
) -> Response:
    """Send a file as it was hashed; its ETag is the hash."""
    seen = await find_bulletin(session, bulletin, caller.viewer)
    return operations.send_named(state, view, seen, file)


@router.post("/bulletins/{bulletin}/publish", summary="Publish a draft")
async def publish_bulletin(
    request: Request,
    view: TheView,
    caller: Writer,
    bulletin: Code,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Publish a draft: from then on nothing of it changes."""
    digest = await read_digest(request)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=digest,
        effect=lambda: operations.publish(
            unit.session,
            bulletin,
            caller=caller,
            view=view,
            act=act_of(caller, view),
            expected=expected_states(request),
        ),
    )
    return made.response({"Cache-Control": "no-store"})
