"""What is done with bulletins and their templates."""

import asyncio
from typing import Any

import orjson
from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.bulletins.publication import publish_draft
from shanhai.db.bulletins.queries import SeenBulletin, find_bulletin
from shanhai.db.bulletins.template import Template
from shanhai.db.bulletins.templates import StoredTemplate, demand_editor, store_template
from shanhai.db.queries.audit import Act
from shanhai.errors import InvalidInput, NotFound
from shanhai.processes.publish_bulletin.document.blocks import Picture
from shanhai.processes.publish_bulletin.document.composing import check_template, compose
from shanhai.processes.publish_bulletin.document.examples import example_contents
from shanhai.processes.publish_bulletin.document.page import render_page
from shanhai.vocabulary import Label, Lang
from shanhai_api.bulletins import documents
from shanhai_api.identity import Caller
from shanhai_api.jobs.files import REPORT_POLICY, send_file
from shanhai_api.negotiation import HTML, Format
from shanhai_api.once import Made
from shanhai_api.state import ServiceState
from shanhai_api.view import View, entity_tag

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


async def publish(
    session: AsyncSession,
    code: str,
    *,
    caller: Caller,
    view: View,
    act: Act,
    expected: frozenset[str] | None,
) -> Made:
    """Publish a draft, and show it as it is then."""
    await publish_draft(session, code, identity=caller, act=act, expected=expected)
    seen = await find_bulletin(session, code, caller.viewer)
    content = documents.describe_bulletin(seen, view, known=True)
    tag = entity_tag(seen.bulletin.state, orjson.dumps(content))
    return Made(content, {"ETag": f'"{tag}"'}, 200)


def send_document(state: ServiceState, view: View, seen: SeenBulletin, kind: Format) -> Response:
    """A document of a bulletin in the language asked for."""
    return send_named(state, view, seen, documents.file_name(kind, view.lang))


def send_named(state: ServiceState, view: View, seen: SeenBulletin, name: str) -> Response:
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


async def keep_template(
    session: AsyncSession,
    code: str,
    template: Template,
    *,
    caller: Caller,
    act: Act,
    expected: frozenset[str] | None,
) -> tuple[StoredTemplate, bool]:
    """Keep another version of a template that is right on what bulletins may tell."""
    demand_editor(caller)
    await demand_right(template)
    return await store_template(
        session, code, template, identity=caller, act=act, expected=expected
    )


async def demand_right(template: Template) -> None:
    """Refuse a template with a text that breaks a rule.

    Raises:
        InvalidInput: names every such text, the line and why.
    """
    faults = await asyncio.to_thread(lambda: check_template(template, example_contents(template)))
    if faults:
        raise InvalidInput(
            "the template has faults; nothing was kept",
            message_zh="公报模板有误，未保存",
            faults=faults,
        )


async def preview(caller: Caller, view: View, template: Template) -> Response:
    """A bulletin by the template, of invented content, as a page."""
    demand_editor(caller)
    await demand_right(template)
    page = await asyncio.to_thread(_preview_page, template, view.lang)
    headers = {"Content-Security-Policy": REPORT_POLICY, "Cache-Control": "no-store"}
    return view.send(page.encode(), f"{HTML.media_type}; charset=utf-8", headers=headers)


def _preview_page(template: Template, lang: Lang) -> str:
    content: dict[str, Any] = example_contents(template)[0]
    pictures = {
        kind: [Picture(caption.in_(lang), None) for caption in captions]
        for kind, captions in DRAWN.items()
    }
    return render_page(compose(template, content, pictures, lang))
