"""Records, entities without geometry: the same reading as features, each at a path of its own."""

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from shanhai.db.collections.catalogue import RECORDS, seen_by
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection
from shanhai.db.features.write import state_tag
from shanhai.validation import Rfc3339Date
from shanhai_api import exports
from shanhai_api.features import documents, operations
from shanhai_api.features.parameters import asked_by_form, parse_items_query
from shanhai_api.features.tables import item_page, items_page, shown_row, ways_open
from shanhai_api.features.wording import names_on_page
from shanhai_api.kit.dependencies import Context, PageQuery, Reader, ReadSession, TheView
from shanhai_api.kit.late_route import LateRoute
from shanhai_api.kit.state import state_of
from shanhai_api.kit.view import HTML, JSON

router = APIRouter(tags=["records"], route_class=LateRoute)
PATH_NAMES = re.compile(r"\{(\w+)\}")


class RecordQuery(PageQuery):
    """Parameters of one record."""

    as_of: Rfc3339Date | None = Field(None, description="Day whose state is wanted")


def bound_names(entity: Entity) -> list[str]:
    """The properties a record's path gives."""
    return PATH_NAMES.findall(entity.path or "")


def bound_by(entity: Entity, request: Request) -> dict[str, str]:
    """The properties the path of a request gives."""
    return {name: request.path_params[name] for name in bound_names(entity)}


async def show_list(read: Context, entity: Entity) -> Response:
    """A page of what has a list and dossiers of its own, or a file of all."""
    request, caller = read.request, read.caller
    chosen = exports.file_format(request, entity)
    if chosen is not None:
        return await exports.respond_file(request, read, caller, entity, chosen, {})
    html = read.wants_html(JSON, HTML)
    asked = asked_by_form(request) if html else request.query_params
    query = parse_items_query(entity, asked, {})
    exports.note_reading(request, caller, entity)
    if html:
        return await items_page(read.state.quick, entity, caller, query, read)
    page = await operations.read_items(read.state.quick, entity, caller, query)
    return read.respond(documents.record_list(entity, page, page.rows, query, read, {}))


def add_list(entity: Entity, path: str) -> None:
    """Offer the list of an entity's records."""

    async def list_records(
        request: Request, view: TheView, caller: Reader, session: ReadSession
    ) -> Response:
        bound, quick = bound_by(entity, request), state_of(request).quick
        chosen = exports.file_format(request, entity)
        if chosen is not None:
            await operations.demand_owners(session, entity, caller, bound)
            return await exports.respond_file(request, view, caller, entity, chosen, bound)
        html = view.wants_html(JSON, HTML)
        asked = asked_by_form(request) if html else request.query_params
        query = parse_items_query(seen_by(entity, caller.viewer), asked, bound)
        await operations.demand_owners(session, entity, caller, bound)
        exports.note_reading(request, caller, entity)
        if html:
            return await items_page(quick, entity, caller, query, view, bound)
        page = await operations.read_items(quick, entity, caller, query)
        return view.respond(documents.record_list(entity, page, page.rows, query, view, bound))

    router.add_api_route(
        path,
        list_records,
        name=f"list_{entity.name}",
        summary=entity.title.en,
        description=entity.description.en,
    )


def add_one(entity: Entity, path: str) -> None:
    """Offer one record of an entity."""

    async def read_record(
        request: Request,
        view: TheView,
        caller: Reader,
        code: str,
        query: Annotated[RecordQuery, Query()],
    ) -> Response:
        bound, quick = bound_by(entity, request), state_of(request).quick
        html = view.wants_html(JSON, HTML)
        selection = Selection(caller.viewer, filters=bound, code=code, as_of=query.as_of)
        row = await operations.read_item(quick, entity, selection)
        exports.note_reading(request, caller, entity)
        document = documents.record_document(entity, row, view, bound)
        state = state_tag(row.key, row.version)
        if not html:
            return view.respond(document, state=state)
        shown = {"links": document["links"], **shown_row(row)}
        members = [shown["properties"]]
        named = await names_on_page(quick, entity, members, caller.viewer, view.lang)
        ways = await ways_open(state_of(request), entity, code, members[0], caller)
        page = {**item_page(entity, view, bound, **ways), "named": named}
        return view.respond(shown, template="item.html", extra=page, state=state)

    router.add_api_route(
        f"{path}/{{code}}",
        read_record,
        name=f"read_{entity.name}",
        summary=f"{entity.title.en}: one",
        description=entity.description.en,
    )


for _entity in RECORDS:
    if _entity.path is not None:
        add_list(_entity, _entity.path)
        add_one(_entity, _entity.path)
