"""The query of a list of features or records: everything checked, every fault named."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, TypeVar

from fastapi import Request
from starlette.datastructures import QueryParams

from shanhai.db.features.cql2.compiler import compile_filter
from shanhai.db.features.cql2.parser import FilterLanguage
from shanhai.db.features.crs import CRS84, Crs, parse_crs, published_uris
from shanhai.db.features.entity import TEXT, Entity, Property
from shanhai.db.features.order import Order, PageStart, usual_order
from shanhai.db.features.selection import Box, Filter, Outline, Period, Selection, Value
from shanhai.db.features.statements import OutputOptions, PageOptions
from shanhai.db.identity import Viewer
from shanhai.errors import Fault, InvalidInput
from shanhai.validation import in_both, read_day
from shanhai_api.features import values
from shanhai_api.kit.state import state_of

SYSTEM_PARAMETERS = frozenset({"crs", "bbox-crs", "filter-crs"})


def published(request: Request) -> tuple[str, ...]:
    """The URIs, the default one first."""
    return published_uris(state_of(request).configuration.public.crs)


def system_reader(request: Request) -> Callable[[str], Crs]:
    """What reads the name of a system, and refuses those that are not published."""
    uris = published(request)

    def read(text: str) -> Crs:
        found = parse_crs(text)
        if found.uri not in uris:
            raise ValueError(
                f"must be one of {', '.join(uris)}, not {text[:80]!r}"
                f" / 必须是以下之一：{'、'.join(uris)}"
            )
        return found

    return read


def with_published(document: dict[str, Any], request: Request) -> dict[str, Any]:
    """A definition whose parameters offer the systems that are published."""
    uris = list(published(request))
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter.get("name") in SYSTEM_PARAMETERS and "enum" in parameter["schema"]:
                    parameter["schema"] = {**parameter["schema"], "enum": uris}
    return document


DEFAULT_LIMIT = 10
RECORD_PARAMETERS = (
    *("f", "lang", "limit", "offset", "cursor", "datetime", "as_of"),
    *("sortby", "count", "properties", "filter", "filter-lang", "q"),
)
PARAMETERS = (*RECORD_PARAMETERS, "bbox", "bbox-crs", "crs", "filter-crs")
LANGUAGES: Mapping[str, FilterLanguage] = {
    "cql2-text": "cql2-text",
    "cql2-json": "cql2-json",
    # What GDAL asks in; what it writes means the same in CQL2.
    "cql-text": "cql2-text",
}
PLACES = frozenset({"cursor", "offset"})
NOT_KEPT = PLACES | {"lang"}
Read = TypeVar("Read")
System = Callable[[str], Crs]


@dataclass(frozen=True, slots=True)
class ItemsQuery:
    """What a request asks of a collection; `kept` are the parameters its page links repeat."""

    limit: int
    position: PageStart
    ask: PageOptions
    box: Box | Outline | None
    during: Period | None
    as_of: date | None
    filters: Mapping[str, Value]
    filter: Filter | None
    search: str | None
    kept: Mapping[str, str]

    def selection(self, viewer: Viewer) -> Selection:
        """What is asked, by a viewer."""
        return Selection(
            viewer=viewer,
            filters=self.filters,
            box=self.box,
            during=self.during,
            as_of=self.as_of,
            filter=self.filter,
            search=self.search,
        )


def parse_items_query(
    entity: Entity,
    query: QueryParams,
    bound: Mapping[str, str] | None = None,
    system: System = parse_crs,
) -> ItemsQuery:
    """The parameters of a request for items.

    Args:
        entity: What is asked for.
        query: The parameters.
        bound: The properties its path gives.
        system: What reads the name of a coordinate system.

    Raises:
        InvalidInput: with one fault for each parameter that is unknown, repeated or malformed.
    """
    given = dict(query.multi_items())
    reader = Reader(given, _strangers(entity, query, bound or {}), system)
    kept = {name: text for name, text in given.items() if name not in NOT_KEPT}
    filters = _filters(entity, reader, bound or {}) | dict(bound or {})
    order = reader.read("sortby", values.sort_reader(entity)) or usual_order(entity)
    crs = reader.read("bbox-crs", reader.system) or CRS84
    reader.read("lang", values.parse_lang)
    parsed = ItemsQuery(
        limit=reader.read("limit", values.parse_limit) or DEFAULT_LIMIT,
        position=_position(entity, reader, order, kept),
        ask=_ask(entity, reader, order),
        box=reader.read("bbox", lambda text: values.parse_bbox(text, crs)),
        during=reader.read("datetime", values.parse_period),
        as_of=reader.read("as_of", read_day),
        filters=filters,
        filter=read_filter(entity, reader),
        search=reader.read("q", values.parse_search),
        kept=kept,
    )
    reader.refuse_faults()
    return parsed


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads parameters one by one and collects what is wrong with them."""

    query: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)
    system: System = parse_crs

    def read(self, name: str, parse: Callable[[str], Read]) -> Read | None:
        """The parameter's value; None when absent, wrong, or found at fault before."""
        text = self.query.get(name)
        if text is None or any(fault.pointer == name for fault in self.faults):
            return None
        try:
            return parse(text)
        except InvalidInput as error:
            own = Fault(name, error.message, error.message_zh)
            self.faults.extend(error.faults or [own])
        except ValueError as error:
            en, zh = in_both(str(error))
            self.faults.append(Fault(name, en, f"{zh}（给出的是 {text[:80]!r}）"))
        return None

    def refuse_faults(self) -> None:
        """End here if anything was wrong.

        Raises:
            InvalidInput: with all faults.
        """
        if self.faults:
            raise InvalidInput.placed(self.faults)


def asked_by_form(request: Request) -> QueryParams:
    """The parameters a person filled in: a form also sends those that were left empty."""
    return QueryParams([pair for pair in request.query_params.multi_items() if pair[1]])


def crs_named(text: str | None, system: System = parse_crs) -> Crs:
    """The system asked for by `crs`.

    Raises:
        InvalidInput: it is not served.
    """
    if text is None:
        return CRS84
    reader = Reader({"crs": text})
    crs = reader.read("crs", system) or CRS84
    reader.refuse_faults()
    return crs


def version_filter(entity: Entity, version: int | None) -> dict[str, Value]:
    """The filter that means a version of an object.

    Raises:
        InvalidInput: objects of the entity have no versions beside each other.
    """
    if version is None:
        return {}
    if "version" in entity.history:
        return {"version": version}
    raise InvalidInput(
        f"{entity.name} have no versions beside each other; see /versions, or as_of",
        message_zh=f"{entity.name} 没有并存的版本；请用 /versions 或 as_of",
        pointer="version",
    )


def known_parameters(entity: Entity) -> tuple[str, ...]:
    """The parameters that are not properties."""
    return RECORD_PARAMETERS if entity.geometry is None else PARAMETERS


def parameters_of(entity: Entity, bound: Iterable[str]) -> list[Property]:
    """The properties that are parameters: those with one value, and lists of texts."""
    taken = {*known_parameters(entity), *bound}
    return [
        item
        for item in entity.queryables
        if item.name not in taken and (item.sortable or item.schema.get("items") == TEXT)
    ]


def _strangers(entity: Entity, query: QueryParams, bound: Mapping[str, str]) -> list[Fault]:
    known = _known(entity, frozenset(bound))
    if query.keys() <= known and len(query.keys()) == len(query.multi_items()):
        return []
    listed = ", ".join(sorted(known))
    unknown = f"is not a parameter of this collection; known: {listed}"
    unknown_zh = f"不是该集合的参数；可用参数：{listed}"
    twice = [name for name in query if len(query.getlist(name)) > 1]
    return [
        *(Fault(name, unknown, unknown_zh) for name in query if name not in known),
        *(Fault(name, "is given twice", "重复给出") for name in twice),
    ]


@lru_cache(maxsize=512)
def _known(entity: Entity, bound: frozenset[str]) -> frozenset[str]:
    """The names of all parameters."""
    own = (item.name for item in parameters_of(entity, bound))
    return frozenset((*known_parameters(entity), *own))


def _filters(entity: Entity, reader: Reader, bound: Mapping[str, str]) -> dict[str, Value]:
    if reader.query.keys() <= set(known_parameters(entity)):
        return {}
    read = (
        (item.name, reader.read(item.name, values.value_reader(item.schema)))
        for item in parameters_of(entity, bound)
    )
    return {name: value for name, value in read if value is not None}


def read_filter(entity: Entity, reader: Reader) -> Filter | None:
    """The condition of `filter`, in the language and system its companions name."""
    language = reader.read("filter-lang", _language) or "cql2-text"
    crs = reader.read("filter-crs", reader.system) or CRS84
    return reader.read(
        "filter", lambda text: compile_filter(text, entity=entity, language=language, crs=crs)
    )


def _language(text: str) -> FilterLanguage:
    if text not in LANGUAGES:
        raise ValueError(
            f"must be cql2-text or cql2-json, not {text[:40]!r} / 必须是 cql2-text 或 cql2-json"
        )
    return LANGUAGES[text]


def _ask(entity: Entity, reader: Reader, order: Order) -> PageOptions:
    members = reader.read("properties", values.members_reader(entity))
    form = OutputOptions(reader.read("crs", reader.system) or CRS84, members)
    return PageOptions(order, form, reader.read("count", values.parse_counting) or "capped")


def _position(entity: Entity, reader: Reader, order: Order, kept: Mapping[str, str]) -> PageStart:
    if "cursor" in reader.query:
        return reader.read("cursor", values.cursor_reader(entity, order, kept)) or PageStart()
    return PageStart(offset=reader.read("offset", values.parse_offset) or 0)
