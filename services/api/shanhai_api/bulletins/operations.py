"""What is done with bulletins and their templates."""

import asyncio
from typing import Any

from fastapi import Response

from shanhai.db.bulletins.publication import publish_draft
from shanhai.db.bulletins.queries import SeenBulletin, find_bulletin
from shanhai.db.bulletins.template import Template
from shanhai.db.bulletins.templates import StoredTemplate, demand_editor, store_template
from shanhai.errors import InvalidInput, NotFound
from shanhai.processes.publish_bulletin.document.composing import check_template, compose
from shanhai.processes.publish_bulletin.document.examples import example_contents
from shanhai.reporting.blocks import Picture, render_page
from shanhai.vocabulary import Label, Lang
from shanhai_api.bulletins.models import (
    Bulletin,
    BulletinTemplate,
    PublicBulletin,
    file_name,
    template_path,
)
from shanhai_api.identity import Caller
from shanhai_api.jobs.files import REPORT_POLICY, send_file
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.writing import Context, WriteContext
from shanhai_api.negotiation import HTML, Format
from shanhai_api.state import ServiceState
from shanhai_api.view import View

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


def shown(seen: SeenBulletin, context: Context) -> Answer[Bulletin]:
    """A bulletin and its state."""
    model = PublicBulletin if context.caller.anonymous else Bulletin
    return Answer(model.told(seen, context), state=seen.bulletin.state)


def shown_template(
    stored: StoredTemplate, view: View, location: str | None = None
) -> Answer[BulletinTemplate]:
    """A template and its version."""
    return Answer(BulletinTemplate.of(stored, view), state=str(stored.version), location=location)


async def publish(
    write: WriteContext, code: str, expected: frozenset[str] | None
) -> Answer[Bulletin]:
    """Publish a draft, and show it as it is then."""
    await publish_draft(
        write.session, code, identity=write.caller, act=write.act, expected=expected
    )
    return shown(await find_bulletin(write.session, code, write.caller.viewer), write)


def send_document(state: ServiceState, view: View, seen: SeenBulletin, kind: Format) -> Response:
    """A document of a bulletin in the language asked for."""
    return send_named(state, view, seen, file_name(kind, view.lang))


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
    write: WriteContext, code: str, template: Template, expected: frozenset[str] | None
) -> Answer[BulletinTemplate]:
    """Keep another version of a template that is right on what bulletins may tell."""
    demand_editor(write.caller)
    await demand_right(template)
    stored, new = await store_template(
        write.session, code, template, identity=write.caller, act=write.act, expected=expected
    )
    return shown_template(stored, write, location=template_path(code) if new else None)


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
