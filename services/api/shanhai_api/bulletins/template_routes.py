"""`/bulletin-templates`."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from shanhai.db.bulletins.template import Template
from shanhai.db.bulletins.templates import find_template, list_templates, list_versions
from shanhai.errors import NotFound
from shanhai_api.body_schema import body_of
from shanhai_api.bulletins import documents, operations
from shanhai_api.bulletins.schemas import CODE, TemplateQuery, VersionsQuery
from shanhai_api.dependencies import (
    KnownReader,
    PageQuery,
    ReadSession,
    TheUnit,
    TheView,
    Writer,
    act_of,
)
from shanhai_api.kit.body import parse, read_json
from shanhai_api.once import Made
from shanhai_api.preconditions import expected_states
from shanhai_api.view import entity_tag

router = APIRouter(tags=["bulletins"])
Parameters = Annotated[PageQuery, Query()]
Code = Annotated[str, Path(pattern=CODE, description="Code of the template")]
LIMIT_BYTES = 512 * 1024
BODY = body_of(Template)


@router.get("/bulletin-templates", summary="What bulletins are made by")
async def show_templates(
    view: TheView, caller: KnownReader, query: Parameters, session: ReadSession
) -> Response:
    """List the newest version of each template."""
    rows = documents.list_of_templates(await list_templates(session), view)
    links = view.self_links("/bulletin-templates")
    return view.respond({"templates": rows, "links": links})


@router.post(
    "/bulletin-templates/preview",
    summary="A page by a template that is not kept",
    openapi_extra=BODY,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def preview_template(
    request: Request, view: TheView, caller: Writer, query: Parameters
) -> Response:
    """Show a bulletin of invented content; a faulty template is refused with line and reason."""
    body = await read_json(request, limit=LIMIT_BYTES)
    return await operations.preview(caller, view, parse(Template, body.value))


@router.get("/bulletin-templates/{template}", summary="One template")
async def show_template(
    view: TheView,
    caller: KnownReader,
    template: Code,
    query: Annotated[TemplateQuery, Query()],
    session: ReadSession,
) -> Response:
    """Show a template in its newest version, or another."""
    stored = await find_template(session, template, query.version)
    document = documents.describe_template(stored, view)
    return view.respond(document, state=str(stored.version))


@router.get("/bulletin-templates/{template}/versions", summary="The versions of a template")
async def show_versions(
    view: TheView,
    caller: KnownReader,
    template: Code,
    query: Annotated[VersionsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List the versions of a template, the newest first."""
    rows = list(await list_versions(session, template, limit=query.limit + 1, before=query.before))
    if not rows and query.before is None:
        raise NotFound(
            f"there is no template {template!r}", message_zh=f"没有公报模板 {template!r}"
        )
    page = rows[: query.limit]
    path = f"{documents.template_path(template)}/versions"
    links = view.self_links(path)
    if len(rows) > query.limit:
        next_page = view.here(before=str(page[-1].version))
        links.append({**view.link(path, "next"), "href": next_page})
    return view.respond({"versions": documents.list_of_templates(page, view), "links": links})


@router.put(
    "/bulletin-templates/{template}",
    summary="Keep a template",
    openapi_extra=BODY,
    responses={201: {"description": "The first version of a new template"}},
)
async def put_template(
    request: Request,
    view: TheView,
    caller: Writer,
    template: Code,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Keep another version of a template; bulletins made by former ones stay as they are."""
    expected = expected_states(request)
    body = await read_json(request, limit=LIMIT_BYTES)
    stored, new = await operations.keep_template(
        unit.session,
        template,
        parse(Template, body.value),
        caller=caller,
        act=act_of(caller, view),
        expected=expected,
    )
    content = documents.describe_template(stored, view)
    tag = entity_tag(str(stored.version), orjson.dumps(content))
    headers = {"ETag": f'"{tag}"'}
    if new:
        headers["Location"] = view.url(documents.template_path(template))
    return Made(content, headers, 201 if new else 200).response({"Cache-Control": "no-store"})
