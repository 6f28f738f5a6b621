"""`/`, `/conformance`, `/open-data`, `/disclosure`, `/api`, `/openapi.json`, `/docs`."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self
from urllib.parse import quote, unquote, urlencode

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, Field
from starlette.datastructures import Headers
from starlette.types import Message

from shanhai.db.collections.catalogue import COLLECTIONS, ENTITIES, RECORDS, seen_by
from shanhai.db.collections.notices import publicity
from shanhai.db.features.entity import Entity
from shanhai.db.features.export import PublishedRows, read_published
from shanhai.db.identity import PUBLIC
from shanhai.errors import InvalidInput
from shanhai.vocabulary import DISCLOSURES, Scope
from shanhai_api.console import entry
from shanhai_api.exports import file_formats
from shanhai_api.features.parameters import with_published
from shanhai_api.kit import answers
from shanhai_api.kit.answers import Answer, Document, Link
from shanhai_api.kit.dependencies import (
    MAY_LOOK,
    Guest,
    Read,
    Reader,
    TheState,
    TheView,
    get_guest,
)
from shanhai_api.kit.late_route import DirectRoute
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import HTML, JSON, OPENAPI, Format, View
from shanhai_api.kit.view import Link as Target
from shanhai_api.openapi import TAGS, describe_30, describe_31
from shanhai_api.words.naming import resource_name
from shanhai_api.words.pages import WORDS

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    method: str
    path: str
    tag: str
    summary: str
    description: str
    parameters: tuple[Mapping[str, Any], ...]
    answers: Mapping[str, str]


def operations_of(document: Mapping[str, Any]) -> list[Operation]:
    """The operations of an OpenAPI document, in its order."""
    return [
        Operation(
            method.upper(),
            path,
            item[method]["tags"][0],
            item[method].get("summary", ""),
            item[method].get("description", ""),
            tuple(item[method].get("parameters", ())),
            {code: told(answer, document) for code, answer in item[method]["responses"].items()},
        )
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def told(answer: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """What an answer is, which many operations have in common."""
    name = answer.get("$ref", "").rpartition("/")[2]
    shared = document.get("components", {}).get("responses", {})
    return str(shared.get(name, answer)["description"])


P = "http://www.opengis.net/spec"
CONFORMS_TO: tuple[str, ...] = (
    f"{P}/ogcapi-common-1/1.0/conf/core",
    f"{P}/ogcapi-common-1/1.0/conf/landing-page",
    f"{P}/ogcapi-common-1/1.0/conf/json",
    f"{P}/ogcapi-common-1/1.0/conf/html",
    f"{P}/ogcapi-common-1/1.0/conf/oas30",
    f"{P}/ogcapi-common-2/1.0/conf/collections",
    f"{P}/ogcapi-features-1/1.0/conf/core",
    f"{P}/ogcapi-features-1/1.0/conf/geojson",
    f"{P}/ogcapi-features-1/1.0/conf/html",
    f"{P}/ogcapi-features-1/1.0/conf/oas30",
    f"{P}/ogcapi-features-2/1.0/conf/crs",
    f"{P}/ogcapi-features-3/1.0/conf/queryables",
    f"{P}/ogcapi-features-3/1.0/conf/queryables-query-parameters",
    f"{P}/ogcapi-features-3/1.0/conf/filter",
    f"{P}/ogcapi-features-3/1.0/conf/features-filter",
    f"{P}/cql2/1.0/conf/cql2-text",
    f"{P}/cql2/1.0/conf/cql2-json",
    f"{P}/cql2/1.0/conf/basic-cql2",
    f"{P}/cql2/1.0/conf/advanced-comparison-operators",
    f"{P}/cql2/1.0/conf/case-insensitive-comparison",
    f"{P}/cql2/1.0/conf/basic-spatial-functions",
    f"{P}/cql2/1.0/conf/basic-spatial-functions-plus",
    f"{P}/cql2/1.0/conf/spatial-functions",
    f"{P}/cql2/1.0/conf/temporal-functions",
    f"{P}/cql2/1.0/conf/property-property",
    f"{P}/cql2/1.0/conf/arithmetic",
    f"{P}/ogcapi-features-4/1.0/conf/create-replace-delete",
    f"{P}/ogcapi-features-4/1.0/conf/update",
    f"{P}/ogcapi-features-4/1.0/conf/features",
    f"{P}/ogcapi-features-5/1.0/conf/schemas",
    f"{P}/ogcapi-features-5/1.0/conf/core-roles-features",
    f"{P}/ogcapi-features-5/1.0/conf/returnables-and-receivables",
    f"{P}/ogcapi-features-5/1.0/conf/queryables",
    f"{P}/ogcapi-features-5/1.0/conf/sortables",
    f"{P}/ogcapi-processes-1/1.0/conf/core",
    f"{P}/ogcapi-processes-1/1.0/conf/json",
    f"{P}/ogcapi-processes-1/1.0/conf/html",
    f"{P}/ogcapi-processes-1/1.0/conf/oas30",
    f"{P}/ogcapi-processes-1/1.0/conf/ogc-process-description",
    f"{P}/ogcapi-processes-1/1.0/conf/job-list",
    f"{P}/ogcapi-processes-1/1.0/conf/dismiss",
)
CALLBACK = f"{P}/ogcapi-processes-1/1.0/conf/callback"
LOCKING = f"{P}/ogcapi-features-4/1.0/conf/optimistic-locking-etags"


def conforms_to(*, require_if_match: bool, callbacks: bool) -> list[str]:
    """The classes a service conforms to.

    Args:
        require_if_match: No write goes without `If-Match`, as locking asks for.
        callbacks: There are hosts that subscribers of jobs may be at.
    """
    return [
        *CONFORMS_TO,
        *([CALLBACK] if callbacks else []),
        *([LOCKING] if require_if_match else []),
    ]


router = APIRouter(tags=["service"], route_class=Route)
REL = "http://www.opengis.net/def/rel/ogc/1.0"
MONITORING = {
    "/observations": "observations",
    "/properties": "observed_properties",
    "/sta/v1.1": "sensorthings",
    "/alerts": "alerts",
    "/cases": "cases",
    "/proposals": "proposals",
    "/bulletins": "bulletins",
    "/notices": "notices",
    "/complaints": "complaints",
    "/open-data": "open_data",
}
"""Where monitoring is found, and what a page calls it."""
BY_JOB: Mapping[str, tuple[str, ...]] = {
    "job_planning": (
        *("plans", "patterns", "indicators", "zone_schemes", "zone_classes", "control_rules"),
        *("/compliance/check", "projects", "/projects/reserve", "problems", "notices"),
        *("/proposals", "/balances", "mines", "reclamations", "compensation_agreements"),
        *("fund_sources", "titles", "demonstration_members", "demonstration_criteria"),
        "demonstration_scores",
    ),
    "job_map": (
        *("zones", "corridors", "corridor_nodes", "pattern_components", "control_areas"),
        *("regions", "region_links", "named_features", "islands", "fishing_harbours"),
    ),
    "job_monitoring": (
        *("stations", "/observations", "/properties", "/alerts", "/cases", "/bulletins"),
        *("outfalls", "occurrences", "species", "/complaints"),
    ),
    "job_computing": ("/processes", "/jobs", "/schedules", "datasets", "/ecoservices"),
    "job_managing": (
        *("/session", "documents", "parties", "/open-data", "/disclosure", "/webhooks"),
        *("/accounts", "/keys", "/audit"),
    ),
}
"""What each job is done with: collections and records by name, all else by its address."""
WORK = {
    "/accounts": "accounts",
    "/alerts": "alerts",
    "/audit": "audit",
    "/balances": "balances",
    "/bulletins": "bulletins",
    "/cases": "cases",
    "/complaints": "complaints",
    "/compliance/check": "check",
    "/disclosure": "disclosure",
    "/ecoservices": "ecoservices",
    "/jobs": "jobs",
    "/keys": "keys",
    "/observations": "observations",
    "/open-data": "open_data",
    "/processes": "processes",
    "/projects/reserve": "reserve",
    "/properties": "observed_properties",
    "/proposals": "proposals",
    "/schedules": "schedules",
    "/session": "own_account",
    "/webhooks": "webhooks",
}
"""What people come for besides objects of the plan, and what a page calls it."""
PERSONAL = frozenset({"/projects/reserve", "/cases", "/alerts", "/proposals"})
"""What is only shown to people with an identity."""
ASKING = {
    "/accounts": Scope.ADMIN,
    "/audit": Scope.ADMIN,
    "/keys": Scope.ADMIN,
    "/schedules": Scope.JOBS,
    "/webhooks": Scope.WRITE,
}
"""What is only shown to those with a scope."""
LISTED = {
    entity.name: entity
    for entity in (*COLLECTIONS, *RECORDS)
    if entity in COLLECTIONS or (entity.path and "{" not in entity.path)
}


class LandingPage(Document):
    """What this is and where to go."""

    template = "landing.html"

    title: str
    description: str
    links: list[Link]


class Conformance(Document):
    """The conformance classes."""

    conformsTo: list[str]
    links: list[Link]


class Definition(BaseModel):
    """A definition in OpenAPI."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, dict[str, Any]]


class OpenAPIResponse(JSONResponse):
    """A definition in the media type that OGC names."""

    media_type = OPENAPI.media_type


@router.get("/", summary="Landing page")
async def show_landing_page(view: TheView, guest: Guest) -> Answer[LandingPage]:
    """Say what this is and where to go."""
    page = LandingPage(
        title=WORDS["title"].in_(view.lang),
        description=WORDS["subtitle"].in_(view.lang),
        links=landing_links(view),
    )
    jobs = {
        WORDS[job].in_(view.lang): [
            _place(what, view) for what in things if _shown(what, view, guest)
        ]
        for job, things in BY_JOB.items()
    }
    return Answer(page, page={"jobs": jobs, "console": entry()})


def _shown(what: str, view: View, guest: Caller) -> bool:
    """Whether somebody is shown a link: nobody is led to where he is sent away."""
    if what == "/session":
        return view.person is not None
    if what in ASKING:
        return guest.may(ASKING[what])
    return not guest.anonymous or what not in PERSONAL


def _place(what: str, view: View) -> tuple[str, str]:
    """The address of a page and what it is called."""
    if what in WORK:
        return view.url(what, f="html"), WORDS[WORK[what]].in_(view.lang)
    entity = LISTED[what]
    path = entity.path or f"/collections/{entity.name}/items"
    return view.url(path, f="html"), entity.title.in_(view.lang)


def landing_links(view: View) -> list[Target]:
    """Where one goes from the landing page."""
    word = {key: label.in_(view.lang) for key, label in WORDS.items()}
    return [
        *view.self_links("/"),
        view.link("/api", "service-desc", OPENAPI.media_type, word["api"]),
        view.link("/docs", "service-doc", HTML.media_type, word["api"]),
        view.link("/conformance", "conformance"),
        view.link("/conformance", f"{REL}/conformance"),
        view.link("/collections", "data", JSON.media_type, word["collections"]),
        view.link("/collections", f"{REL}/data", JSON.media_type, word["collections"]),
        view.link("/changes", "related", JSON.media_type, word["changes"]),
        view.link("/processes", f"{REL}/processes", JSON.media_type, word["processes"]),
        view.link("/jobs", f"{REL}/job-list", JSON.media_type, word["jobs"]),
        *(
            view.link(path, "related", JSON.media_type, word[name])
            for path, name in MONITORING.items()
        ),
    ]


class DownloadableFile(answers.Answered):
    """A file of a dataset."""

    format: str
    mediaType: str
    downloadURL: str


class OpenDataset(answers.Answered):
    """A collection as everybody may have it; member names follow DCAT where it has them."""

    identifier: str
    title_zh: str
    title_en: str
    description_zh: str
    description_en: str
    records: int = Field(description="Rows everybody may see today")
    modified: answers.Moment | None = Field(description="Newest change of one of them")
    licences: list[str] = Field(description="That its rows name")
    landingPage: str
    distribution: list[DownloadableFile]

    @classmethod
    def told(cls, entity: Entity, found: PublishedRows, view: View) -> Self:
        """An entity with what is public of it."""
        path = entity.path or f"/collections/{entity.name}/items"
        return cls(
            identifier=entity.name,
            title_zh=entity.title.zh,
            title_en=entity.title.en,
            description_zh=entity.description.zh,
            description_en=entity.description.en,
            records=found.rows,
            modified=found.updated_at,
            licences=list(found.licences),
            landingPage=view.url(path, f="html"),
            distribution=[
                DownloadableFile(
                    format=item.name,
                    mediaType=item.media_type,
                    downloadURL=view.url(path, f=item.name),
                )
                for item in file_formats(entity)
            ],
        )


class OpenDataPage(Document):
    """What everybody may download."""

    template = "open_data.html"

    licence_zh: str
    licence_en: str
    licence_to_be_confirmed: bool
    dataset: list[OpenDataset]
    links: list[Link]


class DisclosureRule(answers.Answered):
    """What of a kind of object is public by default, and by which law."""

    what: str
    title_zh: str
    title_en: str
    public: Annotated[str, answers.one_of(DISCLOSURES)]
    text_zh: str
    text_en: str
    legal_basis: str | None
    to_be_confirmed: bool = Field(description="The bureau has yet to confirm it")


class DisclosureList(Document):
    """What is public by default, per kind of object."""

    template = "disclosure.html"

    rules: list[DisclosureRule]
    links: list[Link]


@router.get("/open-data", summary="What everybody may download")
async def show_open_data(read: Read[Reader]) -> OpenDataPage:
    """List the public collections with files, licences and days of change; public rows alone."""
    listed = [one for one in ENTITIES if one.editing or one.file]
    told = [one for one in listed if "{" not in (one.path or "")]
    found = [
        OpenDataset.told(one, await read_published(read.session, seen_by(one, PUBLIC)), read)
        for one in told
    ]
    licence = publicity()["licence"]
    return OpenDataPage(
        licence_zh=licence["text_zh"],
        licence_en=licence["text_en"],
        licence_to_be_confirmed=licence["confirm"],
        dataset=[one for one in found if one.records],
        links=[*read.self_links("/open-data"), read.link("/disclosure", "related")],
    )


@router.get("/disclosure", summary="What is public by default")
async def show_disclosure(read: Read[Reader]) -> Answer[DisclosureList]:
    """List per kind of object what is public by default, with the legal basis."""
    rules = publicity()["disclosure"]
    told = [
        _disclosed(
            one.name,
            disclosure_of(one),
            {"title_zh": one.title.zh, "title_en": one.title.en}
            | rules["default"]
            | rules["entities"].get(one.name, {}),
        )
        for one in ENTITIES
    ]
    told += [_disclosed(one["what"], one["public"], one) for one in rules["others"]]
    links = [*read.self_links("/disclosure"), read.link("/open-data", "related")]
    words = {term.code: term.label for term in DISCLOSURES}
    return Answer(DisclosureList(rules=told, links=links), page={"words": words})


def _disclosed(what: str, public: str, said: Mapping[str, Any]) -> DisclosureRule:
    names = ("title_zh", "title_en", "text_zh", "text_en", "legal_basis")
    told = {name: said[name] for name in names}
    return DisclosureRule(what=what, public=public, to_be_confirmed=said["confirm"], **told)


def disclosure_of(entity: Entity) -> str:
    """What of an entity is public, told from its declaration, which is what is applied."""
    if entity.public == "false":
        return "none"
    if "visibility" in entity.public:
        return "flagged"
    if entity.public != "true":
        return "in_part"
    return "all" if entity.published == "true" else "published"


@router.get("/conformance", summary="Standards conformed to", dependencies=[MAY_LOOK])
async def declare_conformance(view: TheView, state: TheState) -> Conformance:
    """List the conformance classes."""
    links = view.self_links("/conformance")
    configuration = state.configuration
    classes = conforms_to(
        require_if_match=configuration.public.require_if_match,
        callbacks=bool(configuration.outgoing.hosts or configuration.outgoing.http_hosts),
    )
    return Conformance(conformsTo=classes, links=links)


@router.get(
    "/api",
    summary="This definition, as OpenAPI 3.0",
    dependencies=[MAY_LOOK],
    response_model=Definition,
    response_class=OpenAPIResponse,
    responses={200: {"content": {HTML.media_type: {"schema": {"type": "string"}}}}},
)
async def define_api(request: Request, view: TheView) -> Response:
    """Define the API for OGC clients."""
    return _defined(request, view, OPENAPI, HTML)


@router.get(
    "/openapi.json",
    summary="This definition, as OpenAPI 3.1",
    dependencies=[MAY_LOOK],
    response_model=Definition,
)
async def define_api_31(request: Request, view: TheView) -> Response:
    """Define the API in the newer version of OpenAPI."""
    document = with_published(describe_31(request.app, view.base), request)
    return view.send(orjson.dumps(document), JSON.media_type)


def _defined(request: Request, view: View, *formats: Format) -> Response:
    document = with_published(describe_30(request.app, view.base), request)
    page = page_of(document, view)
    return view.respond(document, template="api.html", formats=formats, extra=page)


def page_of(document: Mapping[str, Any], view: View) -> dict[str, Any]:
    """The operations by what they are about; in Chinese what each resource is called as well."""
    found: dict[str, list[Operation]] = {tag: [] for tag in TAGS}
    for operation in operations_of(document):
        found[operation.tag].append(operation)
    groups = {TAGS[tag].in_(view.lang): some for tag, some in found.items() if some}
    return {"groups": groups, "resource_name": resource_name, "triable": triable(document)}


@router.get(
    "/docs",
    summary="This definition, to read",
    dependencies=[MAY_LOOK],
    response_class=HTMLResponse,
)
async def show_documentation(request: Request, view: TheView) -> Response:
    """Show the API's operations on a page."""
    return _defined(request, view, HTML)


EVENTS = "text/event-stream"
MOST_SHOWN = 20_000
"""Bytes of an answer that a page shows."""
LONGEST_S = 15.0
PASSED_ON = frozenset({b"authorization", b"cookie", b"accept-language", b"host"})
"""Headers of the person who tries an operation, which it is tried with."""


@dataclass(frozen=True, slots=True)
class TriedAnswer:
    """What an operation answered."""

    address: str
    status: int
    media_type: str
    text: str
    cut: bool


def triable(document: Mapping[str, Any]) -> dict[str, Operation]:
    """The operations a page can try, by path: those that read, and end."""
    return {
        one.path: one
        for one in operations_of(document)
        if one.method == "GET"
        and EVENTS not in document["paths"][one.path]["get"]["responses"]["200"].get("content", {})
    }


tries = APIRouter(tags=["service"], route_class=DirectRoute)


@tries.get("/docs/try", include_in_schema=False)
async def try_operation(request: Request) -> Response:
    """Show a form for the parameters of one operation and, when it is sent, address and answer.

    The operation is asked within this process, as whoever is signed in.

    Raises:
        InvalidInput: there is no such operation.
    """
    await get_guest(request)
    view = View.of(request)
    document = with_published(describe_30(request.app, view.base), request)
    operation = triable(document).get(request.query_params.get("operation", ""))
    if operation is None:
        raise InvalidInput(
            "names no operation that can be tried here; /docs lists them",
            message_zh="不是可在此试用的操作；操作列表见 /docs",
            pointer="operation",
        )
    given = {name: value for name, value in request.query_params.items() if value}
    address = _address_asked(operation, given)
    answer = None if address is None else await _ask_itself(request, view, *address)
    extra = {"operation": operation, "given": given, "answer": answer}
    return view.respond(
        document,
        template="try.html",
        formats=(HTML,),
        extra={**extra, "resource_name": resource_name},
    )


def _address_asked(operation: Operation, given: Mapping[str, str]) -> tuple[str, str] | None:
    """Path and query; None while the form is not sent or lacks a part of the path."""
    if "ask" not in given:
        return None
    path, query = operation.path, {}
    for parameter in operation.parameters:
        name, where = parameter["name"], parameter["in"]
        value = given.get(f"{where}.{name}")
        if where == "path" and value is None:
            return None
        if where == "path":
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        elif where == "query" and value is not None:
            query[name] = value
    return path, urlencode(query)


async def _ask_itself(request: Request, view: View, path: str, query: str) -> TriedAnswer:
    """The answer of this very service to a GET, or its beginning."""
    head: dict[str, Any] = {}
    body = bytearray()
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            head.update(message)
        elif len(body) <= MOST_SHOWN:
            body.extend(message.get("body", b""))

    passed = [pair for pair in request.scope["headers"] if pair[0] in PASSED_ON]
    scope = {
        **{name: value for name, value in request.scope.items() if name not in OF_ROUTING},
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [*passed, (b"accept", b"application/json, */*;q=0.5")],
        "state": {},
    }
    async with asyncio.timeout(LONGEST_S):
        await request.app(scope, receive, send)
    media_type = Headers(raw=head["headers"]).get("content-type", "")
    return TriedAnswer(
        f"{view.base}{path}{'?' if query else ''}{query}",
        head["status"],
        media_type,
        _legible(bytes(body), media_type),
        len(body) > MOST_SHOWN,
    )


OF_ROUTING = frozenset({"app", "endpoint", "fastapi_astack", "path_params", "route", "router"})
"""What a scope has of the request that tries."""


def _legible(body: bytes, media_type: str) -> str:
    """A body as it is read: JSON in lines, no bytes of pictures."""
    if len(body) <= MOST_SHOWN and "json" in media_type:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    if "json" in media_type or media_type.startswith("text/"):
        return body[:MOST_SHOWN].decode(errors="replace")
    return ""
