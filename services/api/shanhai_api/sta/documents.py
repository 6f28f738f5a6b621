"""Answers to GET: entities as SensorThings clients read them: ids, links, pages, data arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.sensorthings import queries
from shanhai.db.sensorthings.compiler import ID
from shanhai.db.sensorthings.expressions import PropertyPath, refused
from shanhai.db.sensorthings.model import DATASTREAM, KINDS, SETS, EntityKind
from shanhai.db.sensorthings.options import SKIPTOKEN, Options, Place, read_options, token_of
from shanhai.db.sensorthings.paths import REFERENCES, VALUE, Resource, nothing_at, resolve
from shanhai.errors import InvalidInput
from shanhai.vocabulary import Lang
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.state import state_of
from shanhai_api.kit.view import JSON, View

ROOT = "/sta/v1.1"
SPECIFICATION = "http://www.opengis.net/spec/iot_sensing/1.1/req"
CONFORMANCE = (
    f"{SPECIFICATION}/datamodel",
    f"{SPECIFICATION}/resource-path/resource-path-to-entities",
    f"{SPECIFICATION}/request-data",
    f"{SPECIFICATION}/create-update-delete/create-entity",
    f"{SPECIFICATION}/create-update-delete/deep-insert",
    f"{SPECIFICATION}/create-update-delete/deep-insert-status-code",
    f"{SPECIFICATION}/create-update-delete/update-entity",
    f"{SPECIFICATION}/create-update-delete/delete-entity",
    f"{SPECIFICATION}/create-update-delete/historical-location-auto-creation",
    f"{SPECIFICATION}/data-array/data-array",
)
"""What is there whole."""
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes entities with their links.

    Attributes:
        base: Where the API is.
        lang: The language that was asked for in the address, which links keep.
    """

    base: str
    lang: Lang | None = None

    @property
    def root(self) -> str:
        """Where the service is."""
        return f"{self.base}{ROOT}"

    def address(self, kind: EntityKind, identifier: str) -> str:
        """Where an entity is."""
        quoted = quote(identifier.replace("'", "''"), safe=":'")
        return f"{self.root}/{kind.plural}('{quoted}')"

    def index(self) -> Document:
        """The service's root: its sets, and what of the standard is there."""
        sets = [{"name": name, "url": f"{self.root}/{name}"} for name in SETS]
        return {"value": sets, "serverSettings": {"conformance": list(CONFORMANCE)}}

    def entity(self, kind: EntityKind, raw: queries.Raw, options: Options) -> Document:
        """An entity with what is to be shown of it."""
        own = self.address(kind, raw["id"])
        asked = None if options.select is None else {str(path) for path in options.select}
        document: Document = {}
        if asked is None or not asked.isdisjoint(ID):
            document["@iot.id"] = raw["id"]
        document["@iot.selfLink"] = own
        document |= raw["members"]
        for name in kind.links:
            if name in options.expand:
                document |= self._expanded(kind, name, raw["expanded"][name], options, own)
            elif asked is None or name in asked:
                document[f"{name}@iot.navigationLink"] = f"{own}/{name}"
        return document

    def _expanded(
        self, kind: EntityKind, name: str, found: Any, options: Options, own: str
    ) -> Document:
        link, inner = kind.links[name], options.expand[name]
        target = KINDS[link.target]
        if not link.many:
            return {name: None if found is None else self.entity(target, found, inner)}
        page = queries.page_of(found, inner)
        document: Document = {name: [self.entity(target, row, inner) for row in page.rows]}
        if page.count is not None:
            document[f"{name}@iot.count"] = page.count
        if page.next is not None:
            document[f"{name}@iot.nextLink"] = self.following(f"{own}/{name}", inner, page.next)
        return document

    def following(self, address: str, options: Options, place: Place) -> str:
        """Where the page behind a place is."""
        given = {name: text for name, text in options.given.items() if name != "$skip"}
        query = {**given, SKIPTOKEN: token_of(place)}
        if self.lang is not None:
            query["lang"] = self.lang
        return f"{address}?{urlencode(query, quote_via=quote, safe='$')}"

    def page(
        self, kind: EntityKind, page: queries.EntityPage, options: Options, address: str
    ) -> Document:
        """A page of a set."""
        if options.result_format == "dataArray":
            value: list[Any] = self.data_arrays(kind, page.rows, options)
        else:
            value = [self.entity(kind, row, options) for row in page.rows]
        return self._paged(page, options, address, value)

    def references(
        self, kind: EntityKind, page: queries.EntityPage, options: Options, address: str
    ) -> Document:
        """The addresses of the entities of a page."""
        value = [{"@iot.selfLink": self.address(kind, row["id"])} for row in page.rows]
        return self._paged(page, options, address, value)

    def _paged(
        self, page: queries.EntityPage, options: Options, address: str, value: list[Any]
    ) -> Document:
        document: Document = {}
        if page.count is not None:
            document["@iot.count"] = page.count
        if page.next is not None:
            document["@iot.nextLink"] = self.following(address, options, page.next)
        return {**document, "value": value}

    def data_arrays(
        self, kind: EntityKind, rows: Sequence[queries.Raw], options: Options
    ) -> list[Document]:
        """Observations as a table for each Datastream."""
        if kind.name != "Observation" or options.expand:
            raise InvalidInput(
                "$resultFormat: dataArray is for Observations, without $expand",
                message_zh="$resultFormat：dataArray 仅用于不带 $expand 的 Observations",
                pointer="$resultFormat",
            )
        asked = None if options.select is None else {str(path) for path in options.select}
        members = [name for name in kind.members if name in queries.chosen_members(kind, options)]
        with_id = asked is None or not asked.isdisjoint(ID)
        components = ["id", *members] if with_id else members
        groups: dict[str, list[list[Any]]] = {}
        for row in rows:
            series = row["id"].rpartition(":")[0]
            values = [row["members"][name] for name in members]
            groups.setdefault(series, []).append([row["id"], *values] if with_id else values)
        return [
            {
                "Datastream@iot.navigationLink": self.address(DATASTREAM, series),
                "components": components,
                "dataArray@iot.count": len(table),
                "dataArray": table,
            }
            for series, table in groups.items()
        ]


OF_SETS = frozenset(
    {"$filter", "$orderby", "$top", "$skip", "$count", "$resultFormat", "$skiptoken"}
)
LANG = "lang"


def asker_of(view: View, caller: Caller) -> queries.Asker:
    """For whom a request reads."""
    return queries.Asker(caller.viewer, view.lang, view.base, state_of(view.request).store)


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
    raw = await queries.read_one(session, asker, resource.kind, options, resource.key)
    if raw is None:
        raise nothing_at(path)
    return _show_one(view, resource, raw, options)


def _demand_of_one(options: Options) -> None:
    """Refuse options that are for sets."""
    for name in sorted(options.given.keys() & OF_SETS):
        raise refused(name, "is for sets, not for one entity", "仅用于集合，不用于单个实体")


async def _show_set(
    session: AsyncSession, view: View, asker: queries.Asker, resource: Resource, options: Options
) -> Response:
    if resource.tail == VALUE:
        raise nothing_at(view.request.url.path)
    page = await queries.read_page(session, asker, resource.kind, options, resource.within)
    writer = Writer(view.base, view.chosen_lang)
    write = writer.references if resource.tail == REFERENCES else writer.page
    address = f"{view.base}{view.request.url.path}"
    return answered(view, write(resource.kind, page, options, address))


def _show_one(view: View, resource: Resource, raw: queries.Raw, options: Options) -> Response:
    writer = Writer(view.base, view.chosen_lang)
    if resource.tail == REFERENCES:
        return answered(view, {"@iot.selfLink": writer.address(resource.kind, raw["id"])})
    if resource.member is None:
        return answered(view, writer.entity(resource.kind, raw, options))
    value = raw["members"][resource.member]
    if resource.tail != VALUE:
        return answered(view, {resource.member: value})
    if value is None:
        return Response(status_code=204)
    if isinstance(value, str):
        return view.send(value.encode(), "text/plain")
    return answered(view, value)


def answered(view: View, document: Any) -> Response:
    """A document as JSON, with its tag."""
    return view.send(orjson.dumps(document), JSON.media_type)
