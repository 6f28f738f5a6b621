"""Receiving the photos and other documents of cases."""

import asyncio
import hashlib
from uuid import uuid4

from shanhai.db.cases.documents import CasePaper, add_paper, demand_adder
from shanhai.db.projects.documents import checked_name
from shanhai.errors import InvalidInput
from shanhai.storage.file_types import demand_kind, kind_of
from shanhai_api.cases.models import CaseDocument
from shanhai_api.cases.schemas import CaseUploadQuery
from shanhai_api.dependencies import act_of
from shanhai_api.identity import Caller
from shanhai_api.kit.body import read_blocks
from shanhai_api.once import Made, once
from shanhai_api.state import ServiceState
from shanhai_api.uploads.receiving import append
from shanhai_api.view import View


async def receive(
    state: ServiceState,
    view: View,
    caller: Caller,
    case: str,
    query: CaseUploadQuery,
) -> Made:
    """Receive a file, look what it is, store it, and register it as a document of a case.

    Who may not add it is told before the body is read.
    """
    name = checked_name(query.filename)
    request = view.request
    kind = kind_of(request.headers.get("content-type", ""), name)
    if query.kind == "photo" and not kind.media_type.startswith("image/"):
        raise InvalidInput(
            f"a photo is an image, not {kind.media_type}",
            message_zh=f"照片须为图像，而非 {kind.media_type}",
            pointer="kind",
        )
    async with state.sessions() as session:
        await demand_adder(session, case, caller)
    path = state.store.upload_path(uuid4())
    try:
        limit = state.configuration.artifacts.document_limit_bytes
        digest = await append(path, 0, read_blocks(request, limit=limit))
        if not await asyncio.to_thread(lambda: path.stat().st_size):
            raise InvalidInput("the body is empty", message_zh="请求体为空", pointer="")
        await asyncio.to_thread(demand_kind, path, kind)
        stored = await asyncio.to_thread(state.store.put, path, suffix=kind.suffix)
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    paper = CasePaper(name, kind.media_type, query.kind, query.title_zh, query.title_en)
    async with state.unit() as unit:

        async def effect() -> Made:
            act = act_of(caller, view)
            row = await add_paper(unit.session, case, caller, act, paper, stored)
            location = view.url(f"/documents/{row.code}")
            return Made(CaseDocument.of(row, view).as_json(), {"Location": location})

        asked = hashlib.sha256(f"{digest} {paper}".encode()).hexdigest()
        return await once(request, unit, caller, body_sha256=asked, effect=effect)
