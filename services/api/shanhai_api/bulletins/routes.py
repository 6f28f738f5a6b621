"""`/bulletins`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from shanhai.db.bulletins.queries import BulletinFilter, find_bulletin, list_bulletins
from shanhai.processes.publish_bulletin.contract import PUBLISH_BULLETIN
from shanhai_api.bulletins import operations
from shanhai_api.bulletins.models import DOCX, FORMATS, PDF, Bulletin, BulletinHead, Bulletins
from shanhai_api.bulletins.schemas import BulletinQuery, BulletinsQuery
from shanhai_api.dependencies import Reader, Writer
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import IfMatch, Read, Write
from shanhai_api.negotiation import choose_format

router = APIRouter(tags=["bulletins"], route_class=Route)
Code = Annotated[str, Path(max_length=200, description="Code of the bulletin")]
FileName = Annotated[str, Path(pattern=r"^[a-z_]{1,40}$", description="Name of the file")]


@router.get("/bulletins", summary="Bulletins, those of the latest periods first")
async def show_bulletins(
    read: Read[Reader], query: Annotated[BulletinsQuery, Query()]
) -> Bulletins:
    """List what is published, and drafts of the regions one works in."""
    asked = BulletinFilter(query.region, query.state, query.first, query.last)
    rows = await list_bulletins(
        read.session, read.caller.viewer, asked, limit=query.limit + 1, before=query.place
    )
    page = rows[: query.limit]
    links = read.self_links("/bulletins")
    if len(rows) > query.limit:
        last = page[-1].bulletin
        place = f"{last.last_day.isoformat()}-{last.id}"
        links.append({**read.link("/bulletins", "next"), "href": read.here(before=place)})
    links.append(read.link(f"/processes/{PUBLISH_BULLETIN.id}", "related"))
    return Bulletins(bulletins=[BulletinHead.of(seen, read) for seen in page], links=links)


@router.get("/bulletins/{bulletin}", summary="One bulletin, for ever")
async def show_bulletin(
    read: Read[Reader], bulletin: Code, _query: Annotated[BulletinQuery, Query()]
) -> Answer[Bulletin] | Response:
    """Show a bulletin with the hashes of its files, or send it as PDF or DOCX."""
    seen = await find_bulletin(read.session, bulletin, read.caller.viewer)
    chosen = choose_format(read.request, FORMATS)
    if chosen in {PDF, DOCX}:
        return operations.send_document(read.state, read, seen, chosen)
    return operations.shown(seen, read)


@router.get(
    "/bulletins/{bulletin}/files/{file}",
    summary="A file of a bulletin",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def send_bulletin_file(read: Read[Reader], bulletin: Code, file: FileName) -> Response:
    """Send a file as it was hashed; its ETag is the hash."""
    seen = await find_bulletin(read.session, bulletin, read.caller.viewer)
    return operations.send_named(read.state, read, seen, file)


@router.post("/bulletins/{bulletin}/publish", summary="Publish a draft")
async def publish_bulletin(
    write: Write[Writer], bulletin: Code, expected: IfMatch
) -> Answer[Bulletin]:
    """Publish a draft: from then on nothing of it changes."""
    return await operations.publish(write, bulletin, expected)
