"""Answers to GET."""

from typing import Any

import orjson
from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.sensorthings.expressions import PropertyPath
from shanhai.db.sensorthings.options import Options, read_options
from shanhai.db.sensorthings.paths import REFERENCES, VALUE, Resource, nothing_at, resolve
from shanhai.db.sensorthings.queries import Asker, Raw, read_one, read_page
from shanhai.db.sensorthings.tokens import refused
from shanhai_api.identity import Caller
from shanhai_api.negotiation import JSON
from shanhai_api.sta.documents import Writer, member_document
from shanhai_api.state import state_of
from shanhai_api.view import View

OF_SETS = frozenset(
    {"$filter", "$orderby", "$top", "$skip", "$count", "$resultFormat", "$skiptoken"}
)
LANG = "lang"


def asker_of(view: View, caller: Caller) -> Asker:
    """For whom a request reads."""
    return Asker(caller.viewer, view.lang, view.base, state_of(view.request).store)


def options_of(view: View) -> Options:
    """The query options of a request.

    Raises:
        InvalidInput: one breaks a rule.
    """
    query = view.request.query_params.multi_items()
    return read_options([(name, text) for name, text in query if name != LANG])


async def show(session: AsyncSession, view: View, caller: Caller, path: str) -> Response:
    """Show what is at a path.

    Raises:
        NotFound: nothing is, or nothing the caller may know of.
        InvalidInput: an option breaks a rule, or does not go with what is there.
    """
    asker, options = asker_of(view, caller), options_of(view)
    resource = await resolve(session, asker, path)
    if resource.key is None:
        return await _show_set(session, view, asker, resource, options)
    _demand_of_one(options)
    if resource.member is not None:
        options = Options(select=(PropertyPath((resource.member,)),))
    raw = await read_one(session, asker, resource.kind, options, resource.key)
    if raw is None:
        raise nothing_at(path)
    return _show_one(view, resource, raw, options)


def _demand_of_one(options: Options) -> None:
    """Refuse options that are for sets."""
    for name in sorted(options.given.keys() & OF_SETS):
        raise refused(name, "is for sets, not for one entity", "仅用于集合，不用于单个实体")


async def _show_set(
    session: AsyncSession, view: View, asker: Asker, resource: Resource, options: Options
) -> Response:
    if resource.tail == VALUE:
        raise nothing_at(view.request.url.path)
    page = await read_page(session, asker, resource.kind, options, resource.within)
    writer = Writer(view.base, view.chosen_lang)
    write = writer.references if resource.tail == REFERENCES else writer.page
    address = f"{view.base}{view.request.url.path}"
    return answered(view, write(resource.kind, page, options, address))


def _show_one(view: View, resource: Resource, raw: Raw, options: Options) -> Response:
    writer = Writer(view.base, view.chosen_lang)
    if resource.tail == REFERENCES:
        return answered(view, {"@iot.selfLink": writer.address(resource.kind, raw["id"])})
    if resource.member is None:
        return answered(view, writer.entity(resource.kind, raw, options))
    value = raw["members"][resource.member]
    if resource.tail != VALUE:
        return answered(view, member_document(resource.member, raw))
    if value is None:
        return Response(status_code=204)
    if isinstance(value, str):
        return view.send(value.encode(), "text/plain")
    return answered(view, value)


def answered(view: View, document: Any) -> Response:
    """A document as JSON, with its tag."""
    return view.send(orjson.dumps(document), JSON.media_type)
