"""`/`, `/conformance`, `/api`, `/openapi.json`, `/docs`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel

from shanhai.db.collections.catalogue import COLLECTIONS, RECORDS
from shanhai_api.features.parameters import with_published
from shanhai_api.kit.answers import Answer, Document, Link
from shanhai_api.kit.dependencies import MAY_LOOK, TheState, TheView
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import HTML, JSON, OPENAPI, View
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
}
"""Where monitoring is found, and what a page calls it."""
WORK = {
    "/compliance/check": "check",
    "/bulletins": "bulletins",
    "/properties": "observed_properties",
    "/observations": "observations",
    "/notices": "notices",
    "/processes": "processes",
    "/jobs": "jobs",
    "/schedules": "schedules",
    "/projects/reserve": "reserve",
    "/balances": "balances",
    "/cases": "cases",
    "/alerts": "alerts",
    "/proposals": "proposals",
    "/webhooks": "webhooks",
}
"""What people come for besides the plan, and what a page calls it."""
PERSONAL = frozenset(
    {"/schedules", "/projects/reserve", "/cases", "/alerts", "/proposals", "/webhooks"}
)
"""What is only shown to people with an identity."""


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


@router.get("/", summary="Landing page", dependencies=[MAY_LOOK])
async def show_landing_page(view: TheView) -> Answer[LandingPage]:
    """Say what this is and where to go."""
    page = LandingPage(
        title=WORDS["title"].in_(view.lang),
        description=WORDS["subtitle"].in_(view.lang),
        links=landing_links(view),
    )
    listed = [entity for entity in RECORDS if entity.path and "{" not in entity.path]
    work = [(path, key) for path, key in WORK.items() if view.known or path not in PERSONAL]
    return Answer(page, page={"collections": COLLECTIONS, "records": listed, "work": work})


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
    document = with_published(describe_30(request.app, view.base), request)
    return view.respond(
        document,
        template="api.html",
        formats=(OPENAPI, HTML),
        extra=page_of(document, view),
    )


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


def page_of(document: Mapping[str, Any], view: View) -> dict[str, Any]:
    """The operations by what they are about; in Chinese what each resource is called as well."""
    found: dict[str, list[Operation]] = {tag: [] for tag in TAGS}
    for operation in operations_of(document):
        found[operation.tag].append(operation)
    groups = {TAGS[tag].in_(view.lang): some for tag, some in found.items() if some}
    return {"groups": groups, "resource_name": resource_name}


@router.get(
    "/docs",
    summary="This definition, to read",
    dependencies=[MAY_LOOK],
    response_class=HTMLResponse,
)
async def show_documentation(request: Request, view: TheView) -> Response:
    """Show the API's operations on a page."""
    document = with_published(describe_30(request.app, view.base), request)
    return view.respond(
        document,
        template="api.html",
        formats=(HTML,),
        extra=page_of(document, view),
    )
