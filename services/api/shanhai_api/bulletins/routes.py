"""`/bulletins` and `/bulletin-templates`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import HTMLResponse

from shanhai.db.bulletins import publication
from shanhai.db.bulletins.template import Template, Words
from shanhai.db.bulletins.templates import (
    StoredTemplate,
    demand_editor,
    find_template,
    list_templates,
    list_versions,
    store_template,
)
from shanhai.errors import Fault, InvalidInput, NotFound
from shanhai.processes.publish_bulletin.contract import PUBLISH_BULLETIN
from shanhai.processes.publish_bulletin.document.composing import check_template, compose
from shanhai.processes.publish_bulletin.document.examples import example_contents
from shanhai.reporting.blocks import Picture, render_page
from shanhai.vocabulary import Label, Lang
from shanhai_api.bulletins import models
from shanhai_api.jobs.results import REPORT_POLICY, send_file
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import BodyReader
from shanhai_api.kit.dependencies import (
    Context,
    IfMatch,
    KnownReader,
    Read,
    Reader,
    Write,
    WriteContext,
    Writer,
)
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.routing import FILE, Route
from shanhai_api.kit.state import ServiceState
from shanhai_api.kit.view import DOCX, HTML, PDF, Format, View, choose_format

DRAWN = {
    "indicators": (Label("指标状态", "Indicators by status"),),
    "series": (Label("主要监测项目的变化", "Course of main properties"),),
    "map": (
        Label("生态保护修复分区与生态廊道", "Zones and corridors"),
        Label("监测站点与预警", "Stations and alerts"),
    ),
    "projects": (Label("项目状态", "Projects by state"),),
}
"""Pictures by kind of section; previews tell where they stand."""


def shown(seen: publication.SeenBulletin, context: Context) -> Answer[models.Bulletin]:
    """A bulletin and its state."""
    model = models.PublicBulletin if context.caller.anonymous else models.Bulletin
    return Answer(model.told(seen, context), state=publication.state_tag(seen.bulletin))


def shown_template(
    stored: StoredTemplate, view: View, location: str | None = None
) -> Answer[models.BulletinTemplate]:
    """A template and its version."""
    return Answer(
        models.BulletinTemplate.of(stored, view), state=str(stored.version), location=location
    )


async def publish(
    write: WriteContext, code: str, expected: frozenset[str] | None
) -> Answer[models.Bulletin]:
    """Publish a draft, and show it as it is then."""
    await publication.publish_draft(
        write.session, code, identity=write.caller, act=write.act, expected=expected
    )
    return shown(await publication.find_bulletin(write.session, code, write.caller.viewer), write)


def send_document(
    state: ServiceState, view: View, seen: publication.SeenBulletin, kind: Format
) -> Response:
    """A document of a bulletin in the language asked for."""
    return send_named(state, view, seen, models.file_name(kind, view.lang))


def send_named(
    state: ServiceState, view: View, seen: publication.SeenBulletin, name: str
) -> Response:
    """A file of a bulletin.

    Raises:
        NotFound: there is none of this name; it may be that it could not be made.
    """
    file = seen.bulletin.files.get(name)
    if file is None:
        raise NotFound(
            f"bulletin {seen.bulletin.code!r} has no file {name!r}",
            message_zh=f"公报 {seen.bulletin.code!r} 没有文件 {name!r}",
        )
    return send_file(view, state.store, f"{seen.bulletin.code}.{name}", file)


async def demand_right(template: Template) -> None:
    """Refuse a template with a text that breaks a rule.

    Raises:
        InvalidInput: names every such text, the line and why.
    """
    faults = await asyncio.to_thread(lambda: check_template(template, example_contents(template)))
    refuse(faults, Label("公报模板", "the template"))


def refuse(faults: Sequence[Fault], what: Label) -> None:
    """Refuse texts that have faults.

    Raises:
        InvalidInput: names every such text, the line and why.
    """
    if faults:
        raise InvalidInput(
            f"{what.en} has faults; nothing was kept",
            message_zh=f"{what.zh}有误，未保存",
            faults=faults,
        )


async def preview(caller: Caller, view: View, template: Template) -> Response:
    """A bulletin by the template, of invented content, as a page."""
    demand_editor(caller)
    await demand_right(template)
    page = await asyncio.to_thread(
        lambda: preview_page(template, example_contents(template)[0], view.lang)
    )
    return send_preview(view, page)


def send_preview(view: View, page: str) -> Response:
    """A page that nobody keeps."""
    headers = {"Content-Security-Policy": REPORT_POLICY, "Cache-Control": "no-store"}
    return view.send(page.encode(), f"{HTML.media_type}; charset=utf-8", headers=headers)


def preview_page(wording: Words, content: Mapping[str, Any], lang: Lang) -> str:
    """A bulletin in some words as a page, with the places of its pictures."""
    pictures = {
        kind: [Picture(caption.in_(lang), None) for caption in captions]
        for kind, captions in DRAWN.items()
    }
    return render_page(compose(wording, content, pictures, lang))


router = APIRouter(tags=["bulletins"], route_class=Route)
Code = Annotated[str, Path(max_length=200, description="Code of the bulletin")]
FileName = Annotated[str, Path(pattern=r"^[a-z_]{1,40}$", description="Name of the file")]


@router.get("/bulletins", summary="Bulletins, those of the latest periods first")
async def show_bulletins(
    read: Read[Reader], query: Annotated[models.BulletinsQuery, Query()]
) -> models.Bulletins:
    """List what is published, and drafts of the regions one works in."""
    asked = publication.BulletinFilter(query.region, query.state, query.first, query.last)
    rows = await publication.list_bulletins(
        read.session, read.caller.viewer, asked, limit=query.limit + 1, before=query.place
    )
    page = rows[: query.limit]
    links = read.self_links("/bulletins")
    if len(rows) > query.limit:
        last = page[-1].bulletin
        place = f"{last.last_day.isoformat()}-{last.id}"
        links.append({**read.link("/bulletins", "next"), "href": read.here(before=place)})
    links.append(read.link(f"/processes/{PUBLISH_BULLETIN.id}", "related"))
    return models.Bulletins(
        bulletins=[models.BulletinHead.of(seen, read) for seen in page], links=links
    )


@router.get("/bulletins/{bulletin}", summary="One bulletin, for ever")
async def show_bulletin(
    read: Read[Reader], bulletin: Code, _query: Annotated[models.BulletinQuery, Query()]
) -> Answer[models.Bulletin] | Response:
    """Show a bulletin with the hashes of its files, or send it as PDF or DOCX."""
    seen = await publication.find_bulletin(read.session, bulletin, read.caller.viewer)
    chosen = choose_format(read.request, models.FORMATS)
    if chosen in {PDF, DOCX}:
        return send_document(read.state, read, seen, chosen)
    return shown(seen, read)


@router.get(
    "/bulletins/{bulletin}/files/{file}",
    summary="A file of a bulletin",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {"schema": FILE}}}},
)
async def send_bulletin_file(read: Read[Reader], bulletin: Code, file: FileName) -> Response:
    """Send a file as it was hashed; its ETag is the hash."""
    seen = await publication.find_bulletin(read.session, bulletin, read.caller.viewer)
    return send_named(read.state, read, seen, file)


@router.post("/bulletins/{bulletin}/publish", summary="Publish a draft")
async def publish_bulletin(
    write: Write[Writer], bulletin: Code, expected: IfMatch
) -> Answer[models.Bulletin]:
    """Publish a draft: from then on nothing of it changes."""
    return await publish(write, bulletin, expected)


templates = APIRouter(tags=["bulletins"], route_class=Route)
TemplateCode = Annotated[str, Path(pattern=models.CODE, description="Code of the template")]
TemplateBody = Annotated[
    Template, Depends(BodyReader(Template, 512 * 1024, models.BulletinTemplate))
]


@templates.get("/bulletin-templates", summary="What bulletins are made by")
async def show_templates(read: Read[KnownReader]) -> models.BulletinTemplates:
    """List the newest version of each template."""
    found = await list_templates(read.session)
    return models.BulletinTemplates(
        templates=[models.TemplateNamed.of(one, read) for one in found],
        links=read.self_links("/bulletin-templates"),
    )


@templates.post(
    "/bulletin-templates/preview",
    summary="A page by a template that is not kept",
    response_class=HTMLResponse,
)
async def preview_template(read: Read[Writer], template: TemplateBody) -> Response:
    """Show a bulletin of invented content; a faulty template is refused with line and reason."""
    return await preview(read.caller, read, template)


@templates.get("/bulletin-templates/{template}", summary="One template")
async def show_template(
    read: Read[KnownReader], template: TemplateCode, query: Annotated[models.TemplateQuery, Query()]
) -> Answer[models.BulletinTemplate]:
    """Show a template in its newest version, or another."""
    return shown_template(await find_template(read.session, template, query.version), read)


@templates.get("/bulletin-templates/{template}/versions", summary="The versions of a template")
async def show_versions(
    read: Read[KnownReader], template: TemplateCode, query: Annotated[models.VersionsQuery, Query()]
) -> models.TemplateVersions:
    """List the versions of a template, the newest first."""
    rows = list(
        await list_versions(read.session, template, limit=query.limit + 1, before=query.before)
    )
    if not rows and query.before is None:
        raise NotFound(
            f"there is no template {template!r}", message_zh=f"没有公报模板 {template!r}"
        )
    page = rows[: query.limit]
    path = f"{models.template_path(template)}/versions"
    links = read.self_links(path)
    if len(rows) > query.limit:
        next_page = read.here(before=str(page[-1].version))
        links.append({**read.link(path, "next"), "href": next_page})
    return models.TemplateVersions(
        versions=[models.TemplateNamed.of(one, read) for one in page], links=links
    )


@templates.put(
    "/bulletin-templates/{template}",
    summary="Keep a template",
    responses={
        201: {
            "model": models.BulletinTemplate,
            "description": "The first version of a new template",
        }
    },
)
async def put_template(
    write: Write[Writer], template: TemplateCode, expected: IfMatch, contents: TemplateBody
) -> Answer[models.BulletinTemplate]:
    """Keep another version of a template; bulletins made by former ones stay as they are."""
    demand_editor(write.caller)
    await demand_right(contents)
    stored, new = await store_template(
        write.session, template, contents, identity=write.caller, act=write.act, expected=expected
    )
    location = models.template_path(template) if new else None
    return shown_template(stored, write, location=location)
