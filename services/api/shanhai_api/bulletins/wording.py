"""`/bulletins/{bulletin}/wording`: the words of a bulletin, changed until it is published."""

import asyncio
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.bulletins import publication
from shanhai.db.bulletins.publication import SeenBulletin, find_bulletin, state_tag
from shanhai.db.bulletins.template import Words
from shanhai.db.bulletins.templates import find_template
from shanhai.db.tables.delivery import Bulletin
from shanhai.errors import Conflict
from shanhai.processes.publish_bulletin.document.composing import (
    check_template,
    compose,
    title_of,
    write_out,
)
from shanhai.processes.publish_bulletin.document.files import (
    PICTURES,
    unpack_pictures,
    write_documents,
)
from shanhai.storage.artifacts import ArtifactStore
from shanhai.vocabulary import LANGUAGES, Label
from shanhai_api.bulletins import models
from shanhai_api.bulletins.routes import Code, preview_page, refuse, send_preview
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import BodyReader
from shanhai_api.kit.dependencies import IfMatch, KnownReader, Read, Write, Writer
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import View

router = APIRouter(tags=["bulletins"], route_class=Route)
WordingBody = Annotated[Words, Depends(BodyReader(Words, 512 * 1024, models.BulletinWording))]
PATH = "/bulletins/{bulletin}/wording"


@router.get(PATH, summary="The words of a bulletin")
async def show_wording(read: Read[KnownReader], bulletin: Code) -> Answer[models.BulletinWording]:
    """Show what a bulletin says; until somebody changes it, what its template made of its data."""
    seen = await find_bulletin(read.session, bulletin, read.caller.viewer)
    return shown(seen, await words_of(read.session, seen), read)


@router.put(PATH, summary="Change the words of a draft")
async def put_wording(
    write: Write[Writer], bulletin: Code, expected: IfMatch, wording: WordingBody
) -> Answer[models.BulletinWording]:
    """Change the words of a draft and make its documents anew; its data stay as they are."""
    # By itself, since making documents takes longer than a transaction may wait.
    async with write.state.sessions() as session:
        seen = await publication.find_draft(
            session, bulletin, identity=write.caller, expected=expected
        )
        if wording == await words_of(session, seen):
            return shown(seen, wording, write)
    row = seen.bulletin
    await demand_right(wording, row.content)
    async with write.state.exports:
        files = await asyncio.to_thread(make_files, write.state.store, row, wording)
    rewritten = publication.Rewritten(
        wording,
        title_zh=title_of(wording, row.content, "zh"),
        title_en=title_of(wording, row.content, "en"),
        files=files,
    )
    kept = await publication.keep_words(
        write.session,
        bulletin,
        rewritten,
        identity=write.caller,
        act=write.act,
        expected=frozenset({state_tag(row)}),
    )
    return shown(kept, wording, write)


@router.post(
    f"{PATH}/preview",
    summary="A draft in words that are not kept",
    response_class=HTMLResponse,
)
async def preview_wording(read: Read[Writer], bulletin: Code, wording: WordingBody) -> Response:
    """Show a draft in other words; faulty ones are refused with line and reason."""
    seen = await publication.find_draft(read.session, bulletin, identity=read.caller)
    content = seen.bulletin.content
    await demand_right(wording, content)
    page = await asyncio.to_thread(preview_page, wording, content, read.lang)
    return send_preview(read, page)


def shown(seen: SeenBulletin, wording: Words, view: View) -> Answer[models.BulletinWording]:
    """The words of a bulletin and its state."""
    return Answer(models.BulletinWording.of(seen, wording, view), state=state_tag(seen.bulletin))


async def words_of(session: AsyncSession, seen: SeenBulletin) -> Words:
    """What a bulletin says."""
    row = seen.bulletin
    if row.wording is not None:
        return Words.model_validate(row.wording)
    stored = await find_template(session, row.template, row.template_version)
    return await asyncio.to_thread(write_out, stored.template, row.content)


async def demand_right(wording: Words, content: Mapping[str, Any]) -> None:
    """Refuse words that break a rule, or ask for what the bulletin does not tell.

    Raises:
        InvalidInput: names every such text, the line and why.
    """
    faults = await asyncio.to_thread(check_template, wording, [content])
    refuse(faults, Label("公报文字", "the text"))


def make_files(store: ArtifactStore, row: Bulletin, wording: Words) -> dict[str, dict[str, Any]]:
    """The documents of a bulletin in other words, with the pictures that were drawn for it.

    Raises:
        Conflict: its pictures were not kept.
        NotFound: their package is gone.
    """
    kept = row.files.get(PICTURES)
    if kept is None:
        raise Conflict(
            f"the pictures of bulletin {row.code!r} were not kept; compose it anew",
            message_zh=f"公报 {row.code!r} 编制时未保存其中的图，请重新编制",
        )
    issued = date.fromisoformat(row.content["issued_on"])
    found: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory() as drawn, TemporaryDirectory() as folder:
        pictures = unpack_pictures(store.local_path(kept["uri"]), Path(drawn))
        for lang in LANGUAGES:
            pages = compose(wording, row.content, pictures[lang], lang)
            for file in write_documents(pages, issued, Path(folder)):
                path = Path(folder) / file.path
                stored = store.put(path, suffix=path.suffix)
                found[file.name] = {
                    "uri": stored.uri,
                    "sha256": stored.sha256,
                    "bytes": stored.bytes,
                    "media_type": file.media_type,
                }
    return found
