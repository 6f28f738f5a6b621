"""`/bulletin-templates`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import HTMLResponse

from shanhai.db.bulletins.template import Template
from shanhai.db.bulletins.templates import find_template, list_templates, list_versions
from shanhai.errors import NotFound
from shanhai_api.bulletins import operations
from shanhai_api.bulletins.models import (
    BulletinTemplate,
    BulletinTemplates,
    TemplateNamed,
    TemplateVersions,
    template_path,
)
from shanhai_api.bulletins.schemas import CODE, TemplateQuery, VersionsQuery
from shanhai_api.dependencies import KnownReader, Writer
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import BodyReader
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import IfMatch, Read, Write

router = APIRouter(tags=["bulletins"], route_class=Route)
Code = Annotated[str, Path(pattern=CODE, description="Code of the template")]
TemplateBody = Annotated[Template, Depends(BodyReader(Template, limit=512 * 1024))]


@router.get("/bulletin-templates", summary="What bulletins are made by")
async def show_templates(read: Read[KnownReader]) -> BulletinTemplates:
    """List the newest version of each template."""
    found = await list_templates(read.session)
    return BulletinTemplates(
        templates=[TemplateNamed.of(one, read) for one in found],
        links=read.self_links("/bulletin-templates"),
    )


@router.post(
    "/bulletin-templates/preview",
    summary="A page by a template that is not kept",
    response_class=HTMLResponse,
)
async def preview_template(read: Read[Writer], template: TemplateBody) -> Response:
    """Show a bulletin of invented content; a faulty template is refused with line and reason."""
    return await operations.preview(read.caller, read, template)


@router.get("/bulletin-templates/{template}", summary="One template")
async def show_template(
    read: Read[KnownReader], template: Code, query: Annotated[TemplateQuery, Query()]
) -> Answer[BulletinTemplate]:
    """Show a template in its newest version, or another."""
    return operations.shown_template(
        await find_template(read.session, template, query.version), read
    )


@router.get("/bulletin-templates/{template}/versions", summary="The versions of a template")
async def show_versions(
    read: Read[KnownReader], template: Code, query: Annotated[VersionsQuery, Query()]
) -> TemplateVersions:
    """List the versions of a template, the newest first."""
    rows = list(
        await list_versions(read.session, template, limit=query.limit + 1, before=query.before)
    )
    if not rows and query.before is None:
        raise NotFound(
            f"there is no template {template!r}", message_zh=f"没有公报模板 {template!r}"
        )
    page = rows[: query.limit]
    path = f"{template_path(template)}/versions"
    links = read.self_links(path)
    if len(rows) > query.limit:
        next_page = read.here(before=str(page[-1].version))
        links.append({**read.link(path, "next"), "href": next_page})
    return TemplateVersions(versions=[TemplateNamed.of(one, read) for one in page], links=links)


@router.put(
    "/bulletin-templates/{template}",
    summary="Keep a template",
    responses={
        201: {"model": BulletinTemplate, "description": "The first version of a new template"}
    },
)
async def put_template(
    write: Write[Writer], template: Code, expected: IfMatch, contents: TemplateBody
) -> Answer[BulletinTemplate]:
    """Keep another version of a template; bulletins made by former ones stay as they are."""
    return await operations.keep_template(write, template, contents, expected)
